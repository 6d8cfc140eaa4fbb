"""A path that is empty, as of a shell's variable that is not set, is never the working folder."""

import click
import pytest
from command_line import call

import benchsuite as bs
from benchsuite.cli import _Commands
from benchsuite.proxies._scoring.images import open_images

NEEDED = {"device": "stm32f746", "runtime": "own"}


def paths():
    """Return every command line with one path that is empty, and what its option is called."""
    root = _Commands("benchsuite")
    pairs = [((name,), root.get_command(None, name)) for name in root.list_commands(None)]
    for words, command in pairs:
        pairs += [((*words, n), c) for n, c in getattr(command, "commands", {}).items()]
    return [
        (" ".join(words), parameter)
        for words, command in pairs
        for parameter in command.params
        if isinstance(parameter.type, click.Path) or parameter.name == "scores"
    ]


@pytest.mark.parametrize(
    ("command", "parameter"), paths(), ids=lambda one: getattr(one, "name", one)
)
def test_no_option_takes_an_empty_path(command, parameter, capsys, only_what_ships):
    (only_what_ships / "proxies.parquet").touch()
    named = [""] if isinstance(parameter, click.Argument) else [parameter.opts[0], ""]
    code, _, err = call(capsys, *command.split(), *named)
    assert code == 2
    assert "'' names nothing" in err or "Directory '' does not exist" in err


def test_neither_does_a_verb(only_what_ships):
    (only_what_ships / "proxies").mkdir()
    (only_what_ships / "proxies.parquet").touch()
    for load in (
        lambda: bs.load(""),
        lambda: bs.load(scores=""),
        lambda: bs.load(plugins=""),
        lambda: bs.load(plugins=[""]),
        lambda: bs.study(""),
        lambda: open_images(""),
    ):
        with pytest.raises(bs.UserError, match="''"):
            load()
