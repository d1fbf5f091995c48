"""What ``sweepplan app`` starts."""

import streamlit as st

from sweepplan.app import SCRIPT, server

app = st.App(SCRIPT, routes=server.routes(), middleware=server.middleware(), lifespan=server.lifespan)

if __name__ == "__main__":
    app.run(config=server.CONFIG)
