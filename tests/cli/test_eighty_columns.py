"""What every command prints for people fits 80 columns, and what its help shows can be typed."""

import shlex
from types import SimpleNamespace
from typing import get_args

import click
import pytest
from command_line import call, readable
from page_parts import entries

from benchsuite import cli
from benchsuite.assembly.whole import whole_table
from benchsuite.cli.commands import profile, run
from benchsuite.devices._footprint import columns
from benchsuite.devices._validation import monas_deployment
from benchsuite.regression import measure, output
from benchsuite.regression.check import Check, Verdict
from benchsuite.sources import _fetch
from benchsuite.terminal import say, spoken, wrapped

pytestmark = pytest.mark.usefixtures("only_what_ships")
TINY = "--channels 4 --cells-per-stage 1 --resolution 8"
SCORED = f"{TINY} --batch-size 4"
# Every command, quickly.
QUICK = {
    "baseline save": "baseline save one/",
    "best": "best --device stm32l432 --latency 200ms --ram 48k --top 2",
    "cell": "cell 6111",
    "correlate": "correlate --proxy flops,naswot --dataset cifar10 --cells all --resamples 200",
    "devices calibrate": "devices calibrate mine.csv --device stm32f746 --runtime own "
    "--out mine/devices/my_very_own_board.py",
    "devices check": "devices check mine.csv",
    "devices estimate": "devices estimate resnet8 --device stm32l4r5",
    "devices tabulate": "devices tabulate --out parts.parquet",
    "export": f"export 6111 {TINY} --out cell.onnx",
    "export-api": "export-api hw --out hw",
    "fetch": "fetch",
    "ls": "ls columns",
    "profile": "profile stm32f746",
    "replay": "replay random --device stm32f746 --bound flops=1e8 --seeds 5 --budget-queries 9",
    "report": "report flops_latency",
    "score": f"score 6111 --proxy l2_norm,naswot {SCORED}",
    "study": "study few.toml",
    "table": "table",
    "tabulate": f"tabulate --proxy l2_norm --cells 2 {SCORED} --repeats 1",
}
MORE = [
    "cell hpo:330010 --all",
    "cell 6111 --layers --device stm32l4r5 --runtime x_cube_ai",
    "devices check",
    "ls proxies",
    "ls devices",
    "ls strategies",
    "ls reports",
    "ls studies",
    "replay oracle --device stm32l432 --runtime x_cube_ai --bound latency=0.2 --seeds 1",
]


def leaves(command, name=()):
    if not isinstance(command, click.Group):
        return {" ".join(name): command}
    context = click.Context(command)
    found = {}
    for each in command.list_commands(context):
        found |= leaves(command.get_command(context, each), (*name, each))
    return found


LEAVES = leaves(cli._root)
GROUPS = ["", "baseline", "devices"]


@pytest.fixture
def files(only_what_ships):
    """What the commands take: measured rows, a study, plug-ins."""
    (only_what_ships / "few.toml").write_text(
        'schema = 1\nname = "few"\n[[searches]]\nstrategy = "random"\nseeds = 2\n'
        "budget = { queries = 3 }\n"
    )
    rows = "device,runtime,model,ms\nstm32f746,own,6111,1700\nstm32f746,own,9930,1900\n"
    (only_what_ships / "mine.csv").write_text(rows)
    for folder in ("mine/devices", "my_folder/proxies", "my-plugins/proxies"):
        (only_what_ships / folder).mkdir(parents=True)
    return only_what_ships


@pytest.fixture
def slow_parts(monkeypatch):
    """Let what takes minutes or the network be done already."""
    kept = SimpleNamespace(save=lambda where, replace: where.mkdir(), made_by={})
    monkeypatch.setattr(measure, "measure", lambda *_, **__: kept)
    made = profile._Made("own-cortex-m7", "a,b\n", 1234)
    monkeypatch.setattr(profile, "_emulate", lambda *_: made)
    monkeypatch.setattr(_fetch, "fetch", lambda *_, **__: None)
    monkeypatch.setattr(columns, "columns", lambda *_: iter(()))
    monkeypatch.setattr(monas_deployment, "analysis", dict)
    for name in ("fit_counts", "extrapolations"):
        monkeypatch.setattr(columns, name, lambda *_: {})


def test_every_command_is_looked_at():
    assert set(QUICK) | {"baseline compare", "run", "sizes"} == set(LEAVES)


@pytest.mark.parametrize("name", QUICK)
def test_what_a_command_prints_fits_a_terminal(files, slow_parts, capsys, name):
    code, out, err = call(capsys, *QUICK[name].split())
    assert code == 0, err
    assert out


@pytest.mark.parametrize("command", MORE)
def test_other_things_it_prints_fit_too(capsys, command):
    code, out, err = call(capsys, *command.split())
    assert code == 0, err
    assert out


def test_a_comparison_fits_and_says_all_that_is_not_equal():
    message = "Kendall tau 0.5123 was 0.6123; " * 5
    checks = [Check("tau", f"cifar10.{v}", v, message) for v in get_args(Verdict)]
    text = output.text(checks, {"before (one/)": "a revision " * 9, "different": "torch"})
    readable(text)
    assert "6 comparisons: 1 regressions" in text
    assert text.index("regression: tau") < text.index("within: tau")
    assert "same: tau" not in text


def test_the_end_of_a_run_fits(tmp_path, capsys):
    run._print(whole_table(), entries(tmp_path))
    run._say_made(whole_table(), entries(tmp_path))
    readable(capsys.readouterr().out)


@pytest.mark.parametrize("name", [*LEAVES, *GROUPS])
def test_help_fits_and_its_examples_can_be_typed(files, capsys, name):
    code, out, _ = call(capsys, *name.split(), "--help")
    assert code == 0
    lines = out.partition("Examples:\n")[2].replace("\\\n", "").splitlines()
    assert lines
    for line in lines:
        words = [
            word
            for word in shlex.split(line, comments=True)
            if not word.startswith("BENCHSUITE_DATA=")
        ]
        if words[0] == "python":
            continue
        assert words.pop(0) == "benchsuite", line
        depth = 2 if words[0] in GROUPS else 1
        command = LEAVES[" ".join(words[:depth])]
        for place, word in enumerate(words):
            if words[place - 1] == "--scores":
                (files / word).write_text("index,mine\n6111,1\n")
        command.make_context(words[0], words[depth:])


def test_numbers_and_sentences_on_a_terminal(capsys, monkeypatch):
    assert spoken("`a b` and `c 'd'`") == "'a b' and c 'd'"
    assert max(map(len, wrapped("`word` " * 40))) <= 80
    say("Error: " + "a long sentence " * 9)
    assert len(capsys.readouterr().err.splitlines()) == 1
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    say("Error: " + "a long sentence " * 9 + "\nwith `code`")
    said = capsys.readouterr().err
    assert max(map(len, said.splitlines())) <= 80
    assert said.endswith("with 'code'\n")
