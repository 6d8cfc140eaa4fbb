"""What looks at expectations cost: no accuracy is read without paying for a training."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search_tables import table

from benchsuite import plugins
from benchsuite.assembly.accuracy import ESTIMATES, accuracies
from benchsuite.errors import UserError
from benchsuite.replays.run import replay
from benchsuite.simulation.problem import prepare
from benchsuite.simulation.search import Budget, ExhaustedError, Search
from benchsuite.simulation.setting import Setting
from benchsuite.simulation.supernet import SHOWN
from benchsuite.sources._fetch import Places
from benchsuite.space.cell import N_CELLS, all_ops, index_of
from benchsuite.space.multilinear import expectations, tensor
from benchsuite.table.table import Table

ONE_HOT = np.eye(5)[all_ops()]
UNIFORM = np.full((6, 5), 0.2)
PRICES = prepare(table(), Setting()).seconds[12]
VALID = table().values("cifar10.valid.12ep.mean")
EPOCH = PRICES.min() / 12
LOOKS = st.tuples(
    st.integers(0, 30), st.sampled_from([0.5, 0.97, 0.99, 1.0]), st.sampled_from([0, 1, 500])
)


def door(setting=None, charged=True, **budget):
    problem = prepare(table(), setting or Setting())
    return Search(problem, Budget(**budget or {"seconds": 1e9}), charged=charged)


def softened(cells, edge):
    """Choices of which each edge has `edge` of its weight on the cell's operator."""
    return edge * ONE_HOT[cells] + (1 - edge) * UNIFORM


def spent(search):
    found = search.finish(0, 0.0)
    assert found.simulated_seconds == pytest.approx(found.trace.seconds.sum())
    return found.simulated_seconds, found.queries


def test_all_accuracies_in_one_look_are_all_trainings():
    search = door(seconds=12_000)
    with pytest.raises(ExhaustedError):
        search.expectations("accuracy", ONE_HOT, seconds=0)
    assert spent(search) == (0, 0)
    search = door(queries=100)
    with pytest.raises(ExhaustedError):
        search.expectations("accuracy", ONE_HOT, seconds=0)
    search = door()
    value, _ = search.expectations("accuracy", ONE_HOT, seconds=0)
    np.testing.assert_allclose(value, VALID)
    assert spent(search) == (pytest.approx(PRICES.sum()), N_CELLS)


@pytest.mark.parametrize("edge", [1.0, 1 - 1e-12, 0.999, 0.99])
@pytest.mark.parametrize("log10", [False, True])
def test_a_look_at_one_cell_or_nearly_so_is_a_query_of_it(edge, log10):
    search = door()
    cell = 6111
    value, _ = search.expectation("accuracy", softened(cell, edge), seconds=0, log10=log10)
    assert (10**value if log10 else value) == pytest.approx(VALID[cell], abs=1)
    assert spent(search) == (pytest.approx(PRICES[cell]), 1)
    trace = search.finish(0, 0.0).trace
    query = trace.cell.tolist().index(cell)
    assert trace.names[trace.looked_at[query]] == "valid.12ep"
    assert trace.value[query] == VALID[cell]
    assert trace.seconds[query] == PRICES[cell]
    assert search.finish(0, 0.0).answer == (cell,), "as a cell that was queried is"


def test_a_cell_is_charged_once_however_it_was_seen():
    search = door()
    search.query([7])
    search.expectations("accuracy", softened([7, 8, 8, 9], 0.995), seconds=0)
    first = PRICES[[7, 8, 9]].sum()  # what the other two sets cost went towards it
    assert spent(search) == (pytest.approx(first), 3)
    search.expectation("accuracy", ONE_HOT[9], seconds=0)
    assert spent(search) == (pytest.approx(first + EPOCH), 3), "a step all the same"
    search.query([9])
    assert spent(search) == (pytest.approx(first + EPOCH + PRICES[9]), 4)


def test_no_look_at_an_accuracy_is_free():
    for seconds in (0, 1e-9):
        search = door()
        search.expectation("accuracy", UNIFORM, seconds=seconds)
        search.expectations("accuracy", np.stack([UNIFORM] * 10), seconds=seconds)
        assert spent(search) == (pytest.approx(11 * EPOCH), 0)
    search = door(seconds=100 * EPOCH)
    with pytest.raises(ExhaustedError):
        search.expectations("accuracy", softened(np.arange(101), 0.9), seconds=0)
    search = door()
    search.expectation("accuracy", UNIFORM, seconds=28.8)
    assert spent(search) == (28.8, 0)
    search = door(charged=False)
    search.expectations("accuracy", ONE_HOT[:9], seconds=5)
    assert spent(search)[0] == 0


def test_a_budget_of_queries_alone_pays_for_steps_too():
    search = door(queries=10)
    for _ in range(20):
        search.expectation("accuracy", UNIFORM, seconds=PRICES.mean() / 2)
    for look in (lambda: search.expectation("accuracy", UNIFORM, seconds=0),
                 lambda: search.query([5])):  # fmt: skip
        with pytest.raises(ExhaustedError):
            look()


@settings(max_examples=40, deadline=None)
@given(st.lists(LOOKS, min_size=1, max_size=12))
def test_looks_cost_what_is_stated_and_no_less_than_what_they_show(looks):
    search = door()
    stated, seen = 0.0, set()
    for cell, edge, seconds in looks:
        search.expectation("accuracy", softened(cell, edge), seconds=seconds)
        stated += seconds
        if (edge + (1 - edge) / 5) ** 6 >= SHOWN:
            seen.add(cell)
    total, queries = spent(search)
    trainings = PRICES[sorted(seen)].sum()
    assert queries == len(seen)
    assert total >= max(stated, trainings) - 1e-6
    assert total <= stated + trainings + len(looks) * EPOCH + 1e-6


def test_a_cell_that_is_looked_at_does_not_show_its_neighbours():
    _, slope = door().expectation("accuracy", ONE_HOT[6111], seconds=0)
    np.testing.assert_allclose(slope, VALID[6111])
    _, slopes = door().expectations("accuracy", np.stack([ONE_HOT[6111], UNIFORM]), seconds=0)
    np.testing.assert_allclose(slopes[0], VALID[6111])
    assert np.ptp(slopes[1]) > 1
    _, slope = door().expectation("cifar10.flops", ONE_HOT[6111], seconds=0)
    assert np.ptp(slope) > 1, "arithmetic is free"


@pytest.mark.parametrize("edge", [1.0, 1 - 1e-12, 0.999, 0.99])
def test_slopes_show_no_cell_that_was_not_paid_for(edge):
    """Of one edge left open, and of a cell that is shown: five and 25 accuracies in one look."""
    cell, chosen = softened(6111, edge), ONE_HOT[6111] == 1
    for name, values in (("accuracy", VALID), ("flops", table().values("flops"))):
        setting = Setting(proxy_seconds={"flops": 2.0})
        for at in range(6):
            opened = cell.copy()
            opened[at] = 0.2
            search = door(setting)
            value, slope = search.expectation(name, opened, seconds=0)
            assert spent(search)[1] == 0
            np.testing.assert_allclose(slope[at], value, rtol=1e-9)
            assert np.ptp(slope[(at + 1) % 6]) > 0.001 * value, "others are means of many cells"
            _, slopes = search.expectations(name, opened[None], seconds=0)
            np.testing.assert_allclose(slopes[0], slope)
        value, slope = door(setting).expectation(name, cell, seconds=0)
        np.testing.assert_allclose(np.where(chosen, value, slope), value, rtol=1e-9)
        np.testing.assert_allclose(slope[chosen], values[6111], rtol=0.05)


def test_slopes_of_cells_that_were_trained_are_shown():
    opened = ONE_HOT[6111].copy()
    opened[2] = 0.2
    ops = np.repeat(all_ops()[6111][None], 5, axis=0)
    ops[:, 2] = np.arange(5)
    along = index_of(ops)
    search = door()
    search.query(along[:3])
    value, slope = search.expectation("accuracy", opened, seconds=0)
    np.testing.assert_allclose(slope[2], [*VALID[along[:3]], value, value])
    assert value == pytest.approx(VALID[along].mean())


def test_a_column_with_a_price_is_paid_in_expectations_too():
    search = door(Setting(proxy_seconds={"flops": 2.0}), seconds=21)
    with pytest.raises(ExhaustedError):
        search.expectations("flops", ONE_HOT[:11], seconds=0)
    search.expectations("flops", ONE_HOT[:3], seconds=0)
    search.expectation("flops@1", softened(1, 0.99), seconds=0)
    search.column("flops", [2, 3])
    assert spent(search) == (8, 0)
    search.expectation("flops", UNIFORM, seconds=0)
    assert spent(search) == (8, 0), "the mean of many is what the method's own cost is for"


@pytest.mark.parametrize("name", ["edgenas", "udc"])
def test_methods_pay_what_they_state(name):
    """Their steps come to more than training the cells that their samples sharpen to."""
    bounds = {"cifar10.flops": 120e6}
    strategy = plugins.load("strategies", name)
    parameters = strategy.parameters(**({"samples": 4} if name == "udc" else {}))
    found = replay(strategy, prepare(table(), Setting(bounds=bounds)), Budget(2e5), parameters, 0)
    assert found.answer
    assert found.simulated_seconds == pytest.approx(parameters.gpu_hours * 3600)


@pytest.mark.parametrize(
    ("probs", "hint"),
    [
        (2 * UNIFORM, "sum to 1"),
        (UNIFORM - 0.2 + np.eye(6, 5), "sum to 1"),
        (np.where(np.arange(5) == 0, 1.5, -0.125) * np.ones((6, 1)), "0 or more"),
        (np.full((6, 5), np.nan), "sum to 1"),
        (np.ones((5, 6)) / 6, r"\[6, 5\]"),
    ],
)
def test_choices_are_probabilities(probs, hint):
    for name in ("accuracy", "cifar10.flops"):
        with pytest.raises(UserError, match=hint):
            door().expectation(name, probs, seconds=1)
        with pytest.raises(UserError, match=hint):
            door().expectations(name, probs[None], seconds=1)


def off(values):
    """Median distance of an expectation at the threshold from the accuracy of the cell."""
    edge = (SHOWN ** (1 / 6) - 0.2) / 0.8
    found = expectations(tensor(values), softened(np.arange(N_CELLS), edge))[0]
    return float(np.median(np.abs(found - values)))


BETWEEN_TRAININGS = {"cifar10": 0.26, "cifar100": 0.50, "imagenet16-120": 0.53}


@pytest.mark.parametrize("dataset", BETWEEN_TRAININGS)
def test_from_the_threshold_on_a_look_says_more_than_another_training(dataset):
    values = Table.open(ESTIMATES).values(f"{dataset}.valid.200ep.mean")
    assert 0.3 < off(values) / BETWEEN_TRAININGS[dataset] < 0.5


@pytest.mark.nb201
def test_from_the_threshold_on_a_measured_look_says_more_than_another_training(raw, tmp_path):
    measured = accuracies(Places(raw, tmp_path))
    for dataset, stated in BETWEEN_TRAININGS.items():
        seeds = [measured.values(f"{dataset}.valid.200ep.seed{seed}") for seed in (777, 888)]
        between = float(np.nanmedian(np.abs(seeds[0] - seeds[1])))
        assert between == pytest.approx(stated, abs=0.04)
        assert 0.3 < off(measured.values(f"{dataset}.valid.200ep.mean")) / between < 0.5
