"""What a model may know about a functional class of cells: structure alone, in groups of features.

A cell without its dead operators has at most four paths from input to output; `skip_connect` is the
identity, so a path is the sequence of its other operators. All features are means over the members
of a class, so that equal functions have equal features.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from benchsuite.space.cell import CONV1, CONV3, EDGES, NONE, OPS, POOL, SKIP, all_ops, prune
from benchsuite.space.equivalence import classes

Floats = NDArray[np.float64]

PATHS = ((3,), (0, 4), (1, 5), (0, 2, 5))  # edges of every path from node 0 to node 3


@functools.cache
def class_features() -> dict[str, Floats]:
    """Return the feature groups [5260, *] of all functional classes, by name of the group.

    - `edge*`: which operator is on an edge (share of the class's members);
    - `paths`, `bags`: how many paths spell a sequence, or a multiset, of operators;
    - `n_*`: live operators by kind, paths, identity paths;
    - `max_*`, `min_*`, `mean_*`: most, fewest and mean operators of a kind on a path.

    Every group has mean 0 and total variance 1 over the classes.
    """
    of_class = classes("functional")
    members = np.bincount(of_class)

    def class_mean(values: Floats) -> Floats:
        sums = [np.bincount(of_class, column) for column in values.T]
        mean = np.stack(sums, axis=1) / members[:, None]
        mean -= mean.mean(axis=0)
        found = np.asarray(mean / np.sqrt(max(mean.var(axis=0).sum(), 1e-12)))
        found.setflags(write=False)
        return found

    return {name: class_mean(values) for name, values in _cell_features().items()}


@functools.cache
def few_features() -> Floats:
    """Return `class_features` [5260, *] side by side, without `paths` and `bags`.

    Those are hundreds of columns, which slow a forest down.
    """
    groups = class_features().items()
    found = np.concatenate([v for name, v in groups if name not in ("paths", "bags")], axis=1)
    found.setflags(write=False)
    return found


def _cell_features() -> dict[str, Floats]:
    ops = prune(all_ops())
    exists = np.stack([(ops[:, list(path)] != NONE).all(axis=1) for path in PATHS], axis=1)
    groups = {
        f"edge{source}{target}": _one_hot(ops[:, edge])
        for edge, (source, target) in enumerate(EDGES)
    }
    spelled = [[_spell(cell[list(path)]) for path in PATHS] for cell in ops]
    groups["paths"] = _counts(spelled, exists)
    groups["bags"] = _counts([["".join(sorted(s)) for s in cell] for cell in spelled], exists)
    scalars = {f"n_{OPS[op]}": (ops == op).sum(axis=1) for op in (SKIP, CONV1, CONV3, POOL)}
    scalars["n_paths"] = n_paths = exists.sum(axis=1)
    identities = exists & np.array([[not s for s in cell] for cell in spelled])
    scalars["n_identity"] = identities.sum(axis=1)
    kinds = {
        "convs": (CONV1, CONV3),
        "conv3": (CONV3,),
        "conv1": (CONV1,),
        "pools": (POOL,),
        "wide": (CONV3, POOL),
        "ops": (CONV1, CONV3, POOL),
    }
    for name, kind in kinds.items():
        on_path = np.stack(
            [np.isin(ops[:, list(path)], kind).sum(axis=1) for path in PATHS], axis=1
        )
        scalars[f"max_{name}"] = np.where(exists, on_path, 0).max(axis=1)
        scalars[f"min_{name}"] = np.where(exists, on_path, 3).min(axis=1)
        scalars[f"mean_{name}"] = np.where(exists, on_path, 0).sum(axis=1) / np.maximum(n_paths, 1)
    groups |= {name: values[:, None].astype(np.float64) for name, values in scalars.items()}
    return groups


def _one_hot(ops: NDArray[np.uint8]) -> Floats:
    return np.asarray(ops[:, None] == np.arange(1, len(OPS)), dtype=np.float64)


def _spell(ops: NDArray[np.uint8]) -> str:
    return "".join(str(op) for op in ops if op != SKIP)


def _counts(words: list[list[str]], exists: NDArray[np.bool_]) -> Floats:
    """Return how often a cell has each word [N, words], over its existing paths."""
    known = {word: place for place, word in enumerate(sorted({w for cell in words for w in cell}))}
    counts = np.zeros((len(words), len(known)))
    for row, cell, real in zip(counts, words, exists, strict=True):
        for word, there in zip(cell, real, strict=True):
            row[known[word]] += there
    return np.asarray(counts[:, counts.any(axis=0)])
