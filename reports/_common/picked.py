"""What the best-scored of so many random cells is worth, exactly, and how draws move it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import t as student

from benchsuite.api import Entry
from benchsuite.reports._common.tables import repeats_of, upward
from benchsuite.table.table import Table

Array = NDArray[np.float64]
WHOLE = "as searched"


def expected(score: Array, truth: Array, drawn: int) -> float:
    """Return the expected truth of the best-scored of `drawn` cells, drawn without replacement.

    score, truth: [N]; cells without either are not drawn; truths of equal scores are averaged. NaN
    where no cell is drawn.
    P(the k-th best is the best drawn) = C(N - k, n - 1) / C(N, n), k from 1.
    """
    known = np.isfinite(score) & np.isfinite(truth)
    s, t = score[known], truth[known]
    total = len(s)
    drawn = min(drawn, total)
    if drawn < 1:
        return float("nan")
    _, group = np.unique(-s, return_inverse=True)
    mean = np.bincount(group, t) / np.bincount(group)
    left = total - np.arange(1, total + 1)
    fits = left >= drawn - 1
    log = np.full(total, -np.inf)
    log[fits] = _log_choose(left[fits], drawn - 1) - _log_choose(np.array([total]), drawn)
    return float((np.exp(log) * mean[np.sort(group)]).sum())


def of_searches(table: Table, searches: Sequence[Entry], truth: Array) -> pd.DataFrame:
    """Return what a study's searches by a proxy alone pick: by scores as searched, and each repeat.

    Scores as searched are means of repeats, a repeat is one draw of weights and images. A cell
    without a score comes last, as in the search.
    """
    return pd.DataFrame(_rows(table, searches, truth), columns=["search", "scores", "pick"])


def _rows(table: Table, searches: Sequence[Entry], truth: Array) -> Iterator[dict[str, object]]:
    repeats = repeats_of(table)
    for entry in searches:
        if entry.strategy != "proxy_top":
            continue
        whole = table.resolve(str(entry.parameters["proxy"]))
        for at, name in enumerate((whole, *repeats.get(whole, ()))):
            score = upward(table, name)
            score = np.where(np.isfinite(score), score, np.nanmin(score) - 1)
            yield {
                "search": entry.label,
                "scores": f"repeat {at - 1}" if at else WHOLE,
                "pick": expected(score, truth, int(entry.parameters["draws"])),
            }


def between_draws(picks: pd.DataFrame) -> dict[str, float]:
    """Return by search how far another draw of its scores may move its pick, at 95 %.

    As far as a mean of as many picks by single repeats lies from its own by chance (Student's t);
    none for scores without repeats, which no draw moves.
    """
    single = picks[picks["scores"] != WHOLE].groupby("search")["pick"]
    return {
        str(search): float(student.ppf(0.975, len(of) - 1) * of.std() / np.sqrt(len(of)))
        for search, of in single
        if len(of) > 1
    }


def _log_choose(n: Array | NDArray[np.int64], k: int) -> Array:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))
