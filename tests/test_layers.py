"""Which module may import which: the imports are parsed and compared with the architecture."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("benchsuite", "proxies", "devices", "reports")
COMPILED = ("_contraction.py", "_elementary.py", "_fenwick.py")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def imported(path, *, lazily=True):
    """Names of the modules that a file imports; without `lazily` only those imported with it."""
    tree = ast.parse(path.read_text())
    skip = set()
    for node in ast.walk(tree):
        inside_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not lazily
        type_checking = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if inside_function or type_checking:
            skip |= set(ast.walk(node))
    found = set()
    for node in ast.walk(tree):
        if node in skip:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def uses(modules, name):
    return any(module == name or module.startswith(f"{name}.") for module in modules)


def test_the_parser_sees_imports():
    assert uses(imported(ROOT / "benchsuite/table.py"), "benchsuite.columns")
    assert not uses(imported(ROOT / "benchsuite/table.py"), "pandas")
    assert uses(imported(ROOT / "benchsuite/show.py"), "rich")
    assert not uses(imported(ROOT / "benchsuite/show.py", lazily=False), "rich")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_directions(path):
    package = path.relative_to(ROOT).parts[0]
    everything = imported(path)
    for other in set(PACKAGES) - {package, "benchsuite"}:
        assert not uses(everything, other), "plug-in packages are reached by name only"
    if package == "benchsuite":
        eager = imported(path, lazily=False)
        for heavy in ("torch", "matplotlib", "numba", "sklearn"):
            lazy_module = path.name in COMPILED or path.name == "estimate.py"
            assert lazy_module or not uses(eager, heavy), f"{heavy} is imported with the module"


PURE = {
    "cell": {"errors"},
    "network": {"cell", "errors"},
    "deploy": {"cell", "network"},
    "cost": {"cell", "deploy", "network"},
    "equivalence": {"cell"},
    "columns": {"errors"},
    "arrays": {"cell", "errors"},
    "table": {"arrays", "cell", "columns", "errors", "ties"},
    "ties": set(),
    "arithmetic": {"_elementary"},
    "stats": {"errors", "_bootstrap", "_ceiling", "_correlation", "_fenwick"},
}


@pytest.mark.parametrize("module", PURE)
def test_the_core_knows_only_what_lies_below(module):
    own = {
        name.split(".")[1]
        for name in imported(ROOT / f"benchsuite/{module}.py")
        if name.startswith("benchsuite.")
    }
    assert own <= PURE[module]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_short(path):
    assert len(path.read_text().splitlines()) <= 400
