"""Functions on arrays of numbers, compiled on their first call and kept beside the code for the next.

They hold no memory of their own (``_nrt``), so that arrays are passed around without being counted: half the time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

_LEAN: dict[str, Any] = {"_nrt": False}

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """Compile ``function`` to machine code when it is first called."""
    return cast(F, numba.njit(function, cache=True, **_LEAN))


def inlined(function: F) -> F:
    """Compile ``function`` into whoever calls it."""
    return cast(F, numba.njit(function, inline="always", **_LEAN))
