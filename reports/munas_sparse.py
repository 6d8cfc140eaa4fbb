"""Sparse networks within limits of size beside dense ones (muNAS Table 4)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchsuite.api import Report, Result
from benchsuite.deployment.compressed import Compressed, all_bytes
from benchsuite.deployment.response import apply, response, without_each
from benchsuite.reports._common.searches import Claim, spelt, with_ends
from benchsuite.reports._common.tables import about_accuracy, accuracy, kind, published
from benchsuite.reports._common.verdicts import not_here
from benchsuite.space.cell import connected
from benchsuite.space.network import STAGES, Skeleton
from benchsuite.stats import intervals
from benchsuite.stats.intervals import SEEDS
from benchsuite.table.table import Table

SPARSE = "sparse: ESTIMATED accuracy"
LIMITS_KB = (25, 40, 60, 80, 120, 160, 240)
DENSITIES = (1.0, 0.7, 0.5, 0.3, 0.2, 0.1)
SMALL = Skeleton(cells_per_stage=1)


def _make(table: Table) -> Result:
    rows = _rows(table)
    return Result(
        tables={"munas_sparse": rows, "munas_sparse_printed": published("munas_sparse")},
        notes=(
            about_accuracy(table),
            "Of the cells with a path, one per stage, whose weights at one density of all stages "
            "fit the limit, the one with the highest CIFAR-10 test accuracy as compressed, of "
            f"equal ones the lowest index; densities {', '.join(f'{d:g}' for d in DENSITIES)}, 8 "
            "bits. Accuracies with fewer weights are ESTIMATED through the compression response, "
            "with 95 % intervals of its error (without each of its cells, jackknife); `dense` are "
            "those of the table, as they are, where the response would take "
            f"{_for_bits():.2%} of the accuracy above chance for 8 bits, which sparse ones bear "
            "too. Size: non-zero weights and the entropy of where they are (`skeleton.bytes`); "
            "muNAS counts parameters that are not zero. No bound of latency or memory, as there. "
            "munas_sparse_printed: accuracy [%] and size as printed; "
            "which of Chars74K, its binary form and CIFAR-10 each of the first three pairs is of "
            "is lost in our text of the paper; the last is that of MNIST in its Table 2.",
            *(claim.sentence for claim in _claims(rows, kind(table))),
        ),
    )


def claims(table: Table) -> list[Claim]:
    """Return what muNAS says of sparse models, and what the response says."""
    return _claims(_rows(table), kind(table))


def _claims(rows: pd.DataFrame, what: str) -> list[Claim]:
    both = rows.dropna()
    ahead = (both[SPARSE + end] - both[f"dense: {what}"] for end in ("", " lo", " hi"))
    said = ", ".join(
        f"{gain:.2f} [{low:.2f}, {high:.2f}] at {limit:g} kB"
        for limit, gain, low, high in zip(both["limit [kB]"], *ahead, strict=True)
    )
    return [
        Claim(
            "muNAS",
            "appendix B",
            "sparse networks reduce the size further without sacrificing accuracy",
            f"at sizes that dense cells keep too, the best sparse one is ahead by {said} points",
            not_here(
                f"it rests on the {len(without_each())} cells of the compression response alone, "
                f"{SEEDS} are needed"
            ),
        )
    ]


def _for_bits() -> float:
    """Return what 8 bits alone take of the accuracy above chance, by the response."""
    return 1 - response().fraction(Compressed())


def _rows(table: Table) -> pd.DataFrame:
    dense, kept = accuracy(table, "cifar10"), response()
    forms = {density: Compressed(densities=(density,) * STAGES) for density in DENSITIES}
    sizes = {density: all_bytes(SMALL, form) / 1e3 for density, form in forms.items()}
    values = {
        density: apply(dense, kept.fraction(form), SMALL.classes) for density, form in forms.items()
    }
    rows = []
    for limit in LIMITS_KB:
        found = {
            density: np.where(connected() & (sizes[density] <= limit), values[density], -np.inf)
            for density in DENSITIES
        }
        best = max(DENSITIES[1:], key=lambda density: float(found[density].max()))
        cell, whole = (int(found[density].argmax()) for density in (best, 1.0))
        sparse, fits = float(found[best][cell]), np.isfinite(found[1.0][whole])
        without = [
            apply(dense[cell], each.fraction(forms[best]), SMALL.classes) for each in without_each()
        ]
        ends = with_ends(intervals.jackknife(sparse, without))
        rows.append(
            {
                "limit [kB]": limit,
                "index, dense": whole if fits else "-",
                f"dense: {kind(table)}": float(dense[whole]) if fits else np.nan,
                "index, sparse": cell if np.isfinite(sparse) else "-",
                "density": best,
                "size [kB]": float(sizes[best][cell]),
                **spelt(SPARSE, ends if np.isfinite(sparse) else (np.nan,) * 3),
            }
        )
    return pd.DataFrame(rows)


REPORT = Report(
    title="Table 4: sparse networks",
    answers="muNAS (2021), Table 4: sparse networks by size, beside dense ones",
    make=_make,
    group="muNAS",
)
