"""Latency: additive, monotone, equal for one cell and for all, and the published rows."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchsuite import plugins
from benchsuite.api import Device
from benchsuite.devices._latency import fitted as _fitted
from benchsuite.devices._latency import monas
from benchsuite.devices._latency.counts import all_counts, shapes_of
from benchsuite.devices._latency.extrapolation import beyond, described, shares
from benchsuite.devices._latency.latency import all_latencies, cycles, latency, layer_costs
from benchsuite.devices._latency.operators import Shape
from benchsuite.devices._latency.runtimes import RUNTIMES, shape_cycles
from benchsuite.errors import UserError
from benchsuite.space.cell import OPS, Cell
from benchsuite.space.deploy import deploy
from benchsuite.space.network import OFFICIAL, SKELETONS, Skeleton, build
from benchsuite.stats import kendall

CIFAR = OFFICIAL["cifar10"]
DEVICES = {name: plugins.load("devices", name) for name in plugins.find("devices")}
MODELLED = [(name, runtime) for name, device in DEVICES.items() for runtime in device.runtimes]
cells = st.integers(0, 15_624).map(Cell.from_index)


@settings(max_examples=60, deadline=None)
@given(cells, st.sampled_from([Skeleton(6, 1, 16), Skeleton(4, 2, 32), Skeleton(16, 3, 32)]))
def test_counts_of_all_cells_are_those_of_the_deployed_networks(
    cell: Cell, skeleton: Skeleton
) -> None:
    shapes, counts = all_counts(skeleton)
    got = {s: int(n) for s, n in zip(shapes, counts[cell.index], strict=True) if n}
    assert got == dict(Counter(shapes_of(deploy(cell, skeleton))))


@settings(max_examples=25, deadline=None)
@given(cells, st.sampled_from(MODELLED))
def test_latency_is_the_sum_of_the_layers(cell: Cell, which: tuple[str, str]) -> None:
    device, runtime = DEVICES[which[0]], which[1]
    network = deploy(cell, CIFAR)
    costs = layer_costs(network, device, runtime)
    assert all(cost.cycles > 0 for cost in costs)
    assert cycles(network, device, runtime) == pytest.approx(sum(c.cycles for c in costs))
    one = latency(cell, CIFAR, device, runtime)
    assert one == pytest.approx(sum(c.cycles for c in costs) / device.clock)
    assert all_latencies(CIFAR, device, runtime)[cell.index] == pytest.approx(one)


@example(("stm32f765", "x_cube_ai"), "avg_pool", 4, 1, 1, 1)
@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(MODELLED),
    st.sampled_from(["conv", "conv1x1", "avg_pool", "add", "relu", "affine"]),
    st.integers(4, 40),
    st.integers(1, 40),
    st.integers(1, 3),
    st.integers(1, 3),
)
def test_interpolated_cycles_never_fall_when_a_layer_grows(
    which: tuple[str, str], operator: str, size: int, quads: int, wider: int, deeper: int
) -> None:
    device, runtime = DEVICES[which[0]], which[1]
    cost = shape_cycles(device, runtime)
    window = (3, 1, 1) if operator in ("conv", "avg_pool") else (1, 1, 0)

    def shape(size: int, channels: int) -> Shape:
        return Shape(operator, size, channels, channels, *window)  # type: ignore[arg-type]

    small, large = shape(size, 4 * quads), shape(size + wider, 4 * (quads + deeper))
    (before, marked), (after, also_marked) = cost(small), cost(large)
    # A row of the table is exact and may lie beside the fit by its error, which is large for Vela.
    error = 1.6 if runtime == "vela" else 1.3
    slack = 1.0 if marked == also_marked else error
    # TinyEngine's price of what no board row identifies is a row of TFLM's table or beside it.
    slack = error if runtime == "tinyengine" else slack
    assert 0 < before <= slack * after


@pytest.mark.parametrize(("name", "runtime"), MODELLED)
def test_counted_rows_grow_with_channels_and_size(name: str, runtime: str) -> None:
    cost = shape_cycles(DEVICES[name], runtime)
    for operator, window in (("conv", (3, 1, 1)), ("conv1x1", (1, 1, 0))):
        by_size = [
            cost(Shape(operator, size, 32, 32, *window))[0]  # type: ignore[arg-type]
            for size in (8, 16)
        ]
        assert by_size == sorted(by_size)


def test_an_operator_more_takes_longer() -> None:
    device = DEVICES["stm32l4r5"]
    for runtime in ("own", "tflm_cmsis_nn", "x_cube_ai"):
        seconds = all_latencies(CIFAR, device, runtime)
        chain = Cell.from_arch("|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|")
        more = Cell.from_arch(
            "|skip_connect~0|+|none~0|none~1|+|nor_conv_1x1~0|nor_conv_3x3~1|none~2|"
        )
        assert seconds[more.index] > seconds[chain.index] > 0


def test_a_network_without_a_path_costs_nothing() -> None:
    nothing = Cell((0,) * 6)
    assert latency(nothing, CIFAR, DEVICES["stm32f746"], "own") == 0
    assert all_latencies(CIFAR, DEVICES["stm32f746"], "own")[nothing.index] == 0


@pytest.mark.parametrize("dataset", OFFICIAL)
@pytest.mark.parametrize("name", [n for n, r in MODELLED if r in ("own", "vela")])
def test_official_networks_need_no_interpolation(name: str, dataset: str) -> None:
    runtime = "own" if "own" in DEVICES[name].runtimes else "vela"
    assert shares(OFFICIAL[dataset], DEVICES[name], runtime) == {"": pytest.approx(1)}
    assert not beyond(OFFICIAL[dataset], DEVICES[name], runtime)


def test_interpolation_is_marked() -> None:
    odd = deploy(Cell.from_index(6111), Skeleton(channels=20, cells_per_stage=1, resolution=24))
    marks = {c.mark for c in layer_costs(odd, DEVICES["stm32l4r5"], "own")}
    assert marks >= {"interpolated"}
    assert all(c.interpolated for c in layer_costs(odd, DEVICES["stm32l4r5"], "x_cube_ai"))
    assert shares(Skeleton(channels=20), DEVICES["stm32l4r5"], "own").get("", 0) < 0.5
    large = Shape("conv", 640, 256, 256, 3, 1, 1)
    for runtime in ("own", "tflm_cmsis_nn", "x_cube_ai"):
        assert shape_cycles(DEVICES["stm32l4r5"], runtime)(large)[1] == "extrapolated"


@pytest.mark.parametrize(("name", "runtime"), MODELLED)
def test_shares_of_all_cells_and_of_one_add_up(name: str, runtime: str) -> None:
    for cell in (None, Cell.from_index(6111)):
        assert sum(shares(CIFAR, DEVICES[name], runtime, cell).values()) == pytest.approx(1)
    assert not shares(CIFAR, DEVICES[name], runtime, Cell((0,) * 6))
    for shape, mark in beyond(CIFAR, DEVICES[name], runtime).items():
        assert shape_cycles(DEVICES[name], runtime)(shape)[1] == mark


@pytest.mark.parametrize(("name", "runtime"), MODELLED)
def test_local_pooling_costs_a_fraction_of_a_convolution(name: str, runtime: str) -> None:
    """TFLM's counts say .06 to .28, MONAS' table .30; a coefficient of outputs said 1.34."""
    if RUNTIMES[runtime].origin not in ("counted", "fitted"):
        return
    cost = shape_cycles(DEVICES[name], runtime)
    for size in (8, 16, 32):
        for channels in (16, 32, 64):
            pool, conv = (
                cost(Shape(kind, size, channels, channels, 3, 1, 1))[0]  # type: ignore[arg-type]
                for kind in ("avg_pool", "conv")
            )
            assert pool <= (0.36 if runtime.endswith("_os") else 0.35) * conv


@pytest.mark.parametrize(
    "name", [n for n, d in DEVICES.items() if {"x_cube_ai", "tflm_cmsis_nn"} <= set(d.runtimes)]
)
@pytest.mark.parametrize("dataset", OFFICIAL)
def test_fitted_and_counted_runtimes_rank_cells_alike(name: str, dataset: str) -> None:
    for skeleton in (OFFICIAL[dataset], SKELETONS["mcu"][dataset]):
        fitted, counted = (
            all_latencies(skeleton, DEVICES[name], runtime)
            for runtime in ("x_cube_ai", "tflm_cmsis_nn")
        )
        there = counted > 0
        assert kendall(fitted[there], counted[there]).value >= 0.90
        if dataset == "cifar10":
            assert kendall(fitted[there], counted[there]).value >= 0.94


def test_every_core_that_was_fitted_prices_local_pooling() -> None:
    for core in {core for core, _ in _fitted.shipped()[0].factors}:
        device = Device(core, 160e6, None, None, ("x_cube_ai",), "a data sheet")
        assert all_latencies(CIFAR, device, "x_cube_ai")[6111] > 0
        cost = shape_cycles(device, "x_cube_ai")
        pool, conv = (cost(Shape(o, 32, 16, 16, 3, 1, 1)) for o in ("avg_pool", "conv"))  # type: ignore[arg-type]
        assert 0 < pool[0] <= 0.35 * conv[0]
        assert pool[1] == "not identified"


@pytest.mark.parametrize("name", [n for n, r in MODELLED if r == "tinyengine"])
def test_tinyengine_has_no_cheaper_dense_convolutions_than_measured(name: str) -> None:
    """On a Cortex-M4 they took 1.04 to 1.17 times TFLM's price; the ratio said less than half."""
    ours, tflm = (shape_cycles(DEVICES[name], r) for r in ("tinyengine", "tflm_cmsis_nn"))
    for size, channels in ((32, 16), (16, 32), (8, 64)):
        for shape in (
            Shape("conv", size, channels, channels, 3, 1, 1),
            Shape("conv", size, channels, 2 * channels, 3, 2, 1),
            Shape("avg_pool", size, channels, channels, 3, 1, 1),
            Shape("add", size, channels, channels),
        ):
            assert ours(shape) == (tflm(shape)[0], "not identified")
    assert "not identified" in described(CIFAR, DEVICES[name], "tinyengine")


MONAS_F746 = {  # row: (3x3, 1x1, pool, skip), milliseconds as printed
    "DARTS": ((2, 1, 1, 0), 20.80),
    "GDAS": ((3, 1, 1, 0), 28.83),
    "KNAS": ((4, 1, 1, 0), 36.85),
    "NASWOT": ((2, 4, 0, 0), 25.45),
    "ZiCo": ((4, 1, 0, 0), 34.45),
    "TE-NAS": ((5, 1, 0, 0), 42.48),
    "lambda 0.7": ((1, 4, 0, 1), 17.56),
    "mu 0.5/0.6": ((3, 2, 0, 1), 28.91),
    "mu 0.7": ((3, 1, 0, 2), 26.71),
    "mu 0.8": ((1, 2, 0, 3), 13.15),
}


def _with_counts(conv3: int, conv1: int, pool: int, skip: int) -> Cell:
    ops = [3] * conv3 + [2] * conv1 + [4] * pool + [1] * skip
    return Cell((*ops, *[0] * (6 - len(ops))))


@pytest.mark.parametrize(("counts", "printed"), MONAS_F746.values(), ids=MONAS_F746)
def test_monas_rows_are_reproduced(counts: tuple[int, int, int, int], printed: float) -> None:
    got = monas.seconds("stm32f746")[_with_counts(*counts).index] * 1e3
    assert got == pytest.approx(printed, abs=0.0101)


def test_the_two_other_monas_rows() -> None:
    seconds = monas.seconds("stm32f746")
    baseline = seconds[_with_counts(4, 0, 0, 1).index] * 1e3
    assert baseline == pytest.approx(32.30, abs=0.06)  # printed with one digit less
    assert baseline != pytest.approx(32.30, abs=0.04)
    tg_nas = seconds[_with_counts(3, 0, 0, 2).index] * 1e3
    assert tg_nas == pytest.approx(42.48 / 1.74, abs=0.06)  # its speed-up, not its latency


def test_the_small_monas_table_solves_the_printed_rows_and_states_its_freedom() -> None:
    per_op = dict(zip(OPS, monas.per_operator("stm32l432"), strict=True))
    mu85 = Cell.from_arch(
        "|nor_conv_1x1~0|+|avg_pool_3x3~0|skip_connect~1|+|skip_connect~0|skip_connect~1|none~2|"
    )
    got = monas.seconds("stm32l432")[mu85.index] * 1e3
    assert got == pytest.approx(23.11, abs=1e-6)
    assert 4 * per_op["nor_conv_3x3"] + per_op["nor_conv_1x1"] == pytest.approx(154.70)
    for op, (least, greatest) in monas.l432_range().items():
        assert least < per_op[op] < greatest


def test_the_small_monas_table_alone_orders_operators_as_flops_do() -> None:
    """So searches that weigh its latency answer as those that weigh FLOPs."""
    by_flops = ["skip_connect", "avg_pool_3x3", "nor_conv_1x1", "nor_conv_3x3"]
    for part, alike in (("stm32l432", True), ("stm32f746", False)):
        per_op = dict(zip(OPS, monas.per_operator(part), strict=True))
        assert (sorted(by_flops, key=per_op.__getitem__) == by_flops) == alike


def test_runtimes_that_do_not_fit() -> None:
    device = DEVICES["stm32f412"]
    with pytest.raises(UserError, match="no runtime 'tflm'; there are own"):
        latency(Cell.from_index(0), CIFAR, device, "tflm")
    with pytest.raises(UserError, match="This device has no runtime 'tinyengine'; it has own"):
        all_latencies(CIFAR, device, "tinyengine")
    with pytest.raises(UserError, match="There is no runtime 'monas2024'"):
        all_latencies(CIFAR, DEVICES["stm32f746"], "monas2024")
    with pytest.raises(UserError, match="measured on a Cortex-M7 only"):
        all_latencies(CIFAR, replace(device, runtimes=("tinyengine",)), "tinyengine")
    unknown = replace(device, core="cortex-m0")
    with pytest.raises(UserError, match="no latency table 'own-cortex-m0'"):
        all_latencies(CIFAR, unknown, "own")
    with pytest.raises(UserError, match=r"X-CUBE-AI 10.2.0 on cortex-m0 was not fitted"):
        all_latencies(CIFAR, unknown, "x_cube_ai")


def test_a_layer_without_a_kernel() -> None:
    with pytest.raises(UserError, match=r"No runtime here has a kernel for the layer .*Deploy"):
        layer_costs(build(Cell.from_index(6111), CIFAR), DEVICES["stm32f746"], "own")


def test_a_faster_clock_and_a_slower_memory() -> None:
    device, cell = DEVICES["stm32f412"], Cell.from_index(6111)
    faster = replace(device, clock=2 * device.clock)
    slower = replace(device, memory_factor=3 * device.memory_factor)
    for runtime, factor in (("own", 3), ("tflm_cmsis_nn", 3), ("x_cube_ai", 1)):
        normal = latency(cell, CIFAR, device, runtime)
        assert latency(cell, CIFAR, faster, runtime) == pytest.approx(normal / 2)
        assert latency(cell, CIFAR, slower, runtime) == pytest.approx(normal * factor)


@pytest.mark.parametrize("name", [n for n, r in MODELLED if r == "own"])
def test_a_device_of_ones_own_is_as_fast_as_the_shipped_one(name: str) -> None:
    """Core, clock and memories are all that a plug-in says: the memory factor is the core's."""
    shipped = DEVICES[name]
    own = Device(shipped.core, shipped.clock, shipped.sram, shipped.flash, ("own",), "a data sheet")
    assert (own.memory_factor, own.memory_factor_source) == (
        shipped.memory_factor,
        shipped.memory_factor_source,
    )
    np.testing.assert_array_equal(
        all_latencies(CIFAR, own, "own"), all_latencies(CIFAR, shipped, "own")
    )
    assert own.memory_factor == (1.363 if "cortex-m" in own.core else 1.0)
    assert replace(own, memory_factor=2.0).memory_factor == 2.0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"core": ""}, "needs its core"),
        ({"source": ""}, "needs its source"),
        ({"runtimes": ()}, "at least one runtime"),
        ({"clock": 0}, "clock above 0 Hz, not 0"),
        ({"clock": np.nan}, "clock above 0 Hz"),
        ({"clock": np.inf}, "clock above 0 Hz"),
        ({"sram": 0}, "whole number of bytes of sram"),
        ({"flash": 1.5}, "whole number of bytes of flash"),
        ({"memory_factor": -1}, "memory factor is above 0"),
    ],
)
def test_impossible_devices(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        replace(DEVICES["stm32f746"], **change)  # type: ignore[arg-type]


def test_every_profile_has_its_tables_and_a_description() -> None:
    for name, plugin in plugins.find("devices").items():
        assert plugin.description, name
        assert isinstance(DEVICES[name], Device)
    for name, runtime in MODELLED:
        assert np.isfinite(all_latencies(CIFAR, DEVICES[name], runtime)).all()
