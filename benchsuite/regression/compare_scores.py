"""Compare a proxy's scores of the same cells: value by value, the ranking, tau-b with accuracy."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite import stats
from benchsuite.regression.check import Check, Part, Verdict
from benchsuite.regression.tolerances import Score, Tolerances
from benchsuite.stats.intervals import RESAMPLES

Array = NDArray[np.float64]

_REVERSED = 0.9  # Spearman's, below minus which a ranking is called the other in reverse.


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores [N] of one column, NaN where missing, with its direction and version."""

    values: Array
    direction: str
    version: str

    @property
    def oriented(self) -> Array:
        """The scores turned so that more is predicted to be better [N]."""
        return -self.values if self.direction == "min" else self.values


def compare_scores(
    part: Part,
    name: str,
    before: Scores,
    after: Scores,
    truths: Mapping[str, Array],
    allowed: Tolerances,
    *,
    cells: NDArray[np.int64] | None = None,
    reasons: Sequence[str] | None = None,
    exact: bool = False,
) -> Iterator[Check]:
    """Yield the checks of one column: its scores, then, if they moved, tau-b by truth.

    truths: accuracies [N] by name; cells [N], reasons [N]: which cells they are (0 ... N - 1 if not
    given), and why later scores are missing; exact: of a proxy that is computed of structure, where
    no score may move. A difference is no regression if the version was raised, unless
    tau-b falls: p < alpha in a paired bootstrap and by more than the tolerance. A fall that the
    resamples could not show at this level is `untold`.
    """
    rule: Score = allowed.of("scores", name)
    if exact:
        rule = dataclasses.replace(rule, relative=0.0, cells=1.0)
    if not np.isfinite(before.values).any():
        now = int(np.isfinite(after.values).sum())
        text = f"None of the {len(before.values)} cells had a score, and {now} have one now"
        yield Check(part, name, "untold", f"{text}: nothing to compare with.")
        return
    if np.array_equal(before.oriented, after.oriented, equal_nan=True):
        yield Check(part, name, "same", f"{len(before.values)} scores are equal.")
        return
    known = np.arange(len(before.values)) if cells is None else cells
    why = [""] * len(known) if reasons is None else reasons
    found = _values(part, name, before, after, rule, known, why)
    yield found
    for truth, accuracy in truths.items():
        check = _tau(name, truth, (before.oriented, after.oriented), accuracy, rule, allowed.alpha)
        untested = check.verdict == "untold" and found.verdict in ("within", "regression")
        yield dataclasses.replace(check, verdict="within") if untested else check


def _values(
    part: Part,
    name: str,
    before: Scores,
    after: Scores,
    rule: Score,
    cells: NDArray[np.int64],
    reasons: Sequence[str],
) -> Check:
    x, y = before.oriented, after.oriented

    def example(at: int) -> str:
        why = f" ({reasons[at]})" if reasons[at] else ""
        values = shown(before.values[at]), shown(after.values[at])
        return f"cell {cells[at]} had {name} {values[0]} and has {values[1]}{why}."

    both = np.isfinite(x) & np.isfinite(y)
    lost = int((np.isfinite(x) & ~np.isfinite(y)).sum())
    gained = int((~np.isfinite(x) & np.isfinite(y)).sum())
    difference = relative_difference(x[both], y[both])
    kept = float((difference <= rule.relative).mean()) if both.any() else 0.0
    rho = stats.spearman(x, y).value
    numbers: dict[str, Any] = {
        "cells": len(x),
        "lost": lost,
        "gained": gained,
        "share_within": kept,
        "median_relative_difference": float(np.median(difference)) if both.any() else None,
        "largest_relative_difference": float(difference.max()) if both.any() else None,
        "spearman": rho,
    }
    raised = before.version != after.version
    verdict: Verdict = "changed" if raised else "regression"
    note = (
        f" Version {before.version} became {after.version}, so this is announced." if raised else ""
    )
    if before.direction != after.direction:
        note = f" And its direction was {before.direction} and is {after.direction}.{note}"
    if not raised:
        numbers["version"] = after.version
    turned = len(set(x[both])) > 1 and not rho >= rule.spearman
    first = int(np.flatnonzero(both)[np.argmax(difference)]) if both.any() else 0
    if rho <= -max(rule.spearman, _REVERSED):
        text = (
            f"The sign is flipped: the {int(both.sum())} cells are ranked in reverse "
            f"(Spearman {rho:.4f}); {example(first)}"
        )
        return Check(part, name, verdict, text + note, numbers)
    if lost:
        gone = int(np.flatnonzero(np.isfinite(x) & ~np.isfinite(y))[0])
        text = f"{lost} of {len(x)} cells lost their score; {example(gone)}"
        return Check(part, name, verdict, text + note, numbers)
    if kept < rule.cells or turned:
        text = (
            f"The scores moved: {int((difference > rule.relative).sum())} of {int(both.sum())} "
            f"cells by more than {rule.relative:g} of their size, in the median by "
            f"{np.median(difference):.2%}, at most by {difference.max():.2%}: {example(first)} The "
            f"two rankings agree to Spearman {rho:.4f}."
        )
        return Check(part, name, verdict, text + note, numbers)
    if gained:
        new = int(np.flatnonzero(~np.isfinite(x) & np.isfinite(y))[0])
        text = f"{gained} cells have a score now; {example(new)}"
        return Check(part, name, "changed", text, numbers)
    text = f"{kept:.1%} of the scores keep to {rule.relative:g} of their size, Spearman {rho:.4f}."
    return Check(part, name, "within", text, numbers)


def shown(value: float) -> str:
    """Return a value as a message names it; the shortest text that is this number and no other."""
    return "nothing" if np.isnan(value) else f"{float(value)!r}".removesuffix(".0")


def relative_difference(x: Array, y: Array) -> Array:
    """Return |x - y| / max(|x|, |y|, s / 100) [N], s the distance of the quartiles of x.

    The last term keeps scores near zero from counting as moved when only their last digits are.
    """
    if not len(x):
        return np.zeros(0)
    spread = float(np.subtract(*np.quantile(x, [0.75, 0.25])))
    scale = np.maximum(np.maximum(np.abs(x), np.abs(y)), 0.01 * spread)
    return np.asarray(np.divide(np.abs(x - y), scale, out=np.zeros(len(x)), where=scale > 0))


def _tau(
    name: str, truth: str, scores: tuple[Array, Array], accuracy: Array, rule: Score, alpha: float
) -> Check:
    before, after = scores
    rng = np.random.default_rng(0)
    found = stats.paired_kendall_test(after, before, accuracy, rng, resamples=RESAMPLES)
    both = np.isfinite(before) & np.isfinite(after) & np.isfinite(accuracy)
    old, new = (stats.kendall(s[both], accuracy[both]).value for s in (before, after))
    numbers = {
        "before": old,
        "after": new,
        "difference": found.difference,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "cells": found.n,
    }
    label = f"{name} with {truth}"
    if np.isnan(found.difference):
        worse: Verdict = "untold" if np.isnan(old) else "regression"
        return Check("tau", label, worse, f"No tau-b to compare: {found.reason}.", numbers)
    text = f"Tau-b was {old:.3f} and is {new:.3f}: {found.difference:+.3f}"
    text += (
        f", not tested: {found.reason}."
        if found.reason
        else f" [{found.low:+.3f}, {found.high:+.3f}], paired bootstrap over {found.n} cells, "
        f"p = {found.p:.3f}."
    )
    verdict: Verdict = "untold" if np.isnan(found.p) else "within"
    least = 2 / (RESAMPLES - found.n_undefined + 1)
    if found.p < alpha and found.difference < -rule.tau:
        verdict = "regression"
    elif verdict == "within" and least >= alpha and found.difference < -rule.tau:
        verdict = "untold"
        text += f" {RESAMPLES:,} resamples cannot show it: {alpha:g} is below their least p."
    elif found.p < alpha and found.difference > rule.tau:
        verdict = "changed"
    return Check("tau", label, verdict, text, numbers)
