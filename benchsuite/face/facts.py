"""Everything known of one cell."""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from benchsuite.arguments import checked
from benchsuite.errors import PluginWarning
from benchsuite.face.estimates import estimate, plain
from benchsuite.face.known import Known, Ranked
from benchsuite.face.tables import folders_of, given_or_loaded
from benchsuite.space.cell import ENCODINGS, live_edges
from benchsuite.space.spellings import cell_of
from benchsuite.table.columns import DATASETS
from benchsuite.table.table import Table

_COSTS = ("params", "flops", "deployed_params", "deployed_macs")


@dataclass(frozen=True)
class Facts(Known):
    """What is known of a cell, field by field in `Known`; `text()` is what the command prints."""

    def to_json(self) -> dict[str, Any]:
        """Return the facts as plain values, the answers first; what is not known is None."""
        known = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {
            **known,
            "accuracy": {name: dataclasses.asdict(one) for name, one in self.accuracy.items()},
            "proxies": {name: dataclasses.asdict(one) for name, one in self.proxies.items()},
            "parts": [plain(one) for one in self.parts],
            "costs": {dataset: _known(of) for dataset, of in self.costs.items()},
            "columns": _known(self.columns),
        }

    def text(self, *, whole: bool = False) -> str:
        """Return the facts as a page of 80 columns: what matters, or whole, all columns too."""
        from benchsuite.face.facts_text import page

        return page(self, whole=whole)

    def __repr__(self) -> str:
        from benchsuite.face.facts_text import screenful

        return screenful(self)


@checked
def cell(
    given: Any,
    table: Table | None = None,
    *,
    device: str | Sequence[str] = (),
    runtime: str | Sequence[str] = (),
    dataset: str = DATASETS[0],
    skeleton: str = "official",
    plugins: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
) -> Facts:
    """Return everything known of a cell: accuracies and proxies with ranks, needs on parts, costs.

    given: an official index, an architecture string, `encoding:digits` as in `hpo:333132`, six
    digits, NASLib's six numbers, TransNAS-Bench's string, a genotype, a matrix of `str2matrix`, or
    a `Cell` (`benchsuite/space/spellings.py` lists them). table: None for `load()`. device,
    runtime: names, all by default, and dataset, skeleton: the network, of what it needs on parts.
    Raises UserError for what is none of these.

    >>> import benchsuite as bs
    >>> bs.cell("|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+"
    ...         "|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|").index
    9930
    >>> known = bs.cell(6111, device="stm32f746", runtime="x_cube_ai")
    >>> known.params, known.proxies["params@1"].rank, known.parts[0].fits
    (1073466, 41, 'no')
    >>> bs.cell((2, 2, 0, 2, 2, 3)).index, bs.cell("333132").index  # NASLib's, and digits
    (6111, 6111)
    """
    chosen = cell_of(given)
    index = chosen.index
    with warnings.catch_warnings():
        if not plugins:  # Then nothing is said here of those that fail.
            warnings.simplefilter("ignore", PluginWarning)
        data = given_or_loaded(table, plugins)
    live = tuple(bool(edge) for edge in live_edges(np.array([chosen.ops]))[0])
    needs = estimate(
        chosen,
        device=device,
        runtime=runtime,
        dataset=dataset,
        skeleton=skeleton,
        plugins=folders_of(plugins),
    )
    costs = {of: _costs(data, of, index) for of in DATASETS}
    return Facts(
        index=index,
        arch=chosen.arch,
        accuracy=_ranked(data, index, "accuracy"),
        proxies=_ranked(data, index, "proxy"),
        parts=needs.estimates if any(live) else (),
        costs=costs,
        params=int(costs["cifar10"]["params"]),
        flops=int(costs["cifar10"]["flops"]),
        accuracy_source=data.provenance.get("accuracy", "none"),
        network=(dataset, skeleton),
        ops=chosen.ops,
        encodings={name: chosen.encode(name) for name in ENCODINGS},
        live_edges=live,
        connected=any(live),
        classes=_classes(data, index),
        neighbours=tuple(near.index for near in chosen.neighbours()),
        columns={name: float(data.values(name)[index]) for name in data},
        units={name: column.unit for name, column in data.columns.items()},
    )


def _ranked(table: Table, index: int, kind: str) -> dict[str, Ranked]:
    """Return a cell's values of all columns of a kind, those that are not missing."""
    truths = _truths(table) if kind == "accuracy" else {}
    found = {}
    for name, column in table.columns.items():
        if column.kind != kind or math.isnan(own := (values := table.values(name))[index]):
            continue
        better = values < own if column.direction == "min" else values > own
        found[name] = Ranked(
            value=float(own),
            rank=1 + int(better.sum()),
            of=int(np.isfinite(values).sum()),
            tied=int((values == own).sum()) - 1,
            direction=column.direction,
            estimated=column.estimated,
            dataset=column.dataset,
            truth=truths.get(name, ""),
            source=column.release or column.source,
        )
    return found


def _truths(table: Table) -> dict[str, str]:
    """Return the columns that `correlate` takes as truths: full name -> the truth's."""
    from benchsuite.ranking.truths import column_of, truths_of

    return {
        column_of(table, truth, dataset): truth
        for dataset in DATASETS
        for truth in truths_of(table, dataset)
    }


def _costs(table: Table, dataset: str, index: int) -> dict[str, float]:
    known: dict[str, float] = {
        name: int(table.values(f"{dataset}.{name}")[index]) for name in _COSTS
    }
    seconds = f"{dataset}.train_seconds.200ep.mean"
    if seconds in table:
        known["train_seconds"] = float(table.values(seconds)[index])
    return known


def _classes(table: Table, index: int) -> dict[str, dict[str, int]]:
    found = {}
    for name, column in table.columns.items():
        if column.kind == "class":
            numbers = table.values(name)
            members = (numbers == numbers[index]).nonzero()[0]
            about = {"cells": len(members), "lowest_index": int(members[0])}
            found[name.removeprefix("class.")] = about
    return found


def _known(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in values.items()}
