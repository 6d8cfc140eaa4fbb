"""Variance of UDC's gradient by temperature and number of samples (UDC Fig. 5d)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchsuite.api import Outcome, Report, Result
from benchsuite.deployment.response import Response, response, without_each
from benchsuite.replays import compressed
from benchsuite.reports._common.searches import LEVEL, Claim, spelt, spread, with_ends
from benchsuite.reports._common.style import COLUMN_WIDTH, MARKERS, PALETTE, new_figure, tidy
from benchsuite.reports._common.tables import about_accuracy
from benchsuite.reports._common.udc import BOTH_ERRORS, OVER, Array
from benchsuite.reports._common.verdicts import above
from benchsuite.reports.udc_sizes import FULL, STUDY, label, sizes
from benchsuite.search._udc_samples import Decisions, Samples
from benchsuite.search._udc_spaces import Compression
from benchsuite.simulation.problem import prepare
from benchsuite.simulation.search import Budget, Search
from benchsuite.stats import intervals
from benchsuite.stats.intervals import Estimate
from benchsuite.table.table import Table

TAUS = (0.1, 0.2, 0.4, 0.66, 1.0, 2.0, 5.0, 10.0)
SAMPLES = (1, 4, 32)
SEEDS, DRAWS = 20, 128  # Gumbel draws per seed, shared out to steps of so many samples.
LOW, HIGH = 0.1, 10.0
Variances = Mapping[tuple[float, int], Array]


def _make(table: Table, outcomes: Mapping[str, Outcome]) -> Result:
    of = outcomes[STUDY]
    found = variances(table, of)
    rows = _rows(found)
    return Result(
        tables={"udc_variance": rows},
        figures={"udc_variance": _figure(rows)},
        notes=(
            about_accuracy(table),
            f"The gradient of the task loss by the logits of pi, near uniform pi, where a search "
            f"starts, at {_size(of) / 1e3:g} kB. The variance over steps of each logit's gradient, "
            f"the largest of all, as the paper; {SEEDS} seeds of pi and of {DRAWS} Gumbel draws, "
            f"shared out to steps of 1, 4 or 32 samples; no rejection sampling; geometric means; "
            f"lo, hi: {LEVEL}. "
            f"{BOTH_ERRORS} "
            "Here the task loss is the table's expected error (a fraction), without the noise of "
            "images and weights that the paper's supernet adds, so sizes do not compare.",
            *(claim.sentence for claim in _claims(found)),
        ),
    )


def claims(table: Table, outcomes: Mapping[str, Outcome]) -> list[Claim]:
    """Return what UDC says of its gradient's variance, and what the samples say."""
    return _claims(variances(table, outcomes[STUDY]))


def _claims(found: list[Variances]) -> list[Claim]:
    def powers(more: tuple[float, int], less: tuple[float, int]) -> Estimate:
        return _mean([np.log10(of[more] / of[less]) for of in found])

    colder = powers((LOW, 1), (HIGH, 1))
    fewer = [powers((tau, 1), (tau, 32)) for tau in (LOW, 0.66, HIGH)]
    return [
        Claim(
            "UDC",
            "Fig. 5d",
            "the variance of the gradient rises as the temperature falls",
            f"from tau = {HIGH:g} to {LOW:g} it grows by {spread(colder)} powers of ten",
            above(colder, unit="powers of ten", over=OVER),
        ),
        Claim(
            "UDC",
            "section 4",
            "several samples reduce the variance of the gradient",
            "1 against 32 samples: "
            + ", ".join(spread(gap) for gap in fewer)
            + f" powers of ten at tau = {LOW:g}, 0.66, {HIGH:g}",
            above(*fewer, unit="powers of ten", over=OVER),
        ),
    ]


def _mean(by_response: list[Array]) -> Estimate:
    """Return the mean over seeds of values [S] by the response and by it without each cell."""
    whole, *others = by_response
    return compressed.on_response(intervals.mean(whole), [values.mean() for values in others])


def variances(table: Table, outcome: Outcome) -> list[Variances]:
    """Return `_variances` by the compression response, and by it without each of its cells."""
    return [_variances(table, outcome, curve) for curve in (response(), *without_each())]


def _variances(table: Table, outcome: Outcome, curve: Response) -> Variances:
    """Return the largest variance [SEEDS] of any logit's gradient, by temperature and samples."""
    (entry,) = (e for e in outcome.study.searches if e.label == label(FULL, _size(outcome)))
    search = Search(prepare(table, entry.setting), Budget(queries=1), charged=False)
    space = Compression(search, 1.0, 0.0, "entropy", "measured")
    space.judge_by(curve)
    decisions = Decisions(space.options)
    found: dict[tuple[float, int], list[float]] = {}
    for seed in range(SEEDS):
        for tau in TAUS:
            rng = np.random.default_rng(seed)
            logits = decisions.start(rng)
            each = _gradients(space, logits, rng, tau)
            for count in SAMPLES:
                steps = each.reshape(-1, count, *logits.shape).mean(axis=1)
                largest = steps.var(axis=0, ddof=1)[decisions.valid].max()
                found.setdefault((tau, count), []).append(float(largest))
    return {key: np.array(values) for key, values in found.items()}


def _gradients(space: Compression, logits: Array, rng: np.random.Generator, tau: float) -> Array:
    """Return the gradient [DRAWS, D, K] by the logits of each of some samples."""
    soft = Samples(logits, rng, DRAWS, tau, 0.0).choices
    slopes = space.error(soft)
    gradients: Array = soft * (slopes - (slopes * soft).sum(axis=2, keepdims=True)) / tau
    return gradients


def _size(outcome: Outcome) -> float:
    return sizes(outcome)[len(sizes(outcome)) // 2]


def _rows(found: list[Variances]) -> pd.DataFrame:
    rows: list[dict[str, float]] = []
    for count in SAMPLES:
        for tau in TAUS:
            powers = with_ends(_mean([np.log10(of[tau, count]) for of in found]))
            value, low, high = (10**power for power in powers)
            rows.append(
                {"tau": tau, "samples": count, **spelt("variance", (value, low, high), "lo", "hi")}
            )
    return pd.DataFrame(rows)


def _figure(rows: pd.DataFrame) -> Figure:
    figure = new_figure(COLUMN_WIDTH, 2.6)
    axes = figure.subplots()
    for at, count in enumerate(SAMPLES):
        of = rows[rows["samples"] == count]
        name = f"{count} samples" if count > 1 else "1 sample"
        colour = PALETTE[at]
        axes.plot(
            of["tau"], of["variance"], marker=MARKERS[at], markersize=3.5, color=colour, label=name
        )
        axes.fill_between(of["tau"], of["lo"], of["hi"], color=colour, alpha=0.2, linewidth=0)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks((0.1, 1, 10), ("0.1", "1", "10"))
    axes.set_xlabel("temperature tau")
    axes.set_ylabel("largest variance of the gradient")
    axes.legend(frameon=False, fontsize=8)
    tidy(axes)
    return figure


REPORT = Report(
    title="Fig. 5d: variance of the gradient",
    answers="UDC (2022), Fig. 5d: the gradient's variance by temperature and number of samples",
    make=_make,
    group="UDC",
    studies=(STUDY,),
)
