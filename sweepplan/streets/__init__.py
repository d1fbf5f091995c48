"""The street network: load, download, snap, travel times, ways along the streets. Alone knows osmnx and networkx."""

from sweepplan.streets.download import download_boundary, download_features, download_graph, download_streets, graphml
from sweepplan.streets.legs import Leg, Step, joined
from sweepplan.streets.network import StreetNetwork, area_of
from sweepplan.streets.read import read_graph
from sweepplan.streets.snaps import Snaps
from sweepplan.streets.turns import TurnCosts

__all__ = [
    "Leg",
    "Snaps",
    "Step",
    "StreetNetwork",
    "TurnCosts",
    "area_of",
    "download_boundary",
    "download_features",
    "download_graph",
    "download_streets",
    "graphml",
    "joined",
    "read_graph",
]
