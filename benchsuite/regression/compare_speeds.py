"""Compare speeds: processor times in units of a reference's of the same run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from benchsuite.regression.check import Check, Verdict
from benchsuite.regression.tolerances import Tolerances

if TYPE_CHECKING:
    import pandas as pd


def compare_speeds(
    before: pd.DataFrame, after: pd.DataFrame, allowed: Tolerances
) -> Iterator[Check]:
    """Yield one check per timed thing of the earlier run.

    Slower than allowed is a regression where the intervals of the two ratios bear it: the logarithm
    of their quotient exceeds the root of the sum of the squared half-widths. Where they are too
    wide for that, it cannot be told.
    """
    later = _by_name(after)
    for name, old in _by_name(before).items():
        new = later.get(name)
        if new is None:
            yield Check("speeds", name, "untold", "It is not timed any more.")
        elif old["reference"] != new["reference"]:
            what = f"Its reference was {old['reference']} and is {new['reference']}: not compared."
            yield Check("speeds", name, "untold", what)
        elif not (_timed(old) and _timed(new)):
            what = f"Its ratio was {old['ratio']:g} and is {new['ratio']:g}: no ratio of times."
            yield Check("speeds", name, "untold", what)
        else:
            yield _compared(name, old, new, allowed.of("speeds", name).slower)


def _compared(name: str, old: Mapping[str, Any], new: Mapping[str, Any], limit: float) -> Check:
    slower = new["ratio"] / old["ratio"]
    text = (
        f"It takes {new['ratio']:.3g} [{new['low']:.3g}, {new['high']:.3g}] times the "
        f"reference, and took {old['ratio']:.3g} [{old['low']:.3g}, {old['high']:.3g}]: "
        f"{slower:.2f} times as long as before (limit {limit:g})."
    )
    verdict: Verdict = "within"
    if slower > limit:
        sure = math.hypot(_width(new["low"], new["ratio"]), _width(old["ratio"], old["high"]))
        if math.log(slower) > sure:
            verdict, text = "regression", f"It became slower. {text}"
        else:
            verdict, text = "untold", f"It looks slower, but the times scatter too much. {text}"
    elif slower < 1 / limit and new["high"] < old["low"]:
        verdict = "changed"
    numbers = {"before": old["ratio"], "after": new["ratio"], "slower": slower, "limit": limit}
    return Check("speeds", name, verdict, text, numbers)


def _by_name(rows: pd.DataFrame) -> dict[str, dict[str, Any]]:
    return {
        str(row["what"]): {str(name): value for name, value in row.items()}
        for row in rows.to_dict("records")
    }


def _timed(row: Mapping[str, Any]) -> bool:
    return bool(0 < row["low"] <= row["ratio"] <= row["high"] < math.inf)


def _width(low: float, high: float) -> float:
    return math.log(high / low)
