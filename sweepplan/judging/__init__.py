"""What a plan or a hotspot map is worth, recomputed from the problem alone; no solver is believed."""

from sweepplan.judging.bound import bound_sweep
from sweepplan.judging.capacity import judge_capacity
from sweepplan.judging.effect import BandEffect, EffectJudgement, EffectStudy, judge_effect
from sweepplan.judging.hotspots import hit_rate, pai, pei
from sweepplan.judging.kiosks import judge_center, judge_fewest, judge_kiosks
from sweepplan.judging.reasons import impossible_stops
from sweepplan.judging.slack import slack_s
from sweepplan.judging.sweep import judge_sweep, off_habit_s, plan_worth, work_days

__all__ = [
    "BandEffect",
    "EffectJudgement",
    "EffectStudy",
    "bound_sweep",
    "hit_rate",
    "impossible_stops",
    "judge_capacity",
    "judge_center",
    "judge_effect",
    "judge_fewest",
    "judge_kiosks",
    "judge_sweep",
    "off_habit_s",
    "pai",
    "pei",
    "plan_worth",
    "slack_s",
    "work_days",
]
