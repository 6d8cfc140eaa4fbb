"""The parts of a column's name, and that one module takes names apart."""

import re
from pathlib import Path

import pytest

import benchsuite
from benchsuite.table import columns
from benchsuite.table.columns import Column

ROOT = Path(benchsuite.__file__).parent


@pytest.mark.parametrize(
    ("name", "stem", "family", "output"),
    [
        ("flops@1", "flops", "flops", ""),
        ("ntk_cond.k2.r0@12", "ntk_cond.k2.r0", "ntk_cond", "k2.r0"),
        (
            "cifar10.test.200ep.mean@nb201-v1_0",
            "cifar10.test.200ep.mean",
            "cifar10",
            "test.200ep.mean",
        ),
        ("class.functional", "class.functional", "class", "functional"),
    ],
)
def test_parts_of_a_name(name, stem, family, output):
    column = Column(name, "", "1", "max", "", "1", "proxy")
    assert (column.stem, column.family, column.output) == (stem, family, output)


def test_no_other_module_takes_a_name_apart_at_its_version():
    by_hand = re.compile(r"partition\([\"']@[\"']\)|split\([\"']@[\"']\)")
    folders = (ROOT, *((ROOT / name).resolve() for name in ("proxies", "devices", "reports")))
    files = {path.resolve() for folder in folders for path in folder.rglob("*.py")}
    assert len(files) > 200
    cutting = {path for path in files if by_hand.search(path.read_text("utf-8"))}
    assert cutting <= {Path(columns.__file__)}
