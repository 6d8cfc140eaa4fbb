"""Measure what UDC's number format is good for: pruned 4-bit networks with it and without it.

`python -m benchsuite.proxies._compression.number_format --images FILE --out FOLDER` goes on from
the dense networks of `experiment` in FOLDER, or trains them there. Each is pruned, quantised and
fine-tuned twice, alike but for the format: Q^, which quantises what lies beyond the pruning
threshold, and Q, which quantises all; what is stored goes through the encoder of Arm's compiler
Vela (extra `vela`). A row per network goes to `FOLDER/number_format.csv`; run again, it goes on.
`--ship FILE` writes the finished table and, beside it (`.json`), its SHA-256 and the histograms of
a layer.

Source: Fedorov et al., "UDC", NeurIPS 2022, section 3.1, Fig. 3 and 5c.
"""

from __future__ import annotations

import csv
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils import parametrize

from benchsuite.errors import UserError
from benchsuite.files import write_text
from benchsuite.notations import json_text
from benchsuite.proxies._compression import command, experiment
from benchsuite.proxies._compression.experiment import Conditions, Variant
from benchsuite.proxies._compression.quantise import Compression
from benchsuite.proxies._scoring.images import Images
from benchsuite.proxies._scoring.net import Net, channels_last
from benchsuite.space.cell import Cell, connected
from benchsuite.space.equivalence import representatives

BITS = 4
DENSITIES = (0.2,)
FORMATS = {"Q": False, "Q^": True}
SEEDS = 4
FURTHER = 18  # Cells besides, of one seed: networks of a cell are alike, so cells are judged.
_SHOWN = "stage2.cell0.edge01.nor_conv_3x3.conv"  # Of the first cell: the weights of Fig. 3.
_BINS = 80


@dataclass(frozen=True)
class Row:
    """A network: its accuracy [%], what became of its compressed weights, processor seconds.

    growth: the sum of squares of the weights that are trained, in those of the dense network;
    levels: how many weights have each magnitude, zeros first, then 1 to 2^(b-1) steps; encoded:
    their bytes by Vela, rounded to 8 bits, as UDC deploys them.
    """

    cell: int
    seed: int
    density: float
    format: str
    accuracy: float
    growth: float
    levels: str
    encoded: int
    seconds: float


def measure(
    out: Path, images: Images, c: Conditions, seeds: int = SEEDS, further: int = FURTHER
) -> None:
    """Train what is missing in `out`; print a line per network."""
    experiment.same_conditions(out, images, c)
    data = experiment.prepare(images, c)
    done = {astuple(row)[:4] for row in read(out / "number_format.csv")}
    for cell, seed, density, name in plan(c, seeds, further):
        if (Cell.from_arch(cell).index, seed, density, name) not in done:
            row = _measure(out, cell, seed, density, name, data, c)
            _append(out / "number_format.csv", row)
            print(*astuple(row), flush=True)


def plan(
    c: Conditions, seeds: int = SEEDS, further: int = FURTHER
) -> Iterator[tuple[str, int, float, str]]:
    """Yield cells, seeds, densities and formats, one whole seed after the other.

    further: cells besides those of the conditions, of the first seed alone: connected ones in
    random order (seed 0), one of a class.
    """
    drawn = np.random.default_rng(0).permutation(representatives("functional"))
    others = (Cell.from_index(int(cell)).arch for cell in drawn[connected()[drawn]])
    besides = [arch for arch in others if arch not in c.cells][:further]
    networks = [(cell, seed) for seed in range(seeds) for cell in c.cells]
    networks += [(cell, 0) for cell in besides]
    for cell, seed in networks:
        for density in DENSITIES:
            for name in FORMATS:
                yield cell, seed, density, name


def read(path: Path) -> list[Row]:
    """Return the rows of a file, none if it is not there."""
    if not path.exists():
        return []
    kinds = (int, int, float, str, float, float, str, int, float)
    with path.open(newline="") as file:
        return [
            Row(*(kind(row[f.name]) for kind, f in zip(kinds, fields(Row), strict=True)))
            for row in csv.DictReader(file)
        ]


def ship(
    out: Path, target: Path, c: Conditions, seeds: int = SEEDS, further: int = FURTHER
) -> None:
    """Write the networks of a finished folder to a CSV file, and the histograms to a JSON file.

    Raises UserError where networks of the plan are missing.
    """
    done = {astuple(row)[:4]: row for row in read(out / "number_format.csv")}
    keys = [(Cell.from_arch(cell).index, *rest) for cell, *rest in plan(c, seeds, further)]
    if missing := [key for key in keys if key not in done]:
        raise UserError(
            f"{out} has {len(keys) - len(missing)} of {len(keys)} networks: the first that is "
            f"missing is {missing[0]}. Run it again without --ship to train the rest."
        )
    target.unlink(missing_ok=True)
    for key in keys:
        _append(target, done[key])
    about = {
        "bits": BITS,
        "seeds": seeds,
        "further": further,
        "layer": _SHOWN,
        "cell": keys[0][0],
        "histograms": {
            name: json.loads(_shown(out, name).read_text(encoding="utf-8")) for name in FORMATS
        },
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
    }
    write_text(target.with_suffix(".json"), json_text(about, indent=1, sort_keys=True) + "\n")


def levels(weight: Tensor, compression: Compression) -> Tensor:
    """Return how many stored weights have each magnitude [2^(b-1) + 1]: zero, then in steps.

    Steps are counted from 1: of Q^ that is beta itself, of Q one step from zero.
    """
    size = compression.stored(weight).abs()
    step = compression.reach / ((1 << (BITS - 1)) - 1)
    steps = torch.round((size - compression.beta) / step) + int(compression.shifted)
    counted = torch.where(size > 0, steps, 0).flatten().long()
    return torch.bincount(counted, minlength=(1 << (BITS - 1)) + 1)


def encoded(stored: Tensor) -> int:
    """Return the bytes of a layer's weights [O, I, H, W] by Vela's encoder.

    They are 8-bit numbers with one scale, in the order O, H, W, I; the compiler's own order follows
    the blocks of the NPU. Raises UserError without Vela.
    """
    try:
        from ethosu import mlw_codec
    except ImportError as error:
        raise UserError("This needs Vela: pip install 'benchsuite[vela]'.") from error
    whole = torch.round(127 * stored / stored.abs().max()).permute(0, 2, 3, 1)
    return len(mlw_codec.encode(whole.flatten().int().tolist()))


def _measure(
    out: Path, cell: str, seed: int, density: float, name: str, data: experiment.Data, c: Conditions
) -> Row:
    state = experiment.trained(out, cell, seed, 1.0, data, c)
    start = time.process_time()
    net = channels_last(Net(experiment.network(cell, 1.0, c)))
    net.load_state_dict(state)
    before = {name: weight.detach().clone() for name, (weight, _) in _convolutions(net).items()}
    variant = Variant(BITS, density)
    net = experiment.compressed(net, variant, seed, data, c, shifted=FORMATS[name])
    reached = experiment.accuracy(net, data)
    layers = {at: (weight, of) for at, (weight, of) in _convolutions(net).items() if of}
    grown = sum(float((weight**2).sum()) for weight, _ in layers.values())
    counts = torch.stack([levels(weight, of) for weight, of in layers.values()]).sum(dim=0)
    if (cell, seed, density) == (c.cells[0], 0, DENSITIES[0]):
        _keep_histogram(_shown(out, name), before[_SHOWN], *layers[_SHOWN])
    return Row(
        Cell.from_arch(cell).index,
        seed,
        density,
        name,
        round(reached, 2),
        round(grown / sum(float((before[at] ** 2).sum()) for at in layers), 4),
        " ".join(map(str, counts.tolist())),
        sum(encoded(of.stored(weight)) for weight, of in layers.values()),
        round(time.process_time() - start, 2),
    )


def _convolutions(net: Net) -> dict[str, tuple[Tensor, Compression | None]]:
    """Return the weights that are trained and their compression, by the name of the layer."""
    found: dict[str, tuple[Tensor, Compression | None]] = {}
    for layer, module in zip(net.network.layers, net.layers, strict=True):
        if layer.kind != "conv":
            continue
        if parametrize.is_parametrized(module):
            of = module.get_submodule(_COMPRESSION)
            assert isinstance(of, Compression)
            found[layer.name] = module.get_parameter(_ORIGINAL).detach(), of
        else:
            found[layer.name] = module.get_parameter("weight").detach(), None
    return found


# Where torch.nn.utils.parametrize keeps them.
_ORIGINAL, _COMPRESSION = "parametrizations.weight.original", "parametrizations.weight.0"


def _shown(out: Path, name: str) -> Path:
    return out / f"weights-{name.replace('^', '-hat')}.json"


def _keep_histogram(path: Path, before: Tensor, weight: Tensor, of: Compression) -> None:
    """Write how the weights of a layer are spread, as trained before, after, and as stored."""
    most = float(max(before.abs().max(), weight.abs().max()))
    edges = np.linspace(-most, most, _BINS + 1)
    about: dict[str, object] = {
        what: " ".join(map(str, np.histogram(values.numpy(), edges)[0]))
        for what, values in (("before", before), ("after", weight))
    }
    about |= {
        "most": most,
        "threshold": float(weight.abs()[of.keeps].min()),
        "stored": " ".join(f"{value:.5g}" for value in np.unique(of.stored(weight).numpy())),
        "norms": [float((values**2).sum()) for values in (before, weight)],
    }
    write_text(path, json_text(about, indent=1, sort_keys=True))


def _append(path: Path, row: Row) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Row)], lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(asdict(row))


if __name__ == "__main__":
    command.run(
        __doc__,
        lambda out, images: measure(out, images, Conditions()),
        lambda out, target: ship(out, target, Conditions()),
    )
