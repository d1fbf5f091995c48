"""Valid files of every feed, broken in places: each is read with every row accounted for, or refused in one line."""

import csv
import io
import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweepplan.errors import SweepplanError
from sweepplan.sources import guess_mapping, read_file, read_log

TZ = "America/New_York"
WHEN = [datetime(2024, 3, 1, 8, 15) + timedelta(hours=31 * k) for k in range(8)]  # noqa: DTZ001
SPOTS = [(round(42.30 + k / 200, 4), round(-71.10 + k / 300, 4)) for k in range(8)]
NEEDLES = "Needle Pickup"
JUNK = [
    *(
        b"\0",
        b'"',
        b"\xff",
        b"\n",
        b"\r",
        b";",
        b",",
        b"|",
        b"\t",
        b"nan",
        b"inf",
        b"-1e999",
        b"9" * 40,
        b"[]",
        b"null",
    ),
    *(
        b"2024-02-30",
        b"2024-03-10 02:30:00",
        b"2024-11-03 01:30:00-04:00",
        b"99999999999999",
        b"+99:99",
        b"<a>",
        b"&x;",
    ),
    *(b"\xc2\xb0", b"12:60", b"N", b"-0", b"N/A", b"\xed\xa0\x80", b'{"a":' * 20, b"=1+1", b"\xe2\x80\xae"),
]


def csv_of(*rows) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


def rows_of(line):
    return [line(k, at, *SPOTS[k]) for k, at in enumerate(WHEN)]


def request(k, at, lat, lon):
    told = {"service_request_id": k, "status": "closed", "service_name": NEEDLES, "service_code": "1", "lat": lat}
    return {**told, "long": lon, "requested_datetime": f"{at:%Y-%m-%dT%H:%M:%S-05:00}", "updated_datetime": None}


def issue(k, at, lat, lon):
    told = {
        "id": k,
        "status": "Open",
        "summary": NEEDLES,
        "created_at": f"{at.isoformat()}-05:00",
        "lat": lat,
        "lng": lon,
    }
    return {**told, "request_type": {"title": NEEDLES}, "address": f"{k} Made-up St"}


CASES = (
    "case_enquiry_id,open_dt,sla_target_dt,closed_dt,case_status,closure_reason,case_title,type,queue,"
    "latitude,longitude"
)
EMS = "LATITUDE_X,LONGITUDE_X,CREATE_TIME_INCIDENT,CLOSED_TIME_INCIDENT,DISPOSITION_TEXT,EVENT_NUMBER"
VALID = {
    "boston311": csv_of(
        CASES.split(","),
        *rows_of(lambda k, at, *xy: [k, at, at, at, "Closed", "done", NEEDLES, NEEDLES, "GEN_Needle_Pickup", *xy]),
    ),
    "boston311-points": csv_of(["lat", "lng", "dt"], *rows_of(lambda k, at, *xy: [*xy, f"{at:%Y-%m-%d}"])),
    "boston-ckan": json.dumps(
        {
            "result": {
                "records": [
                    dict(zip(CASES.split(","), map(str, row), strict=True))
                    for row in rows_of(lambda k, at, *xy: [k, at, at, at, "Open", "", NEEDLES, NEEDLES, "x", *xy])
                ]
            }
        }
    ).encode(),
    "open311": json.dumps(rows_of(request)).encode(),
    "seeclickfix": json.dumps({"issues": rows_of(issue)}).encode(),
    "cincinnati-ems": csv_of(EMS.split(","), *rows_of(lambda k, at, *xy: [*xy, at, at, "MEDIC TRANSPORT", f"e{k}"])),
    "odmap": csv_of(["Date", "Time", "Fatal", "y", "x"], *rows_of(lambda _, at, *xy: [at.date(), at.time(), "", *xy])),
    "sweep-log": csv_of(["lat", "lon", "at", "needles"], *rows_of(lambda k, at, *xy: [*xy, at, k])),
    "kiosk-ledger": csv_of(["site_id", "state", "date"], *rows_of(lambda k, at, *xy: [f"s{k}", "full", at.date()])),
    "plain": csv_of(["id", "When", "Where", ""], ["", "", "Lat", "Lon"], *rows_of(lambda k, at, *xy: [k, at, *xy])),
}
edits = st.tuples(st.floats(0, 1), st.integers(0, 12), st.one_of(st.sampled_from(JUNK), st.binary(max_size=3)))


def read(feed: str, path) -> tuple[int, int]:
    """Return the rows of a file, and those accounted for."""
    if feed in ("sweep-log", "kiosk-ledger"):
        log = read_log(feed, path, tz=TZ)
        return log.rows_in, log.kept + sum(log.rejected.values())
    mapping = guess_mapping(path).mapping if feed == "plain" else None
    found = read_file(feed, path, tz=TZ, mapping=mapping)
    json.dumps(found.summary(), allow_nan=False)
    return found.rows_in, len(found.incidents) + found.merged + sum(found.rejected.values())


@pytest.mark.parametrize("feed", VALID)
def test_the_valid_file_is_read_whole(feed, tmp_path):
    path = tmp_path / "file.txt"
    path.write_bytes(VALID[feed])
    assert read(feed, path) == (8, 8)


@settings(derandomize=True, deadline=None, max_examples=120)
@given(feed=st.sampled_from(sorted(VALID)), edits=st.lists(edits, min_size=1, max_size=6))
def test_a_broken_file_is_read_whole_or_refused(tmp_path_factory, feed, edits):
    data = VALID[feed]
    for share, cut, put in edits:
        at = int(share * len(data))
        data = data[:at] + put + data[at + cut :]
    path = tmp_path_factory.mktemp("fuzz") / "file.txt"
    path.write_bytes(data)
    try:
        rows_in, accounted = read(feed, path)
    except SweepplanError as error:
        refusal = str(error)
    else:
        assert rows_in == accounted > 0
        return
    assert "\n" not in refusal
    assert len(refusal) < 900
