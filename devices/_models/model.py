"""A network as a device runs it, whatever it was read from: its operators in order.

A cell, a .tflite or .onnx file and a list of layers all become a `Model`, and one function prices
it (`prices`): `devices._latency.runtimes.shape_cycles`, operator by operator, which is also what
the columns of all cells are made of.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from benchsuite.api import Device
from benchsuite.deployment.graph import Graph
from benchsuite.devices._latency.counts import in_size_of
from benchsuite.devices._latency.operators import NoKernelError, Shape, shape_of
from benchsuite.devices._latency.range import Mark
from benchsuite.devices._latency.runtimes import RUNTIMES, shape_cycles
from benchsuite.space.network import Network

_STORED = 8  # An int32 bias and a float32 scale per channel.


@dataclass(frozen=True)
class Operation:
    """One operator of a model.

    kind: as in `benchsuite.space.network.Layer`, `depthwise` or `pad`, else the file's own name in
    small letters; inputs: positions in `Model.operations` of what it reads; out: its output
    [channels, height, width]; shape: what is priced, None where nothing is; weights: int8 weights,
    or bytes of constants where it is not covered; channels: those that have a bias and a scale;
    relu: whether an activation is fused to it; covered: whether it can be priced at all; note: why
    nothing is priced, or what was folded; beside: bytes of its outputs beyond one per element of
    `out`; unstated: whether it may have weights that nothing states.
    """

    name: str
    kind: str
    inputs: tuple[int, ...]
    out: tuple[int, int, int]
    shape: Shape | None = None
    weights: int = 0
    channels: int = 0
    relu: bool = False
    covered: bool = True
    note: str = ""
    beside: int = 0
    unstated: bool = False

    @property
    def bytes(self) -> int:
        """Bytes of its outputs."""
        return self.out[0] * self.out[1] * self.out[2] + self.beside

    @property
    def weights_bytes(self) -> int:
        """Bytes of its int8 weights, int32 biases and float32 scales."""
        return self.weights + _STORED * self.channels

    @property
    def label(self) -> str:
        """What it is, for people: `conv 3x3/2`, with its stride, or its kind."""
        if not self.shape or self.shape.pixels == 1 == self.out[1]:
            return self.kind
        strides = (self.shape.height.stride, self.shape.width.stride)
        stride = "" if strides == (1, 1) else "/" + "x".join(map(str, dict.fromkeys(strides)))
        return f"{self.shape.name}{stride}"

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return self.shape.macs if self.shape else 0


@dataclass(frozen=True)
class Model:
    """A network's operators in the order of execution; the image is the first.

    name: for people; origin: `cell`, `tflite`, `onnx` or `layers`; note: what the reader of its
    estimates must know; kept: as in `Graph`, outputs of the network.
    """

    name: str
    origin: str
    operations: tuple[Operation, ...]
    note: str = ""
    kept: tuple[int, ...] = ()

    @property
    def computed(self) -> tuple[Operation, ...]:
        """Operators that run: all but the images, and none of a constant."""
        return tuple(one for one in self.operations if one.kind not in ("input", "constant"))

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one image."""
        return sum(one.macs for one in self.operations)

    @property
    def weights_bytes(self) -> int:
        """Bytes of int8 weights, int32 biases and float32 scales: `flash.weights`."""
        return sum(one.weights_bytes for one in self.operations)

    @property
    def unstated(self) -> bool:
        """Whether an operator may have weights that nothing states: there are at least so many."""
        return any(one.unstated for one in self.operations)

    def graph(self) -> Graph:
        """Return the tensors, for the conventions of RAM."""
        of = self.operations
        return Graph(
            tuple(one.kind for one in of),
            tuple(one.inputs for one in of),
            tuple(one.bytes for one in of),
            tuple(one.out[0] for one in of),
            self.kept,
        )

    def not_covered(self) -> dict[str, int]:
        """Return the kinds of operators that nothing prices on any device, and how many."""
        return dict(Counter(one.kind for one in self.operations if not one.covered))


@dataclass(frozen=True)
class Price:
    """Cycles of one operation under a runtime, None where no kernel of it is known; how known."""

    cycles: float | None
    mark: Mark = ""


def prices(model: Model, device: Device, runtime: str, version: str = "") -> list[Price]:
    """Return the price of each operation: 0 cycles where it costs nothing.

    version: of X-CUBE-AI, empty for the newest.

    Raises UserError if the device has no such runtime, or that is not known on its core.
    """
    cost = shape_cycles(device, runtime, version)
    unlike = runtime not in device.tables and is_unlike_fit(model, runtime)
    each = []
    for one in model.operations:
        if one.shape is None:
            each.append(Price(0.0 if one.covered else None))
            continue
        try:
            cycles, mark = cost(one.shape)
            known: Mark = "extrapolated" if unlike and mark == "interpolated" else mark
            each.append(Price(cycles, known))
        except NoKernelError:
            each.append(Price(None))
    return each


def is_unlike_fit(model: Model, runtime: str) -> bool:
    """Tell whether a fitted runtime prices a model without convolutions, which no fit holds.

    Its classifiers cost less per multiply-accumulate than those after convolutions.
    """
    has_one = any(one.kind in ("conv", "depthwise", "affine") for one in model.operations)
    return RUNTIMES[runtime].origin == "fitted" and not has_one


def of_network(network: Network, name: str) -> Model:
    """Return the model of a deployed network.

    Raises UserError for a layer that nothing prices.
    """
    from benchsuite.deployment.flash import layer_constants

    operations = []
    for layer in network.layers:
        held = layer_constants(layer)
        operations.append(
            Operation(
                layer.name,
                layer.kind,
                layer.inputs,
                layer.shape,
                shape_of(layer, in_size_of(layer, network)),
                held.weights,
                held.channels,
                layer.relu,
            )
        )
    return Model(name, "cell", tuple(operations))
