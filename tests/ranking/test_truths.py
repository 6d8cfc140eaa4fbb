"""Which column a truth is: the rule, the names, and the sentence that says so."""

import numpy as np
import pytest

from benchsuite.errors import UserError
from benchsuite.ranking.truths import about, column_of, datasets_with, is_estimated, truths_of
from benchsuite.space.cell import N_CELLS
from benchsuite.table.columns import DATASETS, ESTIMATE, Column, accuracy_column
from benchsuite.table.table import Table, Values

MEASURED = "nats-tss-v1_0"


def mean(split, epochs, release, dataset="cifar10"):
    column = accuracy_column(dataset, split, epochs, "mean", release, "a test")
    return Values(column, np.linspace(10, 90, N_CELLS), "")


def elsewhere(aggregation, name):
    column = Column(
        name=f"{name}@analog-nasbench-0.1.3",
        description="one training",
        unit="%",
        direction="max",
        source="a test",
        version="1",
        kind="accuracy",
        dataset="cifar10",
        split="test",
        aggregation=aggregation,
        release="analog-nasbench-0.1.3",
    )
    return Values(column, np.linspace(10, 90, N_CELLS), "")


def of(*columns):
    return Table.empty({}).with_columns(columns)


TEST, VALID = ("test", 200), ("valid", 200)


@pytest.mark.parametrize(
    ("held", "chosen"),
    [
        ({TEST: MEASURED, VALID: MEASURED}, "cifar10.test.200ep.mean@nats-tss-v1_0"),
        ({TEST: ESTIMATE, VALID: MEASURED}, "cifar10.valid.200ep.mean@nats-tss-v1_0"),
        ({TEST: MEASURED, VALID: ESTIMATE}, "cifar10.test.200ep.mean@nats-tss-v1_0"),
        ({TEST: ESTIMATE, VALID: ESTIMATE}, f"cifar10.test.200ep.mean@{ESTIMATE}"),
        ({TEST: ESTIMATE}, f"cifar10.test.200ep.mean@{ESTIMATE}"),
        ({VALID: ESTIMATE}, f"cifar10.valid.200ep.mean@{ESTIMATE}"),
        ({VALID: MEASURED}, "cifar10.valid.200ep.mean@nats-tss-v1_0"),
    ],
)
def test_the_best_truth_is_measured_test_then_measured_validation_then_an_estimate(held, chosen):
    table = of(*(mean(*where, release) for where, release in held.items()))
    assert column_of(table, "best") == chosen
    assert is_estimated(table, "best", ["cifar10"]) == chosen.endswith(ESTIMATE)
    assert ("ESTIMATED" in about(table, "best", ["cifar10"])) == chosen.endswith(ESTIMATE)


def test_truths_are_named_by_what_was_measured():
    table = of(
        mean("test", 200, ESTIMATE),
        mean("valid", 12, MEASURED),
        mean("valid", 200, MEASURED, "cifar100"),
        elsewhere("int8_ptq", "cifar10.test.int8_ptq"),
        elsewhere("robust.fgsm.0.1", "cifar10.robust.fgsm.0.1"),
    )
    assert truths_of(table) == ["test", "12ep", "int8.ptq", "robust.fgsm.0.1", "validation"]
    assert truths_of(table, "cifar100") == ["validation"]
    assert column_of(table, "int8.ptq") == "cifar10.test.int8_ptq@analog-nasbench-0.1.3"
    found = column_of(table, "robust.fgsm.0.1")
    assert found == "cifar10.robust.fgsm.0.1@analog-nasbench-0.1.3"


@pytest.mark.parametrize("eps", ["1", "1.0", "1.", "01", "0.1", ".1", "0.10"])
def test_an_epsilon_is_its_value(eps):
    held = {"1": "1", "0.1": "0.1"}
    table = of(*(elsewhere(f"robust.pgd.{e}", f"cifar10.robust.pgd.{e}") for e in held))
    meant = "1" if float(eps) == 1 else "0.1"
    found = column_of(table, f"robust.pgd.{eps}")
    assert found == f"cifar10.robust.pgd.{meant}@analog-nasbench-0.1.3"
    assert datasets_with(table, f"robust.pgd.{eps}") == ("cifar10",)
    with pytest.raises(UserError, match=r"no accuracy 'robust\.pgd\.2\.0'"):
        column_of(table, "robust.pgd.2.0")


def test_the_clause_groups_datasets_that_are_told_alike():
    table = of(
        mean("test", 200, ESTIMATE),
        mean("valid", 200, MEASURED, "cifar100"),
        mean("valid", 200, MEASURED, "imagenet16-120"),
    )
    assert about(table) == (
        "cifar10: test accuracy after 200 epochs, ESTIMATED; cifar100, imagenet16-120: validation "
        "accuracy after 200 epochs, measured (nats-tss-v1_0)"
    )
    assert about(table, datasets=DATASETS[1:]) == (
        "validation accuracy after 200 epochs, measured (nats-tss-v1_0)"
    )


@pytest.mark.parametrize(
    ("truth", "dataset", "said"),
    [
        ("int8.ptq", "cifar100", "not measured on cifar100, only on cifar10"),
        ("int8.ptx", "cifar10", "int8.ptq"),
        ("validation", "cifar10", "benchsuite fetch"),
        ("best", "cifar100", "no accuracy of cifar100"),
        ("best", "cifar11", "no dataset 'cifar11'"),
    ],
)
def test_a_truth_that_is_not_there_is_a_sentence(truth, dataset, said):
    table = of(mean("test", 200, ESTIMATE), elsewhere("int8_ptq", "cifar10.test.int8_ptq"))
    with pytest.raises(UserError, match=said):
        column_of(table, truth, dataset)
