"""What looking at a score costs a search: the processor seconds that computing it took."""

from __future__ import annotations

import re
from itertools import accumulate, count, takewhile

import numpy as np
from numpy.typing import NDArray

from benchsuite.table.columns import stem
from benchsuite.table.table import Table

Array = NDArray[np.float64]

_ALONE = "seconds.alone."
_OF_REPEATS = re.compile(r"(.+?)(?:\.(r\d+|std))?")


def measured_seconds(table: Table) -> dict[str, Array]:
    """Return, by column of a score, the seconds per cell [15625] that computing it alone took.

    Read from `seconds.alone.<proxy>`, or `seconds.alone.<proxy>.<label>` for scores of other
    settings, which hold for all outputs of the proxy and for one repeat: the mean of several, and
    their deviation, cost them all. 0 where nothing was run. A proxy of which the table holds no
    time is left out.
    """
    alone = {stem(name).removeprefix(_ALONE): name for name in table.columns if _ALONE in name}
    labels = {timed.partition(".")[2] for timed in alone} - {""}
    found, priced = {}, dict[tuple[str, int], Array]()
    for name, column in table.columns.items():
        if column.kind not in ("proxy", "detail"):
            continue
        ends = (f".{label}" for label in labels if column.stem.endswith(f".{label}"))
        label = next(ends, "")
        of_repeat = _OF_REPEATS.fullmatch(column.stem.removesuffix(label))
        assert of_repeat is not None
        score, repeat = of_repeat.groups()
        heads = accumulate(score.split("."), lambda head, output: f"{head}.{output}")
        timed = [alone[head + label] for head in heads if head + label in alone][-1:]
        if not timed:
            continue
        single = (f"{score}.r{number}{label}@{column.version}" for number in count())
        several = sum(takewhile(bool, (one in table.columns for one in single)))
        repeats = 1 if (repeat or "").startswith("r") else max(1, several)
        of = timed[0], repeats
        if of not in priced:  # outputs of one proxy share it
            priced[of] = repeats * np.nan_to_num(table.values(timed[0]))
        found[name] = priced[of]
    return found
