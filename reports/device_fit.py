"""What fits each device: how many cells, and the best accuracy among them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from benchsuite import stats
from benchsuite.api import Report, Result
from benchsuite.errors import UserError
from benchsuite.reports._common.quantised import ABOUT_DEPLOYED, Deployed
from benchsuite.reports._common.tables import (
    ABOUT_ALIKE,
    ALIKE,
    about_accuracy,
    accuracy,
    alike,
    derived,
    kind,
)
from benchsuite.space.cell import connected
from benchsuite.table.device_columns import find
from benchsuite.table.table import Table


def _make(table: Table) -> Result:
    rows = pd.DataFrame(_rows(table))
    if rows.empty:
        raise UserError("The table does not say what fits a device: it has no column `fits.*`.")
    return Result(
        tables={"device_fit": rows},
        notes=(
            about_accuracy(table),
            "cells: how many of the 15,625 fit by RAM and flash (see the columns `fits.*`), with a "
            "path: of these, how many have an input-output path, "
            "maybe: how many more may, under a runtime whose RAM is known as a range; the "
            "341 without an input-output path, whose network is a constant, fit everywhere but "
            "under TinyEngine, whose variables nobody states. best: "
            f"highest mean test {kind(table)} [%] on the dataset among the others that fit, with "
            f"its index. Of equal accuracies the lowest index. {ABOUT_ALIKE}",
            ABOUT_DEPLOYED,
            "Of the 192 KiB of an stm32f407, which all count, 64 are core-coupled memory at "
            "another address: what needs one array of more than 128 KiB does not fit it.",
            "Every row is of the dataset's own network. official: five cells per stage; mcu: one. "
            "Accuracies are always those of the official network: a cell's rank carries over to "
            "`mcu`, its accuracy does not.",
            "spearman_flops: rank correlation of FLOPs with latency over connected cells. 1 would "
            "mean that FLOPs say all about latency. extrapolated, not identified: which share of "
            "the cycles of all cells is beyond what the runtime's table or fit has seen, see the "
            "report on latency models and real boards.",
        ),
    )


def _rows(table: Table) -> Iterator[dict[str, object]]:
    known, deployed = _known(table), Deployed(table)
    for parts in find(table.columns, "fits"):
        fits = table.values(parts.name) == 1
        truth = accuracy(table, parts.dataset)
        best, index = _best(truth, fits & connected())
        flops = table.values(f"{parts.dataset}.flops")
        latency = table.values(replace(parts, what="latency").name)
        yield {
            "device": parts.device,
            "runtime": parts.runtime,
            "dataset": parts.dataset,
            "skeleton": parts.skeleton,
            "cells": int(fits.sum()),
            "with a path": int((fits & connected()).sum()),
            "maybe": int((table.values(parts.name) == 0.5).sum()),
            "best": best,
            "index": index,
            derived(table, ALIKE): alike(table, truth, index) if isinstance(index, int) else np.nan,
            **deployed.row(index if isinstance(index, int) else -1, parts.dataset, parts.skeleton),
            "spearman_flops": stats.spearman(flops, latency).value,
            **known.get((parts.device, parts.runtime, parts.dataset, parts.skeleton), {}),
        }


def _known(table: Table) -> dict[tuple[str, ...], dict[str, float]]:
    """Return, by device, runtime, dataset and skeleton, the shares of cycles no fit has seen."""
    about = table.provenance.get("joined", {}).get("devices", {}).get("extrapolation", {})
    return {
        tuple(row[key] for key in ("device", "runtime", "dataset", "skeleton")): {
            what: row[what] for what in ("extrapolated", "not identified")
        }
        for row in about.get("shares", ())
    }


def _best(values: np.ndarray, fits: np.ndarray) -> tuple[float, object]:
    if not (fits & np.isfinite(values)).any():
        return np.nan, "-"
    index = int(np.nanargmax(np.where(fits, values, np.nan)))
    return float(values[index]), index


REPORT = Report(
    title="What fits each device",
    answers="how many cells a part can hold, and what accuracy that leaves",
    make=_make,
)
