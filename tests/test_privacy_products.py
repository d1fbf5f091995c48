"""Every product of a run says what was withheld, and no figure beside the tables tells what the tables withhold."""

import csv
import dataclasses
import io
import json

import geopandas as gpd
import pytest

from sweepplan import Settings, maps, report, run
from sweepplan.demo import folder
from sweepplan.model import Limit
from sweepplan.pipeline import gathered, plan_kiosks, show
from sweepplan.privacy import ROLES, Policy, publish, to_csv


@pytest.fixture(scope="module")
def walked():
    return run(Settings.load(folder() / "settings.toml", k=2, limit=Limit(iterations=20)))


@pytest.fixture(scope="module")
def sited_for_overdoses(walked):
    """The same walk, its kiosks sited by overdoses."""
    city, settings = walked.city, walked.settings
    overdoses = dataclasses.replace(city, readings=city.readings[1:])
    kiosks = plan_kiosks(overdoses, settings, as_of=walked.as_of)
    return dataclasses.replace(walked, kiosks=kiosks, shown=show(city, walked.hotspots, walked.sweep, kiosks, settings))


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
