"""What ships as tables: well-formed, refitted alike, and compared with boards honestly."""

import json
import os
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchsuite import plugins
from benchsuite.cli.commands import devices as devices_command
from benchsuite.devices._emulation import toolchain
from benchsuite.devices._emulation.cores import CORES
from benchsuite.devices._emulation.grid import grid
from benchsuite.devices._latency import cycles as _table
from benchsuite.devices._latency import fitted as _fitted
from benchsuite.devices._latency import vela
from benchsuite.devices._latency.cycles import TABLES, dump, load, parse
from benchsuite.devices._latency.measured import figures, models, work
from benchsuite.devices._latency.operators import OPERATORS, Shape
from benchsuite.devices._latency.range import of_file
from benchsuite.devices._latency.runtimes import shape_cycles
from benchsuite.devices._latency.work import dump as dump_work
from benchsuite.devices._validation.boards import check, own_factor, promised
from benchsuite.errors import UserError

ROOT = Path(__file__).parents[2]
COUNTED = sorted(path.stem for path in TABLES.glob("*-*.csv"))


@pytest.fixture(scope="module")
def layers() -> dict[str, list[Shape]]:
    """The shapes of every model that boards ran, of the public file of them."""
    from measured_layers import models_of

    path = Path(os.environ.get("BENCHSUITE_DATA", "-")).parent / "stm32" / "model_layers.csv"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    return models_of(path)


@pytest.mark.parametrize("name", COUNTED)
def test_tables_are_well_formed(name: str) -> None:
    table = load(name)
    runtime, _, core = name.partition("-")
    assert table.conditions["runtime"] == runtime
    assert table.conditions["core"] == core
    assert {"compiler", "kernels", "inputs", "unit"} <= table.conditions.keys()
    assert {shape.operator for shape in table.rows} >= set(OPERATORS)
    for row in table.rows.values():
        if runtime == "vela":
            assert max(row.counts.values()) <= row.cycles <= sum(row.counts.values())
            continue
        classes = sum(n for kind, n in row.counts.items() if kind != "instructions")
        assert classes == row.counts["instructions"]
        assert 0.4 * classes < row.cycles < 4 * classes
    assert dump(table.conditions, list(table.rows.values())) == (
        (TABLES / f"{name}.csv").read_text(encoding="utf-8")
    )


@pytest.mark.parametrize("core", CORES)
def test_own_tables_hold_the_grid_and_these_kernels(core: str) -> None:
    table = load(f"own-{core}")
    assert tuple(table.rows) == grid()
    assert table.conditions["kernels"] == toolchain.kernel_hash()


def test_the_table_of_vela_holds_the_grid() -> None:
    assert tuple(load(f"vela-{vela.CORE}").rows) == grid()


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m7"])
def test_the_interpolation_fits_its_rows(core: str) -> None:
    table = load(f"own-{core}")
    for operator in OPERATORS:
        assert table.fit_error(operator) < 0.06


def test_interpolation_predicts_rows_left_out() -> None:
    table = load("own-cortex-m4")
    for left_out in [s for s in table.rows if s.operator == "conv" and s.in_channels >= 16]:
        rest = {shape: row for shape, row in table.rows.items() if shape != left_out}
        cycles, interpolated = _table.Table("rest", {}, rest).cycles(left_out)
        assert interpolated
        assert cycles == pytest.approx(table.rows[left_out].cycles, rel=0.12)


HEADER = "operator,size,in_channels,out_channels,kernel,stride,padding,cycles"


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [HEADER],
        ["# core: x", "size,cycles", "1,2"],
        [HEADER, "add,4,8,8,1,1,0"],
        [HEADER, "add,4,8,8,1,1,0,many"],
        [HEADER, "add,four,8,8,1,1,0,10"],
    ],
)
def test_malformed_tables(lines: list[str]) -> None:
    with pytest.raises(UserError, match=r"malformed in line|holds no rows"):
        parse("bad", lines)


def test_a_table_without_an_operator_or_without_a_file() -> None:
    table = parse("small", [HEADER, "add,4,8,8,1,1,0,10"])
    with pytest.raises(UserError, match="no row of the operator 'conv'; it holds add"):
        table.cycles(next(shape for shape in grid() if shape.operator == "conv"))
    with pytest.raises(UserError, match="no latency table 'own-z80'; there are own-cortex-a53"):
        load("own-z80")


def test_the_shipped_fit_is_the_fit() -> None:
    def numbers(text: str) -> dict[str, float]:
        lines = text.strip().splitlines()[1:]
        return {line.rpartition(",")[0]: float(line.rpartition(",")[2]) for line in lines}

    shipped = numbers((TABLES / "fitted.csv").read_text(encoding="utf-8"))
    assert numbers(_fitted.refit()) == pytest.approx(shipped, rel=1e-5)
    assert min(shipped.values()) >= 0


def test_a_fit_recovers_the_coefficients_that_made_its_data() -> None:
    rows = [row for row in figures() if _fitted.usable(row)]
    true, _ = _fitted.shipped()
    made = [
        type(row)(
            **{
                **vars(row),
                "latency": true.cycles(row.core, row.version, _fitted.parts_of_work(work(row)))
                / row.clock,
            }
        )
        for row in rows
    ]
    again = _fitted.fit(made)
    assert again.coefficients == pytest.approx(true.coefficients, rel=1e-3)
    assert dict(again.factors) == pytest.approx(dict(true.factors), rel=1e-3)


def test_measured_figures_have_sources_and_positive_values() -> None:
    assert len(figures()) > 150
    for figure in figures():
        assert figure.latency > 0
        assert figure.clock > 0
        assert 0 < figure.effective <= 1
        assert "@" in figure.source
    assert models()["pretrainedResnet_quant"]["layers"] == 14
    total = models()["pretrainedResnet_quant"]
    assert total["macs"] + total["light_macs"] == 12_501_632


def test_agreement_with_boards() -> None:
    rows = {(row.board, row.runtime): row for row in check().rows}
    for board in ("NUCLEO-L4R5ZI", "NUCLEO-H7A3ZI-Q", "STM32H747I-DISCO"):
        row = rows[board, "x_cube_ai"]
        assert row.n >= 15
        assert row.mape <= row.mape_family_out < 0.11
        assert row.tau > 0.9
    assert rows["NUCLEO-L4R5ZI", "microtvm_cmsis_nn"].mape_family_out < 0.03
    assert rows["NUCLEO-L4R5ZI", "tflm_cmsis_nn"].mape_family_out < 0.06
    # What does not agree is in the report all the same.
    assert rows["STM32H743", "tinyengine"].mape_family_out > 0.15
    assert not rows["STM32H743", "tinyengine"].clock_stated


def test_large_depthwise_kernels_have_a_coefficient() -> None:
    """With the price of 3x3 kernels the three networks that hold them are 16 % off."""
    rows = {(row.board, row.runtime): row for row in check().rows}
    assert rows["STM32H743", "x_cube_ai"].mape < 0.02
    assert rows["STM32H743", "x_cube_ai"].mape_family_out == pytest.approx(0.163, abs=0.005)
    used = [row for row in figures() if _fitted.usable(row)]
    holding = [row for row in used if work(row)["large_macs"]]
    assert {row.board for row in holding} == {"STM32H743"}
    assert len(holding) == 3
    for left in holding:
        fitted = _fitted.fit([row for row in used if row is not left])
        cycles = fitted.cycles(left.core, left.version, _fitted.parts_of_work(work(left)))
        assert cycles == pytest.approx(left.cycles, rel=0.05)
    small, large = (Shape("depthwise", 20, 64, 64, k, 1, k // 2) for k in (3, 7))
    for parts, at in ((small, 1), (large, 2)):
        found = _fitted.parts_of_shape(parts)
        assert found[at] == 20 * 20 * 64 * parts.kernel**2
        assert np.count_nonzero(found[:3]) == 1


def test_other_coefficients_do_not_see_the_networks_of_large_kernels() -> None:
    used = [row for row in figures() if _fitted.usable(row)]
    whole, stated = _fitted.fit(used), _fitted.fit([row for row in used if row.clock_stated])
    at = _fitted.COEFFICIENTS.index("large_macs")
    assert stated.coefficients[at] == stated.coefficients[1]
    rest = np.arange(len(_fitted.COEFFICIENTS)) != at
    np.testing.assert_array_equal(whole.coefficients[rest], stated.coefficients[rest])


def test_the_range_of_the_fit_holds_the_cells_convolutions_and_no_local_pooling() -> None:
    seen = of_file(TABLES / "fitted_range.csv")
    assert seen.mark(Shape("conv", 32, 16, 16, 3, 1, 1)) == "interpolated"
    assert seen.mark(Shape("avg_pool", 8, 64, 64, 8, 8)) == "interpolated"
    assert seen.mark(Shape("avg_pool", 32, 16, 16, 3, 1, 1)) == "extrapolated"
    assert seen.mark(Shape("relu", 32, 16, 16)) == "extrapolated"
    assert seen.mark(Shape("conv", 32, 16, 16, 5, 1, 2)) == "extrapolated"


def test_the_promise_on_families_left_out() -> None:
    """9 % on a Cortex-M7 under X-CUBE-AI, 10 % on every other pair of five figures or more."""
    cores = {(row.core, row.runtime): row for row in check().cores}
    assert cores["cortex-m7", "x_cube_ai"].mape_family_out < 0.08
    assert cores["cortex-m7", "x_cube_ai"].n >= 45
    for row in check().rows:
        if row.n >= 5:
            assert row.mape_family_out <= promised(row.core, row.runtime)


def test_no_factor_rests_on_one_figure() -> None:
    for row in check().versions:
        assert row.factor_rows != 1
        assert (row.factor_rows > 0) == (row.runtime == "x_cube_ai" or row.board == "NUCLEO-L4R5ZI")
    by_version = {(r.board, r.runtime, r.version, r.goal): r.n for r in check().versions}
    assert by_version["NUCLEO-H7A3ZI-Q", "x_cube_ai", "9.0.0", "time"] == 3
    assert (
        sum(by_version.values()) == sum(row.n for row in check().rows) == len(check().predictions)
    )


def test_versions_of_one_factor_took_the_same_time_for_the_same_networks() -> None:
    """9.0 and 10.2 of X-CUBE-AI: three networks on two cores."""
    times: dict[tuple[str, str], dict[str, float]] = {}
    for figure in figures():
        if _fitted.usable(figure):
            times.setdefault((figure.model, figure.board), {})[figure.version] = figure.cycles
    both = [of for of in times.values() if {"9.0.0", "10.2.0"} <= set(of)]
    assert len(both) == 6
    for of in both:
        assert of["10.2.0"] == pytest.approx(of["9.0.0"], rel=0.015)


@pytest.mark.nb201
def test_the_work_of_models_is_that_of_their_layers(layers: dict[str, list[Shape]]) -> None:
    """And the price by work is that of the operators one by one, but for rows counted exactly."""
    text = (TABLES / "models.csv").read_text(encoding="utf-8")
    assert dump_work({name: layers[name] for name in models()}) == text
    device = plugins.load("devices", "stm32l4r5")
    for name in ("kws_ref_model", "pretrainedResnet_quant", "vww_96_int8"):
        parts = _fitted.parts_of_work(models()[name])
        whole = _fitted.shipped()[0].cycles("cortex-m4", _fitted.NEWEST, parts)
        price = shape_cycles(device, "x_cube_ai")
        assert sum(price(shape)[0] for shape in layers[name]) == pytest.approx(whole, rel=1e-9)


@pytest.mark.nb201
def test_what_is_compared_with_boards_is_the_price_of_the_layers(
    layers: dict[str, list[Shape]],
) -> None:
    """TinyEngine's additions too. Max pooling, as eight networks of the fit have, has no price."""
    devices = [plugins.load("devices", name) for name in plugins.find("devices")]
    compared = Counter[str]()
    for one in check().predictions:
        figure = one.figure
        pools = [of for of in layers[figure.model] if of.operator == "avg_pool" and of.pixels > 1]
        here = [of for of in devices if of.core == figure.core and figure.runtime in of.runtimes]
        device = here[0] if here else None
        if pools or figure.effective != 1 or device is None or own_factor(figure) != 1:
            continue
        version = figure.version if figure.runtime == "x_cube_ai" else ""
        price = shape_cycles(device, figure.runtime, version)
        cycles = sum(price(shape)[0] for shape in layers[figure.model])
        assert cycles / figure.clock == pytest.approx(one.predicted, rel=1e-6)
        compared[figure.runtime] += 1
    assert compared == {"x_cube_ai": 83, "tflm_cmsis_nn": 2, "tinyengine": 3}


def test_every_pair_that_fails_says_why_and_no_other() -> None:
    for row in check().rows:
        assert bool(row.note) == (row.mape_family_out > promised(row.core, row.runtime))
        assert row.note != "not explained"
    failing = {(row.board, row.runtime): row for row in check().rows if row.note}
    assert len(failing) == 3
    ratios = {
        pair: [
            one.figure.latency / one.predicted
            for one in check().predictions
            if (one.figure.board, one.figure.runtime) == pair
        ]
        for pair in failing
    }
    assert all(row.clock_stated for row in check().rows if not row.note and row.n > 2)
    for runtime in ("x_cube_ai", "tinyengine"):
        assert not failing["STM32H743", runtime].clock_stated
    assert all(0.98 < ratio < 1.03 for ratio in ratios["STM32H743", "x_cube_ai"])


def test_resnet8_on_the_reference_board() -> None:
    resnet = [
        one
        for one in check().predictions
        if (one.figure.board, one.figure.family) == ("NUCLEO-L4R5ZI", "resnet8")
    ]
    newest = [one for one in resnet if one.figure.version == _fitted.NEWEST]
    other = [one for one in resnet if one.figure.runtime == "microtvm_cmsis_nn"]
    assert newest
    assert other
    for one in newest + other:
        assert one.family_out == pytest.approx(one.figure.latency, rel=0.1)


def test_a_family_left_out_is_not_used() -> None:
    unseen = [one for one in check().predictions if _fitted.usable(one.figure)]
    assert len(unseen) > 90
    assert all(one.predicted != one.family_out for one in unseen)


def test_devices_check_prints_both_forms() -> None:
    found = CliRunner().invoke(devices_command.command, ["check", "--json"])
    assert found.exit_code == 0, found.output
    printed = json.loads(found.output)
    wanted = {"board", "runtime", "n", "mae_ms", "mape", "mape_family_out", "spearman", "tau"}
    assert all(wanted <= row.keys() for row in printed["rows"])
    marks = {"exact", "interpolated", "extrapolated", "not identified"}
    for row in printed["extrapolation"]["shares"]:
        assert sum(row[mark] for mark in marks) == pytest.approx(1)
    unseen = {
        (r["core"], r["runtime"], r["operator"], r["mark"])
        for r in printed["extrapolation"]["operators"]
    }
    assert ("cortex-m4", "x_cube_ai", "avg_pool 3x3", "not identified") in unseen
    assert ("cortex-m7", "tinyengine", "conv 3x3", "not identified") in unseen
    assert not [row for row in unseen if row[1] == "own"]
    assert {row["skeleton"] for row in printed["compiled"]} == {"official", "mcu"}
    shown = CliRunner().invoke(devices_command.command, ["check"])
    assert shown.exit_code == 0
    assert "Left out" in shown.output
    assert shown.output.count("Fails: ") == 3
    assert "the sum over layers is 1.0" in shown.output


def test_check_prints_the_errors_that_are_looked_for():
    shown = CliRunner().invoke(devices_command.command, ["check"]).output.splitlines()
    pairs = json.loads(CliRunner().invoke(devices_command.command, ["check", "--json"]).output)
    assert shown[0].split() == ["board", "runtime", "n", "error", "family", "out", "bias", "tau"]
    assert max(map(len, shown)) <= 80
    for line, pair in zip(shown[2:], pairs["rows"], strict=False):
        board, runtime, n, error, family_out, *_ = line.split()
        assert (board, runtime, int(n)) == (pair["board"], pair["runtime"], pair["n"])
        assert error == f"{pair['mape']:.1%}"
        assert family_out == f"{pair['mape_family_out']:.1%}"


def test_the_readme_says_which_parts_were_on_boards_and_which_were_not():
    (said,) = [
        line
        for line in (ROOT / "README.md").read_text(encoding="utf-8").split("\n")
        if line.startswith("| latency |")
    ]
    there, not_there = said.split("on boards")[1].split(";")[:2]
    part = re.compile(r"[FHLU]\d[0-9A-Z]\d")
    measured = {part.search(row.board)[0] for row in check().rows}
    devices = {name[5:].upper() for name in plugins.find("devices") if name.startswith("stm32")}
    assert set(part.findall(there)) == measured
    assert set(part.findall(not_there)) == devices - measured


def test_the_changelog_has_the_errors_of_the_check():
    rows = {row.core: row for row in check().cores if row.runtime == "x_cube_ai"}
    said = " ".join((ROOT / "CHANGELOG.md").read_text(encoding="utf-8").split())
    said = said.split("families left out are ")[1]
    for core in ("cortex-m7", "cortex-m4", "cortex-m33"):
        printed = re.search(rf"([\d.]+)(?: % off)? on {core}", said, re.IGNORECASE)
        assert float(printed[1]) == pytest.approx(100 * rows[core].mape_family_out, abs=0.05)
