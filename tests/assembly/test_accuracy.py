"""Accuracies: public files where they are, estimates elsewhere, never mixed."""

import os
import shutil

import numpy as np
import pytest

from benchsuite import stats
from benchsuite.assembly import accuracy as module
from benchsuite.assembly.accuracy import accuracies
from benchsuite.errors import UserError
from benchsuite.sources._public_files import Places
from benchsuite.sources._read import all_sources
from benchsuite.space import cost
from benchsuite.space.network import OFFICIAL
from benchsuite.table.columns import DATASETS, ESTIMATE, STACKED

ROBOT = "hzf1174/RoBoT/data"


@pytest.fixture
def nothing(tmp_path):
    return Places(None, tmp_path / "cache")


def test_without_public_files_validation_is_measured_and_test_estimated_of_it(nothing):
    table = accuracies(nothing)
    assert table.estimated
    assert table.provenance["accuracy"] == (
        "validation measured (nats-tss-v1_0); test ESTIMATED from measured validation and "
        "structure; 12 epochs ESTIMATED from structure (predictions of this project, not "
        "measurements)"
    )
    for dataset in DATASETS:
        assert table.column(f"{dataset}.valid.200ep.mean").release == "nats-tss-v1_0"
        assert table.column(f"{dataset}.test.200ep.mean").release == STACKED
        assert f"{dataset}.test.200ep.mean@{ESTIMATE}" not in table.columns
        assert table.column(f"{dataset}.valid.12ep.mean").release == ESTIMATE
    for dataset in DATASETS:
        values = table.values(f"{dataset}.test.200ep.mean")
        assert np.isfinite(values).all()
        assert values.min() > 0
        assert values.max() < 100


def test_what_was_kept_damaged_is_read_anew(nothing):
    """It stopped every command, and the sentence told to write the table again."""
    first = accuracies(nothing).checksum
    (kept,) = nothing.cache.glob("imported-*")
    for damaged in (kept.read_bytes()[:100_000], b"PAR1", b""):
        kept.write_bytes(damaged)
        assert accuracies(nothing).checksum == first
        assert len(kept.read_bytes()) > 100_000


def test_no_more_is_kept_than_was_used_last(nothing, monkeypatch):
    """Another version's imports stayed in the cache for ever."""
    nothing.cache.mkdir()
    old = [nothing.cache / f"imported-{number}.parquet" for number in range(20)]
    for number, path in enumerate(old):
        path.touch()
        os.utime(path, (number, number))
    accuracies(nothing)
    kept = set(nothing.cache.glob("imported-*"))
    assert len(kept) == module.KEPT
    assert kept - set(old)
    assert old[-1] in kept
    assert old[0] not in kept


def test_the_inputs_stand_in_one_order_read_or_kept(tmp_path, monkeypatch):
    """A baseline's digest of them told a first run from all later ones."""
    monkeypatch.setattr(module, "all_sources", lambda: all_sources()[::-1])
    read, kept = (accuracies(Places(None, tmp_path)).provenance["inputs"] for _ in range(2))
    assert list(read.items()) == list(kept.items())
    assert len(read) > 1


@pytest.mark.nb201
def test_public_files_replace_the_estimates_they_cover(raw, tmp_path):
    (tmp_path / "drop" / ROBOT).mkdir(parents=True)
    for file in (raw / ROBOT).glob("*.p"):
        shutil.copy(file, tmp_path / "drop" / ROBOT)
    table = accuracies(Places(tmp_path / "drop", tmp_path / "cache"))
    assert "cifar10.test.200ep.mean@nb201-v1_0" in table.columns
    assert "cifar10.test.200ep.mean@estimate-1" not in table.columns
    assert not table.estimated
    assert table.provenance["accuracy"].startswith(
        "validation measured (nats-tss-v1_0); test measured (nb201-v1_0); validation after 12 "
        "epochs measured (nb201-v1_1) on cifar10, ESTIMATED from structure on cifar100, "
        "imagenet16-120; test after 12 epochs ESTIMATED from structure ("
    )
    installed = {f.path for s in all_sources() if s.installed for f in s.files}
    assert set(table.provenance["inputs"]) - installed == {
        str(file.relative_to(raw)) for file in (raw / ROBOT).glob("*.p")
    }


@pytest.mark.nb201
def test_imports_are_kept_and_equal(raw, tmp_path):
    where = Places(raw, tmp_path / "cache")
    first, again = accuracies(where), accuracies(where)
    assert first.checksum == again.checksum
    assert len(list((tmp_path / "cache").glob("imported-*.parquet"))) == 1


def test_imports_are_kept_by_their_files_and_by_all_code_of_the_package(monkeypatch):
    found = {module._key(inputs) for inputs in ({}, {"a": "1"}, {"a": "2"}, {"b": "1"})}
    monkeypatch.setattr(module, "code", lambda packages: f"another of {packages}")
    assert len(found | {module._key({"a": "1"})}) == 5


@pytest.mark.nb201
def test_a_damaged_file_leaves_what_was_imported(raw, tmp_path):
    drop, cache = tmp_path / "drop", tmp_path / "cache"
    shutil.copytree(raw / ROBOT, drop / ROBOT)
    accuracies(Places(drop, cache))
    kept = {path: path.read_bytes() for path in cache.glob("imported-*")}
    (drop / ROBOT / "nb2_cf10_test_accuracy.p").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(UserError, match="not the pinned file"):
        accuracies(Places(drop, cache))
    assert {path: path.read_bytes() for path in cache.glob("imported-*")} == kept


@pytest.fixture
def real(raw, table):
    return table


@pytest.mark.nb201
def test_tau_of_flops_is_the_published_one(real):
    """.576 / .552 / .519 on all cells, with any release of the test accuracy."""
    flops = cost.all_flops(OFFICIAL["cifar10"])
    for dataset, published in zip(DATASETS, (0.576, 0.552, 0.519), strict=True):
        name = f"{dataset}.test.200ep.mean"
        for column in (name, f"{name}@nb201-v1_0"):
            assert stats.kendall(flops, real.values(column)).value == pytest.approx(
                published, abs=0.003
            )


@pytest.mark.nb201
def test_the_best_cells_are_the_known_ones(real):
    known = {
        "cifar10": (6111, 94.3733),
        "cifar100": (9930, 73.5133),
        "imagenet16-120": (857, 47.3111),
    }
    for dataset, (index, accuracy) in known.items():
        values = real.values(f"{dataset}.test.200ep.mean@nb201-v1_0")
        assert values.argmax() == index
        assert values[index] == pytest.approx(accuracy, abs=1e-4)


def test_a_folder_that_is_not_there_is_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCHSUITE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="no folder"):
        accuracies()
