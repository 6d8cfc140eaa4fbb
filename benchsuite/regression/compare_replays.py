"""Compare replays of searches: the same answers, or a test of their regret over seeds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Set
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchsuite.regression.check import Check, Verdict
from benchsuite.regression.tolerances import Replay, Tolerances
from benchsuite.stats import intervals

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


def compare_replays(
    before: pd.DataFrame,
    after: pd.DataFrame,
    allowed: Tolerances,
    estimated: Set[str] = frozenset(),
) -> Iterator[Check]:
    """Yield one check per search of a study.

    estimated: datasets whose regret is that of estimated accuracies, which is said.

    A search whose every seed answers as before is the same, or changed if it makes more or fewer
    queries, whose mean is said. Otherwise its regrets are compared by
    a one-sided Mann-Whitney test over seeds, in which a run without a feasible answer is worst, and
    the difference of the mean regrets gets an interval. What looks worse on seeds of which the test
    could show nothing is `untold`.
    """
    keys = ["study", "search"]
    later = dict(list(after.groupby(keys, sort=False)))
    for key, rows in before.groupby(keys, sort=False):
        name = "/".join(map(str, key))
        if key not in later:
            yield Check("replays", name, "regression", "The search is gone.")
        else:
            regret = "regret" + " (of ESTIMATED accuracy)" * (rows["dataset"].iloc[0] in estimated)
            rule = allowed.of("replays", name)
            yield _compare(name, rows, later[key], rule, allowed.alpha, regret)
    known = {key for key, _ in before.groupby(keys)}
    for key in later:
        if key not in known:
            yield Check("replays", "/".join(map(str, key)), "changed", "The search is new.")


def _compare(
    name: str, before: pd.DataFrame, after: pd.DataFrame, rule: Replay, alpha: float, regret: str
) -> Check:
    before, after = (rows.sort_values("seed", ignore_index=True) for rows in (before, after))
    if before["seed"].tolist() != after["seed"].tolist():
        text = f"It has other seeds: {len(before)} then, {len(after)} now."
        return Check("replays", name, "untold", text)
    same = ["cell", "feasible"]
    b, a = (rows[same].to_numpy() for rows in (before, after))
    if np.array_equal(b, a):
        asked, asks = (rows["queries"].mean() for rows in (before, after))
        if before["queries"].equals(after["queries"]):
            return Check("replays", name, "same", f"All {len(b)} seeds answer as before.")
        text = f"All {len(b)} seeds answer as before, by other queries: {asked:g}, now {asks:g}."
        return Check("replays", name, "changed", text, {"before": asked, "after": asks})
    x, y = (rows["regret"].to_numpy(dtype=np.float64) for rows in (before, after))
    p = _p(_worst(x), _worst(y))
    failed = int(np.isnan(y).sum()) - int(np.isnan(x).sum())
    difference, low, high = _difference(x, y)
    numbers = {
        "seeds_before": len(x),
        "seeds_after": len(y),
        "mean_before": _mean(x),
        "mean_after": _mean(y),
        "difference": difference,
        "low": low,
        "high": high,
        "p": p,
        "more_failures": failed,
    }
    at = int(np.flatnonzero((b != a).any(axis=1))[0])
    change = "" if math.isnan(difference) else f": {difference:+.3f}"
    change += "" if math.isnan(low) else f" [{low:+.3f}, {high:+.3f}]"
    text = (
        f"The mean {regret} was {_percent(_mean(x))} and is {_percent(_mean(y))}{change} over "
        f"{len(x)} and {len(y)} seeds, Mann-Whitney p = {p:.4f}."
    )
    text += (
        f" Seed {before['seed'][at]} answered {_answer(before, at)}, and now {_answer(after, at)}."
    )
    if failed:
        runs = "run" if abs(failed) == 1 else "runs"
        text += f" {abs(failed)} {'more' if failed > 0 else 'fewer'} {runs} found nothing feasible."
    verdict: Verdict = "changed"
    worse = failed > 0 or difference > rule.regret
    if worse and p < alpha:
        verdict, text = "regression", f"The search got worse. {text}"
    elif rule.exact:
        verdict, text = "regression", f"Answers differ, and have to be exact. {text}"
    elif worse and (why := _cannot_show(_worst(x), _worst(y), alpha)):
        verdict, text = "untold", f"The search looks worse, but its seeds cannot tell. {text} {why}"
    else:
        text = f"Answers differ, but no worse ones are shown. {text}"
    return Check("replays", name, verdict, text, numbers)


def seeds_needed(alpha: float) -> int:
    """Return on how many seeds, all of other regrets, the test can show a search to be worse."""
    return next(n for n in itertools.count(1) if 1 / math.comb(2 * n, n) < alpha)


def _cannot_show(x: Array, y: Array, alpha: float) -> str:
    """Return why no order of these regrets could be a regression, empty where one could."""
    in_order = np.sort(np.concatenate([x, y]))
    least, needed = _p(in_order[: len(x)], in_order[len(x) :]), seeds_needed(alpha)
    if least < alpha:
        return ""
    few = len(x) < needed
    return (
        f"{len(x)} seed{'s' * (len(x) > 1)} {'' if few else 'with so many equal regrets '}cannot "
        f"show it (p = {least:.4f} at best, and alpha is {alpha:g}); {f'{needed} or ' * few}more "
        "are needed, or `exact = true` in the tolerances."
    )


def _p(x: Array, y: Array) -> float:
    """Return the p of the test that y is worse than x."""
    from scipy.stats import mannwhitneyu

    several = len({*x, *y}) > 1
    return float(mannwhitneyu(y, x, alternative="greater").pvalue) if several else 1.0


def _answer(rows: pd.DataFrame, at: int) -> str:
    if not rows["feasible"][at]:
        return "no feasible cell"
    return f"cell {rows['cell'][at]} (regret {rows['regret'][at]:.3f} %)"


def _worst(regret: Array) -> Array:
    return np.where(np.isnan(regret), np.inf, regret)


def _percent(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:.3f} %"


def _mean(values: Array) -> float:
    there = values[~np.isnan(values)]
    return float(there.mean()) if len(there) else float("nan")


def _difference(x: Array, y: Array) -> tuple[float, float, float]:
    """Return mean(y) - mean(x) of the runs that have a value, and its 95 % interval."""
    found = intervals.difference(y[~np.isnan(y)], x[~np.isnan(x)])
    low, high = found.interval()
    return float(found.value), float(low), float(high)
