"""Write the documents of one run into a folder, in place of those that were there."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchsuite.bounds import of_json, read_bytes
from benchsuite.errors import UserError
from benchsuite.files import made_folder, write_atomically, write_text
from benchsuite.notations import json_text
from benchsuite.reporting.results import record
from benchsuite.reporting.results.contents import Contents
from benchsuite.reporting.results.pages import Run, documents

RUN = 1 << 28  # bytes of a run's output; one with all reports has four million


def write(output: Path, folder: Path, files_below: Path | None = None) -> list[str]:
    """Write pages, tables, figures and the record of what they were made of; return their names.

    output: what `benchsuite run --json` printed; folder: holds `contents.toml`; files_below: the
    folder that the run was made in, by default that of the output. Raises UserError, and changes
    nothing, where a number, a page or a figure is missing.
    """
    run = read(output)
    texts = documents(run, Contents.read(folder / record.CONTENTS))
    figures = _figures(run, [files_below] if files_below else [output.parent, Path.cwd()])
    for name in record.generated(folder) - set(texts) - set(figures):
        (folder / name).unlink()
    with made_folder(folder / "tables"):
        for name, text in texts.items():
            write_text(folder / name, text)
        for name, path in figures.items():
            write_atomically(folder / name, functools.partial(shutil.copyfile, path))
    written = {name: record.sha256(folder / name) for name in (*texts, *figures)}
    said = record.recorded(folder, run.provenance, written)
    write_text(folder / record.NAME, json_text(said, indent=1, ensure_ascii=False) + "\n")
    return sorted(written)


def read(output: Path) -> Run:
    """Return what a run printed; UserError for anything else."""
    try:
        said: Any = of_json(read_bytes(output, RUN))
        return Run(said["reports"], said["provenance"], said["left_out"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{output} is not what a run printed; make it with `benchsuite run --json > {output}`."
        ) from error


def _figures(run: Run, places: Sequence[Path]) -> dict[str, Path]:
    found = {}
    for name in run.reports:
        for path in run.figures(name):
            there = [place / path for place in places if (place / path).is_file()]
            if not there:
                raise UserError(
                    f"The figure {path} lies neither below {' nor below '.join(map(str, places))}; "
                    "name the folder that the run was made in with --below."
                )
            found[Path(path).name] = there[0]
    return found
