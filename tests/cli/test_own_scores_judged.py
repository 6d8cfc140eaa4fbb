"""`benchsuite correlate` with scores of one's own: the same cells, several truths, best first."""

import json

import numpy as np
import pandas as pd
import pytest
from command_line import call
from scipy.stats import kendalltau

import benchsuite as bs
from benchsuite.space.cell import all_archs

OPTIONS = ("--dataset", "cifar10", "--resamples", "200")
pytestmark = pytest.mark.usefixtures("only_what_ships")


@pytest.fixture
def mine():
    """A file of every 7th cell: architectures under a name of one's own, and two scores."""
    table, cells = bs.load(), np.arange(0, 15_625, 7)
    accuracy = table["cifar10.valid.200ep.mean"][cells]
    noise = np.random.default_rng(0).normal(0, 5, len(cells))
    frame = pd.DataFrame(
        {
            "my network": np.array(list(all_archs()))[cells],
            "good": accuracy + noise,
            "bad one:min": -noise,
        }
    )
    frame.to_csv("mine.csv", index=False)
    return frame, cells, accuracy


def test_scores_of_a_file_stand_beside_flops_and_unlike_sets_are_told(capsys, mine):
    code, out, err = call(capsys, "correlate", "--scores", "mine.csv", *OPTIONS)
    assert code == 0, err
    of = {line.split()[0]: line for line in out.splitlines() if "@1" in line and "[" in line}
    taus = {name: float(line.split("[")[0].split()[-1]) for name, line in of.items()}
    assert list(taus) == sorted(taus, key=taus.__getitem__, reverse=True)
    assert set(taus) == {"good@1", "flops@1", "bad"}
    assert "NOT THE SAME CELLS" in out
    assert max(map(len, out.splitlines())) <= 80


def test_common_cells_are_those_that_all_have(capsys, mine):
    frame, cells, accuracy = mine
    command = ("correlate", "--scores", "mine.csv", "--common", *OPTIONS)
    code, out, _ = call(capsys, *command, "--json")
    answer = json.loads(out)
    assert code == 0
    assert list(answer) == ["rows", "same_cells", "provenance"]
    assert answer["same_cells"] is True
    assert {row["n"] for row in answer["rows"]} == {len(cells)}
    tau = {row["proxy"]: row["tau"] for row in answer["rows"]}
    flops = bs.load()["cifar10.flops"][cells]
    assert tau["flops@1"] == pytest.approx(kendalltau(flops, accuracy).statistic, abs=1e-12)
    assert tau["good@1"] == pytest.approx(kendalltau(frame["good"], accuracy).statistic, abs=1e-12)
    assert "NOT THE SAME CELLS" not in call(capsys, *command)[1]


def test_sets_that_a_rule_for_cells_makes_alike_are_not_told(capsys):
    connected = ("correlate", "--proxy", "flops,depth", *OPTIONS)
    assert "NOT THE SAME CELLS" in call(capsys, *connected)[1]
    assert "NOT THE SAME CELLS" not in call(capsys, *connected, "--cells", "connected")[1]


def test_several_truths(capsys):
    command = ("correlate", "--proxy", "flops", "--truth", "int8,float, best", "--resamples", "200")
    code, out, _ = call(capsys, *command, "--json")
    rows = json.loads(out)["rows"]
    assert code == 0
    assert [(row["truth"], row["dataset"]) for row in rows][:3] == [
        ("int8", "cifar10"), ("float", "cifar10"), ("best", "cifar10")
    ]  # fmt: skip
    assert rows[0]["accuracy"] == "cifar10.test.int8_ptq@analog-nasbench-0.1.3"
    text = call(capsys, *command)[1]
    assert "float: cifar10 test accuracy in float32" in " ".join(text.split())
    one = bs.correlate(proxies="flops", dataset="cifar10", truth=["int8", "float"], resamples=200)
    assert one["tau"].tolist() == [row["tau"] for row in rows[:2]]


@pytest.mark.parametrize("word", [("--proxy", "all"), ("--dataset", "all", "--proxy", "flops")])
def test_all_means_all(capsys, word):
    options = ("--resamples", "200", "--cells", "pruned", "--json")
    code, out, err = call(capsys, "correlate", *word, *options)
    assert code == 0, err
    rows = json.loads(out)["rows"]
    assert len({row["dataset"] for row in rows}) == 3
    assert len(rows) > 100 or "--dataset" in word
