"""What a model needs on a part under a runtime: latency, RAM, flash, energy, and whether it fits.

    latency = sum over operators of cycles(operator | core, runtime) / clock
    RAM     = the runtime's convention on the model's tensors + the runtime's variables
    flash   = weights, biases and scales + the runtime's code

They are what the columns of cells hold, of any network. Operators without a kernel are named, and
then the latency is that of the others: at least so much.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from benchsuite.api import Device
from benchsuite.deployment import arena
from benchsuite.deployment.liveness import TooManyOrdersError, best_peak, order_peak
from benchsuite.deployment.ram import CONVENTIONS, im2col
from benchsuite.devices._energy.energy import energy as energy_of
from benchsuite.devices._footprint.code_size import code_size
from benchsuite.devices._footprint.fits import X_CUBE_AI_OVER_BEST, ram_of
from benchsuite.devices._latency.extrapolation import EXACT
from benchsuite.devices._latency.range import MARKS
from benchsuite.devices._latency.runtimes import rough
from benchsuite.devices._models.intervals import Interval, interval
from benchsuite.devices._models.model import Model, Operation, Price, prices

Verdict = Literal["yes", "maybe", "no", "unknown"]
KERNELS_MISS = "no kernel of it is known"
SEEN = (EXACT, "interpolated")
MOSTLY = 0.5  # of the cycles
CONSTANT = "no input-output path: the network is a constant"
OWN_ORDER = " in the network's own order, for it branches too widely to try all"
UNSTATED = "nothing states the weights of an operator without a kernel here"
DOUBT = "most of the cycles here are of unlike operators, so it says less than it seems"


@dataclass(frozen=True)
class Estimate:
    """One model on one part under one runtime; seconds, joules, bytes.

    latency: of the operators that are priced; within: what nine of ten errors are within, NaN where
    nobody or too few measured the runtime on the core; interval: what that is of; doubtful: most of
    the cycles are of operators unlike those seen, so that it says less; known_how: share of the
    cycles by mark; not_priced: operators without a price, and how many; ram: under
    `convention`, with the runtime's variables; ram_least, ram_most: what it may really be; flash:
    weights and code; unknown: what of the runtime's code nobody measured, or of the network
    nothing states: RAM and flash are then at least so much; energy: of the operators that are
    priced, NaN where it is not known, and why; fits, because: the verdict. Of a cell without a path
    latency and energy are NaN: the network is a constant.
    """

    device: str
    runtime: str
    latency: float
    within: float
    interval: str
    doubtful: bool
    known_how: Mapping[str, float]
    not_priced: Mapping[str, int]
    ram: int
    convention: str
    ram_least: int
    ram_most: int
    flash: int
    unknown: str
    energy: float
    energy_because: str
    fits: Verdict
    because: str

    @property
    def low(self) -> float:
        """Lower end of the interval of the latency [s]."""
        return self.latency / (1 + self.within)

    @property
    def high(self) -> float:
        """Upper end of it [s]."""
        return self.latency / (1 - self.within) if not self.within >= 1 else math.inf


def estimate(model: Model, name: str, device: Device, runtime: str) -> Estimate:
    """Return what a model needs on a device under a runtime.

    Raises UserError if the device has no such runtime, or that is not known on its core.
    """
    each = prices(model, device, runtime)
    computed = model.computed
    seconds = sum(price.cycles or 0.0 for price in each) / device.clock if computed else math.nan
    how = interval(device, runtime, model) if computed else Interval(math.nan, CONSTANT)
    shares = _shares(each)
    seen = sum(shares.get(mark, 0.0) for mark in SEEN)
    doubtful = not math.isnan(how.width) and seconds > 0 and seen < MOSTLY
    joules, why = energy(name, device, runtime, seconds) if computed else (math.nan, CONSTANT)
    code = code_size(runtime, device.core)
    missing = "; ".join(filter(None, (code.missing, UNSTATED if model.unstated else "")))
    weighted = sum(one.weights_bytes > 0 for one in computed)
    other = len(computed) - weighted
    channels = sum(one.channels for one in model.operations)
    flash = model.weights_bytes + math.ceil(code.flash(weighted, other, channels))
    variables = math.ceil(code.ram_per_operator * (weighted + other))
    convention = ram_of(runtime)
    tensors, is_own = ram(model, convention)
    least, most = ram_range(model, tensors, convention, runtime)
    verdict, because = _fits(device, (least + variables, most + variables), flash, missing)
    return Estimate(
        name,
        runtime,
        seconds,
        how.width,
        "; ".join(filter(None, (how.said, DOUBT * doubtful, _rough(model, device, runtime, each)))),
        doubtful,
        shares,
        _not_priced(model, each),
        tensors + variables,
        convention + (OWN_ORDER if is_own else ""),
        least + variables,
        most + variables,
        flash,
        missing,
        joules,
        why,
        verdict,
        because,
    )


def ram(model: Model, convention: str) -> tuple[int, bool]:
    """Return the RAM [bytes] under a convention, and whether it is in the network's own order.

    That stands for the best order of a network that branches too widely. Raises KeyError for a
    convention that does not exist.
    """
    graph = model.graph()
    if convention not in ("ram.best", "ram.tinyengine"):
        return CONVENTIONS[convention](graph), False
    try:
        peak, is_own = best_peak(graph), False
    except TooManyOrdersError:
        peak, is_own = order_peak(graph), True
    if convention == "ram.tinyengine" and graph.kinds != ("constant",):
        windows = [
            one.shape.window * one.shape.in_channels
            for one in model.operations
            if one.shape and one.kind == "conv"
        ]
        peak += im2col(max(windows, default=0))
    return peak, is_own


def ram_range(model: Model, size: int, convention: str, runtime: str) -> tuple[int, int]:
    """Return the least and most [bytes] that the RAM under a convention, `size`, may really be.

    X-CUBE-AI publishes no planner. Of TensorFlow Lite Micro the least is without resource
    variables, the most with CMSIS-NN's largest scratch buffer on top (see `deployment.arena`).
    """
    if runtime == "x_cube_ai":
        least, most = X_CUBE_AI_OVER_BEST
        return math.floor(least * size), math.ceil(most * size)
    if convention == "ram.tflm" and model.graph().kinds != ("constant",):
        return size - arena.SAVED, size + max(map(_scratch, model.operations), default=0)
    return size, size


def _scratch(one: Operation) -> int:
    """Return the buffer [bytes] that CMSIS-NN asks for, for a layer on a core with DSP.

    A 3x3 depthwise convolution asks for none, a larger one for a column of int16 per channel, a
    pooling for a sum of 32 bits per channel.
    """
    shape = one.shape
    if shape is None or shape.operator not in ("conv", "depthwise", "avg_pool"):
        return 0
    if shape.operator == "conv":
        return arena.scratch(shape.window * shape.in_channels) if shape.window > 1 else 0
    if shape.operator == "avg_pool":
        return 4 * shape.in_channels
    return 2 * shape.window * shape.in_channels if shape.window != 9 else 0


def energy(name: str, device: Device, runtime: str, seconds: float) -> tuple[float, str]:
    """Return the joules of one image, NaN where they are not known, and why."""
    known = energy_of(device, runtime, seconds)
    return known.joules, known.why_not


def _shares(each: list[Price]) -> dict[str, float]:
    """Return the share of the cycles by mark, those that occur."""
    total = sum(price.cycles or 0.0 for price in each)
    spent = {mark: sum(p.cycles or 0.0 for p in each if p.mark == mark) for mark in MARKS}
    return {mark or EXACT: cycles / total for mark, cycles in spent.items() if cycles}


def _rough(model: Model, device: Device, runtime: str, each: list[Price]) -> str:
    """Return what is to be said of operators whose coefficients are far off in their own table."""
    shapes = [
        one.shape
        for one, price in zip(model.operations, each, strict=True)
        if one.shape and price.mark in ("interpolated", "extrapolated")
    ]
    found = [f"{kind} by {error:.0%}" for kind, error in rough(device, runtime, shapes).items()]
    if not found:
        return ""
    return (
        f"prices by coefficients are far off at their own table's shapes: {', '.join(found)} (rms)"
    )


def _not_priced(model: Model, each: list[Price]) -> dict[str, int]:
    kinds = [
        one.shape.name if one.shape else one.kind
        for one, price in zip(model.operations, each, strict=True)
        if price.cycles is None
    ]
    return dict(Counter(kinds))


def _fits(device: Device, size: tuple[int, int], flash: int, missing: str) -> tuple[Verdict, str]:
    if device.sram is None or device.flash is None:
        return "unknown", "nobody states the part's memories"
    over = {"flash": flash > device.flash, "RAM": size[0] > device.sram}
    if any(over.values()):
        return "no", " and ".join(name for name, much in over.items() if much)
    if size[1] > device.sram:
        return "maybe", "RAM may be more or less than the part's"
    return ("maybe", missing) if missing else ("yes", "")
