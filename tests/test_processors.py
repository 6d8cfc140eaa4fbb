"""Searches and columns are the same on every processor, and under rounding errors of the columns.

Other processors are simulated: BLAS, numpy, the C library and torch each choose code by the
processor, and each has a variable that makes it choose as an older one would.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from short_studies import STUDIES, picks, plan, report, runs, small

HELPERS = Path(__file__).parent / "helpers"
# Those whose picks come out of long sums. All studies: `pytest -m perf tests/test_processors.py`.
QUICK = ("monas_lambda", "edgenas_ablation", "udc_ablation", "munas_ae_bo")
PROCESSORS = {
    "Haswell": {"OPENBLAS_CORETYPE": "Haswell"},
    "Zen": {"OPENBLAS_CORETYPE": "Zen"},
    "Prescott": {"OPENBLAS_CORETYPE": "Prescott"},
    "SkylakeX": {"OPENBLAS_CORETYPE": "SkylakeX"},
    "numpy": {
        "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4"
        " AVX2 FMA3 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"
    },
    "C library": {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX2_Usable,-FMA_Usable"},
    "torch": {"ATEN_CPU_CAPABILITY": "default"},
}
NOISE = 1e-15


def has_avx512() -> bool:
    path = Path("/proc/cpuinfo")
    return path.exists() and "avx512f" in path.read_text()


@pytest.fixture(scope="module")
def table(table):
    return small(table)


@pytest.fixture(scope="module")
def file(table, tmp_path_factory):
    path = tmp_path_factory.mktemp("processors") / "table.parquet"
    table.write(path)
    return path


@pytest.fixture(scope="module")
def here(table):
    return json.loads(json.dumps(report(table, QUICK)))


def as_processor(name, file, studies):
    if name == "SkylakeX" and not has_avx512():
        pytest.skip("this processor has no AVX-512")
    done = subprocess.run(
        [sys.executable, HELPERS / "short_studies.py", file, *studies],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **PROCESSORS[name]},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", PROCESSORS)
def test_another_processor_finds_the_same(name, file, here):
    assert as_processor(name, file, QUICK) == here


@pytest.mark.perf
@pytest.mark.parametrize("name", PROCESSORS)
def test_another_processor_finds_the_same_in_every_study(name, file, table):
    assert as_processor(name, file, STUDIES) == json.loads(json.dumps(report(table, STUDIES)))


@pytest.mark.parametrize("name", STUDIES)
def test_rounding_errors_of_the_columns_move_no_pick(name, table):
    searches, planned = plan(name, table)
    assert picks(runs(searches, planned, NOISE)) == picks(runs(searches, planned))


def test_the_simulated_processors_differ():
    """Else the tests above would show nothing."""
    program = (
        "import hashlib, math, numpy as np\n"
        "x = np.random.default_rng(0).random((125, 125))\n"
        "found = [np.exp(x), x @ x, np.array([math.exp(v) for v in x.ravel()])]\n"
        "print([hashlib.sha256(v.tobytes()).hexdigest()[:6] for v in found])"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, **PROCESSORS[name]},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for name in ("Prescott", "numpy", "C library")
    }
    assert len(seen) > 1
