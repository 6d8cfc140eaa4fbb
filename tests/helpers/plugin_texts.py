"""Texts of plug-ins, good and bad, that tests write into folders; and how they run commands."""

import pytest

from benchsuite import cli

ANALYTIC = '''"""Mine."""
import numpy as np
import torch
from benchsuite.api import Proxy


def values(skeleton):
    {body}


PROXY = Proxy(version=1, direction="max", formula="f", source="me", cost="analytic",
              all_cells=values)
'''
STRATEGY = '''"""Mine."""
from dataclasses import dataclass

from benchsuite.api import Strategy


@dataclass(frozen=True)
class Parameters:
    """None."""


def run(search, rng, parameters):
    search.query_one(5)
    {body}


STRATEGY = Strategy(version=1, source="me", run=run, parameters=Parameters)
'''
REPORT = '''"""Mine."""
import pandas as pd
from benchsuite.api import Report, Result


def make(table):
    {body}


REPORT = Report(title="T", answers="A", make=make)
'''


def call(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int | str | None, str, str]:
    """Run the command line; return exit code, stdout and stderr."""
    capsys.readouterr()
    try:
        cli.main(list(map(str, args)))
        code: int | str | None = 0
    except SystemExit as stop:
        code = stop.code
    return code, *capsys.readouterr()
