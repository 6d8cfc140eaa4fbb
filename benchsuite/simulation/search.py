"""What a strategy gets instead of the table: the one door to the data, and a budget.

`Search` is what a strategy gets instead of the table. Every look is logged and charged in simulated
seconds (of expectations: `benchsuite.simulation.supernet`); the strategy's own wall time is kept
apart. It guards against mistakes: neither a `Problem` nor a worker process holds a test accuracy.
Code that sets out to cheat can open the data files; a contract test checks that no strategy here
does.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.deployment import narrow
from benchsuite.deployment.narrow import Claim
from benchsuite.errors import UserError
from benchsuite.numerics.ties import TOLERANCE
from benchsuite.parameters import check_cell, check_cells, check_number, check_stated, check_whole
from benchsuite.simulation.problem import Problem
from benchsuite.simulation.supernet import Look, conditional_expectations, tensors
from benchsuite.simulation.trace import CHARGES, Trace, answered, best_so_far
from benchsuite.space.cell import N_CELLS
from benchsuite.space.multilinear import conditional_expectation, expectation
from benchsuite.table.columns import stem

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
            if value is None:
                continue
            number = check_number(value, f"A budget of {name}")
            if not (number > 0 and math.isfinite(number)):
                raise UserError(f"A budget of {value} {name} buys nothing: give a finite number.")
        if self.queries is not None:
            check_whole(self.queries, "A budget of queries", low=1)


@dataclass(frozen=True, eq=False)
class Run:
    """One search: its answer, what it looked at, and what it took.

    answer: the cells, the pick first, empty where none was found; feasible: whether the pick keeps
    the bounds; details: of a compressed pick, and what its accuracy assumes; optimiser_seconds:
    wall time [T] at each look since the start; total_optimiser_seconds: until it returned.
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
        seconds = math.inf if budget.seconds is None or not charged else budget.seconds
        self._limit = seconds * (1 + TOLERANCE)  # Costs that add up to the budget are within it.
        self._queries_left = math.inf if budget.queries is None or not charged else budget.queries
        self._clock = 0.0
        self._queries = 0
        self._refused: float | None = None  # What the look costs that the budget did not allow.
        self._trained = np.zeros(N_CELLS, dtype=bool)  # As long as a plain query.
        self._credit = 0.0  # Seconds of steps that no shown cell was charged to yet.
        self._answer: tuple[int, ...] | None = None
        self._stood: list[tuple[int, int]] = []  # Looks made before each answer, and its pick.
        self._compressed: Claim | None = None
        self._as_it_is = True  # Whether the best cell trained answers where none was given.
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
        chosen = check_cells(cells).tolist()
        return np.array([self.query_one(cell, epochs) for cell in chosen], dtype=np.float64)

    def query_one(self, cell: int, epochs: int | None = None) -> float:
        """Train one cell and return its validation accuracy in %; see `query`."""
        if type(cell) is not int or not 0 <= cell < N_CELLS:
            cell = check_cell(cell)
        if epochs is None:
            accuracy, seconds, name, epochs = self._plain
        else:
            accuracy, seconds, name, epochs = self._fidelity(epochs)
        cost = seconds.item(cell) if self._charged else 0.0
        self._afford(cost, queries=1)
        self._clock += cost
        self._queries += 1
        if epochs == self.epochs:
            self._trained[cell] = True
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
        at = np.arange(N_CELLS) if cells is None else check_cells(cells)
        costs = self._costs_due(full, at)
        self._afford(float(costs.sum()))
        if cells is None:
            self._paid[full] = np.ones(N_CELLS, dtype=bool)
            self._note(-1, full, math.nan, float(costs.sum()), self._charge(full))
        else:
            self._pay(full, at, costs)
        return np.array(values[at])

    def expectation(
        self, name: str, probs: Array, *, seconds: float, log10: bool = False
    ) -> tuple[float, Array]:
        """Return the expected value of a column over independent choices, and its gradient [6, 5].

        name: a cheap column, or `accuracy` for the validation accuracy a query returns. probs:
        [6, 5], an edge each. seconds: what the paper states such a step costs; charged and marked
        as stated, not measured. log10: of the column's logarithm. Missing values, and those without
        a logarithm, are left out (conditional expectation). This stands for a trained supernet, so
        it is free of the error of weight sharing. A look that shows a cell of a column with a price
        is charged that too; slopes show no cell that was not: see `benchsuite.simulation.supernet`.
        Raises ExhaustedError.
        """
        look = Look.of(probs, 2)
        full, cost = self._looked(name, look, seconds)
        values, present = self._tensor(full, log10)
        if present is None:
            value, gradient = expectation(values, look.sets[0])
        else:
            value, gradient = conditional_expectation(values, present, look.sets[0])
        self._note(-1, f"E[{'log10 ' * log10}{full}]", value, cost, _STATED)
        return value, self._slopes(full, look, gradient[None])[0]

    def expectations(self, name: str, probs: Array, *, seconds: float) -> tuple[Array, Array]:
        """Return `expectation` for many sets of choices [S, 6, 5] at once: [S] and [S, 6, 5].

        One look, whose logged value is the mean; seconds: of all of them together.
        """
        look = Look.of(probs, 3)
        full, cost = self._looked(name, look, seconds)
        value, gradient = conditional_expectations(*self._tensor(full, False), look.sets)
        self._note(-1, f"E[{full}]", float(value.mean()), cost, _STATED)
        return value, self._slopes(full, look, gradient)

    def stated(self, name: str, value: float, *, seconds: float) -> None:
        """Log what the strategy measured itself, on an untrained network and without the table.

        seconds: what the paper states such a measurement costs; charged and marked as stated.
        Raises ExhaustedError, before anything is logged.
        """
        seen, cost = check_stated(name, value), self._stated_cost(seconds)
        self._afford(cost)
        self._note(-1, name, seen, cost, _STATED)

    def feasible(self, cell: int) -> bool:
        """Return whether a cell keeps the bounds; that is arithmetic and costs nothing."""
        return bool(self._problem.feasible[check_cell(cell)])

    def feasible_cells(self) -> NDArray[np.int64]:
        """Return the official indices of all cells that keep the bounds."""
        return np.flatnonzero(self._problem.feasible)

    def direction(self, name: str) -> str:
        """Return which end of a cheap column is better: `max`, `min` or `none`."""
        return self._problem.direction(name)

    def full_name(self, name: str) -> str:
        """Return the full name of a cheap column; UserError for one that a search cannot see."""
        return self._problem.resolve(name)

    def one_draw(self, name: str) -> str:
        """Return the full name of a column's first repeat, or of the column if it has none."""
        full = self.full_name(name)
        of = stem(full)
        try:
            return self.full_name(f"{of}.r0{full.removeprefix(of)}")
        except UserError:
            return full

    def narrow(self, name: str, channels: int) -> Array:
        """Return a column of arithmetic [15625] on the skeleton with fewer channels; it is free."""
        width = check_whole(channels, "The number of channels", low=1)
        return narrow.column(self._problem.resolve(name), self.skeleton, width)

    def answer(
        self, cells: Sequence[int] | NDArray[np.integer], claim: Claim | None = None
    ) -> None:
        """Give the result: one cell, or several with the pick first.

        claim: how the pick is compressed and what its accuracy assumes; its bounds are then those
        of the compressed network.
        """
        chosen = tuple(check_cells(cells).tolist())
        if not chosen:
            raise UserError(f"() is no answer: at least one cell from 0 to {N_CELLS - 1}.")
        self._answer, self._compressed = chosen, claim
        self._stood.append((len(self._log), chosen[0]))

    def compresses(self) -> None:
        """Say that the answer will be compressed: no cell as it is stands for one not given."""
        self._as_it_is = False

    def _afford(self, seconds: float, queries: float = 0) -> None:
        """Raise ExhaustedError where the budget does not allow a look, which is then not made."""
        if self._clock + seconds > self._limit or self._queries + queries > self._queries_left:
            self._refused = seconds
            raise ExhaustedError

    def _stated_cost(self, seconds: float) -> float:
        if not (check_number(seconds, "A stated cost") >= 0 and math.isfinite(seconds)):
            raise UserError(f"A step cannot cost {seconds} seconds.")
        return float(seconds) if self._charged else 0.0

    def _priced(self, full: str) -> bool:
        return full == "accuracy" or full in self._problem.column_seconds

    def _charge(self, full: str) -> int:
        return _MEASURED if self._priced(full) else _NONE

    def _looked(self, name: str, look: Look, seconds: float) -> tuple[str, float]:
        """Charge the cells that an expectation shows; return its full name and the step's cost."""
        full = name if name == "accuracy" else self._problem.resolve(name)
        cost = self._stated_cost(seconds)
        if full == "accuracy":
            return full, self._supernet_step(cost, len(look.sets), look.cells)
        costs = self._costs_due(full, look.cells)
        self._afford(cost + float(costs.sum()))
        if self._priced(full):
            self._pay(full, look.cells, costs)
        return full, cost

    def _slopes(self, full: str, look: Look, gradient: Array) -> Array:
        """Return the gradients of a look without what of them was not paid for."""
        if not self._priced(full):
            return gradient
        return look.slopes(gradient, self._trained if full == "accuracy" else self._paid[full])

    def _supernet_step(self, stated: float, sets: int, cells: NDArray[np.int64]) -> float:
        """Charge the trainings of the cells that are shown; return what the step itself costs.

        stated, and what was stated before and not yet counted, goes towards the trainings.
        """
        accuracy, seconds, _, epochs = self._plain
        new = cells[~self._trained[cells]]
        prices = seconds[new] if self._charged else np.zeros(len(new))
        epoch = float(np.nanmin(seconds)) / epochs if self._charged else 0.0
        step = max(stated, (sets - len(new)) * epoch)
        asked = float(prices.sum())
        covered = min(asked, self._credit + step)
        queries: float = len(new)
        if math.isinf(self._limit):  # A budget of queries alone pays for steps as for trainings.
            queries += step / float(np.nanmean(seconds))
        self._afford(step + asked - covered, queries)
        self._credit += step - covered
        self._queries_left -= queries - len(new)
        self._queries += len(new)
        self._trained[new] = True
        costs = prices * (1 - covered / asked) if asked else prices
        for cell, cost in zip(new.tolist(), costs.tolist(), strict=True):
            self._note(cell, f"valid.{epochs}ep", accuracy.item(cell), cost, _TRAINING, epochs)
        return step

    def _fidelity(self, epochs: int) -> tuple[Array, Array, int, int]:
        epochs = check_whole(epochs, "The number of epochs", low=1)
        if epochs not in self._problem.accuracy:
            raise UserError(
                f"The table has no validation accuracy after {epochs} epochs; it has "
                f"{', '.join(map(str, self.fidelities))}."
            )
        name = self._name(f"valid.{epochs}ep")
        return self._problem.validation(epochs), self._problem.seconds[epochs], name, epochs

    def _name(self, text: str) -> int:
        return self._names.setdefault(text, len(self._names))

    def _note(
        self, cell: int, name: str, value: float, cost: float, charge: int, epochs: int = 0
    ) -> None:
        self._clock += cost
        row = (cell, self._name(name), epochs, value, cost, charge, time.perf_counter())
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

    def _pay(self, full: str, cells: NDArray[np.int64], costs: Array) -> None:
        """Log looks at cells of a cheap column, and that they are paid."""
        self._paid.setdefault(full, np.zeros(N_CELLS, dtype=bool))[cells] = True
        values = self._problem.column(full)[cells].tolist()
        for cell, value, cost in zip(cells.tolist(), values, costs.tolist(), strict=True):
            self._note(cell, full, value, cost, self._charge(full))

    def _tensor(self, full: str, log10: bool) -> tuple[Array, Array | None]:
        if (full, log10) not in self._tensors:
            problem = self._problem
            whole = full == "accuracy"
            column = problem.validation(self.epochs) if whole else problem.column(full)
            self._tensors[full, log10] = tensors(column, log10)
        return self._tensors[full, log10]

    def _why_none(self) -> str:
        """Return why there is no answer: the budget, or no cell queried keeps the bounds."""
        if self._refused is None or (self._queries and self._as_it_is):
            return "no feasible cell" if self._queries else "no cell was queried or answered"
        cheapest = float(np.nanmin(self._plain[1]))
        if self._refused >= cheapest > self._limit:
            return (
                f"the budget of {self._limit:g} s is below the cheapest training, {cheapest:.4g} s"
            )
        return "the budget was spent before there was an answer"

    def finish(self, seed: int, start: float) -> Run:
        """Return what the search found and took; start: `time.perf_counter()` when it began."""
        total = time.perf_counter() - start
        rows = list(zip(*self._log, strict=True)) or [()] * 7
        cell, name, epochs = (np.array(rows[i], dtype=t) for i, t in enumerate(("i4", "i2", "i2")))
        value, seconds = np.array(rows[3], dtype=float), np.array(rows[4], dtype=float)
        best, best_value = best_so_far(cell, epochs, value, self._problem.feasible)
        if self._stood and self._stood[0][0] < len(self._log):
            answered(best, best_value, self._stood, cell, epochs, value)
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
            found = self._as_it_is and len(best) and best[-1] >= 0
            answer = (int(best[-1]),) if found else ()
        feasible = bool(answer) and self.feasible(answer[0])
        details: dict[str, Any] = {}
        if answer and self._compressed is not None:
            bounds, skeleton = self._problem.bounds, self._problem.skeleton
            feasible, details = narrow.judge(bounds, skeleton, answer[0], self._compressed)
        reason = "" if feasible else "the answer breaks a bound" if answer else self._why_none()
        wall = np.array(rows[6], dtype=float) - start
        return Run(
            seed, answer, feasible, reason, self._queries, self._clock, trace, wall, total, details
        )
