"""What a tabulation is of: the settings that scores depend on, and which proxies there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchsuite import plugins
from benchsuite.api import Proxy
from benchsuite.digest import code, digest, files_beside
from benchsuite.errors import UserError
from benchsuite.passes import RUNS_ON
from benchsuite.space.cell import Cell
from benchsuite.space.network import Skeleton
from benchsuite.surroundings import numerics

if TYPE_CHECKING:
    from benchsuite.proxies._scoring.passes import Passes

BATCHES = 2
DTYPES = ("float32", "float64")
# Memory of a worker [B]: of its imports, and of feature maps in the size of the largest, per cell
# of a stage. Measured with all proxies: 213 MB on next to nothing, 1.02 GB by default, 1.94 GB with
# 32 channels.
_IMPORTED = 220e6
_FEATURE_MAPS = 84


@dataclass(frozen=True)
class Spec:
    """What every score depends on, except cell and repeat.

    proxies: their names; images: what `benchsuite.proxies._scoring.images.open_images` understands,
    or None; plugin_folders: where to look for proxies besides this project's; dtype: float32 or
    float64, of all that is computed; unpruned: whether dead operators are scored too, so that cells
    of a class differ; device: `cpu`, `cuda` or `mps`, of all that is computed.
    """

    proxies: tuple[str, ...]
    skeleton: Skeleton
    batch_size: int = 32
    seed: int = 0
    images: str | None = None
    plugin_folders: tuple[Path, ...] = ()
    dtype: str = "float32"
    unpruned: bool = False
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise UserError(f"Scores are computed in {' or '.join(DTYPES)}, not in {self.dtype}.")
        if self.device not in RUNS_ON:
            raise UserError(f"Scores are computed on {', '.join(RUNS_ON)}, not on {self.device!r}.")
        if self.device == "mps" and self.dtype == "float64":
            raise UserError("mps has no float64: ask for float32 there, or for --device cpu.")

    def load(self) -> dict[str, Proxy]:
        """Return the proxies by name; UserError for one that does not score networks."""
        loaded = {name: plugins.load("proxies", name, self.plugin_folders) for name in self.proxies}
        for name, proxy in loaded.items():
            if proxy.score is None:
                raise UserError(f"The proxy {name} scores no network: {self._instead(proxy)}")
            if self.unpruned and not proxy.unpruned:
                raise UserError(
                    f"The proxy {name} is scored of the network without dead operators alone. "
                    f"Scored with them are {', '.join(with_dead(self.plugin_folders))}."
                )
            if self.device not in proxy.runs_on:
                raise UserError(
                    f"{_no_path(name, proxy, self.device)}: leave it out, or give --device cpu."
                )
        return loaded

    def _instead(self, proxy: Proxy) -> str:
        """Return what a proxy that scores no network is computed of."""
        if not proxy.needs:
            return "it is computed of the cell's structure, and needs no tabulation."
        there = plugins.find("proxies", self.plugin_folders)
        parts: dict[str, Proxy] = {}
        left = list(proxy.needs)
        while left:
            name = left.pop(0).partition(".")[0]
            if name in there and name not in parts:
                parts[name] = plugins.load("proxies", name, self.plugin_folders)
                left += parts[name].needs
        if scored := [name for name, part in parts.items() if part.score is not None]:
            return f"it is made of the columns of others. Tabulate {', '.join(scored)} for it."
        return "it is computed of other columns, and needs no tabulation."

    def rounded(self) -> Iterator[str]:
        """Yield the sentence that names the proxies that need more than this precision, if any."""
        needing = [name for name, proxy in self.load().items() if proxy.needs_double]
        if needing and self.dtype == DTYPES[0]:
            yield (f"{', '.join(needing)}: single precision rounds too far; ask for {DTYPES[1]}.")

    def check(self) -> None:
        """Raise UserError for a proxy that fails on a small network of these images already."""
        from benchsuite.proxies._scoring.score import passes_of, small

        for name, proxy in self.load().items():
            passes_of(name, proxy, small(self.skeleton))

    def batches(self, repeat: int) -> list[Any]:
        """Return the mini-batches of a repeat, the same for all cells.

        Raises UserError for what no network can be scored on.
        """
        from benchsuite.proxies._scoring.batch import draw
        from benchsuite.proxies._scoring.images import open_images
        from benchsuite.proxies._scoring.passes import check_batches

        size, classes_ = self.skeleton.resolution, self.skeleton.classes
        with numerics():
            drawn = [
                draw(
                    open_images(self.images),
                    self.batch_size,
                    size,
                    classes_,
                    seed=self.seed,
                    repeat=repeat,
                    index=index,
                )
                for index in range(BATCHES)
            ]
        check_batches(drawn, self.skeleton)
        return drawn

    @property
    def memory(self) -> float:
        """What a worker needs [B], roughly: the largest feature map, times how many are kept."""
        net = self.skeleton
        number = 8 if self.dtype == "float64" else 4
        largest = number * self.batch_size * net.channels * net.resolution**2
        return _IMPORTED + _FEATURE_MAPS * net.cells_per_stage * largest

    def settings(self) -> dict[str, Any]:
        """Return what must agree for two results to share a folder, as JSON."""
        from importlib.metadata import version

        from benchsuite.proxies._engine.weights import RULE
        from benchsuite.proxies._scoring.images import open_images

        first = self.batches(0)
        found = plugins.find("proxies", self.plugin_folders)
        beside = {found[name].path.parent: found[name].path for name in self.proxies}
        return {
            "code": digest(
                code(("benchsuite", "benchsuite.proxies")), *map(files_beside, beside.values())
            )[:12],
            "proxies": {name: proxy.version for name, proxy in self.load().items()},
            "skeleton": asdict(self.skeleton),
            "batch": {
                "size": self.batch_size,
                "images": open_images(self.images).source,
                "sha256 of repeat 0": [batch.sha256 for batch in first],
            },
            "seed": self.seed,
            "weights": RULE,
            "dtype": self.dtype,
            "device": self.device,
            "torch": version("torch"),
            **({"unpruned": True} if self.unpruned else {}),
        }

    def network(self, index: int) -> tuple[Cell, Skeleton]:
        """Return the cell and the skeleton that an index means."""
        return Cell.from_index(index), self.skeleton

    def kind(self) -> type[Passes]:
        """Return the class of the passes."""
        from benchsuite.proxies._scoring.passes import Passes

        return Passes

    def passes(self, cell: int, repeat: int, batches: Sequence[Any]) -> Passes:
        """Return the passes of a cell and repeat, of which nothing is computed yet.

        Raises UserError where torch has no such device.
        """
        import torch

        from benchsuite.proxies._scoring.device import torch_device

        return self.kind()(
            *self.network(cell),
            batches,
            seed=self.seed,
            repeat=repeat,
            dtype=getattr(torch, self.dtype),
            unpruned=self.unpruned,
            device=torch_device(self.device),
        )


def with_dead(plugin_folders: Sequence[Path] = ()) -> tuple[str, ...]:
    """Return the names of the proxies that may be scored with dead operators."""
    found = plugins.usable("proxies", plugin_folders)
    return tuple(plugin.name for plugin, proxy in found if proxy.unpruned)


def scoring_proxies(plugin_folders: Sequence[Path] = (), device: str = "cpu") -> tuple[str, ...]:
    """Return the names of all proxies that score networks and that can be used on a device.

    Others are left out with a warning: those that do not import, those that fail on a small
    network already, and those that have no path on the device.
    """
    from benchsuite.proxies._scoring.score import passes_of

    names = []
    for plugin, proxy in plugins.usable("proxies", plugin_folders):
        if proxy.score is None:
            continue
        try:
            passes_of(plugin.name, proxy)
        except UserError as error:
            plugins.leave_out(f"{plugin.name} is left out: {error}")
            continue
        if device not in proxy.runs_on:
            plugins.leave_out(f"{_no_path(plugin.name, proxy, device)}: it is left out.")
            continue
        names.append(plugin.name)
    return tuple(names)


def defaults(
    plugin_folders: Sequence[Path] = (), device: str = "cpu", *, unpruned: bool = False
) -> tuple[str, ...]:
    """Return the proxies that are scored where none is named."""
    return with_dead(plugin_folders) if unpruned else scoring_proxies(plugin_folders, device)


def _no_path(name: str, proxy: Proxy, device: str) -> str:
    return f"{name} has no path on {device} (it has one on {' and '.join(proxy.runs_on)})"
