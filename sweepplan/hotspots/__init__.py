"""Where incidents gather: counts by cell and day, the ranking of cells and places, and hotspots as outlined areas."""

from sweepplan.hotspots.clusters import Clusters, find_hotspots
from sweepplan.hotspots.cube import Cube, Grid
from sweepplan.hotspots.places import place_rates
from sweepplan.hotspots.surface import Recency, rate_surface

__all__ = ["Clusters", "Cube", "Grid", "Recency", "find_hotspots", "place_rates", "rate_surface"]
