"""Where incidents gather: counts by cell and day, the ranking of cells and places, and hotspots as outlined areas."""

from sweepplan.hotspots.backtest import BANDS, SHARES, Backtest, Trial, backtest, backtest_streets
from sweepplan.hotspots.blend import Blend, Plane, Shares
from sweepplan.hotspots.clusters import Clusters, find_hotspots
from sweepplan.hotspots.cube import Cube, Grid
from sweepplan.hotspots.forecast import Forecast, forecast, street_forecast
from sweepplan.hotspots.level import Days, Level, expect
from sweepplan.hotspots.lixels import Lixels
from sweepplan.hotspots.places import place_rates
from sweepplan.hotspots.surface import Recency, rate_surface
from sweepplan.hotspots.yields import Sweeping, Yields, looked, yields

__all__ = [
    "BANDS",
    "SHARES",
    "Backtest",
    "Blend",
    "Clusters",
    "Cube",
    "Days",
    "Forecast",
    "Grid",
    "Level",
    "Lixels",
    "Plane",
    "Recency",
    "Shares",
    "Sweeping",
    "Trial",
    "Yields",
    "backtest",
    "backtest_streets",
    "expect",
    "find_hotspots",
    "forecast",
    "looked",
    "place_rates",
    "rate_surface",
    "street_forecast",
    "yields",
]
