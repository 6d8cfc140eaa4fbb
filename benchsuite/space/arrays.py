"""Numbers that come from outside: whatever holds them becomes a numpy array, or is refused.

Every score, truth and column passes here. What carries labels (a pandas Series) is put in the order
of its labels, what carries a mask is missing where it is masked; text, dates, complex numbers and
whole numbers that float64 cannot hold are no values.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.errors import UserError, shown
from benchsuite.space.cell import N_CELLS, all_archs

_EXACT = 2**53
_KINDS = {"c": "complex numbers", "U": "text", "S": "text", "M": "dates", "m": "times"}


def numbers(values: Any, name: str) -> NDArray[Any]:
    """Return values of any shape as bool, int or float; masked, None and NA become NaN.

    They are of this machine's byte order and of 64 bits at most, as pyarrow holds them, in the
    order they stand in: labels are not looked at, see `in_one_order`. Raises UserError, which calls
    them `name`, for what is no array of real numbers.
    """
    if _is_pandas(values, "DataFrame"):
        raise UserError(
            f"The {name} came as a pandas DataFrame, whose axes could be either way round: "
            "`.to_numpy()` gives its numbers as they stand."
        )
    if isinstance(values, list | tuple) and any(map(_is_special, values)):
        rows = [numbers(value, name) for value in values]
        if len({row.shape for row in rows}) > 1:
            raise UserError(f"The {name} is not an array of numbers: its parts differ in length.")
        return np.array(rows)
    if hasattr(values, "detach"):  # a tensor of torch, which may want a gradient or lie elsewhere
        values = values.detach().cpu()
        values = values.double() if values.dtype.is_floating_point else values
    mask = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"The {name} is not an array of numbers: {error}.") from None
    if array.dtype.kind == "O":
        array = _of_objects(array, name)
    if array.dtype.kind not in "biuf":
        raise UserError(
            f"The {name} holds {_KINDS.get(array.dtype.kind, 'something else')}"
            f" ({array.dtype}), not numbers."
        )
    if (
        array.dtype.kind in "iu"
        and array.size
        and max(-int(array.min()), int(array.max())) > _EXACT
    ):
        raise _too_large(name)
    if mask is not None and mask.any():
        array = np.where(mask, np.nan, array)
    wide = array.dtype.itemsize > np.dtype(np.float64).itemsize
    return array.astype(np.float64 if wide else array.dtype.newbyteorder("="), copy=False)


def in_one_order(arguments: Mapping[str, Any]) -> list[Any]:
    """Return arguments of one value per cell each, pandas Series put in an order that all share.

    Labels 0 ... N-1, or the 15,625 architecture strings, in any order say which cell a value is of.
    Other labels have to be the same for all arguments, in any order if none occurs twice. Raises
    UserError for Series that fit neither way: then nothing says which values belong together.
    """
    series = {name: given for name, given in arguments.items() if _is_pandas(given, "Series")}
    places = {name: _cell_order(given.index) for name, given in series.items()}
    if all(place is not None for place in places.values()):
        return [
            given if name not in series else given.to_numpy()[places[name]]
            for name, given in arguments.items()
        ]
    first_name, first = next(iter(series.items()))
    for name, given in arguments.items():
        if given is None:
            continue
        if name not in series or not _same_labels(given.index, first.index):
            raise UserError(
                f"The {first_name} is a pandas Series with labels of its own, and the {name} "
                "has not the same: nothing says which values belong together. Label both by the "
                "cells' indices, or give `.to_numpy()` of both."
            )
    return [
        None if given is None else given.iloc[_places(given.index, first.index)].to_numpy()
        for given in arguments.values()
    ]


def of_cells(values: Any, name: str) -> NDArray[Any]:
    """Return one number per cell [15625] in official order, as `numbers` does.

    A pandas Series is ordered by its labels, official indices or architecture strings. Raises
    UserError for any other shape or labels.
    """
    if _is_pandas(values, "Series") and len(values) == N_CELLS:
        place = _cell_order(values.index)
        if place is None:
            raise UserError(
                f"The {name} is a pandas Series whose labels are not the cells: label it by the "
                f"official indices 0 to {N_CELLS - 1} or by architecture strings, each once."
            )
        values = values.to_numpy()[place]
    array = numbers(values, name)
    if array.shape != (N_CELLS,):
        raise UserError(
            f"The {name} has shape {array.shape}, not ({N_CELLS},): a value per cell in official "
            "order is needed, NaN where missing."
        )
    return array


def labelled(values: Any, name: str) -> NDArray[Any]:
    """Return one number per cell [15625], NaN where none is given, as `of_cells` does.

    A pandas Series or a mapping may label some of the cells alone, by official index or by
    architecture string. Raises UserError for labels that are no cells, or that occur twice.
    """
    if isinstance(values, Mapping):
        labels, given = list(values), list(values.values())
    elif _is_pandas(values, "Series") and len(values) != N_CELLS:
        labels, given = values.index.tolist(), values.to_numpy()
    else:
        return of_cells(values, name)
    index_of = {arch: index for index, arch in enumerate(all_archs())}
    places: list[Any] = [index_of.get(one, one) if isinstance(one, str) else one for one in labels]
    for label, place in zip(labels, places, strict=True):
        whole = isinstance(place, int | np.integer) and not isinstance(place, bool)
        if not whole or not 0 <= place < N_CELLS:
            raise UserError(
                f"The {name} are labelled {shown(label)}, which is no cell: official indices 0 to "
                f"{N_CELLS - 1} or architecture strings are needed."
            )
    if len(set(places)) < len(places):
        raise UserError(f"The {name} label a cell twice.")
    found = np.full(N_CELLS, np.nan)
    found[np.array(places, dtype=np.int64)] = numbers(given, name)
    return found


def _cell_order(labels: Any) -> NDArray[np.int64] | None:
    """Return where the value of each cell stands, or None for labels that are no cells."""
    n = len(labels)
    if labels.nlevels == 1 and labels.dtype.kind in "iu":
        order = np.argsort(labels.to_numpy(), kind="stable")
        return order if np.array_equal(labels.to_numpy()[order], np.arange(n)) else None
    if n == N_CELLS and set(labels) == set(all_archs()):
        return np.asarray(labels.get_indexer(all_archs()), dtype=np.int64)
    return None


def _same_labels(one: Any, other: Any) -> bool:
    if one.equals(other):
        return True
    unique = bool(one.is_unique) and bool(other.is_unique)
    return unique and len(one) == len(other) and bool(one.isin(other).all())


def _places(labels: Any, wanted: Any) -> Any:
    return slice(None) if labels.equals(wanted) else labels.get_indexer(wanted)


def _of_objects(array: NDArray[Any], name: str) -> NDArray[np.float64]:
    found = np.empty(array.shape)
    for place, value in np.ndenumerate(array):
        missing = value is None or type(value).__name__ == "NAType" or value is np.ma.masked
        if not missing and not isinstance(value, Real | Decimal):
            raise UserError(f"The {name} is not an array of numbers: it holds {shown(value)}.")
        if not missing and isinstance(value, Integral) and abs(int(value)) > _EXACT:
            raise _too_large(name)
        try:
            found[place] = np.nan if missing else float(value)
            held = not np.isinf(found[place]) or value == found[place]
        except (OverflowError, ValueError):  # a fraction that is too large, a signaling NaN
            held = False
        if not held:
            raise UserError(
                f"The {name} is not an array of numbers: it holds {shown(value)}, which float64 "
                "cannot hold."
            )
    return found


def _too_large(name: str) -> UserError:
    return UserError(f"The {name} holds whole numbers above 2^53, which float64 cannot tell apart.")


def _is_pandas(values: Any, kind: str) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(values, getattr(pandas, kind))


def _is_special(values: Any) -> bool:
    """Tell whether numpy would lose something of values that it finds in a list."""
    masked = isinstance(values, np.ma.MaskedArray) and values is not np.ma.masked
    return masked or hasattr(values, "detach") or _is_pandas(values, "Series")
