"""What a plan or a hotspot map is worth, recomputed from the problem alone; no solver is believed."""

from sweepplan.judging.capacity import judge_capacity
from sweepplan.judging.effect import BandEffect, EffectJudgement, EffectStudy, judge_effect
from sweepplan.judging.hotspots import hit_rate, pai, pei
from sweepplan.judging.kiosks import judge_center, judge_fewest, judge_kiosks
from sweepplan.judging.sweep import judge_sweep

__all__ = [
    "BandEffect",
    "EffectJudgement",
    "EffectStudy",
    "hit_rate",
    "judge_capacity",
    "judge_center",
    "judge_effect",
    "judge_fewest",
    "judge_kiosks",
    "judge_sweep",
    "pai",
    "pei",
]
