"""Mean power of a part while it computes: what turns seconds into joules.

    energy = power * latency

Over MLPerf Tiny's energy runs a board draws nearly the same power whatever network it runs; between
set-ups of one part (supply, converter, operating system) it differs by half. So power belongs to a
set-up, and a part of which no set-up was measured has no energy.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchsuite.errors import UserError

_PLAUSIBLE = (1e-4, 50.0)


@dataclass(frozen=True)
class Power:
    """Mean power of one set-up at the device's clock.

    watts: W; error: by how much a network is off that was not among those measured, as a fraction;
    source: the set-up and who measured it. Raises UserError for what cannot be, as milliwatts.

    >>> Power(0.0417, 0.05, "my board, 1.8 V").watts
    0.0417
    """

    watts: float
    error: float
    source: str

    def __post_init__(self) -> None:
        for name, value, (least, most) in (
            ("watts", self.watts, _PLAUSIBLE),
            ("error", self.error, (0.0, 1.0)),
        ):
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not least <= value <= most:
                raise UserError(
                    f"The {name} of a power lie between {least:g} and {most:g}, not {value!r}: "
                    "41.7 mW are 0.0417 W, 5 % are 0.05."
                )
        if not isinstance(self.source, str) or not self.source:
            raise UserError("A power needs its source: which set-up, measured by whom.")
