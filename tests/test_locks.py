"""A lock has one holder, who is named, with and without locks of the file system."""

import contextlib
import errno
import json
import multiprocessing
import os
import re
import subprocess
import sys
from dataclasses import asdict, replace

import pytest

from benchsuite import cli, locks
from benchsuite.errors import UserError
from benchsuite.locks import Holder, held
from benchsuite.proxies._tabulation import rows

fcntl = pytest.importorskip("fcntl")
WAYS = [None, errno.ENOTSUP, errno.ENOLCK, errno.ENOSYS]


def refuse(monkeypatch, number):
    """As a file system without such locks."""

    def refused(*_):
        raise OSError(number, os.strerror(number))

    if number is not None:
        monkeypatch.setattr(fcntl, "flock", refused)


def take(path, **more):
    return held(path, "The folder", "Wait for it.", **more)


@pytest.mark.parametrize("way", WAYS)
def test_a_lock_names_its_holder_and_goes_with_it(tmp_path, monkeypatch, way):
    refuse(monkeypatch, way)
    monkeypatch.setattr(sys, "argv", ["/usr/bin/benchsuite", "run", "--quick"])
    for _ in range(2):
        with take(tmp_path / ".lock"):
            with pytest.raises(UserError) as error, take(tmp_path / ".lock"):
                pass
            said = str(error.value)
            assert f"'benchsuite run --quick', process {os.getpid()} on " in said
            assert re.search(r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d", said)
            assert said.endswith("Wait for it.")
        assert not list(tmp_path.iterdir())
    with pytest.raises(ZeroDivisionError), take(tmp_path / ".lock"):
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


def left_behind(tmp_path, **other):
    """A lock's file as a process leaves it that is killed."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    holder = replace(Holder.this(), **{"pid": ended.pid, "token": "of-the-ended", **other})
    (tmp_path / ".lock.held").write_text(json.dumps(asdict(holder)))


@pytest.mark.parametrize("other", [{}, {"pid": os.getpid(), "started": "1"}])
def test_a_lock_of_an_ended_process_is_taken_over(tmp_path, monkeypatch, other):
    refuse(monkeypatch, errno.ENOTSUP)
    left_behind(tmp_path, **other)
    refused = pytest.raises(UserError, match=f"process {os.getpid()} ")
    with take(tmp_path / ".lock"), refused, take(tmp_path / ".lock"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_lock_of_another_machine_is_not_taken_over_and_says_how_to_go_on(tmp_path, monkeypatch):
    refuse(monkeypatch, errno.ENOTSUP)
    left_behind(tmp_path, machine="elsewhere", host="elsewhere")
    told = pytest.raises(UserError, match=r"on elsewhere, since .*if it has ended, delete")
    with told as error, take(tmp_path / ".lock"):
        pass
    deletes_what_is_named(tmp_path, error)


def deletes_what_is_named(tmp_path, error):
    """Do as the sentence says; the lock is free then."""
    named = re.search(r"delete (.*?)\)", str(error.value))
    os.unlink(named[1])
    with take(tmp_path / ".lock"):
        pass


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}'])
def test_a_damaged_lock_is_held_by_somebody(tmp_path, monkeypatch, text):
    refuse(monkeypatch, errno.ENOTSUP)
    (tmp_path / ".lock.held").write_text(text)
    with pytest.raises(UserError, match="another process") as error, take(tmp_path / ".lock"):
        pass
    deletes_what_is_named(tmp_path, error)


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match="cannot be written"), take(tmp_path / "none" / ".lock"):
        pass


def _contend(folder, way, barrier, results):
    if way is not None:

        def refused(*_):
            raise OSError(way, "none here")

        fcntl.flock = refused
    for round_ in range(40):
        path = folder / f"{round_}.lock"
        barrier.wait()
        with contextlib.suppress(UserError), take(path):
            results.put(round_)
            barrier.wait()  # Nobody releases before everybody has tried.
            continue
        barrier.wait()


@pytest.mark.parametrize("way", [None, errno.ENOTSUP])
@pytest.mark.parametrize("stale", [False, True])
def test_of_several_at_once_one_gets_it(tmp_path, way, stale):
    if stale:
        left_behind(tmp_path)
        text = (tmp_path / ".lock.held").read_bytes()
        for round_ in range(40):
            (tmp_path / f"{round_}.lock.held").write_bytes(text)
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(4), context.SimpleQueue()
    contenders = [
        context.Process(target=_contend, args=(tmp_path, way, barrier, results)) for _ in range(4)
    ]
    for one in contenders:
        one.start()
    for one in contenders:
        one.join(60)
        assert one.exitcode == 0
    won = []
    while not results.empty():
        won.append(results.get())
    assert sorted(won) == list(range(40))


def test_waiting_ends_when_the_lock_is_free(tmp_path, monkeypatch):
    inside = take(tmp_path / ".lock")
    inside.__enter__()
    monkeypatch.setattr(locks.time, "sleep", lambda _: inside.__exit__(None, None, None))
    with take(tmp_path / ".lock", wait=60):
        pass


def _claim(folder, setting, barrier, results):
    for round_ in range(30):
        barrier.wait()
        with contextlib.suppress(UserError):
            rows.claim(folder / str(round_), {"setting": setting})
            results.put((round_, setting))


def test_of_two_settings_one_claims_a_folder(tmp_path):
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(2), context.SimpleQueue()
    claims = [
        context.Process(target=_claim, args=(tmp_path, setting, barrier, results))
        for setting in ("one", "other")
    ]
    for one in claims:
        one.start()
    for one in claims:
        one.join(60)
        assert one.exitcode == 0
    won = dict(results.get() for _ in range(30))
    assert results.empty()
    assert {r: rows.read_settings(tmp_path / str(r))["setting"] for r in range(30)} == won
    assert {os.listdir(tmp_path / str(r))[0] for r in range(30)} == {rows.SETTINGS}


@pytest.mark.parametrize("second", [["--quick"], ["--seeds", "1"]])
def test_a_run_in_a_folder_keeps_others_out(tmp_path, capsys, second):
    held_by = held(tmp_path / "out" / ".run.lock", "", "")
    (tmp_path / "out").mkdir()
    with held_by, pytest.raises(SystemExit) as stop:
        cli.main(["run", "--out", str(tmp_path / "out"), *second])
    said = capsys.readouterr().err
    assert (stop.value.code, f"process {os.getpid()} on " in said) == (2, True), said
    assert "give another --out" in said
