"""The stages of a search said of the problem's own points and sites, in whole numbers: the certificate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sweepplan.model import GOES_ON, Certificate, Ints, KioskProblem, Stage
from sweepplan.siting.bound import Prices
from sweepplan.siting.core import Core


@dataclass(frozen=True, eq=False)
class Found:
    """One stage of the proof: prices of the rows of a core, and where the problem's points are among them."""

    prices: Prices
    row_of: Ints
    core: Core
    branch: int = GOES_ON


def certificate_of(problem: KioskProblem, found: tuple[Found, ...]) -> Certificate:
    """Return the stages in whole numbers, prices per unit of demand rounded down, so that none exceeds its limit."""
    w, _ = problem.weights()
    most = problem.most * max(float(w.sum()), 1.0)
    scale = 2 ** int(np.clip((54 if problem.rules.floors else 60) - np.ceil(np.log2(most)), 8, 40))
    return Certificate(scale, tuple(_whole(problem, stage, scale) for stage in found))


def _whole(problem: KioskProblem, found: Found, scale: int) -> Stage:
    prices, core = found.prices, found.core
    floors = np.round(prices.floors * scale).astype(np.int64)
    v = np.full(problem.demand.size, problem.most * scale, dtype=np.int64)
    if floors.size:
        district = np.asarray(problem.rules.district)
        v += np.where(district >= 0, floors[np.maximum(district, 0)], 0) * problem.most
    held = found.row_of >= 0
    per_unit = np.floor(prices.u / core.w * scale).astype(np.int64)
    v[held] = np.minimum(per_unit[found.row_of[held]], v[held])
    return Stage(
        v=v,
        at_least=tuple(round(price * scale) for price in prices.groups),
        apart=tuple(
            (tuple(core.sites[cols].tolist()), round(price * scale)) for cols, price in prices.cliques if cols.size > 1
        ),
        budget=round(prices.budget * scale),
        floors=tuple(floors.tolist()),
        branch=found.branch if found.branch < 0 else int(core.sites[found.branch]),
    )


def worth(problem: KioskProblem, loss: float) -> float:
    """Return what a loss in whole units means: demand covered, or of a median, demand x walk."""
    w, unit = problem.weights()
    if problem.aim == "median":
        return float(loss * unit)
    total = float(w.sum()) if unit == 1 else float(problem.demand.sum()) / unit
    return (total * problem.most - float(loss)) / problem.most * unit


def loss_of(problem: KioskProblem, value: float) -> int:
    """Return the most that may be lost, in whole units, for a plan to be worth ``value``."""
    w, unit = problem.weights()
    at = value / unit
    return math.floor(at + 1e-6 if problem.aim == "median" else (int(w.sum()) - at) * problem.most + 1e-6)
