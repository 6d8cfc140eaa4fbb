"""UDC: its projection, its samples and their slopes, its constraint, and its random baseline."""

import dataclasses

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from search_tables import column, table

from benchsuite import plugins
from benchsuite.deployment.compressed import BITS, DENSITIES, WIDTHS, Compressed, as_built, n_bytes
from benchsuite.deployment.response import response
from benchsuite.errors import UserError
from benchsuite.numerics.arithmetic import softmax
from benchsuite.parameters import fill
from benchsuite.replays import outcome, study
from benchsuite.replays.jobs import checked_parameters
from benchsuite.replays.judgement import Answer, judge
from benchsuite.replays.run import replay
from benchsuite.search._udc_samples import Decisions, Samples
from benchsuite.search._udc_spaces import Compression, Operators
from benchsuite.search.udc import VANILLA
from benchsuite.simulation.problem import prepare
from benchsuite.simulation.search import Budget, Search
from benchsuite.simulation.setting import Setting
from benchsuite.space.cell import Cell, all_ops, connected, index_of
from benchsuite.space.network import Skeleton
from benchsuite.table.table import Values

MCU = Skeleton(cells_per_stage=1)
SHORT = {"mode": "compressed", "steps": 200, "samples": 4, "rate": 0.1}


def setting(bound=5e4, **more):
    return Setting(bounds={"skeleton.bytes": bound}, skeleton=MCU, epochs=200, **more)


def run(name="udc", where=None, seed=0, **parameters):
    strategy = plugins.load("strategies", name)
    problem = prepare(table(), setting() if where is None else where)
    return replay(strategy, problem, Budget(1e9), fill(strategy.parameters, parameters, name), seed)


def space(kind=Compression, where=None, *more):
    where = setting() if where is None else where
    search = Search(prepare(table(), where), Budget(1e9))
    return kind(
        search, 1.0, 0.0, *(more or (("entropy", "measured") if kind is Compression else ()))
    )


@given(st.integers(0, 2**32), st.floats(0, 1), st.floats(0.1, 30))
@example(6578318, 1.0, 13.0)
def test_pi_is_projected_onto_the_set_of_equation_8_and_keeps_its_order(seed, freedom, scale):
    decisions = Decisions((5, 5, 4, 11, 10))
    logits = np.where(
        decisions.valid, np.random.default_rng(seed).normal(0, scale, (5, 11)), -np.inf
    )
    projected = decisions.project(logits, freedom)
    probs, k = softmax(projected), decisions.options
    bound = 1 / k + freedom * (1 - 1 / k)
    assert (probs.max(axis=1, keepdims=True) <= bound + 1e-9).all()
    assert (probs[~decisions.valid] == 0).all()
    inside = softmax(logits).max(axis=1, keepdims=True) <= bound
    np.testing.assert_allclose(projected[inside[:, 0]], logits[inside[:, 0]], rtol=1e-9)
    tight = probs.max(axis=1, keepdims=True)[~inside]
    np.testing.assert_allclose(tight, bound[~inside], atol=1e-6)
    if freedom > 0.01 and scale < 10:
        assert (probs.argmax(axis=1) == logits.argmax(axis=1)).all()


def test_slopes_are_those_of_the_samples():
    decisions = Decisions((5, 4, 11))
    logits = np.where(decisions.valid, np.random.default_rng(1).normal(size=(3, 11)), -np.inf)
    weights = np.random.default_rng(2).normal(size=(6, 3, 11))

    def loss(at):
        samples = Samples(at, np.random.default_rng(3), 6, 0.66, 0.5)
        return (samples.choices * weights).sum(), samples.by_logits(weights)

    value, gradient = loss(logits)
    step = 1e-6 * np.random.default_rng(4).normal(size=(3, 11))
    expected = (gradient * step)[decisions.valid].sum()
    assert loss(logits + step)[0] - value == pytest.approx(expected, rel=1e-3)


def test_rejection_sampling_draws_what_pi_likes_best():
    logits = np.random.default_rng(0).normal(size=(40, 5))
    samples = Samples(logits, np.random.default_rng(1), 32, 0.66, 1.0)
    found = (Samples(logits, np.random.default_rng(1), 32, 0.66, 0.0).choices.argmax(axis=2)
             == logits.argmax(axis=1)).any(axis=0)  # fmt: skip
    assert (samples.choices.argmax(axis=2) == logits.argmax(axis=1))[:, found].all()
    assert samples.choices.sum(axis=2) == pytest.approx(np.ones((32, 40)))


@pytest.mark.parametrize("rule", ["entropy", "printed"])
def test_slopes_of_size_and_error_are_theirs(rule):
    """Against finite differences of values computed from the response and the sizes alone."""
    of = space(Compression, None, rule, "measured")
    rng = np.random.default_rng(5)
    valid = Decisions(of.options).valid
    choices = np.where(valid, rng.dirichlet(np.ones(11), size=15), 0)
    choices /= choices.sum(axis=1, keepdims=True)
    search, r = Search(prepare(table(), setting()), Budget(1e9)), response()

    def error(at):
        accuracy, _ = search.expectations("accuracy", at[None, :6, :5], seconds=0)
        total = 0.0
        for k in range(3):
            b, d, w = at[6 + k, : len(BITS)], at[9 + k, : len(DENSITIES)], at[12 + k, : len(WIDTHS)]
            channels = np.array([max(1, round(x * 16 * 2**k)) for x in WIDTHS])
            logs = r.log_kept(
                np.array(BITS)[:, None, None],
                np.array(DENSITIES)[:, None],
                channels / channels[-1],
            )
            total += r.shares[k] * np.einsum("bdw,b,d,w->", logs, b, d, w)
        return 1 - (10 + (accuracy[0] - 10) * np.exp(total)) / 100

    def size(at):
        return next(iter(of.sizes(at[None])))[0][0]

    ((_, size_slopes),) = of.sizes(choices[None])
    for value, slopes in ((error, of.error(choices[None])), (size, size_slopes)):
        step = np.where(valid, 1e-5 * rng.normal(size=(15, 11)), 0)
        step -= np.where(valid, step.sum(axis=1, keepdims=True) / valid.sum(axis=1)[:, None], 0)
        change = (value(choices + step) - value(choices - step)) / 2
        assert change == pytest.approx((slopes[0] * step).sum(), rel=2e-2, abs=1e-9)


@given(st.integers(0, 2**32))
def test_one_hot_choices_have_the_size_and_the_fraction_of_their_network(seed):
    of = space()
    chosen = np.random.default_rng(seed).integers(of.options)
    form = Compressed(
        tuple(BITS[i] for i in chosen[6:9]),
        tuple(DENSITIES[i] for i in chosen[9:12]),
        tuple(WIDTHS[i] for i in chosen[12:]),
    )
    one_hot = (np.arange(11) == chosen[:, None]).astype(float)
    exact = n_bytes(Cell.from_index(of.cell(chosen)), MCU, form)
    ((size, _),) = of.sizes(one_hot[None])
    assert of.bytes_of(chosen[None])[0] == pytest.approx(exact)
    assert size[0] * 5e4 == pytest.approx(exact, rel=1e-5)
    assert of.cell(chosen) == index_of(chosen[None, :6])[0]
    assert of.kept(chosen[None])[0] == pytest.approx(response().fraction(as_built(form, MCU)))


STUDY = """
schema = 1
name = "bounds"
[defaults]
strategy = "udc"
epochs = 200
seeds = 4
budget = { seconds = 200000 }
skeleton = { cells_per_stage = 1 }
parameters = { mode = "compressed", steps = 200, samples = 4, rate = 0.1 }
[[searches]]
label = "20 kB"
bounds = { "skeleton.bytes" = 20000 }
[[searches]]
label = "50 kB"
bounds = { "skeleton.bytes" = 50000 }
[[searches]]
label = "operators"
parameters = { mode = "operators", steps = 200, samples = 4 }
bounds = { "skeleton.bytes" = 100000 }
"""


def test_full_udc_keeps_its_bound_in_every_seed(tmp_path):
    path = tmp_path / "bounds.toml"
    path.write_text(STUDY)
    rows = outcome.run(study.load(path), table(), tmp_path).runs
    assert rows["feasible"].all()
    for _, row in rows.iterrows():
        bound = {"20 kB": 2e4, "50 kB": 5e4, "operators": 1e5}[row["search"]]
        cell = Cell.from_index(row["cell"])
        if row["search"] == "operators":
            assert row["skeleton.bytes"] == n_bytes(cell, MCU, Compressed()) <= bound
            continue
        form = Compressed(*(tuple(row[n]) for n in ("bits", "densities", "widths")))
        assert row["bytes"] == pytest.approx(n_bytes(cell, MCU, form))
        assert 0.5 * bound < row["bytes"] <= bound
        kept = response().fraction(as_built(form, MCU))
        assert row["compressed.test.cifar10"] == pytest.approx(
            10 + kept * (row["test.cifar10"] - 10)
        )
        assert "compression response" in row["assumes"]


def test_the_hard_constraint_answers_the_last_configuration_that_kept_the_bound():
    loose = {**SHORT, "weight": 3e-2, "weight_end": None}
    broken, kept = run(**loose, hard=False), run(**loose)
    assert not broken.feasible
    assert broken.reason == "the answer breaks a bound"
    assert broken.details["bytes"] > 5e4
    assert kept.feasible
    assert kept.details["bytes"] <= 5e4


def test_vanilla_dnas_has_only_the_expected_size_to_go_by():
    parameters = {**VANILLA, "mode": "compressed", "steps": 300, "hard": False}
    sizes = [run(**parameters, where=setting(b)).details["bytes"] / b for b in (2e4, 5e4, 1e5)]
    assert any(size > 1 for size in sizes), "an expectation within the bound is no guarantee"


def test_a_stronger_pull_comes_closer_to_the_size():
    def distance(weight):
        found = [run(**SHORT, weight=weight, weight_end=None, hard=False, seed=s) for s in range(3)]
        return np.mean([abs(r.details["bytes"] / (0.95 * 5e4) - 1) for r in found])

    assert distance(1.0) < distance(1e-4)


def test_operators_aim_at_a_size_that_some_cell_has():
    bounded = Setting(bounds={"cifar10.params": 8e5})
    sizes = table().values("cifar10.params")
    of = space(Operators, bounded)
    assert of.keeps(np.zeros(6, dtype=np.int64)) == (sizes[0] <= 8e5)
    runs = [run(where=bounded, steps=200, samples=4, seed=s) for s in range(3)]
    assert all(r.feasible and sizes[r.answer[0]] <= 8e5 for r in runs)
    assert all(sizes[r.answer[0]] > 0.6 * 8e5 for r in runs)


def test_a_sample_that_is_a_cell_without_a_size_pulls_nowhere():
    """At a low temperature its slopes, which are missing, ended the search in a traceback."""
    name = "latency.board.tflm.cifar10.official"
    seconds = np.where(connected(), table().values(name), np.nan)
    data = table().without([name])
    data = data.with_columns([Values(column(name, "device", "min"), seconds, "no path")])
    problem = prepare(data, Setting(bounds={name: 12}, epochs=200))
    cells = all_ops()[[int(connected().argmin()), 6111]].astype(int)
    ((size, slopes),) = Operators(Search(problem, Budget(1e9)), 1, 0).sizes(np.eye(5)[cells])
    assert size[0] == 1
    assert not slopes[0].any()
    assert slopes[1].any()
    udc = plugins.load("strategies", "udc")
    found = replay(udc, problem, Budget(1e9), udc.parameters(steps=100, tau=1e-3), 0)
    assert found.feasible


def test_a_lossless_response_leaves_the_accuracy_of_the_table():
    found = run(**SHORT, response="lossless")
    assert found.details["kept"] == 1
    assert "costs no accuracy" in found.details["assumes"]
    answer = Answer(0, found.answer, found.feasible, "", 0, 0.0, details=found.details)
    row = judge(table(), setting(), [answer]).iloc[0]
    assert row["compressed.test.cifar10"] == pytest.approx(row["test.cifar10"])
    assert np.isnan(row["regret"]), "no cell of the table is its rival"


def test_random_networks_keep_the_size_and_more_of_them_are_better():
    def best(trials):
        found = [run("udc_random", trials=trials, seed=s) for s in range(5)]
        assert all(r.feasible and r.details["bytes"] <= 5e4 for r in found)
        assert all(r.queries == trials for r in found)
        return np.mean([r.trace.value[r.trace.looked_at == 1].max() for r in found])

    assert best(30) > best(2)


def test_random_search_answers_its_most_accurate_network():
    found = run("udc_random", trials=25)
    logged = found.trace.value[found.trace.looked_at == found.trace.names.index("compressed.valid")]
    form = Compressed(*(tuple(found.details[n]) for n in ("bits", "densities", "widths")))
    accuracy = prepare(table(), setting()).accuracy[200][found.answer[0]]
    assert len(logged) == 25
    assert logged.max() == pytest.approx(
        10 + (accuracy - 10) * response().fraction(as_built(form, MCU))
    )


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda: run(where=Setting()), "at least one bound"),
        (
            lambda: run(where=Setting(bounds={"cifar10.params": 8e5}), mode="compressed"),
            "keeps one",
        ),
        (lambda: run(where=Setting(bounds={"cifar10.params": 73306})), "0.95 .the parameter aim"),
        (lambda: run("udc_random", where=Setting()), "needs one"),
        (lambda: run("udc_random", where=Setting(bounds={"cifar10.params": 8e5})), "keeps one"),
        (lambda: run("udc_random", trials=0), "1 or more"),
        (lambda: run(mode="compresed"), "one of operators, compressed"),
        (lambda: run(theta=1.5), "from 0 to 1"),
        (lambda: run(weight=0.0), "weight"),
        (lambda: run(response="none"), "one of measured, lossless"),
        (lambda: run(rule="eq4"), "one of entropy, printed"),
        (lambda: prepare(table(), setting(1.0)), "No cell keeps the bounds"),
    ],
)
def test_mistakes_are_sentences(call, hint):
    with pytest.raises(UserError, match=hint):
        call()


def test_vanilla_is_a_set_of_parameters():
    udc = plugins.load("strategies", "udc")
    given = checked_parameters("udc", udc, VANILLA)
    assert {name: given[name] for name in VANILLA} == VANILLA
    assert given["steps"] == udc.parameters().steps * udc.parameters().samples
    assert dataclasses.replace(udc.parameters(), hard=False).hard is False


def test_a_compressed_search_that_its_budget_cuts_has_failed():
    """Cells that it trained keep the bound, but are no compressed answer."""
    where, strategy = setting(bound=1e6), plugins.load("strategies", "udc")
    cold = {**VANILLA, **SHORT, "samples": 1, "tau": 0.05, "tau_end": 0.01, "gpu_hours": 1}
    problem, cold = prepare(table(), where), fill(strategy.parameters, cold, "udc")
    found = replay(strategy, problem, Budget(2e4), cold, 0)
    assert found.queries > 0
    assert not found.feasible
    assert found.answer == ()
    assert found.reason == "the budget was spent before there was an answer"
    row = judge(table(), where, [Answer(0, (), False, found.reason, found.queries, 2e4)]).iloc[0]
    assert np.isnan(row["test.cifar10"])
