"""The pages of docs/ whose examples no other test runs: every command and every line of Python."""

import importlib.util
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from made_small import commands, run
from test_readme_tour import LINES as TOUR

import benchsuite as bs

ROOT = Path(__file__).parents[2]
# They have tests of their own, which need more than this.
ELSEWHERE = {
    "ask_and_tell.md": "face/test_problems.py",
    "extending.md": "contracts/test_extending.py",
    "guard_in_ci.md": "regression/test_guard_in_ci.py",
    "own_board.md": "devices/test_own_board.py",
}
PAGES = {
    path.name: path.read_text(encoding="utf-8")
    for path in sorted(ROOT.glob("docs/*.md"))
    if path.name not in ELSEWHERE
}
WITH_CODE = [
    name for name, text in PAGES.items() if re.search(r"^```(sh|python|\{run\})", text, re.M)
]


def python(text):
    return re.findall(r"^```(?:\{run\} )?python\n(.*?)^```", text, re.S | re.M)


def test_pages_of_other_tests_are_named_by_them():
    for page, test in ELSEWHERE.items():
        assert page in (ROOT / "tests" / test).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", WITH_CODE)
def test_what_a_page_shows_runs(name, tour, capsys):
    text = PAGES[name]
    if "layers.csv" in text:
        _networks(tour, text)
    names = {}
    for code in python(text):
        exec(code, names)
    plt.close("all")
    for line in dict.fromkeys(commands(text)):
        if line not in TOUR:
            assert not run(line), (line, capsys.readouterr().err)


def _networks(folder, text):
    """The files that a page names: a cell, and the list of layers that it shows."""
    for package in ("flatbuffers", "onnx", "tflite"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed (extra export)")
    (layers,) = re.findall(r"^```\n(name,operator.*?)^```", text, re.S | re.M)
    (folder / "layers.csv").write_text(layers)
    for file in ("model.tflite", "model.onnx"):
        assert not run(f"benchsuite export 6111 --cells-per-stage 1 --out {file}")


def test_the_notebook_of_the_readme_runs(tour, shipped_table):
    (code,) = python((ROOT / "README.md").read_text(encoding="utf-8"))[:1]
    assert "bs.load()" in code
    exec(code, {"my_scores": shipped_table["cifar10.flops"]})
    plt.close("all")
    assert set(re.findall(r"bs\.(\w+)\(", code)) <= set(bs.__all__)


def test_every_page_is_in_the_contents_of_the_site():
    """The builder refuses one that is not; it is no part of these tests."""
    contents = set((ROOT / "docs/index.md").read_text(encoding="utf-8").split())
    pages = {path.relative_to(ROOT / "docs").with_suffix("") for path in ROOT.glob("docs/**/*.md")}
    left = {page.as_posix() for page in pages} - contents
    assert {page for page in left if not page.startswith("examples/")} == {"index"}
