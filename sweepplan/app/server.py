"""The app's own addresses, and the guard before all of them."""

from __future__ import annotations

import os
import re
import threading
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sweepplan import maps
from sweepplan.app import access, state
from sweepplan.app.documents import SHELF
from sweepplan.app.livemap import ASSETS, version
from sweepplan.app.options import Options, opened_store
from sweepplan.errors import SweepplanError
from sweepplan.pipeline import Settings

ANYONE, SIGNED_IN, NOBODY = "anyone", "signed in", "nobody"
GUARDED: tuple[tuple[str, str], ...] = (
    ("/doc/", SIGNED_IN),
    ("/map/", SIGNED_IN),
    ("/media/", SIGNED_IN),
    ("/component/", SIGNED_IN),
    ("/app/static", NOBODY),
    ("/_stcore/upload_file", SIGNED_IN),
    ("/_stcore/bidi-components", SIGNED_IN),
    ("/_stcore/metrics", NOBODY),
    ("/_stcore/agent", NOBODY),
    ("/_stcore/script-health-check", NOBODY),
    ("/", ANYONE),
)
"""Who may ask for what, the first that fits; ``/doc/`` asks for the document's own roles besides.

Anyone: the frame without a figure in it, sign-in, and the socket, on which every run asks who is there."""

_LOGIN = ("/auth/login", "/oauth2callback")
_TRIES, _WITHIN_S = 20, 300.0
_POLICY = b"content-security-policy"
_HEADERS = {
    _POLICY: (
        b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
        b"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
        b"frame-src 'self' blob: data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
    ),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
}
_TYPES = {"js": "text/javascript", "css": "text/css"}


CONFIG: Mapping[str, Any] = {
    "server.address": os.environ.get("STREAMLIT_SERVER_ADDRESS", "127.0.0.1"),
    "server.port": int(os.environ.get("STREAMLIT_SERVER_PORT", "8501")),
    "server.headless": True,
    "server.baseUrlPath": "",
    "server.enableStaticServing": False,
    "server.fileWatcherType": "none",  # it looks through all modules after every run, for who edits them
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.toolbarMode": "minimal",
    "client.disableDataExport": True,  # it would keep formulas, and leave no trace: exports are documents
    "theme.base": str(Path(__file__).with_name("theme.toml")),
}
"""What Streamlit is told; it would not take address and port from the environment here."""


@asynccontextmanager
async def lifespan(_: object) -> AsyncIterator[None]:
    """Read the city while the first browser still opens."""
    threading.Thread(target=state.warm, name="warm", daemon=True).start()
    yield


def middleware() -> list[Middleware]:
    """Return what stands before every request."""
    return [Middleware(Guard)]


def routes() -> list[Route]:
    """Return the app's own addresses."""
    return [Route("/doc/{token}/{name}", document), Route("/map/{version}/{name}", asset)]


def needed(path: str) -> str:
    """Return who may ask for a path.

    Examples
    --------
    >>> needed("/media/1.csv"), needed("/_stcore/metrics"), needed("/today")
    ('signed in', 'nobody', 'anyone')
    """
    return next(who for start, who in GUARDED if path.startswith(start))


def asset(request: Request) -> Response:
    """Hand out a script or style of the map."""
    name = request.path_params["name"]
    if name not in ASSETS or request.path_params["version"] != version():
        return PlainTextResponse("There is no such file.", 404)
    return Response(maps.asset(name), media_type=_TYPES[name.rsplit(".")[-1]], headers=_kept("public"))


def document(request: Request) -> Response:
    """Hand out a document to those it is for, and note it."""
    options = Options.given()
    person, found = access.asking(request.cookies, options), SHELF.get(request.path_params["token"])
    if found is None:
        return PlainTextResponse("This is no longer kept: reload the page it was on.", 404)
    if person is None or not person.may(found.roles):
        return PlainTextResponse("This is not for your role.", 403)
    if found.audit:
        opened_store(options.store).note(person.account_id, found.audit, at=access.now())
    headers = {"Content-Encoding": "gzip", **(_kept("private") if not found.name else {"Cache-Control": "no-store"})}
    if found.name and not found.media_type.startswith("text/html"):
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(found.name)}"
    return Response(found.packed, media_type=found.media_type, headers=headers)


def _kept(where: str) -> dict[str, str]:
    return {"Cache-Control": f"{where}, max-age=31536000, immutable"}


@dataclass
class _Tries:
    """Counts how often an address tried to sign in of late."""

    at: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def too_many(self, address: str, moment: float) -> bool:
        tries = self.at[address]
        while tries and moment - tries[0] > _WITHIN_S:
            tries.popleft()
        tries.append(moment)
        if len(self.at) > 10_000:
            self.at = defaultdict(deque, {k: v for k, v in self.at.items() if v and moment - v[-1] <= _WITHIN_S})
        return len(tries) > _TRIES


class Guard:
    """Answers only to its own names, only those who may ask, and not too many tries to sign in."""

    def __init__(self, app: ASGIApp, clock: Callable[[], float] = time.monotonic) -> None:
        self._app, self._clock, self._tries = app, clock, _Tries()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        asked = HTTPConnection(scope)
        refused = self._refused(asked, Options.given())
        if refused is not None:
            await _refuse(refused, scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message["headers"]}
                added = [(name, value) for name, value in _headers().items() if name not in there]
                message = {**message, "headers": [*message["headers"], *added]}
            await send(message)

        await self._app(scope, receive, sending)

    def _refused(self, asked: HTTPConnection, options: Options) -> PlainTextResponse | None:
        path = re.sub(r"/+", "/", asked.scope["path"])
        client = asked.client.host if asked.client else ""
        if _host(asked) not in options.hosts or not (options.team or client in ("127.0.0.1", "::1", "testclient")):
            return PlainTextResponse("This app does not answer here: see sweepplan app --help on hosts.", 400)
        if path.startswith(_LOGIN) and self._tries.too_many(client, self._clock()):
            return PlainTextResponse("Too many tries to sign in: wait five minutes.", 429)
        if path.startswith("/auth/logout") and options.team:
            key = access.session_key(asked.cookies)
            if key is not None:
                opened_store(options.store).sessions.revoke(key, at=access.now())
        who = needed(path)
        if who == NOBODY:
            return PlainTextResponse("There is no such page.", 404)
        if who == SIGNED_IN and access.asking(asked.cookies, options) is None:
            return PlainTextResponse("Sign in first.", 401)
        return None


def _headers() -> Mapping[bytes, bytes]:
    """Return what every answer says; images may come from the server of tiles, where the settings name one."""
    path = Options.given().settings
    with suppress(OSError):
        return _headers_by(path, path.stat().st_mtime_ns)
    return _HEADERS


@lru_cache(maxsize=2)
def _headers_by(settings: Path, _changed_ns: int) -> Mapping[bytes, bytes]:
    with suppress(SweepplanError):
        tiles = Settings.load(settings).map
        if tiles is not None:
            policy = _HEADERS[_POLICY].replace(b"img-src 'self'", b"img-src 'self' " + tiles.origin.encode())
            return {**_HEADERS, _POLICY: policy}
    return _HEADERS


def _host(asked: HTTPConnection) -> str:
    host = asked.headers.get("host", "").lower()
    return host[1 : host.find("]")] if host.startswith("[") else host.rsplit(":", 1)[0] if ":" in host else host


async def _refuse(answer: PlainTextResponse, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await answer(scope, receive, send)
        return
    closed: dict[str, Any] = {"type": "websocket.close", "code": 1008}
    await send(closed)
