"""The guard fails closed: it passes what was compared and held, and nothing else."""

import dataclasses
import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest
from test_baseline import replayed, whole
from test_guarded_proxies import call, compared, plugin

from benchsuite import provenance
from benchsuite.errors import UserError
from benchsuite.packages import sha256
from benchsuite.regression.baseline import Baseline, Settings, load
from benchsuite.regression.check import Check, exit_code, outcome
from benchsuite.regression.compare import compare
from benchsuite.regression.since import since
from benchsuite.regression.tolerances import Tolerances

SMALL = ["--channels", "4", "--resolution", "8", "--batch-size", "8", "--cells", "6"]

pytestmark = pytest.mark.usefixtures("only_what_ships")


def check(verdict):
    return Check("sample", "it", verdict, "what", {"a": 1})


@pytest.mark.parametrize(
    ("verdicts", "code", "said"),
    [
        ([], 2, "untold"),
        (["same"], 0, "pass"),
        (["same", "within", "changed"], 0, "pass"),
        (["same", "untold"], 2, "untold"),
        (["same", "moved"], 4, "moved"),
        (["moved", "untold"], 2, "untold"),
        (["same", "regression", "untold", "moved"], 1, "regression"),
    ],
)
def test_each_verdict_has_an_exit_code_of_its_own(verdicts, code, said):
    checks = [check(verdict) for verdict in verdicts]
    assert (exit_code(checks), outcome(checks)) == (code, said)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A baseline of a proxy and a search."""
    folder = tmp_path_factory.mktemp("closed")
    study = folder / "quick.toml"
    study.write_text(
        'schema = 1\nname = "quick"\n[[searches]]\nstrategy = "random"\nlabel = "it"\nseeds = 3\n'
        "budget = { queries = 5 }\n"
    )
    mine = plugin(folder / "mine")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("BENCHSUITE_DATA", raising=False)
        options = ["--proxy", "mine", "--plugins", mine, *SMALL, "--study", study]
        assert call("baseline", "save", folder / "it", *options) == 0
    return folder / "it", mine


@pytest.fixture
def copied(saved, tmp_path):
    import shutil

    shutil.copytree(saved[0], tmp_path / "it")
    return tmp_path / "it", saved[1]


def edited(folder, change):
    """Change a baseline's record and seal it again, as an attacker of the guard would."""
    path = folder / "baseline.json"
    about = json.loads(path.read_text())
    change(about)
    for name in list(about["files"]):
        if (folder / name).is_file():
            about["files"][name] = sha256(folder / name)
    path.write_text(json.dumps(about))


def rows(folder, name, change):
    """Change a CSV file of a baseline and seal it again."""
    path = folder / f"{name}.csv"
    frame = change(pd.read_csv(path, dtype=str, keep_default_na=False))
    frame.to_csv(path, index=False)
    edited(folder, lambda about: None)


def without(name):
    return lambda folder: edited(folder, lambda about: about["files"].pop(name))


def header_only(name):
    return lambda folder: rows(folder, name, lambda frame: frame[:0])


def cells(name, column, value, which=slice(None)):
    def change(frame):
        frame.loc[frame.index[which], column] = value
        return frame

    return lambda folder: rows(folder, name, change)


def cut(name, row, change):
    """Change the text of a row of a CSV file of a baseline and seal it again."""

    def edit(folder):
        path = folder / f"{name}.csv"
        lines = path.read_text().split("\n")
        lines[row] = change(lines[row])
        path.write_text("\n".join(lines))
        edited(folder, lambda about: None)

    return edit


def about(**changes):
    return lambda folder: edited(folder, lambda found: found.update(changes))


def made_by(**changes):
    def change(found):
        found["made_by"].update(changes)

    return lambda folder: edited(folder, change)


BROKEN = {
    "no files": (about(files={}), "lacks scores.csv"),
    "no settings and no files": (
        lambda f: (about(files={})(f), edited(f, lambda a: a["settings"].update(proxies=[]))),
        "holds nothing",
    ),
    "no record of what made it": (about(made_by={}), "does not say its versions"),
    "no versions": (made_by(versions={}), "does not say its versions"),
    "no processor": (made_by(processor=None), "does not say its processor"),
    "versions that are no texts": (made_by(versions={"torch": 2}), "versions are no texts"),
    "extras that are no texts": (made_by(extras=["pymoo"]), "versions are no texts"),
    "estimates of no names": (made_by(estimated="cifar10"), "estimated accuracies are no names"),
    "another schema": (about(schema=1), "schema 1; this version reads 2"),
    "a schema of the future": (about(schema=3), "schema 3; this version reads 2"),
    "no scores": (without("scores.csv"), "lacks scores.csv"),
    "no replays": (without("replays.csv"), "lacks replays.csv"),
    "no speeds": (without("speeds.csv"), "no speed of the proxy mine"),
    "no study": (without("studies/quick.toml"), "nothing in it explains replays.csv"),
    "scores without rows": (header_only("scores"), "scores.csv has no rows"),
    "replays without rows": (header_only("replays"), "replays.csv has no rows"),
    "speeds without rows": (header_only("speeds"), "speeds.csv has no rows"),
    "half of the cells": (lambda f: rows(f, "scores", lambda r: r[::2]), "cells of"),
    "a cell twice": (
        lambda f: rows(f, "scores", lambda r: pd.concat([r, r[:1]])),
        "two rows of mine",
    ),
    "no scores of the proxy": (
        lambda f: rows(f, "scores", lambda r: r[r["kind"] == "accuracy"]),
        "no scores of mine",
    ),
    "no accuracies": (
        lambda f: rows(f, "scores", lambda r: r[r["kind"] != "accuracy"]),
        "lacks accuracies",
    ),
    "accuracies that are NaN": (
        lambda f: rows(f, "scores", lambda r: r.assign(value=["", *r["value"][1:-1], ""])),
        "lacks accuracies",
    ),
    "another kind": (cells("scores", "kind", "foo", [0]), "the kind 'foo'"),
    "another direction": (cells("scores", "direction", "up", [0]), "the direction 'up'"),
    "a value that is no number": (cells("scores", "value", "much", [0]), "cannot be read"),
    "a cell that is no number": (cells("scores", "cell", "1.5", [0]), "cannot be read"),
    "a row cut short": (
        cut("scores", 2, lambda row: ",".join(row.split(",")[:4])),
        "row 3 has 4 fields, not 6",
    ),
    "a row that goes on": (cut("replays", 1, lambda row: f"{row},9"), "row 2 has 9 fields, not 8"),
    "a column twice": (cut("speeds", 0, lambda row: f"{row},low"), "row 2 has 7 fields, not 8"),
    "no header": (lambda f: (f / "speeds.csv").write_text("") or edited(f, id), "cannot be read"),
    "a quote that does not end": (cut("speeds", 1, lambda row: f'"{row}'), "cannot be read"),
    "a missing column": (
        lambda f: rows(f, "scores", lambda r: r.drop(columns="value")),
        "lacks the column 'value'",
    ),
    "a seed less": (lambda f: rows(f, "replays", lambda r: r[1:]), "2 of 3 seeds"),
    "a seed twice": (cells("replays", "seed", "1"), "two rows of quick, it, 1"),
    "feasible that is neither": (cells("replays", "feasible", "perhaps"), "cannot be read"),
    "a regret less": (cells("replays", "regret", "", [0]), "without a regret"),
    "a ratio of 0": (cells("speeds", "ratio", "0.0", [0]), "no ratio of times"),
    "a ratio below 0": (cells("speeds", "ratio", "-1", [0]), "no ratio of times"),
    "a ratio of NaN": (cells("speeds", "ratio", "", [0]), "no ratio of times"),
    "an infinite ratio": (cells("speeds", "high", "inf", [0]), "no ratio of times"),
    "a speed less": (lambda f: rows(f, "speeds", lambda r: r[1:]), "no speed of the proxy mine"),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_what_lacks_anything_is_no_baseline(copied, capsys, what):
    folder, mine = copied
    change, said = BROKEN[what]
    change(folder)
    with pytest.raises(UserError, match=said):
        load(folder)
    junit = folder.parent / "guard.xml"
    junit.write_text("that of the last run, which passed")
    assert call("baseline", "compare", folder, "--plugins", mine, "--junit", junit) == 2
    assert said in capsys.readouterr().err
    suite = ElementTree.parse(junit).getroot()[0]
    assert (suite.get("errors"), suite.get("failures")) == ("1", "0")


def test_a_baseline_as_saved_passes(saved, capsys):
    code, result = compared(*saved, capsys)
    assert (code, result["verdict"]) == (0, "pass")


@pytest.mark.parametrize("values", ["", "inf"])
def test_a_proxy_without_scores_in_the_baseline_is_not_compared(saved, copied, capsys, values):
    """It once ended in a traceback with the code of a regression."""

    def lost(frame):
        frame.loc[frame["kind"] == "proxy", "value"] = values
        return frame

    rows(copied[0], "scores", lost)
    for more in ([], ["--tolerances", tolerant(copied[0].parent)]):
        capsys.readouterr()
        args = ["compare", copied[0], "--against", saved[0], "--json", *more]
        assert call("baseline", *args) == 2
        result = json.loads(capsys.readouterr().out)
        assert result["verdict"] == "untold"
        (found,) = [c for c in result["checks"] if c["verdict"] == "untold"]
        assert "None of the 6 cells had a score" in found["message"]


def tolerant(folder):
    path = folder / "allowed.toml"
    path.write_text('schema = 1\n[scores."*"]\nrelative = 9\ncells = 0\nspearman = 0\n')
    return path


@pytest.mark.parametrize("how", ["raise ValueError('it')", "raise SystemExit(0)", "import nothing"])
def test_whatever_goes_wrong_is_2(saved, tmp_path, capsys, how):
    broken = plugin(tmp_path / "broken", how)
    assert call("baseline", "compare", saved[0], "--plugins", broken) == 2
    assert capsys.readouterr().err.count("Traceback") == 0


@pytest.mark.parametrize(
    "error", [KeyError("it"), ZeroDivisionError(), SystemExit(0), MemoryError()]
)
def test_an_error_of_the_guards_own_is_2_and_a_sentence(saved, monkeypatch, capsys, error):
    from benchsuite.regression import compare as module

    def broken(*args, **more):
        raise error

    monkeypatch.setattr(module, "compare", broken)
    assert call("baseline", "compare", saved[0], "--against", saved[0]) == 2
    assert "nothing is told of a regression" in capsys.readouterr().err


def test_a_plug_in_that_is_left_out_is_not_compared(saved, tmp_path, capsys):
    """What fails beside the guarded proxy would have made columns: 3 elsewhere, 2 here."""
    mine = plugin(tmp_path / "mine")
    (tmp_path / "mine/proxies/broken.py").write_text('"""Broken."""\n1 / 0\n')
    code, result = compared(saved[0], mine, capsys)
    assert code == 2
    assert [c["name"] for c in result["checks"] if c["verdict"] == "untold"] == ["plug-ins"]


def flipped(frame):
    own = frame["kind"] == "proxy"
    frame.loc[own, "value"] = [f"-{value}" for value in frame.loc[own, "value"]]
    return frame


def test_nobody_listening_does_not_turn_a_regression_into_a_pass(saved, copied):
    rows(copied[0], "scores", flipped)
    script = (
        "import os\nfrom benchsuite.cli import main\nread, write = os.pipe()\nos.close(read)\n"
        "os.dup2(write, 1)\n"
        f"main(['baseline', 'compare', {str(saved[0])!r}, '--against', {str(copied[0])!r}])\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (run.returncode, "Traceback" in run.stderr) == (1, False)


def test_a_later_baseline_that_lacks_a_part_is_not_compared():
    before = whole()
    parts = {"table": None}, {"frames": {}}
    for lost in parts:
        checks = compare(before, dataclasses.replace(before, **lost), Tolerances())
        assert exit_code(checks) == 2
    empty = dataclasses.replace(before, frames={"tau": before.frames["tau"][:0]})
    assert exit_code(compare(empty, before, Tolerances())) == 2
    assert exit_code(compare(before, empty, Tolerances())) == 2
    nothing = Baseline(Settings(table=False), before.made_by)
    with pytest.raises(UserError, match="holds nothing to compare"):
        compare(nothing, nothing, Tolerances())


def test_a_column_or_tau_of_nothing_is_not_compared():
    lost = whole(**{"cifar10.flops": lambda values: np.full_like(values, np.nan)})
    assert exit_code(compare(lost, lost, Tolerances())) == 2
    assert exit_code(compare(lost, whole(), Tolerances())) == 2
    assert exit_code(compare(whole(), lost, Tolerances())) == 1
    undefined = whole()
    undefined = dataclasses.replace(
        undefined, frames={"tau": undefined.frames["tau"].assign(tau=np.nan, lo=np.nan, hi=np.nan)}
    )
    assert exit_code(compare(undefined, undefined, Tolerances())) == 2
    assert exit_code(compare(whole(), undefined, Tolerances())) == 1


def test_the_cell_that_changed_is_named_beside_cells_that_have_no_value():
    """Of a column with NaN it once said that cell 10 had nan and has nan."""

    def some(values):
        return np.where(np.arange(len(values)) % 10, values, np.nan)

    def one(values):
        return np.where(np.arange(len(values)) == 77, values + 1, some(values))

    before, after = whole(**{"cifar10.flops": some}), whole(**{"cifar10.flops": one})
    (found,) = [c for c in compare(before, after, Tolerances()) if c.verdict == "regression"]
    old, new = (b.table.values("cifar10.flops")[77] for b in (before, after))
    assert f"cell 77 had cifar10.flops {old:.0f} and has {new:.0f}" in found.message
    gone = whole(**{"cifar10.flops": lambda v: np.where(np.arange(len(v)) == 78, np.nan, some(v))})
    (found,) = [c for c in compare(before, gone, Tolerances()) if c.verdict == "regression"]
    assert "and has nothing." in found.message


MADE = {
    "versions": {"torch": "1", "benchsuite": "1"},
    "processor": "p",
    "machine": "m",
    "code": "c",
    "extras": {"pymoo": "1"},
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"versions": {"torch": "2", "benchsuite": "1"}}, "torch 1 became 2; the code is the same"),
        ({"versions": {"benchsuite": "1"}}, "torch 1 became none"),
        ({"processor": "q"}, "The processor moved: processor p became q"),
        ({"machine": "n"}, "machine m became n"),
        ({"switches": {"OPENBLAS_CORETYPE": "Zen"}}, "OPENBLAS_CORETYPE none became Zen"),
        ({"versions": {"torch": "2"}, "code": "d"}, "the code changed as well"),
        ({"extras": {"pymoo": "2", "optuna": "1"}}, "The library moved: pymoo 1 became 2; the"),
    ],
)
def test_what_moved_with_a_library_or_processor_is_not_blamed_on_the_code(change, said):
    after = whole(**{"cifar10.flops": lambda values: values * 2})
    before = dataclasses.replace(whole(), made_by=MADE)
    after = dataclasses.replace(after, made_by={**MADE, **change})
    checks = compare(before, after, Tolerances())
    assert (outcome(checks), exit_code(checks)) == ("moved", 4)
    (found,) = [c for c in checks if c.verdict == "moved"]
    assert said in found.message
    assert "undo the change" not in found.message
    gone = dataclasses.replace(after, table=after.table.without(["cifar10.flops"]))
    assert exit_code(compare(before, gone, Tolerances())) == 1
    same = dataclasses.replace(before, made_by={**MADE, **change})
    assert exit_code(compare(before, same, Tolerances())) == 0


def test_another_version_of_this_project_is_its_code_and_no_library():
    found = since(MADE, {**MADE, "versions": {"torch": "1", "benchsuite": "2"}})
    assert not found.moved
    one_more = since(MADE, {**MADE, "extras": {"pymoo": "1", "optuna": "1"}})
    assert not one_more.moved


def test_another_library_is_named_where_nothing_moved_and_where_scores_did(saved, copied, capsys):
    made_by(versions={**provenance.versions(), "torch": "0.1"})(copied[0])
    assert call("baseline", "compare", saved[0], "--against", copied[0]) == 0
    assert ", torch " not in (text := capsys.readouterr().out)
    assert "different: torch " in text
    rows(copied[0], "scores", flipped)
    assert call("baseline", "compare", saved[0], "--against", copied[0], "--json") == 4
    result = json.loads(capsys.readouterr().out)
    assert result["verdict"] == "moved"
    assert all("became 0.1" in c["message"] for c in result["checks"] if c["verdict"] == "moved")


def test_two_processes_of_a_search_are_the_same_baseline():
    assert exit_code(compare(replayed("random", 5), replayed("random", 5), Tolerances())) == 0
