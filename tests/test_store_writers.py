"""Writers that are killed at random moments and sent again, on a machine of their own:

``python tests/test_store_writers.py URL WRITERS ROWS SEED``, e.g. 8 writers of 500 rows.
"""

import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely
from shapely.geometry import box

from sweepplan.geo import Area
from sweepplan.store import Store

AT = pd.Timestamp("2026-03-01T12:00Z").as_unit("us")
AREA = Area("Gridtown", box(329_900, 4_689_900, 330_700, 4_690_700), "EPSG:32619", "America/New_York")


def stops(writer, rows):
    columns = {"place_id": "p", "at": AT, "needles": 1.0, "minutes": 2.0, "outcome": "found", "stream": "sweep"}
    index = pd.Index([f"{writer}-{row}" for row in range(rows)], dtype="str", name="pickup_id")
    points = gpd.GeoSeries([shapely.Point(330_000, 4_690_000)] * rows, index=index, crs=AREA.crs)
    return gpd.GeoDataFrame(columns, index=index, geometry=points)


def write(url, log, table):
    """Send what the log does not hold yet, one at a time; an id is logged only when the store has said yes."""
    known = set(log.read_text().split()) if log.exists() else set()
    out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    with Store.open(url) as store:
        for name in table.index[~table.index.isin(list(known))]:
            store.add_pickups(table.loc[[name]])
            os.write(out, f"{name}\n".encode())
            store.note(name, "sent", at=AT, rows=1)


def start(url, log, table):
    child = os.fork()
    if child == 0:
        try:
            write(url, log, table)
            os._exit(0)
        except BaseException as error:  # a child must never come back
            print(repr(error), file=sys.stderr, flush=True)  # noqa: T201
            os._exit(1)
    return child


def run(url, writers, rows, seed):
    """Return how many were killed; every writer is killed 3 times or once in 50 rows, when the seed says."""
    draw = random.Random(seed)  # noqa: S311
    kills, lives = 0, dict.fromkeys(range(writers), 0)
    with tempfile.TemporaryDirectory() as folder:
        logs = [Path(folder) / str(k) for k in range(writers)]
        tables = [stops(k, rows) for k in range(writers)]
        running = {start(url, logs[k], tables[k]): k for k in range(writers)}
        while running:
            time.sleep(draw.uniform(0.02, 0.3))
            victims = [pid for pid, k in running.items() if lives[k] < max(3, rows // 50)]
            if victims:
                os.kill(draw.choice(victims), signal.SIGKILL)
            while running:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                k = running.pop(pid)
                if os.WIFSIGNALED(status):
                    kills, lives[k] = kills + 1, lives[k] + 1
                    running[start(url, logs[k], tables[k])] = k
                elif os.WEXITSTATUS(status):
                    raise SystemExit(f"writer {k} failed")
        acknowledged = [name for log in logs for name in log.read_text().split()]
    with Store.open(url) as store:
        kept = store.pickups(AREA)
        assert set(acknowledged) <= set(kept.index), "an acknowledged row is lost"
        assert len(kept) == writers * rows, f"{len(kept)} rows, not {writers * rows}"
        assert kept["needles"].sum() == writers * rows
        assert store.verify_audit() is None, "the audit is broken"
        assert len(store.audit()) >= writers * rows - kills
    return kills


if __name__ == "__main__":
    print(run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])), "kills")  # noqa: T201
