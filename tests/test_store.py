"""One contract for the store, on SQLite and on PostgreSQL."""

import itertools
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from geopandas.testing import assert_geodataframe_equal
from shapely.geometry import LineString
from sqlalchemy import create_engine, text

from sweepplan.errors import StoreError
from sweepplan.model import Crew
from sweepplan.store import FileRead, Store
from sweepplan.store.engine import connect, writing
from sweepplan.store.schema import METADATA, VERSION_TABLE
from sweepplan.store.sessions import SESSIONS
from sweepplan.tables import INCIDENTS, PICKUPS, PLACES, QUARANTINE, SITES

AT = pd.Timestamp("2026-03-01T12:00Z")
WRITERS = Path(__file__).with_name("test_store_writers.py")
_number = itertools.count()


@pytest.fixture(params=["sqlite", "postgresql"])
def make_url(request, tmp_path):
    """Function: the URL of a new, empty database."""
    if request.param == "sqlite":
        yield lambda: f"sqlite:///{tmp_path / f'city{next(_number)}.db'}"
        return
    server = os.environ.get("SWEEPPLAN_POSTGRES")
    if not server:
        if os.environ.get("CI"):
            pytest.fail("SWEEPPLAN_POSTGRES is not set: the store is tested on PostgreSQL too")
        pytest.skip("SWEEPPLAN_POSTGRES names no PostgreSQL to test on")
    engine = connect(server)
    made: list[str] = []

    def make():
        name = f"test_{os.getpid()}_{next(_number)}"
        with engine.begin() as connection:
            connection.execute(text(f"DROP SCHEMA IF EXISTS {name} CASCADE"))
            connection.execute(text(f"CREATE SCHEMA {name}"))
        made.append(name)
        return f"{server}{'&' if '?' in server else '?'}options=-csearch_path%3D{name}"

    yield make
    with engine.begin() as connection:
        for name in made:
            connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
    engine.dispose()


@pytest.fixture
def url(make_url):
    return make_url()


@pytest.fixture
def store(url):
    with Store.open(url) as opened:
        yield opened


def incidents(at, n=6, *, source="a"):
    times = pd.Series(pd.date_range("2025-11-02T04:59:59.123456Z", periods=n, freq="1h", unit="us"))
    empty = pd.Series(pd.NaT, index=range(n), dtype="datetime64[us, UTC]")
    columns = {
        "kind": pd.Series(["needle", "overdose"] * n, dtype="str")[:n],
        "reported_at": times,
        "time_precision": pd.Series("second", index=range(n), dtype="str"),
        "source": pd.Series(source, index=range(n), dtype="str"),
        "needles": pd.Series([np.nan, 0.0, 2.5] * n)[:n],
        "status": pd.Series(["open", None, "closed"] * n, dtype="str")[:n],
        "due_at": empty.mask(pd.Series(range(n)) % 2 == 0, times),
        "closed_at": empty,
    }
    shapes = at(*((10.0 * k, 20.0 * k) for k in range(n)))
    index = pd.Index([f"Ω{k:07d}" for k in range(n)], dtype="str", name="incident_id")
    return INCIDENTS.check(gpd.GeoDataFrame(columns, geometry=shapes).set_index(index))


def quarantine(n=2):
    rows = [(k + 1, None if k else "x", "no time", "=1+1") for k in range(n)]
    return pd.DataFrame(rows, columns=list(QUARANTINE))


def bring(store, table, sha="1", aside=None, **given):
    aside = quarantine() if aside is None else aside
    read = FileRead("plain", "f.csv", sha, rows_in=len(table) + len(aside), kept=len(table), **given)
    return store.import_table(table, aside, read, at=AT, by="ann")


def pickups(at, names):
    n = len(names)
    columns = {
        "place_id": pd.Series([None] * n, dtype="str"),
        "at": pd.Series([AT] * n).dt.as_unit("us"),
        "needles": pd.Series(np.zeros(n)),
        "minutes": pd.Series(np.full(n, np.nan)),
        "outcome": pd.Series(["clean"] * n, dtype="str"),
        "stream": pd.Series(["sweep"] * n, dtype="str"),
    }
    index = pd.Index(names, dtype="str", name="pickup_id")
    return PICKUPS.check(gpd.GeoDataFrame(columns, geometry=at(*[(5, 5)] * n)).set_index(index))


def test_incidents_come_back_as_they_went(store, gridtown_at, gridtown_area):
    given = incidents(gridtown_at)
    result = bring(store, given)
    assert (result.new, result.changed, result.unchanged) == (6, 0, 0)
    back = store.incidents(gridtown_area)
    assert_geodataframe_equal(back, given, check_less_precise=True)
    assert (back.geometry.distance(given.geometry) < 0.001).all()
    assert str(back["reported_at"].dtype) == "datetime64[us, UTC]"
    assert back["reported_at"].tolist() == given["reported_at"].tolist()


def test_the_same_file_again_changes_nothing(store, gridtown_at):
    first = bring(store, incidents(gridtown_at))
    again = bring(store, incidents(gridtown_at))
    assert again.repeated
    assert (again.import_id, again.new, again.changed, again.unchanged) == (first.import_id, 0, 0, 6)
    assert len(store.imports()) == 1
    assert len(store.quarantine()) == 2
    assert store.imported("plain", "2") is None


def test_a_status_that_changes_is_an_update(store, gridtown_at, gridtown_area):
    given = incidents(gridtown_at)
    bring(store, given)
    closed = given.copy()
    closed.loc["Ω0000000", ["status", "closed_at"]] = ["closed", AT]
    result = bring(store, closed, "2")
    assert (result.new, result.changed, result.unchanged) == (0, 1, 5)
    back = store.incidents(gridtown_area)
    assert back.loc["Ω0000000", "closed_at"] == AT
    assert store.imports()[["kept", "rejected", "rows_in"]].to_numpy().tolist() == [[6, 2, 8]] * 2


def test_incidents_are_chosen_by_time_and_kind(store, gridtown_at, gridtown_area):
    given = incidents(gridtown_at)
    bring(store, given)
    since, until = given["reported_at"].iloc[1], given["reported_at"].iloc[4]
    assert store.incidents(gridtown_area, since=since, until=until).index.tolist() == given.index[1:4].tolist()
    assert store.incidents(gridtown_area, kind="overdose").index.tolist() == given.index[1::2].tolist()
    assert store.incidents(gridtown_area, source="nobody").empty


def test_an_id_of_two_sources_is_told_apart(store, gridtown_at, gridtown_area):
    bring(store, incidents(gridtown_at, 1))
    bring(store, incidents(gridtown_at, 1, source="b"), "2")
    assert sorted(store.incidents(gridtown_area).index) == ["a/Ω0000000", "b/Ω0000000"]


def test_a_failing_import_leaves_nothing(store, gridtown_at, gridtown_area):
    with pytest.raises(StoreError):
        bring(store, incidents(gridtown_at), aside=quarantine().assign(reason=None))
    assert store.incidents(gridtown_area).empty
    assert store.imports().empty


def test_quarantine_is_released_once(store, gridtown_at):
    bring(store, incidents(gridtown_at))
    rows = store.quarantine()
    assert rows["line"].tolist() == [1, 2]
    assert rows["value"].tolist() == ["=1+1"] * 2
    assert store.release([rows["id"].iloc[0]], at=AT, by="ann") == 1
    assert store.release([rows["id"].iloc[0]], at=AT, by="ann") == 0
    assert store.quarantine()["line"].tolist() == [2]
    assert len(store.quarantine(state=None)) == 2


def test_a_pickup_sent_twice_counts_once(store, gridtown_at, gridtown_area):
    given = pickups(gridtown_at, ["u1", "u2"])
    assert store.add_pickups(given) == 2
    assert store.add_pickups(pickups(gridtown_at, ["u2", "u3"])) == 1
    back = store.pickups(gridtown_area)
    assert back.index.tolist() == ["u1", "u2", "u3"]
    assert_geodataframe_equal(back.iloc[:2], given, check_less_precise=True)


def test_a_count_that_is_taken_back_can_be_given_anew(store, gridtown_at, gridtown_area):
    later, given = AT + pd.Timedelta(days=99999), pickups(gridtown_at, ["u1", "u2"])
    assert store.pickups_mark(later) == (0, 0)
    store.add_pickups(given)
    before = store.pickups_mark(later)
    assert store.take_back_pickups(["u1", "nobody"]) == 1
    assert store.pickups(gridtown_area).index.tolist() == ["u2"]
    store.add_pickups(given.assign(needles=given["needles"] + 1))
    mark = store.pickups_mark(later)
    assert mark[0] == before[0]
    assert mark != before
    assert store.pickups_mark(AT - pd.Timedelta(days=99999)) == (0, 0)


def test_a_kiosk_has_a_life(store, gridtown_at, gridtown_area):
    columns = {"name": ["Dock"], "kind": ["kiosk"], "state": ["installed"]}
    index = pd.Index(["k1"], dtype="str", name="site_id")
    table = SITES.check(gpd.GeoDataFrame(columns, geometry=gridtown_at((50, 50))).set_index(index))
    assert store.put_sites(table, at=AT) == 1
    assert store.put_sites(table, at=AT + pd.Timedelta("1h")) == 0
    store.set_site_state("k1", "full", at=AT + pd.Timedelta("1D"))
    store.set_site_state("k1", "removed", at=AT + pd.Timedelta("9D"))
    assert store.site_states("k1")["state"].tolist() == ["installed", "full", "removed"]
    assert store.sites(gridtown_area).loc["k1", "state"] == "removed"
    assert store.sites(gridtown_area, as_of=AT + pd.Timedelta("2D")).loc["k1", "state"] == "full"
    assert store.sites(gridtown_area, as_of=AT).empty
    with pytest.raises(StoreError, match="one of broken"):
        store.set_site_state("k1", "gone", at=AT)
    with pytest.raises(StoreError, match="no site 'k2'"):
        store.set_site_state("k2", "full", at=AT)


def test_places_and_crews(store, gridtown_at, gridtown_area):
    ends = gridtown_at((0, 0), (100, 0))
    columns = {"kind": ["street"], "name": ["A Street"], "length_m": [100.0], "sweep_s": [60.0]}
    index = pd.Index(["p1"], dtype="str", name="place_id")
    shapes = gpd.GeoSeries([LineString(list(ends))], crs=ends.crs)
    table = PLACES.check(gpd.GeoDataFrame(columns, geometry=shapes).set_index(index))
    assert store.put_places(table) == 1
    assert store.places(gridtown_area).geometry.iloc[0].length == pytest.approx(100, abs=0.001)
    crews = (Crew.on_shift("A", "08:00-16:00"), Crew.on_shift("B", "12:00-20:00"))
    store.put_crews(crews)
    store.put_crews(crews)
    assert store.crews() == crews


def test_alerts_are_kept_as_they_were_told_and_once(store):
    told = {"kind": "needle", "method": "scan", "threshold": 8.6, "per_30_days": 1.1, "subject": "not kept"}
    one = {"episode": "e1", "place": "A & B", "message": "More", "days": 3, "n": 9, "expected": 2.1, "since": "x"}
    hidden = {**one, "episode": "e2", "n": None, "expected": None}
    assert store.add_alerts({**told, "alerts": [one, hidden]}, as_of=AT) == 2
    assert store.add_alerts({**told, "alerts": [{**one, "n": 10}]}, as_of=AT) == 0
    assert store.add_alerts({**told, "threshold": None, "alerts": [one]}, as_of=AT + pd.Timedelta(days=1)) == 1
    assert store.add_alerts({**told, "alerts": []}, as_of=AT) == 0
    kept = store.alerts()
    assert kept["episode"].tolist() == ["e1", "e2", "e1"]
    assert kept["n"].tolist()[0] == 10
    assert kept["n"].isna().tolist() == [False, True, False]
    assert kept["as_of"].tolist() == [AT, AT, AT + pd.Timedelta(days=1)]


def test_plans_keep_their_versions(store):
    assert [store.save_plan("monday", {"routes": [[k]]}, by="ann", at=AT) for k in range(3)] == [1, 2, 3]
    with pytest.raises(StoreError, match="no published version"):
        store.plan("monday")
    store.publish_plan("monday", 2)
    plan = store.plan("monday")
    assert (plan.version, plan.state, plan.by, plan.at, plan.body) == (2, "published", "ann", AT, {"routes": [[1]]})
    assert store.plan("monday", version=3).state == "draft"
    assert store.plans()["state"].tolist() == ["draft", "published", "draft"]
    with pytest.raises(StoreError, match="no version 9"):
        store.publish_plan("monday", 9)


def test_accounts_bear_roles(store):
    store.put_account("ann@city", "Ann", ["lead", "admin"], at=AT)
    store.put_account("ann@city", "Ann B", ["crew"], at=AT)
    assert store.roles("ann@city") == {"crew"}
    assert store.roles("nobody") == frozenset()
    assert store.accounts()["name"].tolist() == ["Ann B"]
    with pytest.raises(StoreError, match="role 'king'"):
        store.put_account("x", "X", ["king"], at=AT)


@pytest.fixture
def audited(store):
    for k in range(6):
        assert store.note("ann", f"saw map {k}", at=AT, policy="partner", rows=k) == k + 1
    assert store.verify_audit() is None
    return store


def test_audit_refuses_changes(audited):
    for statement in ("UPDATE audit SET who = 'x'", "DELETE FROM audit WHERE seq = 6"):
        with pytest.raises(StoreError, match="append-only"), writing(audited._engine) as connection:
            connection.execute(text(statement))
    assert audited.verify_audit() is None
    assert audited.audit()["rows"].tolist() == list(range(6))


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit SET who = 'x' WHERE seq = 3", 3),
        ("UPDATE audit SET rows = 9 WHERE seq = 6", 6),
        ("DELETE FROM audit WHERE seq = 1", 1),
        ("DELETE FROM audit WHERE seq = 4", 4),
        ("DELETE FROM audit WHERE seq = 6", 6),
        ("DELETE FROM audit", 1),
        ("INSERT INTO audit SELECT 7, at, who, what, policy, rows, hash FROM audit WHERE seq = 6", 7),
        ("UPDATE audit SET seq = CASE seq WHEN 2 THEN 30 WHEN 30 THEN 2 ELSE seq END", 2),
        ("UPDATE audit SET what = (SELECT what FROM audit AS other WHERE other.seq = 7 - audit.seq)", 1),
    ],
)
def test_audit_finds_what_was_tampered_with(audited, statement, broken):
    engine = audited._engine
    triggers = ("audit_change",) if engine.dialect.name == "postgresql" else ("update", "delete", "insert")
    with writing(engine) as connection:
        for name in triggers:
            on_table = engine.dialect.name == "postgresql"
            connection.execute(text(f"DROP TRIGGER {name} ON audit" if on_table else f"DROP TRIGGER audit_{name}"))
        connection.execute(text(statement))
    assert audited.verify_audit() == broken


def test_backup_restores_into_either_database(store, make_url, gridtown_at, gridtown_area, tmp_path):
    bring(store, incidents(gridtown_at))
    store.add_pickups(pickups(gridtown_at, ["u1"]))
    store.note("ann", "export", at=AT, rows=3)
    store.put_crews([Crew("A")])
    written = store.backup(tmp_path / "copy.zip", at=AT, by="ann")
    for url in (make_url(), f"sqlite:///{tmp_path / 'other.db'}"):
        with Store.open(url) as other:
            assert other.restore(tmp_path / "copy.zip", at=AT, by="ann") == written
            assert_geodataframe_equal(other.incidents(gridtown_area), store.incidents(gridtown_area))
            assert other.pickups(gridtown_area).index.tolist() == ["u1"]
            assert other.verify_audit() is None
            assert other.audit()["what"].iloc[-1] == "restore from copy.zip"
            assert other.note("bob", "more", at=AT) == 5
            assert bring(other, incidents(gridtown_at), "2").unchanged == 6
            with pytest.raises(StoreError, match="restore into a new one"):
                other.restore(tmp_path / "copy.zip", at=AT, by="ann")
    with pytest.raises(StoreError, match="cannot be written"):
        store.backup(tmp_path / "no" / "copy.zip", at=AT, by="ann")


@pytest.mark.parametrize("at_byte", [0, 300, -200])
def test_a_damaged_copy_is_refused_whole(store, make_url, gridtown_at, tmp_path, at_byte):
    bring(store, incidents(gridtown_at))
    store.backup(tmp_path / "copy.zip", at=AT, by="ann")
    data = bytearray((tmp_path / "copy.zip").read_bytes())
    data[at_byte] ^= 0xFF
    (tmp_path / "copy.zip").write_bytes(bytes(data))
    with Store.open(make_url()) as other:
        with pytest.raises(StoreError):
            other.restore(tmp_path / "copy.zip", at=AT, by="ann")
        assert other.imports().empty


def test_migrations_make_the_tables_of_the_schema(store):
    with store._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, [METADATA, SESSIONS.metadata]) == []


def test_a_newer_database_is_refused(store, url):
    with writing(store._engine) as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))  # noqa: S608
    with pytest.raises(StoreError, match="newer sweepplan") as caught:
        Store.open(url)
    assert "\n" not in str(caught.value)


def test_another_programs_database_is_refused(url):
    engine = create_engine(connect(url).url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE songs (id integer)"))
    engine.dispose()
    with pytest.raises(StoreError, match="songs"):
        Store.open(url)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://localhost/x", "give a path"),
        ("sqlite:////no/such/folder/x.db", "folder is missing or read-only"),
        ("postgresql://127.0.0.1:1/x", "127.0.0.1"),
    ],
)
def test_what_cannot_be_reached_is_said_in_one_line(url, said):
    pytest.importorskip("psycopg")
    with pytest.raises(StoreError, match=said) as caught:
        Store.open(url)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "x.db").write_text("name,lat\n" * 200)
    with pytest.raises(StoreError, match="not a sweepplan database"):
        Store.open(tmp_path / "x.db")


def test_a_held_database_is_said_to_be_held(tmp_path, monkeypatch):
    monkeypatch.setattr("sweepplan.store.engine.BUSY_MS", 50)
    with Store.open(tmp_path / "x.db") as store:
        holder = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another program holds it"):
            store.note("ann", "x", at=AT)
        holder.close()


def test_killed_writers_lose_and_double_nothing(url):
    told = subprocess.run([sys.executable, WRITERS, url, "4", "25", "7"], capture_output=True, text=True, timeout=120)
    assert told.returncode == 0, told.stderr[-2000:]
    assert "kills" in told.stdout
    assert not told.stdout.startswith("0 kills")


def test_an_import_killed_midway_leaves_the_store_as_before(url, gridtown_at, gridtown_area, tmp_path):
    script = (
        "import os, signal, sys\nimport sweepplan.store.imports as s\nfrom sweepplan.store import Store\n"
        "s.add = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "import pandas as pd\ntable, aside = pd.read_pickle(sys.argv[2])\n"
        "read = s.FileRead('plain', 'f', '2', rows_in=99, kept=99)\n"
        "Store.open(sys.argv[1]).import_table(table, aside, read, at=pd.Timestamp(0, tz='UTC'), by='ann')\n"
    )
    with Store.open(url) as store:
        bring(store, incidents(gridtown_at))
        before = store.incidents(gridtown_area)
        path = tmp_path / "given.pickle"
        pd.to_pickle((incidents(gridtown_at, 500), quarantine()), path)
        ended = subprocess.run([sys.executable, "-c", script, url, path], timeout=120)
        assert ended.returncode == -9
        assert_geodataframe_equal(store.incidents(gridtown_area), before)
        assert len(store.imports()) == 1
        assert bring(store, incidents(gridtown_at, 500), "2").new == 494
