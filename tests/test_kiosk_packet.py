"""The approval packet: what passed the gate on paper, nothing fetched, nothing withheld told."""

import json
from html import escape

import pytest

from sweepplan import Settings, run
from sweepplan.demo import folder
from sweepplan.report import kiosks_geojson, packet_html, print_pdf


@pytest.fixture(scope="module")
def walked():
    settings = Settings.load(
        folder() / "settings.toml", overdoses=None, places=None, k=3, kiosk_rules={"spacing_m": 150, "may_move": 2}
    )
    return run(settings, sweep=False)


@pytest.fixture(scope="module")
def page(walked):
    sited = walked.kiosks
    study = sited.study
    return packet_html(walked.shown, study.problem, sited.plan, sited.judged, as_of=walked.as_of, walks=study.walks)


def test_the_packet_shows_sites_proof_and_rules_and_fetches_nothing(walked, page):
    table = walked.shown.table("kiosks")
    assert all(escape(name) in page for name in table["name"])
    assert page.count("<circle") == (table["state"] == "proposed").sum()
    assert "Certified optimal" in page or "no choice covers more than" in page
    assert "a least distance between kiosks" in page
    assert "along the streets" in page
    assert "made-up city" in page
    assert "http" not in page
    assert "<script" not in page


def test_kiosks_leave_as_geojson_in_degrees(walked):
    features = json.loads(kiosks_geojson(walked.shown))["features"]
    assert len(features) == len(walked.shown.table("kiosks"))
    assert all(-69 < f["geometry"]["coordinates"][0] < -68 for f in features)
    assert {"kiosk_id", "name", "state", "covered", "added"} <= set(features[0]["properties"])


@pytest.mark.browser
def test_the_packet_is_printed(page, chromium, tmp_path):
    (tmp_path / "packet.html").write_text(page, encoding="utf-8")
    printed = print_pdf(tmp_path / "packet.html")
    assert printed is not None
    assert printed.read_bytes()[:5] == b"%PDF-"
