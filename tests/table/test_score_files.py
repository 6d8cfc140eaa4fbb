"""Files of scores: what could be read as another column, or of other cells, is refused."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchsuite.assembly import own_scores
from benchsuite.errors import UserError
from benchsuite.space.cell import N_CELLS, all_archs
from benchsuite.table import score_files
from benchsuite.table.columns import Column
from benchsuite.table.table import Table, Values

ARCHS = all_archs()


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "mine.csv"
        path.write_text(text)
        return path

    return write


def with_scores(path, name="mine", **more):
    table = Table.empty().with_scores(name, path, **more)
    known = np.flatnonzero(np.isfinite(table[name]))
    column = table.columns[table.resolve(name)]
    return dict(zip(known.tolist(), table[name][known].tolist(), strict=True)), column.direction


@pytest.mark.parametrize(
    ("text", "line", "there"),
    [
        ("index,mine\n0,1,9\n1,2,8\n2,3,7\n", 2, 3),
        ("index,mine\n0,1,\n1,2,\n", 2, 3),
        ("# mine\nindex,mine\n0,1,9\n1,2\n", 3, 3),
        ("index;mine\n0;1;9;5\n1;2;8;5\n", 2, 4),
        ("index,mine\n0,1\n1,2,8\n", 3, 3),
        ("\nindex;mine\n\n0;1;9\n", 4, 3),
    ],
)
def test_rows_with_more_values_than_names_are_refused(written, text, line, there):
    with pytest.raises(UserError, match=f"line {line} has {there} values, where 2 are named"):
        score_files.read(written(text))


@pytest.mark.parametrize(
    "text",
    [
        "#index,mine\n0,1.5\n7,2.5\n",
        "# by me, today, again\n# index,mine\n0,1.5\n7,2.5\n",
        f"# arch;mine\n{ARCHS[0]};1.5\n{ARCHS[7]};2.5\n",
        f"# mine,arch\n1.5,{ARCHS[0]}\n2.5,{ARCHS[7]}\n",
    ],
)
def test_names_behind_a_mark_of_comments_are_names(written, text):
    """Of numpy.savetxt: the first cell would be taken for names, and its score be lost."""
    assert with_scores(written(text)) == ({0: 1.5, 7: 2.5}, "max")


@pytest.mark.parametrize(
    "text",
    ["0,1.5\n1,2.5\n", f"{ARCHS[0]},1.5\n{ARCHS[7]},2.5\n", "# by me\n1.5;0;a\n2.5;7;b\n"],
)
def test_a_file_without_names_is_refused(written, text):
    with pytest.raises(UserError, match="the first row is data: name the columns"):
        score_files.read(written(text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("index;mine;b\n0;1,5;3\n1;2,5;4\n", "row 1 of 'mine' is no number but '1,5'"),
        ("index,mine,b\n0,1,3\n1,bad,4\n", "row 2 of 'mine' is no number but 'bad'"),
        ("index,mine,b\n0,,3\n1,x,4\n", "row 2 of 'mine' is no number but 'x'"),
        ("index,a,b\n0,1,3\n1,bad,4\n2,3,5\n", "row 2 of 'a' is no number but 'bad'"),
        ("index,mine,mine:min\n0,1,3\n1,2,4\n", "several scores 'mine': mine, mine:min"),
        ("index,mine:down\n0,1\n1,2\n", "'mine:down' is no name of a score"),
    ],
)
def test_another_column_never_stands_for_the_one_that_is_named(written, text, said):
    with pytest.raises(UserError, match=said):
        with_scores(written(text))


def test_names_in_quotes_may_hold_the_separator(written):
    frame = score_files.read(written('index,"a,b","a,c"\n0,1,2\n'))
    assert list(frame.columns) == ["index", "a,b", "a,c"]


def test_the_direction_is_the_one_that_a_file_states(written):
    assert with_scores(written("index,other,mine:min\n3,1,2\n")) == ({3: 2.0}, "min")
    assert with_scores(written("index,only:min\n3,2\n")) == ({3: 2.0}, "min")
    assert with_scores(written("index,mine:min\n3,2\n"), direction="min")[1] == "min"
    assert with_scores(written("index,mine\n3,2\n"), direction="min")[1] == "min"
    with pytest.raises(UserError, match=r"'mine' is better at its min, .* given as 'max'"):
        with_scores(written("index,mine:min\n3,2\n"), direction="max")


def test_a_table_of_the_suite_gives_its_scores_by_short_names_with_their_directions(tmp_path):
    values = np.arange(N_CELLS, dtype=float)
    made = [
        Values(Column("mine@1", "mine", "1", "min", "me", "1", "proxy"), values),
        Values(
            Column("mine.std@1", "mine", "1", "none", "me", "1", "detail"),
            np.where(values > 5, np.nan, values),
            "of one repeat",
        ),
    ]
    path = tmp_path / "t.parquet"
    Table.empty().with_columns(made).write(path)
    for name in ("mine", "mine@1"):
        scores, direction = with_scores(path, name)
        assert (len(scores), direction) == (N_CELLS, "min")
    assert with_scores(path, "mine.std") == ({i: float(i) for i in range(6)}, "max")
    with pytest.raises(UserError, match=r"no column 'mien'.*Did you mean mine"):
        with_scores(path, "mien")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"index,arch,mine\n0,{ARCHS[7]},1\n0,{ARCHS[3]},2\n", "rows 1 and 2 are of one cell, 0"),
        (f"cell,arch,mine\n20000,{ARCHS[7]},1\n0,{ARCHS[3]},2\n", "20000 is no index"),
        (f"index,arch,mine\n7,{ARCHS[7]},1\n3,|none|,2\n9,{ARCHS[5]},3\n", "none. is no arch"),
        (f"mine,arch,index\n1,{ARCHS[7]},4\n2,{ARCHS[3]},4\n", "rows 1 and 2 are of one cell, 4"),
    ],
)
def test_of_two_keys_both_have_to_hold_cells(written, text, said):
    """The wrong one became a score, or was left out as a text, whatever cells it named."""
    with pytest.raises(UserError, match=said):
        with_scores(written(text))


@pytest.mark.parametrize("key", ["000123", '"000123"'])
@pytest.mark.parametrize("name", ["cell", "key"])
def test_codes_of_six_digits_are_not_taken_for_indices(written, key, name):
    """000123 was cell 123; of NAS-Bench-201's digits it is none, none, none, skip, 1x1, 3x3."""
    with pytest.raises(UserError, match="six digits from 0 to 4"):
        with_scores(written(f"{name},mine\n{key},1\n012340,2\n"))
    assert with_scores(written("cell,mine\n000123,1\n000975,2\n"))[0] == {123: 1, 975: 2}


@pytest.mark.parametrize(
    ("text", "scores"),
    [
        ("index,mine\n3,123456789012345678901234\n5,7\n", {3: 123456789012345678901234.0, 5: 7.0}),
        ("index,mine\n3,18446744073709551615\n5,-7\n", {3: 2.0**64, 5: -7.0}),
        ("index,mine\n3,True\n5,\n7,False\n", {3: 1.0, 7: 0.0}),
    ],
)
def test_numbers_that_pandas_holds_as_objects_are_numbers(written, text, scores):
    """They were left out, "as they hold no numbers"."""
    assert with_scores(written(text))[0] == scores


def test_truth_values_with_gaps_are_numbers_in_parquet_too(tmp_path):
    pq.write_table(pa.table({"index": [3, 5], "mine": [True, None]}), tmp_path / "mine.parquet")
    assert with_scores(tmp_path / "mine.parquet")[0] == {3: 1.0}


def test_numbers_as_texts_in_parquet_are_told(tmp_path):
    pq.write_table(pa.table({"index": [3, 5], "mine": ["1.5", None]}), tmp_path / "mine.parquet")
    with pytest.raises(UserError, match=r"'mine' holds its numbers as texts"):
        with_scores(tmp_path / "mine.parquet")


@pytest.mark.parametrize("kind", ["string", "large_string", "string_view"])
def test_every_type_of_texts_names_cells(tmp_path, kind):
    archs = pa.array([ARCHS[9], ARCHS[4]], getattr(pa, kind)())
    pq.write_table(pa.table({"arch": archs, "mine": [1.5, 2.5]}), tmp_path / "mine.parquet")
    assert with_scores(tmp_path / "mine.parquet")[0] == {9: 1.5, 4: 2.5}


@pytest.mark.parametrize("labels", [range(N_CELLS), range(6, 0, -2)])
def test_an_index_that_pandas_writes_as_a_range_is_read(tmp_path, labels):
    """It is no column then; pandas makes a range of any column of whole numbers evenly apart."""
    mine = np.arange(len(labels)) / 2
    frame = pd.DataFrame({"mine": mine}, index=pd.RangeIndex(labels, name="index"))
    frame.to_parquet(tmp_path / "mine.parquet")
    assert with_scores(tmp_path / "mine.parquet")[0] == dict(zip(labels, mine, strict=True))


def test_rows_that_pandas_only_counts_are_no_cells(tmp_path):
    pd.DataFrame({"mine": np.arange(9) / 2}).to_parquet(tmp_path / "mine.parquet")
    with pytest.raises(UserError, match="does not say which cells"):
        with_scores(tmp_path / "mine.parquet")


@pytest.mark.parametrize(
    "change",
    [
        {"stop": 3},
        {"step": 0},
        {"stop": 2**70},
        {"stop": None},
        {"start": []},
        {"name": 5},
        {"name": "mine"},
    ],
)
def test_notes_of_a_range_may_be_anything(tmp_path, change):
    about = {"kind": "range", "name": "index", "start": 0, "stop": 2, "step": 1, **change}
    notes = {"pandas": json.dumps({"index_columns": [about]})}
    data = pa.table({"mine": [1.5, 2.5]}).replace_schema_metadata(notes)
    pq.write_table(data, tmp_path / "mine.parquet")
    with pytest.raises(UserError, match="does not say which cells"):
        with_scores(tmp_path / "mine.parquet")


def test_columns_of_reasons_are_no_scores(tmp_path):
    """Without a gap they are empty, were scores of no cell, and the reasons of a column twice."""
    made = [Values(Column("mine@1", "mine", "1", "max", "me", "1", "proxy"), np.arange(N_CELLS))]
    gappy = np.where(np.arange(N_CELLS) > 9, np.nan, 1.0)
    made += [Values(Column("b@1", "b", "1", "max", "me", "1", "proxy"), gappy, "not run")]
    frame = Table.empty().with_columns(made).frame()
    assert "b@1.reason" in frame
    for rows in (frame, frame[:9]):
        rows.to_csv(tmp_path / "mine.csv", index=False)
        own = own_scores.join(Table.empty(), own_scores.Scores(tmp_path / "mine.csv"))
        assert list(own) == ["mine@1", "b@1"]
        assert own.present("b") == min(len(rows), 10)
        assert own.provenance["own_scores"]["no_numbers"] == []


@pytest.mark.parametrize("name", ["mine@1.reason", "mi\nne", "mi\x1b[31mne", "mi\x85ne"])
def test_a_name_is_one_line_and_no_columns_reasons(written, name):
    """It stood as it was in every table and sentence, and moved the cursor of terminals."""
    with pytest.raises(UserError, match="is no name of a score"):
        score_files.heading(written(""), name)
    with pytest.raises(UserError, match="named by a text"):
        Table.empty().with_scores(name, {0: 1.0})
