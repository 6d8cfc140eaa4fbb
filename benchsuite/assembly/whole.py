"""The whole table, made once: kept in the user's cache by everything that it is a function of.

The key is a digest of all that: the files of the packages that make columns and of the tables
shipped in them, the libraries, the plug-ins, one's own scores, and which public files lie where.
Files of code and of scores count by content; the public ones, whose contents are pinned, by name,
size, times and inode. Nothing is kept that may not be made again by the same key: of files that
changed a moment ago or, if they are code, since this process began, or beside a plug-in that failed
for another reason than what its file says.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from benchsuite import plugins, remembered
from benchsuite.assembly.notes import Notes, noted
from benchsuite.digest import PACKAGES, digest
from benchsuite.errors import UserError
from benchsuite.files import delete_oldest
from benchsuite.packages import folders
from benchsuite.provenance import environment, machine, versions
from benchsuite.sources._public_files import Places, installed_at, places
from benchsuite.sources._read import all_sources
from benchsuite.table.columns import Column
from benchsuite.table.stored import DamagedError, Stored, UnstorableError, store
from benchsuite.table.table import Table

if TYPE_CHECKING:
    from benchsuite.assembly.own_scores import Scores

KEPT = 8
_FOLDER, _DIGESTS = "tables", "digests.json"
_OURS = (".", "digests.json", "imported-", "verified.json")


def whole_table(plugin_folders: Sequence[Path] = (), scores: Scores | None = None) -> Table:
    """Return the table that `assemble` makes, read from the cache if it is there."""
    where = places()
    key, _ = _key(where, scores, plugin_folders)
    path = where.cache / _FOLDER / key

    def anew() -> Table:
        from benchsuite.assembly.assemble import assemble

        before = list(sys.modules.values())
        with noted() as notes:
            table = assemble(plugin_folders, scores)
        new = [module for module in sys.modules.values() if module not in before]
        lasting = notes.lasting and not _elsewhere(new, plugin_folders)
        if key and lasting and _key(where, scores, plugin_folders) == (key, True):
            _keep(path, table, notes)
        notes.warn()
        return table

    if key:
        with contextlib.suppress(DamagedError):
            return _opened(path, anew)
    return anew()


def _opened(path: Path, anew: Callable[[], Table]) -> Table:
    """Return a kept table; raises DamagedError unless there is one whose head is whole.

    anew: makes the table, for the case that it turns out to be damaged further on.
    """
    again = functools.cache(anew)
    stored = Stored(path, lambda: again().data)

    def provenance() -> Mapping[str, Any]:
        try:
            return {**stored.long("provenance"), "made_by": environment()}
        except DamagedError:
            return again().provenance

    columns = {record["name"]: Column(**record) for record in stored.about["columns"]}
    Notes(stored.about["said"], stored.about["left_out"]).again()
    with contextlib.suppress(OSError):  # Only the order of deletion suffers.
        os.utime(path)
    return Table(stored, columns, provenance)


def _keep(path: Path, table: Table, notes: Notes) -> None:
    about = {
        "columns": [column.to_json() for column in table.columns.values()],
        "checksum": table.checksum,
        "said": notes.said,
        "left_out": notes.left_out,
    }
    provenance = {**table.provenance, "made_by": None}
    try:
        store(path, table.data, about, {"provenance": provenance})
        delete_oldest(path.parent.iterdir(), KEPT)
    except (OSError, TypeError, UserError, UnstorableError):
        return  # It is assembled anew next time.


def _key(where: Places, scores: Scores | None, plugin_folders: Sequence[Path]) -> tuple[str, bool]:
    """Return a digest of everything the table is a function of, and whether it may be kept by it.

    The digest is empty where a file cannot be read.
    """
    digests = remembered.Digests(where.cache / _DIGESTS)
    others = _plugged(plugin_folders)
    now = time.time_ns()
    try:
        code = [list(digests.below(folder)) for name in PACKAGES for folder in folders(name)]
        plugged = [(str(folder), list(digests.below(folder, links=True))) for folder in others]
        code_changed = digests.newest
        mine = scores and (
            scores.called,
            scores.setting,
            scores.named,
            digests.of(str(scores.path)),
        )
        drop, drop_changed = _stamps(where.drop) if where.drop else ("", 0)
        fetched, fetch_changed = _stamps(where.cache)
        installed, install_changed = _installed()
    except OSError:
        return "", False
    digests.save()
    key = digest(
        code,
        (plugged, _libraries() if plugged else []),
        mine,
        (str(where.drop), drop, fetched, installed),
        (versions(), machine()),
    )
    settled = now - max(drop_changed, fetch_changed, install_changed) > remembered.REST
    return key, settled and remembered.BEGAN - code_changed > remembered.REST


def _plugged(plugin_folders: Sequence[Path]) -> list[Path]:
    return [
        Path(os.path.abspath(root)) / kind
        for root in plugins.roots(plugin_folders)
        for kind in ("proxies", "devices")
    ]


def _stamps(folder: Path) -> tuple[str, int]:
    """Return which files lie below a folder, of what size, times and inode, and the latest time.

    Left out is what this project keeps there itself.
    """
    newest, lines, seen = 0, [], set[str]()
    for top, below, names in os.walk(folder, followlinks=True):
        if not remembered.is_new(top, seen):
            below.clear()
            continue
        if top == str(folder):
            below[:] = [name for name in below if name != _FOLDER]
            names = [name for name in names if not name.startswith(_OURS)]
        for name in names:
            path = os.path.join(top, name)
            try:
                status = os.stat(path)
            except OSError:  # A link to what is not there, as git-annex leaves them.
                lines.append(path)
                continue
            newest = max(newest, remembered.changed(status))
            lines.append(f"{path}\0{remembered.stamp(status)}")
    return "\n".join(sorted(lines)), newest


def _installed() -> tuple[list[str], int]:
    """Return the files that data packages install, as `_stamps` does; of absent ones the names."""
    newest, lines = 0, []
    for source in all_sources():
        for file in source.files if source.installed else ():
            path = installed_at(file)
            if path is None or not path.exists():
                lines.append(file.path)
                continue
            status = os.stat(path)
            newest = max(newest, remembered.changed(status))
            lines.append(f"{path}\0{remembered.stamp(status)}")
    return lines, newest


def _libraries() -> list[str]:
    """Return what is installed, with versions: plug-ins may import any of it."""
    ends = (".dist-info", ".egg-info")
    return sorted(
        name
        for folder in sys.path
        if os.path.isdir(folder)
        for name in os.listdir(folder)
        if name.endswith(ends)
    )


def _elsewhere(modules: Iterable[ModuleType], plugin_folders: Sequence[Path]) -> bool:
    """Tell whether plug-ins imported a module that is of no library and not covered by the key."""
    plugged = [str(folder) for folder in _plugged(plugin_folders)]
    own = [str(folder) for name in PACKAGES for folder in folders(name)]
    covered = [*own, *plugged, sys.prefix, sys.base_prefix]
    known = tuple(os.path.realpath(folder) + os.sep for folder in covered)
    files = [getattr(module, "__file__", None) for module in modules]
    return bool(plugged) and any(
        not os.path.realpath(file).startswith(known) for file in files if file
    )
