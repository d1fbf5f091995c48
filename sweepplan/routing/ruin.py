"""Ruin and recreate: strings of near stops are taken out, absent stops put in greedily with blinks, under annealing.

Christiaens and Vanden Berghe (2020), Slack induction by string removals for vehicle routing problems, Transportation
Science 54(2). Absent stops near the ruin are tried as well, which makes it a search for prizes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sweepplan.model import Floats
from sweepplan.routing.arrays import Given, Small
from sweepplan.routing.route import EPS, INF, Routes, put, refresh, room

MEAN_REMOVED = 10.0
LONGEST_STRING = 10.0
BLINK_EVERY = 100  # one gap in a hundred is overlooked
SPLIT_ODDS = 0.5
KEEP_ODDS = 0.01
FEW_ROUTES = 3  # so few routes may lose several strings each
NEAR_TRIED = 30  # absent stops near the ruin that are tried beside those removed
FAR_TRIED = 15  # and so many from anywhere
PACK_ODDS = 0.5  # steps in which absent stops go in by their worth a second


class Search(NamedTuple):
    """What changes during a search.

    ``now``, ``old`` routes under search, and as they were before the last ruin · ``best`` (R, L), ``best_n`` (R) ·
    ``touched`` (R) which differ · ``absent`` (S), ``todo`` (S), ``old_absent`` (S) stops on no route ·
    ``counts``: absent, todo, old absent, improvements · ``values``: of now, of the best · ``chance`` (1) the random
    state · ``gaps`` (2).
    """

    now: Routes
    old: Routes
    best: Small
    best_n: Small
    touched: NDArray[np.bool_]
    absent: Small
    todo: Small
    old_absent: Small
    counts: NDArray[np.int64]
    values: Floats
    chance: NDArray[np.uint64]
    gaps: Small


@njit(cache=True, nogil=True)
def rand(u: Search) -> float:
    """Return a number in [0, 1), by xorshift64*."""
    x = u.chance[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    u.chance[0] = x
    return float((x * np.uint64(2685821657736338717)) >> np.uint64(11)) / 9007199254740992.0


@njit(cache=True, nogil=True)
def copy_route(a: Routes, b: Routes, r: int) -> None:
    """Make route r of ``b`` what it is in ``a``, but for ``where``."""
    n = a.n[r] + 2
    b.n[r], b.cost[r], b.bound[r] = a.n[r], a.cost[r], a.bound[r]
    b.seq[r, :n], b.picked[r, :n] = a.seq[r, :n], a.picked[r, :n]
    b.held[r, :n], b.until[r, :n] = a.held[r, :n], a.until[r, :n]
    b.line[r, :n] = a.line[r, :n]


@njit(cache=True, nogil=True)
def touch(u: Search, r: int) -> None:
    """Keep route r as it is now, once a step."""
    if not u.touched[r]:
        u.touched[r] = True
        copy_route(u.now, u.old, r)


@njit(cache=True, nogil=True)
def moved_s(g: Given, r: int, s: int) -> float:
    """Return what the habit asks for stop s with the crew of route r."""
    return g.crew_s if g.crew_s > 0.0 and g.usual[s] >= 0 and g.usual[s] != r else 0.0


@njit(cache=True, nogil=True)
def drop(g: Given, u: Search, r: int) -> None:
    """Take the stops of route r that are marked absent out of it, and needless emptying too."""
    w, n = u.now, 0
    stops = w.where.size
    before = w.cost[r]
    for k in range(1, w.n[r] + 1):
        s = w.seq[r, k]
        if s >= stops or w.where[s] >= 0:
            n += 1
            w.seq[r, n] = s
    w.seq[r, n + 1] = w.seq[r, w.n[r] + 1]
    w.n[r] = n
    refresh(g, w, r)
    if g.unload[r] >= 0:
        k = 1
        while k <= w.n[r]:
            if w.seq[r, k] == g.unload[r] and w.held[r, k - 1] + w.until[r, k] <= g.holds[r]:
                for x in range(k, w.n[r] + 1):
                    w.seq[r, x] = w.seq[r, x + 1]
                w.n[r] -= 1
                refresh(g, w, r)
            else:
                k += 1
    u.values[0] += w.cost[r] - before


@njit(cache=True, nogil=True)
def mark(g: Given, u: Search, r: int, s: int) -> None:
    """Mark stop s of route r as absent."""
    u.now.where[s] = -1
    u.absent[u.counts[0]] = s
    u.counts[0] += 1
    u.values[0] += g.worth[s] - moved_s(g, r, s)


@njit(cache=True, nogil=True)
def take_string(g: Given, u: Search, r: int, s: int, longest: float) -> None:
    """Take a string of visits around stop s out of route r, perhaps with a part in its middle left in."""
    w = u.now
    n, at = w.n[r], 1
    while w.seq[r, at] != s:
        at += 1
    length = 1 + int(rand(u) * min(float(n), longest))
    length = min(length, n)
    kept = 0
    if length > 1 and length < n and rand(u) < SPLIT_ODDS:
        kept = 1
        while length + kept < n and rand(u) > KEEP_ODDS:
            kept += 1
            if kept >= length:
                break
    total = length + kept
    first = max(1, at - total + 1)
    last = min(at, n - total + 1)
    begin = first + int(rand(u) * (last - first + 1))
    skip = begin + 1 + int(rand(u) * (length - 1)) if kept else -1
    for k in range(begin, begin + total):
        if kept and skip <= k < skip + kept:
            continue
        stop = w.seq[r, k]
        if stop < w.where.size:
            mark(g, u, r, stop)
    drop(g, u, r)


@njit(cache=True, nogil=True)
def ruin(g: Given, u: Search) -> int:
    """Take strings of stops near a random one out of their routes; return that one."""
    w = u.now
    stops = w.where.size
    served = routes = 0
    for r in range(w.n.size):
        served += w.n[r]
        routes += w.n[r] > 0
    seed = int(rand(u) * stops)
    if served == 0:
        return seed
    longest = min(LONGEST_STRING, served / routes)
    most = 4.0 * MEAN_REMOVED / (1.0 + longest) - 1.0
    strings = int(rand(u) * most + 1.0)
    for x in range(g.near.shape[1]):
        s = g.near[seed, x]
        r = w.where[s]
        if r < 0 or (u.touched[r] and routes > FEW_ROUTES):
            continue
        touch(u, r)
        take_string(g, u, r, s, longest)
        strings -= 1
        if strings <= 0:
            break
    return seed


@njit(cache=True, nogil=True)
def offer(u: Search, s: int) -> None:
    """List absent stop s to be tried, once."""
    if u.now.where[s] == -1:
        u.now.where[s] = -2
        u.todo[u.counts[1]] = s
        u.counts[1] += 1


@njit(cache=True, nogil=True)
def gather(g: Given, u: Search, seed: int, everyone: bool) -> None:
    """List the absent stops to try: those removed, some near the seed and some from anywhere, in an order by chance."""
    u.counts[1] = 0
    everyone |= u.counts[0] <= NEAR_TRIED + FAR_TRIED + MEAN_REMOVED
    for k in range(0 if everyone else u.counts[2], u.counts[0]):
        offer(u, u.absent[k])
    if not everyone:
        most = u.counts[1] + NEAR_TRIED
        for x in range(g.near.shape[1]):
            if u.counts[1] < most:
                offer(u, g.near[seed, x])
        for _ in range(FAR_TRIED):
            offer(u, u.absent[int(rand(u) * u.counts[2])])
    kind, chance, n = 0, rand(u), u.counts[1]
    while chance > g.odds[kind]:
        kind += 1
    keys = np.empty(n)
    for k in range(n):
        u.now.where[u.todo[k]] = -1
        keys[k] = g.keys[kind, u.todo[k]] + (rand(u) if kind == 0 else 0.0)
    u.todo[:n] = u.todo[:n][np.argsort(keys, kind="mergesort")]


@njit(cache=True, nogil=True)
def settle(g: Given, u: Search, r: int, k: int, s: int) -> None:
    """Put stop s into route r after visit k."""
    w, before = u.now, u.now.cost[r]
    touch(u, r)
    put(g, w, r, k, s)
    refresh(g, w, r)
    u.values[0] += w.cost[r] - before
    if s < w.where.size:
        u.values[0] += moved_s(g, r, s) - g.worth[s]


@njit(cache=True, nogil=True)
def cheapest(g: Given, u: Search, s: int) -> tuple[float, int, int]:
    """Return the least cost of stop s below its worth, its route and gap; the first stop of a route may cost more."""
    w = u.now
    best, to, at = INF, -1, -1
    for r in range(w.n.size):
        if not g.may[s, r]:
            continue
        if w.n[r] == 0 and same_kind(g, w, r):
            continue
        moved = moved_s(g, r, s)
        limit = best if w.n[r] == 0 else min(best, g.worth[s])
        cost, k = room(g, w, r, s, limit - moved, u.gaps)
        if cost + moved < best:
            best, to, at = cost + moved, r, k
    return best, to, at


@njit(cache=True, nogil=True)
def insert(g: Given, u: Search, s: int) -> bool:
    """Put stop s where it costs least and less than it is worth."""
    _, to, at = cheapest(g, u, s)
    if to >= 0:
        settle(g, u, to, at, s)
        return True
    return emptied(g, u, s)


@njit(cache=True, nogil=True)
def pack(g: Given, u: Search, first: int, power: float) -> None:
    """Insert the listed stops from ``first`` on, those of most worth for their cost first.

    The score of a stop is looked at again when its turn comes: it is put in while it is still the best.
    """
    n = u.counts[1]
    score = np.empty(n)
    for k in range(first, n):
        score[k] = promise(g, cheapest(g, u, u.todo[k]), u.todo[k], power)
    while True:
        top, second, at = 0.0, 0.0, -1
        for k in range(first, n):
            if score[k] > top:
                top, second, at = score[k], top, k
            elif score[k] > second:
                second = score[k]
        if at < 0:
            break
        s = u.todo[at]
        found = cheapest(g, u, s)
        score[at] = promise(g, found, s, power)
        if score[at] > 0.0 and score[at] >= second:
            settle(g, u, found[1], found[2], s)
            score[at] = 0.0


@njit(cache=True, nogil=True)
def promise(g: Given, found: tuple[float, int, int], s: int, power: float) -> float:
    """Return the worth of stop s to a power for each second it costs, 0 where it fits nowhere."""
    return float(g.worth[s] ** power / max(1.0, found[0])) if found[1] >= 0 else 0.0


@njit(cache=True, nogil=True)
def same_kind(g: Given, w: Routes, r: int) -> bool:
    """Whether an empty route like r comes before it."""
    alike = False
    for x in range(r):
        alike |= w.n[x] == 0 and g.kind[x] == g.kind[r]
    return alike


@njit(cache=True, nogil=True)
def emptied(g: Given, u: Search, s: int) -> bool:
    """Put stop s into a route whose container has no room for it, and empty that on the way."""
    w = u.now
    best, to, at = g.worth[s], -1, -1
    for r in range(w.n.size):
        if g.unload[r] < 0 or not g.may[s, r] or g.load[s] > g.holds[r]:
            continue
        full = False
        for k in range(w.n[r] + 1):
            full |= w.until[r, k] + g.load[s] > g.holds[r]
        if full:
            cost, k = room(g, w, r, g.unload[r], best, u.gaps)
            if cost < best:
                best, to, at = cost, r, k
    if to < 0:
        return False
    settle(g, u, to, at, g.unload[to])
    moved = moved_s(g, to, s)
    cost, k = room(g, w, to, s, g.worth[s] - best - moved, u.gaps)
    if k >= 0:
        settle(g, u, to, k, s)
    drop(g, u, to)  # emptying that helped nobody goes again
    return k >= 0


@njit(cache=True, nogil=True)
def recreate(g: Given, u: Search, seed: int, everyone: bool) -> None:
    """Put absent stops back, required ones first; the others in the order they are listed, or by worth a second."""
    gather(g, u, seed, everyone)
    k = 0
    packed = g.prized and rand(u) < PACK_ODDS
    while k < u.counts[1] and not (packed and g.worth[u.todo[k]] < g.must):
        insert(g, u, u.todo[k])
        k += 1
    if packed:
        pack(g, u, k, 0.5 + 2.0 * rand(u))
    n = 0
    for k in range(u.counts[0]):
        if u.now.where[u.absent[k]] < 0:
            u.absent[n] = u.absent[k]
            n += 1
    u.counts[0] = n


@njit(cache=True, nogil=True)
def undo(u: Search, value: float) -> None:
    """Take the last step back."""
    w = u.now
    for r in range(w.n.size):
        if u.touched[r]:
            for k in range(1, w.n[r] + 1):
                if w.seq[r, k] < w.where.size:
                    w.where[w.seq[r, k]] = -1
    for r in range(w.n.size):
        if u.touched[r]:
            copy_route(u.old, w, r)
            for k in range(1, w.n[r] + 1):
                if w.seq[r, k] < w.where.size:
                    w.where[w.seq[r, k]] = r
    u.counts[0] = u.counts[2]
    u.absent[: u.counts[0]] = u.old_absent[: u.counts[0]]
    u.values[0] = value


@njit(cache=True, nogil=True)
def keep_best(u: Search) -> None:
    """Note the routes of now as the best."""
    w = u.now
    u.values[1] = u.values[0]
    u.counts[3] += 1
    for r in range(w.n.size):
        u.best_n[r] = w.n[r]
        u.best[r, : w.n[r] + 2] = w.seq[r, : w.n[r] + 2]


@njit(cache=True, nogil=True)
def anneal(g: Given, u: Search, steps: int, hot: float, cold: float) -> None:
    """Do so many steps while the temperature falls from ``hot`` to ``cold``, in seconds of value."""
    cooling = (cold / hot) ** (1.0 / max(1, steps))
    heat = hot
    for _ in range(steps):
        u.touched[:] = False
        value = u.values[0]
        u.counts[2] = u.counts[0]
        u.old_absent[: u.counts[0]] = u.absent[: u.counts[0]]
        recreate(g, u, ruin(g, u), False)
        if u.values[0] >= value - heat * np.log(1.0 - rand(u)):
            undo(u, value)
        elif u.values[0] < u.values[1] - EPS:
            keep_best(u)
        heat *= cooling
