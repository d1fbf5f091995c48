"""What a backtest says: figures, a table in words, a picture."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.dates import ConciseDateFormatter
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sweepplan.errors import SettingsError
from sweepplan.hotspots import BANDS, SHARES, Backtest
from sweepplan.judging.forecast import Caught, difference

Floats = NDArray[np.float64]

_BLOCK_D = 28
_NAMES = {
    "forecast": "forecast (blend)",
    "forecast by cells": "forecast by cells",
    "with sites": "forecast with sites near by",
    "plain": "recency-weighted KDE",
    "last 28 days": "last 28 days",
    "long run": "long run",
    "heat map": "heat map, 200 m",
    "ceiling": "hindsight smoother",
}
_TEAL, _GREY, _PALE = "#0b5351", "#6b7280", "#b9c4c9"


def backtest_summary(found: Backtest, *, seed: int) -> dict[str, Any]:
    """Return every figure of a backtest, as JSON holds it; shares of the region are keys such as ``"0.025"``."""
    block, first, last = _block(found), found.windows[0][0], found.windows[-1][1]
    ours = found.maps["forecast"]
    expected, came = found.expected, found.came
    ratio = ours.hit_rate / np.maximum(found.maps["ceiling"].hit_rate, 1e-300)
    return {
        "origins": len(found.windows),
        "horizon": "month" if found.trial.horizon_d is None else f"{found.trial.horizon_d}d",
        "from": str(np.datetime64(first, "D")),
        "until": str(np.datetime64(last - 1, "D")),
        "cell_m": found.trial.cell_m,
        "shifts": found.trial.shifts,
        "history": found.history,
        "reports": round(float(ours.reports.sum())),
        "outside": round(found.outside, 2),
        **(
            {"region_km2": round(found.region_km2, 2)}
            if found.street_km is None
            else {"street_km": round(found.street_km, 2)}
        ),
        "maps": {name: _map_summary(each, block, seed) for name, each in found.maps.items()},
        "forecast_minus": {
            name: _difference_summary(ours, each, block, seed)
            for name, each in found.maps.items()
            if name != "forecast"
        },
        "share_of_ceiling": _by_share(ratio),
        "plain": {"half_life_d": found.plain[0], "sigma_m": found.plain[1]},
        "ceiling": {"half_life_d": found.ceiling[0], "sigma_m": found.ceiling[1]},
        "relabelled_pai": round(found.relabelled_pai, 3),
        "level": _level_summary(found),
        "bands": [
            {"best": name, "expected": round(float(e), 1), "came": round(float(c), 1), "ratio": round(float(c / e), 3)}
            for name, e, c in zip(_band_names(), expected, came, strict=True)
            if e > 0
        ],
    }


def backtest_lines(found: Backtest, *, seed: int) -> list[str]:
    """Return the same as lines to read."""
    told = backtest_summary(found, seed=seed)
    shares = [f"{share:g}" for share in SHARES]
    lines = [
        f"{told['origins']} forecasts of {told['horizon']} from {told['from']} on, {told['reports']} reports until "
        f"{told['until']}; {told['history']} reports known at the first",
        _region(found) + f", mean of {told['shifts']} shifted grids; {told['outside']:g} reports came outside it",
        "",
        f"{'share of reports within the best':34}"
        + "".join(f"{100 * float(s):>17g} %" for s in shares)
        + "    PAI    PEI",
    ]
    for name, each in told["maps"].items():
        cells = "".join(f"   {each['hit_rate'][s]:.3f} ({each['low'][s]:.2f}-{each['high'][s]:.2f})" for s in shares)
        lines.append(f"{_NAMES[name]:34}{cells} {each['pai']['0.025']:6.1f} {each['pei']['0.025']:6.2f}")
    lines += ["", "PAI and PEI at 2.5 %; in brackets 95 % intervals by moving blocks of four weeks"]
    plain = told["forecast_minus"]["plain"]
    lines.append(
        f"forecast minus recency-weighted KDE ({told['plain']['half_life_d']:g} d, {told['plain']['sigma_m']:g} m, "
        "chosen before the first day): "
        + ", ".join(f"{plain[s]['mean']:+.3f} ({plain[s]['low']:+.3f} to {plain[s]['high']:+.3f})" for s in shares)
    )
    ceiling = ", ".join(f"{100 * told['share_of_ceiling'][s]:.0f} %" for s in shares)
    lines.append(f"of what a smoother catches that also sees the future: {ceiling}")
    if "with sites" in told["maps"]:
        more = told["forecast_minus"]["with sites"]["0.025"]
        wins = more["high"] < 0
        lines.append(
            f"sites near by: {-more['mean']:+.3f} at 2.5 % ({-more['high']:+.3f} to {-more['low']:+.3f}): "
            + ("they help here" if wins else "they do not help here beyond chance, the forecast stands without them")
        )
    lines.append(f"cells relabelled at random: PAI {told['relabelled_pai']:.2f} (1 = knows nothing)")
    level = told["level"]
    if level["days"]:
        lines.append(
            f"level: 80 % intervals hold {100 * level['covered']:.0f} % of {level['days']} days, "
            f"{100 * level['totals_covered']:.0f} % of {told['origins']} totals; came / expected {level['ratio']:.2f}"
        )
    else:
        lines.append(
            f"level: 80 % intervals hold {100 * level['totals_covered']:.0f} % of {told['origins']} totals; "
            f"came / expected {level['ratio']:.2f}"
        )
    lines.append("came / expected by rank: " + ", ".join(f"{b['best']} {b['ratio']:.2f}" for b in told["bands"]))
    return lines


def _size(found: Backtest) -> dict[str, float]:
    if found.street_km is not None:
        return {"street_km": round(found.street_km, 2)}
    return {"region_km2": round(found.region_km2, 2)}


def _region(found: Backtest) -> str:
    if found.street_km is not None:
        return f"region {found.street_km:.1f} km of street, cells of {found.trial.cell_m:g} m beside it"
    return f"region {found.region_km2:.1f} km² in cells of {found.trial.cell_m:g} m"


def draw_backtest(found: Backtest, path: Path, *, title: str, seed: int) -> None:
    """Draw hit rates with their intervals, and the level with its own, into ``path``.

    Raises
    ------
    SettingsError
        Neither .svg nor .png, or the folder is not there.
    """
    if path.suffix not in (".svg", ".png") or not path.parent.is_dir():
        raise SettingsError(f"--picture {path}: give a file .svg or .png in a folder that exists")
    figure = Figure(figsize=(9, 7), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(3, 2))
    figure.suptitle(title, fontsize=11)
    _draw_maps(above, found, seed)
    _draw_level(below, found)
    figure.savefig(path, dpi=120, metadata={"Date": None} if path.suffix == ".svg" else None)


def _draw_maps(axes: Any, found: Backtest, seed: int) -> None:
    names = list(found.maps)[::-1]
    for k in range(len(SHARES)):
        for y, name in enumerate(names):
            each = found.maps[name]
            low, high = each.interval(block=_block(found), seed=seed)[:, k]
            hue = _TEAL if name == "forecast" else _GREY
            at = y + (1 - k) * 0.22
            axes.plot([low, high], [at, at], color=hue, lw=1.5, alpha=0.6)
            axes.plot(each.hit_rate[k], at, "osD"[k], color=hue, ms=6)
    axes.set_yticks(range(len(names)), [_NAMES[name] for name in names])
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of later reports caught: ○ best 1 %, □ 2.5 %, ◇ 5 % of the region (95 % intervals)")
    axes.grid(axis="x", color=_PALE, lw=0.5)


def _draw_level(axes: Any, found: Backtest) -> None:
    if found.counted is None:
        start = [np.datetime64(a, "D") for a, _ in found.windows]
        low, high = (np.array([getattr(days, end) for days in found.level]) for end in ("total_low", "total_high"))
        mean, came = np.array([days.total for days in found.level]), found.maps["forecast"].reports
        what = "reports a month"
    else:
        start = [np.datetime64(day, "D") for a, b in found.windows for day in range(a, b)]
        low, high = (np.concatenate([getattr(days, end) for days in found.level]) for end in ("low", "high"))
        mean, came = np.concatenate([days.mean for days in found.level]), np.concatenate(found.counted)
        what = "reports a day"
    axes.fill_between(start, low, high, color=_PALE, lw=0, step="mid", label="80 % interval")
    axes.plot(start, mean, color=_TEAL, lw=1.5, label="expected")
    axes.plot(start, came, ".", color="black", ms=5, label="came")
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))  # type: ignore[no-untyped-call]
    axes.set_ylabel(what)
    axes.legend(frameon=False, ncols=3, fontsize=9)


def _block(found: Backtest) -> int:
    return max(1, round(_BLOCK_D / (found.windows[0][1] - found.windows[0][0])))


def _by_share(values: Floats) -> dict[str, float]:
    return {f"{share:g}": round(float(value), 4) for share, value in zip(SHARES, values, strict=True)}


def _map_summary(each: Caught, block: int, seed: int) -> dict[str, Any]:
    low, high = each.interval(block=block, seed=seed)
    return {
        "hit_rate": _by_share(each.hit_rate),
        "low": _by_share(low),
        "high": _by_share(high),
        "pai": _by_share(each.hit_rate / np.array(SHARES)),
        "pei": _by_share(each.pei),
    }


def _difference_summary(ours: Caught, other: Caught, block: int, seed: int) -> dict[str, Any]:
    found = difference(ours, other, block=block, seed=seed)
    rows = zip(SHARES, found.mean, found.low, found.high, strict=True)
    return {
        f"{share:g}": {"mean": round(float(m), 4), "low": round(float(lo), 4), "high": round(float(hi), 4)}
        for share, m, lo, hi in rows
    }


def _level_summary(found: Backtest) -> dict[str, Any]:
    totals = found.maps["forecast"].reports
    held = [days.total_low <= n <= days.total_high for days, n in zip(found.level, totals, strict=True)]
    days_held = [
        inside
        for days, came in zip(found.level, found.counted or (), strict=False)
        for inside in ((days.low <= came) & (came <= days.high)).tolist()
    ]
    return {
        "cover": found.trial.level.cover,
        "days": len(days_held),
        "covered": round(float(np.mean(days_held)), 3) if days_held else None,
        "totals_covered": round(float(np.mean(held)), 3),
        "ratio": round(float(totals.sum() / max(sum(days.total for days in found.level), 1e-300)), 3),
    }


def _band_names() -> list[str]:
    edges = [f"{100 * share:g} %" for share in BANDS]
    return [f"to {edges[0]}", *(f"{a} to {b}" for a, b in pairwise(edges)), "rest", "outside"]
