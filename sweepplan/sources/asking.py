"""One question to a server: asked again where it fails in a way that may pass, and bounded in size and time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from sweepplan.errors import SourceError

Sleep = Callable[[float], None]

TRIES = 6
MOST_BYTES = 64 << 20
MOST_SECONDS = 180.0
"""For one answer, however slowly it drips."""

LONGEST_WAIT_S = 600.0
"""A server that asks for more patience than this is asked another day."""


def get(client: httpx.Client, url: str, params: Mapping[str, str], *, sleep: Sleep) -> tuple[Path, bytes]:
    """Return where an answer came from, as a path for messages, and its bytes.

    Server errors, too many requests (429), lost connections and answers that are cut off are tried again, after
    1, 2, 4, ... seconds or as long as ``Retry-After`` says.

    Raises
    ------
    SourceError
        Refused, gone, still failing after :data:`TRIES` tries, or too large.
    """
    asked = httpx.URL(url).copy_merge_params(dict(params))
    where = f"{asked.host}{asked.path}"
    why = ""
    for attempt in range(TRIES):
        wait = 2.0**attempt
        try:
            with client.stream("GET", asked) as answer:
                if answer.status_code == httpx.codes.OK:
                    return Path(where), _body(answer, where)
                why = f"{answer.status_code} {answer.reason_phrase}"
                if answer.status_code != httpx.codes.TOO_MANY_REQUESTS and answer.status_code < 500:
                    raise SourceError(f"{where}: {why}: see the address and what its server asks for")
                wait = max(wait, _retry_after(answer))
        except (httpx.TransportError, httpx.DecodingError) as error:
            why = str(error) or type(error).__name__
        except httpx.TooManyRedirects as error:
            raise SourceError(f"{where}: sent from address to address without end") from error
        if wait > LONGEST_WAIT_S:
            raise SourceError(f"{where}: {why}, and asks to wait {wait:,.0f} s: try again later")
        if attempt < TRIES - 1:
            sleep(wait)
    raise SourceError(f"{where}: no answer after {TRIES} tries ({why}): what came so far is kept, try again later")


def _body(answer: httpx.Response, where: str) -> bytes:
    until, parts, size = time.monotonic() + MOST_SECONDS, [], 0
    for part in answer.iter_bytes():
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            raise SourceError(f"{where}: an answer of more than {MOST_BYTES >> 20} MiB: ask for smaller pages")
        if time.monotonic() > until:
            raise httpx.ReadTimeout(f"more than {MOST_SECONDS:g} s for one answer")
    return b"".join(parts)


def _retry_after(answer: httpx.Response) -> float:
    """Return the seconds that an answer asks to wait: as a number, or as a date against its own clock."""
    said = answer.headers.get("Retry-After", "")
    if said.isdigit():
        return float(said)
    try:
        return (parsedate_to_datetime(said) - parsedate_to_datetime(answer.headers["Date"])).total_seconds()
    except (KeyError, TypeError, ValueError):
        return 0.0
