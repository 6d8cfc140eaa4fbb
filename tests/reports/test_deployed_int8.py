"""int8 beside float in what is said of parts: only where that network was measured; fronts."""

import numpy as np
import pytest

from benchsuite import plugins
from benchsuite.errors import UserError
from benchsuite.reports import (
    device_energy,
    device_fit,
    device_fronts,
    device_fronts_int8,
    monas_table2,
)
from benchsuite.reports._common.quantised import FLOAT, INT8, NOT_MEASURED, Deployed
from benchsuite.space.cell import connected
from benchsuite.table.columns import DATASETS
from benchsuite.table.device_columns import find


@pytest.fixture(scope="module")
def given(table):
    """The table with few parts."""
    return table.without(
        [n for n, c in table.columns.items() if c.kind == "device" and "stm32f407" in n]
        + [n for n, c in table.columns.items() if c.kind == "proxy"]
    )


@pytest.fixture(scope="module")
def accuracies(table):
    return table.values("cifar10.test.int8_ptq"), table.values("cifar10.test.float")


def test_a_cell_elsewhere_is_not_measured(given, accuracies):
    deployed = Deployed(given)
    int8, float32 = accuracies
    assert deployed.row(6111, "cifar10", "official") == {INT8: int8[6111], FLOAT: float32[6111]}
    nothing = {INT8: NOT_MEASURED, FLOAT: NOT_MEASURED}
    assert deployed.row(6111, "cifar10", "mcu") == nothing
    assert deployed.row(6111, "cifar100", "official") == nothing
    assert deployed.row(-1, "cifar10", "official") == nothing
    poor = given.without([name for name in given.columns if ".int8_" in name])
    assert Deployed(poor).row(6111, "cifar10", "official") == nothing


@pytest.mark.parametrize(
    "report", [device_fronts, device_fit, monas_table2], ids=lambda r: r.__name__
)
def test_both_stand_in_every_row_of_a_deployed_cell(report, given, accuracies):
    name = report.__name__.rpartition(".")[2]
    rows = report.REPORT.make(given).tables[name]
    measured = 0
    for row in rows.to_dict("records"):
        of_first = row.get("dataset", "cifar10") == "cifar10"
        if of_first and row.get("skeleton", "official") == "official" and row["index"] != "-":
            assert (row[INT8], row[FLOAT]) == tuple(of[row["index"]] for of in accuracies)
            measured += 1
        else:
            assert (row[INT8], row[FLOAT]) == (NOT_MEASURED, NOT_MEASURED)
    assert measured > 0


def test_no_cell_beats_one_of_a_front_by_int8(given, accuracies):
    int8, float32 = accuracies
    made = device_fronts_int8.REPORT.make(given)
    rows = made.tables["device_fronts_int8"]
    choices = made.tables["device_fronts_int8_choice"].set_index("front")
    parts = {
        f"{of.device} {of.runtime}": of
        for of in find(given.columns, "latency", dataset="cifar10", skeleton="official")
    }
    assert set(rows["front"]) <= {*parts, "RAM"}
    for label in ("stm32l432 own", "riscv320 own"):
        front = rows[rows["front"] == label]
        cost = given.values(parts[label].name) * 1e3
        fits = np.isfinite(cost)
        name = parts[label].name.replace("latency", "fits", 1)
        if name in given.columns:
            fits &= given.values(name) == 1
        expected = set()
        for cell in np.flatnonzero(fits):
            beaten = fits & (cost <= cost[cell]) & (int8 >= int8[cell])
            better = (cost < cost[cell]) | (int8 > int8[cell])
            if not (beaten & better).any():
                expected.add((cost[cell], int8[cell]))
        assert set(zip(front["cost"], front[INT8], strict=True)) == expected
        lost = []
        for cell in np.flatnonzero(fits):
            no_worse = fits & (cost <= cost[cell]) & (float32 >= float32[cell])
            same = (cost == cost[cell]) & (float32 == float32[cell])
            if not (no_worse & ~same).any() and cell == np.flatnonzero(fits & same)[0]:
                lost.append(int8[fits & (cost <= cost[cell])].max() - int8[cell])
        assert choices.loc[label, "cells by float"] == len(lost)
        assert choices.loc[label, "lost, mean"] == pytest.approx(np.mean(lost))
        assert choices.loc[label, "lost, most"] == pytest.approx(np.max(lost))
        assert choices.loc[label, "lost, median"] == pytest.approx(np.median(lost))
        rest = np.delete(lost, np.argmax(lost))
        assert choices.loc[label, "lost, mean of the others"] == pytest.approx(np.mean(rest))
        cell = int(choices.loc[label, "index that loses most"])
        ceiling = int8[fits & (cost <= cost[cell])].max()
        assert ceiling - int8[cell] == pytest.approx(np.max(lost))


def test_a_loss_that_is_one_training_is_said_to_be_so(given, accuracies):
    int8, float32 = accuracies
    made = device_fronts_int8.REPORT.make(given)
    choices = made.tables["device_fronts_int8_choice"].dropna(subset="lost, most")
    (cell,) = choices["index that loses most"].astype(int).unique()
    several = choices[choices["cells by float"] > 1]["lost, mean of the others"]
    alike = np.flatnonzero(given.values("class.functional") == given["class.functional"][cell])
    others = alike[alike != cell]
    said = " ".join(note for note in made.notes if f"cell {cell}" in note)
    assert f"{float32[cell]:.2f} % in float, {int8[cell]:.2f} % in int8" in said
    assert f"{len(others)} other cells of its function" in said
    assert f"median in int8 {np.median(int8[others]):.2f} %" in said
    kept = ((float32 - int8)[others] < 1).sum()
    assert f"{kept} lose less than a point" in said
    assert f"{several.min():.2f} to {several.max():.2f}" in said
    assert "one training" in said


def test_energies_have_the_error_of_their_set_up(table):
    made = device_energy.REPORT.make(table)
    setups = {
        round(one["watts"], 9): one["energy_error"]
        for one in table.provenance["joined"]["devices"]["power"]
    }
    for name in ("device_energy", "device_energy_parts"):
        rows = made.tables[name]
        for row in rows[rows["dataset"] == "cifar10"].to_dict("records"):
            watts = plugins.load("devices", row["device"]).power.watts
            assert row["energy_error"] == setups[round(watts, 9)]


def test_fronts_without_int8_are_a_sentence(given):
    poor = given.without([name for name in given.columns if ".int8_" in name])
    with pytest.raises(UserError, match="no accuracy in int8"):
        device_fronts_int8.REPORT.make(poor)


def test_cells_below_the_edge_of_the_figure_are_named(given, accuracies):
    int8, _ = accuracies
    made = device_fronts_int8.REPORT.make(given)
    (figure,) = made.figures.values()
    below = set()
    for axes in figure.axes:
        edge = axes.get_ylim()[0]
        (picked,) = (line for line in axes.lines if line.get_label() == "picked by float")
        below |= {round(float(value), 4) for value in picked.get_ydata() if value < edge}
    (note,) = (one for one in made.notes if one.startswith("The figure starts at"))
    named = [int(cell) for cell in note.rpartition("below it: ")[2].rstrip(".").split(", ")]
    assert {round(float(int8[cell]), 4) for cell in named} == below
    assert f"{edge:.1f} %" in note


def test_what_tflm_needs_beside_its_tensors_is_told_as_it_is(given):
    (note,) = (one for one in device_fronts.REPORT.make(given).notes if "the tensors" in one)
    beside = []
    for dataset in DATASETS:
        arena, tensors = (given.values(f"ram.{of}.{dataset}.official") for of in ("tflm", "best"))
        beside.append((arena - tensors)[connected()] / 1024)
    assert f"{np.min(beside):.0f} to {np.max(beside):.0f} KiB more" in note
