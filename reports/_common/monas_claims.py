"""What MONAS says of its searches, and what live searches over seeds say of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchsuite.api import Outcome
from benchsuite.reports._common.monas_searches import (
    F746,
    L432,
    LAMBDA,
    MU,
    RUNTIME,
    live,
    main,
    of,
    searched,
    seeds_of,
)
from benchsuite.reports._common.searches import Claim, spread
from benchsuite.reports._common.tables import accuracy, milliseconds, published
from benchsuite.reports._common.verdicts import above, not_here
from benchsuite.stats import intervals, pareto
from benchsuite.stats.intervals import Estimate
from benchsuite.table.columns import DATASETS
from benchsuite.table.table import Table

RIVALS = "monas_rivals"
BY = (0.5, 0.6, 0.7, 0.8)  # Weights of Table 2, F746.
BOTH = (0.0, 0.5, 0.7, 0.8)  # Weights that were searched for on both parts.
BY_FLOPS = (
    "the authors' table of the STM32L4 is not public, and the reading of the four rows they print "
    "orders operators as FLOPs do"
)


def claims(table: Table, outcomes: Mapping[str, Outcome]) -> list[Claim]:
    """Return what MONAS says of its searches, and what the live ones say."""
    found = main(live())
    return [
        _baseline(table, found, outcomes[RIVALS]),
        _degradation(table, found),
        _te_nas(table, found),
        _speed(table, found),
        _portability(table, found),
        _same_flops(table),
    ]


def _baseline(table: Table, found: pd.DataFrame, rivals: Outcome) -> Claim:
    ours = of(found, F746, MU, 0.0)["cell"]
    zico = rivals.runs.loc[rivals.runs["search"] == "ZiCo", "cell"]
    ahead = [
        intervals.difference(values[ours], values[zico])
        for values in (accuracy(table, dataset) for dataset in DATASETS)
    ]
    return Claim(
        "MONAS",
        "section 4.2.1",
        "the baseline without costs surpasses ZiCo, on three datasets",
        "live searches with mu = 0, minus the best of 1,000 random cells by ZiCo: "
        f"{', '.join(map(spread, ahead))} points on CIFAR-10, CIFAR-100, ImageNet16-120",
        above(*ahead, each=_seconds(found), there=len(ours)),
    )


def _degradation(table: Table, found: pd.DataFrame) -> Claim:
    """Weighing latency: what it costs in accuracy, beside the largest loss that Table 2 prints."""
    theirs = _printed(F746, "cifar10")
    weighed = [value for method, value in theirs.items() if method.startswith("MONAS mu")]
    allowed = theirs["MONAS baseline"] - min(weighed)
    values = accuracy(table, DATASETS[0])[seeds_of(found, MU, [(F746, by) for by in (0.0, *BY)])]
    gains = [intervals.mean(values[:, at] - values[:, 0]) for at in range(1, len(BY) + 1)]
    said = ", ".join(f"{by:g}: {spread(gain)}" for by, gain in zip(BY, gains, strict=True))
    return Claim(
        "MONAS",
        "Fig. 5",
        "weighing latency finds faster cells with minimal loss of accuracy (on CIFAR-10 Table 2 "
        f"prints at most {allowed:.2f} points)",
        f"against mu = 0 of the same seed, points on CIFAR-10 by mu: {said}",
        above(*gains, margin=-allowed, each=_seconds(found, *BY), there=len(values)),
    )


def _te_nas(table: Table, found: pd.DataFrame) -> Claim:
    cell = int(_printed(F746, "cell")["TE-NAS"])
    parts = [
        intervals.mean(values[of(found, F746, MU, 0.5)["cell"]] - values[cell])
        for values in (accuracy(table, dataset) for dataset in DATASETS)
    ]
    said = ", ".join(spread(part) for part in parts)
    return Claim(
        "MONAS",
        "section 4.2.1",
        "the search with mu = 0.5 or 0.6 is even more accurate than TE-NAS, on three datasets",
        f"with mu = 0.5, minus the cell of TE-NAS' row ({cell}): {said} points on CIFAR-10, "
        "CIFAR-100, ImageNet16-120",
        above(*parts, each=_seconds(found, 0.5), there=int(parts[0].n)),
    )


def _speed(table: Table, found: pd.DataFrame) -> Claim:
    theirs, cell = _printed(F746, "speedup"), int(_printed(F746, "cell")["TE-NAS"])
    ms = milliseconds(table, F746, RUNTIME, "cifar10", "official")
    names = {0.5: "MONAS mu=0.5/0.6", 0.8: "MONAS mu=0.8"}
    printed = {by: theirs[name] for by, name in names.items()}
    gains = [
        intervals.mean(np.log(ms[cell] / ms[of(found, F746, MU, by)["cell"]])) for by in printed
    ]
    over = [_less(gain, np.log(by)) for gain, by in zip(gains, printed.values(), strict=True)]
    least, most = printed.values()
    return Claim(
        "MONAS",
        "section 4.2.1",
        f"weighing latency makes cells {least:g} (mu = 0.5) to {most:g} times (mu = 0.8) as fast "
        "as TE-NAS' (what that costs in accuracy is the claim of Fig. 5)",
        f"{_times(gains[0])} and {_times(gains[1])} times, means of ratios on a logarithmic scale",
        above(
            *over,
            unit="in the logarithm of the ratio to the printed",
            each=_seconds(found, *printed),
            there=int(over[0].n),
        ),
    )


def _times(logarithm: Estimate) -> str:
    """Return the ratio of a mean logarithm, with its interval, as text."""
    if logarithm.reason is not None:
        return f"{np.exp(logarithm.value):.2f} ({logarithm.reason})"
    low, high = np.exp(logarithm.interval())
    return f"{np.exp(logarithm.value):.2f} [{low:.2f}, {high:.2f}]"


def _less(estimate: Estimate, by: float) -> Estimate:
    return Estimate(
        estimate.value - by, estimate.error, estimate.skew, estimate.degrees, estimate.n
    )


def _portability(table: Table, found: pd.DataFrame) -> Claim:
    """On the STM32L4: cells searched for it against those searched for the STM32F7."""
    parts = [(device, by) for device in (L432, F746) for by in BOTH]
    own, other = np.split(seeds_of(found, MU, parts), 2, axis=1)
    volumes = hypervolumes(table, own, other)
    ahead = intervals.mean(100 * (volumes[0] - volumes[1]) / np.mean(volumes[1]))
    verdict = above(ahead, unit="%", each=_seconds(found, *BOTH[1:], *BOTH[1:]), there=len(own))
    if by_flops(found):
        verdict = not_here(f"{BY_FLOPS}, so these are searches by FLOPs, whatever the seeds")
    return Claim(
        "MONAS",
        "Fig. 6",
        "cells searched for the STM32F7 do well on the STM32L4; those searched for it do best",
        f"hypervolume of a seed's cells ({', '.join(f'{by:g}' for by in BOTH)}) by latency on the "
        "L4 and mean error, searched for the L4 less that for the F7, in % of the latter's mean "
        f"(reference: {pareto.REFERENCE_RULE}): {spread(ahead, 1)}",
        verdict,
    )


def by_flops(found: pd.DataFrame) -> bool:
    """Tell whether the live searches for the STM32L4 answer, seed by seed, what those by FLOPs do.

    Both are compared at the weights that they share.
    """
    shared = set(searched(found, L432, MU)) & set(searched(found, F746, LAMBDA)) - {0.0}
    pairs = [
        (of(found, L432, MU, by)["cell"].tolist(), of(found, F746, LAMBDA, by)["cell"].tolist())
        for by in sorted(shared)
    ]
    return bool(pairs) and all(own == flops for own, flops in pairs)


def hypervolumes(table: Table, *cells: NDArray[np.int64]) -> tuple[NDArray[np.float64], ...]:
    """Return of each set of cells [S, W] the hypervolume [S] of a seed, by L4 latency and error."""
    ms = milliseconds(table, L432, RUNTIME, "cifar10", "official")
    error = 100 - np.mean([accuracy(table, dataset) for dataset in DATASETS], axis=0)
    points = [np.stack([ms[some], error[some]], axis=-1) for some in cells]
    corner = pareto.reference(*(some.reshape(-1, 2) for some in points))
    return tuple(np.array([pareto.hypervolume(one, corner) for one in some]) for some in points)


def _same_flops(table: Table) -> Claim:
    """Cells of equal FLOPs and parameters: how far their latencies on the STM32L4 are apart."""
    groups = pd.DataFrame(
        {
            "flops": table.values("cifar10.flops"),
            "params": table.values("cifar10.params"),
            "ms": milliseconds(table, L432, RUNTIME, "cifar10", "official"),
        }
    ).groupby(["flops", "params"])["ms"]
    ratio = groups.max() / groups.min()
    printed = _printed(L432, "latency_ms")
    theirs = printed["MONAS mu=0.85"] / printed["MONAS mu=0.88"]
    return Claim(
        "MONAS",
        "section 4.2.2",
        f"cells with equal FLOPs and parameters differ in latency (mu = 0.85, 0.88: {theirs:.2f}x)",
        f"in {int((ratio > 1).sum())} of {len(ratio)} groups of cells with equal FLOPs and "
        f"parameters latencies on the L4 differ, the median group by {ratio.median():.2f}x",
        not_here("latencies of the L4 are read from the printed rows that the claim is of"),
    )


def _seconds(found: pd.DataFrame, *further: float) -> float:
    """Return what a seed takes: the first search, and further weights, which share its measures."""
    alone = of(found, F746, MU, 0.0)["seconds"].mean()
    return float(alone + sum(of(found, F746, MU, by)["seconds"].mean() for by in further))


def _printed(device: str, column: str) -> dict[str, float]:
    """Return a column of the printed rows of a part, by their names."""
    rows = published("monas")
    rows = rows[rows["device"] == device]
    return dict(zip(rows["method"], rows[column].astype(float), strict=True))
