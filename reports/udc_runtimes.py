"""Search costs that UDC states of itself and others, and whether they agree (UDC Table 5)."""

from __future__ import annotations

import pandas as pd

from benchsuite.api import Report, Result
from benchsuite.reports._common.tables import published
from benchsuite.table.table import Table

IMAGES, COMMON = 1.28e6, 460  # UDC, section 6 and Table 5: ImageNet's training images; images / s.
_DAY = 24 * 3600


def _make(table: Table) -> Result:
    return Result(
        tables={"udc_runtimes": _rows()},
        notes=(
            f"As printed, and what {IMAGES:,.0f} images an epoch at {COMMON} a second come to. "
            "FBNet searches on a tenth of the classes, which `share` says. No search and no cell "
            f"enters. Where `GPU days at {COMMON} images / s` and `days implied` differ by more "
            "than rounding, the statements do: the printed days of UDC, MCUNet and the others are "
            "those of their epochs; FBNet's are too.",
        ),
    )


def _rows() -> pd.DataFrame:
    rows = published("udc_runtimes")
    seconds = rows["search epochs"] * rows["share"] * IMAGES / COMMON
    rows["days implied"] = seconds / _DAY
    rows["printed over implied"] = rows["GPU days at 460 images / s"] / rows["days implied"]
    return rows


REPORT = Report(
    title="Table 5: runtimes of algorithms",
    answers="UDC (2022), Table 5: what searches on ImageNet cost, as stated, and as it follows",
    make=_make,
    group="UDC",
)
