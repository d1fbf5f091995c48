"""Did a kiosk work? Reports near it, before and after, against other hot spots without one.

A plain before/after is refused: kiosks are put where it was worst, and the worst months are followed by better ones
whatever is done. On Boston's reports, with no intervention at all, a plain before/after finds an effect in about half
of all tries at a nominal 5 %, a difference in differences with likelihood intervals in a third.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sweepplan.errors import ProblemError
from sweepplan.model import Floats, Ints

_ENOUGH = 19
"""With fewer controls no rank is as rare as 5 %."""
_DRAWS = 2000
_GRID = np.arange(0.05, 1.0, 0.05)


@dataclass(frozen=True, eq=False)
class EffectStudy:
    """Reports by spot and period, in the same bands of distance around kiosks and around other hot spots.

    Attributes
    ----------
    treated : shape (kiosks, bands, periods), reports around each kiosk.
    controls : shape (spots, bands, periods), around hot spots that never had one, chosen as the kiosks' spots were.
    starts : per kiosk, the first period that counts as after; ``0 < start < periods``.
    bands_m : outer edge of each band, metres, rising; the last is the widest that is asked about.

    Raises
    ------
    ProblemError
        No controls, or too few for a rank to be rare; shapes that differ; a start with nothing before or after.
    """

    treated: Ints
    controls: Ints
    starts: tuple[int, ...]
    bands_m: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.controls.shape[0] < _ENOUGH:
            raise ProblemError(
                f"effect: {self.controls.shape[0]} hot spots to compare with: give at least {_ENOUGH}. A plain "
                "before/after says yes about every other time where nothing was done, for kiosks are put where and "
                "when it is worst"
            )
        if self.treated.shape[1:] != self.controls.shape[1:] or self.treated.shape[1] != len(self.bands_m):
            raise ProblemError("effect: treated and controls differ in bands or periods")
        periods = self.treated.shape[2]
        if len(self.starts) != self.treated.shape[0] or not all(0 < start < periods for start in self.starts):
            raise ProblemError(f"effect: starts {self.starts}: give each kiosk one with periods before and after it")


@dataclass(frozen=True)
class BandEffect:
    """What changed within a band of distance.

    Attributes
    ----------
    within_m : outer edge of the band.
    before, after : reports of all kiosks' spots.
    expected : reports after, had they gone as at the hot spots without a kiosk.
    change : after / expected - 1, negative where reports fell.
    low, high : of ``change``, what chance as the comparison spots show it leaves open, 90 %.
    p_value : one-sided; how often as many spots without a kiosk, drawn at random, fell as much.
    detectable : the least reduction that would have been seen four times in five; None where none short of all would.
    """

    within_m: float
    before: int
    after: int
    expected: float
    change: float
    low: float
    high: float
    p_value: float
    detectable: float | None


@dataclass(frozen=True)
class EffectJudgement:
    """The effect of all kiosks together, by band outwards and over all bands; of each kiosk, over all bands."""

    bands: tuple[BandEffect, ...]
    pooled: BandEffect
    each: tuple[BandEffect, ...]
    n_controls: int


def judge_effect(study: EffectStudy, *, seed: int) -> EffectJudgement:
    """Estimate the change at kiosks beyond that of hot spots alike, and how often chance alone does as much.

    A comparative interrupted series: what is expected after is what was before, times how the hot spots without a
    kiosk changed over the same periods. Its chance is read off the hot spots themselves, each taken for a kiosk
    (placebo in space; Abadie, Diamond, Hainmueller 2010): they regress to the mean as kiosks' spots do.
    """
    rng = np.random.default_rng(seed)
    whole = EffectStudy(
        study.treated.sum(axis=1, keepdims=True),
        study.controls.sum(axis=1, keepdims=True),
        study.starts,
        study.bands_m[-1:],
    )
    one = [
        EffectStudy(whole.treated[[i]], whole.controls, (start,), whole.bands_m) for i, start in enumerate(study.starts)
    ]
    return EffectJudgement(
        bands=tuple(_band(study, b, rng) for b in range(len(study.bands_m))),
        pooled=_band(whole, 0, rng),
        each=tuple(_band(each, 0, rng) for each in one),
        n_controls=int(study.controls.shape[0]),
    )


def _band(study: EffectStudy, b: int, rng: np.random.Generator) -> BandEffect:
    treated, controls = study.treated[:, b], study.controls[:, b]
    n = len(study.starts)
    before, after = _sums(treated, study.starts)
    by_start = [_sums(controls, (start,) * len(controls)) for start in study.starts]
    trend = np.array([(late.sum() + 0.5) / (early.sum() + 0.5) for early, late in by_start])
    expected = before * trend
    seen, spread = (float(number) for number in _change(after.sum(), expected.sum()))
    would, were = _placebos(by_start, n, rng)
    placebo = _score(were, would)
    p_value = (1 + int((placebo <= seen / spread).sum())) / (1 + placebo.size)
    low, high = (seen - spread * float(np.quantile(placebo, q)) for q in (0.95, 0.05))
    return BandEffect(
        within_m=study.bands_m[b],
        before=int(before.sum()),
        after=int(after.sum()),
        expected=float(expected.sum()),
        change=float((after.sum() + 0.5) / (expected.sum() + 0.5) - 1),
        low=float(np.exp(low) - 1),
        high=float(np.exp(high) - 1),
        p_value=p_value,
        detectable=_detectable(placebo, would, were, rng),
    )


def _sums(counts: Ints, starts: tuple[int, ...]) -> tuple[Ints, Ints]:
    """Return, per spot, reports before and from its start."""
    early = np.array([row[:start].sum() for row, start in zip(counts, starts, strict=True)])
    late = np.array([row[start:].sum() for row, start in zip(counts, starts, strict=True)])
    return early, late


def _change(after: ArrayLike, expected: ArrayLike) -> tuple[Floats, Floats]:
    """Return the log of after / expected, and its spread as if both were Poisson counts."""
    seen, would = (np.asarray(counts, dtype=np.float64) + 0.5 for counts in (after, expected))
    return np.asarray(np.log(seen / would)), np.asarray(np.sqrt(1 / seen + 1 / would))


def _score(after: ArrayLike, expected: ArrayLike) -> Floats:
    """Return the change in units of its spread, so that quiet and busy spots can be ranked together."""
    seen, spread = _change(after, expected)
    return np.asarray(seen / spread)


def _placebos(by_start: list[tuple[Ints, Ints]], n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return what was expected and seen of spots without a kiosk taken for kiosks.

    One kiosk: each spot once, against the others. Several: random sets of as many, each spot with one kiosk's start.
    """
    spots = by_start[0][0].size
    own = []
    for early, late in by_start:
        trend = (late.sum() - late + 0.5) / (early.sum() - early + 0.5)
        own.append((early * trend, late))
    if n == 1:
        expected, seen = own[0]
    else:
        draws = np.array([rng.permutation(spots)[: min(n, spots)] for _ in range(_DRAWS)])
        kiosk = np.arange(draws.shape[1])
        all_expected, all_seen = (np.array([pair[i] for pair in own]) for i in (0, 1))
        expected, seen = all_expected[kiosk, draws].sum(axis=1), all_seen[kiosk, draws].sum(axis=1)
    return np.asarray(expected, dtype=np.float64), np.asarray(seen, dtype=np.float64)


def _detectable(placebo: Floats, expected: Floats, seen: Floats, rng: np.random.Generator) -> float | None:
    """Return the least reduction of the grid that falls below the lowest 5 % of placebos four times in five."""
    bar = np.sort(placebo)[max(int(0.05 * (placebo.size + 1)) - 1, 0)]
    for reduction in _GRID:
        thinned = rng.binomial(seen.astype(np.int64), 1 - reduction)
        if (_score(thinned, expected) <= bar).mean() >= 0.8:
            return float(round(reduction, 2))
    return None
