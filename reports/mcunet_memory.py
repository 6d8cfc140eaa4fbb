"""Memory layer by layer of found cells and of a block made by hand (MCUNet Fig. 11)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchsuite.api import Outcome, Report, Result
from benchsuite.deployment.graph import graph
from benchsuite.deployment.liveness import live_in_order
from benchsuite.reports._common.searches import LEVEL, Claim, interval, spelt, spread
from benchsuite.reports._common.style import PAGE_WIDTH, PALETTE, new_figure, panels, tidy
from benchsuite.reports._common.tables import about_accuracy
from benchsuite.reports._common.verdicts import above, not_here
from benchsuite.reports.edgenas_platforms import BY_HAND
from benchsuite.space.cell import Cell
from benchsuite.space.deploy import deploy
from benchsuite.space.network import Skeleton
from benchsuite.stats import intervals
from benchsuite.table.table import Table

STUDY, SEARCH = "tinynas_limits", "TinyEngine, 56 KiB"
SMALL = Skeleton(cells_per_stage=1)
# Blocks of the first two stages: a stage, its residual block, the next stage.
FIRST, PRINTED = 3, 2.2


def blocks(cell: Cell) -> dict[str, int]:
    """Return the most memory [bytes] that lives during any layer of a block, block by block."""
    network = deploy(cell, SMALL)
    found: dict[str, int] = {}
    for layer, live in zip(network.layers, live_in_order(graph(network)), strict=True):
        block = layer.name.split(".")[0]
        if block.startswith(("stage", "reduce")):
            found[block] = max(found.get(block, 0), live)
    return found


def imbalance(cell: Cell) -> float:
    """Return the largest block's memory over the mean of blocks of the first two stages."""
    sizes = list(blocks(cell).values())[:FIRST]
    return max(sizes) / float(np.mean(sizes))


def _make(table: Table, outcomes: Mapping[str, Outcome]) -> Result:
    outcome = outcomes[STUDY]
    picks = _picks(outcome)
    return Result(
        tables={"mcunet_memory": _rows(picks)},
        figures={"mcunet_memory": _figure(picks)},
        notes=(
            about_accuracy(table),
            f"{SEARCH}: the answers of {len(picks)} seeds, {len(set(picks))} different ones. "
            "Memory: bytes that live while a layer runs, in the order as written and nothing in "
            "place, the most of each block, other buffers of a runtime left out; one cell per "
            "stage. The search bounds another number, the peak in the best order with additions in "
            "place plus TinyEngine's buffer, so that a block drawn here may be above its 56 KiB. "
            "imbalance: the "
            "largest block over the mean of the blocks of the first two stages, as the paper draws "
            f"them; lo, hi: {LEVEL}. Printed: {PRINTED} for a MobileNetV2 of width 0.3. Here a "
            "skeleton halves the memory at each stage, whatever the cell.",
            *(claim.sentence for claim in claims(table, outcomes)),
        ),
    )


def claims(table: Table, outcomes: Mapping[str, Outcome]) -> list[Claim]:
    """Return what MCUNet says of memory by block, and what found cells say."""
    by_hand = imbalance(Cell.from_arch(BY_HAND))
    found = np.array([imbalance(Cell.from_index(at)) for at in _picks(outcomes[STUDY])])
    gap = intervals.mean(by_hand - found)
    alike = gap.n == 1
    return [
        Claim(
            "MCUNet",
            "Fig. 11",
            "the network that TinyNAS finds has a more balanced memory by block than one by hand",
            f"the largest block is {by_hand:.2f} times the mean in the ResNet block's network, and "
            + (
                f"{found[0]:.2f} times in every one found"
                if alike
                else f"{spread(intervals.mean(found))} times in those found"
            ),
            not_here("the imbalance of every seed's cell is alike: n is 1")
            if alike
            else above(gap, unit="of the mean"),
        )
    ]


def _picks(outcome: Outcome) -> list[int]:
    return outcome.runs.loc[outcome.runs["search"] == SEARCH, "cell"].astype(int).tolist()


def _rows(picks: list[int]) -> pd.DataFrame:
    rows = []
    for name, cells in (("ResNet block", [Cell.from_arch(BY_HAND).index]), (SEARCH, picks)):
        every = [Cell.from_index(at) for at in cells]
        by_block = pd.DataFrame([blocks(cell) for cell in every]).mean() / 1024
        rows.append(
            {
                "network": name,
                "n": len(every),
                **{f"{_called(str(block))} [KiB]": float(size) for block, size in by_block.items()},
                **spelt("imbalance", interval([imbalance(cell) for cell in every]), "lo", "hi"),
            }
        )
    return pd.DataFrame(rows)


def _called(block: str) -> str:
    """Return a block's name with its number, from 1, apart: `stage 1`."""
    number = block.lstrip("abcdefghijklmnopqrstuvwxyz")
    word = block.removesuffix(number)
    # Stages count from 0, the reductions between them from 1.
    return f"{word} {int(number) + (word == 'stage')}" if number else block


def _figure(picks: list[int]) -> Figure:
    figure = new_figure(PAGE_WIDTH, 2.6)
    both = panels(figure, 2, sharey=True)
    for axes, colour, title, at in (
        (both[0], PALETTE[1], "ResNet block", Cell.from_arch(BY_HAND).index),
        (both[1], PALETTE[0], f"TinyNAS, seed 0: cell {picks[0]}", picks[0]),
    ):
        network = deploy(Cell.from_index(at), SMALL)
        live = np.array(live_in_order(graph(network))) / 1024
        names = [layer.name.split(".")[0] for layer in network.layers]
        axes.bar(range(len(live)), live, color=colour)
        starts = [i for i in range(len(names)) if i == 0 or names[i] != names[i - 1]]
        shown = [i for i in starts if names[i].startswith(("stage", "reduce"))]
        axes.set_xticks(shown, [_called(names[i]) for i in shown], rotation=45, ha="right")
        axes.set_xlabel("layers in their order")
        axes.set_title(title)
        tidy(axes, "y")
    both[0].set_ylabel("memory while a layer runs [KiB]")
    return figure


REPORT = Report(
    title="Fig. 11: memory by layer",
    answers="MCUNet (2020), Fig. 11: is memory more balanced in the networks that TinyNAS finds?",
    make=_make,
    group="MCUNet",
    studies=(STUDY,),
)
