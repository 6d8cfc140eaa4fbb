"""Predicted against measured latency on real boards, with the figures' sources."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from benchsuite.api import Report, Result
from benchsuite.errors import UserError
from benchsuite.reports._common import words
from benchsuite.reports._common.style import PALETTE, SMALL, new_figure, tidy
from benchsuite.table.table import Table

_COLUMNS = (
    *("board", "core", "runtime", "n", "families", "clock_stated", "mae_ms", "mape", "bias"),
    *("mape_family_out", "bias_family_out", "spearman", "tau", "spearman_family_out"),
    *("tau_family_out", "note"),
)
_OF_VERSIONS = (
    *("board", "runtime", "version", "goal", "n", "families", "factor_rows", "mape", "bias", "tau"),
    *("mape_family_out", "bias_family_out"),
)
_OF_CORES = (
    *("core", "runtime", "n", "models", "families", "mape", "bias", "tau", "mape_family_out"),
    "tau_family_out",
)
_FAMILY_MARKERS = "osD^v<>P*Xp"


def _make(table: Table) -> Result:
    footer = table.provenance.get("joined", {}).get("devices", {})
    about = footer.get("validation")
    if about is None:
        raise UserError(
            "This table holds no comparison with measured boards; `benchsuite table` writes one "
            "that does."
        )
    points = pd.DataFrame(about["points"]).astype({"family_out": float})
    rows = pd.DataFrame(about["rows"])[list(_COLUMNS)]
    beyond = footer["extrapolation"]
    left_out = "; ".join(f"{count} figures: {why}" for why, count in about["left_out"].items())
    return Result(
        tables={
            "device_validation": rows.drop(columns="note"),
            "device_validation_cores": _cores(pd.DataFrame(about["cores"]), points),
            "device_validation_versions": pd.DataFrame(about["versions"])[list(_OF_VERSIONS)],
            "device_validation_energy": pd.DataFrame(footer["power"]).astype(
                {"energy_error": float}
            ),
            "device_validation_points": points,
            "device_validation_shares": pd.DataFrame(beyond["shares"]),
            "device_validation_beyond": pd.DataFrame(beyond["operators"]),
        },
        figures={"device_validation": _figure(points)},
        notes=(
            "mape_family_out, bias_family_out and tau_family_out: each family of models is "
            "predicted from coefficients that never saw it. Counted runtimes were fitted to no "
            "network, so for them nothing changes, but for microTVM and TFLM 2.3.1, which are the "
            "counts times one factor. Measured figures are other people's, published for boards; "
            "the source is in each row of device_validation_points. n: measurements, of which one "
            "model may have many (boards, versions, submitters); models: how many there are. bias: "
            "mean of predicted over measured, less 1.",
            "device_validation_versions: goal is what X-CUBE-AI was set to optimise where the "
            "source says it; factor_rows, how many figures the factor of that core and version "
            "rests on. 9.0 and 10.2 share one. The promise is an error on families left out "
            "of 9 % on Cortex-M7 under X-CUBE-AI and of 10 % on every other pair of board and "
            "runtime.",
            "device_validation_energy: mean power of every set-up of MLPerf Tiny [W], least and "
            "most of a model; left_out: the error of a model's power by the mean of the others; "
            "energy_error: of latency, predicted without the model's family, times that power.",
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


def _cores(rows: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    """Return the rows per core and runtime, with how many models their measurements are of."""
    by = ["core", "runtime"]
    models = points.groupby(by)["model"].nunique().rename("models").reset_index()
    return rows.merge(models, on=by, how="left", validate="one_to_one")[list(_OF_CORES)]


def _figure(points: pd.DataFrame) -> Figure:
    figure = new_figure(4.6, 5.7)
    axes = figure.add_subplot()
    shown = points["family_out"].fillna(points["predicted"]) * 1e3
    runtimes = sorted(points["runtime"].unique())
    families = sorted(points["family"].unique())
    for runtime, colour in zip(runtimes, PALETTE, strict=False):
        for family, marker in zip(families, _FAMILY_MARKERS, strict=False):
            of = (points["runtime"] == runtime) & (points["family"] == family)
            x, y = points["measured"][of] * 1e3, shown[of]
            axes.plot(x, y, marker, color=colour, markersize=4, alpha=0.7)
    both = np.concatenate([points["measured"] * 1e3, shown])
    ends = np.array([both.min() * 0.8, both.max() * 1.25])
    axes.plot(ends, ends, color=PALETTE[-1], linewidth=0.8)
    axes.fill_between(ends, ends * 0.8, ends * 1.2, color=PALETTE[-1], alpha=0.15, linewidth=0)
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends, aspect="equal")
    axes.set_xlabel("measured latency [ms]")
    axes.set_ylabel("predicted latency, family left out [ms]")
    of_runtimes: list[Artist] = [
        Line2D([], [], color=colour, linewidth=3, label=f"{words.runtime(runtime)} ({count})")
        for runtime, colour in zip(runtimes, PALETTE, strict=False)
        for count in [(points["runtime"] == runtime).sum()]
    ]
    of_runtimes.append(Patch(color=PALETTE[-1], alpha=0.15, label="within 20 %"))
    of_families: list[Artist] = [
        Line2D([], [], color="k", marker=marker, linestyle="", markersize=4, label=family)
        for family, marker in zip(families, _FAMILY_MARKERS, strict=False)
    ]
    figure.legend(
        handles=_in_columns(of_runtimes, of_families),
        loc="outside upper center",
        ncols=3,
        frameon=False,
        fontsize=SMALL - 1,
    )
    tidy(axes)
    return figure


def _in_columns(first: list[Artist], others: list[Artist]) -> list[Artist]:
    """Return the keys of a legend of three columns, of which the first holds some alone."""
    height = max(len(first), -(-len(others) // 2))
    empty: list[Artist] = [Line2D([], [], linestyle="", label=" ") for _ in range(3 * height)]
    padded = [*first, *empty[len(first) : height], *others]
    return [*padded, *empty[len(padded) :]]


REPORT = Report(
    title="Latency models and real boards",
    answers="how far the simulated latencies are from measured ones",
    make=_make,
)
