"""UDC's size loss under temperature, projection and rejection: against samples counted anew."""

import dataclasses

import numpy as np
import pytest
from search_tables import table

from benchsuite.deployment.compressed import BITS, DENSITIES, WIDTHS, Compressed, n_bytes
from benchsuite.replays import outcome as outcomes
from benchsuite.replays import study
from benchsuite.reports import udc_inflation
from benchsuite.reports.udc_sizes import FULL, label, sizes
from benchsuite.search._udc_samples import Decisions
from benchsuite.space.cell import Cell
from benchsuite.space.network import Skeleton

SIZE = 50_000.0


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """The study's searches by UDC, cut short, with three seeds."""
    chosen = study.load(study.find(udc_inflation.STUDY))
    searches = tuple(
        dataclasses.replace(entry, seeds=3, parameters={**entry.parameters, "steps": 40})
        for entry in chosen.searches
        if entry.label.startswith(FULL)
    )
    short = dataclasses.replace(chosen, searches=searches)
    return outcomes.run(short, table(), tmp_path_factory.mktemp("udc"))


def test_one_hot_samples_lose_what_their_networks_lose(outcome):
    """At a temperature near 0 samples are networks, drawn by pi, whose bytes can be counted."""
    space, decisions, answers = udc_inflation._answers(table(), outcome, SIZE)
    chosen, target = answers[0], float(space.bytes_of(answers)[0])
    log_pi = udc_inflation._log_pi(decisions, chosen, udc_inflation.NO_REJECTION)
    found = udc_inflation._loss(space, log_pi, 1e-3, 0.0, target, 0)
    rng = np.random.default_rng(1)
    lost = []
    for _ in range(400):
        drawn = [
            rng.choice(k, p=np.exp(row[:k]))
            for row, k in zip(_normalised(log_pi), space.options, strict=True)
        ]
        form = Compressed(
            tuple(BITS[i] for i in drawn[6:9]),
            tuple(DENSITIES[i] for i in drawn[9:12]),
            tuple(WIDTHS[i] for i in drawn[12:]),
        )
        size = n_bytes(
            Cell.from_index(space.cell(np.array(drawn))), Skeleton(cells_per_stage=1), form
        )
        lost.append(abs(size / target - 1))
    error = np.std(lost) * np.sqrt(1 / 400 + 1 / (udc_inflation.SAMPLES * udc_inflation.BATCHES))
    assert found == pytest.approx(np.mean(lost), abs=4 * error)


def _normalised(log_pi):
    return log_pi - np.log(np.exp(log_pi).sum(axis=1, keepdims=True))


def test_the_answer_is_what_pi_likes_best_and_has_the_size_asked_for(outcome):
    space, decisions, answers = udc_inflation._answers(table(), outcome, SIZE)
    runs = outcome.runs[outcome.runs["search"] == label(FULL, SIZE)]
    assert space.bytes_of(answers) == pytest.approx(runs["bytes"].to_numpy())
    for chosen in answers:
        for name in udc_inflation.COLUMNS:
            pi = np.exp(_normalised(udc_inflation._log_pi(decisions, chosen, name)))
            assert (pi.argmax(axis=1) == chosen).all()
            largest = udc_inflation.CERTAIN.get(name, 1 / decisions.options[:, 0] + 0.5)
            np.testing.assert_allclose(pi.max(axis=1), largest, rtol=1e-9)


def test_projection_forgets_how_certain_pi_was():
    decisions = Decisions((4, 5, 11))
    chosen = np.array([3, 0, 7])
    projected = [
        _normalised(decisions.project(udc_inflation._log_pi(decisions, chosen, name), 0.5))
        for name in udc_inflation.CERTAIN
    ]
    for other in projected[1:]:
        np.testing.assert_allclose(other[decisions.valid], projected[0][decisions.valid], atol=1e-9)


def test_the_table_holds_the_mean_of_the_seeds(outcome):
    found = udc_inflation.losses(table(), outcome)
    result = udc_inflation.REPORT.make(table(), {udc_inflation.STUDY: outcome})
    (rows,) = result.tables.values()
    assert len(rows) == 2 * len(udc_inflation.COLUMNS)
    for row in rows.to_dict("records"):
        for size in sizes(outcome):
            losses = found[size, row["tau"], row["setting"]]
            assert losses.shape == (3,)
            assert row[f"{size / 1e3:g} kB"] == pytest.approx(losses.mean())


@pytest.mark.parametrize(("slope", "kind"), [(1, "holds"), (-1, "does not hold"), (0, "undecided")])
def test_verdicts_are_those_of_the_differences(slope, kind):
    """Losses that rise or fall from column to column; each claim's order is turned by the slope."""
    order = [
        udc_inflation.VANILLA,
        udc_inflation.NEARLY_ALL,
        udc_inflation.HALF,
        udc_inflation.NO_REJECTION,
    ]
    rng = np.random.default_rng(0)
    found = {
        (size, tau, name): 10 + slope * (at + 5 * (tau > 1)) + 0.1 * rng.normal(size=20)
        for size in (2e4, 5e4)
        for tau in (udc_inflation.LOW, udc_inflation.HIGH)
        for at, name in enumerate(order)
    }
    for claim in udc_inflation._claims(found, [2e4, 5e4]):
        assert claim.verdict.kind == kind, claim.says
        assert claim.verdict.n == 20
    few = {key: values[:4] for key, values in found.items()}
    for claim in udc_inflation._claims(few, [2e4, 5e4]):
        assert str(claim.verdict) == "undecided (n = 4, 20 are needed)"


def test_one_seed_decides_nothing():
    value = {
        (size, tau, name): np.array([tau])
        for size in (2e4, 5e4)
        for tau in (udc_inflation.LOW, udc_inflation.HIGH)
        for name in udc_inflation.COLUMNS
    }
    kinds = {claim.verdict.kind for claim in udc_inflation._claims(value, [2e4, 5e4])}
    assert kinds == {"undecided"}
