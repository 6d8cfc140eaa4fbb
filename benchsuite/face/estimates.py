"""What any network needs on the devices."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchsuite import notations
from benchsuite import plugins as plug_ins
from benchsuite.api import Device
from benchsuite.arguments import checked
from benchsuite.errors import UserError, did_you_mean, either
from benchsuite.face.tables import folders_of
from benchsuite.files import write_atomically
from benchsuite.space import sizes
from benchsuite.space.network import skeleton_of
from benchsuite.space.spellings import cell_of
from benchsuite.table.columns import DATASETS

if TYPE_CHECKING:
    import pandas as pd

    from benchsuite.devices._models.estimation import Estimate
    from benchsuite.devices._models.model import Model
    from benchsuite.devices._models.rows import Row

PICTURES = (".png", ".pdf", ".svg")


@dataclass(frozen=True)
class Estimates:
    """One network on devices and runtimes; a record of each, `estimates[0].latency` in seconds.

    model: its operators; estimates: latency, RAM, flash, energy and whether it fits, each with how
    it is known; devices: their profiles.
    """

    model: Model
    estimates: tuple[Estimate, ...]
    devices: Mapping[str, Device]

    def pandas(self) -> pd.DataFrame:
        """Return one row per device and runtime: seconds, bytes, joules."""
        import pandas as pd

        return pd.DataFrame([dataclasses.asdict(one) for one in self.estimates])

    @checked
    def layers(self, device: str = "", runtime: str = "") -> pd.DataFrame:
        """Return one row per operator on a device under a runtime, by default the first of each.

        Columns: number, operator, output [height x width x channels], macs, cycles (NaN where no
        kernel is known), share of the cycles, alive (bytes of the tensors that live while it
        runs, in this order), known (how the cycles are known), note.
        """
        import pandas as pd

        return pd.DataFrame([dataclasses.asdict(row) for row in self.layer_rows(device, runtime)])

    @checked
    def layer_rows(self, device: str = "", runtime: str = "") -> list[Row]:
        """Return the rows of `layers` as records."""
        from benchsuite.devices._models.rows import rows

        one = self.chosen(device, runtime)
        return rows(self.model, self.devices[one.device], one.runtime)

    @checked
    def layers_text(self, device: str = "", runtime: str = "") -> str:
        """Return `layers` as the command prints them, at most 80 columns wide."""
        from benchsuite.face.estimates_text import layers

        one = self.chosen(device, runtime)
        return layers(one, self.layer_rows(device, runtime), self.devices[one.device].clock)

    @checked
    def memory(self, path: str | PathLike[str]) -> Path:
        """Draw which tensor lies where in the arena while which operator runs; return the path.

        Raises UserError for a name that does not end in .png, .pdf or .svg.
        """
        from benchsuite.devices._models.timeline import picture

        where = Path(path)
        if where.suffix.lower() not in PICTURES:
            raise UserError(f"{where}: a picture's name ends in {', '.join(PICTURES)}.")
        drawn = picture(self.model, where.suffix.lower()[1:])
        write_atomically(where, lambda part: Path(part).write_bytes(drawn))
        return where

    def to_json(self) -> dict[str, Any]:
        """Return all as plain values; a number that is not known is None."""
        model = {
            "name": self.model.name,
            "origin": self.model.origin,
            "operators": len(self.model.computed),
            "macs": self.model.macs,
            "weights_bytes": self.model.weights_bytes,
        }
        rows = [plain(one) for one in self.estimates]
        return {"model": model, "estimates": rows}

    @checked
    def chosen(self, device: str = "", runtime: str = "") -> Estimate:
        """Return an estimate by device and runtime; UserError if there is none."""
        for one in self.estimates:
            if device in ("", one.device) and runtime in ("", one.runtime):
                return one
        known = ", ".join(f"{one.runtime} on {one.device}" for one in self.estimates)
        asked = " on ".join(filter(None, (runtime, device)))
        raise UserError(f"There is no estimate of {asked}; there are {known}.")

    def __repr__(self) -> str:
        from benchsuite.face.estimates_text import summary

        return summary(self.model, self.estimates)


def plain(record: Any) -> dict[str, Any]:
    """Return a record as plain values; a number that is not known is None."""
    known: dict[str, Any] = notations.plain(dataclasses.asdict(record))
    return known


@checked
def estimate(
    model: Any,
    *,
    device: str | Sequence[str] = (),
    runtime: str | Sequence[str] = (),
    dataset: str = DATASETS[0],
    skeleton: str = "official",
    plugins: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
) -> Estimates:
    """Return latency, RAM, flash, energy of one image, and whether it fits, of any network.

    model: an int8 .tflite or .onnx file, a .csv list of layers, `resnet8`, `ds_cnn`,
    `mobilenet_v1` or `autoencoder` of MLPerf Tiny, a cell as `cell` takes it, or five widths of
    NATS-Bench's size space, `8:8:8:16:40`; device, runtime: names, all by default; dataset,
    skeleton: of a cell, of five widths the dataset alone, and refused beside a file. Raises
    UserError for what is not there or cannot be read.

    >>> import benchsuite as bs
    >>> found = bs.estimate(6111, device="stm32f746", runtime="tflm_cmsis_nn")
    >>> found.estimates[0].fits, found.estimates[0].because
    ('no', 'flash')
    >>> bs.estimate("resnet8", device="stm32l4r5").layers()["macs"].sum()
    np.int64(12501632)
    """
    from benchsuite.devices._models.estimation import estimate as of_model

    wanted = {"device": _names(device), "runtime": _names(runtime)}
    devices = _devices(wanted["device"], folders_of(plugins))
    network = _model(model, dataset, skeleton)
    known = dict.fromkeys(name for one in devices.values() for name in one.runtimes)
    for name in wanted["runtime"]:
        if name not in known:
            on = f" on {', '.join(devices)}" if wanted["device"] else ""
            raise UserError(
                f"There is no runtime {name!r}{on}; there are {', '.join(known)}."
                + did_you_mean(name, known)
            )
    for name, one in devices.items() if wanted["device"] and wanted["runtime"] else ():
        if not {*one.runtimes} & {*wanted["runtime"]}:
            raise UserError(
                f"{name} has no runtime {either(wanted['runtime'])}; it has "
                f"{', '.join(one.runtimes)}."
            )
    each = [
        of_model(network, name, one, runs)
        for name, one in devices.items()
        for runs in one.runtimes
        if not wanted["runtime"] or runs in wanted["runtime"]
    ]
    return Estimates(network, tuple(each), devices)


def _names(given: str | Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((given,) if isinstance(given, str) else given))


def _devices(names: Sequence[str], folders: Sequence[Path]) -> dict[str, Device]:
    if names:
        return {name: plug_ins.load("devices", name, folders) for name in names}
    from benchsuite.devices._footprint.columns import usable_devices

    return usable_devices(folders)


def _model(given: Any, dataset: str, skeleton: str) -> Model:
    from benchsuite.devices._models import reading
    from benchsuite.devices._models.model import of_network
    from benchsuite.space.deploy import deploy

    if isinstance(given, PathLike) or (isinstance(given, str) and reading.is_file(given)):
        if (dataset, skeleton) != (DATASETS[0], "official"):
            raise UserError(
                f"{fspath(given)} is a network of its own: dataset and skeleton are a cell's, and "
                "have no effect. Leave them out."
            )
        return reading.read(str(fspath(given)))
    around = skeleton_of(skeleton, dataset)
    if isinstance(given, str) and sizes.is_string(given):
        if skeleton != "official":
            raise UserError(
                f"Five widths are a network of their own, without a skeleton {skeleton!r}."
            )
        return of_network(
            deploy(sizes.CELL, sizes.skeleton(sizes.parse(given), around)),
            f"sizes {given.strip()}, {dataset} network",
        )
    cell = cell_of(given)
    network = deploy(cell, around)
    return of_network(network, f"cell {cell.index}, {dataset} network, {skeleton}")
