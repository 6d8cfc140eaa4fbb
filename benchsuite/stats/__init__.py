"""Rank statistics between a score and a truth: estimates, bootstrap intervals, noise ceiling.

Everything here is pure: numpy arrays in, frozen records out, no table, no global random state.

Conventions, the same for every function:

- *score* is what is judged (a proxy, an estimate); *truth* is what it is judged by, and of a truth
  more is better (negate an error or a latency before it is used as a truth).
- `direction="min"` says that of the score less is better: the statistic is that of the negated
  score. A negative result stays negative; nothing takes an absolute value.
- A value that is NaN or infinite is missing. A cell with a missing value in either argument is left
  out of that pair, and counted.
- A statistic that is not defined (fewer than two cells, one side constant) is NaN with a reason.
- An interval and a p-value need twenty cells or more (`benchsuite.stats.intervals`), else they are
  NaN.
"""

from benchsuite.stats.ceiling import NoiseCeiling, SeedPair, noise_ceiling
from benchsuite.stats.correlation import (
    Correlation,
    Direction,
    kendall,
    partial_kendall,
    spearman,
    top_k,
    top_k_kendall,
    weighted_kendall,
)
from benchsuite.stats.resampling import (
    Bootstrap,
    PairedTest,
    bootstrap,
    enough_resamples,
    kendall_bootstrap,
    paired_kendall_test,
)

__all__ = [
    "Bootstrap",
    "Correlation",
    "Direction",
    "NoiseCeiling",
    "PairedTest",
    "SeedPair",
    "bootstrap",
    "enough_resamples",
    "kendall",
    "kendall_bootstrap",
    "noise_ceiling",
    "paired_kendall_test",
    "partial_kendall",
    "spearman",
    "top_k",
    "top_k_kendall",
    "weighted_kendall",
]
