"""Proxies of recent papers: equal to their definitions written plainly, deterministic."""

import math

import mpmath
import numpy as np
import pytest
import reference_recent as reference
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchsuite.plugins import load
from benchsuite.proxies import dextr, near, rbflex
from benchsuite.proxies._scoring.batch import draw
from benchsuite.proxies._scoring.images import Images
from benchsuite.proxies._scoring.passes import Passes
from benchsuite.proxies._scoring.score import score_network
from benchsuite.space.cell import CONV1, CONV3, N_CELLS, NONE, POOL, SKIP, Cell, all_ops, prune
from benchsuite.space.network import Skeleton

SMALL = Skeleton(channels=4, cells_per_stage=2, resolution=8)
# Maps of 4x4 in the last stage: in one of 2x2 a pooling leaves nothing but rounding to BN.
ROOMY = Skeleton(channels=4, cells_per_stage=1, resolution=16)
TINY = Skeleton(channels=1, cells_per_stage=1, resolution=4)
NAMES = (
    "croze", "dextr", "epsinas", "grad_sign", "l_swag", "log_synflow", "near", "rbflex", "wrcor",
)  # fmt: skip
CELLS = st.integers(0, N_CELLS - 1).map(lambda i: Cell(tuple(prune(all_ops()[[i]])[0].tolist())))
CONNECTED = CELLS.filter(lambda cell: any(cell.ops))
FULL = Cell((CONV3, CONV1, POOL, SKIP, CONV3, CONV1))
NO_CONV = Cell((NONE, NONE, NONE, POOL, NONE, NONE))
FEW = settings(max_examples=4, deadline=None)


def passes(cell, seed=0, skeleton=SMALL, size=8, dtype=torch.float32):
    batches = [
        draw(Images("synthetic"), size, skeleton.resolution, skeleton.classes, seed=seed, index=i)
        for i in range(2)
    ]
    return Passes(cell, skeleton, batches, seed=seed, dtype=dtype)


def score(name, of):
    return load("proxies", name).score(of)


@pytest.mark.parametrize("cell", [FULL, NO_CONV], ids=["full", "no-conv"])
def test_log_synflow_is_the_definition(cell):
    of = passes(cell, skeleton=TINY)
    assert score("log_synflow", of)[""] == pytest.approx(
        reference.log_synflow(of.module(), of.images), rel=1e-9
    )


@FEW
@given(cell=CONNECTED)
def test_grad_sign_is_the_definition(cell):
    of = passes(cell, skeleton=ROOMY, dtype=torch.float64)
    exact = reference.grad_sign(of.module(), of.images, of.labels)
    found = score("grad_sign", of)
    assert found[""] == pytest.approx(exact, rel=1e-3)
    weights = sum(
        weight.numel() for name, weight in of.module().named_parameters() if weight.dim() > 1
    )
    assert found["mean"] == pytest.approx(exact / weights, rel=1e-3)


@FEW
@given(cell=CONNECTED)
def test_near_is_the_definition(cell):
    of = passes(cell)
    exact = reference.near(of.module(), of.images, of.generator("near"))
    assert score("near", of)[""] == pytest.approx(exact, rel=1e-4)


def test_effective_ranks():
    matrices = torch.stack(
        [torch.eye(4), torch.zeros(4, 4), torch.diag(torch.tensor([2.0, 2, 0, 0]))]
    )
    torch.testing.assert_close(near.effective_ranks(matrices), torch.tensor([4.0, 0, 2]))


@FEW
@given(cell=CONNECTED)
def test_epsinas_is_the_definition(cell):
    of = passes(cell, skeleton=ROOMY)
    exact = reference.epsinas(of.module(), of.images)
    assert score("epsinas", of)[""] == pytest.approx(exact, rel=1e-5, nan_ok=True)


@FEW
@given(cell=CONNECTED)
def test_wrcor_is_the_definition(cell):
    of = passes(cell)
    images, labels = (torch.cat([getattr(b, n) for b in of.batches]) for n in ("images", "labels"))
    exact = reference.wrcor(of.module(), images, labels)
    assert score("wrcor", of)[""] == pytest.approx(exact, rel=1e-4)


@FEW
@given(cell=CONNECTED)
def test_rbflex_is_the_definition(cell):
    of = passes(cell, skeleton=ROOMY)
    exact = reference.rbflex(of.module(), of.images)
    assert score("rbflex", of)[""] == pytest.approx(exact, abs=1e-3)


@given(st.lists(st.floats(0.1, 100), min_size=3, max_size=3), st.floats(1e-12, 0.5))
def test_determinants_are_those_of_sixty_digits(points, gamma):
    """Three points on a line: the determinant is that of their squared distances."""
    squares = [(points[a] - points[b]) ** 2 for a, b in ((0, 1), (0, 2), (1, 2))]
    with mpmath.workdps(60):
        a, b, c = (mpmath.exp(-mpmath.mpf(gamma) * mpmath.mpf(s)) for s in squares)
        exact = mpmath.det(mpmath.matrix([[1, a, b], [a, 1, c], [b, c, 1]]))
        if exact <= 0 or min(squares) < 1e-3 * max(squares):
            return
        expected = float(mpmath.log(exact))
    found = rbflex.log_determinant(torch.tensor(squares, dtype=torch.float64), gamma)
    if found > -math.inf and gamma * max(squares) > 1e-3:  # on a line the leading terms cancel
        assert found == pytest.approx(expected, abs=1e-6, rel=1e-6)


@FEW
@given(cell=CONNECTED)
def test_l_swag_is_the_definition(cell):
    of = passes(cell, size=16, skeleton=ROOMY, dtype=torch.float64)
    exact = reference.l_swag(of.module(), [(b.images.double(), b.labels) for b in of.batches])
    assert score("l_swag", of)[""] == pytest.approx(exact, rel=1e-3)


@FEW
@given(cell=CONNECTED)
def test_dextr_is_the_definition(cell):
    of = passes(cell, skeleton=ROOMY)
    source = of.generator("dextr")
    curve = dextr.circle((3, 16, 16), source)
    torch.testing.assert_close(curve[:2].flatten(1) @ curve[:2].flatten(1).T, torch.eye(2).double())
    chosen = torch.randperm(10, generator=source)[:10]
    both, alone = reference.dextr(of.module(), of.images, curve, chosen)
    found = score("dextr", of)
    assert found["svd"] == pytest.approx(alone, rel=1e-3)
    assert found[""] == pytest.approx(both, rel=1e-3)


@FEW
@given(cell=CONNECTED)
def test_croze_is_the_definition(cell):
    of = passes(cell)
    exact = reference.croze(of.module(), of.images, of.labels)
    assert score("croze", of)[""] == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_without_a_path_nothing_is_scored(name):
    found = score_network({name: load("proxies", name)}, passes(Cell((NONE,) * 6)))
    assert np.isnan(list(found.values.values())).all()
    assert set(found.reasons.values()) == {"no path from input to output"}


@pytest.mark.parametrize("cell", [FULL, NO_CONV], ids=["full", "no-conv"])
@pytest.mark.parametrize("name", NAMES)
def test_deterministic_for_a_seed_and_draws_nothing_elsewhere(name, cell):
    of = passes(cell, size=16)
    state = torch.random.get_rng_state()
    first = score(name, of)
    assert set(first) == set(load("proxies", name).outputs)
    assert first == pytest.approx(score(name, of), nan_ok=True, rel=1e-12)
    assert first == pytest.approx(score(name, passes(cell, size=16)), nan_ok=True, rel=1e-12)
    other = score(name, passes(cell, 1, size=16))
    assert first != pytest.approx(other, nan_ok=name == "epsinas", rel=1e-9)
    assert not of.changed()
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("name", ["l_swag"])
def test_one_batch_is_too_few(name):
    batch = draw(Images("synthetic"), 16, 8, 10, seed=0)
    with pytest.raises(Exception, match="at least two are needed"):
        score(name, Passes(FULL, SMALL, [batch]))


@pytest.mark.parametrize(("name", "needed"), [("swap", 16), ("l_swag", 16), ("rbflex", 3)])
def test_fewer_images_than_the_definition_has_are_a_reason(name, needed):
    proxies = {name: load("proxies", name)}
    found = score_network(proxies, passes(FULL, size=needed - 1))
    assert math.isnan(found.values[name])
    assert found.reasons[name].startswith(f"{needed} images ")
    assert found.reasons[name].endswith(f", not {needed - 1}")
    assert math.isfinite(score_network(proxies, passes(FULL, size=needed)).values[name])


def test_rbflex_of_images_that_are_alike_says_why():
    of = passes(FULL, skeleton=ROOMY)
    of.batches[0].images[:] = of.batches[0].images[:1]
    found = score("rbflex", of)[""]
    assert math.isnan(found)
    assert found.reason.startswith("the images are alike, or on a line")


@pytest.mark.parametrize("name", ["ntk_cond", "ntk_frozen"])
def test_condition_numbers_say_that_there_are_too_few_images(name):
    found = score_network({name: load("proxies", name)}, passes(FULL, size=4))
    assert found.reasons[f"{name}.k4"] == "4 images have 4 eigenvalues, and this needs 5"
    assert found.reasons[f"{name}.k16"] == "4 images have 4 eigenvalues, and this needs 17"
    assert f"{name}.k2" not in found.reasons
