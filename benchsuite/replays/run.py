"""One run of a strategy from a seed."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import numpy as np

from benchsuite.api import Strategy
from benchsuite.calling import failure, file_of, misuse
from benchsuite.errors import UserError, shown
from benchsuite.parameters import LAST_SEED, check_whole
from benchsuite.simulation.problem import Problem
from benchsuite.simulation.search import Budget, ExhaustedError, Run, Search
from benchsuite.surroundings import surroundings


def replay(strategy: Strategy, problem: Problem, budget: Budget, parameters: Any, seed: int) -> Run:
    """Run a strategy once; the same seed gives the same run, wall times apart.

    Raises PluginError, with file and line, for what the strategy raises, and for one that returns
    something, as cells or a generator, which would be no answer.
    """
    if not isinstance(parameters, strategy.parameters):
        raise UserError(
            f"Parameters of {strategy.parameters.__name__} are needed, "
            f"not {type(parameters).__name__}."
        )
    check_whole(seed, "A seed", low=0, high=LAST_SEED)
    search = Search(problem, budget, charged=strategy.charged)
    start = time.perf_counter()
    rng = np.random.default_rng(seed)
    returned: object = None
    try:
        with surroundings("search", seed), contextlib.suppress(ExhaustedError):
            returned = strategy.run(search, rng, parameters)  # type: ignore[func-returns-value]
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        what = f"The strategy failed with seed {seed}"
        raise failure(what, error, file_of(strategy.run)) from error
    if returned is not None:
        what = (
            f"The strategy returned {shown(returned)}; cells are answered by search.answer(cells)"
        )
        raise misuse(what, strategy.run)
    return search.finish(seed, start)
