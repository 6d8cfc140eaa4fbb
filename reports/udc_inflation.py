"""How temperature, projection and rejection sampling inflate UDC's size loss (UDC Table 2)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchsuite.api import Outcome, Report, Result
from benchsuite.deployment.compressed import Compressed
from benchsuite.reports._common.searches import LEVEL, Claim, interval, spelt, spread
from benchsuite.reports._common.tables import about_accuracy
from benchsuite.reports._common.udc import Array, runs_of
from benchsuite.reports._common.verdicts import above
from benchsuite.reports.udc_sizes import FULL, STUDY, label, sizes
from benchsuite.search._udc_samples import Decisions, Samples
from benchsuite.search._udc_spaces import Compression
from benchsuite.simulation.problem import prepare
from benchsuite.simulation.search import Budget, Search
from benchsuite.stats import intervals
from benchsuite.table.table import Table

LOW, HIGH = 0.66, 10.0
XI = 0.5
SAMPLES = 32
# Batches of samples; many where rejection moves the loss by a hundredth of what samples differ by.
BATCHES, MANY = 8, 128

CERTAIN = {f"vanilla DNAS, max pi = {p:g}": p for p in (0.9, 0.99, 0.999)}
VANILLA = "vanilla DNAS, max pi = 0.99"
PROJECTED = {f"xi = {XI:g}, theta = {theta:g}": theta for theta in (0.0, 0.5, 0.99)}
NO_REJECTION, HALF, NEARLY_ALL = PROJECTED
COLUMNS = (*CERTAIN, *PROJECTED)
# UDC, Table 2, from left to right; the paper does not say which pi its first column stands for.
PRINTED = {
    LOW: dict(zip((VANILLA, *PROJECTED), (0.04, 0.33, 0.27, 0.18), strict=True)),
    HIGH: dict(zip((VANILLA, *PROJECTED), (0.53, 0.61, 0.60, 0.59), strict=True)),
}

Losses = Mapping[tuple[float, float, str], Array]


def _make(table: Table, outcomes: Mapping[str, Outcome]) -> Result:
    outcome = outcomes[STUDY]
    lost = losses(table, outcome)
    centre = ", ".join(
        f"{interval(uniform(table, outcome, size))[0]:.2f} at {size / 1e3:g} kB"
        for size in sizes(outcome)
    )
    return Result(
        tables={"udc_inflation": _rows(lost, sizes(outcome))},
        notes=(
            f"E |size(z) / e* - 1| over {SAMPLES * BATCHES} Gumbel-softmax samples (with "
            f"projection at tau = {HIGH:g} {SAMPLES * MANY:,}; rejection sampling among {SAMPLES} "
            "at a time), the size of the relaxed choices; at each bound "
            f"the networks that {len(runs_of(outcome, label(FULL, sizes(outcome)[0])))} seeds of "
            "full UDC answered, e* the size of each, so that the most likely configuration has "
            f"exactly the size asked for. Each seed draws samples of its own. lo, hi: {LEVEL}.",
            "pi gives the options of that network max pi and shares the rest equally. The paper "
            f"does not say which pi its first column, {PRINTED[LOW][VANILLA]}, stands for; here "
            f"{_vanilla(lost, sizes(outcome)[-1])} at tau = {LOW}; the verdicts take 0.99. "
            "Projection with xi = 0.5 makes any such pi the same, so the other columns do not "
            "depend on it. Printed: MBNetV2 space, unit not given.",
            "At tau = 10 samples are almost uniform whatever pi is, and the loss says how far the "
            f"network of uniform choices is from e*: its size over e* is {centre}. So whether the "
            "loss at tau = 10 is above that at 0.66 once pi is projected depends on e*.",
            *(claim.sentence for claim in _claims(lost, sizes(outcome))),
            f"{about_accuracy(table)} They chose the networks; the loss is of their sizes alone.",
        ),
    )


def claims(table: Table, outcomes: Mapping[str, Outcome]) -> list[Claim]:
    """Return what UDC says of the inflation of its size loss, and what the samples say."""
    outcome = outcomes[STUDY]
    return _claims(losses(table, outcome), sizes(outcome))


def losses(table: Table, outcome: Outcome) -> Losses:
    """Return E|size / e* - 1| per seed [S], by bound [bytes], temperature and setting.

    Source: UDC, section 4, equation 7, and table 2. Every seed has noise of its own, the same
    for all settings, so that the spread of the seeds holds the error of the samples too.
    """
    lost = {}
    for size in sizes(outcome):
        space, decisions, answers = _answers(table, outcome, size)
        for name in COLUMNS:
            pis = [_log_pi(decisions, chosen, name) for chosen in answers]
            for tau in (LOW, HIGH):
                batches = MANY if tau == HIGH and name in PROJECTED else BATCHES
                lost[size, tau, name] = np.array(
                    [
                        _loss(space, pi, tau, PROJECTED.get(name, 0.0), target, seed, batches)
                        for seed, (pi, target) in enumerate(
                            zip(pis, space.bytes_of(answers), strict=True)
                        )
                    ]
                )
    return lost


def uniform(table: Table, outcome: Outcome, size: float) -> Array:
    """Return the size of uniform choices over that of each seed's answer under a bound [S]."""
    space, decisions, answers = _answers(table, outcome, size)
    even: Array = (decisions.valid / decisions.options)[None]
    ((of_bound, _),) = space.sizes(even)
    return of_bound * size / space.bytes_of(answers)


def _answers(
    table: Table, outcome: Outcome, size: float
) -> tuple[Compression, Decisions, NDArray[np.int64]]:
    """Return the space, its decisions and the options [S, 15] that the seeds of UDC answered."""
    (entry,) = (e for e in outcome.study.searches if e.label == label(FULL, size))
    search = Search(prepare(table, entry.setting), Budget(queries=1), charged=False)
    space = Compression(search, 1.0, 0.0, "entropy", "lossless")
    runs = runs_of(outcome, entry.label).to_dict("records")
    answers = [
        space.options_of(
            run["cell"], Compressed(*(tuple(run[k]) for k in ("bits", "densities", "widths")))
        )
        for run in runs
    ]
    return space, Decisions(space.options), np.array(answers)


def _log_pi(decisions: Decisions, chosen: NDArray[np.int64], name: str) -> Array:
    """Return log pi [D, K] whose largest entries are the chosen options, projected or not."""
    largest = CERTAIN.get(name, max(CERTAIN.values()))
    pi = np.where(decisions.valid, (1 - largest) / (decisions.options - 1), 0.0)
    pi[np.arange(len(chosen)), chosen] = largest
    logs = np.log(pi, out=np.full_like(pi, -np.inf), where=decisions.valid)
    return decisions.project(logs, XI / (1 - 1 / decisions.options)) if name in PROJECTED else logs


def _loss(
    space: Compression,
    log_pi: Array,
    tau: float,
    theta: float,
    target: float,
    seed: int,
    batches: int = BATCHES,
) -> float:
    rng = np.random.default_rng(seed)
    drawn = [Samples(log_pi, rng, SAMPLES, tau, theta).choices for _ in range(batches)]
    ((of_bound, _),) = space.sizes(np.concatenate(drawn))
    (bound,) = space.bounds.values()
    return float(np.abs(of_bound * bound / target - 1).mean())


def _vanilla(lost: Losses, size: float) -> str:
    """Return the loss without projection by how certain pi is, at one bound, as text."""
    each = (f"{lost[size, LOW, name].mean():.3f} for {p:g}" for name, p in CERTAIN.items())
    return f"it is {', '.join(each)} at {size / 1e3:g} kB"


def _rows(lost: Losses, every: list[float]) -> pd.DataFrame:
    rows = []
    for tau in (LOW, HIGH):
        for name in COLUMNS:
            row = {"tau": tau, "setting": name, "printed": PRINTED[tau].get(name, np.nan)}
            for size in every:
                row |= spelt(f"{size / 1e3:g} kB", interval(lost[size, tau, name]))
            rows.append(row)
    return pd.DataFrame(rows)


def _claims(lost: Losses, every: list[float]) -> list[Claim]:
    def claim(says: str, *orders: tuple[tuple[float, str], tuple[float, str]]) -> Claim:
        """A claim that some losses are above others; orders: pairs (tau, setting), more first."""
        gaps = [
            [intervals.mean(lost[size, *more] - lost[size, *less]) for more, less in orders]
            for size in every
        ]
        said = "; ".join(
            f"{size / 1e3:g} kB {', '.join(spread(gap, 3) for gap in of)}"
            for size, of in zip(every, gaps, strict=True)
        )
        verdict = above(*(gap for of in gaps for gap in of), unit="of the loss")
        return Claim("UDC", "Table 2", says, f"differences {said}", verdict)

    return [
        claim(
            "a higher temperature inflates the size loss of vanilla DNAS",
            ((HIGH, VANILLA), (LOW, VANILLA)),
        ),
        claim(
            "projection inflates it, at 0.66 and at 10",
            *(((tau, NO_REJECTION), (tau, VANILLA)) for tau in (LOW, HIGH)),
        ),
        claim(
            "rejection sampling lowers it, and the more the larger its share, at 0.66",
            ((LOW, NO_REJECTION), (LOW, HALF)),
            ((LOW, HALF), (LOW, NEARLY_ALL)),
        ),
        claim(
            "rejection sampling lowers it, and the more the larger its share, at 10",
            ((HIGH, NO_REJECTION), (HIGH, HALF)),
            ((HIGH, HALF), (HIGH, NEARLY_ALL)),
        ),
        claim(
            "a higher temperature inflates it with projection too, with and without rejection",
            *(((HIGH, name), (LOW, name)) for name in PROJECTED),
        ),
    ]


REPORT = Report(
    title="Table 2: inflation of the size loss",
    answers="UDC (2022), Table 2: the size loss by temperature, projection, rejection sampling",
    make=_make,
    group="UDC",
    studies=(STUDY,),
)
