"""Zen-NAS score of all cells on three data sets (NASLib, NAS-Bench-Suite-Zero).

The archive's "val_accuracy" is left out: it is the test accuracy of seed 888.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from benchsuite.bounds import of_json
from benchsuite.errors import UserError
from benchsuite.sources._archives import zipped
from benchsuite.sources._source import Folder, Imported, Source, expect, github, indices
from benchsuite.space.cell import N_CELLS
from benchsuite.table.columns import Column

ID = "naslib_zen"
_MEMBER = re.compile(r"zen/benchmark--nasbench201--([\w-]+)--\d+\.json")
_MOST = 1 << 25  # bytes of all members, unpacked
_NAME_HERE = {"cifar10": "cifar10", "cifar100": "cifar100", "imagenet16-120": "ImageNet16-120"}

_FILES = github(
    "automl/NASLib",
    "0428083bb8a5c79823da72bd471cf2aabd3a3bb7",
    {
        "run/results/benchmarks/nb201_zen.zip": (
            1661280,
            "6c9aec8cd0c235d7b7a37a27f224bb719e7376e8048f2dd6d91bc06dcfcc2a2e",
        ),
    },
)


def read(folder: Folder) -> Iterator[Imported]:
    """Yield the columns of this source."""
    path = folder / _FILES[0].path
    scores: dict[str, list[tuple[str, float]]] = {name: [] for name in _NAME_HERE.values()}
    try:
        with zipped(path) as archive:
            members = [info for info in archive.infolist() if _MEMBER.fullmatch(info.filename)]
            expect(sum(info.file_size for info in members) < _MOST, path, "it is too large")
            for info in members:
                name = info.filename.split("--")[2]
                for record in of_json(archive.read(info)) if name in scores else ():
                    scores[name].append((str(record["arch"]), float(record["zen"]["score"])))
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{path} is not the archive expected. Download it again.") from None
    for dataset, name in _NAME_HERE.items():
        expect(len(scores[name]) == N_CELLS, path, f"{N_CELLS} cells expected on {dataset}")
        keys = [re.findall(r"\d", arch) for arch, _ in scores[name]]
        expect(all(len(key) == 6 for key in keys), path, "a key is not a cell")
        values = np.full(N_CELLS, np.nan)
        values[indices(np.array(keys, dtype=int), "naslib", path)] = [s for _, s in scores[name]]
        failed = ~np.isfinite(values) | (values == -1e8)
        values[failed] = np.nan
        yield Imported(
            Column(
                name=f"naslib.zen.{dataset}",
                description=f"Zen-NAS score as NASLib computed it, {dataset}",
                unit="",
                direction="max",
                source=ID,
                version="1",
                kind="reference",
                dataset=dataset,
            ),
            values,
            "the score is not finite there, or is NASLib's -1e8" if failed.any() else "",
        )


SOURCE = Source(
    id=ID,
    citation="Krishnakumar et al., NAS-Bench-Suite-Zero, NeurIPS 2022 (NASLib)",
    licence="Apache-2.0",
    files=_FILES,
    read=read,
)
