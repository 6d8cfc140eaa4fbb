"""Contracts that cannot be are refused where they are written; nothing of a plug-in gets lost."""

import subprocess
import sys

import numpy as np
import pytest
from command_line import call
from plugin_texts import ANALYTIC, REPORT, STRATEGY

from benchsuite import cli, plugins
from benchsuite.api import Proxy, Report, Strategy
from benchsuite.assembly import assemble
from benchsuite.errors import PluginError, UserError
from benchsuite.space.network import Skeleton

OK = {"version": 1, "direction": "max", "formula": "f", "source": "me", "cost": "analytic"}


def analytic(**changed):
    return Proxy(**{**OK, "all_cells": lambda skeleton: {"": np.zeros(15625)}, **changed})


def test_ls_finds_contracts_that_are_refused(write_plugin, capsys):
    text = ANALYTIC.format(body="return {'': np.zeros(15625)}")
    write_plugin("proxies/capital.py", text.replace('"analytic"', '"Analytic"'))
    write_plugin("proxies/higher.py", text.replace('"max"', '"higher"'))
    write_plugin("proxies/costless.py", text.replace(' cost="analytic",', ""))
    write_plugin(
        "reports/lost.py",
        REPORT.format(body="return 1").replace("make=make", "make=make, studies=('baselinse',)"),
    )
    folders = write_plugin("search/loose.py", STRATEGY.format(body="").replace("(frozen=True)", ""))
    for kind, said in (
        ("proxies", ["Did you mean analytic?", "one of max, min; it is 'higher'", "'cost'"]),
        ("reports", ["Did you mean baselines"]),
        ("strategies", ["frozen dataclass"]),
    ):
        code, _, err = call(capsys, "ls", kind, "--plugins", *folders)
        assert code == cli.LEFT_OUT
        for one in said:
            assert one in err
    code, out, _ = call(capsys, "ls", "devices", "--plugins", *folders)
    assert code == 0
    assert "cannot be used" not in out


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"version": "1"}, "version of a proxy is a whole number from 1 on, not '1'"),
        ({"version": True}, "version"),
        ({"version": 0}, "version"),
        ({"direction": "none"}, "one of max, min"),
        ({"direction": "Max"}, "Did you mean max"),
        ({"cost": "Analytic"}, "Did you mean analytic"),
        ({"cost": "forward"}, "has the cost 'analytic', not 'forward'"),
        ({"outputs": ("a", "b")}, "outputs of a proxy map"),
        ({"outputs": {}}, "outputs of a proxy map"),
        ({"outputs": {"k.2": "x"}}, "suffix 'k.2'"),
        ({"outputs": {"k2": 3}}, "is a text"),
        ({"details": "k2"}, "details of a proxy are a tuple"),
        ({"formula": None}, "formula of a proxy is a text"),
        ({"all_cells": 3}, "all_cells of a proxy is a function"),
        ({"all_cells": None, "combine": print, "cost": "combined"}, "in needs"),
    ],
)
def test_contracts_of_proxies(changed, said):
    with pytest.raises(UserError, match=said):
        analytic(**changed)


def test_contracts_of_reports_and_strategies():
    for changed, said in (
        ({"group": " "}, "name of a paper"),
        ({"studies": "baselines"}, "tuple of names"),
        ({"make": 3}, "is a function"),
        ({"title": None}, "is a text"),
    ):
        with pytest.raises(UserError, match=said):
            Report(**{"title": "T", "answers": "A", "make": print, **changed})
    for parameters in (dict, {}, Skeleton(), type("No", (), {})):
        with pytest.raises(UserError, match="frozen dataclass"):
            Strategy(1, "me", print, parameters)
    with pytest.raises(UserError, match="version"):
        Strategy(1.5, "me", print, Skeleton)


UNUSUAL = {
    "a variable": 'PROXY = Proxy(cost=kind, **facts)',
    "positions": 'PROXY = Proxy(1, "max", "f", "me", kind, all_cells=values)',
    "a helper": 'PROXY = made()',
    "twice": 'PROXY = Proxy(cost="forward", score=print, **other)\nPROXY = made()',
    "annotated": 'PROXY: Proxy = made()',
    "replaced": 'BASE = made()\nPROXY = replace(BASE, source="you")',
}  # fmt: skip


@pytest.mark.parametrize("way", UNUSUAL)
def test_a_constant_that_is_written_unusually_is_not_lost(way, write_plugin):
    text = ANALYTIC.format(body="return {'': np.zeros(15625)}").partition("PROXY = ")[0]
    text += (
        "from dataclasses import replace\nkind = 'analytic'\n"
        "other = dict(version=1, direction='max', formula='f', source='me')\n"
        "facts = dict(other, all_cells=values)\n"
        "def made():\n    return Proxy(cost=kind, **facts)\n\n"
    )
    folders = write_plugin("proxies/odd.py", text + UNUSUAL[way])
    names = [item.column.name for item in assemble.analytic_proxies(folders)]
    assert "odd@1" in names


@pytest.mark.parametrize("statement", ["from . import _shared", "import _shared"])
def test_helpers_beside_a_plugin(statement, tmp_path):
    """Two folders have a helper of one name; neither sees that of the other, nor the process."""
    folders = []
    for name in ("one", "two"):
        folder = tmp_path / name / "proxies"
        folder.mkdir(parents=True)
        (folder / "_shared.py").write_text(f"NAME = {name!r}\n\ndef fails():\n    return 1 / 0\n")
        text = ANALYTIC.format(body="return _shared.fails()").replace(
            'formula="f"', "formula=_shared.NAME"
        )
        (folder / f"{name}.py").write_text(text.replace("import torch", statement))
        folders.append(tmp_path / name)
    before = list(sys.path)
    assert [plugins.load("proxies", f.name, folders).formula for f in folders] == ["one", "two"]
    assert sys.path == before
    assert "_shared" not in sys.modules
    with pytest.raises(PluginError, match=r"two/proxies/_shared.py, line 4"):
        assemble.proxy_values("two", plugins.load("proxies", "two", folders), None)


def test_what_a_file_sets_when_imported_is_taken_back(write_plugin):
    text = "import os, warnings, torch\ntorch.set_default_dtype(torch.float64)\n"
    text += "torch.set_num_threads(7)\nwarnings.simplefilter('error')\nos.environ['A_TEST'] = '1'\n"
    folders = write_plugin("proxies/rude.py", text + ANALYTIC.format(body="return 1"))
    code = (
        "import os, sys, warnings\nfrom pathlib import Path\nfrom benchsuite import plugins\n"
        f"{{first}}\nplugins.load('proxies', 'rude', [Path({str(folders[0])!r})])\n"
        "import torch\nprint(torch.get_default_dtype(), 'A_TEST' in os.environ, "
        "warnings.filters[0][0] == 'error')"
    )
    for first in ("", "import torch"):
        done = subprocess.run(
            [sys.executable, "-c", code.format(first=first)], capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.stdout.split() == ["torch.float32", "False", "False"], done.stderr
