"""Which module may import which, and when: the contracts in pyproject.toml, and what they omit."""

import ast
import pkgutil
import re
from functools import cache
from pathlib import Path

import pytest
from importlinter.api import use_cases

ROOT = Path(__file__).parents[1]
PACKAGES = ("benchsuite", "proxies", "devices", "reports")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in FILES]

HEAVY = {"torch", "matplotlib", "numba", "sklearn", "optuna", "pymoo"}
IMPORTED_LAZILY = {
    "benchsuite.numerics.compiled",
    "benchsuite.numerics.elementary",
    "benchsuite.reporting.preloaded",
    "benchsuite.space.contraction",
    "benchsuite.stats.fenwick",
}
PRIVATE = re.compile(r"\b(benchsuite\.)?(proxies|devices|reports|search)\.(\w+\.)*_\w+")
# Ids of what made a speed, kept in files since before the packages had these names.
# They are told from names of modules by the package: a module's begins with `benchsuite`.
IDS = {"proxies._guard"}
FILE = re.compile(r"\b(?:benchsuite|devices|proxies|reports)(?:/[\w.-]+)+\.(?:py|csv|md|c|h)\b")
# Of examples, in the text of a command or of a message.
OWN = {"devices/my_board.py", "devices/own-my.csv", "proxies/mine.py"}
# Programs that the page shows to a person, who runs them (tests/reporting/test_page.py does too).
SHOWN = ROOT / "benchsuite/reporting/page/snippets.py"
CODE = [path for path in [*FILES, *sorted((ROOT / "tests/helpers").glob("*.py"))] if path != SHOWN]


def test_the_contracts_are_kept(capsys):
    kept = use_cases.lint_imports(config_filename=str(ROOT / "pyproject.toml"), cache_dir=None)
    assert kept, capsys.readouterr().out


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts if parts[0] == "benchsuite" else ("benchsuite", *parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


def run_at_import(node):
    """Every node of a module's tree that runs when it is imported."""
    for child in ast.iter_child_nodes(node):
        later = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        typing = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        if not later and not typing:
            yield child
            yield from run_at_import(child)


@cache
def imported(module):
    """Names of what a module of this project imports when it is imported, packages included."""
    found = set()
    for node in run_at_import(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    parts = [name.split(".") for name in found]
    return {".".join(part[: n + 1]) for part in parts for n in range(len(part))}


def reached(module):
    """Everything that is imported with a module, directly or not."""
    found, new = set(), {module}
    while new:
        found |= new
        new = {name for one in new & set(MODULES) for name in imported(one)} - found
    return found


def test_the_parser_sees_imports():
    assert "numba" in reached("benchsuite.stats.fenwick")
    assert "benchsuite.table.columns" in imported("benchsuite.table.table")
    assert "rich" not in reached("benchsuite.reporting.text")  # inside its functions alone


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_what_is_heavy_is_imported_where_it_is_used(path):
    module = module_of(path)
    if path.relative_to(ROOT).parts[0] == "benchsuite" and module not in IMPORTED_LAZILY:
        assert not HEAVY & reached(module)


def texts(tree):
    """Every text in a tree but the documentation; the parts of an f-string are texts too."""
    said = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in said:
            yield node.value


def private_modules(tree):
    return {found[0] for text in texts(tree) for found in PRIVATE.finditer(text)} - IDS


def test_the_parser_sees_names_in_strings():
    source = (
        '"""See devices._a."""\nload("benchsuite.devices._b.c", f"proxies._d.{e}", "devices._fits")'
    )
    assert private_modules(ast.parse(source)) == {
        *("benchsuite.devices._b", "proxies._d", "devices._fits")
    }


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_string_names_a_private_module_of_a_plugin_package(path):
    assert not private_modules(ast.parse(path.read_text()))


def test_files_that_texts_name_are_there(shipped_table):
    """In code, in what shipped tables of cycles say of themselves, and in sources of columns."""
    named = [text for path in FILES for text in texts(ast.parse(path.read_text()))]
    named += [path.read_text() for path in sorted((ROOT / "devices/tables").glob("*.csv"))]
    named += [column.source for column in shipped_table.columns.values()]
    files = {found for text in named for found in FILE.findall(text)}
    assert {"devices/_emulation/pipeline.py", "benchsuite/deployment/ram.py"} <= files
    assert [file for file in sorted(files - OWN) if not (ROOT / file).is_file()] == []


def test_ids_name_no_module():
    assert not IDS & {name.removeprefix("benchsuite.") for name in MODULES}


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_files_are_short(path):
    assert len(path.read_text().splitlines()) <= 400


def test_files_of_tests_are_short():
    lines = {
        p.name: len(p.read_text("utf-8").splitlines()) for p in Path(__file__).parent.rglob("*.py")
    }
    assert not {name: many for name, many in lines.items() if many > 400}


SPOKEN_OF = re.compile(r"\bbenchsuite(?:\.[A-Za-z_]\w*)+")
EXPORTED = {"benchsuite.pickle", "benchsuite.pickle.pbz2", "benchsuite.pth"}  # Names of files.
PAGES = [str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")]


@pytest.mark.parametrize("name", [*NAMES, *sorted(PAGES)])
def test_what_texts_name_is_there(name):
    """Sources of columns, docstrings and pages name modules, and what is in them, as they are."""
    for spoken in sorted(set(SPOKEN_OF.findall((ROOT / name).read_text("utf-8"))) - EXPORTED):
        try:
            pkgutil.resolve_name(spoken)
        except (ImportError, AttributeError):
            pytest.fail(f"there is no {spoken}")


def test_compiled_functions_use_nothing_of_other_files():
    """The compiled code that numba keeps is known by the file of its own function alone."""
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        ours = {
            name.asname or name.name
            for node in froms
            if node.level or str(node.module).startswith("benchsuite")
            for name in node.names
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef):
                continue
            if any(ast.unparse(by) == "compiled" for by in node.decorator_list):
                body = [inner for line in node.body for inner in ast.walk(line)]
                used = {inner.id for inner in body if isinstance(inner, ast.Name)}
                assert not used & ours, (path.name, node.name, used & ours)
