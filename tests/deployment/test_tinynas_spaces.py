"""TinyNAS' first stage: memory by scaling against memory by planning, and the choice by hand."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchsuite.deployment import tinynas_spaces
from benchsuite.deployment.flash import all_weights
from benchsuite.deployment.ram import CONVENTIONS, all_ram, ram
from benchsuite.deployment.scaling import all_ram_scaled, scales
from benchsuite.errors import UserError
from benchsuite.space import cost
from benchsuite.space.cell import N_CELLS, Cell
from benchsuite.space.network import Skeleton

KIB = 1024
BASE = Skeleton(cells_per_stage=1, classes=100)


@pytest.fixture(scope="module")
def networks():
    return tinynas_spaces.sampled_networks(
        BASE, widths=(0.2, 0.5, 1.0), resolutions=(48, 96, 224), samples=200, seed=3
    )


skeletons = st.builds(
    Skeleton,
    channels=st.integers(3, 70),
    cells_per_stage=st.sampled_from([1, 2]),
    resolution=st.integers(1, 14).map(lambda k: 16 * k),
    classes=st.sampled_from([2, 1000]),
)


@settings(max_examples=25, deadline=None)
@given(skeletons, st.integers(0, N_CELLS - 1), st.sampled_from(list(CONVENTIONS)))
def test_scaled_memory_is_the_planned_memory_of_the_deployed_network(skeleton, cell, convention):
    assume(scales(skeleton))
    found = all_ram_scaled(convention, skeleton)[cell]
    assert found == ram(convention, Cell.from_index(cell), skeleton)


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize(
    "skeleton", [Skeleton(3, 1, 48, 1000), Skeleton(2, 1, 20, 10), Skeleton(9, 1, 32, 2)]
)
def test_scaled_memory_of_all_cells(convention, skeleton):
    np.testing.assert_array_equal(
        all_ram_scaled(convention, skeleton), all_ram(convention, skeleton)
    )


def test_what_scaling_does_not_cover_is_known():
    assert scales(Skeleton(3, 1, 48, 10))
    assert not scales(Skeleton(2, 1, 48, 10)), "the image is larger than the stem's output"
    assert not scales(Skeleton(3, 1, 20, 10)), "tensors are padded"
    assert not scales(Skeleton(3, 1, 16, 1000)), "the logits are no small tensor"


def test_a_sampled_network_is_what_its_cell_and_space_say(networks):
    assert len(networks) == 3 * 3 * 200
    assert networks.groupby("width")["channels"].first().tolist() == [3, 8, 16]
    for row in networks.sample(12, random_state=1).itertuples():
        skeleton = Skeleton(row.channels, 1, row.resolution, 100)
        assert row.macs == cost.all_deployed_macs(skeleton)[row.cell]
        assert row.flash == all_weights(skeleton)[row.cell]
        cell = Cell.from_index(row.cell)
        assert row.tflm == ram("ram.tflm", cell, skeleton)
        assert row.tinyengine == ram("ram.tinyengine", cell, skeleton)


def test_the_paper_has_108_spaces():
    assert len(tinynas_spaces.WIDTHS) == 9
    assert len(tinynas_spaces.RESOLUTIONS) == 12
    assert tinynas_spaces.WIDTHS[0] == 0.2
    assert tinynas_spaces.WIDTHS[-1] == 1.0
    assert (tinynas_spaces.RESOLUTIONS[0], tinynas_spaces.RESOLUTIONS[-1]) == (48, 224)


def by_hand(networks, runtime, sram, flash):
    """Return {(width, resolution): MACs of the networks that fit}, row by row."""
    spaces = {}
    for row in networks.to_dict("records"):
        here = spaces.setdefault((row["width"], row["resolution"]), [])
        if row[runtime] <= sram and row["flash"] <= flash:
            here.append(row["macs"])
    return spaces


@pytest.mark.parametrize("runtime", tinynas_spaces.RUNTIMES)
@pytest.mark.parametrize(
    ("sram", "flash"), [(64 * KIB, 128 * KIB), (320 * KIB, 1024 * KIB), (9000, 10**7)]
)
def test_the_chosen_space_has_the_largest_mean_of_what_fits(networks, runtime, sram, flash):
    ranked = tinynas_spaces.rank_spaces(networks, runtime, sram, flash)
    spaces = by_hand(networks, runtime, sram, flash)
    means = {space: np.mean(macs) for space, macs in spaces.items() if macs}
    assert len(ranked) == len(spaces)
    best = ranked.iloc[0]
    assert (best["width"], best["resolution"]) == max(means, key=means.get)
    assert best["mean_macs"] == pytest.approx(max(means.values()))
    fit = {(r.width, r.resolution): r.fit for r in ranked.itertuples()}
    assert fit == {space: len(macs) for space, macs in spaces.items()}
    assert ranked["mean_macs"].isna().sum() == len(spaces) - len(means)


def test_cumulative_distributions_are_those_of_the_kept_networks(networks):
    sram, flash = 200 * KIB, 300 * KIB
    rows = tinynas_spaces.cumulative(networks, "tflm", sram, flash, spaces=3)
    spaces = by_hand(networks, "tflm", sram, flash)
    assert rows["rank"].unique().tolist() == [0, 1, 2]
    for (width, resolution), curve in rows.groupby(["width", "resolution"]):
        macs = np.sort(spaces[width, resolution])
        assert curve["macs"].tolist() == macs.tolist()
        expected = np.searchsorted(macs, macs, side="right") / len(macs)
        np.testing.assert_allclose(curve["cdf"], expected)


def test_the_grid_names_the_best_space_and_says_where_there_is_none(networks):
    grid = tinynas_spaces.best_spaces(networks, "tflm", [5, 320 * KIB], [5, 1024 * KIB])
    assert grid[["sram", "flash"]].to_numpy().tolist() == [
        [5, 5], [5, 1024 * KIB], [320 * KIB, 5], [320 * KIB, 1024 * KIB],
    ]  # fmt: skip
    assert grid["width"].isna().tolist() == [True, True, True, False]
    assert grid["fit"].tolist()[:3] == [0, 0, 0]
    first = tinynas_spaces.rank_spaces(networks, "tflm", 320 * KIB, 1024 * KIB).iloc[0]
    assert grid["resolution"].iloc[-1] == first["resolution"]


def test_a_runtime_that_needs_less_memory_keeps_every_network_the_other_keeps(networks):
    lean, fat = (
        tinynas_spaces.fitting(networks, r, 250_000, 10**6) for r in ("tinyengine", "tflm")
    )
    assert set(fat.index) < set(lean.index)


def test_the_same_seed_draws_the_same_networks():
    few = {"widths": (0.5,), "resolutions": (48,), "samples": 20}
    one, two, other = (tinynas_spaces.sampled_networks(BASE, **few, seed=s) for s in (0, 0, 1))
    assert one.equals(two)
    assert not one.equals(other)


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda n: tinynas_spaces.rank_spaces(n, "tinyengin", 1, 1), "Did you mean tinyengine"),
        (lambda n: tinynas_spaces.rank_spaces(n, "tflm", 0, 1), "hold no network"),
        (lambda n: tinynas_spaces.fitting(n, "tflm", 1, float("nan")), "hold no network"),
        (lambda n: tinynas_spaces.sampled_networks(BASE, samples=0), "1 or more"),
        (lambda n: tinynas_spaces.sampled_networks(BASE, widths=()), "widths"),
        (lambda n: tinynas_spaces.sampled_networks(BASE, widths=(0.001,)), "channels above 0"),
        (lambda n: tinynas_spaces.sampled_networks(BASE, widths=(np.nan,)), "channels above 0"),
        (lambda n: tinynas_spaces.sampled_networks(BASE, resolutions=(50,)), "multiple of 4"),
    ],
)
def test_mistakes_are_sentences(networks, call, hint):
    with pytest.raises(UserError, match=hint):
        call(networks)
