"""What the documents were made of, kept beside them, and what has changed since."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchsuite import plugins
from benchsuite.bounds import TEXT, of_json, read_bytes
from benchsuite.errors import UserError
from benchsuite.packages import files_below, folders

NAME = "made_from.json"
CONTENTS = "contents.toml"
ARTEFACTS = "published_artefacts.csv"
VERSIONED = ("proxies", "strategies")
SOURCES = {
    "reports": "benchsuite.reports",
    "shipped data": "benchsuite.data",
    "studies": "benchsuite.studies",
    "devices": "benchsuite.devices",
}


def recorded(folder: Path, provenance: Mapping[str, Any], written: Mapping[str, str]) -> Any:
    """Return the record: the run, the files that were written with digests, and `sources`."""
    return {
        "run": {
            "revision": provenance["made_by"]["revision"],
            "table": provenance["table"],
            "accuracy": provenance["accuracy"],
        },
        "files": dict(sorted(written.items())),
        **_sources(folder),
    }


def _sources(folder: Path) -> dict[str, Any]:
    artefacts = folders("benchsuite.reports")[0] / ARTEFACTS
    return {
        "contents": sha256(folder / CONTENTS),
        "artefacts": sha256(artefacts),
        "reports made": sorted(plugins.find("reports")),
        "versions": {
            kind: {name: plugin.facts.get("version") for name, plugin in plugins.find(kind).items()}
            for kind in VERSIONED
        },
        "sources": {name: _files(package) for name, package in SOURCES.items()},
    }


def _files(package: str) -> dict[str, str]:
    return {name: code for folder in folders(package) for name, code in files_below(folder).items()}


def stale(folder: Path) -> list[str]:
    """Return, a sentence each, what shows without a run that the documents are not current.

    A file that was edited, lost or added by hand; other findings, pages or artefacts than they were
    made with; reports that came or went; a proxy or strategy of another version.
    """
    record, now = _read(folder), _sources(folder)
    told = list(_edited(folder, record["files"]))
    for name, what in (("contents", CONTENTS), ("artefacts", ARTEFACTS)):
        if record[name] != now[name]:
            told.append(f"{what} has changed since.")
    made, exist = set(record["reports made"]), set(now["reports made"])
    told += [f"The report {name} is not in it." for name in sorted(exist - made)]
    told += [f"The report {name} is gone." for name in sorted(made - exist)]
    for kind in VERSIONED:
        was, is_now = record["versions"][kind], now["versions"][kind]
        for name in sorted(set(was) & set(is_now)):
            if was[name] != is_now[name]:
                told.append(f"{name} is of version {is_now[name]}, here of {was[name]}.")
    return told


def older(folder: Path) -> list[str]:
    """Return, a sentence each, what files have changed since, which a run alone could judge."""
    record, now = _read(folder)["sources"], _sources(folder)["sources"]
    told = []
    for name in SOURCES:
        was, is_now = record[name], now[name]
        changed = {file for file in {*was, *is_now} if was.get(file) != is_now.get(file)}
        if changed:
            told.append(f"{len(changed)} files of {name} have changed since: {_few(changed)}.")
    return told


def _few(names: set[str]) -> str:
    listed = sorted(names)
    return ", ".join(listed[:4]) + (", ..." if len(listed) > 4 else "")


def _edited(folder: Path, files: Mapping[str, str]) -> Iterator[str]:
    for name, code in files.items():
        if not (folder / name).is_file():
            yield f"{name} is lost."
        elif sha256(folder / name) != code:
            yield f"{name} was edited by hand."
    for name in sorted(generated(folder) - set(files)):
        yield f"{name} was not made with the others."


def generated(folder: Path) -> set[str]:
    """Return the names of the files in a folder that are of the kinds that are written there."""
    kept = {"moved.md"}
    found = (path for kind in ("*.md", "*.png", "tables/*.csv") for path in folder.glob(kind))
    return {path.relative_to(folder).as_posix() for path in found} - kept


def _read(folder: Path) -> Any:
    try:
        return of_json(read_bytes(folder / NAME, TEXT))
    except ValueError as error:
        raise UserError(f"{folder / NAME} is no record of what results were made of.") from error


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, of a text whatever its lines end with."""
    content = read_bytes(path, TEXT)
    text = content if path.suffix == ".png" else content.replace(b"\r\n", b"\n")
    return hashlib.sha256(text).hexdigest()
