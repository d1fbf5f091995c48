"""The forecast with what lies nearby: shelters, clinics, stops, kiosks. Opt-in, and judged like any other map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from sklearn.ensemble import HistGradientBoostingRegressor

from sweepplan.errors import SettingsError
from sweepplan.hotspots.blend import Plane, Shares

Floats = NDArray[np.float64]

_FARTHEST_M = 2000.0
_WINDOWS = 12
_HALF_LIVES_D = (28.0, 91.0, np.inf)


@dataclass(frozen=True, eq=False)
class Nearby:
    """Boosted trees over the blend, its histories, and how far it is to each kind of site.

    Poisson loss, small trees; learnt from the last 12 windows known at a day. Nothing at or after a day changes what is
    said of it. Sites must earn their place in a backtest.

    Attributes
    ----------
    shares : the blend.
    away_m : shape (n, kinds), metres from each cell's middle to the nearest site of each kind, 2 km at most.
    """

    shares: Shares
    away_m: Floats
    _models: dict[int, HistGradientBoostingRegressor] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, shares: Shares, plane: Plane, sites: Mapping[str, Floats]) -> Nearby:
        """Measure the way to sites, kind by kind; each of shape (m, 2), metres.

        Raises
        ------
        SettingsError
            No site.
        """
        if not sites or not all(len(xy) for xy in sites.values()):
            raise SettingsError("no site to measure the way to: give a file of sites with at least one kind")
        away = [np.asarray(cKDTree(sites[kind]).query(plane.cells.centres)[0]) for kind in sorted(sites)]
        return cls(shares, np.minimum(np.column_stack(away), _FARTHEST_M))

    def at(self, day: int, *, learnt: int) -> Floats:
        """Return each cell's share of the reports from ``day`` on, shape (n,); the blend's where nothing is learnt."""
        blend = self.shares.at(day, learnt=learnt)
        model = self._model(learnt)
        if model is None:
            return blend
        seen = self.shares.maps(day)[-2] > 0
        rate = np.zeros(len(blend))
        rate[seen] = model.predict(self._features(day, learnt)[seen])
        total = rate.sum()
        return rate / total if total > 0 else blend

    def _features(self, day: int, learnt: int) -> Floats:
        cube, ground = self.shares.cube, self.shares.ground
        decayed = np.vstack([cube.decayed(day, half_life) for half_life in _HALF_LIVES_D])
        counts = [each for sigma in (0.0, 100.0) for each in ground.spread(decayed, sigma)]
        return np.column_stack([self.shares.at(day, learnt=learnt), *counts, self.away_m])

    def _model(self, day: int) -> HistGradientBoostingRegressor | None:
        if day not in self._models:
            windows = self.shares.lessons(day)[:_WINDOWS]
            if not windows:
                return None
            rows, came = [], []
            for start, end in windows:
                near = self.shares.maps(start)[-2] > 0
                rows.append(self._features(start, start)[near])
                came.append(self.shares.ground.spread(self.shares.cube.counts(start, end)[None], 0)[0][near])
            trees = HistGradientBoostingRegressor(
                loss="poisson", learning_rate=0.06, max_iter=120, max_leaf_nodes=8, min_samples_leaf=200, random_state=0
            )
            self._models[day] = trees.fit(np.concatenate(rows), np.concatenate(came))
        return self._models[day]
