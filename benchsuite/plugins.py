"""The file system is the registry: a plug-in is a file, its name is its id.

Looked for in the four packages of this project, in the folders of the same names below every
`--plugins DIR`, and below the folder of every package of the entry-point group
`benchsuite.plugins`. Listing reads the files' docstrings and imports nothing.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from benchsuite import api
from benchsuite.errors import UserError, did_you_mean


@dataclass(frozen=True)
class Kind:
    """A kind of plug-in: its folder outside this project, its package inside, its constant."""

    folder: str
    package: str
    constant: str
    contract: type


KINDS = {
    "proxies": Kind("proxies", "proxies", "PROXY", api.Proxy),
    "devices": Kind("devices", "devices", "DEVICE", api.Device),
    "reports": Kind("reports", "reports", "REPORT", api.Report),
    "strategies": Kind("search", "benchsuite.search", "STRATEGY", api.Strategy),
}


@dataclass(frozen=True)
class Plugin:
    """One file that can be plugged in.

    facts: the arguments of its constant that are literals, as `{"version": 1, "cost": "forward"}`.
    """

    name: str
    path: Path
    description: str
    module: str
    facts: Mapping[str, Any]


def find(kind: str, extra: Sequence[Path] = ()) -> dict[str, Plugin]:
    """Return every plug-in of one of `KINDS` by name, sorted; nothing is imported.

    extra: folders given with `--plugins`. Raises UserError if two files claim one name.
    """
    own = KINDS[kind]
    spec = importlib.util.find_spec(own.package)
    folders = [(Path(p), own.package) for p in (spec and spec.submodule_search_locations) or ()]
    folders += [(root / own.folder, "") for root in [*_checked(extra), *_entry_points()]]
    found: dict[str, Plugin] = {}
    for folder, package in folders:
        for path in sorted(folder.glob("[!_]*.py")):
            if path.stem in found:
                raise UserError(
                    f"Two files claim the name {path.stem!r} among {kind}: "
                    f"{found[path.stem].path} and {path}. Rename one of them."
                )
            module = f"{package}.{path.stem}" if package else ""
            description, facts = _read(path, own.constant)
            found[path.stem] = Plugin(path.stem, path, description, module, facts)
    return dict(sorted(found.items()))


def load(kind: str, name: str, extra: Sequence[Path] = ()) -> Any:
    """Return the contract record of one plug-in, importing its file.

    Raises UserError for an unknown name (with the nearest ones), a file that does not import, or a
    file without the constant of its kind.
    """
    known = find(kind, extra)
    if name not in known:
        raise UserError(
            f"There is no {name!r} among {kind}."
            + did_you_mean(name, known)
            + f" `benchsuite ls {kind}` lists what there is."
        )
    plugin, own = known[name], KINDS[kind]
    record = getattr(_import(plugin, own), own.constant, None)
    if not isinstance(record, own.contract):
        raise UserError(
            f"{plugin.path} sets no {own.constant} = {own.contract.__name__}(...), "
            f"so it is not one of the {kind}."
        )
    return record


def shared(module: str) -> Any:
    """Return a shared module of a plug-in package, such as `devices._memory`, by its name."""
    return importlib.import_module(module)


def _import(plugin: Plugin, kind: Kind) -> ModuleType:
    if plugin.module:
        return importlib.import_module(plugin.module)
    name = f"benchsuite_plugins_{kind.folder}_{plugin.name}_{abs(hash(plugin.path))}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, plugin.path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise UserError(
            f"{plugin.path} does not import: {type(error).__name__}: {error}."
        ) from error
    return module


def _checked(extra: Sequence[Path]) -> list[Path]:
    folders = {kind.folder for kind in KINDS.values()}
    for root in extra:
        if not any((root / folder).is_dir() for folder in folders):
            raise UserError(
                f"{root} holds no plug-ins: a folder named {', '.join(sorted(folders))} is "
                f"expected in it, as in {root}/proxies/mine.py."
            )
    return list(extra)


def _entry_points() -> list[Path]:
    roots = []
    for point in entry_points(group="benchsuite.plugins"):
        spec = importlib.util.find_spec(point.value)
        roots += [Path(p) for p in (spec and spec.submodule_search_locations) or ()]
    return roots


def _read(path: Path, constant: str) -> tuple[str, dict[str, Any]]:
    """Return a file's first docstring line and the literal arguments of its constant."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError, ValueError) as error:
        raise UserError(f"{path} is not a Python file: {error}.") from error
    facts = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if constant in names:
                facts = {
                    keyword.arg: keyword.value.value
                    for keyword in node.value.keywords
                    if keyword.arg and isinstance(keyword.value, ast.Constant)
                }
    return (ast.get_docstring(tree) or "").partition("\n")[0].strip(), facts
