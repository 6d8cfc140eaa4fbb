"""One bad plug-in costs only itself: a sentence with its file and line, and all else is done."""

import json
import re
from pathlib import Path

import pytest
from command_line import call
from plugin_texts import ANALYTIC, REPORT, STRATEGY
from search_tables import table as made_up_table

from benchsuite import api, cli, plugins
from benchsuite.assembly import assemble
from benchsuite.errors import PluginError, PluginWarning, UserError
from benchsuite.face import searches
from benchsuite.replays import outcome, study
from benchsuite.replays.run import replay
from benchsuite.reporting import pipeline
from benchsuite.simulation.problem import prepare
from benchsuite.simulation.search import Budget
from benchsuite.simulation.setting import Setting
from benchsuite.table.table import Table

BODIES = {
    "not a mapping": ("return np.zeros(15625)", "gave a ndarray"),
    "a wrong suffix": ("return {'x': np.zeros(15625)}", r"gave \['x'\], but declares"),
    "too short": ("return {'': np.zeros(10)}", r"\(10,\)"),
    "words": ("return {'': np.array(['a'] * 15625)}", "."),
    "ragged": ("return {'': [[1], [1, 2]]}", "."),
    "None": ("return None", "gave a NoneType"),
    "a missing file": ("return {'': np.load('nowhere.npy')}", "FileNotFoundError"),
    "a key": ("return {}['x']", "KeyError: 'x'"),
    "division": ("return 1 / 0", "ZeroDivisionError"),
    "exit": ("raise SystemExit(0)", "SystemExit"),
    "recursion": ("return values(skeleton)", "RecursionError"),
    "memory": ("raise MemoryError", "MemoryError"),
    "a warning as an error": ("np.seterr(all='raise'); return {'': np.log(np.zeros(15625))}",
                              "FloatingPointError"),
}  # fmt: skip
FILES = {
    "no syntax": ("\ndef (", "line 2"),
    "no module": ("import nothing_of_the_sort", "ModuleNotFoundError.*line 1"),
    "an exit": ("import sys\nsys.exit()", "SystemExit.*line 2"),
    "no constant": ("x = 1", "sets no PROXY"),
    "another constant": ("PROXY = 3", "sets no PROXY"),
    "no source": ("from benchsuite.api import Proxy\nPROXY = Proxy(version=1)", "line 2"),
    "null bytes": ("\0", "not a Python file"),
    "no end": ("#" * ((1 << 20) + 1), "more than the 1,048,576 bytes"),
}


@pytest.mark.parametrize("kind", BODIES)
def test_an_analytic_proxy_that_fails_is_left_out_with_file_and_line(kind, write_plugin):
    body, said = BODIES[kind]
    folders = write_plugin("proxies/bad.py", ANALYTIC.format(body=body))
    with pytest.warns(PluginWarning, match=f"proxy bad.*{said}.*bad.py, line") as warned:
        names = [item.column.name for item in assemble.analytic_proxies(folders)]
    assert len(warned) == 1
    assert {"flops@1", "params@1"} <= set(names)
    assert "bad@1" not in names


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_is_no_proxy_is_left_out(kind, write_plugin):
    text, said = FILES[kind]
    folders = write_plugin("proxies/bad.py", text)
    with pytest.warns(PluginWarning, match=rf"(?s)bad.py.*{said}|{said}.*bad.py"):
        names = [plugin.name for plugin, _ in plugins.usable("proxies", folders)]
    assert "bad" not in names
    assert "flops" in names
    with pytest.raises(PluginError, match=r"bad\.py"):
        plugins.load("proxies", "bad", folders)


def test_an_interrupt_passes_through(write_plugin):
    folders = write_plugin("proxies/bad.py", ANALYTIC.format(body="raise KeyboardInterrupt"))
    with pytest.raises(KeyboardInterrupt):
        list(assemble.analytic_proxies(folders))
    folders = write_plugin("proxies/worse.py", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        plugins.load("proxies", "worse", folders)


COMBINED = '''"""Mine."""
from benchsuite.api import Proxy

PROXY = Proxy(version=1, direction="max", formula="f", source="me", cost="combined",
              needs=("flops",), combine=lambda columns: {"": columns["params"]})
'''


def test_commands_with_a_bad_proxy(write_plugin, capsys):
    write_plugin("proxies/bad.py", ANALYTIC.format(body="return {}['x']"))
    write_plugin("proxies/worse.py", COMBINED)
    folders = write_plugin(
        "proxies/good.py", ANALYTIC.format(body="return {'': np.arange(15625.0)}")
    )
    code, out, err = call(capsys, "ls", "columns", "--plugins", *folders, "--json")
    assert code == cli.LEFT_OUT
    names = {row["name"] for row in json.loads(out)["rows"]}
    assert {"good@1", "flops@1"} <= names
    assert not {"bad@1", "worse@1"} & names
    assert "Note: The proxy bad failed: KeyError: 'x' " in err
    assert "Note: The proxy worse failed: KeyError: 'params' " in err
    options = ("--plugins", *folders, "--dataset", "cifar10", "--resamples", 200)
    for name in ("bad", "worse"):
        code, out, err = call(capsys, "correlate", "--proxy", f"flops,{name}", *options)
        assert (code, out) == (2, "")
        assert f"Error: The proxy {name} failed: KeyError" in err
        assert f"{name}.py, line" in err
    code, out, _ = call(capsys, "correlate", "--proxy", "good", *options, "--json")
    assert code == cli.LEFT_OUT
    assert [row["proxy"] for row in json.loads(out)["rows"]] == ["good@1"]


SCORED = '''"""Mine."""
from benchsuite.api import Proxy


def score(passes):
    print("noise on stdout")
    {body}


PROXY = Proxy(version=1, direction="max", formula="f", source="me", cost="forward", score=score)
'''
SMALL = ("--channels=2", "--cells-per-stage=1", "--resolution=4", "--batch-size=4")


def test_scoring_with_a_bad_proxy(write_plugin, capsys):
    write_plugin("proxies/good.py", SCORED.format(body="return {'': 1.0}"))
    folders = write_plugin("proxies/bad.py", SCORED.format(body="return {}['x']"))
    options = ("--plugins", *folders, *SMALL)
    for command in (("score", 6111), ("tabulate", "--cells", 3, "--repeats", 1)):
        code, _, err = call(capsys, *command, "--proxy", "bad,good", *options)
        assert code == 2
        assert "bad.py, line 7" in err
    code, out, err = call(capsys, "score", 6111, *options, "--json")
    assert code == cli.LEFT_OUT
    scores = json.loads(out)["scores"]
    assert scores["good"] == 1
    assert "bad" not in scores
    assert len(scores) > 20
    assert "Note: bad is left out: On a small network that proxies are tried on first" in err


def test_a_proxy_that_fails_on_some_cells_misses_those_alone(write_plugin, capsys):
    fails = "passes.skeleton.resolution == 4 and passes.cell.index % 2"
    body = f"return {{'': {{}}['x'] if {fails} else 1}}"
    folders = write_plugin("proxies/some.py", SCORED.format(body=body))
    options = ("--plugins", *folders, *SMALL, "--proxy", "some,l2_norm", "--json")
    code, out, err = call(capsys, "tabulate", "--cells", 8, "--repeats", 1, *options)
    assert code == cli.LEFT_OUT
    assert "scores missing because it fails: The proxy some failed on cell" in err
    made = Table.open(Path(json.loads(out)["table"]))
    failed = [reason for reason in made.reasons("some@1") if reason.startswith("failed: ")]
    assert failed
    assert all("some.py, line 7" in reason for reason in failed)
    assert made.present("l2_norm@1") > made.present("some@1") > 0


STUDY = """schema = 1
name = "two"

[defaults]
budget = { queries = 5 }
seeds = 2

[[searches]]
strategy = "random"

[[searches]]
strategy = "bad"

[[searches]]
strategy = "worse"
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_study_goes_on_with_its_other_searches(workers, write_plugin, tmp_path):
    write_plugin("search/bad.py", STRATEGY.format(body="return {}['x']"))
    write_plugin("search/worse.py", "import nothing_of_the_sort")
    folders = write_plugin("studies/two.toml", STUDY)
    chosen = study.load(study.find("two", folders))
    found = outcome.run(
        chosen, made_up_table(), tmp_path / "two", workers=workers, plugin_folders=folders
    )
    assert set(found.runs["search"]) == {"random"}
    assert set(found.failed) == {"bad", "worse"}
    assert "failed with seed 0: KeyError: 'x' " in found.failed["bad"]
    assert "bad.py, line 14" in found.failed["bad"]
    assert "worse.py, line 1" in found.failed["worse"]
    found.write(tmp_path / "two", "a line")
    assert set(json.loads((tmp_path / "two" / "summary.json").read_text())["failed"]) == {
        "bad",
        "worse",
    }


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return [7]", r"returned \[7\]; cells are answered by search.answer.*bad.py, line 12"),
        ("yield 7", r"returned <generator .*; cells are answered by search.answer"),
        ("search.stated(5, 1.0, seconds=0)", "is named by a text, not 5"),
        ("search.stated('mine', 'high', seconds=0)", "What is stated as mine is a number"),
    ],
)
def test_what_a_strategy_gives_and_nobody_reads_is_refused(body, said, write_plugin):
    folders = write_plugin("search/bad.py", STRATEGY.format(body=body))
    with pytest.raises(UserError, match=said):
        searches.replay("bad", made_up_table(), queries=5, seeds=1, plugins=folders)


def test_a_strategy_that_did_nothing_is_no_search_without_feasible_cells(write_plugin):
    text = STRATEGY.format(body="pass").replace("search.query_one(5)", "pass")
    folders = write_plugin("search/bad.py", text)
    with pytest.raises(UserError, match="no cell was queried or answered"):
        searches.replay("bad", made_up_table(), queries=5, seeds=1, plugins=folders)


@pytest.mark.parametrize("field", ["depth: list = None", "depth: complex = 1j", "depth: int = 1.5"])
def test_parameters_that_no_study_could_hold_are_refused(field, write_plugin):
    text = STRATEGY.format(body="pass").replace('"""None."""', field)
    folders = write_plugin("search/bad.py", text)
    with pytest.raises(PluginError, match=r"The parameter depth of the strategy is .*bad.py"):
        plugins.load("strategies", "bad", folders)


def test_what_a_class_of_parameters_raises_is_a_sentence(write_plugin):
    check = "depth: int = 1\n    def __post_init__(self): assert self.depth < 5, 'too deep'"
    text = STRATEGY.format(body="pass").replace('"""None."""', check)
    folders = write_plugin("search/bad.py", text)
    with pytest.raises(PluginError, match=r"no such parameters: AssertionError: too deep .*bad.py"):
        searches.replay("bad", made_up_table(), parameters={"depth": 9}, plugins=folders)


def test_a_study_of_which_nothing_is_left_is_a_sentence(write_plugin, tmp_path):
    write_plugin("search/bad.py", STRATEGY.format(body="raise SystemExit"))
    text = STUDY.replace('"random"', '"bad"').replace('[[searches]]\nstrategy = "worse"\n', "")
    text = text.replace('strategy = "bad"', 'strategy = "bad"\nlabel = "one"', 1)
    folders = write_plugin("studies/two.toml", text)
    with pytest.raises(PluginError, match=r"Search one: .* SystemExit .*bad.py, line 14"):
        outcome.run(
            study.load(study.find("two", folders)), made_up_table(), tmp_path / "two",
            plugin_folders=folders,
        )  # fmt: skip


def test_a_strategy_meets_the_same_generators_whatever_ran_before(write_plugin):
    body = "import random; import numpy; search.answer([random.randrange(15625)])"
    folders = write_plugin("search/draws.py", STRATEGY.format(body=body))
    strategy = plugins.load("strategies", "draws", folders)
    problem = prepare(made_up_table(), Setting())
    answers = [
        replay(strategy, problem, Budget(queries=5), strategy.parameters(), seed).answer
        for seed in (0, 1, 0)
    ]
    assert answers[0] == answers[2] != answers[1]


@pytest.mark.parametrize("stem", ["../a", "a/b", "a\\b", "a\0", "", ".a", 3])
def test_a_stem_that_names_another_place_is_a_sentence(stem):
    """A table went there, and a figure ended the page in a traceback."""
    for made in ({"tables": {stem: None}}, {"figures": {stem: None}}):
        with pytest.raises(UserError, match="is no such name"):
            api.Result(**made)
    assert api.Result({"fig. 1 b": None})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return 1 / 0", "ZeroDivisionError: division by zero .*bad.py, line 7"),
        ("return 3", "made a int, not a Result .*bad.py, line 6"),
        ("return Result(tables={'bad': 3})", "cannot be written: .*bad.py"),
        ("raise SystemExit", "SystemExit .*bad.py, line 7"),
    ],
)
def test_a_report_that_fails_is_an_entry_that_says_why(body, said, write_plugin, tmp_path):
    write_plugin(
        "reports/good.py",
        REPORT.format(body="return Result(tables={'a': pd.DataFrame({'x': [1]})})"),
    )
    write_plugin("reports/worse.py", "import nothing_of_the_sort")
    folders = write_plugin("reports/bad.py", REPORT.format(body=body))
    assert {"bad", "good", "worse"} <= set(pipeline.needs(tuple(folders)))
    made_up_table().write(tmp_path / pipeline.TABLE)
    work = pipeline.Making(tmp_path, tuple(folders))
    bad, good, worse = (pipeline.make_report(work, n, {}) for n in ("bad", "good", "worse"))
    assert (bad.failed, good.failed, worse.failed) == (True, False, True)
    assert good.result is not None
    assert bad.result is None
    assert re.search(said, bad.reason)
    assert "worse.py, line 1" in worse.reason
