"""Slurm's jobs, by submitit's processes in its place: the same results, also with one killed."""

import os
import sys
import time
from pathlib import Path

import dying_plugins
import pytest
from search_tables import table as made_up_table
from victims import files

from benchsuite.assembly import whole
from benchsuite.cli import main
from benchsuite.errors import UserError
from benchsuite.parallel.pool import map_jobs
from benchsuite.proxies._tabulation import rows
from benchsuite.proxies._tabulation.spec import Spec
from benchsuite.proxies._tabulation.tabulate import choose_cells, run, tasks
from benchsuite.replays import study
from benchsuite.reporting import durations
from benchsuite.space.network import Skeleton

STUDY = """schema = 1
name = "few"
shard = 5
[[searches]]
strategy = "dying"
seeds = 10
budget = { queries = 20 }
"""
REPORT = '''"""Regrets of few."""
import pandas as pd
from benchsuite.api import Report, Result

def make(table, studies):
    means = [s["regret"]["mean"] for s in studies["few"].summary.values()]
    return Result({"few": pd.DataFrame({"regret": means})})

REPORT = Report("T", "A", make, studies=("few",))
'''
HERE = Path(__file__).parent

pytestmark = pytest.mark.filterwarnings("ignore")  # those of submitit


def thirteen(_, job):
    raise UserError("Thirteen is no job.")


def fails_or_takes_a_minute(folder, job):
    """The first job fails once the second has begun, whose end leaves a file."""
    begun, ended = (Path(folder) / name for name in ("begun", "ended"))
    if job:
        begun.touch()
        time.sleep(60)
        ended.touch()
    while not begun.exists():
        time.sleep(0.1)
    raise UserError("The first job failed.")


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """Plug-ins of which each kills the first job of Slurm's that runs it, in the current folder."""
    core = pytest.importorskip("submitit.core.core")
    monkeypatch.setattr(core.Job, "_results_timeout_s", 1)  # for a job that left no result
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), *filter(None, sys.path)]))
    folder = tmp_path / "mine"
    dying_plugins.write(folder, tmp_path)
    for kind, name, text in (("studies", "few.toml", STUDY), ("reports", "of_few.py", REPORT)):
        (folder / kind).mkdir()
        (folder / kind / name).write_text(text)
    return folder


def test_tabulate_goes_on_where_a_job_was_killed(mine, tmp_path):
    spec = Spec(("dying",), Skeleton(2, 1, 4), 4, images="gaussian", plugin_folders=(mine,))
    todo = tasks(choose_cells("3", 3), 1, 1, 1)
    run(spec, todo, tmp_path / "there", jobs=2, cluster="slurm-local")
    assert (tmp_path / "proxy").exists()
    run(spec, todo, tmp_path / "here")
    here, there = (
        sorted(({**row, "seconds": 0} for row in rows.read(tmp_path / side)), key=str)
        for side in ("here", "there")
    )
    assert here == there
    assert len(there) == 3
    with pytest.raises(UserError, match="Thirteen"):
        list(map_jobs(thirteen, [13], 3, cluster="slurm-local"))


def test_a_study_goes_on_where_a_job_was_killed(mine, tmp_path):
    plan = study.plan(study.load(mine / "studies" / "few.toml"), made_up_table(), [mine])
    here = study.run(plan, tmp_path / "here", plugin_folders=[mine])
    there = study.run(
        plan, tmp_path / "there", workers=2, cluster="slurm-local", plugin_folders=[mine]
    )
    assert (tmp_path / "strategy").exists()
    left = [path.stat().st_size for path in (tmp_path / "out" / "slurm").glob("*")]
    assert left
    assert max(left) < 100_000, "what jobs share lies once beside them, until they are done"
    assert [[a.cells for a in of] for of in there] == [[a.cells for a in of] for of in here]


def test_a_run_goes_on_where_a_job_was_killed(mine, assembled, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(whole, "whole_table", lambda *_: assembled)
    monkeypatch.setattr(durations, "folder", lambda quick: tmp_path / "seconds")
    args = ["run", "--quick", "--only", "of_few", "--plugins", "mine", "--workers", "1"]
    main([*args, "--out", "here"])
    main([*args, "--out", "there", "--cluster", "slurm-local"])
    assert (tmp_path / "strategy").exists()
    here, there = (files(tmp_path / side) for side in ("here", "there"))
    assert [name for name in here if here[name] != there.get(name)] == [
        name for name in here if name.endswith(".timing.parquet")
    ]
    assert "studies/few/runs.csv" in there


def test_jobs_with_slurm_are_cancelled_where_another_fails(mine, tmp_path):
    """They were waited for, up to the day that a job may take."""
    given = [0, 1], str(tmp_path)
    with pytest.raises(UserError, match="The first job failed"):
        list(map_jobs(fails_or_takes_a_minute, *given, workers=2, cluster="slurm-local"))
    assert (tmp_path / "begun").exists()
    assert not (tmp_path / "ended").exists()
