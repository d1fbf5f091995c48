# ruff: noqa: T201
"""What the app costs the server, by hand: ``python -m tests.benchmarks.app SETTINGS [--million]`` (Linux, Chromium).

``--million``: with a million made-up reports in place of the city's own.
Time to the first view; processor seconds of the server and bytes over the socket for each rerun of a map page; many
people at once, as clients of the socket that ask for reruns without a pause.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.benchmarks.million import written

PEOPLE, RERUNS = 25, 4
_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Start the app on a city, and say what it costs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tempfile.TemporaryDirectory()
    settings = Path(sys.argv[1]).resolve()
    if "--million" in sys.argv:
        settings = written(settings, Path(folder.name))
    said = {"SWEEPPLAN_SETTINGS": str(settings), "SWEEPPLAN_STORE": f"{folder.name}/app.sqlite"}
    said |= {"STREAMLIT_SERVER_PORT": str(port), "SWEEPPLAN_TEAM": "0"}
    start = [sys.executable, "-m", "sweepplan.app"]
    app = subprocess.Popen(start, env={**os.environ, **said}, stdout=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(address)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            _look(browser.new_page(), address)  # reads the city
            _calm(app.pid)
            print(f"the city read: {_cpu_s(app.pid):.0f} s of CPU, {_memory_mb(app.pid):.0f} MB")
            print(f"first view: {min(_look(browser.new_page(), address) for _ in range(3)):.1f} s")
            for name, marks in (("", ".live .leaflet-interactive"), ("hotspots", "[data-testid=stButtonGroup] button")):
                _reruns(browser.new_page(), f"{address}/{name}", marks, app.pid)
            browser.close()
        _many(port, app.pid)
    finally:
        app.terminate()
        app.wait()
        folder.cleanup()


def _wait(address: str) -> None:
    for _ in range(240):
        try:
            urllib.request.urlopen(f"{address}/_stcore/health")  # noqa: S310
            return
        except OSError:
            time.sleep(0.5)


def _calm(pid: int) -> None:
    """Wait until nothing is made ahead any more."""
    before = -1.0
    while _cpu_s(pid) - before > 0.1:
        before = _cpu_s(pid)
        time.sleep(2)


def _look(page: Page, address: str) -> float:
    page.set_default_timeout(240_000)
    begun = time.perf_counter()
    page.goto(address)
    page.locator(".live[data-drawn]").wait_for()
    took = time.perf_counter() - begun
    page.close()
    return took


def _reruns(page: Page, address: str, marks: str, pid: int) -> None:
    """Select marks one after the other: each is a whole rerun of the page."""
    received = [0]
    page.set_default_timeout(240_000)
    page.on("websocket", lambda ws: ws.on("framereceived", lambda data: received.append(len(data))))
    page.goto(address)
    page.locator(".live[data-drawn]").wait_for()
    page.wait_for_timeout(3000)
    first = sum(received)
    spots = page.locator(marks)
    name = address.rpartition("/")[2] or "today"
    print(f"{name}: first {first / 1000:.0f} KB")
    for turn in ("ten clicks", "ten more, other times on the map among them"):
        before, n, sizes = _cpu_s(pid), 0, []
        for k in range(10):
            at = sum(received)
            spots.nth(k % spots.count()).dispatch_event("click")
            page.wait_for_timeout(1500)
            if sum(received) > at:
                n += 1
                sizes.append(sum(received) - at)
        cpu = (_cpu_s(pid) - before) / max(n, 1)
        print(f"  {turn}: {n} reruns of {cpu:.2f} s of CPU, {max(sizes, default=0) / 1000:.0f} KB")
    page.close()


def _many(port: int, pid: int) -> None:
    took: list[float] = []
    before = _cpu_s(pid)
    failed: list[str] = []
    people = [threading.Thread(target=_person, args=(port, took, failed)) for _ in range(PEOPLE)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    p95 = float(np.percentile(took, 95)) if took else float("nan")
    print(
        f"{PEOPLE} people, {len(took)} reruns: p95 {p95:.1f} s, {len(failed)} errors {failed[:1]}; "
        f"{(_cpu_s(pid) - before) / max(len(took), 1):.3f} s of CPU each, {_memory_mb(pid):.0f} MB"
    )


def _person(port: int, took: list[float], failed: list[str]) -> None:
    try:
        url = f"ws://127.0.0.1:{port}/_stcore/stream"
        with connect(url, subprotocols=["streamlit"], max_size=None, origin=f"http://127.0.0.1:{port}") as ws:
            for turn in range(1 + RERUNS):
                ask = BackMsg()
                ask.rerun_script.query_string = ""
                begun = time.perf_counter()
                ws.send(ask.SerializeToString())
                while True:
                    message = ForwardMsg()
                    message.ParseFromString(ws.recv(timeout=120))
                    if message.WhichOneof("type") == "script_finished":
                        break
                if turn:  # the first is the opening of the page
                    took.append(time.perf_counter() - begun)
    except (OSError, WebSocketException) as error:
        failed.append(repr(error))


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main()
