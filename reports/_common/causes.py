"""Why a published correlation differs from ours: settings that were run, and what each changes."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from benchsuite.ranking.correlations import mask
from benchsuite.reports._common import effects
from benchsuite.reports._common.effects import BASE, Effect, Runs
from benchsuite.reports._common.tables import accuracy
from benchsuite.space.cell import CONV1, CONV3, EDGES, N_CELLS, OPS, Cell, all_ops, connected
from benchsuite.space.network import Network, Skeleton, build
from benchsuite.table.columns import DATASETS
from benchsuite.table.table import Table

Floats = NDArray[np.float64]
NOT_FOUND = "cause not found"
PORT = "Tybl & Neumann, CVPR 2025"
FIRST = "Abdelfattah et al., ICLR 2021"
DEEPLITE = "Deeplite"
GRAD_SIGN = "Zhang & Jia, GradSign"
DEAD, HALF, APART = "dead", "half", "ntk_full_apart"


@dataclass(frozen=True)
class Setting:
    """What a setting is held against, and where the scores of both lie.

    base: the setting of the sample that it is held against; label: where both are columns of the
    table, the label of its own; drawn: of so many of all cells by seed 0, 0 for every cell with
    both scores. heads: classes of the head, by whose network's trained weights the score is
    divided, 0 for none. datasets: for which it says something. judged: the accuracy that it is held
    against, where that is another. file: of `data/sampled`, that holds it; held against the table,
    on the file's cells, where that is not the one that holds the base. unconnected: what the source
    scores cells without a path, which are ranked last here then; None where they are left out.
    """

    base: str = BASE
    file: str = "settings"
    label: str | None = None
    drawn: int = 0
    heads: int = 0
    datasets: tuple[str, ...] = DATASETS
    judged: str = ""
    unconnected: float | None = None


OF_SAMPLE = Setting()
SETTINGS = {
    DEAD: Setting(label="", drawn=1000, heads=10),
    HALF: Setting(label="", drawn=1000, datasets=DATASETS[:1], judged="validation"),
    "noise100": Setting(base="noise", heads=100, datasets=("cifar100",)),
    "noise120": Setting(base="noise", heads=120, datasets=("imagenet16-120",)),
    # Their code: -100,000 where there is no condition number, signs of gradients that are 0.
    APART: Setting(file="apart", unconnected=-np.inf),
    "sign10_apart": Setting(file="apart", heads=10, datasets=("cifar10",), unconnected=0),
    "sign100_apart": Setting(file="apart", heads=100, datasets=("cifar100",), unconnected=0),
    "sign120_apart": Setting(file="apart", heads=120, datasets=("imagenet16-120",), unconnected=0),
    "unpruned": Setting(label="unpruned"),
    "unpruned_px32": Setting(label="unpruned_px32"),
}


@dataclass(frozen=True)
class Cause:
    """What explains a gap, in words; whether it is all of it."""

    words: str
    whole: bool = False


@dataclass(frozen=True)
class Tried:
    """A setting, the definition that was scored in it, and both in words."""

    setting: str
    proxy: str
    words: str
    sources: tuple[str, ...] = ()


def _of(proxy: str, *settings: tuple[str, str], sources: tuple[str, ...] = ()) -> list[Tried]:
    return [Tried(setting, proxy, words, sources) for setting, words in settings]


_PIXELS = ("px32", "32 pixels")
_KAIMING = ("kaiming", "Kaiming weights")
_NOISE = ("noise", "noise for images")
_UNPRUNED = ("unpruned", "the unpruned network")
_COUNTED = "weights of dead operators counted, as zeros"
_ITS_OWN = "each cell on weights and images of its own"
# By proxy, what was run of what a paper's code, or one that does not say, may do otherwise.
TRIED: dict[str, list[Tried]] = {
    "naswot": [
        *_of("naswot", _UNPRUNED, _NOISE, _KAIMING, _PIXELS),
        *_of("naswot", ("naswot_published", "noise, the unpruned network and Kaiming weights")),
    ],
    "zen": _of("zen", _UNPRUNED, _PIXELS, ("unpruned_px32", "the unpruned network and 32 pixels")),
    "vkdnw_single": _of("vkdnw_single", _UNPRUNED, _PIXELS),
    "te_nas": [
        Tried("ntk_full", "ntk_full", "K_0 of the full network, no regions"),
        Tried(
            APART,
            "ntk_full",
            f"K_0 of the full network, no regions, batch 64, {_ITS_OWN}",
            (PORT,),
        ),
    ],
    "grad_norm_global": [
        Tried(BASE, "grad_norm_every", "BN and biases in the norm"),
        *_of("grad_norm_global", _NOISE, _KAIMING, _PIXELS),
        Tried("global_published", "grad_norm_every", "noise, Kaiming weights, BN and biases"),
    ],
    "grad_norm": [
        *_of("grad_norm", _KAIMING, _PIXELS),
        Tried(
            BASE,
            "grad_norm_every",
            "one norm over all parameters, BN and biases too",
            (DEEPLITE,),
        ),
    ],
    "grasp": [
        *_of("grasp", _PIXELS),
        *_of("grasp", _KAIMING, sources=(PORT, DEEPLITE)),
        Tried(
            "grasp_published",
            "grasp",
            "double precision, 32 pixels and Kaiming weights",
            (PORT, DEEPLITE),
        ),
    ],
    "grad_sign": _of(
        "grad_sign",
        (HALF, "networks trained on half of the images, by their validation accuracy"),
        sources=(GRAD_SIGN,),
    ),
    "grad_sign.mean": [
        *_of("grad_sign", (DEAD, _COUNTED)),
        *(
            Tried(name, "grad_sign", words)
            for heads in (10, 100, 120)
            for name, words in (
                (
                    f"noise{heads}",
                    f"they counted, batch 64 and a head of {heads} classes, all on noise",
                ),
                (
                    f"sign{heads}_apart",
                    f"{_COUNTED}, batch 64, a head of {heads} classes, "
                    f"{'random labels, ' * (heads > 10)}{_ITS_OWN}",
                ),
            )
        ),
    ],
    "fisher": [
        Tried(BASE, "fisher_unweighted", "channels without their weights"),
        *_of("fisher", _PIXELS),
    ],
}


TOGETHER = {
    one.words
    for of in TRIED.values()
    for one in of
    if one.setting.endswith("_published")
    or one.setting in ("unpruned_px32", "noise100", "noise120")
    or one.setting.endswith("_apart")
}


def tried(table: Table, proxy: str, source: str, dataset: str) -> Iterator[Tried]:
    """Yield what was run of a proxy that a source may do otherwise than the table."""
    for one in TRIED.get(proxy, ()):
        setting, part = SETTINGS.get(one.setting, OF_SAMPLE), needed(one.proxy)[0]
        if setting.label is None:
            known = (one.setting, part) in effects.runs(setting.file).scores
        else:
            known = bool(columns(table, part, setting.label))
        known = known and dataset in setting.datasets
        if known and (not one.sources or any(source.startswith(name) for name in one.sources)):
            yield one


def measured(
    table: Table,
    proxy: str,
    one: Tried,
    dataset: str,
    rule: str,
    metric: str,
    named: str,
) -> Effect:
    """Return what a setting adds to a proxy's correlation, on the cells of the sample that a rule
    for cells keeps; of `abs_spearman` to its size. named: the accuracy that it is held against.
    """
    here, there, cells = pair(table, proxy, one.setting, one.proxy)
    unconnected = SETTINGS.get(one.setting, OF_SAMPLE).unconnected
    if unconnected is not None:
        dead = ~connected()[cells]
        here, there = _below(here), np.where(dead, unconnected, there)
        there = _below(np.where(np.isneginf(there), np.nan, there))
    kept = mask(rule)[cells]
    truth = accuracy(table, dataset, named)[cells]
    judged = SETTINGS.get(one.setting, OF_SAMPLE).judged or named
    theirs = accuracy(table, dataset, judged)[cells]
    found = effects.effect(here[:, kept], there[:, kept], truth[kept], metric, theirs[kept])
    if metric == "abs_spearman" and found.before < 0:
        turned = (-found.before, -found.value, -found.samples)
        return Effect(*turned, found.n, found.repeats)
    return found


def cause(
    table: Table,
    proxy: str,
    source: str,
    gaps: tuple[float, float],
    near: float,
    of: tuple[str, str, str, str],
) -> Cause:
    """Return what explains a gap, theirs less ours, of what was run; else `NOT_FOUND`.

    gaps: without cells that have no score, and with these ranked last; a setting that scores them
    is held against the latter, others against the less. of: dataset, rule for cells, metric and
    accuracy. A setting is a cause if its effect has the
    sign of the gap and an interval without zero; it is all of it if what it leaves is within
    `near`, or if its interval holds the gap and what it leaves is less than half of it: an interval
    that is wide explains nothing by that. Where several settings move the correlation and were not
    run together, none is all of it; where what a source does was run together and is no cause, no
    part of it is.
    """
    found = []
    for one in tried(table, proxy, source, of[0]):
        every = SETTINGS.get(one.setting, OF_SAMPLE).unconnected is not None
        gap = gaps[1] if every else min(gaps, key=abs)
        found.append((one.words, measured(table, proxy, one, *of), gap))
    if not found:
        return Cause(f"{NOT_FOUND}: nothing was tried")
    sure = [one for one in found if one[1].low > 0 or one[1].high < 0]
    moving = [one for one in sure if one[1].value * one[2] > 0]
    together = {words for words, _, _ in found} & TOGETHER
    if together:
        moving = [one for one in moving if one[0] in together]
    if not moving:
        said = "; ".join(f"{words} {moved}" for words, moved, _ in found)
        return Cause(f"{NOT_FOUND}: tried {said}")
    words, best, gap = min(moving, key=lambda one: abs(one[2] - one[1].value))
    left = gap - best.value
    whole = abs(left) <= near or (best.low <= gap <= best.high and abs(left) < abs(gap) / 2)
    rest = f"in part, leaves {left:+.3f}" if left * gap > 0 else f"more than it, by {-left:+.3f}"
    rest = "all of it" if whole else rest
    if len(sure) > 1 and words not in TOGETHER:
        rest, whole = "one of several that move it, not run together", False
    others = "; ".join(f"{name} {moved}" for name, moved, _ in found if name != words)
    alone = f"; besides: {others}" * bool(others)
    return Cause(f"{words} {best}: {rest}{alone}", whole)


def _below(scores: Floats) -> Floats:
    """Return scores [repeats, cells] in which a missing one is below all others."""
    return np.where(np.isnan(scores), np.nanmin(scores, axis=1, keepdims=True) - 1, scores)


def pair(
    table: Table, proxy: str, setting: str, variant: str
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Return a proxy's scores [repeats, cells] in the base, a variant's in a setting, and the cells
    that both have: a setting of fewer cells has the first of them.
    """
    of = SETTINGS.get(setting, OF_SAMPLE)
    if of.label is None:
        runs = effects.runs(of.file)
        there = scores(table, runs, setting, variant)
        if of.file == OF_SAMPLE.file:
            here = scores(table, runs, of.base, proxy)
        else:
            here = _of_table(table, proxy, "", runs.cells)
        n = min(here.shape[1], there.shape[1])
        here, there, cells = here[:, :n], there[:, :n], runs.cells[:n]
    else:
        cells = np.arange(N_CELLS)
        if of.drawn:
            cells = np.random.default_rng(0).choice(N_CELLS, of.drawn, replace=False)
        found = [
            _of_table(table, name, label, cells)
            for name, label in ((proxy, ""), (variant, of.label))
        ]
        known = np.isfinite(found).all(axis=(0, 1))
        cells = cells[known]
        here, there = (one[:, known] for one in found)
    return here, there / trained_weights(of.heads)[cells] if of.heads else there, cells


def _of_table(table: Table, proxy: str, label: str, cells: NDArray[np.int64]) -> Floats:
    """Return the repeats of a proxy [repeats, cells] that the table holds, more being better."""
    parts = [columns(table, part, label) for part in needed(proxy)]
    found = [np.array([table.values(name)[cells] for name in part]) for part in parts]
    return whole(table, proxy, found, cells)


@functools.cache
def trained_weights(heads: int = 10) -> Floats:
    """Return the weights of convolutions and classifier of every cell's network as it is trained.

    [15625]; dead operators included. heads: classes.
    """
    single = [(0,) * len(EDGES), *((op, *(0,) * (len(EDGES) - 1)) for op in (CONV1, CONV3))]
    skeleton = Skeleton(resolution=4, classes=heads)
    bare, one, three = (_weights(build(Cell(ops), skeleton)) for ops in single)
    of_op = np.zeros(len(OPS))
    of_op[[CONV1, CONV3]] = one - bare, three - bare
    return np.asarray(bare + of_op[all_ops()].sum(axis=1))


def _weights(network: Network) -> int:
    layers = network.layers
    return sum(
        layer.shape[0] * layers[layer.inputs[0]].shape[0] * layer.kernel**2
        for layer in layers
        if layer.kind in ("conv", "linear")
    )


def scores(table: Table, runs: Runs, setting: str, proxy: str) -> Floats:
    """Return a proxy's scores [repeats, cells] in a setting, turned so that more is better."""
    found = [runs.scores[setting, part] for part in needed(proxy)]
    return whole(table, proxy, found, runs.cells[: found[0].shape[1]])


def whole(table: Table, proxy: str, found: Sequence[Floats], cells: NDArray[np.int64]) -> Floats:
    """Return a proxy's scores [repeats, cells] of what makes it, turned so that more is better."""
    if proxy == "vkdnw_single":
        return table.values("tensors")[cells] + found[0]
    if proxy == "te_nas":
        condition, regions = np.where(np.isfinite(found).all(axis=0), found, np.nan)
        ranks = [rankdata(part, axis=1, nan_policy="omit") for part in (-condition, regions)]
        return np.asarray(sum(ranks))
    return -found[0] if proxy.startswith("ntk_") else found[0]


def columns(table: Table, part: str, label: str) -> list[str]:
    """Return the columns of a score's single repeats under a label of settings."""
    end = f".{label}" if label else ""
    name = re.compile(rf"{re.escape(part)}\.r\d+{re.escape(end)}@\d+")
    return sorted(column for column in table.columns if name.fullmatch(column))


def needed(proxy: str) -> tuple[str, ...]:
    """Return what of the sample's scores makes a proxy."""
    return {
        "vkdnw_single": ("vkdnw",),
        "te_nas": ("ntk_cond.k0", "linear_regions.n3000"),
    }.get(proxy, (proxy,))
