"""Counted instructions to cycles: one stated model per core.

- *Cortex-M4*, single issue, by its manual (ARM 100166, table 3-1): load 2, or 1 right after a load
  whose result is not its address; store 1, indexed 2; load or store multiple 1 + N; divide 6 (the
  manual says 2 to 12); taken branch 1 + 2 (1 + 1 to 3); everything else 1. An address computed by
  the instruction before costs 1 more.
- *Cortex-M7*, dual issue in order. No table is public; these constants are this project's choice:
  per cycle at most one multiplication, one store, one branch, two loads; results after 1 cycle,
  of loads and multiplications after 2 (a chain of accumulations: 1); divide 8; mispredicted
  branch 8.
- *RV32IMC*, single issue, by the manual of the open core CV32E40P (pipeline details): load-use
  stall 1, multiplication 1, divide 19 (3 to 35), jump 2, taken branch 3, other branches 1.
- *Cortex-A53*, dual issue in order, with constants of LLVM's scheduling model for it (load 4,
  multiply 4, SIMD 4, mispredicted branch 9; one memory access, one multiplication and one SIMD
  operation per cycle).

In the two dual-issue models a block of code is costed in its steady state (its second run in a row)
and a conditional branch is mispredicted as often as its rarer outcome occurs. Memory answers at
once: no cache misses, no flash wait states. Those belong to the calibration against boards.
"""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from benchsuite.devices._emulation.cores import Core, Isa
from benchsuite.devices._emulation.decode import Class, Instruction, decode
from benchsuite.devices._emulation.emulate import Execution

_COMPUTES: tuple[Class, ...] = ("alu", "simd", "mul", "mac")
_MEMORY: tuple[Class, ...] = ("load", "store", "load_multiple", "store_multiple")


@dataclass(frozen=True)
class Profile:
    """What one operator costs: instructions by class, and model cycles."""

    instructions: Mapping[Class, int]
    cycles: int

    @property
    def total(self) -> int:
        """All instructions."""
        return sum(self.instructions.values())


@dataclass(frozen=True, eq=False)  # one object per core, so it can be a key of the cache
class _DualIssue:
    latency: Mapping[Class, int]
    loads_per_cycle: int
    mispredicted: int
    simd_per_cycle: int = 1


_M7 = _DualIssue({"load": 2, "load_multiple": 2, "mac": 2, "mul": 2, "divide": 8}, 2, 8)
_A53 = _DualIssue({"load": 4, "load_multiple": 4, "mac": 4, "mul": 4, "divide": 8, "simd": 4}, 1, 9)


@dataclass(frozen=True)
class _Block:
    code: bytes
    address: int
    runs: int
    jumps: int


def profile(execution: Execution, core: Core) -> Profile:
    """Return instructions by class and the cycles of the core's model, for one call."""
    counts: Counter[Class] = Counter()
    cycles = 0
    for block in _basic_blocks(execution, core.isa):
        instructions = decode(block.code, block.address, core.isa)
        for instruction in instructions:
            counts[instruction.kind] += block.runs
        cycles += _CYCLES[core.name](instructions, block.runs, block.jumps)
    return Profile(dict(counts), cycles)


def _basic_blocks(execution: Execution, isa: Isa) -> Iterator[_Block]:
    """Yield maximal runs of instructions executed together.

    An emulator may cut code elsewhere than at branches; the counts per address do not depend on it.
    """
    runs: Counter[int] = Counter()
    jumps: Counter[int] = Counter()
    code: dict[int, tuple[Instruction, bytes]] = {}
    for start, block in execution.code.items():
        at = 0
        for instruction in decode(block, start, isa):
            runs[instruction.address_of] += execution.runs[start]
            code[instruction.address_of] = instruction, block[at : at + instruction.size]
            at += instruction.size
        jumps[instruction.address_of] += execution.jumps.get(start, 0)
    current: list[int] = []
    for address in sorted(code):
        if current:
            last = current[-1]
            before = code[last][0]
            ends = before.kind in ("branch", "jump") or jumps[last] > 0
            if ends or last + before.size != address or runs[last] != runs[address]:
                yield _joined(current, code, runs, jumps)
                current = []
        current.append(address)
    if current:
        yield _joined(current, code, runs, jumps)


def _joined(
    addresses: list[int],
    code: Mapping[int, tuple[Instruction, bytes]],
    runs: Mapping[int, int],
    jumps: Mapping[int, int],
) -> _Block:
    joined = b"".join(code[address][1] for address in addresses)
    return _Block(joined, addresses[0], runs[addresses[0]], jumps[addresses[-1]])


def _m4(instructions: tuple[Instruction, ...], runs: int, jumps: int) -> int:
    return _m4_straight(instructions) * runs + 2 * jumps


@functools.cache
def _m4_straight(instructions: tuple[Instruction, ...]) -> int:
    cycles = 0
    before: Instruction | None = None
    for i in instructions:
        late = before is not None and before.kind in _COMPUTES and bool(before.writes & i.address)
        after_load = before is not None and before.kind == "load"
        if i.kind == "load":
            pipelined = after_load and before is not None and not before.writes & i.address
            cycles += 1 if pipelined else 2 + late
        elif i.kind == "store":
            cycles += (2 if i.indexed and not after_load else 1) + late
        elif i.kind in ("load_multiple", "store_multiple"):
            cycles += 1 + i.registers
        else:
            cycles += 6 if i.kind == "divide" else 1
        before = i
    return cycles


def _rv32(instructions: tuple[Instruction, ...], runs: int, jumps: int) -> int:
    cycles = 0
    before: Instruction | None = None
    for i in instructions:
        cycles += {"divide": 19, "jump": 2}.get(i.kind, 1)
        cycles += before is not None and before.kind == "load" and bool(before.writes & i.reads)
        before = i
    return cycles * runs + (2 * jumps if instructions[-1].kind == "branch" else 0)


def _dual(model: _DualIssue, instructions: tuple[Instruction, ...], runs: int, jumps: int) -> int:
    conditional = instructions[-1].kind == "branch"
    wrong = min(jumps, runs - jumps) if conditional else 0
    return _steady(model, instructions) * runs + model.mispredicted * wrong


@functools.cache
def _steady(model: _DualIssue, instructions: tuple[Instruction, ...]) -> int:
    """Return the cycles of the second of two runs in a row."""
    ready: dict[int, int] = defaultdict(int)
    chained: dict[int, int] = {}
    by_alu: set[int] = set()
    now, ends = 0, []
    for _ in range(2):
        issued: list[Class] = []
        for i in instructions:
            need = max(
                (chained.get(r, ready[r]) if r == i.accumulator else ready[r] for r in i.reads),
                default=0,
            )
            need = max([need, *(ready[r] + (r in by_alu) for r in i.address)])
            while now < need or not _fits(model, i.kind, issued):
                now, issued = now + 1, []
            issued.append(i.kind)
            if i.registers > 2:
                now, issued = now + (i.registers - 1) // 2, [i.kind]
            for r in i.writes:
                writeback = i.kind in _MEMORY and r in i.address
                ready[r] = now + (1 if writeback else model.latency.get(i.kind, 1))
                chained.pop(r, None)
                if i.kind == "mac":
                    chained[r] = now + 1
                (by_alu.add if i.kind in ("alu", "simd") else by_alu.discard)(r)
        now += 1
        ends.append(now)
    return ends[1] - ends[0]


def _fits(model: _DualIssue, kind: Class, issued: list[Class]) -> bool:
    """Tell whether an instruction may start in the same cycle as those already issued."""
    if len(issued) == 2:
        return False
    multiplies = ("mac", "mul", "divide")
    if kind in multiplies:
        return not any(other in multiplies for other in issued)
    if kind == "simd":
        return issued.count("simd") < model.simd_per_cycle
    if kind == "load":
        others = [other for other in issued if other in _MEMORY]
        return not others or (others == ["load"] and model.loads_per_cycle == 2)
    if kind in _MEMORY:
        return not any(other in _MEMORY for other in issued)
    return kind != "branch" or "branch" not in issued


_CYCLES: dict[str, Callable[[tuple[Instruction, ...], int, int], int]] = {
    "cortex-m4": _m4,
    "cortex-m7": functools.partial(_dual, _M7),
    "rv32imc": _rv32,
    "cortex-a53": functools.partial(_dual, _A53),
}
