"""Terminals and files in other encodings: no traceback, and the same meaning."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchsuite.errors import UserError
from benchsuite.files import read_text
from benchsuite.proxies._tabulation.tabulate import choose_cells
from benchsuite.regression import tolerances
from benchsuite.replays import study

ROOT = Path(__file__).parents[2]
STUDY = (
    'schema = 1\nname = "few"\n[[searches]]\nstrategy = "random"\nseeds = 1\n'
    'label = "größte"\nbudget = { queries = 3 }\n'
)
ENCODED = {
    "as written": STUDY.encode(),
    "with a mark": STUDY.encode("utf-8-sig"),
    "utf-16": STUDY.encode("utf-16"),
    "big endian": b"\xfe\xff" + STUDY.encode("utf-16-be"),
    "crlf": STUDY.replace("\n", "\r\n").encode(),
    "old mac": STUDY.replace("\n", "\r").encode(),
}


@pytest.mark.parametrize("how", ENCODED)
def test_every_way_to_save_a_text_gives_the_same(tmp_path, how):
    path = tmp_path / "few.toml"
    path.write_bytes(ENCODED[how])
    assert read_text(path) == STUDY
    loaded = study.load(path)
    assert loaded.searches[0].label == "größte"
    assert loaded.digest == study.load(path).digest


@pytest.mark.parametrize("read", [read_text, study.load, tolerances.load])
def test_other_encodings_are_a_sentence(tmp_path, read):
    path = tmp_path / "few.toml"
    for raw in (STUDY.encode("latin-1"), b"\xff\xfea", b"\x80"):
        path.write_bytes(raw)
        with pytest.raises(UserError, match=r"no text in UTF-8.*Save it as UTF-8"):
            read(path)
    with pytest.raises(UserError, match="cannot be read: No such file"):
        read(tmp_path / "none")


def test_a_list_of_cells_and_tolerances_may_begin_with_a_mark(tmp_path):
    path = tmp_path / "cells"
    for text in ("6111\n300\n", "6111\r\n\r\n300"):
        for encoding in ("utf-8", "utf-8-sig", "utf-16"):
            path.write_bytes(text.encode(encoding))
            assert len(choose_cells(str(path), 0)) == 2
    path.write_bytes("schema = 1\r\nalpha = 0.02\r\n".encode("utf-8-sig"))
    assert tolerances.load(path).alpha == 0.02


COMMANDS = {
    "ls devices": ["ls", "devices"],
    "ls strategies": ["ls", "strategies"],
    "ls columns": ["ls", "columns"],
    "ls reports": ["ls", "reports"],
    "json": ["ls", "devices", "--json"],
    "help": ["correlate", "--help"],
    "all help": ["--help"],
    "check": ["devices", "check"],
    "cell": ["cell", "6111"],
    "error": ["cell", "größte"],
    "json error": ["cell", "größte", "--json"],
}


@pytest.mark.parametrize("encoding", ["gbk", "ascii"])
@pytest.mark.parametrize("command", COMMANDS)
def test_terminals_without_our_letters(tmp_path, cache_home, command, encoding):
    run = subprocess.run(
        [sys.executable, "-m", "benchsuite", *COMMANDS[command]],
        cwd=tmp_path,
        env={
            **{k: v for k, v in os.environ.items() if k != "BENCHSUITE_DATA"},
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "PYTHONIOENCODING": encoding,
            "XDG_CACHE_HOME": str(cache_home),
        },
        capture_output=True,
        check=False,
    )
    assert b"Traceback" not in run.stderr
    assert run.returncode == (2 if "error" in command else 0), run.stderr
    run.stdout.decode(encoding)
    if "json" in command:
        said = json.loads(run.stdout.decode(encoding))
        assert "größte" in said["error"] if "error" in command else said["rows"]


def test_no_code_reads_its_files_in_the_encoding_of_the_machine():
    for package in ("benchsuite", "proxies", "devices", "reports"):
        for path in (ROOT / package).rglob("*.py"):
            assert ".read_text()" not in path.read_text("utf-8"), path
