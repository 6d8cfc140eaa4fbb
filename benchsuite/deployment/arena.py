"""Arena of TensorFlow Lite Micro: the planned tensors, and what its interpreter keeps beside them.

`head` equals what its interpreter reports, byte for byte. `tail` is that of the reference kernels:
of a 64-bit machine byte for byte (PyPI package `tflite-micro`), and of a 32-bit one, as the cores
of the devices are, to 20 bytes (TensorFlow's generic benchmark as wasm32, in PyPI's `mcufit`). That
benchmark keeps a table of 100 resource variables, which an application without them saves
(`SAVED`); CMSIS-NN's kernels ask for scratch buffers on top (`scratch`).

Source: David et al., "TensorFlow Lite Micro", MLSys 2021, section 4.4; the code's
`GreedyMemoryPlanner` and `MicroAllocator`; CMSIS-NN's `arm_convolve_s8_get_buffer_size`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchsuite.deployment.graph import Graph
from benchsuite.deployment.liveness import last_use

_ALIGNMENT = 16


@dataclass(frozen=True)
class _Build:
    """Sizes [bytes] of the interpreter's structures, which hold pointers.

    tensor, operator, once: per TfLiteEvalTensor, per NodeAndRegistration, of the interpreter.
    options, prepared: per operator of a kind, its options in the file, unpacked, and what its
    kernel prepares once. planned: per tensor while the plan is made.
    """

    tensor: int
    operator: int
    once: int
    options: Mapping[str, int]
    prepared: Mapping[str, int]
    planned: int


_BUILDS = {
    32: _Build(
        12, 32, 2400,
        {
            "conv": 28, "affine": 28, "depthwise": 28, "linear": 16, "avg_pool": 40, "add": 8,
            "global_pool": 8, "reshape": 36,
        },
        {
            "conv": 64, "affine": 64, "depthwise": 64, "linear": 48, "avg_pool": 32,
            "global_pool": 32, "add": 64, "relu": 32, "pad": 64, "softmax": 64,
        },
        24,
    ),
    64: _Build(
        24, 64, 712,
        {
            "conv": 28, "affine": 32, "depthwise": 32, "linear": 32, "avg_pool": 40, "add": 8,
            "reshape": 24, "pad": 8,
        },
        {
            "conv": 80, "affine": 80, "depthwise": 80, "linear": 80, "avg_pool": 32,
            "global_pool": 64, "add": 64, "relu": 32, "pad": 48, "softmax": 80,
        },
        32,
    ),
}  # fmt: skip
# A table of 12 bytes and 100 resource variables of four words, in `once` of 32 bits alone.
SAVED = 12 + 100 * 16
# Layers with a multiplier and a shift (int32) per output channel, and with two constant tensors;
# with one constant tensor.
_PER_CHANNEL = ("conv", "affine", "depthwise", "linear")
_WITH_CONSTANT = ("global_pool", "reshape", "pad")
_MULTIPLIER = 4
# While it plans, before the tensors are there: per planned tensor, and once. Fitted to the smallest
# arena that works on a 64-bit machine, which is known to 16 bytes.
_PLAN_BUFFER, _PLAN_ONCE = 40, 272


def arena(graph: Graph, bits: int = 32) -> int:
    """Return the smallest arena [bytes] in which TensorFlow Lite Micro runs a network.

    bits: of the build, 32 or 64.
    What stays, plus the larger of the planned tensors and of the plan's own notes, which lie in
    the same place before (they are larger for images of about 8x8 only). A constant: its logits.
    """
    if graph.kinds == ("constant",):
        return graph.sizes[0]
    return tail(graph, bits) + max(head(graph), aligned(notes(graph, bits)))


def scratch(window: int) -> int:
    """Return the buffer [bytes] CMSIS-NN asks for, for a convolution on a core with DSP.

    Two columns of `window` (kernel area times input channels) int16, padded to four; a convolution
    1x1 asks for none. It lies in the arena while that layer runs, in a gap between the tensors or
    on top, so an arena needs at most the largest one more.
    """
    return 2 * 2 * -(-window // 4) * 4


def notes(graph: Graph, bits: int = 32) -> int:
    """Return the bytes that planning takes and gives back."""
    return _PLAN_ONCE + _BUILDS[bits].planned * _tensors(graph) + _PLAN_BUFFER * len(graph.kinds)


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
    end = len(graph.inputs) - 1
    lasts = [min(last, end) for last in last_use(graph.inputs, graph.kept)]
    firsts = [0 if kind == "input" else at for at, kind in enumerate(graph.kinds)]
    sizes = [aligned(size) for size in graph.sizes]
    offsets = plan(sizes, firsts, lasts)
    return [Placed(*of) for of in zip(offsets, sizes, firsts, lasts, strict=True)]


def tail(graph: Graph, bits: int = 32) -> int:
    """Return the bytes that stay: structures per tensor and operator, multipliers per channel.

    Operators are all layers but the input.
    """
    build, count = _BUILDS[bits], Counter(graph.kinds)
    structures = build.once + build.tensor * _tensors(graph)
    structures += build.operator * (len(graph.kinds) - 1)
    structures += sum(size * count[kind] for kind, size in build.options.items())
    prepared = sum(size * count[kind] for kind, size in build.prepared.items())
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
