"""Workers are as many as this process has cores, not as the machine has."""

import os

import pytest

from benchsuite.parallel.cores import cores
from benchsuite.reporting.pipeline import most_workers


@pytest.fixture
def one_core():
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system binds no process to cores")
    before = os.sched_getaffinity(0)
    if len(before) < 2:
        pytest.skip("there is one core alone")
    os.sched_setaffinity(0, {min(before)})
    yield
    os.sched_setaffinity(0, before)


def test_a_process_bound_to_one_core_starts_one_worker(one_core):
    assert cores() == most_workers() == 1
