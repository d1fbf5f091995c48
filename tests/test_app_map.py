"""The map of a page: where one looked and what one chose outlive a rerun; its streets come once, from the app."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Response

from sweepplan import demo
from sweepplan.app import state
from tests.app_pages import served_app

MOST_FEATURES = 2_000
MOST_SOCKET_BYTES = 400_000
LOOK = "Object.entries(sessionStorage).find(([name]) => name.startsWith('sweepmap'))?.[1] ?? null"


def looked_at(page: Page) -> list[float]:
    """Return latitude, longitude and zoom of the map."""
    return list(json.loads(page.evaluate(LOOK)))


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
    for view in views:
        layers = json.loads(view.map.layers.make())["layers"]
        assert sum(len(part["features"]) for layer in layers for part in layer["parts"]) <= MOST_FEATURES
    for ground in (views[0].map.near, views[0].map.far):
        assert len(json.loads(ground.make())["features"]) <= MOST_FEATURES
