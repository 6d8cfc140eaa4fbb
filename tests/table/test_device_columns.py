"""Device columns belong to a dataset's network: names, right values, no search mixes them up."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchsuite import plugins
from benchsuite.cli import main
from benchsuite.deployment import narrow
from benchsuite.errors import UserError
from benchsuite.ranking.truths import column_of
from benchsuite.replays import study
from benchsuite.reporting.page import summary
from benchsuite.simulation.problem import full_name, prepare
from benchsuite.simulation.search import Budget, Search
from benchsuite.simulation.setting import Setting
from benchsuite.simulation.skeleton import SHORT, skeleton_columns
from benchsuite.space.network import OFFICIAL, SKELETONS, Skeleton
from benchsuite.table.columns import DATASETS, Column
from benchsuite.table.device_columns import DeviceColumn, elsewhere, find, label_of, parse
from benchsuite.table.table import Values

words = st.from_regex(r"[a-z][a-z0-9_]*", fullmatch=True)
networks = (st.sampled_from(DATASETS), st.sampled_from(list(SKELETONS)))
names = st.one_of(
    st.builds(DeviceColumn, st.sampled_from(["latency", "fits"]), words, words, *networks),
    st.builds(DeviceColumn, words.map("ram.{}".format), st.just(""), st.just(""), *networks),
    st.builds(DeviceColumn, st.just("flash.weights"), st.just(""), st.just(""), *networks),
)


@given(names)
def test_a_name_and_its_parts(parts):
    assert parse(parts.name) == parts
    assert list(find([parts.name, "cifar10.flops"], parts.what)) == [parts]
    own = parts.dataset, parts.skeleton
    for dataset in DATASETS:
        for label in SKELETONS:
            assert bool(elsewhere(parts.name, dataset, label)) == ((dataset, label) != own)


@pytest.mark.parametrize(
    "name",
    [
        *("", "latency", "naswot@1", "cifar10.flops", "cifar10.test.200ep.mean@nb201-v1_1"),
        *("latency.stm32l432.own.official", "ram.best.mcu", "ram.best.cifar10", "ram.cifar10.mcu"),
        *("latency.stm32l432.cifar10.mcu", "latency..own.cifar10.mcu", "ram..cifar10.mcu"),
        "hwnasbench.cifar10.edgetpu_latency",
    ],
)
def test_other_names_are_none(name):
    assert parse(name) is None


def test_every_device_column_says_its_network(table):
    for name, column in table.columns.items():
        parts = parse(name)
        assert (column.kind == "device") <= (parts is not None)
        if parts:
            assert column.dataset == parts.dataset
            assert parts.dataset in column.description or column.kind == "reference"


def test_the_imagenet_search_reads_the_network_of_16_pixels(table):
    bounds = {"latency": 1.0, "ram.best": 16_384}
    setting = Setting("imagenet16-120", device="stm32l432", runtime="own", bounds=bounds)
    problem = prepare(table, replace(setting, bounds={"latency": 1.0}))
    assert problem.feasible.sum() == 11_411
    connected = np.isfinite(table.values("depth"))
    assert not problem.feasible[~connected].any()
    assert problem.columns[problem.resolve("latency")][6111] == pytest.approx(1.918, abs=5e-4)
    assert problem.columns[problem.resolve("ram.best")][6111] == 16_384
    assert set(prepare(table, setting).bounds) == {
        "latency.stm32l432.own.imagenet16-120.official",
        "ram.best.imagenet16-120.official",
    }


@pytest.mark.nb201
def test_the_best_cell_within_a_second_on_the_l432(raw, capsys):
    line = (
        "replay oracle --dataset imagenet16-120 --device stm32l432 --runtime own "
        "--bound latency=1.0 --budget-queries 20 --seeds 2 --json"
    )
    assert not main(line.split())
    found = json.loads(capsys.readouterr().out)
    assert found["provenance"]["feasible_cells"] == 11_411
    for run in found["runs"]:
        assert run["cell"] == 8853
        assert run["test.imagenet16-120"] == pytest.approx(45.95, abs=5e-3)


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("label", SKELETONS)
def test_a_search_sees_its_own_network_alone(table, dataset, label):
    skeleton = None if label == "official" else SKELETONS[label][dataset]
    setting = Setting(dataset, skeleton=skeleton, device="stm32l432", runtime="own")
    search = Search(prepare(table, setting), Budget(queries=1))
    for name, column in table.columns.items():
        parts = parse(name)
        own = "official" if column.kind == "cost" and column.release is None else label
        of = (parts.dataset, parts.skeleton) if parts else (column.dataset, own)
        if column.kind in ("accuracy", "proxy", "detail", "class") or column.split:
            continue
        if of in ((dataset, label), (None, label)):
            assert search.full_name(name) == name
            continue
        for look in (
            lambda name=name: search.column(name),
            lambda name=name: search.expectation(name, np.full((6, 5), 0.2), seconds=0),
            lambda name=name: search.direction(name),
            lambda name=name: search.narrow(name, 8),
            lambda name=name: full_name(table, name, setting),
        ):
            with pytest.raises(UserError, match=f"[aA] search on {dataset}"):
                look()


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("label", SKELETONS)
def test_short_names_are_of_the_search(table, dataset, label):
    setting = Setting(
        dataset, skeleton=SKELETONS[label][dataset], device="stm32f746", runtime="x_cube_ai"
    )
    search = Search(prepare(table, setting), Budget(queries=1))
    for short in ("latency", "fits", "ram.order", "ram.best", "ram.tflm", "flash.weights"):
        part = ".stm32f746.x_cube_ai" if short in ("latency", "fits") else ""
        assert search.full_name(short) == f"{short}{part}.{dataset}.{label}"
    costs = {short: f"{dataset}.{short}" for short in ("flops", "params", "deployed_macs")}
    if label == "mcu":
        costs = {short: SHORT[short] for short in costs}
    whole = table.with_columns(skeleton_columns(setting.skeleton))
    for short, full in costs.items():
        assert full_name(whole, short, setting) == full
        if (dataset, label) != ("cifar10", "official") or short == "deployed_macs":
            assert search.full_name(short) == full, "for others the proxies are meant"
        np.testing.assert_array_equal(search.column(short), whole.values(full))
    assert search.direction("flops") == search.direction("params") == "max"
    assert search.direction(costs["flops"]) == "none"


def test_a_cost_that_the_table_does_not_have_is_a_sentence(table):
    with pytest.raises(UserError, match=r"no column 'skeleton\.flops'"):
        full_name(table, "flops", Setting(skeleton=SKELETONS["mcu"]["cifar10"]))


@pytest.mark.parametrize("dataset", DATASETS)
def test_narrower_networks_are_those_of_the_column(table, dataset):
    """At full width the arithmetic gives the table's column, whatever the search's skeleton."""
    setting = Setting(dataset, skeleton=SKELETONS["mcu"][dataset])
    problem = prepare(table, setting)
    whole = table.with_columns(skeleton_columns(setting.skeleton))
    for name in (
        "ram.best",
        "flash.weights",
        "flops",
        "params",
        "deployed_params",
        "deployed_macs",
    ):
        full = full_name(whole, name, setting)
        found = narrow.column(full, problem.skeleton, 16)
        np.testing.assert_array_equal(found, problem.columns[full], err_msg=full)


def test_a_skeleton_of_another_dataset_is_refused(table):
    for skeleton in (Skeleton(cells_per_stage=1), Skeleton(resolution=16, classes=10)):
        with pytest.raises(UserError, match="16x16 pixels and tell 120 classes"):
            prepare(table, Setting("imagenet16-120", skeleton=skeleton))
    with pytest.raises(UserError, match="tell 100 classes"):
        prepare(table, Setting("cifar100", skeleton=Skeleton()))


def test_a_study_and_replay_complete_the_skeleton(table, tmp_path, capsys):
    (tmp_path / "s.toml").write_text(
        'schema = 1\nname = "s"\n[[searches]]\nstrategy = "random"\nseeds = 1\n'
        'dataset = "imagenet16-120"\nbudget = { queries = 5 }\nskeleton = { cells_per_stage = 1 }\n'
        'bounds = { "ram.best" = 12288 }\n'
    )
    (entry,) = study.load(tmp_path / "s.toml").searches
    assert entry.setting.skeleton == SKELETONS["mcu"]["imagenet16-120"]
    assert set(prepare(table, entry.setting).bounds) == {"ram.best.imagenet16-120.mcu"}
    line = "replay random --dataset imagenet16-120 --cells-per-stage 1 --budget-queries 3 --seeds 1"
    assert not main([*line.split(), "--device", "stm32l432", "--runtime", "own", "--json"])
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert "latency.stm32l432.own.imagenet16-120.mcu" in run
    assert not [name for name in run if "cifar10." in name or name.endswith("cifar10.mcu")]


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"runtime": "monas2024", "dataset": "cifar100"}, "those of cifar10 official"),
        ({"runtime": "own", "skeleton": Skeleton(cells_per_stage=3)}, "cells_per_stage=3"),
        ({"runtime": "vela"}, "no columns of a runtime 'vela'"),
    ],
)
def test_a_device_without_columns_of_the_network(table, setting, sentence):
    with pytest.raises(UserError, match=sentence):
        prepare(table, Setting(**{"device": "stm32f746", "dataset": "cifar10", **setting}))


@pytest.mark.parametrize(
    "name", ["latency.stm32l432.own.cifar10.official", "ram.best.cifar10.mcu", "cifar100.flops"]
)
def test_a_bound_of_another_network_is_refused(table, name):
    with pytest.raises(UserError, match="a search on imagenet16-120"):
        prepare(table, Setting("imagenet16-120", bounds={name: 1e9}))


def test_a_device_column_of_an_earlier_table_is_refused(table):
    old = Column("latency.stm32l432.own.official", "", "s", "min", "", "1", "device")
    table = table.with_columns(
        [Values(old, table.values("latency.stm32l432.own.cifar10.official"), "no path")]
    )
    with pytest.raises(UserError, match="does not say of which dataset's network"):
        prepare(table, Setting("imagenet16-120", bounds={old.name: 1.0}))
    assert old.name not in prepare(table, Setting("cifar10")).columns


def test_labels_of_skeletons():
    for label, of in SKELETONS.items():
        for dataset, skeleton in of.items():
            assert label_of(skeleton, dataset) == label
            assert label_of(skeleton, "cifar10") == (label if dataset == "cifar10" else None)
    assert SKELETONS["official"] == OFFICIAL


def test_a_published_table_is_no_runtime(table):
    for name in plugins.find("devices"):
        assert "monas2024" not in plugins.load("devices", name).runtimes
    published = [parts for parts in map(parse, table.columns) if parts and "monas" in parts.name]
    assert {parts.name for parts in published} == {
        f"latency.{part}.monas2024.cifar10.official" for part in ("stm32f746", "stm32l432")
    }
    assert {table.columns[parts.name].kind for parts in published} == {"reference"}
    fronts = plugins.load("reports", "device_fronts").make(table).tables["device_fronts"]
    assert not fronts["front"].str.contains("monas").any()
    assert set(fronts["dataset"]) == set(DATASETS)


def test_the_headline_names_the_runtime(table):
    fits = {(fit.device, fit.runtime): fit for fit in summary.summarise(table, []).fits}
    assert "monas2024" not in {runtime for _, runtime in fits}
    assert fits["stm32l432", "own"].cells == {"official": 4757, "mcu": 10_827}
    assert fits["stm32l432", "x_cube_ai"].cells == {"official": 341, "mcu": 341}
    assert fits["stm32l432", "x_cube_ai"].maybe["official"] == 3126
    assert not fits["stm32l432", "x_cube_ai"].sure
    assert fits["stm32l432", "tflm_cmsis_nn"].cells == {"official": 1661, "mcu": 3713}
    connected = np.isfinite(table.values("depth"))
    for (device, runtime), fit in fits.items():
        accuracy, cell = fit.best
        assert connected[cell]
        known = table.values(f"fits.{device}.{runtime}.cifar10.official")
        assert known[cell] == (1 if fit.sure else 0.5)
        assert accuracy == table.values(column_of(table, "best", "cifar10"))[cell]
        assert fit.int8 == tuple(
            table.values(f"cifar10.test.{name}")[cell] for name in ("int8_ptq", "float")
        )
    poor = table.without([name for name in table.columns if "analog-nasbench" in name])
    assert {fit.int8 for fit in summary.summarise(poor, []).fits} == {None}


@pytest.mark.nb201
def test_the_best_cells_of_the_l432(raw, table):
    fits = {(fit.device, fit.runtime): fit for fit in summary.summarise(table, []).fits}
    best = {runtime: fits["stm32l432", runtime].best for runtime in ("own", "x_cube_ai")}
    best["tflm_cmsis_nn"] = fits["stm32l432", "tflm_cmsis_nn"].best
    assert {runtime: cell for runtime, (_, cell) in best.items()} == {
        "own": 10_720,
        "x_cube_ai": 1490,
        "tflm_cmsis_nn": 6918,
    }
    found = [best[runtime][0] for runtime in ("own", "x_cube_ai", "tflm_cmsis_nn")]
    assert found == pytest.approx([91.26, 91.07, 87.08], abs=6e-3)
