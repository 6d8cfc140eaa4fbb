"""docs/scaling.py: what it asks for exists, its tables are those of the page."""

import importlib.util
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("scaling", ROOT / "docs" / "scaling.py")
scaling = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(scaling)


def test_the_page_has_the_tables_of_the_log_at_80_columns():
    text = scaling.text(scaling.log())
    assert text in (ROOT / "docs" / "many_machines.md").read_text()
    assert max(map(len, text.splitlines())) <= 80


def test_the_least_of_several_runs_counts():
    rows = [
        ["study", "dask", 1, 2.0, 120.0, 118.0, 0.1],
        ["study", "dask", 1, 2.0, 100.0, 119.0, 3.0],
        ["study", "dask", 2, 2.0, 50.0, 121.0, 0.0],
        ["study", "dask", 1, 0.0, 4.5, 4.0, 0.0],
        [scaling.FURTHER, "slurm-local", 2, 0.0, 3.14159, float("nan"), 0.0],
    ]
    text = scaling.text(pd.DataFrame(rows, columns=scaling.COLUMNS))
    cells = [[c.strip() for c in line.split("|")[1:-1]] for line in text.splitlines()]
    assert ["study", "dask", "1", "2", "100.0", "118.0", "1.00", "0", "2"] in cells
    assert ["study", "dask", "2", "2", "50.0", "121.0", "2.00", "0", "1"] in cells
    assert ["study, processor s", "1", "-", "4", "-"] in cells
    assert [scaling.FURTHER, "2", "-", "-", "3.14"] in cells


@pytest.mark.parametrize("minutes", [0, 1, 5])
def test_the_commands_name_what_there_is(minutes):
    reports = scaling.job("run", minutes)[-1].split(",")
    assert all((ROOT / "reports" / f"{name}.py").is_file() for name in reports)
    for command in ("tabulate", "study"):
        assert int(scaling.job(command, minutes)[-1]) >= 1
