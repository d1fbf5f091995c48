"""Did the kiosks work? Those that came while reports were kept, beside hot spots that have none."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from sweepplan import bridge
from sweepplan.errors import ProblemError
from sweepplan.judging import EffectJudgement, judge_effect
from sweepplan.pipeline.city import City

_BEFORE_D, _AFTER_D = 180, 60


@dataclass(frozen=True, eq=False)
class Effect:
    """When kiosks came, by ``site_id``, and how reports changed; ``judged`` is None where ``unknown`` says why not."""

    installed: pd.Series
    judged: EffectJudgement | None
    unknown: str = ""


def kiosk_effect(city: City, *, as_of: pd.Timestamp, seed: int) -> Effect:
    """Compare reports before and after each kiosk that has half a year of them before and two months after."""
    none = pd.Series(dtype="datetime64[us, UTC]")
    if city.ledger is None or city.kiosks is None:
        return Effect(none, None, "no ledger says when a kiosk came")
    if city.kind != "needle":
        return Effect(none, None, "no needle report is read")
    known, came = city.reports["reported_at"], city.ledger[city.ledger["state"] == "installed"]
    first = came[came["site_id"].isin(city.kiosks.index)].groupby("site_id")["at"].min()
    since, until = known.min() + pd.Timedelta(days=_BEFORE_D), as_of - pd.Timedelta(days=_AFTER_D)
    installed = first[(first >= since) & (first <= until)]
    if installed.empty:
        return Effect(none, None, "no kiosk came with half a year of reports before and two months after")
    try:
        study = bridge.effect_study(city.reports, city.area, kiosks=city.kiosks, installed=installed, until=as_of)
        return Effect(installed, judge_effect(study, seed=seed))
    except ProblemError as error:
        return Effect(installed, None, str(error))
