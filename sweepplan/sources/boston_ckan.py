"""Boston's 311 cases as its open-data portal answers for them, ``boston-ckan``: rows of a CKAN data store.

The records have the columns of the city's exports and are read as those are (:mod:`sweepplan.sources.boston311`), under
the same source, so that a case downloaded and the same case of an export are one.
"""

from sweepplan.sources import boston311
from sweepplan.sources.reading import Feed

FEED = Feed(
    "boston-ckan",
    "City of Boston 311 service requests, JSON of the open-data portal (CKAN data store)",
    "needle",
    boston311.parse,
    boston311.FEED.columns,
    boston311.FEED.options,
)
