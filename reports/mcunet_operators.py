"""Accuracy found in spaces of fewer operators by the operations of their cells (MCUNet Fig. 10)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchsuite import stats
from benchsuite.api import Report, Result
from benchsuite.reports._common.searches import LEVEL, Claim, interval, spelt, spread
from benchsuite.reports._common.style import COLOURS, COLUMN_WIDTH, new_figure, tidy
from benchsuite.reports._common.tables import about_accuracy, accuracy, kind
from benchsuite.reports._common.verdicts import above
from benchsuite.space import cost
from benchsuite.space.cell import EDGES, OPS, all_ops, connected
from benchsuite.space.network import Skeleton
from benchsuite.stats import intervals
from benchsuite.table.table import Table

REPEATS, SPACES, OPERATORS, DRAWS = 20, 20, 3, 100
RAM, LIMIT = "ram.tinyengine.cifar10.mcu", 56 * 1024
Array = NDArray[np.float64]


def _make(table: Table) -> Result:
    rows = spaces(table)
    return Result(
        tables={"mcunet_operators": _rows(rows, kind(table))},
        figures={"mcunet_operators": _figure(rows, kind(table))},
        notes=(
            about_accuracy(table),
            f"Accuracies exist at one width and resolution, so a space here is {OPERATORS} "
            f"operators of the {len(OPS)} on every edge, drawn at random; {REPEATS} repeats of "
            f"{SPACES} spaces. Of each, as in the paper: the mean MACs of its cells that fit "
            f"{LIMIT // 1024} KiB by TinyEngine's rule, and the test {kind(table)} of what random "
            f"search finds by validation among those in {DRAWS} trainings. Cells without an "
            f"input-output path are left out. tau: of a repeat's spaces; lo, hi: {LEVEL}.",
            *(claim.sentence for claim in _claims(rows)),
        ),
    )


def claims(table: Table) -> list[Claim]:
    """Return what MCUNet says of its spaces, and what those of fewer operators say."""
    return _claims(spaces(table))


def _claims(rows: pd.DataFrame) -> list[Claim]:
    tau = intervals.mean(_taus(rows))
    return [
        Claim(
            "MCUNet",
            "Fig. 10",
            "a search space of higher mean FLOPs leads to a higher final accuracy",
            f"Kendall's tau between the two over spaces is {spread(tau)}",
            above(tau, unit="of tau"),
        )
    ]


def spaces(table: Table) -> pd.DataFrame:
    """Return, per repeat and space, mean MACs [M] of the cells that fit and the accuracy found."""
    test = accuracy(table, "cifar10")
    valid = table.values("cifar10.valid.200ep.mean")
    macs = cost.all_deployed_macs(Skeleton(cells_per_stage=1)) / 1e6
    fits = np.flatnonzero(connected() & (table.values(RAM) <= LIMIT))
    ops = all_ops()[fits]
    rows = []
    for repeat in range(REPEATS):
        rng = np.random.default_rng(repeat)
        for _ in range(SPACES):
            allowed = np.zeros((len(EDGES), len(OPS)), dtype=bool)
            for edge in allowed:
                edge[rng.choice(len(OPS), OPERATORS, replace=False)] = True
            cells = fits[allowed[np.arange(len(EDGES)), ops].all(axis=1)]
            if not len(cells):
                continue
            drawn = rng.choice(cells, DRAWS)
            found = int(drawn[valid[drawn].argmax()])
            rows.append((repeat, len(cells), float(macs[cells].mean()), float(test[found])))
    return pd.DataFrame(rows, columns=["repeat", "cells", "macs", "found"])


def _taus(rows: pd.DataFrame) -> Array:
    groups = rows.groupby("repeat")
    return np.array([stats.kendall(of["macs"], of["found"]).value for _, of in groups])


def _rows(rows: pd.DataFrame, what: str) -> pd.DataFrame:
    """Return the spaces by quarters of their mean MACs, and tau over repeats."""
    quarter = pd.qcut(rows["macs"], 4, labels=False)
    table = [
        {
            "spaces": f"quarter {int(at) + 1} by MACs",
            "n": len(of),
            "mean MACs [M]": float(of["macs"].mean()),
            f"test {what}": float(of["found"].mean()),
        }
        for at, of in rows.groupby(quarter)
    ]
    tau = spelt("tau", interval(_taus(rows)), "lo", "hi")
    return pd.DataFrame([*table, {"spaces": "all", "n": len(rows), **tau}])


def _figure(rows: pd.DataFrame, what: str) -> Figure:
    figure = new_figure(COLUMN_WIDTH, 2.7)
    axes = figure.subplots()
    axes.plot(rows["macs"], rows["found"], "o", markersize=2.5, alpha=0.5, color=COLOURS["cifar10"])
    axes.set_xlabel("mean MACs of the cells that fit [M]")
    axes.set_ylabel(f"CIFAR-10 test\n{what}\nof what is found [%]")
    tidy(axes)
    return figure


REPORT = Report(
    title="Fig. 10: spaces of fewer operators",
    answers="MCUNet (2020), Fig. 10: does a space of more operations lead to more accuracy?",
    make=_make,
    group="MCUNet",
)
