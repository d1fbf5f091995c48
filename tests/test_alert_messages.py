"""What leaves of an alert: a message, one JSON object, a call to a webhook; always of an area."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import osmnx
import pandas as pd
import pytest

from sweepplan import cli
from sweepplan.errors import DeliveryError, GateError, SettingsError
from sweepplan.geo import WGS84
from sweepplan.maps import draw
from sweepplan.model import Limit
from sweepplan.pipeline import Settings, Watched, alerts_only
from sweepplan.report import alert_mail, alert_summary, history_lines, named_alerts, post_alerts
from sweepplan.store import Store


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, make_gridtown: Callable, gridtown_at: Callable) -> Path:
    """Gridtown's streets, 400 made-up reports of 100 days, nine more at C Street and Avenue 4 over the last days."""
    folder = tmp_path_factory.mktemp("watched")
    osmnx.save_graphml(make_gridtown(columns=31, rows=31), folder / "streets.graphml")
    rng = np.random.default_rng(2)
    spots = np.vstack([rng.uniform(0, 3000, (400, 2)), rng.uniform((260, 160), (340, 240), (9, 2))])
    ago = np.r_[rng.uniform(0, 100, 400), rng.uniform(0, 2.5, 9)]
    points = gridtown_at(*map(tuple, spots)).to_crs(WGS84)
    wall = pd.Timestamp("2026-03-01 23:50") - pd.to_timedelta(ago, unit="D")
    reports = pd.DataFrame({"y": points.y, "x": points.x, "when": wall.strftime("%Y-%m-%d %H:%M")})
    for kind in ("needle", "overdose"):
        reports.to_csv(folder / f"{kind}.csv", index=False)
        (folder / f"{kind}.toml").write_text(f'kind = "{kind}"\n[columns]\nlat = "y"\nlon = "x"\ntime = "when"\n')
    return folder


def settings(town: Path, kind: str = "needle", **changes: object) -> Settings:
    given = Settings(
        incidents=town / f"{kind}.csv",
        feed="plain",
        mapping=town / f"{kind}.toml",
        tz="America/New_York",
        as_of="2026-03-02",
        streets=town / "streets.graphml",
        name="Gridtown",
        limit=Limit(iterations=1),
    )
    return Settings(**{**vars(given), **changes})


@pytest.fixture(scope="module")
def watched(town: Path) -> Watched:
    return alerts_only(settings(town))


@pytest.fixture(scope="module")
def quiet(town: Path) -> Watched:
    return alerts_only(settings(town, as_of="2026-02-20"))


@pytest.fixture
def hook() -> Iterator[tuple[str, list[bytes], list[int]]]:
    """A server on this machine: its address, what it was sent, and the answers it gives before it says 204."""
    sent: list[bytes] = []
    answers: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(answers.pop(0) if answers else 204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/secret-path", sent, answers
        server.shutdown()


def test_the_message_names_streets_and_counts(watched: Watched) -> None:
    mail = alert_mail(watched)
    n = watched.shown.table("alerts")["n_incidents"].iloc[0]
    assert mail.subject.startswith("Gridtown: more needle reports than expected around ")
    assert f": {n:.0f} in " in mail.subject
    place = named_alerts(watched.shown)["name"].iloc[0]
    assert {part.split()[0] for part in place.split(" & ")} <= {"B", "C", "D", "Avenue"}
    assert "The space-time scan, held to a budget of 1 in 30 days: " in mail.body
    assert "Reports before Mon 2 Mar 2026, 00:00." in mail.body
    assert mail.subject.isprintable()


def test_a_quiet_day_says_so(quiet: Watched, hook: tuple[str, list[bytes], list[int]]) -> None:
    assert alert_mail(quiet).subject == "Gridtown: no alert"
    assert alert_summary(quiet)["alerts"] == []
    assert post_alerts(hook[0], quiet) is False
    assert hook[1] == []


def test_a_webhook_gets_what_passed_the_gate(watched: Watched, hook: tuple[str, list[bytes], list[int]]) -> None:
    url, sent, answers = hook
    assert post_alerts(url, watched) is True
    told = alert_summary(watched)
    assert json.loads(sent[0]) == told
    assert all(alert["place"] in alert["message"] and alert["message"] in told["text"] for alert in told["alerts"])
    for answer in (500, 404, 302):
        answers.append(answer)
        with pytest.raises(DeliveryError, match=f"webhook at 127.0.0.1: not delivered \\({answer} ") as told:
            post_alerts(url, watched)
        assert "secret" not in str(told.value)
    with pytest.raises(DeliveryError, match="not delivered \\(ConnectError\\)"):
        post_alerts("http://127.0.0.1:9/x", watched)
    for wrong in ("ftp://127.0.0.1/x", "here", "http://", "http://[::1"):
        with pytest.raises(SettingsError, match="begins with https"):
            post_alerts(wrong, watched)


def test_overdoses_are_told_without_small_counts(town: Path) -> None:
    found = alerts_only(settings(town, "overdose"))
    said = alert_summary(found)
    assert said["alerts"]
    assert {alert["n"] for alert in said["alerts"]} == {None}
    assert " in the last " in said["subject"]
    assert said["withheld"] == {"counts of overdose alerts": len(said["alerts"])}


def test_only_what_passed_the_gate_is_told(watched: Watched) -> None:
    with pytest.raises(GateError, match="give what publish"):
        named_alerts(watched.watch.alerts)


def test_without_streets_a_place_is_told_to_a_kilometre(town: Path) -> None:
    found = alerts_only(settings(town, streets=None))
    assert named_alerts(found.shown)["name"].iloc[0].count("°") == 2


def test_the_map_shows_an_alert_as_cells(watched: Watched) -> None:
    page = draw(watched.shown).get_root().render()
    assert "More needle reports than expected around" in page
    assert "Alerts" in page


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ([], 0, '"subject": "Gridtown: more needle reports'),
        (["--method", "ears-c2"], 0, '"threshold": null'),
        (["--kind", "overdose"], 1, "no overdose report in needle.csv"),
        (["--as-of", "2027-01-01"], 1, "no report in the 7 days before 2027-01-01"),
        (["--keep", "--database", "kept.db"], 0, '"history": [\n    {\n      "episode": "needle-scan-'),
        (["--budget", "0"], 1, "budget 0"),
        (["--webhook", "mailto:x"], 1, "--webhook: not an address"),
    ],
)
def test_the_verb_answers(town: Path, monkeypatch, capsys, options: list[str], code: int, words: str) -> None:
    given = [
        f"--incidents={town / 'needle.csv'}",
        "--feed=plain",
        f"--mapping={town / 'needle.toml'}",
        "--tz=America/New_York",
        f"--streets={town / 'streets.graphml'}",
        "--name=Gridtown",
        "--as-of=2026-03-02",
    ]
    monkeypatch.chdir(town)
    monkeypatch.setattr("sys.argv", ["sweepplan", "alerts", *given, "--json", *options])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    assert int(ended.value.code or 0) == code
    assert words in (said.err if code else said.out)
    assert not code or len(said.err.strip().splitlines()) == 1


def test_history_has_a_line_an_episode(watched: Watched, tmp_path: Path) -> None:
    said = alert_summary(watched)
    with Store.open(tmp_path / "kept.db") as store:
        for later in range(2):
            store.add_alerts(said, as_of=watched.as_of + pd.Timedelta(days=later))
        lines = history_lines(store.alerts(), watched.area)
    assert lines[0] == "Kept: 1 episode."
    assert lines[1].startswith("  2026-03-02 to 2026-03-03: More needle reports than expected around ")
    assert lines[1].endswith(" episodes in 30 days)")
