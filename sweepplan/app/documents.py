"""What the app hands out over its own address: maps, exports, sheets; each to the roles it is for."""

from __future__ import annotations

import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from threading import Lock

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MOST = 512


@dataclass(frozen=True, eq=False)
class Document:
    """Content that is made when it is first asked for.

    Attributes
    ----------
    about : all that the content depends on; the same words, the same address.
    roles : who may have it.
    name : of the file it is saved as; empty: it is shown.
    audit : words for the audit; empty: the page it is part of was noted.
    """

    about: str
    make: Callable[[], bytes]
    media_type: str
    roles: frozenset[str]
    name: str = ""
    audit: str = ""

    @cached_property
    def token(self) -> str:
        """What stands for it in its address."""
        return hashlib.sha256(f"{self.about}\0{sorted(self.roles)}\0{self.name}".encode()).hexdigest()[:40]

    @property
    def said(self) -> str:
        """What becomes of it when it is asked for, in words."""
        does = "Opens on a page of its own" if self.media_type.startswith("text/html") else f"Saves {self.name}"
        return f"{does}; the audit notes who asked for it"

    @cached_property
    def packed(self) -> bytes:
        """The content, compressed."""
        return gzip.compress(self.make(), compresslevel=6, mtime=0)


class Shelf:
    """The documents that are on some page, the least asked for given up first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Document] = OrderedDict()
        self._lock = Lock()

    def put(self, document: Document) -> str:
        """Keep a document, and return its address below the app's own."""
        with self._lock:
            self._kept.setdefault(document.token, document)
            self._kept.move_to_end(document.token)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return f"doc/{document.token}/{document.name or 'shown'}"

    def get(self, token: str) -> Document | None:
        """Return a document; None where it is not kept."""
        with self._lock:
            return self._kept.get(token)


SHELF = Shelf()
