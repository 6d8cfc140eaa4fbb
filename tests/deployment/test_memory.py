"""RAM: brute force over all orders, an independent search, closed forms, and published facts."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchsuite.deployment.graph import Graph, graph, pattern_graphs, patterns
from benchsuite.deployment.liveness import best_peak, order_peak, waists
from benchsuite.deployment.ram import CONVENTIONS, all_ram, ram
from benchsuite.errors import UserError
from benchsuite.space.cell import CONV3, POOL, SKIP, Cell
from benchsuite.space.deploy import deploy
from benchsuite.space.equivalence import classes
from benchsuite.space.network import OFFICIAL, Skeleton

CIFAR = OFFICIAL["cifar10"]
SMALL = Skeleton(channels=8, cells_per_stage=1, resolution=16, classes=100)
KIB = 1024
MAP = 16 * KIB  # one tensor of the first stage: 16 channels of 32x32
CONNECTED = classes("connected").astype(bool)


def needs(graph, done, layer):
    """Bytes live while `layer` runs after the layers in `done`, by the definition alone."""
    readers = [
        {k for k, reads in enumerate(graph.inputs) if i in reads} | kept(graph, i)
        for i in range(size(graph))
    ]
    live = {i for i in done if not readers[i] or readers[i] - done}
    reusable = graph.kinds[layer] == "add" and any(
        readers[i] - done == {layer} and graph.sizes[i] == graph.sizes[layer]
        for i in graph.inputs[layer]
    )
    return sum(graph.sizes[i] for i in live) + (0 if reusable else graph.sizes[layer])


def kept(graph, i):
    """Who reads a tensor of the network besides its layers: the user, if it is an output."""
    return {"user"} if i in graph.kept else set()


def images(graph):
    """What lies in memory before anything runs."""
    return {i for i in range(size(graph)) if graph.kinds[i] == "input"}


def size(graph):
    return len(graph.sizes)


def ready(graph, done):
    return [k for k in range(size(graph)) if k not in done and set(graph.inputs[k]) <= done]


def all_orders(graph, done):
    if len(done) == size(graph):
        yield done
    for layer in ready(graph, set(done)):
        yield from all_orders(graph, (*done, layer))


def brute_force(graph):
    first = tuple(images(graph))
    return min(peak_of(graph, order, len(first)) for order in all_orders(graph, first))


def peak_of(graph, order, first):
    """Peak of an order whose first layers are the images, which are there before any runs."""
    steps = range(first, size(graph))
    before = sum(graph.sizes[i] for i in order[:first])
    return max([before, *(needs(graph, set(order[:at]), order[at]) for at in steps)])


def search_without_waists(graph):
    """Least peak by breadth over the sets of executed layers of the whole network."""
    first = frozenset(images(graph))
    best = {first: sum(graph.sizes[i] for i in first)}
    for _ in range(size(graph) - len(first)):
        following = {}
        for done, peak in best.items():
            for layer in ready(graph, done):
                after = done | {layer}
                cost = max(peak, needs(graph, done, layer))
                following[after] = min(cost, following.get(after, cost))
        best = following
    return best[frozenset(range(size(graph)))]


@st.composite
def graphs(draw, most=6):
    layers = draw(st.integers(1, most))
    kinds, inputs = [], []
    for at in range(layers):
        reads = draw(st.lists(st.integers(0, at - 1), max_size=2)) if at else []
        kinds.append(draw(st.sampled_from(["add", "conv"] if reads else ["input", "conv"])))
        inputs.append(tuple(reads))
    sizes = draw(st.lists(st.integers(1, 4), min_size=layers, max_size=layers))
    outputs = draw(st.sets(st.integers(0, layers - 1), max_size=2))
    return Graph(tuple(kinds), tuple(inputs), tuple(sizes), tuple(sizes), tuple(sorted(outputs)))


def without_additions(graph):
    return replace(graph, kinds=tuple("conv" if k == "add" else k for k in graph.kinds))


@given(graphs())
@settings(max_examples=150, deadline=None)
def test_best_is_the_minimum_over_all_orders(graph):
    assert best_peak(graph) == brute_force(graph)
    assert best_peak(graph, in_place=False) == brute_force(without_additions(graph))


@given(st.lists(graphs(most=5), min_size=2, max_size=3))
@settings(max_examples=60, deadline=None)
def test_best_of_networks_in_series(parts):
    """Joined at waists, where one output alone is live, as cells are."""
    kinds, inputs, sizes = [], [], []
    for part in parts:
        start = len(sizes)
        sinks = set(range(size(part))) - {i for reads in part.inputs for i in reads}
        for kind, reads in zip(part.kinds, part.inputs, strict=True):
            at = tuple(start + i for i in reads) or ((start - 1,) if start else ())
            kinds.append("conv" if kind == "input" and start else kind)
            inputs.append(at)
        sizes += part.sizes
        kinds.append("conv")
        inputs.append(tuple(start + i for i in sorted(sinks)))
        sizes.append(2)
    joined = Graph(tuple(kinds), tuple(inputs), tuple(sizes), tuple(sizes))
    assert size(joined) - 1 in waists(joined.inputs)
    assert best_peak(joined) == search_without_waists(joined)


@given(graphs())
@settings(max_examples=100, deadline=None)
def test_order_is_the_peak_by_definition(graph):
    """Without additions nothing is in place, so the definition applies as it stands."""
    first = sorted(images(graph))
    order = (*first, *(at for at in range(size(graph)) if at not in first))
    assert order_peak(graph) == peak_of(without_additions(graph), order, len(first))
    assert best_peak(graph) <= order_peak(graph)


def sample(count, seed=0):
    return np.random.default_rng(seed).integers(len(patterns()[0]), size=count).tolist()


def pattern_cell(pattern):
    return Cell(tuple(patterns()[0][pattern].tolist()))


@pytest.mark.parametrize(
    "skeleton", [Skeleton(3, 1, 12, 7), Skeleton(8, 2, 16, 100), Skeleton(16, 4)]
)
def test_patterns_are_the_deployed_networks(skeleton):
    for pattern in sample(40):
        assert pattern_graphs(skeleton)[pattern] == graph(deploy(pattern_cell(pattern), skeleton))


def test_there_are_2128_patterns_and_ram_depends_on_the_pattern_alone():
    rows, of_cell = patterns()
    assert len(rows) == 2128
    rng = np.random.default_rng(1)
    for index in rng.integers(15_625, size=60).tolist():
        own = graph(deploy(Cell.from_index(index), SMALL))
        assert own == pattern_graphs(SMALL)[of_cell[index]]


def test_best_of_cells_by_a_search_that_knows_no_waists():
    for pattern in sample(60, seed=2):
        own = pattern_graphs(SMALL)[pattern]
        assert best_peak(own) == search_without_waists(own)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_all_ram_is_the_ram_of_each_cell(convention):
    skeleton = Skeleton(channels=12, cells_per_stage=2, resolution=16, classes=2)
    every = all_ram(convention, skeleton)
    assert every.shape == (15_625,)
    assert every.dtype == np.int64
    assert not every.flags.writeable
    for index in np.random.default_rng(3).integers(15_625, size=20).tolist():
        assert every[index] == ram(convention, Cell.from_index(index), skeleton)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_a_constant_needs_its_logits(convention):
    assert (all_ram(convention, SMALL)[~CONNECTED] == SMALL.classes).all()
    assert (all_ram(convention, SMALL)[CONNECTED] > 3 * SMALL.resolution**2).all()


def test_live_peaks_are_whole_tensors_of_the_first_stage():
    """Multiples of 16 KiB at 32x32x16, unless the first residual block needs more than the cells.

    The block holds its input, the ReLU of it and the half-size output of its first convolution,
    40 KiB as written; pooling the shortcut first and then dropping the input makes it 36 KiB.
    """
    order, best = (all_ram(name, CIFAR)[CONNECTED] for name in ("ram.order", "ram.best"))
    assert set(np.unique(order)) == {40 * KIB, 3 * MAP, 4 * MAP, 5 * MAP}
    assert set(np.unique(best)) == {36 * KIB, 3 * MAP, 4 * MAP}


def test_closed_forms_by_hand():
    """Order and best [tensors of the first stage] of cells small enough to do on paper.

    All convolutions: the shared ReLU, then two unfinished sums and a convolution in flight.
    """
    by_hand = {
        (0, 0, 0, SKIP, 0, 0): (2.5, 2.25),  # nothing: the residual block
        (0, 0, 0, CONV3, 0, 0): (2.5, 2.25),  # in and out
        (POOL, 0, 0, SKIP, SKIP, 0): (3, 2.25),  # x, pool(x), their sum; in place: the sum is free
        (CONV3, 0, 0, SKIP, SKIP, 0): (3, 3),  # x, ReLU(x), conv; only best drops the sum
    }
    for ops, (order, best) in by_hand.items():
        assert ram("ram.order", Cell(ops), CIFAR) == order * MAP
        assert ram("ram.best", Cell(ops), CIFAR) == best * MAP


def test_deeper_networks_need_no_more_live_memory():
    for convention in ("ram.order", "ram.best", "ram.tinyengine"):
        deeper = all_ram(convention, Skeleton(8, 3, 16, 100))
        np.testing.assert_array_equal(deeper, all_ram(convention, SMALL))


def test_conventions_are_ordered():
    order, best, tflm, tinyengine = (all_ram(name, SMALL)[CONNECTED] for name in CONVENTIONS)
    assert (best <= order).all()
    assert (best < order).any()
    assert (order < tflm).all()
    np.testing.assert_array_equal(tinyengine - best, 2 * 2 * 9 * 32)


@pytest.mark.parametrize("skeleton", [SMALL, Skeleton(1, 1, 4)])
def test_tinyengine_buffer_is_the_largest_column(skeleton):
    for index in np.random.default_rng(4).integers(15_625, size=10).tolist():
        layers = deploy(Cell.from_index(index), skeleton).layers
        columns = [y.kernel**2 * y.in_channels for y in layers if y.kind == "conv"]
        extra = (all_ram("ram.tinyengine", skeleton) - all_ram("ram.best", skeleton))[index]
        assert extra == 4 * max(columns, default=0)


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("wider", [Skeleton(12, 1, 16, 100), Skeleton(8, 1, 24, 100)])
def test_ram_grows_with_channels_and_resolution(convention, wider):
    assert (all_ram(convention, wider) >= all_ram(convention, SMALL)).all()
    assert (all_ram(convention, wider) > all_ram(convention, SMALL))[CONNECTED].all()


def test_live_memory_scales_with_the_area():
    """Four times the area is four times the bytes of every tensor that can set the peak."""
    narrow, wide = SMALL, Skeleton(8, 1, 32, 100)
    for convention in ("ram.order", "ram.best"):
        ratio = all_ram(convention, wide)[CONNECTED] / all_ram(convention, narrow)[CONNECTED]
        np.testing.assert_array_equal(ratio, 4)


def test_an_unknown_convention_is_a_sentence():
    with pytest.raises(UserError, match=r"no RAM convention 'ram.bst'.* Did you mean ram.best"):
        all_ram("ram.bst", SMALL)
    with pytest.raises(UserError, match=r"there are ram\.order"):
        ram("flash", Cell.from_index(0), SMALL)


@pytest.mark.parametrize("bad", [{"channels": 0}, {"resolution": 30}, {"cells_per_stage": 1.0}])
def test_a_bad_skeleton_is_a_sentence(bad):
    with pytest.raises(UserError, match="skeleton"):
        all_ram("ram.order", Skeleton(**bad))
