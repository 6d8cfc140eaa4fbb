"""MONAS' Table 2: every printed row beside the cell it is and what our models say of that cell."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchsuite.api import Report, Result
from benchsuite.reports._common.monas import Match, contradictions, matches
from benchsuite.reports._common.quantised import ABOUT_DEPLOYED, SKELETON, Deployed
from benchsuite.reports._common.style import NAMES
from benchsuite.reports._common.tables import (
    about_accuracy,
    accuracy,
    kind,
    milliseconds,
    published,
)
from benchsuite.table.columns import DATASETS
from benchsuite.table.table import Table

_REFERENCE = "TE-NAS"
_OWN = "tflm_cmsis_nn"


def _make(table: Table) -> Result:
    matched = matches(table)
    return Result(
        tables={
            "monas_table2": pd.DataFrame([_beside(table, match, matched) for match in matched]),
            "monas_table2_cells": pd.DataFrame([_identified(table, match) for match in matched]),
            "monas_search_time": _search_time(),
        },
        notes=(
            about_accuracy(table),
            "Ours: the network of five cells per stage at 32x32, which the accuracies belong to. "
            "Printed latencies of the STM32F746 are a tenth of the sum of the authors' "
            "per-operator "
            "table (column `monas2024`), not the time of that network: 188.66 MFLOPs in 42.48 ms "
            "at 216 MHz would be 20 multiply-accumulates per cycle on a core that does two. "
            f"`{_OWN}` is our simulation of TFLM with CMSIS-NN. The table of the STM32L432 is not "
            "public; its `monas2024` is a reading of the four printed rows.",
            "speed-up: over the TE-NAS row's cell on the same device and runtime. Printed rows are "
            "single runs without a spread; muNAS' row prints no FLOPs and is in monas_search_time.",
            ABOUT_DEPLOYED,
            "how: candidates are all cells with the printed FLOPs and parameters. exact = "
            "the three "
            "printed accuracies are one release's means to the last digit; two of three = one is "
            "not, see remarks; nearest = no cell matches; of those with the printed costs "
            "this is the closest, and need not be it. Some rows (KNAS, ZiCo) may be means "
            "over runs, which no cell is.",
            "monas_search_time: the paper's 1104x is muNAS' hours over its own, both from Table 2. "
            "muNAS' hours are its 23 GPU days for CIFAR-10 (its Table 2), on other GPUs, with "
            "every candidate trained; the ratio compares statements, not measurements.",
        ),
    )


def _beside(table: Table, match: Match, all_rows: list[Match]) -> dict[str, object]:
    row, device = match.row, str(match.row["device"])
    known = match.cell >= 0
    reference = next(m.cell for m in all_rows if m.row["method"] == _REFERENCE)

    def of(values: np.ndarray) -> float:
        return float(values[match.cell]) if known else np.nan

    beside: dict[str, object] = {
        "method": row["method"],
        "device": device,
        "index": match.cell if known else "-",
        "identified": "yes" if match.sure else "no",
        "MFLOPs printed": row["mflops"],
        "MFLOPs": of(table.values("cifar10.flops")) / 1e6,
        "Mparams printed": row["mparams"],
        "Mparams": of(table.values("cifar10.params")) / 1e6,
        "ms printed": row["latency_ms"],
    }
    for runtime in ("monas2024", _OWN):
        latency = milliseconds(table, device, runtime, "cifar10", "official")
        beside[f"ms {runtime}"] = of(latency)
        if runtime == "monas2024":
            beside["speed-up printed"] = row["speedup"]
        beside[f"speed-up {runtime}"] = latency[reference] / of(latency)
    beside["GPU hours printed"] = row["gpu_hours"]
    for dataset in DATASETS:
        beside[f"{NAMES[dataset]} printed"] = row[dataset]
        beside[f"{NAMES[dataset]} {kind(table)}"] = of(accuracy(table, dataset))
    return beside | Deployed(table).row(match.cell, DATASETS[0], SKELETON)


def _identified(table: Table, match: Match) -> dict[str, object]:
    return {
        "method": match.row["method"],
        "device": match.row["device"],
        "index": match.cell if match.cell >= 0 else "-",
        "arch": table.data.column("arch")[match.cell].as_py() if match.cell >= 0 else "-",
        "how": match.how,
        "candidates": match.candidates,
        "release": match.release or "-",
        "remarks": "; ".join(contradictions(table, match)) or "-",
    }


def _search_time() -> pd.DataFrame:
    rows = published("monas")[["method", "device", "gpu_hours", "cifar10"]]
    ours = float(rows.loc[rows["method"] == "MONAS baseline", "gpu_hours"].iloc[0])
    return rows.assign(**{"hours over MONAS": rows["gpu_hours"] / ours}).rename(
        columns={"gpu_hours": "GPU hours printed", "cifar10": "CIFAR-10 printed"}
    )


REPORT = Report(
    title="Table 2: found cells",
    answers="MONAS (2024), Table 2: cost and accuracy of the cells found, and which cells they are",
    make=_make,
    group="MONAS",
)
