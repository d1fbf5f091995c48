"""A server of OpenStreetMap on 127.0.0.1 that gives made-up answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import parse_qs, unquote_plus, urlparse

import shapely


@contextmanager
def server(places: bytes, streets: Callable[[str], bytes]) -> Iterator[tuple[str, list[str]]]:
    """Nominatim (``/search``) and Overpass (``/interpreter``) on 127.0.0.1; yield its address and what was asked."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(parse_qs(urlparse(self.path).query)["q"][0])
            self.send(places)

        def do_POST(self) -> None:
            query = unquote_plus(self.rfile.read(int(self.headers["Content-Length"])).decode())
            asked.append(query)
            self.send(streets(query))

        def send(self, body: bytes) -> None:
            self.send_response(200 if body else 400)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    httpd = HTTPServer(("127.0.0.1", 0), Answer)
    thread = Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}", asked
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


def place(polygon: shapely.Polygon) -> bytes:
    west, south, east, north = polygon.bounds
    return json.dumps(
        [
            {
                "place_id": 1,
                "osm_type": "relation",
                "osm_id": 1,
                "boundingbox": [str(south), str(north), str(west), str(east)],
                "lat": str(polygon.centroid.y),
                "lon": str(polygon.centroid.x),
                "display_name": "Somewhere",
                "class": "boundary",
                "type": "neighborhood",
                "importance": 0.5,
                "geojson": shapely.geometry.mapping(polygon),
            }
        ]
    ).encode()
