"""A Gridtown in which every text that a file can hold is a payload: scripts, templates, markup, formulas."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

SCRIPTS = (
    '<img src=x onerror="window.hit=1">',
    "</script><script>window.hit=1</script>",
    "${window.hit=1}{{7*7}}`${window.hit=1}`",
    "[x](javascript:window.hit=1) :red[x] <svg onload=window.hit=1>",
    "![x](http://127.0.0.1:9/x.png) \u202ehtml\u202c ]]>&amp;",
    "' onmouseover='window.hit=1' x=\"",
)
FORMULAS = ("=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1)", '=HYPERLINK("http://127.0.0.1:9","x")', "\t=1+1")
PAYLOADS = (*SCRIPTS, *FORMULAS)
CONTROLS = "\x07\x1b[31m\x0b\ufffe=1+1"
"""No XML may hold them, so no street is named so."""
STREETS = (*(f"{each} Street" for each in "ABCDEFG"), *(f"Avenue {k}" for k in range(1, 8)))


class Hostile:
    """Settings of the city, and each text that was put into it; all bear the same ``mark``, of overdoses ``secret``."""

    def __init__(self, settings: Path) -> None:
        self.settings, self.mark, self._n = settings, f"mark{uuid4().hex[:8]}", count()
        self.secret = f"hidden{uuid4().hex[:8]}"
        self.told: dict[str, list[str]] = {}

    def text(self, column: str, payload: str | None = None) -> str:
        """Return the next payload, first in its text as formulas must be, with the mark."""
        n = next(self._n)
        said = f"{payload or PAYLOADS[n % len(PAYLOADS)]} {self.mark} {n}"
        self.told.setdefault(column, []).append(said)
        return said

    def write(self, name: str, text: str) -> None:
        (self.settings.parent / name).write_text(text, encoding="utf-8")


def hostile_city(write_city: Callable[..., Path]) -> Hostile:
    city = Hostile(write_city())
    graph = (city.settings.parent / "streets.graphml").read_text()
    for n, name in enumerate(STREETS):
        graph = graph.replace(f">{name}<", f">{html.escape(city.text('street', PAYLOADS[n % len(PAYLOADS)]))}<")
    city.write("streets.graphml", graph)
    requests = (city.settings.parent / "requests.csv").read_text()
    for number in range(900, 903):
        said = city.text("request").replace('"', '""')
        requests = requests.replace(f"\n{number},", f'\n"{said}",')
    city.write("requests.csv", requests)
    calls = (city.settings.parent / "calls.csv").read_text()
    city.write("calls.csv", re.sub(r",E(\d+),", lambda each: f",{city.secret} {FORMULAS[0]} {each[1]},", calls))
    settings = city.settings.read_text()
    depot = re.search(r"depot = \[([-\d.]+), ([-\d.]+)\]", settings)
    assert depot is not None
    lat, lon = float(depot[1]), float(depot[2])
    _layers(city, lat, lon)
    crews = iter([city.text("crew", SCRIPTS[0]), city.text("crew", FORMULAS[0])])
    settings = re.sub(r'^name = "[AB]"', lambda _: f"name = {json.dumps(next(crews))}", settings, flags=re.MULTILINE)
    named = {"name": city.text("area", SCRIPTS[3]), "attribution": city.text("attribution", SCRIPTS[1])}
    files = ("candidates.geojson", "kiosks.geojson", "sites.geojson", "places.geojson", "districts.geojson")
    named |= {file.partition(".")[0]: file for file in files}
    named |= {"kiosk_ledger": "ledger.csv", "sweep_log": "sweeps.csv"}
    top = "\n".join(f"{name} = {json.dumps(value)}" for name, value in named.items())
    programme = f'[[programme]]\nday = "2025-12-01"\nwhat = {json.dumps(city.text("programme"))}\n'
    city.write("settings.toml", settings.replace('name = "Gridtown"', top) + programme)
    return city


def _layers(city: Hostile, lat: float, lon: float) -> None:
    def spots(kind: str, state: str, north: float, n: int = len(PAYLOADS) + 1) -> list[dict[str, Any]]:
        return [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [lon + 0.0005 + k / 2000, lat + north]},
                "properties": {
                    "site_id": city.text(f"{kind} id"),
                    "name": city.text(kind, (*PAYLOADS, CONTROLS)[k]),
                    "kind": kind,
                    "state": state,
                },
            }
            for k in range(n)
        ]

    def squares(ids: str, column: str, north: float, n: int) -> list[dict[str, Any]]:
        return [
            {
                "type": "Feature",
                "geometry": {"type": "Polygon", "coordinates": [_square(lon + 0.001 + k / 500, lat + north)]},
                "properties": {
                    ids: city.text(f"{column} id"),
                    "name": city.text(column, CONTROLS if k == 2 else None),
                    "kind": "park",
                },
            }
            for k in range(n)
        ]

    layers = {
        "candidates": spots("candidate", "candidate", 0.0027),
        "kiosks": spots("kiosk", "installed", 0.0018, 3),
        "sites": spots("school", "open", 0.0045),
        "places": squares("place_id", "park", 0.0022, 3),
        "districts": squares("district_id", "district", 0.0005, 3),
    }
    for name, features in layers.items():
        city.write(f"{name}.geojson", json.dumps({"type": "FeatureCollection", "features": features}))
    rows = [each["properties"]["site_id"].replace('"', '""') for each in layers["kiosks"]]
    city.write("ledger.csv", "site_id,state,date\n" + "".join(f'"{row}",installed,2019-06-03\n' for row in rows))
    swept = [city.text("sweep").replace('"', '""') for _ in PAYLOADS]
    log = [f'"{row}","{row}",{lat + 0.0027},{lon + 0.0036},2026-02-20T13:03:02Z,1,4,found,sweep\n' for row in swept]
    city.write("sweeps.csv", "pickup_id,place_id,lat,lon,at,needles,minutes,outcome,stream\n" + "".join(log))


def _square(lon: float, lat: float) -> list[list[float]]:
    return [[lon + dx / 2500, lat + dy / 2500] for dx, dy in ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0))]
