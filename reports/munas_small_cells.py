"""The most accurate cells within limits on size and memory, one cell per stage (muNAS Table 2)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchsuite.api import Report, Result
from benchsuite.reports._common.style import NAMES
from benchsuite.reports._common.tables import (
    ABOUT_ALIKE,
    ALIKE,
    about_accuracy,
    accuracy,
    alike,
    derived,
    kind,
    published,
)
from benchsuite.space import cost
from benchsuite.space.cell import connected
from benchsuite.space.network import Skeleton
from benchsuite.table.columns import DATASETS
from benchsuite.table.table import Table

FLASH_KIB = (80, 96, 128, 192, 256)
RAM_KIB = (36, 48, 64)
_LATENCY = "latency.stm32h743.tflm_cmsis_nn.cifar10.mcu"
_KIB = 1024


def _make(table: Table) -> Result:
    macs = cost.all_deployed_macs(Skeleton(cells_per_stage=1))
    rows = [
        row
        for flash in FLASH_KIB
        for ram in RAM_KIB
        if (row := _best(table, flash, ram, macs)) is not None
    ]
    return Result(
        tables={"munas_small_cells": pd.DataFrame(rows), "munas_printed": published("munas")},
        notes=(
            about_accuracy(table),
            "Each row: of the connected cells within both limits the one with the highest CIFAR-10 "
            f"test {kind(table)}, of equal ones the lowest index; n: how many are within. "
            f"{ABOUT_ALIKE} It is of CIFAR-10. Size is flash.weights, RAM is ram.best, MACs as "
            "deployed, all of the network of 16 channels with one cell per stage at 32x32. Limits "
            "in KiB.",
            "The accuracies are those of the network with five cells per stage: they rank the "
            "cells, they are not what the small network reaches. muNAS trains and prunes each "
            "network of its own, much finer space; its CIFAR-10 network of 11.4 KB is far below "
            "the smallest connected network here (74 KiB: stem, shortcuts and classifier alone).",
        ),
    )


def _best(table: Table, flash: int, ram: int, macs: np.ndarray) -> dict[str, object] | None:
    size, memory = table.values("flash.weights.cifar10.mcu"), table.values("ram.best.cifar10.mcu")
    within = connected() & (size <= flash * _KIB) & (memory <= ram * _KIB)
    if not within.any():
        return None
    best = int(np.argmax(np.where(within, accuracy(table, "cifar10"), -np.inf)))
    return {
        "size limit": flash,
        "RAM limit": ram,
        "n": int(within.sum()),
        "index": best,
        "arch": table.data.column("arch")[best].as_py(),
        "size [KiB]": size[best] / _KIB,
        "RAM [KiB]": memory[best] / _KIB,
        "MACs [M]": macs[best] / 1e6,
        "H743 latency [ms]": table.values(_LATENCY)[best] * 1e3,
        **{f"{NAMES[d]} {kind(table)}": float(accuracy(table, d)[best]) for d in DATASETS},
        derived(table, ALIKE): alike(table, accuracy(table, "cifar10"), best),
    }


REPORT = Report(
    title="Table 2: small cells",
    answers="muNAS (2021), Table 2: the best networks within limits on size and memory",
    make=_make,
    group="muNAS",
)
