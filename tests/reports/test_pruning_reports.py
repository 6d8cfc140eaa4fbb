"""Reports of pruning and sparsity: volumes that both sides can reach, and what is measured."""

import dataclasses
import itertools

import numpy as np
import pytest

from benchsuite.deployment.response import without_each
from benchsuite.replays import outcome as outcomes
from benchsuite.replays import study
from benchsuite.reports import munas_pruning, munas_sparse
from benchsuite.reports._common.pruned import reached, volumes
from benchsuite.reports._common.tables import kind
from benchsuite.space.cell import connected


@pytest.fixture(scope="module")
def pruning(table, tmp_path_factory):
    """The study with searches cut short, three seeds and few widths."""
    chosen = study.load(study.find(munas_pruning.STUDY))
    few_widths = {"munas": {}, "munas_pruned": {"least": 0.6, "most": 0.75}}
    short = tuple(
        dataclasses.replace(entry, seeds=3, parameters={"rounds": 60} | few_widths[entry.strategy])
        for entry in chosen.searches
    )
    folder = tmp_path_factory.mktemp("pruning")
    return outcomes.run(dataclasses.replace(chosen, searches=short), table, folder)


@pytest.fixture(scope="module")
def rows(table, pruning):
    """The volumes of fronts, by search."""
    return munas_pruning._volumes(table, pruning).set_index("search")


def test_rows_of_pruning_are_those_of_a_walk_over_its_runs(table, pruning):
    outcome = pruning
    rows = munas_pruning._rows(table, outcome)
    of = {row["search"]: row for row in rows.to_dict("records")}
    assert list(of) == [entry.label for entry in outcome.study.searches]
    for entry in outcome.study.searches:
        mine, row = outcome.runs[outcome.runs["search"] == entry.label], of[entry.label]
        prefix = "compressed." if "pruning" in entry.label else ""
        kept = [run for run in mine.to_dict("records") if run["feasible"]]
        for run in kept:
            for name, limit in entry.setting.bounds.items():
                assert run[prefix + name] <= limit
        assert row["feasible"] == len(kept)
        for name, column, unit in (
            ("size [KiB]", "flash.weights.cifar10.mcu", 1024),
            ("test accuracy", "test.cifar10", 1),
        ):
            values = [run[prefix + column] / unit for run in kept]
            naive = sum(values) / len(values) if kept else np.nan
            assert row[name] == pytest.approx(naive, nan_ok=True)
    gained = munas_pruning.gained(outcome, "140 kB")[0]
    with_, without = (of[f"evolution{how}, 140 kB"] for how in (" with pruning", ""))
    assert gained == pytest.approx(with_["test accuracy"] - without["test accuracy"])


def test_networks_too_small_for_whole_cells_win_nothing_of_shared_sizes():
    """Small ones dominate sizes that the other side cannot have; above those they are beaten."""
    small, whole = np.array([[10.0, 50.0], [70.0, 20.0]]), np.array([[80.0, 10.0], [90.0, 5.0]])
    over_all = volumes([small], [whole])
    assert over_all[0] > over_all[1]
    sizes = np.array([80.0, 85.0, 90.0])
    assert reached([small, whole], sizes).tolist() == [80, pytest.approx((90 + 90 + 95) / 3)]
    assert np.isnan(reached([whole[1:]], sizes)).all()


def test_accuracies_at_shared_sizes_are_those_of_a_walk_over_fronts(table, pruning, rows):
    for name in ("140 kB", "90 kB"):
        of = munas_pruning._fronts(table, pruning, name)[0]
        limits = munas_pruning._entry(pruning, f"evolution, {name}").setting.bounds
        keeps = connected()
        for column in ("ram.best.cifar10.mcu", "flash.weights.cifar10.mcu"):
            keeps = keeps & (table.values(column) <= limits[column])
        sizes = sorted(set(table.values("flash.weights.cifar10.mcu")[keeps] / 1024))
        for label, fronts in zip(("evolution with pruning", "evolution"), of, strict=True):
            row = rows.loc[f"{label}, {name}"]
            assert row["from [KiB]"] == sizes[0]
            assert row["to [KiB]"] <= sizes[-1]  # MACs are bounded too
            sizes = [size for size in sizes if size <= row["to [KiB]"]]
            assert row["shared sizes"] == len(sizes)
            best = [
                [100 - min(error for at, error in front if at <= size) for size in sizes]
                for front in fronts
            ]
            assert row["accuracy at shared sizes"] == pytest.approx(np.mean(best))


def test_what_judges_pruning_is_of_shared_sizes_alone(table, pruning, rows, monkeypatch):
    """The margin of all sizes, true by construction, decides nothing."""
    judged = []
    monkeypatch.setattr(
        munas_pruning, "above", lambda *parts, **_: judged.extend(float(p.value) for p in parts)
    )
    claim, _ = munas_pruning.claims(table, {munas_pruning.STUDY: pruning})
    shared = rows["accuracy at shared sizes"]
    gaps = [
        shared[f"evolution with pruning, {name}"] - shared[f"evolution, {name}"]
        for name in ("140 kB", "90 kB")
    ]
    assert judged == pytest.approx(gaps)
    assert "at 140 kB (8 sizes, 74 to 128 KiB)" in claim.ours


def test_dense_cells_beside_sparse_ones_have_the_accuracy_of_the_table(table):
    rows = munas_sparse.REPORT.make(table).tables["munas_sparse"]
    known = rows[rows["index, dense"] != "-"]
    assert len(known) >= 3
    test = table.values("cifar10.test.200ep.mean")
    cells = known["index, dense"].astype(int)
    assert known[f"dense: {kind(table)}"].tolist() == test[cells].tolist()
    assert (rows[munas_sparse.SPARSE].notna()).all()
    assert len(without_each()) == 6


def test_sizes_of_the_smallest_networks_can_be_read(table, pruning, monkeypatch):
    """Networks pruned to a tenth take less than 2 KiB, where the axis had no number below 10."""
    small = [np.array([[1.5, 40.0], [8.0, 30.0]])]
    monkeypatch.setattr(munas_pruning, "fronts", lambda *_: small)
    (axes,) = munas_pruning._figure(table, pruning).axes
    low, _ = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if tick >= low]
    assert min(ticks) <= 1.5
    assert all(next_ <= 4 * tick for tick, next_ in itertools.pairwise(ticks))
