"""The README's tour: every command of its table runs, with options that make it small."""

import re
from pathlib import Path

import pytest
from made_small import OPTIONS, run

from benchsuite import cli, plugins
from benchsuite.table.table import Table

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
CELLS = [row.split("|")[1] for row in README.splitlines() if row.startswith("| `benchsuite ")]
LINES = [line for cell in CELLS for line in re.findall(r"`(benchsuite .*?)`", cell)]


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
    code = run(line)
    printed, complaints = capsys.readouterr()
    assert not code, complaints
    command = line.split()[1]
    assert printed.strip() or OPTIONS[command] is None
    if command == "tabulate":
        assert Table.open(tour / "out/proxies/proxies.parquet").columns
    if command == "export":
        assert (tour / "cell.tflite").stat().st_size > 1000


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
