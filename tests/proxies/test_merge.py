"""Merging rows: never of several settings, nothing lost, and what is missing is said."""

import json
import re

import numpy as np
import pytest
import threads as in_threads

from benchsuite.cli import main
from benchsuite.errors import UserError
from benchsuite.parallel import pool
from benchsuite.plugins import load
from benchsuite.proxies._scoring import images
from benchsuite.proxies._scoring.images import open_images
from benchsuite.proxies._tabulation import rows as _rows
from benchsuite.proxies._tabulation.merge import merge
from benchsuite.proxies._tabulation.spec import Spec
from benchsuite.proxies._tabulation.tabulate import choose_cells, run, tasks
from benchsuite.ranking.correlations import proxies_in
from benchsuite.space.network import Skeleton
from benchsuite.table.table import Table

SMALL = Skeleton(channels=2, cells_per_stage=1, resolution=4)
SPEC = Spec(("l2_norm", "naswot"), SMALL, batch_size=4, images="gaussian")
OPTIONS = ["--channels", "2", "--cells-per-stage", "1", "--resolution", "4", "--batch-size", "4"]
OPTIONS += ["--images", "gaussian", "--proxy", "l2_norm,naswot"]
PROXIES = {name: load("proxies", name) for name in SPEC.proxies}
ROWS = "rows-1-of-1.jsonl"


@pytest.fixture(autouse=True)
def threads(monkeypatch):
    monkeypatch.setattr(pool, "processes", in_threads.threads)


@pytest.fixture
def told(capsys):
    """Run a command; return what it printed, with `fails` its error, as one line."""

    def call(*args, fails=False):
        if fails:
            with pytest.raises(SystemExit) as stop:
                main([str(arg) for arg in args])
            assert stop.value.code == 2
        else:
            main([str(arg) for arg in args])
        printed = capsys.readouterr()
        return " ".join((printed.err if fails else printed.out).split())

    return call


def halves(folder, changes=None):
    """Tabulate half of six cells twice into one folder, the other half elsewhere, and copy it."""
    changes = changes or {}
    other = Spec(**{**SPEC.__dict__, **changes})
    cells = choose_cells("6", 0)
    run(SPEC, tasks(cells, 2, 1, 2), folder / "a", shard=1, shards=2, asked=tasks(cells, 2, 1, 1))
    run(other, tasks(cells, 2, 2, 2), folder / "b", shard=2, shards=2)
    name = "rows-2-of-2.jsonl"
    (folder / "a" / name).write_bytes((folder / "b" / name).read_bytes())
    return folder / "a"


def unstamped(path):
    """Take the digest of the settings out of a file of rows, as older versions wrote it."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        del row[_rows.STAMP]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_rows_that_are_copied_together_are_one_table(tmp_path):
    table = merge(halves(tmp_path), PROXIES, 2)
    assert (table.provenance["rows"], table.provenance["missing_rows"]) == (12, 0)
    assert table.provenance["unstamped_rows"] == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"skeleton": Skeleton(channels=4, cells_per_stage=1, resolution=4)},
        {"dtype": "float64"},
        {"seed": 1},
        {"proxies": ("naswot",)},
    ],
)
def test_rows_of_other_settings_are_refused(tmp_path, told, changes):
    folder = halves(tmp_path, changes)
    said = told("tabulate", "--merge", "--out", folder, fails=True)
    assert "Line 1 of" in said
    assert "rows-2-of-2.jsonl was made with other settings than settings.json" in said
    with pytest.raises(UserError, match="made with other settings"):
        run(SPEC, tasks(choose_cells("6", 0), 2, 1, 1), folder)


def test_rows_of_before_are_merged_as_far_as_they_show_nothing_else(tmp_path, told):
    folder = halves(tmp_path)
    unstamped(folder / "rows-1-of-2.jsonl")
    said = told("tabulate", "--merge", "--out", folder, fails=True)
    assert "of different versions" in said
    unstamped(folder / "rows-2-of-2.jsonl")
    said = told("tabulate", "--merge", "--out", folder)
    assert "12 rows are of before rows held a digest" in said


@pytest.mark.parametrize(
    ("changes", "what"),
    [({"images": "synthetic"}, "other images"), ({"proxies": ("naswot",)}, "other proxies")],
)
def test_rows_of_before_that_show_other_settings_are_refused(tmp_path, changes, what):
    folder = halves(tmp_path, changes)
    for path in folder.glob("rows-*"):
        unstamped(path)
    with pytest.raises(UserError, match=f"of {what} than settings.json"):
        merge(folder, PROXIES, 2)


def test_merging_takes_the_repeats_of_the_rows(tmp_path, told):
    told("tabulate", *OPTIONS, "--cells", "3", "--repeats", "1", "--out", tmp_path)
    before = Table.open(tmp_path / "proxies.parquet")
    said = told("tabulate", "--merge", "--out", tmp_path)
    assert "of 3 rows, 2 proxies, 1 repeats." in said
    assert "missing" not in said
    after = Table.open(tmp_path / "proxies.parquet")
    np.testing.assert_array_equal(before.values("naswot"), after.values("naswot"))


def test_what_is_missing_is_counted(tmp_path, told):
    folder = halves(tmp_path)
    (folder / "rows-2-of-2.jsonl").unlink()
    printed = json.loads(told("tabulate", "--merge", "--repeats", "2", "--json", "--out", folder))
    assert (printed["rows"], printed["missing_rows"]) == (6, 6)
    assert printed["absent_shards"] == ["2 of 2"]
    said = told("tabulate", "--merge", "--out", folder)
    assert "6 rows are missing: a cell without all 2 repeats has no score." in said
    (folder / _rows.ASKED).unlink()
    said = told("tabulate", "--merge", "--out", folder)
    assert "Shards without a file of rows: 2 of 2." in said
    assert "rows are missing" not in said


def test_a_fuller_table_is_kept(tmp_path, told):
    told("tabulate", *OPTIONS, "--cells", "3", "--repeats", "2", "--out", tmp_path)
    told("tabulate", "--merge", "--repeats", "1", "--out", tmp_path)
    path = tmp_path / "proxies.parquet"
    table = Table.open(path)
    assert not {"naswot.std@1", "naswot.r0@1"} & set(table.columns)
    assert np.isfinite(table.values("naswot@1")).any()
    said = told("tabulate", "--merge", "--repeats", "3", "--out", tmp_path, fails=True)
    assert re.search(
        r"has [\d,]+ cells of \w+@1, and the rows give 0 with 3 repeats: it is kept", said
    )
    assert np.isfinite(Table.open(path).values("naswot@1")).any()
    path.unlink()
    said = told("tabulate", "--merge", "--repeats", "3", "--out", tmp_path)
    assert "3 rows are missing" in said
    assert "not tabulated: 1 of 3 repeats missing" in Table.open(path).reasons("naswot@1")


@pytest.mark.parametrize("repeats", ["0", "-1"])
def test_no_repeats_are_a_sentence(tmp_path, told, repeats):
    told("tabulate", *OPTIONS, "--cells", "1", "--repeats", "1", "--out", tmp_path)
    said = told("tabulate", "--merge", "--repeats", repeats, "--out", tmp_path, fails=True)
    assert f"The number of repeats is a whole number of 1 or more, not {repeats}." in said


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"repeat": -1}, "its 'repeat' has to be a whole number from 0 on"),
        ({"cell": True}, "its 'cell' has to be a whole number from 0 on"),
        ({"values": {"naswot": "much"}}, "its value of 'naswot' is no number"),
        ({"seconds": {"forward": None}}, "its seconds of 'forward' are no number"),
        ({"reasons": {"naswot": 3}}, "its reason of 'naswot' is no text"),
        ({"batches": "abc"}, "its 'batches' have to be a list of texts"),
        ({"device": 1}, "its 'device' is no text"),
        ({"values": None}, "its 'values' have to stand by name"),
        (("batches", "values", "reasons", "seconds"), "it has no 'batches'"),
    ],
)
def test_a_damaged_row_is_named_with_what_is_wrong(tmp_path, told, change, what):
    run(SPEC, tasks([0], 1, 1, 1), tmp_path)
    row = json.loads((tmp_path / ROWS).read_text())
    if isinstance(change, dict):
        row |= change
    else:
        row = {name: value for name, value in row.items() if name not in change}
    with (tmp_path / ROWS).open("a") as file:
        file.write(json.dumps(row) + "\n")
    said = told("tabulate", "--merge", "--out", tmp_path, fails=True)
    assert f"Line 2 of {tmp_path / ROWS} is damaged ({what})" in said


@pytest.mark.parametrize(
    ("change", "what"),
    [({}, "proxies"), ({"proxies": {}, "skeleton": {"channels": 3}}, "skeleton")],
)
def test_settings_that_lack_something_are_a_sentence(tmp_path, told, change, what):
    run(SPEC, tasks([0], 1, 1, 1), tmp_path)
    (tmp_path / _rows.SETTINGS).write_text(json.dumps(change))
    said = told("tabulate", "--merge", "--out", tmp_path, fails=True)
    assert f"settings.json is damaged ('{what}' is not there" in said


def test_a_damaged_note_of_what_was_asked_is_a_sentence(tmp_path):
    run(SPEC, tasks([0], 1, 1, 1), tmp_path, asked=[(0, 0)])
    (tmp_path / _rows.ASKED).write_text('{"a": 1}')
    with pytest.raises(UserError, match=r"asked.json is damaged.*remove it"):
        merge(tmp_path, PROXIES)


def test_a_label_lets_two_settings_stand_in_one_table(tmp_path, told):
    options = ["tabulate", *OPTIONS, "--cells", "3", "--repeats", "1", "--out", tmp_path]
    told(*options)
    plain = Table.open(tmp_path / "proxies.parquet")
    printed = json.loads(told(*options, "--label", "again", "--json"))
    labelled = Table.open(tmp_path / "proxies.parquet")
    assert printed["columns"] == list(labelled.columns)
    assert printed["rows"] == 3
    both = plain.joined(labelled)
    np.testing.assert_array_equal(both.values("naswot@1"), both.values("naswot.again@1"))
    assert proxies_in(both, ["naswot", "naswot.again"]) == ["naswot@1", "naswot.again@1"]
    assert "naswot.again@1" not in proxies_in(both)


@pytest.mark.parametrize(
    ("label", "what"),
    [
        ("not this", "make a label"),
        ("r0", "one repeat of a score"),
        ("r17", "one repeat of a score"),
        ("std", "the spread"),
        ("k2", "an output of a proxy"),
        ("unpruned_b4", "give --unpruned"),
    ],
)
def test_a_label_that_means_something_else_is_refused(tmp_path, told, label, what):
    options = [*OPTIONS[:-1], "naswot,ntk_frozen", "--cells", "1", "--label", label]
    assert what in told("tabulate", *options, "--out", tmp_path / "out", fails=True)
    assert not (tmp_path / "out").exists(), "before anything is scored"


@pytest.mark.parametrize(
    ("label", "named"),
    [("", "unpruned"), ("b4", "unpruned_b4"), ("unpruned_px8", "unpruned_px8")],
)
def test_scores_with_dead_operators_say_so_whatever_the_label(tmp_path, label, named):
    spec = Spec(("naswot",), SMALL, batch_size=4, images="gaussian", unpruned=True)
    run(spec, tasks([5], 1, 1, 1), tmp_path)
    table = merge(tmp_path, {"naswot": PROXIES["naswot"]}, 1, label)
    assert f"naswot.{named}@1" in table.columns


def test_noise_is_said_where_no_images_are_named(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv(images.VARIABLE, raising=False)
    images._say_stand_in.cache_clear()
    options = ["tabulate", *OPTIONS, "--cells", "1", "--repeats", "1"]
    at = options.index("--images")
    unnamed = options[:at] + options[at + 2 :]
    main([*unnamed, "--out", str(tmp_path / "a")])
    printed = capsys.readouterr()
    assert "no images are named, so networks are measured on synthetic noise" in printed.err
    assert "The scores are of synthetic noise, not of images." in printed.out
    table = Table.open(tmp_path / "a/proxies.parquet")
    assert "batch 4 of synthetic noise)" in table.column("naswot").description
    main([*options, "--out", str(tmp_path / "b")])
    printed = capsys.readouterr()
    assert "no images are named" not in printed.err
    assert "The scores are of gaussian noise, not of images." in printed.out


def test_images_are_named_in_the_columns(tmp_path, told):
    rng = np.random.default_rng(0)
    pixels = rng.integers(256, size=(16, 4, 4, 3), dtype=np.uint8)
    np.savez(tmp_path / "mine.npz", train_images=pixels, train_labels=np.arange(16) % 10)
    options = [*OPTIONS, "--images", tmp_path / "mine.npz", "--cells", "1", "--repeats", "1"]
    assert "noise" not in told("tabulate", *options, "--out", tmp_path / "out")
    table = Table.open(tmp_path / "out/proxies.parquet")
    assert "batch 4 of mine.npz)" in table.column("naswot").description


def test_images_of_any_file_name_are_told_from_noise(tmp_path, told):
    pixels = np.zeros((8, 4, 4, 3), dtype=np.uint8)
    path = tmp_path / "gaussian, blurred.npz"
    np.savez(path, train_images=pixels, train_labels=np.arange(8))
    named = Spec(SPEC.proxies, SMALL, batch_size=4, images=str(path)).settings()["batch"]["images"]
    assert named == open_images(path).source
    options = [*OPTIONS, "--images", path, "--cells", "1", "--repeats", "1"]
    assert "noise" not in told("tabulate", *options, "--out", tmp_path / "out")


def test_columns_say_what_a_proxy_takes_of_its_own(tmp_path):
    names = ("meco", "naswot")
    run(Spec(names, SMALL, batch_size=4, images="gaussian"), tasks([5], 1, 1, 1), tmp_path)
    columns = merge(tmp_path, {name: load("proxies", name) for name in names}, 1).columns
    assert columns["meco@1"].description.endswith("; of its own: one 64x64 image of N(0, 1) noise)")
    assert "of its own" not in columns["naswot@1"].description


def test_a_folder_without_images_says_what_was_looked_for(tmp_path):
    with pytest.raises(UserError, match=r"holds no images\. Looked for are the files data_batch_1"):
        images.open_images(tmp_path)


def test_a_batch_that_cannot_be_scored_claims_no_folder(tmp_path, told):
    options = [*OPTIONS, "--batch-size", "1", "--cells", "1"]
    assert "at least two" in told("tabulate", *options, "--out", tmp_path / "out", fails=True)
    assert not (tmp_path / "out").exists()
