"""What searches are said to cost, and whether the statements agree (EdgeNAS 4.3)."""

from __future__ import annotations

import pandas as pd

from benchsuite.api import Report, Result
from benchsuite.numerics.ties import argmin
from benchsuite.reports._common.searches import Claim
from benchsuite.reports._common.tables import published
from benchsuite.reports._common.verdicts import exact
from benchsuite.table.table import Table

# EdgeNAS, section 4.3: supernet training, optimisation of the choices, final training.
PARTS = (5.0, 2.5, 0.5)
STATED, REDUCTION = 8.0, 83
PRINTED = "what is printed contradicts itself; nothing was run"
# Method, GPU hours, whether a board is in the loop, and who says so.
OTHERS = (
    ("MCUNet", 48.0, "no", "EdgeNAS, section 4.3"),
    ("MCUNet", 300.0, "no", "Lin et al., MCUNet, appendix"),
    ("reinforcement learning (150+)", 150.0, "yes", "EdgeNAS, section 4.3"),
    ("MnasNet", 40000.0, "yes", "Lin et al., MCUNet, appendix"),
)


def _make(table: Table) -> Result:
    return Result(
        tables={"edgenas_cost": _rows()},
        notes=(
            "GPU hours as the papers state them, on different GPUs and for different data; ratios "
            "compare statements, not measurements. No search and no accuracy enters, and no cell. "
            f"EdgeNAS' {STATED:g} hours are the sum of its parts ({', '.join(map(str, PARTS))}).",
            *(claim.sentence for claim in claims()),
        ),
    )


def claims() -> list[Claim]:
    """Return what EdgeNAS says of its cost, and what the stated hours say."""
    rows = _rows()
    loop = rows[rows["board in the loop"] == "yes"]["EdgeNAS saves [%]"]
    mcunet = rows[rows["method"] == "MCUNet"]
    near = rows.iloc[argmin((rows["EdgeNAS saves [%]"] - REDUCTION).abs(), REDUCTION)]
    hours = mcunet["GPU hours"]
    return [
        Claim(
            "EdgeNAS",
            "abstract",
            f"it takes {REDUCTION} % less than approaches with hardware in the loop",
            f"by its hours at least {loop.min():.1f} % less than those; "
            f"{near['EdgeNAS saves [%]']:.1f} % is against {near['method']} "
            f"({near['GPU hours']:g} h), which has none",
            exact(
                bool((loop.round() == REDUCTION).any()),
                len(loop),
                "a whole percent",
                "all statements of methods with a board in the loop",
                PRINTED,
            ),
            printed_alone=True,
        ),
        Claim(
            "EdgeNAS",
            "section 4.3",
            f"MCUNet's search takes {hours.iloc[0]:g} GPU hours",
            f"MCUNet's own paper says {hours.iloc[1]:g}",
            exact(bool(hours.iloc[0] == hours.iloc[1]), 2, "none", "two statements", PRINTED),
            printed_alone=True,
        ),
    ]


def _rows() -> pd.DataFrame:
    monas = published("monas").drop_duplicates("method").dropna(subset="gpu_hours")
    stated = [("EdgeNAS", STATED, "no", "EdgeNAS, section 4.3"), *OTHERS]
    stated += [
        (str(row["method"]), float(row["gpu_hours"]), "no", "Qiao et al., MONAS, Table 2")
        for row in monas.to_dict("records")
        if row["method"] in ("muNAS", "MONAS baseline", "TE-NAS")
    ]
    return pd.DataFrame(
        {
            "method": method,
            "GPU hours": hours,
            "board in the loop": board,
            "EdgeNAS saves [%]": 100 * (1 - STATED / hours),
            "stated in": source,
        }
        for method, hours, board, source in stated
    )


REPORT = Report(
    title="Section 4.3: search cost",
    answers="EdgeNAS, section 4.3: GPU hours of searches, as stated",
    make=_make,
    group="EdgeNAS",
)
