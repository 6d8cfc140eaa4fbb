"""What made a result: versions, machine and code revision, without the time of day."""

from __future__ import annotations

import functools
import platform
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from benchsuite.revision import revision, sources
from benchsuite.version import __version__

_PACKAGES = ("numpy", "scipy", "pandas", "pyarrow", "torch", "numba", "moocore")
OPTIONAL = ("optuna", "pymoo", "scikit-learn")  # Libraries of optimisers, which need not be there.


def environment() -> dict[str, Any]:
    """Return the versions and the kind of machine that results depend on."""
    return {"versions": versions(), "revision": revision(), "machine": machine()}


def identity() -> dict[str, str]:
    """Return what has to be the same for equal results: the code's digest, Python, libraries.

    The kind of machine is none of it: it decides of the last digits alone.
    """
    return {**versions(), **optional_versions(), "sources": sources()[:12]}


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of this project, of Python, and of the libraries that compute."""
    python = {"benchsuite": __version__, "python": platform.python_version()}
    return {**python, **versions_of(_PACKAGES)}


@functools.cache
def optional_versions() -> dict[str, str]:
    """Return the versions of those libraries of optimisers that are installed."""
    return versions_of(OPTIONAL)


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of those packages that are installed."""
    found = {}
    for package in packages:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def machine() -> str:
    """Return the kind of machine."""
    return f"{platform.system()} {platform.machine()}"
