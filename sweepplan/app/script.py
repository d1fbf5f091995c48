"""Run by Streamlit, from top to bottom, after every click."""

from sweepplan.app.frame import main

if __name__ == "__main__":
    main()
