"""`benchsuite report` and `run --only`: just these tables and figures."""

import json
from pathlib import Path

import pytest
from command_line import call

pytestmark = pytest.mark.usefixtures("only_what_ships")


def test_a_table_is_printed_and_its_files_are_named(capsys):
    code, out, _ = call(capsys, "report", "monas_table2", "--out", "made")
    assert code == 0
    assert "MONAS baseline" in out
    assert "CIFAR-10 printed" in out, "no column of the table is lost"
    assert max(map(len, out.splitlines())) <= 80
    assert "made/reports/monas_table2: csv, json, md, tex" in out
    made = {path.stem for path in Path("made/reports").iterdir()}
    assert {"monas_table2", "monas_search_time"} <= made
    assert "flops_latency" not in made


def test_as_json_it_is_the_tables(capsys):
    code, out, _ = call(capsys, "report", "monas_table2", "--json")
    answer = json.loads(out)
    assert code == 0
    assert next(iter(answer)) == "reports"
    rows = answer["reports"]["monas_table2"]["tables"]["monas_table2"]
    assert rows[0]["method"] == "DARTS"
    assert all(Path(path).is_file() for path in answer["reports"]["monas_table2"]["files"])


@pytest.mark.parametrize("command", [["report", "monas_tabel2"], ["run", "--only", "monas_tabel2"]])
def test_unknown_names_are_a_sentence_with_the_closest_before_anything_is_made(capsys, command):
    code, _, err = call(capsys, *command)
    assert code == 2
    assert "Did you mean monas_table2" in err
    assert not list(Path().iterdir())


WRITES_RULES = """
import pandas as pd
from benchsuite.api import Report, Result

def make(table):
    return Result({"rules": pd.DataFrame({"a": [1]})})

REPORT = Report("Mine", "A copy of a report, changed.", make)
"""


@pytest.mark.parametrize("command", [["report"], ["run", "--only"]])
def test_two_reports_that_write_one_file_are_a_sentence(capsys, command):
    """The one that was made last took the other's place, and both were said to be there."""
    Path("own/reports").mkdir(parents=True)
    for name in ("mine", "other"):
        Path(f"own/reports/{name}.py").write_text(WRITES_RULES)
    code, _, err = call(capsys, *command, "other,mine", "--plugins", "own")
    assert code == 2
    assert "The reports mine and other both write out/reports/rules.csv" in " ".join(err.split())


@pytest.mark.parametrize(
    "command", [["report", "flops_latency"], ["run", "--only", "flops_latency"]]
)
def test_seeds_for_what_has_no_searches_are_a_sentence(capsys, command):
    code, _, err = call(capsys, *command, "--seeds", "2")
    assert code == 2
    assert "has no searches" in err or "No report that is named has searches" in err
    assert not list(Path().iterdir())


def test_seeds_are_those_of_the_reports_that_have_searches(capsys):
    names = "monas_table2,munas_objectives"
    code, _, err = call(capsys, "report", names, "--seeds", "1", "--json")
    assert code == 0
    assert "Study munas_objectives" in err


def test_a_run_of_some_reports_leaves_the_page_alone(capsys):
    Path("out").mkdir()
    Path("out/index.html").write_text("the page of a whole run")
    left = Path("out/studies/munas_objectives/.runs.csv.part")
    left.parent.mkdir(parents=True)
    left.write_text("of a run that was killed")
    code, out, err = call(
        capsys, "run", "--only", "monas_table2,munas_objectives", "--seeds", "1", "--workers", "1"
    )
    assert code == 0
    made = [*Path("out").glob("[!.i]*"), *Path("out").glob("reports/*")]
    made += Path("out/studies/munas_objectives").glob("[!.]*.*")
    assert f"{sum(path.is_file() for path in made)} files below out." in out
    assert Path("out/index.html").read_text() == "the page of a whole run"
    assert "out/reports/monas_table2.csv" in out
    assert "[3/3] " in err
    assert "muNAS: munas_objectives" in err
    assert not Path("out/reports/correlations.csv").exists()
    line = json.loads(Path("out/reports/munas_objectives.json").read_text())["provenance"]
    assert " Studies: munas_objectives " in line
    assert line.endswith(" (1 seed).")
    code, _, _ = call(capsys, "report", "munas_objectives", "--seeds", "1", "--out", "other")
    other = json.loads(Path("other/reports/munas_objectives.json").read_text())["provenance"]
    assert (code, other) == (0, line)
