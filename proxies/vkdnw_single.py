"""VKDNW with size: parameter tensors of the network plus the entropy of its Fisher spectrum.

The entropy is at most log 9 = 2.2 and tensors come by the dozen, so cells rank by tensors first
and by entropy among equals. Tensors are those of the network as trained, dead operators included,
the entropy is that of the network without them, where the authors' is of the whole (see `vkdnw`).
"""

from __future__ import annotations

from collections.abc import Mapping

from benchsuite.api import Array, Proxy


def _combine(columns: Mapping[str, Array]) -> dict[str, Array]:
    return {"": columns["tensors"] + columns["vkdnw"]}


PROXY = Proxy(
    version=1,
    direction="max",
    formula="number of parameter tensors + vkdnw",
    source="Tybl & Neumann, VKDNW, CVPR 2025, eq. 12",
    cost="combined",
    combine=_combine,
    needs=("tensors", "vkdnw"),
)
