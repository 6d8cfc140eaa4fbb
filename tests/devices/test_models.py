"""Any network on a device: operators of every shape, priced as cells are."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchsuite import plugins
from benchsuite.devices._latency.cycles import amounts, load
from benchsuite.devices._latency.fitted import parts_of_shape
from benchsuite.devices._latency.latency import all_latencies, cycles
from benchsuite.devices._latency.operators import Shape, Side, convolution
from benchsuite.devices._models.model import of_network, prices
from benchsuite.space.cell import Cell
from benchsuite.space.deploy import deploy
from benchsuite.space.network import OFFICIAL

DEVICES = {name: plugins.load("devices", name) for name in plugins.find("devices")}
MODELLED = [(name, runtime) for name, device in DEVICES.items() for runtime in device.runtimes]
sides = st.builds(
    Side,
    st.integers(8, 20),
    st.integers(1, 5),
    st.integers(1, 3),
    st.integers(0, 2),
    st.integers(0, 2),
)


def loops(operator: str, height: Side, width: Side, before: int, after: int) -> tuple[int, int]:
    """Count what a convolution multiplies, padding included, and what a pooling adds, by loops."""
    macs = window = 0
    for side_h in range(height.out):
        for side_w in range(width.out):
            for k_h in range(height.kernel):
                for k_w in range(width.kernel):
                    macs += after * (before if operator == "conv" else 1)
                    y = side_h * height.stride - height.before + k_h
                    x = side_w * width.stride - width.before + k_w
                    window += after * (0 <= y < height.size and 0 <= x < width.size)
    return macs, window


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["conv", "depthwise", "avg_pool"]), sides, sides, st.integers(1, 9))
def test_work_of_rectangular_operators_is_what_loops_count(operator, height, width, channels):
    shape = Shape.of_sides(operator, height, width, channels, channels)
    assert (shape.height.out, shape.width.out) == (height.out, width.out)
    macs, window = loops(operator, height, width, channels, channels)
    if operator == "avg_pool":
        if shape.sides:
            assert amounts(shape)[0] == window
        assert shape.macs == 0
    else:
        assert shape.macs == macs
        assert parts_of_shape(shape)[:3].sum() == macs


def test_square_operators_are_the_rows_of_tables_however_they_are_padded():
    """TensorFlow pads 3x3 of stride 2 after the image only, which is as much work."""
    rows = load("own-cortex-m7").rows
    for padding in ((1, 1), (0, 1), (1, 0)):
        side = Side(32, 3, 2, *padding)
        assert convolution(side, side, 16, 32) == Shape("conv", 32, 16, 32, 3, 2, 1)
        assert convolution(side, side, 16, 32) in rows
    for shape in rows:
        again = Shape.of_sides(
            shape.operator, shape.height, shape.width, shape.in_channels, shape.out_channels
        )
        assert again == shape
        assert not again.sides
    assert convolution(Side(9), Side(5), 8, 4).operator == "conv1x1"
    assert convolution(Side(9, 1, 2), Side(9, 1, 2), 8, 4).operator == "conv"
    assert convolution(Side(9), Side(9), 6, 4).operator == "conv"


@pytest.mark.parametrize(("name", "runtime"), MODELLED)
def test_a_model_of_a_cell_costs_what_its_column_says(name, runtime):
    device = DEVICES[name]
    for index in (6111, 9930, 1462):
        cell = Cell.from_index(index)
        network = deploy(cell, OFFICIAL["cifar10"])
        model = of_network(network, str(index))
        total = sum(price.cycles for price in prices(model, device, runtime))
        assert total == pytest.approx(cycles(network, device, runtime), rel=1e-12)
        column = all_latencies(OFFICIAL["cifar10"], device, runtime)[index]
        assert total / device.clock == pytest.approx(column, rel=1e-12)


def test_what_no_kernel_covers_has_no_price():
    cell = Cell.from_index(6111)
    model = of_network(deploy(cell, OFFICIAL["cifar10"]), "6111")
    conv = next(one for one in model.operations if one.kind == "conv")
    odd = replace(conv, kind="softmax", shape=None, covered=False)
    side = Side(32, 3, 1, 1, 1)
    depthwise = replace(conv, shape=Shape.of_sides("depthwise", side, side, 16, 16))
    changed = replace(model, operations=(odd, depthwise))
    assert changed.not_covered() == {"softmax": 1}
    assert [p.cycles for p in prices(changed, DEVICES["stm32f746"], "own")] == [None, None]
    counted = prices(changed, DEVICES["stm32f746"], "tflm_cmsis_nn")
    assert counted[0].cycles is None
    assert counted[1].cycles == 1081998 * DEVICES["stm32f746"].memory_factor
    assert counted[1].mark == ""
    assert np.isfinite(model.macs)
