"""The option --out: a file whose suffix says its format, or a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from benchsuite.cli import NamedPath
from benchsuite.errors import UserError

_Decorator = Callable[[Callable[..., Any]], Any]
_FILES = (".parquet", ".csv", ".json", ".html", ".md", ".tex", ".toml", ".tflite", ".onnx")


def out_file(*suffixes: str, option: str = "--out", **settings: Any) -> _Decorator:
    """Return the option `--out FILE`, or another, for a file of one of these suffixes."""

    def checked(_: click.Context, asked: click.Parameter, path: Path | None) -> Path | None:
        if path is not None and path.suffix.lower() not in suffixes:
            raise UserError(
                f"{asked.opts[0]} {path}: this command writes {' or '.join(suffixes)}, and the "
                f"name has to end so, as in {(path.stem or 'name') + suffixes[0]}."
            )
        return path

    kind = NamedPath(dir_okay=False, path_type=Path)
    names = [option, *([settings.pop("name")] if "name" in settings else [])]
    return click.option(*names, type=kind, callback=checked, metavar="FILE", **settings)


def out_folder(name: str, *, default: Path, **settings: Any) -> _Decorator:
    """Return the option `--out DIR` as the argument `name`; a name of a file is refused."""

    def checked(_: click.Context, option: click.Parameter, path: Path) -> Path:
        if path.suffix.lower() in _FILES:
            raise UserError(
                f"{option.opts[0]} {path}: this command writes several files and needs the name of "
                f"a folder, as in {path.with_suffix('')}."
            )
        return path

    kind = NamedPath(file_okay=False, path_type=Path)
    return click.option(
        "--out", name, type=kind, callback=checked, default=default, show_default=True,
        metavar="DIR", **settings,
    )  # fmt: skip
