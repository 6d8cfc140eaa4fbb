"""The truths that a score may be judged by, and which column of a table each of them is.

`test`, `validation`, `valtest` (both together) after 200 epochs and `12ep` (validation) are means
over seeds; the others are single trainings measured elsewhere, on CIFAR-10 and in the official
skeleton alone: `float`, `int8.ptq`, `int8.qat`, `analog` and its kin of one training, and
`robust.<attack>.<eps>`, where an epsilon is its value: 1, 1.0. `best` is the rule: measured test,
else measured validation, else an estimate; `measured` is the same without the estimate, and `int8`
is `int8.ptq`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NoReturn

from benchsuite.errors import UserError, did_you_mean, some
from benchsuite.table.columns import DATASETS, Column
from benchsuite.table.table import Table

BEST = "best"
MEASURED = "measured"
_ALSO = {"int8": "int8.ptq"}
_EPSILON = re.compile(r"(robust\.\w+)\.(\d+\.?\d*|\.\d+)")
_MEANS = {
    "test": "test.200ep.mean",
    "validation": "valid.200ep.mean",
    "valtest": "valtest.200ep.mean",
    "12ep": "valid.12ep.mean",
}
_BY_RULE = ("test", "validation")
_SPLITS = {"test": "test", "valid": "validation", "valtest": "validation and test"}


def column_of(table: Table, truth: str = BEST, dataset: str = DATASETS[0]) -> str:
    """Return the full name of the column that a truth is on a dataset.

    Raises UserError for an unknown truth or dataset, and for one that the table does not hold.
    """
    if dataset not in DATASETS:
        raise UserError(
            f"There is no dataset {dataset!r}; there are {', '.join(DATASETS)}."
            + did_you_mean(dataset, DATASETS)
        )
    asked, truth = truth, _meant(truth)
    if truth not in (BEST, MEASURED):
        return table.resolve(_stem(table, truth, dataset) or _lacking(table, asked, dataset))
    held = [table.resolve(s) for name in _BY_RULE if (s := _stem(table, name, dataset))]
    if not held:
        raise UserError(f"The table holds no accuracy of {dataset} after 200 epochs.")
    measured = next((full for full in held if not table.columns[full].estimated), "")
    if truth == MEASURED and not measured:
        raise UserError(
            f"No accuracy of {dataset} after 200 epochs is measured here, only estimated; "
            "`benchsuite fetch` brings more."
        )
    return measured or held[0]


def truths_of(table: Table, dataset: str | None = None) -> list[str]:
    """Return the truths that a table holds, of one dataset or of any, without `best`."""
    found = {
        name: None
        for of in ([dataset] if dataset else DATASETS)
        for name in (*_MEANS, *_elsewhere(table, of))
        if _stem(table, name, of)
    }
    return list(found)


def datasets_with(table: Table, truth: str = BEST) -> tuple[str, ...]:
    """Return the datasets on which a table holds a truth; all where it holds it on none."""
    stems = _BY_RULE if truth in (BEST, MEASURED) else (_meant(truth),)
    return tuple(d for d in DATASETS if any(_stem(table, t, d) for t in stems)) or DATASETS


def about(table: Table, truth: str = BEST, datasets: Sequence[str] = DATASETS) -> str:
    """Return the clause that says which column a truth was on each dataset: measured or ESTIMATED.

    Raises UserError as `column_of` does.
    """
    return about_columns(table, [column_of(table, truth, dataset) for dataset in datasets])


def about_columns(table: Table, names: Iterable[str]) -> str:
    """Return the clause that says what columns of accuracy, named in full, are, as `about`."""
    said: dict[str, list[str]] = {}
    for column in (table.columns[name] for name in dict.fromkeys(names)):
        said.setdefault(_said(column), []).append(str(column.dataset))
    if len(said) == 1:
        return next(iter(said))
    return "; ".join(f"{', '.join(of)}: {text}" for text, of in said.items())


def is_estimated(table: Table, truth: str = BEST, datasets: Sequence[str] = DATASETS) -> bool:
    """Return whether a truth is an estimate of this project on any of the datasets."""
    return any(table.columns[column_of(table, truth, of)].estimated for of in datasets)


def _meant(truth: str) -> str:
    """Return the name of a truth as tables have it, whatever an epsilon is written as."""
    if found := _EPSILON.fullmatch(truth):
        return f"{found[1]}.{float(found[2]):g}"
    return _ALSO.get(truth, truth)


def _lacking(table: Table, truth: str, dataset: str) -> NoReturn:
    known = truths_of(table)
    where = [of for of in DATASETS if _stem(table, _meant(truth), of)]
    if where:
        raise UserError(f"{truth} is not measured on {dataset}, only on {', '.join(where)}.")
    held = (BEST, MEASURED, *(name for name, of in _ALSO.items() if of in known), *known)
    raise UserError(
        f"The table holds no accuracy {truth!r}; it holds {some(held)}."
        + did_you_mean(truth, held)
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


def _said(column: Column) -> str:
    mean = column.epochs and column.split and f"{_SPLITS[column.split]} accuracy after "
    what = f"{mean}{column.epochs} epochs" if mean else column.description
    return f"{what}, " + ("ESTIMATED" if column.estimated else f"measured ({column.release})")
