"""What a run says: one JSON object, and the same in plain words."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import pandas as pd

from sweepplan import bridge
from sweepplan.geo import Area
from sweepplan.pipeline import Hotspots, Kiosks, Run, Sweep
from sweepplan.privacy import Published, about, share
from sweepplan.sources import Reading
from sweepplan.tables import BOXES

_LISTED = (
    "kind",
    "name",
    "n_incidents",
    "n_last",
    "n_before",
    "trend",
    "pattern",
    "p_value",
    "swept_d",
    "near",
    "first_reported_at",
    "last_reported_at",
)
_MOST_LINES = 10
_FEW = 11


def summary(run: Run) -> dict[str, Any]:
    """Return the run's figures as plain values, ready for JSON."""
    said: dict[str, Any] = {
        "area": run.city.area.label,
        "as_of": run.city.area.local(run.as_of).isoformat(),
        "reports": [_reading(reading, run.shown.policy.min_count) for reading in run.city.readings],
        "streets": {
            "segments": int(run.city.streets.edges["street"].nunique()),
            "share_joined": round(run.city.streets.largest_share, 4),
        },
        **hotspot_summary(run.hotspots, run.shown),
    }
    if run.sweep is not None:
        said["sweep"] = _sweep(run.sweep, run.city.area)
    if run.kiosks is not None:
        said["kiosks"] = _kiosks(run.kiosks, run.shown)
    return said


def hotspot_summary(found: tuple[Hotspots, ...], shown: Published) -> dict[str, Any]:
    """Return how many hotspots were found, by kind, those that may be seen, heaviest first, and what was kept back."""
    listed = [
        {"id": hotspot, **{name: _plain(row[name], shown) for name in _LISTED}}
        for hotspot, row in _named(shown).iterrows()
    ]
    return {
        "hotspots": {each.kind: len(each.areas) for each in found},
        "listed": listed,
        "withheld": dict(shown.withheld),
    }


def _named(shown: Published) -> gpd.GeoDataFrame:
    """Return the HOTSPOTS that may be seen, each with a name where the streets give one."""
    table = shown.table("hotspots")
    return table.assign(name=bridge.hotspot_names(table, shown.table("streets")))


def _plain(value: Any, shown: Published) -> Any:
    """Return a value as JSON has it: nothing as None, a moment on the city's clock."""
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return shown.local(value).isoformat()
    return value if isinstance(value, str) else round(float(value), 6) if value % 1 else int(value)


def lines(run: Run) -> list[str]:
    """Return the run in plain words."""
    area, local = run.city.area, run.city.area.local(run.as_of)
    said = [f"{area.label}, {local:%a} {local.day} {local:%b %Y, %H:%M}"]
    for reading in run.city.readings:
        told = _reading(reading, run.shown.policy.min_count)
        rejected = ", ".join(f"{_or_few(n)} {reason}" for reason, n in told["rejected"].items()) or "none rejected"
        kept, rows_in = _or_few(told["kept"]), _or_few(told["rows_in"])
        said.append(f"{reading.feed}: {kept} of {rows_in} reports kept ({rejected})")
    if run.city.streets.largest_share < 1:
        share = 1 - run.city.streets.largest_share
        apart = run.city.streets.parts().iloc[1:4]
        longest = zip(apart["name"], apart["length_m"].astype(float), strict=True)
        named = "; ".join(f"{name} ({area.distance(length_m)})" for name, length_m in longest)
        said.append(f"streets: {share:.1%} of the corners lie apart from the rest" + (f": {named}" if named else ""))
    said += hotspot_lines(run.hotspots, run.shown, area)[1:]
    said += [] if run.sweep is None else _sweep_lines(run.sweep, area)
    said += [] if run.kiosks is None else _kiosk_lines(run.kiosks, run.shown)
    return said


def hotspot_lines(found: tuple[Hotspots, ...], shown: Published, area: Area) -> list[str]:
    """Return the hotspots in plain words."""
    said = [area.label]
    table = _named(shown)
    for each in found:
        said.append(f"{len(each.areas)} {each.kind} hotspots, {each.cells['rate'].sum():.1f} reports a day expected")
        if each.areas.empty:
            said.append(f"  {_no_hotspot(each, shown)}")
        mine = table[table["kind"] == each.kind]
        for rank, hotspot in enumerate(mine.head(_MOST_LINES).itertuples(), start=1):
            told = "; ".join([f"{hotspot.n_incidents:,} reports", *bridge.facts(hotspot)])
            said.append(f"  {rank:2d}  {str(hotspot.name) or 'no named street'}: {told}")
        if len(mine) > _MOST_LINES:
            said.append(f"  {len(mine) - _MOST_LINES} more: --json lists them all")
    return said + [f"withheld: {words}" for words in shown.withheld_words()]


def _no_hotspot(found: Hotspots, shown: Published) -> str:
    """Say why there is no hotspot; of overdoses the count is coarse."""
    n = int(found.cells["n_incidents"].sum())
    coarse = about(n, shown.policy.min_count) if found.kind == "overdose" else n
    if n < _FEW or coarse is None:
        few = f"too few {found.kind} reports for a hotspot"
        return few if found.kind == "overdose" else f"{few}: n = {n}"
    return f"nowhere do enough of {coarse:,} reports lie close together, of late"


def _sweep(sweep: Sweep, area: Area) -> dict[str, Any]:
    judged, served = sweep.judged, sweep.stops[sweep.stops["crew"].notna()].sort_values("seq")
    crews = [
        {
            "crew": crew,
            "stops": int(route["n_stops"]),
            "expected_needles": round(float(route["expected_needles"]), 2),
            "leaves": area.local(route["starts_at"]).isoformat(),
            "back": area.local(route["ends_at"]).isoformat(),
            "drive_km": round(float(route["drive_m"]) / 1000, 2),
            "least_slack_min": int(served.loc[served["crew"] == crew, "slack_min"].min()),
            "route": _stop_rows(served[served["crew"] == crew], area),
        }
        for crew, route in sweep.routes.iterrows()
    ]
    left = sweep.stops[sweep.stops["crew"].isna()]
    since = {} if sweep.since is None else {"since": area.local(sweep.since).isoformat(), "changes": _changes(sweep)}
    kiosks = sweep.stops.loc[sweep.stops["kind"] == "kiosk", "crew"]
    return {
        **since,
        "solver": sweep.plan.solver,
        "requests": judged.n_required - len(kiosks),
        "requests_served": judged.n_required_served - int(kiosks.notna().sum()),
        "kiosk_services": len(kiosks),
        "kiosk_services_done": int(kiosks.notna().sum()),
        "expected_needles": round(judged.needles, 2),
        "bound": None if judged.bound is None else round(judged.bound, 2),
        "travel_h": round(judged.travel_s / 3600, 2),
        "crews": crews,
        "left_out": [{"place": stop["place_id"], "reason": stop["reason"]} for _, stop in left.iterrows()],
        "places_offered": len(sweep.day.problem.stops) - judged.n_required,
        "looked": [] if sweep.looked is None else _rows(sweep.looked),
    }


def _stop_rows(stops: gpd.GeoDataFrame, area: Area) -> list[dict[str, Any]]:
    """Return place, arrival and slack of a crew's stops in order."""
    told = zip(stops["place_id"], stops["arrives_at"], stops["slack_min"], strict=True)
    return [{"place": p, "arrives": f"{area.local(at):%H:%M:%S}", "slack_min": int(spare)} for p, at, spare in told]


def _changes(sweep: Sweep) -> list[dict[str, Any]]:
    """Return what changed for whom; stops by their ids."""
    return [
        {
            "crew": change.crew,
            "gained": [{"place": place, "was": was} for place, was in change.gained],
            "lost": [{"place": place, "went": went} for place, went in change.lost],
            "legs": change.legs,
            "kept_legs": change.kept_legs,
        }
        for change in sweep.changes
    ]


def rest_lines(sweep: Sweep, area: Area) -> list[str]:
    """Return what changed for whom, a line a crew; nothing of a whole day."""
    if sweep.since is None:
        return []
    names = dict(zip(sweep.day.stops["place_id"], sweep.day.stops["name"], strict=True))
    said = [f"from {area.local(sweep.since):%H:%M} on, beside the earlier plan:"]
    return said + [f"  {bridge.change_words(change, names)}" for change in sweep.changes]


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    rows = table.reset_index().to_dict("records")
    return [
        {str(k): None if pd.isna(v) else v if isinstance(v, str) else round(v, 3) for k, v in r.items()} for r in rows
    ]


def _reading(reading: Reading, least: int) -> dict[str, Any]:
    """Return the counts of a reading; of overdoses so coarse that those of two days tell nothing of one between."""
    said = reading.summary()
    if not (reading.incidents["kind"] == "overdose").any():
        return said
    counts: dict[str, Any] = {name: about(said[name], least) for name in ("rows_in", "kept", "merged")}
    counts |= {name: {why: about(n, least) for why, n in said[name].items()} for name in ("rejected", "flagged")}
    months = {name: said[name][:7] for name in ("first_reported_at", "last_reported_at")}
    return {**said, **counts, **months, "share_located": round(said["share_located"], 1)}


def _or_few(n: int | None) -> str:
    return "a few" if n is None else str(n)


def _kiosks(kiosks: Kiosks, shown: Published) -> dict[str, Any]:
    judged, problem, least = kiosks.judged, kiosks.study.problem, shown.policy.min_count
    table = shown.table("kiosks")
    sites = table.loc[table["state"] == "proposed", "name"].to_dict()
    if kiosks.study.kind == "overdose":
        return {
            "demand_kind": "overdose",
            "reach_m": problem.reach_m,
            "demand": about(judged.total, least),
            "covered_today_percent": share(judged.covered_today, judged.total, least),
            "covered_percent": share(judged.covered, judged.total, least),
            "certified_by": judged.proof,
            "sites": sites,
        }
    return {
        "demand_kind": kiosks.study.kind,
        "reach_m": problem.reach_m,
        "demand": judged.total,
        "covered_today": judged.covered_today,
        "covered": judged.covered,
        "bound": judged.bound,
        "gap": judged.gap,
        "certified_by": judged.proof,
        "sites": sites,
    }


def _sweep_lines(sweep: Sweep, area: Area) -> list[str]:
    judged = sweep.judged
    kiosks = sweep.stops.loc[sweep.stops["kind"] == "kiosk", "crew"]
    done = int(kiosks.notna().sum())
    served = f"{judged.n_required_served - done} of {judged.n_required - len(kiosks)} requests served"
    served += f", {done} of {len(kiosks)} kiosks serviced" if len(kiosks) else ""
    said = [f"sweep: {served}, {judged.needles:.0f} needles expected{bridge.share_words(judged)}"]
    for crew, route in sweep.routes.iterrows():
        leaves, back = area.local(route["starts_at"]), area.local(route["ends_at"])
        said.append(
            f"  {crew}  {route['n_stops']:3d} stops  {leaves:%H:%M}-{back:%H:%M}  "
            f"{area.distance(route['drive_m']):>8}  {route['expected_needles']:6.1f} needles"
        )
    left = sweep.stops[sweep.stops["crew"].isna()]
    said += [f"  left out: {stop['name']}: {stop['reason']}" for _, stop in left.iterrows()]
    said += rest_lines(sweep, area)
    return said if sweep.looked is None else said + _looked_lines(sweep.looked)


def _looked_lines(looked: pd.DataFrame) -> list[str]:
    """Return reports beside what crews found: where nobody looked, reports are all there is."""
    said = ["reports against needles, streets with most reports a metre first:"]
    for name, band in looked.iterrows():
        found = f"{band['needles_per_km']:.1f} needles a km swept" if band["visits"] else "nobody looked"
        said.append(
            f"  {name:10}  {band['reports_a_day']:5.1f} reports a day  {found}, "
            f"{band['never']:.0f} of {band['places']:.0f} places never swept"
        )
    return said


def _kiosk_lines(kiosks: Kiosks, shown: Published) -> list[str]:
    judged, problem, least = kiosks.judged, kiosks.study.problem, shown.policy.min_count
    part, before = (share(n, judged.total, least) for n in (judged.covered, judged.covered_today))
    n_new = int((kiosks.table["state"] == "proposed").sum())
    weighed = bool((problem.demand > kiosks.study.reports * (1 + 1e-9)).any())
    reports = "reports (those near children counted more)" if weighed else "reports"
    total = judged.total if kiosks.study.kind == "needle" else about(judged.total, least)
    proof = "certified optimal" if judged.proof == "multipliers" else "optimal by the solver's word"
    if judged.gap > 0:
        proof = f"at most {judged.gap:.1%} below the best possible"
    few = "a few" if total is None else f"{total:.0f}"
    said = [
        f"{BOXES[kiosks.study.kind][1]}: {n_new} new ones reach {part} % of {few} {reports} within "
        f"{problem.reach_m:g} m (today {before} %); {proof}"
    ]
    table = shown.table("kiosks")
    new = table[table["state"] == "proposed"]
    return said + [f"  {site['rank']:2d}  {site['name']}" for _, site in new.iterrows()]
