"""What a table's Parquet file says of itself, as JSON in its footer: columns and provenance."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchsuite.bounds import FaultError, because, of_json
from benchsuite.errors import UserError
from benchsuite.notations import json_text
from benchsuite.space.cell import N_CELLS, all_archs
from benchsuite.table.columns import Column
from benchsuite.table.parquet import is_text

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA = 1
_KEY = b"benchsuite"


def metadata(columns: Mapping[str, Column], provenance: Mapping[str, Any]) -> dict[bytes, bytes]:
    """Return the footer of a table, as Parquet keeps it."""
    said = {
        "schema": SCHEMA,
        "columns": [column.to_json() for column in columns.values()],
        "provenance": dict(provenance),
    }
    return {_KEY: json_text(said, sort_keys=True, separators=(",", ":")).encode()}


def provenance(path: Path) -> dict[str, Any]:
    """Return the provenance of a table of ours that is whole, of which nothing else is read."""
    import pyarrow.parquet as pq

    text = (pq.read_schema(path).metadata or {})[_KEY]
    return _plain(of_json(text)["provenance"])


def read(path: Path, data: pa.Table) -> tuple[dict[str, Column], dict[str, Any]]:
    """Return the column dictionary and the provenance of a Parquet file that was read.

    Raises UserError for a file that is no table of ours, or damaged, or of another schema.
    """
    text = (data.schema.metadata or {}).get(_KEY)
    if text is None:
        raise UserError(
            f"{path} is a Parquet file, but not a table of benchsuite. Scores of your own, beside "
            "the index or architecture string of their cells, are given as --scores."
        )
    try:
        said = of_json(text)
        schema, provenance = said["schema"], _plain(said["provenance"])
        if schema == SCHEMA:
            columns = {r["name"]: Column.from_json(r) for r in said["columns"]}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path} is a damaged table{because(error)}: write it again with `benchsuite table`."
        ) from error
    if schema != SCHEMA:
        raise UserError(
            f"{path} has schema {schema}; this version reads {SCHEMA}. "
            "Rebuild it with `benchsuite table`."
        )
    kinds = dict(zip(data.schema.names, data.schema.types, strict=True))
    numbered, named = "index" in kinds, "arch" in kinds
    index = data.column("index").to_numpy() if numbered else np.empty(0)
    archs = data.column("arch").to_pylist() if named and is_text(kinds["arch"]) else []
    if not np.array_equal(index, np.arange(N_CELLS)) or tuple(archs) != all_archs():
        raise UserError(f"{path} does not list the 15,625 cells in official order.")
    return columns, provenance


def _plain(provenance: Any) -> dict[str, Any]:
    """Return a provenance whose parts that outputs tell of are as they are written; FaultError."""
    for part in ("made_by", "inputs", "joined", "own_scores"):
        if not isinstance(provenance.get(part, {}), dict):
            raise FaultError(f"{part} is no object")
    own = provenance.get("own_scores") or {"path": "", "cells": {}}
    counted = all(type(count) is int for count in own["cells"].values())
    places = own.get("places", {})
    named = [own.get("path"), *places.values()]
    if not (counted and all(isinstance(place, str) for place in named)):
        raise FaultError("own_scores name no file and its cells")
    return dict(provenance)
