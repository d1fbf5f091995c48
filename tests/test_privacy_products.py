"""Every product of a run says what was withheld, and no figure beside the tables tells what the tables withhold."""

import csv
import dataclasses
import io
import json
import re
from itertools import pairwise

import geopandas as gpd
import pandas as pd
import pytest

from sweepplan import Settings, maps, report, run
from sweepplan.bridge import NALOXONE_M
from sweepplan.demo import folder
from sweepplan.errors import SettingsError
from sweepplan.model import Limit
from sweepplan.pipeline import gathered, plan_kiosks, show
from sweepplan.privacy import ROLES, Policy, publish, to_csv


@pytest.fixture(scope="module")
def walked():
    return run(Settings.load(folder() / "settings.toml", k=2, limit=Limit(iterations=20)))


@pytest.fixture(scope="module")
def sited_for_overdoses(walked):
    """The same walk, with naloxone boxes in place of kiosks; one stands at the first library."""
    settings = Settings.load(folder() / "settings.toml", k=2, boxes="naloxone")
    sites = walked.city.around.sites
    libraries = sites.index[sites["kind"] == "library"]
    sites = sites.assign(kind=sites["kind"].mask(sites.index == libraries[0], "naloxone"))
    city = dataclasses.replace(walked.city, around=dataclasses.replace(walked.city.around, sites=sites))
    kiosks = plan_kiosks(city, settings, as_of=walked.as_of)
    shown = show(city, walked.hotspots, walked.sweep, kiosks, settings)
    return dataclasses.replace(walked, settings=settings, city=city, kiosks=kiosks, shown=shown)


@pytest.fixture(scope="module")
def products(walked, tmp_path_factory):
    out = tmp_path_factory.mktemp("run")
    report.write_run(walked, out)
    maps.draw(walked.shown, as_of=walked.as_of).save(out / "map.html")
    return out


def test_each_file_of_a_run_says_what_was_withheld(walked, products):
    words = walked.shown.withheld_words()
    assert words
    for path in products.iterdir():
        if path.suffix == ".parquet":
            if path.stem != "incidents":
                assert gpd.read_parquet(path).attrs["withheld"] == list(words), path.name
        elif path.name == "run.json":
            assert json.loads(path.read_text())["result"]["withheld"] == dict(walked.shown.withheld)
        elif path.name != "quarantine.csv":
            assert all(said in path.read_text(encoding="utf-8") for said in words), path.name


@pytest.mark.parametrize("role", ROLES)
def test_a_map_and_a_table_of_each_role_say_what_was_withheld(walked, role):
    tables = [*gathered(walked.city.readings, walked.hotspots), walked.kiosks.table, walked.sweep.routes]
    shown = publish(*tables, area=walked.city.area, policy=Policy.for_role(role), as_of=walked.as_of)
    page = maps.draw(shown).get_root().render()
    text = to_csv(shown.table("kiosks").drop(columns="geometry"), withheld=shown.withheld_words())
    last = [row[0] for row in csv.reader(io.StringIO(text))][-len(shown.withheld) :]
    assert last == [f"Withheld: {words}" for words in shown.withheld_words()]
    assert all(words in page for words in shown.withheld_words())


def test_figures_beside_the_tables_tell_no_single_overdose(sited_for_overdoses):
    walked = sited_for_overdoses
    told = report.summary(walked)
    reading = next(said for said in told["reports"] if said["feed"] != "boston311")
    true = walked.city.readings[1]
    assert reading["kept"] % 20 == 0
    assert abs(reading["kept"] - len(true.incidents)) <= 10
    assert len(reading["last_reported_at"]) == len("2026-01")
    assert not {"covered", "covered_today", "bound"} & told["kiosks"].keys()
    shown = walked.shown.table("kiosks")
    assert set(told["kiosks"]["sites"]) == set(shown.index[shown["state"] == "proposed"])


def test_naloxone_boxes_answer_to_overdoses_of_a_year_within_three_minutes(sited_for_overdoses):
    kiosks, overdoses = sited_for_overdoses.kiosks, sited_for_overdoses.city.overdoses
    since = sited_for_overdoses.as_of - pd.Timedelta(days=365)
    assert set(overdoses["kind"]) == {"overdose"}
    assert kiosks.judged.total == (overdoses["reported_at"] >= since).sum()
    assert kiosks.study.problem.reach_m == NALOXONE_M
    assert (kiosks.table["state"] == "installed").sum() == 1


def test_no_product_of_naloxone_boxes_holds_an_overdose_or_a_count(sited_for_overdoses, tmp_path):
    walked, spots = sited_for_overdoses, sited_for_overdoses.city.overdoses
    report.write_run(walked, tmp_path)
    maps.draw(walked.shown, as_of=walked.as_of).save(tmp_path / "map.html")
    for path in tmp_path.glob("*.parquet"):
        points = gpd.read_parquet(path)
        points = points[points.geom_type == "Point"]
        if path.stem != "incidents":
            assert not spots.index.isin(points.index).any()
        assert "kind" not in points or not (points["kind"] == "overdose").any()
    told = gpd.read_parquet(tmp_path / "kiosks.parquet")
    assert len(told) > 1
    assert told[["covered", "added"]].isna().all(axis=None)
    words = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir() if path.suffix != ".parquet"}
    words["lines"] = "\n".join(report.lines(walked))
    degrees = spots.to_crs("EPSG:4326").geometry
    places = {(round(point.y, 5), round(point.x, 5)) for point in degrees}
    for name, text in words.items():
        numbers = [round(float(number), 5) for number in re.findall(r"-?\d+\.\d{4,}", text)]
        met = places & {pair for a, b in pairwise(numbers) for pair in ((a, b), (b, a))}
        assert len(met) < len(places) / 200, name  # where streets bend, a few spots are met by chance
    exact = {f"{n:,.0f}" for n in (walked.kiosks.judged.total, *walked.kiosks.table["covered"]) if n >= 11}
    said = re.sub(r"(?s)<style>.*?</style>|<svg.*?</svg>|<[^>]+>", " ", words["kiosk_packet.html"])
    for text in (said, words["kiosks.geojson"], words["lines"].partition("naloxone boxes:")[2]):
        assert not exact & set(re.findall(r"(?<![\d.#,])\d[\d,]*(?![\d.])", text))
    assert "Proposed naloxone box sites" in words["kiosk_packet.html"]
    assert "naloxone boxes: 2 new ones reach" in words["lines"]
    assert "Naloxone boxes proposed" in words["map.html"]


def test_naloxone_boxes_without_overdoses_are_refused(walked):
    needles = dataclasses.replace(walked.city, readings=walked.city.readings[:1])
    with pytest.raises(SettingsError, match="none is read: give overdoses"):
        plan_kiosks(needles, dataclasses.replace(walked.settings, boxes="naloxone"), as_of=walked.as_of)
    with pytest.raises(SettingsError, match="boxes 'food'"):
        dataclasses.replace(walked.settings, boxes="food")
