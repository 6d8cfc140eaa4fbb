"""What the costs of all sizes and the proxies of a sample say about each other, as tables.

No accuracy is known here. What is asked is what a score, a latency or a memory is a function of,
where all networks have one cell and differ in widths alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchsuite.assembly.shipped import FOLDER
from benchsuite.sizes.costs import WIDTHS
from benchsuite.space import cost
from benchsuite.space.cell import connected
from benchsuite.space.network import OFFICIAL
from benchsuite.stats import kendall, partial_kendall
from benchsuite.table.columns import stem
from benchsuite.table.table import Table

Columns = Mapping[str, NDArray[Any]]
_KIB = 1024
_LEVEL = 0.01  # Networks whose FLOPs differ by less than this count as equal in FLOPs.


def proxies(costs: Columns, scores: Columns) -> pd.DataFrame:
    """Return a row per score: what of it is size, as tau-b.

    flops, params: with these; params_at_flops: with parameters, FLOPs held fixed (partial tau);
    cells: with FLOPs over the connected cells of NAS-Bench-201, where a column ships; width1 ...:
    with the widths. The first two rows are of FLOPs and parameters themselves.
    costs: of the networks that are scored.
    """
    size = {name: costs[name] for name in ("flops", "params")}
    cells = _of_cells(tuple(scores))
    return pd.DataFrame(
        [
            {
                "score": name,
                **{other: kendall(values, of).value for other, of in size.items()},
                "params_at_flops": partial_kendall(values, costs["params"], costs["flops"]).value,
                "cells": cells.get(name, np.nan),
                **{width: kendall(values, costs[width]).value for width in WIDTHS},
            }
            for name, values in {**size, **scores}.items()
        ]
    )


def pairs(costs: Columns, scores: Columns) -> pd.DataFrame:
    """Return a row per pair of scores: tau-b, and the partial ones with a size held fixed.

    Those that agree the most, or disagree, where FLOPs are held fixed, come first.
    """
    found = pd.DataFrame(
        [
            {
                "score": one,
                "other": other,
                "tau": kendall(scores[one], scores[other]).value,
                **{
                    f"{held}_held": partial_kendall(scores[one], scores[other], costs[held]).value
                    for held in ("flops", "params")
                },
            }
            for one, other in itertools.combinations(scores, 2)
        ],
        columns=["score", "other", "tau", "flops_held", "params_held"],
    )
    return found.sort_values("flops_held", key=abs, ascending=False, kind="stable")


def latencies(costs: Columns) -> pd.DataFrame:
    """Return a row per part and runtime: how far FLOPs tell the latency.

    tau: with FLOPs; ns_per_mac: nanoseconds per multiply-accumulate, the median network and the
    ends of the middle 98 %; apart: the most by which the latencies of two networks differ, as a
    ratio, whose FLOPs differ by less than 1 %; seen: share of the cycles of operators that were
    counted, or lie between those that were counted or fitted, on average.
    """
    found = []
    for name, seconds in costs.items():
        if not name.startswith("latency."):
            continue
        _, device, runtime = name.split(".")
        low, middle, high = np.quantile(1e9 * seconds / costs["macs"], [0.01, 0.5, 0.99])
        found.append(
            {
                "device": device,
                "runtime": runtime,
                "tau": kendall(seconds, costs["flops"]).value,
                "ns_per_mac": middle,
                "low": low,
                "high": high,
                "apart": _apart(costs["flops"], seconds),
                "seen": costs[f"seen.{device}.{runtime}"].mean(),
            }
        )
    return pd.DataFrame(found)


def memories(costs: Columns) -> pd.DataFrame:
    """Return a row per convention of RAM and for flash: levels, least and most KiB, tau-b.

    levels: different values; tau with FLOPs, parameters and each width.
    """
    against = ("flops", "params", *WIDTHS)
    return pd.DataFrame(
        [
            {
                "memory": name,
                "levels": len(np.unique(values)),
                "least": values.min() / _KIB,
                "most": values.max() / _KIB,
                **{other: kendall(values, costs[other]).value for other in against},
            }
            for name, values in costs.items()
            if name.startswith(("ram.", "flash."))
        ]
    )


def _apart(flops: NDArray[Any], seconds: NDArray[Any]) -> float:
    """Return the largest ratio of seconds of networks whose FLOPs differ by less than `_LEVEL`."""
    order = np.argsort(flops, kind="stable")
    sorted_flops, sorted_seconds = flops[order].astype(np.float64), seconds[order]
    ends = np.searchsorted(sorted_flops, sorted_flops * (1 + _LEVEL), side="left")
    found = 1.0
    for start, end in enumerate(ends.tolist()):
        group = sorted_seconds[start:end]
        found = max(found, float(group.max() / group.min()))
    return found


def _of_cells(names: Sequence[str]) -> dict[str, float]:
    """Return tau-b with FLOPs over the connected cells of NAS-Bench-201 of what ships."""
    kept, flops = connected(), cost.all_flops(OFFICIAL["cifar10"])
    found = {}
    for path in sorted(FOLDER.glob("proxies*.parquet")):
        table = Table.open(path)
        for full in table:
            if (name := stem(full)) in names:
                found[name] = kendall(table.values(full)[kept], flops[kept]).value
    return found
