"""Jobs that need other jobs' results: order, results, errors, and processes started afresh."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchsuite.errors import UserError
from benchsuite.parallel import schedule

HELD = "what only the caller holds"
DIAMOND = {"d": ("b", "c"), "b": ("a",), "c": ("a",), "a": ()}


def longer(word: str, name: str, needed: dict[str, str]) -> str:
    return word + name + "".join(needed[need] for need in sorted(needed))


def environment(name: str, _: dict[str, object]) -> tuple[str | None, bool]:
    return os.environ.get("OMP_NUM_THREADS"), hasattr(schedule, "held")


def fails(name: str, _: dict[str, object]) -> None:
    raise UserError(f"{name} cannot be done.")


def dies(name: str, _: dict[str, object]) -> None:
    os._exit(1)


@pytest.mark.parametrize("number", [1, 2])
def test_jobs_get_the_results_they_need(number):
    with schedule.workers(number) as pool:
        found = dict(schedule.run(pool, number, longer, DIAMOND, "-"))
    assert found == {"a": "-a", "b": "-b-a", "c": "-c-a", "d": "-d-b-a-c-a"}


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_a_job_starts_after_what_it_needs_and_else_in_the_order_given(data):
    names = data.draw(st.permutations("abcdefg"))
    order = sorted(names)  # A job needs earlier letters alone, so there is no cycle.
    needs = {
        name: tuple(data.draw(st.sets(st.sampled_from(order[:at])))) if at else ()
        for at, name in enumerate(order)
    }
    jobs = {name: needs[name] for name in names}
    started: list[str] = []

    def note(name: str, needed: dict[str, None]) -> None:
        assert set(needed) == set(jobs[name])
        started.append(name)

    with schedule.workers(1) as pool:
        ended = [name for name, _ in schedule.run(pool, 1, note, jobs)]
    assert started == ended
    expected: list[str] = []
    while len(expected) < len(names):
        expected.append(
            next(n for n in names if n not in expected and set(jobs[n]) <= set(expected))
        )
    assert started == expected


def test_processes_have_one_thread_and_nothing_of_the_caller(monkeypatch):
    monkeypatch.setattr(schedule, "held", HELD, raising=False)
    with schedule.workers(2) as pool:
        found = dict(schedule.run(pool, 2, environment, {"a": (), "b": ()}))
    assert set(found.values()) == {("1", False)}


def test_processes_have_the_imports_from_the_start():
    program = (
        "import sys\nfrom benchsuite.parallel import schedule\n"
        "with schedule.workers(2, ['this']) as pool:\n"
        '    print(pool.submit(eval, \'"this" in __import__("sys").modules\').result())\n'
    )
    for imports, found in (("['this']", "True"), ("[]", "False")):
        done = subprocess.run(
            [sys.executable, "-c", program.replace("['this']", imports)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},  # what processes print stays in order
        )
        assert done.stdout.endswith(f"{found}\n")


@pytest.mark.parametrize("number", [1, 2])
def test_an_error_of_a_job_ends_the_run(number):
    with (
        pytest.raises(UserError, match="a cannot be done"),
        schedule.workers(number) as pool,
    ):
        dict(schedule.run(pool, number, fails, {"a": (), "b": ("a",)}))


def test_a_worker_that_ends_is_a_sentence():
    with (
        pytest.raises(UserError, match="ended by itself, with exit code 1"),
        schedule.workers(2) as pool,
    ):
        dict(schedule.run(pool, 2, dies, {"a": ()}))


OF_SCHEDULE = "from benchsuite.parallel import schedule\nwith schedule.workers(2) as pool:\n"
OF_POOL = "from benchsuite.parallel import pool\n"


@pytest.mark.parametrize(
    "program",
    [
        OF_SCHEDULE + "    list(pool.map(print, 'ab')); time.sleep(600)",
        OF_POOL + "for _ in pool.map_jobs(print, 'abc', workers=2): time.sleep(600)",
    ],
    ids=["schedule", "pool"],
)
def test_workers_end_with_a_caller_that_is_killed(program):
    """They hold the pipe of the caller's errors, which ends when the last of them has ended."""
    caller = subprocess.Popen(
        [sys.executable, "-u", "-c", f"import time\n{program}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,  # where workers print
    )
    assert caller.stdout.readline()
    caller.kill()
    caller.communicate(timeout=60)


@pytest.mark.parametrize("jobs", [{"a": ("b",), "b": ("a",)}, {"a": ("nowhere",)}])
def test_jobs_that_never_can_start_are_an_error(jobs):
    with schedule.workers(1) as pool, pytest.raises(ValueError, match="never end"):
        dict(schedule.run(pool, 1, longer, jobs, ""))
