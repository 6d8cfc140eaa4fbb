"""Which proxies say the same: Kendall tau of proxy against proxy, clustered."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from benchsuite import stats
from benchsuite.api import Report, Result
from benchsuite.errors import UserError
from benchsuite.reports._common import words
from benchsuite.reports._common.style import PAGE_WIDTH, colour_bar, heatmap, new_figure
from benchsuite.reports._common.tables import (
    DEAD,
    about_repeats,
    headline_proxies,
    partial,
    upward,
)
from benchsuite.table.columns import stem
from benchsuite.table.table import Table


def _make(table: Table) -> Result:
    names = headline_proxies(table)
    if len(names) < 2:
        raise UserError("The table holds one proxy; agreement is between two or more.")
    scores = np.array([upward(table, name) for name in names])
    tau = _matrix(scores)
    apart = 1 - np.nan_to_num(tau)
    order = leaves_list(linkage(squareform(apart, checks=False), "average", optimal_ordering=True))
    names = [names[i] for i in order]
    scores, tau = scores[order], tau[np.ix_(order, order)]
    both = np.isfinite(scores).astype(int) @ np.isfinite(scores).T
    few = partial(pd.Series(both.diagonal(), index=names))
    matrix = pd.DataFrame(tau, columns=[stem(name) for name in names])
    matrix.insert(0, "proxy", [stem(name) for name in names])
    return Result(
        tables={"proxy_agreement": matrix, "proxy_agreement_pairs": _pairs(names, tau, both)},
        figures={"proxy_agreement": _figure(words.starred(names, few), tau)},
        notes=(
            "tau-b between proxies, every one turned so that more is better, over the cells that "
            f"have both. {DEAD} (those that need no network score them). Order: average linkage "
            f"on 1 - tau{', 0 for one that is not defined' * bool(np.isnan(tau).any())}. "
            "proxy_agreement_pairs: the 15 pairs that agree most, and the 15 least; n cells have "
            "both. "
            "* scores fewer of the cells with a path than others do: its tau are of other cells. "
            "No accuracy enters; noise between repeats lowers every tau. "
            f"{about_repeats(table)}",
        ),
    )


def _matrix(scores: np.ndarray) -> np.ndarray:
    tau = np.eye(len(scores))
    for i in range(len(scores)):
        for j in range(i):
            tau[i, j] = tau[j, i] = stats.kendall(scores[i], scores[j]).value
    return tau


def _pairs(names: list[str], tau: np.ndarray, both: np.ndarray) -> pd.DataFrame:
    """Return the pairs that agree most and least, each once, of those with a tau."""
    rows = [
        {"proxy": stem(names[i]), "other": stem(names[j]), "tau": tau[i, j], "n": both[i, j]}
        for i in range(len(names))
        for j in range(i)
        if np.isfinite(tau[i, j])
    ]
    ranked = pd.DataFrame(rows, columns=["proxy", "other", "tau", "n"])
    ranked = ranked.sort_values("tau", ascending=False, kind="stable")
    return pd.concat([ranked.head(15), ranked.iloc[15:].tail(15)])


def _figure(labels: list[str], tau: np.ndarray) -> Figure:
    figure = new_figure(PAGE_WIDTH, PAGE_WIDTH * 0.93)
    axes = figure.add_subplot()
    image = heatmap(axes, tau, labels, labels)
    colour_bar(figure, image, axes, "Kendall tau-b between proxies")
    return figure


REPORT = Report(
    title="Proxies: agreement",
    answers="which proxies rank the cells alike, and which add something to others",
    make=_make,
)
