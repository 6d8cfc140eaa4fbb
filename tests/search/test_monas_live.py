"""MONAS on the pruned supernet: its network, its measurements, and a whole search in small."""

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from search_tables import table

from benchsuite import plugins
from benchsuite.errors import UserError
from benchsuite.proxies._engine.supernet import Meter, Supernet
from benchsuite.proxies._engine.weights import draw_weights
from benchsuite.proxies._scoring.batch import draw
from benchsuite.proxies._scoring.images import open_images
from benchsuite.proxies._scoring.net import Net, initialise, outputs
from benchsuite.proxies._scoring.passes import Passes, representative
from benchsuite.proxies.linear_regions import PROXY as REGIONS
from benchsuite.proxies.ntk_cond import PROXY as NTK
from benchsuite.replays import jobs
from benchsuite.replays.run import replay
from benchsuite.search._pruning import EVALUATIONS, Term, prune, ranks
from benchsuite.simulation.problem import Setting, prepare
from benchsuite.simulation.search import Budget, Search
from benchsuite.space.cell import N_CELLS, Cell
from benchsuite.space.network import Skeleton, build, build_supernet

SMALL = {"batch": 4, "repeats": 1, "resolution": 4, "patches": 30, "progress": False}
THIN = Skeleton(channels=3, cells_per_stage=1, resolution=8)
METER = Meter(seed=5, repeats=1, batch=6, order=2, resolution=8, patches=40, images="synthetic")


@settings(max_examples=20, deadline=None)
@given(st.integers(0, N_CELLS - 1))
def test_one_operator_per_edge_is_the_plain_network(index):
    cell = Cell.from_index(index)
    supernet = build_supernet([(op,) for op in cell.ops], THIN)
    assert supernet.layers == build(cell, THIN).layers


left_on_edges = st.lists(
    st.lists(st.integers(0, 4), min_size=1, max_size=3, unique=True).map(sorted),
    min_size=6, max_size=6,
)  # fmt: skip


def outputs_of(net, images):
    with torch.no_grad(), outputs(net, ["add", "relu", "linear"]) as seen:
        net(images)
    return seen


@settings(max_examples=15, deadline=None)
@given(left_on_edges)
def test_a_masked_supernet_is_the_network_built_of_what_is_left(left):
    """The full net with operators masked, against a net that holds only what is left."""
    network = build_supernet(left, THIN)
    plain = initialise(Net(network), draw_weights(network, 5, 0, "kaiming")).train()
    images = torch.randn(5, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    masked = outputs_of(Supernet(THIN, 5, 0, "kaiming").keep(left), images)
    expected = outputs_of(plain, images)
    assert "classifier" in masked
    for name in masked.keys() & expected.keys():
        torch.testing.assert_close(masked[name], expected[name], atol=1e-5, rtol=1e-4)


def test_edges_are_sums_of_their_operators():
    """The nodes of a supernet's cell, computed from the outputs of its operators."""
    left = [(0, 1, 3), (2, 4), (1,), (0,), (1, 2), (3, 4)]
    net = Supernet(THIN, 0, 0, "default").keep(left)
    with torch.no_grad(), outputs(net, ["add", "bn", "avg_pool"]) as seen:
        net(torch.randn(5, 3, 8, 8, generator=torch.Generator().manual_seed(0)))
    start = seen["reduce1.add"]
    one, two, three = (
        {k[20:]: v for k, v in seen.items() if k.startswith(f"stage1.cell0.edge{edge}")}
        for edge in ("01", "02", "23")
    )
    node1 = start + one["nor_conv_3x3.bn"]
    node2 = two["nor_conv_1x1.bn"] + two["avg_pool_3x3"] + node1
    node3 = node1 + seen["stage1.cell0.edge13.nor_conv_1x1.bn"]
    node3 = node3 + three["nor_conv_3x3.bn"] + three["avg_pool_3x3"]
    for node, expected in ((1, node1), (2, node2), (3, node3)):
        torch.testing.assert_close(seen[f"stage1.cell0.node{node}"], expected)
    assert not any("edge03" in name for name in seen)


@pytest.mark.parametrize("index", [1462, 13714])
def test_a_supernet_pruned_to_one_path_measures_what_the_plain_proxies_do(index):
    """K and R of one operator per edge against the proxies of the same cell, weights and images."""
    cell = representative(Cell.from_index(index))
    meter = replace(METER, patches=1000)
    condition, _ = meter.measure([(op,) for op in cell.ops])
    batch = draw(open_images("synthetic"), 6, 8, 10, seed=5)
    passes = Passes(cell, Skeleton(resolution=8), [batch], seed=5)
    assert condition == pytest.approx(NTK.score(passes)["k2"], rel=1e-4)
    # The proxy counts its own patches: the same number from the same distribution.
    counts = [replace(meter, seed=s).measure([(op,) for op in cell.ops])[1] for s in range(4)]
    plain = [
        REGIONS.score(Passes(cell, Skeleton(resolution=8), [batch], seed=s))["n1000"]
        for s in range(4)
    ]
    assert np.mean(counts) == pytest.approx(np.mean(plain), rel=0.25)


def test_measurements_repeat_and_average():
    left = [(0, 1, 2, 3, 4)] * 6
    assert METER.measure(left) == METER.measure(left)
    first = METER.measure(left)
    both = replace(METER, repeats=2).measure(left)
    assert both[0] != first[0]
    assert first[1] != replace(METER, seed=6, patches=39).measure(left)[1]


def test_a_supernet_without_a_path_has_no_condition_number():
    condition, regions = METER.measure([(0,)] * 6)
    assert np.isnan(condition)
    assert regions >= 1


def test_it_leaves_the_number_of_threads_alone():
    before = torch.get_num_threads()
    METER.measure([(1,)] * 6)
    assert torch.get_num_threads() == before


def test_pruning_by_an_additive_indicator_finds_its_best_cell():
    """With one additive indicator the four steps keep the best operator of every edge."""
    worth = np.random.default_rng(0).normal(size=(6, 5))
    left = prune([Term(lambda kept: (worth * kept).sum(), 1, 1.0)])
    assert (left.sum(axis=1) == 1).all()
    assert left.argmax(axis=1).tolist() == worth.argmax(axis=1).tolist()


def test_a_removal_that_leaves_no_value_is_the_last_to_be_made():
    assert ranks(np.array([np.nan, 2.0, 1.0]), np.arange(3)).tolist() == [2, 1, 0]
    assert ranks(np.array([np.nan, np.nan]), np.array([1, 0])).tolist() == [1, 0]


def run(setting=None, seed=0, budget=1e9, **parameters):
    strategy = plugins.load("strategies", "monas_live")
    problem = prepare(table(), setting or Setting(device="board", runtime="tflm"))
    filled = strategy.parameters(**{**SMALL, **parameters})
    return replay(strategy, problem, Budget(seconds=budget), filled, seed)


def test_a_whole_search_measures_every_supernet_once_and_weighs_latency(capsys):
    found = run(mu=1.0, progress=True)
    assert found.simulated_seconds == pytest.approx(0.5 * 3600)
    names = np.array(found.trace.names)[found.trace.looked_at]
    # The survivor of the last step of one edge at a time is never the next whole: all are new.
    assert (names == "supernet K").sum() == (names == "supernet R").sum() == EVALUATIONS
    latency = table().values("latency.board.tflm.cifar10.official")
    assert latency[found.answer[0]] == latency.min()
    said = capsys.readouterr().err
    assert "outer step 4 of 4" in said
    assert f"{EVALUATIONS} supernets" in said


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


def test_images_that_changed_are_measured_anew_in_one_process(tmp_path, monkeypatch):
    left = [(1, 3)] * 6
    monkeypatch.delenv("BENCHSUITE_IMAGES", raising=False)
    meter = replace(METER, images=None)
    found = [meter.measure(left)]
    (tmp_path / "folder").mkdir()
    for seed in (0, 1):
        write_images(tmp_path / "folder/images.npz", seed)
        monkeypatch.setenv("BENCHSUITE_IMAGES", str(tmp_path / "folder"))
        found.append(meter.measure(left))
    assert len(set(found)) == 3


def test_batches_of_changed_images_are_drawn_anew_in_one_process(tmp_path, monkeypatch):
    spec = plugins.shared("benchsuite.proxies._tabulation.tabulate").Spec(
        ("naswot",), THIN, batch_size=4
    )
    found = []
    for seed in (0, 1):
        write_images(tmp_path / "images.npz", seed)
        monkeypatch.setenv("BENCHSUITE_IMAGES", str(tmp_path))
        found.append(
            plugins.shared("benchsuite.proxies._tabulation.tabulate")._batches(spec, 0)[0].sha256
        )
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
        (lambda: replace(METER, order=6), "no K_6"),
    ],
)
def test_mistakes_are_sentences(call, hint):
    with pytest.raises(UserError, match=hint):
        call()
