"""Costs of the cells in another skeleton than the official one, and what they are called."""

from __future__ import annotations

from benchsuite.deployment.compressed import all_bytes
from benchsuite.space import cost
from benchsuite.space.network import Skeleton
from benchsuite.table.columns import Column
from benchsuite.table.table import Values

# What short names of costs stand for in a search in another skeleton.
SHORT = {
    "flops": "skeleton.flops",
    "params": "skeleton.trained_params",
    "deployed_params": "skeleton.params",
    "deployed_macs": "skeleton.macs",
}


def skeleton_columns(skeleton: Skeleton) -> list[Values]:
    """Return the costs of all cells in a skeleton: deployed, and as trained."""
    counts = {
        "skeleton.params": ("deployed", "parameters", cost.all_deployed_params(skeleton)),
        "skeleton.macs": ("deployed", "MACs", cost.all_deployed_macs(skeleton)),
        "skeleton.bytes": ("deployed", "bytes", all_bytes(skeleton)),
        "skeleton.flops": ("as trained", "FLOPs", cost.all_flops(skeleton)),
        "skeleton.trained_params": ("as trained", "parameters", cost.all_params(skeleton)),
    }
    return [
        Values(
            Column(name, f"{how}, {skeleton}", unit, "none", "benchsuite.space.cost", "1", "cost"),
            values,
        )
        for name, (how, unit, values) in counts.items()
    ]
