"""Keys of jobs, problems and studies: everything that a result is a function of is in them."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from search_tables import column
from search_tables import table as made_up_table
from test_study import GOOD, write

from benchsuite import provenance
from benchsuite.face import searches
from benchsuite.replays import jobs, study
from benchsuite.simulation.problem import prepare
from benchsuite.simulation.setting import Setting
from benchsuite.space.cell import all_ops
from benchsuite.space.network import Skeleton
from benchsuite.table.table import Values


@pytest.fixture
def planned(tmp_path):
    loaded = study.load(write(tmp_path, GOOD))
    return loaded, study.plan(loaded, made_up_table())


def test_every_part_of_a_job_is_in_its_key(planned):
    _, plan = planned
    job = plan.jobs[1][0]
    changes = {
        "strategy": "random",
        "parameters": {**job.parameters, "population": 5},
        "problem": "another",
        "budget": study.Budget(queries=13),
        "first_seed": 11,
        "seeds": 2,
    }
    assert set(changes) == {field.name for field in dataclasses.fields(job)}
    changed = [dataclasses.replace(job, **{name: value}) for name, value in changes.items()]
    assert len({jobs.key(one) for one in [job, *changed]}) == 7
    assert jobs.key(job) == jobs.key(dataclasses.replace(job))
    both = [
        study.Budget(2000, 12),
        study.Budget(2000),
        study.Budget(2000.5),
        study.Budget(None, 12),
    ]
    assert len({jobs.key(dataclasses.replace(job, budget=one)) for one in both}) == 4


def test_versions_of_optimisers_are_in_a_key(planned, monkeypatch):
    """What pymoo or Optuna answered in another version is no result of this one."""
    job = planned[1].jobs[1][0]
    keys = set()
    for version in ("0.6.1", "0.6.2"):
        monkeypatch.setattr(provenance, "versions_of", lambda names, of=version: {"pymoo": of})
        provenance.optional_versions.cache_clear()
        keys.add(jobs.key(job))
    monkeypatch.undo()
    provenance.optional_versions.cache_clear()
    assert len({*keys, jobs.key(job)}) == 3


def test_problems_differ_by_data_and_bounds(planned):
    _, plan = planned
    other = study.plan(planned[0], made_up_table(clock=False))
    assert len(plan.problems) == 2
    assert not set(plan.problems) & set(other.problems)


def one_value(group):
    """The same arrays, but for one value of the last one."""
    *_, last = group
    changed = np.array(group[last])
    changed[5] += 1e-9
    return {**group, last: changed}


def test_every_field_of_a_problem_is_in_its_key():
    setting = Setting(
        bounds={"cifar10.flops": 1e8, "cifar10.params": 1e6}, device="board", runtime="tflm"
    )
    problem = prepare(made_up_table(), setting)
    priced = {**problem.column_seconds, "flops@1": np.ones(15_625)}
    problem = dataclasses.replace(problem, column_seconds=priced)
    assert problem.aliases
    changes = {
        "dataset": ["cifar100"],
        "epochs": [200],
        "accuracy": [one_value(problem.accuracy)],
        "seconds": [one_value(problem.seconds)],
        "columns": [
            one_value(problem.columns),
            dict(list(problem.columns.items())[:-1]),
            {name + "x": values for name, values in problem.columns.items()},
            {name: values.astype(np.float32) for name, values in problem.columns.items()},
            {name: values.reshape(5, -1) for name, values in problem.columns.items()},
        ],
        "directions": [{**problem.directions, "flops@1": "min"}],
        "column_seconds": [one_value(priced), {}],
        "bounds": [
            {**problem.bounds, "cifar10.flops": 2e8},
            {"cifar10.flops": 1e8},
            dict(reversed(problem.bounds.items())),  # the order in which a strategy meets them
        ],
        "feasible": [~problem.feasible],
        "notes": [{**problem.notes, "clock": "another"}],
        "aliases": [{}, {"latency": "latency.other.tflm.official"}],
        "skeleton": [
            Skeleton(8), Skeleton(cells_per_stage=1), Skeleton(resolution=16), Skeleton(classes=9)
        ],
    }  # fmt: skip
    assert set(changes) == {field.name for field in dataclasses.fields(problem)}
    changed = [
        dataclasses.replace(problem, **{name: value})
        for name, more in changes.items()
        for value in more
    ]
    keys = [jobs.problem_key(one) for one in [problem, *changed]]
    assert len(set(keys)) == len(keys)
    again = dataclasses.replace(problem, columns={k: v.copy() for k, v in problem.columns.items()})
    assert jobs.problem_key(again) == keys[0]


def two_boards():
    """The made-up table with a second device, on which other operators are slow."""
    name = "latency.board.tflm.cifar10.official"
    slow = 5 + np.array([0, 9.0, 8, 1, 7])[all_ops()].sum(axis=1)
    return made_up_table().with_columns(
        [
            Values(column(name.replace("board", "other"), "device", "min"), slow),
            Values(column(name.replace("tflm", "engine"), "device", "min"), slow * 2),
        ]
    )


DEVICES = """
schema = 1
name = "devices"
[defaults]
strategy = "monas"
seeds = 1
budget = { seconds = 2000 }
parameters = { mu = 0.6 }
"""
SEARCHES = {
    "board": 'device = "board"\nruntime = "tflm"\n',
    "other": 'device = "other"\nruntime = "tflm"\n',
    "engine": 'device = "board"\nruntime = "engine"\n',
    "small": 'device = "board"\nruntime = "tflm"\nskeleton = { cells_per_stage = 1 }\n',
}


def test_devices_runtimes_and_skeletons_of_one_study_share_nothing(tmp_path):
    """Searches that differ in one of them answer, together, what each answers alone."""

    def answers(folder, labels):
        text = DEVICES + "".join(
            f'[[searches]]\nlabel = "{label}"\n{SEARCHES[label]}' for label in labels
        )
        loaded = study.load(write(tmp_path, text))
        planned = study.plan(loaded, two_boards())
        assert len(planned.problems) == len(labels)
        found = study.run(planned, tmp_path / folder)
        return {label: each[0].cells for label, each in zip(labels, found, strict=True)}

    together = answers("together", SEARCHES)
    alone = {label: answers(label, [label])[label] for label in SEARCHES}
    assert together == alone
    assert answers("together", list(reversed(SEARCHES))) == alone
    assert together["board"] != together["other"]


def test_each_part_of_the_shipped_sweep_reads_its_own_latencies(table, tmp_path):
    """Searches on the F746 answered by the L432's latencies where both were in one study."""
    data = table
    sweep = study.load(study.find("monas_mu"))
    chosen = [s for s in sweep.searches if s.label in ("F746, mu = 0.6", "L4, mu = 0.7")]
    assert len(chosen) == 2

    def answers(folder, searches):
        planned = study.plan(dataclasses.replace(sweep, searches=tuple(searches)), data)
        for job, entry in zip([j for part in planned.jobs for j in part], searches, strict=True):
            (latency,) = {planned.problems[job.problem].resolve("latency")}
            assert entry.setting.device in latency
        return [each[0].cells for each in study.run(planned, tmp_path / folder)]

    together = answers("together", chosen)
    assert together == [answers(str(i), [one])[0] for i, one in enumerate(chosen)]
    assert together == answers("together", chosen[::-1])[::-1]


def test_files_beside_a_strategy_are_in_the_key_of_its_jobs(tmp_path):
    folder = tmp_path / "mine/search"
    folder.mkdir(parents=True)
    source = Path(jobs.plugins.find("strategies")["random"].path).read_text()
    (folder / "own.py").write_text(source)
    job = jobs.Job("own", {}, "it", study.Budget(5), 0, 1)
    keys = [jobs.key(job, [tmp_path / "mine"])]

    def changed(path, text):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        jobs.read_anew([tmp_path / "mine"])
        keys.append(jobs.key(job, [tmp_path / "mine"]))

    changed(folder / "own.py", source + "\n")
    changed(folder / "_helper.py", "X = 1")
    changed(folder / "_helper.py", "X = 2")
    changed(folder / "weights.csv", "1,2")
    changed(folder / "more/deep.py", "")
    changed(tmp_path / "mine/__init__.py", "")  # a package, all of which it may import
    changed(tmp_path / "mine/tools.py", "")
    assert len(set(keys)) == len(keys)
    here = jobs.Job("random", {}, "it", study.Budget(5), 0, 1)
    before = jobs.key(here, [tmp_path / "mine"])
    assert before == jobs.key(here)


FIXED = """
from dataclasses import dataclass
from benchsuite.api import Strategy
@dataclass(frozen=True)
class Parameters:
    pass
def run(search, rng, parameters):
    search.answer([CELL])
STRATEGY = Strategy(version=1, source="tests", run=run, parameters=Parameters)
"""


def test_a_strategy_that_was_edited_is_run_as_it_is_now(tmp_path):
    """In one process, as in a notebook: the second run took the first one's code, and its key."""
    (tmp_path / "mine/search").mkdir(parents=True)
    file = write(
        tmp_path, GOOD[: GOOD.index("[[")] + '[[searches]]\nstrategy = "fixed"\nseeds = 1\n'
    )
    given = {"table": made_up_table(), "plugins": tmp_path / "mine"}
    replayed, studied = [], []
    for cell in (5, 7):
        text = FIXED.replace("CELL", str(cell))
        (tmp_path / "mine/search/fixed.py").write_text(text)
        found = searches.replay("fixed", seeds=1, **given)
        replayed += found.runs["cell"].tolist()
        studied += searches.study(file, out=tmp_path, **given).runs["cell"].tolist()
    assert replayed == studied == [5, 7]


def test_workers_that_run_elsewhere_find_the_plug_ins_of_a_replay(tmp_path, monkeypatch):
    (tmp_path / "mine/search").mkdir(parents=True)
    (tmp_path / "mine/search/fixed.py").write_text(FIXED.replace("CELL", "5"))

    def elsewhere(function, parts, shared, **_):
        monkeypatch.chdir("/")
        return [(at, function(shared, part)) for at, part in enumerate(parts)]

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(searches, "map_jobs", elsewhere)
    found = searches.replay("fixed", made_up_table(), seeds=1, plugins="mine", cluster="dask://x")
    assert found.runs["cell"].tolist() == [5]


def test_a_study_that_was_shortened_has_another_digest(planned):
    loaded, _ = planned
    shorter = dataclasses.replace(loaded, searches=loaded.searches[:1])
    assert len({loaded.digest, shorter.digest, dataclasses.replace(loaded, shard=4).digest}) == 3
