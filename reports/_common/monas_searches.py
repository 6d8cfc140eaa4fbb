"""MONAS' searches, tabular and live, in one frame, and the printed rows that they stand beside.

A row a search: `search` (`tabular` or `live`), `setting` (of a live one, JSON, empty as in the
paper), `device`, `weighs` (`mu` or `lambda`), `weight`, `seed`, `cell`, and `seconds` of one core.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchsuite.api import Outcome
from benchsuite.reports._common import live_runs
from benchsuite.reports._common.style import NAMES
from benchsuite.reports._common.tables import accuracy, kind, milliseconds, published
from benchsuite.table.columns import DATASETS
from benchsuite.table.table import Table

MAIN, RUNTIME = live_runs.MAIN, live_runs.RUNTIME
F746, L432 = "stm32f746", "stm32l432"
TABULAR, LIVE = "tabular", "live"
MU, LAMBDA = "mu", "lambda"
STUDIES = ("monas_mu", "monas_lambda")
RUNTIMES = (RUNTIME, "tflm_cmsis_nn", "x_cube_ai")
Array = NDArray[np.float64]

ABOUT_TABULAR = (
    "tabular: MONAS' algorithm 2 by its first author's code on columns: log10 of K_0 and linear "
    "regions, each the mean over the cells left. No seed moves it, so n is 1 and nothing is judged "
    "by it."
)


def about_live(found: pd.DataFrame) -> str:
    """Return the sentence that says what live searches are, and how many there are."""
    seeds = main(found)["seed"].nunique()
    return (
        "live: the same on the pruned supernet itself, as the paper: K_2 of 32 CIFAR-10 images of "
        "32x32 pixels with BN in training mode, 3,000 patches, PyTorch's initialisation. Its "
        f"answers ship ({seeds} seeds; benchsuite/data/README.md says of which images). A seed's "
        "searches share what they measure, so its weights go together; one seed per printed row "
        "is all that the paper shows."
    )


def live() -> pd.DataFrame:
    """Return the live searches that ship."""
    found = pd.DataFrame(live_runs.read(), columns=list(live_runs.COLUMNS))
    types = {"weight": float, "seed": int, "cell": int, "seconds": float}
    return found.assign(search=LIVE, weighs=found["weighs"].str.strip("_")).astype(types)


def tabular(outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """Return the searches of the studies."""
    rows = []
    for outcome in (outcomes[name] for name in STUDIES):
        cells = outcome.runs.set_index("search")["cell"]
        for entry in outcome.study.searches:
            weighs = LAMBDA if "lambda_" in entry.parameters else MU
            rows.append(
                {
                    "search": TABULAR,
                    "setting": MAIN,
                    "device": entry.setting.device,
                    "weighs": weighs,
                    "weight": float(next(iter(entry.parameters.values()))),
                    "seed": 0,
                    "cell": int(cells[[entry.label]].iloc[0]),
                }
            )
    return pd.DataFrame(rows)


def main(found: pd.DataFrame) -> pd.DataFrame:
    """Return the searches in the paper's setting."""
    return found[found["setting"] == MAIN]


def settings(found: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return the other settings, as text and as parameters."""
    return {text: json.loads(text) for text in found["setting"].unique() if text != MAIN}


def of(found: pd.DataFrame, device: str, weighs: str, weight: float) -> pd.DataFrame:
    """Return the searches for a part by a weight, in the order of seeds.

    A weight of 0 reads no cost, so its search is that of every part, by FLOPs as by latency.
    """
    at = found["weight"] == weight
    if weight:
        at &= (found["device"] == device) & (found["weighs"] == weighs)
    return found[at].sort_values("seed")


def seeds_of(found: pd.DataFrame, weighs: str, by: Sequence[tuple[str, float]]) -> NDArray[Any]:
    """Return the cells [S, W] of the seeds that have all of some searches: part and weight [W]."""
    columns = [of(found, device, weighs, weight).set_index("seed")["cell"] for device, weight in by]
    return pd.concat(columns, axis=1).dropna().astype(int).to_numpy()


def searched(found: pd.DataFrame, device: str, weighs: str) -> list[float]:
    """Return the weights that were searched for, from 0."""
    at = (found["device"] == device) & (found["weighs"] == weighs)
    return sorted({0.0, *found.loc[at, "weight"]})


@dataclass(frozen=True)
class Printed:
    """A row of the paper's Table 2 that MONAS found, with one of its weights."""

    row: pd.Series
    device: str
    weighs: str
    weight: float


def printed() -> Iterator[Printed]:
    """Yield the rows of MONAS in Table 2, one for each weight of a row."""
    for _, row in published("monas").iterrows():
        for weighs, of_row in list(weights(str(row["method"])).items())[:1]:
            for weight in of_row:
                yield Printed(row, str(row["device"]), weighs, weight)


def weights(method: str) -> dict[str, list[float]]:
    """Return the weights that a printed row is of: its name says `mu=0.5/0.6`, or `baseline`."""
    if method == "MONAS baseline":
        return {MU: [0.0], LAMBDA: [0.0]}
    match = re.match(r"MONAS (mu|lambda)=([][\d./,]+)$", method)
    return {match[1]: [float(n) for n in re.findall(r"[\d.]+", match[2])]} if match else {}


def quantities(table: Table, device: str) -> dict[str, Array]:
    """Return what Table 2 says of cells [15625]: costs, latencies on a part, accuracies."""
    costs = {
        "MFLOPs": table.values("cifar10.flops") / 1e6,
        "Mparams": table.values("cifar10.params") / 1e6,
    }
    for runtime in RUNTIMES:
        costs[f"ms {runtime}"] = milliseconds(table, device, runtime, "cifar10", "official")
    named = {f"{NAMES[dataset]} {kind(table)}": accuracy(table, dataset) for dataset in DATASETS}
    return {**costs, **named}


def as_printed(table: Table) -> dict[str, str]:
    """Return which column of the published rows each of the quantities is, where one is."""
    named = {f"{NAMES[dataset]} {kind(table)}": dataset for dataset in DATASETS}
    costs = {"MFLOPs": "mflops", "Mparams": "mparams", f"ms {RUNTIME}": "latency_ms"}
    return {**costs, **named}
