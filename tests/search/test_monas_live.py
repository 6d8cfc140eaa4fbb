"""MONAS on the pruned supernet: its network, its measurements, and a whole search in small."""

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference_proxies import ntk
from search_tables import table
from torch.utils._python_dispatch import TorchDispatchMode

import benchsuite
from benchsuite import plugins
from benchsuite.errors import UserError
from benchsuite.parameters import fill
from benchsuite.proxies import _supernet as supernet
from benchsuite.proxies._engine.weights import draw_weights
from benchsuite.proxies._scoring import images
from benchsuite.proxies._scoring.batch import draw
from benchsuite.proxies._scoring.images import open_images
from benchsuite.proxies._scoring.net import Net, initialise, outputs
from benchsuite.proxies._scoring.passes import Passes, representative
from benchsuite.proxies._supernet import Meter, Supernet
from benchsuite.proxies._tabulation import tabulate
from benchsuite.proxies._tabulation.spec import Spec
from benchsuite.proxies.linear_regions import PROXY as REGIONS
from benchsuite.proxies.linear_regions import signs
from benchsuite.proxies.ntk_cond import PROXY as NTK
from benchsuite.replays import jobs, study
from benchsuite.replays.run import replay
from benchsuite.simulation.problem import prepare
from benchsuite.simulation.search import Budget, Search
from benchsuite.simulation.setting import Setting
from benchsuite.space.cell import N_CELLS, Cell, all_ops
from benchsuite.space.network import Skeleton, build, build_supernet

SMALL = {"batch": 4, "repeats": 1, "resolution": 4, "patches": 30, "progress": False}
EVALUATIONS = 1 + 24 + 1 + 18 + 1 + 12
THIN = Skeleton(channels=3, cells_per_stage=1, resolution=8)
METER = Meter(seed=5, batch=6, resolution=8, patches=40, images="synthetic", default=False)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, N_CELLS - 1))
def test_one_operator_per_edge_is_the_plain_network(index):
    cell = Cell.from_index(index)
    built = build_supernet([(op,) for op in cell.ops], THIN)
    assert built.layers == build(cell, THIN).layers


left_on_edges = st.lists(
    st.lists(st.integers(0, 4), min_size=1, max_size=3, unique=True).map(sorted),
    min_size=6, max_size=6,
)  # fmt: skip


def maps(done, name):
    """The output [B, C, H, W] of a layer of a compiled pass."""
    (at,) = (at for at, layer in enumerate(done.layers) if layer.name == name)
    value = done.values[at]
    return value.reshape(*value.shape[:2], -1, done.images).transpose(3, 0, 1, 2)


@settings(max_examples=15, deadline=None)
@given(left_on_edges)
def test_a_masked_supernet_is_the_network_built_of_what_is_left(left):
    """All operators of which some are left, compiled, against torch's net of what is left."""
    network = build_supernet(left, THIN)
    plain = initialise(Net(network), draw_weights(network, 5, 0, "kaiming")).train()
    images = torch.randn(5, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    done = Supernet(THIN, 5, 0, "kaiming").forward(left, images.numpy())
    with torch.no_grad(), outputs(plain, ["add", "relu"]) as seen:
        logits = plain(images)
    run = {done.layers[at].name for at, _ in done.steps}
    assert "last.relu" in run & seen.keys()
    for name in run & seen.keys():
        size = 1e-6 * float(seen[name].abs().max())
        np.testing.assert_allclose(maps(done, name), seen[name], atol=1e-5 + size, rtol=1e-4)
    np.testing.assert_allclose(done.values[done.steps[-1][0]].T, logits, atol=1e-5, rtol=1e-4)


def test_edges_are_sums_of_their_operators():
    """The nodes of a supernet's cell, computed from the outputs of its operators."""
    left = [(0, 1, 3), (2, 4), (1,), (0,), (1, 2), (3, 4)]
    images = np.random.default_rng(0).normal(size=(5, 3, 8, 8)).astype(np.float32)
    done = Supernet(THIN, 0, 0, "default").forward(left, images)

    def of(edge, op):
        return maps(done, f"stage1.cell0.edge{edge}.{op}")

    node1 = maps(done, "reduce1.add") + of("01", "nor_conv_3x3.bn")
    node2 = of("02", "nor_conv_1x1.bn") + of("02", "avg_pool_3x3") + node1
    node3 = node1 + of("13", "nor_conv_1x1.bn")
    node3 = node3 + of("23", "nor_conv_3x3.bn") + of("23", "avg_pool_3x3")
    for node, expected in ((1, node1), (2, node2), (3, node3)):
        found = maps(done, f"stage1.cell0.node{node}")
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert not any("edge03" in done.layers[at].name for at, _ in done.steps)


class Kinks(TorchDispatchMode):
    """How near to 0 an input of a ReLU is: nearer than rounding, its gradient may be either."""

    nearest = np.inf

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function is torch.ops.aten.relu.default:
            self.nearest = min(self.nearest, float(args[0].abs().min()))
        return function(*args, **(kwargs or {}))


@settings(max_examples=10, deadline=None)
@given(left_on_edges, st.integers(0, 9))
def test_the_kernel_is_that_of_autograd(left, number):
    """J J^T by torch, weights of the same names, one backward pass per image."""
    network = build_supernet(left, THIN)
    weights = draw_weights(network, 5, number, "default", torch.float64)
    plain = initialise(Net(network).double(), weights).train()
    images = torch.randn(6, 3, 8, 8, generator=torch.Generator().manual_seed(number))
    with Kinks() as kinks:
        expected = ntk(plain, images.double())
    assume(kinks.nearest > 1e-5)  # The supernet computes in single precision.
    net = Supernet(THIN, 5, number, "default")
    found = supernet.kernel(net, left, images.numpy())
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, atol=1e-4 * max(abs(expected).max(), 1e-9))


@settings(max_examples=10, deadline=None)
@given(left_on_edges, st.integers(0, 9))
def test_the_signs_are_those_of_the_plain_proxy(left, number):
    left = [[op for op in edge if op] or [1] for edge in left]  # Without `none` nothing is dead.
    network = build_supernet(left, supernet._ONE)
    plain = initialise(Net(network), draw_weights(network, 5, number, "kaiming")).train()
    inputs = torch.randn(60, 1, 3, 3, generator=torch.Generator().manual_seed(number))
    expected, _ = signs(plain, inputs)
    found = supernet.signs(Supernet(supernet._ONE, 5, number, "kaiming"), left, inputs.numpy())
    assert found.shape == expected.shape
    assert (found != expected).mean() < 1e-3, "but for values at zero"


@pytest.mark.parametrize("index", [1462, 13714])
def test_a_supernet_pruned_to_one_path_measures_what_the_plain_proxies_do(index):
    """K and R of one operator per edge against the proxies of the same cell, weights and images."""
    cell = representative(Cell.from_index(index))
    meter, left = replace(METER, patches=1000), [(op,) for op in cell.ops]
    spectrum = meter.spectrum(left, 0)
    batch = draw(open_images("synthetic"), 6, 8, 10, seed=5)
    passes = Passes(cell, Skeleton(resolution=8), [batch], seed=5)
    expected = NTK.score(passes)
    for order in (0, 2, 4):
        assert spectrum[-1] / spectrum[order] == pytest.approx(expected[f"k{order}"], rel=1e-3)
    # The proxy counts its own patches: the same number from the same distribution.
    counts = [replace(meter, seed=s).regions(left, 0, 0) for s in range(4)]
    plain = [
        REGIONS.score(Passes(cell, Skeleton(resolution=8), [batch], seed=s))["n1000"]
        for s in range(4)
    ]
    assert np.mean(counts) == pytest.approx(np.mean(plain), rel=0.25)


def test_regions_are_of_all_patches_and_batches_of_1000_see_their_own_statistics():
    left, meter = [(1, 3)] * 6, replace(METER, patches=2500)
    net = Supernet(supernet._ONE, 5, 0, "kaiming")
    inputs = supernet._patches(meter, open_images("synthetic"), 0, 0).numpy()
    assert len(inputs) == 2500
    parts = [supernet.signs(net, left, inputs[at : at + 1000]) for at in (0, 1000, 2000)]
    assert meter.regions(left, 0, 0) == len(np.unique(np.concatenate(parts), axis=0))


def test_draws_are_told_apart_and_repeat():
    left, images = [(1, 2, 3, 4)] * 6, open_images("synthetic")
    spectra = [METER.spectrum(left, number) for number in (0, 1)]
    for cached in (supernet._spectrum, supernet._regions, supernet._net, supernet._batch):
        cached.cache_clear()
    assert [METER.spectrum(left, number) for number in (0, 1)] == spectra
    assert spectra[0] != spectra[1]
    other = replace(METER, default=True)
    assert other.spectrum(left, 0) != spectra[0]
    drawn = [supernet._patches(METER, images, 0, repeat) for repeat in (0, 1)]
    assert not torch.equal(*drawn)
    many = replace(METER, patches=400)
    assert len({many.regions(left, number, 0) for number in range(4)}) > 1


def test_a_supernet_without_a_path_has_no_condition_number():
    assert METER.spectrum([(0,)] * 6, 0)[0] <= 0
    assert METER.regions([(0,)] * 6, 0, 0) >= 1


def test_it_leaves_the_number_of_threads_alone():
    before = torch.get_num_threads()
    METER.spectrum([(1,)] * 6, 0)
    assert torch.get_num_threads() == before


def run(setting=None, seed=0, budget=1e9, **parameters):
    strategy = plugins.load("strategies", "monas_live")
    problem = prepare(table(), setting or Setting(device="board", runtime="tflm"))
    filled = strategy.parameters(**{**SMALL, **parameters})
    return replay(strategy, problem, Budget(seconds=budget), filled, seed)


def test_a_whole_search_weighs_latency_and_logs_what_it_measures(capsys):
    found = run(mu=1.0, progress=True)
    assert found.simulated_seconds == pytest.approx(0.5 * 3600)
    names = np.array(found.trace.names)[found.trace.looked_at]
    assert (names == "supernet K").sum() == EVALUATIONS
    assert (names == "supernet R").sum() == EVALUATIONS - 3, "of candidates, each with its supernet"
    latency = table().values("latency.board.tflm.cifar10.official")
    without_none = (all_ops() != 0).all(axis=1)
    assert without_none[found.answer[0]]
    assert latency[found.answer[0]] == latency[without_none].min()
    assert "outer step 3 of 3" in capsys.readouterr().err


def test_searches_of_a_seed_measure_alike_as_long_as_they_prune_alike():
    supernet._spectrum.cache_clear()
    run(mu=1.0)
    first = supernet._spectrum.cache_info().misses
    run(mu=1.0)
    assert supernet._spectrum.cache_info().misses == first == EVALUATIONS
    run(mu=0.99)
    shared = 2 * first - (supernet._spectrum.cache_info().misses - first)
    assert shared >= first + 25, "the first step at least"
    run(mu=1.0, seed=1)
    assert supernet._spectrum.cache_info().misses > 2 * first - 25


def test_kaiming_weights_are_drawn_anew_in_each_repeat():
    supernet._spectrum.cache_clear()
    run(mu=1.0, repeats=2)
    once = supernet._spectrum.cache_info().misses
    run(mu=1.0, repeats=2, init="kaiming")
    assert supernet._spectrum.cache_info().misses == once + 2 * EVALUATIONS


def test_each_candidate_may_have_images_of_its_own():
    """And with them the supernet, in each repeat; the weights are those of the outer step."""
    supernet._spectrum.cache_clear()
    run(mu=1.0, repeats=2)
    once = supernet._spectrum.cache_info().misses
    assert once == EVALUATIONS
    found = run(mu=1.0, repeats=2, batches="candidate")
    assert supernet._spectrum.cache_info().misses == once + 2 * 2 * (EVALUATIONS - 3)
    names = np.array(found.trace.names)[found.trace.looked_at]
    assert (names == "supernet K").sum() == EVALUATIONS
    assert found.simulated_seconds == pytest.approx(0.5 * 3600)


def test_the_head_has_the_classes_of_the_dataset(monkeypatch):
    """Images of a hundred classes are of no network of ten."""
    asked, spectrum = [], Meter.spectrum
    monkeypatch.setattr(
        Meter, "spectrum", lambda self, *a: asked.append(self) or spectrum(self, *a)
    )
    assert run(Setting(dataset="cifar100")).answer
    assert {meter.classes for meter in asked} == {100}
    meters = [Meter(5, 6, 8, 40, "synthetic", classes=classes) for classes in (10, 100)]
    ten, more = (meter.spectrum([range(1, 5)] * 6, 0) for meter in meters)
    assert ten != more


def test_a_budget_ends_it_between_two_measurements():
    found = run(budget=500)
    assert found.simulated_seconds <= 500
    assert not found.answer
    assert found.reason == "the budget was spent before there was an answer"


def write_images(path, seed):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
    np.savez(path, train_images=pixels, train_labels=np.zeros(40, dtype=np.int64))


def test_images_are_in_the_key_of_a_job_by_what_they_show(tmp_path, monkeypatch):
    def key(images=None, strategy="monas_live"):
        parameters = {"images": images} if strategy == "monas_live" else {}
        return jobs.key(jobs.Job(strategy, parameters, "it", Budget(5), 0, 1))

    monkeypatch.delenv("BENCHSUITE_IMAGES", raising=False)
    synthetic = key()
    keys = [synthetic, key("gaussian")]
    other = key(strategy="monas")
    place = tmp_path / "images.npz"
    for seed in (0, 1):
        write_images(place, seed)
        monkeypatch.setenv("BENCHSUITE_IMAGES", str(place))
        keys += [key(), key(str(place)), key(str(tmp_path))]
    monkeypatch.setenv("BENCHSUITE_IMAGES", "gaussian")
    keys.append(key())
    assert len(set(keys)) == len(keys)
    assert key(strategy="monas") == other, "of no job that looks at no image"
    write_images(place, 0)
    copied = tmp_path / "copy" / "images.npz"
    copied.parent.mkdir()
    write_images(copied, 0)
    found = []
    for path in (place, copied):
        monkeypatch.setenv("BENCHSUITE_IMAGES", str(path))
        found.append(key())
    assert found[0] == found[1] == keys[2], "wherever they lie"


def replayed(strategy, parameters):
    benchsuite.replay(strategy, table=table(), queries=1, seeds=1, parameters=parameters)


def planned(strategy, parameters):
    entry = study.Entry(strategy, Budget(queries=1), Setting("cifar10"), parameters, 1, 0, "it")
    study.plan(study.Study("it", (entry,)), table())


@pytest.mark.parametrize("way", [replayed, planned])
def test_noise_in_place_of_images_is_said_where_none_are_named(capsys, monkeypatch, way):
    monkeypatch.delenv(images.VARIABLE, raising=False)

    def said(parameters, strategy="monas_live"):
        images._say_stand_in.cache_clear()
        way(strategy, parameters)
        return capsys.readouterr().err

    note = "networks are measured on synthetic noise"
    assert said(SMALL).count(note) == 1
    assert note not in said({**SMALL, "images": "gaussian"})
    assert note not in said({}, "random")


def test_images_that_changed_are_measured_anew_in_one_process(tmp_path, monkeypatch):
    left = [(1, 3)] * 6
    monkeypatch.delenv("BENCHSUITE_IMAGES", raising=False)
    meter = replace(METER, images=None)
    found = [meter.spectrum(left, 0)]
    (tmp_path / "folder").mkdir()
    for seed in (0, 1):
        write_images(tmp_path / "folder/images.npz", seed)
        monkeypatch.setenv("BENCHSUITE_IMAGES", str(tmp_path / "folder"))
        found.append(meter.spectrum(left, 0))
    assert len(set(found)) == 3


def test_batches_of_changed_images_are_drawn_anew_in_one_process(tmp_path, monkeypatch):
    spec = Spec(("naswot",), THIN, batch_size=4)
    found = []
    for seed in (0, 1):
        write_images(tmp_path / "images.npz", seed)
        monkeypatch.setenv("BENCHSUITE_IMAGES", str(tmp_path))
        found.append(tabulate._batches(spec, 0)[0].sha256)
    assert len(set(found)) == 2


def test_importing_the_strategy_imports_no_torch():
    import subprocess

    code = (
        "import sys; from benchsuite import plugins; plugins.load('strategies', 'monas_live'); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_a_strategy_measured_itself_is_logged_as_stated():
    search = Search(prepare(table(), Setting()), Budget(seconds=10))
    search.stated("mine", 3.0, seconds=4)
    trace = search.finish(0, 0.0).trace
    assert (trace.names[trace.looked_at[0]], trace.value[0], trace.clock[0]) == ("mine", 3.0, 4.0)
    with pytest.raises(UserError, match="cannot cost"):
        search.stated("mine", 3.0, seconds=-1)


def filled(**given):
    return fill(plugins.load("strategies", "monas_live").parameters, given, "it")


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda: run(lambda_=0.5, mu=0.5), "not both"),
        (lambda: run(order=9), "batch has to be 10 or more"),
        (lambda: run(repeats=0), "repeats"),
        (lambda: run(resolution=6), "multiple of 4"),
        (lambda: run(images="/nowhere"), "no images at"),
        (lambda: run(Setting(), mu=0.5), "cannot look at 'latency'"),
        (lambda: build_supernet([(1,)] * 5, THIN), "6 edges"),
        (lambda: build_supernet([()] + [(1,)] * 5, THIN), "one or more"),
        (lambda: build_supernet([(5,)] + [(1,)] * 5, THIN), "0 to 4"),
        (lambda: build_supernet([(1, 1)] + [(1,)] * 5, THIN), "different"),
        (lambda: filled(cost="most"), "cost of it is one of sum, mean"),
        (lambda: filled(init="normal"), "init of it is one of default, kaiming"),
        (lambda: filled(ranks="sparse"), "ranks of it is one of dense, positional"),
    ],
)
def test_mistakes_are_sentences(call, hint):
    with pytest.raises(UserError, match=hint):
        call()
