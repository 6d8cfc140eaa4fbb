"""Accuracies under attack: which attacks leave enough to rank cells by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.ranking.truths import column_of, truths_of
from benchsuite.table.columns import DATASETS
from benchsuite.table.table import Table

DATASET = DATASETS[0]
ZEROS = 0.05
NAMES = {"fgsm": "FGSM", "pgd": "PGD", "apgd": "APGD", "square": "Square"}


@dataclass(frozen=True)
class Attack:
    """An attack: its truth (`robust.pgd.1`), accuracies [15625, %] and their share of zeros."""

    truth: str
    accuracy: NDArray[np.float64]

    @property
    def strength(self) -> float:
        """Largest change of a pixel, in 1/255."""
        return float(self.truth.split(".", 2)[2])

    @property
    def kind(self) -> str:
        """Which attack it is, whatever its strength."""
        return self.truth.split(".")[1]

    @property
    def label(self) -> str:
        """The name that people read: `PGD 1`."""
        return f"{NAMES.get(self.kind, self.kind)} {self.strength:g}"

    @property
    def zeros(self) -> float:
        """Share of the cells that are never right."""
        return float((self.accuracy == 0).mean())

    @property
    def ranks(self) -> bool:
        """Whether few enough cells are never right to tell the others apart by it."""
        return self.zeros <= ZEROS


def attacks(table: Table) -> list[Attack]:
    """Return every attack that a table holds, by kind and strength; none where it has none."""
    found = [
        Attack(truth, table.values(column_of(table, truth, DATASET)))
        for truth in truths_of(table, DATASET)
        if truth.startswith("robust.")
    ]
    kinds = list(NAMES)
    return sorted(found, key=lambda a: (kinds.index(a.kind) if a.kind in kinds else 9, a.strength))


def about_left_out(given: list[Attack]) -> str:
    """Return the sentence that says which attacks rank nothing, and why."""
    out = ", ".join(f"{attack.label} ({attack.zeros:.0%})" for attack in given if not attack.ranks)
    return f"Left out, for accuracies of 0 on more than {ZEROS:.0%} of the cells: {out or 'none'}."
