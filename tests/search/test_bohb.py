"""BOHB against HpBandSter's rules, written out as plain loops."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchsuite import plugins
from benchsuite.replays.run import replay
from benchsuite.search import bohb
from benchsuite.search._hyperband import brackets
from benchsuite.simulation.problem import prepare
from benchsuite.simulation.search import Budget
from benchsuite.simulation.setting import Setting

CELL = st.lists(st.integers(0, 4), min_size=6, max_size=6)
CELLS = st.lists(CELL, min_size=7, max_size=12)
DENSITY = st.sampled_from([0.0, 1e-40, 1e-5, 0.2, 0.3, -0.1, math.inf, math.nan])


def plain_density(at, cells, width):
    """statsmodels' `KDEMultivariate.pdf` of unordered data; its values were compared with these."""
    total = 0.0
    for cell in cells:
        product = 1.0
        for edge in range(6):
            levels = len({other[edge] for other in cells})
            if cell[edge] == at[edge]:
                product *= 1 - width[edge]
            else:
                product *= width[edge] / (levels - 1) if levels > 1 else math.inf
        total += product
    return total / len(cells)


@given(CELLS, CELL)
@settings(max_examples=200, deadline=None)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_density_is_that_of_the_library_that_hpbandster_uses(cells, at):
    ops = np.array(cells)
    width = bohb._bandwidths(ops, 0.3)
    sigma = [float(np.std([cell[edge] for cell in cells])) for edge in range(6)]
    assert width == pytest.approx([max(0.3, 1.06 * s * len(cells) ** -0.1) for s in sigma])
    found = bohb._density(np.array([at]), ops, width)[0]
    assert found == pytest.approx(plain_density(at, cells, width), nan_ok=True)


def plain_pick(good, bad):
    """The loop of HpBandSter's `get_config`; Python's `max` keeps its first argument beside NaN."""
    best, at = math.inf, None
    for i, (of_good, of_bad) in enumerate(zip(good, bad, strict=True)):
        value = float(np.float64(max(1e-32, of_bad)) / np.float64(max(of_good, 1e-32)))
        if not math.isfinite(value) and math.isfinite(of_good):
            return i
        if value < best:
            best, at = value, i
    return at


@given(st.lists(st.tuples(DENSITY, DENSITY), min_size=1, max_size=6))
@settings(max_examples=500, deadline=None)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_candidate_is_the_one_that_hpbandster_trains(densities):
    good, bad = np.array(densities).T
    assert bohb._picked(good, bad) == plain_pick(good, bad)


@pytest.fixture(scope="module")
def problem(table):
    return prepare(table, Setting(epochs=12))


def searched(problem, queries, seed, **parameters):
    strategy = plugins.load("strategies", "bohb")
    given_ = strategy.parameters(**parameters)
    return replay(strategy, problem, Budget(queries=queries), given_, seed)


def rungs(queries):
    """Yield, of each query, whether it trains at the largest budget."""
    made = 0
    for bracket in brackets(12, 200, 3):
        for level, size in enumerate(bracket):
            for _ in range(size):
                if made == queries:
                    return
                made += 1
                yield level == len(bracket) - 1


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("queries", [5, 14, 40, 66])
def test_the_answer_is_the_best_of_the_largest_budget(problem, queries, seed):
    run = searched(problem, queries, seed)
    cells, values = run.trace.cell, run.trace.value
    largest = np.fromiter(rungs(queries), bool)
    kept = largest if largest.any() else np.ones(queries, bool)
    best = np.flatnonzero(kept)[values[kept].argmax()]
    assert values[list(cells).index(run.answer[0])] == values[best]
    assert run.answer[0] in cells[kept]


def test_the_model_begins_with_fourteen_cells_of_a_budget(problem, monkeypatch):
    sizes = []
    density = bohb._density

    def counted(at, ops, width):
        sizes.append(len(ops))
        return density(at, ops, width)

    monkeypatch.setattr(bohb, "_density", counted)
    searched(problem, 60, 0)
    assert sizes[:2] == [7, 7]
    assert min(sizes) == 7


@pytest.mark.parametrize("seed", range(3))
def test_the_trace_says_what_it_would_answer_when_stopped(problem, seed):
    """The best of the largest budget, which is not the best cell trained."""
    whole = searched(problem, 66, seed).trace
    for queries in range(1, 67):
        stopped = searched(problem, queries, seed)
        assert whole.best[queries - 1] == stopped.answer[0] == stopped.trace.best[-1]
        seen = np.flatnonzero(whole.cell[:queries] == stopped.answer[0])
        assert whole.best_value[queries - 1] == whole.value[seen[-1]]
