"""What `benchsuite devices calibrate` prints."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchsuite.cli import print_wrapped
from benchsuite.reporting.text import print_table, progress

if TYPE_CHECKING:
    from benchsuite.devices._models.calibration import Calibrated

_FAR = 0.25  # three times what families that are left out are off by on average
_SLOW = 200  # rows; pricing a cell takes some milliseconds


@contextmanager
def counted() -> Iterator[Callable[[int], None]]:
    """Yield what is called with the number of rows after each: a bar, if there are many."""
    with progress() as bars:
        tasks: list[Any] = []

        def report(rows: int) -> None:
            if rows < _SLOW:
                return
            if not tasks:
                tasks.append(bars.add_task("Pricing", total=rows))
            bars.advance(tasks[0])

        yield report


def plain(found: Calibrated, out: Path | None) -> dict[str, Any]:
    """Return a calibration as plain values."""
    alone = len(found.networks) == 1
    rows = [asdict(one) for one in found.networks]
    for row in rows if alone else ():
        row["left_out"] = row["error"] = None
    return {
        "device": found.device,
        "runtime": found.runtime,
        "path": None if out is None else str(out),
        "calibration": asdict(found.calibration),
        "coefficients": [asdict(one) for one in found.fit.coefficients],
        "left_out": found.errors,
        "networks": rows,
        "notes": list(found.notes),
    }


def show(found: Calibrated, out: Path | None) -> None:
    """Print a calibration: networks, coefficients, errors, and what the rows do not say."""
    import pandas as pd

    from benchsuite.devices._models.intervals import MANY

    print_table(pd.DataFrame(map(asdict, found.networks)))
    print_wrapped(
        "Milliseconds: measured (mean of the rows), priced before, fitted, and predicted by a fit "
        "without the network; error: that over measured, less 1."
    )
    print_table(
        pd.DataFrame(
            {
                "kinds": ", ".join(one.kinds),
                "coefficient": one.value,
                "standard error": one.error,
                "share": one.share,
            }
            for one in found.fit.coefficients
        )
    )
    of = found.calibration
    for way, error in found.errors.items():
        chosen = "  <- chosen" if way == found.fit.how else ""
        print_wrapped(f"Networks left out, {way}: {error:.1%} off on average{chosen}")
    if of.within is not None:
        print_wrapped(
            f"Of them nine of ten are within {of.within:.1%}, the interval of later estimates."
            if of.networks >= MANY
            else f"All of them are within {of.within:.1%}. Later estimates have no interval, which "
            f"takes {MANY} networks."
        )
    if (off := found.errors.get(found.fit.how, 0.0)) > _FAR:
        print_wrapped(
            f"{off:.0%} off is far: are these the networks that were measured? Cells are taken in "
            "the network that --skeleton and --dataset name."
        )
    for note in found.notes:
        print_wrapped(note)
    if out is not None:
        mine = ["--device", out.stem, "--plugins", str(out.parent.parent)]
        print(f"Wrote {out}. Use it:")
        print(f"  {shlex.join(['benchsuite', 'devices', 'estimate', '6111', *mine])}")
