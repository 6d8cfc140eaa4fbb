"""How a problem is cut out of the table, and whether it can be: numbers, network, device."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from benchsuite.errors import UserError, did_you_mean
from benchsuite.parameters import check_number, check_whole
from benchsuite.space.network import OFFICIAL, Skeleton
from benchsuite.table.device_columns import label_of, parse
from benchsuite.table.table import Table


@dataclass(frozen=True)
class Setting:
    """How a problem is cut out of the table; the fields a study file and the command line set.

    epochs: 12 or 200; None for the fewest whose accuracy is measured, or else the fewest. bounds:
    column -> upper bound; `ram.best`, `flash.weights`, `flops` and the like stand for those of the
    search's network and, where `device` and `runtime` are set, so do `latency` and `energy`.
    skeleton: adds the costs of the cells in another skeleton, `skeleton.params`, `.macs` and
    `.bytes` deployed, `.flops` and `.trained_params` as trained, which `flops` and `params` stand
    for then; its resolution and classes are the dataset's.
    proxy_seconds: seconds per cell of proxies, instead of those that the table holds.
    """

    dataset: str = "cifar10"
    epochs: int | None = None
    bounds: Mapping[str, float] = field(default_factory=dict)
    device: str | None = None
    runtime: str | None = None
    skeleton: Skeleton | None = None
    proxy_seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def network(self) -> str | None:
        """The skeleton's name in `network.SKELETONS`, whose device columns there are, or none."""
        return label_of(self.skeleton or OFFICIAL[self.dataset], self.dataset)


def check_numbers(setting: Setting) -> None:
    """Raise UserError for epochs, bounds or prices that are no numbers of their kind."""
    if setting.epochs is not None:
        check_whole(setting.epochs, "The number of epochs", low=1)
    for name, bound in setting.bounds.items():
        check_number(bound, f"The bound on {name}")
    for name, seconds in setting.proxy_seconds.items():
        if not 0 <= check_number(seconds, f"The seconds of {name}") < np.inf:
            raise UserError(f"A look at {name} cannot cost {seconds} seconds.")


def check_skeleton(setting: Setting) -> None:
    """Raise UserError for a skeleton whose images or classes are not the dataset's."""
    official, own = OFFICIAL[setting.dataset], setting.skeleton
    if own and (own.resolution, own.classes) != (official.resolution, official.classes):
        raise UserError(
            f"The networks of {setting.dataset} read {official.resolution}x{official.resolution} "
            f"pixels and tell {official.classes} classes; the skeleton of this search has "
            f"{own.resolution}x{own.resolution} and {own.classes}. Leave both out of it."
        )


def check_device(table: Table, setting: Setting) -> None:
    """Raise UserError where the table has no columns of the setting's device, runtime or network.

    A skeleton without device columns has none of any device, so naming one is a mistake too.
    """
    if setting.device is None:
        if setting.runtime is not None:
            raise UserError(
                f"The runtime {setting.runtime!r} changes nothing without a device: name one."
            )
        return
    known = [parts for parts in map(parse, table.columns) if parts and parts.device]
    _known("device", setting.device, {parts.device for parts in known})
    of_device = [parts for parts in known if parts.device == setting.device]
    if setting.runtime is not None:
        _known("runtime", setting.runtime, {parts.runtime for parts in of_device})
        of_device = [parts for parts in of_device if parts.runtime == setting.runtime]
    networks = sorted({f"{parts.dataset} {parts.skeleton}" for parts in of_device})
    if f"{setting.dataset} {setting.network}" not in networks:
        under = f" under {setting.runtime}" if setting.runtime else ""
        raise UserError(
            f"The table has no columns of {setting.device}{under} for the {setting.dataset} "
            f"network in {setting.skeleton or 'the official skeleton'}; it has those of "
            f"{', '.join(networks)}."
        )


def _known(what: str, wanted: str, known: Iterable[str]) -> None:
    names = sorted(known)
    if wanted not in names:
        raise UserError(
            f"The table has no columns of a {what} {wanted!r}; it has "
            f"{', '.join(names) or 'none at all'}." + did_you_mean(wanted, names)
        )
