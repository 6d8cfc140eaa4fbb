"""A dataset card of a written table in Croissant 1.0 (JSON-LD), made from its column dictionary.

Source: Akhtar et al., "Croissant: A Metadata Format for ML-Ready Datasets", NeurIPS 2024;
https://docs.mlcommons.org/croissant/docs/croissant-spec-1.0.html.
"""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchsuite.files import write_text
from benchsuite.notations import json_text
from benchsuite.table.table import Table
from benchsuite.version import __version__

_ABOUT = (
    "All 15,625 cells of NAS-Bench-201 in official order, a row each: accuracies, costs, scores of "
    "zero-cost proxies, and latency, RAM and flash on simulated microcontrollers."
)
_LICENCES = (
    "The licence named is of what this project computed; columns measured by others keep the terms "
    "of their sources, which each names."
)
_CITED = (
    "X. Dong and Y. Yang, NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture "
    "Search, ICLR 2020; and the source that a column names."
)
# The context that the specification gives, whole.
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "equivalentProperty": "cr:equivalentProperty",
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def write(table: Table, path: Path, at: Path) -> None:
    """Write the card of a table that was written to `path`; UserError where it cannot be."""
    text = json_text(card(table, path, at.parent), indent=2, ensure_ascii=False)
    write_text(at, text + "\n")


def card(table: Table, path: Path, folder: Path) -> dict[str, Any]:
    """Return the card, in a folder, of a table that was written to `path`, ready for JSON.

    The file is named relative to the folder, and by its SHA-256. Columns keep the names and units
    of the table; of each the source is named. No licence is claimed for what others measured. Its
    date is the day on which the file was written.
    """
    fields = [
        _field("index", "official index of the cell, 0 to 15,624", "sc:Integer"),
        _field("arch", "architecture string of the cell", "sc:Text"),
        *(
            _field(
                column.name,
                f"{column.description} [{column.unit}]; source: {column.source}",
                "sc:Float",
            )
            for column in table.columns.values()
        ),
    ]
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": "benchsuite-table",
        "description": f"{_ABOUT} {_LICENCES} {table.provenance_line}",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "version": __version__,
        "license": "https://spdx.org/licenses/MIT.html",
        "creator": {"@type": "sc:Organization", "name": "benchsuite developers"},
        "citeAs": _CITED,
        "datePublished": _day(path),
        "isLiveDataset": False,
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": path.name,
                "name": path.name,
                "contentUrl": Path(os.path.relpath(path, folder)).as_posix(),
                "contentSize": f"{path.stat().st_size} B",
                "encodingFormat": "application/x-parquet",
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "cells",
                "name": "cells",
                "description": "a row per cell",
                "key": {"@id": "cells/index"},
                "field": [_with_source(field, path.name) for field in fields],
            }
        ],
    }


def _day(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat()


def _field(name: str, description: str, kind: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"cells/{name}",
        "name": name,
        "description": description,
        "dataType": kind,
    }


def _with_source(field: dict[str, Any], file: str) -> dict[str, Any]:
    source = {"fileObject": {"@id": file}, "extract": {"column": field["name"]}}
    return {**field, "source": source}
