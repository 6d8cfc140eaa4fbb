"""Figures that others measured on boards, each with its source, and the work of those models.

`tables/measured.csv`: one row per figure; effective: the share of the model's multiply-accumulates
that the runtime executed (the MLPerf person-detection model has dead channels, which X-CUBE-AI
removes since version 8.1); clock_stated is 0 where the source names no clock (TinyEngine's table
for the STM32H743; 480 MHz, the part's highest, is assumed); goal: what X-CUBE-AI was set to
optimise (`time`, `balanced`, `ram`), as the project file of the submission says, empty where none
does. `tables/models.csv`: amounts of work of each model, the sums of `work.work_of` over its
layers.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping
from dataclasses import dataclass

from benchsuite.devices._latency.cycles import TABLES
from benchsuite.errors import UserError


@dataclass(frozen=True)
class Figure:
    """One measured latency; clock: Hz; latency: seconds."""

    board: str
    core: str
    clock: float
    clock_stated: bool
    runtime: str
    version: str
    goal: str
    model: str
    family: str
    effective: float
    latency: float
    source: str

    @property
    def cycles(self) -> float:
        """Clock cycles."""
        return self.latency * self.clock


@functools.cache
def figures() -> tuple[Figure, ...]:
    """Return all rows of `tables/measured.csv`."""
    with (TABLES / "measured.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Figure(
                row["board"],
                row["core"],
                float(row["clock_mhz"]) * 1e6,
                row["clock_stated"] == "1",
                row["runtime"],
                row["version"],
                row["goal"],
                row["model"],
                row["family"],
                float(row["effective"]),
                float(row["latency_ms"]) / 1e3,
                f"{row['source']}@{row['commit']}/{row['path']}",
            )
            for row in csv.DictReader(file)
        )


@functools.cache
def models() -> Mapping[str, Mapping[str, int]]:
    """Return the amounts of work of every model of `tables/models.csv` by its name."""
    with (TABLES / "models.csv").open(encoding="utf-8", newline="") as file:
        return {
            row.pop("model"): {key: int(value) for key, value in row.items()}
            for row in csv.DictReader(file)
        }


def work(figure: Figure) -> Mapping[str, float]:
    """Return the work that was executed for one figure: dead channels taken off.

    Raises UserError for a model whose layers are not known.
    """
    if figure.model not in models():
        raise UserError(
            f"The layers of {figure.model!r} are not known; known are {', '.join(models())}."
        )
    linear = models()[figure.model]["linear_macs"]
    whole = {
        "layers": None,
        "linear_macs": None,
        "linear_outputs": None,
        "adds": None,
        "macs": linear,
    }
    done = {}
    for key, value in models()[figure.model].items():
        kept = whole.get(key, 0)
        done[key] = value if kept is None else kept + (value - kept) * figure.effective
    return done
