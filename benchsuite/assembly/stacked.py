"""Estimates of test accuracy where validation accuracy is measured: of that and of structure.

    estimate = Q(a N(validation) + b N(structure, test) + c N(structure, validation))

N gives normal scores among the 15,284 cells with an input-output path. validation is the measured
mean after 200 epochs, over the cells of a functional class, which are equal networks; structure are
the shipped estimates of `benchsuite.assembly.estimates`. Q maps back to percent through the
quantiles of the shipped estimate of test accuracy, so no measured test accuracy is in it. Cells
without a path get the accuracy of a constant network. Only a, b and c ship, three numbers per
dataset; the estimates are computed of what is installed. `valtest`, of CIFAR-100 and
ImageNet16-120, is the mean of validation and test accuracy, which the public files keep to 1e-7
(both splits are equally large), so its estimate is the mean of the measured and the estimated one.

`python -m benchsuite.assembly.stacked` fits them anew, to the public test accuracies below the
folder BENCHSUITE_DATA, and prints how wrong estimates by the numbers of other classes are.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchsuite.assembly import estimates
from benchsuite.assembly.estimates import Floats, Scores
from benchsuite.errors import UserError
from benchsuite.files import shipped, write_text
from benchsuite.notations import json_text
from benchsuite.space.cell import connected
from benchsuite.space.equivalence import classes
from benchsuite.space.network import OFFICIAL
from benchsuite.table.columns import DATASETS, STACKED, Column, accuracy_column
from benchsuite.table.table import Table, Values

OUTPUT = shipped("data/stack.json")
METHOD = (
    "least squares of the normal scores of test accuracy on those of measured validation accuracy "
    "(mean of the functional class) and of the structural estimates, without a constant, over "
    "cells with an input-output path; errors are those of ten folds of functional classes"
)
FOLDS = 10
_SEED = 201
_DIGITS = 3  # of the weights
_DECIMALS = 4


def estimated_test(table: Table, structural: Table) -> Iterator[Values]:
    """Yield the estimated test and valtest accuracy where measured validation is whole.

    table: the measured columns; structural: the shipped estimates.
    """
    for dataset in DATASETS:
        name = f"{dataset}.valid.200ep.mean"
        if all(column.stem != name for column in table.columns.values()):
            continue
        validation = table.values(name)
        if np.isnan(validation).any():
            continue
        known = _of_structure(structural, dataset)
        test = estimate(dataset, validation, known, np.array(record()["weights"][dataset]))
        found = {"test": test}
        if f"{dataset}.valtest.200ep.mean" in {c.stem for c in structural.columns.values()}:
            found["valtest"] = np.round((validation + test) / 2, _DECIMALS)
        for split, values in found.items():
            yield Values(_column(dataset, split, table.resolve(name)), values)


def _column(dataset: str, split: str, validation: str) -> Column:
    measured = record()["errors" if split == "test" else split][dataset]
    said = (
        f"{dataset} {split} accuracy after 200 epochs, ESTIMATED of {validation} and structure; "
        f"tau {measured['tau']:.3f} to the measured, out of fold"
    )
    source = "benchsuite.estimate"
    return accuracy_column(dataset, split, 200, "mean", STACKED, source, description=said)


@functools.cache
def record() -> dict[str, Any]:
    """Return what ships: the three weights per dataset, how they were made, and their errors."""
    found: dict[str, Any] = json.loads(OUTPUT.read_text(encoding="utf-8"))
    return found


def estimate(dataset: str, validation: Floats, structural: Floats, weights: Floats) -> Floats:
    """Return estimated test accuracies [15625] in percent.

    validation: measured, [15625]; structural: estimates of test and validation accuracy [2, 15625];
    weights: [3].
    """
    return _percent(dataset, scores(validation, structural) @ weights, structural[0])


def scores(validation: Floats, structural: Floats) -> Floats:
    """Return normal scores [15284, 3] of the cells with a path, arguments as of `estimate`."""
    of_class = classes("functional")
    mean = (np.bincount(of_class, validation) / np.bincount(of_class))[of_class]
    return np.stack([_normal(values[connected()]) for values in (mean, *structural)], axis=1)


def _of_structure(shipped: Table, dataset: str) -> Floats:
    """Return the shipped estimates [2, 15625] of test and validation accuracy."""
    return np.stack([shipped.values(f"{dataset}.{s}.200ep.mean") for s in ("test", "valid")])


def _normal(values: Floats) -> Floats:
    return Scores.of(values).forward(values)


def _percent(dataset: str, stack: Floats, structural: Floats) -> Floats:
    """Return percentages [15625] of a stack [15284], by rank through the structural estimates."""
    trained = connected()
    percent = np.full(len(structural), 100 / OFFICIAL[dataset].classes)
    percent[trained] = Scores.of(structural[trained]).backward(_normal(stack))
    return np.round(percent, _DECIMALS)


def fit(dataset: str, validation: Floats, structural: Floats, test: Floats) -> dict[str, Any]:
    """Return the weights, and the errors of estimates by the weights of other folds' classes.

    validation, structural: as of `estimate`; test: measured [15625].
    """
    trained = connected()
    given, wanted = scores(validation, structural), _normal(test[trained])
    of_class = np.random.default_rng(_SEED).integers(FOLDS, size=len(test))
    fold = of_class[classes("functional")[trained]]
    stack = np.empty(len(given))
    for held_out in range(FOLDS):
        others = fold != held_out
        weights = np.linalg.lstsq(given[others], wanted[others], rcond=None)[0]
        stack[~others] = given[~others] @ weights
    weights = np.linalg.lstsq(given, wanted, rcond=None)[0]
    percent = _percent(dataset, stack, structural[0])
    return {
        "weights": np.round(weights, _DIGITS).tolist(),
        "errors": estimates.errors(percent, test),
        "valtest": estimates.errors((validation + percent) / 2, (validation + test) / 2),
        "alone": {
            "validation": estimates.errors(validation, test),
            "structure": estimates.errors(structural[0], test),
        },
    }


def build() -> dict[str, Any]:
    """Return what ships; raises UserError when a public file is not on this machine."""
    truth, inputs = estimates.read_truth()
    column = {(t.dataset, t.split, t.epochs): truth[:, i] for i, t in enumerate(estimates.TARGETS)}
    structural = Table.open(estimates.OUTPUT)
    found = {
        dataset: fit(
            dataset,
            column[dataset, "valid", 200],
            _of_structure(structural, dataset),
            column[dataset, "test", 200],
        )
        for dataset in DATASETS
    }
    return {
        "method": METHOD,
        "of": ["validation, measured", "test, of structure", "validation, of structure"],
        **{what: {d: found[d][what] for d in DATASETS} for what in ("weights", "errors", "alone")},
        "valtest": {d: found[d]["valtest"] for d in DATASETS[1:]},
        "inputs": inputs,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit the shipped weights anew; return the exit code."""
    parser = argparse.ArgumentParser(description="Fit the weights of the estimates anew.")
    parser.add_argument("--out", type=Path, default=OUTPUT, help=f"default: {OUTPUT}")
    options = parser.parse_args(arguments)
    try:
        made = build()
        write_text(options.out, json_text(made, indent=1, sort_keys=True) + "\n")
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    rows = {}
    for dataset in DATASETS:
        rows[f"{dataset}.test.200ep.mean@{STACKED}"] = made["errors"][dataset]
        if dataset in made["valtest"]:
            rows[f"{dataset}.valtest.200ep.mean@{STACKED}"] = made["valtest"][dataset]
        for what, measured in made["alone"][dataset].items():
            rows[f"{dataset}, {what} alone"] = measured
    print(estimates.error_table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
