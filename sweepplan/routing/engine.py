"""The engine of our own: ruin and recreate with exact directions, breaks and emptying, compiled."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from sweepplan.model import UNLOAD, Shift, Stop, SweepPlan, SweepProblem
from sweepplan.routing.arrays import Given, given
from sweepplan.routing.route import Routes, put, refresh
from sweepplan.routing.ruin import BLINK_EVERY, Search, anneal, keep_best, recreate

HOT, COLD = 1.0, 0.03  # temperature at first and at last, in mean legs, where every stop is required
HOT_PRIZE, COLD_PRIZE = 2.0, 0.05  # the same in mean prizes, where stops are chosen
COOLINGS = 4  # so often a search for prizes is heated anew: what to leave out is easily settled on too early
CHUNK_S = 0.1  # the clock is looked at so often


class Engine:
    """A search that goes on from where it stopped; the same seed and steps give the same plan."""

    def __init__(self, problem: SweepProblem, stops: Sequence[int], *, needle_s: float, seed: int) -> None:
        self._problem, self._seed = problem, seed
        self._given = given(problem, stops, needle_s=needle_s)
        self._search = _blank(self._given, stops, seed)
        prizes = [needle_s * place.prize for place in (problem.stops[k] for k in stops) if not place.required]
        prizes = [prize for prize in prizes if prize > 0]
        self._heat = float(np.mean(prizes)) if prizes else 0.0
        self._prized = bool(prizes)

    def start(self, plan: SweepPlan) -> None:
        """Take over a feasible plan, then insert what else fits."""
        g, u = self._given, self._search
        w, n_stops, n_shifts = u.now, g.worth.size, g.net.size
        for r, route in enumerate(plan.routes):
            for k, stop in enumerate(route):
                put(g, w, r, k, n_stops + 2 * n_shifts + r if stop == UNLOAD else stop)
            refresh(g, w, r)
            served = [stop for stop in route if stop != UNLOAD]
            moved = [g.crew_s for stop in served if g.usual[stop] not in (-1, r)]
            u.values[0] += w.cost[r] + sum(moved) - g.worth[served].sum()
        absent = [stop for stop in u.absent[: u.counts[0]] if w.where[stop] < 0]
        u.counts[0] = len(absent)
        u.absent[: len(absent)] = absent
        recreate(g, u, 0, True)
        keep_best(u)
        self._heat = self._heat or max(1.0, float(w.cost.sum()) / max(1, int(w.n.sum()) + len(w.n)))

    def run(self, steps: int, begun: float, ended: float) -> None:
        """Do so many steps; ``begun`` and ``ended``, 0 to 1, say how far the search is before and after them."""
        hot, cold, times = (HOT_PRIZE, COLD_PRIZE, COOLINGS) if self._prized else (HOT, COLD, 1)
        cooled = begun * times % 1.0
        shares = (cooled, min(1.0, cooled + (ended - begun) * times))
        first, last = (self._heat * hot * (cold / hot) ** share for share in shares)
        anneal(self._given, self._search, steps, first, last)

    @property
    def value(self) -> float:
        """What the best plan costs, in seconds."""
        return float(self._search.values[1])

    def best(self) -> SweepPlan:
        """Return the best plan so far."""
        g, u = self._given, self._search
        n_stops = g.worth.size
        w = _routes(g)
        routes, modes = [], []
        for r in range(g.net.size):
            n = int(u.best_n[r])
            w.seq[r, : n + 2], w.n[r] = u.best[r, : n + 2], n
            refresh(g, w, r)
            routes.append(tuple(int(s) if s < n_stops else UNLOAD for s in w.seq[r, 1 : n + 1]))
            modes.append(tuple(int(m) for m in w.picked[r, 1 : n + 1]))
        return SweepPlan(tuple(routes), "ruin", self._seed, tuple(modes))


def _routes(g: Given) -> Routes:
    n_stops, n_shifts = g.worth.size, g.net.size
    visits = 2 * n_stops + 4 if (g.unload >= 0).any() else n_stops + 3
    modes = int(np.diff(g.first).max())
    seq = np.zeros((n_shifts, visits), dtype=np.int32)
    seq[:, 0] = n_stops + np.arange(n_shifts)
    seq[:, 1] = n_stops + n_shifts + np.arange(n_shifts)
    routes = Routes(
        seq=seq,
        n=np.zeros(n_shifts, dtype=np.int32),
        line=np.zeros((n_shifts, visits, modes, 6)),
        picked=np.zeros((n_shifts, visits), dtype=np.int8),
        bound=np.zeros(n_shifts, dtype=np.bool_),
        held=np.zeros((n_shifts, visits)),
        until=np.zeros((n_shifts, visits)),
        cost=np.zeros(n_shifts),
        where=np.full(n_stops, -1, dtype=np.int32),
    )
    for r in range(n_shifts):
        refresh(g, routes, r)
    return routes


def _blank(g: Given, stops: Sequence[int], seed: int) -> Search:
    n_stops, n_shifts = g.worth.size, g.net.size
    now = _routes(g)
    absent = np.zeros(n_stops, dtype=np.int32)
    absent[: len(stops)] = stops
    now.where[:] = -3
    now.where[list(stops)] = -1
    chance = np.random.default_rng(seed % 2**63).integers(1, 2**63, 1, dtype=np.uint64)
    return Search(
        now=now,
        old=_routes(g),
        best=now.seq.copy(),
        best_n=now.n.copy(),
        touched=np.zeros(n_shifts, dtype=np.bool_),
        absent=absent,
        todo=np.zeros(n_stops, dtype=np.int32),
        old_absent=absent.copy(),
        counts=np.array([len(stops), 0, len(stops), 0], dtype=np.int64),
        values=np.array([0.0, 0.0]),
        chance=chance,
        gaps=np.array([BLINK_EVERY, BLINK_EVERY], dtype=np.int32),
    )


def warm() -> None:
    """Compile, or read from the cache of compiled code, what a search needs, so that no limit pays for it."""
    with _WARMING:
        if _WARM:
            return
        stop = Stop.point("warm", 0, 1.0, 0, (0, 1))
        problem = SweepProblem((stop,), (Shift("warm", (0, 1)),), np.zeros((1, 1)))
        engine = Engine(problem, [0], needle_s=1.0, seed=0)
        engine.start(SweepPlan(((),), "nobody", 0))
        engine.run(2, 0.0, 1.0)
        engine.best()
        _WARM.append(True)


_WARMING, _WARM = threading.Lock(), list[bool]()
