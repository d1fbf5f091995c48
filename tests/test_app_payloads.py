"""Whatever stands in a file: on every page and in every export no script runs, and its text is still read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Browser, Page

from tests.app_pages import served_app
from tests.hostile import PAYLOADS, Hostile, hostile_city

FIRST = ("=", "+", "-", "@", "\t", "\r", "\n")


@pytest.fixture
def hostile(write_city: Callable[..., Path]) -> Hostile:
    return hostile_city(write_city)


@pytest.fixture
def app(hostile: Hostile) -> Iterator[str]:
    with served_app(hostile.settings) as address:
        yield address


class Eyes:
    """Looks at pages of the app, and asks each whether a script of a file ran, and whether it tells of an overdose."""

    def __init__(self, page: Page, app: str, hostile: Hostile) -> None:
        self.page, self.app, self.mark, self.secret = page, app, hostile.mark, hostile.secret

    def clean(self, where: str) -> None:
        assert self.page.evaluate("window.hit") is None, where
        assert self.secret not in self.page.content(), where
        assert not self.page.locator(".stException").count(), where

    def read(self, where: str, texts: list[str]) -> None:
        """Find one of ``texts``, as it was written."""
        self.page.get_by_text(self.mark).first.wait_for()
        said = self.page.inner_text("body")
        assert any(_plainly(text) in _plainly(said) for text in texts), (where, texts)
        self.clean(where)

    def links(self) -> dict[str, str]:
        found = self.page.locator("a[href^='/doc/']").all()
        return {link.inner_text(): f"{self.app}{link.get_attribute('href')}" for link in found}


def _plainly(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.browser
def test_no_payload_of_a_file_runs_and_its_text_is_still_read(
    chromium: Browser, hostile: Hostile, app: str, tmp_path: Path
) -> None:
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(120_000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
    eyes = Eyes(page, app, hostile)
    exports = _today(eyes, hostile)
    page.get_by_role("link", name="Hotspots").click()
    page.get_by_text("Where needles gather").wait_for()
    page.locator(".live[data-drawn]").first.wait_for()
    eyes.read("hotspots", hostile.told["area"])
    exports |= eyes.links()
    page.get_by_role("radio", name="Overdoses").or_(page.get_by_role("button", name="Overdoses")).first.click()
    page.get_by_text("Where overdoses gather").wait_for()
    page.get_by_text("Counted in squares").wait_for()
    eyes.clean("overdoses")
    exports |= {f"{label}, overdoses": url for label, url in eyes.links().items()}
    page.get_by_role("link", name="Kiosks").click()
    page.get_by_text("certified optimal").wait_for()
    page.locator(".live[data-drawn]").first.wait_for()
    eyes.clean("kiosks")
    exports |= eyes.links()
    _keeping(eyes, tmp_path)
    _exports(chromium.new_page(), exports, hostile)
    page.close()
    assert hostile.secret.encode() not in (hostile.settings.parent / "served.sqlite").read_bytes()
    assert not [url for url in asked if not url.startswith((app, "data:", "blob:", "about:"))]


def _today(eyes: Eyes, hostile: Hostile) -> dict[str, str]:
    page = eyes.page
    page.goto(eyes.app)
    page.get_by_role("button", name="Plan", exact=True).click()
    page.get_by_text("requests reached").wait_for()
    page.get_by_role("button", name="Publish").wait_for()  # searched to the end: the map is not drawn anew any more
    drawn = page.locator(".live[data-drawn]").first
    drawn.wait_for()
    eyes.read("today", hostile.told["area"])
    assert any(_tips(page, hostile.mark) for _ in range(5))
    page.locator(".live .leaflet-marker-icon .badge.request").first.dispatch_event("click")
    page.locator(".st-key-card").wait_for()
    eyes.read("card", hostile.told["crew"])
    page.get_by_role("button", name="Print and export").click()
    page.get_by_role("link", name="Tracks (GPX)").wait_for()
    found = eyes.links()
    page.keyboard.press("Escape")
    return found


def _tips(page: Page, mark: str) -> bool:
    """Point at every request, and look whether a tip says ``mark``; a map that is still being drawn has none yet."""
    page.wait_for_timeout(1000)
    for badge in page.locator(".live .leaflet-marker-icon.leaflet-interactive:has(.badge.request)").all():
        badge.dispatch_event("mouseover")
    return any(mark in tip for tip in page.locator(".leaflet-tooltip").all_inner_texts())


def _keeping(eyes: Eyes, folder: Path) -> None:
    page, mark = eyes.page, eyes.mark
    page.get_by_role("link", name="Data").click()
    file = folder / f"=1+1 <img src=x onerror=window.hit=1>{mark}.csv"
    columns = "CASE_ENQUIRY_ID,OPEN_DT,TARGET_DT,CLOSED_DT,CASE_STATUS,TYPE,LATITUDE,LONGITUDE"
    rows = [f'"{each.replace(chr(34), chr(34) * 2)} {mark}",x,x,x,x,{mark},x,x' for each in PAYLOADS]
    good = f"{mark}1,02/01/2026 08:00:00 AM,,,Open,Needle Pickup,42.34,-71.07"
    file.write_text("\n".join([columns, *rows, good]))
    page.set_input_files("input[type=file]", str(file))
    page.get_by_role("button", name="Take it").click()
    page.get_by_text("1 kept").first.wait_for()
    eyes.clean("data")
    page.get_by_role("link", name="Accounts").click()
    page.get_by_role("textbox", name="E-mail of the account").fill(f"{PAYLOADS[0]} :red[x] {mark}")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("no role").wait_for()
    eyes.read("accounts", [f"{PAYLOADS[0]} :red[x] {mark}: no role"])


def _exports(page: Page, exports: dict[str, str], hostile: Hostile) -> None:
    streets = hostile.told["street"]
    seen = set()
    for label, url in exports.items():
        answer = page.request.get(url)
        assert answer.ok, label
        kind = url.rpartition(".")[2]
        seen.add(kind)
        assert hostile.secret.encode() not in answer.body(), label
        if kind == "html":
            page.goto(url)
            said = _plainly(page.inner_text("body"))
            assert any(_plainly(text) in said for texts in hostile.told.values() for text in texts), label
            assert page.evaluate("window.hit") is None, label
        elif kind == "gpx":
            names = [each.text or "" for each in ET.fromstring(answer.text()).iter() if each.tag.endswith("}name")]  # noqa: S314
            assert any(text in name for name in names for text in streets)
        elif kind == "csv":
            cells = [cell for row in csv.reader(io.StringIO(answer.text(), newline="")) for cell in row]
            assert not [cell for cell in cells if cell.startswith(FIRST) and not _number(cell)], label
            assert label.startswith("Map links") or any(hostile.mark in cell for cell in cells), label
        elif kind == "xlsx":
            cells = [cell for row in load_workbook(io.BytesIO(answer.body())).worksheets[0].iter_rows() for cell in row]
            assert not [cell for cell in cells if cell.data_type == "f"], label
            assert not [cell for cell in cells if hostile.secret in str(cell.value)], label
            assert any(text in str(cell.value) for cell in cells for text in streets), label
        elif kind == "geojson":
            assert hostile.mark in json.dumps(json.loads(answer.text())), label
    assert seen >= {"html", "gpx", "csv", "xlsx", "geojson"}
    page.close()


def _number(text: str) -> bool:
    try:
        return float(text) is not None
    except ValueError:
        return False
