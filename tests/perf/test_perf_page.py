"""Speed of building the page, beside writing its columns as plain JSON numbers in the same run."""

import json
import time

import pytest

from benchsuite.assembly.assemble import assemble
from benchsuite.reporting import page
from benchsuite.reporting.page.columns import pack

pytestmark = pytest.mark.perf


def test_building_the_page(benchmark):
    table = assemble()
    text = benchmark.pedantic(page.render, (table, []), rounds=5, warmup_rounds=1)
    names = [c["name"] for c in pack(table)["columns"] if c["name"] in table.columns]
    start = time.perf_counter()
    plain = json.dumps([table.values(name).tolist() for name in names])
    seconds = time.perf_counter() - start
    benchmark.extra_info["columns"] = len(names)
    benchmark.extra_info["bytes"] = len(text)
    benchmark.extra_info["times_smaller_than_json"] = len(plain) / len(text)
    benchmark.extra_info["times_faster_than_json"] = seconds / benchmark.stats["min"]
    assert len(plain) > 2 * len(text)
