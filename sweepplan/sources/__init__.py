"""Feeds to incidents: one file a feed, one reader for plain tables; and the layers of a city's sites and places."""

from sweepplan.sources.download import Fetched, fetch
from sweepplan.sources.feeds import FEEDS, read, read_file
from sweepplan.sources.guess import Guess, guess_mapping
from sweepplan.sources.logs import LOGS, LogReading, read_log
from sweepplan.sources.merging import concat, flag_near, merge_repeats
from sweepplan.sources.paging import REMOTES, Query
from sweepplan.sources.places import read_places
from sweepplan.sources.plain import load_mapping
from sweepplan.sources.quality import gaps, quality, quality_lines
from sweepplan.sources.reading import Feed, Reading
from sweepplan.sources.sites import read_sites

__all__ = [
    "FEEDS",
    "LOGS",
    "REMOTES",
    "Feed",
    "Fetched",
    "Guess",
    "LogReading",
    "Query",
    "Reading",
    "concat",
    "fetch",
    "flag_near",
    "gaps",
    "guess_mapping",
    "load_mapping",
    "merge_repeats",
    "quality",
    "quality_lines",
    "read",
    "read_file",
    "read_log",
    "read_places",
    "read_sites",
]
