"""The table: what is written is read, damage is noticed, and nothing is lost."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchsuite.errors import UserError
from benchsuite.space.cell import N_CELLS, all_archs
from benchsuite.table.columns import ESTIMATE, Column, accuracy_column, resolve
from benchsuite.table.table import Table, Values

SOME = np.linspace(0, 1, N_CELLS)


def column(name, **more):
    return Column(name, "a test", "1", "max", "tests", "1", "proxy", **more)


def gappy():
    values = SOME.copy()
    values[[3, 5]] = np.nan, np.inf
    return Values(column("gappy@1"), values, "not measured")


@pytest.fixture
def table():
    return Table.empty({"inputs": {"a": "b"}}).with_columns(
        [Values(column("whole@1"), SOME), gappy(), Values(column("counts"), np.arange(N_CELLS))]
    )


def test_round_trip(table, tmp_path):
    table.write(tmp_path / "t.parquet")
    again = Table.open(tmp_path / "t.parquet")
    assert again.columns == table.columns
    assert again.provenance == table.provenance
    assert again.checksum == table.checksum
    assert again.data.equals(table.data)


def test_a_flipped_bit_is_told_wherever_it_is(table, tmp_path):
    """Half of them changed numbers, and nothing was said."""
    noise = Values(column("noise@1"), np.random.default_rng(0).normal(size=N_CELLS))
    table.with_columns([noise]).write(tmp_path / "t.parquet")
    whole = (tmp_path / "t.parquet").read_bytes()
    about = pq.read_metadata(tmp_path / "t.parquet").row_group(0)
    noisy = about.column(about.num_columns - 1)
    start = noisy.dictionary_page_offset or noisy.data_page_offset
    for at in range(start, start + noisy.total_compressed_size, noisy.total_compressed_size // 20):
        (tmp_path / "f.parquet").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(UserError):
            Table.open(tmp_path / "f.parquet")


def test_the_checksum_is_of_what_columns_are_and_of_their_values(table):
    about = table.columns["whole@1"]
    values = table.values("whole@1")

    def with_column(changed, values=values):
        return table.without(["whole@1"]).with_columns([Values(changed, values)]).checksum

    assert with_column(about) == table.checksum
    others = [
        with_column(replace(about, direction="max" if about.direction != "max" else "min")),
        with_column(replace(about, unit="ms")),
        with_column(replace(about, source="another")),
        with_column(replace(about, name="whole@2")),
        with_column(about, np.where(np.arange(N_CELLS) == 9, values + 1e-9, values)),
    ]
    assert len({table.checksum, *others}) == 6


def test_the_same_table_has_the_same_bytes(table, tmp_path):
    for name in ("a.parquet", "b.parquet"):
        table.write(tmp_path / name)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_pandas_alone_reads_it(table, tmp_path):
    table.write(tmp_path / "t.parquet")
    frame = pd.read_parquet(tmp_path / "t.parquet")
    assert frame["arch"].tolist() == list(all_archs())
    assert frame["gappy@1"].isna().sum() == 2
    assert frame.loc[5, "gappy@1.reason"] == "not measured"
    footer = json.loads(pq.read_schema(tmp_path / "t.parquet").metadata[b"benchsuite"])
    assert footer["columns"][0]["unit"] == "1"


def test_missing_and_infinite_values_have_a_reason(table):
    assert np.isnan(table.values("gappy")[[3, 5]]).all()
    assert table.present("gappy@1") == N_CELLS - 2
    assert table.reasons("gappy") == {"not measured": 2}
    assert table.reasons("whole") == {}


def test_counts_stay_whole(table):
    assert table.data.column("counts").type == pa.int64()


@pytest.mark.parametrize(
    ("values", "reason", "hint"),
    [
        (SOME[:-1], "", "shape"),
        (np.full(N_CELLS, "a"), "", "not numbers"),
        (np.full(N_CELLS, np.nan), "", "without a reason"),
        (np.full(N_CELLS, np.nan), [""] * N_CELLS, "without a reason"),
    ],
)
def test_columns_that_do_not_fit_are_refused(table, values, reason, hint):
    with pytest.raises(UserError, match=hint):
        table.with_columns([Values(column("new"), values, reason)])


def test_values_are_written_to_without_a_change_of_the_table(table, tmp_path):
    table.write(tmp_path / "t.parquet")
    for one in (table, Table.open(tmp_path / "t.parquet")):
        for name in ("whole", "gappy", "counts"):
            before = one[name].copy()
            for values in (one[name], one.values(name)):
                values[:9] = -1
            np.testing.assert_array_equal(one[name], before)


def test_a_lone_name_stands_for_one_column(table):
    assert list(table.subset("whole")) == ["whole@1"]
    assert list(table.pandas("whole")) == ["arch", "whole"]
    assert list(table.frame("whole")) == ["index", "arch", "whole@1"]
    assert list(table.without("whole@1")) == ["gappy@1", "counts"]
    assert list(table.without(["gappy", "nothing"])) == ["whole@1", "counts"]
    assert [1] not in table


def test_own_scores_are_told_with_the_place_of_each(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(f"index,{name}\n5,1\n7,inf\n")
    table = Table.empty().with_scores("a", tmp_path / "a.csv").with_scores("m", {1: 2.0})
    line = table.with_scores("b", tmp_path / "b.csv").with_scores("n", {3: 4.0}).provenance_line
    assert f"Own scores: {tmp_path}/a.csv (a@1: 1 cells, 1 not finite)." in line
    assert f"Own scores: {tmp_path}/b.csv (b@1: 1 cells, 1 not finite)." in line
    assert "Own scores: memory (m@1: 1 cells, n@1: 1 cells)." in line


def test_no_column_is_overwritten(table):
    with pytest.raises(UserError, match="already"):
        table.with_columns([gappy()])


def test_unknown_columns_are_answered_with_near_ones(table):
    with pytest.raises(UserError, match="Did you mean whole"):
        table.values("hole")


def accuracy(release, cells):
    values = np.full(N_CELLS, np.nan)
    values[:cells] = 90
    return Values(accuracy_column("cifar10", "test", 200, "mean", release, "tests"), values, "no")


def test_the_best_whole_release_stands_for_a_short_name():
    name = "cifar10.test.200ep.mean"
    estimates = Table.empty().with_columns([accuracy(ESTIMATE, N_CELLS)])
    assert estimates.estimated
    both = estimates.with_columns([accuracy("nb201-v1_0", N_CELLS)])
    assert both.resolve(name) == f"{name}@nb201-v1_0"
    assert not both.estimated
    three_records = both.with_columns([accuracy("nats-tss-v1_0", 3)])
    assert three_records.resolve(name) == f"{name}@nb201-v1_0"
    whole = both.with_columns([accuracy("nats-tss-v1_0", N_CELLS - 10)])
    assert whole.resolve(name) == f"{name}@nats-tss-v1_0"


def test_the_highest_version_stands_for_a_short_name():
    assert resolve("zen", ["zen@2", "zen@10", "zenith@99"]) == "zen@10"


def rewritten(table, path, change):
    table.write(path)
    data = pq.read_table(path)
    pq.write_table(change(data), path)


ABOUT = column("whole@1").to_json()


def other(data, values):
    """Return a table whose column holds something else than the footer says."""
    return data.set_column(data.column_names.index("whole@1"), "whole@1", values)


def with_footer(data, **changes):
    footer = json.loads(data.schema.metadata[b"benchsuite"]) | changes
    return data.replace_schema_metadata({"benchsuite": json.dumps(footer)})


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (lambda d: d.replace_schema_metadata(None), "not a table of benchsuite"),
        (lambda d: d.replace_schema_metadata({"benchsuite": "{"}), "is a damaged table"),
        (lambda d: d.replace_schema_metadata({"benchsuite": "[]"}), "is a damaged table"),
        (lambda d: with_footer(d, schema=99), "schema 99"),
        (lambda d: with_footer(d, columns=[{"name": "x"}]), "is a damaged table"),
        (lambda d: d.replace_schema_metadata({"benchsuite": "[" * 100_000}), "nested too deeply"),
        (lambda d: d.replace_schema_metadata({"benchsuite": '{"schema": ' * 900}), "damaged"),
        (lambda d: with_footer(d, provenance=[]), "is a damaged table"),
        (lambda d: with_footer(d, provenance={"made_by": "me"}), "made_by is no object"),
        (lambda d: with_footer(d, provenance={"own_scores": {"cells": {"x": "y"}}}), "own_scores"),
        (
            lambda d: with_footer(
                d, provenance={"own_scores": {"path": "", "cells": {}, "places": {"x": []}}}
            ),
            "own_scores",
        ),
        (lambda d: with_footer(d, columns=[{**ABOUT, "name": [1]}]), "is a damaged table"),
        (lambda d: with_footer(d, columns=[{**ABOUT, "name": "a\nb"}]), "several lines"),
        (lambda d: with_footer(d, columns=[{**ABOUT, "unit": 3}]), "field unit"),
        (lambda d: with_footer(d, columns=[{**ABOUT, "epochs": "12"}]), "field epochs"),
        (lambda d: with_footer(d, columns=[{**ABOUT, "direction": "up"}]), "direction 'up'"),
        (lambda d: other(d, pa.array(["a"] * N_CELLS)), "'whole@1' holds texts"),
        (lambda d: other(d, pa.array([[1.0]] * N_CELLS)), "type list<.*numbers and texts are read"),
        (lambda d: other(d, pa.array([{"a": 1.0}] * N_CELLS)), "type struct<"),
        (lambda d: other(d, pa.array([b"\xff"] * N_CELLS)), "type binary"),
        (lambda d: other(d, pa.nulls(N_CELLS)), "type null"),
        (lambda d: d.append_column("whole@1", d.column("whole@1")), "several columns 'whole@1'"),
        (lambda d: pa.concat_tables([d, d]), "has 31,250 rows"),
        (lambda d: d.set_column(1, "arch", pa.array(range(N_CELLS))), "official order"),
        (lambda d: d.set_column(0, "index", pa.array(["0"] * N_CELLS)), "official order"),
        (lambda d: d.drop_columns(["whole@1"]), "does not hold"),
        (lambda d: d.slice(0, 100), "official order"),
        (lambda d: d.take(pa.array(range(N_CELLS))[::-1]), "official order"),
        (lambda d: d.drop_columns(["arch"]), "official order"),
    ],
)
def test_damaged_tables_are_refused(table, tmp_path, change, hint):
    path = tmp_path / "t.parquet"
    rewritten(table, path, change)
    with pytest.raises(UserError, match=hint):
        Table.open(path)


def test_what_others_wrote_as_nan_or_infinite_is_missing(table, tmp_path):
    """It counted as a value: in `present`, and an infinity in every rank."""
    values = np.where(np.arange(N_CELLS) == 3, np.nan, SOME)
    values[7] = np.inf
    rewritten(table, tmp_path / "t.parquet", lambda d: other(d, pa.array(values)))
    again = Table.open(tmp_path / "t.parquet")
    assert again.present("whole") == N_CELLS - 2
    assert np.isnan(again.values("whole")[[3, 7]]).all()
    assert again.present("gappy") == table.present("gappy")


@pytest.mark.parametrize("keep", [0, 3, 1000, -1])
def test_truncated_files_are_refused(table, tmp_path, keep):
    path = tmp_path / "t.parquet"
    table.write(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UserError, match="no readable Parquet"):
        Table.open(path)


def test_a_missing_file_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match="benchsuite table"):
        Table.open(tmp_path / "none.parquet")
