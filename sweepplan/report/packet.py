"""The packet that a council or an agency approves: map, table, method and certificate of a kiosk plan, on paper."""

from __future__ import annotations

import json
from html import escape

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from sweepplan.geo import WGS84
from sweepplan.model import KioskJudgement, KioskPlan, KioskProblem
from sweepplan.privacy import Published, share
from sweepplan.tables import BOXES

_WIDTH = 720.0
_REPORTS = {"needle": "reports", "overdose": "overdoses reported"}
_LIMITS = {
    "needle": "Counts are reports, not needles; where nobody looks, nothing is reported.",
    "overdose": "Overdoses that nobody called for are in no count; of those that were, no count and no place is shown.",
}
_STYLE = """
@page { size: Letter; margin: 16mm }
body { font: 10.5pt/1.45 'Helvetica Neue', Arial, sans-serif; color: #16232b; margin: 0 auto; max-width: 190mm }
h1 { font-size: 19pt; margin: 0 0 1mm } h2 { font-size: 12pt; margin: 6mm 0 1.5mm }
.lead { font-size: 13pt; margin: 2mm 0 4mm } .small { color: #4b5a63; font-size: 9pt }
svg { width: 100%; border: .3mm solid #c9d2d7; break-inside: avoid } table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: 1.2mm 2mm; border-bottom: .2mm solid #d9e0e4 } tr { break-inside: avoid }
.n { text-align: right; font-variant-numeric: tabular-nums } .box { border-left: 1mm solid #0b6e6e; padding: 0 3mm }
.sign td { height: 12mm; vertical-align: bottom }
"""


def packet_html(
    shown: Published,
    problem: KioskProblem,
    plan: KioskPlan,
    judged: KioskJudgement,
    *,
    as_of: pd.Timestamp,
    walks: str,
    kind: str = "needle",
) -> str:
    """Return the packet as one page of HTML that fetches nothing; only what passed the gate is in it.

    Parameters
    ----------
    as_of : nothing reported from this moment on was used.
    walks : how walks were measured, in words.
    kind : of the reports that make the demand.
    """
    kiosks = shown.table("kiosks")
    new = kiosks[kiosks["state"] == "proposed"].sort_values("rank")
    now = shown.local(as_of)
    least = shown.policy.min_count
    part, before = (share(n, judged.total, least) for n in (judged.covered, judged.covered_today))
    box, _ = BOXES[kind]
    lead = (
        f"{len(new)} new sites would bring the share of {_REPORTS[kind]} within {problem.reach_m:g} m of a {box} "
        f"from {before} % to {part} %."
    )
    withheld = "".join(f"<li>Withheld: {escape(words)}.</li>" for words in shown.withheld_words())
    return (
        f"<!doctype html><html lang='en'><meta charset='utf-8'>"
        f"<title>{box.capitalize()} sites, {escape(shown.label)}</title><style>{_STYLE}</style>"
        f"<h1>Proposed {box} sites</h1>"
        f"<div class='small'>{escape(shown.label)} · reports before {now.day} {now:%B %Y}</div>"
        f"<p class='lead'>{escape(lead)}</p>{_map(shown, kiosks)}"
        f"<h2>Sites</h2>{_table(kiosks, problem)}"
        f"<h2>Certificate</h2><div class='box'>{_certificate(plan, judged, least)}</div>"
        f"<h2>Method</h2><ul class='small'>{_method(problem, walks, kind)}{withheld}</ul>"
        "<h2>Approval</h2><table class='sign'><tr><td>Name</td><td>Office</td><td>Date</td></tr></table></html>\n"
    )


def kiosks_geojson(shown: Published) -> str:
    """Return the kiosks that passed the gate as GeoJSON in degrees, for other maps."""
    return _geojson(shown, "kiosks")


def sites_geojson(shown: Published) -> str:
    """Return the sites that passed the gate as GeoJSON in degrees, which ``read_sites`` takes."""
    return _geojson(shown, "sites")


def _geojson(shown: Published, name: str) -> str:
    table = shown.table(name).to_crs(WGS84)
    table.geometry = shapely.set_precision(table.geometry.to_numpy(), 1e-6)
    told = json.loads(table.reset_index().to_json(drop_id=True))
    return json.dumps({**told, "withheld": shown.withheld_words()}, ensure_ascii=False)


def _certificate(plan: KioskPlan, judged: KioskJudgement, least: int) -> str:
    """Return the proof in words; of the sum in reach only a share, as it would tell what is withheld of one site."""
    value = f"{share(judged.covered, judged.total, least)} % of reports"
    if judged.gap > 0:
        return f"<p>In reach: {value}. No choice is better by more than {judged.gap:.1%}.</p>"
    if judged.proof == "multipliers":
        stages = len(plan.certificate.stages) if plan.certificate else 0
        steps = "one set of multipliers" if stages == 1 else f"{stages:,} sets of multipliers"
        return (
            f"<p><b>Certified optimal.</b> In reach: {value}; no choice covers more. The proof is "
            f"{steps}, which was added up again in whole numbers, without the solver that found it.</p>"
        )
    return f"<p>In reach: {value}; no choice covers more, by the word of the solver HiGHS.</p>"


def _method(problem: KioskProblem, walks: str, kind: str) -> str:
    counted = f"A report counts as covered within a walk of {problem.reach_m:g} m, bound included; walks: {walks}."
    if problem.steps:
        steps = ", ".join(f"{share} % within {far:g} m" for far, share in problem.steps)
        counted = (
            f"A report counts by the walk to the nearest {BOXES[kind][0]}: {steps}. The first and last are "
            f"published (Montreal, 2010), those between are assumed; nothing is known beyond. Walks: {walks}."
        )
    rules = []
    if problem.rules.apart:
        rules.append(f"a least distance between {BOXES[kind][1]}")
    if problem.rules.at_least:
        rules.append("a least number in groups of sites")
    if problem.rules.budget is not None:
        rules.append(f"a budget of {problem.rules.budget}")
    rules += [f"{len(problem.forbidden)} sites ruled out"] if problem.forbidden else []
    kept = f"Rules kept: {', '.join(rules)}." if rules else f"No rule but the number of {BOXES[kind][1]}."
    return "".join(f"<li>{escape(line)}</li>" for line in (counted, kept, _LIMITS[kind]))


def _table(kiosks: gpd.GeoDataFrame, problem: KioskProblem) -> str:
    rows = []
    for _, row in kiosks.sort_values(["state", "rank", "name"], ascending=[False, True, True]).iterrows():
        figures = ["withheld" if pd.isna(row[name]) else f"{row[name]:,.0f}" for name in ("covered", "added")]
        rank = "stands" if row["state"] == "installed" else str(row["rank"])
        added = figures[1] if row["state"] == "proposed" else ""
        rows.append(
            f"<tr><td>{rank}</td><td>{escape(row['name'])}</td>"
            f"<td class='n'>{figures[0]}</td><td class='n'>{added}</td></tr>"
        )
    head = (
        f"<tr><th></th><th>Site</th><th class='n'>Reports within {problem.reach_m:g}\u00a0m</th>"
        "<th class='n'>of them in reach of none today</th></tr>"
    )
    return f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def _map(shown: Published, kiosks: gpd.GeoDataFrame) -> str:
    """Return streets and kiosks as one SVG picture."""
    if kiosks.empty:
        return ""
    west, south, east, north = shapely.buffer(shapely.MultiPoint(kiosks.geometry.to_numpy()), 300).bounds
    scale = _WIDTH / (east - west)
    height = min(max((north - south) * scale, 200.0), 620.0)
    scale = min(scale, height / (north - south))
    box = shapely.box(west, south, east, north)
    streets = shown.table("streets").geometry
    lines = shapely.intersection(np.asarray(streets[streets.intersects(box)]), box)
    drawn = []
    for line in shapely.get_parts(lines):
        xy = [f"{(x - west) * scale:.1f},{(north - y) * scale:.1f}" for x, y in shapely.get_coordinates(line)]
        drawn.append(f"<polyline points='{' '.join(xy)}' fill='none' stroke='#c4ced4' stroke-width='1'/>")
    for _, row in kiosks.sort_values("rank").iterrows():
        x, y = (row.geometry.x - west) * scale, (north - row.geometry.y) * scale
        drawn.append(_mark(x, y, "" if row["state"] == "installed" else str(row["rank"])))
    foot = f"<path d='M14 {height - 14:.0f} h{500 * scale:.0f}' stroke='#16232b' stroke-width='2'/>"
    place = f"x='14' y='{height - 20:.0f}' font-size='11' font-family='Arial'"
    foot += f"<text {place}>500 m · ■ stands · ● proposed</text>"
    return f"<svg viewBox='0 0 {(east - west) * scale:.0f} {height:.0f}'>{''.join(drawn)}{foot}</svg>"


def _mark(x: float, y: float, rank: str) -> str:
    """Return a square for a kiosk that stands, a numbered disc for one proposed."""
    if not rank:
        return f"<rect x='{x - 5:.1f}' y='{y - 5:.1f}' width='10' height='10' fill='#16232b'/>"
    place = f"x='{x:.1f}' y='{y + 4:.1f}' fill='#fff' font-size='11' font-family='Arial' text-anchor='middle'"
    return f"<circle cx='{x:.1f}' cy='{y:.1f}' r='10' fill='#0b6e6e'/><text {place}>{rank}</text>"
