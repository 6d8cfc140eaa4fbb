"""Costs of a larger space: equal to those of NAS-Bench-201 where it is that, and a stream."""

import itertools
import tracemalloc

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchsuite.errors import UserError
from benchsuite.space import cost, larger
from benchsuite.space.cell import index_of
from benchsuite.space.larger import chunks, columns, edges, live, operators, write
from benchsuite.space.network import OFFICIAL, Skeleton

N5 = 5**10


@pytest.mark.parametrize("skeleton", [OFFICIAL["cifar100"], Skeleton(8, 1, 16, 3)])
def test_four_nodes_are_nas_bench_201(skeleton):
    found = columns(0, 15_625, 4, skeleton)
    official = index_of(operators(0, 15_625, 4))
    for name, count in (
        ("params", cost.all_params),
        ("flops", cost.all_flops),
        ("deployed_params", cost.all_deployed_params),
        ("deployed_macs", cost.all_deployed_macs),
    ):
        np.testing.assert_array_equal(found[name], count(skeleton)[official])
    assert found["connected"].sum() == 15_284


@settings(max_examples=30)
@given(st.integers(0, N5 - 1))
def test_an_edge_is_live_if_it_is_on_a_path(index):
    ops = operators(index, index + 1, 5)
    paths = [[0]]
    found = set()
    while paths:
        path = paths.pop()
        if path[-1] == 4:
            found |= set(itertools.pairwise(path))
            continue
        for (source, target), op in zip(edges(5), ops[0], strict=True):
            if source == path[-1] and op:
                paths.append([*path, target])
    assert {edge for edge, alive in zip(edges(5), live(ops, 5)[0], strict=True) if alive} == found


def test_chunks_cover_the_space_once_and_memory_is_that_of_a_chunk(tmp_path):
    assert write(tmp_path / "four.parquet", nodes=4) == 15_625
    table = pq.read_table(tmp_path / "four.parquet")
    assert table["index"].to_pylist() == list(range(15_625))
    skeleton, size = Skeleton(), 1000
    tracemalloc.start()
    peaks = []
    for _, _ in zip(chunks(5, skeleton, size), range(12), strict=False):
        peaks.append(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
    assert peaks[-1] < 1.2 * peaks[3]
    # The operator of the last code has no parameters: more edges of it cost nothing.
    last, of_four = columns(N5 - 1, N5, 5, skeleton), columns(15_624, 15_625, 4, skeleton)
    assert last["params"][0] == of_four["params"][0]


def test_other_sizes_are_refused():
    with pytest.raises(UserError, match="2 to 6 nodes"):
        edges(7)


@pytest.mark.parametrize("names", [[], ["five.csv"], ["five.parquet", "more"]])
def test_another_name_than_that_of_a_parquet_file_is_a_sentence(names, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(larger, "write", pytest.fail)
    with pytest.raises(SystemExit, match=r"python -m benchsuite\.space\.larger five\.parquet"):
        larger.main(names)
    assert not any(tmp_path.iterdir())
