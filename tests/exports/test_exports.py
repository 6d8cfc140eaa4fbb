"""Exported files, opened by the unmodified packages and asked as public scripts ask them."""

import json
import math
import pickle
import random
from pathlib import Path

import numpy as np
import pytest
from command_line import call

from benchsuite.assembly.accuracy import ESTIMATES
from benchsuite.cli.commands import export_api
from benchsuite.errors import UserError
from benchsuite.exports import hw, nas201, nats
from benchsuite.exports.trainings import MEAN, RUNS, Allowed, Trainings
from benchsuite.space.cell import N_CELLS, Cell, all_archs
from benchsuite.space.cost import all_flops
from benchsuite.space.network import OFFICIAL
from benchsuite.table.table import Table

CELLS = (0, 11, 284, 6111, 9930, 15624)
DATASETS = ("cifar10", "cifar100", "ImageNet16-120")
EVERYTHING = Allowed(estimates=True, mixed=True)


def few(_):
    return CELLS


@pytest.fixture(scope="module", params=["shipped", pytest.param("public", marks=pytest.mark.nb201)])
def exported(request, tmp_path_factory):
    """A table, what goes of it into files, and these in a folder, of a few cells."""
    if request.param == "public":
        request.getfixturevalue("raw")
    table = request.getfixturevalue("table" if request.param == "public" else "shipped_table")
    folder = tmp_path_factory.mktemp(request.param)
    trainings = Trainings(table, EVERYTHING)
    nats.write_simple(folder / "simple", trainings, few, replace=False)
    nats.write_whole(folder / "whole.pickle.pbz2", trainings, few)
    nas201.write(folder / "nas201.pth", trainings, few)
    return table, trainings, folder


@pytest.fixture(params=["simple", "whole", "nas201"])
def api(request, exported):
    folder = exported[2]
    if request.param == "nas201":
        package = pytest.importorskip("nas_201_api", reason="nas-bench-201 is not installed")
        return package.NASBench201API(str(folder / "nas201.pth"), verbose=False)
    package = pytest.importorskip("nats_bench", reason="nats_bench is not installed")
    name = "simple" if request.param == "simple" else "whole.pickle.pbz2"
    return package.create(
        str(folder / name), "tss", fast_mode=request.param == "simple", verbose=False
    )


def test_accuracies_are_the_tables(api, exported):
    table = exported[0]
    for name, run in RUNS.items():
        for epochs in ("12", "200"):
            for cell in CELLS:
                told = api.get_more_info(cell, name, hp=epochs, is_random=False)
                for _, split in (known for known in run.sets if known[1]):
                    stem = f"{run.dataset}.{split}.{epochs}ep.mean"
                    wanted = table.values(stem)[cell] if stem in table else math.nan
                    got = told[f"{split}-accuracy"]
                    assert got == pytest.approx(wanted, abs=1e-6, nan_ok=True), (name, split)
                    assert math.isnan(told[f"{split}-loss"])
                assert math.isnan(told["train-accuracy"])
    for epochs in ("12", "200"):
        assert math.isnan(api.get_more_info(0, "cifar10-valid", hp=epochs)["test-accuracy"])
    assert "NaN, as no public file holds it: cifar10-valid on ori-test." in exported[1].notes


def test_seeds_keep_their_meaning_and_a_mean_is_one_trial(api, exported):
    table, trainings, _ = exported
    for cell in CELLS:
        trials = api.query_by_index(cell, "cifar10-valid", hp="200")
        for seed in trials:
            column = f"cifar10.valid.200ep.seed{seed}"
            told = api.get_more_info(cell, "cifar10-valid", hp="200", is_random=seed)
            assert told["valid-accuracy"] == table.values(column)[cell]
        known = [
            s for s in (777, 888, 999) if np.isfinite(table[f"cifar10.valid.200ep.seed{s}"][cell])
        ]
        assert list(trials) == known
        assert list(api.query_by_index(cell, "cifar10-valid", hp="12")) == [MEAN]
        assert api.query_by_index(cell, hp="200").notes == trainings.notes


def test_the_clock(api, exported):
    table = exported[0]
    api.reset_time()
    total = 0.0
    for dataset in DATASETS:
        for hp in ("12", "200"):
            seconds = table[f"{dataset.lower()}.train_seconds.200ep.mean"][6111] * int(hp) / 200
            accuracy, latency, cost, used = api.simulate_train_eval(6111, dataset, hp=hp)
            total += seconds
            assert latency is None
            assert (cost, used) == (pytest.approx(seconds), pytest.approx(total))
            assert 0 < accuracy < 100
    half = api.get_more_info(6111, "cifar10-valid", hp="12")["train-all-time"]
    assert api.get_more_info(6111, "cifar10", hp="12")["train-all-time"] == pytest.approx(2 * half)
    costs = api.get_cost_info(6111, "cifar10")
    assert costs["T-train@epoch"] == pytest.approx(2 * half / 12)


@pytest.mark.nb201
def test_seconds_of_an_epoch_do_not_depend_on_the_number_of_epochs(raw, table):
    """The rule by which 12-epoch seconds and those of the CIFAR-10 networks are made."""
    long = table["cifar10.train_seconds.200ep.mean"]
    np.testing.assert_allclose(
        table["cifar10.train_seconds.12ep.mean"] / 12, long / 200, rtol=1e-12
    )
    np.testing.assert_allclose(table["cifar100.train_seconds.200ep.mean"], 2 * long, rtol=1e-12)


@pytest.mark.nb201
@pytest.mark.parametrize("cell", [0, 11, 284])
def test_what_the_official_records_hold_too_is_the_same(raw, table, tmp_path, cell):
    nats_bench = pytest.importorskip("nats_bench", reason="nats_bench is not installed")
    official = raw / "D-X-Y/NATS-Bench/fake_torch_dir/NATS-tss-v1_0-3ffb9-simple"
    nats.write_simple(tmp_path / "ours", Trainings(table, Allowed(gaps=True)), few, replace=False)
    ours, theirs = (
        nats_bench.create(str(folder), "tss", fast_mode=True, verbose=False)
        for folder in (tmp_path / "ours", official)
    )
    assert ours.meta_archs == theirs.meta_archs
    for name in ("cifar10-valid", "cifar100", "ImageNet16-120"):
        assert ours.get_net_config(cell, name) == theirs.get_net_config(cell, name)
        one, other = (api.get_cost_info(cell, name, hp="200") for api in (ours, theirs))
        for key in ("flops", "params", "T-train@epoch", "T-train@total"):
            assert one[key] == pytest.approx(other[key], rel=1e-9)
        for seed in (777, 888, 999, False):
            said, wanted = (
                api.get_more_info(cell, name, hp="200", is_random=seed) for api in (ours, theirs)
            )
            for key in ("valid-accuracy", "test-accuracy", "valtest-accuracy", "train-all-time"):
                assert (key in said) == (key in wanted)
                if (name, key) == ("cifar10-valid", "test-accuracy"):
                    assert math.isnan(said[key]), "in no public file of all cells"
                elif key in said:
                    assert said[key] == pytest.approx(wanted[key], abs=1e-4)


def test_structures_indices_and_costs(api):
    for cell in CELLS:
        arch = all_archs()[cell]
        assert api.query_index_by_arch(arch) == cell
        assert api.arch(cell) == api[cell] == arch
        assert len(api) == N_CELLS
        for dataset in DATASETS:
            skeleton = OFFICIAL[dataset.lower()]
            costs = api.get_cost_info(cell, dataset)
            assert costs["flops"] * 1e6 == pytest.approx(all_flops(skeleton)[cell])
            assert costs["latency"] is None
            assert api.get_net_config(cell, dataset) == {
                "name": "infer.tiny",
                "C": 16,
                "N": 5,
                "arch_str": arch,
                "num_classes": skeleton.classes,
            }
        matrix = api.str2matrix(arch)
        lists = api.str2lists(arch)
        assert [len(node) for node in lists] == [1, 2, 3]
        assert Cell.from_arch(arch).ops == tuple(
            int(matrix[i, j]) for i in (1, 2, 3) for j in range(i)
        )
    assert api.query_index_by_arch("|none~0|") == -1


def test_text_best_and_statistics(api):
    for cell in CELLS:
        told = api.query_by_arch(all_archs()[cell], "200")
        assert all_archs()[cell] in told
        assert "top1 = " in told
        assert "latency=None" in told
    if getattr(api, "fast_mode", False):
        for cell in CELLS:
            api.get_more_info(cell, "cifar10")
        best = api.find_best("cifar100", "x-test", hp="200", enforce_all=False)
    else:
        best = api.find_best("cifar100", "x-test", hp="200")
    if hasattr(api, "fast_mode"):  # nas_201_api counts all 15,625 cells, which are not there
        assert sum(api.statistics("cifar10", "200").values()) == len(CELLS)
    assert best[0] == 9930
    with pytest.raises((KeyError, ValueError, AssertionError)):
        api.get_more_info(0, "cifar10-valid", iepoch=5, hp="12")


def test_a_random_and_an_evolutionary_search_run(api):
    """Random search, then mutation of the better of two, as AutoDL-Projects and notebooks do."""
    random.seed(0)
    api.reset_time()
    history, spent = [], 0.0
    while spent < 40_000:
        arch = api.arch(random.choice(CELLS))
        accuracy, _, _, spent = api.simulate_train_eval(arch, "cifar10", hp="12")
        history.append((accuracy, api.query_index_by_arch(arch)))
    best = max(history)[1]
    assert len(history) > 20
    info = api.get_more_info(best, "cifar10", hp="200", is_random=False)
    assert 0 < info["test-accuracy"] < 100


def test_what_is_not_allowed_is_refused_or_left_out(shipped_table):
    with pytest.raises(
        UserError, match=r"estimates alone of .*cifar10.test.200ep.*--allow-estimates"
    ):
        Trainings(shipped_table, Allowed(mixed=True))
    gaps = Trainings(shipped_table, Allowed(gaps=True))
    assert math.isnan(gaps.trials(6111, "cifar10", 200)[MEAN]["ori-test"])
    assert list(gaps.trials(0, "cifar100", 200)) == [777, 888, 999]
    assert any("Left out" in note for note in gaps.notes)
    assert not any("ESTIMATES" in note for note in gaps.notes)
    assert any("ESTIMATES" in note for note in Trainings(shipped_table, EVERYTHING).notes)


def test_estimates_alone_are_refused_and_lack_seconds():
    """Without a package of data they were of the release itself, and so let through."""
    table = Table.open(ESTIMATES)
    with pytest.raises(UserError, match=r"estimates alone of .*cifar10.valid.200ep"):
        Trainings(table, Allowed())
    with pytest.raises(UserError, match=r"training seconds, which no file here gives of cifar10"):
        Trainings(table, Allowed(estimates=True))


@pytest.mark.nb201
def test_another_release_is_refused(raw, table):
    with pytest.raises(UserError, match=r"cifar10.test.200ep \(nb201-v1_1\),.*--mix-releases"):
        Trainings(table, Allowed(estimates=True))
    mixed = Trainings(table, Allowed(mixed=True))
    assert any("nb201-v1_1, another training, mixed in" in note for note in mixed.notes)


def test_hw_nas_bench_has_the_parts_as_devices(shipped_table, table, tmp_path):
    hw.write(tmp_path / "hw.pickle", table)
    whole = pickle.loads((tmp_path / "hw.pickle").read_bytes())
    for dataset in DATASETS:
        metrics = whole["nasbench201"][dataset]
        for metric in hw.METRICS:  # what `HWNASBenchAPI.query_by_index` does
            float(metrics[metric][6111])
        assert metrics["config"][6111]["arch_str"] == all_archs()[6111]
        column = f"latency.stm32f746.x_cube_ai.{dataset.lower()}.official"
        assert metrics["stm32f746_x_cube_ai_latency"][6111] == 1e3 * table[column][6111]
        assert (
            metrics["flash_weights"][6111]
            == table[f"flash.weights.{dataset.lower()}.official"][6111]
        )
        assert all(len(values) == N_CELLS for values in metrics.values())
    hw.write(tmp_path / "none.pickle", shipped_table)
    none = pickle.loads((tmp_path / "none.pickle").read_bytes())
    assert math.isnan(none["nasbench201"]["cifar10"]["edgegpu_latency"][0])
    assert "were not there" in none["notes"][1]


def test_further_metrics_of_hw_nas_bench_are_in_the_units_of_its_ten(shipped_table):
    """An energy in J once stood beside those of the authors' file, which are in mJ."""
    metrics = hw._metrics(shipped_table, "cifar10", "cifar10")
    notes = " ".join(hw._notes(shipped_table))
    for what, unit in (("latency", "ms"), ("energy", "mJ")):
        column = f"{what}.stm32h7a3.x_cube_ai.cifar10.official"
        assert metrics[f"stm32h7a3_x_cube_ai_{what}"][6111] == 1e3 * shipped_table[column][6111]
        assert f"<device>_<runtime>_{what} [{unit}]" in notes
    fits = {value for name, of in metrics.items() if name.endswith("_fits") for value in of}
    assert fits == {0.0, 0.5, 1.0}
    assert "<device>_<runtime>_fits [0, 0.5 or 1;" in notes


@pytest.fixture
def command(capsys, monkeypatch, shipped_table, only_what_ships):
    from benchsuite.assembly import whole

    monkeypatch.setattr(export_api, "_tracked", few)
    monkeypatch.setattr(whole, "whole_table", lambda *_: shipped_table)
    return lambda *args: call(capsys, "export-api", *args)


def test_the_command_writes_what_it_says(command, only_what_ships):
    code, out, _ = command(
        "nats", "--allow-estimates", "--official-name", "--out", "home", "--json"
    )
    assert code == 0
    told = json.loads(out)
    assert told["paths"] == ["home/NATS-tss-v1_0-3ffb9-simple"]
    assert any("ESTIMATES" in note for note in told["notes"])
    assert (only_what_ships / "home/NATS-tss-v1_0-3ffb9-simple/006111.pickle.pbz2").is_file()
    assert (
        command("hw", "--out", "home")[0]
        == command("nas201", "--leave-gaps", "--out", "home")[0]
        == 0
    )
    names = sorted(path.name for path in (only_what_ships / "home").iterdir())
    assert names == [hw.OURS, nas201.OURS, nats.OFFICIAL + "-simple"]


def test_devices_of_ones_own_are_in_the_table_that_is_written(
    command, monkeypatch, shipped_table, only_what_ships
):
    from benchsuite.assembly import whole

    given = []
    monkeypatch.setattr(
        whole, "whole_table", lambda folders: given.append(folders) or shipped_table
    )
    (only_what_ships / "mine").mkdir()
    assert command("hw", "--plugins", "mine", "--out", "home")[0] == 0
    assert given == [(Path("mine"),)]
    code, _, error = command("nats", "--plugins", "mine", "--leave-gaps", "--out", "home")
    assert code == 2
    assert "--plugins has no effect" in error


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["nats"], "--leave-gaps writes NaN"),
        (["hw", "--mix-releases"], "holds no accuracies"),
        (["nas201", "--single-file"], "is one file already"),
        (["nats", "--out", "x.csv"], "needs the name of a folder"),
        (["naslib"], "one of nats, nas201, hw, not 'naslib'"),
    ],
)
def test_the_command_refuses_in_a_sentence(command, args, said):
    code, _, error = command(*args)
    assert code == 2
    assert said in error


def test_what_is_there_is_not_written_over(command):
    assert command("hw", "--out", "home")[0] == 0
    code, _, error = command("hw", "--out", "home")
    assert code == 2
    assert "is there already" in error
    assert command("hw", "--out", "home", "--replace")[0] == 0


# What the authors' notebook find-largest.ipynb of NATS-Bench prints of cell 1462.
PRINTED = {
    ("cifar10", "12"): {"test-accuracy": 82.2, "train-all-time": 415.2997846603394},
    ("cifar10", "200"): {"test-accuracy": 93.76, "train-all-time": 6921.6630776723405},
    ("cifar100", "12"): {"test-accuracy": 44.98, "valid-accuracy": 44.06},
    ("cifar100", "200"): {"valid-accuracy": 70.706667, "valtest-accuracy": 70.906667},
    ("ImageNet16-120", "12"): {"test-accuracy": 22.4, "valid-accuracy": 23.266667},
    ("ImageNet16-120", "200"): {"test-accuracy": 41.444444, "train-all-time": 21000.325777657865},
}


@pytest.mark.nb201
def test_the_authors_notebook_prints_the_same(raw, table, tmp_path):
    nats_bench = pytest.importorskip("nats_bench", reason="nats_bench is not installed")
    trainings = Trainings(table, Allowed(mixed=True))
    nats.write_simple(tmp_path / "simple", trainings, lambda _: [1462], replace=False)
    api = nats_bench.create(str(tmp_path / "simple"), "tss", fast_mode=True, verbose=False)
    for (dataset, hp), printed in PRINTED.items():
        told = api.get_more_info(1462, dataset, hp=hp, is_random=False)
        for key, value in printed.items():
            assert told[key] == pytest.approx(value, rel=1e-6), (dataset, hp, key)
