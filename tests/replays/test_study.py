"""Studies: what a file may say, jobs that are found again, and what a kill leaves behind."""

import dataclasses
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas
import pytest
from search_tables import table
from small_study import GOOD, write

from benchsuite.errors import UserError
from benchsuite.parallel.pool import map_jobs
from benchsuite.replays import jobs, study
from benchsuite.replays import outcome as outcomes
from benchsuite.replays.judgement import judge


@pytest.fixture
def planned(tmp_path):
    loaded = study.load(write(tmp_path, GOOD))
    return loaded, study.plan(loaded, table())


def files(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if "timing" not in p.name}


def test_a_study_is_cut_into_jobs_and_run(planned, tmp_path):
    loaded, plan = planned
    assert [[job.seeds for job in search] for search in plan.jobs] == [[3, 2], [3, 1]]
    seen = []
    found = study.run(plan, tmp_path / "jobs", traces=True, progress=lambda *a: seen.append(a))
    assert [[a.seed for a in answers] for answers in found] == [
        [0, 1, 2, 3, 4],
        [10, 11, 12, 13],
    ]
    assert seen[0] == (0, 4)
    assert seen[-1] == (4, 4)
    assert all(a.simulated_seconds <= 2000 for a in found[0])
    assert all(a.queries == 12 for a in found[1])
    rows = judge(table(), loaded.searches[1].setting, found[1])
    assert (rows["skeleton.flops"] <= 2e7).all()
    suffixes = sorted(p.name.partition(".")[2] for p in (tmp_path / "jobs").iterdir())
    assert suffixes == sorted(["json", "trace.parquet", "timing.parquet"] * 4)


def test_processes_give_the_same_bytes_as_one_process(planned, tmp_path):
    _, plan = planned
    study.run(plan, tmp_path / "one", traces=True)
    study.run(plan, tmp_path / "two", traces=True, workers=2)
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_finished_jobs_are_not_run_again_and_damaged_ones_are(planned, tmp_path, monkeypatch):
    _, plan = planned
    folder = tmp_path / "jobs"
    first = study.run(plan, folder)
    before = files(folder)
    ran = []
    real = jobs.stored_answers
    monkeypatch.setattr(
        jobs, "stored_answers", lambda shared, job: (ran.append(job), real(shared, job))[1]
    )
    again = study.run(plan, folder)
    assert not ran
    assert [[a.cells for a in s] for s in again] == [[a.cells for a in s] for s in first]
    broken = folder / f"{jobs.key(plan.jobs[0][0])}.json"
    broken.write_text(broken.read_text()[:-7])
    study.run(plan, folder)
    assert len(ran) == 1
    assert files(folder) == before
    study.run(plan, folder, traces=True)
    assert len(ran) == 5, "traces that were not kept before are made"
    whole = files(folder)
    trace = broken.with_suffix(".trace.parquet")
    trace.write_bytes(trace.read_bytes()[:-7])
    study.run(plan, folder, traces=True)
    assert len(ran) == 6
    assert files(folder) == whole


def test_a_folder_that_cannot_be_written_is_no_fault_of_the_strategy(planned, tmp_path):
    _, plan = planned
    (tmp_path / "taken").write_text("")
    with pytest.raises(UserError, match=r"^\S+taken/jobs cannot be written into: Not a directory"):
        study.run(plan, tmp_path / "taken" / "jobs")


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from search_tables import table
from benchsuite.replays import study
plan = study.plan(study.load(Path({file!r})), table())
study.run(plan, Path({folder!r}), progress=lambda *a: print(*a, flush=True))
"""


def test_kill_9_loses_no_finished_job(tmp_path):
    text = GOOD.replace("seeds = 5", "seeds = 120").replace("shard = 3", "shard = 4")
    file = write(tmp_path, text)
    folder = tmp_path / "jobs"
    code = SCRIPT.format(
        tests=str(Path(__file__).parents[1] / "helpers"), file=str(file), folder=str(folder)
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if int(line.split()[0]) >= 5:
            break
    os.kill(process.pid, signal.SIGKILL)
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    done = {p: p.read_bytes() for p in folder.glob("*.json")}
    assert 5 <= len(done) < 32
    stamps = {p: p.stat().st_mtime_ns for p in done}
    plan = study.plan(study.load(file), table())
    found = study.run(plan, folder)
    assert {p: p.read_bytes() for p in done} == done
    assert {p: p.stat().st_mtime_ns for p in done} == stamps
    assert [len(answers) for answers in found] == [120, 4]


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (("strategy =", "stratgy ="), "Did you mean strategy"),
        (('"rea"', '"reaa"'), "Did you mean rea"),
        (("shard = 3", "shards = 3"), "Did you mean shard"),
        (("[[searches]]", "[[search]]"), "Did you mean searches"),
        (("shard = 3", "shard = 0"), "1 or more"),
        (("schema = 1", "schema = 7"), "schema = 1"),
        (("schema = 1", "schema = "), "not TOML"),
        (('name = "small"', 'name = "../x"'), "letters, digits"),
        (("seeds = 5", "seeds = 0"), "1 or more"),
        (("seeds = 5", 'seeds = "five"'), "a whole number"),
        (("seconds = 2000", "second = 2000"), "Did you mean seconds"),
        (("{ seconds = 2000 }", "{}"), r"Search 1 of .*: A budget is needed"),
        (("cells_per_stage = 1", "cells_per_stage = 0"), r"^Search 2 of .*: A skeleton"),
        (("{ seconds = 2000 }", "2000"), "is a table"),
        (("population = 4", "populaton = 4"), "Did you mean population"),
        (("population = 4", "population = 0"), "1 or more"),
        (("skeleton.flops", "skeleton.flosp"), "Did you mean skeleton.flops"),
        (("2e7", "1"), "No cell keeps the bounds"),
        (("2e7", '"small"'), "is a number"),
        (("epochs = 200", "epochs = 90"), "90 epochs"),
        (("cells_per_stage = 1", "cels_per_stage = 1"), "Did you mean cells_per_stage"),
        (('label = "small-rea"', 'label = "random"'), "several searches labelled"),
        (('strategy = "random"', 'dataset = "cifar100"'), "names no strategy"),
    ],
)
def test_mistakes_are_sentences_and_nothing_is_written(tmp_path, change, hint):
    assert change[0] in GOOD
    with pytest.raises(UserError, match=hint):
        study.plan(study.load(write(tmp_path, GOOD.replace(*change))), table())
    assert [p.name for p in tmp_path.iterdir()] == ["study.toml"]


def test_an_outcome_holds_runs_fronts_and_traces_of_as_many_seeds_as_asked(planned, tmp_path):
    outcome = outcomes.run(planned[0], table(), tmp_path, seeds=2)
    assert outcome.runs.groupby("search").size().to_dict() == {"random": 2, "small-rea": 2}
    assert outcome.runs[outcome.runs["search"] == "small-rea"]["seed"].tolist() == [10, 11]
    for label, fronts in outcome.fronts.items():
        picks = outcome.runs[outcome.runs["search"] == label]["cell"].tolist()
        assert [front[0] if front else -1 for front in fronts] == picks
        assert outcome.summary[label]["queries"]["n"] == sum(map(bool, fronts))
    trace = outcome.trace("small-rea")
    assert set(trace["seed"]) == {10, 11}
    assert (trace.groupby("seed")["clock"].diff().dropna() >= 0).all()
    for unknown in ("small_rea", "rea"):
        with pytest.raises(UserError, match=r"no traces of .*here of random, small-rea"):
            outcome.trace(unknown)
    written = outcome.write(tmp_path, "a line")
    assert list(pandas.read_csv(written[0])["search"]) == list(outcome.runs["search"])
    assert json.loads(written[1].read_text())["line"] == "a line"
    assert json.loads(written[1].read_text())["provenance"]["seeds"] == 2


def test_a_study_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        study.load(tmp_path / "none.toml")


def test_a_table_without_validation_accuracy_is_a_sentence(planned):
    bare = table().empty({})
    with pytest.raises(UserError, match="no validation accuracy of cifar10"):
        study.plan(planned[0], bare)


@pytest.mark.parametrize(
    ("search", "hint"),
    [
        ('strategy = "rae"', "Search mine: There is no 'rae' among strategies"),
        ('strategy = "rea"\nparameters = { sample = 0 }', "Search mine: The parameter sample"),
        ('strategy = "rea"\nbounds = { flopz = 3 }', "Search mine: There is no column 'flopz'"),
        ('strategy = "udc"', "The strategy udc: UDC searches for a size"),
        ('strategy = "rea"\nbudget = { queries = 0 }', r"Search 3 of .*toml: A budget of 0 q"),
        ('strategy = "rea"\nbudget = {}', r"Search 3 of .*toml: A budget is needed"),
        ('strategy = "rea"\nskeleton = { channels = 0 }', r"Search 3 of .*toml: A skeleton needs"),
        ('strategy = "rea"\nseeds = 0', r"^Search 3 of \S+toml needs seeds"),
    ],
)
def test_a_mistake_says_in_which_search_it_is(search, hint, tmp_path):
    written = write(tmp_path, f'{GOOD}[[searches]]\nlabel = "mine"\n{search}\n')
    with pytest.raises(UserError, match=hint):
        study.run(study.plan(study.load(written), table()), tmp_path)


def test_defaults_that_are_no_table_are_what_is_wrong(tmp_path):
    text = GOOD.replace("[defaults]", "defaults = [5]\n[[searches]]\nstrategy = 'rea'")
    with pytest.raises(UserError, match=r"defaults are a table, as in \[defaults\]"):
        study.load(write(tmp_path, text))


def double(shared, job):
    if job == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if job == "wait":
        time.sleep(0.2)
        return "waited"
    return shared * job


def test_map_jobs_returns_every_result_with_its_place():
    assert dict(map_jobs(double, [1, "wait", 2], 10)) == {0: 10, 1: "waited", 2: 20}
    with pytest.raises(UserError, match="0 workers"):
        list(map_jobs(double, [1], 10, workers=0))


def test_an_outcome_without_traces_says_so_and_of_how_many_seeds_it_is(planned, tmp_path):
    quiet = dataclasses.replace(planned[0], traces=False)
    outcome = outcomes.run(quiet, table(), tmp_path, seeds=4, at_most=2)
    assert outcome.provenance["seeds"] == 2
    with pytest.raises(UserError, match="traces = true has them, here of no search"):
        outcome.trace("random")


def test_a_killed_worker_is_a_sentence():
    with pytest.raises(UserError, match="was killed"):
        list(map_jobs(double, ["die"], 10, mode="processes"))


def test_a_study_is_found_by_its_name_and_plugins_come_first(tmp_path, monkeypatch):
    own = study.find("baselines")
    assert own.name == "baselines.toml"
    assert study.load(own).name == "baselines"
    (tmp_path / "studies").mkdir()
    added = tmp_path / "studies/baselines.toml"
    added.write_text(GOOD)
    assert study.find("baselines", [tmp_path]) == added
    assert study.find("edgenas_ablation", [tmp_path]) == own.with_name("edgenas_ablation.toml")
    monkeypatch.chdir(tmp_path)
    Path("plain").write_text(GOOD)
    assert study.load(study.find("plain")).name == "small"
    assert study.find(added) == added
    with pytest.raises(UserError, match=r"no study ''.*there are baselines"):
        study.find("")


@pytest.mark.parametrize("path", sorted(study.SHIPPED.glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_study_can_be_read_and_has_the_name_of_its_file(path):
    loaded = study.load(study.find(path.stem))
    assert loaded.name == path.stem
    for entry in loaded.searches:
        jobs.checked_parameters(entry.strategy, jobs.strategy_of(entry.strategy), entry.parameters)


def test_a_resumed_study_writes_the_same_files(planned, tmp_path, monkeypatch):
    """Details of an answer are columns of runs.csv: in one order, and with nothing but JSON."""
    real = jobs._answer
    details = {"z": 1.5, "a": "text", "m": {"k": 1}, "b": float("nan"), "c": (1, 2)}
    monkeypatch.setattr(
        jobs, "_answer", lambda run: dataclasses.replace(real(run), details=details)
    )
    loaded, _ = planned
    first, second = (outcomes.run(loaded, table(), tmp_path / "it") for _ in range(2))
    written = [[path.read_bytes() for path in it.write(tmp_path, "")] for it in (first, second)]
    assert written[0] == written[1]
    pandas.testing.assert_frame_equal(first.runs, second.runs)


def test_what_jobs_share_is_as_large_as_is_said(shipped_table):
    """Of the study `baselines`, without public files; to a tenth."""
    planned = study.plan(study.load(study.find("baselines")), shipped_table)
    size = len(pickle.dumps(jobs.Shared(planned.problems))) / 1e6
    root = Path(__file__).parents[2]
    for path, form in (
        ("CHANGELOG.md", r"\((\d+) MB of `baselines`\)"),
        ("docs/many_machines.md", r"once, (\d+) MB for the problems of `baselines`"),
        ("docs/many_machines.md", r"MB sent to a worker, study \| 1 \| ([\d.]+) "),
    ):
        (said,) = re.findall(form, (root / path).read_text(encoding="utf-8"))
        assert float(said) == pytest.approx(size, rel=0.1), path
