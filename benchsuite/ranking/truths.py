"""The truths that a score may be judged by, and which column of a table each of them is.

`test`, `validation`, `valtest` (both together) after 200 epochs and `12ep` (validation) are means
over seeds; the others are single trainings measured elsewhere, on CIFAR-10 and in the official
skeleton alone: `float`, `int8.ptq`, `int8.qat`, `analog` and its kin of one training, and
`robust.<attack>.<eps>`. `best` is the rule: measured test, else measured validation, else an
estimate.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchsuite.errors import UserError, did_you_mean
from benchsuite.table.columns import DATASETS, Column
from benchsuite.table.table import Table

BEST = "best"
_MEANS = {
    "test": "test.200ep.mean",
    "validation": "valid.200ep.mean",
    "valtest": "valtest.200ep.mean",
    "12ep": "valid.12ep.mean",
}
_BY_RULE = ("test", "validation")
_CALLED = {
    "test": "test accuracy after 200 epochs",
    "validation": "validation accuracy after 200 epochs",
    "valtest": "validation and test accuracy after 200 epochs",
    "12ep": "validation accuracy after 12 epochs",
}


def column_of(table: Table, truth: str = BEST, dataset: str = DATASETS[0]) -> str:
    """Return the full name of the column that a truth is on a dataset.

    Raises UserError for an unknown truth or dataset, and for one that the table does not hold.
    """
    return _chosen(table, truth, dataset)[1]


def truths_of(table: Table, dataset: str | None = None) -> list[str]:
    """Return the truths that a table holds, of one dataset or of any, without `best`."""
    found = {
        name: None
        for of in ([dataset] if dataset else DATASETS)
        for name in (*_MEANS, *_elsewhere(table, of))
        if _stem(table, name, of)
    }
    return list(found)


def about(table: Table, truth: str = BEST, datasets: Sequence[str] = DATASETS) -> str:
    """Return the clause that says which column a truth was on each dataset: measured or ESTIMATED.

    Raises UserError as `column_of` does.
    """
    said: dict[str, list[str]] = {}
    for dataset in datasets:
        name, full = _chosen(table, truth, dataset)
        said.setdefault(_said(name, table.columns[full]), []).append(dataset)
    if len(said) == 1:
        return next(iter(said))
    return "; ".join(f"{', '.join(of)}: {text}" for text, of in said.items())


def is_estimated(table: Table, truth: str = BEST, datasets: Sequence[str] = DATASETS) -> bool:
    """Return whether a truth is an estimate of this project on any of the datasets."""
    return any(table.columns[column_of(table, truth, of)].estimated for of in datasets)


def _chosen(table: Table, truth: str, dataset: str) -> tuple[str, str]:
    """Return which truth a name means, the rule applied, and the column it is."""
    if dataset not in DATASETS:
        raise UserError(
            f"There is no dataset {dataset!r}; there are {', '.join(DATASETS)}."
            + did_you_mean(dataset, DATASETS)
        )
    if truth == BEST:
        held = {name: stem for name in _BY_RULE if (stem := _stem(table, name, dataset))}
        if not held:
            raise UserError(f"The table holds no accuracy of {dataset} after 200 epochs.")
        columns = {name: table.resolve(stem) for name, stem in held.items()}
        measured = (n for n, full in columns.items() if not table.columns[full].estimated)
        name = next(measured, next(iter(held)))
        return name, columns[name]
    stem = _stem(table, truth, dataset)
    if stem:
        return truth, table.resolve(stem)
    known = truths_of(table)
    where = [of for of in DATASETS if _stem(table, truth, of)]
    if where:
        raise UserError(f"{truth} is not measured on {dataset}, only on {', '.join(where)}.")
    raise UserError(
        f"The table holds no accuracy {truth!r}; it holds {', '.join((BEST, *known))}."
        + did_you_mean(truth, (BEST, *known))
        + " `benchsuite fetch` brings more."
    )


def _stem(table: Table, truth: str, dataset: str) -> str | None:
    """Return the short name of the column of a truth, None where the table has none."""
    if truth not in _MEANS:
        return _elsewhere(table, dataset).get(truth)
    stem = f"{dataset}.{_MEANS[truth]}"
    return stem if any(column.stem == stem for column in table.columns.values()) else None


def _elsewhere(table: Table, dataset: str) -> dict[str, str]:
    """Return the accuracies of single trainings measured elsewhere: truth -> short column name."""
    return {
        column.aggregation.replace("_", "."): column.stem
        for column in table.columns.values()
        if column.kind == "accuracy"
        and column.dataset == dataset
        and column.epochs is None
        and column.aggregation
    }


def _said(truth: str, column: Column) -> str:
    what = _CALLED.get(truth, f"{truth}: {column.description}")
    return f"{what}, " + ("ESTIMATED" if column.estimated else f"measured ({column.release})")
