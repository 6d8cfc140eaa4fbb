"""Finding and downloading pinned files, against a small server on this machine."""

import hashlib
import json
import socket
import threading
import time

import pytest
from click.testing import CliRunner
from pinned_files import CONTENT, files_below, pin, source

from benchsuite.assembly import accuracy
from benchsuite.cli.commands.fetch import command
from benchsuite.errors import UserError
from benchsuite.sources import _fetch as fetching
from benchsuite.sources import _public_files as module
from benchsuite.sources import _read
from benchsuite.sources._fetch import fetch
from benchsuite.sources._public_files import find, folder_of, places
from benchsuite.sources._source import PinnedFile


def test_a_download_lands_in_the_cache_and_is_not_repeated(server, where):
    told = []
    data = source(pin(server, "ok"))
    fetch([data], where=where, progress=lambda *told_now: told.append(told_now))
    assert (where.cache / "owner/name/data.bin").read_bytes() == CONTENT
    assert folder_of(data, where) == where.cache
    assert told[-1] == ("data.bin", len(CONTENT), len(CONTENT))
    fetch([data], where=where)
    assert list(server.hits.values()) == [1]
    assert not list(where.drop.iterdir())


def test_a_flaky_server_is_tried_again(server, where):
    fetch([source(pin(server, "flaky"))], where=where, pause=0)
    assert find(pin(server, "flaky"), where).read_bytes() == CONTENT


def test_the_next_address_is_tried(server, where):
    fetch([source(pin(server, "absent", "ok"))], where=where, pause=0, attempts=2)
    assert server.hits == {"/absent/data.bin": 2, "/ok/data.bin": 1}


@pytest.mark.parametrize("kind", ["absent", "cut", "wrong"])
def test_a_failed_download_leaves_nothing_and_says_what_to_do(server, where, kind):
    data = pin(server, kind)
    with pytest.raises(UserError) as error:
        fetch([source(data)], where=where, pause=0, attempts=2)
    assert data.urls[0] in str(error.value)
    assert str(where.drop / data.path) in str(error.value)
    assert files_below(where.cache) == []
    assert find(data, where) is None


def test_no_server_at_all(where):
    data = PinnedFile("a/b/c", ("http://127.0.0.1:9/c",), "0" * 64, 3)
    with pytest.raises(UserError, match="by hand"):
        fetch([source(data)], where=where, pause=0, attempts=1)


def test_one_failure_does_not_stop_the_others(server, where):
    good, bad = pin(server, "ok", path="a/good"), pin(server, "absent", path="a/bad")
    with pytest.raises(UserError, match=r"^1 file"):
        fetch([source(bad), source(good)], where=where, pause=0, attempts=1)
    assert find(good, where) is not None


def test_a_damaged_file_of_the_drop_folder_does_not_stop_the_others(server, where):
    good, bad = pin(server, "ok", path="a/good"), pin(server, "ok", path="a/bad")
    (where.drop / "a").mkdir()
    (where.drop / bad.path).write_bytes(CONTENT[:-1])
    with pytest.raises(UserError, match=r"bad is not the pinned file"):
        fetch([source(bad), source(good)], where=where, pause=0, attempts=1)
    assert (where.cache / good.path).read_bytes() == CONTENT


def test_a_file_without_address_is_asked_for(where):
    data = PinnedFile("official.pth", md5_part="abcde", by_hand="https://example.org/official")
    with pytest.raises(UserError, match=r"https://example.org/official\n.*official.pth"):
        fetch([source(data)], where=where)
    assert not source(data).downloadable


def test_the_drop_folder_comes_first_and_completes_from_it(server, where):
    other = CONTENT[::-1]
    here = PinnedFile("a/here", (), hashlib.sha256(other).hexdigest(), len(other))
    there = pin(server, "ok", path="a/there")
    (where.drop / "a").mkdir()
    (where.drop / "a/here").write_bytes(other)
    assert find(here, where) == where.drop / "a/here"
    assert folder_of(source(here, there), where) is None
    fetch([source(here, there)], where=where)
    assert folder_of(source(here, there), where) == where.cache
    assert files_below(where.drop) == ["here"]


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT[:-1] + b"!", b""])
def test_wrong_content_in_the_drop_folder_is_an_error(server, where, content):
    data = pin(server, "ok", path="data.bin")
    (where.drop / "data.bin").write_bytes(content)
    with pytest.raises(UserError, match="not the pinned file"):
        find(data, where)
    with pytest.raises(UserError, match="not the pinned file"):
        fetch([source(data)], where=where)
    assert not (where.cache / "data.bin").exists()


def test_a_damaged_file_of_the_cache_is_replaced(server, where):
    data = pin(server, "ok")
    (where.cache / "owner/name").mkdir(parents=True)
    (where.cache / data.path).write_bytes(b"damaged")
    fetch([source(data)], where=where)
    assert find(data, where).read_bytes() == CONTENT


def test_the_md5_digits_of_an_official_name(where):
    digits = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
    (where.drop / "big.pth").write_bytes(CONTENT)
    assert find(PinnedFile("big.pth", md5_part=digits[-6:]), where)
    assert find(PinnedFile("big.pth", md5_part=digits[:5]), where)
    with pytest.raises(UserError, match="md5"):
        find(PinnedFile("big.pth", md5_part=digits[3:9]), where)


def test_a_verified_file_is_not_read_again_until_it_changes(server, where, monkeypatch):
    data = pin(server, "ok", path="data.bin")
    (where.drop / "data.bin").write_bytes(CONTENT)
    find(data, where)
    monkeypatch.setattr(module.hashlib, "new", lambda *_, **__: pytest.fail("read again"))
    find(data, where)
    (where.drop / "data.bin").write_bytes(CONTENT[::-1])
    monkeypatch.undo()
    with pytest.raises(UserError):
        find(data, where)


def test_a_cache_that_cannot_be_written_or_is_damaged_only_costs_time(server, where):
    data = pin(server, "ok", path="data.bin")
    (where.drop / "data.bin").write_bytes(CONTENT)
    where.cache.write_text("a file where a folder should be")
    assert find(data, where)
    where.cache.unlink()
    where.cache.mkdir()
    for content in ("not json", "[]", '{"x": 1}'):
        (where.cache / "verified.json").write_text(content)
        assert find(data, where)


def test_the_drop_folder_must_exist(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCHSUITE_DATA", str(tmp_path / "none"))
    with pytest.raises(UserError, match="no folder"):
        places()
    monkeypatch.setenv("BENCHSUITE_DATA", str(tmp_path))
    assert places().drop == tmp_path
    monkeypatch.delenv("BENCHSUITE_DATA")
    assert places().drop is None


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_downloads_and_says_what_there_is(server, tmp_path, monkeypatch, as_json):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("BENCHSUITE_DATA", raising=False)
    for room in (_read, accuracy):
        monkeypatch.setattr(room, "all_sources", lambda: (source(pin(server, "ok")),))
    result = CliRunner().invoke(command, ["--json"] if as_json else [])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "benchsuite/owner/name/data.bin").read_bytes() == CONTENT
    if as_json:
        found = json.loads(result.stdout)
        assert all(name.endswith("@estimate-1") for name in found["columns"])
    else:
        assert "14 columns of accuracies" in result.stdout
        assert "ESTIMATED" in result.stdout


def silent_server():
    """A server that takes connections and never answers; the caller closes it."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(64)
    return listening, f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_a_server_that_never_answers_is_asked_once_for_all_files(where, monkeypatch):
    monkeypatch.setattr(fetching, "REACH", 0.6)
    listening, address = silent_server()
    files = [
        PinnedFile(f"a/{i}.bin", (f"{address}/{i}.bin",), f"{i}" * 64, 1000 + i) for i in range(9)
    ]
    began = time.monotonic()
    with listening, pytest.raises(UserError) as error:
        fetch([source(file) for file in files], where=where)
    assert time.monotonic() - began < 3
    said = str(error.value)
    for file in files:
        assert f"{file.urls[0]} ({file.size:,} bytes)" in said
        assert str(where.drop / file.path) in said
    assert said.count("cannot be reached:") == 1
    assert "known by their content" in said


def test_a_name_that_is_never_resolved_does_not_hold_the_command(where, monkeypatch):
    monkeypatch.setattr(fetching, "REACH", 0.3)
    held = threading.Event()
    monkeypatch.setattr(fetching, "_fault_of", lambda url: held.wait(20) and None)
    data = PinnedFile("a/b", ("http://nowhere.example/b",), "0" * 64, 3)
    began = time.monotonic()
    with pytest.raises(UserError, match=r"nowhere\.example cannot be reached: no answer in"):
        fetch([source(data)], where=where)
    held.set()
    assert time.monotonic() - began < 3


def test_a_server_is_not_asked_for_what_is_there(server, where):
    data = source(
        PinnedFile(
            "a", ("http://127.0.0.1:9/a",), hashlib.sha256(CONTENT).hexdigest(), len(CONTENT)
        )
    )
    (where.drop / "another name").write_bytes(CONTENT)
    fetch([data], where=where)
    assert folder_of(data, where) is not None
