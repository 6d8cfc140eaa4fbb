"""The size space: its networks are NATS-Bench's, layer by layer, and priced as any network is."""

import numpy as np
import pytest
import torch
from torch import nn

import benchsuite as bs
from benchsuite.assembly.shipped import FOLDER
from benchsuite.deployment.ram import CONVENTIONS
from benchsuite.errors import UserError
from benchsuite.proxies._engine.weights import draw_weights
from benchsuite.proxies._scoring.net import Net, initialise
from benchsuite.sizes import costs
from benchsuite.space import cost, sizes
from benchsuite.space.cell import NONE, POOL, Cell
from benchsuite.space.network import OFFICIAL, SKELETONS, build
from benchsuite.table.device_columns import DeviceColumn
from benchsuite.table.table import Table

DEVICES = ("stm32l4r5", "stm32f746")
DOUBLING = (16, 32, 32, 64, 64)


@pytest.fixture(scope="module")
def plan():
    from benchsuite import plugins

    return costs.Plan(
        tuple((name, plugins.load("devices", name)) for name in DEVICES), OFFICIAL["cifar10"]
    )


def some(number):
    rng = np.random.default_rng(5)
    return [sizes.sizes_of(int(i)) for i in rng.choice(sizes.N_SIZES, number, replace=False)]


class ReLUConvBN(nn.Sequential):
    def __init__(self, before, after, stride=1):
        convolution = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        super().__init__(nn.ReLU(), convolution, nn.BatchNorm2d(after))


class PlainCell(nn.Module):
    """Three nodes; all edges are 3x3 convolutions but 0 -> 3, which passes its input on."""

    def __init__(self, before, after):
        super().__init__()
        self.e01, self.e02 = ReLUConvBN(before, after), ReLUConvBN(before, after)
        self.e12, self.e13, self.e23 = (ReLUConvBN(after, after) for _ in range(3))
        self.e03 = nn.Identity()
        if before != after:
            self.e03 = nn.Sequential(nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after))

    def forward(self, x):
        one = self.e01(x)
        two = self.e02(x) + self.e12(one)
        return self.e03(x) + self.e13(one) + self.e23(two)


class PlainBlock(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.main = nn.Sequential(ReLUConvBN(before, after, 2), ReLUConvBN(after, after))
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(before, after, 1, bias=False))

    def forward(self, x):
        return self.shortcut(x) + self.main(x)


def plain(widths):
    """The network of five widths in torch alone, as NATS-Bench's printed module."""
    a, b, c, d, e = widths
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(3, a, 3, padding=1, bias=False), nn.BatchNorm2d(a)),
        PlainCell(a, a),
        PlainBlock(a, b),
        PlainCell(b, c),
        PlainBlock(c, d),
        PlainCell(d, e),
        nn.Sequential(nn.BatchNorm2d(e), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        nn.Linear(e, 10),
    )


def counted(net):
    """Multiply-accumulates and the classifier's bias, from the shapes that a forward pass makes."""
    total = []

    def convolution(module, _, out):
        total.append(module.weight[0].numel() * out[0].numel())

    def linear(module, _, out):
        total.append(module.weight.numel() + out[0].numel())

    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(convolution if isinstance(module, nn.Conv2d) else linear)
    with torch.no_grad():
        net.eval()(torch.zeros(1, 3, 32, 32))
    return sum(total)


@pytest.mark.parametrize(
    ("arch", "index", "params", "flops"),
    [
        # NATS-Bench, notebooks/issue-21.ipynb (widths, parameters), create-query-sss.ipynb (FLOPs).
        ("8:8:8:16:40", 12, 67_378, 7_991_706),
    ],
)
def test_published_numbers_of_nats_bench(arch, index, params, flops):
    widths = sizes.parse(arch)
    assert sizes.index_of(widths) == index
    assert Cell.from_index(9930) == sizes.CELL
    network = build(sizes.CELL, sizes.skeleton(widths))
    assert (cost.params(network), cost.flops(network)) == (params, flops)


def test_parameters_and_flops_are_those_of_plain_torch():
    for widths in [(8,) * 5, (64,) * 5, *some(34)]:
        network, net = build(sizes.CELL, sizes.skeleton(widths)), plain(widths)
        assert cost.params(network) == sum(p.numel() for p in net.parameters())
        assert cost.flops(network) == counted(net)


@pytest.mark.parametrize("widths", [(8, 24, 8, 8, 16), (16, 8, 8, 24, 8)])
def test_logits_are_those_of_plain_torch(widths):
    """With the weights in the order of the modules: `none` of the layers is at another place."""
    network = build(sizes.CELL, sizes.skeleton(widths))
    ours = initialise(Net(network).double(), draw_weights(network, 0, 0, dtype=torch.float64))
    theirs = plain(widths).double()
    names = {
        name: layer.weight
        for name, layer in zip((one.name for one in network.layers), ours.layers, strict=True)
        if hasattr(layer, "weight")
    }
    places = {"e01": "edge01", "e02": "edge02", "e12": "edge12", "e13": "edge13", "e23": "edge23"}
    for stage, at in enumerate((1, 3, 5)):
        for edge, ours_edge in places.items():
            weight = names[f"stage{stage}.cell0.{ours_edge}.nor_conv_3x3.conv"]
            getattr(theirs[at], edge)[1].weight.data = weight.data
        if isinstance(theirs[at].e03, nn.Sequential):
            theirs[at].e03[0].weight.data = names[
                f"stage{stage}.cell0.edge03.skip_connect.conv"
            ].data
    for stage, at in ((1, 2), (2, 4)):
        theirs[at].main[0][1].weight.data = names[f"reduce{stage}.a.conv"].data
        theirs[at].main[1][1].weight.data = names[f"reduce{stage}.b.conv"].data
        theirs[at].shortcut[1].weight.data = names[f"reduce{stage}.shortcut.conv"].data
    theirs[0][0].weight.data = names["stem.conv"].data
    theirs[-1].weight.data, theirs[-1].bias.data = (
        ours.layers[-1].weight.data,
        ours.layers[-1].bias.data,
    )
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(1)).double()
    with torch.no_grad():
        torch.testing.assert_close(ours.train()(images), theirs.train()(images))


def test_indices_are_digits_of_base_8_and_strings_are_read_back():
    indices = [0, 1, 8, 12, 32_767, *range(0, sizes.N_SIZES, 997)]
    for index in indices:
        widths = sizes.sizes_of(index)
        assert sizes.index_of(widths) == index
        assert sizes.parse(f" {sizes.string(widths)} ") == widths
    assert [sizes.sizes_of(i) for i in (0, 1, 8)] == [
        (8,) * 5, (8, 8, 8, 8, 16), (8, 8, 8, 16, 8)
    ]  # fmt: skip
    for kind in (np.int64, np.uint16):
        assert sizes.sizes_of(kind(32_767)) == (64,) * 5


@pytest.mark.parametrize(
    "text", ["8:8:8:16", "8:8:8:16:41", "8:8:8:8:8:8", "8:8:8:8:0", "8:8:8:8:-8", "", "8:8:8:8:8.0"]
)
def test_what_is_no_network_of_the_space_is_a_sentence(text):
    with pytest.raises(UserError, match="size space"):
        sizes.parse(text)


@pytest.mark.parametrize("index", [-1, 32_768, 1.5, True, "3"])
def test_an_index_outside_is_a_sentence(index):
    with pytest.raises(UserError, match="0 to 32767"):
        sizes.sizes_of(index)


def test_widths_that_a_cell_or_a_skeleton_cannot_have_are_refused():
    changing = sizes.skeleton((16, 32, 16, 64, 64))
    for op in (NONE, POOL):
        with pytest.raises(UserError, match="changes the channels"):
            build(Cell((op,) * 6), changing)
    with pytest.raises(UserError, match="begins with 16"):
        sizes.SizedSkeleton(3)


def test_widths_that_double_are_the_shipped_columns_of_the_cell(plan):
    """The network 16:32:32:64:64 is that of the same cell with one cell per stage."""
    index = sizes.index_of(DOUBLING)
    row = {name: values[0] for name, values in costs.columns(plan, index, index + 1).items()}
    around, cell = SKELETONS["mcu"]["cifar10"], sizes.CELL.index
    assert row["params"] == cost.all_params(around)[cell]
    assert row["flops"] == cost.all_flops(around)[cell]
    assert row["macs"] == cost.all_deployed_macs(around)[cell]
    table = Table.open(FOLDER / "devices.parquet")
    for name in (*CONVENTIONS, "flash.weights"):
        column = DeviceColumn(name, "", "", "cifar10", "mcu").name
        assert row[name] == table.values(column)[cell]
    for name, device in plan.devices:
        for runtime in device.runtimes:
            column = DeviceColumn("latency", name, runtime, "cifar10", "mcu").name
            seconds = table.values(column)[cell]
            assert row[costs.latency_name(name, runtime)] == pytest.approx(seconds, rel=1e-12)


@pytest.mark.parametrize("widths", some(3))
def test_columns_are_what_estimate_says_to_the_cycle(plan, widths):
    index = sizes.index_of(widths)
    row = {name: values[0] for name, values in costs.columns(plan, index, index + 1).items()}
    found = bs.estimate(sizes.string(widths), device=DEVICES)
    assert len(found.estimates) == sum(len(device.runtimes) for _, device in plan.devices)
    assert (row["macs"], row["flash.weights"]) == (found.model.macs, found.model.weights_bytes)
    for one in found.estimates:
        assert row[costs.latency_name(one.device, one.runtime)] == pytest.approx(
            one.latency, rel=1e-13
        )
        beyond = sum(one.known_how.get(mark, 0) for mark in ("extrapolated", "not identified"))
        assert row[f"seen.{one.device}.{one.runtime}"] == pytest.approx(1 - beyond)
        cycles = found.layers(one.device, one.runtime)["cycles"].sum()
        assert cycles / found.devices[one.device].clock == pytest.approx(one.latency, rel=1e-12)
        if one.convention == "ram.best":  # X-CUBE-AI's variables come on top
            assert row["ram.best"] <= one.ram
        else:
            assert row[one.convention] == one.ram
    with pytest.raises(UserError, match="without a skeleton"):
        bs.estimate(sizes.string(widths), skeleton="mcu")
    with pytest.raises(UserError, match="size space"):
        bs.estimate("8:8:8:8:9")
