"""What int8 costs: the known figures of AnalogNAS-Bench, and every table against a second way."""

import numpy as np
import pytest
import scipy.stats

from benchsuite.errors import UserError
from benchsuite.reports import int8_cost
from benchsuite.reports._common.quantised import training
from benchsuite.space.cell import Cell, connected


@pytest.fixture(scope="module")
def result(table):
    return int8_cost.REPORT.make(table)


@pytest.fixture(scope="module")
def given(table):
    names = ("float", "int8_ptq", "int8_qat")
    return [table.values(f"cifar10.test.{name}@analog-nasbench-0.1.3") for name in names]


def test_the_known_figures(result):
    """Of the package's own columns, found before this report was written."""
    row = result.tables["int8_cost"].iloc[0]
    assert row[["by", "group", "cells"]].tolist() == ["all", "all", 15625]
    assert row["PTQ median"] == pytest.approx(-0.38, abs=0.005)
    assert row["PTQ 5 %"] == pytest.approx(-4.4, abs=0.05)
    assert row["PTQ 1 %"] == pytest.approx(-11.9, abs=0.05)
    assert row["QAT median"] == pytest.approx(-0.59, abs=0.005)
    assert row["QAT 1 %"] == pytest.approx(-14.5, abs=0.05)
    assert row[["PTQ collapse", "saved by QAT"]].tolist() == [660, 135]
    tau = result.tables["int8_ranking"].set_index(["cells", "against", "ranked by"])["tau"]
    assert tau["all", "float", "int8 PTQ"] == pytest.approx(0.948, abs=5e-4)
    assert tau["all", "float", "int8 QAT"] == pytest.approx(0.869, abs=5e-4)
    assert tau["best 1,000 by float", "float", "int8 PTQ"] == pytest.approx(0.75, abs=5e-3)
    said = " ".join(result.notes)
    assert "660 cells lose more than 5 points" in said
    assert "Of the 660 cells that collapse under PTQ, QAT brings 135 to within 1 point" in said


@pytest.mark.nb201
def test_the_order_of_the_best_by_measured_test_accuracy(raw, result):
    rows = result.tables["int8_ranking"]
    of = rows[(rows["cells"] == "best 1,000 by test accuracy") & (rows["ranked by"] == "int8 PTQ")]
    assert of.set_index("against")["tau"]["float"] == pytest.approx(0.82, abs=5e-3)


def test_groups_are_counted_cell_by_cell(result, given):
    float32, ptq, qat = given
    rows = result.tables["int8_cost"].set_index(["by", "group"])
    archs = [Cell.from_index(i).arch for i in range(15625)]
    for op, number in (("nor_conv_3x3", 0), ("avg_pool_3x3", 4), ("none", 6)):
        cells = np.array([arch.count(f"|{op}~") == number for arch in archs])
        row = rows.loc[(op, str(number))]
        assert row["cells"] == cells.sum()
        assert row["PTQ collapse"] == (ptq[cells] < float32[cells] - 5).sum()
        assert row["QAT median"] == pytest.approx(np.median((qat - float32)[cells]))
    for by, whole in (("skip_connect", 15625), ("depth", 15284), ("float accuracy", 15284)):
        assert rows.loc[by, "cells"].sum() == whole
        assert rows.loc[by, "PTQ collapse"].sum() == 660


def test_rankings_are_scipys(table, result, given):
    for row in result.tables["int8_ranking"].to_dict("records"):
        of = dict(zip(("float", "int8 PTQ", "int8 QAT"), given, strict=True))
        test = table.values("cifar10.test.200ep.mean")
        against = of["float"] if row["against"] == "float" else test
        cells = np.ones(15625, dtype=bool)
        if row["cells"] != "all":
            by = of["float"] if row["cells"].endswith("by float") else test
            cells = by >= np.sort(by)[-1000]
        tau = scipy.stats.kendalltau(of[row["ranked by"]][cells], against[cells])[0]
        assert row["tau"] == pytest.approx(tau)
        assert row["n"] == cells.sum()
        assert row["lo"] < row["tau"] < row["hi"]


def test_rankings_resample_functions(result):
    """Cells of one function are trained to nearly the same accuracies: they are drawn together."""
    rows = result.tables["int8_ranking"].set_index(["cells", "against", "ranked by"])
    whole = rows.loc["all", "float", "int8 PTQ"]
    assert whole["hi"] - whole["lo"] > 0.015  # by cells .002
    assert any("resamples of functional classes" in note for note in result.notes)


def test_collapsed_cells_are_compared_with_the_others(result, given):
    float32, ptq, qat = given
    lost = ptq < float32 - 5
    rows = result.tables["int8_collapse"].set_index(["comparison", "mean of"])
    row = rows.loc[("collapsed against others", "float accuracy")]
    assert row["mean"] == pytest.approx(float32[lost].mean())
    assert row["other mean"] == pytest.approx(float32[connected() & ~lost].mean())
    assert row["lo"] < row["difference"] == pytest.approx(row["mean"] - row["other mean"])
    cells = result.tables["int8_collapsed_cells"]
    assert set(cells["index"]) == set(np.flatnonzero(lost))
    saved = cells["saved by QAT"] == "yes"
    assert saved.tolist() == (qat >= float32 - 1)[cells["index"]].tolist()


def test_how_often_a_collapse_repeats_in_its_class(table, result, given):
    lost = given[1] < given[0] - 5
    classes = table.values("class.functional")
    shares = []
    for cell in np.flatnonzero(lost):
        others = np.flatnonzero(classes == classes[cell])
        others = others[others != cell]
        if len(others):
            shares.append(lost[others].mean())
    assert f"{np.mean(shares):.0%} collapse" in " ".join(result.notes)


def test_a_table_without_int8_is_a_sentence(table):
    poor = table.without([name for name in table.columns if ".int8_" in name])
    with pytest.raises(
        UserError, match=r"no accuracy in int8.*int8_ptq, int8_qat.*analog-nasbench"
    ):
        training(poor)
