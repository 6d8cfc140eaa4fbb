"""Mean test accuracy after 200 epochs of NAS-Bench-201 v1.0, and 12-epoch CIFAR-10 (RoBoT).

The files name no release. The 200-epoch means are those of v1.0: each is the mean of a subset of
the seeds of v1.1. The 12-epoch validation accuracy is the mean of two seeds and equals that of v1.1
(`mini_nasbench`) in every cell, so it is filed under v1.1.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchsuite.sources._source import (
    Folder,
    Imported,
    Source,
    expect,
    expect_archs,
    github,
    one_per_cell,
    read_pickle,
)
from benchsuite.table.columns import accuracy_column, training_time_column

ID = "robot"

_FILES = github(
    "hzf1174/RoBoT",
    "ead6c2f4e9f6db932ca3929d43cee19df8d30ce7",
    {
        "data/nb2_cf10_test_accuracy.p": (
            297042,
            "c3c3f4b9a091886cad445149dcf608e1025b82ffca30fcf405f144cd7da078f4",
        ),
        "data/nb2_cf100_test_accuracy.p": (
            297042,
            "fd1db96cd490146a33455dc9e3b33cf4ed4c68e1dba552d7d6de0898616ac1b6",
        ),
        "data/nb2_im120_test_accuracy.p": (
            297042,
            "312e7e45215d0f40ec0a35deae6f3d224dd39ab4ace539909d9f95c8e82ab09c",
        ),
        "data/nb2_cf10_hp12_info.p": (
            2292213,
            "1217bae8967cc2539bb7a09a2ebe47b8ca19e1813d959bc0b2ad6472e6a67497",
        ),
    },
)
_TEST_FILES = dict(zip(("cifar10", "cifar100", "imagenet16-120"), _FILES[:3], strict=True))


def read(folder: Folder) -> Iterator[Imported]:
    """Yield the columns of this source."""
    for dataset, file in _TEST_FILES.items():
        path = folder / file.path
        values = one_per_cell(read_pickle(path), path)
        expect(((values > 0) & (values < 100)).all(), path, "an accuracy is outside 0 to 100")
        said = (
            f"{dataset} test accuracy after 200 epochs, mean over the 1 to 3 seeds of the release"
        )
        yield Imported(
            accuracy_column(dataset, "test", 200, "mean", "nb201-v1_0", ID, description=said),
            values,
        )
    path = folder / _FILES[3].path
    short = read_pickle(path)
    plain = isinstance(short, list) and all(
        isinstance(run, dict) and {"arch", "valacc", "cost"} <= set(run) for run in short
    )
    expect(plain, path, "a list of runs with arch, valacc and cost expected")
    expect_archs([run["arch"] for run in short], path)
    yield Imported(
        accuracy_column(
            "cifar10",
            "valid",
            12,
            "mean",
            "nb201-v1_1",
            ID,
            description="cifar10 valid accuracy after 12 epochs, 2 seeds",
        ),
        one_per_cell([run["valacc"] for run in short], path),
    )
    yield Imported(
        training_time_column("cifar10", 12, "mean", "nb201-v1_1", ID),
        one_per_cell([run["cost"] for run in short], path),
    )


SOURCE = Source(
    id=ID,
    citation="He et al., Robustifying and Boosting Training-Free NAS, ICLR 2024; data of "
    "Dong & Yang, NAS-Bench-201, ICLR 2020",
    licence="Apache-2.0",
    files=_FILES,
    read=read,
)
