"""Scores of one fixed sample of cells under other settings, one at a time and together.

`python -m benchsuite.proxies._tabulation.settings --images FILE --out FOLDER` scores what is not
yet there, the most telling first, and goes on where it was stopped; `--minutes 20` stops it by
itself. `--ship FILE` writes what is finished, as one Parquet file with the settings, the images and
the processor seconds in its footer.

The sample (`sampled`): connected cells in random order, those of a class that was met before left
out, the first 160 (of some settings fewer, or more). So cells weigh as they do in the space, and a
class counts once.

`--plan ntk_draws` has the NTK by batch size instead. `--plan apart` draws weights and images anew
for every cell, as a loop over cells that builds a network and takes a batch does: its sample is of
all cells, those of one class too.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import cross_entropy

from benchsuite.api import Passes as Given
from benchsuite.api import Proxy
from benchsuite.errors import UserError
from benchsuite.files import shipped, write_atomically
from benchsuite.notations import json_text
from benchsuite.passes import Rule
from benchsuite.provenance import environment
from benchsuite.proxies._engine.weights import Weights
from benchsuite.proxies._scoring.batch import relabelled
from benchsuite.proxies._scoring.net import Net
from benchsuite.proxies._scoring.passes import Passes
from benchsuite.proxies._tabulation import rows as _rows
from benchsuite.proxies._tabulation.spec import Spec
from benchsuite.proxies._tabulation.tabulate import score_row
from benchsuite.proxies.ntk_cond import kernel
from benchsuite.space.cell import N_CELLS, connected
from benchsuite.space.equivalence import classes
from benchsuite.space.network import Network, Skeleton
from benchsuite.table.table import Table

SIZE, SEED = 160, 0
BEYOND = 100  # repeats, which no table has
LABELS = 77  # of the stream that random labels are drawn from


def sampled(size: int = SIZE, seed: int = SEED) -> list[int]:
    """Return official indices: connected cells in random order, the first of a class each."""
    order = np.random.default_rng(seed).permutation(np.flatnonzero(connected()))
    _, first = np.unique(classes("functional")[order], return_index=True)
    return [int(cell) for cell in order[np.sort(first)[:size]]]


class Initialised(Passes):
    """Passes whose default weights are drawn by another rule."""

    init: Rule = "default"

    def drawn(self, rule: Rule, skeleton: Skeleton | None = None) -> tuple[Network, Weights]:
        """Return the network and its weights, those of `init` for the default."""
        return super().drawn(self.init if rule == "default" else rule, skeleton)

    def module(self, rule: Rule = "default", skeleton: Skeleton | None = None) -> Net:
        """Return a torch module with such weights."""
        return super().module(self.init if rule == "default" else rule, skeleton)


@dataclass(frozen=True)
class Setting(Spec):
    """A `Spec` with another initialisation and definitions that are no plug-ins.

    apart: whether every cell has weights and images of its own, those of a repeat beyond a table's;
    random_labels: any class of the head for an image, whatever it shows.
    """

    init: Rule = "default"
    also: tuple[str, ...] = ()
    apart: bool = False
    random_labels: bool = False
    repeats: int = field(default=3, compare=False)
    size: int = field(default=SIZE, compare=False)

    def load(self) -> dict[str, Proxy]:
        """Return the proxies by name."""
        return {**super().load(), **{name: DEFINITIONS[name] for name in self.also}}

    def settings(self) -> dict[str, Any]:
        """Return what must agree for two results to share a folder."""
        found = {key: value for key, value in super().settings().items() if key != "code"}
        if self.apart:
            batch = {key: found["batch"][key] for key in ("images", "size")}
            found = {**found, "batch": batch, "apart": True, "random labels": self.random_labels}
        return {**found, "init": self.init}

    def batches(self, repeat: int) -> list[Any]:
        """Return the mini-batches of a repeat."""
        drawn = super().batches(repeat)
        if not self.random_labels:
            return drawn
        rng = np.random.default_rng((self.seed, repeat, LABELS))
        classes = self.skeleton.classes
        labels = [torch.from_numpy(rng.integers(classes, size=self.batch_size)) for _ in drawn]
        return [relabelled(batch, new) for batch, new in zip(drawn, labels, strict=True)]

    def cells(self) -> list[int]:
        """Return the official indices of the sample: of all cells where each is drawn for."""
        if not self.apart:
            return sampled(self.size)
        drawn = np.random.default_rng(SEED).choice(N_CELLS, MANY, replace=False)
        return [int(cell) for cell in drawn[: self.size]]

    def row(self, cell: int, repeat: int) -> _rows.Row:
        """Return the row of one cell and repeat."""
        if not self.apart:
            return score_row(self, cell, repeat)
        own = BEYOND + repeat * N_CELLS + cell
        return {**score_row(self, cell, own), "repeat": repeat}

    def kind(self) -> type[Passes]:
        """Return passes whose default weights are drawn by `init`."""
        return type("Initialised", (Initialised,), {"init": self.init})


def _every_parameter(passes: Given) -> dict[str, float]:
    net = passes.module()
    loss = cross_entropy(net(passes.images), passes.labels)
    grads = torch.autograd.grad(loss, list(net.parameters()))
    return {"": math.sqrt(sum(float(grad.double().square().sum()) for grad in grads))}


def _unweighted(passes: Given) -> dict[str, float]:
    return {"": sum(float(s.sum()) for s in passes.gradients().saliency.values())}


def _full_network(passes: Given) -> dict[str, float]:
    values = np.linalg.eigvalsh(kernel(passes.network, passes.weights, passes.images))
    return {"": float(values[-1] / values[0]) if values[0] > 0 else math.nan}


DEFINITIONS = {
    "grad_norm_every": Proxy(
        version=1,
        direction="max",
        formula="norm of the loss gradient by every parameter: BN's and biases too",
        source="Lin et al., Zen-NAS, ICCV 2021, its code, which VKDNW's repository took over",
        cost="backward",
        score=_every_parameter,
    ),
    "fisher_unweighted": Proxy(
        version=1,
        direction="max",
        formula="sum_l sum_c 1/2 mean_b (sum_hw a dL/da)^2: fisher, each channel counted once",
        source="Turner et al., BlockSwap, ICLR 2020, eq. 2",
        cost="backward",
        score=_unweighted,
    ),
    "ntk_full": Proxy(
        version=2,
        direction="min",
        formula="K_0 of the NTK of the whole network on images, default weights, BN in train mode",
        source="te_nas in the code of Lee & Ham, AZ-NAS, CVPR 2024: real images, no initialisation",
        cost="per-sample",
        score=_full_network,
    ),
}

GRADIENTS = ("fisher", "grad_norm", "grad_norm_global", "snip")  # one backward pass for all
OTHERS = ("epe_nas", "jacob_cov", "zico")
WEIGHTS = ("l2_norm", "synflow")  # images do not enter
UNSAFE = ("grasp", "plain", "epe_nas", "zico")
ALSO = ("fisher_unweighted", "grad_norm_every")
THIN = ("linear_regions", "ntk_cond", "vkdnw")
SLOW = ("az_nas", "meco", "swap")
SIGN = ("grad_sign",)
# Those whose base is in the tables of all cells; of `UNSAFE` these hold double precision.
IN_TABLE = ("naswot", "zen", *GRADIENTS, "jacob_cov", *WEIGHTS, *THIN, *SLOW)
UNUSED = {f"ntk_cond.k{i}" for i in range(9, 31) if i != 16}
DRAWS = 20
BATCHES = (32, 128, 16, 64)  # in this order
# Cells of the sample with larger images or batches, for the time; and of a setting whose effect
# 160 cells could not tell from none.
FEW, MORE, MANY = 80, 480, 1000
SLOWEST = 640  # of those that are drawn apart, for the time


def plan(images: str) -> dict[str, Setting]:
    """Return every setting by name, the most telling for its cost first.

    What follows a + in a name says which part of the setting's proxies it is.
    """

    def of(
        proxies: tuple[str, ...], resolution: int = 16, heads: int = 10, **changes: Any
    ) -> Setting:
        skeleton = Skeleton(16, 5, resolution, heads)
        return Setting(proxies=proxies, skeleton=skeleton, **{"images": images, **changes})

    noise: dict[str, Any] = {"images": "gaussian"}
    kaiming: dict[str, Any] = {"init": "kaiming"}
    return {
        "naswot_published": of(("naswot",), unpruned=True, **noise, **kaiming),
        "noise": of(("naswot", *GRADIENTS), **noise, also=ALSO[:1]),
        "kaiming": of(("naswot", *GRADIENTS, *WEIGHTS, "grasp"), **kaiming, also=ALSO[:1]),
        "base+also": of(UNSAFE, also=ALSO),
        "global_published": of((), **noise, **kaiming, also=ALSO[1:]),
        "float64": of(UNSAFE[:2], dtype="float64"),
        "ntk_full": of((), also=("ntk_full",), size=MORE),
        "px32": of(("naswot", *GRADIENTS, *OTHERS[:2], *WEIGHTS), 32, size=FEW),
        "grasp_published": of(("grasp",), 32, dtype="float64", **kaiming, size=FEW),
        "float64+others": of(UNSAFE[2:], dtype="float64"),
        "noise+others": of(OTHERS, **noise),
        "kaiming+others": of(OTHERS, **kaiming),
        "px32+others": of(("zico", "grasp", "plain"), 32, size=FEW),
        "px32+thin": of(("zen", *THIN), 32, size=FEW),
        "px32+slow": of(SLOW, 32, size=FEW),
        "noise+sign": of(SIGN, **noise),
        "noise100": of(SIGN, heads=100, batch_size=64, **noise),
        "noise120": of(SIGN, heads=120, batch_size=64, **noise),
    }


def ntk_plan(images: str) -> dict[str, Setting]:
    """Return the NTK's settings, a batch size each."""
    return {
        f"ntk_b{batch}": Setting(
            proxies=("ntk_cond",),
            skeleton=Skeleton(16, 5, 16, 10),
            images=images,
            batch_size=batch,
            repeats=DRAWS,
            size=SIZE if batch <= 32 else FEW,
        )
        for batch in BATCHES
    }


def apart_plan(images: str) -> dict[str, Setting]:
    """Return the settings in which every cell is scored on weights and images of its own."""

    def of(heads: int, size: int = MANY, **changes: Any) -> Setting:
        given: dict[str, Any] = {"images": images, "apart": True, "repeats": 1, "size": size}
        return Setting(skeleton=Skeleton(16, 5, 16, heads), batch_size=64, **given, **changes)

    signs = {
        f"sign{heads}_apart": of(heads, proxies=SIGN, random_labels=heads > 10)
        for heads in (10, 100, 120)
    }
    return {"ntk_full_apart": of(10, proxies=(), also=("ntk_full",), size=SLOWEST), **signs}


PLANS = {"settings": plan, "ntk_draws": ntk_plan, "apart": apart_plan}


def measure(settings: dict[str, Setting], folder: Path, until: float, shard: int, of: int) -> bool:
    """Score all repeats of one setting after the other; return whether all is done by then.

    until: by `time.monotonic()`.
    """
    for name, setting in settings.items():
        cells = setting.cells()[shard - 1 :: of]
        _rows.claim(folder / name, setting.settings())
        there = {(row["cell"], row["repeat"]) for row in _rows.read(folder / name)}
        with _rows.appending(folder / name, shard, of) as file:
            for repeat in range(setting.repeats):
                for cell in cells:
                    if (cell, repeat) in there:
                        continue
                    if time.monotonic() > until:
                        return False
                    file.append([setting.row(cell, repeat)])
                print(f"{name}, repeat {repeat}: {time.process_time():.0f} s in all", flush=True)
    return True


def ship(
    settings: dict[str, Setting], folder: Path, path: Path, tables: Sequence[Path] = ()
) -> None:
    """Write the rows of finished repeats: setting, repeat, cell, proxy, value.

    tables: of all cells, that give the base. A repeat that lacks a cell of its sample is left out,
    so that every number is of all of them. Settings of a file that is there which have no rows in
    the folder stay as they are.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    about: dict[str, Any] = {}
    found: list[tuple[str, int, int, str, float | None]] = []
    for name, setting in settings.items():
        if not (folder / name).is_dir():
            continue
        cells, rows = setting.cells(), list(_rows.read(folder / name))
        by = {(row["repeat"], row["cell"]): row for row in rows}
        done = [r for r in range(setting.repeats) if all((r, cell) in by for cell in cells)]
        kept = [by[repeat, cell] for repeat in done for cell in cells]
        if not kept:
            continue
        about[name] = {
            **_rows.read_settings(folder / name),
            "repeats": len(done),
            "cells": len(cells),
            "seconds": round(sum(sum(row["seconds"].values()) for row in kept), 1),
        }
        found += [
            (name.partition("+")[0], row["repeat"], row["cell"], proxy, value)
            for row in kept
            for proxy, value in row["values"].items()
            if proxy not in UNUSED
        ]
    found += _of_tables(tables)
    frame = pd.DataFrame(found, columns=["setting", "repeat", "cell", "proxy", "value"])
    if path.is_file():
        before, said = _before(path)
        key = ["setting", "proxy"]
        new = pd.MultiIndex.from_frame(frame[key])
        frame = pd.concat([before[~pd.MultiIndex.from_frame(before[key]).isin(new)], frame])
        about = {**said, **about}
    types = {"setting": "category", "repeat": "int8", "cell": "int16", "proxy": "category"}
    frame = frame.astype({**types, "value": "float32"})
    text = json_text({"settings": about, "sample": [SIZE, SEED], "made_by": environment()})
    table = pa.Table.from_pandas(frame, preserve_index=False)
    table = table.replace_schema_metadata({b"benchsuite": text.encode()})
    write_atomically(path, lambda temporary: pq.write_table(table, temporary, compression="zstd"))


def _before(path: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the rows of a file and what it says of its settings."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    frame = table.to_pandas().astype({"setting": str, "proxy": str})
    return frame, dict(json.loads(table.schema.metadata[b"benchsuite"])["settings"])


def _of_tables(paths: Sequence[Path]) -> Iterator[tuple[str, int, int, str, float]]:
    """Yield the base of the proxies that tables of all cells hold repeats of."""
    cells = sampled(MORE)
    for path in paths:
        table = Table.open(path)
        for name, column in table.columns.items():
            repeat = re.fullmatch(r"(.+)\.r(\d+)@\d+", name)
            if repeat and column.family in IN_TABLE and repeat[1] not in UNUSED:
                values = table.values(name)[cells]
                for cell, value in zip(cells, values, strict=True):
                    yield "base", int(repeat[2]), cell, repeat[1], float(value)


def _named(settings: dict[str, Setting], name: str) -> Setting:
    if name not in settings:
        raise UserError(f"There is no setting {name!r}; there are {', '.join(settings)}.")
    return settings[name]


def main() -> None:
    """Parse the command line and measure, or ship."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", help="a folder or file of CIFAR-10; or set BENCHSUITE_IMAGES")
    parser.add_argument("--out", type=Path, required=True, help="folder of the rows")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after these")
    parser.add_argument("--plan", choices=tuple(PLANS), default="settings", help="what to score")
    parser.add_argument("--base", type=Path, action="append", help="tables, instead of the shipped")
    parser.add_argument("--only", help="settings by commas, in this order")
    parser.add_argument("--shard", type=int, default=1)
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--ship", type=Path, help="write what is finished to this Parquet file")
    given = parser.parse_args()
    torch.set_num_threads(1)
    try:
        settings = PLANS[given.plan](given.images)
        if given.only:
            settings = {name: _named(settings, name) for name in given.only.split(",")}
        if given.ship:
            whole = given.base or sorted(shipped("data").glob("prox*.parquet"))
            tables = whole if given.plan == "settings" else []
            ship(settings, given.out, given.ship, tables)
            return
        until = time.monotonic() + 60 * given.minutes
        done = measure(settings, given.out, until, given.shard, given.shards)
        print("done" if done else "stopped; the same command goes on")
    except UserError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
