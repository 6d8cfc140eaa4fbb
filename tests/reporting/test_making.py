"""The jobs of `benchsuite run`: which there are, what they need, which starts first."""

from __future__ import annotations

import dataclasses

from benchsuite import plugins
from benchsuite.api import Report
from benchsuite.replays import study
from benchsuite.reporting import pipeline

REPORTS = {"small": ("munas_pruning",), "correlations": (), "both": ("baselines", "munas_pruning")}


def test_every_study_is_a_job_once_and_every_report_needs_its_studies():
    found = pipeline.jobs(REPORTS)
    assert found["both"] == ("study baselines", "study munas_pruning")
    assert found["small"] == ("study munas_pruning",)
    assert sorted(found) == sorted([*REPORTS, "study baselines", "study munas_pruning"])


def test_the_longest_come_first():
    found = list(pipeline.jobs(REPORTS))
    assert [n for n in found if n in pipeline.LONGEST] == [
        n for n in pipeline.LONGEST if n in found
    ]
    assert found[-2:] == ["small", "both"]


def test_the_longest_are_jobs_that_there_are():
    assert set(pipeline.LONGEST) <= set(pipeline.jobs(pipeline.needs(())))


def test_the_reports_are_the_plug_ins_that_there_are(tmp_path):
    folder = tmp_path / "reports"
    folder.mkdir()
    (folder / "mine.py").write_text(
        '"""Mine."""\nfrom benchsuite.api import Report\n'
        'REPORT = Report("T", "A", make=print, studies=("baselines",))\n'
    )
    found = pipeline.needs((tmp_path,))
    assert found.pop("mine") == ("baselines",)
    assert set(found) == set(plugins.find("reports"))
    for name, studies in found.items():
        report = plugins.load("reports", name)
        assert isinstance(report, Report)
        assert tuple(report.studies) == studies


def test_a_quick_run_shortens_stated_steps_and_nothing_else():
    whole = study.load(study.find("udc_ablation"))
    short = pipeline.shortened(whole)
    for before, after in zip(whole.searches, short.searches, strict=True):
        assert after.parameters["steps"] * 4 == before.parameters["steps"]
        stated = {**after.parameters, "steps": before.parameters["steps"]}
        assert dataclasses.replace(after, parameters=stated) == before
    other = study.load(study.find("munas_objectives"))
    assert pipeline.shortened(other) == other


def test_a_report_whose_study_is_lost_says_so(tmp_path):
    entry = pipeline.make_report(
        pipeline.Making(tmp_path), "edgenas_ablation", {"it": "cannot be run"}
    )
    assert entry.result is None
    assert entry.reason == "study it: cannot be run"
