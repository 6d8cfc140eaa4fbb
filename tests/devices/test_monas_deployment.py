"""Which deployments MONAS' milliseconds allow: against a plain recomputation and hard bounds."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchsuite import plugins
from benchsuite.devices._latency import monas
from benchsuite.devices._latency.latency import latency
from benchsuite.devices._validation.monas_deployment import (
    GRID,
    SCOPES,
    cell_of,
    nearest,
    predict,
    work,
)
from benchsuite.errors import UserError
from benchsuite.reporting.artefacts import write
from benchsuite.space.cell import CONV1, CONV3, POOL, SKIP, all_ops
from benchsuite.space.cost import all_deployed_macs
from benchsuite.space.deploy import deploy
from benchsuite.space.network import OFFICIAL, Skeleton
from benchsuite.table.table import Table

PART = plugins.load("devices", "stm32f746")


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(GRID), st.sampled_from(monas.printed()))
def test_a_whole_network_is_predicted_as_everywhere(
    key: tuple[int, int, int], row: monas.Printed
) -> None:
    cells, channels, resolution = key
    cell = cell_of(row.counts)
    device = plugins.load("devices", row.part)
    expected = latency(cell, Skeleton(channels, cells, resolution), device, "own") * 1e3
    assert predict(row.part, "own", "network", key, cell) == pytest.approx(expected)


def test_a_row_recomputed_naively() -> None:
    """All deployments of one row set, by deploying each network anew; cells by a difference."""
    rows = [row for row in monas.printed() if row.part == "stm32l432" and row.known]
    device, best = plugins.load("devices", "stm32l432"), (np.inf, (0, 0, 0))
    compatible = 0
    for cells, channels, resolution in GRID:
        factors = []
        for row in rows:
            cell = cell_of(row.counts)
            seconds = [
                latency(cell, Skeleton(channels, n, resolution), device, "tflm_cmsis_nn")
                for n in (cells, cells + 1)
            ]
            per_cell = seconds[1] - seconds[0]
            factors.append(cells * per_cell * 1e3 / (10 * row.milliseconds))
        compatible += all(0.9 <= f <= 1.1 for f in factors)
        best = min(best, (max(max(f, 1 / f) for f in factors), (cells, channels, resolution)))
    found = nearest("stm32l432", "tflm_cmsis_nn", "cells", 10)
    assert found.worst == pytest.approx(best[0])
    assert (found.cells_per_stage, found.channels, found.resolution) == best[1]
    assert found.compatible == compatible
    assert found.ratio_min <= 1.1
    assert found.worst == pytest.approx(max(found.ratio_max, 1 / found.ratio_min))


def test_cells_are_a_part_of_the_network_and_hold_what_the_row_says() -> None:
    for row in monas.printed():
        cell = cell_of(row.counts)
        ops = all_ops()[cell.index]
        assert tuple(int((ops == op).sum()) for op in (CONV3, CONV1, POOL, SKIP)) == row.counts
        whole, part = (work(cell, scope, (3, 8, 16)) for scope in SCOPES)
        assert all(0 <= part.get(shape, 0) <= n for shape, n in whole.items())
        assert sum(part.values()) % 3 == 0


def test_rows_are_those_of_the_papers_table() -> None:
    from benchsuite.reports._common.tables import published

    paper = published("monas").dropna(subset="mflops")
    for row in monas.printed():
        of = paper[(paper["device"] == row.part) & (paper["latency_ms"] == row.milliseconds)]
        macs = all_deployed_macs(OFFICIAL["cifar10"])[cell_of(row.counts).index] / 1e6
        assert np.abs(of["mflops"] - macs).min() < 0.01, row


def test_no_cortex_m7_runs_the_official_network_in_the_printed_time() -> None:
    """Not even in ten times the printed time, at two multiply-accumulates per cycle."""
    row = next(row for row in monas.printed() if row.row == "TE-NAS")
    network = deploy(cell_of(row.counts), OFFICIAL["cifar10"])
    macs = sum(
        layer.kernel**2 * layer.in_channels * int(np.prod(layer.shape))
        for layer in network.layers
        if layer.kind in ("conv", "linear")
    )
    assert 10 * row.milliseconds < macs / 2 / PART.clock * 1e3


def test_the_report_says_so(table: Table, tmp_path: object) -> None:
    report = plugins.load("reports", "monas_deployment")
    made = report.make(table)
    assert report.group == "MONAS"
    rows, near = made.tables["monas_deployment_rows"], made.tables["monas_deployment"]
    assert len(rows) == len(monas.printed())
    assert set(near["times"]) == {1, 10}
    bound = rows["official MMACs"] * 1e6 / 2 / 216e6 * 1e3
    large = rows["part"] == "stm32f746"
    np.testing.assert_allclose(rows["official least [ms]"][large], bound[large])
    assert (rows["printed [ms]"] < rows["official least [ms]"]).all()
    said = f"five cells per stage, as printed: {len(rows)} of {len(rows)}"
    assert any(said in note for note in made.notes)
    assert write(made, tmp_path, "a line")


def test_the_shipped_analysis_is_that_of_the_code(table: Table) -> None:
    shipped = table.provenance["joined"]["devices"]["monas_deployment"]
    again = nearest("stm32f746", "tinyengine", "network", 10)
    record = next(
        one
        for one in shipped["nearest"]
        if (one["part"], one["runtime"], one["scope"], one["times"])
        == ("stm32f746", "tinyengine", "network", 10)
    )
    assert record == pytest.approx(json.loads(json.dumps(vars(again))))
    assert shipped["deployments"] == len(GRID)


def test_a_table_without_the_analysis_is_a_sentence() -> None:
    with pytest.raises(UserError, match="no analysis of MONAS' deployments"):
        plugins.load("reports", "monas_deployment").make(Table.empty({}))
