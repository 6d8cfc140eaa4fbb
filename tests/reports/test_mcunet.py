"""MCUNet's reports: sizes of binaries beside the devices' code, the lead under a tight memory."""

import dataclasses

import numpy as np
import pytest

from benchsuite.devices._footprint.code_size import all_code
from benchsuite.replays import outcome as outcomes
from benchsuite.replays import study
from benchsuite.reports import mcunet_binaries, mcunet_limits
from benchsuite.reports._common.verdicts import NOT_HERE
from benchsuite.simulation.problem import prepare
from benchsuite.space.cell import connected
from benchsuite.space.network import SKELETONS

TIGHT = [f"{name}, {mcunet_limits.APART}" for name in mcunet_limits.RUNTIMES]


@pytest.fixture(scope="module")
def limits(table, tmp_path_factory):
    chosen = study.load(study.find(mcunet_limits.STUDY))
    kept = tuple(one for one in chosen.searches if one.label in TIGHT)
    folder = tmp_path_factory.mktemp("limits")
    return outcomes.run(dataclasses.replace(chosen, searches=kept), table, folder)


def test_code_is_what_the_runtime_needs_for_the_cell_that_needs_most(shipped_table):
    rows = mcunet_binaries.sizes(shipped_table).set_index(["network", "runtime"])
    for network, runtime in rows.index:
        most = all_code(runtime, "cortex-m7", SKELETONS[network]["cifar10"]).max() / 1024
        assert rows.loc[(network, runtime), mcunet_binaries.CODE] == most
        tiny = rows.loc[(network, mcunet_binaries.TINY), mcunet_binaries.CODE]
        assert rows.loc[(network, runtime), mcunet_binaries.RATIO] == most / tiny
    assert len(rows) == len(mcunet_binaries.NETWORKS) * len(mcunet_binaries.RUNTIMES)


def test_binaries_of_its_own_authors_decide_no_claim(shipped_table):
    (claim,) = mcunet_binaries.claims(shipped_table)
    assert claim.verdict.kind == NOT_HERE
    rows = mcunet_binaries.sizes(shipped_table)
    tflm = rows.loc[rows["runtime"] == mcunet_binaries.TFLM, mcunet_binaries.RATIO]
    assert all(f"{times:.1f} with" in claim.ours for times in tflm)


def test_a_lead_is_over_the_best_cell_where_seeds_of_the_other_side_are_no_sample(table, limits):
    tflm, tiny = (limits.runs[limits.runs["search"] == label] for label in TIGHT)
    (entry,) = (one for one in limits.study.searches if one.label == TIGHT[0])
    fits = prepare(table, entry.setting).feasible & connected()
    valid = table.values("cifar10.valid.200ep.mean")
    count, (seen, tested) = mcunet_limits._beyond(table, limits)
    assert count == fits.sum()
    best = max(valid[cell] for cell in np.flatnonzero(fits))
    assert float(seen.value) == pytest.approx(tiny["valid.cifar10"].mean() - best)
    assert seen.n == len(tiny) == 20
    assert (tflm["valid.cifar10"] <= best).all()
    assert float(tested.value) < tiny["test.cifar10"].mean() - tflm["test.cifar10"].min() + 1e-9
    assert seen.interval()[0] > 0
