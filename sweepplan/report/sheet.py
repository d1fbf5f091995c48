"""The printed sheet of a crew: numbered stops, the way between them street by street, boxes for counts."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from sweepplan.errors import PlanError
from sweepplan.privacy import Published
from sweepplan.report.codes import way_codes
from sweepplan.report.links import map_links
from sweepplan.report.strip import map_strip
from sweepplan.tables import STOP_KINDS

PDF_LIMIT_S = 120.0
"""So long printing may take."""

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_STYLE = (Path(__file__).parent / "sheet.css").read_text(encoding="utf-8")
_HAND_BACK = "Contains request locations: hand back at end of shift"


def route_sheet(shown: Published, crew: str) -> str:
    """Return the sheet as one HTML page, black on white, for A4 and Letter; no script, no outside file.

    Raises
    ------
    PlanError
        The crew has no route that passed the gate.
    """
    known = shown.table("routes").index
    if crew not in known:
        raise PlanError(f"no route of crew {crew!r}: one of {', '.join(map(str, known)) or 'none'}")
    return _page(shown, [crew])


def route_sheets(shown: Published) -> str:
    """Return the sheets of all crews as one page of HTML; each crew's begins on a new page of paper."""
    return _page(shown, [str(crew) for crew in shown.table("routes").index])


def _page(shown: Published, crews: Sequence[str]) -> str:
    rules = "".join(
        f"@page sheet{n} {{ @bottom-left {{ content: {_css(_HAND_BACK)}; }} @bottom-right {{ content: "
        f'{_css(f"Crew {crew} · page ")} counter(page) " of " counter(pages); }} }} #sheet{n} {{ page: sheet{n}; }}\n'
        for n, crew in enumerate(crews, 1)
    )
    sheets = "".join(f'<article id="sheet{n}">{_sheet(shown, crew)}</article>' for n, crew in enumerate(crews, 1))
    title = _title(shown, crews[0]) if len(crews) == 1 else f"Sheets of {len(crews)} crews · {shown.label}"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}
{rules}</style></head><body>{sheets}</body></html>
"""


def _title(shown: Published, crew: str) -> str:
    begins = shown.local(shown.table("routes")["starts_at"][crew])
    return f"Crew {crew} · {begins:%a} {begins.day} {begins:%b %Y} · {shown.label}"


def _sheet(shown: Published, crew: str) -> str:
    routes, stops, legs = (shown.table(name) for name in ("routes", "stops", "legs"))
    route: Any = routes.loc[crew]
    mine = stops[stops["crew"] == crew].sort_values("seq")
    ways = legs[legs["crew"] == crew].set_index("seq")["directions"].to_dict()
    begins, back = shown.local(route["starts_at"]), shown.local(route["ends_at"])
    title = _title(shown, crew)
    figures = (
        (f"{begins:%H:%M}", "leave"),
        (f"{back:%H:%M}", "back"),
        (f"{len(mine)}", "stops"),
        (shown.area.distance(route["drive_m"]), "on the way"),
        (f"{route['expected_needles']:.0f}", "needles expected"),
    )
    rows = "".join(_stop(stop, ways.get(stop.seq, ""), shown) for stop in mine.itertuples())
    home = _way(ways.get(len(mine) + 1, ""))
    return f"""<header><b class="crew">{escape(crew)}</b><div><h1>{escape(title)}</h1>
<p class="figures">{"".join(f"<span><b>{escape(n)}</b> {what}</span>" for n, what in figures)}</p></div></header>
{map_strip(shown.table("streets"), gpd.GeoDataFrame(routes.loc[[crew]], crs=routes.crs), mine, unit=shown.area.unit)}
{_CONTAINERS}
<table><thead><tr><th>Stop</th><th>Where</th><th>Time</th><th>Count</th><th>Note</th></tr></thead>{rows}
<tbody><tr class="way"><td></td><td colspan="4">{home}</td></tr>
<tr><td class="number">⌂</td><td><b>Back at the depot</b></td><td class="time"><b>{back:%H:%M}</b></td>
<td class="box"></td><td>total</td></tr></tbody></table>
{_CARD}{_codes(shown, crew)}{_withheld(shown)}<p class="screen">{_links(shown, crew)}</p>"""


def write_sheets(shown: Published, folder: Path) -> list[Path]:
    """Write ``sheet-CREW.html`` of every crew that goes out; return the files."""
    files = []
    for number, crew in enumerate(shown.table("routes").index, 1):
        plain = "".join(c for c in str(crew) if c.isascii() and (c.isalnum() or c in "-_")) or str(number)
        path = folder / f"sheet-{plain}.html"
        path = folder / f"sheet-{plain}-{number}.html" if path in files else path
        path.write_text(route_sheet(shown, str(crew)), encoding="utf-8")
        files.append(path)
    return files


def can_print() -> bool:
    """Return whether a Chromium to print with is on the path."""
    return any(map(shutil.which, _BROWSERS))


def print_pdf(page: Path) -> Path | None:
    """Print a page as PDF beside it with the Chromium on the path; None where there is none, or it fails."""
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        return None
    pdf = page.with_suffix(".pdf")
    flags = ("headless", "no-sandbox", "disable-gpu", "no-pdf-header-footer", f"print-to-pdf={pdf.resolve()}")
    command = [browser, *(f"--{flag}" for flag in flags), page.resolve().as_uri()]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=PDF_LIMIT_S)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    return pdf if pdf.is_file() else None


def _stop(stop: Any, directions: str, shown: Published) -> str:
    arrives, leaves = shown.local(stop.arrives_at), shown.local(stop.leaves_at)
    expected = f"about {stop.expected_needles:.0f} expected" if stop.expected_needles >= 0.5 else "few expected"
    return f"""<tbody><tr class="way"><td></td><td colspan="4">{_way(directions)}</td></tr>
<tr><td class="number">{stop.seq}</td><td><b>{escape(stop.name)}</b><br>{STOP_KINDS[stop.kind]} · {expected}</td>
<td class="time"><b>{arrives:%H:%M}</b> to {leaves:%H:%M}{_due(stop, shown)}</td><td class="box"></td><td></td></tr>
</tbody>"""


def _due(stop: Any, shown: Published) -> str:
    """Say how much later than planned work may begin there, and when the stop is due."""
    spare = _spare(stop.slack_min)
    if pd.isna(stop.due_at):
        return spare
    due = shown.local(stop.due_at)
    day = "" if due.date() == shown.local(stop.arrives_at).date() else f"{due:%a} {due.day} {due:%b} "
    if stop.due_at < stop.arrives_at:
        return f"{spare}<br><b>OVER DUE</b> since {day}{due:%H:%M}"
    return f"{spare}<br>due {day}{due:%H:%M}"


def _spare(slack_min: Any) -> str:
    if pd.isna(slack_min):
        return ""
    hours, minutes = divmod(int(slack_min), 60)
    return f"<br>{f'{hours} h {minutes:02d}' if hours else f'{minutes} min'} to spare"


def _way(directions: str) -> str:
    return " → ".join(escape(line) for line in directions.splitlines())


def _links(shown: Published, crew: str) -> str:
    """Return the links for a phone: on the screen only, as they tell a map company where the crew goes."""
    links = map_links(shown)
    return " · ".join(
        f"stops {row.first_stop} to {row.last_stop}: "
        f'<a rel="noreferrer" href="{escape(str(row.google))}">Google Maps</a>, '
        f'<a rel="noreferrer" href="{escape(str(row.apple))}">Apple Maps</a>'
        for row in links[links["crew"] == crew].itertuples()
    )


def _codes(shown: Published, crew: str) -> str:
    """Return the way as codes for a phone's camera, so that a link need not be sent."""
    said = "The way on a phone: scan with its camera. Google then knows where you go."
    codes = (f"<figure>{svg}<figcaption>{which}</figcaption></figure>" for which, svg in way_codes(shown, crew))
    return f'<section class="codes"><h2>{said}</h2>{"".join(codes)}</section>'


def _withheld(shown: Published) -> str:
    return "".join(f"<p>Withheld: {escape(words)}.</p>" for words in shown.withheld_words())


def _css(text: str) -> str:
    """Return ``text`` as a CSS string that can end neither itself nor the style."""
    return '"' + "".join(c if c.isalnum() or c in " ·:" else f"\\{ord(c):x} " for c in text) + '"'


_CONTAINERS = """<p class="containers">Container no. <i></i> full <i class="tick"></i> Container no. <i></i> full
<i class="tick"></i> Van <i></i> Names <i class="wide"></i></p>"""

_CARD = """<section class="card"><h2>Needlestick: act now</h2><ol><li>Wash the wound with soap and water. Do not
squeeze or suck it. Eyes: rinse with clean water.</li><li>Tell your lead at once: ☎ <i></i></li>
<li>Go to emergency care now. Medicine against HIV works best within hours, and must start within 72 hours.</li>
<li>Write down time, place and how it happened. Bring the sharp only if that is safe, in a container.</li>
</ol></section>
"""
