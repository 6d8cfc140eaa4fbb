"""Names of device columns: what of a network, on which part under which runtime, of which network.

| name                                              | what                                         |
|---------------------------------------------------|----------------------------------------------|
| `latency.<device>.<runtime>.<dataset>.<skeleton>` | seconds for one image                        |
| `energy.<device>.<runtime>.<dataset>.<skeleton>`  | joules for one image; where power is known   |
| `fits.<device>.<runtime>.<dataset>.<skeleton>`    | 1 where RAM and flash are within the part    |
| `ram.<convention>.<dataset>.<skeleton>`           | bytes; of the network, whatever the part     |
| `flash.weights.<dataset>.<skeleton>`              | bytes; of the network, whatever the part     |

The network is that of the dataset (its resolution and classes) with the cells per stage that
`network.SKELETONS` says. Nothing else takes such a name apart.
"""

from __future__ import annotations

import functools
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace

from benchsuite.space.network import SKELETONS, Skeleton
from benchsuite.table.columns import DATASETS, SPLITS

_COSTS = [["params"], ["flops"], ["deployed_params"], ["deployed_macs"]]  # `<dataset>.params`
_OF_A_PART, _OF_A_NETWORK = ("latency", "energy", "fits"), ("ram", "flash")


@dataclass(frozen=True)
class DeviceColumn:
    """A name's parts; device, runtime: empty for RAM and flash.

    what: `latency`, `energy`, `fits`, `ram.<convention>` or `flash.weights`, the short name.
    """

    what: str
    device: str
    runtime: str
    dataset: str
    skeleton: str

    @property
    def name(self) -> str:
        """The full name."""
        part = (self.device, self.runtime) if self.device else ()
        return ".".join((self.what, *part, self.dataset, self.skeleton))

    @property
    def network(self) -> Skeleton:
        """The skeleton of the network that the column is of."""
        return SKELETONS[self.skeleton][self.dataset]


@functools.cache
def parse(name: str) -> DeviceColumn | None:
    """Return the parts of a device column's name, None for the name of another column."""
    head, _, skeleton = name.rpartition(".")
    head, _, dataset = head.rpartition(".")
    if dataset not in DATASETS or skeleton not in SKELETONS:
        return None
    words = head.split(".")
    if words[0] in _OF_A_PART and len(words) == 3 and all(words):
        return DeviceColumn(words[0], words[1], words[2], dataset, skeleton)
    if words[0] in _OF_A_NETWORK and len(words) == 2 and all(words):
        return DeviceColumn(head, "", "", dataset, skeleton)
    return None


def no_energy(name: str, present: Container[str]) -> str:
    """Return why a part has no energy, empty for other names and where its latency is not there."""
    parts = parse(name)
    if not parts or parts.what != "energy" or replace(parts, what="latency").name not in present:
        return ""
    return (
        f"There is no energy of {parts.device}: nobody measured the mean power of this part. A "
        "device that names one, power=Power(watts, error, source), has the column."
    )


def find(
    names: Iterable[str], what: str, *, dataset: str = "", skeleton: str = ""
) -> Iterator[DeviceColumn]:
    """Yield the device columns among names that hold `what`, all or those of one network."""
    for name in names:
        parts = parse(name)
        if parts is None or parts.what != what:
            continue
        if dataset in ("", parts.dataset) and skeleton in ("", parts.skeleton):
            yield parts


@functools.cache
def label_of(skeleton: Skeleton, dataset: str) -> str | None:
    """Return the name of a dataset's skeleton in `network.SKELETONS`, None for another."""
    return next((label for label, of in SKELETONS.items() if of[dataset] == skeleton), None)


def elsewhere(name: str, dataset: str, skeleton: str | None) -> str:
    """Return why a search cannot take a column: it is of another network; empty if it is not.

    dataset, skeleton: the search's; None for a skeleton that has no device columns.
    """
    parts = parse(name)
    if parts and (parts.dataset, parts.skeleton) != (dataset, skeleton):
        about = f"{name} is of the {parts.dataset} network, {parts.skeleton}; a search on {dataset}"
        if skeleton is None:
            return f"{about} in a skeleton that has no device columns cannot take it."
        own = replace(parts, dataset=dataset, skeleton=skeleton).name
        return (
            f"{about} in this skeleton takes {own}. A study sets skeleton = {{ cells_per_stage = 1 "
            "}, `benchsuite replay` --cells-per-stage 1, for mcu."
        )
    words = name.split(".")
    if words[0] == dataset and words[1:] in _COSTS and skeleton != "official":
        return (
            f"{name} is of the official network; a search on {dataset} in another skeleton takes "
            f"{words[1]}, which is its own network's."
        )
    others = [d for d in DATASETS if d != dataset and d in words]
    if others and not parts and not set(SPLITS) & set(words):
        own = ".".join(dataset if word == others[0] else word for word in words)
        return f"{name} is of {others[0]}; a search on {dataset} takes {own}."
    return ""
