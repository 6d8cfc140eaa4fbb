"""The official file formats, written and checked with the packages nas-bench-201 and nats-bench."""

import bz2
import pickle
import random

import numpy as np
import pytest

from benchsuite.errors import UserError
from benchsuite.sources import nasbench201_v1_1, nats_bench, nats_bench_sample, nats_bench_simple
from benchsuite.sources._official import Records
from benchsuite.sources._whole_file import opened, read_whole_file
from benchsuite.space.cell import N_CELLS, all_archs

EVALUATED = {
    "cifar10-valid": ("x-valid", "ori-test"),
    "cifar10": ("ori-test",),
    "cifar100": ("x-valid", "x-test", "ori-test"),
    "ImageNet16-120": ("x-valid", "x-test", "ori-test"),
}
SEEDS = {"12": (111, 777), "200": (777, 888, 999)}
CELLS = (0, 1, 2, 11, 284, 6111, 15624)
NAMES = {"ImageNet16-120": "imagenet16-120"}


def run(api, arch, dataset, seed, epochs, rng):
    """One training run as the official package stores it."""
    accuracy = dict(enumerate(rng.uniform(5, 95, epochs).tolist()))
    result = api.ResultsCount(
        dataset, None, accuracy, accuracy, np.float64(0.1), 15.6, {"arch_str": arch}, seed, epochs,
        [np.float64(0.01)],
    )  # fmt: skip
    result.update_train_info(accuracy, accuracy, accuracy, dict.fromkeys(range(epochs), 7.5))
    sets = EVALUATED[dataset]
    of_sets = {f"{s}@{e}": float(rng.uniform(0, 100)) for s in sets for e in range(epochs)}
    result.update_eval(of_sets, of_sets, of_sets)
    return result


def record(api, cell, lengths, rng):
    states = {}
    for name, length in lengths.items():
        results = api.ArchResults(cell, all_archs()[cell])
        for dataset in EVALUATED:
            for seed in SEEDS[length][: 1 + cell % 3]:
                results.update(
                    dataset, seed, run(api, all_archs()[cell], dataset, seed, int(length), rng)
                )
        states[name] = results.state_dict()
    return states


def official(api, lengths, cells=CELLS):
    rng = np.random.default_rng(0)
    return {
        "meta_archs": list(all_archs()),
        "total_archs": N_CELLS,
        "arch2infos": {cell: record(api, cell, lengths, rng) for cell in cells},
        "evaluated_indexes": set(cells),
    }


@pytest.fixture(scope="module")
def nb201():
    from nas_201_api import NASBench201API, api_utils

    content = official(api_utils, {"less": "12", "full": "200"})
    return content, NASBench201API(content, verbose=False)


@pytest.fixture(scope="module")
def nats():
    from nats_bench import api_utils
    from nats_bench.api_topology import NATStopology

    content = official(api_utils, {"12": "12", "200": "200"})
    return content, NATStopology(content, verbose=False)


def save(content, path, kind):
    if kind == "pbz2":
        with bz2.open(path, "wb") as file:
            pickle.dump(content, file, protocol=4)
    else:
        import torch

        torch.save(content, path, _use_new_zipfile_serialization=kind == "zip")
    return path


def collect(path):
    records = Records("nb201-v1_1", "test", str(path))
    with opened(path) as stream:
        whole = stream.load(records.take)
    assert whole["arch2infos"] == {cell: cell for cell in CELLS}
    assert records.seen == set(CELLS)
    return {item.column.name.partition("@")[0]: item for item in records.columns("no run")}


def check(columns, api):
    """Every column against what the official package answers."""
    checked = 0
    for dataset in EVALUATED:
        ours = NAMES.get(dataset, dataset.removesuffix("-valid"))
        for length in (12, 200):
            for cell in CELLS:
                seeds = SEEDS[str(length)][: 1 + cell % 3]
                for seed in (*seeds, False):
                    told = api.get_more_info(cell, dataset, hp=str(length), is_random=seed)
                    tag = "mean" if seed is False else f"seed{seed}"
                    wanted = {
                        split: told.get(f"{split}-accuracy")
                        for split in ("valid", "test", "valtest")
                    }
                    if dataset == "cifar10-valid":
                        del wanted["test"]
                    if dataset != "cifar10":
                        wanted["train_seconds"] = told["train-all-time"]
                    for split, value in wanted.items():
                        if value is not None:
                            found = columns[f"{ours}.{split}.{length}ep.{tag}"].values[cell]
                            assert found == pytest.approx(value, rel=1e-12)
                            checked += 1
    assert checked > 300
    others = np.setdiff1d(np.arange(N_CELLS), CELLS)
    for item in columns.values():
        assert np.isnan(item.values[others]).all()
        assert item.reason


@pytest.mark.parametrize("kind", ["legacy", "zip"])
def test_nas_bench_201_files_agree_with_the_official_package(nb201, tmp_path, kind):
    content, api = nb201
    check(collect(save(content, tmp_path / "file.pth", kind)), api)


def test_nats_bench_file_agrees_with_the_official_package(nats, tmp_path):
    content, api = nats
    check(collect(save(content, tmp_path / "file.pickle.pbz2", "pbz2")), api)


def test_an_incomplete_file_is_refused(nb201, tmp_path):
    path = save(nb201[0], tmp_path / "file.pth", "legacy")
    with pytest.raises(UserError, match="7 of 15625 records"):
        list(read_whole_file(path, "nb201-v1_1", "test"))


def small_record(cell, accuracy):
    arch = all_archs()[cell]
    trial = {"epochs": 200, "eval_names": ["x-test"], "train_times": None}
    trial["eval_acc1es"] = {"x-test@199": accuracy}
    state = {"arch_index": cell, "arch_str": arch, "all_results": {("cifar100", 777): trial}}
    return {"full": state, "less": {**state, "all_results": {}}}


@pytest.fixture(scope="module")
def complete():
    values = np.random.default_rng(1).uniform(0, 100, N_CELLS)
    infos = {cell: small_record(cell, float(values[cell])) for cell in range(N_CELLS)}
    return values, {"meta_archs": list(all_archs()), "arch2infos": infos}


@pytest.mark.parametrize(("module", "kind"), [(nasbench201_v1_1, "legacy"), (nats_bench, "pbz2")])
def test_a_complete_file_is_read_in_official_order(complete, tmp_path, module, kind):
    values, content = complete
    save(content, tmp_path / module.SOURCE.files[0].path, kind)
    columns = {item.column.name: item for item in module.SOURCE.read(tmp_path)}
    release = "nb201-v1_1" if kind == "legacy" else "nats-tss-v1_0"
    assert set(columns) == {f"cifar100.test.200ep.{tag}@{release}" for tag in ("seed777", "mean")}
    for item in columns.values():
        assert np.array_equal(item.values, values)
        assert item.reason == ""


def swapped(content):
    infos = content["arch2infos"]
    return {**content, "arch2infos": {**infos, 3: infos[4], 4: infos[3]}}


def permuted(content):
    archs = list(content["meta_archs"])
    random.Random(0).shuffle(archs)
    return {**content, "meta_archs": archs}


def renamed(content):
    wrong = small_record(5, 1.0)
    wrong["full"]["arch_str"] = wrong["less"]["arch_str"] = all_archs()[6]
    return {**content, "arch2infos": {5: wrong}}


def nonsense(content):
    return {**content, "arch2infos": {5: small_record(5, 101.0)}}


def shapeless(content):
    return {**content, "arch2infos": {5: {"full": {"all_results": 3}}}}


FAULTS = {
    swapped: "another index",
    permuted: "not the official one",
    renamed: "not that cell",
    nonsense: "accuracy of 101",
    shapeless: "official format",
    lambda content: {**content, "meta_archs": None}: "not an official file",
    lambda content: [1, 2]: "not an official file",
}


@pytest.mark.parametrize("change", FAULTS)
def test_other_content_is_refused(complete, tmp_path, change):
    path = save(change(complete[1]), tmp_path / "file.pth", "legacy")
    with pytest.raises(UserError, match=FAULTS[change]):
        list(read_whole_file(path, "nb201-v1_1", "test"))


@pytest.mark.parametrize("kind", ["legacy", "zip", "pbz2"])
def test_a_file_cut_short_is_refused(nb201, tmp_path, kind):
    path = tmp_path / ("file.pth" if kind != "pbz2" else "file.pickle.pbz2")
    content = save(nb201[0], path, kind).read_bytes()
    for part in (0.0, 0.1, 0.5, 0.9, 0.99):
        path.write_bytes(content[: int(part * len(content))])
        with pytest.raises(UserError):
            list(read_whole_file(path, "nb201-v1_1", "test"))


def test_a_hostile_file_is_refused(tmp_path):
    class Exploit:
        def __reduce__(self):
            return open, (str(tmp_path / "made"), "w")

    for kind, name in (("legacy", "file.pth"), ("zip", "file.pth"), ("pbz2", "file.pickle.pbz2")):
        path = save({"meta_archs": Exploit()}, tmp_path / name, kind)
        with pytest.raises(UserError, match="open"):
            list(read_whole_file(path, "nb201-v1_1", "test"))
    assert not (tmp_path / "made").exists()


def test_a_simple_folder_with_few_records_is_refused(tmp_path):
    (tmp_path / "NATS-tss-v1_0-3ffb9-simple").mkdir()
    with pytest.raises(UserError, match="0 of 15625"):
        list(nats_bench_simple.SOURCE.read(tmp_path))


def test_a_simple_folder_whose_records_are_swapped_is_refused(nats, tmp_path):
    save({"meta_archs": list(all_archs())}, tmp_path / "meta.pickle.pbz2", "pbz2")
    save(nats[0]["arch2infos"][1], tmp_path / "000002.pickle.pbz2", "pbz2")
    with pytest.raises(UserError, match="record of cell 2"):
        list(nats_bench_simple.read_records(tmp_path, [2], "test"))


@pytest.mark.nb201
def test_the_three_real_records_agree_with_the_official_package(raw):
    from nats_bench import create

    source = nats_bench_sample.SOURCE
    api = create(str((raw / source.files[0].path).parent), "tss", fast_mode=True, verbose=False)
    columns = {item.column.name.partition("@")[0]: item for item in source.read(raw)}
    for item in columns.values():
        assert np.flatnonzero(~np.isnan(item.values)).tolist() == list(nats_bench_sample.CELLS)
        assert item.reason
    for cell in nats_bench_sample.CELLS:
        for length in ("12", "200"):
            for dataset in EVALUATED:
                told = api.get_more_info(cell, dataset, hp=length, is_random=False)
                ours = NAMES.get(dataset, dataset.removesuffix("-valid"))
                for split in ("valid", "test", "valtest"):
                    value = told.get(f"{split}-accuracy")
                    if value is not None and (dataset, split) != ("cifar10-valid", "test"):
                        found = columns[f"{ours}.{split}.{length}ep.mean"].values[cell]
                        assert found == pytest.approx(value, rel=1e-12)
