"""A kiosk plan as people read it: tables, the card of a site, choices side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from sweepplan.app.shown import day_of
from sweepplan.bridge import KioskRules
from sweepplan.geo import Area
from sweepplan.maps.words import counted
from sweepplan.pipeline import Effect, Kiosks
from sweepplan.privacy import Published, about, share

if TYPE_CHECKING:
    from sweepplan.app.state import Opened, Sited

_RARE = 0.05


def proposed(shown: Published) -> pd.DataFrame:
    """Return one row a new kiosk, best first."""
    table = _kiosks(shown, "proposed")
    columns = {"rank": "Rank", "name": "Where", "covered": "In reach", "added": "Not covered today"}
    return table[list(columns)].rename(columns=columns)


def installed(shown: Published) -> pd.DataFrame:
    """Return one row an installed kiosk, most reports in reach first."""
    table = _kiosks(shown, "installed")
    return table[["name", "covered"]].rename(columns={"name": "Where", "covered": "In reach"})


def site_card(facts: pd.DataFrame, shown: Published, site: str | None, least: int) -> list[str]:
    """Return why a proposed kiosk should stand where it does, a line each; nothing for any other mark.

    Counts are rounded, so that none of them, nor two together, tells of fewer than ``least`` reports.
    """
    if site is None or site not in facts.index or site not in shown.table("kiosks").index:
        return []
    row: dict[Any, Any] = facts.loc[site].to_dict()

    def told(n: float) -> str:
        rounded = about(n, least)
        return f"fewer than {least}" if rounded is None else f"about {rounded:,}" if rounded else "none"

    bands = [name for name in facts.columns if name.startswith("within_")]
    near = ", ".join(f"{told(row[name])} within {name.partition('_')[2]} m" for name in bands)
    lines = [str(row["name"]), f"Reports a year: {near}"]
    lines.append(f"In reach of no kiosk today: {told(row['uncovered'])}")
    lines.append(f"Without it {told(row['loss'])} a year would be covered no more")
    if row["next_best"]:
        lines.append(f"Next best: {row['next_best']}, and {told(row['next_best_loss'])} fewer in reach")
    for kind in ("school", "playground"):
        metres = row.get(f"nearest_{kind}_m", math.nan)
        if not math.isnan(metres):
            lines.append(f"Nearest {kind}: {shown.area.distance(metres)}, straight line")
    return lines


def ledger(states: pd.DataFrame, kiosks: pd.DataFrame, area: Area) -> pd.DataFrame:
    """Return the state of each kiosk, due ones first, days on the city's clock."""

    def days(moments: pd.Series) -> list[str]:
        return ["" if pd.isna(at) else day_of(area.local(at)) for at in moments]

    table = states.assign(name=kiosks["name"]).sort_values(["due", "full_at"], ascending=[False, True], kind="stable")
    return pd.DataFrame(
        {
            "Kiosk": table["name"],
            "Service": table["due"].map({True: "due", False: ""}),
            "State": table["state"],
            "Since": days(table["since"]),
            "Last emptied": days(table["emptied_at"]),
            "Expected full": days(table["full_at"]),
        }
    )


def ledger_words(table: pd.DataFrame) -> str:
    """Return how many kiosks are due for service, in words."""
    n = int((table["Service"] != "").sum())
    return f"{n} of {counted(len(table), 'kiosk')} due for service, those first"


def rule_costs(sited: Sited, rules: KioskRules, least: int) -> list[str]:
    """Return what each rule costs in reach, and what counts more than the rest, a line each."""
    judged, lines = sited.kiosks.judged, []
    for price in sited.prices:
        part = share(price.without, judged.total, least) - share(price.covered, judged.total, least)
        cost = f"costs {part} % of reports in reach" if part > 0 else "costs nothing that can be told"
        lines.append(f"Rule: {price.rule}: {cost}")
    if rules.children_weight:
        lines.append(
            f"Sites are chosen with a report within 200 m of a school or playground counted "
            f"{1 + rules.children_weight:g} times; all figures are plain reports"
        )
    return lines


def effect_lines(found: Effect, opened: Opened) -> list[str]:
    """Return how reports near each kiosk changed beside hot spots without one, a line each; counts are rounded."""
    if found.judged is None or opened.city.kiosks is None:
        return []
    least, names, local = opened.settings.min_count, opened.city.kiosks["name"], opened.city.area.local

    def told(n: float) -> str:
        rounded = about(n, least)
        return f"fewer than {least}" if rounded is None else f"about {rounded:,}"

    lines = []
    for (site, at), each in zip(found.installed.items(), found.judged.each, strict=True):
        near = f"reports within {each.within_m:g} m on foot since"
        said = f"{names[str(site)]}, since {day_of(local(at))}: {told(each.after)} {near}, "
        said += f"{told(each.expected)} had it gone as elsewhere ({_percent(each.change)}; "
        lines.append(said + f"chance leaves {_percent(each.low)} to {_percent(each.high)} open, 90 %)")
    rare = found.judged.pooled.p_value
    lines.append(
        f"{found.judged.n_controls} hot spots without a kiosk fell as much in {max(rare, 0.01):.0%} of draws: "
        + ("more than chance" if rare < _RARE else "chance may do as much")
    )
    return lines


def _percent(change: float) -> str:
    return f"{100 * change:+.0f} %".replace("-", "−")


def scenario(kiosks: Kiosks, rules: KioskRules, least: int) -> dict[str, str]:
    """Return a choice of sites in short."""
    judged, sites = kiosks.counted, kiosks.table
    said = [f"{len(rules.required)} required"] if rules.required else []
    said += [f"{len(rules.forbidden)} ruled out"] if rules.forbidden else []
    said += [f"{counted(len(rules.forbidden_areas), 'area')} ruled out"] if rules.forbidden_areas else []
    said += [f"{rules.spacing_m:g} m apart"] if rules.spacing_m else []
    said += [f"{rules.keep_away_m:g} m from schools"] if rules.keep_away_m else []
    said += [f"{rules.per_district} in each district"] if rules.per_district else []
    said += [f"{rules.may_move} may move"] if rules.may_move else []
    said += [f"near children {1 + rules.children_weight:g} times"] if rules.children_weight else []
    new = sites[sites["state"] == "proposed"].sort_values("rank")
    return {
        "New": str(rules.k),
        "Within": f"{rules.reach_m:g} m",
        "Rules": ", ".join(said) or "none",
        "Reports in reach": f"{share(judged.covered, judged.total, least)} %",
        "Today": f"{share(judged.covered_today, judged.total, least)} %",
        "Sites": ", ".join(new["name"]),
    }


def scenarios(kept: Mapping[str, dict[str, str]]) -> pd.DataFrame:
    """Return choices kept, a row each."""
    return pd.DataFrame([{"Choice": name, **row} for name, row in kept.items()])


def _kiosks(shown: Published, state: str) -> pd.DataFrame:
    table = shown.table("kiosks")
    mine = pd.DataFrame(table[table["state"] == state].drop(columns="geometry"))
    mine = mine.sort_values(["rank", "covered"], ascending=[True, False], kind="stable")
    told = {name: mine[name].map(lambda n: "withheld" if pd.isna(n) else f"{n:,.0f}") for name in ("covered", "added")}
    return mine.assign(**told)
