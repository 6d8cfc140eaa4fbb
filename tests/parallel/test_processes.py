"""Worker processes: dead ones are sentences at once, and none outlives the work or the caller."""

from __future__ import annotations

import ast
import contextlib
import itertools
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from descendants import MARK, marked, of_this_process

from benchsuite.errors import UserError
from benchsuite.parallel import memory, worker
from benchsuite.parallel.lost import LostError
from benchsuite.parallel.pool import map_jobs
from benchsuite.parallel.processes import processes

ROOT = Path(__file__).parents[2]
SECONDS = 5  # from a worker's end to the sentence about it
LARGE = b"x" * 20_000_000  # more than any pipe holds


class Odd(Exception):
    """It cannot be unpickled."""

    def __init__(self, one, two):
        super().__init__(one + two)


def slow(_, job):
    time.sleep(job)
    return os.getpid()


def raising(_, job):
    raise Odd("not", " known")


def leaving(_, job):
    os._exit(job)


def exiting(_, job):
    sys.exit("enough")


def signalled(_, job):
    os.kill(os.getpid(), job)
    time.sleep(60)


def talking(_, job):
    print("{", job)
    return os.environ.get("OMP_NUM_THREADS"), os.environ.get("OF_ITS_OWN")


def reading(_, job):
    return sys.stdin.read(), os.read(0, job)


def imported(_, job):
    return job in sys.modules


def unreturnable(_, job):
    return lambda: job


def kill_first(after, number=signal.SIGKILL):
    """Kill the first worker that appears, some seconds after that."""

    def wait():
        while not (found := of_this_process()):
            time.sleep(0.001)
        time.sleep(after)
        with contextlib.suppress(ProcessLookupError):
            os.kill(found[0], number)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("after", "number"),
    [(0, signal.SIGKILL), (0.05, signal.SIGTERM), (0.1, signal.SIGKILL), (0.4, signal.SIGKILL)],
)
def test_a_worker_killed_at_once_is_a_sentence(after, number, capfd):
    thread, start = kill_first(after, number), time.monotonic()
    with pytest.raises(LostError, match=rf"killed \({number.name}"):
        list(map_jobs(slow, [0.2] * 40, LARGE, workers=2))
    assert time.monotonic() - start < SECONDS + after
    assert not of_this_process()
    thread.join()
    assert capfd.readouterr() == ("", "")


def test_an_interrupt_is_the_callers_to_answer():
    """Ctrl-C in a terminal reaches the workers too, also in their first tenth of a second."""
    threads = [kill_first(after, signal.SIGINT) for after in (0, 0.05, 0.2)]
    assert len(dict(map_jobs(slow, [0.1] * 8, workers=2))) == 8
    for thread in threads:
        thread.join()


@pytest.mark.parametrize(
    ("function", "job", "kind", "said"),
    [
        (leaving, 3, LostError, "ended by itself, with exit code 3"),
        (signalled, signal.SIGSEGV, LostError, "killed \\(SIGSEGV\\)"),
        (raising, 1, RuntimeError, "Odd: not known"),
        (exiting, 1, SystemExit, "enough"),
        (unreturnable, 1, AttributeError, "pickle"),
    ],
)
def test_what_a_job_does_is_told(function, job, kind, said, capfd):
    with pytest.raises(kind, match=said):
        list(map_jobs(function, [job], mode="processes"))
    assert not of_this_process()
    assert capfd.readouterr() == ("", "")


def test_a_job_that_reads_finds_nothing_and_takes_no_other_jobs_call():
    """A debugger, or a question, waited for good: both read from one pipe."""
    found = dict(map_jobs(reading, [1, 2, 3], mode="processes"))
    assert found == dict.fromkeys(range(3), ("", b""))


def test_what_workers_have_from_the_start(capfd):
    found = {"OF_ITS_OWN": "yes"}
    assert list(map_jobs(talking, [1], mode="processes", variables=found)) == [(0, ("1", "yes"))]
    assert capfd.readouterr() == ("", "{ 1\n")
    with processes(1, imports=["this"]) as pool:
        assert pool.submit(imported, None, "this").result()
    with processes(1, imports=["no_such_module"]) as pool, pytest.raises(ModuleNotFoundError):
        pool.submit(imported, None, "this").result()


def test_no_jobs_need_no_workers():
    assert list(map_jobs(slow, [], workers=8)) == []


def test_an_error_of_the_caller_ends_workers_that_are_busy():
    start = time.monotonic()

    def busy():
        with processes(2) as pool:
            for _ in "ab":
                pool.submit(slow, None, 60)
            time.sleep(0.3)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        busy()
    assert time.monotonic() - start < 3
    assert not of_this_process()


PROGRAM = """
import sys, time
sys.path[:0] = {path!r}
from benchsuite.parallel.pool import map_jobs
from test_processes import slow
print("begun", flush=True)
try:
    print(len(list(map_jobs(slow, [{seconds}] * 4, bytes(20_000_000), workers=2))))
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(130)
"""


def started(seconds, mark):
    program = PROGRAM.format(path=[os.path.dirname(__file__), *sys.path], seconds=seconds)
    return subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, MARK: mark},
    )


def test_a_script_needs_no_main_guard(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(PROGRAM.format(path=[os.path.dirname(__file__), *sys.path], seconds=0))
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "begun\n4\n"
    assert not done.stderr


@pytest.mark.parametrize(
    ("after", "number", "code", "said"),
    [
        (0.05, signal.SIGINT, 130, "interrupted\n"),
        (1, signal.SIGINT, 130, "interrupted\n"),
        (0.1, signal.SIGKILL, -9, ""),
        (1, signal.SIGTERM, -15, ""),
    ],
)
def test_workers_end_with_their_caller(number, code, said, after):
    mark = f"{os.getpid()}-{number}-{after}"
    with started(60, mark) as process:
        assert process.stdout.readline() == "begun\n"
        time.sleep(after)
        at = time.monotonic()
        process.send_signal(number)
        assert process.communicate(timeout=60)[0] == said
        assert process.returncode == code
        while marked(mark) and time.monotonic() - at < 60:
            time.sleep(0.01)
        assert time.monotonic() - at < 2


@pytest.mark.parametrize("folder", ["/proc/none", "/dev/null"])
def test_nowhere_to_keep_what_workers_need(folder, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", folder)
    with pytest.raises(UserError, match=f"cannot be kept in {folder}.*TMPDIR"):
        list(map_jobs(slow, [0], workers=2, mode="processes"))


def test_a_process_that_cannot_start_is_a_sentence(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(UserError, match="Worker process 1 of 1 cannot be started: No such file"):
        list(map_jobs(slow, [0], mode="processes"))


def test_more_workers_than_memory_holds_are_refused_unless_forced(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 1e9)
    with pytest.raises(UserError, match=r"64 workers need about .* take 2, or set .*FORCE"):
        list(map_jobs(slow, [0] * 64, workers=64, each=4e8))
    with pytest.raises(UserError, match="take 1"):
        list(map_jobs(slow, [0] * 2, LARGE, workers=2, each=9e8))
    memory.check(1, 1e12)
    monkeypatch.setenv(memory.FORCE, "1")
    assert len(list(map_jobs(slow, [0] * 3, workers=3, each=4e8))) == 3


V2 = {"memory.max": "1000", "memory.current": "900", "memory.stat": "anon 5\ninactive_file 300\n"}
V1 = {
    "memory.limit_in_bytes": "5000",
    "memory.usage_in_bytes": "4000",
    "memory.stat": "total_inactive_file 500\n",
}


@pytest.mark.parametrize(
    ("line", "at", "content", "free"),
    [
        ("0::/a/b", "a/b", V2, 400),
        ("0::/a/b", "a", V2, 400),
        ("0::/", "", V2, 400),
        ("0::/gone", "", V2, 400),
        ("0::/a", "a", {**V2, "memory.max": "max"}, None),
        ("4:cpu,memory:/x", "memory/x", V1, 1500),
        ("4:cpu:/x", "memory/x", V1, None),
    ],
)
def test_limits_of_control_groups_count(line, at, content, free, tmp_path, monkeypatch):
    (tmp_path / "own").write_text(f"{line}\n")
    (tmp_path / "fs" / at).mkdir(parents=True)
    for name, text in content.items():
        (tmp_path / "fs" / at / name).write_text(text)
    whole = memory.psutil.virtual_memory().available
    monkeypatch.setattr(memory, "_OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(memory, "_GROUPS", tmp_path / "fs")
    found = memory.available()
    assert found == free if free is not None else found > whole / 2


def test_messages_are_whole_or_the_end():
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as stream:
        with os.fdopen(write_end, "wb") as sink:
            worker.write(sink, b"one")
            sink.write(worker.HEAD.pack(9) + b"cut")
        assert worker.read(stream) == b"one"
        assert worker.read(stream) is None


def test_a_sentence_brings_no_traceback_along():
    brought = pickle.loads(worker._failure(UserError("No.")))[1]
    assert not getattr(brought, "__notes__", [])
    fault = pickle.loads(worker._failure(ValueError("fault")))[1]
    assert "ValueError: fault" in fault.__notes__[0]
    assert json.dumps(fault.args) == '["fault"]'


def test_no_shared_memory_is_needed():
    """Where `/dev/shm` is read-only, no semaphore can be made."""
    program = PROGRAM.format(path=[os.path.dirname(__file__), *sys.path], seconds=0)
    mounted = 'mount -t tmpfs -o ro tmpfs /dev/shm || exit 9; exec "$0" -c "$1"'
    order = ["unshare", "--mount", "sh", "-c", mounted, sys.executable, program]
    try:
        done = subprocess.run(order, capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError:
        pytest.skip("unshare is not there")
    if done.returncode in (1, 9):
        pytest.skip(f"nothing can be mounted here: {done.stderr}")
    assert (done.stdout, done.stderr) == ("begun\n4\n", "")


def test_there_is_one_way_of_starting_workers():
    found = set()
    for path in itertools.chain.from_iterable(
        (ROOT / room).rglob("*.py") for room in ("benchsuite", "proxies", "devices", "reports")
    ):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            names = [one.name for one in node.names]
            modules = [getattr(node, "module", None) or "", *names]
            if any(m.partition(".")[0] == "multiprocessing" for m in modules) or (
                "ProcessPoolExecutor" in names
            ):
                found.add(path)
    assert not found
