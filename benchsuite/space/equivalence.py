"""Which cells are the same? Four named answers, each a class number for every cell.

| name            | classes | two cells are the same if                                         |
|-----------------|---------|-------------------------------------------------------------------|
| `connected`     | 2       | both have, or both lack, an input-output path without `none`       |
| `pruned`        | 9,445   | they are equal once operators on no such path become `none`        |
| `unique_string` | 6,466   | nas_201_api writes the same unique string for both                 |
| `functional`    | 5,260   | they compute the same family of functions of input and weights     |

`unique_string` is the published count. It is not an exact equivalence: its strings forget whether
one convolution is used twice or two convolutions once each, and do not see that a sum of zeros is
zero. `functional` is exact under two rules: operators on no input-output path are removed, and the
only rewriting is that `skip_connect` is the identity and that addition commutes and associates
(that average pooling is linear is not used: it does not hold bit for bit).

Source: Dong & Yang, "NAS-Bench-201", ICLR 2020, section 2.3 (unique strings).
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable

import numpy as np
from numpy.typing import NDArray

from benchsuite.space.cell import (
    CONV1,
    CONV3,
    EDGES,
    NONE,
    OPS,
    SKIP,
    all_ops,
    connected,
    index_of,
    prune,
)

Classes = NDArray[np.int64]
Ops = tuple[int, ...]

_INPUT = "x"


def pruned() -> Classes:
    """Return the class [15625] of each cell without its dead operators: 9,445 classes.

    9,445 is also how many cells have no dead operator (the all-`none` cell is one of them).
    """
    return _number(index_of(prune(all_ops())).tolist())


def unique_string() -> Classes:
    """Return the class [15625] of each cell under nas_201_api's unique string: 6,466 classes."""
    return _number(official_unique_string(tuple(ops)) for ops in all_ops().tolist())


def functional() -> Classes:
    """Return the class [15625] of each cell as a function of input and weights: 5,260 classes."""
    form = functools.cache(canonical_form)
    return _number(form(tuple(ops)) for ops in prune(all_ops()).tolist())


CLASSES: dict[str, Callable[[], Classes]] = {
    "connected": lambda: connected().astype(np.int64),
    "pruned": pruned,
    "unique_string": unique_string,
    "functional": functional,
}


@functools.cache
def classes(name: str) -> Classes:
    """Return the class numbers [15625] of one of `CLASSES`, computed once, read-only."""
    numbers = CLASSES[name]()
    numbers.setflags(write=False)
    return numbers


def representatives(name: str) -> NDArray[np.int64]:
    """Return the lowest official index of every class of `name`, in class order."""
    _, first = np.unique(classes(name), return_index=True)
    return np.asarray(first, dtype=np.int64)


def official_unique_string(ops: Ops) -> str:
    """Return the unique string of nas_201_api (`Structure.to_unique_str(True)`).

    Each node is the sorted sum of its inputs' strings; a `none`, and any operator on exactly `#`,
    is `#`; `skip_connect` passes its input's string on. Sums are joined without brackets after
    sorting, so the alphabet decides which nested sums coincide: names and `0` are the authors'.
    """
    nodes = ["0", "", "", ""]
    for target in (1, 2, 3):
        terms = []
        for (source, to), op in zip(EDGES, ops, strict=True):
            if to != target:
                continue
            if op == NONE or nodes[source] == "#":
                terms.append("#")
            else:
                terms.append(nodes[source] if op == SKIP else f"({nodes[source]})@{OPS[op]}")
        nodes[target] = "+".join(sorted(terms))
    return nodes[3]


# A node's value is a sum: a multiset of terms. A term is the cell's input, a pooled value, or a
# convolved value together with the edge that owns the weights: two convolutions of one value are
# two functions, one convolution whose output is used twice is one.
_Term = Hashable
_Value = frozenset[tuple[_Term, int]]


def canonical_form(ops: Ops) -> str:
    """Return a string that two pruned cells share exactly if they compute the same functions.

    The expression of the output is written with its convolutions numbered, and of all numberings
    that differ only among convolutions in the same position the smallest string is taken.
    ops: six operator codes without dead operators (see `cell.prune`).
    """
    output = _expression(ops)
    alike: dict[str, list[int]] = defaultdict(list)
    for edge, text in _anonymous_convolutions(output).items():
        alike[text].append(edge)
    groups = [alike[text] for text in sorted(alike)]
    numberings = (
        {edge: number for number, edge in enumerate(itertools.chain(*order))}
        for order in itertools.product(*(itertools.permutations(group) for group in groups))
    )
    return min(_write(output, numbering) for numbering in numberings)


def _expression(ops: Ops) -> _Value:
    nodes: list[Counter[_Term]] = [Counter({_INPUT: 1}), Counter(), Counter(), Counter()]
    for edge, ((source, target), op) in enumerate(zip(EDGES, ops, strict=True)):
        if op == SKIP:
            nodes[target].update(nodes[source])
        elif op != NONE:
            weights = edge if op in (CONV1, CONV3) else None
            nodes[target][(op, frozenset(nodes[source].items()), weights)] += 1
    return frozenset(nodes[3].items())


def _anonymous_convolutions(value: _Value) -> dict[int, str]:
    """Return, for every convolution in an expression, its edge and its unnumbered string."""
    found: dict[int, str] = {}
    for term, _ in value:
        if isinstance(term, tuple):
            _, inner, edge = term
            if edge is not None:
                found[edge] = _write(frozenset({(term, 1)}), {})
            found |= _anonymous_convolutions(inner)
    return found


def _write(value: _Value, numbering: dict[int, int]) -> str:
    terms = []
    for term, count in value:
        if isinstance(term, tuple):
            op, inner, edge = term
            text = f"{op}#{numbering.get(edge, '')}({_write(inner, numbering)})"
        else:
            text = str(term)
        terms.append(f"{count}*{text}")
    return "+".join(sorted(terms))


def _number(keys: Iterable[Hashable]) -> Classes:
    seen: dict[Hashable, int] = {}
    return np.array([seen.setdefault(key, len(seen)) for key in keys], dtype=np.int64)
