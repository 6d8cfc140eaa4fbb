"""The whole table: shipped tables are joined, own scores go first, combined proxies follow."""

import numpy as np
import pytest

from benchsuite import plugins
from benchsuite.assembly.assemble import assemble, with_combined
from benchsuite.assembly.own_scores import Scores, found
from benchsuite.devices._footprint import columns
from benchsuite.devices._latency.latency import all_latencies
from benchsuite.errors import UserError
from benchsuite.numerics.ties import merged
from benchsuite.space.cell import N_CELLS
from benchsuite.space.equivalence import classes
from benchsuite.space.network import SKELETONS
from benchsuite.table.columns import Column
from benchsuite.table.table import Table, Values


def test_columns_of_devices_are_those_of_the_code(table):
    """Every shipped latency is computed again, to the last digit: a price that changed is seen."""
    for name in plugins.find("devices"):
        device = plugins.load("devices", name)
        for runtime in device.runtimes:
            for dataset, label in columns.NETWORKS:
                full = f"latency.{name}.{runtime}.{dataset}.{label}"
                shipped = table.values(full)
                there = np.isfinite(shipped)
                assert there.sum() == 15_284
                again = all_latencies(SKELETONS[label][dataset], device, runtime)
                again = merged(np.where(there, again, np.nan))  # as a table keeps values
                np.testing.assert_array_equal(shipped[there], again[there])
                assert table.columns[full].version == columns.VERSIONS["latency"]


def test_dead_operators_cost_a_device_nothing(table):
    of_class = classes("pruned")
    first = np.unique(of_class, return_index=True)[1][of_class]
    for name, column in table.columns.items():
        if column.kind == "device" and name.startswith(("ram.best", "flash")):
            values = table.values(name)
            np.testing.assert_array_equal(values, values[first])


def test_what_fits_is_within_the_part(table):
    for name in plugins.find("devices"):
        device = plugins.load("devices", name)
        for network in ("cifar10.official", "imagenet16-120.mcu"):
            if f"fits.{name}.own.{network}" in table.columns:
                fits = table.values(f"fits.{name}.own.{network}") == 1
                assert (table.values(f"ram.best.{network}")[fits] <= device.sram).all()
                assert (table.values(f"flash.weights.{network}")[fits] <= device.flash).all()


def scores(tmp_path, **columns):
    made = Table.empty({"command": "tabulate"}).with_columns(
        Values(Column(name, "mine", "1", "max", "me", "1", "proxy"), values, "not scored")
        for name, values in columns.items()
    )
    made.write(tmp_path / "scores.parquet")
    return tmp_path / "scores.parquet"


def test_own_scores_take_the_place_of_shipped_ones(tmp_path):
    some = np.full(N_CELLS, np.nan)
    some[:500] = np.arange(500)
    path = scores(tmp_path, **{"mine@1": some, "naswot@1": some})
    table = assemble(scores=Scores(path))
    assert table.present("mine@1") == 500
    np.testing.assert_array_equal(table.values("naswot@1"), some)
    assert table.provenance["joined"][str(path)] == {"command": "tabulate"}


def test_combined_proxies_appear_when_their_needs_do():
    noise = np.random.default_rng(0).normal(size=(2, N_CELLS))
    names = ("ntk_cond.k0@1", "linear_regions.n3000@1")
    bare = Table.empty()
    assert "te_nas@2" not in with_combined(bare).columns
    full = bare.with_columns(
        Values(Column(name, "", "1", "max", "", "1", "proxy"), values)
        for name, values in zip(names, noise, strict=True)
    )
    combined = with_combined(full)
    best = combined.values("te_nas").argmax()
    ranks = (noise * [[-1], [1]]).argsort(axis=1).argsort(axis=1).sum(axis=0)
    assert ranks[best] == ranks.max()


@pytest.mark.parametrize("name", ["te_nas@2", "az_nas_rank@2", "vkdnw_single@1", "vkdnw_agg@2"])
def test_a_repeat_of_a_combined_proxy_is_of_that_repeat_of_its_parts(table, name):
    proxy = plugins.load("proxies", name.partition("@")[0])
    repeats = [table.values(name.replace("@", f".r{k}@")) for k in range(3)]
    for k, one in enumerate(repeats):
        parts = {need: table.resolve(need).replace("@", f".r{k}@") for need in proxy.needs}
        given = {
            need: table.values(part if part in table else need) for need, part in parts.items()
        }
        np.testing.assert_allclose(one, proxy.combine(given)[""], rtol=1e-12)
    spread = table.values(name.replace("@", ".std@"))
    np.testing.assert_allclose(spread, np.std(repeats, axis=0, ddof=1), atol=1e-12)
    assert (spread[np.isfinite(spread)] > 0).any()
    assert table.columns[name.replace("@", ".r0@")].kind == "detail"


def test_a_combined_proxy_of_parts_without_repeats_has_none(table):
    bare = table.subset(["flops", "tensors", "vkdnw"])
    columns = with_combined(bare).columns
    assert "vkdnw_single@1" in columns
    assert not any(".r0@" in column or ".std@" in column for column in columns)


def test_scores_that_are_not_there(tmp_path):
    with pytest.raises(UserError, match="There are no scores"):
        found(str(tmp_path / "none.parquet"))
