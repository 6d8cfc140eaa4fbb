"""muNAS with pruning: what is trained, what the pruned network costs, and what is answered."""

import dataclasses

import numpy as np
import pytest
from search_tables import table

from benchsuite import plugins
from benchsuite.deployment.compressed import channels
from benchsuite.deployment.flash import all_weights
from benchsuite.deployment.response import response
from benchsuite.errors import UserError
from benchsuite.parameters import fill
from benchsuite.replays.run import replay
from benchsuite.simulation.problem import prepare
from benchsuite.simulation.search import Budget
from benchsuite.simulation.setting import Setting
from benchsuite.space.cost import all_deployed_macs
from benchsuite.space.network import Skeleton

MCU = Skeleton(cells_per_stage=1)
TIGHT = {"skeleton.bytes": 4e4, "skeleton.macs": 4e6}


def run(name="munas_pruned", bounds=TIGHT, seed=0, **parameters):
    strategy = plugins.load("strategies", name)
    problem = prepare(table(), Setting(bounds=bounds, skeleton=MCU, epochs=200))
    given = fill(
        strategy.parameters, {"rounds": 120, "population": 20, "sample": 5, **parameters}, "it"
    )
    return replay(strategy, problem, Budget(queries=10_000), given, seed)


def column(found, name):
    return found.trace.value[found.trace.looked_at == found.trace.names.index(name)]


def test_the_answer_is_the_most_accurate_pruned_network_within_the_bounds():
    found = run()
    trained = found.trace.cell[found.trace.cell >= 0]
    sparsity, accuracy = column(found, "sparsity"), column(found, "compressed.valid")
    assert len(trained) == len(sparsity) == len(accuracy) == found.queries == 120
    assert ((sparsity >= 0.1) & (sparsity <= 0.9)).all()
    fits = []
    for cell, s in zip(trained, sparsity, strict=True):
        narrow = dataclasses.replace(MCU, channels=channels(1 - s, 16))
        assert 2 <= narrow.channels <= 14
        fits.append(all_weights(narrow)[cell] <= 4e4 and all_deployed_macs(narrow)[cell] <= 4e6)
    best = int(np.argmax(np.where(fits, accuracy, -np.inf)))
    assert found.feasible
    assert found.answer == (trained[best],)
    assert found.details["widths"] == [channels(1 - sparsity[best], 16) / 16] * 3
    assert found.details["bytes"] <= 4e4
    assert found.details["compressed.skeleton.macs"] <= 4e6
    kept = response().log_kept(8, 1, channels(1 - sparsity[best], 16) / 16)
    assert found.details["kept"] == pytest.approx(float(np.exp(kept)))


def test_children_inherit_their_parents_sparsity():
    noise = column(run(noise=0.0, least=0.2, most=0.8), "sparsity")
    assert set(noise[20:]) <= set(noise[:20])
    fixed = column(run(least=0.5, most=0.5), "sparsity")
    assert set(fixed) == {0.5}


def test_pruning_reaches_sizes_that_no_whole_cell_has():
    bounds = {"skeleton.bytes": 2.5e4}
    whole = prepare(table(), Setting(bounds=bounds, skeleton=MCU, epochs=200))
    connected = whole.columns["skeleton.macs"] > 0
    assert not (whole.feasible & connected).any()
    found = run(bounds=bounds)
    assert found.feasible
    assert connected[found.answer[0]]


def test_without_loss_and_without_pruning_accuracies_are_the_tables():
    found = run(response="lossless")
    queried = found.trace.value[found.trace.cell >= 0]
    np.testing.assert_allclose(column(found, "compressed.valid"), queried)


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda: run(least=0.9, most=0.1), "least is more"),
        (lambda: run(most=1.0), "from 0 to 0.99"),
        (lambda: run(noise=-1), "0 or more"),
        (lambda: run(bounds={"latency.board.tflm.cifar10.mcu": 30}), "not known of narrower"),
        (
            lambda: run(bounds={"skeleton.macs": 0.0}),
            "has to be above 0: skeleton.macs <= 0 is not",
        ),
    ],
)
def test_mistakes_are_sentences(call, hint):
    with pytest.raises(UserError, match=hint):
        call()


def test_no_network_that_fits_is_no_answer():
    found = run(bounds={"skeleton.bytes": 11.0})
    assert found.answer == () or found.details["bytes"] <= 11
