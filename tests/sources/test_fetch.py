"""Finding and downloading pinned files, against a small server on this machine."""

import contextlib
import errno
import hashlib
import http.server
import json
import os
import shutil
import socket
import tempfile
import threading
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchsuite.assembly import accuracy
from benchsuite.cli.commands.fetch import command
from benchsuite.errors import UserError
from benchsuite.sources import _fetch as fetching
from benchsuite.sources import _public_files as module
from benchsuite.sources import _read
from benchsuite.sources._fetch import fetch
from benchsuite.sources._public_files import Places, find, folder_of, places
from benchsuite.sources._read import load_source, source_ids
from benchsuite.sources._source import PinnedFile, Source

CONTENT = b"some numbers" * 20_000


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def do_GET(self):
        hits = self.server.hits
        hits[self.path] = hits.get(self.path, 0) + 1
        kind = self.path.strip("/").partition("/")[0]
        if kind == "absent" or (kind == "flaky" and hits[self.path] < 3):
            self.send_error(404 if kind == "absent" else 503)
            return
        body = CONTENT if kind != "wrong" else CONTENT[::-1]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if kind == "cut" else body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.hits = {}
        running.address = f"http://127.0.0.1:{running.server_address[1]}"
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def where(tmp_path):
    drop = tmp_path / "drop"
    drop.mkdir()
    return Places(drop, tmp_path / "cache")


def pin(server, *kinds, path="owner/name/data.bin"):
    urls = tuple(f"{server.address}/{kind}/data.bin" for kind in kinds)
    return PinnedFile(path, urls, hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))


def source(*files):
    return Source("example", "nobody", "MIT", files, lambda folder: iter(()))


def files_below(folder: Path):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


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
    data = source(PinnedFile("a", ("http://127.0.0.1:9/a",), *_of(CONTENT)))
    (where.drop / "another name").write_bytes(CONTENT)
    fetch([data], where=where)
    assert folder_of(data, where) is not None


def _of(content):
    return hashlib.sha256(content).hexdigest(), len(content)


class Endless(Handler):
    """Never stops sending, or sends a byte now and then."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        drip = "drip" in self.path
        with contextlib.suppress(OSError):
            while not self.server.closing:
                self.server.sent += self.wfile.write(b"x" if drip else bytes(100_000))
                self.wfile.flush()
                time.sleep(0.02 if drip else 0)

    do_HEAD = http.server.SimpleHTTPRequestHandler.do_HEAD

    def send_head(self):
        self.send_response(200)
        self.end_headers()


@pytest.fixture
def endless():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless) as running:
        running.sent, running.closing, running.daemon_threads = 0, False, True
        running.address = f"http://127.0.0.1:{running.server_address[1]}"
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.closing = True
        running.shutdown()
        thread.join()


def test_a_body_without_end_is_left_at_the_pinned_size(endless, where):
    data = pin(endless, "more")
    with pytest.raises(UserError, match=r"more than the 240,000 bytes of this file"):
        fetch([source(data)], where=where, attempts=1)
    assert files_below(where.cache) == []
    assert endless.sent < 20_000_000


def test_a_server_that_drips_is_left_and_not_asked_for_more(endless, where, monkeypatch):
    monkeypatch.setattr(fetching, "PATIENCE", 0.3)
    monkeypatch.setattr(fetching, "SLOWEST", 10_000_000)
    files = [source(pin(endless, "drip", path=f"a/{i}")) for i in range(20)]
    began = time.monotonic()
    with pytest.raises(UserError, match=r"(?s)not whole after 0 seconds.*cannot be reached"):
        fetch(files, where=where, pause=0)
    assert time.monotonic() - began < 10
    assert files_below(where.cache) == []


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_cache_that_refuses_a_download_is_a_sentence_and_keeps_nothing(
    server, where, monkeypatch, fault
):
    def refused(self, content):
        with self.open("wb") as file:
            file.write(content[:100])
        raise OSError(fault, os.strerror(fault))

    monkeypatch.setattr(Path, "write_bytes", refused)
    monkeypatch.setattr(shutil, "copyfile", lambda _, part: refused(Path(part), CONTENT))
    with pytest.raises(UserError, match=os.strerror(fault)):
        fetch([source(pin(server, "ok"))], where=where, pause=0)
    with (where.drop / "there").open("wb") as file:
        file.write(CONTENT)
    absent = PinnedFile("other", (f"{server.address}/ok/x",), "0" * 64, 9)
    with pytest.raises(UserError, match=os.strerror(fault)):
        fetch([source(pin(server, "ok"), absent)], where=Places(where.drop, where.cache), pause=0)
    assert files_below(where.cache) == []


def test_a_cache_folder_that_cannot_be_made_is_a_sentence(server, where):
    where.cache.write_text("a file where a folder should be")
    with pytest.raises(UserError, match="cannot be written"):
        fetch([source(pin(server, "ok"))], where=where, pause=0)


def test_a_damaged_file_that_cannot_be_deleted_is_a_sentence(server, where, monkeypatch):
    data = pin(server, "ok")
    (where.cache / "owner/name").mkdir(parents=True)
    (where.cache / data.path).write_bytes(b"damaged")
    monkeypatch.setattr(Path, "unlink", _refuse)
    with pytest.raises(UserError, match=r"cannot be deleted: Permission denied"):
        fetch([source(data)], where=where)


def _refuse(*_, **__):
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@contextlib.contextmanager
def as_nobody(*shown):
    """Let the rights of files count, also for root: all above `shown` may be gone through."""
    if os.geteuid():
        yield
        return
    for path in shown:
        for folder in path.parents:
            if str(folder).startswith(str(Path(tempfile.gettempdir()))):
                folder.chmod(folder.stat().st_mode | 0o055)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs rights of files")
@pytest.mark.parametrize("name", ["owner/name/data.bin", "elsewhere/data.bin"])
def test_an_unreadable_file_is_a_sentence(server, where, name):
    path = where.drop / name
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    path.chmod(0)
    data = pin(server, "ok")
    with as_nobody(path):
        for looked in (find, lambda file, at: folder_of(source(file), at)):
            with pytest.raises(UserError, match=r"data\.bin cannot be read: Permission denied"):
                looked(data, Places(where.drop, where.cache))
    path.chmod(0o644)
    path.parent.chmod(0)
    with as_nobody(where.drop / "x"):
        fresh = Places(where.drop, where.cache)
        if name.startswith("owner"):
            with pytest.raises(UserError, match=r"data\.bin cannot be read: Permission denied"):
                find(data, fresh)
        else:  # A folder that is closed to us is not looked into.
            assert find(data, fresh) is None
    path.parent.chmod(0o755)


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs rights of files")
def test_an_unreadable_file_of_another_name_is_no_fault(server, where):
    other = where.drop / "something else"
    other.write_bytes(CONTENT)
    other.chmod(0)
    with as_nobody(other):
        assert find(pin(server, "ok"), Places(where.drop, where.cache)) is None


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs rights of files")
def test_a_drop_folder_that_cannot_be_listed_is_a_sentence(where, monkeypatch):
    monkeypatch.setenv("BENCHSUITE_DATA", str(where.drop))
    where.drop.chmod(0)
    with as_nobody(where.drop), pytest.raises(UserError, match="cannot be read: Permission"):
        places()
    where.drop.chmod(0o755)
    monkeypatch.setenv("BENCHSUITE_DATA", "/proc/self/mem/x")
    with pytest.raises(UserError, match="no folder"):
        places()


def test_files_that_go_bad_after_they_were_verified_are_a_sentence(tmp_path):
    """An importer opens its files after others looked at them."""
    for identifier in source_ids():
        data = load_source(identifier)
        for file in data.files:
            (tmp_path / file.path).mkdir(parents=True, exist_ok=True)
        with pytest.raises(UserError):
            list(data.read(tmp_path))
