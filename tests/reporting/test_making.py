"""The jobs of `benchsuite run`: which there are, what they need, which starts first."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
from types import SimpleNamespace

from benchsuite import plugins
from benchsuite.api import Report
from benchsuite.replays import study
from benchsuite.reporting import artefacts, durations, pipeline

REPORTS = {"small": ("munas_pruning",), "correlations": (), "both": ("baselines", "munas_pruning")}


def test_every_study_is_a_job_once_and_every_report_needs_its_studies():
    needs = pipeline.jobs(REPORTS, {})
    assert needs["both"] == ("study baselines", "study munas_pruning")
    assert needs["small"] == ("study munas_pruning",)
    assert sorted(needs) == sorted([*REPORTS, "study baselines", "study munas_pruning"])


def test_what_took_longest_comes_first_and_studies_before_what_is_not_known():
    assert list(pipeline.jobs(REPORTS, {})) == [
        "study munas_pruning", "study baselines", "small", "correlations", "both"
    ]  # fmt: skip
    seconds = {"correlations": 80.0, "study baselines": 90.0, "both": 1.0, "gone": 900.0}
    assert list(pipeline.jobs(REPORTS, seconds)) == [
        "study munas_pruning", "study baselines", "correlations", "both", "small"
    ]  # fmt: skip


def test_the_longest_time_of_a_job_is_remembered(tmp_path, monkeypatch):
    clock = iter([0, 8, 10, 11, 20, 50])
    monkeypatch.setattr(durations.time, "perf_counter", lambda: next(clock))
    for seconds in (8, 8, 30):
        with durations.timed(tmp_path / "new", "study a"):
            pass
        assert durations.known(tmp_path / "new") == {"study a": seconds}


def test_times_that_cannot_be_read_or_kept_do_not_matter(tmp_path):
    (tmp_path / "torn").write_text("1.2.3")
    (tmp_path / "folder").mkdir()
    assert durations.known(tmp_path) == {}
    with durations.timed(tmp_path / "torn", "a job"):
        pass
    assert durations.known(tmp_path / "none") == {}


def test_a_run_remembers_what_it_made_and_one_with_other_seeds_does_not(tmp_path, monkeypatch):
    monkeypatch.setattr(durations, "folder", lambda quick: tmp_path / str(quick))
    for quick, seeds in ((True, None), (False, 3)):
        pipeline._job(pipeline.Making(tmp_path, (), seeds, quick), "edgenas_ablation", {"it": "-"})
    assert set(durations.known(tmp_path / "True")) == {"edgenas_ablation"}
    assert not (tmp_path / "False").exists()


def test_studies_that_never_ran_come_by_their_size_and_others_by_their_time(tmp_path, monkeypatch):
    monkeypatch.setattr(durations, "folder", lambda quick: tmp_path)
    making = pipeline.Making(tmp_path)
    needs = {"one": ("monas_lambda", "udc_ablation"), "other": ("udc_ablation", "no_such_study")}
    first = pipeline.seconds_of(making, needs)
    assert first["study udc_ablation"] > first["study monas_lambda"] > 0
    assert set(first) == {"study udc_ablation", "study monas_lambda"}
    (tmp_path / "study monas_lambda").write_text("9999")
    (tmp_path / "one").write_text("7")
    assert pipeline.seconds_of(making, needs) == {**first, "study monas_lambda": 9999, "one": 7}


def test_what_workers_preload_is_a_module():
    assert importlib.util.find_spec(pipeline.PRELOADED)


def test_the_reports_are_the_plug_ins_that_there_are(tmp_path):
    folder = tmp_path / "reports"
    folder.mkdir()
    (folder / "mine.py").write_text(
        '"""Mine."""\nfrom benchsuite.api import Report\n'
        'REPORT = Report("T", "A", make=print, studies=("baselines",))\n'
    )
    studies_of = pipeline.needs((tmp_path,))
    assert studies_of.pop("mine") == ("baselines",)
    assert set(studies_of) == set(plugins.find("reports"))
    for name, studies in studies_of.items():
        report = plugins.load("reports", name)
        assert isinstance(report, Report)
        assert tuple(report.studies) == studies


def test_a_quick_run_shortens_stated_steps_and_nothing_else():
    whole = study.load(study.find("udc_ablation"))
    short = pipeline.shortened(whole)
    for before, after in zip(whole.searches, short.searches, strict=True):
        assert after.parameters["steps"] == before.parameters["steps"] // 4
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


def test_files_say_which_studies_they_are_made_of(shipped_table, tmp_path):
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "mine.py").write_text(
        '"""Mine."""\nimport pandas as pd\nfrom benchsuite.api import Report, Result\n'
        "def make(table, studies):\n"
        '    return Result(tables={"mine": pd.DataFrame({"a": [1]})})\n'
        'REPORT = Report("T", "A", make=make, studies=("munas_objectives",))\n'
    )
    shipped_table.write(tmp_path / pipeline.TABLE)
    lines = set()
    for seeds, quick in ((None, False), (2, False), (None, True)):
        making = pipeline.Making(tmp_path, (tmp_path,), seeds, quick)
        chosen = study.load(study.find("munas_objectives"))
        few = seeds or (1 if quick else None)
        searches = tuple(dataclasses.replace(e, seeds=few or e.seeds) for e in chosen.searches)
        chosen = dataclasses.replace(chosen, searches=searches)
        outcome = SimpleNamespace(study=chosen, failed={})
        entry = pipeline.make_report(making, "mine", {"munas_objectives": outcome})
        assert not entry.reason
        line = json.loads((tmp_path / "reports" / "mine.json").read_text())["provenance"]
        assert line.startswith(f"{shipped_table.provenance_line} Studies: munas_objectives ")
        assert chosen.digest in line
        assert ("(1 seed), quick run." in line) == quick
        assert ("(2 seeds)." in line) == (seeds == 2)
        lines.add(line)
    assert len(lines) == 3


def test_a_line_of_many_studies_stays_one(shipped_table):
    names = ["munas_objectives", "baselines", "udc_ablation", "monas_lambda"]
    found = {name: SimpleNamespace(study=study.load(study.find(name))) for name in names}
    few, many = (artefacts.line_of(shipped_table, dict(list(found.items())[:n])) for n in (3, 4))
    assert all(f"{name} {found[name].study.digest} (" in few for name in names[:3])
    assert many.removeprefix(shipped_table.provenance_line).startswith(" Studies: 4, together ")
    assert len(many) < len(few)
