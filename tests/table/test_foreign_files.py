"""Files that anybody may have made: tables, scores, studies, kept tables: each is a sentence."""

import json
import time
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchsuite.errors import UserError
from benchsuite.regression import tolerances
from benchsuite.replays import study
from benchsuite.space.cell import N_CELLS
from benchsuite.table import parquet, score_files, stored
from benchsuite.table.columns import Column
from benchsuite.table.table import Table, Values


@pytest.fixture(scope="module")
def table():
    about = Column("hole@1", "a test", "1", "max", "tests", "1", "proxy")
    values = np.where(np.arange(N_CELLS) % 5, np.arange(N_CELLS) / 3, np.nan)
    return Table.empty().with_columns([Values(about, values, "not measured")])


def compact(number):
    """A number as Thrift's compact protocol writes it."""
    said = b""
    while number > 127:
        said, number = said + bytes([number & 127 | 128]), number >> 7
    return said + bytes([number])


def test_a_schema_nested_a_hundred_thousand_deep_is_a_sentence(tmp_path):
    depth = 100_000
    group = b"\x35\x02\x18\x01g\x15\x02\x00"
    elements = group * (depth - 1) + b"\x15\x02\x25\x00\x18\x01x\x00"
    footer = b"\x15\x02\x19\xfc" + compact(depth) + elements + b"\x16\x00\x19\x0c\x00"
    path = tmp_path / "deep.parquet"
    path.write_bytes(b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1")
    with pytest.raises(UserError, match=r"no readable Parquet file"):
        Table.open(path)


def test_more_rows_than_cells_are_refused_before_they_are_unpacked(tmp_path):
    path = tmp_path / "many.parquet"
    pq.write_table(pa.table({"x": np.zeros(50_000_000, np.int8)}), path, compression="zstd")
    assert path.stat().st_size < 1_000_000
    before = pa.total_allocated_bytes()
    for read in (Table.open, score_files.read):
        with pytest.raises(UserError, match=r"has 50,000,000 rows; there are 15,625 cells"):
            read(path)
    assert pa.total_allocated_bytes() - before < 10_000_000


def test_a_text_that_is_repeated_is_held_once(tmp_path):
    path = tmp_path / "texts.parquet"
    long = pa.array(["x" * 1_000_000, "y"])
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * N_CELLS), long)
    pq.write_table(pa.table({"index": range(N_CELLS), "x": texts}), path)
    before = pa.total_allocated_bytes()
    data = parquet.read(path)
    assert pa.total_allocated_bytes() - before < 100_000_000
    assert len(data) == N_CELLS


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"index,x\n" + b"1,2\n" * 20_000, "more than 15,625 rows"),
        (b"," * 100_000 + b"\n", "100,001 columns"),
        (b"index,x\n0," + b"9" * 5000 + b"\n", None),
        (b'index,"x\n' + b"[" * 100_000, None),
        (b"index,x\n\x00\x00,\x00\n", None),
    ],
)
def test_csv_files_of_scores_are_bounded(tmp_path, content, hint):
    path = tmp_path / "scores.csv"
    path.write_bytes(content)
    with pytest.raises(UserError, match=hint):
        score_files.one_score(path, "x")


def test_a_text_is_bounded_also_where_it_never_ends():
    for read in (score_files.read, study.load, tolerances.load):
        with pytest.raises(UserError, match=r"/dev/zero has more than the 67,108,864 bytes"):
            read(Path("/dev/zero"))


@pytest.mark.parametrize(
    "text",
    [
        "a=" + "[" * 100_000,
        "a=" + "[" * 100 + "]" * 100,
        ".".join(["a"] * 20_000) + "=1",
        ".".join(['"a.b"'] * 100) + " = 1",
        "a = {" + " . ".join(["a"] * 100) + " = 1}",
        "x = 1\n" * 60_000,
        "[" + ".".join(["a"] * 20_000) + "]",
    ],
)
def test_toml_is_bounded_in_depth_length_and_time(tmp_path, text):
    path = tmp_path / "it.toml"
    path.write_text(text)
    began = time.monotonic()
    for read in (study.load, tolerances.load):
        with pytest.raises(UserError, match="TOML"):
            read(path)
    assert time.monotonic() - began < 10


def test_a_kept_table_that_says_anything_is_damaged_and_no_more(table, tmp_path):
    path = tmp_path / "kept"
    stored.store(path, table.data, {"checksum": ""}, {"long": [1]})
    magic = len(stored._MAGIC) + stored._LENGTHS.size
    length = stored._LENGTHS.unpack(path.read_bytes()[magic - stored._LENGTHS.size : magic])[0]
    head = json.loads(path.read_bytes()[magic : magic + length])
    for part in ([0, 2**60, "<f8", 0], [0, 9, "|O", 0], [-8, 1, "<f8", 0], [0, "x", 1, 0], [0]):
        head["columns"][2][2] = part
        said = json.dumps(head).encode()
        path.write_bytes(
            stored._MAGIC + stored._LENGTHS.pack(len(said), zlib.crc32(said)) + said + bytes(500)
        )
        with pytest.raises(stored.DamagedError):
            stored.Stored(path, None)._read(stored.Stored(path, None)._columns["hole@1"].part)
    for said in (b"[" * 100_000, b"{}", b"[]", b'{"about": 1}'):
        path.write_bytes(stored._MAGIC + stored._LENGTHS.pack(len(said), zlib.crc32(said)) + said)
        with pytest.raises(stored.DamagedError):
            stored.Stored(path, None)
