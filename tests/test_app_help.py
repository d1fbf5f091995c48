"""Every control of every page says what it does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from sweepplan.app.glossary import TERMS
from tests.app_pages import press

CONTROLS = ("button", "button_group", "checkbox", "link_button", "multiselect", "number_input", "selectbox", "slider")
CONTROLS += ("text_area", "text_input", "toggle", "radio", "file_uploader", "date_input", "time_input")


def silent(page: AppTest) -> set[str]:
    """Return the controls that have no help text."""
    assert not page.exception
    found = [each for kind in CONTROLS for each in page.get(kind)]
    return {f"{each.type}: {each.proto.label}" for each in found if not each.proto.help}


@pytest.mark.parametrize("name", ["today", "hotspots", "kiosks", "data", "accounts"])
def test_every_control_of_a_page_says_what_it_does(open_page: Callable[..., AppTest], city: Path, name: str) -> None:
    page = open_page(name, city)
    if name == "kiosks":
        page.toggle[0].set_value(True).run()
    assert not silent(page)
    if name == "today":
        page = press(page, "Plan")
        stop = str(page.session_state["plans"][-1].sweep.stops["place_id"].iloc[0])
        page.session_state["selected"] = stop
        page = press(page, "Publish")
        assert not silent(page.run())


def test_words_of_the_field_are_explained_where_they_stand(open_page: Callable[..., AppTest], city: Path) -> None:
    page = open_page("hotspots", city)
    assert page.subheader[0].proto.help == TERMS["Hotspot"]
    assert TERMS["interval"] in {each.proto.help for each in page.markdown}
    heads = "".join(each.proto.columns for each in page.dataframe)
    assert all(TERMS[name] in heads for name in ("Trend", "By chance", "Median", "Nine of ten in"))
    page = open_page("kiosks", city)
    assert TERMS["certified optimal"] in {each.proto.help for each in page.markdown}
    heads = "".join(each.proto.columns for each in page.dataframe)
    assert all(TERMS[name] in heads for name in ("In reach", "Not covered today"))
