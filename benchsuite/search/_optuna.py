"""Asking an optuna sampler for cells and telling it what they are worth."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchsuite.packages import optional_module
from benchsuite.search._objectives import LEVELS, NAMES, Objectives, cell_of


def optimise(objectives: Objectives, sampler: str, multi: bool, **options: Any) -> None:
    """Train what a sampler of optuna suggests until the budget is spent.

    sampler: its class in `optuna.samplers`, made with the options; multi: minimise all objectives,
    not the error alone. Operators are categories, bounds are its constraints.
    """
    optuna = optional_module("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def broken(trial: Any) -> Sequence[float]:
        return tuple(trial.user_attrs["broken"])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It calls constraints and some options experimental.
        if objectives.costs.shape[1]:
            options["constraints_func"] = broken
        study = optuna.create_study(
            sampler=getattr(optuna.samplers, sampler)(**options),
            directions=["minimize"] * (len(objectives) if multi else 1),
        )
        while True:
            trial = study.ask()
            ops = [trial.suggest_categorical(name, LEVELS) for name in NAMES]
            cell = cell_of(np.array(ops))
            trial.set_user_attr("broken", objectives.broken(cell))
            study.tell(trial, objectives.all(cell) if multi else objectives.error(cell))
