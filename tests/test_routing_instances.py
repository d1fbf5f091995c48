"""Readers of public routing instances, on tiny ones that a pencil solves."""

import json

import pytest

from tests.benchmarks import routing

SOLOMON = """    1  0  0  0    0  1000   0
    2  3  4  10   0  1000  10
    3  6  8  10   0  1000  10
    4  0 20   7  15    16  10
"""
TOP = """n 5
m 1
tmax 10.0
0 0 0
3 4 5
0 9 9
5 0 4
6 0 0
"""
CARP = """ NOMBRE : tiny
 VERTICES : 3
 ARISTAS_REQ : 2
 ARISTAS_NOREQ : 1
 VEHICULOS : 1
 CAPACIDAD : 5
 LISTA_ARISTAS_REQ :
 ( 1, 2)  coste 4 demanda 3
 ( 2, 3)  coste 5 demanda 3
 LISTA_ARISTAS_NOREQ :
 ( 1, 3)  coste 2
 DEPOSITO :   1
"""
STREETS = {
    "graph": {
        "nodes": [{"id": "a"}, {"id": "b"}, {"id": "c"}],
        "arcs": [
            {"source": "a", "target": "b", "time": 10.0, "profits": [1.0, 0.0, 2.0]},
            {"source": "b", "target": "a", "time": 10.0, "profits": [5.0, 0.0, 0.0]},
            {"source": "b", "target": "c", "time": 50.0, "profits": [9.0, 0.0, 0.0]},
            {"source": "c", "target": "b", "time": 50.0, "profits": [9.0, 0.0, 0.0]},
        ],
    },
    "max_time": 20.0,
    "distributions": [0.5, 0.5],
}
PCVRPTW = """NAME : tiny
DIMENSION : 3
VEHICLES : 1
CAPACITY : 10
SERVICE_TIME : 1
NODE_COORD_SECTION
1 0 0
2 3 4
3 0 50
DEMAND_SECTION
1 0
2 5
3 5
TIME_WINDOW_SECTION
1 0 500
2 0 400
3 0 400
PRIZE_SECTION
1 0
2 30
3 20
DEPOT_SECTION
1
-1
"""


@pytest.mark.parametrize(
    ("family", "name", "text", "value"),
    [
        (
            "solomon",
            "R1tiny.txt",
            SOLOMON.replace("15    16", " 0   300"),
            434,
        ),  # one tour: 5 + 5 + 13.4 + 20
        ("optw", "R1tiny.txt", SOLOMON, 20),  # the third opens and closes before anybody is there
        ("top", "tiny.txt", TOP, 5),  # 5 and 4 together take 5 + 4.47 + 1 = 10.47; the 5 alone 10; the 9 alone more
        ("carp", "tiny.dat", CARP, 19),  # two tours: 4 there and 4 back; 4 there, 5 on and 2 back
        ("orienteering-arcs", "tiny.json", json.dumps(STREETS), 5000),
        ("pcvrptw", "tiny.vrp", PCVRPTW, 300),  # 100 of travel to the first; the second's 200 stay uncollected
    ],
)
def test_tiny_instances(tmp_path, family, name, text, value):
    path = tmp_path / name
    path.write_text(text)
    row = routing.solved(family, path, 1, seconds=0.6, solver="both", crews=1)
    assert row["value"] == value
    assert row["best_known"] is None


def test_the_best_known_and_seeds():
    assert routing.seeds_of("1-3,7") == [1, 2, 3, 7]
    assert "R104" in json.loads(routing.KNOWN.read_text())["solomon"]
