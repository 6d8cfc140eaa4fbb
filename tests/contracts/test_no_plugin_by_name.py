"""The engine knows no plug-in by name: what it says of one comes from the plug-in's constant."""

import ast
from pathlib import Path

import benchsuite
from benchsuite import plugins

ROOT = Path(benchsuite.__file__).parent
NOT_ENGINE = ("proxies", "devices", "reports", "search", "sources")  # sources: others' names
# Words that name something else too, and where they do.
ALSO = {
    "flops": "a cost of a network, and an output of other people's",
    "params": "a cost of a network; what an option of `replay` is called in code",
    "convs": "a feature of a cell",
    "strategies": "a kind of plug-in",
}
ALLOWED = {
    # The key of an analysis in the footer of the shipped table of devices.
    ("cli/commands/devices.py", "monas_deployment"),
}


def strings(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_no_string_of_the_engine_is_the_name_of_a_plug_in():
    names = {name for kind in plugins.KINDS for name in plugins.find(kind)} - ALSO.keys()
    assert {"naswot", "stm32f746", "correlations", "rea"} <= names
    files = [
        path for path in ROOT.rglob("*.py") if path.relative_to(ROOT).parts[0] not in NOT_ENGINE
    ]
    assert len(files) > 100
    known = {
        (path.relative_to(ROOT).as_posix(), text)
        for path in files
        for text in strings(path)
        if text.removeprefix("study ").partition("@")[0] in names
    }
    assert known <= ALLOWED
