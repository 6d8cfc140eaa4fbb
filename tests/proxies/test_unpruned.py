"""Scores with dead operators: equal to the definitions on the whole network, and tabulated so."""

import json

import numpy as np
import pytest
import reference_proxies as reference
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchsuite.errors import UserError
from benchsuite.plugins import load
from benchsuite.proxies import linear_regions
from benchsuite.proxies._scoring.batch import draw
from benchsuite.proxies._scoring.images import Images
from benchsuite.proxies._scoring.passes import Passes
from benchsuite.proxies._tabulation.merge import merge
from benchsuite.proxies._tabulation.spec import Spec, with_dead
from benchsuite.proxies._tabulation.tabulate import choose_cells, run, tasks
from benchsuite.space.cell import CONV3, N_CELLS, NONE, POOL, SKIP, Cell, all_ops, live_edges
from benchsuite.space.network import Skeleton, build

SMALL = Skeleton(channels=4, cells_per_stage=1, resolution=8)
# Convolutions of zeros whose offsets pass a skip, a convolution that nobody reads, and both.
OF_ZEROS = Cell((NONE, NONE, CONV3, POOL, NONE, SKIP))
UNREAD = Cell((CONV3, NONE, NONE, SKIP, NONE, NONE))
BOTH = Cell((NONE, CONV3, CONV3, SKIP, CONV3, NONE))
ALIVE = live_edges(all_ops()).any(axis=1)
CELLS = st.sampled_from(np.flatnonzero(ALIVE).tolist()).map(Cell.from_index)


def passes(cell, size=16):
    batch = draw(Images("synthetic"), size, 8, 10, seed=0)
    return Passes(cell, SMALL, [batch], dtype=torch.float64, unpruned=True)


def definitions(p):
    """Every unpruned score by its definition, from the torch module of the whole cell."""
    net, x = p.module(), p.images
    assert len(net.layers) == len(build(p.cell, SMALL).layers)
    image = torch.randn((1, 3, 64, 64), generator=p.generator("meco")).double()
    thin = p.module("kaiming", linear_regions._THIN)
    source = p.generator("linear_regions")
    batches = linear_regions.patches(x, 3000, source).split(1000)
    noise = (p.noise("zen.image"), p.noise("zen.step"))
    return {
        "naswot": {"": reference.naswot(net, x)},
        "swap": {"": reference.swap(net, x[:16])},
        "meco": {"": reference.meco(net, image)},
        "zen": {"": reference.zen(p.module("normal"), *noise)},
        "vkdnw": {"": reference.vkdnw(p.module("kaiming"), p.noise("vkdnw"))},
        "linear_regions": {
            "n3000": reference.linear_regions(thin, batches, start="stem.bn", stop="last.relu")
        },
    }


def compare(cell):
    p = passes(cell)
    expected = definitions(p)
    assert set(expected) == set(with_dead())
    for name, values in expected.items():
        found = load("proxies", name).score(p)
        for suffix, value in values.items():
            assert found[suffix] == pytest.approx(value, rel=1e-8, abs=1e-8), name


@pytest.mark.parametrize("cell", [OF_ZEROS, UNREAD, BOTH], ids=lambda cell: cell.arch)
def test_every_score_is_its_definition(cell):
    compare(cell)


@settings(max_examples=3, deadline=None)
@given(cell=CELLS)
def test_of_any_cell(cell):
    compare(cell)


def test_what_is_dead_counts():
    pruned = Passes(UNREAD, SMALL, passes(UNREAD).batches, dtype=torch.float64)
    for name in ("naswot", "zen", "meco", "vkdnw"):
        score = load("proxies", name).score
        assert score(pruned)[""] != pytest.approx(score(passes(UNREAD))[""], rel=1e-6), name


BACK = {
    "gradients": lambda p: p.gradients(),
    "jacobian": lambda p: p.jacobian,
    "gram": lambda p: p.gram,
    "grad_hessian_weights": lambda p: p.grad_hessian_weights,
    "log_synaptic_flow": lambda p: p.log_synaptic_flow,
}


@pytest.mark.parametrize("cell", [UNREAD, OF_ZEROS], ids=lambda cell: cell.arch)
@pytest.mark.parametrize("name", BACK)
def test_a_pass_back_through_dead_operators_is_refused_whether_they_are_read_or_not(name, cell):
    """Where nothing reads an operator it would fail, else be that of the network without them."""
    with pytest.raises(RuntimeError, match=rf"passes\.{name} .* use passes\.module\(\)"):
        BACK[name](passes(cell))


def test_columns_name_the_sample_and_belong_to_its_cells_alone(tmp_path):
    spec = Spec(("naswot",), SMALL, batch_size=4, images="gaussian", unpruned=True)
    cells = choose_cells("5", 0, unpruned=True)
    run(spec, tasks(cells, 1, 1, 1), tmp_path)
    assert json.loads((tmp_path / "settings.json").read_text("utf-8"))["unpruned"]
    table = merge(tmp_path, spec.load(), 1)
    column = table.columns["naswot.unpruned@1"]
    assert "dead operators too, 5 cells drawn by seed 0" in column.description
    assert column.kind == "detail"
    values = table.values("naswot.unpruned")
    alive = [cell for cell in cells if ALIVE[cell]]
    assert np.flatnonzero(np.isfinite(values)).tolist() == alive
    for cell in alive[:1]:
        batches = spec.batches(0)
        assert values[cell] == pytest.approx(
            load("proxies", "naswot").score(spec.passes(cell, 0, batches))[""], rel=1e-6
        )
    assert len(choose_cells("all", 0, unpruned=True)) == N_CELLS


@pytest.mark.parametrize("name", ["snip", "near"])
def test_what_is_of_the_live_network_alone_is_refused(name):
    said = rf"{name} is scored of the network without dead operators alone\. .* are .*naswot"
    with pytest.raises(UserError, match=said):
        Spec((name,), SMALL, unpruned=True).load()


def test_double_precision_is_a_setting():
    one, two = (Spec(("grasp",), SMALL, 4, dtype=dtype) for dtype in ("float32", "float64"))
    assert (one.settings()["dtype"], two.settings()["dtype"]) == ("float32", "float64")
    assert two.passes(6111, 0, two.batches(0)).tape.logits.dtype == torch.float64
    assert two.memory > one.memory
    with pytest.raises(UserError, match="float32 or float64, not in float16"):
        Spec(("grasp",), SMALL, 4, dtype="float16")
