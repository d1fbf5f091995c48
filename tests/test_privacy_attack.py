"""An attacker with all that is shown: linear programmes over unknown counts, and every world that looks the same."""

import itertools
from collections import defaultdict
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.optimize import linprog
from scipy.sparse import csr_array, vstack

from sweepplan import demo, pipeline
from sweepplan.geo import Area
from sweepplan.privacy import ROLES, Policy, about, counting, publish, share
from sweepplan.tables import KIOSKS

MIN, SIDE_M = 11, 250
DATES = pd.date_range("2024-07-01", "2026-07-01", freq="QS")


@dataclass
class Attack:
    """What was seen, as sums over unknown counts: one a cell of 250 m and half-year.

    A count of 1 to 10 is safe while the sums leave room for 0 and for 11.
    """

    origin: tuple[float, float]
    n: int
    first: int
    halves: int
    rows: list[np.ndarray] = field(default_factory=list)
    sums: list[float] = field(default_factory=list)

    def see(self, members: np.ndarray, total: float) -> None:
        if not any(total == s and np.array_equal(members, r) for r, s in zip(self.rows, self.sums, strict=True)):
            self.rows.append(members)
            self.sums.append(float(total))

    def see_cells(self, shape, window: range, n: int) -> None:
        at = self.origin[0] + SIDE_M / 2, self.origin[1] + SIDE_M / 2
        row, column = (index.ravel() for index in np.indices((self.n, self.n)))
        inside = np.flatnonzero(shapely.contains_xy(shape, at[0] + SIDE_M * column, at[1] + SIDE_M * row))
        self.see(np.concatenate([(half - self.first) * self.n**2 + inside for half in window]), n)

    def interval(self, target: np.ndarray) -> tuple[float, float]:
        """Return the least and the most that the counts of ``target`` can sum to."""
        aim = np.zeros(self.halves * self.n**2)
        aim[target] = 1
        solved = [linprog(sign * aim, A_eq=self._matrix, b_eq=self.sums, bounds=(0, None)) for sign in (1, -1)]
        assert solved[0].status == 0
        return float(solved[0].fun), float(-solved[1].fun) if solved[1].status == 0 else np.inf

    def ready(self) -> None:
        size = self.halves * self.n**2
        one = [csr_array((np.ones(len(r)), (np.zeros(len(r), int), r)), shape=(1, size)) for r in self.rows]
        self._matrix = vstack(one, format="csr")
        signs = defaultdict(list)
        for k, row in enumerate(self.rows):
            for member in row:
                signs[member].append(k)
        seen = {}
        self.group = np.array([seen.setdefault(tuple(signs[k]), len(seen)) for k in range(size)])
        self.of_group = np.bincount(self.group)


@pytest.fixture(scope="module")
def city():
    settings = pipeline.Settings.load(demo.folder() / "settings.toml")
    area = Area.load(settings.area)
    needles, overdoses = pipeline.read_reports(settings, area)
    return area, {"needle": needles.incidents, "overdose": overdoses.incidents}


def truth_of(area: Area, reports) -> tuple[Attack, np.ndarray]:
    """Return an attack that has seen nothing, and the true counts it is after: made without the gate's own counting."""
    west, south, east, north = area.boundary.bounds
    origin = west // 1000 * 1000, south // 1000 * 1000
    n = int(np.ceil(max(east - origin[0], north - origin[1]) / SIDE_M))
    wall = reports["reported_at"].dt.tz_convert(area.tz)
    half = (wall.dt.year * 2 + wall.dt.month.gt(6)).to_numpy()
    attack = Attack(origin, n, int(half.min()), int(half.max() - half.min() + 1))
    column = ((reports.geometry.x - origin[0]) // SIDE_M).astype(int)
    row = ((reports.geometry.y - origin[1]) // SIDE_M).astype(int)
    true = np.zeros((attack.halves, n, n), dtype=int)
    np.add.at(true, (half - attack.first, row, column), 1)
    return attack, true


def look(attack: Attack, area: Area, reports, *, hide_small: bool = False) -> tuple[int, int]:
    """See all that every role can ask for; return the reports in the analyst's windows and those in cells shown."""
    held, shown_n, kind = 0, 0, str(reports["kind"].iloc[0])
    roles = [role for role, policy in ROLES.items() if kind == "overdose" or not policy.show_requests]
    for role, as_of in itertools.product(roles, DATES):
        shown = publish(reports, area=area, policy=Policy.for_role(role), as_of=area.moment(str(as_of)))
        cells = shown.table("cells")
        for start, end in shown.windows.values():
            first, stop = (2 * (local := area.local(at)).year + (local.month > 6) for at in (start, end))
            window = range(max(first, attack.first), min(stop, attack.first + attack.halves))
            total = shown.withheld.get(f"{kind} reports as points")
            if total and window:
                attack.see_cells(shapely.box(-1e9, -1e9, 1e9, 1e9), window, total)
            assert (shown.table("hotspots")[["n_last", "n_before", "trend", "p_value"]].fillna(0) == 0).all(axis=None)
            counts = pd.concat([cells, shown.table("hotspots")])
            for shape, n in zip(counts.geometry, counts["n_incidents"], strict=True):
                small = hide_small and 0 < n < MIN
                if window and not small:
                    attack.see_cells(shape, window, n)
            if role == "analyst" and as_of.month in (1, 7):
                mine = cells["n_incidents"]
                held, shown_n = held + mine.sum(), shown_n + (mine[mine >= MIN] if hide_small else mine).sum()
    attack.ready()
    return held, shown_n


def won(attack: Attack, true: np.ndarray, *, enough: int | None = None) -> list[tuple[int, float, float]]:
    """Return the counts of 1 to 10, of cells of 250 m to 2 km, that are narrowed to less than 0 to 11."""
    index, done, found = np.arange(true.size).reshape(true.shape), set(), []
    for half, side in itertools.product(range(attack.halves), (1, 2, 4, 8)):
        for i, j in itertools.product(range(0, attack.n, side), repeat=2):
            at = (half, slice(i, i + side), slice(j, j + side))
            target, n = index[at].ravel(), int(true[at].sum())
            if not 0 < n < MIN:
                continue
            groups, sizes = np.unique(attack.group[target], return_counts=True)
            looks = tuple(zip(groups, sizes == attack.of_group[groups], strict=True))
            if looks in done:
                continue
            done.add(looks)
            low, high = attack.interval(target)
            assert low - 1e-6 <= n <= high + 1e-6
            if low > 1e-6 or high < MIN - 1e-6:
                found.append((n, low, high))
                if enough and len(found) >= enough:
                    return found
    assert done
    return found


@pytest.mark.parametrize("kind", ["overdose", "needle"])
def test_no_role_nor_all_together_can_work_out_a_small_count(city, kind):
    area, reports = city[0], city[1][kind]
    attack, true = truth_of(area, reports)
    held, shown = look(attack, area, reports)
    assert won(attack, true) == []
    assert shown == held > 2000
    assert len(attack.rows) > 100


def test_the_attacker_wins_where_small_counts_are_only_left_out(city, monkeypatch):
    area, reports = city[0], city[1]["overdose"]
    attack, true = truth_of(area, reports)
    monkeypatch.setattr(counting, "_may", lambda n, min_count: True)
    held, shown = look(attack, area, reports, hide_small=True)
    assert 0 < shown < held
    assert len(won(attack, true, enough=3)) == 3


def test_the_attacker_wins_where_years_are_counted_anew(city, monkeypatch):
    area, reports = city[0], city[1]["overdose"]
    attack, true = truth_of(area, reports)
    monkeypatch.setattr(counting, "_joined", lambda blocks, counts, side: counting.leaves(sum(counts), MIN))
    look(attack, area, reports)
    assert won(attack, true, enough=1)


@pytest.mark.parametrize("shape", [(2, 2), (1, 4), (4, 1)])
def test_who_knows_the_rule_too_cannot_pin_a_count_down(shape):
    least, most = 4, 16
    worlds = defaultdict(list)
    for counts in itertools.product(range(most + 1), repeat=4):
        if not least <= sum(counts) <= most:
            continue
        count = np.array(counts).reshape(shape)
        block = counting.leaves(count, least)
        sums = np.bincount(block.ravel(), count.ravel()).astype(int)
        worlds[block.tobytes(), tuple(sums)].append(counts)
    narrowest = min(
        len({world[k] for world in alike})
        for alike in worlds.values()
        for k in range(4)
        if any(0 < world[k] < least for world in alike)
    )
    assert narrowest == least - 1


@pytest.mark.parametrize("tell", ["total", "share"])
def test_figures_told_each_day_pin_no_day_down(tell):
    """Sums of the last 30 days, or a share of 600 reports, told each day: intervals on sums of unknown days."""
    days, window, whole = 90, 30, 600
    true = np.random.default_rng(5).poisson(3, days)
    step = {"total": 20, "share": 2 * whole / 100}[tell]
    rows, low, high = [], [], []
    for end in range(window, days + 1):
        n = int(true[end - window : end].sum())
        told = about(n, MIN) if tell == "total" else share(n, whole, MIN) * whole / 100
        assert told is not None
        assert abs(told - n) <= step / 2
        rows.append(((np.arange(days) >= end - window) & (np.arange(days) < end)).astype(float))
        low.append(told - step / 2)
        high.append(told + step / 2)
    least_most = []
    for day in range(window, days):
        aim = np.eye(days)[day]
        both = {"A_ub": np.vstack([rows, -np.array(rows)]), "b_ub": np.concatenate([high, -np.array(low)])}
        least_most.append([sign * linprog(sign * aim, **both, bounds=(0, None)).fun for sign in (1, -1)])
    least, most = np.array(least_most).T
    assert (least <= true[window:] + 1e-6).all()
    assert (most - least).min() > MIN
    assert (least > 1e-6).mean() < 0.1


def test_no_kiosk_tells_how_many_overdoses_are_in_reach(city):
    area = city[0]
    for role in ROLES:
        spots = gpd.GeoSeries.from_xy([0.0, 50.0, 90.0], [0.0, 0.0, 9.0], crs=area.crs)
        columns = {
            "name": "a",
            "demand_kind": "overdose",
            "state": ["proposed", "proposed", "installed"],
            "rank": [1, 2, 0],
        }
        kiosks = gpd.GeoDataFrame({**columns, "covered": [40.0, 5.0, 3.0], "added": [12.0, 5.0, 0.0]}, geometry=spots)
        kiosks.index = pd.Index(["k1", "k2", "k3"], name="kiosk_id", dtype="str")
        seen = publish(KIOSKS.check(kiosks), area=area, policy=Policy.for_role(role)).table("kiosks")
        assert list(seen.index) == ["k1", "k3"]
        assert seen[["covered", "added"]].isna().all(axis=None)
