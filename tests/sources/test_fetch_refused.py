"""What a server, a disk or a folder can refuse or overdo while files are fetched."""

import contextlib
import errno
import http.server
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path

import pytest
from pinned_files import CONTENT, Handler, files_below, pin, source

from benchsuite.errors import UserError
from benchsuite.sources import _fetch as fetching
from benchsuite.sources._fetch import fetch
from benchsuite.sources._public_files import Places, find, folder_of, places
from benchsuite.sources._read import load_source, source_ids
from benchsuite.sources._source import PinnedFile


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
