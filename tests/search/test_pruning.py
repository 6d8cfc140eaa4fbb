"""Pruning by ranks: the rules of the authors' code, written plainly, and what supernets cost."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search_tables import table

from benchsuite import plugins
from benchsuite.replays.run import replay
from benchsuite.search._costs import of_operators, pooling
from benchsuite.search._pruning import DIGITS, Rules, Term, change, prune, ranks, relative
from benchsuite.simulation.problem import prepare
from benchsuite.simulation.search import Budget, Search
from benchsuite.simulation.setting import Setting
from benchsuite.space.cell import NONE, POOL, all_ops, connected
from benchsuite.space.network import OFFICIAL, Skeleton


def authors(values, weights, descending):
    """The loop of `prune_func_rank` of TE-NAS' public code, in plain lists, for any indicators.

    values: functions of a set of (edge, operator); weights, descending: of each.
    """
    left = {(edge, op) for edge in range(6) for op in range(5) if op != NONE}
    while len(left) > 6:
        sorted_by, places = [], []
        for value, down in zip(values, descending, strict=True):
            whole = value(left)
            rows = [
                [round((whole - value(left - {choice})) / whole, DIGITS), choice]
                for choice in sorted(left)
            ]
            rows.sort(key=lambda row: row[0], reverse=down)
            place = {}
            for at, (delta, choice) in enumerate(rows):
                before = rows[at - 1]
                same = at > 0 and delta == before[0]
                place[choice] = place[before[1]] + (not same) if at else 0
            sorted_by.append([choice for _, choice in rows])
            places.append(place)
        scores = sorted(
            (
                [sum(w * p[c] for w, p in zip(weights, places, strict=True)), c]
                for c in sorted_by[0]
            ),
            key=lambda pair: round(pair[0], 9),
        )
        gone = {}
        for _, (edge, op) in scores:
            gone.setdefault(edge, op)
        left -= set(gone.items())
    return [op for _, op in sorted(left)]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.5, 0.8, 1.0]), st.integers(1, 3))
def test_pruning_is_the_authors_loop(seed, weight, levels):
    """Additive indicators with few values, so that ties abound; sums are whole, so exact."""
    rng = np.random.default_rng(seed)
    tables = [rng.integers(1, 3**levels, size=(6, 5)) for _ in range(3)]
    weights = [(1 - weight) / 2, (1 - weight) / 2, weight]
    plain = [lambda left, t=t: float(sum(t[edge, op] for edge, op in left)) for t in tables]
    terms = [
        Term(relative(lambda left, t=t: float((t * left).sum()), "it"), sign, share)
        for t, sign, share in zip(tables, (-1, 1, -1), weights, strict=True)
    ]
    # A stable descending sort keeps tied rows as they stand, and so does this.
    found = prune(terms, Rules(ties="first")).argmax(axis=1).tolist()
    assert found == authors(plain, weights, (True, False, True))


@pytest.mark.parametrize(("none", "steps", "evaluations"), [(False, 3, 57), (True, 4, 88)])
def test_steps_and_evaluations_are_counted(none, steps, evaluations):
    rules, seen, asked = Rules(none=none), [], []

    def value(left):
        asked.append(left.sum())
        return 1.0

    left = prune([Term(relative(value, "it"), 1, 1.0)], rules, seen.append)
    assert seen == list(range(1, steps + 1))
    assert rules.steps == steps
    assert len(asked) == rules.evaluations == evaluations
    assert (left.sum(axis=1) == 1).all()
    assert asked[0] == 30 - 6 * (not none)


def test_deltas_are_relative_rounded_and_zero_of_nothing():
    assert change(2.0, 1.0) == 0.5
    assert change(3.0, 2.0) == round(1 / 3, DIGITS)
    assert change(1e8, 1e8 - 1e-8) == 0
    assert change(0.0, 0.0) == 0
    assert np.isnan(change(np.nan, 1.0))
    assert np.isnan(change(0.0, 1.0))


def test_ranks_are_dense_or_positional():
    values, ops = np.array([0.5, 0.1, 0.5, 0.1, np.nan]), np.array([3, 4, 1, 2, 0])
    assert ranks(values, ops).tolist() == [1, 0, 1, 0, 2]
    assert ranks(values, ops, "positional").tolist() == [3, 1, 2, 0, 4]


def search_on(table, device="stm32f746", runtime="monas2024"):
    return Search(prepare(table, Setting(device=device, runtime=runtime)), Budget(seconds=1.0))


@pytest.mark.parametrize("device", ["stm32f746", "stm32l432"])
def test_operators_of_additive_columns_add_up_to_every_cell(shipped_table, device):
    search = search_on(shipped_table, device)
    for column in ("cifar10.flops", "cifar10.params", "latency"):
        base, costs = of_operators(search, column)
        summed = base + costs[np.arange(6), all_ops()].sum(axis=1)
        values = search.column(column)
        at = connected() if column == "latency" else slice(None)
        np.testing.assert_allclose(summed[at], values[at], rtol=1e-9)
    assert not costs[:, NONE].any()


def test_the_authors_table_is_recovered_from_latencies(shipped_table):
    """ms per operator of the whole network, a tenth of what their code holds."""
    base, costs = of_operators(search_on(shipped_table), "latency")
    np.testing.assert_allclose(costs * 1e3, [[0, 0.143, 2.349, 8.026, 2.402]] * 6, atol=1e-9)
    assert base == pytest.approx(0, abs=1e-12)


def test_a_pooling_costs_nine_operations_an_output(shipped_table):
    """Between `skip_connect` and a 1x1 convolution, which has 16 or more an output."""
    network = OFFICIAL["cifar10"]
    assert pooling(network) == 9 * 5 * (16 * 32**2 + 32 * 16**2 + 64 * 8**2)
    _, costs = of_operators(search_on(shipped_table), "cifar10.flops")
    assert (costs[:, POOL] == 0).all()
    assert (pooling(network) < costs[:, 2]).all()


@pytest.mark.parametrize(
    ("parameters", "cells"),
    [
        # mu = 0 to .7 of Table 2, L43: 94.37 %, 153.27 M, which is cell 6111; and .8: 51.04 M.
        ({}, (6111, 6217, 6217, 6217)),
        ({"ntk": "ntk_cond.k2"}, (6111, 6217, 6217, 7897)),
        ({"ties": "first"}, (10360, 6217, 6217, 6217)),
        ({"cost": "mean"}, (6111, 6217, 6217, 12111)),
        ({"none": True}, (6217, 9621, 15452, 11135)),
    ],
)
def test_the_tabular_search_answers_what_was_found_outside_this_code(
    shipped_table, parameters, cells
):
    """Each found by a script of its own, over cells instead of tensors, with the same rules."""
    monas = plugins.load("strategies", "monas")
    problem = prepare(shipped_table, Setting(device="stm32f746", runtime="monas2024"))
    found = [
        replay(monas, problem, Budget(seconds=1e7), monas.parameters(mu=mu, **parameters), 0).answer
        for mu in (0, 0.5, 0.6, 0.7)
    ]
    assert [answer[0] for answer in found] == list(cells)


def test_pruning_by_an_additive_indicator_finds_its_best_cell():
    """With one additive indicator the steps keep the best operator of every edge."""
    worth = 1 + np.random.default_rng(0).random(size=(6, 5))
    indicator = relative(lambda kept: float((worth * kept).sum()), "it")
    for none in (False, True):
        left = prune([Term(indicator, 1, 1.0)], Rules(none=none))
        best = worth if none else np.where(np.arange(5) == 0, -1, worth)
        assert left.argmax(axis=1).tolist() == best.argmax(axis=1).tolist()


def test_a_removal_that_leaves_no_value_is_the_last_to_be_made():
    assert ranks(np.array([np.nan, 2.0, 1.0]), np.arange(3)).tolist() == [2, 1, 0]
    assert ranks(np.array([np.nan, np.nan]), np.array([1, 0])).tolist() == [0, 0]


@pytest.mark.parametrize("skeleton", [None, Skeleton(), Skeleton(cells_per_stage=1), Skeleton(8)])
def test_flops_by_default_are_those_of_the_network_that_is_searched(skeleton):
    monas = plugins.load("strategies", "monas")
    problem = prepare(table(), Setting(skeleton=skeleton))
    given = [{"lambda_": 0.5}, {"lambda_": 0.5, "flops": "flops"}]
    by_default, named = (
        replay(monas, problem, Budget(1e6), monas.parameters(**p), 0) for p in given
    )
    assert by_default.answer == named.answer
    assert by_default.simulated_seconds == pytest.approx(1800)
