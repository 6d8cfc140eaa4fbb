"""How many times as long the authors' public code takes as ours: prints a table.

    git clone https://github.com/SamsungLabs/zero-cost-nas foresight
    git clone https://github.com/VITA-Group/TENAS tenas
    git clone https://github.com/ondratybl/VKDNW vkdnw
    python docs/proxy_speed_authors.py --clones . --resolution 32 --classes 6

The same networks, images and processor, one thread, one run: the least of two of each, a ratio of
sums over classes drawn by seed 1. `foresight`: the seven measures of Abdelfattah et al. (ICLR
2021), which share no pass in their code; `ntk_cond`: TE-NAS' loop over the images; `az_nas` and
`vkdnw`: as VKDNW's authors run both (their copy of AZ-NAS' script). What asks for a GPU there is
answered by the processor, a function that torch has no more by its successor, and what they
collect as garbage after each measure is theirs alone, not what this project has loaded. Networks
are built by this project, in NCHW as theirs are, without dead operators.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor, nn

from benchsuite.api import Passes
from benchsuite.proxies._scoring.net import Net, blocks, outputs
from benchsuite.proxies._scoring.score import score_network
from benchsuite.proxies._scoring.threads import one_thread
from benchsuite.proxies._tabulation.spec import Spec
from benchsuite.space.cell import Cell
from benchsuite.space.equivalence import representatives
from benchsuite.space.network import Skeleton

SEVEN = ("grad_norm", "snip", "grasp", "fisher", "jacob_cov", "plain", "synflow")
OURS = {"foresight": SEVEN, "ntk_cond": ("ntk_cond",), "az_nas": ("az_nas",), "vkdnw": ("vkdnw",)}
Run = Callable[[Passes], object]


class Authors(nn.Module):
    """A network as their scripts ask for it: features and logits, and the features of cells."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the pooled features and the logits of images [B, 3, H, W]."""
        features = self.net(x, stop="pool")
        return features, self.net(features, start="pool")

    def extract_cell_features(self, x: Tensor) -> list[Tensor]:
        """Return the feature maps of the stem, the cells and the residual blocks."""
        names = blocks(self.net.network)
        with outputs(self.net, names) as seen:
            self.net(x)
        return [seen[name] for name in names]


def main() -> None:
    """Measure, and print."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--clones", type=Path, required=True, help="the folder of the clones")
    options.add_argument("--resolution", type=int, default=32)
    options.add_argument("--classes", type=int, default=6)
    given = options.parse_args()
    runs = authors(given.clones)
    spec = Spec(
        tuple(name for names in OURS.values() for name in names),
        Skeleton(resolution=given.resolution),
        images="synthetic",
    )
    proxies, batches = spec.load(), spec.batches(0)
    drawn = np.random.default_rng(1).permutation(representatives("functional"))
    cells = [int(cell) for cell in drawn if any(Cell.from_index(int(cell)).ops)]
    chosen = [cell for cell in cells if spec.passes(cell, 0, batches).connected][: given.classes]
    print(f"{given.resolution} pixels, {given.classes} classes")
    print(f"torch {torch.__version__}, load {os.getloadavg()}", flush=True)
    with one_thread(), on_the_processor():
        for name, run in runs.items():
            group = {each: proxies[each] for each in OURS[name]}
            score_network(group, spec.passes(chosen[0], 0, batches))  # Compiles and allocates.
            pairs = [pair(run, group, spec, cell, batches) for cell in chosen]
            theirs, ours = np.sum(pairs, axis=0)
            ratios = [slow / fast for slow, fast in pairs]
            print(
                f"{name:10} theirs {theirs / len(pairs):.4f} ours {ours / len(pairs):.4f} times "
                f"{theirs / ours:.1f} ({min(ratios):.1f} to {max(ratios):.1f})",
                flush=True,
            )
    print(f"load {os.getloadavg()}")


def pair(
    run: Run, proxies: dict[str, Any], spec: Spec, cell: int, batches: Any
) -> tuple[float, float]:
    """Return the processor seconds of their code and of ours, the least of two runs of each."""
    slow, fast = [], []
    for _ in range(2):
        passes = spec.passes(cell, 0, batches)
        assert passes.weights  # Drawn before either clock starts.
        start = time.process_time()
        run(passes)
        slow.append(time.process_time() - start)
        scores = score_network(proxies, spec.passes(cell, 0, batches))
        fast.append(sum(scores.seconds.values()))
    return min(slow), min(fast)


def authors(clones: Path) -> dict[str, Run]:
    """Return what runs the authors' code on the network and images of passes, by name."""
    sys.path.insert(0, str(clones / "foresight"))
    measures = importlib.import_module("foresight.pruners.predictive")
    ntk = _module(clones / "tenas/lib/procedures/ntk.py")
    az_nas = _module(clones / "vkdnw/NB201/ZeroShotProxy/compute_az_nas_score.py")
    # Written into in place, a captured tensor is refused by today's torch: into a copy it is not.
    vkdnw = _module(
        clones / "vkdnw/NB201/ZeroShotProxy/compute_vkdnw_score.py",
        ("param = params[k].flatten()\n", "param = params[k].flatten().clone()\n"),
    )

    def seven(passes: Passes) -> object:
        loader = [(passes.images, passes.labels)]
        cpu = torch.device("cpu")
        return measures.find_measures(
            _net(passes), loader, ("random", 1, 10), cpu, measure_names=list(SEVEN)
        )

    def condition(passes: Passes) -> object:
        thin = Skeleton(3, 1, passes.skeleton.resolution)
        loader = [(passes.images, passes.labels)]
        return ntk.get_ntk_n(loader, [_net(passes, thin)], train_mode=True, num_batch=1)

    def trained(passes: Passes) -> object:
        loader = [(passes.images,)]
        return az_nas.compute_nas_score(Authors(_net(passes)), None, loader, 0, len(passes.images))

    def fisher(passes: Passes) -> object:
        found = vkdnw.get_fisher(Authors(_net(passes)), passes.images, use_logits=False)
        return torch.svd(found).S

    return {"foresight": seven, "ntk_cond": condition, "az_nas": trained, "vkdnw": fisher}


def _net(passes: Passes, skeleton: Skeleton | None = None) -> Net:
    net = passes.module("kaiming_fan_out" if skeleton else "default", skeleton)
    assert isinstance(net, Net)
    return net


def _module(path: Path, *changes: tuple[str, str]) -> ModuleType:
    """Return a script as a module, each pair's first replaced by its second in its source."""
    source = path.read_text(encoding="utf-8")
    for before, after in changes:
        assert before in source, f"{path} has no {before!r}"
        source = source.replace(before, after)
    module = ModuleType(path.stem)
    exec(compile(source, str(path), "exec"), module.__dict__)
    return module


@contextmanager
def on_the_processor() -> Iterator[None]:
    """Answer what asks for a GPU, and for what torch has no more, while scripts run."""

    def same(of: object, *_: object, **__: object) -> object:
        return of

    gc.collect()
    gc.freeze()
    with (
        mock.patch.object(nn.Module, "cuda", same),
        mock.patch.object(Tensor, "cuda", same),
        mock.patch.object(torch.cuda, "current_device", return_value="cpu"),
        mock.patch.object(torch, "symeig", torch.linalg.eigh),
    ):
        yield
    gc.unfreeze()


if __name__ == "__main__":
    main()
