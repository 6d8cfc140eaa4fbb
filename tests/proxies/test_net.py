"""The torch module: counted costs, an independent network as oracle, disconnected cells, inits."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from benchsuite.errors import UserError
from benchsuite.proxies._engine.weights import draw_weights
from benchsuite.proxies._scoring.net import Net, blocks, initialise, outputs, scored
from benchsuite.space.cell import CONV1, CONV3, N_CELLS, NONE, POOL, SKIP, Cell
from benchsuite.space.cost import macs, params, tensors
from benchsuite.space.deploy import deploy
from benchsuite.space.network import OFFICIAL, Skeleton, build

SMALL = Skeleton(channels=4, cells_per_stage=1, resolution=8)
CELLS = st.integers(0, N_CELLS - 1).map(Cell.from_index)
DISCONNECTED = Cell((CONV3, NONE, NONE, NONE, NONE, CONV1))


class ReLUConvBN(nn.Sequential):
    def __init__(self, before, after, kernel, stride=1):
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(after),
        )


class OracleCell(nn.Module):
    """The cell as section 2.1 of the paper words it: every node sums its incoming edges."""

    def __init__(self, cell, channels):
        super().__init__()
        self.ops = cell.ops
        self.convs = nn.ModuleList(
            ReLUConvBN(channels, channels, 1 if op == CONV1 else 3)
            if op in (CONV1, CONV3)
            else nn.Identity()
            for op in cell.ops
        )

    def forward(self, x):
        nodes, edge = [x], 0
        for target in (1, 2, 3):
            total = torch.zeros_like(x)
            for source in range(target):
                op = self.ops[edge]
                if op == POOL:
                    ones = F.avg_pool2d(torch.ones_like(x), 3, 1, 1) * 9
                    total = total + F.avg_pool2d(nodes[source], 3, 1, 1) * 9 / ones
                elif op != NONE:
                    total = total + self.convs[edge](nodes[source])
                edge += 1
            nodes.append(total)
        return nodes[3]


class OracleReduction(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.a = ReLUConvBN(channels, 2 * channels, 3, 2)
        self.b = ReLUConvBN(2 * channels, 2 * channels, 3)
        self.shortcut = nn.Conv2d(channels, 2 * channels, 1, bias=False)

    def forward(self, x):
        return self.b(self.a(x)) + self.shortcut(F.avg_pool2d(x, 2))


def oracle(cell, skeleton):
    """The official network, written without `benchsuite.space.network`; parameters in its order."""
    channels = skeleton.channels
    body = [nn.Conv2d(3, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)]
    for stage in range(3):
        if stage:
            body.append(OracleReduction(channels))
            channels *= 2
        body += [OracleCell(cell, channels) for _ in range(skeleton.cells_per_stage)]
    body += [nn.BatchNorm2d(channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*body, nn.Linear(channels, skeleton.classes))


def make(cell, skeleton=SMALL, seed=0, rule="default", **options):
    network = build(cell, skeleton)
    return initialise(Net(network, **options), draw_weights(network, seed, 0, rule))


def images(skeleton, batch=2, seed=1):
    size = (batch, 3, skeleton.resolution, skeleton.resolution)
    return torch.randn(size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("dataset", OFFICIAL)
@settings(max_examples=6, deadline=None)
@given(cell=CELLS)
def test_parameters_and_macs_counted_by_torch_equal_the_costs(dataset, cell):
    network = build(cell, OFFICIAL[dataset])
    net = make(cell, OFFICIAL[dataset])
    assert sum(p.numel() for p in net.parameters()) == params(network)
    assert len(list(net.parameters())) == tensors(network)
    counted = []
    for module in scored(net):
        module.register_forward_hook(
            lambda m, _, out: counted.append(m.weight.numel() * out[0].numel() // len(m.weight))
        )
    with torch.no_grad():
        logits = net(images(OFFICIAL[dataset], batch=1))
    assert logits.shape == (1, OFFICIAL[dataset].classes)
    assert sum(counted) == macs(network)


@settings(max_examples=25, deadline=None)
@given(cell=CELLS, training=st.booleans())
def test_equals_an_independent_network(cell, training):
    net, other = make(cell).double(), oracle(cell, SMALL).double()
    ours, theirs = list(net.parameters()), list(other.parameters())
    assert [p.shape for p in ours] == [p.shape for p in theirs]
    with torch.no_grad():
        for a, b in zip(ours, theirs, strict=True):
            a.add_(0.1 * torch.rand(a.shape, generator=torch.Generator().manual_seed(2)))
            b.copy_(a)
    x = images(SMALL, batch=3).double()
    torch.testing.assert_close(net.train(training)(x), other.train(training)(x))


@pytest.mark.parametrize("cell", [DISCONNECTED, Cell((NONE,) * 6)])
def test_a_disconnected_cell_runs_and_does_not_see_its_input(cell):
    net = make(cell).eval()
    logits = net(images(SMALL))
    assert torch.isfinite(logits).all()
    torch.testing.assert_close(logits, net(images(SMALL, seed=9)))


def test_runs_between_any_two_layers():
    net = make(Cell((CONV3, SKIP, POOL, NONE, CONV1, SKIP))).eval()
    x = images(SMALL)
    middle = net(x, stop="stage1.cell0.node3")
    torch.testing.assert_close(net(middle, start="stage1.cell0.node3"), net(x))
    with pytest.raises(UserError, match=r"no layer 'stem\.bm'.*Did you mean stem\.bn"):
        net(x, stop="stem.bm")


def test_outputs_are_collected_by_name_and_kind_and_hooks_are_gone_afterwards():
    net = make(Cell((CONV3, SKIP, POOL, NONE, CONV1, SKIP)))
    with outputs(net, ["relu", "reduce1.add"]) as seen:
        net(images(SMALL))
    kinds = {layer.name: layer.kind for layer in net.network.layers}
    relus = [name for name, kind in kinds.items() if kind == "relu"]
    assert list(seen) == [name for name in kinds if name in relus or name == "reduce1.add"]
    assert not any(module._forward_hooks for module in net.layers)


def test_blocks_are_stem_cells_and_reductions():
    skeleton = Skeleton(cells_per_stage=2)
    names = blocks(build(Cell((SKIP,) * 6), skeleton))
    assert names[0] == "stem.bn"
    assert names[3] == "reduce1.add"
    assert len(names) == 1 + 3 * 2 + 2


@pytest.mark.parametrize("rule", ["default", "normal", "kaiming", "kaiming_fan_out"])
def test_weights_are_reproducible_and_have_the_stated_spread(rule):
    nets = [make(Cell((CONV3,) * 6), Skeleton(), seed, rule) for seed in (3, 3, 4)]
    first, second, other = (torch.cat([p.flatten() for p in n.parameters()]) for n in nets)
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    weight = nets[0].layers[nets[0].position("reduce1.a.conv")].weight
    fan_in, fan_out = 16 * 9, 32 * 9
    spread = {
        "default": 1 / math.sqrt(3 * fan_in),
        "normal": 1.0,
        "kaiming": math.sqrt(2 / fan_in),
        "kaiming_fan_out": math.sqrt(2 / fan_out),
    }[rule]
    assert weight.std().item() == pytest.approx(spread, rel=0.05)
    assert (nets[0].layers[-1].bias == 0).all() == (rule != "default")


def test_the_default_is_pytorchs_own():
    torch.manual_seed(0)
    theirs, ours = nn.Linear(64, 2000), make(Cell((SKIP,) * 6), Skeleton(classes=2000)).layers[-1]
    for a, b in zip(theirs.parameters(), ours.parameters(), strict=True):
        assert a.abs().max().item() == pytest.approx(b.abs().max().item(), rel=0.01)
        assert a.std().item() == pytest.approx(b.std().item(), rel=0.05)


def test_nothing_is_drawn_from_the_global_generator():
    before = torch.random.get_rng_state()
    make(Cell((CONV3,) * 6))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_bn_options():
    net = make(Cell((SKIP,) * 6), affine=False, track=False)
    bn = net.layers[net.position("stem.bn")]
    assert bn.weight is None
    assert bn.running_mean is None


def test_a_deployed_network_has_no_module():
    with pytest.raises(UserError, match="'affine' layer"):
        Net(deploy(Cell((SKIP,) * 6), Skeleton()))
