"""Spikes put into Boston's real days: who finds them, at how many false alarms. `python -m tests.benchmarks.spikes`.

The last 33 dated days of 2025 are the test; thresholds come from the 30 dated days before, and so do the constants of
`Scan` and `alerts.threshold`. A spike is so many extra reports, evenly within 150 m of a place drawn evenly from all
within 400 m of earlier reports, over three days; found is an alarm within 600 m on the last of them. A place is busy
where 0.3 reports or more are expected within 200 m in three days.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np

from sweepplan.hotspots.alerts import MONTH_D, TILE_M, Alarm, episodes, scanner_of, threshold
from sweepplan.hotspots.cube import Grid
from sweepplan.hotspots.scan import Found, Scan, Scanner
from sweepplan.sources import read_file

EXTRA = (5, 8, 12)
WARM_D, EARLIER_D = 5, 30
BUSY = 0.3
RULES = ("scan", "ears-c2", "threshold")


@dataclass(frozen=True, eq=False)
class Days:
    """Boston's dated reports, the days thresholds come from, the days after, and where a spike may be."""

    scanner: Scanner
    earlier: range
    later: range
    places: np.ndarray


@dataclass(frozen=True)
class Score:
    """Of one rule: episodes and alarm days on quiet days, and the share found by size, anywhere and at busy places."""

    limit: float
    episodes: int
    alarm_days: int
    found: dict[int, float]
    busy: dict[int, float]


def boston(shared: Path) -> Days:
    file = shared / "data" / "boston" / "needle_points_2024_2025.csv.gz"
    reading = read_file("boston311-points", file, tz="America/New_York")
    scanner = scanner_of(reading.incidents, reading.area, Alarm(), learnt=0)
    start, end = int(scanner.day.min()), int(scanner.day.max()) + 1
    earlier = range(start + WARM_D, start + WARM_D + EARLIER_D)
    baseline = replace(scanner.baseline, learnt=earlier.start - Scan().lag_d)
    cells, cube = baseline.plane.cells, baseline.shares.cube
    near = baseline.plane.near(cube.before(start).decayed(start, np.inf)) > 0
    return Days(replace(scanner, baseline=baseline), earlier, range(earlier.stop, end), cells.centres[near])


def spikes(days: Days, extra: int, n: int) -> list[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
    """Return day, place, and the extra reports' places and days."""
    rng, drawn = np.random.default_rng([extra, 11]), []
    for _ in range(n):
        day = int(rng.choice(days.later))
        at = rng.choice(days.places) + rng.uniform(-50, 50, 2)
        far, way = 150 * np.sqrt(rng.random(extra)), rng.random(extra) * 2 * np.pi
        xy = at + np.column_stack([far * np.cos(way), far * np.sin(way)])
        drawn.append((day, at, xy, day - rng.integers(0, 3, extra)))
    return drawn


def tile_found(days: Days, xy: np.ndarray, when: np.ndarray, day: int, rule: str) -> list[Found]:
    """Return every square kilometre's score of a day by EARS C2 or by mean + k sd: deviations above the days before."""
    cells = days.scanner.baseline.plane.cells
    bounds = (cells.x0, cells.y0, cells.x0 + cells.n_x * cells.cell_m, cells.y0 + cells.n_y * cells.cell_m)
    grid = Grid.over(bounds, TILE_M)
    first = day - 28
    kept = (when >= first) & (when <= day)
    counts = np.zeros((29, grid.size))
    np.add.at(counts, (when[kept] - first, grid.cell_of(*xy[kept].T)), 1)
    base = counts[-10:-3] if rule == "ears-c2" else counts[max(0, int(days.scanner.day.min()) - first) : -1]
    mean, sd = base.mean(axis=0), np.maximum(base.std(axis=0, ddof=1), 1 / len(base))
    score = (counts[-1] - mean) / sd
    at = grid.centres
    return [
        Found(day, at[k, 0], at[k, 1], TILE_M / 2, 1, int(counts[-1, k]), mean[k], score[k])
        for k in np.flatnonzero(score > 0)
    ]


def found_on(days: Days, xy: np.ndarray, when: np.ndarray, day: int, rule: str) -> list[Found]:
    if rule == "scan":
        return replace(days.scanner, xy=xy, day=when).best(day)
    return tile_found(days, xy, when, day, rule)


def hit(found: list[Found], at: np.ndarray, limit: float, rule: str) -> bool:
    """Whether an alarm lies within 600 m of the spike; of a rule by square kilometre, in the same square or so near."""
    near = 600 if rule == "scan" else TILE_M / np.sqrt(2)
    return any(each.score > limit and np.hypot(each.x - at[0], each.y - at[1]) <= near for each in found)


def measure(days: Days, rule: str, n: int, *, fixed: float | None = None) -> Score:
    """Return how a rule does at one episode in 30 earlier days, or at a ``fixed`` limit."""
    xy, when = days.scanner.xy, days.scanner.day
    apart = Scan().apart_m if rule == "scan" else TILE_M / 2
    earlier = [each for day in days.earlier for each in found_on(days, xy, when, day, rule)]
    limit = threshold(earlier, len(days.earlier), 1.0, apart_m=apart) if fixed is None else fixed
    later = [each for day in days.later for each in found_on(days, xy, when, day, rule) if each.score > limit]
    found, busy = {}, {}
    for extra in EXTRA:
        drawn = spikes(days, extra, n)
        hits = [
            hit(found_on(days, np.vstack([xy, more]), np.r_[when, then], day, rule), at, limit, rule)
            for day, at, more, then in drawn
        ]
        usual = [days.scanner.baseline.expected(day, 200, at[None])[0] * 3 * len(xy) / 68 for day, at, *_ in drawn]
        found[extra] = float(np.mean(hits))
        busy[extra] = float(np.mean([h for h, u in zip(hits, usual, strict=True) if u >= BUSY] or [np.nan]))
    return Score(limit, len(episodes(later, apart_m=apart)), len({each.day for each in later}), found, busy)


def main(n: int = 400) -> None:
    days = boston(Path(__file__).resolve().parents[3] / "shared")
    month = len(days.later) / MONTH_D
    click.echo(f"{len(days.later)} days, {n} spikes of each size; limits from the {EARLIER_D} days before")
    plain = [("ears-c2", 3.0902), ("threshold", 2.0)]
    for rule, fixed in [*((rule, None) for rule in RULES), *plain]:
        score = measure(days, rule, n, fixed=fixed)
        told = " ".join(f"+{k} {score.found[k]:.3f} (busy {score.busy[k]:.2f})" for k in EXTRA)
        name = rule if fixed is None else f"{rule} as published"
        quiet = f"{score.episodes / month:5.1f} episodes in 30 days, alarms on {score.alarm_days} days"
        click.echo(f"{name:24} limit {score.limit:5.2f}  {quiet:46}  found {told}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
