"""What settings own scores were tabulated with, beside those of the suite's scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchsuite.table.table import Table

_REFERENCE = "proxies"  # The shipped table that stands for a proxy which the suite has no score of.
_NAMES = {
    "images": ("batch", "images"),
    "batch": ("batch", "size"),
    "resolution": ("skeleton", "resolution"),
    "channels": ("skeleton", "channels"),
    "cells per stage": ("skeleton", "cells_per_stage"),
    "classes": ("skeleton", "classes"),
    "dtype": ("dtype",),
    "device": ("device",),
    "seed": ("seed",),
    "weights": ("weights",),
    "repeats": ("repeats",),
}
_REPEATS = "repeats"


def other_settings(own: Table, table: Table) -> dict[str, str]:
    """Return by name what differs, `16 where these have 32`, none where either does not tell.

    What is so of some proxies alone names them.

    own: what `benchsuite tabulate` wrote; table: with the provenance of what ships.
    """
    mine = own.provenance.get("settings")
    if not isinstance(mine, Mapping) or not isinstance(mine.get("proxies"), Mapping):
        return {}
    mine = {**mine, _REPEATS: own.provenance.get(_REPEATS)}
    shipped = {
        name: {**about["settings"], _REPEATS: about.get(_REPEATS)}
        for name, about in table.provenance.get("joined", {}).items()
        if isinstance(about.get("settings"), Mapping)
    }
    found: dict[str, str] = {}
    for (name, what), proxies in differences(mine, shipped).items():
        of_some = f" ({', '.join(proxies)})" if len(proxies) < len(mine["proxies"]) else ""
        found[name] = "; ".join([*filter(None, [found.get(name)]), what + of_some])
    return found


def differences(
    mine: Mapping[str, Any], shipped: Mapping[str, Mapping[str, Any]]
) -> dict[tuple[str, str], list[str]]:
    """Return name and difference, `16 where these have 32`, of settings -> the proxies it is of.

    shipped: settings by the name of a table; a proxy that none has is held against `proxies`.
    """
    same_kind = {
        name: its for name, its in shipped.items() if its.get("unpruned") == mine.get("unpruned")
    }
    found: dict[tuple[str, str], list[str]] = {}
    for proxy in mine["proxies"]:
        of_it = [its for its in same_kind.values() if proxy in its.get("proxies", {})]
        for theirs in of_it[:1] or [shipped.get(_REFERENCE, {})]:
            for name, keys in _NAMES.items():
                suites, own = _at(theirs, keys), _at(mine, keys)
                if suites is not None and own is not None and suites != own:
                    found.setdefault((name, f"{suites} where these have {own}"), []).append(proxy)
    return found


def _at(settings: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    value: Any = settings
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
