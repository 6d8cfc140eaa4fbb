"""A folder that replaces another: at no moment, and after no failure, there is neither."""

import contextlib
import errno
import os
from pathlib import Path

import pytest

from benchsuite import folders
from benchsuite.errors import UserError
from benchsuite.folders import recover, write_folder

WITHOUT = pytest.mark.parametrize("exchange", [True, False])


def made(text):
    def write(folder):
        folder.mkdir()
        (folder / "a").write_text(text)

    return write


def whole(folder):
    return (folder / "a").read_text()


@pytest.fixture
def there(tmp_path):
    write_folder(tmp_path / "it", made("old"))
    return tmp_path / "it"


def as_elsewhere(monkeypatch, exchange):
    if not exchange:
        monkeypatch.setattr(folders, "_exchanged", lambda *_: False)


@WITHOUT
def test_a_folder_is_replaced_and_nothing_stays_behind(there, monkeypatch, exchange):
    as_elsewhere(monkeypatch, exchange)
    write_folder(there, made("new"), replace=True)
    assert whole(there) == "new"
    assert os.listdir(there.parent) == ["it"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system's exchange is tried on Linux")
def test_the_exchange_leaves_no_moment_without_a_folder(there, monkeypatch):
    def forbidden(*_):
        raise AssertionError("moved aside, though the system can exchange")

    new = there.with_name("new")
    made("new")(new)
    if not folders._exchanged(new, there):
        pytest.skip("this file system cannot exchange")
    assert (whole(there), whole(new)) == ("new", "old")
    monkeypatch.setattr(Path, "rename", forbidden)
    write_folder(there, made("newer"), replace=True)
    assert whole(there) == "newer"


@WITHOUT
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(errno.ENOSPC, "No space left")])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(6))
def test_an_interrupt_at_any_call_leaves_one_of_the_two(
    there, monkeypatch, exchange, error, after, at
):
    """Every call that touches the disk in turn fails, before or after it has done its work."""
    as_elsewhere(monkeypatch, exchange)
    calls = 0

    def failing(function):
        def call(*given, **named):
            nonlocal calls
            calls += 1
            fails = calls - 1 == at
            if fails and not after:
                raise error
            result = function(*given, **named)
            if fails:
                raise error
            return result

        return call

    with monkeypatch.context() as patched:
        for name in ("mkdir", "rename"):
            patched.setattr(Path, name, failing(getattr(Path, name)))
        patched.setattr(folders, "_exchanged", failing(folders._exchanged))
        patched.setattr(folders.shutil, "rmtree", failing(folders.shutil.rmtree))
        with contextlib.suppress(KeyboardInterrupt, UserError, OSError):
            write_folder(there, made("new"), replace=True)
    assert whole(there) in ("old", "new")


def test_what_a_killed_process_moved_aside_comes_back(there):
    aside = there.with_name(".it.abcd") / "old"
    aside.mkdir(parents=True)
    there.rename(aside / there.name)
    recover(there)
    assert whole(there) == "old"


def test_what_was_moved_aside_is_no_other_folders(there):
    """The folder `it.v2`, moved aside, once came back as the folder `it`."""
    longer = there.with_name("it.v2")
    there.rename(longer)
    aside = there.with_name(".it.v2.abcd") / "old"
    aside.mkdir(parents=True)
    longer.rename(aside / longer.name)
    recover(there)
    assert not there.exists()
    recover(longer)
    assert whole(longer) == "old"


def test_without_leave_nothing_is_replaced(there):
    with pytest.raises(UserError, match="not written: Directory not empty"):
        write_folder(there, made("new"))
    assert whole(there) == "old"
    assert os.listdir(there.parent) == ["it"]


def test_a_link_to_a_folder_stays_a_link(there):
    link = there.with_name("link")
    link.symlink_to("it")
    write_folder(link, made("new"), replace=True)
    assert link.is_symlink()
    assert whole(there) == "new"


@pytest.mark.parametrize("place", ["/proc/foo", "file/it", "x" * 300])
def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    with pytest.raises(UserError, match=r"cannot be|was not"):
        write_folder(Path(place), made("new"))
    assert os.listdir() == ["file"]


def test_the_working_folder_is_not_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="is the working folder"):
        write_folder(Path(), made("new"))


def test_a_failure_to_write_leaves_the_old_one_and_no_new_folders(there):
    def fail(folder):
        made("half")(folder)
        raise OSError(errno.ENOSPC, "No space left on device")

    for place in (there, there.parent / "a" / "b"):
        with pytest.raises(UserError, match="No space left"):
            write_folder(place, fail, replace=True)
    assert whole(there) == "old"
    assert os.listdir(there.parent) == ["it"]
