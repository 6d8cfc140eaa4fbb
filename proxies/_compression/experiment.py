"""Measure what bitwidth, sparsity and width cost in accuracy: small networks trained on the CPU.

`python -m benchsuite.proxies._compression.experiment --images FILE --out FOLDER` trains cells on
the skeleton of one cell per stage, compresses each trained network in many ways, fine-tunes each,
and appends a row per finished network to `FOLDER/rows.csv`. Run again, it goes on where it stopped;
rows of other conditions (`FOLDER/conditions.json`) are refused. `--ship FILE` writes a finished
table, in the order of the plan, its conditions and SHA-256 beside it.

Dense networks are trained once per cell, seed and width; a compressed one starts from the dense
one's weights: quantised only for a tenth of its steps, pruned gradually (cubic, Zhu & Gupta, 2017)
up to six tenths, then at the full rate. The dense network gets as many more, as the control
`bits=32, density=1`. Compressed are the convolutions of cells and residual blocks alone.

Source: Fedorov et al., "UDC", NeurIPS 2022, section 5.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass, fields
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, cross_entropy, pad

from benchsuite.errors import UserError
from benchsuite.files import write_atomically, write_text
from benchsuite.notations import json_text
from benchsuite.proxies._compression import command
from benchsuite.proxies._compression.quantise import compress, update
from benchsuite.proxies._engine.weights import draw_weights, generator
from benchsuite.proxies._scoring.batch import DEVIATION, MEAN
from benchsuite.proxies._scoring.images import Images
from benchsuite.proxies._scoring.net import Net, channels_last, initialise
from benchsuite.space.cell import Cell
from benchsuite.space.network import Network, Skeleton, build

CELLS = (
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|",
    "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|",
    "|nor_conv_1x1~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_1x1~2|",
    "|nor_conv_1x1~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|nor_conv_1x1~1|none~2|",
    "|avg_pool_3x3~0|+|skip_connect~0|nor_conv_3x3~1|+|none~0|nor_conv_1x1~1|skip_connect~2|",
    "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|nor_conv_3x3~1|none~2|",
)
DENSITIES = (1.0, 0.5, 0.2, 0.1, 0.01)
WIDTHS = (1.0, 0.5, 0.25, 0.125)
_CHANNELS = 16
_ALL = "012"


@dataclass(frozen=True)
class Conditions:
    """How the networks are trained; held_out: images that accuracies are measured on."""

    cells: tuple[str, ...] = CELLS
    seeds: int = 3
    resolution: int = 16
    batch: int = 64
    dense_steps: int = 1000
    steps: int = 200
    rate: float = 0.1
    fine_rate: float = 0.04
    decay: float = 5e-4
    share: float = 1.0
    held_out: int = 2000
    remask: int = 16


@dataclass(frozen=True)
class Variant:
    """A compression of a network; stages: which of the three stages it is applied to."""

    bits: int
    density: float
    stages: str = _ALL


@dataclass(frozen=True)
class Row:
    """One trained network; accuracy: of held-out images, in %; seconds: processor time."""

    cell: int
    seed: int
    width: float
    bits: int
    density: float
    stages: str
    accuracy: float
    seconds: float


@dataclass(frozen=True)
class Data:
    """Normalised images [N, 3, H, W] and labels [N], to train on and held out."""

    images: Tensor
    labels: Tensor
    held_out: Tensor
    held_out_labels: Tensor


def variants(width: float, extreme: bool = False) -> tuple[Variant, ...]:
    """Return the compressions of a dense network: many at full width, few at smaller widths.

    extreme: also the lowest density, at which these networks answer little better than by chance.
    """
    if width < 1:
        return (Variant(32, 1.0), Variant(1, 1.0)) if width == 0.5 else (Variant(32, 1.0),)
    every = [(32, d) for d in DENSITIES[:-1]]
    every += [(8, 1.0), *((bits, d) for bits in (4, 1) for d in (1.0, 0.2))]
    if extreme:
        every += [(bits, DENSITIES[-1]) for bits in (32, 4, 1)]
    return tuple(Variant(*each) for each in every)


def single_stage() -> tuple[Variant, ...]:
    """Return the compressions of one stage alone."""
    return tuple(Variant(b, d, s) for b, d in ((1, 1.0), (32, 0.1)) for s in _ALL)


def plan(c: Conditions) -> Iterator[tuple[str, int, float, tuple[Variant, ...]]]:
    """Yield cells, seeds and widths with their compressions, one whole seed after the other."""
    for seed in range(c.seeds):
        for at, cell in enumerate(c.cells):
            for width in WIDTHS:
                yield cell, seed, width, variants(width, at < 2)
        for cell in c.cells[::2]:
            yield cell, seed, 1.0, single_stage()


def prepare(images: Images, conditions: Conditions) -> Data:
    """Scale images by area average, normalise them, and hold a fixed random part of them out."""
    c = conditions
    if images.pixels is None or images.labels is None:
        raise UserError(
            "Networks are trained on images with labels: name a CIFAR-10 folder or .npz file by "
            "--images or BENCHSUITE_IMAGES."
        )
    if len(images.pixels) < 2 * c.held_out:
        raise UserError(
            f"{images.source} has {len(images.pixels)} images: {2 * c.held_out} are needed to hold "
            f"{c.held_out} out."
        )
    x = torch.from_numpy(images.pixels).permute(0, 3, 1, 2).float() / 255
    x = (x - torch.from_numpy(MEAN)[:, None, None]) / torch.from_numpy(DEVIATION)[:, None, None]
    x = adaptive_avg_pool2d(x, c.resolution)
    y = torch.from_numpy(images.labels)
    order = torch.randperm(len(x), generator=generator("held out"))
    x, y = x[order], y[order]
    n = c.held_out
    return Data(x[n:].contiguous(), y[n:].contiguous(), x[:n].contiguous(), y[:n].contiguous())


def train(net: Net, data: Data, steps: int, rate: float, key: str, c: Conditions) -> Iterator[int]:
    """Train by SGD with a cosine rate; yield before each step, so that the caller can prune.

    Batches, shifts of up to an eighth and flips are drawn from the key alone.
    """
    draws = generator("batches", key)
    net.train()
    sgd = torch.optim.SGD(net.parameters(), rate, momentum=0.9, nesterov=True, weight_decay=c.decay)
    order, at = torch.randperm(len(data.images), generator=draws), 0
    for step in range(steps):
        yield step
        if at + c.batch > len(order):
            order, at = torch.randperm(len(data.images), generator=draws), 0
        chosen = order[at : at + c.batch]
        at += c.batch
        for group in sgd.param_groups:
            group["lr"] = rate * (1 + math.cos(math.pi * step / steps)) / 2
        sgd.zero_grad()
        x = _augment(data.images[chosen], draws)
        torch.autograd.backward(cross_entropy(net(x), data.labels[chosen]))
        sgd.step()


def accuracy(net: Net, data: Data) -> float:
    """Return the accuracy [%] on the held-out images."""
    net.eval()
    right = 0
    with torch.no_grad():
        for at in range(0, len(data.held_out), 250):
            x = data.held_out[at : at + 250].contiguous(memory_format=torch.channels_last)
            right += int((net(x).argmax(1) == data.held_out_labels[at : at + 250]).sum())
    return 100 * right / len(data.held_out)


def density_at(step: int, steps: int, density: float) -> float:
    """Return the fraction of non-zeros at a step: 1, then falling as a cube, then `density`."""
    progress = min(max((step / steps - 0.1) / 0.5, 0), 1)
    return density + (1 - density) * (1 - progress) ** 3


def network(cell: str, width: float, c: Conditions) -> Network:
    """Return the network of a cell with its channels scaled."""
    return build(Cell.from_arch(cell), Skeleton(round(width * _CHANNELS), 1, c.resolution))


def dense(cell: str, seed: int, width: float, data: Data, c: Conditions) -> Net:
    """Return a dense trained network."""
    found = network(cell, width, c)
    net = channels_last(initialise(Net(found), draw_weights(found, seed, 0)))
    for _ in train(net, data, c.dense_steps, c.rate, f"{seed}/dense", c):
        pass
    return net


def compressed(
    net: Net, variant: Variant, seed: int, data: Data, c: Conditions, *, shifted: bool = True
) -> Net:
    """Return the network, compressed and fine-tuned; it is changed. shifted: as `quantise`."""
    torch.manual_seed(seed)
    chosen = [
        layer.name
        for layer in net.network.layers
        if layer.kind == "conv"
        and (stage := _stage(layer.name)) is not None
        and stage in variant.stages
    ]
    found = compress(net, chosen, variant.bits, c.share, shifted=shifted)
    for step in train(net, data, c.steps, c.fine_rate, f"{seed}/fine", c):
        # BN's running statistics need some steps with the last mask: a channel that a late change
        # revives would be divided by the deviation it had while it was zero.
        if step % c.remask == 0 and step <= 0.8 * c.steps:
            update(net, found, density_at(step, c.steps, variant.density))
    return net


def measure(out: Path, images: Images, c: Conditions) -> None:
    """Train what is missing in `out`; print a line per network."""
    out.mkdir(parents=True, exist_ok=True)
    same_conditions(out, images, c)
    data = prepare(images, c)
    done = {astuple(row)[:6] for row in read(out / "rows.csv")}
    for cell, seed, width, chosen in plan(c):
        _measure_group(out, cell, seed, width, chosen, data, c, done)


def read(path: Path) -> list[Row]:
    """Return the rows of a file, none if it is not there."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        kinds = [int, int, float, int, float, str, float, float]
        return [
            Row(*(kind(row[f.name]) for kind, f in zip(kinds, fields(Row), strict=True)))
            for row in csv.DictReader(file)
        ]


def ship(out: Path, target: Path, c: Conditions) -> None:
    """Write the networks of a finished folder to a CSV file, and its conditions to a JSON file.

    Raises UserError where networks of the plan are missing.
    """
    done = {astuple(row)[:6]: row for row in read(out / "rows.csv")}
    keys = [
        (Cell.from_arch(cell).index, seed, width, *astuple(variant))
        for cell, seed, width, chosen in plan(c)
        for variant in chosen
    ]
    if missing := [key for key in keys if key not in done]:
        raise UserError(
            f"{out} has {len(keys) - len(missing)} of {len(keys)} networks: the first that is "
            f"missing is {missing[0]}. Run it again without --ship to train the rest."
        )
    target.unlink(missing_ok=True)
    for key in keys:
        _append(target, done[key])
    about = json.loads((out / "conditions.json").read_text("utf-8"))
    about["check"] = check()
    about["sha256"] = hashlib.sha256(target.read_bytes()).hexdigest()
    text = json_text(about, indent=1, sort_keys=True) + "\n"
    write_text(target.with_suffix(".json"), text)


def check() -> list[list[float]]:
    """Return what this code makes of made-up images, which is kept beside the shipped table.

    A test makes it again, and so sees a table that its code would no longer make: per compression
    the mean and the deviation of the logits of held-out images after a few steps, to four digits.
    """
    pixels = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 3), dtype=np.uint8)
    c = Conditions(resolution=8, batch=4, dense_steps=3, steps=6, held_out=10, remask=1)
    data = prepare(Images("made up", pixels, np.arange(60) % 10), c)
    found = []
    for bits, density, stages in ((32, 0.2, _ALL), (8, 1, _ALL), (4, 0.2, "1"), (1, 0.5, "02")):
        start = dense(c.cells[4], 0, 0.25, data, c)
        net = compressed(start, Variant(bits, density, stages), 0, data, c).eval()
        with torch.no_grad():
            logits = net(data.held_out.contiguous(memory_format=torch.channels_last))
        found.append([float(f"{x:.4g}") for x in (logits.mean(), logits.std())])
    return found


def trained(
    out: Path, cell: str, seed: int, width: float, data: Data, c: Conditions
) -> dict[str, Tensor]:
    """Return the weights of a dense network, trained unless `out` has them, and keep them there."""
    kept = out / f"dense-{Cell.from_arch(cell).index}-{seed}-{width}.pt"
    if not kept.exists():
        net = dense(cell, seed, width, data, c)
        write_atomically(kept, lambda part: torch.save(net.state_dict(), part))
    found: dict[str, Tensor] = torch.load(kept, weights_only=True)
    return found


def _measure_group(
    out: Path,
    cell: str,
    seed: int,
    width: float,
    chosen: tuple[Variant, ...],
    data: Data,
    c: Conditions,
    done: set[tuple[object, ...]],
) -> None:
    index = Cell.from_arch(cell).index
    keys = {v: (index, seed, width, *astuple(v)) for v in chosen}
    missing = [variant for variant, key in keys.items() if key not in done]
    if not missing:
        return
    state = trained(out, cell, seed, width, data, c)
    for variant in missing:
        start = time.process_time()
        net = channels_last(Net(network(cell, width, c)))
        net.load_state_dict(state)
        reached = accuracy(compressed(net, variant, seed, data, c), data)
        seconds = round(time.process_time() - start, 2)
        how = (variant.bits, variant.density, variant.stages)
        row = Row(index, seed, width, *how, round(reached, 2), seconds)
        _append(out / "rows.csv", row)
        print(*astuple(row), flush=True)


def _append(path: Path, row: Row) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Row)], lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(asdict(row))


def same_conditions(out: Path, images: Images, c: Conditions) -> None:
    """Write the conditions to a folder; raise UserError where it holds networks of others."""
    about = {**asdict(c), "images": images.source, "torch": version("torch")}
    text = json_text(about, indent=1, sort_keys=True)
    path = out / "conditions.json"
    if path.exists() and path.read_text("utf-8") != text:
        raise UserError(f"{out} holds networks of other conditions: choose another folder.")
    write_text(path, text)


def _augment(x: Tensor, draws: torch.Generator) -> Tensor:
    reach = x.shape[-1] // 8
    down, right = torch.randint(0, 2 * reach + 1, (2,), generator=draws).tolist()
    size = x.shape[-1]
    x = pad(x, (reach,) * 4)[..., down : down + size, right : right + size]
    flips = torch.rand(len(x), generator=draws) < 0.5
    x = torch.where(flips[:, None, None, None], x.flip(3), x)
    return x.contiguous(memory_format=torch.channels_last)


def _stage(name: str) -> str | None:
    """Return which stage a layer is in: the residual block before a stage belongs to it."""
    for prefix in ("stage", "reduce"):
        if name.startswith(prefix):
            return name[len(prefix)]
    return None


if __name__ == "__main__":
    command.run(
        __doc__,
        lambda out, images: measure(out, images, Conditions()),
        lambda out, target: ship(out, target, Conditions()),
    )
