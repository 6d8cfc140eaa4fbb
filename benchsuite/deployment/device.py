"""The contract of a device: the part, and what is known of it that tables and fits do not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike

import numpy as np

from benchsuite.deployment import memory_factor
from benchsuite.deployment.calibration import Calibration
from benchsuite.deployment.power import Power
from benchsuite.errors import UserError


@dataclass(frozen=True)
class Device:
    """A part to deploy on: its core, clock, memories and the runtimes that are known for it.

    core: `cortex-m4`, ...; clock: Hz; sram, flash: bytes, None where the source names none;
    runtimes: ids of `benchsuite.devices._latency.runtimes`; memory_factor: cycles on the part per
    model cycle, for runtimes whose cycles are counted (flash wait states and buses), and
    memory_factor_source: where it comes from; both by default those of the core
    (`benchsuite.deployment.memory_factor`); source: of the facts; power: what it draws on average
    while it computes, None where nobody measured that: then it has no energy; tables: runtime ->
    CSV file of cycles by shape, as `benchsuite profile` writes it, in place of the shipped one or
    of a runtime that ships none; calibrations: runtime -> what was measured on this very board
    (`benchsuite devices calibrate`). Raises UserError for what cannot be: a clock in MHz, memories
    in KiB.
    """

    core: str
    clock: float
    sram: int | None
    flash: int | None
    runtimes: tuple[str, ...]
    source: str
    memory_factor: float = None  # type: ignore[assignment]
    memory_factor_source: str = ""
    power: Power | None = None
    tables: Mapping[str, str | PathLike[str]] = field(default_factory=dict, hash=False)
    calibrations: Mapping[str, Calibration] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        for name in ("core", "source"):
            if not isinstance(getattr(self, name), str):
                raise UserError(f"The {name} of a device is a text, not {getattr(self, name)!r}.")
            if not getattr(self, name):
                raise UserError(f"A device needs its {name}; this one names none.")
        like = self.core.lower().replace("_", "-")
        if like in memory_factor.CALIBRATED and like != self.core:
            raise UserError(f"This core is written {like!r}, not {self.core!r}.")
        self._check_runtimes()
        if not _is_above_0(self.clock):
            raise UserError(f"A device needs a clock above 0 Hz, not {self.clock!r}.")
        _check_plausible("clock", self.clock, _CLOCKS, "Hz", "80 MHz are 80e6")
        of_core = memory_factor.of_core(self.core)
        if self.memory_factor is None:
            object.__setattr__(self, "memory_factor", of_core.value)
            object.__setattr__(self, "memory_factor_source", of_core.source)
        elif not self.memory_factor_source:
            object.__setattr__(self, "memory_factor_source", "stated by the device")
        if not _is_above_0(self.memory_factor):
            raise UserError(f"A memory factor is above 0, not {self.memory_factor!r}.")
        for name in ("clock", "memory_factor"):
            object.__setattr__(self, name, float(getattr(self, name)))
        if not isinstance(self.power, Power | None):
            raise UserError(f"The power of a device is a Power or None, not {self.power!r}.")
        for name in ("sram", "flash"):
            size = getattr(self, name)
            if size is not None and not (_is_above_0(size) and size == int(size)):
                raise UserError(f"A device needs a whole number of bytes of {name}, not {size!r}.")
            if size is not None:
                _check_plausible(name, size, _MEMORIES[name], "bytes", "64 KiB are 64 * 1024")
                object.__setattr__(self, name, int(size))
        self._check_by_runtime("tables", (str, PathLike), "file")
        self._check_by_runtime("calibrations", (Calibration,), "Calibration")

    def _check_runtimes(self) -> None:
        if not self.runtimes:
            raise UserError("A device needs at least one runtime: no latency without one.")
        if not isinstance(self.runtimes, tuple | list):
            raise UserError(f"The runtimes of a device are a tuple, not {self.runtimes!r}.")
        object.__setattr__(self, "runtimes", tuple(self.runtimes))
        for at, runtime in enumerate(self.runtimes):
            if not isinstance(runtime, str) or not runtime.isidentifier():
                raise UserError(f"A runtime's name is letters, digits and _, not {runtime!r}.")
            if runtime in self.runtimes[:at]:
                raise UserError(
                    f"Each runtime of a device is named once; {runtime!r} stands there twice."
                )

    def _check_by_runtime(self, name: str, kinds: tuple[type, ...], what: str) -> None:
        given = getattr(self, name)
        if not isinstance(given, Mapping) or not all(isinstance(v, kinds) for v in given.values()):
            raise UserError(f"The {name} of a device map a runtime to a {what}, not {given!r}.")
        for runtime in given:
            if runtime not in self.runtimes:
                raise UserError(
                    f"The {name} of a device are of its runtimes {', '.join(self.runtimes)}; "
                    f"{runtime!r} is none of them."
                )


# Beyond these a number is in the wrong unit: kHz or MHz, KiB or MiB. The least: slower and smaller
# than any microcontroller that runs a network; the most: faster and larger than any machine.
_CLOCKS = (1e6, 1e10)
_MEMORIES = {"sram": (2048, 10**12), "flash": (4096, 10**12)}


def _check_plausible(
    what: str, value: float, ends: tuple[float, float], unit: str, example: str
) -> None:
    if not ends[0] <= value <= ends[1]:
        raise UserError(
            f"{what} = {value:g} is that of no part that runs networks: it is given in {unit} "
            f"({example}), from {ends[0]:,.0f} to {ends[1]:,.0f}."
        )


def _is_above_0(value: object) -> bool:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return number and bool(0 < value < np.inf)  # type: ignore[operator]
