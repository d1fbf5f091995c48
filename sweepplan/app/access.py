"""Who is here, and what they may open: read again on every run and every request."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.auth_util import get_cookie_with_chunks
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value

from sweepplan.app.options import Options, opened_store
from sweepplan.errors import AccessError
from sweepplan.store import ROLES

COOKIE = "_streamlit_user"
"""Streamlit's own: signed, good for 30 days, and for good after a logout. Our table of sessions says when it ends."""

LONGEST, IDLE = pd.Timedelta(hours=12), pd.Timedelta(hours=2)
EVERYONE, LEAD, ADMIN = frozenset(ROLES), frozenset({"lead"}), frozenset({"admin"})


@dataclass(frozen=True)
class Person:
    """Somebody with an account; ``local``: whoever sits at this computer."""

    account_id: str
    name: str
    roles: frozenset[str]
    local: bool = False

    def may(self, roles: frozenset[str]) -> bool:
        """Return whether one of ``roles`` is theirs."""
        return bool(self.roles & roles)


HERE = Person("this computer", "this computer", EVERYONE, local=True)


def now() -> pd.Timestamp:
    """Return the moment it is."""
    return pd.Timestamp.now("UTC")


def session_key(cookies: Mapping[str, str]) -> str | None:
    """Return the hash of what the sign-in cookie says; None where it is not there, or not signed by this app.

    Of what it says, not of how it is written: a signature can be written in several ways, and other cookies added to
    it, and each would be a session of its own.

    Examples
    --------
    >>> session_key({"other": "x"}) is None
    True
    """
    secret = get_cookie_secret()

    def said(name: str) -> bytes | None:
        return decode_signed_value(secret, name, cookies[name].encode("latin-1")) if name in cookies else None

    content = get_cookie_with_chunks(said, COOKIE)
    return None if content is None else hashlib.sha256(content).hexdigest()


def asking(cookies: Mapping[str, str], options: Options) -> Person | None:
    """Return who sent a request: their session must have begun on a page, and be open still."""
    if not options.team:
        return HERE
    key = session_key(cookies)
    return None if key is None else _of_session(key, options)


def on_page(options: Options) -> Person | None:
    """Return who looks at the page; None where nobody is signed in, or their session is over."""
    if not options.team:
        return HERE
    key = session_key(st.context.cookies)
    if key is None or not st.user.is_logged_in:
        return None
    sessions = opened_store(options.store).sessions
    if not sessions.known(key):
        claims = st.user.to_dict()
        begun = _moment(claims.get("iat"))
        if begun is None or not begun <= now() + pd.Timedelta(minutes=1) < begun + LONGEST:
            return None
        sessions.start(key, account_of(claims), at=now(), ends_at=begun + LONGEST)
    return _of_session(key, options)


def account_of(claims: Mapping[str, Any]) -> str:
    """Return the account that claims speak of: a verified e-mail, else issuer and subject.

    Examples
    --------
    >>> account_of({"email": "Lee@Example.org", "email_verified": True, "iss": "https://id", "sub": "7"})
    'lee@example.org'
    >>> account_of({"email": "lee@example.org", "iss": "https://id", "sub": "7"})
    'https://id 7'
    """
    if claims.get("email_verified") is True and claims.get("email"):
        return str(claims["email"]).lower()
    return f"{claims.get('iss', '')} {claims.get('sub', '')}"


def here() -> Person:
    """Return who looks at the page that is being drawn."""
    person: Person = st.session_state.get("person", HERE)
    return person


def acting(roles: frozenset[str]) -> Person:
    """Return who acts, read again: what is pressed is done before the page runs, and with it the check of its roles.

    Raises
    ------
    AccessError
        Their session is over, or none of ``roles`` is theirs any more.
    """
    person = on_page(Options.given())
    if person is None or not person.may(roles):
        raise AccessError("your session is over, or this is no longer your role: nothing was done; reload the page")
    return person


def seen_as(roles: frozenset[str]) -> str:
    """Return as which of ``roles`` the person on the page sees it: the one of theirs that sees most."""
    mine = here().roles & roles
    return next(role for role in ROLES if role in mine)


def _of_session(key: str, options: Options) -> Person | None:
    store = opened_store(options.store)
    account = store.sessions.account(key, at=now(), idle=IDLE)
    return None if account is None else Person(account, account, store.roles(account))


def _moment(seconds: object) -> pd.Timestamp | None:
    return pd.Timestamp(seconds, unit="s", tz="UTC") if isinstance(seconds, int | float) else None
