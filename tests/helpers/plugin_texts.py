"""Texts of plug-ins, good and bad, that tests write into folders."""

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
