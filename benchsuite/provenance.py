"""What made a result: versions, machine, code revision and checksums, without the time of day."""

from __future__ import annotations

import functools
import hashlib
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchsuite.version import __version__

_PACKAGES = ("numpy", "scipy", "pandas", "pyarrow", "torch", "numba", "moocore")


def environment() -> dict[str, Any]:
    """Return the versions and the kind of machine that results depend on."""
    return {"versions": versions(), "revision": revision(), "machine": machine()}


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of this project, of Python, and of the libraries that compute."""
    found = {"benchsuite": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def machine() -> str:
    """Return the kind of machine."""
    return f"{platform.system()} {platform.machine()}"


@functools.cache
def revision() -> str:
    """Return the git revision of the running code, `+changes` if edited, `release` if not git."""
    root = Path(__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return f"release {__version__}"
    try:
        described = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty=+changes", "--abbrev=12"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return f"release {__version__}"
    return described.stdout.strip()


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
