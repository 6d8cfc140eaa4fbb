"""EdgeNAS without its penalty, with a fixed one, and with MACs for latency (EdgeNAS 4.4)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from benchsuite.api import Outcome, Report, Result
from benchsuite.reports._common.searches import LEVEL, Claim, interval, spelt
from benchsuite.reports._common.tables import DEAD, about_accuracy, kind
from benchsuite.reports._common.verdicts import Verdict, above, not_here, rarer
from benchsuite.simulation.problem import full_name
from benchsuite.stats import intervals
from benchsuite.stats.intervals import Estimate
from benchsuite.table.table import Table

STUDY = "edgenas_ablation"
ADAPTIVE, NONE, FIXED, MACS, THREE = (
    "adaptive penalty",
    "no latency penalty",
    "fixed penalty",
    "MACs instead of the look-up table",
    "three edges",
)
# EdgeNAS, sections 4.1 and 4.4, Cortex-M7: accuracy in % and latency in ms.
PRINTED = {
    ADAPTIVE: (89.3, 12.4),
    NONE: (90.1, 34.0),
    FIXED: (87.2, 14.0),
    MACS: (88.1, 16.0),
    THREE: (85.8, np.nan),
}


def _make(table: Table, outcomes: Mapping[str, Outcome]) -> Result:
    outcome = outcomes[STUDY]
    bound = outcome.study.searches[0].setting.bounds["latency"] * 1e3
    return Result(
        tables={"edgenas_ablation": _rows(table, outcome)},
        notes=(
            about_accuracy(table),
            f"Cortex-M7 480 MHz, bound {bound:.0f} ms for CIFAR-10 cells, one per stage; `seeds` "
            f"runs, lo, hi: {LEVEL}. feasible: seeds whose cell keeps the bound; over the bound: "
            f"mean latency over it. Latency: own int8 kernels, simulated. {DEAD}.",
            "Printed: Visual Wake Words, the bound is not printed. three edges: the chain of the "
            "edges 0-1, 1-2 and 2-3 is searched and the others are empty, in place of the paper's "
            "three searchable blocks instead of seven, whose latency it does not print.",
            *(claim.sentence for claim in claims(table, outcomes)),
        ),
    )


def claims(table: Table, outcomes: Mapping[str, Outcome]) -> list[Claim]:
    """Return what EdgeNAS says of its parts, and what the replays say."""
    outcome = outcomes[STUDY]
    rows = _rows(table, outcome).set_index("search").to_dict("index")
    accuracy, ms, full = f"test {kind(table)}", "ms", rows[ADAPTIVE]

    def said(name: str) -> str:
        row = rows[name]
        return (
            f"{row[accuracy]:.2f} % at {row[ms]:.1f} ms, {int(row['feasible'])} of "
            f"{int(row['seeds'])} feasible, against {full[accuracy]:.2f} % at {full[ms]:.1f} ms, "
            f"{int(full['feasible'])} of {int(full['seeds'])}"
        )

    def claim(says: str, name: str, verdict: Verdict) -> Claim:
        alone = min(_answers(outcome, name), _answers(outcome, ADAPTIVE)) == 1 < full["seeds"]
        one = not_here("every seed of one search or of both gives one answer: n is 1")
        return Claim("EdgeNAS", "section 4.4", says, said(name), one if alone else verdict)

    def more(name: str, column: str) -> Estimate:
        return intervals.difference(*(_runs(outcome, of)[column] for of in (name, ADAPTIVE)))

    test, latency = "test.cifar10", _latency(outcome)
    over = intervals.mean(_runs(outcome, NONE)[latency] / _bound(outcome) - 1)
    fixed = rows[FIXED]
    return [
        claim(
            "without the latency penalty it is more accurate and breaks the bound",
            NONE,
            above(more(NONE, test), over, unit="points, and of the bound"),
        ),
        claim(
            "with a fixed penalty it often gets stuck where the bound is broken",
            FIXED,
            rarer(*(int(of[what]) for of in (fixed, full) for what in ("feasible", "seeds"))),
        ),
        claim(
            "with a fixed penalty the network is less accurate", FIXED, above(-more(FIXED, test))
        ),
        claim(
            "with an operation count for the look-up table it is less accurate and slower",
            MACS,
            above(-more(MACS, test), more(MACS, latency), unit="points, and s"),
        ),
        claim(
            "with three searchable blocks instead of seven it is less accurate",
            THREE,
            above(-more(THREE, test)),
        ),
    ]


def _runs(outcome: Outcome, label: str) -> pd.DataFrame:
    return outcome.runs[outcome.runs["search"] == label]


def _answers(outcome: Outcome, label: str) -> int:
    return int(_runs(outcome, label)["cell"].nunique())


def _latency(outcome: Outcome) -> str:
    """Return the column of the device's latency [s]."""
    return next(str(name) for name in outcome.runs if str(name).startswith("latency."))


def _bound(outcome: Outcome) -> float:
    return float(outcome.study.searches[0].setting.bounds["latency"])


def _rows(table: Table, outcome: Outcome) -> pd.DataFrame:
    rows = []
    for entry in outcome.study.searches:
        runs = outcome.runs[outcome.runs["search"] == entry.label]
        latency = runs[full_name(table, "latency", entry.setting)]
        printed = PRINTED.get(entry.label, (np.nan, np.nan))
        rows.append(
            {
                "search": entry.label,
                "accuracy printed": printed[0],
                "ms printed": printed[1],
                "seeds": len(runs),
                "feasible": int(runs["feasible"].sum()),
                "index": ", ".join(map(str, sorted(set(runs["cell"])))),
                **spelt(f"test {kind(table)}", interval(runs["test.cifar10"]), "lo", "hi"),
                "ms": float(latency.mean()) * 1e3,
                "over the bound": float(latency.mean()) / entry.setting.bounds["latency"],
            }
        )
    return pd.DataFrame(rows)


REPORT = Report(
    title="Section 4.4: ablations",
    answers="EdgeNAS, section 4.4: no penalty, a fixed one, operation counts for latency",
    make=_make,
    group="EdgeNAS",
    studies=(STUDY,),
)
