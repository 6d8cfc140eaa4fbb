"""Baselines and regressions: what changed is found and named, what did not never alarms."""

import dataclasses
import json
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from search_tables import table as made_up_table

from benchsuite import cli, measuring, tolerances
from benchsuite.baseline import FRAMES, Baseline, Settings, load
from benchsuite.errors import UserError
from benchsuite.regress import compare, regressions
from benchsuite.regress_output import junit, markdown
from benchsuite.regress_replays import compare_replays
from benchsuite.regress_scores import Scores, compare_scores, relative_difference
from benchsuite.replaying import replays
from benchsuite.table import Values
from benchsuite.timing import Ratio, ratio, smallest
from benchsuite.tolerances import Tolerances

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


@pytest.fixture(autouse=True)
def _only_what_ships(monkeypatch, tmp_path):
    monkeypatch.delenv("BENCHSUITE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


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


def test_a_proxy_that_draws_for_itself_is_refused(tmp_path, capsys):
    mine = plugin(tmp_path / "it", "value *= random.random()")
    options = ["--proxy", "mine", "--plugins", mine, "--cells", 3, *SMALL]
    assert call("baseline", "save", "x/", *options) == 2
    assert "draws from a source of its own" in capsys.readouterr().err
    assert not Path("x").exists()


STUDY = """schema = 1
name = "quick"
[[searches]]
strategy = "{strategy}"
label = "it"
seeds = 30
budget = {{ queries = {queries} }}
"""


def replayed(strategy, queries=60):
    """A baseline of one search on the made-up table."""
    texts = {"quick": STUDY.format(strategy=strategy, queries=queries)}
    rows, speeds = replays(texts, made_up_table(), (), {}, lambda text: None)
    frames = {"replays": rows, "speeds": pd.DataFrame(speeds)}
    return Baseline(Settings(table=False), measuring.machine(), frames=frames)


@pytest.fixture(scope="module")
def searched():
    return {name: replayed(*name) for name in (("rea", 60), ("rea", 12), ("random", 60))}


def one(checks, part):
    return next(check for check in checks if check.part == part)


def test_an_unchanged_search_is_the_same(searched):
    checks = compare(searched["rea", 60], replayed("rea"), Tolerances())
    assert one(checks, "replays").verdict == "same"
    assert not regressions(checks)


def test_a_search_that_became_worse_fails_a_test_over_seeds(searched):
    before, after = searched["rea", 60], searched["rea", 12]
    found = one(compare(before, after, Tolerances()), "replays")
    assert found.verdict == "regression"
    assert found.message.startswith("The search got worse.")
    x, y = (b.frames["replays"]["regret"].to_numpy() for b in (before, after))
    assert found.numbers["difference"] == pytest.approx(y.mean() - x.mean())
    assert found.numbers["p"] == scipy.stats.mannwhitneyu(y, x, alternative="greater").pvalue
    assert found.numbers["low"] < found.numbers["difference"] < found.numbers["high"]
    back = one(compare(after, before, Tolerances()), "replays")
    assert back.verdict == "changed"


def test_other_answers_that_are_no_worse_pass_unless_they_have_to_be_exact(searched):
    before = searched["random", 60]
    rows = before.frames["replays"]
    shifted = rows.assign(cell=np.roll(rows["cell"], 1), regret=np.roll(rows["regret"], 1))
    after = dataclasses.replace(before, frames={"replays": shifted})
    assert one(compare(before, after, Tolerances()), "replays").verdict == "changed"
    exact = Tolerances(rules={"replays": {"quick/*": {"exact": True}}})
    assert one(compare(before, after, exact), "replays").verdict == "regression"
    lost = rows.assign(feasible=False, regret=np.nan, cell=-1)
    after = dataclasses.replace(before, frames={"replays": lost})
    found = one(compare(before, after, Tolerances()), "replays")
    assert found.verdict == "regression"
    assert "30 more runs found nothing feasible" in found.message


def test_equal_searches_of_other_seeds_alarm_at_the_level_of_the_test():
    """Under the null hypothesis no more than alpha of the comparisons are regressions."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"study": "s", "search": "r", "seed": range(20), "feasible": True})
    alarms = 0
    for _ in range(100):
        x, y = (
            frame.assign(cell=rng.integers(9999, size=20), regret=rng.gamma(1, size=20))
            for _ in "xy"
        )
        (found,) = compare_replays(x, y, Tolerances(alpha=0.05))
        alarms += found.verdict == "regression"
    assert alarms <= 13  # P(Bin(100, 0.05) > 13) = 0.05 %
    assert alarms > 0


def whole(**changed):
    """A baseline of the made-up table with some columns' values changed."""
    table = made_up_table()
    kept = measuring._kept(table)
    values = [
        Values(kept.columns[name], change(kept.values(name)), "gone")
        for name, change in changed.items()
    ]
    new = kept.without(changed).with_columns(values)
    exact = tuple(n for n, c in kept.columns.items() if c.kind in ("cost", "device", "accuracy"))
    row = ("flops@1", "d", "a", 9, 0, 0.5, 0.4, 0.6)
    tau = pd.DataFrame([row], columns=list(FRAMES["tau"]))
    return Baseline(Settings(), measuring.machine(), new, exact, {"tau": tau})


def test_analytic_columns_are_compared_exactly():
    assert {c.verdict for c in compare(whole(), whole(), Tolerances())} == {"same"}
    device = "latency.board.tflm.official"

    def last_digit(values):
        return np.where(np.arange(len(values)) == 77, np.nextafter(values, np.inf), values)

    after = whole(**{device: last_digit})
    (found,) = regressions(compare(whole(), after, Tolerances()))
    assert found.name == device
    assert "1 of 15625 values differ" in found.message
    assert "cell 77" in found.message
    loose = Tolerances(rules={"columns": {"latency.*": {"relative": 1e-9}}})
    assert not regressions(compare(whole(), after, loose))


def test_tabulated_scores_are_compared_by_value_rank_and_tau():
    def shuffled(values):
        return np.random.default_rng(0).permutation(values)

    after = whole(**{"linear_regions.n1000@1": shuffled})
    found = regressions(compare(whole(), after, Tolerances()))
    assert {check.part for check in found} == {"scores", "tau"}
    for check in found:
        if check.part == "tau":
            assert check.numbers["high"] < 0 < check.numbers["before"]
            assert check.numbers["p"] < 0.01


def test_a_column_that_is_gone_is_named():
    after = whole()
    after = dataclasses.replace(after, table=after.table.without(["flops@1", "cifar10.flops"]))
    found = regressions(compare(whole(), after, Tolerances()))
    assert {(check.name, check.message) for check in found} == {
        ("flops@1", "The column is gone."),
        ("cifar10.flops", "The column is gone."),
    }


def test_a_tau_that_moves_alone_is_the_statistic():
    after = whole()
    moved = after.frames["tau"].assign(lo=0.41)
    after = dataclasses.replace(after, frames={"tau": moved})
    found = regressions(compare(whole(), after, Tolerances()))
    assert ["the statistic did" in check.message for check in found] == [True]


def test_what_was_saved_is_what_is_read(tmp_path, searched):
    before = searched["rea", 60]
    before.save(tmp_path / "a")
    whole().save(tmp_path / "b")
    read, table = load(tmp_path / "a"), load(tmp_path / "b")
    assert one(compare(before, read, Tolerances()), "replays").verdict == "same"
    for name, frame in before.frames.items():
        pd.testing.assert_frame_equal(read.frames[name], frame, check_dtype=False, check_exact=True)
    assert table.table.checksum == whole().table.checksum
    assert read.made_by == json.loads(json.dumps(before.made_by))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: (f / "baseline.json").unlink(), "holds no baseline"),
        (lambda f: (f / "baseline.json").write_text("{"), "is damaged"),
        (lambda f: (f / "baseline.json").write_text('{"schema": 1}'), "no settings"),
        (lambda f: edit(f, "schema", 2), "schema 2; this version reads 1"),
        (lambda f: edit(f, "files", {"../x.csv": "0"}), "no part of one"),
        (lambda f: edit(f, "files", {"studies/../../x.toml": "0"}), "no part of one"),
        (lambda f: edit(f, "files", {"/etc/passwd": "0"}), "no part of one"),
        (lambda f: edit(f, "settings", {"cells": "many"}), "a whole number"),
        (lambda f: (f / "replays.csv").unlink(), "lacks replays.csv"),
        (lambda f: (f / "replays.csv").write_text("study\n"), "is not what was saved"),
    ],
)
def test_damage_is_a_sentence(tmp_path, searched, change, said):
    searched["rea", 60].save(tmp_path / "it")
    change(tmp_path / "it")
    with pytest.raises(UserError, match=said):
        load(tmp_path / "it")


def edit(folder, key, value):
    path = folder / "baseline.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))


def test_other_files_and_other_baselines_are_not_overwritten(tmp_path, searched):
    searched["rea", 60].save(tmp_path / "it")
    with pytest.raises(UserError, match="holds a baseline already"):
        searched["rea", 12].save(tmp_path / "it")
    searched["rea", 12].save(tmp_path / "it", replace=True)
    assert load(tmp_path / "it").frames["replays"]["queries"].max() == 12
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(UserError, match="holds other files"):
        searched["rea", 60].save(tmp_path / "mine", replace=True)
    with pytest.raises(UserError, match="is a file"):
        searched["rea", 60].save(tmp_path / "mine" / "thesis.tex")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["it", "mine"]


def test_sets_of_other_settings_are_not_compared(searched):
    other = dataclasses.replace(searched["rea", 60], settings=Settings(cells=5))
    with pytest.raises(UserError, match="cells 60 and 5"):
        compare(searched["rea", 60], other, Tolerances())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("schema = 1\n[scores", "are not TOML"),
        ("alpha = 0.1", "schema None"),
        ("schema = 1\nalpha = 2", "lies between 0 and 1"),
        ("schema = 1\n[score.x]\n", "Did you mean scores"),
        ("schema = 1\nscores = 3", "give"),
        ("schema = 1\n[scores.x]\nrelativ = 1", "Did you mean relative"),
        ("schema = 1\n[scores.x]\ncells = 1.5", "lies in 0 ... 1"),
        ("schema = 1\n[speeds.x]\nslower = 'very'", "a number"),
    ],
)
def test_mistakes_in_tolerances_are_sentences(tmp_path, text, said):
    path = tmp_path / "allowed.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=said):
        tolerances.load(path)


def test_the_last_pattern_that_matches_decides(tmp_path):
    path = tmp_path / "allowed.toml"
    path.write_text('schema = 1\n[scores."*"]\ntau = 0.1\ncells = 0.5\n[scores."a.*"]\ntau = 0.2\n')
    rule = tolerances.load(path).of("scores", "a.b")
    assert (rule.tau, rule.cells, rule.relative) == (0.2, 0.5, 1e-3)
    assert tolerances.load(path).of("scores", "b").tau == 0.1


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


def test_ratio_is_the_median_of_turns():
    times, steps = iter([9.0, *range(1, 12)]), []
    found = ratio(lambda: steps.append("run") or next(times), lambda: steps.append("ref") or 2.0)
    assert found == Ratio(3.0, 1.0, 5.0, 11, 6.0)
    assert steps == ["run", "ref"] * 12
    tries = iter([Ratio(r, r, r, 1, 1) for r in (3.0, 2.0, 1.0, 0.5)])
    assert smallest(lambda: next(tries), 1.5).value == 1.0
    assert next(tries).value == 0.5
