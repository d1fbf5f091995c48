"""What nobody may do: see another role's pages or files, come back after a logout, run a script out of a file."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
import pandas as pd
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from streamlit.testing.v1 import AppTest
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value, decode_signed_value

from sweepplan.app import SCRIPT, access, frame, server
from sweepplan.app.access import COOKIE, Person
from sweepplan.app.documents import SHELF, Document
from sweepplan.app.options import Options, opened_store
from sweepplan.store import ROLES, Store

LIST_ROUTES = """
import json, streamlit as st
from sweepplan.app import SCRIPT, server
app = st.App(SCRIPT, routes=server.routes(), middleware=server.middleware())
print(json.dumps([route.path for route in app._build_starlette_app().routes]))
"""
OPEN_TO_ANYONE = {
    "/_stcore/health",
    "/_stcore/host-config",
    "/_stcore/stream",
    "/healthz",
    "/auth/login",
    "/auth/logout",
    "/oauth2callback",
    "",
    "/",
    "/{path:path}",
}
"""The frame without a figure in it, whether the app is there, signing in and out, and the socket, whose runs ask."""

PAGES = {
    "lead": {"Today", "Hotspots"},
    "crew": set(),
    "analyst": {"Hotspots"},
    "planner": {"Hotspots", "Kiosks"},
    "partner": {"Hotspots"},
    "public": {"Hotspots"},
    "admin": {"Data", "Accounts"},
}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, city: Path) -> Store:
    """A database with an account of each role, of an app that people sign in to."""
    monkeypatch.setenv("SWEEPPLAN_SETTINGS", str(city))
    monkeypatch.setenv("SWEEPPLAN_STORE", str(tmp_path / "team.sqlite"))
    monkeypatch.setenv("SWEEPPLAN_TEAM", "1")
    monkeypatch.setenv("SWEEPPLAN_HOSTS", "plan.example.org")
    opened = opened_store(Options.given().store)
    for role in ROLES:
        opened.put_account(f"{role}@example.org", role, [role], at=access.now())
    return opened


class Asking:
    """Asks an app for addresses, as a browser on another computer does."""

    def __init__(self, app: Starlette) -> None:
        self._app = app

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app, client=("192.0.2.7", 4711))
            async with httpx.AsyncClient(transport=transport, base_url="http://plan.example.org") as client:
                return await client.get(path, headers=headers)

        # In a thread of its own: the browser of other tests keeps an event loop running in this one.
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(lambda: asyncio.run(ask())).result()


@pytest.fixture
def client() -> Asking:
    """The guard and our own addresses, before an app that answers everything."""

    async def answers(_: Any) -> PlainTextResponse:
        return PlainTextResponse("a figure")

    methods = ["GET", "POST", "PUT", "DELETE"]
    routes = [*server.routes(), Route("/{path:path}", answers, methods=methods)]
    return Asking(Starlette(routes=routes, middleware=server.middleware()))


def signed(claims: dict[str, Any]) -> dict[str, str]:
    """Return the cookie that a sign-in sets."""
    return {COOKIE: create_signed_value(get_cookie_secret(), COOKIE, json.dumps(claims)).decode()}


def signed_in(store: Store, role: str) -> dict[str, str]:
    """Begin a session, and return its cookie."""
    cookie = signed({"sub": role, "nonce": str(uuid4())})
    at = access.now()
    key = access.session_key(cookie)
    assert key is not None
    store.sessions.start(key, f"{role}@example.org", at=at, ends_at=at + access.LONGEST)
    return cookie


def test_every_address_of_the_app_asks_who_is_there_but_for_those_named_here() -> None:
    listed = subprocess.run([sys.executable, "-W", "ignore", "-c", LIST_ROUTES], capture_output=True, check=True)
    paths = json.loads(listed.stdout.splitlines()[-1])
    assert "/doc/{token}/{name}" in paths
    assert len(paths) > 8
    unguarded = {path for path in paths if server.needed(re.sub(r"{[^}]*}", "x", path) or "/") == server.ANYONE}
    assert unguarded <= OPEN_TO_ANYONE


@pytest.mark.parametrize("role", [None, *ROLES])
def test_roles_by_addresses(store: Store, client: Asking, role: str | None) -> None:
    cookie = {} if role is None else signed_in(store, role)
    headers = {"cookie": "; ".join(f"{name}={value}" for name, value in cookie.items())}
    for path, who in server.GUARDED:
        status = client.get(f"{path.rstrip('/')}/x", headers=headers).status_code
        if who == server.NOBODY:
            assert status == 404
        elif who == server.SIGNED_IN and role is None:
            assert status == 401
    for owner in ROLES:
        roles = frozenset({owner})
        mine = Document(f"figures of {owner} {uuid4()}", lambda: b"a figure", "text/csv", roles, "f.csv", "f")
        answer = client.get(f"/{SHELF.put(mine)}", headers=headers)
        assert (answer.status_code == 200) == (role == owner)
        assert ("a figure" in answer.text) == (role == owner)


@pytest.mark.parametrize("role", ROLES)
def test_roles_by_pages(store: Store, monkeypatch: pytest.MonkeyPatch, role: str) -> None:
    offered: list[str] = []

    def navigation(pages: list[Any], **_: Any) -> SimpleNamespace:
        offered.extend(page.title for page in pages[1:])
        return SimpleNamespace(title=pages[0].title, run=lambda: None)

    monkeypatch.setattr(access, "on_page", lambda _: Person(f"{role}@example.org", role, frozenset({role})))
    monkeypatch.setattr(frame.st, "navigation", navigation)
    page = AppTest.from_file(SCRIPT, default_timeout=120).run()
    assert not page.exception
    assert set(offered) == PAGES[role]


def test_a_cookie_replayed_after_logout_gets_nothing(
    store: Store, client: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = {"email": "lead@example.org", "email_verified": True, "iat": access.now().timestamp()}
    cookies = signed(claims)
    user = SimpleNamespace(is_logged_in=True, to_dict=lambda: claims)
    monkeypatch.setattr(access, "st", SimpleNamespace(context=SimpleNamespace(cookies=cookies), user=user))
    person = access.on_page(Options.given())
    assert person is not None
    assert person.roles == {"lead"}
    paper = f"/{SHELF.put(Document(str(uuid4()), lambda: b'a figure', 'text/csv', frozenset({'lead'}), 'f.csv'))}"
    headers = {"cookie": f"{COOKIE}={cookies[COOKIE]}"}
    assert client.get(paper, headers=headers).status_code == 200
    client.get("/auth/logout", headers=headers)
    assert client.get(paper, headers=headers).status_code == 401
    assert access.on_page(Options.given()) is None
    for copied in ({f"{COOKIE}_7": "more"}, {COOKIE: rewritten(cookies[COOKIE])}):
        cookies |= copied
        assert access.on_page(Options.given()) is None
    later = access.now() + access.IDLE
    monkeypatch.setattr(access, "now", lambda: later)
    assert access.on_page(Options.given()) is None


def rewritten(cookie: str) -> str:
    """Return a cookie whose signature is written otherwise, and still is the same: its last character has idle bits."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = cookie[:-1] + letters[letters.index(cookie[-1]) ^ 1]
    assert decode_signed_value(get_cookie_secret(), COOKIE, other) is not None
    return other


def test_a_session_ends_by_idling_and_a_role_that_is_taken_away_is_gone_at_once(
    store: Store, client: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, at = "k", access.now()
    store.sessions.start(key, "lead@example.org", at=at, ends_at=at + access.LONGEST)
    assert access._of_session(key, Options.given()) is not None
    store.put_account("lead@example.org", "lead", [], at=at)
    person = access._of_session(key, Options.given())
    assert person is not None
    assert not person.roles
    monkeypatch.setattr(access, "now", lambda: at + access.IDLE + pd.Timedelta(minutes=1))
    assert access._of_session(key, Options.given()) is None


def test_a_session_ends_after_twelve_hours_however_busy_it_is(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    key, at = "k", access.now()
    store.sessions.start(key, "lead@example.org", at=at, ends_at=at + access.LONGEST)
    for hour in range(1, 14):
        monkeypatch.setattr(access, "now", lambda hour=hour: at + pd.Timedelta(hours=hour, minutes=-1))
        assert (access._of_session(key, Options.given()) is not None) == (hour <= 12)


@pytest.mark.parametrize(
    ("age", "opens"),
    [
        (pd.Timedelta(0), True),
        (pd.Timedelta(hours=11), True),
        (pd.Timedelta(hours=12, minutes=1), False),
        (pd.Timedelta(minutes=-5), False),
        (None, False),
    ],
)
def test_a_sign_in_of_long_ago_of_later_or_of_no_time_opens_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch, age: pd.Timedelta | None, opens: bool
) -> None:
    at = access.now()
    claims: dict[str, Any] = {"email": "lead@example.org", "email_verified": True, "nonce": str(uuid4())}
    if age is not None:
        claims["iat"] = (at - age).timestamp()
    user = SimpleNamespace(is_logged_in=True, to_dict=lambda: claims)
    context = SimpleNamespace(cookies=signed(claims))
    monkeypatch.setattr(access, "st", SimpleNamespace(context=context, user=user))
    person = access.on_page(Options.given())
    assert (person is not None) == opens
    if person is not None and age is not None:  # it lasts from the sign-in, not from the first page
        monkeypatch.setattr(access, "now", lambda: at - age + access.LONGEST + pd.Timedelta(minutes=1))
        assert access.on_page(Options.given()) is None


def test_a_path_with_more_slashes_is_guarded_as_the_same(store: Store, client: Asking) -> None:
    for path, who in server.GUARDED:
        wanted = {server.NOBODY: 404, server.SIGNED_IN: 401}.get(who)
        if wanted is not None:
            assert client.get(f"http://plan.example.org/{path.rstrip('/')}//x").status_code == wanted


def test_errors_show_no_detail_and_tables_leave_by_documents_alone() -> None:
    """Streamlit's own words of an error may hold a row; its own download keeps formulas, and no audit knows of it."""
    told = {name: server.CONFIG[name] for name in ("client.showErrorDetails", "client.disableDataExport")}
    assert told == {"client.showErrorDetails": "none", "client.disableDataExport": True}
    assert server.CONFIG["client.toolbarMode"] == "minimal"
    assert not server.CONFIG["server.enableStaticServing"]


def test_another_host_is_not_answered_and_sign_in_is_slowed(store: Store, client: Asking) -> None:
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400
    tried = [client.get("/auth/login").status_code for _ in range(25)]
    assert tried.count(429) == 5
