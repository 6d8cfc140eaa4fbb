"""What fits each device: how many cells, and the best accuracy among them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchsuite import stats
from benchsuite.api import Report, Result
from benchsuite.columns import DATASETS
from benchsuite.table import Table
from reports._tables import about_accuracy, accuracy, kind


def _make(table: Table) -> Result:
    return Result(
        tables={"device_fit": _rows(table)},
        notes=(
            about_accuracy(table),
            "cells: how many of the 15,625 fit by RAM and flash (see the columns `fits.*`). "
            f"best: highest mean test {kind(table)} [%] among those that fit, with its "
            "index. Of equal accuracies the lowest index.",
            "official: five cells per stage; mcu: one. Accuracies are always those of the official "
            "network: a cell's rank carries over to `mcu`, its accuracy does not.",
            "spearman_flops: rank correlation of FLOPs with latency over connected cells. 1 would "
            "mean that FLOPs say all about latency.",
        ),
    )


def _rows(table: Table) -> pd.DataFrame:
    truths = {d: accuracy(table, d) for d in DATASETS}
    flops = table.values("cifar10.flops")
    rows = []
    for name in (name for name in table.columns if name.startswith("fits.")):
        _, device, runtime, skeleton = name.split(".")
        fits = table.values(name) == 1
        row: dict[str, object] = {
            "device": device,
            "runtime": runtime,
            "skeleton": skeleton,
            "cells": int(fits.sum()),
        }
        for dataset, values in truths.items():
            row[f"best {dataset}"], row[f"index {dataset}"] = _best(values, fits)
        latency = f"latency.{device}.{runtime}.{skeleton}"
        row["spearman_flops"] = np.nan
        if latency in table.columns:
            row["spearman_flops"] = stats.spearman(flops, table.values(latency)).value
        rows.append(row)
    return pd.DataFrame(rows)


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
