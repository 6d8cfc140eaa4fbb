"""How functions are compiled; numba is imported with it, so import it only where one runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numba

_P = ParamSpec("_P")
_R = TypeVar("_R")


def compiled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile a function, kept on disk where a folder can be written, without holding the GIL."""
    try:
        jitted: Callable[_P, _R] = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # neither the package's nor the user's cache folder can be written
        jitted = numba.njit(nogil=True)(function)
    return jitted
