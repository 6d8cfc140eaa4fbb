"""What --out is called and where it cannot go, and sentences and numbers as a person reads them."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchsuite import cli
from benchsuite.cli.commands import ls
from benchsuite.cli.commands._lists import listed, proxy_names
from benchsuite.deployment.ram import CONVENTIONS
from benchsuite.errors import UserError
from benchsuite.files import read_text
from benchsuite.parameters import fill
from benchsuite.regression.baseline import FOLDER, load
from benchsuite.reporting.page import _code
from benchsuite.reporting.text import shown_table
from benchsuite.table.columns import training_time_column
from benchsuite.table.table import Table

REPOSITORY = Path(__file__).parents[2]
S = ["--channels", "4", "--cells-per-stage", "1", "--resolution", "8"]


def refused(capsys, *args):
    with pytest.raises(SystemExit) as stop:
        cli.main([*args])
    assert stop.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "name", "said"),
    [
        (["table"], "cells.csv", "writes .parquet"),
        (["table"], "cells", "cells.parquet"),
        (["table"], "cells.parquet.gz", "writes .parquet"),
        (["devices", "tabulate"], "parts.xlsx", "writes .parquet"),
        (["profile", "stm32f746"], "table.parquet", "writes .csv"),
        (["export", "6111", *S], "b.pt", "writes .tflite or .onnx"),
        (["export", "6111", *S], "b", "writes .tflite or .onnx"),
        (["export", "6111", *S, "--format", "tflite"], "b.onnx", "leave out --format"),
        (["export", "6111", *S, "--format", "onnx"], "b.tflite", "leave out --format"),
        (["tabulate"], "scores.parquet", "a folder, as in"),
        (["study", "guard"], "runs.csv", "a folder, as in"),
        (["run"], "index.html", "a folder, as in"),
        (["table"], "..", "is a directory"),
    ],
)
def test_the_suffix_says_the_format_or_is_refused(tmp_path, capsys, command, name, said):
    assert said in refused(capsys, *command, "--out", str(tmp_path / name))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("table --card card.parquet", "writes .json or .jsonld"),
        ("baseline compare a --markdown a.html", "writes .md"),
        ("baseline compare a --junit a.json", "writes .xml"),
        ("baseline compare a --junit /dev/null", "writes .xml"),
    ],
)
def test_the_suffix_says_the_format_of_every_file(tmp_path, monkeypatch, capsys, option, said):
    monkeypatch.chdir(tmp_path)
    assert said in refused(capsys, *option.split())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["t.csv", "t", ".parquet/t"])
def test_a_table_is_written_as_what_its_name_says(tmp_path, name):
    with pytest.raises(UserError, match=r"ends \.parquet"):
        Table.empty({}).write(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "command",
    [
        ["correlate", "--proxy", "flops", "--dataset", ""],
        ["correlate", "--proxy", ""],
        ["correlate", "--cells", ""],
        ["replay", "random", "--seeds", "1", "--device", ""],
        ["replay", "random", "--seeds", "1", "--cluster", ""],
        ["tabulate", "--cells", ""],
        ["tabulate", "--shard", ""],
        ["export", "6111", *S, "--out", "a.onnx", "--format", ""],
        ["profile", "stm32f746", "--out", ""],
        ["ls", "columns", "--scores", ""],
        ["correlate", "--proxy", "flops", "--table", ""],
        ["correlate", "--proxy", "flops", "--truth", ""],
        ["run", "--out", ""],
        ["study", "guard", "--out", ""],
        ["tabulate", "--out", ""],
        ["tabulate", "--cluster", ""],
        ["baseline", "save", ""],
        ["baseline", "save", "."],
        ["baseline", "compare", ""],
    ],
    ids=" ".join,
)
def test_an_empty_value_is_refused_and_never_the_default(tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    assert refused(capsys, *command)


@pytest.mark.parametrize("suffix", [".tflite", ".onnx", ".ONNX"])
def test_export_writes_what_the_suffix_says(tmp_path, suffix):
    pytest.importorskip("onnx")
    pytest.importorskip("tflite")
    path = tmp_path / f"b{suffix}"
    cli.main(["export", "6111", *S, "--out", str(path)])
    assert (path.read_bytes()[4:8] == b"TFL3") == (suffix == ".tflite")


@pytest.mark.parametrize(
    "command",
    [
        ["table", "--out", "{}/t.parquet"],
        ["export", "6111", *S, "--out", "{}/b.tflite"],
        ["tabulate", "--proxy", "naswot", "--cells", "2", *S, "--out", "{}/scores"],
        ["study", "guard", "--seeds", "1", "--out", "{}/studies"],
    ],
    ids=lambda command: command[0],
)
def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path, monkeypatch, capsys, command):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "file").write_text("x")
    error = refused(capsys, *(part.replace("{}", str(tmp_path / "file")) for part in command))
    assert "cannot be" in error
    assert "file" in error


@pytest.mark.parametrize("command", ["table --out {}.parquet", "correlate --scores {}.csv"])
def test_a_name_that_is_not_utf_8_is_a_sentence(tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(b"caf\xe9")
    Path(f"{name}.csv").write_text("index,mine\n6111,3.5\n6112,3\n")
    error = refused(capsys, *command.format(name).split())
    assert "is not UTF-8" in error
    assert "caf\\udce9" in error


def test_the_hint_for_a_baseline_is_what_one_types():
    typed_as = {FOLDER / "nope": "nope", Path("guard"): "guard/", Path("a/b"): "a/b"}
    for folder, typed in typed_as.items():
        with pytest.raises(UserError, match=f"'benchsuite baseline save {typed}' makes one"):
            load(folder)


def test_a_parameter_is_that_of_something_inside_a_sentence():
    from benchsuite.search.rea import Parameters

    cases = {"The strategy rea": "of the strategy rea is", "x.toml: a": "of x.toml: a is"}
    for whose, said in cases.items():
        with pytest.raises(UserError, match=said):
            fill(Parameters, {"population": "many"}, whose)


def test_whole_numbers_are_shown_whole():
    rows = pd.DataFrame(
        {"macs": [117_883_530.0, 1.0], "holed": [5.0, np.nan], "tau": [1.0, 0.5], "one": [1.0, 1.0]}
    )
    shown = shown_table(rows)
    assert list(shown["macs"]) == ["117,883,530", "1.000"]
    assert list(shown["holed"]) == ["5", "-"]
    assert list(shown["tau"]) == ["1.000", "0.500"]
    assert list(shown["one"]) == ["1.000", "1.000"]


def test_backticks_are_code_on_the_page_and_nothing_else_is_markup():
    assert _code("see `fits.*` & <b>") == "see <code>fits.*</code> &amp; &lt;b&gt;"
    assert _code("`<b>`") == "<code>&lt;b&gt;</code>"


def test_conventions_are_in_a_document():
    text = read_text(REPOSITORY / "benchsuite/data/README.md")
    for name in CONVENTIONS:
        assert f"`{name}`" in text


def test_times_say_how_many_images_they_are_of():
    half = training_time_column("cifar10", 200, "mean", "nb201-v1_1", "x").description
    whole = training_time_column("cifar100", 200, "mean", "nb201-v1_1", "x").description
    assert "on one half of the training images" in half
    assert "half" not in whole


def test_formats_say_that_they_pad_otherwise(capsys):
    cli.main(["export", "--help"])
    words = " ".join(capsys.readouterr().out.split())
    assert "pads the convolutions of stride 2 after the image" in words
    assert "by up to 51 of 256 steps" in words


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("correlate --table t.parquet --plugins .", "--plugins has no effect: --table has"),
        ("tabulate --merge --proxy naswot", "--proxy has no effect: --merge"),
        ("tabulate --merge --channels 4", "--channels has no effect: --merge"),
        ("tabulate --merge --shard 1/2", "--shard has no effect: --merge"),
        ("run --quick --seeds 5", "--seeds has no effect: --quick"),
        ("replay rea --runtime own", "--runtime has no effect: it is the runtime of a --device"),
        ("replay rea --cells-per-stage 0", "--cells-per-stage"),
        ("baseline save a --cells 5", "--cells has no effect: no proxy"),
        ("baseline save a --study guard --images gaussian", "--images has no effect: no proxy"),
        ("baseline save a --proxy naswot --resamples 5", "--resamples has no effect: no table"),
        ("baseline save a --proxy naswot --scores none", "--scores has no effect: neither"),
        ("ls devices --scores s.csv", "--scores adds columns"),
        ("correlate --proxy ,", "--proxy ',' has an empty name"),
        ("correlate --proxy flops,,naswot", "has an empty name"),
        ("correlate --cells all,", "--cells 'all,' has an empty name"),
        ("correlate --dataset , --proxy flops", "--dataset ',' has an empty name"),
        ("score 6111 --proxy ,", "--proxy ',' has an empty name"),
        ("tabulate --proxy naswot,", "--proxy 'naswot,' has an empty name"),
        ("baseline save a --proxy ,", "--proxy ',' has an empty name"),
    ],
)
def test_options_without_effect_are_refused(tmp_path, monkeypatch, capsys, command, said):
    monkeypatch.chdir(tmp_path)
    Path("s.csv").write_text("index,a\n1,2\n")
    assert said in refused(capsys, *command.split())


def test_lists_of_names_are_read_once_and_all_means_all():
    for option in (["a , b", "a"], ["a,b"], ["a", "b", "b,a"]):
        assert listed("--proxy", option) == ("a", "b")
    for option in (["all"], ["a,all"], [" all "], []):
        assert proxy_names(option) == ()


def test_score_takes_all(capsys):
    cli.main(["score", "0", *S, "--batch-size", "2", "--proxy", "all"])
    assert "naswot" in capsys.readouterr().out


def test_lines_to_copy_hold_for_folders_with_spaces(tmp_path, capsys, monkeypatch):
    mine = Path("my plug ins")
    (tmp_path / mine / "proxies").mkdir(parents=True)
    (tmp_path / mine / "devices").mkdir()
    text = (REPOSITORY / "proxies/l2_norm.py").read_text("utf-8")
    (tmp_path / mine / "proxies/mine.py").write_text(text, "utf-8")
    rows = ((1835, 150), (186, 114), (4317, 206), (3043, 124), (1462, 686), (6960, 205))
    lines = ["cell,ms", *(f"{cell},{ms}" for cell, ms in rows)]
    (tmp_path / "my.csv").write_text("\n".join(lines))
    monkeypatch.chdir(tmp_path)
    assert "--plugins 'my plug ins'" in refused(
        capsys, "correlate", "--proxy", "mine", "--plugins", str(mine)
    )
    assert "--out 'my plug ins'" in refused(capsys, "correlate", "--scores", str(mine))
    part = ["--device", "stm32f746", "--runtime", "own", "--out", str(mine / "devices/board.py")]
    cli.main(["devices", "calibrate", "my.csv", *part])
    assert "--device board --plugins 'my plug ins'" in capsys.readouterr().out


def test_a_column_without_a_unit_is_listed_without_one():
    row = {"description": "latency", "unit": "s", "cells": 1234}
    assert ls._about(row) == "latency [s, 1,234 cells]"
    assert ls._about({**row, "unit": ""}) == "latency [1,234 cells]"
