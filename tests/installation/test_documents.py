"""What the documents name exists: modules of this project, and files of the checkout."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "benchsuite/data/README.md"
]  # fmt: skip
MADE_UP = {"proxies/foo.py", "devices/foo.py", "benchsuite/search/foo.py", "reports/foo.py"}


def modules(text):
    """Dotted names as far as they are modules: `benchsuite.api` of `benchsuite.api.Proxy`."""
    for name in re.findall(r"(?<![\w-])benchsuite(?:\.[a-z_]\w*)+", text):
        if name != "benchsuite.plugins":  # A group of entry points too.
            yield name


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_that_are_named_exist(path):
    missing = [name for name in modules(path.read_text("utf-8")) if not there(name)]
    assert not missing


def there(name):
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_are_named_exist(path):
    named = re.findall(
        r"(?<![\w/.])(?:benchsuite|proxies|devices|reports|tests|docs)/[\w/]*\w(?:\.\w+)?(?![\w*/{<])",
        path.read_text("utf-8"),
    )
    missing = {name for name in named if not (ROOT / name).exists()}
    assert missing <= MADE_UP
