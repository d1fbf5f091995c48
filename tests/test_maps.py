"""The map: what it shows, in words and places; that it runs nothing but its own scripts, and fetches nothing."""

import itertools
import re
from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from sweepplan.errors import GateError
from sweepplan.geo import WGS84, Area
from sweepplan.maps import draw, heat, safe_text
from sweepplan.maps import hues as palette
from sweepplan.privacy import Policy, Published, publish
from sweepplan.tables import CELLS, HOTSPOTS, INCIDENTS, KIOSKS, PLACES, ROUTES, SITES, STOPS, STREETS, Contract

CRS, TZ = "EPSG:32619", "America/New_York"
EAST, NORTH = 330_000, 4_690_000
OPEN = Policy(min_count=1, show_requests=True)

PAYLOAD = (
    "<script>window.__pwned=1</script><img src=x onerror='window.__pwned=2'>${window.__pwned=3}`${window.__pwned=4}`"
    "</script><script>window.__pwned=5</script>'\";window.__pwned=6;//{{7*7}}{% raw %}\\u003cb\\u003e "
    "javascript:window.__pwned=8 &lt;b&gt;"
)


def at(hour: int, minute: int = 0) -> pd.Timestamp:
    """A moment of Tuesday 3 March on the city's clock."""
    return pd.Timestamp(2026, 3, 3, hour, minute, tz=TZ).tz_convert("UTC")


def table(
    contract: Contract, shapes: list[shapely.Geometry], ids: list[str] | None = None, **columns
) -> gpd.GeoDataFrame:
    """A table on metres east and north of Gridtown's corner."""
    rows = range(len(shapes))
    values = {
        name: pd.Series(columns[name], index=rows, dtype="datetime64[us, UTC]" if column.kind == "time" else None)
        for name, column in contract.columns.items()
        if name in columns or not column.optional
    }
    moved = [shapely.affinity.translate(shape, EAST, NORTH) for shape in shapes]
    index = pd.Index(ids or [f"{contract.name}-{k}" for k in rows], name=contract.index, dtype="str")
    return contract.check(gpd.GeoDataFrame(values, geometry=moved, crs=CRS).set_axis(index))


def points(*xy: tuple[float, float]) -> list[shapely.Point]:
    return [shapely.Point(*spot) for spot in xy]


def town_tables(text: Callable[[str], str]) -> list[gpd.GeoDataFrame]:
    """Every table of a small town, each text that a feed or person could have written made by ``text``."""
    lines = [shapely.LineString([(0, y), (600, y)]) for y in range(0, 601, 100)]
    lines += [shapely.LineString([(x, 0), (x, 600)]) for x in range(0, 601, 100)]
    crews = [text("A"), text("B")]
    nothing = pd.NaT
    return [
        table(STREETS, lines, name=text("A Street"), highway=text("residential"), length_m=600.0),
        table(
            PLACES,
            [shapely.box(210, 210, 290, 290)],
            kind="park",
            name=text("Peters Park"),
            length_m=320.0,
            sweep_s=60.0,
        ),
        table(
            CELLS,
            [shapely.box(x, y, x + 100, y + 100) for x in (0, 100, 200) for y in (0, 100)],
            kind="needle",
            n_incidents=list(range(20, 26)),
            rate=np.linspace(0.06, 0.6, 6),
        ),
        table(
            HOTSPOTS,
            [shapely.box(10, 10, 190, 190)],
            [text("hot-1")],
            kind="needle",
            n_incidents=34,
            weight=9.0,
            name="",
            n_last=14,
            n_before=10.0,
            trend=1.4,
            pattern="intensifying",
            p_value=0.004,
            swept_d=3.2,
            near=[text("First School, 40 m away")],
            first_reported_at=at(1),
            last_reported_at=at(5),
        ),
        table(
            ROUTES,
            [
                shapely.LineString([(0, 0), (600, 0), (600, 300), (0, 300), (0, 0)]),
                shapely.LineString([(0, 0), (0, 600), (300, 600), (300, 0), (0, 0)]),
            ],
            crews,
            n_stops=2,
            crew_s=3600.0,
            drive_m=[1800.0, 2400.0],
            expected_needles=[12.5, 4.0],
            starts_at=at(7),
            ends_at=at(14, 51),
        ),
        table(
            STOPS,
            points((600, 100), (300, 300), (0, 400), (300, 500), (500, 500), (550, 550)),
            crew=[crews[0], crews[0], crews[1], crews[1], None, None],
            seq=[1, 2, 1, 2, 0, 0],
            place_id=text("place"),
            name=text("A Street at Avenue 1"),
            kind=["request", "street", "request", "park", "request", "request"],
            arrives_at=[at(7, 40), at(8), at(9), at(10), nothing, nothing],
            leaves_at=[at(7, 50), at(8, 10), at(9, 10), at(10, 5), nothing, nothing],
            due_at=[at(12), nothing, at(8), nothing, at(12), at(3)],
            mode=0,
            slack_min=[260.0, 31.0, 0.0, 5.0, np.nan, np.nan],
            expected_needles=[1.0, 2.5, 0.0, 3.0, 1.0, 1.0],
            reason=[None, None, None, None, text("no crew has time for it"), text("no way there")],
        ),
        table(
            SITES,
            points((0, 0), (50, 350), (450, 50)),
            name=[text("Depot Street"), text("First School"), text("Library")],
            kind=["depot", text("school"), "library"],
            state=text("open"),
        ),
        table(
            KIOSKS,
            points((150, 150), (350, 350), (450, 450)),
            name=[text("Old kiosk"), text("New kiosk"), text("Far kiosk")],
            demand_kind="needle",
            state=["installed", "proposed", "proposed"],
            rank=[0, 1, 2],
            covered=[200.0, 132.0, np.nan],
            added=[0.0, 41.0, np.nan],
        ),
        table(
            INCIDENTS,
            points((120, 480), (140, 470)),
            kind="needle",
            reported_at=at(2),
            time_precision="second",
            source=text("a feed"),
            needles=np.nan,
            status=["open", "closed"],
            due_at=[at(3), nothing],
            closed_at=[nothing, at(4)],
        ),
        table(
            INCIDENTS,
            points(*[(350, 350)] * 14),
            [f"call-{k}" for k in range(14)],
            kind="overdose",
            reported_at=at(2) - pd.Timedelta(days=90),
            time_precision="second",
            source=text("a feed"),
            needles=np.nan,
            status=None,
            due_at=nothing,
            closed_at=nothing,
        ),
    ]


def town(text: Callable[[str], str] = str) -> Published:
    area = Area(
        text("Gridtown"), shapely.box(EAST - 100, NORTH - 100, EAST + 700, NORTH + 700), CRS, TZ, text("made-up city")
    )
    return publish(*town_tables(text), area=area, policy=OPEN, as_of=at(6))


def page_of(published: Published, **options) -> str:
    return draw(published, **options).get_root().render()


@pytest.fixture(scope="module")
def page() -> str:
    return page_of(town(), attribution="Streets © OpenStreetMap contributors", as_of=at(6, 12))


# -- text ------------------------------------------------------------------------------------------------------------


@given(st.text())
@settings(derandomize=True, deadline=None, max_examples=200)
def test_safe_text_leaves_nothing_that_html_or_javascript_reads(text):
    import html

    safe = safe_text(text)
    assert not set(safe) & set("<>\"'`$\\{}")
    assert html.unescape(safe) == text


@pytest.mark.parametrize("nothing", [None, float("nan"), np.nan, pd.NaT, pd.NA, np.float64("nan")])
def test_nothing_is_a_dash(nothing):
    assert safe_text(nothing) == "–"


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (1.5, "1.5"), (False, "False"), ("", "")])
def test_what_is_something_is_said(number, text):
    assert safe_text(number) == text


# -- the page ---------------------------------------------------------------------------------------------------------


def test_only_what_passed_the_gate_is_drawn():
    with pytest.raises(GateError, match=r"draw\(\.\.\.\) of a GeoDataFrame: give what publish"):
        draw(town_tables(str)[0])


def test_the_same_input_gives_the_same_bytes(page, tmp_path):
    drawn = draw(town(), attribution="Streets © OpenStreetMap contributors", as_of=at(6, 12))
    assert drawn.get_root().render() == page
    drawn.save(tmp_path / "map.html")
    drawn.save(tmp_path / "again.html")
    assert (tmp_path / "map.html").read_text("utf-8") == (tmp_path / "again.html").read_text("utf-8") == page


def test_the_page_names_no_other_place(page):
    outside = re.findall(r"(?:src|href)\s*=\s*[\"'](?!data:|#)[^\"']*|url\((?!data:|#)[^)]*\)|@import[^;]*", page)
    assert outside == ['href="https://leafletjs.com']  # in Leaflet's code; the page does not show that link
    assert "sourceMappingURL" not in page


@pytest.mark.parametrize(
    "words",
    [
        "Gridtown (made-up city)",
        "Sweeps of Tue 3 Mar 2026",
        "Reports before Tue 3 Mar, 06:12",
        "Streets © OpenStreetMap contributors",
        "Needle hotspot 1: 34 reports",
        "last 4 weeks: 14, the 4 before: 10 (+40%)",
        "stands out most of the time, ever more",
        "by chance: p = 0.004",
        "last swept 3 days ago",
        "nearest school or playground: First School, 40 m away",
        "Tue 3 Mar, 07:40 to 07:50, 260 min to spare",
        "over due: due Tue 3 Mar, 08:00",
        "Left out: A Street at Avenue 1",
        "no crew has time for it",
        "132 needle reports in reach",
        "41 of them in reach of no kiosk today",
        "too few reports in reach to be told",
        "20 needle reports",
    ],
)
def test_the_page_says(page, words):
    assert words in page.replace("\\u00a0", " ").replace("\\u00a9", "©").replace("\N{NO-BREAK SPACE}", " ")


def test_what_is_withheld_is_said():
    shown = publish(*town_tables(str)[:4], area=town().area, policy=Policy())
    assert "Not shown: 6 needle cells made of single reports." in page_of(shown)


def test_what_is_not_there_is_not_in_the_legend():
    page = page_of(publish(area=town().area))
    assert "Gridtown (made-up city)" in page
    assert not re.search(
        r"Crew |otspots|Kiosks|over due|Depot|Not shown", re.search(r'<section id="panel">.*?</section>', page)[0]
    )


@pytest.mark.parametrize(
    ("arrives", "due", "as_of", "late"),
    [
        (at(8), at(8), None, False),
        (at(8), at(7, 59), None, True),
        (at(8), pd.NaT, None, False),
        (pd.NaT, at(6, 59), None, True),
        (pd.NaT, at(6, 59), at(6), False),
        (pd.NaT, at(5, 59), at(6), True),
    ],
)
def test_over_due_means_served_or_planned_after_it_was_due(arrives, due, as_of, late):
    from sweepplan.maps.crews import over_due

    tables = town_tables(str)
    stops = tables[5].iloc[[0]].assign(arrives_at=arrives, due_at=due)
    for name in ("arrives_at", "due_at"):
        stops[name] = pd.to_datetime(stops[name], utc=True).astype("datetime64[us, UTC]")
    assert over_due(tables[4], stops, as_of=as_of).tolist() == [late]


def test_arrows_point_where_the_route_goes():
    from sweepplan.maps.crews import _arrows

    def turns(*xy):
        way = shapely.LineString([(EAST + x, NORTH + y) for x, y in xy])
        return [
            int(re.search(r"rotate\((-?\d+)deg", arrow["properties"]["html"])[1]) for arrow in _arrows(way, CRS, "#000")
        ]

    # Grid north is 1.4 degrees off true north here.
    assert turns((0, 0), (1050, 0)) == pytest.approx([90, 90, 90], abs=2)
    assert turns((1050, 0), (0, 0)) == pytest.approx([-90, -90, -90], abs=2)
    assert turns((0, 0), (0, 350)) == pytest.approx([0], abs=2)
    assert abs(turns((0, 350), (0, 0))[0]) == pytest.approx(180, abs=2)
    assert len(turns((0, 0), (350_000, 0))) == 60


@settings(derandomize=True, deadline=None, max_examples=12)
@given(
    spots=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(10, 90)), min_size=1, max_size=40),
    min_count=st.integers(1, 5),
)
def test_no_overdose_can_be_placed_from_the_page(spots, min_count):
    shapes = points(*((100 * i + off, 100 * j + 100 - off / 2) for i, j, off in spots))
    nothing = pd.NaT
    overdoses = table(
        INCIDENTS,
        shapes,
        [f"secret-{k}" for k in range(len(shapes))],
        kind="overdose",
        reported_at=at(2, 17),
        time_precision="second",
        source="secret-feed",
        needles=np.nan,
        status=None,
        due_at=nothing,
        closed_at=nothing,
    )
    shown = publish(
        overdoses,
        area=town().area,
        policy=Policy(min_count=min_count, show_requests=True),
        as_of=at(6) + pd.Timedelta(days=365),
    )
    page = page_of(shown)
    assert "secret" not in page
    assert "02:17" not in page
    seen = np.array(re.findall(r"\[(-?\d+\.\d+), (-?\d+\.\d+)\]", page), dtype=float)
    at_degrees = shapely.get_coordinates(overdoses.geometry.to_crs(WGS84))
    assert len(seen) > 3
    for drawn in (seen, seen[:, ::-1]):
        assert np.abs(drawn[:, None] - at_degrees[None]).max(axis=2).min() > 3e-5


# -- colours ----------------------------------------------------------------------------------------------------------

_EYES = {
    "all cones": np.eye(3),
    # Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
    "no long cones": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no medium cones": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "no short cones": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


def _linear(colour: str) -> np.ndarray:
    srgb = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _lab(linear: np.ndarray) -> np.ndarray:
    to_xyz = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
    xyz = to_xyz @ np.clip(linear, 0, 1) / [0.95047, 1, 1.08883]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def _contrast(one: str, other: str) -> float:
    low, high = sorted(float(_linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("eye", _EYES)
def test_any_two_crews_differ_to_any_eye(eye):
    labs = [_lab(np.array(_EYES[eye]) @ _linear(hue)) for hue in palette.CREWS]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(labs, 2)) >= 25
    assert len(palette.CREWS) == 10


def test_what_a_crew_reads_has_contrast_7():
    assert _contrast(palette.INK, "#ffffff") >= 7
    assert _contrast(palette.OVER_DUE, "#ffffff") >= 7
    assert min(_contrast(hue, "#ffffff") for hue in palette.CREWS) >= 3


def test_heat_goes_from_light_to_dark():
    light = [_lab(_linear(colour))[0] for colour in palette.HEAT]
    assert light == sorted(light, reverse=True)
    assert min(np.diff(light[::-1])) > 8


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 99), st.integers(1, 9)), min_size=1, max_size=30), st.randoms())
def test_the_densest_half_is_dark_whatever_the_order(cells, order):
    expected, area = np.array(cells, dtype=float).T
    density = expected / area
    bands = heat.share_bands(expected, density)
    rank = np.array(order.sample(range(len(cells)), len(cells)))
    assert (heat.share_bands(expected[rank], density[rank]) == bands[rank]).all()
    assert bands[density.argmax()] == 0
    assert (np.diff(bands[np.argsort(-density)]) >= 0).all()
    assert expected[bands <= 1].sum() >= expected.sum() / 2


@settings(derandomize=True, deadline=None, max_examples=20)
@given(st.sets(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=200), st.integers(1, 20))
def test_coarser_cells_are_sums_of_the_cells_given_and_cover_no_other_ground(squares, most):
    boxes = [shapely.box(100 * x, 100 * y, 100 * x + 100, 100 * y + 100) for x, y in sorted(squares)]
    cells = gpd.GeoDataFrame({"n_incidents": 1, "rate": 0.5}, index=range(len(boxes)), geometry=boxes, crs=32619)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heat, "MOST_CELLS", most)
        finest, *coarser = heat.divisions(cells)
    assert len([finest, *coarser][-1]) <= most
    for k, division in enumerate(coarser, start=1):
        assert len(division) == len({(x >> k, y >> k) for x, y in squares})
        for _, row in division.iterrows():
            inside = cells[cells.geometry.centroid.within(row.geometry)]
            assert row.n_incidents == row.n_cells == len(inside) == 2 * row.rate
            assert row.geometry.area == inside.area.sum()


# -- in a browser -----------------------------------------------------------------------------------------------------

SHOW_ALL = """() => {
    document.querySelectorAll('.leaflet-control-layers-overlays input:not(:checked)').forEach(box => box.click());
}"""
GREY_PIXELS = """() => {
    const canvas = document.querySelector('.leaflet-background-pane canvas');
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    return pixels.filter((value, k) => k % 4 == 0 && value == 0xd3).length;
}"""
TIPS = """() => {
    const map = Object.entries(window).find(([name, value]) => value instanceof L.Map)[1], said = [];
    map.eachLayer(layer => {
        if (!layer.getTooltip || !layer.getTooltip()) return;
        const latlng = layer.getLatLng ? layer.getLatLng() : layer.getCenter();
        for (const type of ['mouseover', 'mousemove', 'click'])
            layer.fire(type, {latlng, originalEvent: new MouseEvent(type, {clientX: 700, clientY: 400})});
        document.querySelectorAll('.leaflet-tooltip').forEach(tip => said.push(
            {text: tip.innerText, elements: [...tip.querySelectorAll('*')].map(element => element.tagName)}));
        layer.closeTooltip();
    });
    return said;
}"""


class Opened:
    """A page in the browser, with what it asked for and what went wrong in it."""

    def __init__(self, chromium, path, *, bypass_csp=False, width=1440, height=900):
        self.context = chromium.new_context(viewport={"width": width, "height": height}, bypass_csp=bypass_csp)
        self.page = self.context.new_page()
        self.asked, self.faults = [], []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda line: self.faults.append(line.text) if line.type == "error" else None)
        self.page.goto(path.as_uri())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def asked_outside(self):
        return [url for url in self.asked if not url.startswith(("file:", "data:"))]


@pytest.fixture(scope="module")
def saved(page, tmp_path_factory):
    path = tmp_path_factory.mktemp("maps") / "map.html"
    path.write_text(page, "utf-8")
    return path


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    path = tmp_path_factory.mktemp("maps") / "hostile.html"
    draw(town(lambda text: f"{text} {PAYLOAD}"), attribution=PAYLOAD, as_of=at(6)).save(path)
    return path


@pytest.mark.browser
def test_the_page_shows_the_town_and_fetches_nothing(chromium, saved):
    with Opened(chromium, saved) as opened:
        page = opened.page
        page.evaluate(SHOW_ALL)
        assert page.title() == "Gridtown (made-up city)"
        assert page.get_by_role("heading", name="Gridtown (made-up city)").is_visible()
        assert sorted(page.locator(".mark .badge:not(.left)").all_inner_texts()) == ["A1", "A2", "B1", "B2"]
        assert page.locator(".mark .badge.request").count() == 2
        assert page.locator(".mark .badge.late").count() == 2
        assert page.locator(".mark .badge.left").count() == 2
        assert page.locator(".mark .kiosk.installed").count() == 1
        assert page.locator(".mark .kiosk.proposed").all_inner_texts() == ["1", "2"]
        assert page.locator(".mark .depot").count() == 1
        assert page.locator(".leaflet-cells-pane path").count() == 7
        assert page.locator(".leaflet-hotspots-pane path").count() == 2
        assert page.locator(".leaflet-routes-pane path").count() == 4
        assert page.locator(".leaflet-arrows-pane .arrow").count() == 10
        grey = page.evaluate(GREY_PIXELS)
        assert grey > 300
        assert page.get_by_text("Streets © OpenStreetMap contributors").is_visible()
        assert page.locator("a[href^=http]").count() == 0
        assert opened.asked_outside() == opened.faults == []


@pytest.mark.browser
def test_a_layer_is_hidden_and_shown_by_its_box(chromium, saved):
    with Opened(chromium, saved) as opened:
        assert opened.page.locator(".mark .badge.place").count() == 2
        opened.page.locator("label", has_text="Crew B").locator("input").click()
        assert opened.page.locator(".mark .badge.place").count() == 1
        opened.page.locator("label", has_text="Overdose hotspots").locator("input").click()
        assert opened.page.locator(".leaflet-hotspots-pane path").count() == 2


@pytest.mark.browser
def test_streets_bear_their_names_from_near_by(chromium, saved):
    zoom = "zoom => Object.values(window).find(value => value instanceof L.Map).setZoom(zoom, {animate: false})"
    with Opened(chromium, saved) as opened:
        opened.page.evaluate(zoom, 15)
        assert opened.page.locator(".name").count() == 0
        opened.page.evaluate(zoom, 16)
        assert set(opened.page.locator(".name").all_inner_texts()) == {"A Street"}


@pytest.mark.browser
def test_a_stop_says_what_it_is_when_pointed_at(chromium, saved):
    with Opened(chromium, saved) as opened:
        opened.page.locator(".mark .badge", has_text="A1").hover()
        tip = opened.page.locator(".leaflet-tooltip").inner_text()
        assert tip.split("\n") == [
            "A1 A Street at Avenue 1",
            "Request",
            "Tue 3 Mar, 07:40 to 07:50, 260 min to spare",
            "due Tue 3 Mar, 12:00",
            "1 needle expected",
        ]


@pytest.mark.browser
@pytest.mark.parametrize("bypass_csp", [False, True], ids=["page's own rules", "escaping alone"])
def test_hostile_text_runs_nothing_and_is_still_read(chromium, hostile, bypass_csp):
    with Opened(chromium, hostile, bypass_csp=bypass_csp) as opened:
        page = opened.page
        page.evaluate(SHOW_ALL)
        assert PAYLOAD in page.locator(".name").first.inner_text()
        tips = page.evaluate(TIPS)
        assert len(tips) >= 29
        assert {tag for tip in tips for tag in tip["elements"]} == {"B", "BR"}
        assert sum(PAYLOAD in tip["text"] for tip in tips) >= 14
        panel = page.locator("#panel")
        assert PAYLOAD in panel.locator("h1").inner_text()
        assert panel.locator("script, img, [onerror], a:not(.leaflet-control-layers-toggle)").count() == 0
        assert PAYLOAD in page.locator(".leaflet-control-attribution").inner_text()
        assert PAYLOAD in page.title()
        for mark in page.locator(".mark").all():
            mark.dispatch_event("mouseover")
        page.wait_for_timeout(200)
        assert page.evaluate("window.__pwned") is None
        assert opened.asked_outside() == opened.faults == []


@pytest.mark.browser
def test_the_trap_springs_where_text_is_not_made_safe(chromium, saved):
    spring = "() => { document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.__pwned=1\">'); }"
    sprung = {}
    for bypass_csp in (True, False):
        with Opened(chromium, saved, bypass_csp=bypass_csp) as opened:
            opened.page.evaluate(spring)
            opened.page.wait_for_timeout(300)
            sprung[bypass_csp] = opened.page.evaluate("window.__pwned")
    assert sprung == {True: 1, False: None}


@pytest.mark.browser
def test_the_pages_rules_refuse_what_would_fetch(chromium, saved):
    fetch = "() => fetch('http://127.0.0.1:9/').then(() => 'fetched', error => 'refused')"
    with Opened(chromium, saved) as opened:
        assert opened.page.evaluate(fetch) == "refused"
        assert any("Content Security Policy" in fault for fault in opened.faults)


@pytest.mark.browser
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_it_fits_a_desk_and_a_phone(chromium, saved, width, height):
    with Opened(chromium, saved, width=width, height=height) as opened:
        page = opened.page
        assert page.evaluate("document.documentElement.scrollWidth") == width
        panel = page.locator("#panel").bounding_box()
        assert panel["x"] >= 0
        assert panel["x"] + panel["width"] <= width
        assert page.locator("#panel details").evaluate("node => node.open") == (width > 700)
        assert page.get_by_role("heading", name="Gridtown (made-up city)").is_visible()
        for mark in page.locator(".mark").all():
            box = mark.bounding_box()
            assert -2 <= box["x"] <= width
            assert 0 <= box["y"] <= height
            assert box["x"] > panel["x"] + panel["width"] or box["y"] > panel["y"] + panel["height"]
        if width < 700:
            page.locator("#panel summary").click()
            assert page.get_by_text("Crew A").is_visible()
