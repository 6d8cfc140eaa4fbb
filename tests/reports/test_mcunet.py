"""MCUNet's reports: sizes of binaries beside the devices' code, the lead under a tight memory."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchsuite.devices._footprint.code_size import all_code
from benchsuite.replays import outcome as outcomes
from benchsuite.replays import study
from benchsuite.reports import (
    mcunet_binaries,
    mcunet_evolution,
    mcunet_limits,
    mcunet_tradeoffs,
)
from benchsuite.reports._common.tables import accuracy, kind
from benchsuite.reports._common.verdicts import HOLDS, NOT_HERE
from benchsuite.simulation.problem import prepare
from benchsuite.space.cell import connected
from benchsuite.space.network import SKELETONS

TIGHT = [f"{name}, {mcunet_limits.APART}" for name in mcunet_limits.RUNTIMES]


@pytest.fixture(scope="module")
def limits(table, tmp_path_factory):
    chosen = study.load(study.find(mcunet_limits.STUDY))
    kept = tuple(one for one in chosen.searches if one.label in TIGHT)
    folder = tmp_path_factory.mktemp("limits")
    return outcomes.run(dataclasses.replace(chosen, searches=kept), table, folder)


def test_code_is_what_the_runtime_needs_for_the_cell_that_needs_most(shipped_table):
    rows = mcunet_binaries.sizes(shipped_table).set_index(["network", "runtime"])
    for network, runtime in rows.index:
        most = all_code(runtime, "cortex-m7", SKELETONS[network]["cifar10"]).max() / 1024
        assert rows.loc[(network, runtime), mcunet_binaries.CODE] == most
        tiny = rows.loc[(network, mcunet_binaries.TINY), mcunet_binaries.CODE]
        assert rows.loc[(network, runtime), mcunet_binaries.RATIO] == most / tiny
    assert len(rows) == len(mcunet_binaries.NETWORKS) * len(mcunet_binaries.RUNTIMES)


def test_binaries_of_its_own_authors_decide_no_claim(shipped_table):
    (claim,) = mcunet_binaries.claims(shipped_table)
    assert claim.verdict.kind == NOT_HERE
    rows = mcunet_binaries.sizes(shipped_table)
    tflm = rows.loc[rows["runtime"] == mcunet_binaries.TFLM, mcunet_binaries.RATIO]
    assert all(f"{times:.1f} with" in claim.ours for times in tflm)


def test_a_lead_is_over_the_best_cell_where_seeds_of_the_other_side_are_no_sample(table, limits):
    tflm, tiny = (limits.runs[limits.runs["search"] == label] for label in TIGHT)
    (entry,) = (one for one in limits.study.searches if one.label == TIGHT[0])
    fits = prepare(table, entry.setting).feasible & connected()
    valid = table.values("cifar10.valid.200ep.mean")
    count, (seen, tested) = mcunet_limits._beyond(table, limits)
    assert count == fits.sum()
    best = max(valid[cell] for cell in np.flatnonzero(fits))
    assert float(seen.value) == pytest.approx(tiny["valid.cifar10"].mean() - best)
    assert seen.n == len(tiny) == 20
    assert (tflm["valid.cifar10"] <= best).all()
    assert float(tested.value) < tiny["test.cifar10"].mean() - tflm["test.cifar10"].min() + 1e-9
    assert seen.interval()[0] > 0


@pytest.fixture(scope="module")
def evolved(table, tmp_path_factory):
    chosen = study.load(study.find(mcunet_evolution.STUDY))
    return outcomes.run(chosen, table, tmp_path_factory.mktemp("evolved"), seeds=20)


def gain(table, evolved):
    (claim,) = (c for c in mcunet_evolution.claims(table, {evolved.study.name: evolved})
                if c.where == "Fig. 13")  # fmt: skip
    return claim


def test_a_gain_that_no_search_can_have_is_not_judged(table, evolved, monkeypatch):
    """The best cell that fits is less than a point ahead of as many random draws."""
    (entry,) = (one for one in evolved.study.searches if one.label == mcunet_evolution.TINY)
    fits = np.flatnonzero(prepare(table, entry.setting).feasible)
    valid = np.sort(table.values("cifar10.valid.200ep.mean")[fits])
    draws = np.random.default_rng(0).integers(len(valid), size=(20_000, 500))
    ahead = valid[-1] - valid[draws.max(axis=1)].mean()
    assert float(mcunet_evolution.headroom(table, evolved)) == pytest.approx(ahead, abs=0.01)

    claim = gain(table, evolved)
    assert claim.verdict.kind == NOT_HERE
    assert f"{mcunet_evolution.headroom(table, evolved):.2f} points" in claim.verdict.why
    assert f"{len(fits):,} cells" in claim.ours
    found = evolved.runs.loc[evolved.runs["search"] == mcunet_evolution.TINY, "valid.cifar10"]
    share = 1 - (valid[-1] - found.mean()) / mcunet_evolution.headroom(table, evolved)
    assert f"evolution takes {100 * share:.0f} [" in claim.ours

    monkeypatch.setattr(mcunet_evolution, "PRINTED_GAIN", 0.0)
    assert gain(table, evolved).verdict.kind == HOLDS
    monkeypatch.setattr(mcunet_evolution, "PRINTED_GAIN", ahead - 0.02)
    assert gain(table, evolved).verdict.kind != NOT_HERE


def test_every_runtime_is_drawn_up_to_its_best_cell_and_marked_where_it_gains(shipped_table):
    of = mcunet_tradeoffs.costs(shipped_table)
    figure = mcunet_tradeoffs.REPORT.make(shipped_table).figures["mcunet_tradeoffs"]
    test = accuracy(shipped_table, "cifar10")
    whats = (mcunet_tradeoffs.LATENCY, mcunet_tradeoffs.RAM)
    for axes, what in zip(figure.axes, whats, strict=True):
        lines = {line.get_label(): line for line in axes.lines}
        for name, known in of.items():
            if what not in known:
                continue
            x, y = lines[name].get_data()
            assert lines[name].get_markevery() is None
            assert axes.get_xlim()[1] >= x[-1]
            assert axes.get_ylim()[0] <= y[0]
            assert y[-1] == pytest.approx(test[connected()].max())
            assert (np.diff(y) > 0).all()
            for place, reached in zip(x, y, strict=True):
                there = connected() & (known[what] <= place)
                assert reached == pytest.approx(test[there].max())
                assert there[known[what] == place].any()


def test_the_best_within_a_limit_of_sram_rises_in_steps(shipped_table):
    rows = pd.DataFrame(
        [
            {"runtime": name, "limit": "56 KiB", f"test {kind(shipped_table)}": 90.0,
             "lo": np.nan, "hi": np.nan}
            for name in mcunet_limits.RUNTIMES
        ]
    )  # fmt: skip
    (axes,) = mcunet_limits._figure(shipped_table, rows).axes
    dashed = [line for line in axes.lines if "best that fits" in str(line.get_label())]
    assert [line.get_drawstyle() for line in dashed] == ["steps-post"] * 2


def test_what_tinyengine_takes_from_tflm_is_named_in_full(shipped_table):
    """Over nine tenths of the cycles of cells are of operators that its networks do not hold."""
    rows = shipped_table.provenance["joined"]["devices"]["extrapolation"]
    taken = {row["operator"] for row in rows["operators"]
             if (row["runtime"], row["mark"]) == ("tinyengine", "not identified")}  # fmt: skip
    assert {name.split()[0] for name in taken} == {"conv", "avg_pool", "add"}
    shares = [row["not identified"] for row in rows["shares"] if row["runtime"] == "tinyengine"]
    assert min(shares) > 0.85
    notes = mcunet_tradeoffs.REPORT.make(shipped_table).notes
    (note,) = (one for one in notes if "TFLM's price" in one)
    page = (Path(__file__).parents[2] / "docs" / "runtimes.md").read_text("utf-8")
    for what in ("dense convolutions", "pooling", "additions"):
        assert what in note
        assert what in page
