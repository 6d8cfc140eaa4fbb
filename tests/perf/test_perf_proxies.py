"""Every proxy against its plain definition in one run: how many times faster the engine is.

One thread, 16 channels, one cell per stage, 16 px, 32 images (the default). A proxy's time holds
all passes it needs, none shared. Floors lie well below what is usual, as machines differ.
"""

import time

import numpy as np
import pytest
import reference_proxies as reference
import torch

from benchsuite.plugins import load
from benchsuite.proxies._scoring.batch import draw
from benchsuite.proxies._scoring.images import Images
from benchsuite.proxies._scoring.net import blocks
from benchsuite.proxies._scoring.passes import Passes
from benchsuite.space.cell import CONV1, CONV3, POOL, SKIP, Cell
from benchsuite.space.network import Skeleton

pytestmark = pytest.mark.perf

CELL = Cell((CONV3, CONV1, POOL, SKIP, CONV3, CONV1))
SKELETON = Skeleton(channels=16, cells_per_stage=1, resolution=16)

REFERENCES = {
    "grad_norm": reference.grad_norm,
    "grad_norm_global": reference.grad_norm_global,
    "snip": reference.snip,
    "plain": reference.plain,
    "fisher": reference.fisher,
    "grasp": reference.grasp,
    "naswot": lambda net, x, y: reference.naswot(net, x),
    "jacob_cov": lambda net, x, y: reference.jacob_cov(net, x),
    "epe_nas": lambda net, x, y: reference.epe_nas(net, x, y, 10),
    "synflow": lambda net, x, y: reference.synflow(net, x),
    "zen": lambda net, x, y: reference.zen(net, x, x.flip(0)),
    "zico": lambda net, x, y: reference.zico(net, [(x, y), (x.flip(0), y.flip(0))]),
    "ntk_frozen": lambda net, x, y: reference.condition_numbers(reference.ntk(net, x, frozen=True)),
    "knas": lambda net, x, y: reference.ntk(net, x, frozen=True).mean(),
    "ntk_cond": lambda net, x, y: reference.ntk(thin(), x),
    "swap": lambda net, x, y: reference.swap(net, x[:16]),
    "meco": lambda net, x, y: reference.meco(net, torch.randn(1, 3, 64, 64)),
    "az_nas": lambda net, x, y: reference.az_nas(net, x, *ends(net, len(x))),
    "vkdnw": lambda net, x, y: reference.vkdnw(net, x),
}
FLOORS = {"ntk_frozen": 10, "knas": 10, "vkdnw": 10, "ntk_cond": 1.5, "swap": 2}


def thin():
    return passes().module("kaiming_fan_out", Skeleton(3, 1, SKELETON.resolution))


def ends(net, size):
    """Return the layers that end blocks, and random signs of their shapes."""
    sizes = {layer.name: layer.shape for layer in net.network.layers}
    names = blocks(net.network)
    return names, {name: torch.randn(size, *sizes[name]).sign() for name in names}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def passes():
    batches = [draw(Images("synthetic"), 32, 16, 10, seed=0, index=i) for i in range(2)]
    given = Passes(CELL, SKELETON, batches)
    assert given.weights  # drawn before the clock starts, as the reference's are
    return given


def median_time(run, rounds):
    times = []
    for _ in range(rounds):
        given = passes()
        start = time.process_time()
        run(given)
        times.append(time.process_time() - start)
    return float(np.median(times))


@pytest.mark.parametrize("name", REFERENCES)
def test_against_the_plain_definition(name, benchmark):
    score, plain = load("proxies", name).score, REFERENCES[name]
    net, given = passes().module(), passes()
    slow = median_time(lambda p: plain(net, p.images, p.labels), 3)
    fast = median_time(score, 9)
    benchmark.pedantic(score, setup=lambda: ((passes(),), {}), rounds=9, warmup_rounds=1)
    benchmark.extra_info["times faster than the definition"] = round(slow / fast, 1)
    print(f"{name}: {slow / fast:.1f} times faster ({slow * 1e3:.1f} -> {fast * 1e3:.1f} ms)")
    assert slow / fast >= FLOORS.get(name, 1), name
    assert set(score(given))
