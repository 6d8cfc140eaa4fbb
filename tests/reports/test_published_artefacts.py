"""The list of the papers' tables and figures beside the artefacts that reports name."""

import ast
import csv
import functools
import re
from collections import Counter
from pathlib import Path

import pytest

import benchsuite.reports
from benchsuite import plugins
from benchsuite.replays import study

FOLDER = Path(benchsuite.reports.__path__[0])
PAPERS = {
    "MONAS": {"Fig.": 6, "Table": 2},
    "muNAS": {"Fig.": 4, "Table": 5},
    "MCUNet": {"Fig.": 14, "Table": 6},
    "UDC": {"Fig.": 5, "Table": 5},
}
with (FOLDER / "published_artefacts.csv").open(encoding="utf-8", newline="") as _file:
    ROWS = list(csv.DictReader(_file))


@functools.cache
def made():
    """`table NAME` and `figure NAME` of the results that the files of all reports state."""
    found = set()
    for name in plugins.find("reports"):
        tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
        for keyword in (at for at in ast.walk(tree) if isinstance(at, ast.keyword)):
            if keyword.arg in ("tables", "figures") and isinstance(keyword.value, ast.Dict):
                kind = keyword.arg.removesuffix("s")
                found |= {f"{kind} {key.value}" for key in keyword.value.keys}
    return found


@pytest.mark.parametrize("paper", PAPERS)
def test_every_table_and_figure_of_a_paper_has_one_row(paper):
    printed = Counter(row["printed"] for row in ROWS if row["paper"] == paper)
    wanted = {f"{kind} {n}" for kind, most in PAPERS[paper].items() for n in range(1, most + 1)}
    assert printed == Counter(wanted)


def test_edgenas_numbers_no_table_so_its_sections_have_rows():
    sections = [row["printed"] for row in ROWS if row["paper"] == "EdgeNAS"]
    assert sections == [f"section {n}" for n in ("3.2", "4.1", "4.2", "4.3", "4.4")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['paper']} {row['printed']}")
def test_a_row_names_what_is_made_or_says_why_nothing_can_be(row):
    named = [name for name in row["stands for it"].split("; ") if name]
    assert set(named) <= made()
    assert named or row["why none or what differs"]


def test_what_is_made_beside_a_paper_is_found_in_the_files():
    every = made()
    assert {"table monas_table2", "figure mcunet_cdf", "figure monas_fig5"} <= every
    assert all(re.fullmatch(r"(table|figure) [a-z0-9_]+", name) for name in every)


def test_a_study_names_figures_that_its_reports_show():
    shown = {}
    for report in (plugins.load("reports", name) for name in plugins.find("reports")):
        where = report.title.partition(":")[0]
        for used in report.studies if where.startswith("Fig.") else ():
            shown.setdefault(used, set()).update(re.findall(r"\d+", where))
    for name, file in study.named_files().items():
        said = set(re.findall(r"figures? (\d+)", study.about(file)))
        assert said <= shown.get(name, said), name
