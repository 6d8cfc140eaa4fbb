"""The entropy bound of a compressed network beside codes that exist (UDC Table 4)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import betaln
from scipy.stats import norm

from benchsuite.api import Report, Result
from benchsuite.reports._common.searches import Claim
from benchsuite.reports._common.tables import published
from benchsuite.reports._common.verdicts import not_here
from benchsuite.reports.udc_size import _CELL, _constants, bits_per_weight
from benchsuite.table.table import Table

BITS = (2, 4, 8)
NON_ZERO = (0.5, 0.3, 0.1)


def _make(table: Table) -> Result:
    rows = _rows()
    weights, _ = _constants()
    printed = published("udc").rename(columns=lambda name: name.replace("_mb", " [MB]"))
    printed["ratio bound"] = printed["original [MB]"] / printed["bound [MB]"]
    printed["ratio Vela"] = printed["original [MB]"] / printed["vela [MB]"]
    return Result(
        tables={"udc_coding": rows, "udc_table4": printed},
        notes=(
            f"The {weights:,} weights of cell {_CELL} in the official CIFAR-10 network (n = 1 "
            "network, dead operators removed): quantiles of a normal distribution in an order of "
            "seed 0, the smallest set to zero, the others quantised to b bits with one scale; "
            "codes of trained weights are in udc_number_format.",
            "bound: (4) as printed, b + H(s) bits a weight; mask bound: zeros cost their mask "
            "alone, s b + H(s). arithmetic mask: an adaptive arithmetic coder of the mask (its "
            "exact length is within 2 bits of this) and b bits per non-zero weight; Golomb-Rice: "
            "that mask and the non-zero weights in the best Golomb-Rice code. Vela's "
            "printed sizes are in udc_table4. No accuracy enters.",
            *(claim.sentence for claim in _claims(rows)),
        ),
    )


def claims() -> list[Claim]:
    """Return what UDC says of its bound, and what the codes say."""
    return _claims(_rows())


def _claims(rows: pd.DataFrame) -> list[Claim]:
    gap = (rows["arithmetic mask [MB]"] - rows["mask bound [MB]"]).abs().max()
    return [
        Claim(
            "UDC",
            "Table 4",
            "an arithmetic coder of the mask reaches the bound within two decimals of an MB",
            f"the largest gap is {gap:.6f} MB of {rows['mask bound [MB]'].max():.2f} MB",
            not_here("true by construction: the zeros of the mask are drawn independently"),
        ),
    ]


def _rows() -> pd.DataFrame:
    count, _ = _constants()
    shuffled = np.random.default_rng(0).permutation(norm.ppf((np.arange(count) + 0.5) / count))
    return pd.DataFrame(_row(shuffled, bits, s) for bits in BITS for s in NON_ZERO)


def _row(weights: NDArray[np.float64], bits: int, non_zero: float) -> dict[str, object]:
    levels = quantised(weights, bits, non_zero)
    kept = levels[levels != 0]
    n, k = len(levels), len(kept)
    mask = mask_bits(n, k)
    return {
        "bits": bits,
        "non-zero": k / n,
        "8 bit, dense [MB]": n / 1e6,
        "bound [MB]": n * bits_per_weight(bits, k / n, "printed") / 8e6,
        "mask bound [MB]": n * bits_per_weight(bits, k / n, "mask") / 8e6,
        "arithmetic mask [MB]": (mask + bits * k) / 8e6,
        "Golomb-Rice [MB]": (mask + rice_bits(kept)) / 8e6,
    }


def quantised(weights: NDArray[np.float64], bits: int, non_zero: float) -> NDArray[np.int16]:
    """Return weights as levels: 0 for the smallest, 2^b levels without 0 for the others."""
    size = np.abs(weights)
    least = np.quantile(size, 1 - non_zero)
    half = 2 ** (bits - 1)
    steps = np.clip(np.ceil((size - least) / (size.max() - least) * half), 1, half)
    return np.where(size >= least, np.sign(weights) * steps, 0).astype(np.int16)


def mask_bits(n: int, ones: int) -> float:
    """Return the bits that an adaptive arithmetic coder spends on a mask of n bits.

    -log2 of the product of the predictions (i_x + 1/2) / (i + 1) of each bit x from the i before
    it (Krichevsky & Trofimov 1981), in closed form; a coder's output is at most 2 bits longer.
    """
    return float(-(betaln(ones + 0.5, n - ones + 0.5) - betaln(0.5, 0.5)) / np.log(2))


def rice_bits(levels: NDArray[np.int16]) -> int:
    """Return the bits of non-zero levels in the shortest Golomb-Rice code: sign, then |x| - 1.

    A number q takes (q >> k) + 1 + k bits; k is the best of 0 ... 7.
    """
    size = np.abs(levels.astype(np.int64)) - 1
    return min(int((size >> k).sum()) + len(size) * (k + 2) for k in range(8))


REPORT = Report(
    title="Table 4: entropy bound and codes",
    answers="UDC (2022), Table 4: the bound on the compressed size beside real codes",
    make=_make,
    group="UDC",
)
