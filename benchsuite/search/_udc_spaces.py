"""What UDC decides on, with the slopes of error and size by relaxed choices [S, D, K]."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from benchsuite.deployment.compressed import (
    BITS,
    DENSITIES,
    WIDTHS,
    Compressed,
    Rule,
    channels,
    live_counts,
    live_expectations,
    size_model,
)
from benchsuite.deployment.narrow import BYTES, Claim
from benchsuite.deployment.response import Name, Response, response
from benchsuite.errors import UserError
from benchsuite.numerics.arithmetic import exp, product
from benchsuite.numerics.ties import at_most
from benchsuite.simulation.search import Search
from benchsuite.space.cell import EDGES, OPS, all_ops, index_of
from benchsuite.space.network import STAGES

Array = NDArray[np.float64]

_E, _K = len(EDGES), len(OPS)
_B, _D, _W = (slice(_E + i * STAGES, _E + (i + 1) * STAGES) for i in range(3))


class Operators:
    """The operators of a cell; every bounded column is a size."""

    options = (_K,) * _E

    def __init__(self, search: Search, aim: float, seconds: float) -> None:
        self._search, self._seconds = search, seconds
        self._targets = {
            name: _largest(search.column(name), aim, bound, name)
            for name, bound in search.bounds.items()
        }

    def error(self, choices: Array) -> Array:
        """Return the slopes of the expected validation error, as a fraction."""
        _, slopes = self._search.expectations("accuracy", choices, seconds=self._seconds)
        return -slopes / 100

    def sizes(self, choices: Array) -> Iterator[tuple[Array, Array]]:
        """Yield, per bound, size / e* [S] and its slopes; e* of a cell without one: no pull."""
        for name, target in self._targets.items():
            size, slopes = self._search.expectations(name, choices, seconds=0)
            known = np.isfinite(size) & np.isfinite(slopes).all(axis=(1, 2))
            slopes = np.where(known[:, None, None], slopes, 0.0)
            yield np.where(known, size / target, 1.0), slopes / target

    def keeps(self, chosen: NDArray[np.int64]) -> bool:
        """Return whether the cell of the chosen options [6] keeps the bounds."""
        return self._search.feasible(int(index_of(chosen[None])[0]))

    def answer(self, chosen: NDArray[np.int64]) -> None:
        """Answer the cell of the chosen options [6]."""
        self._search.answer(index_of(chosen[None]))


class Compression:
    """The operators of a cell, and bits, density and width of each stage."""

    options = (*(_K,) * _E, *(n for n in (len(BITS), len(DENSITIES), len(WIDTHS)) for _ in "012"))

    def __init__(self, search: Search, aim: float, seconds: float, rule: Rule, name: Name) -> None:
        if list(search.bounds) != [BYTES]:
            raise UserError(
                f"UDC with compression keeps one bound, {BYTES}, of a skeleton that is given; it "
                f"has {', '.join(search.bounds)}."
            )
        search.compresses()
        self._search, self._seconds, self._claim = search, seconds, (name, rule)
        self.bounds = dict(search.bounds)
        self._target = aim * self.bounds[BYTES]
        self._chance = 100 / search.skeleton.classes
        self._model = size_model(search.skeleton, rule)
        self._bits, self._densities = np.array(BITS, dtype=float), np.array(DENSITIES)
        self._wide = np.array(
            [[channels(w, int(c)) for w in WIDTHS] for c in self._model.stage_channels], dtype=float
        )
        self.judge_by(response(name))

    def judge_by(self, curve: Response) -> None:
        """Take a response in place of that of the name."""
        kept = np.stack(
            [
                curve.log_kept(self._bits[:, None, None], self._densities[:, None], wide / wide[-1])
                for wide in self._wide
            ]
        )
        kept *= curve.shares[:, None, None, None]
        self._log_kept = kept.reshape(STAGES, -1, len(WIDTHS))

    def error(self, choices: Array) -> Array:
        """Return the slopes of 1 - (chance + (accuracy - chance) prod kept)."""
        ops, bits, density, width = _parts(choices)
        accuracy, by_ops = self._search.expectations("accuracy", ops, seconds=self._seconds)
        by_bits, by_density, by_width, log_kept = self._responses(bits, density, width)
        kept = exp(log_kept)[:, None, None] / 100
        above = (accuracy - self._chance)[:, None, None]
        slopes = np.zeros_like(choices)
        slopes[:, :_E, :_K] = -by_ops * kept
        for part, found in ((_B, by_bits), (_D, by_density), (_W, by_width)):
            slopes[:, part, : found.shape[2]] = -found * above * kept
        return slopes

    def _responses(
        self, bits: Array, density: Array, width: Array
    ) -> tuple[Array, Array, Array, Array]:
        """Return the slopes [S, 3, n] of the summed log R by bits, density and width, and it [S].

        log R of relaxed choices is its mean over the options, each taken with its weight.
        """
        t = self._log_kept  # [3, bits * densities, widths]
        b, d, w = (np.ascontiguousarray(x.transpose(1, 0, 2)) for x in (bits, density, width))
        by_pair = product(w, t.transpose(0, 2, 1)).reshape(*b.shape, d.shape[2])
        by_bits = (by_pair * d[:, :, None]).sum(axis=3)
        by_density = (by_pair * b[..., None]).sum(axis=2)
        by_width = product((b[..., None] * d[:, :, None]).reshape(*b.shape[:2], -1), t)
        total = (by_bits * b).sum(axis=(0, 2))
        slopes = (x.transpose(1, 0, 2) for x in (by_bits, by_density, by_width))
        return (*slopes, total)

    def sizes(self, choices: Array) -> Iterator[tuple[Array, Array]]:
        """Yield size / e* [S] and its slopes."""
        ops, bits, density, width = _parts(choices)
        counts, by_ops = live_expectations(ops)
        size, by_count, by_wide, by_bits, by_density = self._model.slopes(
            counts.T,
            (width * self._wide).sum(axis=2),
            (bits * self._bits).sum(axis=2),
            (density * self._densities).sum(axis=2),
        )
        slopes = np.zeros_like(choices)
        slopes[:, :_E, :_K] = (by_ops * by_count.T[:, :, None, None]).sum(axis=0)
        slopes[:, _B, : len(BITS)] = by_bits[..., None] * self._bits
        slopes[:, _D, : len(DENSITIES)] = by_density[..., None] * self._densities
        slopes[:, _W, : len(WIDTHS)] = by_wide[..., None] * self._wide
        yield size / self._target, slopes / self._target

    def bytes_of(self, chosen: NDArray[np.int64]) -> Array:
        """Return the sizes [S, bytes] of chosen options [S, 15]."""
        counts = np.stack(live_counts(), axis=1)[index_of(chosen[:, :_E])]
        wide = self._wide[np.arange(STAGES), chosen[:, _W]]
        bits, densities = self._bits[chosen[:, _B]], self._densities[chosen[:, _D]]
        return self._model.value(counts, wide, bits, densities)

    def keep(self, chosen: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of the chosen options [S, 15] keep the bound."""
        return at_most(self.bytes_of(chosen), self.bounds[BYTES])

    def keeps(self, chosen: NDArray[np.int64]) -> bool:
        """Return whether the chosen options [15] keep the bound."""
        return bool(self.keep(chosen[None])[0])

    def cell(self, chosen: NDArray[np.int64]) -> int:
        """Return the index of the cell of the chosen options [15]."""
        return int(index_of(chosen[None, :_E])[0])

    def kept(self, chosen: NDArray[np.int64]) -> Array:
        """Return the fraction of the accuracy above chance that chosen options [S, 15] keep."""
        pair = chosen[:, _B] * len(DENSITIES) + chosen[:, _D]
        logs = self._log_kept[np.arange(STAGES), pair, chosen[:, _W]]
        kept: Array = exp(logs.sum(axis=1))
        return kept

    def options_of(self, cell: int, form: Compressed) -> NDArray[np.int64]:
        """Return the options [15] of a cell and its compression; see `answer`."""
        chosen = [*all_ops()[cell]]
        for values, options in (
            (form.bits, BITS),
            (form.densities, DENSITIES),
            (form.widths, WIDTHS),
        ):
            chosen += [options.index(value) for value in values]
        return np.array(chosen, dtype=np.int64)

    def answer(self, chosen: NDArray[np.int64]) -> None:
        """Answer the cell and the compression of the chosen options [15]."""
        form = Compressed(
            bits=tuple(BITS[i] for i in chosen[_B]),
            densities=tuple(DENSITIES[i] for i in chosen[_D]),
            widths=tuple(WIDTHS[i] for i in chosen[_W]),
        )
        self._search.answer(index_of(chosen[None, :_E]), Claim(form, *self._claim))


def _parts(choices: Array) -> tuple[Array, Array, Array, Array]:
    """Return the choices of operators, bits, densities and widths, without their padding."""
    return (
        choices[:, :_E, :_K],
        choices[:, _B, : len(BITS)],
        choices[:, _D, : len(DENSITIES)],
        choices[:, _W, : len(WIDTHS)],
    )


def _largest(sizes: Array, aim: float, bound: float, name: str) -> float:
    """Return the largest size of any cell within `aim` times the bound."""
    within = sizes[at_most(sizes, aim * bound) & (sizes > 0)]
    if not len(within):
        raise UserError(
            f"No cell has {name} above 0 and within {aim * bound:g}, {aim:g} (the parameter aim) "
            f"of its bound {bound:g}."
        )
    return float(within.max())
