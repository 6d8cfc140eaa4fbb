"""The README's tour: every command of its table runs, with options that make it small."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest
import threads as in_threads

from benchsuite import cli, plugins
from benchsuite.assembly import whole as kept
from benchsuite.parallel import pool
from benchsuite.table.table import Table

README = (Path(__file__).parents[2] / "README.md").read_text()
CELLS = [row.split("|")[1] for row in README.splitlines() if row.startswith("| `benchsuite ")]
LINES = [line for cell in CELLS for line in re.findall(r"`(benchsuite .*?)`", cell)]
SMALL = "--channels 2 --cells-per-stage 1 --resolution 4 --batch-size 4 --images gaussian"
STUDY = """schema = 1
name = "few"
[[searches]]
strategy = "random"
seeds = 3
budget = { queries = 5 }
"""
# What makes a command quick; `None` where `--help` has to do, as it needs a network or minutes.
OPTIONS = {
    "correlate": "--resamples 200 --dataset cifar10",
    "score": SMALL,
    "tabulate": f"{SMALL} --proxy l2_norm --cells 3 --repeats 1",
    "replay": "--seeds 2",
    "baseline": None,
    "export-api": None,
    "profile": None,
    "fetch": None,
    "run": None,
}
NEEDS = {"export": ("flatbuffers", "tflite")}


@pytest.fixture
def tour(shipped_table, only_what_ships, monkeypatch):
    """A folder to run in, the table made once, threads in place of worker processes."""
    monkeypatch.setattr(kept, "whole_table", lambda *_, **__: shipped_table)
    monkeypatch.setattr(pool, "processes", in_threads.threads)
    (only_what_ships / "FILE.toml").write_text(STUDY)
    rows = ((1835, 150), (186, 114), (4317, 206), (3043, 124), (1462, 686), (6960, 205))
    lines = ["cell,milliseconds", *(f"{cell},{ms}" for cell, ms in rows)]
    (only_what_ships / "my.csv").write_text("\n".join(lines))
    scores = ["index,mine", *(f"{cell},{cell % 7}" for cell in range(0, 15_625, 100))]
    (only_what_ships / "mine.csv").write_text("\n".join(scores))
    return only_what_ships


def test_the_tour_has_every_command():
    commands = {
        path.stem.replace("_", "-")
        for path in (Path(cli.__file__).parent / "commands").glob("[!_]*.py")
    }
    shown = {line.split()[1] for line in LINES}
    assert shown <= commands
    assert len(LINES) >= 12


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_the_tour(line, tour, capsys):
    args = shlex.split(line)[1:]
    if any(importlib.util.find_spec(package) is None for package in NEEDS.get(args[0], ())):
        pytest.skip(f"{args[0]} needs its extra")
    options = OPTIONS.get(args[0], "")
    more = ["--help"] if options is None else shlex.split(options)
    code = _exit_code([*args, *more])
    printed, complaints = capsys.readouterr()
    assert not code, complaints
    assert printed.strip()
    if args[0] == "tabulate":
        assert Table.open(tour / "out/proxies/proxies.parquet").columns
    if args[0] == "export":
        assert (tour / "cell.tflite").stat().st_size > 1000


def _exit_code(args):
    try:
        cli.main(args)
    except SystemExit as stop:
        return stop.code
    return 0


def test_the_readmes_own_proxy(tour, capsys):
    """The plug-in of the README is judged by the README's command."""
    name, text = re.search(r"write `mine/(\S+)`:\n\n```python\n(.*?)```", README, re.S).groups()
    path = tour / "mine" / name
    path.parent.mkdir(parents=True)
    path.write_text(text)
    values = plugins.load("proxies", "foo", [tour / "mine"]).all_cells(None)[""]
    assert values.shape == (15_625,)
    assert sorted(set(values.tolist())) == [n**2 for n in range(7)]
    assert "benchsuite correlate --plugins mine --proxy foo,flops" in README
