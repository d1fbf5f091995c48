"""Published tables → one self-contained page with a map, drawn without any outside request."""

from sweepplan.maps.assets import asset
from sweepplan.maps.background import basemap
from sweepplan.maps.drawing import draw, live
from sweepplan.maps.words import safe_text

__all__ = ["asset", "basemap", "draw", "live", "safe_text"]
