"""Did a kiosk work: the planted effect is found, nothing is found where nothing was done, a before/after is refused."""

import tomllib

import numpy as np
import pandas as pd
import pytest
from geopandas import GeoDataFrame, points_from_xy

from sweepplan import Area, read, read_file, read_sites
from sweepplan.bridge import effect_study
from sweepplan.demo import folder
from sweepplan.errors import ProblemError
from sweepplan.judging import EffectStudy, judge_effect


def made_up(rng, *, reduction=0.0, kiosks=1, spots=40):
    """Hot spots whose level wanders, each with its own spread; kiosks' spots fall by ``reduction`` half-way."""
    level = rng.gamma(4, 3, (kiosks + spots, 1, 1)) * np.exp(rng.normal(0, 0.3, (kiosks + spots, 1, 24)))
    level[:kiosks, :, 12:] *= 1 - reduction
    counts = rng.poisson(level)
    return EffectStudy(counts[:kiosks], counts[kiosks:], (12,) * kiosks, (200.0,))


def test_every_figure_by_pencil():
    # 20 spots with 10 reports before and 5 after; the kiosk had 100 and 20: 50 were expected, to a rounding of halves.
    controls = np.tile([10, 5], (20, 1, 1))
    effect = judge_effect(EffectStudy(np.array([[[100, 20]]]), controls, (1,), (200.0,)), seed=1).pooled
    assert (effect.before, effect.after) == (100, 20)
    assert effect.expected == pytest.approx(100 * 100.5 / 200.5)
    assert effect.change == pytest.approx(20.5 / (effect.expected + 0.5) - 1)
    assert effect.p_value == 1 / 21
    assert effect.low == pytest.approx(effect.change, abs=0.001)


def test_one_kiosk_without_effect_is_seldom_called_a_success_and_eleven_with_one_are():
    rng = np.random.default_rng(3)
    nothing = [judge_effect(made_up(rng), seed=1).pooled.p_value <= 0.05 for _ in range(200)]
    assert np.mean(nothing) <= 0.1
    found = [judge_effect(made_up(rng, reduction=0.59, kiosks=11), seed=1).pooled.p_value <= 0.05 for _ in range(10)]
    assert all(found)


def test_the_least_effect_that_could_have_been_seen_shrinks_with_more_kiosks():
    rng = np.random.default_rng(5)
    one, many = (judge_effect(made_up(rng, kiosks=kiosks), seed=1).pooled.detectable for kiosks in (1, 11))
    assert many is not None
    assert one is None or one > many


def test_a_plain_before_and_after_is_refused_and_says_why():
    with pytest.raises(ProblemError, match=r"0 hot spots to compare with.*A plain before/after says yes"):
        EffectStudy(np.ones((1, 1, 4), dtype=int), np.ones((0, 1, 4), dtype=int), (2,), (200.0,))
    with pytest.raises(ProblemError, match="periods before and after"):
        EffectStudy(np.ones((1, 1, 4), dtype=int), np.ones((20, 1, 4), dtype=int), (4,), (200.0,))


def test_the_kiosk_planted_in_the_made_up_city_is_found_to_have_worked():
    area = Area.load(folder() / "area.toml")
    incidents = read("boston311", folder() / "needle_requests.csv.gz", area)
    kiosks, _ = read_sites(folder() / "kiosks.geojson", area, kind="kiosk", state="installed")
    truth = tomllib.loads((folder() / "truth/truth.toml").read_text())["changes"]
    planted = next(change for change in truth if "kiosk" in change)
    installed = pd.Series({planted["kiosk"]: pd.Timestamp(planted["from"], tz=area.tz).tz_convert("UTC")})
    until = area.midnight("2026-03-01")
    study = effect_study(incidents, area, kiosks=kiosks, installed=installed, until=until)
    effect = judge_effect(study, seed=1)
    assert effect.pooled.p_value <= 0.05
    assert effect.pooled.low < planted["falls_to"] - 1 < effect.pooled.high
    assert [band.within_m for band in effect.bands] == [100, 200]
    with pytest.raises(ProblemError, match="give reports from before and after"):
        effect_study(incidents, area, kiosks=kiosks, installed=installed + pd.Timedelta(days=999), until=until)


@pytest.mark.shared
def test_where_boston_did_nothing_a_kiosk_is_seldom_said_to_have_worked(shared):
    reading = read_file(
        "boston311-points", shared / "data/boston/needle_points_2024_2025.csv.gz", None, tz="America/New_York"
    )
    area, table = reading.area, reading.incidents
    said = []
    for month in ("2024-10", "2025-01", "2025-04", "2025-07"):
        past = table[table["reported_at"] < area.midnight(f"{month}-01")]
        for x, y in hottest(past, 25):
            kiosk = GeoDataFrame(
                {"name": "x", "kind": "kiosk", "state": "installed"},
                index=pd.Index(["x"], name="site_id", dtype="str"),
                geometry=points_from_xy([x], [y]),
                crs=area.crs,
            )
            came = pd.Series({"x": area.midnight(f"{month}-05")})
            try:
                study = effect_study(table, area, kiosks=kiosk, installed=came, until=area.midnight("2026-01-01"))
            except ProblemError as error:
                # The very hottest spots have too few like them: that is said, not guessed.
                assert "hot spots to compare with" in str(error)  # noqa: PT017
                continue
            said.append(judge_effect(study, seed=1).pooled.p_value <= 0.05)
    assert len(said) >= 90
    assert np.mean(said) <= 0.1


def hottest(past, n):
    """The middles of the fullest squares of 50 m, none within 200 m of another."""
    cells = pd.Series(list(zip(past.geometry.x // 50, past.geometry.y // 50, strict=True)), index=past.index)
    found = []
    for cell in cells.value_counts().index:
        spot = past.geometry[cells == cell]
        x, y = spot.x.mean(), spot.y.mean()
        if all(np.hypot(x - a, y - b) > 200 for a, b in found):
            found.append((x, y))
        if len(found) == n:
            break
    return found
