"""What `benchsuite correlate` prints says what its numbers rest on."""

import re

import numpy as np
import pandas as pd
import pytest
from command_line import call

CELLS = ["--dataset", "cifar10", "--resamples", "200", "--scores", "mine.csv"]


@pytest.fixture
def correlate(only_what_ships, capsys):
    """Correlate with a file of scores of every seventh cell; return the code and what it said."""
    cells = np.arange(0, 15_625, 7)
    rng = np.random.default_rng(0)
    pd.DataFrame({"index": cells, "mine": rng.normal(size=len(cells))}).to_csv(
        "mine.csv", index=False
    )

    def correlated(*args):
        code, out, err = call(capsys, "correlate", *CELLS, *args)
        return code, " ".join(out.split()), " ".join(err.split())

    return correlated


def test_few_of_the_best_cells_and_what_is_resampled_are_said(correlate):
    code, out, err = correlate("--proxy", "mine,flops")
    assert code == 0, err
    few = re.search(r"so many have a score: mine@1 (\d+)\.", out)
    assert few
    assert 100 < int(few[1]) < 200
    assert "resample functional classes, as most cells lack it: mine@1." in out


def test_nothing_is_said_where_all_cells_have_the_score(correlate):
    code, out, err = correlate("--proxy", "flops,depth")
    assert code == 0, err
    assert "so many have a score" not in out
    assert "resample functional classes" not in out


def test_a_combination_says_its_cells_and_what_was_left_out(correlate):
    code, out, err = correlate("--proxy", "mine,flops,naswot", "--combine", "2")
    assert code == 0, err
    assert "on 15,284 cells." in out
    assert "Not combined, as more than a tenth of the cells lack them: mine@1." in out
    code, out, err = correlate("--proxy", "mine,naswot", "--combine", "2", "--common")
    assert code == 0, err
    assert "mine@1 + naswot@1, best of 1, on 2,1" in out
    assert "Not combined" not in out


def test_a_combination_is_chosen_by_one_truth(correlate):
    code, _, err = correlate("--proxy", "flops,naswot", "--combine", "2", "--truth", "best,int8")
    assert code == 2
    assert "--combine chooses by one accuracy, not by 2: give it one --truth." in err


def test_reasons_say_of_which_rows_they_are(correlate):
    pd.DataFrame({"index": np.arange(30), "mine": np.arange(30.0)}).to_csv("mine.csv", index=False)
    code, out, err = correlate("--proxy", "mine", "--cells", "all,pruned")
    assert code == 0, err
    assert re.findall(r"mine@1(?: \((\w+)\))?: no (\w+)", out) == [
        ("all", "tau_top1000"),
        ("pruned", "interval"),
    ]
    code, out, err = correlate("--proxy", "mine")
    assert "mine@1: no tau_top1000" in out
