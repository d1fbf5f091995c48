"""sweepplan: the open planner for sharps teams."""

__version__ = "0.1.0"
