"""Coefficients of a board: measured latencies over priced ones, as far as the networks tell.

    measured latency = sum over kinds of operators of coefficient(kind) * priced latency(kind)

The coefficients minimise the relative error. Kinds that the networks do not tell apart share one:
as long as there are fewer than `PER_COEFFICIENT` networks per coefficient, one is 0 or less, or the
standard error of one is above `SURE` of the common factor, the two that are known least are joined.
A residual below `NOISE` counts as that: nobody measures better. With all kinds joined there is one
factor. A network left out is predicted by all of this anew without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchsuite.deployment.calibration import KINDS

PER_COEFFICIENT = 3
SURE = 0.15
NOISE = 0.005
Way = Literal["factor", "coefficients"]
How = Literal["auto"] | Way
WAYS: tuple[Way, ...] = ("factor", "coefficients")
_Floats = NDArray[np.float64]


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
    """Coefficients of the kinds that the networks hold; factor: of all together, and of the rest.

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
        return priced @ np.array([self.kinds.get(kind, self.factor) for kind in KINDS])

    def errors(self, measured: _Floats) -> _Floats:
        """Return |measured / predicted - 1| of every network left out."""
        return np.asarray(np.abs(measured / self.left_out - 1))


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
    gram, moments, held = relative.T @ relative, relative.sum(axis=0), (relative > 0).sum(axis=0)
    n = len(measured)
    left_out = np.full(n, np.nan)
    if n > 1:
        for at, row in enumerate(relative):
            rest = _Sums(gram - np.outer(row, row), moments - row, held - (row > 0), n - 1)
            left_out[at] = _fit(rest, how).predict(priced[at])
    found = _fit(_Sums(gram, moments, held, n), how)
    return Fit(found.how, found.factor, found.coefficients, left_out)


@dataclass(frozen=True)
class _Sums:
    """Of n networks' priced over measured seconds by kind: products, sums, how many hold it."""

    gram: _Floats
    moments: _Floats
    held: NDArray[np.int64]
    n: int


def _fit(of: _Sums, how: Way) -> Fit:
    groups: list[tuple[int, ...]] = [(at,) for at in np.flatnonzero(of.held).tolist()]
    factor = of.moments.sum() / of.gram.sum()
    if how == "factor":
        groups = [tuple(at for group in groups for at in group)]
    while True:
        values, errors = _solve(of, groups)
        few = of.n < PER_COEFFICIENT * len(groups)
        if len(groups) == 1 or not (few or min(values) <= 0 or max(errors) > SURE * factor):
            break
        doubt = np.where(values <= 0, np.inf, errors)
        one, other = sorted(np.argsort(-doubt, kind="stable")[:2].tolist())
        joined = tuple(sorted(groups[one] + groups[other]))
        groups = sorted([g for at, g in enumerate(groups) if at not in (one, other)] + [joined])
    shares = [float(of.moments[list(group)].sum() / of.moments.sum()) for group in groups]
    coefficients = tuple(
        Coefficient(tuple(KINDS[at] for at in group), _rounded(value), _rounded(error), share)
        for group, value, error, share in zip(groups, values, errors, shares, strict=True)
    )
    return Fit(how, _rounded(factor), coefficients, np.array([]))


def _solve(of: _Sums, groups: Sequence[tuple[int, ...]]) -> tuple[_Floats, _Floats]:
    """Return coefficients and standard errors by least squares, infinite where nothing tells."""
    member = np.zeros((len(of.moments), len(groups)))
    for at, group in enumerate(groups):
        member[list(group), at] = 1
    gram, moments = member.T @ of.gram @ member, member.T @ of.moments
    scale = np.sqrt(np.diag(gram))
    inverse = np.linalg.pinv(gram / np.outer(scale, scale), rcond=1e-11, hermitian=True)
    values = inverse @ (moments / scale) / scale
    squares = max(of.n - 2 * values @ moments + values @ gram @ values, 0.0)
    residual = max(np.sqrt(squares / max(of.n - len(groups), 1)), NOISE)
    # What a kind says that no other kind does: the part of its column beside all others.
    alone = np.array([_alone(gram, at) for at in range(len(groups))])
    told = alone > 1e-9 * np.diag(gram)
    errors = np.full(len(groups), np.inf)
    errors[told] = residual / np.sqrt(alone[told])
    return values, errors


def _alone(gram: _Floats, at: int) -> float:
    rest = [other for other in range(len(gram)) if other != at]
    if not rest:
        return float(gram[at, at])
    scale = np.sqrt(np.diag(gram)[rest])
    others = gram[np.ix_(rest, rest)] / np.outer(scale, scale)
    across = gram[rest, at] / scale
    inverse = np.linalg.pinv(others, rcond=1e-11, hermitian=True)
    return float(gram[at, at] - across @ inverse @ across)


def _rounded(value: float) -> float:
    # Nine digits, as in the fits that ship: the solver's last ones depend on the machine.
    return float(f"{value:.9g}")
