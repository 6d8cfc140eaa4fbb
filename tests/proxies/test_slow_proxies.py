"""Proxies that need a plain network: equal to their definitions, deterministic, without traces."""

import numpy as np
import pytest
import reference_proxies as reference
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchsuite.plugins import load
from benchsuite.proxies import az_nas, linear_regions, meco, ntk_cond, swap, vkdnw
from benchsuite.proxies._engine import settled
from benchsuite.proxies._engine.weights import draw_weights
from benchsuite.proxies._scoring.batch import draw
from benchsuite.proxies._scoring.images import Images
from benchsuite.proxies._scoring.net import Net, blocks, initialise
from benchsuite.proxies._scoring.passes import Passes
from benchsuite.proxies._scoring.ranks import rank_sum
from benchsuite.proxies._scoring.score import score_network
from benchsuite.space.cell import CONV1, CONV3, N_CELLS, NONE, POOL, SKIP, Cell, all_ops, prune
from benchsuite.space.cost import flops, params
from benchsuite.space.deploy import shared_relus
from benchsuite.space.network import Skeleton, build

SMALL = Skeleton(channels=4, cells_per_stage=1, resolution=8)
SCORED = ("az_nas", "linear_regions", "meco", "ntk_cond", "swap", "vkdnw")
CELLS = st.integers(0, N_CELLS - 1).map(lambda i: Cell(tuple(prune(all_ops()[[i]])[0].tolist())))
CONNECTED = CELLS.filter(lambda cell: any(cell.ops))
FULL = Cell((CONV3, CONV1, POOL, SKIP, CONV3, CONV1))
DISCONNECTED = Cell((NONE,) * 6)
NO_CONV = Cell((NONE, NONE, NONE, POOL, NONE, NONE))
IDENTITY = Cell((NONE, NONE, NONE, SKIP, NONE, NONE))


def passes(cell, seed=0, skeleton=SMALL, size=6, dtype=torch.float32):
    batch = draw(Images("synthetic"), size, skeleton.resolution, skeleton.classes, seed=seed)
    return Passes(cell, skeleton, [batch], seed=seed, dtype=dtype)


def score(name, given):
    return load("proxies", name).score(given)


@settings(max_examples=5, deadline=None)
@given(cell=CONNECTED)
def test_ntk_is_the_definition(cell):
    thin = Skeleton(3, 1, resolution=8)
    given, double = passes(cell), passes(cell, dtype=torch.float64)
    exact = reference.ntk(double.module("kaiming_fan_out", thin), double.images)
    found = ntk_cond.kernel(*double.drawn("kaiming_fan_out", thin), double.images)
    np.testing.assert_allclose(found, exact, rtol=1e-9, atol=1e-12 * exact.max())
    single = ntk_cond.kernel(*given.drawn("kaiming_fan_out", thin), given.images)
    # In float32 a ReLU input near 0 may fall on the other side.
    np.testing.assert_allclose(single, exact, atol=0.02 * exact.max())
    scores, numbers = score("ntk_cond", given), reference.condition_numbers(single)
    assert [scores[f"k{i}"] for i in (0, 1, 2, 4)] == pytest.approx(numbers[[0, 1, 2, 4]], rel=1e-6)
    assert np.isnan([scores["k8"], scores["k16"]]).all()


def test_ntk_with_frozen_statistics_is_another_quantity():
    given = passes(FULL)
    train, frozen = (reference.ntk(given.module(), given.images, frozen=f) for f in (False, True))
    assert not np.allclose(train, frozen, rtol=0.1)


@settings(max_examples=5, deadline=None)
@given(cell=CONNECTED)
def test_linear_regions_are_the_definition(cell):
    given = passes(cell)
    source = given.generator("linear_regions")
    net = given.module("kaiming", linear_regions._THIN)
    batches = linear_regions.patches(given.images, 3000, source).split(1000)
    run = {"start": "stem.bn", "stop": "last.relu"}
    found = score("linear_regions", given)
    assert found["n3000"] == reference.linear_regions(net, batches, **run)
    assert found["n1000"] == pytest.approx(
        np.mean([reference.linear_regions(net, [batch], **run) for batch in batches])
    )
    assert found["n1000"] <= 1000
    assert max(found.values()) <= 3000


def test_patches_are_crops_of_the_images():
    images = torch.arange(2 * 3 * 5 * 5.0).reshape(2, 3, 5, 5)
    windows = images.unfold(2, 3, 1).unfold(3, 3, 1).reshape(-1, 9)
    crops = linear_regions.patches(images, 2000, torch.Generator().manual_seed(0))
    assert crops.shape == (2000, 1, 3, 3)
    known = {tuple(window) for window in windows.tolist()}
    assert {tuple(crop) for crop in crops.flatten(1).tolist()} == known


@settings(max_examples=5, deadline=None)
@given(cell=CONNECTED)
def test_swap_is_the_definition(cell):
    given = passes(cell, size=20)
    assert score("swap", given) == {"": reference.swap(given.module(), given.images[:16])}


@settings(max_examples=5, deadline=None)
@given(cell=CONNECTED)
def test_meco_is_the_definition(cell):
    for dtype, rounding in ((torch.float32, 1e-5), (torch.float64, 1e-10)):
        given = passes(cell, dtype=dtype)
        image = torch.randn((1, 3, 64, 64), generator=given.generator("meco")).to(dtype)
        exact = reference.meco(given.module(), image)
        assert score("meco", given)[""] == pytest.approx(exact, rel=rounding, abs=rounding)


@settings(max_examples=5, deadline=None)
@given(cell=CONNECTED)
def test_vkdnw_is_the_definition(cell):
    single, double = passes(cell), passes(cell, dtype=torch.float64)
    exact = reference.vkdnw(double.module("kaiming"), double.noise("vkdnw"))
    assert score("vkdnw", double)[""] == pytest.approx(exact, abs=1e-8)
    assert score("vkdnw", single)[""] == pytest.approx(exact, abs=2e-3)
    assert 0 <= exact <= np.log(9)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, N_CELLS - 1).map(Cell.from_index))
def test_vkdnw_derivatives_are_those_of_single_numbers(cell):
    """With every operator, also dead ones: all tensors by autograd, image by image."""
    if not any(prune(np.array([cell.ops]))[0]):
        return
    network, given = build(cell, SMALL), passes(cell, dtype=torch.float64, size=2)
    weights = draw_weights(network, 0, 0, "kaiming", torch.float64)
    done = settled.forward(shared_relus(network.layers), weights, given.images)
    found = settled.first_numbers(done, 128)
    net = initialise(Net(network).double(), weights).eval()
    theta = list(net.parameters())[:128]
    assert found.shape == (2, 10, len(theta))
    for b, k in ((0, 0), (1, 7)):
        logit = net(given.images[b : b + 1])[0, k]
        grads = torch.autograd.grad(logit, theta, allow_unused=True, materialize_grads=True)
        expected = torch.stack([g.flatten()[0] for g in grads])
        torch.testing.assert_close(found[b, k], expected, rtol=1e-9, atol=1e-12)


@settings(max_examples=5, deadline=None)
@given(cell=CONNECTED)
def test_az_nas_is_the_definition(cell):
    for dtype, rounding in ((torch.float32, 2e-3), (torch.float64, 1e-9)):
        given = passes(cell, dtype=dtype)
        source, net = given.generator("az_nas"), given.module("kaiming")
        names = blocks(net.network)
        sizes = {layer.name: layer.shape for layer in net.network.layers}
        signs = {n: 2 * torch.randint(2, (6, *sizes[n]), generator=source) - 1 for n in names[1:]}
        signs = {name: value.to(dtype) for name, value in signs.items()}
        exact = reference.az_nas(net, given.noise("az_nas"), names, signs)
        found = score("az_nas", given)
        parts = [found[name] for name in ("expressivity", "progressivity", "trainability")]
        if np.isnan(parts[2]):
            parts[2], exact = 0, (*exact[:2], 0)
        assert parts == pytest.approx(exact, rel=rounding, abs=rounding)
        assert found["complexity"] == flops(build(given.cell, SMALL))


@pytest.mark.parametrize(("classes", "size"), [(2, 2), (2, 5), (1, 16)])
def test_a_fisher_matrix_of_few_images_and_classes_has_no_entropy(classes, size):
    """All of its deciles are 0: what is left of them is rounding."""
    given = passes(FULL, skeleton=Skeleton(4, 1, 8, classes), size=size)
    found = score_network({"vkdnw": load("proxies", "vkdnw")}, given)
    assert np.isnan(found.values["vkdnw"])
    assert found.reasons["vkdnw"].startswith("nine of ten singular values of the Fisher matrix")
    enough = passes(FULL, skeleton=Skeleton(4, 1, 8, 2), size=16)
    assert 0 < score("vkdnw", enough)[""] < np.log(9)


def test_an_identity_is_untrainable():
    found = score("az_nas", passes(IDENTITY))
    assert np.isnan(found["trainability"])
    assert np.isfinite([found["expressivity"], found["progressivity"]]).all()


@pytest.mark.parametrize("name", SCORED)
def test_without_a_path_nothing_is_scored(name):
    found = score_network({name: load("proxies", name)}, passes(DISCONNECTED))
    assert np.isnan(list(found.values.values())).all()
    assert set(found.reasons) == set(found.values)
    assert set(found.reasons.values()) == {"no path from input to output"}


@pytest.mark.parametrize("cell", [FULL, NO_CONV], ids=["full", "no-conv"])
@pytest.mark.parametrize("name", SCORED)
def test_deterministic_for_a_seed_and_draws_nothing_elsewhere(name, cell):
    given = passes(cell, size=16)
    images, state = given.images.clone(), torch.random.get_rng_state()
    first = score(name, given)
    assert set(first) == set(load("proxies", name).outputs)
    assert first == pytest.approx(score(name, given), nan_ok=True, rel=1e-12)
    assert first == pytest.approx(score(name, passes(cell, size=16)), nan_ok=True, rel=1e-12)
    assert first != pytest.approx(score(name, passes(cell, 1, size=16)), nan_ok=True, rel=1e-9)
    assert torch.equal(given.images, images)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_ranks_are_those_of_the_candidates():
    a = np.array([3.0, 1.0, 1.0, 9.0, np.nan])
    b = np.array([1.0, 2.0, np.nan, 9.0, 4.0])
    candidates = np.array([True, True, True, False, True])
    plain = rank_sum((a, b), candidates, log=False)
    np.testing.assert_allclose(plain * 4, [4 + 2, 2.5 + 3, 2.5 + 1, np.nan, 1 + 4])
    logs = rank_sum((a, b), candidates, log=True)
    np.testing.assert_allclose(logs[:2], [np.log(8 / 16), np.log(7.5 / 16)])


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_aggregates_only_see_ranks_and_only_rank_what_is_there(seed):
    """A monotone change of any part changes nothing; cells without the first part stay missing."""
    rng = np.random.default_rng(seed)
    for name in ("az_nas_rank", "vkdnw_agg", "te_nas", "wrcor_vote"):
        proxy = load("proxies", name)
        columns = {need: rng.normal(size=50) for need in proxy.needs}
        for values in columns.values():
            values[:3] = np.nan
        result = proxy.combine(columns)[""]
        assert np.isnan(result).tolist() == [True] * 3 + [False] * 47
        bent = {need: np.exp(values) * 7 - 3 for need, values in columns.items()}
        np.testing.assert_allclose(proxy.combine(bent)[""], result)


def test_better_parts_make_a_better_aggregate():
    upward = {"az_nas_rank": [1] * 4, "vkdnw_agg": [1] * 5, "wrcor_vote": [1] * 3}
    for name, signs in {**upward, "te_nas": [-1, 1]}.items():
        proxy = load("proxies", name)
        columns = {
            need: sign * np.arange(10.0) for need, sign in zip(proxy.needs, signs, strict=True)
        }
        assert (np.diff(proxy.combine(columns)[""]) > 0).all()
        assert proxy.direction == "max"


@given(arrays(np.int64, (3, 40), elements=st.integers(0, 9)), st.integers(0, 20))
@settings(max_examples=10, deadline=None)
def test_a_vote_counts_who_wins_two_of_three(scores, missing):
    """By its definition, pair by pair; with ties, equal cells and missing values."""
    columns = dict(zip(load("proxies", "wrcor_vote").needs, scores.astype(np.float64), strict=True))
    columns["wrcor"][:missing] = columns["synflow"][missing : missing + 2] = np.nan
    found = load("proxies", "wrcor_vote").combine(columns)[""]
    there = range(missing, 40)

    upward = [np.nan_to_num(values, nan=-1).tolist() for values in columns.values()]

    def beats(a, b):
        return sum(values[a] > values[b] for values in upward) >= 2

    assert np.isnan(found[:missing]).all()
    for a in there:
        expected = sum(beats(a, b) - beats(b, a) for b in there) / len(there)
        assert found[a] == pytest.approx(expected, abs=1e-12)


def test_vkdnw_single_ranks_by_tensors_first():
    columns = {"tensors": np.array([95.0, 50.0, 95.0]), "vkdnw": np.array([0.1, 2.1, 0.2])}
    assert load("proxies", "vkdnw_single").combine(columns)[""].argsort().tolist() == [1, 0, 2]


def test_the_references_obey_their_own_formulas():
    """Facts that hold for any network, so that a slip in a definition shows."""
    given = passes(FULL, size=8)
    net, x, y = given.module(), given.images, given.labels
    squares = [g.square().sum().item() for _, g in reference.gradients(net, x, y)]
    assert reference.grad_norm(net, x, y) == pytest.approx(np.sqrt(squares).sum())
    assert reference.grad_norm_global(net, x, y) == pytest.approx(np.sqrt(sum(squares)))
    assert abs(reference.plain(net, x, y)) <= reference.snip(net, x, y)
    assert reference.fisher(net, x, y) > 0
    assert reference.l2_norm(net) > 0
    assert sum(p.numel() for p in net.parameters()) == params(net.network)
    # BN takes the scale of a convolution before it out, up to its eps: theta . g = 0.
    theta, g = reference.gradients(net.double(), x.double(), y)[0]
    assert abs((theta * g).sum().item()) < 1e-4 * (theta.norm() * g.norm()).item()
    K = reference.ntk(net, x.double())
    assert reference.knas(net, x.double()) == pytest.approx(K.mean())
    assert np.linalg.eigvalsh(K).min() > -1e-9 * K.max()
    assert reference.naswot(net, x.double()) > 0
    assert np.isfinite(reference.synflow(net, x))
    assert np.isfinite(reference.jacob_cov(net, x.double()))
    assert reference.epe_nas(net, x.double(), y, 10) >= 0
    assert reference.epe_nas(net, x.double(), y, 120) >= 0
    assert reference.zico(net, [(x.double(), y), (x.double().flip(0), y)]) > 0
    assert np.isfinite(reference.zen(given.module("normal"), x, given.noise("zen")))


@pytest.mark.parametrize("module", [az_nas, linear_regions, meco, ntk_cond, swap, vkdnw])
def test_every_output_is_described(module):
    assert module.PROXY.formula
    assert module.PROXY.source
    assert all(value or not key for key, value in module.PROXY.outputs.items())
