"""Shipped files that their code would no longer make: what it made beside them is made again."""

import dataclasses
import functools
import json
import subprocess
import sys

import numpy as np
import pytest

from benchsuite.assembly import estimates
from benchsuite.deployment.response import FILE
from benchsuite.stats import gaussian_process
from benchsuite.table.table import Table

torch = pytest.importorskip("torch")
training = pytest.importorskip("benchsuite.proxies._compression.experiment")
from benchsuite.proxies._compression import quantise  # noqa: E402


def estimates_agree():
    stated, made = Table.open(estimates.OUTPUT).provenance["check"], estimates.check()
    exact = ("classes", "features", "settings")
    alike = np.allclose(stated["predicted"], made["predicted"], rtol=0, atol=0.02)
    return alike and all(stated[name] == made[name] for name in exact)


def compression_agrees():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    stated = json.loads(FILE.with_suffix(".json").read_text("utf-8"))["check"]
    made = training.check()
    torch.set_num_threads(before)
    return np.shape(stated) == np.shape(made) and bool(near(made, stated).all())


def near(made, stated):
    """Whether means and deviations lie within a hundredth of the deviations.

    Processors round apart, and where a weight is quantised the other way that is multiplied: two
    differed by .005 of a deviation.
    """
    return np.abs(np.subtract(made, stated)) <= 0.01 * np.array(stated)[:, 1:]


def test_the_shipped_estimates_are_those_that_the_code_makes():
    assert estimates_agree(), "rebuild them: python -m benchsuite.assembly.estimates"


def test_the_shipped_compression_is_what_the_code_trains():
    """In a process of its own: a training multiplies what other tests leave of torch's state."""
    code = (
        "import json, torch\ntorch.set_num_threads(1)\n"
        "from benchsuite.proxies._compression import experiment\n"
        "print(json.dumps(experiment.check()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    made = json.loads(done.stdout)
    stated = json.loads(FILE.with_suffix(".json").read_text("utf-8"))["check"]
    anew = "train anew: python -m benchsuite.proxies._compression.experiment"
    assert np.shape(stated) == np.shape(made), anew
    assert near(made, stated).all(), (made, stated)


FEATURES = estimates.class_features
CLASSES = estimates.classes


@pytest.mark.parametrize(
    ("name", "mutant"),
    [
        ("class_features", lambda: {**FEATURES(), "n_paths": FEATURES()["n_paths"] * 1.01}),
        ("class_features", lambda: dict(list(FEATURES().items())[:-1])),
        ("classes", lambda of: np.roll(CLASSES(of), 1)),
        ("_SEED", 202),
        ("_SAMPLE", 900),
        ("_DECIMALS", 3),
    ],
)
def test_estimates_by_other_code_are_seen(monkeypatch, name, mutant):
    monkeypatch.setattr(estimates, name, mutant)
    assert not estimates_agree()


def test_estimates_by_another_regression_are_seen(monkeypatch):
    real = gaussian_process.leave_one_out
    monkeypatch.setattr(gaussian_process, "leave_one_out", lambda c, y: 0.99 * real(c, y))
    assert not estimates_agree()


@pytest.mark.parametrize(
    ("module", "name", "mutant"),
    [
        (training, "density_at", lambda step, steps, density: density),
        (training, "DEVIATION", training.DEVIATION * 1.1),
        (training, "_augment", lambda x, draws: x),
        (quantise, "quantise", lambda weight, bits, reach: weight),
        (training, "Conditions", functools.partial(training.Conditions, fine_rate=0.08)),
        (training, "Conditions", functools.partial(training.Conditions, decay=0.05)),
    ],
)
def test_networks_trained_by_other_code_are_seen(monkeypatch, module, name, mutant):
    monkeypatch.setattr(module, name, mutant)
    assert not compression_agrees()


def test_what_ships_holds_what_its_code_makes(tmp_path, monkeypatch):
    """A table that is shipped anew is shipped with its check."""
    rows = (FILE.read_text("utf-8"), FILE.with_suffix(".json").read_text("utf-8"))
    about = {k: v for k, v in json.loads(rows[1]).items() if k not in ("check", "sha256")}
    (tmp_path / "rows.csv").write_text(rows[0])
    (tmp_path / "conditions.json").write_text(json.dumps(about))
    monkeypatch.setattr(training, "check", lambda: [[1.0, 2.0]])
    training.ship(tmp_path, tmp_path / "new.csv", training.Conditions())
    shipped = json.loads((tmp_path / "new.json").read_text())
    assert shipped["check"] == [[1.0, 2.0]]
    assert (tmp_path / "new.csv").read_text() == rows[0]
    assert set(shipped) == set(json.loads(rows[1]))
    assert {field.name for field in dataclasses.fields(training.Conditions)} <= set(shipped)
