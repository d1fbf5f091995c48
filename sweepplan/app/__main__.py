"""What ``sweepplan app`` hands to Streamlit."""

from sweepplan.app import main

main()
