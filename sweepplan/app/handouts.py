"""A plan as documents: sheets, tracks, tables, links; each made when somebody asks for it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pandas as pd

from sweepplan.app.access import LEAD
from sweepplan.app.documents import XLSX, Document
from sweepplan.errors import SolverError
from sweepplan.pipeline import Kiosks
from sweepplan.privacy import Published, to_csv
from sweepplan.report import (
    can_print,
    kiosks_geojson,
    map_links,
    packet_html,
    print_pdf,
    route_sheet,
    route_sheets,
    routes_csv,
    routes_geojson,
    routes_gpx,
    routes_xlsx,
)

_HTML = "text/html; charset=utf-8"


def of_plan(
    about: str, shown: Published, handed: Callable[[], Published]
) -> tuple[Mapping[str, Document], Mapping[str, Document]]:
    """Return what a plan is printed as, and the files it leaves as, by their labels.

    Parameters
    ----------
    about : what tells this plan from every other.
    shown : the plan, for its crews.
    handed : makes what leaves, once.
    """
    once = cache(handed)

    def document(name: str, media: str, make: Callable[[], str | bytes]) -> Document:
        def content() -> bytes:
            made = make()
            return made if isinstance(made, bytes) else made.encode()

        return Document(about, content, media, LEAD, name, f"exported {name}")

    papers = {"All crews": document("sheets.html", _HTML, lambda: route_sheets(once()))}
    if can_print():
        pdf = document("sheets.pdf", "application/pdf", lambda: _printed(route_sheets(once())))
        papers = {"All crews (PDF)": pdf, **papers}
    for n, crew in enumerate(shown.table("routes").index, 1):
        papers[f"Crew {crew}"] = document(f"sheet-{n}.html", _HTML, _sheet(once, str(crew)))
    files = {
        "Tracks (GPX)": document("routes.gpx", "application/gpx+xml", lambda: routes_gpx(once())),
        "Stops (CSV)": document("stops.csv", "text/csv", lambda: routes_csv(once())),
        "Stops (Excel)": document("stops.xlsx", XLSX, lambda: routes_xlsx(once())),
        "Map (GeoJSON)": document("routes.geojson", "application/geo+json", lambda: routes_geojson(once())),
        "Map links (CSV)": document("links.csv", "text/csv", lambda: to_csv(map_links(once()))),
    }
    return papers, files


def of_kiosks(about: str, shown: Published, kiosks: Kiosks, as_of: pd.Timestamp) -> Mapping[str, Document]:
    """Return the packet that a council approves, as a page and printed, and the kiosks for other maps."""
    study = kiosks.study

    def page() -> str:
        return packet_html(
            shown, study.problem, kiosks.plan, kiosks.counted, as_of=as_of, walks=study.walks, kind=study.kind
        )

    def document(name: str, media: str, make: Callable[[], bytes]) -> Document:
        return Document(about, make, media, frozenset({"planner"}), name, f"exported {name}")

    papers = {"Approval packet": document("kiosk_packet.html", _HTML, lambda: page().encode())}
    if can_print():
        papers["Approval packet (PDF)"] = document("kiosk_packet.pdf", "application/pdf", lambda: _printed(page()))
    geojson = "application/geo+json"
    return {**papers, "Map (GeoJSON)": document("kiosks.geojson", geojson, lambda: kiosks_geojson(shown).encode())}


def _sheet(handed: Callable[[], Published], crew: str) -> Callable[[], str]:
    return lambda: route_sheet(handed(), crew)


def _printed(page: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sheets.html"
        path.write_text(page, encoding="utf-8")
        pdf = print_pdf(path)
        if pdf is None:
            raise SolverError("the sheets could not be printed: open them as a page and print that")
        return pdf.read_bytes()
