"""Arena of TensorFlow Lite Micro: the planned tensors, and what its interpreter keeps beside them.

Sizes of structures are those of a 64-bit machine with the reference kernels, read off the PyPI
package `tflite-micro`: `head` and `tail` equal what its interpreter reports, byte for byte, for
files written by `benchsuite export`, and `arena` is the smallest in which it starts. On a 32-bit
core pointers are half as long, so the kept part is smaller; CMSIS-NN kernels ask for scratch
buffers on top, which are not counted.

Source: David et al., "TensorFlow Lite Micro", MLSys 2021, section 4.4; the code's
`GreedyMemoryPlanner` and `MicroAllocator`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from benchsuite.deployment.graph import Graph
from benchsuite.deployment.liveness import last_use

_ALIGNMENT = 16

# Bytes per tensor (TfLiteEvalTensor), per operator (NodeAndRegistration), of the interpreter.
_TENSOR, _OPERATOR, _ONCE = 24, 64, 712
# Per operator of a kind: its options in the file, unpacked, and what its kernel prepares once.
_OPTIONS = {
    "conv": 28, "affine": 32, "depthwise": 32, "linear": 32, "avg_pool": 40, "add": 8,
    "reshape": 24, "pad": 8,
}  # fmt: skip
_PREPARED = {
    "conv": 80, "affine": 80, "depthwise": 80, "linear": 80, "avg_pool": 32, "global_pool": 64,
    "add": 64, "relu": 32, "pad": 48, "softmax": 80,
}  # fmt: skip
# Layers with a multiplier and a shift (int32) per output channel, and with two constant tensors;
# with one constant tensor.
_PER_CHANNEL = ("conv", "affine", "depthwise", "linear")
_WITH_CONSTANT = ("global_pool", "reshape", "pad")
_MULTIPLIER = 4
# While it plans, before the tensors are there: per tensor, per planned tensor, and once. Fitted to
# the smallest arena that works, which is known to 16 bytes.
_PLAN_TENSOR, _PLAN_BUFFER, _PLAN_ONCE = 32, 40, 272


def arena(graph: Graph) -> int:
    """Return the smallest arena [bytes] in which TensorFlow Lite Micro runs a network.

    What stays, plus the larger of the planned tensors and of the plan's own notes, which lie in
    the same place before (they are larger for images of about 8x8 only). A constant: its logits.
    """
    if graph.kinds == ("constant",):
        return graph.sizes[0]
    return tail(graph) + max(head(graph), aligned(notes(graph)))


def notes(graph: Graph) -> int:
    """Return the bytes that planning takes and gives back."""
    return _PLAN_ONCE + _PLAN_TENSOR * _tensors(graph) + _PLAN_BUFFER * len(graph.kinds)


def head(graph: Graph) -> int:
    """Return the bytes of the planned part: every tensor padded to 16 bytes, placed by `plan`."""
    return max(one.offset + one.size for one in layout(graph))


@dataclass(frozen=True)
class Placed:
    """Where a tensor lies [bytes], and from which operator to which, both included."""

    offset: int
    size: int
    first: int
    last: int


def layout(graph: Graph) -> list[Placed]:
    """Return where every tensor lies in the planned part, padded to 16 bytes."""
    lasts = [min(last, len(graph.inputs) - 1) for last in last_use(graph.inputs)]
    sizes = [aligned(size) for size in graph.sizes]
    offsets = plan(sizes, range(len(sizes)), lasts)
    return [Placed(*of) for of in zip(offsets, sizes, range(len(sizes)), lasts, strict=True)]


def tail(graph: Graph) -> int:
    """Return the bytes that stay: structures per tensor and operator, multipliers per channel.

    Operators are all layers but the input.
    """
    count: Counter[str] = Counter(graph.kinds)
    structures = _ONCE + _TENSOR * _tensors(graph) + _OPERATOR * (len(graph.kinds) - 1)
    structures += sum(size * count[kind] for kind, size in _OPTIONS.items())
    prepared = sum(size * count[kind] for kind, size in _PREPARED.items())
    channels = (
        2 * aligned(_MULTIPLIER * channels)
        for kind, channels in zip(graph.kinds, graph.channels, strict=True)
        if kind in _PER_CHANNEL
    )
    return aligned(structures) + prepared + sum(channels)


def plan(sizes: Sequence[int], firsts: Sequence[int], lasts: Sequence[int]) -> list[int]:
    """Return the offset of every buffer: largest first, each into the lowest gap that holds it.

    A buffer lives from firsts[i] to lasts[i], both included; only buffers that live at the same
    time exclude each other. Among equal sizes the buffer that was added last is placed first.
    """
    offsets = [0] * len(sizes)
    placed: list[int] = []
    for buffer in sorted(range(len(sizes)), key=lambda i: (-sizes[i], -i)):
        first, last = firsts[buffer], lasts[buffer]
        neighbours = [i for i in placed if firsts[i] <= last and first <= lasts[i]]
        at = 0
        for i in sorted(neighbours, key=offsets.__getitem__):
            if offsets[i] - at >= sizes[buffer]:
                break
            at = max(at, offsets[i] + sizes[i])
        offsets[buffer] = at
        placed.append(buffer)
    return offsets


def _tensors(graph: Graph) -> int:
    """Count the layers' outputs, weights and biases, axes, sizes and paddings."""
    constants = sum(
        2 if kind in _PER_CHANNEL else 1 if kind in _WITH_CONSTANT else 0 for kind in graph.kinds
    )
    return len(graph.kinds) + constants


def aligned(size: int) -> int:
    """Return a size [bytes] rounded up to the arena's alignment."""
    return -(-size // _ALIGNMENT) * _ALIGNMENT
