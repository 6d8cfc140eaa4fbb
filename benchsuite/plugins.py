"""The file system is the registry: a plug-in is a file, its name is its id.

Looked for in the four packages of this project, in the folders of the same names below every
`--plugins DIR`, and below the folder of every package of the entry-point group
`benchsuite.plugins`; a folder `studies` beside them holds files of `benchsuite.replays.study`.
Listing reads the files' docstrings and imports nothing. Files whose names begin with `_` are no
plug-ins: they hold what those beside them share (see `_import`).
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from benchsuite import api
from benchsuite.bounds import read_bytes
from benchsuite.calling import failure, place
from benchsuite.errors import PluginError, PluginWarning, UserError, did_you_mean
from benchsuite.files import shipped
from benchsuite.surroundings import surroundings
from benchsuite.table.columns import TAKEN

_PARSER = threading.Lock()  # Python 3.11's counts its depth for all threads together.
_MOST = 1 << 20  # bytes of a plug-in's file
_FILES = "[!_.]*.py"  # no helpers, nor what editors and file managers hide beside a file
_READ: dict[str, dict[Path, str]] = {}  # by module: the files that it was made of, with digests


@dataclass(frozen=True)
class Kind:
    """A kind of plug-in: its folder outside this project, its package inside, its constant."""

    folder: str
    package: str
    constant: str
    contract: type


KINDS = {
    "proxies": Kind("proxies", "benchsuite.proxies", "PROXY", api.Proxy),
    "devices": Kind("devices", "benchsuite.devices", "DEVICE", api.Device),
    "reports": Kind("reports", "benchsuite.reports", "REPORT", api.Report),
    "strategies": Kind("search", "benchsuite.search", "STRATEGY", api.Strategy),
}
STUDIES = "studies"  # The folder of studies beside those of the plug-ins.


@dataclass(frozen=True)
class Plugin:
    """One file that can be plugged in.

    module: of this project's own, empty for others; facts: the arguments of its constant that are
    literals, as `{"version": 1, "cost": "forward"}`, of this project's own alone; error: why the
    file cannot be read, empty where it can.
    """

    name: str
    path: Path
    description: str
    module: str
    facts: Mapping[str, Any]
    error: str = ""


def find(kind: str, extra: Sequence[Path] = ()) -> dict[str, Plugin]:
    """Return every plug-in of one of `KINDS` by name, sorted; nothing is imported.

    extra: folders given with `--plugins`. Raises UserError if two files claim one name, or if this
    project's own are not there.
    """
    own = KINDS[kind]
    folders = [(_own_folder(kind), own.package)]
    folders += [(root / own.folder, "") for root in roots(extra)]
    found: dict[str, Plugin] = {}
    for folder, package in folders:
        for path in sorted(folder.glob(_FILES)):
            if path.stem in found:
                raise UserError(
                    f"Two files claim the name {path.stem!r} among {kind}: "
                    f"{found[path.stem].path} and {path}. Rename one of them."
                )
            plugin = _read(path, package, own.constant)
            if kind == "proxies" and path.stem in TAKEN:
                why = f"A proxy cannot be called {path.stem}, as other columns of a table are"
                plugin = replace(plugin, error=f"{why}: rename {path}.")
            found[path.stem] = plugin
    return dict(sorted(found.items()))


def roots(extra: Sequence[Path] = ()) -> list[Path]:
    """Return the folders outside this project below which plug-ins lie, each once.

    Errors are as for `find`; an entry point that names no package is left out with a warning.
    """
    found: dict[Path, Path] = {}
    for root in [*_checked(extra), *_entry_points()]:
        found.setdefault(root.resolve(), root)
    return list(found.values())


def load(kind: str, name: str, extra: Sequence[Path] = ()) -> Any:
    """Return the contract record of one plug-in, importing its file.

    Raises UserError for an unknown name (with the nearest ones), and PluginError for a file that
    does not import, or is without the constant of its kind.
    """
    known = find(kind, extra)
    if name not in known:
        raise UserError(
            f"There is no {name!r} among {kind}."
            + did_you_mean(name, known)
            + f" `benchsuite ls {kind}` lists what there is."
        )
    return record_of(known[name], kind)


def usable(
    kind: str, extra: Sequence[Path] = (), wanted: Callable[[Plugin], bool] = lambda plugin: True
) -> Iterator[tuple[Plugin, Any]]:
    """Yield every plug-in of a kind with its record; one that fails is left out with a warning.

    wanted: which of this project's own to import, by their facts; all others are.
    """
    for plugin in find(kind, extra).values():
        if plugin.module and not plugin.error and not wanted(plugin):
            continue
        try:
            yield plugin, record_of(plugin, kind)
        except UserError as error:
            leave_out(f"{plugin.name} is left out of the {kind}: {error}")


def leave_out(why: str) -> None:
    """Warn that something nobody asked for by name is left out; the command line says so."""
    warning = PluginWarning(why)
    warning.__cause__ = sys.exception()
    warnings.warn(warning, stacklevel=2)


def record_of(plugin: Plugin, kind: str) -> Any:
    """Return the contract record of a plug-in that was found; PluginError as for `load`."""
    if plugin.error:
        raise PluginError(plugin.error)
    own = KINDS[kind]
    record = getattr(_import(plugin), own.constant, None)
    if not isinstance(record, own.contract):
        raise PluginError(
            f"{plugin.path} sets no {own.constant} = {own.contract.__name__}(...), "
            f"so it is not one of the {kind}."
        )
    return record


def _import(plugin: Plugin) -> ModuleType:
    """Import a plug-in; PluginError, with file and line, where that fails.

    A folder of plug-ins is a package of its own, so that `from . import _shared` and
    `from _shared import it` read the `_shared.py` beside a plug-in, and never that of another
    folder. A file that changed since, or a helper beside it, is imported anew.
    """
    folder = plugin.path.resolve().parent
    package = f"benchsuite_plugins_{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"
    name = plugin.module or f"{package}.{plugin.name}"
    if name in sys.modules:
        if all(_digest(file) == was for file, was in _READ.get(name, {}).items()):
            return sys.modules[name]
        for loaded in [n for n in sys.modules if n == package or n.startswith(f"{package}.")]:
            del sys.modules[loaded]  # What is beside it may hold something of it.
    if not plugin.module:
        beside = plugin.path.parent.glob("_*.py")
        _READ[name] = {file: _digest(file) for file in (plugin.path, *beside)}
    try:
        with surroundings(), _helpers(folder, package):
            if plugin.module:
                return importlib.import_module(name)
            return _imported(name, plugin.path)
    except PluginError:
        raise
    except UserError as error:  # What a contract refuses.
        where = place(error, str(plugin.path))
        raise PluginError(f"{str(error).rstrip()} ({where})") from error
    except (Exception, SystemExit) as error:
        raise failure(f"{plugin.path} does not import", error, str(plugin.path)) from error


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _imported(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextmanager
def _helpers(folder: Path, package: str) -> Iterator[None]:
    """Let files of a folder be imported from it, also by bare names, which are forgotten again."""
    if package not in sys.modules:
        sys.modules[package] = ModuleType(package, "A folder of plug-ins.")
        sys.modules[package].__path__ = [str(folder)]
    before = set(sys.modules)
    sys.path.append(str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            bare = name.partition(".")[0] not in (package, "benchsuite")
            if bare and file and folder in Path(file).parents:
                del sys.modules[name]


def _own_folder(kind: str) -> Path:
    package = KINDS[kind].package
    spec = importlib.util.find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        if any(Path(folder).glob(_FILES)):
            return Path(folder)
    raise UserError(
        f"None of this project's {kind} are installed: {shipped(package.rpartition('.')[2])} is no "
        "folder with their files. Install again, from a wheel, or from a clone or an archive whose "
        "links are unpacked as links (on Windows: `git clone -c core.symlinks=true`)."
    )


def _checked(extra: Sequence[Path]) -> list[Path]:
    folders = {STUDIES, *(kind.folder for kind in KINDS.values())}
    for root in extra:
        if not any((root / folder).is_dir() for folder in folders):
            raise UserError(
                f"{root} holds no plug-ins: a folder named {', '.join(sorted(folders))} is "
                f"expected in it, as in {root}/proxies/mine.py."
            )
    return list(extra)


def _entry_points() -> list[Path]:
    roots: list[Path] = []
    for point in entry_points(group="benchsuite.plugins"):
        try:
            spec = importlib.util.find_spec(point.value)
            found = list((spec and spec.submodule_search_locations) or ())
            why = "" if found else "it names no package"
        except (Exception, SystemExit) as error:  # The packages above are imported for that.
            found, why = [], f"{type(error).__name__}: {error}"
        if why:
            of = point.dist.name if point.dist else "a package"
            leave_out(
                f"The plug-ins of {of}, entry point {point.name} = {point.value}, are left out: "
                f"{why}."
            )
        roots += map(Path, found)
    return roots


def _read(path: Path, package: str, constant: str) -> Plugin:
    """Return what a file says of itself without being imported."""
    module = f"{package}.{path.stem}" if package else ""
    if not path.stem.replace("-", "_").isidentifier():
        why = f"{path}: a plug-in's name is made of letters, digits and _; rename the file."
        return Plugin(path.stem, path, "", module, {}, why)
    try:
        with _PARSER:
            tree = ast.parse(read_bytes(path, _MOST))
    except SyntaxError as error:
        why = f"{path} is not a Python file: {error.msg} ({path}, line {error.lineno})."
        return Plugin(path.stem, path, "", module, {}, why)
    except UserError as error:
        return Plugin(path.stem, path, "", module, {}, str(error))
    except (ValueError, RecursionError, MemoryError) as error:
        return Plugin(path.stem, path, "", module, {}, f"{path} is not a Python file: {error}.")
    about = (ast.get_docstring(tree) or "").partition("\n")[0].strip()
    return Plugin(path.stem, path, about, module, _facts(tree, constant) if module else {})


def _facts(tree: ast.Module, constant: str) -> dict[str, Any]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if constant in names:
                return {
                    keyword.arg: keyword.value.value
                    for keyword in node.value.keywords
                    if keyword.arg and isinstance(keyword.value, ast.Constant)
                }
    return {}
