"""The command: one verb a step, one line an error, nothing written over."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import osmnx
import pandas as pd
import pytest
import shapely

from sweepplan import cli, demo
from sweepplan.geo import WGS84
from sweepplan.store import Store

Said = tuple[int, str, str]
Call = Callable[..., Said]

RUN = ["--tz", "America/New_York", "--as-of", "2026-03-02 06:00", "--crews", "2", "--limit", "30it", "--k", "2"]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    def run(*arguments: object) -> Said:
        monkeypatch.setattr("sys.argv", ["sweepplan", *(str(argument) for argument in arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, make_gridtown: Callable, gridtown_at: Callable) -> Path:
    """Folder with Gridtown's streets, and 300 made-up reports as a plain CSV under a mapping."""
    folder = tmp_path_factory.mktemp("town")
    osmnx.save_graphml(make_gridtown(), folder / "streets.graphml")
    dice = np.random.default_rng(7)
    spots = dice.integers(0, 7, size=(300, 2)) ** 2 / 36 * 600
    points = gridtown_at(*map(tuple, spots)).to_crs(WGS84)
    wall = pd.Timestamp("2026-03-02 05:00") - pd.to_timedelta(dice.integers(0, 200 * 24, 300), unit="h")
    reports = pd.DataFrame({"where_y": points.y, "where_x": points.x, "when": wall.strftime("%Y-%m-%d %H:%M")})
    reports["state"] = np.where(reports["when"] > "2026-02-28", "open", "closed")
    reports.to_csv(folder / "reports.csv", index=False)
    (folder / "mapping.toml").write_text(
        'kind = "needle"\n[columns]\nlat = "where_y"\nlon = "where_x"\ntime = "when"\nstatus = "state"\n'
    )
    return folder


def run_options(town: Path, **changes: object) -> list[object]:
    given: dict[str, object] = {
        "--incidents": town / "reports.csv",
        "--feed": "plain",
        "--mapping": town / "mapping.toml",
        "--streets": town / "streets.graphml",
        "--depot": _depot(town),
        "--name": "Gridtown",
        **changes,
    }
    return [*RUN, *(part for option in given.items() if option[1] is not None for part in option)]


def _depot(town: Path) -> str:
    graph = osmnx.load_graphml(town / "streets.graphml")
    return f"{graph.nodes[0]['y']},{graph.nodes[0]['x']}"


def one_line(said: Said, words: str) -> None:
    code, out, err = said
    assert code == 1
    assert out == ""
    assert words in err
    assert len(err.strip().splitlines()) == 1
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "verb", ["", "demo", "demo build", "read", "fetch", "hotspots", "alerts", "sweep", "kiosks", "run", "replan", "app"]
)
def test_every_verb_explains_itself(call: Call, verb: str) -> None:
    code, out, _ = call(*verb.split(), "--help")
    assert code == 0
    assert "Usage: sweepplan" in out


def test_a_run_leaves_its_folder_and_says_what_it_found(call: Call, town: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    code, said, _ = call("run", *run_options(town), "--out", out, "--json")
    assert code == 0
    result = json.loads(said)
    assert {p.name for p in out.iterdir()} >= {
        "hotspots.parquet", "routes.parquet", "kiosks.parquet", "map.html", "routes.gpx", "routes.csv", "run.json"
    }  # fmt: skip
    assert json.loads((out / "run.json").read_text())["result"] == result
    assert result["sweep"]["requests_served"] == result["sweep"]["requests"] > 0
    assert result["kiosks"]["gap"] == 0
    assert len(gpd.read_parquet(out / "routes.parquet")) == len(result["sweep"]["crews"])


def test_a_run_from_the_database_is_the_run_from_the_file(call: Call, town: Path, tmp_path: Path) -> None:
    file, secret = tmp_path / "city.db", tmp_path / "run"
    how = ["--feed", "plain", "--mapping", town / "mapping.toml", "--tz", "America/New_York", "--by", "ann"]
    assert call("import", town / "reports.csv", *how, "--database", file)[0] == 0
    stored = run_options(town, **{"--incidents": None, "--feed": None, "--mapping": None, "--database": file})
    told, again = (json.loads(call("run", *given, "--json")[1]) for given in (run_options(town), stored))
    assert again["reports"][0]["kept"] == told["reports"][0]["kept"] == 300
    assert again["hotspots"] == told["hotspots"]
    assert again["sweep"]["requests_served"] == told["sweep"]["requests_served"] > 0
    assert again["sweep"]["expected_needles"] == pytest.approx(told["sweep"]["expected_needles"], rel=0.02)
    assert again["kiosks"]["covered"] == told["kiosks"]["covered"]
    assert call("run", *stored, "--out", secret)[0] == 0
    assert json.loads((secret / "run.json").read_text())["settings"]["database"] == "city.db"
    with Store.open(file) as store:
        noted = store.audit()
        assert store.plans()["version"].tolist() == [1, 2]
        body = store.plan("2026-03-02", version=2).body
        crews = {crew["crew"]: crew["stops"] for crew in body["summary"]["sweep"]["crews"]}
        assert pd.Series([crew for crew, _, _ in body["routes"]]).value_counts().to_dict() == crews
        assert store.verify_audit() is None
    assert noted["what"].tolist()[1:] == [
        "publish plan 2026-03-02 version 1",
        "export plan 2026-03-02 version 2 to run",
        "export requests of plan 2026-03-02 version 2 to run",
    ]
    assert noted["policy"].str.contains("min_count=11").tolist() == [False, True, True, True]
    assert noted["rows"].iloc[-1] == 300
    later = ["replan", secret, "--at", "10:00", "--data", town]
    one_line(call(*later), "was planned from the database city.db: give --database")
    assert call(*later, "--database", file, "--out", tmp_path / "later")[0] == 0
    with Store.open(file) as store:
        assert store.plans()["version"].tolist() == [1, 2, 3]


def test_the_same_inputs_give_the_same_bytes(call: Call, town: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert call("run", *run_options(town), "--out", tmp_path / name)[0] == 0
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two


def test_settings_may_stand_in_a_file_and_options_win(call: Call, town: Path, tmp_path: Path) -> None:
    (town / "settings.toml").write_text(
        f'incidents = "reports.csv"\nfeed = "plain"\nmapping = "mapping.toml"\nstreets = "streets.graphml"\n'
        f'tz = "America/New_York"\nas_of = "2026-03-02 06:00"\ndepot = [{_depot(town)}]\nk = 1\nlimit = "20it"\n'
        '[[crews]]\nname = "dawn"\nshift = "07:00-12:00"\n'
    )
    code, said, _ = call("run", "--settings", town / "settings.toml", "--k", "3", "--json")
    assert code == 0
    result = json.loads(said)
    assert len(result["kiosks"]["sites"]) == 3
    assert [crew["crew"] for crew in result["sweep"]["crews"]] == ["dawn"]


@pytest.mark.parametrize("verb", ["sweep", "kiosks"])
def test_a_step_alone_says_only_its_part(call: Call, town: Path, verb: str) -> None:
    drop = {"sweep": [], "kiosks": ["--depot", "--crews", "--limit"]}[verb]
    options = run_options(town)
    if verb == "sweep":
        drop = ["--k"]
    pairs = [pair for pair in zip(options[::2], options[1::2], strict=True) if pair[0] not in drop]
    code, said, _ = call(verb, *(part for pair in pairs for part in pair), "--json")
    assert code == 0
    assert {"sweep", "kiosks"} & set(json.loads(said)) == {verb}


def test_hotspots_need_reports_alone(call: Call, town: Path, tmp_path: Path) -> None:
    given = ["--incidents", town / "reports.csv", "--feed", "plain", "--mapping", town / "mapping.toml"]
    when = ["--tz", "America/New_York", "--as-of", "2026-03-02"]
    code, said, _ = call("hotspots", *given, *when, "--out", tmp_path / "hot", "--json")
    assert code == 0
    result = json.loads(said)
    assert result["hotspots"]["needle"] == len(result["listed"]) > 0
    assert set(result["changed"]["needle"]) == {"risen", "fallen"}
    assert (tmp_path / "hot" / "map.html").stat().st_size > 100_000


def test_read_tells_rows_in_kept_and_rejected(call: Call, town: Path) -> None:
    options = ["--feed", "plain", "--mapping", town / "mapping.toml", "--tz", "America/New_York", "--json"]
    code, said, _ = call("read", town / "reports.csv", *options)
    assert code == 0
    assert json.loads(said) | {"rows_in": 300, "kept": 296, "merged": 4, "rejected": {}} == json.loads(said)
    code, said, _ = call("read", "--list")
    assert code == 0
    assert {"boston311", "boston311-points", "cincinnati-ems", "plain"} <= set(said.split())


def bad_csv(text: str) -> Callable[[Path], dict[str, object]]:
    def make(folder: Path) -> dict[str, object]:
        (folder / "bad.csv").write_text(text)
        return {"--incidents": folder / "bad.csv"}

    return make


def bad_streets(text: bytes, name: str = "bad.graphml") -> Callable[[Path], dict[str, object]]:
    def make(folder: Path) -> dict[str, object]:
        (folder / name).write_bytes(text)
        return {"--streets": folder / name}

    return make


def bad_area(folder: Path) -> dict[str, object]:
    (folder / "area.toml").write_text('name = "x"\ncrs = "EPSG:4326"\ntz = "UTC"\nboundary = "area.geojson"\n')
    square = gpd.GeoDataFrame(geometry=[shapely.box(-71, 42, -70, 43)], crs=WGS84)
    (folder / "area.geojson").write_text(square.to_json())
    return {"--area": folder / "area.toml"}


HEADER = "where_y,where_x,when,state\n"
BARE = b'<?xml version="1.0"?><graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="directed">'
FAULTS = {
    "missing column": (bad_csv("lat,lon\n1,2\n"), "where_y"),
    "degrees are due": (bad_csv(HEADER + "4690000,330000,2026-01-01 10:00,open\n"), "degrees"),
    "infinite": (bad_csv(HEADER + "inf,-inf,2026-01-01 10:00,open\n"), "coordinates"),
    "empty file": (bad_csv(""), "empty"),
    "header alone": (bad_csv(HEADER), "bad.csv"),
    "pointer": (bad_csv("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"), "LFS"),
    "no overlap": (bad_csv(HEADER + "51.5,-0.12,2026-01-01 10:00,open\n" * 3), "outside the area"),
    "metres in degrees": (bad_area, "EPSG:4326 is in degrees"),
    "no file": (lambda _: {"--incidents": "nowhere.csv"}, "nowhere.csv"),
    "file and database": (lambda _: {"--database": "city.db"}, "and not both"),
    "neither": (lambda _: {"--incidents": None}, "give incidents"),
    "unknown feed": (lambda _: {"--feed": "boston"}, "boston"),
    "unknown clock": (lambda _: {"--tz": "Boston"}, "unknown clock 'Boston'"),
    "naive moment skipped": (lambda _: {"--as-of": "2026-03-08 02:30"}, "2026-03-08 02:30"),
    "no streets": (lambda _: {"--streets": None}, "no streets"),
    "streets pointer": (bad_streets(b"version https://git-lfs.github.com/spec/v1\n"), "LFS"),
    "streets empty": (bad_streets(b""), "empty"),
    "streets cut": (bad_streets(gzip.compress(BARE * 50)[:-20], "bad.graphml.gz"), "bad.graphml.gz"),
    "streets without coordinates": (
        bad_streets(BARE + b'<node id="1"/><node id="2"/><edge source="1" target="2"/></graph></graphml>'),
        "coordinates",
    ),
    "shift reversed": (lambda _: {"--shift": "16:00-08:00"}, "ends before it starts"),
    "shift over": (lambda _: {"--shift": "01:00-05:00"}, "is over"),
    "no crew": (lambda _: {"--crews": 0}, "0 crews: give 1 to 10"),
    "depot unread": (lambda _: {"--depot": "here"}, "write LAT,LON"),
    "depot swapped": (lambda _: {"--depot": "-171.07,42.34"}, "latitude, longitude"),
    "depot far": (lambda _: {"--depot": "41.0,-70.0"}, "depot"),
    "limit unread": (lambda _: {"--limit": "soon"}, "limit 'soon'"),
    "too many kiosks": (lambda _: {"--k": 5000}, "k = 5000"),
    "reach of nothing": (lambda _: {"--reach-m": -1}, "reach_m -1"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_bad_input_is_one_clear_line_and_writes_nothing(call: Call, town: Path, tmp_path: Path, fault: str) -> None:
    make, words = FAULTS[fault]
    out = tmp_path / "run"
    out.mkdir()
    (out / "run.json").write_text("earlier")
    one_line(call("run", *run_options(town, **make(tmp_path)), "--out", out), words)
    assert [p.name for p in out.iterdir()] == ["run.json"]
    assert (out / "run.json").read_text() == "earlier"


def test_a_plain_feed_without_a_clock_is_refused(call: Call, town: Path) -> None:
    one_line(call("read", town / "reports.csv", "--feed", "plain", "--mapping", town / "mapping.toml"), "clock")


def test_a_folder_of_somebody_elses_is_left_alone(call: Call, town: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years")
    one_line(call("run", *run_options(town), "--out", tmp_path), "not the folder of an earlier run")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "feed", "words"),
    [
        ("awkward/boston_311_2024_LFS_POINTER.csv", "boston311", "LFS"),
        ("awkward/manhattan_no_coords.graphml.gz", "plain", "manhattan"),
        ("cincinnati/fire_stations.csv", "boston311", "CASE_ENQUIRY_ID"),
    ],
)
def test_awkward_files_are_refused(call: Call, shared: Path, file: str, feed: str, words: str) -> None:
    code, out, err = call("read", shared / "data" / file, "--feed", feed, "--tz", "America/New_York")
    assert (code, out) == (1, "")
    assert words.lower() in err.lower()
    assert len(err.strip().splitlines()) == 1


def test_the_demo_plans_the_made_up_citys_day(call: Call, tmp_path: Path) -> None:
    code, said, _ = call("demo", "--out", tmp_path / "demo", "--limit", "20it", "--json")
    assert code == 0
    result = json.loads(said)
    assert "made-up city" in result["area"]
    served, left = result["sweep"]["requests_served"], result["sweep"]["left_out"]
    assert served + len(left) == result["sweep"]["requests"] >= 20
    assert result["kiosks"]["covered"] > result["kiosks"]["covered_today"]
    assert "made-up city" in (tmp_path / "demo" / "map.html").read_text()
    assert demo.folder().name == "data"


def test_read_guesses_and_asks(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    file.write_text("Call Time,Latitude,Longitude\n" + "5/14/2025 7:05 AM,42.35,-71.06\n" * 2)
    code, out, _ = call("read", file, "--guess", "--json")
    assert code == 0
    assert json.loads(out)["mapping"]["time"] == "Call Time"
    use = ["--guess", "--yes", "--tz", "America/New_York", "--json"]
    code, out, _ = call("read", file, *use)
    assert code == 0
    assert {name: json.loads(out)[name] for name in ("rows_in", "kept", "merged")} == {
        "rows_in": 2,
        "kept": 1,
        "merged": 1,
    }
    assert json.loads(call("read", file, *use, "--keep-repeats")[1])["kept"] == 2


@pytest.fixture
def morning(call: Call, town: Path, tmp_path: Path) -> Path:
    """The run's folder of a day in Gridtown, shifts 08:00-11:00."""
    options = run_options(town, **{"--shift": "08:00-11:00"})
    options[options.index("--k") : options.index("--k") + 2] = []
    assert call("sweep", *options, "--out", tmp_path / "morning")[0] == 0
    return tmp_path / "morning"


def test_the_rest_of_a_day_is_planned_anew_and_says_what_changed(call: Call, town: Path, morning: Path) -> None:
    out, before = morning.parent / "later", gpd.read_parquet(morning / "stops.parquet")
    begun = pd.Timestamp("2026-03-02 09:00", tz="America/New_York")
    news = ["--at", "09:00", "--request", _depot(town), "--block", "d street", "--data", town]
    code, said, _ = call("replan", morning, *news, "--out", out, "--json")
    assert code == 0
    sweep, after = json.loads(said)["sweep"], gpd.read_parquet(out / "stops.parquet")
    assert sweep["requests_served"] == sweep["requests"]
    (new,) = after.loc[after["place_id"].str.startswith("new-20260302-"), "place_id"]
    assert not set(before.loc[before["arrives_at"] < begun, "place_id"]) & set(after["place_id"])
    assert (after["arrives_at"] >= begun).all()
    assert not gpd.read_parquet(out / "legs.parquet")["directions"].str.contains("D Street").any()
    assert not (after["name"] == "D Street").any()
    assert [change["crew"] for change in sweep["changes"]] == ["A", "B"]
    assert {"place": new, "was": "new"} in [each for change in sweep["changes"] for each in change["gained"]]
    assert (out / "changes.txt").read_text().startswith("from 09:00 on")
    assert {"map.html", "routes.gpx", "run.json", f"sheet-{after['crew'].iloc[0]}.html"} <= {
        path.name for path in out.iterdir()
    }
    # Again, from the folder of the rest of the day: what was shut stays shut, and a request at the same spot is new.
    again = morning.parent / "again"
    news = ["--at", "09:40", "--request", _depot(town), "--data", town]
    code, said, err = call("replan", out, *news, "--out", again, "--json")
    assert (code, err) == (0, "")
    last, sweep = gpd.read_parquet(again / "stops.parquet"), json.loads(said)["sweep"]
    assert {"place": f"{new}-2", "was": "new"} in [each for change in sweep["changes"] for each in change["gained"]]
    assert (last["arrives_at"] >= begun).all()
    assert not gpd.read_parquet(again / "legs.parquet")["directions"].str.contains("D Street").any()
    assert [each["at"] for each in json.loads((again / "run.json").read_text())["news"]] == ["09:00", "09:40"]
    (out / "earlier-1.parquet").unlink()
    one_line(call("replan", out, *news), "earlier-1.parquet: cannot be read")


def test_what_is_done_is_what_the_file_says(call: Call, town: Path, morning: Path) -> None:
    done, out, before = (
        morning.parent / "done.txt",
        morning.parent / "later",
        gpd.read_parquet(morning / "stops.parquet"),
    )
    before = before.dropna(subset="crew")
    did = before[before["seq"] <= before.groupby("crew")["seq"].transform("max") // 2]
    done.write_text("\n".join(did["place_id"]) + "\n\n")
    code, said, _ = call(
        "replan", morning, "--at", "09:30", "--done", done, "--home", "B", "--data", town, "--out", out
    )
    assert code == 0
    after = gpd.read_parquet(out / "stops.parquet")
    assert not set(after["place_id"]) & set(did["place_id"])
    assert set(after["crew"].dropna()) == {"A"}
    assert "  B: - " in said
    done.write_text("nowhere\n")
    one_line(call("replan", morning, "--at", "10:30", "--done", done, "--data", town), "place 'nowhere' is said")


@pytest.mark.parametrize(
    ("news", "words"),
    [
        (["--at", "07:30"], "nobody is out yet at 07:30: the first shift begins at 08:00"),
        (["--at", "11:30"], "no crew is left to go on"),
        (["--at", "9"], "write HH:MM"),
        (["--at", "09:00", "--home", "Z"], "no crew 'Z': one of A, B"),
        (["--at", "09:00", "--block", "D Stret"], "no street 'D Stret' on the network: is it"),
        (["--at", "09:00", "--request", "40,-71"], "new request 40,-71 lies outside Gridtown"),
        (["--at", "09:00", "--request", "here"], "request 'here': write LAT,LON"),
    ],
)
def test_news_that_cannot_be_is_refused(call: Call, town: Path, morning: Path, news: list, words: str) -> None:
    one_line(call("replan", morning, *news, "--data", town), words)


def test_only_the_folder_of_a_whole_day_is_planned_anew(call: Call, town: Path, morning: Path, tmp_path: Path) -> None:
    one_line(call("replan", tmp_path, "--at", "09:00"), "not the folder of a run")
    one_line(call("replan", morning, "--at", "09:00"), "is not in")
    one_line(call("replan", morning, "--at", "09:00", "--data", town, "--out", morning), "give another")
    (tmp_path / "reports.csv").write_text("other")
    one_line(call("replan", morning, "--at", "09:00", "--data", tmp_path), "changed since the run")


def test_read_knows_logs_and_lists_every_feed(call: Call, town: Path) -> None:
    code, out, _ = call("read", "--list", "--json")
    assert code == 0
    assert len(json.loads(out)) == 10
    code, out, _ = call(
        "read", demo.folder() / "sweep_log.csv.gz", "--feed", "sweep-log", "--tz", "America/New_York", "--json"
    )
    said = json.loads(out)
    assert code == 0
    assert said["rows_in"] == said["kept"] + sum(said["rejected"].values())
    one_line(call("read", town / "reports.csv", "--feed", "boston"), "unknown feed 'boston': one of boston311")


def test_fetch_refuses_in_one_line(call: Call, tmp_path: Path) -> None:
    refused = call("fetch", "open311", "ftp://city.example/requests.json", "--out", tmp_path / "r.csv")
    one_line(refused, "starts with https")
    one_line(call("fetch", "open311", "http://127.0.0.1:9/r.json", "--out", tmp_path / "r.csv"), "say from when on")
