"""The document on plug-ins: every file in it is written down and used as it says."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from search_tables import table as made_up_table

from benchsuite import cli, plugins
from benchsuite.api import Device, Proxy, Report, Strategy
from benchsuite.devices._footprint.columns import of_runtime
from benchsuite.devices._latency.latency import all_latencies
from benchsuite.replays.run import replay
from benchsuite.reporting import artefacts
from benchsuite.simulation.problem import prepare
from benchsuite.simulation.search import Budget
from benchsuite.simulation.setting import Setting
from benchsuite.space.network import OFFICIAL
from benchsuite.table.table import Table

TEXT = (Path(__file__).parents[2] / "docs" / "extending.md").read_text()
FILES = dict(re.findall(r"^`mine/(\w+/\w+\.py)`:\n\n```python\n(.*?)```", TEXT, re.S | re.M))
COMMANDS = re.findall(r"^benchsuite .*$", TEXT, re.M)
SMALL = "--channels 2 --cells-per-stage 1 --resolution 4 --batch-size 4 --images gaussian"


@pytest.fixture
def mine(write_plugin):
    """The folder of the document's plug-ins."""
    (folders,) = {tuple(write_plugin(name, text)) for name, text in FILES.items()}
    return folders


def call(line, capsys, *more):
    """Run one line of the document, with more options; return what it printed."""
    capsys.readouterr()
    cli.main([*shlex.split(line)[1:], *more])
    return capsys.readouterr().out


def line(start):
    (found,) = [command for command in COMMANDS if command.startswith(f"benchsuite {start}")]
    return found


def test_the_document_has_one_of_each_kind():
    assert sorted(name.partition("/")[0] for name in FILES) == [
        "devices",
        "proxies",
        "reports",
        "search",
    ]
    assert len(COMMANDS) == 6


def test_the_proxy(mine, capsys):
    assert isinstance(plugins.load("proxies", "logit_spread", mine), Proxy)
    small = shlex.split(SMALL)
    scored = json.loads(call(line("score"), capsys, *small, "--json"))
    assert set(scored["scores"]) == {"logit_spread", "naswot"}
    assert scored["scores"]["logit_spread"] > 0
    call(line("tabulate"), capsys, *small, "--cells", "12", "--repeats", "1")
    table = Table.open(Path("out/spread/proxies.parquet"))
    assert table.present("logit_spread@1") >= 10
    options = ["--cells", "all", "--dataset", "cifar10", "--resamples", "200", "--json"]
    (row,) = json.loads(call(line("correlate"), capsys, *options))["rows"]
    assert row["proxy"] == "logit_spread@1"
    assert row["n"] == table.present("logit_spread@1")


def test_the_device(mine, capsys):
    device = plugins.load("devices", "stm32l496", mine)
    assert isinstance(device, Device)
    assert "STM32L496: Cortex-M4 at 80 MHz" in call(line("ls devices"), capsys)
    near = plugins.load("devices", "stm32l432")
    one, other = (all_latencies(OFFICIAL["cifar10"], d, "own") for d in (device, near))
    assert one.shape == (15_625,)
    ratio = one[one > 0] / other[one > 0]
    assert len(ratio) >= 15_284
    assert ratio == pytest.approx(1, rel=1e-12)  # the same core and clock
    found = of_runtime("stm32l496", device, "own", "cifar10", "official")
    columns = {values.column.name: values for values in found}
    end = "stm32l496.own.cifar10.official"
    assert set(columns) == {f"latency.{end}", f"fits.{end}"}
    assert np.nansum(columns[f"fits.{end}"].values) > 0


def test_the_strategy(mine, capsys):
    strategy = plugins.load("strategies", "hill_climbing", mine)
    assert isinstance(strategy, Strategy)
    problem = prepare(made_up_table(), Setting())
    budget, parameters = Budget(queries=80), strategy.parameters()
    one, two = (replay(strategy, problem, budget, parameters, 5) for _ in "ab")
    assert one.queries == 80
    assert one.answer == two.answer
    assert one.answer[0] == one.trace.best[-1]
    printed = json.loads(call(line("replay"), capsys, "--seeds", "2", "--json"))
    assert printed["provenance"]["parameters"] == {"patience": 10}
    assert [run["queries"] for run in printed["runs"]] == [100, 100]


def test_the_report(mine, tmp_path):
    report = plugins.load("reports", "deep_cells", mine)
    assert isinstance(report, Report)
    folders = [tmp_path / "a", tmp_path / "b"]
    written = [artefacts.write(report.make(made_up_table()), f, "a line") for f in folders]
    assert [path.suffix for path in written[0]] == [".csv", ".json", ".md", ".tex"]
    for one, two in zip(*written, strict=True):
        assert one.read_bytes() == two.read_bytes()
    assert "deep_cells" in plugins.find("reports", mine)
