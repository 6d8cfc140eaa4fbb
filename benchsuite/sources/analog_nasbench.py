"""CIFAR-10 test accuracy of one training in float, in int8, on analog hardware (AnalogNAS-Bench).

Another training of every cell than NAS-Bench-201's: the float network, quantised to int8 after
training (PTQ) and with 20 epochs of training aware of it (QAT), and on simulated analog in-memory
hardware, as trained and after hardware-aware training, fresh and drifted. The package
analog-nasbench, a dependency of this project, holds them; it is read, not imported.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchsuite.sources._pickle_values import Opaque
from benchsuite.sources._source import (
    Folder,
    Imported,
    PinnedFile,
    Source,
    expect,
    indices,
    read_pickle,
)
from benchsuite.space.cell import N_CELLS
from benchsuite.table.columns import Column

ID = "analog_nasbench"
RELEASE = "analog-nasbench-0.1.3"

_MODULE = "analognasbench.data"
_CLASSES = frozenset({(_MODULE, "Architecture"), (_MODULE, "DriftMeasurement")})
FILE = PinnedFile(
    "analognasbench/data.anb",
    sha256="85f3435b877aa2d36268d55ce07f6ff6d73643d17a840f1941745da5eb80db32",
    size=5610467,
    by_hand="`pip install --force-reinstall analog-nasbench==0.1.3`",
    package="analog-nasbench",
)
_DRIFTS = {60: "one minute", 3600: "one hour", 86400: "one day", 2592000: "30 days"}
_AS_TRAINED = "on analog hardware, noise of weights and converters, trained without it"
_AWARE = "on analog hardware after hardware-aware training"
# Attribute in the package -> (aggregation in the column's name, what it is).
COLUMNS: dict[str, tuple[str, str]] = {
    "baseline_accuracy": ("float", "in float32"),
    "ptq_accuracy": ("int8_ptq", "in int8, quantised after training"),
    "qat_accuracy": ("int8_qat", "in int8, after 20 epochs of quantisation-aware training"),
    "noisy_accuracy": ("analog_noisy", _AS_TRAINED),
    "analog_accuracy": ("analog", _AWARE),
    **{
        f"baseline_drift_{s}": (f"analog_noisy_{s}s", f"{_AS_TRAINED}, {said} later")
        for s, said in _DRIFTS.items()
    },
    **{
        f"analog_drift_{s}": (f"analog_{s}s", f"{_AWARE}, {said} later")
        for s, said in _DRIFTS.items()
    },
}


def read(folder: Folder) -> Iterator[Imported]:
    """Yield the columns of this source."""
    path = folder / FILE.path
    cells = read_pickle(path, _CLASSES)
    expect(isinstance(cells, dict) and len(cells) == N_CELLS, path, f"{N_CELLS} cells expected")
    plain = all(isinstance(key, tuple) and len(key) == 6 for key in cells)
    expect(plain and all(type(op) is int for key in cells for op in key), path, "a key is no cell")
    order = indices(np.array(list(cells)), "naslib", path)
    states = [_state(cell, path) for cell in cells.values()]
    own = [state.get("architecture") for state in states]
    expect(own == list(cells), path, "a cell is filed under another")
    for attribute, (name, said) in COLUMNS.items():
        values = np.empty(N_CELLS)
        values[order] = [_percent(state.get(attribute), path) for state in states]
        yield Imported(_column(name, said), values)


def _column(name: str, said: str) -> Column:
    return Column(
        name=f"cifar10.test.{name}@{RELEASE}",
        description=f"cifar10 test accuracy {said}; one training, not NAS-Bench-201's",
        unit="%",
        direction="max",
        source=ID,
        version="1",
        kind="accuracy",
        dataset="cifar10",
        split="test",
        aggregation=name,
        release=RELEASE,
    )


def _state(given: Any, path: Any) -> dict[str, Any]:
    known = isinstance(given, Opaque) and isinstance(given.state, dict)
    expect(known, path, "a cell is no record")
    state: dict[str, Any] = given.state
    return state


def _percent(given: Any, path: Any) -> float:
    """Return an accuracy in percent; of a measurement of drift, its mean over repeats."""
    value = _state(given, path).get("value") if isinstance(given, Opaque) else given
    whole = type(value) is float and 0 <= value <= 100
    expect(whole, path, "an accuracy is not a number from 0 to 100")
    return float(value)  # type: ignore[arg-type]  # checked above


SOURCE = Source(
    id=ID,
    citation="AnalogNAS-Bench, arXiv:2506.18495, 2025; package analog-nasbench 0.1.3",
    licence="none named in the package; Apache-2.0 upstream (IBM/analog-nas)",
    files=(FILE,),
    read=read,
)
