"""The best pair of proxies: found where it exists, by any order of columns, judged held out."""

import numpy as np
import pytest

from benchsuite import stats
from benchsuite.errors import UserError
from benchsuite.ranking.combinations import best_combination
from benchsuite.space import equivalence
from benchsuite.table.columns import Column, accuracy_column
from benchsuite.table.table import Table, Values

CLASSES = equivalence.classes("functional")


def of_class(rng):
    return rng.normal(size=CLASSES.max() + 1)[CLASSES]


def proxy(name, values, direction="max"):
    about = Column(f"{name}@1", "a test", "1", direction, "a test", "1", "proxy")
    return Values(about, values, "left out")


def table(*proxies, truth):
    accuracy = accuracy_column("cifar10", "test", 200, "mean", "nb201-v1_0", "a test")
    return Table.empty().with_columns([Values(accuracy, truth), *proxies])


@pytest.fixture(scope="module")
def parts():
    rng = np.random.default_rng(0)
    return of_class(rng), of_class(rng), of_class(rng)


def test_two_halves_of_the_truth_are_found_whatever_their_direction(parts):
    first, second, noise = parts
    data = table(
        proxy("noise", noise),
        proxy("one", first),
        proxy("two", -second, "min"),
        proxy("worse.k0", first + noise),
        proxy("worse.k1", first + 2 * noise),
        truth=first + second,
    )
    row = best_combination(data, size=2).iloc[0]
    assert row["chosen"] == "one@1 + two@1"
    assert row["agreed"] == "5 of 5 folds"
    assert row["choices"] == 6
    assert row["n"] == 15_625
    assert row["lo"] <= row["tau"] <= row["hi"]
    whole = stats.kendall(first + second, first + second).value
    assert 0.8 < row["tau"] < whole
    single = best_combination(data, ["one", "noise"], size=1).iloc[0]
    assert single["chosen"] == "one@1"
    assert single["tau"] < row["tau"]


def test_own_scores_of_names_that_the_suite_has_are_proxies_of_their_own(parts):
    """`own` is no proxy of which they are outputs; outputs of one of them are."""
    first, second, noise = parts
    data = table(
        proxy("own.naswot", first),
        proxy("own.ntk_cond.k0", second),
        proxy("own.ntk_cond.k2", second + noise),
        proxy("flops", noise),
        truth=first + second,
    )
    row = best_combination(data, size=2).iloc[0]
    assert row["chosen"] == "own.naswot@1 + own.ntk_cond.k0@1"
    assert row["choices"] == 3
    outputs = [column.output for column in data.columns.values() if column.kind == "proxy"]
    assert outputs == ["", "k0", "k2", ""]


def test_a_choice_that_only_fits_noise_is_found_out(parts):
    rng = np.random.default_rng(1)
    data = table(*(proxy(f"n{i}", of_class(rng)) for i in range(12)), truth=parts[0])
    row = best_combination(data, size=2).iloc[0]
    assert row["lo"] < 0.02


def test_a_proxy_of_few_cells_is_left_out_and_named(parts):
    first, second, _ = parts
    rare = np.where(np.arange(15_625) % 2, first, np.nan)
    gaps = np.where(np.arange(15_625) < 100, np.nan, second)
    data = table(proxy("rare", rare), proxy("gaps", gaps), proxy("one", first), truth=first)
    row = best_combination(data, size=1).iloc[0]
    assert (row["left_out"], row["n"], row["chosen"]) == ("rare@1", 15_525, "one@1")
    with pytest.raises(UserError, match="3 proxies cannot be combined: 1 to 3 can, and 2 are"):
        best_combination(data, size=3)
    with pytest.raises(UserError, match=r"of the cells lack rare@1; --common takes the cells"):
        best_combination(data, ["rare", "one"], size=2)
    assert best_combination(data, ["gaps", "one"], size=2, among=1).iloc[0]["choices"] == 1


def test_common_combines_what_few_cells_have_on_those_cells(parts):
    first, second, _ = parts
    rare = np.where(np.arange(15_625) % 2, first, np.nan)
    data = table(proxy("rare", rare), proxy("two", second), truth=first + second)
    row = best_combination(data, size=2, common=True).iloc[0]
    assert (row["chosen"], row["n"], row["left_out"]) == ("rare@1 + two@1", 7_812, "")


def test_too_few_cells_are_a_sentence(parts):
    first, second, _ = parts
    rare = np.where(np.arange(15_625) < 99, first, np.nan)
    data = table(proxy("rare", rare), proxy("two", second), truth=first)
    with pytest.raises(UserError, match="99 cells have all scores"):
        best_combination(data, size=2, common=True)


def test_cells_of_too_few_classes_are_a_sentence_not_a_fold_without_tau(parts):
    first, second, _ = parts
    largest = np.argsort(-np.bincount(CLASSES), kind="stable")[:3]
    rare = np.where(np.isin(CLASSES, largest), np.arange(15_625.0), np.nan)
    data = table(proxy("rare", rare), proxy("two", second), truth=np.arange(15_625.0) % 97)
    with pytest.raises(UserError, match=r"cells of 3 functional classes are in \d of 5 folds"):
        best_combination(data, size=2, common=True)
    data = table(proxy("same", np.zeros(15_625)), truth=first)
    with pytest.raises(UserError, match=r"no tau on the \S+ held-out cells of a fold \(the score"):
        best_combination(data, size=1)
