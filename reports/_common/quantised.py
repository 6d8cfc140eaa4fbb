"""The one training of every cell that was also quantised to int8: its columns, and who has them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.errors import UserError
from benchsuite.table.table import Table

DATASET = "cifar10"
SKELETON = "official"
METHODS = {"PTQ": "int8_ptq", "QAT": "int8_qat"}
ABOUT = (
    "Float and int8 are CIFAR-10 test accuracies of one and the same training of the official "
    "network, another one than NAS-Bench-201's (AnalogNAS-Bench): PTQ quantised after training, "
    "QAT after 20 more epochs that are aware of it."
)
NOT_MEASURED = "not measured"
INT8, FLOAT = "int8", "float (same training)"
ABOUT_DEPLOYED = (
    f"{INT8}: CIFAR-10 test accuracy of the official network quantised after training (PTQ), as a "
    f"part would run it; {FLOAT}: of the same training before, another one than that of the other "
    "accuracies (AnalogNAS-Bench). The difference of these two is what int8 costs; for other data "
    f"sets and networks neither is measured. Nothing is chosen by them."
)
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Training:
    """Test accuracies [15625, %] of one training: in float, and in int8 by method of `METHODS`."""

    float32: Array
    int8: dict[str, Array]

    def change(self, method: str) -> Array:
        """Return int8 minus float [15625, points]."""
        return self.int8[method] - self.float32


def training(table: Table) -> Training:
    """Return the training; UserError where the table has none."""
    missing = [name for name in ("float", *METHODS.values()) if not _has(table, name)]
    if missing:
        raise UserError(
            f"The table has no accuracy in int8 beside that in float ({', '.join(missing)}): the "
            "package analog-nasbench, which holds them, was not read."
        )
    float32, *int8 = (table.values(_stem(name)) for name in ("float", *METHODS.values()))
    return Training(float32, dict(zip(METHODS, int8, strict=True)))


class Deployed:
    """What cells of a table would show once deployed: int8 beside float of the same training."""

    def __init__(self, table: Table) -> None:
        """Read the training; a table without it has nothing measured."""
        try:
            self._of: Training | None = training(table)
        except UserError:
            self._of = None

    def row(self, cell: int, dataset: str, skeleton: str) -> dict[str, float | str]:
        """Return the two columns of a cell, `not measured` where no such network was trained."""
        if self._of is None or cell < 0 or (dataset, skeleton) != (DATASET, SKELETON):
            return {INT8: NOT_MEASURED, FLOAT: NOT_MEASURED}
        return {
            INT8: float(self._of.int8["PTQ"][cell]),
            FLOAT: float(self._of.float32[cell]),
        }


def _stem(name: str) -> str:
    return f"{DATASET}.test.{name}"


def _has(table: Table, name: str) -> bool:
    return any(column.stem == _stem(name) for column in table.columns.values())
