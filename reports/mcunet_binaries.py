"""What a runtime's code takes in flash beside a network's weights (MCUNet Fig. 6)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchsuite.api import Report, Result
from benchsuite.reports._common import words
from benchsuite.reports._common.searches import Claim
from benchsuite.reports._common.style import (
    PAGE_WIDTH,
    PALETTE,
    SMALL,
    legend_above,
    new_figure,
    panels,
    tidy,
)
from benchsuite.reports._common.verdicts import not_here
from benchsuite.space.cell import connected
from benchsuite.table.table import Table

DEVICE, DATASET = "stm32f746", "cifar10"
NETWORKS = ("mcu", "official")
TFLM, TINY = "tflm_cmsis_nn", "tinyengine"
RUNTIMES = (TFLM, "x_cube_ai", TINY, "own")
CODE, WEIGHTS, RATIO = "code [KiB]", "weights [KiB]", "code / TinyEngine's"
# MCUNet, section 3.2: code size over TinyEngine's, at most; Fig. 6's bars are lost in our text.
PRINTED = {"TF-Lite Micro": 4.5, "CMSIS-NN": 5.0}


def _make(table: Table) -> Result:
    rows = sizes(table)
    return Result(
        tables={"mcunet_binaries": rows},
        figures={"mcunet_binaries": _figure(rows)},
        notes=(
            f"{words.part(DEVICE)}, CIFAR-10, int8. {CODE}: what a runtime has in flash besides "
            "weights, biases and scales, of the cell that needs most: under TFLM the container "
            "with its description of each operator, under X-CUBE-AI a share per operator. Under "
            "TFLM and TinyEngine it is that of published binaries, which hold a small benchmark "
            "application too, less their weights; under X-CUBE-AI a fit to published networks of "
            "15 to 71 operators, beyond which the official network lies; the own kernels are "
            f"compiled, without the calls of them. {WEIGHTS}: median over cells with a path.",
            "Printed: "
            + ", ".join(f"{name} up to {times:.1f} times" for name, times in PRINTED.items())
            + " TinyEngine's code, of networks that the text does not name. TFLM here calls "
            "CMSIS-NN's kernels; CMSIS-NN without an interpreter is no runtime here. TinyEngine's "
            "is one number for every network, though it compiles only what a network uses: the "
            "published binaries leave the same to 1 KiB. No accuracy enters.",
            *(claim.sentence for claim in claims(table)),
        ),
    )


def claims(table: Table) -> list[Claim]:
    """Return what MCUNet says of the size of code, and what the binaries say."""
    rows = sizes(table)
    times = rows.loc[rows["runtime"] == TFLM].set_index("network")[RATIO]
    said = ", ".join(f"{times[name]:.1f} with {words.network(name)}" for name in NETWORKS)
    return [
        Claim(
            "MCUNet",
            "Fig. 6",
            "compiling only what a model uses makes the code up to "
            f"{PRINTED['TF-Lite Micro']:.1f} times smaller than TF-Lite Micro's",
            f"TFLM's is at most {said} times TinyEngine's",
            not_here("both are read from binaries that the claim's authors publish"),
        )
    ]


def sizes(table: Table) -> pd.DataFrame:
    """Return one row per network and runtime: code, over TinyEngine's, and weights."""
    known = {
        (row["skeleton"], row["runtime"]): row["code"] / 1024
        for row in table.provenance["joined"]["devices"]["fits"]
        if (row["device"], row["dataset"]) == (DEVICE, DATASET)
    }
    rows = []
    for network in NETWORKS:
        weights = table.values(f"flash.weights.{DATASET}.{network}")[connected()] / 1024
        for runtime in RUNTIMES:
            code = known[network, runtime]
            rows.append(
                {
                    "network": network,
                    "runtime": runtime,
                    CODE: code,
                    RATIO: code / known[network, TINY],
                    WEIGHTS: float(np.median(weights)),
                    "code / weights": code / float(np.median(weights)),
                }
            )
    return pd.DataFrame(rows)


def _figure(rows: pd.DataFrame) -> Figure:
    figure = new_figure(PAGE_WIDTH, 2.3)
    both = panels(figure, len(NETWORKS), sharey=True)
    for axes, network in zip(both, NETWORKS, strict=True):
        of = rows[rows["network"] == network].iloc[::-1]
        places = np.arange(len(of))
        axes.barh(places, of[CODE], color=PALETTE[0], label="the runtime's code")
        axes.barh(
            places, of[WEIGHTS], left=of[CODE], color="#CCCCCC", label="weights of the median cell"
        )
        ends = of[CODE] + of[WEIGHTS]
        for place, (end, times) in enumerate(zip(ends, of[RATIO], strict=True)):
            axes.text(end, place, f" {times:.1f}x", va="center", fontsize=SMALL)
        axes.set_yticks(places, [words.runtime(name) for name in of["runtime"]])
        axes.set_xlim(right=1.12 * ends.max())
        axes.set_title(f"{words.network(network)} (x: code over TinyEngine's)")
        axes.set_xlabel("flash [KiB]")
        tidy(axes, "x")
    legend_above(figure, both[0], 2)
    return figure


REPORT = Report(
    title="Fig. 6: size of binaries",
    answers="MCUNet (2020), Fig. 6: what the code of runtimes takes in flash",
    make=_make,
    group="MCUNet",
)
