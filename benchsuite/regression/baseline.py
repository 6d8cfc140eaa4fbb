"""A baseline: results kept as plain files, to compare later ones with (see `compare`).

    baseline.json    schema, settings, what made it, SHA-256 of the other files
    table.parquet    costs, device columns, scores and accuracies of all cells
    tau.csv          tau-b of every proxy with every dataset, with its interval
    scores.csv       scores, computed anew, of a fixed sample of cells, and their accuracies
    replays.csv      what every seed of every search of the studies answered
    speeds.csv       processor time in units of a reference's of the same run
    studies/*.toml   the studies

A part that was not asked for has no file.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchsuite.bounds import FaultError, because, of_json
from benchsuite.errors import UserError, did_you_mean, some
from benchsuite.files import write_text
from benchsuite.folders import recover, write_folder
from benchsuite.notations import json_text
from benchsuite.packages import sha256
from benchsuite.parameters import fill
from benchsuite.regression.completeness import check_complete, faults
from benchsuite.space.network import Skeleton
from benchsuite.table.table import Table

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 2
FOLDER = Path("out/baselines")
ABOUT, TABLE, STUDIES = "baseline.json", "table.parquet", "studies"
FRAMES = {
    "tau": ("proxy", "dataset", "accuracy", "n", "missing", "tau", "lo", "hi"),
    "scores": ("column", "kind", "direction", "cell", "value", "reason"),
    "replays": ("study", "search", "dataset", "seed", "cell", "feasible", "regret", "queries"),
    "speeds": ("what", "ratio", "low", "high", "rounds", "seconds", "reference"),
}


@dataclass(frozen=True)
class Settings:
    """What a baseline measures, so that a later measurement is of the same.

    table: whether the whole table and its tau are kept; proxies: those scored anew on a sample of
    `cells` different cells in this skeleton, with this batch and seed; resamples: of the tau's
    intervals.
    """

    table: bool = True
    proxies: tuple[str, ...] = ()
    cells: int = 60
    channels: int = 8
    cells_per_stage: int = 1
    resolution: int = 16
    classes: int = 10
    batch_size: int = 16
    seed: int = 0
    images: str = "synthetic"
    resamples: int = 200

    @property
    def skeleton(self) -> Skeleton:
        """The network that the sample is scored in."""
        return Skeleton(self.channels, self.cells_per_stage, self.resolution, self.classes)


@dataclass(frozen=True, eq=False)
class Baseline:
    """One set of results; frames by the names in `FRAMES`, studies as text by name.

    made_by: versions, code revision and machine; exact: columns of the table that are computed from
    the cells' structure alone, so that any difference is a change of code.
    """

    settings: Settings
    made_by: Mapping[str, Any]
    table: Table | None = None
    exact: tuple[str, ...] = ()
    frames: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    studies: Mapping[str, str] = field(default_factory=dict)

    def save(self, folder: Path, *, replace: bool = False) -> None:
        """Write the baseline; the folder appears whole, or the one before it stays.

        Raises UserError for a folder that holds anything else, or, without `replace`, a baseline,
        and for results that could not be compared with.
        """
        folder = Path(folder)
        check_target(folder, replace)
        write_folder(folder, self._write, replace=replace)

    def _write(self, folder: Path) -> None:
        folder.mkdir()
        files = {}
        if self.table is not None:
            self.table.write(folder / TABLE)
            files[TABLE] = sha256(folder / TABLE)
        for name, frame in self.frames.items():
            text = frame.to_csv(index=False, lineterminator="\n")
            files[f"{name}.csv"] = _write(folder / f"{name}.csv", text)
        for name, text in self.studies.items():
            files[f"{STUDIES}/{name}.toml"] = _write(folder / STUDIES / f"{name}.toml", text)
        about = {
            "schema": SCHEMA,
            "settings": asdict(self.settings),
            "made_by": dict(self.made_by),
            "exact": list(self.exact),
            "files": files,
        }
        _write(folder / ABOUT, json_text(about, indent=1, sort_keys=True) + "\n")
        for fault in faults(self, folder):
            raise UserError(f"Nothing is saved, for it could not be compared with: {fault}.")


def load(folder: Path) -> Baseline:
    """Read a baseline; UserError if it is absent, incomplete, damaged, or of another schema."""
    recover(folder)
    about = _about(folder)
    settings = fill(Settings, about["settings"], f"{folder / ABOUT}")
    for name, digest in about["files"].items():
        _check_file(folder, name, digest)
    frames = {
        name: _read(folder / f"{name}.csv", columns)
        for name, columns in FRAMES.items()
        if f"{name}.csv" in about["files"]
    }
    found = Baseline(
        settings=settings,
        made_by=about["made_by"],
        table=Table.open(folder / TABLE) if TABLE in about["files"] else None,
        exact=tuple(about["exact"]),
        frames=frames,
        studies={
            Path(name).stem: (folder / name).read_text("utf-8")
            for name in about["files"]
            if name.startswith(f"{STUDIES}/")
        },
    )
    check_complete(found, folder)
    return found


_WHOLE = ("n", "missing", "cell", "seed", "queries", "rounds")
_REAL = ("tau", "lo", "hi", "value", "regret", "ratio", "low", "high", "seconds")


def _read(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Return a table whose numbers are exactly those that were written; empty is NaN."""
    import pandas as pd

    try:
        # pandas takes a row that is too long for one with an index, and fills up a short one.
        with path.open(encoding="utf-8", newline="") as file:
            head, *rows = csv.reader(file, strict=True)
        for at, row in enumerate(rows, start=2):
            if len(row) != len(head):
                raise FaultError(f"row {at} has {len(row)} fields, not {len(head)}")
        frame = pd.DataFrame(rows, columns=head, dtype=str)
        for name in set(_REAL) & set(frame.columns):
            frame[name] = [float(text) if text else float("nan") for text in frame[name]]
        for name in set(_WHOLE) & set(frame.columns):
            frame[name] = [int(text) for text in frame[name]]
        if "feasible" in frame.columns:
            frame["feasible"] = [{"True": True, "False": False}[text] for text in frame["feasible"]]
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise UserError(
            f"{path} cannot be read{because(error)}: save the baseline again."
        ) from error
    if lost := set(columns) - set(frame.columns):
        raise UserError(f"{path} lacks the column {min(lost)!r}: save the baseline again.")
    return frame


def named(folder: Path) -> str:
    """Return what a person types for a folder of a baseline: its name, or a path with a slash."""
    if folder.parent == FOLDER:
        return folder.name
    return str(folder) if "/" in str(folder) else f"{folder}/"


def _about(folder: Path) -> dict[str, Any]:
    path = folder / ABOUT
    try:
        about = of_json(path.read_text("utf-8"))
    except FileNotFoundError:
        beside = sorted(named(other.parent) for other in folder.parent.glob(f"*/{ABOUT}"))
        there = f"; there are {some(beside)}" if beside else ""
        raise UserError(
            f"{folder} holds no baseline{there}. `benchsuite baseline save {named(folder)}` makes "
            "one." + did_you_mean(named(folder), beside)
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is damaged{because(error)}: save the baseline again.") from error
    if not isinstance(about, dict) or about.get("schema") != SCHEMA:
        schema = about.get("schema") if isinstance(about, dict) else None
        raise UserError(
            f"{path} has schema {schema}; this version reads {SCHEMA}. Save the baseline again."
        )
    kinds = {"settings": dict, "made_by": dict, "exact": list, "files": dict}
    for name, kind in kinds.items():
        if not isinstance(about.get(name), kind):
            raise UserError(f"{path} is damaged (no {name}): save the baseline again.")
    return about


def _check_file(folder: Path, name: str, digest: Any) -> None:
    known = {TABLE, *(f"{frame}.csv" for frame in FRAMES)}
    head, slash, study = name.rpartition("/")
    is_study = slash and head == STUDIES and study.endswith(".toml") and "\\" not in study
    if name not in known and not is_study:
        raise UserError(f"{folder / ABOUT} names a file that is no part of one: {name!r}.")
    if not (folder / name).is_file():
        raise UserError(f"{folder} lacks {name}, which belongs to the baseline: save it again.")
    if sha256(folder / name) != digest:
        raise UserError(f"{folder / name} is not what was saved: save the baseline again.")


def check_target(folder: Path, replace: bool) -> None:
    """Raise UserError unless a baseline may be written there; see `Baseline.save`."""
    recover(folder)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; a baseline is a folder. Give another name.")
    if not folder.is_dir():
        return
    if folder.resolve() == Path.cwd():
        raise UserError(f"{folder} is the working folder, which is not replaced: give another.")
    if any(folder.iterdir()) and not (folder / ABOUT).exists():
        raise UserError(f"{folder} holds other files: give a folder of the baseline's own.")
    if (folder / ABOUT).exists() and not replace:
        raise UserError(f"{folder} holds a baseline already: give --replace, or another name.")


def _write(path: Path, text: str) -> str:
    write_text(path, text)
    return sha256(path)
