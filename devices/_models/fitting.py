"""Coefficients of a board: measured latencies over priced ones, as far as the networks tell.

    measured latency = sum over kinds of operators of coefficient(kind) * priced latency(kind)

The coefficients minimise the relative error. Kinds that the networks do not tell apart share one:
as long as the networks are fewer than `least` of so many coefficients, one is 0 or less, or the
standard error of one is above `SURE` of the common factor, the kind in most doubt joins the one
that this costs the least. A residual below `NOISE` counts as that: nobody measures better. A kind
that is a smaller share of every network has the common factor. With all kinds joined there is one
factor. A network left out is predicted by all of this anew without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchsuite.deployment.calibration import KINDS

SURE = 0.15
NOISE = 0.005
Way = Literal["factor", "coefficients"]
How = Literal["auto"] | Way
WAYS: tuple[Way, ...] = ("factor", "coefficients")
_Floats = NDArray[np.float64]


def least(coefficients: int) -> int:
    """Return how many networks so many coefficients need: two each, and two more."""
    return 2 * coefficients + 2


@dataclass(frozen=True)
class Coefficient:
    """Measured over priced of some kinds together; error: its standard error; both plain.

    share: of the priced latency of all networks, each counted alike.
    """

    kinds: tuple[str, ...]
    value: float
    error: float
    share: float


@dataclass(frozen=True)
class Fit:
    """Coefficients of the kinds that networks hold enough of; factor: of all, and of the rest.

    left_out: seconds of each network as predicted without it, NaN if it is the only one.
    """

    how: Way
    factor: float
    coefficients: tuple[Coefficient, ...]
    left_out: _Floats

    @property
    def kinds(self) -> Mapping[str, float]:
        """Coefficient by kind, in the order of `KINDS`."""
        of = {kind: one.value for one in self.coefficients for kind in one.kinds}
        return {kind: of[kind] for kind in KINDS if kind in of}

    def predict(self, priced: _Floats) -> _Floats:
        """Return the seconds [n] of networks from their priced seconds by kind [n, kinds]."""
        by_kind = np.array([self.kinds.get(kind, self.factor) for kind in KINDS])
        return np.asarray(priced @ by_kind)

    def errors(self, measured: _Floats) -> _Floats:
        """Return |predicted - measured| / measured of every network left out."""
        return np.asarray(np.abs(self.left_out / measured - 1))


def fit(priced: _Floats, measured: _Floats, how: How = "auto") -> Fit:
    """Return the coefficients that suit networks best.

    priced: seconds by kind [n, kinds], as `KINDS`, of different networks, each above 0 in all;
    measured: seconds [n]; how: `auto` takes coefficients where they predict networks left out
    better than one factor does.
    """
    if how == "auto":
        one, several = (fit(priced, measured, way) for way in WAYS)
        better = several.errors(measured).mean() < one.errors(measured).mean()
        return several if better else one
    relative = priced / measured[:, None]
    says = priced > NOISE * priced.sum(axis=1, keepdims=True)
    gram, moments, held = relative.T @ relative, relative.sum(axis=0), says.sum(axis=0)
    n = len(measured)
    left_out = np.full(n, np.nan)
    if n > 1:
        for at, row in enumerate(relative):
            rest = _Sums(gram - np.outer(row, row), moments - row, held - says[at], n - 1)
            left_out[at] = _fit(rest, how).predict(priced[at])
    found = _fit(_Sums(gram, moments, held, n), how)
    return Fit(found.how, found.factor, found.coefficients, left_out)


@dataclass(frozen=True)
class _Sums:
    """Of n networks' priced over measured seconds by kind: products, sums; how many hold it."""

    gram: _Floats
    moments: _Floats
    held: NDArray[np.int64]
    n: int


@dataclass(frozen=True)
class _Solved:
    """Least squares over groups of kinds; squares: what is left; errors: infinite, not told."""

    groups: tuple[tuple[int, ...], ...]
    values: _Floats
    errors: _Floats
    squares: float

    def joined(self, one: int, other: int) -> tuple[tuple[int, ...], ...]:
        """Return the groups with two of them as one."""
        rest = [group for at, group in enumerate(self.groups) if at not in (one, other)]
        return tuple(sorted([*rest, tuple(sorted(self.groups[one] + self.groups[other]))]))


def _fit(of: _Sums, how: Way) -> Fit:
    kinds = np.flatnonzero(of.held).tolist()
    factor = float(of.moments.sum() / of.gram.sum())
    solved = _solve(of, factor, tuple((at,) for at in kinds))
    if how == "factor":
        solved = _solve(of, factor, (tuple(kinds),))
    while len(solved.groups) > 1:
        doubt = np.where(solved.values <= 0, np.inf, solved.errors)
        if of.n >= least(len(solved.groups)) and doubt.max() <= SURE * factor:
            break
        one = int(doubt.argmax())
        others = [at for at in range(len(solved.groups)) if at != one]
        tried = [_solve(of, factor, solved.joined(one, other)) for other in others]
        solved = min(tried, key=lambda each: each.squares)
    total = of.moments.sum()
    coefficients = tuple(
        Coefficient(
            tuple(KINDS[at] for at in group),
            _rounded(value if len(solved.groups) > 1 else factor),
            _rounded(error),
            float(of.moments[list(group)].sum() / total),
        )
        for group, value, error in zip(solved.groups, solved.values, solved.errors, strict=True)
    )
    return Fit(how, _rounded(factor), coefficients, np.array([]))


def _solve(of: _Sums, factor: float, groups: tuple[tuple[int, ...], ...]) -> _Solved:
    """Return the least squares of some groups, where the other kinds have the factor."""
    member = np.zeros((len(of.moments), len(groups)))
    for at, group in enumerate(groups):
        member[list(group), at] = 1
    rest = factor * (member.sum(axis=1) == 0)
    gram, moments = member.T @ of.gram @ member, member.T @ (of.moments - of.gram @ rest)
    scale = np.sqrt(np.diag(gram))
    sizes, axes = np.linalg.eigh(gram / np.outer(scale, scale))
    told = sizes > 1e-11 * sizes[-1]
    inverse = (axes[:, told] / sizes[told]) @ axes[:, told].T
    values = inverse @ (moments / scale) / scale
    every = member @ values + rest
    squares = max(float(of.n - 2 * every @ of.moments + every @ of.gram @ every), 0.0)
    residual = max(float(np.sqrt(squares / max(of.n - len(groups), 1))), NOISE)
    errors = residual * np.sqrt(np.diag(inverse)) / scale
    errors[(np.abs(axes[:, ~told]) > 1e-6).any(axis=1)] = np.inf
    return _Solved(groups, values, errors, squares)


def _rounded(value: float) -> float:
    # Nine digits, as in the fits that ship: the solver's last ones depend on the machine.
    return float(f"{value:.9g}")
