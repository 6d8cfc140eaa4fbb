"""The arena of a 32-bit build: TensorFlow's generic benchmark as wasm32 (PyPI package mcufit)."""

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

import model_files
import numpy as np
import pytest

import benchsuite as bs
from benchsuite import plugins
from benchsuite.deployment import arena
from benchsuite.deployment.graph import graph
from benchsuite.deployment.ram import all_ram
from benchsuite.devices._export.quantise import quantise
from benchsuite.devices._export.tflite import to_tflite
from benchsuite.devices._footprint.fits import all_fits, ram_range
from benchsuite.devices._models import tflite
from benchsuite.devices._models.estimation import ram_range as model_range
from benchsuite.devices._models.model import of_network
from benchsuite.devices._models.reading import read
from benchsuite.space.cell import Cell, connected
from benchsuite.space.deploy import deploy
from benchsuite.space.network import SKELETONS, Skeleton

# Planned and kept [bytes] that mcufit 0.5.2 reports (TensorFlow Lite Micro 18b9e6f, emcc 6.0.5).
CELLS = {
    (6111, Skeleton()): (81920, 48348),
    (9930, Skeleton(cells_per_stage=1)): (81920, 15740),
    (1462, Skeleton()): (98304, 54076),
    (3, Skeleton(3, 1, 24, 7)): (5184, 5212),
    (4969, Skeleton(12, 3, 16, 100)): (15360, 23820),
    (100, Skeleton(5, 2, 8, 2)): (1280, 12460),
}
MLPERF = {
    ("autoencoder", False): (768, 17116),
    ("ds_cnn", False): (16000, 9004),
    ("ds_cnn", True): (16000, 9116),
    ("mobilenet_v1", False): (73728, 29100),
    ("mobilenet_v1", True): (76864, 29692),
    ("resnet8", False): (49152, 7436),
    ("resnet8", True): (51264, 7676),
}


def of_cell(index, skeleton):
    return deploy(Cell.from_index(index), skeleton)


@pytest.mark.parametrize("case", CELLS)
def test_arena_of_cells_is_the_32_bit_builds(case):
    own = graph(of_cell(*case))
    planned, kept = CELLS[case]
    assert arena.head(own) == planned
    assert abs(arena.tail(own) - kept) <= 20


@pytest.mark.parametrize("case", MLPERF)
def test_arena_of_mlperf_tiny_is_the_32_bit_builds(case, tmp_path):
    (tmp_path / "m.tflite").write_bytes(model_files.to_tflite(read(case[0]), case[1]))
    own = tflite.read(tmp_path / "m.tflite").graph()
    planned, kept = MLPERF[case]
    assert arena.head(own) == planned
    assert planned + arena.tail(own) == pytest.approx(planned + kept, rel=2e-3)


def test_the_recorded_figures_are_what_the_build_says(tmp_path):
    """Where mcufit and node are installed."""
    found = importlib.util.find_spec("mcufit")
    if found is None or shutil.which("node") is None:
        pytest.skip("mcufit or node is not installed")
    program = Path(found.origin).parent / "wasm" / "run_benchmark.mjs"
    files = {
        case: to_tflite(quantise(of_cell(*case), np.random.default_rng(0), "after"))
        for case in CELLS
    }
    files |= {case: model_files.to_tflite(read(case[0]), case[1]) for case in MLPERF}
    for case, data in files.items():
        (tmp_path / "m.tflite").write_bytes(data)
        said = subprocess.run(
            ["node", program, tmp_path / "m.tflite"], capture_output=True, text=True, check=True
        ).stdout
        parts = re.findall(r"^ *(?:Non)?Persistent \| +(\d+)", said, re.MULTILINE)
        assert tuple(map(int, parts)) == (CELLS | MLPERF)[case], case


def test_the_range_of_cells_is_that_of_their_files():
    """One rule for a column and for a file: least, most, and what fits."""
    device = plugins.load("devices", "stm32l432")
    for label in ("official", "mcu"):
        skeleton = SKELETONS[label]["cifar10"]
        size = all_ram("ram.tflm", skeleton)
        least, most = ram_range("tflm_cmsis_nn", size, skeleton)
        assert (most - least)[connected()].max() == arena.SAVED + 4 * 9 * 4 * skeleton.channels
        assert (least == most)[~connected()].all()
        fits = all_fits(device, "tflm_cmsis_nn", skeleton)
        assert set(np.unique(fits)) <= {0, 0.5, 1}
        for index in (6111, 11111):
            model = of_network(of_cell(index, skeleton), "")
            wanted = (least[index], most[index])
            found = model_range(model, size[index], "ram.tflm", "tflm_cmsis_nn")
            assert found == wanted


def test_scratch_is_that_of_the_largest_layer():
    """ResNet-8: a 3x3 convolution of 64 channels, 2 x 2 x 576 bytes."""
    least, most = model_range(read("resnet8"), 50_000, "ram.tflm", "tflm_cmsis_nn")
    assert (50_000 - least, most - 50_000) == (1612, 2304)
    assert bs.estimate("resnet8", device="stm32l4r5").estimates
