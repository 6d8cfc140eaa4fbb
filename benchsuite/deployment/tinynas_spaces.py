"""TinyNAS, first stage: which width and resolution of the skeleton make the best search space.

A space is the NAS-Bench-201 skeleton with its channels times a width multiplier, for images of some
resolution. Of each space the same number of random cells is drawn; those whose networks fit the
SRAM and the flash are kept, and the space whose kept networks have the largest mean operations is
chosen: within a family, more operations mean more accuracy. Memory is that of the chosen runtime,
so the same part has another best space under another runtime.

Source: Lin et al., "MCUNet: Tiny Deep Learning on IoT Devices", NeurIPS 2020, section 3.1, Fig. 3
and 12. There are 9 widths and 12 resolutions, 108 spaces, and m = 1,000 networks of each. Their
FLOPs are multiply-accumulates, here of the deployed network. Accuracies of scaled networks are in
no table, so this stage looks at none.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchsuite.deployment.flash import all_weights
from benchsuite.deployment.scaling import all_ram_scaled
from benchsuite.errors import UserError, did_you_mean
from benchsuite.space import cost
from benchsuite.space.cell import N_CELLS
from benchsuite.space.network import OFFICIAL, Skeleton

if TYPE_CHECKING:
    import pandas as pd

WIDTHS = tuple(tenths / 10 for tenths in range(2, 11))
RESOLUTIONS = tuple(range(48, 225, 16))
RUNTIMES = {"tflm": "ram.tflm", "tinyengine": "ram.tinyengine"}
SPACE = ["width", "resolution"]


def sampled_networks(
    base: Skeleton = OFFICIAL["cifar100"],
    *,
    widths: Sequence[float] = WIDTHS,
    resolutions: Sequence[int] = RESOLUTIONS,
    samples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Return random networks of every space, one row each, whether they fit anything or not.

    base: the skeleton of width 1; its resolution is replaced. Channels are rounded to whole ones.
    samples: cells drawn per space, with replacement. Columns: width, resolution, channels, cell
    (official index), macs, flash [bytes], and the RAM [bytes] under every runtime of `RUNTIMES`, by
    the runtime's name. Raises UserError for a width or resolution that makes no skeleton.
    """
    import pandas as pd

    if samples < 1 or seed < 0 or not len(widths) or not len(resolutions):
        raise UserError("A space needs samples, 1 or more, a seed, 0 or more, widths, resolutions.")
    rng = np.random.default_rng(seed)
    parts = []
    for width in widths:
        weights = None
        for resolution in resolutions:
            skeleton = _scaled(base, width, resolution)
            if weights is None:
                weights = all_weights(skeleton)
            cells = rng.integers(N_CELLS, size=samples)
            part = {
                "width": width,
                "resolution": resolution,
                "channels": skeleton.channels,
                "cell": cells,
                "macs": cost.all_deployed_macs(skeleton)[cells],
                "flash": weights[cells],
            }
            for runtime, convention in RUNTIMES.items():
                part[runtime] = all_ram_scaled(convention, skeleton)[cells]
            parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True)


def rank_spaces(networks: pd.DataFrame, runtime: str, sram: int, flash: int) -> pd.DataFrame:
    """Return one row per space, the best first: the largest mean MACs of the networks that fit.

    networks: of `sampled_networks`; sram, flash: limits in bytes. Columns: width, resolution,
    channels, sampled, fit (how many of them), mean_macs (NaN where none fits), top20_macs (a fifth
    of the kept have more). Raises UserError for an unknown runtime and limits that are no sizes.
    """
    kept = fitting(networks, runtime, sram, flash)
    groups = kept.groupby(SPACE)["macs"]
    every = networks.groupby(SPACE)
    spaces = every["channels"].first().to_frame()
    spaces["sampled"] = every.size()
    spaces["fit"] = groups.size()
    spaces["fit"] = spaces["fit"].fillna(0).astype(int)
    spaces["mean_macs"] = groups.mean()
    spaces["top20_macs"] = groups.quantile(0.8)
    ordered = spaces.reset_index().sort_values(
        ["mean_macs", *SPACE], ascending=[False, True, True], na_position="last", kind="stable"
    )
    return ordered.reset_index(drop=True)


def cumulative(
    networks: pd.DataFrame, runtime: str, sram: int, flash: int, spaces: int = 10
) -> pd.DataFrame:
    """Return the distribution of MACs of the best spaces' networks that fit (MCUNet, Fig. 3).

    Columns: rank (0 is the chosen space), width, resolution, mean_macs, macs ascending, and cdf,
    the share of the space's fitting networks with as many MACs or fewer.
    """
    kept = fitting(networks, runtime, sram, flash)
    best = rank_spaces(networks, runtime, sram, flash).dropna(subset=["mean_macs"]).head(spaces)
    best = best.rename_axis("rank").reset_index()[["rank", *SPACE, "mean_macs"]]
    rows = best.merge(kept[[*SPACE, "macs"]], on=SPACE).sort_values(["rank", "macs"])
    rows["cdf"] = rows.groupby("rank")["macs"].rank(method="max", pct=True)
    return rows.reset_index(drop=True)


def best_spaces(
    networks: pd.DataFrame, runtime: str, srams: Sequence[int], flashes: Sequence[int]
) -> pd.DataFrame:
    """Return the best space under every pair of limits (MCUNet, Fig. 12).

    Columns: runtime, sram, flash [bytes], then those of `rank_spaces`; width and resolution are
    missing where no network of any space fits.
    """
    import pandas as pd

    rows = []
    for sram in srams:
        for flash in flashes:
            first = rank_spaces(networks, runtime, sram, flash).head(1)
            if first["fit"].item() == 0:
                first = first.assign(width=np.nan, resolution=np.nan, channels=np.nan)
            rows.append(first.assign(runtime=runtime, sram=sram, flash=flash))
    found = pd.concat(rows, ignore_index=True)
    front = ["runtime", "sram", "flash"]
    return found[[*front, *(name for name in found.columns if name not in front)]]


def fitting(networks: pd.DataFrame, runtime: str, sram: int, flash: int) -> pd.DataFrame:
    """Return the networks whose RAM under a runtime and whose flash are within the limits [bytes].

    Raises UserError for an unknown runtime and limits that are no sizes.
    """
    if runtime not in RUNTIMES:
        raise UserError(
            f"TinyNAS knows no memory rule of a runtime {runtime!r}; it knows "
            f"{', '.join(RUNTIMES)}." + did_you_mean(runtime, RUNTIMES)
        )
    if not (sram > 0 and flash > 0):
        raise UserError(f"Limits of {sram} bytes of SRAM and {flash} of flash hold no network.")
    return networks[(networks[runtime] <= sram) & (networks["flash"] <= flash)]


def _scaled(base: Skeleton, width: float, resolution: int) -> Skeleton:
    channels = int(base.channels * width + 0.5) if np.isfinite(width) else 0
    return dataclasses.replace(base, channels=channels, resolution=resolution)
