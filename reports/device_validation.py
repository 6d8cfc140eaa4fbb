"""Predicted against measured latency on real boards, with the figures' sources."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from benchsuite.api import Report, Result
from benchsuite.errors import UserError
from benchsuite.reports._common.style import PALETTE, new_figure
from benchsuite.table.table import Table

_COLUMNS = (
    *("board", "core", "runtime", "n", "families", "clock_stated", "mae_ms", "mape"),
    *("mape_family_out", "spearman", "tau", "spearman_family_out", "tau_family_out", "note"),
)


def _make(table: Table) -> Result:
    about = table.provenance.get("joined", {}).get("devices", {}).get("validation")
    if about is None:
        raise UserError(
            "This table holds no comparison with measured boards; `benchsuite table` writes one "
            "that does."
        )
    points = pd.DataFrame(about["points"]).astype({"family_out": float})
    rows = pd.DataFrame(about["rows"])[list(_COLUMNS)]
    beyond = table.provenance["joined"]["devices"]["extrapolation"]
    left_out = "; ".join(f"{count} figures: {why}" for why, count in about["left_out"].items())
    return Result(
        tables={
            "device_validation": rows.drop(columns="note"),
            "device_validation_points": points,
            "device_validation_shares": pd.DataFrame(beyond["shares"]),
            "device_validation_beyond": pd.DataFrame(beyond["operators"]),
        },
        figures={"device_validation": _figure(points)},
        notes=(
            "mape_family_out, spearman_family_out and tau_family_out: each family of models is "
            "predicted from coefficients that never saw it. Counted runtimes were fitted to no "
            "network, so for them nothing changes. Measured figures are other people's, published "
            "for boards; the source is in each row of device_validation_points.",
            f"Left out: {left_out}.",
            "device_validation_shares: which share of the cycles of all cells is exact (this very "
            "shape was counted), interpolated (by coefficients, between the operators that a table "
            "or the networks of a fit hold), extrapolated (beyond them), or not identified: local "
            "average pooling under fitted runtimes, and TinyEngine's dense convolutions and "
            "additions, which no measured network holds; TFLM's counts price them. "
            "device_validation_beyond: the operators of cells that are extrapolated or not "
            "identified; inputs: channels and size of what they read.",
            *(
                f"Fails: {row.board}, {row.runtime}: {row.note}."
                for row in rows[rows["note"] != ""].itertuples()
            ),
        ),
    )


def _figure(points: pd.DataFrame) -> Figure:
    figure = new_figure(5.0, 4.0)
    axes = figure.add_subplot()
    runtimes = sorted(points["runtime"].unique())
    for runtime, colour, marker in zip(runtimes, PALETTE, "osD^v", strict=False):
        of = points[points["runtime"] == runtime]
        axes.plot(
            of["measured"] * 1e3,
            of["family_out"].fillna(of["predicted"]) * 1e3,
            marker,
            color=colour,
            markersize=4,
            alpha=0.7,
            label=f"{runtime} ({len(of)})",
        )
    ends = points["measured"].min() * 0.8e3, points["measured"].max() * 1.25e3
    axes.plot(ends, ends, color=PALETTE[-1], linewidth=0.8)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("measured latency [ms]")
    axes.set_ylabel("predicted latency, family left out [ms]")
    axes.grid(linewidth=0.3)
    axes.legend(frameon=False, fontsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure


REPORT = Report(
    title="Latency models and real boards",
    answers="how far the simulated latencies are from measured ones",
    make=_make,
)
