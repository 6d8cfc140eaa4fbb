"""Cells on narrower skeletons: their exact costs, and whether a compressed pick keeps its bounds.

A pruned network has a fraction of the channels of every stage: feature maps of a stage are summed,
so its convolutions cannot shrink one by one.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.deployment import response as compression
from benchsuite.deployment.compressed import (
    Compressed,
    Rule,
    all_bytes,
    as_built,
    channels,
    n_bytes,
)
from benchsuite.deployment.flash import all_weights
from benchsuite.deployment.ram import all_ram
from benchsuite.errors import UserError
from benchsuite.numerics.ties import at_most
from benchsuite.space import cost
from benchsuite.space.cell import Cell
from benchsuite.space.network import OFFICIAL, Skeleton
from benchsuite.table.device_columns import parse

Array = NDArray[np.float64]

BYTES = "skeleton.bytes"
_COUNTS: dict[str, Callable[[Skeleton], NDArray[Any]]] = {
    "skeleton.params": cost.all_deployed_params,
    "skeleton.macs": cost.all_deployed_macs,
    BYTES: all_bytes,
    "skeleton.flops": cost.all_flops,
    "skeleton.trained_params": cost.all_params,
}
_OFFICIAL = {
    "params": cost.all_params,
    "flops": cost.all_flops,
    "deployed_params": cost.all_deployed_params,
    "deployed_macs": cost.all_deployed_macs,
}


@dataclass(frozen=True)
class Claim:
    """What a strategy says of its pick: its compression, by which rule its bytes count.

    response: the name of the compression response its accuracy was taken through.
    """

    form: Compressed
    response: compression.Name = "measured"
    rule: Rule = "entropy"


@functools.cache
def column(name: str, skeleton: Skeleton, width: int) -> Array:
    """Return a cost column [15625] of all cells on the skeleton with `width` channels at first.

    name: `skeleton.*`, `<dataset>.params` and the like of that dataset's official network, or RAM
    and `flash.weights` of the network in their name; width takes the place of its channels. RAM
    takes seconds per width. Raises UserError for any other column.
    """
    first, _, rest = name.partition(".")
    parts = parse(name)
    if name in _COUNTS:
        values = _COUNTS[name](dataclasses.replace(skeleton, channels=width))
    elif first in OFFICIAL and rest in _OFFICIAL:
        values = _OFFICIAL[rest](dataclasses.replace(OFFICIAL[first], channels=width))
    elif parts and not parts.device:
        narrow = dataclasses.replace(parts.network, channels=width)
        if parts.what == "flash.weights":
            values = all_weights(narrow)
        else:
            values = all_ram(parts.what, narrow)
    else:
        raise UserError(
            f"{name} is not known of narrower networks: bound parameters, MACs, FLOPs, RAM, "
            f"flash.weights or {BYTES}."
        )
    found = np.asarray(values, dtype=np.float64)
    found.setflags(write=False)
    return found


def judge(
    bounds: Mapping[str, float], skeleton: Skeleton, cell: int, claim: Claim
) -> tuple[bool, dict[str, Any]]:
    """Return whether a compressed pick keeps the bounds of its search, and what to say of it.

    bounds: full name of a column -> its upper bound; skeleton: around the cell. Raises UserError
    for a bound that is not known of networks with stages of different widths.
    """
    form = claim.form
    size = n_bytes(Cell.from_index(cell), skeleton, form, claim.rule)
    sizes = {
        name: size if name == BYTES else _narrow(name, skeleton, cell, form) for name in bounds
    }
    built = as_built(form, skeleton)
    details = {
        **form.described(),
        "bytes": size,
        "rule": claim.rule,
        "kept": compression.response(claim.response).fraction(built),
        "kept_without": [each.fraction(built) for each in compression.without_each(claim.response)],
        "assumes": compression.ASSUMES[claim.response],
        **{f"compressed.{name}": value for name, value in sizes.items() if name != BYTES},
    }
    keeps = all(bool(at_most(sizes[name], bound)) for name, bound in bounds.items())
    return keeps, details


def _narrow(name: str, skeleton: Skeleton, cell: int, form: Compressed) -> float:
    if len(set(form.widths)) > 1:
        raise UserError(f"{name} is not known of networks whose stages differ in width.")
    width = channels(form.widths[0], skeleton.channels)
    return float(column(name, skeleton, width)[cell])
