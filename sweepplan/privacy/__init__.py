"""The gate: what may be seen of a run. Nothing is drawn, written or shown that did not pass here."""

from sweepplan.privacy.figures import about, pooled, quantile, share
from sweepplan.privacy.gate import Published, publish
from sweepplan.privacy.policy import ROLES, Policy, roles_markdown
from sweepplan.privacy.text import only_xml, to_csv, to_xlsx

__all__ = [
    "ROLES",
    "Policy",
    "Published",
    "about",
    "only_xml",
    "pooled",
    "publish",
    "quantile",
    "roles_markdown",
    "share",
    "to_csv",
    "to_xlsx",
]
