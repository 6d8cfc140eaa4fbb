"""Everything known of a cell: ranks and needs against the table itself, and as people read it."""

import json
import math

import numpy as np
import pytest
from command_line import call

import benchsuite as bs
from benchsuite.space.cell import N_CELLS
from benchsuite.table.device_columns import find

pytestmark = pytest.mark.usefixtures("only_what_ships")
DEAD = 1651  # all operators none


@pytest.fixture(scope="module")
def table():
    return bs.load()


@pytest.mark.parametrize("index", [6111, 0, 777, 15624, DEAD])
def test_ranks_are_those_of_the_sorted_column(table, index):
    facts = bs.cell(index, table, device="stm32f746")
    kinds = {"accuracy": facts.accuracy, "proxy": facts.proxies}
    for name, column in table.columns.items():
        if column.kind not in kinds:
            continue
        values = table[name]
        if np.isnan(values[index]):
            assert name not in kinds[column.kind]
            continue
        one = kinds[column.kind][name]
        known = np.sort(values[~np.isnan(values)])
        low, high = (np.searchsorted(known, values[index], side) for side in ("left", "right"))
        rank = low + 1 if column.direction == "min" else len(known) - high + 1
        assert (one.value, one.rank, one.of) == (values[index], rank, len(known)), name
        assert one.tied == high - low - 1
        assert one.estimated == ("estimate" in name)
    assert facts.accuracy["cifar10.valid.200ep.mean@nats-tss-v1_0"].truth == "validation"
    assert facts.accuracy["cifar10.test.int8_ptq@analog-nasbench-0.1.3"].truth == "int8.ptq"
    assert facts.accuracy["cifar10.valid.200ep.seed777@nats-tss-v1_0"].truth == ""


@pytest.mark.parametrize("index", [6111, 6918, 10720])  # large, and what fits the least part
@pytest.mark.parametrize("skeleton", ["official", "mcu"])
def test_needs_on_parts_are_the_columns(table, index, skeleton):
    facts = bs.cell(index, table, skeleton=skeleton)
    found = {(one.device, one.runtime): one for one in facts.parts}
    published = {"monas2024"}
    columns = list(find(table, "latency", dataset="cifar10", skeleton=skeleton))
    assert {(of.device, of.runtime) for of in columns if of.runtime not in published} == set(found)
    verdicts = {1.0: "yes", 0.5: "maybe", 0.0: "no"}
    for what in ("latency", "energy", "fits"):
        for of in find(table, what, dataset="cifar10", skeleton=skeleton):
            if of.runtime in published:
                continue
            own, one = table[of.name][index], found[of.device, of.runtime]
            if what != "fits":
                assert getattr(one, what) == pytest.approx(own, rel=1e-12)
            else:
                assert one.fits == verdicts[own]


def test_a_network_that_is_a_constant_needs_nothing_on_parts(table):
    facts = bs.cell(DEAD, table)
    assert facts.parts == ()
    assert "computes a constant" in facts.text()
    assert "On parts" not in facts.text()
    assert facts.proxies["convs@1"].value == 0
    assert "naswot@1" not in facts.proxies


def test_json_is_complete_and_begins_with_the_answers(capsys):
    code, out, _ = call(capsys, "cell", "6111", "--json")
    said = json.loads(out, parse_constant=pytest.fail)
    assert code == 0
    assert list(said)[:5] == ["index", "arch", "accuracy", "proxies", "parts"]
    whole = bs.load()
    assert list(said["columns"]) == list(whole)
    for name, value in said["columns"].items():
        own = whole[name][6111]
        assert value == own if math.isfinite(own) else value is None
    assert said == json.loads(json.dumps(bs.cell(6111).to_json()))


@pytest.mark.parametrize("index", ["6111", str(DEAD), "hpo:330010"])
def test_what_people_read_is_short_and_eighty_columns_wide(capsys, index):
    short, whole = (call(capsys, "cell", index, *more)[1].splitlines() for more in ((), ("--all",)))
    for line in (*short, *whole):
        assert len(line) <= 80, line
    assert len(short) < 120
    assert len(whole) > len(bs.cell(index).columns)


def test_what_people_read_says_what_was_measured_and_what_not(capsys):
    said = call(capsys, "cell", "6111", "--device", "stm32l4r5")[1]
    lines = {line.split()[0]: line for line in said.splitlines() if line}
    assert "measured" in lines["validation"]
    assert "91.61 #" in lines["validation"]
    assert "ESTIMATED" in lines["test"]
    assert "153.3 M" in lines["cifar10"]
    assert "1.073 M" in lines["cifar10"]
    row = next(line for line in said.splitlines() if "x_cube_ai  " in line)
    assert row.count("~") == 2  # of the latency, and so of the energy
    assert "extrapolated" in said


def test_what_parts_are_shown_is_chosen(capsys):
    args = ("cell", "6111", "--device", "stm32l432,stm32f746", "--runtime", "x_cube_ai")
    found = json.loads(call(capsys, *args, "--skeleton", "mcu", "--json")[1])
    assert [one["device"] for one in found["parts"]] == ["stm32l432", "stm32f746"]
    assert found["network"] == ["cifar10", "mcu"]
    assert call(capsys, "cell", "6111", "--device", "stm32")[0] == 2
    code, _, err = call(capsys, "cell", "6111", "--layers", "--all", "--device", "stm32f746")
    assert (code, "--all has no effect" in err) == (2, True)
    assert "--layers needs one --device" in call(capsys, "cell", "6111", "--layers")[2]


def test_scores_of_ones_own_are_ranked_too(tmp_path, capsys):
    (tmp_path / "mine.csv").write_text("index,mine:min\n6111,2.0\n0,1.0\n1,2.0\n2,3.0\n")
    out = call(capsys, "cell", "6111", "--scores", str(tmp_path / "mine.csv"), "--json")[1]
    mine = json.loads(out)["proxies"]["mine@1"]
    assert (mine["value"], mine["rank"], mine["of"], mine["tied"]) == (2.0, 2, 4, 1)
    own = bs.load().with_scores("mine", np.arange(N_CELLS))
    assert bs.cell(6111, own, device="stm32f746").proxies["mine@1"].rank == N_CELLS - 6111
