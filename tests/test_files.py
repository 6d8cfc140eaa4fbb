"""Files appear whole or not at all, wherever a shell would write them; shipped ones are found."""

import os
import subprocess
import sys
import threading

import pytest

from benchsuite.errors import UserError
from benchsuite.files import shipped, write_atomically, write_text


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "t"
    path.write_text("old")

    def full(part):
        with open(part, "w") as file:
            file.write("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match="No space left"):
        write_atomically(path, full)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["t"]


@pytest.mark.parametrize("error", [OSError(28, "No space left"), KeyboardInterrupt, ValueError])
def test_a_failed_write_leaves_no_folder(tmp_path, error):
    def fail(part):
        raise error

    (tmp_path / "there").mkdir()
    for inside in ("a/b/t", "there/t", "there/b/t"):
        with pytest.raises((UserError, KeyboardInterrupt, ValueError)):
            write_atomically(tmp_path / inside, fail)
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["there"]


def test_a_folder_that_is_a_file_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    for inside in ("file/t", "file/a/t"):
        with pytest.raises(UserError, match="cannot be"):
            write_atomically(tmp_path / inside, lambda part: None)
    with pytest.raises(UserError, match="Is a directory"):
        write_text(tmp_path, "x")


@pytest.mark.parametrize("path", ["/proc/foo", "/proc/foo/bar/t", "a" * 300])
def test_where_nothing_can_be_written_is_a_sentence(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if path.startswith("/") and not os.path.exists("/proc"):
        pytest.skip("not on this system")
    with pytest.raises(UserError, match=r"cannot be (written|made)"):
        write_text(path, "x" * 100_000)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("links")
def test_a_full_device_is_a_sentence(tmp_path):
    """By a link of the test's own: what replaced its target would replace the device."""
    if not os.path.exists("/dev/full"):
        pytest.skip("no such device here")
    (tmp_path / "full").symlink_to("/dev/full")
    with pytest.raises(UserError, match="was not written: No space left"):
        write_text(tmp_path / "full", "x" * 100_000)
    assert os.listdir(tmp_path) == ["full"]


def test_a_name_as_long_as_names_can_be_is_written(tmp_path):
    write_text(tmp_path / ("a" * 250 + ".csv"), "x")


def test_a_text_is_written_as_it_is(tmp_path):
    write_text(tmp_path / "t", "a\r\nb é\n")
    assert (tmp_path / "t").read_bytes() == b"a\r\nb \xc3\xa9\n"


@pytest.fixture
def links(tmp_path):
    """Whether links can be made here."""
    try:
        (tmp_path / "probe").symlink_to("x")
    except OSError:
        pytest.skip("no links here")
    (tmp_path / "probe").unlink()


@pytest.mark.usefixtures("links")
def test_links_are_followed_and_stay(tmp_path):
    for folder in ("real", "links"):
        (tmp_path / folder).mkdir()
    (tmp_path / "real" / "t").write_text("old")
    first, second = tmp_path / "links" / "first", tmp_path / "links" / "second"
    first.symlink_to("../real/t")
    second.symlink_to("first")
    dangling, folder = tmp_path / "links" / "new", tmp_path / "links" / "folder"
    dangling.symlink_to(tmp_path / "real" / "new")
    folder.symlink_to("../real")
    for link in (first, second, dangling):
        write_text(link, f"by {link.name}")
        assert link.is_symlink()
        assert link.read_text() == f"by {link.name}"
    write_text(folder / "t", "by a folder")
    assert first.read_text() == "by a folder"
    assert sorted(os.listdir(tmp_path / "links")) == ["first", "folder", "new", "second"]
    assert sorted(os.listdir(tmp_path / "real")) == ["new", "t"]


@pytest.mark.usefixtures("links")
def test_links_that_lead_nowhere_are_sentences(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "far").symlink_to("missing/t")
    for name in ("loop", "far", "loop/t"):
        with pytest.raises(UserError, match="cannot be"):
            write_text(tmp_path / name, "x")
    assert sorted(os.listdir(tmp_path)) == ["far", "loop"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
@pytest.mark.parametrize("linked", [False, True])
def test_a_fifo_gets_the_bytes(tmp_path, linked):
    fifo = path = tmp_path / "fifo.csv"
    os.mkfifo(fifo)
    if linked:
        path = tmp_path / "link.csv"
        path.symlink_to(fifo)
    got = []
    reader = threading.Thread(target=lambda: got.append(fifo.read_bytes()), daemon=True)
    reader.start()
    write_text(path, "x" * 200_000)
    reader.join(30)
    assert got == [b"x" * 200_000]
    assert fifo.is_fifo()


@pytest.mark.skipif(not os.path.exists("/dev/stdout"), reason="no such device here")
def test_standard_output_gets_the_bytes_also_where_it_is_a_file(tmp_path):
    write = "from benchsuite.files import write_text; write_text('link', 'text')"
    (tmp_path / "link").symlink_to("/dev/stdout")
    order = [sys.executable, "-c", write]
    assert subprocess.run(order, cwd=tmp_path, check=True, capture_output=True).stdout == b"text"
    with (tmp_path / "out").open("w") as out:
        before = os.fstat(out.fileno()).st_ino
        subprocess.run(order, cwd=tmp_path, check=True, stdout=out)
    assert (tmp_path / "out").stat().st_ino == before
    assert (tmp_path / "out").read_text() == "text"


@pytest.mark.skipif(os.name == "nt", reason="no such rights here")
def test_rights_are_kept_and_kept_to(tmp_path, monkeypatch):
    path = tmp_path / "t"
    write_text(path, "first")
    os.chmod(path, 0o640)
    write_text(path, "second")
    assert path.stat().st_mode & 0o777 == 0o640
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(UserError, match="Permission denied"):
        write_text(path, "third")
    assert path.read_text() == "second"


@pytest.mark.parametrize("name", ["data/proxies.parquet", "data/compression.csv", "studies"])
def test_what_is_shipped_is_there(name):
    assert shipped(name).exists()
