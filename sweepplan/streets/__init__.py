"""The street network: load, download, snap, travel times, ways along the streets. Alone knows osmnx and networkx."""

from sweepplan.streets.download import download_graph
from sweepplan.streets.network import Leg, Snaps, StreetNetwork, area_of
from sweepplan.streets.read import read_graph

__all__ = ["Leg", "Snaps", "StreetNetwork", "area_of", "download_graph", "read_graph"]
