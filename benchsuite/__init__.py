"""A benchmark-driven evaluation suite for hardware-aware NAS over NAS-Bench-201.

    import benchsuite as bs

    table = bs.load()                                  # all 15,625 cells; bs.cell(6111) is one
    bs.correlate(table, ["naswot", "zico"], dataset="cifar10")
    bs.replay("rea", table, queries=100, seeds=20)
    bs.best(table, device="stm32l432", latency=0.2, ram=48 * 1024)
    bs.report("monas_table2", table)
    bs.estimate("model.tflite", device="stm32f746")    # or .onnx, a list of layers, a cell

What is imported here is imported when it is first used: a verb brings what it needs.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from benchsuite import _namespace
from benchsuite.version import __version__

if TYPE_CHECKING:
    from benchsuite.api import Result
    from benchsuite.errors import PluginError, UserError
    from benchsuite.face.artefacts import report
    from benchsuite.face.choices import best
    from benchsuite.face.estimates import estimate
    from benchsuite.face.facts import cell
    from benchsuite.face.problems import problem
    from benchsuite.face.ranking import correlate
    from benchsuite.face.scoring import score
    from benchsuite.face.searches import replay, study
    from benchsuite.face.tables import load
    from benchsuite.space.cell import Cell
    from benchsuite.space.network import Skeleton
    from benchsuite.stats.correlation import kendall
    from benchsuite.table.columns import Column
    from benchsuite.table.table import Table

_namespace.complete(__path__[0])

__all__ = [
    "Cell",
    "Column",
    "PluginError",
    "Result",
    "Skeleton",
    "Table",
    "UserError",
    "__version__",
    "best",
    "cell",
    "correlate",
    "estimate",
    "kendall",
    "load",
    "problem",
    "replay",
    "report",
    "score",
    "study",
]

_HOMES = {
    "Cell": "benchsuite.space.cell",
    "Column": "benchsuite.table.columns",
    "PluginError": "benchsuite.errors",
    "Result": "benchsuite.api",
    "Skeleton": "benchsuite.space.network",
    "Table": "benchsuite.table.table",
    "UserError": "benchsuite.errors",
    "best": "benchsuite.face.choices",
    "cell": "benchsuite.face.facts",
    "correlate": "benchsuite.face.ranking",
    "estimate": "benchsuite.face.estimates",
    "kendall": "benchsuite.stats.correlation",
    "load": "benchsuite.face.tables",
    "problem": "benchsuite.face.problems",
    "replay": "benchsuite.face.searches",
    "report": "benchsuite.face.artefacts",
    "score": "benchsuite.face.scoring",
    "study": "benchsuite.face.searches",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
