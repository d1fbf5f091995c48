"""Whether multipliers prove what a kiosk plan claims: whole numbers alone, and no solver.

For a stage with multipliers v >= 0 a unit of demand (and one for each rule), every lawful choice x loses at least

    sum w v + sum at_least n - sum apart - budget B - sum floors room - max over x of sum of s_j x_j,

where s_j = sum over the points that j serves of w (v - loss)+, plus what the rules of j add; the maximum is at most
the k largest. A site that would lift this to the claim has no place in a better choice; one whose absence would, has a
sure one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from sweepplan.model import CLOSED, GOES_ON, Certificate, Ints, KioskProblem, Stage

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Facts:
    """The problem in whole numbers, worked out once."""

    problem: KioskProblem
    w: Ints
    district: Ints
    room: tuple[int, ...]
    grain: int
    claim: int


@dataclass(frozen=True, eq=False)
class _Case:
    """Sites that stand, sites that may be chosen, what a unit of each point loses at most, whether it is proved.

    ``point``, ``site``, ``loss`` : pairs that may still matter, by site.
    """

    standing: frozenset[int]
    alive: Bools
    cap: Ints
    point: Ints
    site: Ints
    loss: Ints
    proved: bool = False


def grain(problem: KioskProblem) -> int:
    """Return the step between the losses of two plans: their common divisor; of fractional demand a rounding."""
    w, unit = problem.weights()
    if unit != 1:
        return 8 * problem.most
    _, _, loss = problem.losses()
    units = int(np.gcd(np.gcd.reduce(loss, initial=0), problem.most))
    return max(int(np.gcd.reduce(w, initial=0)) * units, 1)


def proves(problem: KioskProblem, certificate: Certificate, loss: float) -> bool:
    """Tell whether the certificate proves that no lawful choice loses less than ``loss`` (whole units of ``weights``).

    Losses come in steps of :func:`grain`, so a bound less than a step below ``loss`` is enough.
    """
    if not certificate.stages:
        return False
    facts = _facts(problem, int(np.ceil(loss)))
    if not all(_lawful(facts, stage, certificate.scale) for stage in certificate.stages):
        return False
    cases = [_first_case(facts)]
    for stage in certificate.stages:
        if not cases:
            return False
        case = _ruled(facts, cases.pop(), stage, certificate.scale)
        if stage.branch == CLOSED:
            if not case.proved:
                return False
        elif stage.branch == GOES_ON:
            cases.append(case)
        else:
            cases += _both(case, stage.branch)
    return not cases


def _both(case: _Case, site: int) -> tuple[_Case, _Case]:
    """Return the case without ``site`` and the case with it; one that the stage ruled out already is proved."""
    alive = case.alive.copy()
    alive[site] = False
    stands = site in case.standing
    barred = not case.alive[site] and not stands
    without = replace(case, alive=alive, proved=case.proved or stands)
    return without, replace(case if stands else _with(case, [site]), proved=case.proved or barred)


def _facts(problem: KioskProblem, claim: int) -> _Facts:
    w, unit = problem.weights()
    rules = problem.rules
    district = np.asarray(rules.district, dtype=np.int64) if any(rules.floors) else np.full(w.size, -1)
    room = []
    for d, floor in enumerate(rules.floors if any(rules.floors) else ()):
        room.append(int(w[district == d].sum()) * problem.most - int(np.ceil(floor * problem.most / unit - 1e-6)))
    return _Facts(problem, w, district, tuple(room), grain(problem), claim)


def _lawful(facts: _Facts, stage: Stage, scale: int) -> bool:
    """Tell whether a stage's multipliers are of the right number, not negative, and on cliques of sites kept apart."""
    rules = facts.problem.rules
    singles = (*stage.at_least, *stage.floors, stage.budget, *(price for _, price in stage.apart))
    if scale < 1 or stage.v.shape != facts.w.shape or stage.v.dtype != np.int64 or min(singles, default=0) < 0:
        return False
    if len(stage.at_least) not in (0, len(rules.at_least)) or len(stage.floors) not in (0, len(facts.room)):
        return False
    if stage.budget and rules.budget is None:
        return False
    apart = {frozenset(pair) for pair in rules.apart}
    if not all(frozenset(pair) in apart for sites, _ in stage.apart for pair in combinations(sites, 2)):
        return False
    return bool((stage.v >= 0).all()) and stage.branch < facts.problem.n_sites


def _first_case(facts: _Facts) -> _Case:
    problem = facts.problem
    standing = [*problem.fixed, *problem.required]
    alive = np.ones(problem.n_sites, dtype=np.bool_)
    alive[[*standing, *problem.forbidden]] = False
    for a, b in problem.rules.apart:
        if {a, b} & {*standing}:
            alive[[a, b]] = False
    cap = np.full(facts.w.size, problem.most, dtype=np.int64)
    point, site, loss = problem.losses()
    order = np.argsort(site, kind="stable")
    return _with(_Case(frozenset(), alive, cap, point[order], site[order], loss[order]), standing)


def _with(case: _Case, sites: list[int]) -> _Case:
    """Return the case with ``sites`` standing: no unit loses more than they let it."""
    cap, alive = case.cap.copy(), case.alive.copy()
    for site in sites:
        mine = slice(*np.searchsorted(case.site, [site, site + 1]))
        np.minimum.at(cap, case.point[mine], case.loss[mine])
    alive[sites] = False
    return _thinned(replace(case, standing=case.standing | {*sites}, alive=alive, cap=cap))


def _thinned(case: _Case) -> _Case:
    """Leave out the pairs of sites that may not be chosen, and those that lose no less than what stands."""
    kept = case.alive[case.site]
    kept &= case.loss < case.cap[case.point]
    return replace(case, point=case.point[kept], site=case.site[kept], loss=case.loss[kept])


def _ruled(facts: _Facts, case: _Case, stage: Stage, scale: int) -> _Case:
    """Return the case without the sites that the stage rules out, with those it rules in, proved where it closes it."""
    if case.proved:
        return case
    problem = facts.problem
    price = np.full(facts.w.size, scale, dtype=np.int64)
    if stage.floors:
        inside = facts.district >= 0
        price[inside] += np.asarray(stage.floors, dtype=np.int64)[facts.district[inside]]
    v = np.minimum(stage.v, case.cap * price)
    left = v[case.point] - case.loss * price[case.point]
    sums = np.zeros(problem.n_sites, dtype=np.int64)
    if left.size:
        first = np.flatnonzero(np.diff(case.site, prepend=-1))
        sums[case.site[first]] = np.add.reduceat(facts.w[case.point] * np.maximum(left, 0), first)
    constant = int((facts.w * v).sum()) + _rules(facts, case, stage, sums)
    k = problem.k + len(problem.fixed) - len(case.standing)
    able = np.flatnonzero(case.alive)
    ranked = np.sort(np.maximum(sums[able], 0))[::-1]
    bound = constant - int(ranked[:k].sum())
    target = (facts.claim - facts.grain) * scale
    if bound > target:
        return replace(case, proved=True)
    bar = int(ranked[k - 1]) if 0 < k <= ranked.size else 0
    below = int(ranked[k]) if k < ranked.size else 0
    mine = sums[able]
    inside = (mine >= bar) & (mine > 0) & (k > 0)
    out = ~inside & (bound + bar - mine > target) if k else np.ones(able.size, dtype=np.bool_)
    into = inside & (bound + mine - below > target)
    alive = case.alive.copy()
    alive[able[out]] = False
    case = replace(case, alive=alive)
    if into.any():
        return _with(case, able[into].tolist())
    return _thinned(case) if out.sum() > able.size // 10 else case


def _rules(facts: _Facts, case: _Case, stage: Stage, sums: Ints) -> int:
    """Add to ``sums`` what the rules say of each site, and return what they add to the bound."""
    rules, constant = facts.problem.rules, 0
    for (sites, need), price in zip(rules.at_least, stage.at_least, strict=False):
        sums[list({*sites})] += price
        constant += price * (need - len({*sites} & case.standing))
    for sites, price in stage.apart:
        sums[list(sites)] -= price
        constant -= price * (1 - min(len({*sites} & case.standing), 1))
    if stage.budget:
        sums -= stage.budget * np.asarray(rules.cost, dtype=np.int64)
        spent = sum(rules.cost[site] for site in case.standing - {*facts.problem.fixed})
        constant -= stage.budget * (int(rules.budget or 0) - spent)
    for room, price in zip(facts.room, stage.floors, strict=False):
        constant -= price * room
    return constant
