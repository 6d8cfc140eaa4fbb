"""Plug-ins: a file in a folder is found, described without import, loaded, and judged kindly."""

import subprocess
import sys
from importlib.metadata import EntryPoint

import numpy as np
import pytest

from benchsuite import plugins
from benchsuite.api import Proxy
from benchsuite.errors import PluginError, PluginWarning, UserError
from benchsuite.replays import study
from benchsuite.space.network import Skeleton

MINE = '''"""Counts nothing at all.

More words.
"""
import numpy as np
from benchsuite.api import Proxy

PROXY = Proxy(
    version=3, direction="max", formula="0", source="me", cost="analytic",
    all_cells=lambda skeleton: {"": np.zeros(15625)},
)
'''


@pytest.fixture
def mine(tmp_path):
    (tmp_path / "proxies").mkdir()
    (tmp_path / "proxies" / "mine.py").write_text(MINE)
    return tmp_path


def test_own_folders_are_searched(mine):
    found = plugins.find("proxies", [mine])
    assert found["mine"].description == "Counts nothing at all."
    assert {"flops", "params"} <= set(found)
    proxy = plugins.load("proxies", "mine", [mine])
    assert not proxy.all_cells(Skeleton())[""].any()
    assert proxy.columns("mine", "d")[""].name == "mine@3"


def test_listing_imports_nothing(mine):
    (mine / "proxies" / "mine.py").write_text('"""Breaks."""\nraise SystemError')
    assert plugins.find("proxies", [mine])["mine"].description == "Breaks."
    with pytest.raises(UserError, match="SystemError"):
        plugins.load("proxies", "mine", [mine])


def test_listing_all_proxies_needs_no_torch():
    code = (
        "import sys; from benchsuite import plugins; "
        "[plugins.find(kind) for kind in plugins.KINDS]; "
        "assert not {'torch', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("PROXY = 1", "sets no PROXY"),
        ('"""Nothing."""', "sets no PROXY"),
        ("import nothing_of_the_sort", "does not import"),
    ],
)
def test_files_that_are_no_plugin(mine, text, hint):
    (mine / "proxies" / "mine.py").write_text(text)
    with pytest.raises(UserError, match=hint):
        plugins.load("proxies", "mine", [mine])


def test_files_that_are_not_python(mine):
    """Such a file is found, and costs itself alone."""
    (mine / "proxies" / "mine.py").write_text("\n\ndef (")
    found = plugins.find("proxies", [mine])
    assert "flops" in found
    assert "mine.py, line 3" in found["mine"].error
    with pytest.raises(PluginError, match="not a Python file"):
        plugins.load("proxies", "mine", [mine])
    with pytest.warns(PluginWarning, match="mine is left out of the proxies: .*mine.py, line 3"):
        assert "mine" not in {plugin.name for plugin, _ in plugins.usable("proxies", [mine])}


def test_two_files_of_one_name(mine):
    (mine / "proxies" / "flops.py").write_text(MINE)
    with pytest.raises(UserError, match="Two files claim"):
        plugins.find("proxies", [mine])


def test_a_folder_that_is_given_twice_is_one(mine, monkeypatch):
    monkeypatch.chdir(mine.parent)
    (mine.parent / "link").symlink_to(mine)
    names = [mine, mine / "." / "proxies" / "..", mine.parent / "link"]
    assert plugins.roots([*names, mine.relative_to(mine.parent)]) == [mine]
    assert "mine" in plugins.find("proxies", names)


@pytest.mark.parametrize("name", [".#mine.py", "._mine.py"])
def test_what_editors_and_file_managers_hide_is_no_plug_in(mine, name):
    (mine / "proxies" / name).symlink_to("somebody@here.123")
    (mine / "studies").mkdir()
    (mine / "studies" / name.replace(".py", ".toml")).touch()
    assert not [name for name in plugins.find("proxies", [mine]) if name.startswith(".")]
    assert not [name for name in study.named_files([mine]) if name.startswith(".")]


@pytest.mark.parametrize("changed", ["mine.py", "_shared.py"])
def test_a_file_that_changed_since_it_was_imported_is_imported_anew(mine, changed):
    text = MINE.replace("version=3", "version=3 + _shared.ONE")
    (mine / "proxies/_shared.py").write_text("ONE = 1\n")
    (mine / "proxies/mine.py").write_text(f"from . import _shared\n{text}")
    first = plugins.load("proxies", "mine", [mine])
    (mine / "proxies/_new.py").touch()
    assert plugins.load("proxies", "mine", [mine]) is first
    file = mine / "proxies" / changed
    file.write_text(file.read_text().replace("version=3", "version=10").replace("= 1", "= 4 + 4"))
    assert (first.version, plugins.load("proxies", "mine", [mine]).version) == (4, 11)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("notthere.sub", "ModuleNotFoundError: No module named 'notthere'"),
        ("breaks.sub", "RuntimeError: no"),
        ("json:dumps", "it names no package"),
        ("string", "it names no package"),
    ],
)
def test_an_entry_point_that_names_no_package_is_left_out_and_said(
    tmp_path, monkeypatch, value, why
):
    (tmp_path / "breaks/sub").mkdir(parents=True)
    (tmp_path / "breaks/__init__.py").write_text("raise RuntimeError('no')")
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("it", value, "benchsuite.plugins")
    monkeypatch.setattr(plugins, "entry_points", lambda group: [point])
    with pytest.warns(PluginWarning, match=rf"entry point it = {value}, are left out: {why}"):
        assert "flops" in plugins.find("proxies")


def test_unknown_names_are_answered_with_near_ones():
    with pytest.raises(UserError, match="Did you mean flops"):
        plugins.load("proxies", "flop")


def test_a_folder_without_plugins(tmp_path):
    with pytest.raises(UserError, match="holds no plug-ins"):
        plugins.find("proxies", [tmp_path])


def test_studies_alone_are_plug_ins_and_an_installed_package_may_bring_some(tmp_path, monkeypatch):
    (tmp_path / "mine/studies").mkdir(parents=True)
    (tmp_path / "mine/studies/own.toml").touch()
    assert "flops" in plugins.find("proxies", [tmp_path / "mine"])
    assert "own" in study.named_files([tmp_path / "mine"])
    with pytest.raises(UserError, match=r"holds no plug-ins: .*devices, .*search, studies"):
        study.named_files([tmp_path])
    (tmp_path / "mine/__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("it", "mine", "benchsuite.plugins")
    monkeypatch.setattr(plugins, "entry_points", lambda group: [point])
    assert study.find("own") == tmp_path / "mine/studies/own.toml"


def test_a_proxy_is_computed_in_one_way():
    with pytest.raises(UserError, match="exactly one"):
        Proxy(version=1, direction="max", formula="", source="", cost="analytic")
    with pytest.raises(UserError, match="exactly one"):
        Proxy(
            version=1,
            direction="max",
            formula="",
            source="",
            cost="analytic",
            all_cells=lambda skeleton: {"": np.zeros(1)},
            score=lambda passes: {"": 0.0},
        )


def test_an_output_can_point_the_other_way():
    facts = {"version": 1, "direction": "min", "formula": "", "source": "", "cost": "forward"}
    outputs = {"k": "condition", "trace": "trace"}
    proxy = Proxy(**facts, outputs=outputs, opposite=("trace",), score=lambda passes: {})
    columns = proxy.columns("ntk", "")
    assert (columns["k"].direction, columns["trace"].direction) == ("min", "max")
    with pytest.raises(UserError, match="no output 'tarce'"):
        Proxy(**facts, outputs=outputs, opposite=("tarce",), score=lambda passes: {})
