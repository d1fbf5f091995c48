"""The app: one page a role, each answers its question before anything is clicked."""

from __future__ import annotations

from pathlib import Path

__all__ = ["SCRIPT"]

SCRIPT = Path(__file__).with_name("script.py")
"""What Streamlit runs for everybody who looks at a page, again after every click."""
