"""EdgeNAS without its penalty, with a fixed one, and with MACs for latency (EdgeNAS 4.4)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from benchsuite.api import Report, Result
from benchsuite.outcomes import Outcome
from benchsuite.problem import full_name
from benchsuite.table import Table
from reports._searches import LEVEL, Claim, mean_interval
from reports._tables import DEAD, about_accuracy, kind

STUDY = "edgenas_ablation"
ADAPTIVE, NONE, FIXED, MACS = (
    "adaptive penalty",
    "no latency penalty",
    "fixed penalty",
    "MACs instead of the look-up table",
)
# EdgeNAS, sections 4.1 and 4.4, Cortex-M7: accuracy in % and latency in ms.
PRINTED = {ADAPTIVE: (89.3, 12.4), NONE: (90.1, 34.0), FIXED: (87.2, 14.0), MACS: (88.1, 16.0)}


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
            "Printed: Visual Wake Words, the bound is not printed. The fourth ablation, three "
            "blocks instead of seven, has no counterpart in a cell of six edges.",
            *(claim.sentence for claim in claims(table, outcomes)),
        ),
    )


def claims(table: Table, outcomes: Mapping[str, Outcome]) -> list[Claim]:
    """Return what EdgeNAS says of its parts, and what the replays say."""
    rows = _rows(table, outcomes[STUDY]).set_index("search")
    accuracy, ms, over = f"test {kind(table)}", "ms", "over the bound"
    full = rows.loc[ADAPTIVE]

    def said(name: str) -> str:
        row = rows.loc[name]
        return (
            f"{row[accuracy]:.2f} % at {row[ms]:.1f} ms, {int(row['feasible'])} of "
            f"{int(row['seeds'])} feasible, against {full[accuracy]:.2f} % at {full[ms]:.1f} ms, "
            f"{int(full['feasible'])} of {int(full['seeds'])}"
        )

    def claim(says: str, name: str, holds: bool) -> Claim:
        return Claim("EdgeNAS", "section 4.4", says, said(name), holds)

    free, fixed, macs = (rows.loc[name] for name in (NONE, FIXED, MACS))
    return [
        claim(
            "without the latency penalty it is more accurate and breaks the bound",
            NONE,
            bool(free[accuracy] > full[accuracy] and free[over] > 1),
        ),
        claim(
            "with a fixed penalty it often gets stuck where the bound is broken",
            FIXED,
            bool(fixed["feasible"] < full["feasible"]),
        ),
        claim(
            "with a fixed penalty the network is less accurate",
            FIXED,
            bool(fixed[accuracy] < full[accuracy]),
        ),
        claim(
            "with an operation count for the look-up table it is less accurate and slower",
            MACS,
            bool(macs[accuracy] < full[accuracy] and macs[ms] > full[ms]),
        ),
    ]


def _rows(table: Table, outcome: Outcome) -> pd.DataFrame:
    rows = []
    for entry in outcome.study.searches:
        runs = outcome.runs[outcome.runs["search"] == entry.label]
        latency = runs[full_name(table, "latency", entry.setting)]
        mean, low, high = mean_interval(runs["test.cifar10"])
        printed = PRINTED.get(entry.label, (np.nan, np.nan))
        rows.append(
            {
                "search": entry.label,
                "accuracy printed": printed[0],
                "ms printed": printed[1],
                "seeds": len(runs),
                "feasible": int(runs["feasible"].sum()),
                "index": ", ".join(map(str, sorted(set(runs["cell"])))),
                f"test {kind(table)}": float(mean),
                "lo": float(low),
                "hi": float(high),
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
