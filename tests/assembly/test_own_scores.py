"""Scores of one's own: which are used, that this is said, and every form that they come in."""

import contextlib
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchsuite import cli
from benchsuite.assembly import own_scores
from benchsuite.assembly.assemble import assemble
from benchsuite.assembly.own_scores import FILE, Scores, found, join
from benchsuite.errors import UserError
from benchsuite.space.cell import N_CELLS, all_archs
from benchsuite.table.columns import Column, seconds_column
from benchsuite.table.table import Table, Values

SHIPPED = 15_284
VALUES = np.random.default_rng(3).normal(size=N_CELLS).round(3)


def column(name, kind="proxy"):
    return Column(name, "mine", "", "max", "me", name.rpartition("@")[2], kind)


def tabulated(path, cells, names=("naswot@1",)):
    """Write a table as `benchsuite tabulate` does, of some cells."""
    values = np.where(np.arange(N_CELLS) < cells, VALUES, np.nan)
    path.parent.mkdir(parents=True, exist_ok=True)
    made = [Values(column(name), values, "not tabulated") for name in names]
    made += [Values(column(f"{n.replace('@', '.r0@')}", "detail"), values, "-") for n in names]
    Table.empty({"command": "tabulate"}).with_columns(made).write(path)


@pytest.fixture
def folder(only_what_ships):
    return only_what_ships


def run(capsys, *args, code=None):
    if code is None:
        cli.main(list(args))
    else:
        with pytest.raises(SystemExit) as stop:
            cli.main(list(args))
        assert stop.value.code == code
    return capsys.readouterr()


def correlate(capsys, *args, code=None):
    few = ["--dataset", "cifar10", "--resamples", "200"]
    told = run(capsys, "correlate", *few, *args, "--json", code=code)
    return json.loads(told.out), told.err


def test_fewer_cells_of_the_working_folder_replace_nothing_and_this_is_said(folder, capsys):
    tabulated(FILE, 9, ("naswot@1", "mine@1"))
    told, said = correlate(capsys, "--proxy", "naswot,mine")
    assert [row["n"] for row in told["rows"]] == [SHIPPED, 9]
    assert f"Not used: {FILE} has 9 cells of naswot@1, which has 15,284 without them" in said
    assert f"Own scores of {FILE} ('--scores none' leaves them out): mine@1: 9 cells." in said
    about = told["provenance"]["own_scores"]
    assert (about["path"], about["cells"], about["left_out"]) == (
        str(FILE), {"mine@1": 9}, {"naswot@1": 9},
    )  # fmt: skip


def test_the_line_under_every_output_names_the_file_and_n(folder, capsys):
    tabulated(FILE, 9, ("mine@1",))
    out = run(capsys, "correlate", "--proxy", "mine", "--resamples", "200").out
    assert " ".join(out.split()).endswith(f"Own scores: {FILE} (mine@1: 9 cells).")


def test_times_of_fewer_cells_replace_nothing_unless_the_file_is_named(tmp_path):
    """Five cells' seconds of a pass that a new proxy needs stood for those of all."""
    few = np.where(np.arange(N_CELLS) < 5, 1.0, np.nan)
    time = seconds_column("forward", "a pass")
    table = Table.empty().with_columns([Values(time, np.ones(N_CELLS))])
    new = [Values(column("mine@1"), few, "not run"), Values(time, few, "not run")]
    Table.empty().with_columns(new).write(tmp_path / "own.parquet")
    for named, there in ((False, N_CELLS), (True, 5)):
        joined = join(table, Scores(tmp_path / "own.parquet", named=named))
        assert joined.present("seconds.forward@1") == there
        assert joined.present("mine@1") == 5


@pytest.mark.parametrize("named", [str(FILE), str(FILE.parent)])
def test_what_is_named_is_used_and_said(folder, capsys, named):
    tabulated(FILE, 9)
    told, said = correlate(capsys, "--proxy", "naswot", "--scores", named)
    assert told["rows"][0]["n"] == 9
    assert "naswot@1: 9 cells in place of 15,284" in said
    assert told["provenance"]["own_scores"]["in_place_of"] == {"naswot@1": SHIPPED}


def test_as_many_cells_replace_the_shipped_ones_with_all_their_details(folder, capsys):
    tabulated(FILE, N_CELLS)
    table = assemble((), found(None))
    np.testing.assert_array_equal(table.values("naswot"), VALUES)
    assert "naswot@1: 15,625 cells in place of 15,284" in capsys.readouterr().err
    assert "naswot.r0@1" in table.columns
    assert not {"naswot.r1@1", "naswot.std@1"} & set(table.columns), "of other settings"


def test_none_leaves_them_out(folder, capsys):
    tabulated(FILE, N_CELLS)
    told, said = correlate(capsys, "--proxy", "naswot", "--scores", "none")
    assert told["rows"][0]["n"] == SHIPPED
    assert said == ""
    assert "own_scores" not in told["provenance"]


def test_without_any_nothing_is_said(folder, capsys):
    assert found(None) is None
    assert correlate(capsys, "--proxy", "naswot")[1] == ""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("nowhere.csv", "There are no scores nowhere.csv"),
        ("empty", "holds no proxies.parquet"),
        ("notes.csv", "does not say which cells"),
        ("broken.parquet", "no readable Parquet"),
        ("whole.parquet", "give it as --table"),
    ],
)
def test_what_is_no_file_of_scores_is_a_sentence(folder, capsys, given, said):
    (folder / "empty").mkdir()
    (folder / "notes.csv").write_text("a,b\nx,1\n")
    (folder / "broken.parquet").write_bytes(b"PAR1" + b"\0" * 30)
    if given == "whole.parquet":
        run(capsys, "table", "--out", given)
    assert said in correlate(capsys, "--scores", given, code=2)[0]["error"]


ROWS = [6111, 0, 15_624, 9, 300]
FRAMES = {
    "index": pd.DataFrame({"index": ROWS, "My score": VALUES[ROWS]}),
    "cell": pd.DataFrame({"Cell": ROWS, "My score": VALUES[ROWS]}),
    "index in any column": pd.DataFrame({"which": ROWS, "My score": VALUES[ROWS]}),
    "arch": pd.DataFrame({"arch": [all_archs()[i] for i in ROWS], "My score": VALUES[ROWS]}),
    "arch in any column": pd.DataFrame(
        {"My score": VALUES[ROWS], "network": [all_archs()[i] for i in ROWS]}
    ),
    "both": pd.DataFrame(
        {"index": ROWS, "arch": [all_archs()[i] for i in ROWS], "My score": VALUES[ROWS]}
    ),
    "whole numbers too": pd.DataFrame({"index": ROWS, "My score": VALUES[ROWS], "n": ROWS[::-1]}),
}
WRITERS = {
    "csv": lambda frame, path: frame.to_csv(path, index=False),
    "with a mark": lambda frame, path: frame.to_csv(path, index=False, encoding="utf-8-sig"),
    "utf-16": lambda frame, path: frame.to_csv(path, index=False, encoding="utf-16"),
    "crlf": lambda frame, path: frame.to_csv(path, index=False, lineterminator="\r\n"),
    "semicolons": lambda frame, path: frame.to_csv(path, index=False, sep=";"),
    "tabs": lambda frame, path: frame.to_csv(path, index=False, sep="\t"),
    "notes": lambda frame, path: path.write_text("# made by me\n" + frame.to_csv(index=False)),
    "parquet": lambda frame, path: frame.to_parquet(path),
    "parquet by index": lambda frame, path: frame.set_index(frame.columns[0]).to_parquet(path),
    "csv by index": lambda frame, path: frame.set_index(frame.columns[0]).to_csv(path),
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("key", FRAMES)
def test_every_file_of_scores_is_read(tmp_path, key, writer):
    WRITERS[writer](FRAMES[key], tmp_path / "mine")
    table = join(Table.empty(), Scores(tmp_path / "mine"))
    wanted = np.full(N_CELLS, np.nan)
    wanted[ROWS] = VALUES[ROWS]
    np.testing.assert_array_equal(table.values("My score"), wanted)
    assert table.column("My score").direction == "max"


def test_a_series_saved_by_pandas_is_read(tmp_path):
    pd.Series(VALUES, name="mine").to_csv(tmp_path / "mine.csv")
    table = join(Table.empty(), Scores(tmp_path / "mine.csv"))
    np.testing.assert_array_equal(table.values("mine"), VALUES)


def test_less_is_better_where_the_name_says_so(tmp_path):
    (tmp_path / "mine.csv").write_text("index,a:min,b:max,c,note\n5,1,2,3,x\n7,2,,4,y\n")
    table = join(Table.empty(), Scores(tmp_path / "mine.csv"))
    assert {n: c.direction for n, c in table.columns.items()} == {
        "a@1": "min", "b@1": "max", "c@1": "max",
    }  # fmt: skip
    assert table.reasons("b") == {"no value in mine.csv": N_CELLS - 1}


def test_columns_without_numbers_are_left_out_and_named(folder, capsys):
    (folder / "mine.csv").write_text("index;mine;b;note\n0;1,5;3;x\n1;2,5;4;y\n2;3,5;4;z\n")
    told, said = correlate(capsys, "--scores", "mine.csv", "--proxy", "b")
    assert "Left out, as they hold no numbers: mine, note." in " ".join(said.split())
    assert told["provenance"]["own_scores"]["no_numbers"] == ["mine", "note"]


ARCHS = all_archs()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("index,a\n5,1\n5,2\n", r"\('index': rows 1 and 2 are of one cell, 5\).*each cell once"),
        ("index,a\n15625,1\n", r"\('index', row 1: 15625 is no index from 0 to 15624\)"),
        (f"arch,a\n{ARCHS[0]},1\n{ARCHS[1]},1\nconv,1\n", "'arch', row 3: conv is no archit"),
        (f"arch,a\n{ARCHS[0]},1\n{ARCHS[1]},1\n{ARCHS[0]},1\n", "rows 1 and 3 are of one cell"),
        ("index,a\n1,2\n2,foo\n3,1\n", "row 2 of 'a' is no number but 'foo'"),
        ("index,a\n1,\n2,\n3,\n4,.5\n5,-\n", "row 5 of 'a' is no number but '-'"),
        ("index,a\n-1,1\n", "each cell once"),
        ("index,a\n1.5,1\n", "each cell once"),
        ("one,two\n1.5,3\n2,4\n", "each cell once"),
        ("note,rank\nx,3\ny,4\n", "each cell once"),
        ("index,arch,a\n1," + all_archs()[0] + ",3\n", "name other cells"),
        ("index,note\n1,x\n", "no column of numbers beside 'index': row 1 of 'note' is no number"),
        ("index,a,a\n1,2,3\n", "several columns 'a'"),
        ("index,a:down\n1,2\n", "no name of a score"),
        ("index,a\n1,2,3,4\n5\n", r"."),
        ("", "holds no rows"),
        ("index,a\n", "each cell once"),
    ],
)
def test_a_file_that_could_be_misread_is_refused(tmp_path, text, said):
    (tmp_path / "mine.csv").write_text(text)
    with pytest.raises(UserError, match=said):
        join(Table.empty(), Scores(tmp_path / "mine.csv"))


def test_other_encodings_are_a_sentence(tmp_path):
    (tmp_path / "mine.csv").write_bytes("index,größe\n1,2\n".encode("latin-1"))
    with pytest.raises(UserError, match="no text in UTF-8: byte 8"):
        join(Table.empty(), Scores(tmp_path / "mine.csv"))


@pytest.mark.parametrize("name", ["naswot", "naswot@1", "naswot@99", "cifar10.flops", "az_nas"])
def test_a_name_of_the_suite_stays_the_suites_and_a_files_is_own(folder, capsys, name):
    (folder / "mine.csv").write_text(f"index,{name},mine\n1,2,1\n2,3,4\n3,9,1\n")
    told, said = correlate(capsys, "--scores", "mine.csv", "--proxy", "naswot,own,mine")
    own = f"own.{name}" if "@" in name else f"own.{name}@1"
    n = {row["proxy"]: row["n"] for row in told["rows"]}
    assert n == {"naswot@1": SHIPPED, own: 3, "mine@1": 3}
    plain = name.partition("@")[0]
    head = "What begins with cifar10." if "." in plain else plain
    assert f"{head} is of the suite, so that yours is called own.{plain}" in said
    assert not told["provenance"]["own_scores"]["in_place_of"]


@pytest.mark.parametrize("names", ["naswot,own.naswot", "foo,foo:min"])
def test_two_columns_of_one_score_are_a_sentence(folder, capsys, names):
    (folder / "mine.csv").write_text(f"index,{names}\n1,2,1\n2,3,4\n")
    said = correlate(capsys, "--scores", "mine.csv", "--proxy", "flops", code=2)[0]["error"]
    one, other = names.split(",")
    assert f"'{one}' and '{other}' are one score" in said


def test_a_file_is_judged_beside_the_suites_flops_whatever_its_columns_are_called(folder, capsys):
    (folder / "mine.csv").write_text("index,flops,mine\n1,2,1\n2,3,4\n3,9,1\n")
    told, _ = correlate(capsys, "--scores", "mine.csv")
    assert {row["proxy"]: row["n"] for row in told["rows"]} == {
        "own.flops@1": 3, "mine@1": 3, "flops@1": N_CELLS
    }  # fmt: skip


def test_a_written_table_takes_named_scores_beside_its_own(folder, capsys):
    run(capsys, "table", "--out", "t.parquet")
    tabulated(FILE, N_CELLS)
    told, said = correlate(capsys, "--proxy", "naswot", "--table", "t.parquet")
    assert (told["rows"][0]["n"], said) == (SHIPPED, "")
    again = correlate(capsys, "--table", "t.parquet", "--scores", str(FILE), code=2)
    assert "leave out --table" in again[0]["error"]
    (folder / "mine.csv").write_text("index,mine\n1,2\n2,3\n3,1\n")
    named = ["--table", "t.parquet", "--scores", "mine.csv", "--proxy", "mine"]
    assert correlate(capsys, *named)[0]["rows"][0]["n"] == 3


def test_a_table_of_scores_alone_says_the_way(folder, capsys):
    pd.DataFrame({"index": ROWS, "x": ROWS}).to_parquet("my.parquet")
    (folder / "my.csv").write_text("index,x\n1,2\n")
    for name in ("my.parquet", "my.csv"):
        assert "--scores" in correlate(capsys, "--table", name, code=2)[0]["error"]


@given(st.text(max_size=30))
def test_any_text_is_scores_or_a_sentence(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("fuzz") / "mine.csv"
    path.write_text(text, "utf-8")
    with contextlib.suppress(UserError):
        own_scores.join(Table.empty(), Scores(path))


def shipped_settings(**changes):
    """Return settings as the shipped table `proxies` has them, but for some."""
    skeleton = {"channels": 16, "cells_per_stage": 5, "classes": 10, "resolution": 16}
    batch = {"size": 32, "images": "cifar10_jpeg_subset.npz (sha256 e514e233f69f)"}
    mine = {"proxies": {"naswot": 1}, "skeleton": skeleton, "batch": batch, "dtype": "float32"}
    for name, value in changes.items():
        (mine if name in mine else batch if name in batch else skeleton)[name] = value
    return mine


def tabulated_with(settings, path=FILE, **more):
    made = [Values(column("naswot@1"), VALUES, "-")]
    path.parent.mkdir(parents=True, exist_ok=True)
    Table.empty({"command": "tabulate", "settings": settings, **more}).with_columns(made).write(
        path
    )


def test_other_settings_than_the_suites_are_said(folder, capsys):
    tabulated_with(shipped_settings(images="synthetic", resolution=8, dtype="float64"))
    told, said = correlate(capsys, "--proxy", "naswot")
    assert "naswot@1: 15,625 cells in place of 15,284" in said
    assert "The suite's were made with other settings: " in said
    assert "images cifar10_jpeg_subset.npz (sha256 e514e233f69f) where these have synthetic" in said
    assert "resolution 16 where these have 8" in said
    assert "dtype float32 where these have float64" in said
    assert set(told["provenance"]["own_scores"]["differs"]) == {"images", "resolution", "dtype"}


def test_the_same_settings_are_not_said(folder, capsys):
    tabulated_with(shipped_settings())
    assert "other settings" not in correlate(capsys, "--proxy", "naswot")[1]


def test_a_single_repeat_beside_means_of_three_is_said(folder, capsys):
    """A mean has less noise: its tau is none of a single draw."""
    tabulated_with(shipped_settings(), repeats=1)
    assert (
        "other settings: repeats 3 where these have 1." in correlate(capsys, "--proxy", "naswot")[1]
    )


def test_a_proxy_that_does_not_ship_is_held_against_the_shipped_settings(folder, capsys):
    tabulated_with(shipped_settings(proxies={"mine": 1}, cells_per_stage=1))
    said = correlate(capsys, "--proxy", "naswot")[1]
    assert "other settings: cells per stage 5 where these have 1." in said


def test_a_file_that_adds_no_score_says_so(folder, capsys):
    (folder / "mine.csv").write_text("index,mine.r0\n5,1\n7,2\n")
    said = correlate(capsys, "--proxy", "naswot", "--scores", "mine.csv")[1]
    assert "mine.csv adds no score: it has times, spreads or single repeats alone." in said


def test_a_folder_of_rows_alone_says_what_merges_them(folder, capsys):
    (folder / "rows").mkdir()
    (folder / "rows/rows-1-of-1.jsonl").touch()
    error = correlate(capsys, "--scores", "rows", code=2)[0]["error"]
    assert "tabulate --merge --out rows" in error


def test_scores_that_are_not_finite_are_counted_and_said(folder, capsys):
    """Infinite ones have no place in a rank correlation, and are no gaps of the file either."""
    (folder / "mine.csv").write_text(
        "index,mine,b\n1,inf,1\n2,3.5,2\n3,-inf,3\n4,,4\n5,1e400,5\n6,2,6\n"
    )
    found, told = correlate(capsys, "--scores", "mine.csv")
    about = found["provenance"]["own_scores"]
    assert about["not_finite"] == {"mine@1": 3}
    assert about["cells"] == {"mine@1": 2, "b@1": 6}
    assert "mine: 3 scores are infinite and count as missing" in " ".join(told.split())
    text = run(
        capsys, "correlate", "--scores", "mine.csv", "--dataset", "cifar10", "--resamples", "200"
    )
    assert "mine@1: 2 cells, 3 not finite" in " ".join(text.out.split())
    assert "b@1: 6 cells, mine@1" in " ".join(text.out.split())
    table = join(Table.empty({}), Scores(folder / "mine.csv"))
    reasons = table.reasons("mine@1")
    assert reasons["not finite in mine.csv"] == 3
    assert reasons["no value in mine.csv"] == N_CELLS - 5
    capsys.readouterr()
    memory = Table.empty({}).with_scores("mine", {1: np.inf, 2: 1.0, 3: np.nan})
    assert "mine@1: 1 cells, 1 not finite" in memory.provenance_line
    assert "mine@1: 1 cells)" in Table.empty({}).with_scores("mine", {2: 1.0}).provenance_line
