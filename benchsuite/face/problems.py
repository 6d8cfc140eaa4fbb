"""Problems of multi-objective optimisation over the cells, for pymoo."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.arguments import checked
from benchsuite.errors import UserError, did_you_mean
from benchsuite.face.tables import given_or_loaded
from benchsuite.packages import optional_module
from benchsuite.space.arrays import numbers
from benchsuite.space.cell import EDGES, OPS, all_ops, index_of
from benchsuite.stats.pareto import non_dominated
from benchsuite.table.device_columns import DeviceColumn, find
from benchsuite.table.table import Table

_ERROR = "error"
_VALID = "cifar10.valid.200ep.mean"
_SIZE = ("cifar10.params", "cifar10.flops")
_EDGEGPU = ("hwnasbench.cifar10.edgegpu_latency", "hwnasbench.cifar10.edgegpu_energy")
_EYERISS = tuple(
    f"hwnasbench.cifar10.eyeriss_{what}" for what in ("latency", "energy", "arithmetic_intensity")
)
SUITE = {
    "mop5": (_ERROR, *_SIZE, *_EDGEGPU),
    "mop6": (_ERROR, *_SIZE, *_EYERISS),
    "mop7": (_ERROR, *_SIZE, *_EDGEGPU, *_EYERISS),
}


@checked
def problem(name: str, table: Table | None = None, *, runtime: str = "x_cube_ai") -> Any:
    """Return a pymoo `Problem` whose variables are the six operators of a cell.

    name: `mop5`, `mop6` or `mop7` of the kind of EvoXBench's C-10/MOP (validation error after 200
    epochs [%], parameters, FLOPs; latency [ms] and energy [mJ] of EdgeGPU in 5 and 7; latency,
    energy and arithmetic intensity of Eyeriss in 6 and 7), or a device with a memory, as
    `stm32f746`: error [%], RAM [bytes], flash [bytes] and latency [s] under a runtime, and energy
    [J] where the power of the part is known.
    All are minimised and none is scaled. x: six whole numbers 0 to 4, official operators and edges
    (`Cell.ops`); G: at most 0 where every objective is known, 1 for the cells without a path,
    which then have the worst of each column. `names` says what the objectives are, `objectives`
    [15625, M] their values by index, `indices(x)` which cells are meant, `pareto_front()` the
    front. Raises UserError without pymoo, the data or such a problem.

    Source: Lu et al., "Neural Architecture Search as Multiobjective Optimization Benchmarks",
    IEEE TEVC 2023, C-10/MOP5 to 7.

    >>> import benchsuite as bs
    >>> asked = bs.problem("stm32f746")
    >>> asked.n_var, asked.n_obj, asked.n_ieq_constr
    (6, 4, 1)
    >>> import numpy as np
    >>> asked.evaluate(np.array([bs.cell(6111).ops]), return_values_of=["F"]).shape
    (1, 4)
    """
    known = given_or_loaded(table)
    names = SUITE.get(name) or _of_device(name, runtime, known)
    lacking = [column for column in names if column != _ERROR and column not in known]
    if lacking:
        raise UserError(
            f"The problem {name} needs {lacking[0]}, which no public file here gives: "
            "`benchsuite fetch` gets it."
        )
    values = [100 - known[_VALID] if column == _ERROR else known[column] for column in names]
    return _tabular(np.stack(values, axis=1), names)


def _of_device(name: str, runtime: str, table: Table) -> tuple[str, ...]:
    parts = list(find(table.columns, "fits", dataset="cifar10", skeleton="official"))
    if name not in {part.device for part in parts}:
        there = [*SUITE, *sorted({part.device for part in parts})]
        raise UserError(
            f"There is no problem {name!r}; there are {', '.join(there)}."
            + did_you_mean(name, there)
        )
    runtimes = [part.runtime for part in parts if part.device == name]
    if runtime not in runtimes:
        raise UserError(
            f"{name} has no runtime {runtime!r}; it has {', '.join(runtimes)}."
            + did_you_mean(runtime, runtimes)
        )
    from benchsuite.devices._footprint.fits import ram_of

    memories = (f"{what}.cifar10.official" for what in (ram_of(runtime), "flash.weights"))
    spent = (
        DeviceColumn(what, name, runtime, "cifar10", "official").name
        for what in ("latency", "energy")
    )
    return (_ERROR, *memories, *(column for column in spent if column in table.columns))


def _tabular(values: NDArray[np.float64], names: tuple[str, ...]) -> Any:
    """Return the problem: a class of pymoo's, which is looked for only here."""
    base = optional_module("pymoo.core.problem").Problem
    whole = np.asarray(np.isfinite(values).all(axis=1))
    worst = np.where(whole[:, None], values, np.nanmax(values[whole], axis=0))

    def evaluate(_: Any, x: Any, out: dict[str, Any], *__: Any, **___: Any) -> None:
        cells = indices(x)
        out["F"], out["G"] = worst[cells], np.where(whole[cells], 0.0, 1.0)[:, None]

    def front(_: Any, *__: Any, **___: Any) -> NDArray[np.float64]:
        feasible = np.unique(values[whole], axis=0)
        return feasible[non_dominated(feasible)]

    def anew(_: Any) -> tuple[Any, ...]:  # The class is nobody's attribute for pickle to find.
        return _tabular, (values, names)

    own = {"_evaluate": evaluate, "_calc_pareto_front": front, "__reduce__": anew}
    kind = type("CellProblem", (base,), own)
    made = kind(
        n_var=len(EDGES), n_obj=len(names), n_ieq_constr=1, xl=0, xu=len(OPS) - 1, vtype=int
    )
    made.names, made.objectives, made.indices = names, values, indices
    return made


def indices(x: Any) -> NDArray[np.int64]:
    """Return the official index [N] of cells as a problem's variables [N, 6]; UserError else."""
    codes = np.atleast_2d(numbers(x, "variables of a problem"))
    if codes.dtype.kind == "f" and np.isfinite(codes).all() and (codes == np.round(codes)).all():
        codes = codes.astype(np.int64)
    if codes.ndim != 2 or codes.shape[1] != all_ops().shape[1] or codes.dtype.kind not in "iu":
        raise UserError(
            f"The variables of a problem are whole numbers [N, {len(EDGES)}], not {codes.dtype} "
            f"of shape {codes.shape}: pymoo's RoundingRepair makes them so."
        )
    return index_of(codes)
