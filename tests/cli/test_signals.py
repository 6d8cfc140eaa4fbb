"""Ctrl-C and SIGTERM while a command runs: exit code, sentence, and the deadline."""

import builtins
import os
import signal
import threading

import click
import pytest

from benchsuite import __main__, cli
from benchsuite.cli import signals
from benchsuite.errors import UserError

NUMBERS = [signal.SIGINT, signal.SIGTERM]


@pytest.fixture
def command(monkeypatch):
    def run(what):
        monkeypatch.setattr(cli, "_root", click.Command("it", callback=what))
        with pytest.raises(SystemExit) as stop:
            cli.main([])
        return stop.value.code

    return run


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_stops_a_command(command, number, capsys):
    before = [signal.getsignal(one) for one in NUMBERS]
    assert command(lambda: os.kill(os.getpid(), number)) == 128 + number
    assert "Stopped" in capsys.readouterr().err
    assert [signal.getsignal(one) for one in NUMBERS] == before


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_that_is_lost_ends_the_process_all_the_same(command, number, monkeypatch):
    ended = threading.Event()
    codes = []
    monkeypatch.setattr(signals, "DEADLINE", 0.01)
    monkeypatch.setattr(os, "_exit", lambda code: (codes.append(code), ended.set()))

    class Losing:
        def __del__(self):
            os.kill(os.getpid(), number)

    def lose():
        monkeypatch.setattr("sys.unraisablehook", lambda _: None)
        Losing()
        assert ended.wait(10)
        raise UserError("It went on.")

    assert command(lose) == 2
    assert codes == [128 + number]


def test_a_signal_that_is_ignored_stays_so(command):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:

        def ask():
            os.kill(os.getpid(), signal.SIGINT)
            raise UserError("It went on.")

        assert command(ask) == 2
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_leave_signals_alone():
    found = []

    def inside():
        with signals.stoppable(process=False):
            found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGTERM)]


def test_a_signal_during_the_imports_ends_quietly(monkeypatch):
    true = builtins.__import__

    def interrupted(name, *rest, **more):
        if name == "benchsuite.cli":
            raise KeyboardInterrupt
        return true(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", interrupted)
    with pytest.raises(SystemExit) as stop:
        __main__.main()
    assert stop.value.code == 130
