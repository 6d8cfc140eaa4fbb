"""FLOPs against latency, device by device: against plain recomputation."""

import numpy as np
import pytest
from scipy import stats

from benchsuite import plugins
from benchsuite.space.cost import all_deployed_macs
from benchsuite.space.network import OFFICIAL, SKELETONS

MACS = all_deployed_macs(OFFICIAL["cifar10"])


@pytest.fixture(scope="module")
def made(table):
    return table, plugins.load("reports", "flops_latency").make(table).tables


def test_every_latency_has_its_correlations(made):
    table, tables = made
    rows = tables["flops_latency_devices"]
    names = {f"latency.{r.device}.{r.runtime}.{r.dataset}.{r.network}" for r in rows.itertuples()}
    assert names == {name for name in table.columns if name.startswith("latency.")}
    for _, row in rows.iloc[::9].iterrows():
        parts = row[["device", "runtime", "dataset", "network"]]
        latency, flops = (
            table.values(name) for name in ("latency." + ".".join(parts), f"{parts.iloc[2]}.flops")
        )
        there = np.isfinite(latency)
        assert row["n"] == there.sum() == 15_284
        expected = stats.spearmanr(flops[there], latency[there])[0]
        assert row["spearman FLOPs"] == pytest.approx(expected)
        macs = all_deployed_macs(SKELETONS[row["network"]][row["dataset"]])[there]
        assert row["spearman MACs"] == pytest.approx(stats.spearmanr(macs, latency[there])[0])


def test_the_cells_that_disagree_most_disagree_most(made):
    table, tables = made
    row = tables["flops_latency_devices"].set_index(["device", "runtime", "dataset", "network"])
    row = row.loc[("ethosu55", "vela", "cifar10", "official")]
    latency = table.values("latency.ethosu55.vela.cifar10.official")
    there = np.flatnonzero(np.isfinite(latency))

    def share_below(values, cell):
        """Rank from 0 to 1 with ties at their mean, counted."""
        others = values[there]
        below, equal = (others < values[cell]).sum(), (others == values[cell]).sum()
        return (below + (equal + 1) / 2) / len(there)

    gaps = {
        key: share_below(latency, cell) - share_below(MACS, cell)
        for key in ("slowest", "fastest")
        for cell in [int(row[f"index of the {key}"])]
    }
    assert gaps["slowest"] == pytest.approx(row["gap"])
    assert gaps["fastest"] == pytest.approx(row["gap of it"])
    for cell in np.random.default_rng(0).choice(there, 200).tolist():
        gap = share_below(latency, cell) - share_below(MACS, cell)
        assert row["gap of it"] - 1e-12 <= gap <= row["gap"] + 1e-12


def test_deployed_macs_say_more_than_flops_where_dead_operators_are_removed(made):
    rows = made[1]["flops_latency_devices"]
    modelled = rows[rows["runtime"] != "monas2024"]
    assert (modelled["spearman MACs"] > modelled["spearman FLOPs"]).all()
