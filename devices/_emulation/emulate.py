"""Running a compiled kernel instruction by instruction under the emulator unicorn.

The kernel is called as a C function with one pointer to its arguments; its instructions are counted
by address. Nothing else runs: no start-up code, no operating system.
"""

from __future__ import annotations

import io
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.devices._emulation.cores import Core
from benchsuite.errors import UserError

_CODE, _STACK_TOP, _ARGUMENTS, _DATA, _RETURN = (
    0,
    0x0200_0000,
    0x0300_0000,
    0x1000_0000,
    0x0400_0000,
)
_DATA_BYTES = 32 << 20


@dataclass(frozen=True)
class Execution:
    """What one call did.

    code: address -> the block of machine code that starts there; runs: address -> how often it ran;
    jumps: address -> how often control left that block other than to the byte behind it;
    outputs: the arrays that were passed, as they are afterwards.
    """

    code: Mapping[int, bytes]
    runs: Mapping[int, int]
    jumps: Mapping[int, int]
    outputs: tuple[NDArray[Any], ...]


def call(
    elf: bytes,
    core: Core,
    function: str,
    arrays: Sequence[NDArray[Any]],
    numbers: Sequence[int],
) -> Execution:
    """Call `function(&arguments)`, arguments holding pointers to `arrays`, then 32-bit `numbers`.

    Raises UserError if unicorn is missing, the function does not exist, or the call goes astray.
    """
    unicorn = _import("unicorn")
    machine, registers = _machine(unicorn, core)
    symbols = _load(machine, elf)
    if function not in symbols:
        raise UserError(f"The compiled kernels hold no function {function!r}.")
    places = _place(machine, arrays)
    pointer = "Q" if core.pointer_bytes == 8 else "I"
    packed = struct.pack(f"<{len(places)}{pointer}", *places)
    packed += struct.pack(f"<{len(numbers)}i", *(int(n) for n in numbers))
    machine.mem_write(_ARGUMENTS, packed)
    thumb = core.isa == "thumb"
    for register, value in zip(registers, (_ARGUMENTS, _RETURN | thumb, _STACK_TOP), strict=True):
        machine.reg_write(register, value)

    sizes: dict[int, int] = {}
    runs: Counter[int] = Counter()
    jumps: Counter[int] = Counter()
    before = [0, 0]

    def on_block(_: Any, address: int, size: int, __: Any) -> None:
        start, end = before
        if end != address and end:
            jumps[start] += 1
        runs[address] += 1
        sizes[address] = size
        before[:] = address, address + size

    machine.hook_add(unicorn.UC_HOOK_BLOCK, on_block)
    try:
        machine.emu_start(symbols[function] | thumb, _RETURN)
    except unicorn.UcError as error:
        raise UserError(f"{function} went astray on the emulated {core.name}: {error}.") from error
    jumps[before[0]] += 1
    runs.pop(_RETURN, None)
    return Execution(
        {at: bytes(machine.mem_read(at, sizes[at])) for at in runs},
        dict(runs),
        dict(jumps),
        tuple(_read(machine, place, array) for place, array in zip(places, arrays, strict=True)),
    )


def _machine(unicorn: Any, core: Core) -> tuple[Any, tuple[int, int, int]]:
    """Return an emulator and its registers for first argument, return address and stack."""
    if core.isa == "thumb":
        c = _import("unicorn.arm_const")

        machine = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        m4 = core.name == "cortex-m4"
        machine.ctl_set_cpu_model(c.UC_CPU_ARM_CORTEX_M4 if m4 else c.UC_CPU_ARM_CORTEX_M7)
        registers = (c.UC_ARM_REG_R0, c.UC_ARM_REG_LR, c.UC_ARM_REG_SP)
    elif core.isa == "riscv32":
        c = _import("unicorn.riscv_const")

        machine = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32)
        registers = (c.UC_RISCV_REG_A0, c.UC_RISCV_REG_RA, c.UC_RISCV_REG_SP)
    else:
        c = _import("unicorn.arm64_const")

        machine = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
        machine.ctl_set_cpu_model(c.UC_CPU_ARM64_A53)
        machine.reg_write(c.UC_ARM64_REG_CPACR_EL1, 0x300000)  # lets SIMD instructions through
        registers = (c.UC_ARM64_REG_X0, c.UC_ARM64_REG_LR, c.UC_ARM64_REG_SP)
    machine.mem_map(_CODE, 80 << 20)
    machine.mem_map(_DATA, _DATA_BYTES)
    return machine, registers


def _load(machine: Any, elf: bytes) -> dict[str, int]:
    elffile = _import("elftools.elf.elffile")
    parsed = elffile.ELFFile(io.BytesIO(elf))
    for segment in parsed.iter_segments():
        if segment["p_type"] == "PT_LOAD" and segment["p_filesz"]:
            machine.mem_write(segment["p_vaddr"], segment.data())
    table = parsed.get_section_by_name(".symtab")
    return {symbol.name: symbol["st_value"] & ~1 for symbol in table.iter_symbols()}


def _place(machine: Any, arrays: Sequence[NDArray[Any]]) -> list[int]:
    places, at = [], _DATA
    for array in arrays:
        data = np.ascontiguousarray(array).tobytes()
        if at + len(data) > _DATA + _DATA_BYTES:
            raise UserError(f"The tensors of this layer exceed {_DATA_BYTES >> 20} MiB.")
        machine.mem_write(at, data)
        places.append(at)
        at += -(-len(data) // 64) * 64
    return places


def _read(machine: Any, place: int, array: NDArray[Any]) -> NDArray[Any]:
    data = bytes(machine.mem_read(place, array.nbytes))
    return np.frombuffer(data, dtype=array.dtype).reshape(array.shape)


def _import(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UserError(
            f"Running kernels needs the package {name.partition('.')[0]}, which is not installed: "
            "`pip install benchsuite[mcu]`."
        ) from error
