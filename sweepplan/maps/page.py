"""The page: Leaflet from the installed package written into it, nothing fetched, the same bytes each time."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import folium
from branca.element import Element, Figure, MacroElement
from folium.template import Template
from folium.utilities import JsCode

from sweepplan.maps.assets import asset
from sweepplan.maps.layers import PANES, Layer, Part
from sweepplan.maps.words import safe_text

_RULES_MARK = "the rules of this page"
Bounds = tuple[float, float, float, float]
"""West, south, east, north, in degrees."""
Names = Sequence[tuple[float, float, int, str]]
"""Latitude, longitude, degrees turned clockwise, plain text."""


class OfflinePage(Figure):
    """A page that may fetch nothing: its content security policy allows its own scripts, by hash, and no other."""

    def render(self, **kwargs: Any) -> str:
        """Return the page; elements bear running numbers instead of random names, and are left as they were."""
        elements = list(_walk(self))
        kept = [element._children.copy() for element in elements]
        for number, element in enumerate(elements):
            element._id = f"{number:03d}"
        page = super().render(**kwargs)
        for element, children in zip(elements, kept, strict=True):
            element._children = children
        return page.replace(_RULES_MARK, _rules(page), 1)


class OfflineMap(folium.Map):
    """A folium map without tiles whose scripts and styles stand in the page."""

    default_js: list[tuple[str, str]] = []  # noqa: RUF012  folium reads the class attribute
    default_css: list[tuple[str, str]] = []  # noqa: RUF012


class _Furniture(MacroElement):
    """Panel, scale and view, put in place by ``page.js``."""

    _template = Template(
        """
        {% macro html(this, kwargs) %}{{ this.panel }}{% endmacro %}
        {% macro script(this, kwargs) %}
        sweepmap.furnish({{ this._parent.get_name() }}, {{ this.control.get_name() }}, {{ this.options|tojavascript }});
        {% endmacro %}
        """
    )

    def __init__(
        self, panel: str, control: folium.LayerControl, bounds: Bounds, attribution: str, names: Names
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Furniture"
        self.panel, self.control = panel, control
        west, south, east, north = bounds
        self.options = {"bounds": [[south, west], [north, east]], "attribution": safe_text(attribution)}
        self.options["names"] = [[lat, lon, turn, safe_text(name)] for lat, lon, turn, name in names]


def page_of(
    layers: Sequence[Layer], *, title: str, panel: str, bounds: Bounds, names: Names = (), attribution: str = ""
) -> folium.Map:
    """Return the map of ``layers``, the lowest first.

    Parameters
    ----------
    title : plain text.
    panel : HTML whose every value is safe.
    bounds : what is seen at first.
    names : names that stand on the map from near by.
    attribution : plain text.
    """
    west, south, east, north = bounds
    drawn = OfflineMap(
        location=((south + north) / 2, (west + east) / 2),
        tiles=None,
        zoom_control="bottomright",
        font_size="14px",
        zoom_snap=0.25,
        max_zoom=19,
    )
    page = OfflinePage(title=safe_text(title))
    for name, content in _head().items():
        page.header.add_child(Element(f"{{% raw %}}{content}{{% endraw %}}"), name=name)
    page.add_child(drawn)
    for name, height in PANES.items():
        folium.map.CustomPane(name, z_index=height, pointer_events=name != "background").add_to(drawn)
    for layer in layers:
        group = folium.FeatureGroup(name=layer.label, show=layer.shown, control=bool(layer.label))
        for part in layer.parts:
            _drawn(part).add_to(group)
        group.add_to(drawn)
    control = folium.LayerControl(collapsed=False)
    drawn.add_child(control)
    _Furniture(panel, control, bounds, attribution, names).add_to(drawn)
    return drawn


class _Divided(MacroElement):
    """A part with coarser divisions, chosen by ``page.js``."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        sweepmap.divided({{ this.divisions|tojson }}, {{ this.most }}, (features) => L.geoJSON(
            {type: "FeatureCollection", features},
            {pane: {{ this.pane|tojson }}, style: (each) => each.properties.style, onEachFeature: sweepmap.tip},
        )).addTo({{ this._parent.get_name() }});
        {% endmacro %}
        """
    )

    def __init__(self, part: Part) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Divided"
        self.divisions = [_without_ids(features) for features in (part.features, *part.coarser)]
        self.most, self.pane = part.most, part.pane


def _without_ids(features: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return features without their ids, which are not safe text: only a live map needs them."""
    return [
        {**each, "properties": {name: value for name, value in each["properties"].items() if name != "id"}}
        for each in features
    ]


def _drawn(part: Part) -> MacroElement:
    """Return a part for folium."""
    if part.coarser:
        return _Divided(part)
    features = _without_ids(part.features)
    options: dict[str, Any] = {"pane": part.pane}
    if part.canvas:
        options["renderer"] = JsCode(f"L.canvas({{pane: '{part.pane}', padding: 0.3}})")
    return folium.GeoJson(
        {"type": "FeatureCollection", "features": features},
        on_each_feature=JsCode("sweepmap.tip"),
        point_to_layer=JsCode("sweepmap.point"),
        **options,
    )


@cache
def _head() -> dict[str, str]:
    """Return what the head of every page holds, by name."""
    return {
        "rules": f'<meta http-equiv="Content-Security-Policy" content="{_RULES_MARK}"/>',
        "leaflet_css": f"<style>{asset('leaflet.css')}</style>",
        "page_css": f"<style>{asset('page.css')}</style>",
        "leaflet_js": f"<script>{asset('leaflet.js')}</script>",
        "page_js": f"<script>{asset('page.js')}</script>",
    }


def _rules(page: str) -> str:
    """Return the content security policy that allows the scripts in ``page``, inline styles and images, no more."""
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _walk(element: Element) -> Iterator[Element]:
    yield element
    parts = [element.header, element.html, element.script] if isinstance(element, Figure) else []
    for child in [*parts, *element._children.values()]:
        yield from _walk(child)
