"""Replay of search strategies: the one door to the data, the budget, and a run from a seed.

`Search` is what a strategy gets instead of the table. Every look is logged and charged in simulated
seconds; the strategy's own wall time is kept apart.

What it guards against: mistakes. A strategy that looks where it should not by accident, by a wrong
column name or by walking through attributes, closures and referrers of what it was given, meets no
test accuracy, because a `Problem` holds none; worker processes of `pool` are started afresh and are
sent problems only, so there the whole address space holds none. It does not guard against code that
sets out to cheat: that can open the data files itself, read `Search`'s private attributes
(validation accuracies, uncharged) or, when run in the caller's own process, find the caller's
table. The contract tests check that no strategy of this project imports or touches any of these.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite import shrunken
from benchsuite._multilinear import conditional_expectation, expectation, expectations, tensor
from benchsuite.api import Strategy
from benchsuite.cell import N_CELLS
from benchsuite.errors import UserError
from benchsuite.problem import Problem
from benchsuite.shrunken import Claim
from benchsuite.ties import TOLERANCE
from benchsuite.trace import CHARGES, Trace, best_so_far

Array = NDArray[np.float64]

_TRAINING, _MEASURED, _STATED, _NONE = range(len(CHARGES))


class ExhaustedError(Exception):
    """The next look would exceed the budget; it was not made. Strategies need not catch it."""


@dataclass(frozen=True)
class Budget:
    """What a search may spend: simulated seconds, queries, or both."""

    seconds: float | None = None
    queries: int | None = None

    def __post_init__(self) -> None:
        if self.seconds is None and self.queries is None:
            raise UserError("A budget is needed: simulated seconds, a number of queries, or both.")
        for name, value in (("seconds", self.seconds), ("queries", self.queries)):
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise UserError(f"A budget of {value} {name} buys nothing: more than 0 are needed.")


@dataclass(frozen=True, eq=False)
class Run:
    """One search: its answer, what it looked at, and what it took.

    answer: the cells, the pick first, empty where none was found; feasible: whether the pick keeps
    the bounds; details: of a compressed pick, and what its accuracy assumes; optimiser_seconds:
    wall time [T] at each look since the start, the door's included; total_optimiser_seconds: until
    the strategy returned.
    """

    seed: int
    answer: tuple[int, ...]
    feasible: bool
    reason: str
    queries: int
    simulated_seconds: float
    trace: Trace
    optimiser_seconds: Array
    total_optimiser_seconds: float
    details: Mapping[str, Any] = field(default_factory=dict)


class Search:
    """The only door of a strategy to the data; see the module's text for what it guards against."""

    def __init__(self, problem: Problem, budget: Budget, *, charged: bool = True) -> None:
        self.dataset = problem.dataset
        self.epochs = problem.epochs
        self.fidelities = tuple(sorted(problem.accuracy))
        self.bounds = dict(problem.bounds)
        self.skeleton = problem.skeleton
        self._problem = problem
        self._charged = charged
        # A budget that costs add up to is enough, whatever the sum's last digits.
        free = budget.seconds is None or not charged
        self._limit = math.inf if free else (budget.seconds or 0) * (1 + TOLERANCE)
        self._queries_left = math.inf if budget.queries is None or not charged else budget.queries
        self._clock = 0.0
        self._queries = 0
        self._answer: tuple[int, ...] | None = None
        self._compressed: Claim | None = None
        self._paid: dict[str, NDArray[np.bool_]] = {}
        self._tensors: dict[tuple[str, bool], tuple[Array, Array | None]] = {}
        self._names: dict[str, int] = {}
        self._log: list[tuple[int, int, int, float, float, int, float]] = []
        self._plain = self._fidelity(problem.epochs)

    def query(self, cells: Sequence[int] | NDArray[np.integer], epochs: int | None = None) -> Array:
        """Train cells and return their validation accuracies in %, [N].

        epochs: one of `fidelities`; None for the search's own. Each query costs its training
        seconds, also a second one of the same cell. Raises ExhaustedError at the first cell the
        budget does not allow; those before it are logged.
        """
        return np.array([self.query_one(int(cell), epochs) for cell in cells], dtype=np.float64)

    def query_one(self, cell: int, epochs: int | None = None) -> float:
        """Train one cell and return its validation accuracy in %; see `query`."""
        if epochs is None or epochs == self.epochs:
            accuracy, seconds, name, epochs = self._plain
        else:
            accuracy, seconds, name, epochs = self._fidelity(epochs)
        if not 0 <= cell < N_CELLS:
            raise UserError(f"There is no cell {cell}: indices run from 0 to {N_CELLS - 1}.")
        cost = seconds.item(cell) if self._charged else 0.0
        if self._clock + cost > self._limit or self._queries >= self._queries_left:
            raise ExhaustedError
        self._clock += cost
        self._queries += 1
        value: float = accuracy.item(cell)
        self._log.append((cell, name, epochs, value, cost, _TRAINING, time.perf_counter()))
        return value

    def column(self, name: str, cells: Sequence[int] | NDArray[np.integer] | None = None) -> Array:
        """Return a cheap column for some cells [N], or for all [15625]; NaN where missing.

        Its measured cost per cell is charged once per cell; a column without one costs nothing.
        Raises ExhaustedError where the budget does not allow it, UserError for a column that a
        search cannot see.
        """
        full = self._problem.resolve(name)
        values = self._problem.column(full)
        at = np.arange(N_CELLS) if cells is None else np.asarray(cells, dtype=np.int64)
        if len(at) and not (at.min() >= 0 and at.max() < N_CELLS):
            raise UserError(f"Cells run from 0 to {N_CELLS - 1}; {at.min()} ... {at.max()} given.")
        costs = self._costs_due(full, at)
        if self._clock + costs.sum() > self._limit:
            raise ExhaustedError
        self._paid.setdefault(full, np.zeros(N_CELLS, dtype=bool))[at] = True
        charge = _MEASURED if full in self._problem.column_seconds else _NONE
        if cells is None:
            self._note(-1, full, math.nan, float(costs.sum()), charge)
        else:
            for cell, value, cost in zip(at.tolist(), values[at].tolist(), costs, strict=True):
                self._note(cell, full, value, float(cost), charge)
        return np.array(values[at])

    def expectation(
        self, name: str, probs: Array, *, seconds: float, log10: bool = False
    ) -> tuple[float, Array]:
        """Return the expected value of a column over independent choices, and its gradient [6, 5].

        name: a cheap column, or `accuracy` for the validation accuracy a query returns. probs:
        [6, 5], an edge each. seconds: what the paper states such a step costs; charged and marked
        as stated, not measured. log10: of the column's logarithm. Missing values, and those without
        a logarithm, are left out (conditional expectation). This stands for a trained supernet, so
        it is free of the error of weight sharing. Raises ExhaustedError.
        """
        probs = np.asarray(probs, dtype=np.float64)
        if probs.shape != (6, 5):
            raise UserError(
                f"Probabilities are [6, 5], an edge and an operator; not {probs.shape}."
            )
        full, cost = self._expected(name, seconds)
        values, present = self._tensor(full, log10)
        if present is None:
            value, gradient = expectation(values, probs)
        else:
            value, gradient = conditional_expectation(values, present, probs)
        self._note(-1, f"E[{'log10 ' * log10}{full}]", value, cost, _STATED)
        return value, gradient

    def stated(self, name: str, value: float, *, seconds: float) -> None:
        """Log what the strategy measured itself, on an untrained network and without the table.

        seconds: what the paper states such a measurement costs; charged and marked as stated.
        Raises ExhaustedError, before anything is logged.
        """
        if not (seconds >= 0 and math.isfinite(seconds)):
            raise UserError(f"A measurement cannot cost {seconds} seconds.")
        cost = seconds if self._charged else 0.0
        if self._clock + cost > self._limit:
            raise ExhaustedError
        self._note(-1, name, value, cost, _STATED)

    def expectations(self, name: str, probs: Array, *, seconds: float) -> tuple[Array, Array]:
        """Return `expectation` for many sets of choices [S, 6, 5] at once: [S] and [S, 6, 5].

        One look, whose logged value is the mean; seconds: of all of them together.
        """
        probs = np.asarray(probs, dtype=np.float64)
        if probs.ndim != 3 or probs.shape[1:] != (6, 5) or not len(probs):
            raise UserError(f"Sets of probabilities are [S, 6, 5]; not {probs.shape}.")
        full, cost = self._expected(name, seconds)
        values, present = self._tensor(full, False)
        value, gradient = expectations(values, probs)
        if present is not None:
            weight, by_weight = expectations(present, probs)
            value = np.divide(value, weight, out=np.full(len(probs), np.nan), where=weight > 0)
            gradient = (gradient - value[:, None, None] * by_weight) / weight[:, None, None]
        self._note(-1, f"E[{full}]", float(value.mean()), cost, _STATED)
        return value, gradient

    def feasible(self, cell: int) -> bool:
        """Return whether a cell keeps the bounds; that is arithmetic and costs nothing."""
        return bool(self._problem.feasible[cell])

    def feasible_cells(self) -> NDArray[np.int64]:
        """Return the official indices of all cells that keep the bounds."""
        return np.flatnonzero(self._problem.feasible)

    def direction(self, name: str) -> str:
        """Return which end of a cheap column is better: `max`, `min` or `none`."""
        return self._problem.directions[self._problem.resolve(name)]

    def full_name(self, name: str) -> str:
        """Return the full name of a cheap column; UserError for one that a search cannot see."""
        return self._problem.resolve(name)

    def shrunken(self, name: str, channels: int) -> Array:
        """Return a column of arithmetic [15625] on the skeleton with fewer channels; it is free."""
        return shrunken.column(self._problem.resolve(name), self.skeleton, channels)

    def answer(
        self, cells: Sequence[int] | NDArray[np.integer], claim: Claim | None = None
    ) -> None:
        """Give the result: one cell, or several with the pick first.

        claim: how the pick is compressed and what its accuracy assumes; its bounds are then those
        of the compressed network.
        """
        chosen = tuple(int(cell) for cell in cells)
        if not chosen or not all(0 <= cell < N_CELLS for cell in chosen):
            raise UserError(f"{chosen} is no answer: at least one cell from 0 to {N_CELLS - 1}.")
        self._answer, self._compressed = chosen, claim

    def _expected(self, name: str, seconds: float) -> tuple[str, float]:
        """Return the full name of what an expectation is of, and what the look is charged."""
        if not (seconds >= 0 and math.isfinite(seconds)):
            raise UserError(f"A step cannot cost {seconds} seconds.")
        full = name if name == "accuracy" else self._problem.resolve(name)
        cost = seconds if self._charged else 0.0
        if self._clock + cost > self._limit:
            raise ExhaustedError
        return full, cost

    def _fidelity(self, epochs: int) -> tuple[Array, Array, int, int]:
        if epochs not in self._problem.accuracy:
            raise UserError(
                f"The table has no validation accuracy after {epochs} epochs; it has "
                f"{', '.join(map(str, self.fidelities))}."
            )
        name = self._name(f"valid.{epochs}ep")
        return self._problem.validation(epochs), self._problem.seconds[epochs], name, epochs

    def _name(self, text: str) -> int:
        return self._names.setdefault(text, len(self._names))

    def _note(self, cell: int, name: str, value: float, cost: float, charge: int) -> None:
        self._clock += cost
        row = (cell, self._name(name), 0, value, cost, charge, time.perf_counter())
        self._log.append(row)

    def _costs_due(self, full: str, at: NDArray[np.int64]) -> Array:
        """Return what looking costs per cell: its price for the first look, nothing later."""
        if full not in self._problem.column_seconds or not self._charged:
            return np.zeros(len(at))
        first = np.zeros(len(at), dtype=bool)
        first[np.unique(at, return_index=True)[1]] = True
        if full in self._paid:
            first &= ~self._paid[full][at]
        return np.where(first, self._problem.column_seconds[full][at], 0.0)

    def _tensor(self, full: str, log10: bool) -> tuple[Array, Array | None]:
        if (full, log10) not in self._tensors:
            problem = self._problem
            whole = full == "accuracy"
            column = problem.validation(self.epochs) if whole else problem.column(full)
            if log10:
                column = np.log10(np.where(column > 0, column, np.nan))
            missing = np.isnan(column)
            present = tensor((~missing).astype(np.float64)) if missing.any() else None
            self._tensors[full, log10] = (tensor(np.where(missing, 0.0, column)), present)
        return self._tensors[full, log10]

    def _finish(self, seed: int, start: float) -> Run:
        total = time.perf_counter() - start
        rows = list(zip(*self._log, strict=True)) or [()] * 7
        cell, name, epochs = (np.array(rows[i], dtype=t) for i, t in enumerate(("i4", "i2", "i2")))
        value, seconds = np.array(rows[3], dtype=float), np.array(rows[4], dtype=float)
        best, best_value = best_so_far(cell, epochs, value, self._problem.feasible)
        trace = Trace(
            tuple(self._names),
            cell,
            name,
            value,
            seconds,
            np.array(rows[5], dtype=np.int8),
            np.cumsum(seconds),
            best,
            best_value,
        )
        answer = self._answer
        if answer is None:
            answer = (int(best[-1]),) if len(best) and best[-1] >= 0 else ()
        feasible = bool(answer) and self.feasible(answer[0])
        details: dict[str, Any] = {}
        if answer and self._compressed is not None:
            feasible, details = shrunken.judge(self._problem, answer[0], self._compressed)
        reason = "" if feasible else "the answer breaks a bound" if answer else "no feasible cell"
        wall = np.array(rows[6], dtype=float) - start
        return Run(
            seed, answer, feasible, reason, self._queries, self._clock, trace, wall, total, details
        )


def replay(strategy: Strategy, problem: Problem, budget: Budget, parameters: Any, seed: int) -> Run:
    """Run a strategy once; the same seed gives the same run, wall times apart."""
    if not isinstance(parameters, strategy.parameters):
        raise UserError(
            f"Parameters of {strategy.parameters.__name__} are needed, "
            f"not {type(parameters).__name__}."
        )
    search = Search(problem, budget, charged=strategy.charged)
    start = time.perf_counter()
    with contextlib.suppress(ExhaustedError):
        strategy.run(search, np.random.default_rng(seed), parameters)
    return search._finish(seed, start)


def provenance(strategy: Strategy, problem: Problem, budget: Budget) -> Mapping[str, Any]:
    """Return what a replay stands on: sources of accuracies and clock, bounds, budget."""
    return {
        **problem.notes,
        "dataset": problem.dataset,
        "epochs": problem.epochs,
        "bounds": dict(problem.bounds),
        "feasible_cells": int(problem.feasible.sum()),
        "budget": {"seconds": budget.seconds, "queries": budget.queries},
        "strategy_version": strategy.version,
        "charged": strategy.charged,
    }
