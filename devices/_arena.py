"""Arena of TensorFlow Lite Micro: where its greedy planner puts the tensors."""

from __future__ import annotations

from collections.abc import Sequence

from devices._graph import Graph
from devices._liveness import last_use

_ALIGNMENT = 16


def head(graph: Graph) -> int:
    """Return the bytes of the planned part of the arena: see `plan`."""
    last = last_use(graph.inputs)
    ends = [min(end, len(last) - 1) for end in last]
    sizes = [-(-size // _ALIGNMENT) * _ALIGNMENT for size in graph.sizes]
    offsets = plan(sizes, range(len(sizes)), ends)
    return max(offset + size for offset, size in zip(offsets, sizes, strict=True))


def plan(sizes: Sequence[int], firsts: Sequence[int], lasts: Sequence[int]) -> list[int]:
    """Return the offset of every buffer: largest first, each into the lowest gap that holds it.

    A buffer lives from firsts[i] to lasts[i], both included; only buffers that live at the same
    time exclude each other. Among equal sizes the later buffer is placed first.

    Source: TensorFlow Lite Micro, `GreedyMemoryPlanner` (David et al., MLSys 2021, section 4.4.2).
    """
    offsets = [0] * len(sizes)
    placed: list[int] = []
    for buffer in sorted(range(len(sizes)), key=lambda i: (-sizes[i], -i)):
        first, last = firsts[buffer], lasts[buffer]
        at = 0
        for offset, end in sorted(
            (offsets[i], offsets[i] + sizes[i])
            for i in placed
            if firsts[i] <= last and first <= lasts[i]
        ):
            if offset - at >= sizes[buffer]:
                break
            at = max(at, end)
        offsets[buffer] = at
        placed.append(buffer)
    return offsets


def arena(graph: Graph) -> int:
    return head(graph)
