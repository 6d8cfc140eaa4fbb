"""Speeds of two runs: measured in turns, judged by their quotient and by how the times scatter."""

import math

import pandas as pd
import pytest

from benchsuite.regression.check import exit_code
from benchsuite.regression.compare_speeds import compare_speeds
from benchsuite.regression.timing import BLOCKS, ROUNDS, Ratio, ratio, taken
from benchsuite.regression.tolerances import Tolerances


def speeds(value, low=None, high=None, **more):
    found = Ratio(value, low or value * 0.97, high or value * 1.03, 11, 1.0)
    return pd.DataFrame([{**found.row("proxy it", "a reference"), **more}])


def judged(before, after, **tolerances):
    (check,) = compare_speeds(before, after, Tolerances(**tolerances))
    return check


@pytest.mark.parametrize(
    ("quotient", "verdict"),
    [(1.0, "within"), (1.24, "within"), (1.3, "regression"), (1.6, "regression"), (0.5, "changed")],
)
def test_a_quotient_beyond_the_limit_is_a_regression(quotient, verdict):
    found = judged(speeds(2.0), speeds(2.0 * quotient))
    assert found.verdict == verdict
    assert f"{quotient:.2f} times as long as before (limit 1.25)" in found.message
    assert "took 2 [1.94, 2.06]" in found.message


def test_intervals_that_meet_hide_no_slowdown_that_their_widths_bear_out():
    """Where the intervals met, 1.6 times as slow passed against a baseline saved under load."""
    before, after = speeds(1.0, 0.9, 1.4), speeds(1.6, 1.35, 1.7)
    assert math.log(1.6) > math.hypot(math.log(1.4), math.log(1.6 / 1.35))
    assert judged(before, after).verdict == "regression"
    scattered = judged(before, speeds(1.6, 1.0, 2.0))
    assert scattered.verdict == "untold"
    assert exit_code([scattered]) == 2


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_what_is_no_ratio_is_not_judged(value):
    for before, after in ((value, 1.0), (1.0, value)):
        assert judged(speeds(before), speeds(after)).verdict == "untold"
    assert judged(speeds(1.0, low=1.5, high=1.6), speeds(1.0)).verdict == "untold"


def test_what_is_not_timed_any_more_or_by_another_reference_is_not_judged():
    assert judged(speeds(1.0), speeds(1.0, what="another")).verdict == "untold"
    assert judged(speeds(1.0), speeds(9.0, reference="another")).verdict == "untold"


def test_the_limit_is_a_tolerance():
    rules = {"speeds": {"proxy *": {"slower": 2.0}}}
    assert judged(speeds(1.0), speeds(1.9), rules=rules).verdict == "within"
    assert judged(speeds(1.0), speeds(2.1), rules=rules).verdict == "regression"


def clock(*each):
    """A timed thing that takes these times, round by round, after one that warms up."""
    times = iter([99.0, *each])
    return lambda: next(times)


def test_a_ratio_is_the_median_over_turns_that_alternate():
    steps = []
    run, reference = clock(*range(1, 12)), clock(*[2.0] * 11)
    found = ratio(
        lambda: steps.append("run") or run(), lambda: steps.append("ref") or reference(), rounds=11
    )
    assert found == Ratio(3.0, 1.0, 5.0, 11, 6.0)
    assert steps == ["run", "ref"] * 12


def blocks(*values):
    """Times of as many measurements, each of one value."""
    times = [t for value in values for t in (99.0, *[value] * ROUNDS)]
    return lambda: times.pop(0)


def test_a_comparison_is_repeated_while_it_looks_slow_and_takes_the_smallest():
    one = lambda: 1.0  # noqa: E731
    assert taken(blocks(1.2), one, good=1.25).value == 1.2
    assert taken(blocks(3.0, 2.0, 2.5), one, good=1.25).value == 2.0
    assert taken(blocks(3.0, 1.1), one, good=1.25).value == 1.1
    assert BLOCKS == 3


def test_a_baseline_takes_the_median_of_as_many_rounds():
    half = [1.0] * ROUNDS + [2.0] * ROUNDS + [3.0] * ROUNDS
    found = taken(clock(*half), lambda: 1.0)
    assert (found.value, found.rounds) == (2.0, BLOCKS * ROUNDS)
