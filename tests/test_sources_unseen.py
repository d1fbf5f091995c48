"""Files as cities hand them over: titles above the header, names over two rows, odd coordinates and times."""

# ruff: noqa: DTZ001  (wall clocks)

import csv
import io
import json
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta

import openpyxl
import pytest

from sweepplan.errors import SettingsError, SourceError
from sweepplan.sources import guess_mapping, read_file, read_log
from sweepplan.sources.worker.header import header_of

TZ = "America/New_York"
WHEN = [datetime(2024, 5, 1, 8, 15, 7) + timedelta(hours=53 * k) for k in range(12)]
SPOTS = [(42.30 + k / 200, -71.10 + k / 300) for k in range(12)]
NAMES = ["Case ID", "Reported", "Latitude", "Longitude"]
ROWS = [[f"c{k}", f"{at:%Y-%m-%d %H:%M:%S}", *SPOTS[k]] for k, at in enumerate(WHEN)]


def seconds_of(at: datetime) -> float:
    return (at - datetime(1970, 1, 1)) / timedelta(seconds=1) + 4 * 3600


def text_of(rows, delimiter=",", above="") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return above + out.getvalue()


def sexagesimal(degrees: float, sides: str) -> str:
    size = abs(degrees)
    whole, minutes = int(size), int(size % 1 * 60)
    return f"{whole}°{minutes:02d}'{(size - whole - minutes / 60) * 3600:.3f}\" {sides[degrees < 0]}"


def excel(at: datetime) -> float:
    return (at - datetime(1899, 12, 30)) / timedelta(days=1)


def book(*sheets: tuple[str, list[list[object]]]) -> bytes:
    made, out = openpyxl.Workbook(), io.BytesIO()
    made.remove(made.active)
    for title, rows in sheets:
        page = made.create_sheet(title)
        for row in rows:
            page.append(row)
    made.save(out)
    return out.getvalue()


TWO_ROWS = [["Case", "When", "Where", ""], ["", "", "Latitude", "Longitude"], *ROWS]
CLOCK = [
    ["Case", "Call Date", "Call Time", "lat", "lon"],
    *([f"c{k}", f"{at:%m/%d/%Y}", f"{at:%H:%M:%S}", *SPOTS[k]] for k, at in enumerate(WHEN)),
]
AS_DATES = [["id", "time", "lat", "lon"], *([f"c{k}", at, *SPOTS[k]] for k, at in enumerate(WHEN))]
UNSEEN: dict[str, Callable[[], str | bytes]] = {
    "title.csv": lambda: text_of([NAMES, *ROWS], above='Sharps requests\n"2024, by\nrecords"\n\n'),
    "semicolons.csv": lambda: text_of([NAMES, *ROWS], ";", above="Bericht;;;\nStand;2024;;\n"),
    "two-rows.csv": lambda: text_of(TWO_ROWS),
    "a-comma-more.csv": lambda: text_of([NAMES, *([*row, ""] for row in ROWS)]),
    "german.csv": lambda: text_of(
        [["Id", "Datum", "Breite", "Länge"]]
        + [
            [k, f"{at:%d.%m.%Y %H:%M:%S}", *(f"{v:.6f}".replace(".", ",") for v in SPOTS[k])]
            for k, at in enumerate(WHEN)
        ],
        ";",
    ).encode("latin-1"),
    "sides.csv": lambda: text_of([NAMES, *([*row[:2], f"{row[2]:.6f} N", f"{-row[3]:.6f} W"] for row in ROWS)]),
    "seconds.csv": lambda: text_of(
        [NAMES, *([*row[:2], sexagesimal(row[2], "NS"), sexagesimal(row[3], "EW")] for row in ROWS)]
    ),
    "serial.csv": lambda: text_of(
        [NAMES, *([row[0], f"{excel(at):.7f}", *row[2:]] for row, at in zip(ROWS, WHEN, strict=True))]
    ),
    "epoch.csv": lambda: text_of(
        [
            NAMES,
            *([row[0], f"{seconds_of(at):.1f}", *row[2:]] for row, at in zip(ROWS, WHEN, strict=True)),
        ]
    ),
    "clock.csv": lambda: text_of(CLOCK),
    "clock.xlsx": lambda: book(("log", CLOCK)),
    "two-rows.xlsx": lambda: book(("log", [["Sharps", "", "", ""], [], *TWO_ROWS])),
    "second-sheet.xlsx": lambda: book(("About", [["made up"]]), ("Data", AS_DATES), ("Codes", [["a", "b"], [1, 2]])),
    "lines.json": lambda: "\n".join(json.dumps(dict(zip(NAMES, row, strict=True))) for row in ROWS),
    "dump.json": lambda: json.dumps({"fields": [{"id": name} for name in NAMES], "records": ROWS}),
}


@pytest.fixture
def put(tmp_path):
    def write(name: str, data: str | bytes):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return write


@pytest.mark.parametrize("name", UNSEEN)
def test_the_same_twelve_reports_however_they_come(put, name):
    path = put(name, UNSEEN[name]())
    found = read_file("plain", path, tz=TZ, mapping=guess_mapping(path).mapping)
    assert (found.rows_in, len(found.incidents), found.rejected) == (12, 12, {})
    wall = found.incidents["reported_at"].dt.tz_convert(TZ).dt.tz_localize(None)
    assert list(wall) == WHEN
    degrees = found.incidents.to_crs(4326).geometry
    assert [(round(p.y, 5), round(p.x, 5)) for p in degrees] == [(round(a, 5), round(b, 5)) for a, b in SPOTS]


def test_coordinates_in_metres_are_read_where_their_plane_is_named(put):
    path = put(
        "metres.csv",
        text_of([["time", "x", "y"], *([row[1], 330_000 + k, 4_690_000 + k] for k, row in enumerate(ROWS))]),
    )
    with pytest.raises(SourceError, match=r"are no degrees: name their plane in a mapping, crs"):
        guess_mapping(path)
    columns = {"lat": "y", "lon": "x", "crs": "EPSG:32619"}
    found = read_file("plain", path, tz=TZ, mapping=columns)
    assert len(found.incidents) == 12
    assert found.incidents.to_crs("EPSG:32619").geometry.iloc[0].x == pytest.approx(330_000, abs=0.01)
    with pytest.raises(SettingsError, match="give the plane of the coordinates"):
        read_file("plain", path, tz=TZ, mapping={**columns, "crs": "EPSG:0"})


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("minus.csv", lambda: text_of([NAMES, *([*row[:3], -row[3]] for row in ROWS)]), "is a minus lost"),
        ("years.xlsx", lambda: book(("2023", AS_DATES), ("2024", AS_DATES)), "'2023' and '2024' have the same columns"),
        ("ragged.csv", lambda: "a,b\n1,2,3\n4,5,6\n", "no row has as many fields as the header"),
    ],
)
def test_refused_with_a_mend(put, name, data, words):
    path = put(name, data())
    with pytest.raises(SourceError, match=words):
        read_file("plain", path, tz=TZ, mapping=guess_mapping(path).mapping)


def test_a_sheet_is_named_in_the_mapping(put):
    path = put("years.xlsx", book(("2023", AS_DATES[:5]), ("2024", AS_DATES)))
    assert len(read_file("plain", path, tz=TZ, mapping={"sheet": "2024"}).incidents) == 12


def test_a_zip_of_a_csv_and_an_answer_that_is_an_error(put):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("requests.csv", "a,b\n")
    with pytest.raises(SourceError, match=r"a zip of 'requests.csv': unpack it"):
        read_file("plain", put("f.zip", packed.getvalue()), tz=TZ)
    said = "<?xml version='1.0'?><errors><error><code>403</code><description>bad key</description></error></errors>"
    with pytest.raises(SourceError, match=r"an error in place of data \(403 bad key\)"):
        read_file("open311", put("f.xml", said), tz=TZ)


def test_xml_in_utf_16(put):
    request = "".join(
        f"<{name}>{value}</{name}>"
        for name, value in (
            *(("service_request_id", 1), ("status", "open"), ("service_name", "Needle pickup")),
            *(("requested_datetime", "2024-05-01T08:00:00-04:00"), ("lat", 42.3), ("long", -71.1)),
        )
    )
    text = f'<?xml version="1.0" encoding="UTF-16"?><service_requests><request>{request}</request></service_requests>'
    assert len(read_file("open311", put("f.xml", text.encode("utf-16")), tz=TZ).incidents) == 1


def test_military_times_of_an_overdose_log(put):
    rows = [
        ["Date", "Time", "Fatal", "Lat", "Long"],
        *([f"{at:%m/%d/%Y}", int(f"{at:%H%M}"), "N", *SPOTS[k]] for k, at in enumerate(WHEN)),
    ]
    found = read_file("odmap", put("f.csv", text_of(rows)), tz=TZ)
    assert found.incidents["reported_at"].iloc[0].tz_convert(TZ).strftime("%H:%M") == "08:15"


def test_a_sweep_log_with_dates_and_full_names(put):
    rows = [
        ["latitude", "longitude", "date", "needles"],
        *([*SPOTS[k], f"{at:%Y-%m-%d}", k] for k, at in enumerate(WHEN)),
    ]
    assert read_log("sweep-log", put("f.csv", text_of(rows)), tz=TZ).kept == 12


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([["a", "b"], ["1", "2"]], (0, ["a", "b"])),
        ([["a", "b"]], (0, ["a", "b"])),
        ([["2019", "2020"], ["1", "2"]], (0, ["2019", "2020"])),
        ([["a", "b"], ["1", "2", "3"], ["1", "2", "3"]], (0, ["a", "b"])),
        ([["a", ""], ["x", "y"], ["z", "w"]], (0, ["a", ""])),
    ],
)
def test_what_is_no_title_and_no_second_header(rows, found):
    assert header_of(rows) == found


def test_a_log_of_nothing_but_ragged_rows(put):
    with pytest.raises(SourceError, match="no row has coordinates to make an area around"):
        read_log("sweep-log", put("f.csv", "lat,lon,at\n1,2\n3,4\n"), tz=TZ)
