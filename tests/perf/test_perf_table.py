"""How fast the table opens, beside pandas reading the same file."""

import time

import pandas as pd
import pytest

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
