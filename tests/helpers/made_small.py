"""Lines of documents, run with options that make them small."""

import importlib.util
import re
import shlex

import click
import pytest

from benchsuite import cli

SMALL = "--channels 2 --cells-per-stage 1 --resolution 4 --batch-size 4 --images gaussian"
# What makes a command quick; `None` where parsing has to do, as it needs a network or minutes.
OPTIONS = {
    "correlate": "--resamples 200 --dataset cifar10",
    "score": SMALL,
    "tabulate": f"{SMALL} --proxy l2_norm --cells 3 --repeats 1",
    "sizes": "--sample 2 --resolution 8 --batch-size 4 --images gaussian",
    "replay": "--seeds 2",
    "baseline": None,
    "export-api": None,
    "profile": None,
    "fetch": None,
    "run": None,
}
NEEDS = {"export": ("flatbuffers", "tflite")}


def commands(text: str) -> list[str]:
    """The lines of a text's blocks of commands that call this project."""
    blocks = re.findall(r"^```(?:sh|\{run\} console)\n(.*?)^```", text, re.S | re.M)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line.removeprefix("$ ") for line in lines if re.match(r"(\$ )?benchsuite ", line)]


def run(line: str) -> int | str | None:
    """Run a line made small, or read it where it cannot be; return the exit code."""
    args = shlex.split(line, comments=True)[1:]
    if any(importlib.util.find_spec(package) is None for package in NEEDS.get(args[0], ())):
        pytest.skip(f"{args[0]} needs its extra")
    options = OPTIONS.get(args[0], "")
    if options is None or {"--cluster", "FILE", "cuda"} & set(args):
        command = cli._root.get_command(click.Context(cli._root), args[0])
        assert command is not None
        command.make_context(args[0], args[1:])
        return 0
    as_it_is = "--merge" in args or (args[0] == "sizes" and "--sample" not in args)
    more = [] if as_it_is else shlex.split(options)
    try:
        cli.main([*args, *more])
    except SystemExit as stop:
        return stop.code
    return 0
