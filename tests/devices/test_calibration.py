"""Calibrations: what made the rows comes back, left out is left out, bad rows say their line."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import optimize
from scipy.stats import t as student

from benchsuite import plugins
from benchsuite.api import Calibration
from benchsuite.cli.commands import devices as command
from benchsuite.deployment.calibration import KINDS
from benchsuite.devices._latency.calibrated import kind_of
from benchsuite.devices._latency.latency import latency, layer_costs
from benchsuite.devices._models import board_file
from benchsuite.devices._models.calibration import calibrate
from benchsuite.devices._models.fitting import NOISE, SURE, fit, least
from benchsuite.devices._models.intervals import nine_of_ten
from benchsuite.errors import UserError
from benchsuite.space.cell import Cell
from benchsuite.space.deploy import deploy
from benchsuite.space.network import SKELETONS

DEVICE = plugins.load("devices", "stm32f746")
RUNTIME = "tflm_cmsis_nn"
MCU = SKELETONS["mcu"]["cifar10"]
CELLS = (1835, 186, 4317, 3043, 1462, 6960, 7581, 4189, 14901, 7190, 6552, 6111, 9930, 258, 1000)
TRUE = {"conv": 1.3, "conv1x1": 0.9, "pool": 1.6, "elementwise": 1.1, "linear": 1.2}


def priced(cell):
    """Seconds of a cell by kind: an independent sum over its layers."""
    seconds = dict.fromkeys(KINDS, 0.0)
    for cost in layer_costs(deploy(Cell.from_index(cell), MCU), DEVICE, RUNTIME):
        seconds[kind_of(cost.shape)] += cost.cycles / DEVICE.clock
    return seconds


PRICED = {cell: priced(cell) for cell in CELLS}


def ms(cell, true=TRUE):
    return 1e3 * sum(true.get(kind, 0) * s for kind, s in PRICED[cell].items())


def write(folder, rows, head="cell,ms", name="my.csv"):
    path = folder / name
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return path


def found(folder, rows, head="cell,ms", **more):
    path = write(folder, rows, head)
    return calibrate(path, "stm32f746", DEVICE, RUNTIME, **{"skeleton": "mcu", **more})


def random_work(rng, n, kinds=6):
    return rng.uniform(0.02, 1, (n, 6)) * (np.arange(6) < kinds)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**9), n=st.integers(2, 25), factor=st.floats(0.2, 5))
@example(seed=7668, n=6, factor=1.0)
def test_a_known_factor_is_recovered_within_its_error(seed, n, factor):
    """An error of few rows is itself uncertain: six of it are little with four degrees left."""
    rng = np.random.default_rng(seed)
    work, noise = random_work(rng, n), 0.03
    measured = factor * work.sum(axis=1) * rng.normal(1, noise, n)
    one = fit(work, measured, "factor")
    (only,) = one.coefficients
    assert only.value == one.factor
    assert abs(one.factor / factor - 1) < 5 * noise / np.sqrt(n) + noise**2
    each = fit(work, measured, "coefficients").coefficients
    errors = student.ppf(1 - 1e-6, max(1, n - len(each)))
    for several in each:
        assert len(several.kinds) == 6 or several.error <= SURE * one.factor
        reach = max(errors * several.error, 6 * noise / np.sqrt(n) * factor)
        assert abs(several.value - factor) < reach


@settings(max_examples=25)
@given(seed=st.integers(0, 10**9), n=st.integers(14, 30), kinds=st.integers(2, 6))
@example(seed=199502, n=14, kinds=6)
def test_known_coefficients_are_recovered_within_their_errors(seed, n, kinds):
    """Those of kinds that stand alone; what was joined predicts no worse than the noise allows.

    With one network less there may be too few of them for so many coefficients: then some join.
    """
    rng = np.random.default_rng(seed)
    true, work, noise = rng.uniform(0.5, 2, 6), random_work(rng, n, kinds), 0.01
    measured = work @ true * rng.normal(1, noise, n)
    one = fit(work, measured, "coefficients")
    if all(len(each.kinds) == 1 for each in one.coefficients):
        assert len(one.coefficients) == kinds
        for each in one.coefficients:
            off = abs(each.value - true[KINDS.index(each.kinds[0])])
            assert off < student.ppf(1 - 1e-7, n - kinds) * each.error
        if n > least(kinds):
            assert one.errors(measured).mean() < 4 * noise
    exact = fit(work, work @ true, "coefficients")
    for each in exact.coefficients:
        if len(exact.coefficients) == kinds:
            assert each.value == pytest.approx(true[KINDS.index(each.kinds[0])], rel=1e-6)


@settings(max_examples=12)
@given(seed=st.integers(0, 10**9), n=st.integers(2, 16), way=st.sampled_from(["factor", "coeff"]))
def test_left_out_is_a_brute_force(seed, n, way):
    """Every network predicted by a fit, of another solver, to the others."""
    way = "factor" if way == "factor" else "coefficients"
    rng = np.random.default_rng(seed)
    work = random_work(rng, n, 4)
    measured = work @ rng.uniform(0.5, 2, 6) * rng.normal(1, 0.02, n)
    one = fit(work, measured, way)
    for at in range(n):
        rest = np.arange(n) != at
        groups = [g.kinds for g in fit(work[rest], measured[rest], way).coefficients]
        columns = np.stack([work[:, [KINDS.index(k) for k in g]].sum(axis=1) for g in groups], 1)
        relative = columns[rest] / measured[rest, None]
        solved = optimize.lsq_linear(relative, np.ones(n - 1), tol=1e-14)
        assert one.left_out[at] == pytest.approx(columns[at] @ solved.x, rel=1e-6)
    auto = fit(work, measured)
    assert auto.errors(measured).mean() == min(
        fit(work, measured, each).errors(measured).mean() for each in ("factor", "coefficients")
    )


def test_kinds_that_always_come_together_share_a_coefficient():
    rng = np.random.default_rng(0)
    work = random_work(rng, 30, 3)
    work[:, 1] = 0.5 * work[:, 0]
    measured = work @ np.array([1.0, 2, 3, 0, 0, 0])
    one = fit(work, measured, "coefficients")
    assert [each.kinds for each in one.coefficients] == [("conv", "conv1x1"), ("depthwise",)]
    assert one.kinds["conv"] == one.kinds["conv1x1"] == pytest.approx(4 / 3)
    assert one.kinds["depthwise"] == pytest.approx(3)


def test_few_networks_have_fewer_coefficients_and_a_speck_has_none():
    rng = np.random.default_rng(1)
    for n in range(1, 20):
        work = random_work(rng, n, 5)
        work[:, 4] = NOISE / 10
        one = fit(work, work @ rng.uniform(0.5, 2, 6), "coefficients")
        assert len(one.coefficients) == 1 or n >= least(len(one.coefficients))
        assert "elementwise" not in one.kinds
        assert np.isnan(one.left_out).all() == (n == 1)


def test_rows_of_cells_come_back(tmp_path):
    rng = np.random.default_rng(2)
    rows = [f"{cell},{ms(cell) * rng.normal(1, 0.005)}" for cell in CELLS]
    made = found(tmp_path, rows)
    assert made.fit.how == "coefficients"
    for one in made.fit.coefficients:
        (kind,) = one.kinds
        assert abs(one.value - TRUE[kind]) < 4 * one.error
    assert set(made.fit.kinds) == {"conv", "conv1x1", "pool", "elementwise"}
    assert made.calibration.error < 0.02 < made.errors["factor"]
    left = [abs(one.error) for one in made.networks]
    assert made.calibration.within == pytest.approx(nine_of_ten(left), rel=1e-3)
    for one in made.networks:
        assert one.priced == pytest.approx(1e3 * sum(PRICED[int(one.model)].values()))


def test_the_order_of_rows_and_how_a_cell_is_named_change_nothing(tmp_path):
    rows = [f"{cell},{ms(cell)},mcu" for cell in CELLS] + ["258,40,mcu", "258,50,mcu"]
    head = "model,milliseconds,skeleton"
    one = found(tmp_path, rows, head, skeleton="official")
    text = board_file.text(tmp_path / "devices" / "x.py", DEVICE, one)
    for seed in range(5):
        again = found(tmp_path, list(np.random.default_rng(seed).permutation(rows)), head)
        assert repr(again) == repr(one)
        assert board_file.text(tmp_path / "devices" / "x.py", DEVICE, again) == text
    named = [f"{Cell.from_index(cell).arch},{ms(cell)},mcu" for cell in CELLS]
    named += ["258,40,mcu", "258,50,mcu"]
    assert found(tmp_path, named, head).calibration == one.calibration
    (mean,) = [row for row in one.networks if "258" in row.model.split()]
    assert (mean.rows, mean.measured) == (3, pytest.approx((ms(258) + 90) / 3))


def test_what_the_rows_do_not_say_is_said(tmp_path):
    one = found(tmp_path, ["6111,500"])
    said = " ".join(one.notes)
    assert "1 network: one factor for all. Two coefficients need 6" in said
    assert "depthwise is in no network" in said
    assert "linear are less than 0.5% of every network" in said
    assert "nothing to leave out" in said
    assert one.calibration.within is None
    five = found(tmp_path, [f"{cell},{ms(cell)}" for cell in CELLS[:5]])
    assert "5 networks: one factor for all" in " ".join(five.notes)
    seconds = found(tmp_path, [f"{cell},{ms(cell) / 1e3}" for cell in CELLS])
    assert "Are these milliseconds" in seconds.notes[-1]
    softmax = found(tmp_path, ["resnet8,150", "6111,500"])
    assert "Not priced: softmax" in softmax.notes[-1]
    alone = found(tmp_path, [f"{cell},{ms(cell)}" for cell in CELLS], how="factor")
    assert "was asked for" in " ".join(alone.notes)


def test_calibrated_twice_is_calibrated_once(tmp_path):
    from dataclasses import replace

    of = Calibration(3.0, {"conv": 2.0}, 1, None, None, "x")
    mine = replace(DEVICE, calibrations={RUNTIME: of})
    path = write(tmp_path, [f"{cell},{ms(cell)}" for cell in CELLS])
    both = [calibrate(path, "a", device, RUNTIME, skeleton="mcu") for device in (DEVICE, mine)]
    assert repr(both[0]) == repr(both[1])
    whole = latency(Cell.from_index(6111), MCU, mine, RUNTIME)
    by_hand = sum((2 if k == "conv" else 3) * s for k, s in PRICED[6111].items())
    assert whole == pytest.approx(by_hand)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "holds no rows"),
        (["6111"], "line 2: ms is a number above 0, not ''"),
        *(([f"6111,{bad}"], "line 2: ms is a number") for bad in ("x", "0", "-1", "nan", "inf")),
        *(([f"6111,{bad}"], "line 2: ms is a number") for bad in ("1_0", "1e999", "１２")),
        (["6111,1,5"], "line 2: it has more fields than the header names"),
        (["# a comment", "", "6111,1", "15625,1"], "line 5: .*15625"),
        (["none.tflite,1"], "line 2: none.tflite cannot be read"),
        (["resnet9,1"], "line 2: "),
        (["|nor_conv_3x3~0|,1"], "line 2: .*architecture"),
        (["1,1"], "line 2: .*no operator that costs"),
        (['"6111,1'], "line 2: unexpected end of data"),
    ],
)
def test_bad_rows_say_their_line(rows, said, tmp_path):
    if rows == ["1,1"]:
        dead = next(i for i in range(15_625) if not any(Cell.from_index(i).ops))
        rows = [f"{dead},1"]
    with pytest.raises(UserError, match=said):
        found(tmp_path, rows)


@pytest.mark.parametrize(
    ("head", "row", "said"),
    [
        ("cell", "6111", "lacks the column 'ms'"),
        ("ms", "6111", "lacks the column 'model'"),
        ("cell,model,ms", "6111,6111,3", "more than one column 'model'"),
        ("cell,ms,device", "6111,3,stm32h743", "line 2: It is of the device 'stm32h743'"),
        ("cell,ms,runtime", "6111,3,own", "line 2: It is of the runtime 'own'"),
        ("cell,ms,skeleton", "6111,3,large", "line 2: There is no skeleton 'large'"),
        ("cell,ms,dataset", "6111,3,cifar-10", "line 2: There is no dataset 'cifar-10'.*cifar10"),
    ],
)
def test_bad_columns(head, row, said, tmp_path):
    with pytest.raises(UserError, match=said):
        found(tmp_path, [row], head)


def test_figures_of_several_versions_are_not_averaged(tmp_path):
    head, rows = "cell,ms,version", ["6111,500,10.2.0", "6111,620,7.3.0", "138,90,"]
    with pytest.raises(UserError, match=r"figures of 10\.2\.0, 7\.3\.0 and no version: a calibr"):
        found(tmp_path, rows, head)
    assert found(tmp_path, ["6111,500,10.2.0", "138,90,10.2.0"], head).networks


def test_bad_files_devices_and_places(tmp_path):
    path = tmp_path / "my.csv"
    for content, said in ((b"\xff", "no text in UTF-8"), (b"a" * 300_000, "more than the 262,144")):
        path.write_bytes(content)
        with pytest.raises(UserError, match=said):
            calibrate(path, "stm32f746", DEVICE, RUNTIME)
    with pytest.raises(UserError, match="no runtime 'owns'"):
        calibrate(path, "stm32f746", DEVICE, "owns")
    path = write(tmp_path, ["mobilenet_v1,200"])
    with pytest.raises(UserError, match="line 2: own has no kernel of depthwise 3x3 here"):
        calibrate(path, "stm32f746", DEVICE, "own")
    (tmp_path / "devices").mkdir()
    (tmp_path / "devices" / "mine.py").write_text("DEVICE = 1\n")
    for out, said in (
        (tmp_path / "mine.py", "in a folder named devices"),
        (tmp_path / "devices" / "_mine.py", "does not begin with _"),
        (tmp_path / "devices" / "my-board.py", "letters, digits and _"),
        (tmp_path / "devices" / "stm32f746.py", "a device stm32f746 already"),
        (tmp_path / "devices" / "mine.py", "not a file that this command wrote"),
    ):
        with pytest.raises(UserError, match=said):
            board_file.check(out)


def test_the_command_writes_a_device_and_prints_both_forms(tmp_path):
    path = write(tmp_path, [f"{cell},{ms(cell):.2f}" for cell in CELLS])
    out = tmp_path / "devices" / "mine.py"
    line = ["calibrate", str(path), "--device", "stm32f746", "--runtime", RUNTIME]
    line += ["--skeleton", "mcu", "--out", str(out)]
    shown = CliRunner().invoke(command.command, line)
    assert shown.exit_code == 0, shown.output
    assert "<- chosen" in shown.output
    assert "are these the networks that were measured" not in shown.output
    elsewhere = [word if word != "mcu" else "official" for word in line[:-2]]
    assert "are these the networks that were measured" in " ".join(
        CliRunner().invoke(command.command, elsewhere).output.split()
    )
    first = out.read_text(encoding="utf-8")
    printed = json.loads(CliRunner().invoke(command.command, [*line, "--json"]).output)
    assert out.read_text(encoding="utf-8") == first
    device = plugins.load("devices", "mine", [tmp_path])
    assert device.runtimes == (RUNTIME,)
    kept = {**printed["calibration"]}
    assert device.calibrations[RUNTIME] == Calibration(**kept)
    for cell in CELLS:
        seconds = latency(Cell.from_index(cell), MCU, device, RUNTIME)
        assert 1e3 * seconds == pytest.approx(ms(cell), rel=0.01)
    one = write(tmp_path, ["6111,500"])
    alone = CliRunner().invoke(command.command, [*line[:1], str(one), *line[2:6], "--json"])
    assert json.loads(alone.output)["networks"][0]["left_out"] is None
