"""Packages: their files and those of folders, with digests, and libraries that may be absent."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
from pathlib import Path
from types import ModuleType

from benchsuite._namespace import PACKAGES
from benchsuite.errors import UserError
from benchsuite.remembered import is_new


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folders(package: str) -> list[Path]:
    """Return the folders of a package; it is not imported."""
    spec = importlib.util.find_spec(package)
    return [Path(place) for place in (spec and spec.submodule_search_locations) or ()]


def names_below(folder: Path, links: bool = False) -> list[str]:
    """Return the relative path of every file below a folder, sorted.

    Left out are hidden files and what Python compiled. links: follow those to folders, into each
    folder once.
    """
    found, seen = [], {os.path.realpath(folder)}
    for place, below, names in os.walk(folder, followlinks=links):
        below[:] = sorted(name for name in below if name != "__pycache__" and name[0] != ".")
        if links:
            below[:] = [name for name in below if is_new(os.path.join(place, name), seen)]
        paths = [Path(place, name) for name in names if name[0] != "."]
        found += [path.relative_to(folder).as_posix() for path in paths if path.is_file()]
    return sorted(found)


def files_below(folder: Path, links: bool = False) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder by its relative path; see `names_below`."""
    return {name: sha256(folder / name) for name in names_below(folder, links)}


def own_files(root: Path) -> dict[str, Path]:
    """Return every file of this project's code below a folder by its name within `benchsuite`.

    root: what holds `benchsuite`. The names are those of a wheel, also in a checkout, in which the
    packages of plug-ins lie beside `benchsuite` and are links, or text in a link's place, in it.
    """
    inside = root / "benchsuite"
    found = {name: inside / name for name in names_below(inside) if name not in PACKAGES}
    for package in PACKAGES:
        beside = root / package
        if (inside / package).is_symlink() or not (inside / package).is_dir():
            found |= {f"{package}/{name}": beside / name for name in names_below(beside)}
    return dict(sorted(found.items()))


def optional_module(name: str) -> ModuleType:
    """Return a module of an optional library; UserError that names the extra without it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UserError(
            f"This needs the package {name.partition('.')[0]}, which cannot be imported "
            f"({error}). Install the extra: pip install 'benchsuite[optimisers]'."
        ) from error
