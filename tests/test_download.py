"""Downloads from a server on this machine that pages, cuts, stalls, repeats and fails as servers do."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

import pandas as pd
import pytest

from sweepplan.errors import SettingsError, SourceError
from sweepplan.sources import Query, fetch, read_file

UNTIL = pd.Timestamp("2025-07-01T00:00Z")
SINCE = pd.Timestamp("2025-01-01T00:00Z")


@dataclass
class City:
    """What the server knows, how it answers, and what goes wrong: one fault an answer, until they are used up."""

    kind: str
    cap: int = 1_000
    pages: bool = False
    rows: list[dict] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    asked: list[dict] = field(default_factory=list)

    def answer(self, query: dict[str, str]) -> object:
        return {"open311": self._open311, "ckan": self._ckan, "seeclickfix": self._seeclickfix}[self.kind](query)

    def _open311(self, query):
        start, end = (pd.Timestamp(query[name]) for name in ("start_date", "end_date"))
        assert end - start <= pd.Timedelta(days=90)
        found = [row for row in self.rows if start <= pd.Timestamp(row["requested_datetime"]) <= end]
        if "service_code" in query:
            found = [row for row in found if row["service_code"] in query["service_code"].split(",")]
        at = (int(query.get("page", 1)) - 1) * self.cap if self.pages else 0
        return found[at : at + self.cap]

    def _ckan(self, query):
        at, limit = int(query["offset"]), min(int(query["limit"]), self.cap)
        rows = sorted(self.rows, key=lambda row: row["open_dt"], reverse=True)
        if "q" in query:
            ((column, word),) = json.loads(query["q"]).items()
            rows = [row for row in rows if word in row[column].casefold()]
        fields = [{"id": "open_dt", "type": "text"}]
        return {"success": True, "result": {"fields": fields, "records": rows[at : at + limit], "total": len(rows)}}

    def _seeclickfix(self, query):
        size = int(query["per_page"])
        at = (int(query["page"]) - 1) * size
        rows = sorted(self.rows, key=lambda row: row["updated_at"], reverse=True)
        return {"metadata": {"pagination": {"entries": len(rows)}}, "issues": rows[at : at + size]}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        city = self.server.city
        query = {name: values[0] for name, values in parse_qs(urlparse(self.path).query).items()}
        city.asked.append(query)
        fault = city.faults.pop(0) if city.faults else ""
        if fault.isdigit():
            self.send_response(int(fault))
            if fault == "429":
                self.send_header("Retry-After", "17")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if fault == "stop":
            self.close_connection = True
            return
        body = json.dumps(city.answer(query)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body) + (9 if fault == "short" else 0)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if fault == "cut" else body)
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def serve():
    started = []

    def start(city):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.city = city
        threading.Thread(target=server.serve_forever, daemon=True).start()
        started.append(server)
        return f"http://127.0.0.1:{server.server_port}/requests.json"

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


def requests(n, *, first="2025-01-01T01:00:00Z", every="6h", **changes):
    times = pd.date_range(first, periods=n, freq=every)
    return [
        {
            "service_request_id": str(k),
            "status": "open",
            "service_code": "7",
            "service_name": "Needle pickup",
            "description": "somebody's words",
            "requested_datetime": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "updated_datetime": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "lat": 42.35,
            "long": -71.06,
            "email": "a.person@example.org",
            **changes,
        }
        for k, at in enumerate(times)
    ]


def waits():
    slept = []
    return slept, slept.append


@pytest.mark.parametrize(("cap", "pages"), [(1_000, False), (50, False), (30, True), (100, True)])
def test_open311_whole_however_the_server_pages(tmp_path, serve, cap, pages):
    city = City("open311", cap=cap, pages=pages, rows=requests(400))
    out = tmp_path / "r.csv"
    done = fetch("open311", serve(city), out, Query(SINCE, UNTIL), sleep=waits()[1])
    assert (done.rows, done.new, done.changed) == (400, 400, 0)
    assert not any("extensions" in query for query in city.asked)
    kept = out.read_text()
    assert "person@example" not in kept
    assert "somebody's words" not in kept
    reading = read_file("open311", out, tz="UTC")
    assert (reading.rows_in, len(reading.incidents)) == (400, 400)
    assert not (tmp_path / "r.csv.part").exists()


def test_later_only_what_may_have_changed_is_asked_for(tmp_path, serve):
    city = City("open311", rows=requests(400))
    url, out = serve(city), tmp_path / "r.csv"
    fetch("open311", url, out, Query(SINCE, SINCE + pd.Timedelta(days=99)))
    city.rows[390] = {**city.rows[390], "status": "closed"}
    city.asked.clear()
    later = Query(None, UNTIL)
    done = fetch("open311", url, out, later)
    assert (done.rows, done.new, done.changed) == (400, 4, 1)
    assert min(pd.Timestamp(query["start_date"]) for query in city.asked) > SINCE
    before = out.read_bytes()
    assert fetch("open311", url, out, later).new == 0
    assert out.read_bytes() == before


@pytest.mark.parametrize("fault", ["500", "503", "429", "cut", "short", "stop"])
def test_a_fault_that_passes(tmp_path, serve, fault):
    city = City("open311", rows=requests(20), faults=[fault, "", fault, fault])
    slept, sleep = waits()
    done = fetch("open311", serve(city), tmp_path / "r.csv", Query(SINCE, UNTIL), sleep=sleep)
    assert done.rows == 20
    assert slept == ([17, 17, 17] if fault == "429" else [1, 1, 2])


def test_a_break_keeps_what_came_and_goes_on(tmp_path, serve):
    city = City("open311", rows=requests(400), faults=["", "", *["500"] * 6])
    url, out = serve(city), tmp_path / "r.csv"
    with pytest.raises(SourceError, match=r"no answer after 6 tries \(500 .*what came so far is kept"):
        fetch("open311", url, out, Query(SINCE, UNTIL), sleep=waits()[1])
    assert not out.exists()
    part = tmp_path / "r.csv.part"
    part.write_text(part.read_text() + '{"asked": "torn')
    before = len(city.asked)
    done = fetch("open311", url, out, Query(SINCE, UNTIL + pd.Timedelta(hours=1)))
    assert done.rows == 400
    assert done.until == UNTIL
    first_of_all, again = city.asked[0], city.asked[before:]
    assert first_of_all not in again


def test_ckan_pages_and_counts(tmp_path, serve):
    rows = [
        {
            "case_enquiry_id": str(k),
            "open_dt": f"{at:%Y-%m-%d %H:%M:%S}",
            "closed_dt": None,
            "case_status": "Open",
            "type": "Needle Pickup" if k % 10 else "Pothole Repair",
            "latitude": 42.35,
            "longitude": -71.06,
        }
        for k, at in enumerate(pd.date_range("2024-01-01", periods=2_500, freq="4h"))
    ]
    city = City("ckan", rows=rows)
    url, out = serve(city) + "?resource_id=abc", tmp_path / "r.csv"
    done = fetch("boston-ckan", url, out, Query(None, UNTIL))
    assert done.rows == 2_250
    assert all(query["resource_id"] == "abc" for query in city.asked)
    assert len(read_file("boston-ckan", out, tz="America/New_York").incidents) == 2_250
    city.rows[-1] = {**city.rows[-1], "case_status": "Closed", "closed_dt": "2025-03-01 00:00:00"}
    city.asked.clear()
    done = fetch("boston-ckan", url, out, Query(None, UNTIL))
    assert (done.rows, done.new, done.changed) == (2_250, 0, 1)
    assert max(int(query["offset"]) for query in city.asked) < 2_000


def test_ckan_that_says_more_than_it_gives(tmp_path, serve, monkeypatch):
    rows = [{"case_enquiry_id": "1", "open_dt": "2025-01-01 00:00:00", "type": "Needle Pickup"}]
    city = City("ckan", rows=rows)
    honest = city._ckan

    def lies(query):
        told = honest(query)
        told["result"]["total"] += 5
        return told

    monkeypatch.setattr(city, "_ckan", lies)
    with pytest.raises(SourceError, match="says 6 rows and gave 1"):
        fetch("boston-ckan", serve(city), tmp_path / "r.csv", Query(None, UNTIL))


def issues(n):
    return [
        {
            "id": k,
            "status": "Open",
            "created_at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "updated_at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "request_type": {"title": "Needles"},
            "lat": 42.36,
            "lng": -71.1,
            "reporter": {"name": "A Person"},
        }
        for k, at in enumerate(pd.date_range("2024-01-01", periods=n, freq="24h"))
    ]


def test_seeclickfix_sees_the_change_of_an_old_issue(tmp_path, serve):
    city = City("seeclickfix", rows=issues(450))
    url, out = serve(city), tmp_path / "r.csv"
    assert fetch("seeclickfix", url, out, Query(None, UNTIL)).rows == 450
    assert "A Person" not in out.read_text()
    city.rows[3] |= {"status": "Closed", "updated_at": "2025-06-01T00:00:00Z"}
    city.asked.clear()
    done = fetch("seeclickfix", url, out, Query(None, UNTIL))
    assert (done.rows, done.new, done.changed) == (450, 0, 1)
    assert len(city.asked) < 5
    assert len(read_file("seeclickfix", out, tz="UTC").incidents) == 450


def test_the_same_page_again_is_no_paging(tmp_path, serve, monkeypatch):
    city = City("seeclickfix", rows=issues(450))
    first = city._seeclickfix
    monkeypatch.setattr(city, "_seeclickfix", lambda query: first({**query, "page": "1"}))
    with pytest.raises(SourceError, match="page 2 holds nothing that the pages before did not"):
        fetch("seeclickfix", serve(city), tmp_path / "r.csv", Query(None, UNTIL))


def test_what_is_refused(tmp_path, serve):
    city = City("open311", rows=requests(3), faults=["404"])
    url, out = serve(city), tmp_path / "r.csv"
    for feed, given, query, words in [
        ("boston311", url, Query(SINCE, UNTIL), "cannot be downloaded: one of boston-ckan"),
        ("open311", "file:///etc/passwd", Query(SINCE, UNTIL), "starts with https"),
        ("open311", f"{url}?extensions=true", Query(SINCE, UNTIL), "extensions=true asks for people's names"),
        ("open311", url, Query(None, UNTIL), "say from when on"),
    ]:
        with pytest.raises(SettingsError, match=words):
            fetch(feed, given, out, query)
    with pytest.raises(SourceError, match="404 Not Found"):
        fetch("open311", url, out, Query(SINCE, UNTIL))
    out.write_text("lat,lon\n1,2\n")
    with pytest.raises(SettingsError, match="there already, and not of this feed and address"):
        fetch("open311", url, out, Query(SINCE, UNTIL))
    assert out.read_text() == "lat,lon\n1,2\n"


def test_a_server_that_is_patient_beyond_measure(tmp_path, serve, monkeypatch):
    city = City("open311", rows=requests(3), faults=["429"])
    url = serve(city)
    monkeypatch.setattr("sweepplan.sources.asking.LONGEST_WAIT_S", 10.0)
    with pytest.raises(SourceError, match="asks to wait 17 s: try again later"):
        fetch("open311", url, tmp_path / "r.csv", Query(SINCE, UNTIL), sleep=waits()[1])
