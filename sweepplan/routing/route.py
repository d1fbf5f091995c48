"""One route under compiled search: exact costs and clocks over the directions of its stops, and where more fits.

``line[r, k, m]`` holds of the k-th visit of route r in mode m six numbers: travel from the start to it (``THERE``) and
from it to the end (``AWAY``), over the best directions of all others; when it is done at the earliest with the break
taken (``DONE``) or not yet (``DONE_0``); and the latest arrival with the break taken (``DUE``) or still to take
(``DUE_0``). Vidal (2017), Node, edge, arc routing and turn penalties, Operations Research 65(4), for the directions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sweepplan.model import Floats
from sweepplan.routing.arrays import NEVER, Given, Small

THERE, DONE, AWAY, DUE, DONE_0, DUE_0 = range(6)
INF = np.inf
EPS = 1e-6


class Routes(NamedTuple):
    """Routes under search; sizes R routes, L visits, M modes, S stops.

    ``seq`` (R, L) numbers, start and end included · ``n`` (R) visits between them · ``line`` (R, L, M, 6) ·
    ``picked`` (R, L) mode, ``bound`` (R) whether windows forbid other directions ·
    ``held`` (R, L) load since the container was emptied last, ``until`` (R, L) load when it is emptied next ·
    ``cost`` (R) · ``where`` (S) route, -1 absent.
    """

    seq: Small
    n: Small
    line: Floats
    picked: NDArray[np.int8]
    bound: NDArray[np.bool_]
    held: Floats
    until: Floats
    cost: Floats
    where: Small


@njit(cache=True, nogil=True)
def leg_s(g: Given, net: int, a: int, b: int) -> float:
    """Return seconds between two modes, inf without a way."""
    seconds: float = g.travel[net, g.leave[a], g.entry[b]]
    return seconds if seconds < NEVER else float(INF)


@njit(cache=True, nogil=True)
def new_leg_s(g: Given, a: int, b: int) -> float:
    """Return what the habit asks for number b right after a."""
    stops = g.usual.size
    if g.leg_s == 0.0 or b >= stops or a >= stops + g.net.size or g.follows[a] == b:
        return 0.0
    return g.leg_s


@njit(cache=True, nogil=True)
def rested_s(g: Given, r: int, now: float) -> float:
    """Return when the break ends that starts as soon as it may; inf where it may not any more."""
    start = max(now, g.rest_from[r])
    return start + g.rest_s[r] if start <= g.rest_until[r] else INF


@njit(cache=True, nogil=True)
def rest_by_s(g: Given, r: int, leave: float) -> float:
    """Return when work must be done so that the break fits before leaving; -inf where it can't."""
    if g.rest_from[r] + g.rest_s[r] > leave:
        return -INF
    latest: float = min(g.rest_until[r], leave - g.rest_s[r])
    return latest


@njit(cache=True, nogil=True)
def forward(g: Given, w: Routes, r: int) -> None:
    """Fill in travel so far and earliest times, from the start on."""
    net, rests = g.net[r], g.rest_from[r] < INF
    line, seq = w.line[r], w.seq[r]
    line[0, 0, THERE] = 0.0
    line[0, 0, DONE] = rested_s(g, r, g.begin[r]) if rests else g.begin[r]
    line[0, 0, DONE_0] = g.begin[r] if rests else INF
    for k in range(1, w.n[r] + 2):
        a, b = seq[k - 1], seq[k]
        more = new_leg_s(g, a, b)
        for j in range(g.first[b + 1] - g.first[b]):
            there = done = done_0 = INF
            mb = g.first[b] + j
            if not (w.bound[r] and w.picked[r, k] != j):
                for i in range(g.first[a + 1] - g.first[a]):
                    leg = leg_s(g, net, g.first[a] + i, mb)
                    there = min(there, line[k - 1, i, THERE] + leg + more)
                    done = min(done, line[k - 1, i, DONE] + leg)
                    if rests:
                        done_0 = min(done_0, line[k - 1, i, DONE_0] + leg)
            start = max(done, g.opens[b])
            done = start + g.service[mb] if start <= g.closes[b] else INF
            if rests:
                start = max(done_0, g.opens[b])
                done_0 = start + g.service[mb] if start <= g.closes[b] else INF
                if k <= w.n[r]:
                    done = min(done, rested_s(g, r, done_0))
            line[k, j, THERE], line[k, j, DONE], line[k, j, DONE_0] = there, done, done_0


@njit(cache=True, nogil=True)
def backward(g: Given, w: Routes, r: int) -> None:
    """Fill in travel to come and latest arrivals, from the end back."""
    net, rests, last = g.net[r], g.rest_from[r] < INF, w.n[r] + 1
    line, seq = w.line[r], w.seq[r]
    line[last, 0, AWAY] = 0.0
    line[last, 0, DUE] = g.end[r]
    line[last, 0, DUE_0] = min(g.end[r], g.rest_until[r]) if rests else -INF
    for k in range(last - 1, -1, -1):
        a, b = seq[k], seq[k + 1]
        more = new_leg_s(g, a, b)
        for i in range(g.first[a + 1] - g.first[a]):
            away, due, due_0 = INF, -INF, -INF
            ma = g.first[a] + i
            if not (w.bound[r] and w.picked[r, k] != i):
                for j in range(g.first[b + 1] - g.first[b]):
                    leg = leg_s(g, net, ma, g.first[b] + j)
                    away = min(away, line[k + 1, j, AWAY] + leg + more)
                    leave = line[k + 1, j, DUE] - leg
                    due = max(due, leave)
                    if rests:
                        due_0 = max(due_0, line[k + 1, j, DUE_0] - leg, rest_by_s(g, r, leave))
            due = min(g.closes[a], due - g.service[ma])
            due_0 = min(g.closes[a], due_0 - g.service[ma])
            line[k, i, AWAY] = away
            line[k, i, DUE] = due if due >= g.opens[a] else -INF
            line[k, i, DUE_0] = due_0 if due_0 >= g.opens[a] else -INF


@njit(cache=True, nogil=True)
def pick(g: Given, w: Routes, r: int) -> float:
    """Pick the directions of least travel that keep all times, walking along; return their travel, inf if none."""
    net, rests, line, seq = g.net[r], g.rest_from[r] < INF, w.line[r], w.seq[r]
    at, cost, done, done_0 = g.first[seq[0]], 0.0, line[0, 0, DONE], line[0, 0, DONE_0]
    for k in range(1, w.n[r] + 2):
        b, best, chosen = seq[k], INF, -1
        more = new_leg_s(g, seq[k - 1], b)
        for j in range(g.first[b + 1] - g.first[b]):
            leg = leg_s(g, net, at, g.first[b] + j)
            in_time = done + leg <= line[k, j, DUE] or (rests and done_0 + leg <= line[k, j, DUE_0])
            if in_time and leg + more + line[k, j, AWAY] < best:
                best, chosen = leg + more + line[k, j, AWAY], j
        if chosen < 0:
            return INF
        w.picked[r, k] = chosen
        mode = g.first[b] + chosen
        leg = leg_s(g, net, at, mode)
        start, start_0 = max(done + leg, g.opens[b]), max(done_0 + leg, g.opens[b])
        done = start + g.service[mode] if start <= g.closes[b] else INF
        done_0 = start_0 + g.service[mode] if start_0 <= g.closes[b] else INF
        if rests:
            done = min(done, rested_s(g, r, done_0))
        at, cost = mode, cost + leg + more
    return cost


@njit(cache=True, nogil=True)
def refresh(g: Given, w: Routes, r: int) -> None:
    """Recompute a route after its sequence changed; its windows must hold."""
    n = w.n[r]
    w.bound[r] = False
    forward(g, w, r)
    backward(g, w, r)
    several = False
    for k in range(1, n + 1):
        several |= g.first[w.seq[r, k] + 1] - g.first[w.seq[r, k]] > 1
        w.picked[r, k] = 0
    if several:
        cost = pick(g, w, r)
        if cost > w.line[r, n + 1, 0, THERE] + EPS:  # the directions of least travel come too late somewhere
            w.bound[r] = True
            forward(g, w, r)
            backward(g, w, r)
    w.cost[r] = w.line[r, n + 1, 0, THERE] if n else 0.0
    held = g.held[r]
    for k in range(n + 2):
        held = 0.0 if w.seq[r, k] == g.unload[r] else held + g.load[w.seq[r, k]]
        w.held[r, k] = held
    until = held
    for k in range(n + 1, -1, -1):
        until = w.held[r, k] if k <= n and w.seq[r, k + 1] == g.unload[r] else until
        w.until[r, k] = until
    for k in range(1, n + 1):
        if w.seq[r, k] < w.where.size:
            w.where[w.seq[r, k]] = r


@njit(cache=True, nogil=True)
def in_time(g: Given, w: Routes, r: int, k: int, m: int, s: int) -> bool:
    """Whether stop s in mode m fits between visits k and k + 1."""
    net, rests, line = g.net[r], g.rest_from[r] < INF, w.line[r]
    a, b = w.seq[r, k], w.seq[r, k + 1]
    done = done_0 = INF
    for i in range(g.first[a + 1] - g.first[a]):
        leg = leg_s(g, net, g.first[a] + i, m)
        done = min(done, line[k, i, DONE] + leg)
        if rests:
            done_0 = min(done_0, line[k, i, DONE_0] + leg)
    start = max(done, g.opens[s])
    done = start + g.service[m] if start <= g.closes[s] else INF
    if rests:
        start = max(done_0, g.opens[s])
        done_0 = start + g.service[m] if start <= g.closes[s] else INF
        done = min(done, rested_s(g, r, done_0))
    for j in range(g.first[b + 1] - g.first[b]):
        leg = leg_s(g, net, m, g.first[b] + j)
        if done + leg <= line[k + 1, j, DUE] or (rests and done_0 + leg <= line[k + 1, j, DUE_0]):
            return True
    return False


@njit(cache=True, nogil=True)
def room(g: Given, w: Routes, r: int, s: int, limit: float, gaps: Small) -> tuple[float, int]:
    """Return the least cost below ``limit`` of inserting stop s into route r, and the gap; inf where there is none.

    ``gaps[0]`` counts down to the next gap that is overlooked, ``gaps[1]`` is how many lie between two of those.
    """
    if g.entry.size == g.opens.size and g.rest_from[r] == INF:
        return plain_room(g, w, r, s, limit, gaps)
    line, seq, until, first = w.line[r], w.seq[r], w.until[r], g.first
    travel, leave, entry = g.travel[g.net[r]], g.leave, g.entry
    best, at, old, habit = min(limit, g.most[r] - w.cost[r]), -1, w.cost[r], g.leg_s > 0.0
    spare, blink, opens, closes, rests = g.holds[r] - g.load[s], gaps[0], g.opens[s], g.closes[s], g.rest_from[r] < INF
    for k in range(w.n[r] + 1):
        blink -= 1
        if blink <= 0:
            blink = gaps[1]
            continue
        if until[k] > spare:
            continue
        a, b = seq[k], seq[k + 1]
        more = new_leg_s(g, a, s) + new_leg_s(g, s, b) - old if habit else -old
        from_a, from_b = first[a], first[b]
        for m in range(first[s], first[s + 1]):
            come, go, there, away, done, fits = entry[m], leave[m], INF, INF, INF, False
            for i in range(first[a + 1] - from_a):
                leg = travel[leave[from_a + i], come]
                there = min(there, line[k, i, THERE] + leg)
                done = min(done, line[k, i, DONE] + leg)
            start = max(done, opens)
            if there + more >= best or (start > closes and not rests):
                continue
            done = start + g.service[m]
            for j in range(first[b + 1] - from_b):
                leg = travel[go, entry[from_b + j]]
                away = min(away, line[k + 1, j, AWAY] + leg)
                fits |= done + leg <= line[k + 1, j, DUE]
            cost = there + away + more
            if (
                cost < best
                and there + away < NEVER
                and ((fits and start <= closes) or (rests and in_time(g, w, r, k, m, s)))
            ):
                best, at = cost, k
    gaps[0] = blink
    return (best, at) if at >= 0 else (INF, -1)


@njit(cache=True, nogil=True)
def plain_room(g: Given, w: Routes, r: int, s: int, limit: float, gaps: Small) -> tuple[float, int]:
    """Return what ``room`` does where every stop has one mode and the route no break."""
    net, line, seq, until = g.net[r], w.line[r], w.seq[r], w.until[r]
    travel, leave, entry = g.travel[net], g.leave, g.entry
    best, at, old = min(limit, g.most[r] - w.cost[r]), -1, w.cost[r]
    spare, blink = g.holds[r] - g.load[s], gaps[0]
    come, go, opens, closes, service, habit = entry[s], leave[s], g.opens[s], g.closes[s], g.service[s], g.leg_s > 0.0
    for k in range(w.n[r] + 1):
        blink -= 1
        if blink <= 0:
            blink = gaps[1]
            continue
        a, b = seq[k], seq[k + 1]
        there, away = travel[leave[a], come], travel[go, entry[b]]
        cost = line[k, 0, THERE] + line[k + 1, 0, AWAY] + there + away - old
        if habit:
            cost += new_leg_s(g, a, s) + new_leg_s(g, s, b)
        if cost < best and until[k] <= spare and there < NEVER and away < NEVER:
            start = max(line[k, 0, DONE] + there, opens)
            if start <= closes and start + service + away <= line[k + 1, 0, DUE]:
                best, at = cost, k
    gaps[0] = blink
    return (best, at) if at >= 0 else (INF, -1)


@njit(cache=True, nogil=True)
def put(g: Given, w: Routes, r: int, k: int, s: int) -> None:
    """Insert number s after visit k."""
    for x in range(w.n[r] + 1, k, -1):
        w.seq[r, x + 1] = w.seq[r, x]
    w.seq[r, k + 1] = s
    w.n[r] += 1
