import streamlit as st

from sweepplan.app import SCRIPT, server

app = st.App(SCRIPT, routes=server.routes(), middleware=server.middleware(), lifespan=server.lifespan)
