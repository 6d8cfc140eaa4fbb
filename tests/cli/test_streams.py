"""Output that cannot be written, and commands that are stopped: what is said is true."""

import importlib
import os
import subprocess
import sys

import click
import pytest
from command_line import call

from benchsuite import cli
from benchsuite.errors import UserError

RESUME = {"tabulate", "sizes", "study", "run", "report", "fetch"}
STARTED = {
    "replay": ["replay", "random", "--seeds", "1"],
    "cell": ["cell", "6111"],
    "table": ["table"],
    "export": ["export", "6111", "--out", "a.onnx"],
    "ls": ["ls", "columns"],
    "correlate": ["correlate", "--proxy", "flops"],
    "score": ["score", "6111", "--proxy", "naswot"],
    "tabulate": ["tabulate"],
    "sizes": ["sizes"],
    "study": ["study", "guard"],
    "run": ["run"],
    "fetch": ["fetch"],
}


def program(args, **streams):
    order = [sys.executable, "-m", "benchsuite", *args]
    return subprocess.run(order, text=True, check=False, timeout=120, **streams)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no such device here")
@pytest.mark.parametrize("args", [["--version"], ["cell", "nope", "--json"]])
def test_output_on_a_full_disk_is_a_sentence(args):
    with open("/dev/full", "w") as full:
        done = program(args, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert done.stderr == "Error: The output was not written: No space left on device.\n"


@pytest.mark.skipif(os.name == "nt", reason="no such streams here")
def test_no_output_at_all_is_a_sentence():
    done = program(["--version"], stderr=subprocess.PIPE, preexec_fn=lambda: os.close(1))
    assert done.returncode == 2
    assert done.stderr == "Error: The output was not written: Standard output is closed.\n"


@pytest.mark.skipif(os.name == "nt", reason="no such pipes here")
def test_a_reader_that_has_gone_is_no_success_and_no_regression():
    read, write = os.pipe()
    os.close(read)
    done = program(["--version"], stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no such device here")
def test_an_error_that_nobody_can_read_is_no_regression():
    with open("/dev/full", "w") as full:
        assert program(["cell", "nope"], stdout=full, stderr=full).returncode == 2


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device"), "Error: No space left on device.\n"),
        (PermissionError(13, "Permission denied", "a/b"), "Error: a/b: Permission denied.\n"),
        (BrokenPipeError(32, "Broken pipe"), "Error: Broken pipe.\n"),
        (MemoryError(), "Error: There is not enough memory for this.\n"),
        (UserError("No."), "Error: No.\n"),
    ],
)
def test_what_the_system_refuses_a_command_is_a_sentence(capsys, monkeypatch, error, said):
    """A broken pipe inside, as of a worker, is not that of a reader of the output."""
    fails = click.Command("cell", callback=lambda: (_ for _ in ()).throw(error))
    monkeypatch.setattr(importlib.import_module("benchsuite.cli.commands.cell"), "command", fails)
    assert call(capsys, "cell") == (2, "", said)


@pytest.mark.parametrize("name", sorted(STARTED))
def test_only_what_resumes_promises_it(capsys, monkeypatch, name):
    def stopped(*_):
        raise KeyboardInterrupt

    module = importlib.import_module(f"benchsuite.cli.commands.{name}")
    monkeypatch.setattr(module.command, "invoke", stopped)
    code, _, said = call(capsys, *STARTED[name])
    assert code == 130
    promised = "Stopped. Finished work is kept; the same command goes on." in said
    assert promised == (name in RESUME), said
    assert "Stopped." in said


def test_every_command_is_known_to_resume_or_not():
    for name in cli._root.list_commands(click.Context(cli._root)):
        module = importlib.import_module(f"benchsuite.cli.commands.{cli.module_name(name)}")
        assert getattr(module, "RESUMES", False) == (name in RESUME)
