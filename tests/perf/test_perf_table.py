"""How fast the table opens: beside pandas reading the same file, and beside assembling it anew."""

import time

import pandas as pd
import pytest

from benchsuite import remembered
from benchsuite.assembly import whole
from benchsuite.assembly.assemble import assemble
from benchsuite.table.table import Table

pytestmark = pytest.mark.perf


def test_opening_the_whole_table(benchmark, tmp_path):
    path = tmp_path / "table.parquet"
    assemble().write(path)
    benchmark(Table.open, path)
    start = time.perf_counter()
    pd.read_parquet(path)
    pandas = time.perf_counter() - start
    benchmark.extra_info["times_faster_than_pandas"] = pandas / benchmark.stats["min"]
    benchmark.extra_info["columns"] = len(Table.open(path).columns)


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """The table kept in a cache of its own, and the seconds that assembling it anew takes."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(remembered, "REST", -(10**18))
    whole.whole_table()
    start = time.perf_counter()
    assemble()
    return time.perf_counter() - start


def test_taking_the_kept_table(benchmark, kept):
    benchmark(whole.whole_table)
    benchmark.extra_info["times_faster_than_assembling"] = kept / benchmark.stats["min"]
    assert kept / benchmark.stats["min"] > 10


def test_taking_every_column_of_the_kept_table(benchmark, kept):
    benchmark(lambda: whole.whole_table().data)
    benchmark.extra_info["times_faster_than_assembling"] = kept / benchmark.stats["min"]
    assert kept / benchmark.stats["min"] > 2


def test_one_column_of_the_kept_table(benchmark, kept):
    table = whole.whole_table()
    benchmark(table.values, "naswot")
    assert kept / benchmark.stats["min"] > 100
