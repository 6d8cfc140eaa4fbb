"""All sizes as a stream: resumed after a stop, in bounded memory; proxies on a sample; tables."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchsuite import plugins
from benchsuite.assembly.shipped import FOLDER
from benchsuite.devices._latency.cycles import TABLES
from benchsuite.errors import UserError
from benchsuite.proxies._scoring.passes import Passes
from benchsuite.proxies._scoring.score import score_network
from benchsuite.proxies._tabulation import tabulate
from benchsuite.sizes import costs, findings, scores
from benchsuite.space import cost, sizes
from benchsuite.space.cell import connected
from benchsuite.space.network import OFFICIAL, Skeleton, build
from benchsuite.table.table import Table

PROXIES = ("l2_norm", "naswot", "ntk_cond")
SMALL = Skeleton(64, 1, 8, 10)


@pytest.fixture
def plan():
    part = plugins.load("devices", "stm32l432")
    return costs.Plan((("stm32l432", part),), OFFICIAL["cifar10"])


def test_a_table_of_a_device_is_among_what_must_agree(tmp_path):
    """Wherever it lies: files beside the device's own are not all that it reads."""
    text = (TABLES / "own-cortex-m4.csv").read_text(encoding="utf-8")
    file = tmp_path / "elsewhere.csv"
    file.write_text(text, encoding="utf-8")
    part = replace(plugins.load("devices", "stm32l432"), tables={"own": file})
    plan = costs.Plan((("stm32l432", part),), OFFICIAL["cifar10"])
    before = plan.settings()
    assert plan.settings() == before
    file.write_text(text.replace(",9", ",8"), encoding="utf-8")
    assert plan.settings() != before
    file.unlink()
    with pytest.raises(UserError, match=r"elsewhere\.csv"):
        plan.settings()


def test_a_run_that_was_stopped_goes_on(plan, tmp_path, monkeypatch):
    """Of a space of four chunks of two networks."""
    for module, name, number in (
        (costs, "CHUNK", 2),
        (costs, "N_CHUNKS", 4),
        (sizes, "N_SIZES", 8),
    ):
        monkeypatch.setattr(module, name, number)

    def stop(done, total):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        costs.write(tmp_path / "a", plan, finished=stop)
    kept = [p.name for p in sorted((tmp_path / "a" / "costs").iterdir())]
    assert kept == ["part-00.parquet", "part-01.parquet"]
    assert costs.write(tmp_path / "a", plan) == 4
    assert costs.write(tmp_path / "a", plan) == 0
    assert costs.write(tmp_path / "b", plan) == 8
    one, other = costs.read(tmp_path / "a"), costs.read(tmp_path / "b")
    for name in one:
        np.testing.assert_array_equal(one[name], other[name])
    assert one["index"].tolist() == list(range(8))
    assert len(pd.read_parquet(tmp_path / "a" / "costs")) == 8
    with pytest.raises(UserError, match="other settings"):
        costs.write(tmp_path / "a", costs.Plan(plan.devices, OFFICIAL["cifar100"]))
    (tmp_path / "a" / "costs" / "part-02.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match="part-02"):
        costs.read(tmp_path / "a")


def test_scores_are_those_of_the_network():
    """`ntk_cond` looks at a network of 3 channels, which says nothing of widths: it is missing."""
    spec = scores.Spec(proxies=PROXIES, skeleton=SMALL, batch_size=4, images="gaussian")
    proxies, batches = spec.load(), spec.batches(0)
    for index in scores.sample(2):
        row = tabulate.score_row(spec, index, 0)
        assert all("begins with" in reason for reason in row["reasons"].values())
        around = sizes.skeleton(sizes.sizes_of(index), SMALL)
        known = {name: proxies[name] for name in PROXIES[:2]}
        alone = score_network(known, Passes(sizes.CELL, around, batches)).values
        assert {name: row["values"][name] for name in known} == alone
        assert row["values"].keys() - alone.keys() == row["reasons"].keys()


def test_a_larger_sample_holds_the_smaller_one():
    assert set(scores.sample(20)) < set(scores.sample(300))
    assert scores.sample(20, seed=1) != scores.sample(20)
    for number in (0, 1, 40_000):
        with pytest.raises(UserError, match="sample"):
            scores.sample(number)


def test_tables_say_what_scipy_says():
    networks = [build(sizes.CELL, sizes.skeleton(sizes.sizes_of(i))) for i in range(0, 32_768, 700)]
    flops, params = (np.array([f(net) for net in networks]) for f in (cost.flops, cost.params))
    widths = np.array([net.skeleton.widths for net in networks])
    columns = {
        "flops": flops,
        "params": params,
        "macs": flops - 10,
        **dict(zip(costs.WIDTHS, widths.T, strict=True)),
        "ram.best": widths[:, 0] * 2048,
        "latency.part.runtime": flops * np.where(widths[:, 0] > 32, 2e-9, 1e-9),
        "seen.part.runtime": np.full(len(flops), 0.5),
    }
    one, other = flops**0.5 + params, widths[:, 0] - 1.0 * widths[:, 4]
    rows = findings.proxies(columns, {"one": one, "other": other}).set_index("score")
    for name, against in itertools.product(("flops", "params"), (*costs.WIDTHS, "params")):
        tau = stats.kendalltau(columns[name], columns[against])[0]
        assert rows.loc[name, against] == pytest.approx(tau)
    assert rows.loc["params", "params_at_flops"] == 1
    assert np.isnan(rows.loc["flops", "params_at_flops"])
    scored = findings.proxies(columns, {"synflow": one}).set_index("score")
    table = Table.open(FOLDER / "proxies.parquet")
    kept, name = connected(), table.resolve("synflow")
    tau = stats.kendalltau(table.values(name)[kept], cost.all_flops(OFFICIAL["cifar10"])[kept])[0]
    assert scored.loc["synflow", "cells"] == pytest.approx(tau)
    pair = findings.pairs(columns, {"one": one, "other": other}).iloc[0]
    xy, xz, yz = (stats.kendalltau(*of)[0] for of in ((one, other), (one, flops), (other, flops)))
    partial = (xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2))
    assert (pair["tau"], pair["flops_held"]) == pytest.approx((xy, partial))
    memory = findings.memories(columns).iloc[0]
    assert (memory["levels"], memory["least"], memory["most"]) == (8, 16, 128)
    latency = findings.latencies(columns).iloc[0]
    ratios = [
        columns["latency.part.runtime"][[i, j]].max()
        / columns["latency.part.runtime"][[i, j]].min()
        for i, j in itertools.combinations(range(len(flops)), 2)
        if max(flops[i], flops[j]) < 1.01 * min(flops[i], flops[j])
    ]
    assert latency["apart"] == pytest.approx(max(ratios, default=1.0))
