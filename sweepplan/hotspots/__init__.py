"""Where incidents gather: counts by cell and day, the ranking of cells and places, and hotspots as outlined areas."""

from sweepplan.hotspots.alerts import METHODS, Alarm, Episode, Watch, watch
from sweepplan.hotspots.backtest import BANDS, SHARES, Backtest, Trial, backtest, backtest_streets
from sweepplan.hotspots.blend import Blend, Plane, Shares
from sweepplan.hotspots.clusters import Clusters, find_hotspots
from sweepplan.hotspots.cube import Cube, Grid
from sweepplan.hotspots.drift import drift
from sweepplan.hotspots.forecast import Forecast, forecast, street_forecast
from sweepplan.hotspots.level import Days, Level, expect
from sweepplan.hotspots.lixels import Lixels
from sweepplan.hotspots.places import place_rates
from sweepplan.hotspots.scan import Scan
from sweepplan.hotspots.surface import Recency, rate_surface
from sweepplan.hotspots.yields import Sweeping, Yields, looked, yields

__all__ = [
    "BANDS",
    "METHODS",
    "SHARES",
    "Alarm",
    "Backtest",
    "Blend",
    "Clusters",
    "Cube",
    "Days",
    "Episode",
    "Forecast",
    "Grid",
    "Level",
    "Lixels",
    "Plane",
    "Recency",
    "Scan",
    "Shares",
    "Sweeping",
    "Trial",
    "Watch",
    "Yields",
    "backtest",
    "backtest_streets",
    "drift",
    "expect",
    "find_hotspots",
    "forecast",
    "looked",
    "place_rates",
    "rate_surface",
    "street_forecast",
    "watch",
    "yields",
]
