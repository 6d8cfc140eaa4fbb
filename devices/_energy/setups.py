"""Set-ups whose power MLPerf Tiny measured: mean over the models, and the error of leaving one out.

A set-up is one board of one submitter in one release: supply, converter and operating system are
the same for all its models, and power is nearly so. `tables/power.csv` holds what was fitted, with
conditions as the submitters state them; `tables/power_figures.csv` the figures of v1.3 that it was
fitted to, those of v0.7 to v1.2 being in the public files `energy/results.txt`. Accelerators are
left out (their power depends on the model, by 20 %), and so are the wake-word rows, which sleep in
between.

`python -m benchsuite.devices._energy.setups FILE` prints the table anew; FILE: CSV with release,
submitter, board, model, mean_power_mW and energy_uJ_per_inference.
"""

from __future__ import annotations

import csv
import functools
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchsuite.devices._latency.cycles import TABLES

MODELS = {
    "ad": "ad01_int8",
    "ic": "pretrainedResnet_quant",
    "kws": "kws_ref_model",
    "vww": "vww_96_int8",
}
_ACCELERATORS = ("syntiant", "greenwaves-technologies")
_LEAST = 3  # models: of fewer, leaving one out says nothing


@dataclass(frozen=True)
class Run:
    """The energy run of one model; watts: mean power; joules: per inference."""

    release: str
    submitter: str
    board: str
    model: str
    watts: float
    joules: float


@dataclass(frozen=True)
class Setup:
    """The mean power of a set-up [W], the least and most of a model, and errors as fractions.

    left_out: mean error of a model's power by the mean of the others; energies, energy_error: how
    many models have a latency too that this project predicts, and the mean error of that latency,
    predicted without the model's family, times that power; NaN where there is none.
    """

    release: str
    submitter: str
    board: str
    models: int
    watts: float
    least: float
    most: float
    left_out: float
    energies: int
    energy_error: float

    @property
    def spread(self) -> float:
        """The largest distance of a model's power from the mean, as a fraction."""
        return max(self.most / self.watts - 1, 1 - self.least / self.watts)


def fit(runs: Iterable[Run]) -> list[Setup]:
    """Return the set-ups of some energy runs, sorted by board and release."""
    groups: dict[tuple[str, str, str], list[Run]] = {}
    for run in runs:
        if run.submitter not in _ACCELERATORS:
            groups.setdefault((run.board, run.release, run.submitter), []).append(run)
    return [_setup(group) for _, group in sorted(groups.items()) if len(group) >= _LEAST]


def _setup(group: Sequence[Run]) -> Setup:
    watts = np.array([run.watts for run in group])
    others = (watts.sum() - watts) / (len(watts) - 1)
    errors = [
        abs(seconds * other / run.joules - 1)
        for run, other in zip(group, others, strict=True)
        if (seconds := _predicted(run))
    ]
    first = group[0]
    return Setup(
        first.release,
        first.submitter,
        first.board,
        len(group),
        float(watts.mean()),
        float(watts.min()),
        float(watts.max()),
        float(np.abs(others / watts - 1).mean()),
        len(errors),
        float(np.mean(errors)) if errors else float("nan"),
    )


def _predicted(run: Run) -> float | None:
    """Return the latency of a run's model on its board, predicted without the model's family."""
    from benchsuite.devices._validation.boards import check

    where = f"mlcommons/tiny_results_{run.release}@"
    for one in check().predictions:
        figure = one.figure
        path = f"/{run.submitter}/results/{run.board}/"
        same = figure.source.startswith(where) and path in figure.source
        if same and figure.model == MODELS[run.model] and one.family_out == one.family_out:
            return one.family_out
    return None


def read(path: Path) -> list[Run]:
    """Return the energy runs that a CSV file of the public results lists."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Run(
                row["release"],
                row["submitter"],
                row["board"],
                row["model"],
                float(row["mean_power_mW"]) / 1e3,
                float(row["energy_uJ_per_inference"]) / 1e6,
            )
            for row in csv.DictReader(file)
        ]


def stated() -> list[Run]:
    """Return the energy runs of `tables/power_figures.csv`."""
    with (TABLES / "power_figures.csv").open(encoding="utf-8", newline="") as file:
        return [
            Run(
                row["source"].rpartition("_")[2],
                "STMicroelectronics",
                row["path"].split("/")[3],
                row["model"],
                float(row["power_mw"]) / 1e3,
                float(row["energy_uj"]) / 1e6,
            )
            for row in csv.DictReader(file)
        ]


def dump(setups: Iterable[Setup]) -> str:
    """Return set-ups as the CSV text that ships, numbers to six digits."""
    names = tuple(Setup.__dataclass_fields__)
    lines = [",".join(names)]
    for setup in setups:
        values = [getattr(setup, name) for name in names]
        lines.append(",".join(f"{v:.6g}" if isinstance(v, float) else str(v) for v in values))
    return "\n".join(lines) + "\n"


@functools.cache
def shipped() -> tuple[Setup, ...]:
    """Return the set-ups of `tables/power.csv`."""
    with (TABLES / "power.csv").open(encoding="utf-8", newline="") as file:
        whole = ("models", "energies")
        texts = ("release", "submitter", "board")
        return tuple(
            Setup(
                **{
                    key: value if key in texts else int(value) if key in whole else float(value)
                    for key, value in row.items()
                }  # type: ignore[arg-type]
            )
            for row in csv.DictReader(file)
        )


if __name__ == "__main__":
    print(dump(fit([*read(Path(sys.argv[1])), *stated()])), end="")
