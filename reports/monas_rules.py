"""What MONAS finds where one of its rules is another: on columns, and live at 16 pixels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from benchsuite.api import Entry, Outcome, Report, Result
from benchsuite.reports._common.monas_searches import (
    F746,
    L432,
    MU,
    RUNTIME,
    STUDIES,
    live,
    of,
    settings,
    tabular,
)
from benchsuite.reports._common.searches import spelt
from benchsuite.reports._common.style import NAMES
from benchsuite.reports._common.tables import about_accuracy, accuracy, kind, milliseconds
from benchsuite.space.cell import NONE, all_ops, connected
from benchsuite.table.columns import DATASETS
from benchsuite.table.table import Table

STUDY = "monas_rules"
AS_CODE = "as monas_mu"
_SMALL = {"resolution": 16}
_MS = {F746: "ms STM32F746", L432: "ms STM32L432"}


def _make(table: Table, outcomes: Mapping[str, Outcome]) -> Result:
    found = live()
    measured = pd.DataFrame(_live(table, found))
    tables = {"monas_rules": pd.DataFrame(_tabular(table, outcomes))}
    if len(measured):
        tables["monas_rules_live"] = measured
    return Result(
        tables=tables,
        notes=(
            about_accuracy(table),
            "monas_rules: tabular searches, each with one rule or column other than those of "
            f"`{AS_CODE}`: K_0, 1,000 patches, dense ranks, ties to the operator first in the "
            "space, `none` pruned before the search, costs summed over the operators left. One "
            "answer each, n is 1: it shows what a rule does and is no verdict.",
            "none = true: algorithm 2 as the paper's text has it; positional: tied candidates "
            "stand in the order of operators, so that ties move scores; first: ties to the one "
            "that stands first by K, as in the authors' code; candidate: another batch of images "
            "for K of each candidate and repeat, as there, where one stands for an outer step; "
            "mean: costs of the cells left. ntk_cond.k2: the paper's K_2, "
            "linear_regions.n3000 its code's 3 x 1,000 patches. nones: edges without an operator; "
            "path: whether input and output are connected.",
            "monas_rules_live: live searches of 16x16 pixels and what else differs, over seeds: "
            "least, mean, greatest. Too few seeds for an interval; no verdict rests on them."
            if len(measured)
            else "No live searches of 16x16 pixels ship, so there is no table monas_rules_live.",
        ),
    )


def _tabular(table: Table, outcomes: Mapping[str, Outcome]) -> Iterator[dict[str, object]]:
    plain = tabular({name: outcomes[name] for name in STUDIES})
    for device, by in ((F746, (0.0, 0.5, 0.7, 0.8)), (L432, (0.7, 0.8, 0.85, 0.88))):
        for weight in by:
            cell = int(of(plain, device, MU, weight)["cell"].iloc[0])
            yield _row(table, AS_CODE, device, weight, cell)
    outcome = outcomes[STUDY]
    cells = outcome.runs.set_index("search")["cell"]
    for entry in outcome.study.searches:
        weight = float(entry.parameters["mu"])
        cell = int(cells[[entry.label]].iloc[0])
        yield _row(table, _changed(entry), str(entry.setting.device), weight, cell)


def _changed(entry: Entry) -> str:
    """Return what a search has otherwise, as text."""
    changed = {name: value for name, value in entry.parameters.items() if name != "mu"}
    return ", ".join(f"{name} = {str(value).lower()}" for name, value in changed.items())


def _row(table: Table, rule: str, device: str, weight: float, cell: int) -> dict[str, object]:
    ms = milliseconds(table, device, RUNTIME, "cifar10", "official")
    return {
        "rule": rule,
        "part": device,
        "mu": weight,
        "index": cell,
        "MFLOPs": float(table.values("cifar10.flops")[cell]) / 1e6,
        "ms": float(ms[cell]),
        **{f"{NAMES[d]} {kind(table)}": float(accuracy(table, d)[cell]) for d in DATASETS},
        "nones": int((all_ops()[cell] == NONE).sum()),
        "path": "yes" if connected()[cell] else "no",
    }


def _live(table: Table, found: pd.DataFrame) -> Iterator[dict[str, object]]:
    ms = milliseconds(table, F746, RUNTIME, "cifar10", "official")
    truth = accuracy(table, DATASETS[0])
    for text, changed in settings(found).items():
        if not _SMALL.items() <= changed.items():
            continue
        others = {name: value for name, value in changed.items() if name not in _SMALL}
        rule = ", ".join(f"{n} = {str(v).lower()}" for n, v in others.items()) or "as the paper"
        for weight, some in found[found["setting"] == text].groupby("weight"):
            cells = some["cell"].to_numpy()
            row: dict[str, object] = {"rule": rule, "mu": weight, "n": len(cells)}
            for name, values in (("ms", ms[cells]), (f"CIFAR-10 {kind(table)}", truth[cells])):
                ends = (values.mean(), values.min(), values.max())
                row |= spelt(name, ends, f"{name} least", f"{name} greatest")
            yield row | {"no path": int((~connected()[cells]).sum())}


REPORT = Report(
    title="Rules: what each decides",
    answers="MONAS (2024), algorithm 2: what its open rules change",
    make=_make,
    group="MONAS",
    studies=(*STUDIES, STUDY),
)
