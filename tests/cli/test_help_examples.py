"""The lines that helps end with run: the quick ones, made small, with what they need."""

import pytest
from attacked_tables import attacked
from command_line import call
from made_small import run
from test_eighty_columns import LEAVES

from benchsuite import plugins
from benchsuite.face import tables
from benchsuite.replays.study import named_files

SLOW = {"all", "--combine"}
FETCHED = "# after fetch"
# The others need minutes, a network, a GPU or a cluster; that they can be typed is tested beside.
QUICK = (
    *("best", "cell", "correlate", "devices check", "devices estimate", "ls", "replay", "score"),
    *("table", "export"),
)
PLUGIN = '''"""Convolutions squared."""

from benchsuite.api import Proxy
from benchsuite.space.cell import all_ops

PROXY = Proxy(
    version=1,
    direction="max",
    formula="(live 3x3 and 1x1 convolutions) ^ 2",
    source="a test",
    {how},
)
'''
WAYS = {
    "my-plugins": 'cost="analytic", all_cells=lambda _: {"": (all_ops() >= 2).sum(1) ** 2.0}',
    "my_folder": 'cost="forward", score=lambda passes: {"": float(passes.tape.logits.std())}',
}
NAMED = {"--proxy": "proxies", "--device": "devices", "replay": "strategies", "report": "reports"}


def lines(capsys, name):
    """The examples of a command, without those that its neighbours answer."""
    _, out, _ = call(capsys, *name.split(), "--help")
    shown = out.partition("Examples:\n")[2].replace("\\\n", "").splitlines()
    return [line.strip() for line in shown if line.strip().startswith(f"benchsuite {name}")]


@pytest.mark.parametrize("name", QUICK)
def test_examples_of_a_help_run(name, tour, shipped_table, write_mine, monkeypatch, capsys):
    assert name in LEAVES
    there = attacked(shipped_table)
    for line in (line for line in lines(capsys, name) if not SLOW & set(line.split())):
        with monkeypatch.context() as patch:
            if FETCHED in line:
                patch.setattr(tables, "whole_table", lambda *_, **__: there)
            assert not run(line), (line, capsys.readouterr().err)


@pytest.mark.parametrize("name", LEAVES)
def test_what_examples_name_is_there(name, only_what_ships, capsys):
    mine = {"mine", "my_board", "my_core", "cuda", "all"}
    for line in lines(capsys, name):
        words = line.split()
        for before, kind in NAMED.items():
            for place in [at for at, word in enumerate(words) if word == before]:
                assert set(words[place + 1].split(",")) <= {*plugins.find(kind), *mine}, line
        if "--only" in words:
            assert set(words[words.index("--only") + 1].split(",")) <= set(plugins.find("reports"))
        if words[1] == "study" and not words[2].endswith(".toml"):
            assert words[2] in named_files(), line


@pytest.fixture
def write_mine(tour):
    """The plug-ins, networks and rows that examples name."""
    for folder, how in WAYS.items():
        path = tour / folder / "proxies" / "mine.py"
        path.parent.mkdir(parents=True)
        path.write_text(PLUGIN.replace("{how}", how))
    assert not run("benchsuite export 6111 --cells-per-stage 1 --out model.tflite")
    (tour / "rows.csv").write_text("device,runtime,model,ms\nstm32f746,own,6111,1700\n")
