"""A guarded proxy: what changed is found and named, what did not never alarms."""

import json
import os
import shlex
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchsuite import cli
from benchsuite.regression.compare_scores import Scores, compare_scores, relative_difference
from benchsuite.regression.output import junit, markdown
from benchsuite.regression.tolerances import Tolerances

SMALL = ["--channels", "4", "--resolution", "8", "--batch-size", "8"]
MINE = '''"""Mean size of the logits."""

import random

from benchsuite.api import Proxy


def score(passes):
    value = float(passes.tape.logits.abs().mean())
    {change}
    return {{"": value}}


PROXY = Proxy(
    version={version},
    direction="max",
    formula="mean |logit|",
    source="a test",
    cost="forward",
    score=score,
)
'''
CHANGES = {
    "flipped": "value = -value",
    "noisy": "value *= random.Random(passes.cell.index).gauss(1, 0.05)",
    "slow": "[passes.forward(passes.images) for _ in range(2)]",
    "lossy": "value = value if passes.cell.index % 3 else float('nan')",
}


def plugin(folder, change="pass", version=1):
    (folder / "proxies").mkdir(parents=True)
    (folder / "proxies" / "mine.py").write_text(MINE.format(change=change, version=version))
    return str(folder)


def call(*args):
    """Run the command line; return its exit code."""
    try:
        cli.main(list(map(str, args)))
    except SystemExit as stop:
        return stop.code or 0
    return 0


pytestmark = pytest.mark.usefixtures("only_what_ships")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A baseline of an unchanged proxy, and the folder it is in."""
    folder = tmp_path_factory.mktemp("guard")
    options = ["--proxy", "mine", "--plugins", plugin(folder / "as-saved"), *SMALL]
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("BENCHSUITE_DATA", raising=False)
        assert call("baseline", "save", folder / "it", *options, "--cells", 30) == 0
        assert call("baseline", "save", folder / "few", *options, "--cells", 6) == 0
    return folder


def compared(where, folder, capsys, *more):
    capsys.readouterr()
    code = call("baseline", "compare", where, "--plugins", folder, "--json", *more)
    return code, json.loads(capsys.readouterr().out)


def failed(result):
    return {
        check["part"]: check["message"]
        for check in result["checks"]
        if check["verdict"] == "regression"
    }


def test_an_unchanged_proxy_never_alarms(guarded, tmp_path, capsys):
    """BENCHSUITE_GUARD_RUNS=20 compares as many times."""
    same = plugin(tmp_path / "same")
    for _ in range(int(os.environ.get("BENCHSUITE_GUARD_RUNS", "4"))):
        code, result = compared(guarded / "few", same, capsys)
        assert code == 0, failed(result)
        assert result["verdict"] == "pass"
        assert result["counts"]["regression"] == 0


def test_the_line_that_saving_ends_with_compares(tmp_path, capsys):
    """It left out the folder of the plug-in, without which there is no such proxy."""
    options = ["--proxy", "mine", "--plugins", plugin(tmp_path / "of mine"), *SMALL, "--cells", "6"]
    assert call("baseline", "save", "some/where", *options) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.startswith("Compare with it: benchsuite ")
    words = shlex.split(line.partition(": ")[2])
    assert call(*words[1:], "--json") != 1  # A speed may scatter.
    assert json.loads(capsys.readouterr().out)["counts"]["same"] == 1


@pytest.mark.parametrize(
    ("change", "part", "said"),
    [
        ("flipped", "sample", "sign is flipped"),
        ("noisy", "sample", "scores moved: "),
        ("slow", "speeds", "became slower"),
        ("lossy", "sample", "cells lost their score"),
    ],
)
def test_a_change_is_found_and_named(guarded, tmp_path, capsys, change, part, said):
    code, result = compared(guarded / "it", plugin(tmp_path / change, CHANGES[change]), capsys)
    found = failed(result)
    assert code == 1
    assert said in found[part]
    assert (part == "speeds") == ("speeds" in found)
    if change == "slow":
        assert set(found) == {"speeds"}
        slower = next(c for c in result["checks"] if c["part"] == "speeds")["numbers"]["slower"]
        assert 1.6 < slower < 3


def test_a_better_ranking_is_no_loss_but_an_unannounced_change(guarded, tmp_path, capsys):
    """The proxy ranks against accuracy; flipped it is better, and its version is still the old."""
    _, result = compared(guarded / "it", plugin(tmp_path / "it", CHANGES["flipped"]), capsys)
    taus = [check for check in result["checks"] if check["part"] == "tau"]
    assert [check["verdict"] for check in taus] == ["changed"] * 3
    assert all(check["numbers"]["low"] > 0 for check in taus)
    assert "The version is still 1" in failed(result)["sample"]


def test_a_raised_version_announces_a_change(guarded, tmp_path, capsys):
    folder = plugin(tmp_path / "it", CHANGES["flipped"], version=2)
    code, result = compared(guarded / "it", folder, capsys)
    assert code == 0
    sample = next(check for check in result["checks"] if check["part"] == "sample")
    assert sample["verdict"] == "changed"
    assert "Version 1 became 2" in sample["message"]


def test_tolerances_and_the_files_for_a_server(guarded, tmp_path, capsys):
    allowed = tmp_path / "allowed.toml"
    allowed.write_text('schema = 1\n[scores."mine"]\nrelative = 0.5\nspearman = 0.5\n')
    noisy = plugin(tmp_path / "noisy", CHANGES["noisy"])
    files = ["--junit", "out/junit.xml", "--markdown", "out/report.md"]
    assert compared(guarded / "it", noisy, capsys, *files)[0] == 1
    suite = ElementTree.parse("out/junit.xml").getroot()[0]
    assert suite.get("failures") == "1"
    assert [case.get("classname") for case in suite if case.find("failure") is not None] == [
        "baseline.sample"
    ]
    assert "| regression | sample | mine | The scores moved" in Path("out/report.md").read_text()
    code, result = compared(guarded / "it", noisy, capsys, "--tolerances", allowed)
    assert code == 0, failed(result)
    assert result["counts"]["within"] >= 1
    assert result["idle_tolerances"] == []
    allowed.write_text('schema = 1\n[scores."mien"]\nrelative = 0.5\nspearman = 0.5\n')
    code, result = compared(guarded / "it", noisy, capsys, "--tolerances", allowed, *files)
    assert (code, result["idle_tolerances"]) == (1, ['scores "mien"'])
    assert '- tolerances of nothing here: scores "mien"' in Path("out/report.md").read_text()


def test_a_proxy_that_draws_for_itself_is_refused(tmp_path, capsys):
    mine = plugin(tmp_path / "it", "value *= random.random()")
    options = ["--proxy", "mine", "--plugins", mine, "--cells", 3, *SMALL]
    assert call("baseline", "save", "x/", *options) == 2
    assert "draws from a source of its own" in capsys.readouterr().err
    assert not Path("x").exists()


@given(
    arrays(np.float64, 20, elements=st.floats(-1e6, 1e6)),
    st.floats(-4, 4).filter(lambda f: abs(f - 1) > 0.01),
)
def test_a_factor_is_found_whatever_the_scores(values, factor):
    difference = relative_difference(values, values * factor)
    assert (difference >= 0).all()
    large = np.abs(values) > 0.01 * np.subtract(*np.quantile(values, [0.75, 0.25]))
    expected = abs(1 - factor) / max(1, abs(factor))
    normal = np.abs(values) > 1e-200  # a factor of a subnormal number is rounded
    np.testing.assert_allclose(difference[large & normal], expected, rtol=1e-6)
    assert not relative_difference(values, values).any()


def test_digits_of_scores_near_zero_do_not_matter():
    values = np.array([1e-12, 1.0, 2.0, 3.0])
    assert relative_difference(values, values + 1e-10).max() < 1e-7


def test_output_survives_odd_names():
    scores = Scores(np.arange(3.0), "max", "1"), Scores(np.arange(3.0)[::-1], "max", "1")
    checks = list(compare_scores("sample", "a|b\x00<&", *scores, {}, Tolerances()))
    assert ElementTree.fromstring(junit(checks))[0][0].get("name") == "a|b<&"
    assert "a\\|b" in markdown(checks, {})
