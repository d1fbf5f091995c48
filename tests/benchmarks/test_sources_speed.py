"""What a million rows of a 311 export cost, in seconds of the processor and megabytes at the peak, by hand:

python -m pytest tests/benchmarks/test_sources_speed.py -o addopts="" -s
"""

import csv
import json
import random
import subprocess
import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from sweepplan.tables import INCIDENTS

ROWS = 1_000_000
MOST_CPU_S = 60
MOST_MB = 1_536

HEADER = (
    "case_enquiry_id,open_dt,sla_target_dt,closed_dt,on_time,case_status,closure_reason,case_title,subject,reason,type,"
    "queue,department,submitted_photo,closed_photo,location,fire_district,pwd_district,city_council_district,"
    "police_district,neighborhood,neighborhood_services_district,ward,precinct,location_street_name,location_zipcode,"
    "latitude,longitude,geom_4326,source"
)

READ = """
import json, resource, sys, time
from sweepplan.sources import read_file
start = time.process_time()
reading = read_file("boston311", sys.argv[1], tz="America/New_York")
cpu_s = time.process_time() - start
peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"cpu_s": round(cpu_s, 1), "peak_mb": round(peak_mb), **reading.summary()}))
"""


def export(path: Path, share: float) -> Path:
    """A made-up export of the lower-case schema, 570 bytes a row; ``share`` of its rows are needle requests."""
    rng = random.Random(1)  # noqa: S311
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER.split(","))
        for k in range(ROWS):
            kind = "Needle Pickup" if rng.random() < share else "Parking Enforcement"
            day = f"2024-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
            street = f"{rng.randint(1, 999)} Example St"
            note = (
                f"Case Closed. Closed date : {day} 23:15:00 Resolved the crew came by and left the place clean, thanks"
            )
            photo = f"https://example.org/media/boston/report/photos/{rng.getrandbits(90):024x}/report.jpg"
            writer.writerow(
                [
                    *(101_005_000_000 + k, f"{day} {rng.randint(4, 22):02d}:{rng.randint(0, 59):02d}:00"),
                    *(f"{day} 23:59:00", f"{day} 23:15:00", "ONTIME", "Closed", note, kind, "Mayor's 24 Hour Hotline"),
                    *("Needle Program", kind, "GEN_Needle_Pickup", "GEN_", photo, "", f"{street}  Boston  MA  02118"),
                    *("3", "1C", "8", "A1", "Roxbury", "14", "Ward 5", "0503", street, "02118"),
                    *(42.30 + rng.random() * 0.08, -71.10 + rng.random() * 0.08),
                    *(f"0101000020E6100000{rng.getrandbits(120):032X}", "Citizens Connect App"),
                ]
            )
    return path


@pytest.mark.parametrize("share", [1.0, 0.03])
def test_a_million_rows(tmp_path, share):
    path = export(tmp_path / "export.csv", share)
    done = subprocess.run([sys.executable, "-c", READ, path], capture_output=True, check=True)
    found = json.loads(done.stdout)
    told = {name: found[name] for name in ("cpu_s", "peak_mb", "rows_in", "kept")}
    print(f"\n{path.stat().st_size >> 20} MB:", told)  # noqa: T201
    assert found["rows_in"] == found["kept"] + sum(found["rejected"].values()) == ROWS
    assert found["cpu_s"] < MOST_CPU_S
    assert found["peak_mb"] < MOST_MB


IMPORT = """
import resource, sys
from sweepplan.cli import sweepplan
try:
    sweepplan(["import", sys.argv[1], "--feed", "boston311", "--tz", "America/New_York", "--database", sys.argv[2]])
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""


def test_a_million_rows_are_imported_once(tmp_path):
    command = [sys.executable, "-c", IMPORT, export(tmp_path / "export.csv", 1.0), tmp_path / "city.db"]
    runs = [subprocess.run(command, capture_output=True, check=True, text=True).stdout for _ in range(2)]
    first, again = (tuple(map(float, run.splitlines()[-1].split())) for run in runs)
    print(f"\nimport: {first[0]:.1f} CPU s, {first[1]:.0f} MB; again: {again[0]:.1f} CPU s")  # noqa: T201
    assert "nothing changed" in runs[1]
    assert first[0] < MOST_CPU_S
    assert again[0] < first[0] / 3


def test_a_million_incidents_are_checked():
    rng = np.random.default_rng(0)
    index = pd.Index([f"{k:016x}-1" for k in range(ROWS)], dtype="str", name="incident_id")

    def text(*values: str) -> pd.Series:
        return pd.Series(rng.choice(values, ROWS), index, dtype="str")

    times = pd.Series(pd.to_datetime(rng.integers(1_600_000_000, 1_700_000_000, ROWS), unit="s", utc=True), index)
    columns = {
        "kind": text("needle", "overdose"),
        "reported_at": times,
        "time_precision": text("second", "day"),
        "source": text("x"),
        "needles": np.nan,
        "status": text("open", "closed"),
        "due_at": times,
        "closed_at": times,
    }
    points = gpd.GeoSeries(shapely.points(rng.random((ROWS, 2)) * 1e4), index, crs="EPSG:32619")
    table = gpd.GeoDataFrame(columns, geometry=points)
    start = time.process_time()
    INCIDENTS.check(table, plane="EPSG:32619")
    cpu_s = time.process_time() - start
    print(f"\nINCIDENTS.check of {ROWS} rows: {cpu_s:.2f} CPU s")  # noqa: T201
    assert cpu_s < 0.5
