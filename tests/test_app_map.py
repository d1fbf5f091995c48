"""The map of a page: where one looked and what one chose outlive a rerun; its streets come once, from the app."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Response

from sweepplan import demo
from sweepplan.app import state
from sweepplan.errors import SettingsError
from sweepplan.maps import heat
from sweepplan.pipeline.tiles import Tiles
from tests.app_pages import served_app

MOST_FEATURES = 2_000
MOST_SOCKET_BYTES = 400_000
LOOK = "Object.entries(sessionStorage).find(([name]) => name.startsWith('sweepmap'))?.[1] ?? null"


def looked_at(page: Page) -> list[float]:
    """Return latitude, longitude and zoom of the map."""
    return list(json.loads(page.evaluate(LOOK)))


PATHS = ".live .leaflet-cells-pane path"


def _at_once(part: dict[str, Any]) -> int:
    """Return how many features of a part can be on a map at once."""
    if not part["coarser"]:
        return len(part["features"])
    assert len(part["coarser"][-1]) <= part["most"]
    return int(part["most"])


@pytest.mark.browser
def test_cells_are_finer_from_near_by_and_a_hotspot_stays_chosen(chromium: Browser, tmp_path: Path) -> None:
    city = Path(shutil.copytree(demo.folder(), tmp_path / "city"))
    with served_app(city / "settings.toml") as app:
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(120_000)
        page.goto(f"{app}/hotspots")
        page.locator(".live[data-drawn]").wait_for()
        page.locator(PATHS).first.wait_for()
        assert "together" in cell_words(page)
        assert 100 < page.locator(PATHS).count() <= heat.MOST_CELLS
        for _ in range(3):
            page.locator(".live .leaflet-control-zoom-in").click()
            page.wait_for_timeout(500)
        assert "together" not in cell_words(page)
        assert 0 < page.locator(PATHS).count() <= heat.MOST_CELLS
        page.locator(".live .leaflet-hotspots-pane path").first.dispatch_event("click")
        page.locator(".st-key-hotspot").get_by_text("Reports: ").wait_for()
        said = page.locator(".st-key-hotspot strong").inner_text()
        before = looked_at(page)
        page.get_by_role("radio", name="13 weeks").click()
        page.wait_for_timeout(4000)
        assert page.locator(".st-key-hotspot strong").inner_text() == said
        assert looked_at(page) == before
        page.close()


@pytest.mark.browser
def test_tiles_are_asked_of_their_server_only_when_switched_on(
    chromium: Browser, write_city: Callable[..., Path]
) -> None:
    asked: list[str] = []

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address, city = f"http://127.0.0.1:{server.server_port}", write_city()
        with city.open("a") as file:
            file.write(f'\n[map]\ntiles = "{address}/{{z}}/{{x}}/{{y}}.png"\nattribution = "Tiles of a test"\n')
        with served_app(city) as app:
            page = chromium.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(120_000)
            page.goto(app)
            page.locator(".live[data-drawn]").wait_for()
            page.wait_for_timeout(1000)
            assert asked == []
            with page.expect_request(lambda request: request.url.startswith(address)):
                page.get_by_text("Online map").click()
            page.get_by_text("Tiles of a test").wait_for()
            page.wait_for_timeout(500)
            assert asked
            assert all(re.fullmatch(r"/[0-9]+/[0-9]+/[0-9]+\.png", path) for path in asked)
            page.close()
        server.shutdown()


@pytest.mark.parametrize(
    "address", ["http://tiles.example.org/{z}/{x}/{y}.png", "https://a.org/{z}/{x}", "https://a; b/{z}/{x}/{y}", "x"]
)
def test_tiles_without_an_address_of_tiles_are_refused(address: str) -> None:
    with pytest.raises(SettingsError, match="give an https address"):
        Tiles.of({"tiles": address, "attribution": "nobody"})


def cell_words(page: Page) -> str:
    cell = page.locator(PATHS).last
    for event in ("mouseover", "mousemove"):
        cell.dispatch_event(event, {"bubbles": True, "clientX": 300, "clientY": 500})
    return page.locator(".leaflet-tooltip.tip").first.inner_text()


@pytest.mark.browser
def test_view_and_selection_outlive_a_rerun_and_streets_come_once(chromium: Browser, city: Path) -> None:
    with served_app(city) as app:
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(120_000)
        answers: list[Response] = []
        heard: list[int] = []
        page.on("response", lambda answer: answers.append(answer) if "/doc/" in answer.url else None)
        page.on("websocket", lambda socket: socket.on("framereceived", lambda data: heard.append(len(data))))
        page.goto(app)
        page.locator(".live[data-drawn]").wait_for()
        page.locator(".live .leaflet-control-zoom-in").click()
        page.wait_for_timeout(1000)
        before, said = looked_at(page), sum(heard)
        page.locator(
            ".live .leaflet-marks-pane path, .live .leaflet-marks-pane .leaflet-interactive"
        ).first.dispatch_event("click")
        page.locator(".st-key-card").wait_for()
        page.wait_for_timeout(500)
        assert sum(heard) - said < MOST_SOCKET_BYTES
        assert looked_at(page)[2] == before[2]
        page.get_by_role("button", name="✕").click()
        page.locator(".st-key-card").wait_for(state="detached")
        assert looked_at(page)[2] == before[2]
        page.reload()
        page.locator(".live[data-drawn]").wait_for()
        page.wait_for_timeout(500)
        assert looked_at(page)[2] == before[2]
        fetched = [answer.url for answer in answers if not answer.from_service_worker and answer.status == 200]
        kept = [answer.all_headers() for answer in answers]
        assert all("immutable" in each["cache-control"] and each["content-encoding"] == "gzip" for each in kept)
        assert len(fetched) >= len(set(fetched)) >= 2
        assert sum(heard) < 2 * MOST_SOCKET_BYTES
        page.close()


def test_no_map_draws_more_than_a_browser_can(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SWEEPPLAN_SETTINGS", str(demo.folder() / "settings.toml"))
    monkeypatch.setenv("SWEEPPLAN_STORE", str(tmp_path / "store.sqlite"))
    opened = state.opened()
    views = [state.today(opened), *(state.gathered(opened, "needle", role, "year") for role in ("lead", "public"))]
    assert views[-1].shown.table("incidents").empty
    assert len(views[-1].shown.table("cells"))
    for view in views:
        layers = json.loads(view.map.layers.make())["layers"]
        assert sum(_at_once(part) for layer in layers if layer["shown"] for part in layer["parts"]) <= MOST_FEATURES
    for ground in (views[0].map.near, views[0].map.far):
        assert len(json.loads(ground.make())["features"]) <= MOST_FEATURES
