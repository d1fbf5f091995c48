"""The made-up city that ``data/`` holds, with its known truth."""

from sweepplan.demo.building import build, folder

__all__ = ["build", "folder"]
