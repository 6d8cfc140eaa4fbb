"""What more workers bring, and what they cost: measures, and prints the tables of many_machines.md.

    python docs/scaling.py --minutes 2 --runs 2            # what scaling.csv lacks
    python docs/scaling.py --minutes 0 --workers 1         # as good as nothing to do
    python docs/scaling.py --of alone --workers 1,2        # empty jobs
    python docs/scaling.py --of bytes --where processes --workers 1
    python docs/scaling.py --print                         # measures nothing

A row of `scaling.csv` is one run of a command in a new folder: seconds by the clock, processor
seconds of all its processes, and the load of the machine before it. A Dask cluster is started for
each; its start is a row of its own, its processes are in the processor seconds. The tables show the
least of several runs.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import pickle
import re
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from operator import is_not
from pathlib import Path

import pandas as pd

from benchsuite.files import write_text
from benchsuite.notations import csv_text, markdown_text
from benchsuite.parallel.pool import map_jobs

LOG = Path(__file__).with_name("scaling.csv")
PLACES = ("processes", "dask", "slurm-local")
COMMANDS = ("tabulate", "study", "run")
COLUMNS = ["what", "where", "workers", "minutes", "seconds", "processor", "load"]
TABULATE = ("tabulate", "--proxy", "synflow,naswot,grad_norm,zico", "--resolution", "16")
TABULATE += ("--images", "gaussian", "--repeats", "1")
CELLS, SEEDS = 540, 2000  # About a minute of one processor that has nothing else to do.
REPORTS = {
    0: "monas_table2",
    0.5: "correlations,proxy_truths,proxy_feasible,robustness,monas_ntk,proxy_agreement,"
    "proxy_heatmap,device_fronts,munas_macs_latency,flops_latency,strategies",
}
START, FIRST, FURTHER, SENT = "cluster's start", "first result", "one more job", "one more MB"
MB = "MB sent"
EMPTY = {"processes": 2000, "dask": 500, "slurm-local": 4}  # jobs
MEGABYTES = 50
PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    """Measure what is asked for and not yet there, and print the tables."""
    options = argparse.ArgumentParser()
    options.add_argument("--minutes", type=float, default=5.0)
    options.add_argument("--of", default=",".join(COMMANDS))
    options.add_argument("--where", default=",".join(PLACES))
    options.add_argument("--workers", default="1,2,4")
    options.add_argument("--runs", type=int, default=1)
    options.add_argument("--print", action="store_true")
    given = options.parse_args()
    # Processes whose parents have ended are then waited for here, and so counted.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    numbers = [int(number) for number in given.workers.split(",")]
    asked = product(range(given.runs), given.of.split(","), given.where.split(","), numbers)
    for run, what, where, workers in [] if given.print else asked:
        minutes = given.minutes if what in COMMANDS else 0.0
        first = {"alone": FIRST, "bytes": f"{MB} to a worker, study"}.get(what, what)
        key = {"what": first, "where": where, "workers": workers}
        kept = log()
        same = (kept[[*key, "minutes"]] == [*key.values(), minutes]).all(axis="columns")
        if same.sum() <= run:
            rows = pd.DataFrame(measured(what, where, workers, minutes), columns=COLUMNS)
            write_text(LOG, csv_text(pd.concat([kept, rows]) if len(kept) else rows))
            print(rows.to_string(header=False, index=False), file=sys.stderr, flush=True)
    print(text(log()))


def log() -> pd.DataFrame:
    """Return what was measured so far."""
    return pd.read_csv(LOG) if LOG.exists() else pd.DataFrame(columns=COLUMNS)


def measured(what: str, where: str, workers: int, minutes: float) -> list[list[object]]:
    """Return the rows of one run."""
    load, before = round(os.getloadavg()[0], 1), spent()
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        with place(where, workers, folder) as cluster:
            found = {START: time.perf_counter() - start} if where == "dask" else {}
            if what == "bytes":
                found = sizes()
            elif what == "alone":
                found |= alone(where, workers, cluster, folder)
            else:
                number = "--jobs" if what == "tabulate" else "--workers"
                command = [*job(what, minutes), "--out", "out", number, str(workers)]
                command += ["--cluster", cluster] if cluster else []
                start = time.perf_counter()
                benchsuite = [sys.executable, "-m", "benchsuite"]
                subprocess.run(
                    [*benchsuite, *command], check=True, cwd=folder, stdout=subprocess.DEVNULL
                )
                found[what] = time.perf_counter() - start
        wait_for_all()
    return [
        [
            name,
            where,
            workers,
            0.0 if name == START else minutes,
            round(seconds, 5),
            processor,
            load,
        ]
        for name, seconds in found.items()
        for processor in [round(spent() - before, 1) if name == what else float("nan")]
    ]


def job(what: str, minutes: float) -> list[str]:
    """Return the arguments of about so many minutes of one processor; 0 is the least there is."""
    if what == "tabulate":
        return [*TABULATE, "--cells", str(max(1, round(CELLS * minutes)))]
    if what == "study":
        return [what, "baselines", "--seeds", str(max(1, round(SEEDS * minutes)))]
    return [what, "--only", REPORTS[max(least for least in REPORTS if least <= minutes)]]


def alone(where: str, workers: int, cluster: str | None, folder: str) -> dict[str, float]:
    """Return seconds of empty jobs: to the first result, per further job, per megabyte with it."""
    os.chdir(folder)  # Slurm's files go there.
    try:
        first, further = taken(EMPTY[where], None, workers, cluster)
        with_bytes, _ = taken(1, os.urandom(MEGABYTES * 10**6), workers, cluster)
    finally:
        os.chdir("/")
    return {FIRST: first, FURTHER: further, SENT: max(0.0, with_bytes - first) / MEGABYTES}


def taken(jobs: int, shared: object, workers: int, cluster: str | None) -> tuple[float, float]:
    """Return the seconds to the first result of empty jobs, and those of each further one."""
    start = time.perf_counter()
    running = map_jobs(
        is_not, range(jobs), shared, workers=workers, mode="processes", cluster=cluster
    )
    next(running)
    first = time.perf_counter()
    for _ in running:
        pass
    return first - start, (time.perf_counter() - first) / max(1, jobs - 1)


@contextmanager
def place(where: str, workers: int, folder: str) -> Iterator[str | None]:
    """Yield what `--cluster` takes; a Dask cluster is started on this machine, and ended."""
    if where != "dask":
        yield None if where == "processes" else where
        return
    from distributed import Client

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{one.getsockname()[1]}"
    local = ["--host", "127.0.0.1", "--no-dashboard"]
    of_worker = ["worker", f"tcp://{address}", "--nthreads", "1", "--no-nanny", *local]
    commands = [["scheduler", *local, "--port", address.partition(":")[2]], *[of_worker] * workers]
    started = [
        subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{command[0]}", *command[1:]],
            cwd=folder,
            stderr=subprocess.DEVNULL,
        )
        for command in commands
    ]
    try:
        with Client(f"tcp://{address}", timeout=120, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=120)
        yield f"dask://{address}"
    finally:
        for process in reversed(started):  # A worker of Dask's hangs if the scheduler goes first.
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for_all() -> None:
    """Wait for the processes that are left, as those of Slurm's local executor are."""
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def spent() -> float:
    """Return the processor seconds of all processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def sizes() -> dict[str, float]:
    """Return the megabytes that are sent: to each worker once, and with each job there and back."""
    from benchsuite.api import Skeleton
    from benchsuite.face.tables import load
    from benchsuite.proxies._tabulation.spec import Spec
    from benchsuite.proxies._tabulation.tabulate import score_row
    from benchsuite.replays import jobs, study

    proxies = tuple(TABULATE[2].split(","))
    spec = Spec(proxies, Skeleton(resolution=16), images="gaussian")
    plan = study.plan(study.load(study.find("baselines")), load())
    with tempfile.TemporaryDirectory() as folder:
        shared = jobs.Shared(plan.problems, folder=Path(folder))
        answers = jobs.stored_answers(shared, plan.jobs[0][0])
    held = {"tabulate": spec, "study": shared}
    there = {"tabulate": (6111, 0), "study": plan.jobs[0][0]}
    back = {"tabulate": score_row(spec, 6111, 0), "study": answers}
    sent = {"to a worker": held, "with a job": there, "with a result": back}
    return {
        f"{MB} {way}, {what}": len(pickle.dumps(value)) / 1e6
        for way, of in sent.items()
        for what, value in of.items()
    }


def text(kept: pd.DataFrame) -> str:
    """Return the two tables: of the commands, and of the overheads."""
    of = {"seconds": "min", "processor": "min", "load": "min"}
    least = kept.groupby(COLUMNS[:4], sort=False).agg(of)
    least["runs"] = kept.groupby(COLUMNS[:4]).size()
    rows = []
    overheads: dict[tuple[str, str], dict[str, str]] = {}
    for (what, where, workers, minutes), one in least.iterrows():
        if what in COMMANDS and minutes:
            base = least["seconds"].get((what, where, 1, minutes), float("nan"))
            fast = f"{base / one.seconds:.2f}"
            shown = [f"{minutes:g}", f"{one.seconds:.1f}", f"{one.processor:.1f}", fast]
            rows.append([what, where, str(workers), *shown, f"{one.load:.0f}", f"{one.runs:.0f}"])
        else:
            name, value = what, one.seconds
            if what in COMMANDS:  # With as good as nothing to do.
                name, value = f"{what}, processor s", one.processor
            overheads.setdefault((name, str(workers)), {})[where] = f"{value:.3g}"
    head = ["command", "where", "workers", "min", "seconds", "processor", "faster", "load"]
    scaled = pd.DataFrame(rows, columns=[*head, "runs"]).replace("nan", "-")
    alone = pd.DataFrame(
        [
            [*key, *(values.get(where, "-") for where in PLACES)]
            for key, values in overheads.items()
        ],
        columns=["what", "workers", *PLACES],
    )
    return "\n\n".join(
        _narrow(markdown_text(table, [False, name == "where", *[True] * (table.shape[1] - 2)]))
        for table, name in ((scaled, ""), (alone, "where"))
    )


def _narrow(table: str) -> str:
    """Return a Markdown table without the spaces that set it in columns."""
    return re.sub(r"-{3,}", "--", re.sub(r" {2,}", " ", table))


if __name__ == "__main__":
    main()
