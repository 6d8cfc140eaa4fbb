"""The cores that can be emulated: how to compile for one, how to run it, how it counts cycles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from benchsuite.errors import UserError, did_you_mean

Isa = Literal["thumb", "riscv32", "aarch64"]


@dataclass(frozen=True)
class Core:
    """One processor core; zig, gcc: the arguments that choose it, empty where not served."""

    name: str
    isa: Isa
    zig: tuple[str, ...]
    gcc: tuple[str, ...] = ()

    @property
    def pointer_bytes(self) -> int:
        """Size of a pointer."""
        return 8 if self.isa == "aarch64" else 4


def _cortex_m(name: str, cpu: str, fpu: str) -> Core:
    return Core(
        name,
        "thumb",
        ("-target", "thumb-freestanding-eabihf", f"-mcpu={cpu.replace('-', '_')}"),
        ("-mthumb", f"-mcpu={cpu}", "-mfloat-abi=hard", f"-mfpu={fpu}"),
    )


CORES = {
    core.name: core
    for core in (
        _cortex_m("cortex-m4", "cortex-m4", "fpv4-sp-d16"),
        _cortex_m("cortex-m7", "cortex-m7", "fpv5-sp-d16"),
        Core(
            "rv32imc",
            "riscv32",
            ("-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m+c"),
        ),
        Core(
            "cortex-a53",
            "aarch64",
            ("-target", "aarch64-freestanding-none", "-mcpu=cortex_a53"),
        ),
    )
}


def core(name: str) -> Core:
    """Return one of `CORES`. Raises UserError for any other name."""
    if name not in CORES:
        raise UserError(
            f"There is no core {name!r} to emulate; there are {', '.join(CORES)}."
            + did_you_mean(name, CORES)
            + " Cycles of another are a table of your own (docs/own_board.md)."
        )
    return CORES[name]
