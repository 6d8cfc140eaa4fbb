"""Machine code to instructions with their class and registers (disassembler: capstone)."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any, Literal

from benchsuite.devices._emulation.cores import Isa
from benchsuite.devices._emulation.emulate import _import

Class = Literal[
    "load", "store", "load_multiple", "store_multiple", "mac", "mul", "simd", "alu", "branch",
    "jump", "divide", "it",
]  # fmt: skip
CLASSES: tuple[Class, ...] = Class.__args__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Instruction:
    """One instruction.

    reads, writes, address: register numbers, those of the address among the reads; accumulator: of
    a multiply-accumulate; registers: how many a load or store multiple moves; indexed: whether an
    address adds two registers.
    """

    address_of: int
    size: int
    kind: Class
    reads: frozenset[int]
    writes: frozenset[int]
    address: frozenset[int] = frozenset()
    accumulator: int = 0
    registers: int = 1
    indexed: bool = False


_CONDITION = "(eq|ne|hs|lo|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)?"
_THUMB: tuple[tuple[Class, str], ...] = (
    ("branch", r"(b|cbz|cbnz)" + _CONDITION),
    ("jump", r"(bl|bx|blx|tbb|tbh)" + _CONDITION),
    ("it", r"it[te]*"),
    ("divide", r"[su]div" + _CONDITION),
    ("load_multiple", r"(ldm\w*|pop|ldrd|vldr|vldm\w*|vpop)" + _CONDITION),
    ("store_multiple", r"(stm\w*|push|strd|vstr|vstm\w*|vpush)" + _CONDITION),
    ("load", r"ldr\w*"),
    ("store", r"str\w*"),
    ("mac", r"(mla|mls|smlad|smla[bt][bt]|[su]mlal|smmla|smlald)" + _CONDITION),
    ("mul", r"(muls?|[su]mull|smul[bt][bt]|smmul|smuad)" + _CONDITION),
    ("simd", r"([su]xta?b16|pkh(bt|tb)|[su]sat(16)?|[su]?q?(add|sub)(8|16)|sel)" + _CONDITION),
)
_RISCV: tuple[tuple[Class, str], ...] = (
    ("branch", r"(c\.)?b(eq|ne|lt|ge)(z|u)?"),
    ("jump", r"(c\.)?(j|jal|jr|jalr|ret)"),
    ("divide", r"(div|rem)u?"),
    ("load", r"(c\.)?l[bhw]u?(sp)?"),
    ("store", r"(c\.)?s[bhw](sp)?"),
    ("mul", r"mul(h|hu|hsu)?"),
)
_AARCH64: tuple[tuple[Class, str], ...] = (
    ("branch", r"b\.\w+|cbn?z|tbn?z"),
    ("jump", r"b|bl|br|blr|ret"),
    ("divide", r"[su]div"),
    ("load_multiple", r"ldp(sw)?|ldnp|ld[234]r?"),
    ("store_multiple", r"stp|stnp|st[234]"),
    ("load", r"ldu?r\w*|ld1r?"),
    ("store", r"stu?r\w*|st1"),
    ("mac", r"madd|msub|[su]maddl|[su]msubl"),
    ("mul", r"mul|mneg|[su]mull|[su]mulh|[su]mnegl"),
)
_RULES: dict[Isa, tuple[tuple[Class, str], ...]] = {
    "thumb": _THUMB,
    "riscv32": _RISCV,
    "aarch64": _AARCH64,
}


@functools.cache
def decode(code: bytes, address: int, isa: Isa) -> tuple[Instruction, ...]:
    """Return the instructions of a piece of machine code that starts at `address`."""
    found = tuple(_instruction(i, isa) for i in _disassembler(isa).disasm(code, address))
    assert sum(i.size for i in found) == len(code), "capstone did not decode all of the block"
    return found


@functools.cache
def _disassembler(isa: Isa) -> Any:
    c = _import("capstone")
    arch, mode = {
        "thumb": (c.CS_ARCH_ARM, c.CS_MODE_THUMB | c.CS_MODE_MCLASS),
        "riscv32": (c.CS_ARCH_RISCV, c.CS_MODE_RISCV32 | c.CS_MODE_RISCVC),
        "aarch64": (c.CS_ARCH_ARM64, c.CS_MODE_ARM),
    }[isa]
    disassembler = c.Cs(arch, mode)
    disassembler.detail = True
    return disassembler


def _kind(mnemonic: str, isa: Isa, writes_vector: bool) -> Class:
    for kind, pattern in _RULES[isa]:
        if re.fullmatch(pattern, mnemonic):
            if writes_vector and kind in ("mac", "mul"):
                return "simd"
            return kind
    return "simd" if writes_vector else "alu"


def _instruction(i: Any, isa: Isa) -> Instruction:
    mnemonic = i.mnemonic.split(".")[0] if isa == "thumb" else i.mnemonic
    if isa == "riscv32":
        return _riscv(i, _kind(mnemonic, isa, False))
    reads, writes = (frozenset(registers) for registers in i.regs_access())
    memory = [o.mem for o in i.operands if o.type == _memory_operand(isa)]
    address = frozenset(r for m in memory for r in (m.base, m.index) if r)
    kind = _kind(mnemonic, isa, isa == "aarch64" and _is_vector(i))
    moved = len(i.operands)
    if isa == "thumb":
        pc = _import("capstone.arm").ARM_REG_PC
        if pc in writes and kind in ("alu", "load"):
            kind = "jump"
        if mnemonic in ("ldrd", "strd"):
            moved = 2
        elif not mnemonic.endswith(("pop", "push")) and kind.endswith("multiple"):
            moved -= 1
    accumulates = kind == "mac" and len(i.operands) == 4
    return Instruction(
        i.address,
        i.size,
        kind,
        reads,
        writes,
        address,
        i.operands[3].reg if accumulates else 0,
        max(1, moved if isa == "thumb" else 2) if kind.endswith("multiple") else 1,
        any(m.index for m in memory),
    )


def _is_vector(i: Any) -> bool:
    """Tell whether an AArch64 instruction works on the SIMD registers."""
    return bool(re.search(r"\b[vqdsh]\d+\b", i.op_str))


def _memory_operand(isa: Isa) -> int:
    if isa == "thumb":
        return int(_import("capstone.arm").ARM_OP_MEM)
    return int(_import("capstone.arm64").ARM64_OP_MEM)


def _riscv(i: Any, kind: Class) -> Instruction:
    """Registers from the operands: the first is written, except by stores and branches."""
    riscv = _import("capstone.riscv")
    registers = [o.reg for o in i.operands if o.type == riscv.RISCV_OP_REG]
    bases = [o.mem.base for o in i.operands if o.type == riscv.RISCV_OP_MEM]
    writes_first = kind not in ("store", "branch") and bool(registers)
    two_operand = i.mnemonic.startswith("c.") and kind == "alu"
    reads = registers[1:] if writes_first and not two_operand else registers
    return Instruction(
        i.address,
        i.size,
        kind,
        frozenset([*reads, *bases]),
        frozenset(registers[:1] if writes_first else ()),
        frozenset(bases),
    )
