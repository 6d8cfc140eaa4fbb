"""The brackets of Hyperband: how many cells start, and how many are kept at each rung.

Source: Li et al., "Hyperband", JMLR 2018, algorithm 1, in the form of HpBandSter
(`optimizers/bohb.py`), which BOHB's published results use.
"""

from __future__ import annotations

import math
from collections.abc import Iterator


def brackets(least: float, most: float, eta: int) -> Iterator[list[int]]:
    """Yield for ever the sizes of the rungs of each bracket, from the widest to the narrowest.

    least, most: budgets of the first and last rung; eta: one in how many is kept.
    """
    rungs = int(math.log(most / least) / math.log(eta) + 1e-9) + 1
    while True:
        for s in reversed(range(rungs)):
            n = rungs // (s + 1) * eta**s
            yield [max(n // eta**i, 1) for i in range(s + 1)]
