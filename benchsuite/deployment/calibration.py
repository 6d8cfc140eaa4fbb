"""How a board of one's own differs from what its runtime is priced at.

    cycles of an operator = priced cycles * coefficient of its kind

`benchsuite devices calibrate` fits the coefficients to measured latencies of whole networks. The
kinds are those of `KINDS`: dense convolutions larger than 1x1 (`conv`; also those of 1x1 with a
stride, or of channels that are no multiple of 4), `conv1x1`, `depthwise`, `pool`, `elementwise`
(additions, ReLU, affine) and `linear`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from benchsuite.errors import UserError

KINDS = ("conv", "conv1x1", "depthwise", "pool", "elementwise", "linear")


@dataclass(frozen=True)
class Calibration:
    """Coefficients of one runtime on one board.

    factor: measured over priced, of all together, and of the kinds that no measured network holds;
    kinds: coefficient of each of `KINDS` that one does; networks: how many were measured; error,
    within: mean relative error of a network left out, and what nine of ten are within, None of one
    network; source: what was measured, by whom. Raises UserError for what cannot be.

    >>> board = Calibration(1.1, {"conv": 1.2}, 2, 0.03, 0.05, "my board")
    >>> board.coefficient("conv"), board.coefficient("depthwise")
    (1.2, 1.1)
    """

    factor: float
    kinds: Mapping[str, float] = field(hash=False)
    networks: int
    error: float | None
    within: float | None
    source: str

    def __post_init__(self) -> None:
        if not isinstance(self.kinds, Mapping) or not set(self.kinds) <= set(KINDS):
            raise UserError(
                f"The kinds of a calibration map {', '.join(KINDS)} to coefficients; they are "
                f"{self.kinds!r}."
            )
        for value in (self.factor, *self.kinds.values()):
            if not _is_number(value) or not 0 < value < math.inf:
                raise UserError(f"A coefficient of a calibration is above 0, not {value!r}.")
        if isinstance(self.networks, bool) or not (
            isinstance(self.networks, int) and self.networks > 0
        ):
            raise UserError(f"A calibration is of 1 network or more, not {self.networks!r}.")
        for off in (self.error, self.within):
            if off is not None and not (_is_number(off) and 0 <= off < math.inf):
                raise UserError(f"An error of a calibration is 0 or more, or None, not {off!r}.")
        if not isinstance(self.source, str) or not self.source:
            raise UserError("A calibration needs its source: what was measured, by whom.")

    def coefficient(self, kind: str) -> float:
        """Return the coefficient of a kind of operator."""
        return self.kinds.get(kind, self.factor)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
