"""Correlations: what is resampled where all cells were scored, and where only some classes were."""

import numpy as np
import pytest

from benchsuite import correlate, equivalence
from benchsuite.assemble import assemble
from benchsuite.columns import Column, seconds_column
from benchsuite.table import Values

CLASSES = equivalence.classes("functional")


@pytest.fixture(scope="module")
def table():
    def column(name):
        return Column(name, "a test", "1", "max", "a test", "1", "proxy")

    rng = np.random.default_rng(0)
    score = rng.normal(size=CLASSES.max() + 1)[CLASSES]
    few = np.isin(CLASSES, rng.choice(CLASSES.max() + 1, 300, replace=False))
    return assemble().with_columns(
        [
            Values(column("all_cells@1"), score),
            Values(column("sample@1"), np.where(few, score, np.nan), "not tabulated"),
            Values(seconds_column("alone.sample", "a test"), np.where(few, 0.25, np.nan), "-"),
        ]
    )


def test_a_sample_of_classes_is_resampled_by_class(table):
    rows = correlate.correlations(table, ["all_cells", "sample"], datasets=["cifar10"])
    rows = rows.set_index("proxy")
    assert rows["resampled"].to_dict() == {"all_cells@1": "cells", "sample@1": "classes"}
    assert rows["n_classes"].to_dict() == {"all_cells@1": 5260, "sample@1": 300}
    assert rows.loc["sample@1", "n"] + rows.loc["sample@1", "missing"] == 15_625
    width = rows["hi"] - rows["lo"]
    # 300 independent values: a standard error of tau of about 0.04, and more as classes differ.
    assert width["sample@1"] > 4 * 0.03
    assert width["all_cells@1"] < 4 * 0.01
    assert rows.loc["sample@1", "seconds"] == 0.25
    assert np.isnan(rows.loc["all_cells@1", "seconds"])


def test_the_seconds_of_a_combined_proxy_are_those_of_its_parts(table):
    for name, parts in (
        ("te_nas", ("ntk_cond", "linear_regions")),
        ("az_nas_rank", ("az_nas",)),  # its FLOPs cost nothing
    ):
        total = sum(table.values(f"seconds.alone.{part}") for part in parts)
        np.testing.assert_array_equal(table.values(f"seconds.alone.{name}"), total)
