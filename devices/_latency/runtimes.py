"""The runtimes a device can run networks with, and where their cycles come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from benchsuite.api import Device
from benchsuite.devices._latency import cycles as _table
from benchsuite.devices._latency import fitted_prices
from benchsuite.devices._latency.calibrated import calibrated
from benchsuite.devices._latency.operators import Shape
from benchsuite.devices._latency.range import Mark
from benchsuite.errors import UserError, did_you_mean

Origin = Literal["emulated", "counted", "compiled", "fitted", "tabulated", "calibrated"]
ROUGH = 0.1
ShapeCycles = Callable[[Shape], tuple[float, Mark]]


@dataclass(frozen=True)
class Runtime:
    """A library of kernels; origin: how its cycles are known; source: from what."""

    origin: Origin
    description: str
    source: str


RUNTIMES = {
    "own": Runtime(
        "emulated",
        "int8 kernels of this project, counted in an emulator",
        "devices/_kernels, devices/tables/own-*.csv; pipeline models in "
        "devices/_emulation/pipeline.py",
    ),
    "tflm_cmsis_nn": Runtime(
        "counted",
        "TensorFlow Lite Micro with CMSIS-NN, instructions counted in an emulator",
        "devices/tables/tflm_cmsis_nn-*.csv; CMSIS-NN 99f736a, gcc 12.2 -Ofast",
    ),
    "tflm_cmsis_nn_os": Runtime(
        "counted",
        "TensorFlow Lite Micro with CMSIS-NN compiled for size, counted in an emulator",
        "devices/tables/tflm_cmsis_nn_os-*.csv; CMSIS-NN 99f736a, gcc 12.2 -Os",
    ),
    "vela": Runtime(
        "compiled",
        "the NPU's own kernels, cycles as Arm's compiler Vela estimates them operator by operator",
        "devices/tables/vela-*.csv (ethos-u-vela 5.2.0, ethos-u55-128, "
        "Ethos_U55_High_End_Embedded, Shared_Sram); sums beside whole networks in "
        "devices/_validation/vela_networks.py",
    ),
    "x_cube_ai": Runtime(
        "fitted",
        "X-CUBE-AI 9.0 and 10.2, fitted to latencies published for boards; local average "
        "pooling by TFLM's counts",
        "devices/tables/measured.csv (MLPerf Tiny v0.7 to v1.3, ST model zoo)",
    ),
    "tinyengine": Runtime(
        "fitted",
        "TinyEngine, as a ratio to X-CUBE-AI 7.3 measured on one board; dense convolutions, "
        "pooling and additions at the price of TFLM's counts",
        "devices/tables/measured.csv (mit-han-lab/tinyengine); devices/_latency/fitted.py; "
        "devices/tables/tflm_cmsis_nn-cortex-m7.csv",
    ),
}


def runtime(device: Device, name: str) -> Runtime:
    """Return one of `RUNTIMES`, or that of a table or a calibration of the device's own.

    Raises UserError if unknown or not among the device's.
    """
    if name not in RUNTIMES and name not in device.tables:
        raise UserError(
            f"There is no runtime {name!r}; there are {', '.join(RUNTIMES)}, and those that a "
            "device names in its `tables`." + did_you_mean(name, RUNTIMES)
        )
    if name not in device.runtimes:
        raise UserError(
            f"This device has no runtime {name!r}; it has {', '.join(device.runtimes)}."
        )
    if name in device.tables:
        file = Path(device.tables[name]).name
        about = RUNTIMES[name].description if name in RUNTIMES else f"{name}, by a table of cycles"
        found = Runtime("tabulated", about, f"{file}, a table of the device's own")
    else:
        found = RUNTIMES[name]
    if name in device.calibrations:
        source = f"{found.source}; calibrated to {device.calibrations[name].source}"
        found = replace(found, origin="calibrated", source=source)
    return found


def shape_cycles(device: Device, name: str, version: str = "") -> ShapeCycles:
    """Return shape -> (clock cycles, how they are known) of one runtime on a device.

    version: of X-CUBE-AI, empty for the newest; no other runtime has several here.
    How: one of `_range.MARKS`. Cycles of a table, shipped or the device's own, are multiplied with
    the device's memory factor; fitted ones hold it already; all with the coefficients of the
    device's calibration, where it has one. Raises UserError if the device has no such runtime, it
    is not known on its core, or it has no such version.
    """
    runtime(device, name)
    if version and (name != "x_cube_ai" or name in device.tables):
        raise UserError(f"{name} has no versions here, so that {version!r} says nothing: leave it.")
    price = _priced(device, name, version)
    calibration = device.calibrations.get(name)
    return price if calibration is None else calibrated(price, calibration)


def rough(device: Device, name: str, shapes: Iterable[Shape]) -> dict[str, float]:
    """Return the operators among shapes whose interpolation is far off in its own table, and how.

    By operator, the root mean square relative error at the table's rows, of those with `ROUGH` or
    more; none of runtimes that are fitted, whose errors are their intervals'.
    """
    table = _table_of(device, name)
    if table is None:
        return {}
    errors = {one: table.fit_error(one) for one in dict.fromkeys(s.operator for s in shapes)}
    return {operator: error for operator, error in errors.items() if error >= ROUGH}


def _table_of(device: Device, name: str) -> _table.Table | None:
    if name in device.tables:
        return _table.of_file(Path(device.tables[name]), name, device.core)
    fitted = RUNTIMES[name].origin == "fitted"
    return None if fitted else _table.load(f"{name}-{device.core}")


def _priced(device: Device, name: str, version: str) -> ShapeCycles:
    table = _table_of(device, name)
    if table is None and name == "tinyengine":
        return fitted_prices.tinyengine(device.core, device.memory_factor)
    if table is None:
        return fitted_prices.x_cube_ai(device.core, version)
    factor = device.memory_factor

    def from_table(shape: Shape) -> tuple[float, Mark]:
        cycles, mark = table.cycles(shape)
        return cycles * factor, mark

    return from_table
