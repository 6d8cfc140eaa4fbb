"""Kendall tau of proxies: published figures beside ours, by the same rule for cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from benchsuite import stats
from benchsuite.api import Report, Result
from benchsuite.correlate import CELLS, mask
from benchsuite.errors import UserError
from benchsuite.table import Table

PUBLISHED = Path(__file__).parent / "published_tau.csv"
EXPECTED = 0.03


def _make(table: Table) -> Result:
    published = pd.read_csv(PUBLISHED)
    rows = [row for record in published.to_dict("records") for row in _rows(table, record)]
    kind = "estimated accuracy" if table.estimated else "accuracy"
    return Result(
        tables={"paper_versus_ours": pd.DataFrame(rows)},
        notes=(
            f"Kendall tau-b with 200-epoch test {kind}. "
            + "; ".join(f"{rule} = {what}" for rule, (what, _) in CELLS.items())
            + ". n: cells with a score. tau leaves out the others, `missing last` ranks them below "
            "all; the papers do not say which of the two theirs is.",
            f"within: whether either of ours is within {EXPECTED} of the published one. Theirs: "
            "mean of five runs, batch 64, gradients on images, the rest on Gaussian noise. Ours: "
            "the settings in the descriptions of the columns (`benchsuite ls columns`).",
        ),
    )


def _rows(table: Table, record: dict[str, object]) -> list[dict[str, object]]:
    """Return the row of one published figure, or none if the table lacks the proxy."""
    try:
        name = table.resolve(str(record["proxy"]))
    except UserError:
        return []
    direction = table.columns[name].direction
    chosen = mask(str(record["cells"]))
    score = table.values(name)[chosen]
    truth = table.values(f"{record['dataset']}.test.200ep.mean")[chosen]
    ours = stats.kendall(score, truth, direction=direction)
    upward = score if direction == "max" else -score
    worst = np.nanmin(upward) - 1 if np.isfinite(upward).any() else 0.0
    last = stats.kendall(np.where(np.isfinite(upward), upward, worst), truth)
    theirs = float(str(record["tau"]))
    gap = min(abs(value - theirs) for value in (ours.value, last.value))
    return [
        {
            "proxy": name,
            "dataset": record["dataset"],
            "cells": record["cells"],
            "n": ours.n,
            "published": theirs,
            "tau": ours.value,
            "missing last": last.value,
            "difference": ours.value - theirs,
            "within": "yes" if gap <= EXPECTED else "no",
            "source": f"{record['source']}, {record['where']}",
        }
    ]


REPORT = Report(
    title="Proxies: paper and ours",
    answers="VKDNW (CVPR 2025), Table 1, and its authors' run on all cells",
    make=_make,
)
