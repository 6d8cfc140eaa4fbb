"""The engine against the definitions: every shortcut equals plain autograd, also in its corners."""

import math
import re
from types import SimpleNamespace

import numpy as np
import pytest
import reference_proxies as reference
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchsuite.errors import UserError
from benchsuite.plugins import load
from benchsuite.proxies import zen
from benchsuite.proxies._engine.forward import per_sample_weight_grad
from benchsuite.proxies._engine.gradients import pixel_gram
from benchsuite.proxies._engine.weights import draw_weights
from benchsuite.proxies._scoring.batch import draw
from benchsuite.proxies._scoring.images import Images
from benchsuite.proxies._scoring.passes import Passes, representative
from benchsuite.proxies._scoring.score import NO_PATH, score_network
from benchsuite.space.cell import CONV1, CONV3, N_CELLS, NONE, POOL, SKIP, Cell
from benchsuite.space.equivalence import classes
from benchsuite.space.network import Layer, Skeleton

SMALL = Skeleton(channels=4, cells_per_stage=1, resolution=8)
DEEPER = Skeleton(channels=3, cells_per_stage=2, resolution=12, classes=7)
FULL = Cell((CONV3,) * 6)
MIXED = Cell((CONV3, CONV1, POOL, SKIP, CONV3, CONV1))
POOLS = Cell((POOL, SKIP, POOL, SKIP, POOL, SKIP))
ONE_PATH = Cell((CONV1, NONE, NONE, NONE, CONV3, NONE))
TWICE = Cell((SKIP, SKIP, SKIP, SKIP, SKIP, SKIP))  # the input, four times over
SHARED = Cell((CONV3, SKIP, SKIP, SKIP, SKIP, SKIP))  # one convolution on two paths
CELLS = [FULL, MIXED, POOLS, ONE_PATH, TWICE, SHARED]
DEAD = Cell((CONV3, NONE, NONE, NONE, NONE, CONV3))
ANY = st.integers(0, N_CELLS - 1).map(Cell.from_index)

# float32: how far rounding may move a score, relative. The correlation proxies take logarithms of
# eigenvalues near k = 1e-5 and of correlations near 0.
LOOSE = {"jacob_cov": 2e-2, "epe_nas": 1e-3, "plain": 1e-3, "grasp": 1e-3}


def passes(cell, skeleton=SMALL, dtype=torch.float64, size=6, count=2, repeat=0, seed=3):
    batches = [
        draw(Images("synthetic"), size, skeleton.resolution, skeleton.classes, seed=seed, index=i)
        for i in range(count)
    ]
    return Passes(cell, skeleton, batches, seed=seed, repeat=repeat, dtype=dtype)


def zico_signed(net, batches):
    """The released code: the deviation is that of the gradients with their signs."""
    runs = [[g for _, g in reference.gradients(net, x, y)] for x, y in batches]
    total = 0.0
    for layer in zip(*runs, strict=True):
        g = torch.stack(layer)
        mean, std = g.abs().mean(0), g.std(0, correction=0)
        ratio = (mean[std > 0] / std[std > 0]).sum().item()
        total += math.log(ratio) if ratio > 0 else 0.0
    return total


def definitions(p):
    """Every score by its definition, from the torch module with the same weights."""
    net, x, y = p.module(), p.images, p.labels
    kernel = reference.ntk(net, x, frozen=True)
    numbers = reference.condition_numbers(kernel)
    scores = {
        name: getattr(reference, name)(net, x, y)
        for name in ("grad_norm", "grad_norm_global", "snip", "plain", "fisher", "grasp")
    }
    scores |= {
        "l2_norm": reference.l2_norm(net),
        "naswot": reference.naswot(net, x),
        "jacob_cov": reference.jacob_cov(net, x),
        "epe_nas": reference.epe_nas(net, x, y, p.skeleton.classes),
        "synflow": reference.synflow(net, x),
        "knas": kernel.mean(),
        "ntk_frozen.trace": np.trace(kernel),
        "zico": zico_signed(net, [(b.images.to(p.dtype), b.labels) for b in p.batches]),
        "zen": reference.zen(p.module("normal"), p.noise("zen.image"), p.noise("zen.step")),
    }
    for order in (0, 1, 2, 4):
        scores[f"ntk_frozen.k{order}"] = numbers[order]
    return scores


NAMES = ["epe_nas", "fisher", "grad_norm", "grad_norm_global", "grasp", "jacob_cov", "knas"]
NAMES += ["l2_norm", "naswot", "ntk_frozen", "plain", "snip", "synflow", "zen", "zico"]
PROXIES = {name: load("proxies", name) for name in NAMES}


@pytest.mark.parametrize("cell", CELLS, ids=lambda c: "".join(map(str, c.ops)))
@pytest.mark.parametrize("skeleton", [SMALL, DEEPER], ids=["small", "deeper"])
def test_every_score_is_its_definition_in_float64(cell, skeleton):
    p = passes(cell, skeleton)
    found, expected = score_network(PROXIES, p).values, definitions(p)
    assert set(found) - set(expected) == {"ntk_frozen.k8", "ntk_frozen.k16"}
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-9, abs=1e-12), name


@pytest.mark.parametrize("cell", CELLS, ids=lambda c: "".join(map(str, c.ops)))
def test_every_score_is_its_definition_in_float32(cell):
    """ZiCo is left out: of two batches its deviation is a difference of near-equal gradients."""
    p = passes(cell, dtype=torch.float32)
    found, expected = score_network(PROXIES, p).values, definitions(p)
    del expected["zico"]
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=LOOSE.get(name, 1e-4), abs=1e-5), name


@settings(max_examples=12, deadline=None)
@given(cell=ANY)
def test_random_cells_equal_autograd(cell):
    p = passes(cell)
    assume(p.connected)
    net, x, y = p.module(), p.images, p.labels
    torch.testing.assert_close(p.tape.logits, reference.fresh(net)(x).detach())
    gradients = p.gradients().weights
    named = [layer.name for layer in net.network.layers if layer.kind in ("conv", "linear")]
    assert set(gradients) == set(named)
    for name, (_, grad) in zip(named, reference.gradients(net, x, y), strict=True):
        torch.testing.assert_close(gradients[name], grad, rtol=1e-9, atol=1e-13)
    assert -p.grad_hessian_weights == pytest.approx(reference.grasp(net, x, y), rel=1e-9, abs=1e-12)
    np.testing.assert_allclose(p.gram, reference.ntk(net, x, frozen=True), rtol=1e-9)
    assert p.log_synaptic_flow == pytest.approx(reference.synflow(net, x), rel=1e-12)


@pytest.mark.parametrize("size", [(3, 2, 5, 4), (2, 3, 1, 1), (4, 1, 3, 2), (2, 5, 4, 4)])
def test_products_of_gradients_by_pixels_are_those_of_gradients(size):
    batch, inner, height, width = size
    x, grad = torch.randn(size, dtype=torch.float64), torch.randn(batch, 3, height, width).double()
    layer = Layer("conv", "conv", (0,), (3, height, width), inner, 3)
    rows = per_sample_weight_grad(layer, grad, x).flatten(1)
    torch.testing.assert_close(pixel_gram(grad, x), rows @ rows.t(), rtol=1e-12, atol=1e-12)


def test_zico_with_many_batches_is_stable_in_float32():
    score = PROXIES["zico"].score
    values = [
        score(passes(MIXED, dtype=dtype, count=8))[""] for dtype in (torch.float32, torch.float64)
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-4)


def test_above_a_hundred_classes_epe_nas_compares_classes():
    p = passes(MIXED, Skeleton(channels=3, cells_per_stage=1, resolution=8, classes=120), size=12)
    p.batches[0].labels[:6] = torch.tensor([1, 1, 1, 5, 5, 110])
    expected = reference.epe_nas(p.module(), p.images, p.labels, 120)
    assert PROXIES["epe_nas"].score(p)[""] == pytest.approx(expected, rel=1e-9)


def test_above_a_hundred_classes_epe_nas_drops_classes_of_one_image():
    """The authors' code asks for the length of a number there, and skips the class."""
    p = passes(MIXED, Skeleton(channels=3, cells_per_stage=1, resolution=8, classes=120), size=6)
    p.batches[0].labels[:] = torch.tensor([1, 1, 1, 5, 5, 110])
    J = reference.input_jacobian(p.module(), p.images).astype(np.float64)
    one, other = (np.log(np.abs(np.corrcoef(J[a:b])) + 1e-5).sum() for a, b in ((0, 3), (3, 5)))
    expected = 2 * abs(one / 3 - other / 2) / 2
    assert PROXIES["epe_nas"].score(p)[""] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("classes", "labels", "why"),
    [
        (120, range(6), "no class has two images"),
        (120, [5, 5, 5, 0, 1, 2], "above 100 classes these are compared, and only one"),
        (10, range(6), "no class has two images"),
    ],
)
def test_where_all_networks_had_one_epe_nas_it_is_missing(classes, labels, why):
    p = passes(MIXED, Skeleton(channels=3, cells_per_stage=1, resolution=8, classes=classes))
    p.batches[0].labels[:] = torch.tensor([*labels])
    found = PROXIES["epe_nas"].score(p)[""]
    assert math.isnan(found)
    assert found.reason.startswith(why)


@pytest.mark.parametrize("size", [48, 96])
def test_a_kernel_of_more_images_than_relus_tell_apart_has_no_naswot(size):
    """Its determinant is 0: the logarithm of one that is rounded to something else is none."""
    p = passes(Cell((SKIP, NONE, NONE, NONE, SKIP, NONE)), Skeleton(1, 1, 4), size=size)
    found = PROXIES["naswot"].score(p)[""]
    assert math.isnan(found)
    assert found.reason.startswith("the kernel is singular")


def test_what_has_no_score_says_why(monkeypatch):
    still = SimpleNamespace(jacobian=torch.zeros(2, 3))
    assert "constant" in PROXIES["jacob_cov"].score(still)[""].reason
    monkeypatch.setattr(zen, "_STEP", 0.0)
    assert "do not move" in PROXIES["zen"].score(passes(MIXED))[""].reason


@settings(max_examples=40, deadline=None)
@given(cell=ANY)
def test_equal_functions_are_scored_as_one_cell(cell):
    stands = representative(cell)
    assert classes("functional")[stands.index] == classes("functional")[cell.index]
    assert representative(stands) == stands
    alike = np.flatnonzero(classes("functional") == classes("functional")[cell.index])
    assert {representative(Cell.from_index(int(i))) for i in alike[:5]} == {stands}


def test_a_cell_without_a_path_misses_every_score_with_a_reason():
    scores = score_network(PROXIES, passes(DEAD))
    assert all(math.isnan(value) for value in scores.values.values())
    assert set(scores.reasons.values()) == {NO_PATH}
    assert len(scores.reasons) == len(scores.values) == 21


def test_scores_depend_on_seed_and_repeat_alone():
    one = score_network(PROXIES, passes(MIXED, dtype=torch.float32))
    again = score_network(dict(reversed(PROXIES.items())), passes(MIXED, dtype=torch.float32))
    other = score_network(PROXIES, passes(MIXED, dtype=torch.float32, repeat=1))
    assert one.values == pytest.approx(again.values, nan_ok=True, rel=0)
    assert all(
        other.values[name] != value for name, value in one.values.items() if not math.isnan(value)
    )
    assert set(one.reasons) == {"ntk_frozen.k8", "ntk_frozen.k16"}


def test_weights_of_a_layer_do_not_depend_on_the_other_layers():
    one, two = passes(MIXED), passes(Cell((CONV3, NONE, CONV1, NONE, NONE, CONV1)))
    shared = one.weights.keys() & two.weights.keys()
    assert "stage0.cell0.edge01.nor_conv_3x3.conv" in shared
    assert all(torch.equal(one.weights[name], two.weights[name]) for name in shared)


def test_default_weights_have_the_spread_pytorch_gives():
    weights = draw_weights(passes(FULL, Skeleton()).network, 0, 0)
    layer = weights["stage2.cell4.edge23.nor_conv_3x3.conv"]
    bound = 1 / math.sqrt(layer[0].numel())
    assert layer.abs().max() <= bound
    assert layer.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)
    assert abs(layer.mean().item()) < bound / 50
    assert weights["classifier.bias"].abs().max() <= 1 / 8


def test_a_module_is_new_each_time_and_computes_the_same():
    p = passes(MIXED)
    first = p.module()
    with torch.no_grad():
        first.layers[first.position("classifier")].weight.zero_()
    with torch.no_grad():
        torch.testing.assert_close(p.module()(p.images), p.tape.logits)


def test_seconds_add_up_to_the_time_spent():
    p = passes(MIXED)
    with p.clock("outer"):
        assert p.gram.shape == (6, 6)
    assert set(p.seconds) == {"outer", "gram", "forward", "weights"}
    assert all(value >= 0 for value in p.seconds.values())


def test_a_proxy_that_fails_or_lies_names_itself():
    p = passes(MIXED)

    def broken(_):
        raise KeyError("oops")

    record = PROXIES["naswot"].__class__
    fields = {"version": 1, "direction": "max", "formula": "", "source": "", "cost": "forward"}
    with pytest.raises(UserError, match=r"proxy mine failed on cell .* KeyError"):
        score_network({"mine": record(**fields, score=broken)}, p)
    with pytest.raises(UserError, match="gave \\['x'\\], but declares outputs \\[''\\]"):
        score_network({"mine": record(**fields, score=lambda _: {"x": 1.0})}, p)
    infinite = score_network({"mine": record(**fields, score=lambda _: {"": math.inf})}, p)
    assert math.isnan(infinite.values["mine"])
    assert infinite.reasons == {"mine": "not finite (inf)"}
    zero = score_network({"mine": record(**fields, score=lambda _: {"": 1 / 0})}, p)
    assert zero.reasons["mine"].startswith("ZeroDivisionError: division by zero (")
    assert re.search(r"test_engine\.py, line \d+\)", zero.reasons["mine"])


def test_batches_that_do_not_fit_are_refused():
    batch = draw(Images("synthetic"), 4, 8, 10, seed=0)
    with pytest.raises(UserError, match="at least one batch"):
        Passes(MIXED, SMALL, [])
    with pytest.raises(UserError, match="does not fit"):
        Passes(MIXED, Skeleton(resolution=16), [batch])
    with pytest.raises(UserError, match="does not fit"):
        Passes(MIXED, SMALL, [draw(Images("synthetic"), 1, 8, 10, seed=0)])
    few = Skeleton(channels=4, cells_per_stage=1, resolution=8, classes=1)
    with pytest.raises(UserError, match="network 1 classes"):
        Passes(MIXED, few, [batch])
    with pytest.raises(UserError, match="at least two are needed"):
        PROXIES["zico"].score(passes(MIXED, count=1))
