"""The command over the database, on SQLite and on PostgreSQL: all or nothing, once, and noted."""

import json
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from geopandas import GeoSeries

from sweepplan.cli import sweepplan
from sweepplan.errors import SweepplanError
from sweepplan.geo import WGS84
from sweepplan.store import Store
from sweepplan.store.schema import METADATA
from tests.test_store import make_url, url  # noqa: F401 (fixtures)

MAPPING = 'kind = "needle"\n[columns]\nid = "id"\nlat = "lat"\nlon = "lon"\ntime = "when"\nstatus = "state"\n'
VERBS = ["import", "quality", "quarantine", "quarantine release", "backup", "restore"]
VERBS += ["audit", "audit list", "audit verify"]
BOMB = 200_000


def reports(path: Path, gridtown_at, n: int = 300, *, state: str = "open") -> Path:
    """Write made-up reports; three rows cannot be used."""
    dice = np.random.default_rng(7)
    points = gridtown_at(*map(tuple, dice.integers(0, 600, (n, 2)))).to_crs(WGS84)
    wall = pd.Timestamp("2026-03-02 05:00") - pd.to_timedelta(dice.integers(0, 200 * 24, n), unit="h")
    table = pd.DataFrame({"id": [f"r{k}" for k in range(n)], "lat": points.y, "lon": points.x, "when": wall})
    table = table.assign(state=state, when=table["when"].dt.strftime("%Y-%m-%d %H:%M"))
    table.loc[:1, "when"] = "soon"
    table.loc[2, "lat"] = np.nan
    table.to_csv(path, index=False)
    return path


@pytest.fixture
def town(tmp_path, gridtown_at):
    (tmp_path / "mapping.toml").write_text(MAPPING)
    reports(tmp_path / "reports.csv", gridtown_at)
    return tmp_path


def call(*arguments: object) -> Result:
    return CliRunner().invoke(sweepplan, [str(argument) for argument in arguments])


def said(*arguments: object):
    done = call(*arguments, "--json")
    assert done.exit_code == 0, done.exception
    return json.loads(done.stdout)


def refused(words: str, *arguments: object) -> None:
    done = call(*arguments)
    assert isinstance(done.exception, SweepplanError), done.exception
    assert words in str(done.exception)
    assert "\n" not in str(done.exception)
    assert done.stdout == ""


def options(town: Path, url: str) -> list[object]:  # noqa: F811
    how = ["--feed", "plain", "--mapping", town / "mapping.toml", "--tz", "America/New_York"]
    return [town / "reports.csv", *how, "--database", url, "--by", "ann"]


def everything(url: str) -> dict[str, list]:  # noqa: F811
    """Return every row of every table."""
    with Store.open(url) as store, store._engine.connect() as connection:
        tables = METADATA.sorted_tables
        return {t.name: [tuple(r) for r in connection.execute(t.select().order_by(*t.primary_key))] for t in tables}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb):
    done = call(*verb.split(), "--help")
    assert done.exit_code == 0
    assert "Usage: sweepplan" in done.stdout
    assert verb == "audit" or "--json" in done.stdout


def test_an_import_says_what_came_of_each_row_and_is_noted(town, url):  # noqa: F811
    told = said("import", *options(town, url))
    assert told["rows_in"] == 300 == told["kept"] + sum(told["quarantine"].values())
    assert told["quarantine"] == {"time cannot be read": 2, "no coordinates": 1}
    assert (told["new"], told["changed"], told["unchanged"], told["repeated"]) == (297, 0, 0, False)
    (row,) = said("quality", "--database", url)["imports"]
    assert (row["rows_in"], row["kept"], row["merged"], row["rejected"]) == (300, 297, 0, 3)
    assert row["set_aside"] == told["quarantine"]
    assert row["share_located"] == 0.9967
    assert row["days_since_last"] > 0
    assert "reports.csv" in call("quality", "--database", url).stdout
    (noted,) = said("audit", "list", "--database", url)["rows"]
    assert (noted["who"], noted["rows"]) == ("ann", 297)
    assert said("audit", "verify", "--database", url) == {"whole": True, "first_broken": None}


def test_the_same_file_again_changes_nothing_and_is_not_read(town, url, monkeypatch):  # noqa: F811
    said("import", *options(town, url))
    before = everything(url)
    monkeypatch.setattr("sweepplan.pipeline.stored.read_file", None)
    again = said("import", *options(town, url))
    assert again["repeated"]
    assert (again["kept"], again["new"], again["changed"], again["unchanged"]) == (297, 0, 0, 297)
    assert everything(url) == before


def test_other_settings_are_another_reading_in_place_of_the_first(town, url):  # noqa: F811
    said("import", *options(town, url))
    told = said("import", *options(town, url), "--merge", "--tz", "America/Chicago")
    assert not told["repeated"]
    assert (told["new"], told["changed"]) == (0, 297)
    assert said("quarantine", "--database", url)["set_aside"] == 3
    assert len(said("quality", "--database", url)["imports"]) == 1


def test_a_newer_export_changes_what_changed(town, url, gridtown_at):  # noqa: F811
    said("import", *options(town, url))
    reports(town / "reports.csv", gridtown_at, 310, state="closed")
    told = said("import", *options(town, url))
    assert told["new"] + told["changed"] + told["unchanged"] == 307


BOTH = """
import os, sys
from sweepplan.cli import sweepplan
from sweepplan.store import Store
import sweepplan.pipeline.stored as stored
read, ends = stored.read_file, [os.pipe(), os.pipe()]
for mine, other in ((0, 1), (1, 0)):
    if os.fork() == 0:
        def read_together(*arguments, **given):
            os.write(ends[other][1], b"x")
            os.read(ends[mine][0], 1)  # neither goes on before both have found the file to be new
            return read(*arguments, **given)
        stored.read_file = read_together
        sweepplan(standalone_mode=False)
        print(flush=True)
        os._exit(0)
assert [os.wait()[1], os.wait()[1]] == [0, 0]
"""


def test_two_at_once_give_one_copy(town, url):  # noqa: F811
    Store.open(url).close()
    command = [sys.executable, "-c", BOTH, "import", *options(town, url), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    told = [json.loads(part) for part in done.stdout.strip().split("\n\n")]
    assert sorted(each["repeated"] for each in told) == [False, True]
    assert sorted(each["new"] for each in told) == [0, 297]
    held = everything(url)
    assert (len(held["imports"]), len(held["incidents"]), len(held["quarantine"]), len(held["audit"])) == (1, 297, 3, 1)


def test_logs_and_layers_go_in_too(town, url, gridtown_at, gridtown_area):  # noqa: F811
    there = gridtown_at((50, 50), (300, 300)).to_crs(WGS84)
    sites = pd.DataFrame({"site_id": ["k1", "k2"], "name": ["Dock", "Park"], "lat": there.y, "lon": there.x})
    sites.to_csv(town / "kiosks.csv", index=False)
    (town / "ledger.csv").write_text("site_id,state,date\nk1,full,2026-01-05\nk2,removed,2026-02-01\n")
    log = pd.DataFrame({"pickup_id": ["u1"], "lat": there.y[:1], "lon": there.x[:1], "at": ["2026-01-05 10:00"]})
    log.assign(needles=3, outcome="found", stream="sweep").to_csv(town / "log.csv", index=False)
    (town / "area.toml").write_text('name = "G"\ncrs = "EPSG:32619"\ntz = "America/New_York"\nboundary = "a.geojson"\n')
    (town / "a.geojson").write_text(GeoSeries([gridtown_area.boundary], crs=gridtown_area.crs).to_crs(WGS84).to_json())
    to = ["--database", url, "--area", town / "area.toml"]
    refused("import the kiosks before", "import", town / "ledger.csv", "--feed", "kiosk-ledger", *to)
    refused("give --area", "import", town / "kiosks.csv", "--feed", "kiosks", "--database", url)
    for file, feed, new in (("kiosks", "kiosks", 2), ("ledger", "kiosk-ledger", 2), ("log", "sweep-log", 1)):
        told = said("import", town / f"{file}.csv", "--feed", feed, *to)
        assert (told["new"], told["quarantine"]) == (new, {})
        assert said("import", town / f"{file}.csv", "--feed", feed, *to)["repeated"]
    with Store.open(url) as store:
        assert store.sites(gridtown_area)["state"].to_dict() == {"k1": "full", "k2": "removed"}
        assert store.pickups(gridtown_area)["needles"].tolist() == [3]


def test_quarantine_is_listed_and_released(town, url):  # noqa: F811
    said("import", *options(town, url))
    rows = said("quarantine", "--database", url)["rows"]
    assert [(row["line"], row["reason"], row["value"]) for row in rows[:2]] == [
        (1, "time cannot be read", "soon"),
        (2, "time cannot be read", "soon"),
    ]
    assert len(said("quarantine", "--reason", "no coordinates", "--database", url)["rows"]) == 1
    ids = [row["id"] for row in rows[:2]]
    assert said("quarantine", "release", *ids, 999, "--database", url) == {"released": 2, "asked": 3}
    assert len(said("quarantine", "--database", url)["rows"]) == 1
    assert len(said("quarantine", "--all", "--database", url)["rows"]) == 3
    assert said("audit", "list", "--database", url)["rows"][-1]["what"] == "release from quarantine"


def test_a_backup_comes_back_and_writes_over_nothing_unasked(town, url, make_url):  # noqa: F811
    said("import", *options(town, url))
    copy, other = town / "copy.zip", make_url()
    rows = said("backup", copy, "--database", url)["rows"]
    assert (rows["incidents"], rows["audit"]) == (297, 2)
    refused("is there already", "backup", copy, "--database", url)
    assert said("backup", copy, "--replace", "--database", url)["rows"]["audit"] == 3
    assert said("restore", copy, "--database", other)["audit_broken_at"] is None
    held, restored = everything(url), everything(other)
    last = ("audit", "audit_head")
    assert {name: held[name] for name in held if name not in last} == {n: restored[n] for n in held if n not in last}
    assert restored["audit"][:-1] == held["audit"]
    refused("--replace", "restore", copy, "--database", other)
    said("quarantine", "release", 1, "--database", other)
    told = said("restore", copy, "--replace", "--database", other)
    assert told["audit_broken_at"] is None
    again = everything(other)
    assert again["quarantine"] == held["quarantine"]
    assert again["audit"][-1][3] == "restore from copy.zip, in place of what was there"


def bomb(path: Path, rows: bytes, member: str, version: str) -> None:
    """Write a small copy that unpacks to ever more of ``rows``."""
    names = [table.name for table in METADATA.sorted_tables]
    manifest = {"sweepplan": version, "rows": dict.fromkeys(names, 0), "sha256": dict.fromkeys(names, "0")}
    block = rows * (1 + (4 << 20) // len(rows))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name in ("manifest.json", *(f"{name}.jsonl" for name in names)):
            with bundle.open(name, "w") as out:
                out.write(json.dumps(manifest).encode() if name == "manifest.json" else b"")
                while name == member and bundle.fp is not None and bundle.fp.tell() < BOMB:
                    out.write(block)


FOES = {
    "rows without end": (b"[1,1,1]\n", "accounts.jsonl"),
    "a line without end": (b"x", "accounts.jsonl"),
    "a nest without end": (b"[" * 1000, "accounts.jsonl"),
    "plausible rows": (b'["a","b",1]\n', "accounts.jsonl"),
    "a wide row": (b"[" + b"[]," * 2_500_000 + b"1]\n", "accounts.jsonl"),
    "a manifest without end": (b" ", "manifest.json"),
}

RESTORE = """
import json, sys
from sweepplan.errors import StoreError
from sweepplan.store import Store
from sweepplan.store.schema import METADATA
from pandas import Timestamp
def peak_mb():  # the peak that getrusage tells is the parent's where that was higher
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) // 1024
start, said = peak_mb(), []
with Store.open(sys.argv[1]) as store:
    for copy in sys.argv[2:]:
        try:
            Store.look(copy)
            store.restore(copy, at=Timestamp(0, tz="UTC"), by="ann", replace=True)
        except StoreError as error:
            said.append(str(error))
print(json.dumps([peak_mb() - start, said]))
"""


def test_hostile_copies_are_refused_in_little_memory(tmp_path):
    database = tmp_path / "city.db"
    with Store.open(database) as store:
        store.backup(tmp_path / "sound.zip", at=pd.Timestamp(0, tz="UTC"), by="ann")
    version = json.loads(zipfile.ZipFile(tmp_path / "sound.zip").read("manifest.json"))["sweepplan"]
    before = everything(str(database))
    copies = [tmp_path / f"{foe}.zip" for foe in FOES]
    for copy, (rows, member) in zip(copies, FOES.values(), strict=True):
        bomb(copy, rows, member, version)
    command = [sys.executable, "-c", RESTORE, database, *copies]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    grown_mb, told = json.loads(done.stdout)
    assert len(told) == len(FOES), told
    assert all("\n" not in each for each in told)
    assert 0 < grown_mb < 300
    assert everything(str(database)) == before


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "not a copy"), (b"id,lat\n1,2\n", "not a copy"), (None, "no such file"), ("zip", "not a copy")],
)
def test_a_wrong_file_is_no_copy_and_makes_no_database(tmp_path, content, words):
    copy = tmp_path / "copy.zip"
    if content == "zip":
        with zipfile.ZipFile(copy, "w") as bundle:
            bundle.writestr("a.txt", "hello")
    elif content is not None:
        copy.write_bytes(content)
    refused(words, "restore", copy, "--database", tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists()


def test_where_there_is_no_database_none_is_made(tmp_path):
    for verb in (["quality"], ["quarantine"], ["audit", "verify"], ["audit", "list"], ["backup", tmp_path / "c.zip"]):
        refused("no database there", *verb, "--database", tmp_path / "typo.db")
    assert list(tmp_path.iterdir()) == []


def test_bad_files_and_feeds_are_refused_and_leave_nothing(town, url):  # noqa: F811
    (town / "bad.csv").write_text("version https://git-lfs.github.com/spec/v1\n")
    how = options(town, url)[1:]
    refused("LFS", "import", town / "bad.csv", *how)
    refused("no such file", "import", town / "none.csv", *how)
    refused("unknown feed 'boston'", "import", town / "reports.csv", "--feed", "boston", "--database", url)
    assert said("quality", "--database", url) == {"imports": []}


def test_an_audit_that_was_changed_is_told(town):
    file = town / "city.db"
    said("import", *options(town, str(file)))
    with sqlite3.connect(file) as raw:
        raw.execute("DROP TRIGGER audit_update")
        raw.execute("UPDATE audit SET who = 'eve'")
    raw.close()
    done = call("audit", "verify", "--database", file, "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout) == {"whole": False, "first_broken": 1}


KILLED = """
import os, random, signal, sys, time
import sweepplan.pipeline.stored
from sweepplan.cli import main
from sweepplan.store import imports
draw, take, killed = random.Random(7), imports.take, 0
for _ in range(4):
    hear, say = os.pipe()
    child = os.fork()
    if child == 0:
        def told(*arguments, **given):
            os.write(say, b"writing")
            return take(*arguments, **given)
        imports.take = told
        main()
    os.close(say)
    if not os.read(hear, 7):  # nothing to write: the one before was through when its signal came
        assert os.waitpid(child, 0)[1] == 0
        break
    time.sleep(draw.uniform(0, 0.15))
    os.kill(child, signal.SIGKILL)
    killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
print(killed)
"""


def test_an_import_killed_at_any_moment_leaves_all_as_before(town, url, gridtown_at):  # noqa: F811
    said("import", *options(town, url))
    before = everything(url)
    reports(town / "reports.csv", gridtown_at, 20_000, state="closed")
    command = [sys.executable, "-c", KILLED, "import", *options(town, url)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    killed, held = int(done.stdout.split()[-1]), everything(url)
    if len(held["imports"]) == 1:
        assert killed == 4
        assert held == before
    else:
        assert len(held["incidents"]) == 19_997
    assert killed > 0
    assert said("import", *options(town, url))["kept"] == 19_997
    assert len(everything(url)["incidents"]) == 19_997
