"""Published tables → one self-contained page with a map, drawn without any outside request."""

from sweepplan.maps.drawing import draw
from sweepplan.maps.words import safe_text

__all__ = ["draw", "safe_text"]
