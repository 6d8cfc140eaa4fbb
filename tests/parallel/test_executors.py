"""Jobs on other executors: the same results on processes, a Dask cluster and submitit."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from search_tables import table as made_up_table

from benchsuite.cli import main
from benchsuite.errors import UserError
from benchsuite.parallel.clusters import results
from benchsuite.parallel.pool import map_jobs
from benchsuite.proxies._tabulation import rows as _rows
from benchsuite.proxies._tabulation.tabulate import Spec, choose_cells, run, tasks
from benchsuite.replays import study
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


def scores(folder):
    rows = sorted(_rows.read(folder), key=lambda row: (row["repeat"], row["cell"]))
    return [{key: row[key] for key in row if key != "seconds"} for row in rows]


def square(shared, job):
    if job == 13:
        raise UserError("Thirteen is no job.")
    return shared * job**2


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
def cluster(tmp_path):
    """A scheduler and two workers on loopback: address, worker processes."""
    distributed = pytest.importorskip("distributed")
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    local = ["--host", "127.0.0.1", "--no-dashboard"]
    started = [dask(tmp_path, "scheduler", *local, "--port", str(port))]
    worker = ["worker", address, "--nthreads", "1", "--no-nanny", *local]
    started += [dask(tmp_path, *worker, "--local-directory", str(tmp_path)) for _ in "ab"]
    try:
        with distributed.Client(address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        yield f"dask://127.0.0.1:{port}", started[1:]
    finally:
        for process in started:
            process.kill()
            process.wait()


@pytest.mark.filterwarnings("ignore")  # those of distributed
def test_a_dask_cluster_gives_the_same_also_with_a_worker_killed(cluster, tmp_path):
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

    path = tmp_path / "few.toml"
    path.write_text(STUDY)
    plan = study.plan(study.load(path), made_up_table())
    there = study.run(plan, tmp_path / "a", cluster=where)
    here = study.run(plan, tmp_path / "b")
    assert [[answer.cells for answer in each] for each in there] == [
        [answer.cells for answer in each] for each in here
    ]
    kept = [sorted((tmp_path / side).glob("*.json")) for side in "ab"]
    assert [p.read_text() for p in kept[0]] == [p.read_text() for p in kept[1]]
    workers[1].kill()
    workers[1].wait()
    time.sleep(1)
    with pytest.raises(UserError, match=r"has no workers: start some"):
        list(map_jobs(square, [1], 3, cluster=where))


@pytest.mark.filterwarnings("ignore")  # those of submitit
def test_submitit_gives_the_same(tmp_path, monkeypatch):
    pytest.importorskip("submitit")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([HELPERS, *sys.path]))
    todo = tasks(choose_cells("10", 3), 1, 1, 1)
    run(SPEC, todo, tmp_path / "here")
    run(SPEC, todo, tmp_path / "there", jobs=2, cluster="slurm-local")
    assert scores(tmp_path / "there") == scores(tmp_path / "here")
    with pytest.raises(UserError, match="Thirteen"):
        list(map_jobs(square, [13], 3, cluster="slurm-local"))


def test_worker_processes_give_the_same_as_this_one():
    here = dict(map_jobs(square, range(9), 2))
    assert dict(map_jobs(square, range(9), 2, workers=2, mode="processes")) == here


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("kubernetes", "give dask://HOST:PORT"),
        ("dask:1234", "give dask://HOST:PORT"),
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


def test_the_command_line_takes_a_cluster(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["replay", "random", "--seeds", "1", "--cluster", "cloud"])
    assert stop.value.code == 2
    assert "no cluster 'cloud'" in capsys.readouterr().err
