"""Robustness: which attacks rank, taus against SciPy's, fronts against all pairs of cells."""

import numpy as np
import pytest
import scipy.stats
from attacked_tables import attacked

from benchsuite.errors import UserError
from benchsuite.ranking.truths import column_of
from benchsuite.reports import robustness
from benchsuite.reports._common.attacked import about_left_out, attacks
from benchsuite.space.cell import connected
from benchsuite.space.equivalence import classes


@pytest.fixture(scope="module")
def given(table):
    kept = {"latency", "ram", "fits"}
    device = [n for n, c in table.columns.items() if n.split(".")[0] in kept or c.kind == "proxy"]
    latency = "latency.stm32f746.own.cifar10.official"
    return attacked(table.without([n for n in device if n != latency]))


@pytest.fixture(scope="module")
def result(given):
    return robustness.REPORT.make(given)


def test_attacks_with_many_zeros_are_left_out(given, result):
    found = attacks(given)
    assert [attack.label for attack in found if attack.kind == "pgd"][-1] == "PGD 8"
    for attack in found:
        zeros = sum(value == 0 for value in attack.accuracy.tolist()) / 15625
        assert attack.ranks == (zeros <= 0.05)
    assert "robust.pgd.8" not in set(result.tables["robustness"]["truth"])
    assert "PGD 8 (80%)" in about_left_out(found)


@pytest.mark.nb201
def test_the_known_figures(raw, result, given):
    """tau of PGD at 1 with clean accuracy, found before; which attacks the rule leaves out."""
    rows = result.tables["robustness"].set_index(["cells", "truth", "with"])["tau"]
    assert rows["all", "robust.pgd.1", "clean accuracy"] == pytest.approx(0.087, abs=1e-3)
    out = {attack.label for attack in attacks(given) if not attack.ranks}
    assert out == {"APGD 3", "APGD 4", "APGD 8", "PGD 4", "PGD 8"}


def test_taus_are_scipys(given, result):
    columns = {
        "clean accuracy": column_of(given),
        "flops": "cifar10.flops",
        "params": "cifar10.params",
        "latency stm32f746 own": "latency.stm32f746.own.cifar10.official",
    }
    rows = result.tables["robustness"]
    assert set(rows["with"]) == set(columns)
    of = rows[rows["truth"].isin(["robust.pgd.1", "robust.fgsm.1"])]
    assert len(of) == 10
    for row in of.to_dict("records"):
        cells = connected() | (row["cells"] == "all")
        x, y = given.values(columns[row["with"]]), given.values(f"cifar10.{row['truth']}")
        assert row["tau"] == pytest.approx(scipy.stats.kendalltau(x[cells], y[cells])[0])
        assert row["n"] == cells.sum()
        assert row["classes"] == len(np.unique(classes("functional")[cells]))
        assert row["lo"] < row["tau"] < row["hi"]


@pytest.mark.nb201
def test_cells_alike_in_structure_hold_copies_that_are_resampled_together(raw, given, result):
    """An accuracy under attack is one training of a structure, so cells are no sample of it."""
    columns = [f"cifar10.{attack.truth}" for attack in attacks(given)]
    rows = np.column_stack([given.values(name) for name in columns])
    _, first = np.unique(classes("unique_string"), return_index=True)
    assert (rows == rows[first][classes("unique_string")]).all()
    assert len(first) == robustness.STRUCTURES == 6466
    found = result.tables["robustness"].set_index(["cells", "truth", "with"])
    row = found.loc["all", "robust.pgd.1", "clean accuracy"]
    assert row["lo"] < 0 < row["hi"]
    assert "6,466 structures" in result.notes[0]


def test_no_cell_beats_one_of_a_front(given, result):
    fronts = result.tables["robustness_fronts"]
    clean = np.where(connected(), given.values(column_of(given)), -1)
    assert set(fronts["attack"]) == {"FGSM 1", "PGD 1"}
    for label, rows in fronts.groupby("attack"):
        robust = given.values("cifar10.robust." + label.lower().replace(" ", "."))
        front = set(zip(rows["clean accuracy"], rows["under attack"], strict=True))
        points = set(zip(clean, robust, strict=True))
        for point in front:
            beaten = (clean >= point[0]) & (robust >= point[1])
            assert set(zip(clean[beaten], robust[beaten], strict=True)) == {point}
        assert front <= points
        best = robust[clean == clean.max()].max()
        assert (clean.max(), best) in front


def test_no_attacks_are_a_sentence(table):
    poor = table.without([name for name in table.columns if ".robust." in name])
    with pytest.raises(UserError, match=r"no accuracy under attack.*robustness_targets"):
        robustness.REPORT.make(poor)
