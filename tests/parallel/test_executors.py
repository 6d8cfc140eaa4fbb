"""Jobs on other executors: the same results on processes, a Dask cluster and submitit."""

import dataclasses
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import dying_plugins
import pytest
from search_tables import table as made_up_table
from victims import files

from benchsuite.assembly import whole
from benchsuite.cli import main
from benchsuite.cli.commands import run as run_command
from benchsuite.errors import UserError
from benchsuite.parallel import clusters
from benchsuite.parallel.clusters import results
from benchsuite.parallel.pool import map_jobs
from benchsuite.proxies._tabulation import rows as _rows
from benchsuite.proxies._tabulation.spec import Spec
from benchsuite.proxies._tabulation.tabulate import choose_cells, run, tasks
from benchsuite.replays import study
from benchsuite.reporting import durations, pipeline
from benchsuite.space.network import Skeleton

SPEC = Spec(("naswot",), Skeleton(2, 1, 4), batch_size=4, images="gaussian")
STUDY = """schema = 1
name = "few"
shard = 5
[[searches]]
strategy = "random"
seeds = 20
budget = { queries = 20 }
"""
REPORT = '''"""Queries of few."""
import pandas as pd
from benchsuite.api import Report, Result

def make(table, studies):
    means = [s["regret"]["mean"] for s in studies["few"].summary.values()]
    return Result({"few": pd.DataFrame({"regret": means})})

REPORT = Report("T", "A", make, studies=("few",))
'''


def scores(folder):
    rows = sorted(_rows.read(folder), key=lambda row: (row["repeat"], row["cell"]))
    return [{key: row[key] for key in row if key != "seconds"} for row in rows]


def square(shared, job):
    if job == 13:
        raise UserError("Thirteen is no job.")
    return shared * job**2


def dies_first(folder, job):
    """Be killed, with the process, at the first try of job 2."""
    if job == 2 and not (folder / "died").exists():
        (folder / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return job


def fails(_, job):
    raise ValueError(f"{job} is a fault.")


HELPERS = str(Path(__file__).parents[1] / "helpers")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def dask(tmp_path, *args):
    """Start `dask ARGS` as a process of its own."""
    code = f"from distributed.cli.dask_{args[0]} import main; main()"
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([HELPERS, *filter(None, sys.path)]),
        "DASK_TEMPORARY_DIRECTORY": str(tmp_path),
        "DASK_DISTRIBUTED__WORKER__LIFETIME__RESTART": "False",
    }
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([sys.executable, "-c", code, *args[1:]], env=environment, **quiet)


@pytest.fixture
def cluster(tmp_path, request):
    """A scheduler and workers, two if not said otherwise, on loopback: address, workers."""
    number = getattr(request, "param", 2)
    distributed = pytest.importorskip("distributed")
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    local = ["--host", "127.0.0.1", "--no-dashboard"]
    started = [dask(tmp_path, "scheduler", *local, "--port", str(port))]
    worker = ["worker", address, "--nthreads", "1", "--no-nanny", *local]
    started += [dask(tmp_path, *worker, "--local-directory", str(tmp_path)) for _ in range(number)]
    try:
        with distributed.Client(address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(number, timeout=60)
        yield f"dask://127.0.0.1:{port}", started[1:]
    finally:
        for process in started:
            process.kill()
            process.wait()


@pytest.mark.parametrize("cluster", [3], indirect=True)
@pytest.mark.filterwarnings("ignore")  # those of distributed
def test_a_dask_cluster_gives_the_same_also_with_a_worker_killed(cluster, tmp_path):
    """Of three workers the first is killed while it tabulates, another one in a study."""
    where, workers = cluster
    todo = tasks(choose_cells("40", 3), 2, 1, 1)
    run(SPEC, todo, tmp_path / "here")

    def progress(done, total):
        if done == 20:
            workers[0].send_signal(signal.SIGKILL)

    run(SPEC, todo, tmp_path / "there", cluster=where, finished=progress)
    assert workers[0].wait(10) == -signal.SIGKILL
    assert scores(tmp_path / "there") == scores(tmp_path / "here")
    assert len(scores(tmp_path / "there")) == 80

    assert dict(map_jobs(square, range(9), 3, cluster=where)) == {i: 3 * i**2 for i in range(9)}
    with pytest.raises(UserError, match="Thirteen"):
        list(map_jobs(square, [1, 13], 3, cluster=where))

    path, mine = tmp_path / "few.toml", [tmp_path / "mine"]
    path.write_text(STUDY.replace("random", "dying"))
    dying_plugins.write(mine[0], tmp_path)
    plan = study.plan(study.load(path), made_up_table(), mine)
    there = study.run(plan, tmp_path / "a", cluster=where, plugin_folders=mine)
    assert (tmp_path / "strategy").exists()
    assert sorted(w.poll() or 0 for w in workers) == [-signal.SIGKILL, -signal.SIGKILL, 0]
    here = study.run(plan, tmp_path / "b", plugin_folders=mine)
    assert [[answer.cells for answer in each] for each in there] == [
        [answer.cells for answer in each] for each in here
    ]
    kept = [sorted((tmp_path / side).glob("*.json")) for side in "ab"]
    assert [p.read_text() for p in kept[0]] == [p.read_text() for p in kept[1]]
    for worker in workers:
        worker.kill()
        worker.wait()
    time.sleep(1)
    with pytest.raises(UserError, match=r"has no workers: start some"):
        list(map_jobs(square, [1], 3, cluster=where))


@pytest.mark.filterwarnings("ignore")  # those of distributed
def test_a_run_on_a_cluster_writes_the_same_also_with_a_worker_killed(
    cluster, assembled, tmp_path, monkeypatch, capsys
):
    """Two reports, one of them of a study of one's own; a worker is killed after its first job."""
    where, workers = cluster
    for folder in ("mine/studies", "mine/reports"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "mine/studies/few.toml").write_text(STUDY)
    (tmp_path / "mine/reports/of_few.py").write_text(REPORT)
    needs = pipeline.needs

    def few(folders):
        return {k: v for k, v in needs(folders).items() if k in ("edgenas_lut", "of_few")}

    monkeypatch.setattr(pipeline, "needs", few)
    monkeypatch.setattr(whole, "whole_table", lambda *_: assembled)
    monkeypatch.setattr(durations, "folder", lambda quick: tmp_path / "seconds")
    monkeypatch.chdir(tmp_path)

    done = run_command.Countdown.done

    def killing(countdown, *job):
        done(countdown, *job)
        workers[0].kill()

    args = ["run", "--quick", "--plugins", "mine"]
    main([*args, "--workers", "1", "--out", "here"])
    said = capsys.readouterr().out
    monkeypatch.setattr(run_command.Countdown, "done", killing)
    main([*args, "--cluster", where, "--out", "there"])
    assert workers[0].wait(10) == -signal.SIGKILL
    here, there = files(tmp_path / "here"), files(tmp_path / "there")
    assert without_times(here) == without_times(there)
    assert {"reports/few.csv", "studies/few/runs.csv", "index.html", "table.parquet"} <= set(there)
    assert capsys.readouterr().out == said.replace("here", "there")

    making = pipeline.Making(tmp_path / "there", cluster=where)
    monkeypatch.setattr(pipeline.Making, "sent", lambda making: replaced(making, ("other", "")))
    with clusters.opened(where, None) as (pool, number):
        assert number == 1
        with pytest.raises(UserError, match=r"finds another table in .*--out has to be a folder"):
            list(pipeline.run(making, pool, number, few(())))


def without_times(kept):
    return {name: text for name, text in kept.items() if not name.endswith(".timing.parquet")}


def replaced(making, read):
    return dataclasses.replace(making, read=read)


@pytest.mark.filterwarnings("ignore")
def test_a_dask_cluster_without_workers_is_given_up(cluster, monkeypatch):
    where, workers = cluster
    monkeypatch.setattr(clusters, "ALONE", 1)
    monkeypatch.setattr(clusters, "PATIENCE", 0.5)
    running = map_jobs(square, range(100_000), 3, cluster=where)
    next(running)
    for worker in workers:
        worker.kill()
    with pytest.raises(UserError, match="lost workers for good"):
        list(running)


def test_dask_workers_of_several_threads_are_refused():
    with pytest.raises(UserError, match=r"runs 4 jobs at a time .* --nthreads 1"):
        clusters._check_threads({"a": 1, "b": 4}, "host:1")


@pytest.mark.filterwarnings("ignore")  # those of submitit
def test_a_slurm_job_that_is_killed_is_tried_again_and_a_fault_is_none(tmp_path, monkeypatch):
    core = pytest.importorskip("submitit.core.core")
    monkeypatch.setattr(core.Job, "_results_timeout_s", 1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([HELPERS, *sys.path, str(Path(__file__).parent)])
    )
    assert dict(map_jobs(dies_first, range(4), tmp_path, cluster="slurm-local")) == {
        at: at for at in range(4)
    }
    assert (tmp_path / "died").exists()
    with pytest.raises(ValueError, match="3 is a fault"):
        list(map_jobs(fails, [3], cluster="slurm-local"))


def test_worker_processes_give_the_same_as_this_one():
    here = dict(map_jobs(square, range(9), 2))
    assert dict(map_jobs(square, range(9), 2, workers=2, mode="processes")) == here


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("kubernetes", "give dask://HOST:PORT"),
        ("dask:1234", "give dask://HOST:PORT"),
        ("dask://", "give dask://HOST:PORT"),
        ("slurm-local:gpu", "give dask://HOST:PORT"),
        ("dask://127.0.0.1:9", "No Dask scheduler answers|benchsuite.dist"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_is_none_is_a_sentence(where, said, monkeypatch):
    if where.startswith("dask://") and "distributed" in sys.modules:
        monkeypatch.setattr("benchsuite.parallel.clusters.PATIENCE", 1)
    with pytest.raises(UserError, match=said):
        list(map_jobs(square, [1], 1, cluster=where))


def test_the_extra_is_named_where_it_is_missing(monkeypatch):
    for module, where in (("distributed", "dask://127.0.0.1:9"), ("submitit", "slurm")):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(UserError, match=rf"package {module}: pip install 'benchsuite\[dist\]'"):
            list(map_jobs(square, [1], 1, cluster=where))


@pytest.mark.parametrize("jobs", [0, 1, 7, 100, 5260])
@pytest.mark.parametrize("workers", [1, 2, 64])
def test_slurm_jobs_hold_a_share_of_what_is_left(jobs, workers):
    chunks = list(clusters.guided(jobs, workers))
    assert [at for chunk in chunks for at in chunk] == list(range(jobs))
    sizes = [*map(len, chunks)]
    assert sizes == sorted(sizes, reverse=True)
    assert not jobs or (sizes[0] <= clusters.MOST and sizes[-1] == 1)
    assert all(
        size == clusters.MOST or size < 1 + (jobs - chunk[0]) / (2 * workers)
        for size, chunk in zip(sizes, chunks, strict=True)
    )


def test_few_jobs_wait_and_none_starts_after_an_error():
    from concurrent.futures import Executor, Future

    class Counting(Executor):
        submitted = 0

        def submit(self, function, /, *args):
            self.submitted += 1
            future = Future()
            try:
                future.set_result(function(*args))
            except UserError as error:
                future.set_exception(error)
            return future

    executor = Counting()
    found = results(executor, square, range(100), 1, waiting=4)
    next(found)
    assert executor.submitted == 4
    with pytest.raises(UserError):
        list(found)
    assert executor.submitted < 25


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("replay random --seeds 1 --cluster cloud", "no cluster 'cloud'"),
        ("run --cluster cloud --out out", "no cluster 'cloud'"),
        ("run --cluster slurm --out out", "as in --workers 8"),
        ("tabulate --cluster cloud --shard 2/2 --cells 1 --proxy naswot", "no cluster 'cloud'"),
    ],
)
def test_the_command_line_takes_a_cluster(tmp_path, monkeypatch, capsys, command, said):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main(command.split())
    assert stop.value.code == 2
    assert said in capsys.readouterr().err
