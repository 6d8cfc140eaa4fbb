"""Asking an evolutionary algorithm of pymoo for cells and telling it what they are worth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchsuite.packages import optional_module
from benchsuite.search._objectives import LEVELS, NAMES, Objectives, cell_of


def optimise(
    objectives: Objectives, seed: int, algorithm: Callable[..., Any], **options: Any
) -> None:
    """Train every generation until the budget is spent, or no new cell can be bred.

    algorithm: a class of pymoo, made with the options. Operators are categories: uniform crossover,
    and mutation to a random one; bounds are its constraints.
    """
    problem = optional_module("pymoo.core.problem").Problem(
        n_var=len(NAMES),
        n_obj=len(objectives),
        n_ieq_constr=objectives.costs.shape[1],
        xl=0,
        xu=len(LEVELS) - 1,
        vtype=int,
    )
    choice = optional_module("pymoo.core.variable").Choice
    problem.vars = {name: choice(options=list(LEVELS)) for name in NAMES}
    chosen = algorithm(
        sampling=optional_module("pymoo.operators.sampling.rnd").IntegerRandomSampling(),
        crossover=optional_module("pymoo.operators.crossover.ux").UX(),
        mutation=optional_module("pymoo.operators.mutation.rm").ChoiceRandomMutation(),
        eliminate_duplicates=True,
        **options,
    )
    chosen.setup(problem, termination=("n_gen", np.inf), seed=seed, verbose=False)
    while chosen.has_next():
        asked = chosen.ask()
        if asked is None or not len(asked):
            return
        cells = [cell_of(ops) for ops in asked.get("X")]
        asked.set("F", np.array([objectives.all(cell) for cell in cells]))
        asked.set("G", objectives.costs[cells] - 1)
        for one in asked:
            one.evaluated.update(("F", "G"))
        chosen.tell(infills=asked)
