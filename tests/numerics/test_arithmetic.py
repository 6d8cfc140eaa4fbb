"""exp, log, products and draws are right, and the same bits on every processor."""

import hashlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchsuite.numerics import arithmetic, elementary
from benchsuite.space import contraction
from benchsuite.space.multilinear import expectations

GRID = np.random.default_rng(0).integers(-(2**40), 2**40, size=20_000) / 2**31
# Of the bits of exp and log on the grid, so they hold whatever the processor, Python or numpy.
EXP, LOG = "31b419", "96e97f"


def ulps(found, right):
    return np.abs(found - right) / np.spacing(np.abs(right))


def digest(values):
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()[:6]


@given(st.floats(-745, 709.78))
def test_exp_is_within_two_units_in_the_last_place(x):
    assert ulps(arithmetic.exp(x), math.exp(x)) <= 2


@given(st.floats(5e-324, 1.7e308))
def test_log_is_within_two_units_in_the_last_place(x):
    assert x == 1 or ulps(arithmetic.log(x), math.log(x)) <= 2


def test_many_values_against_numpy():
    assert ulps(arithmetic.exp(GRID), np.exp(GRID)).max() <= 2
    positive = np.abs(GRID[GRID != 0])
    assert ulps(arithmetic.log(positive), np.log(positive)).max() <= 2
    near_one = 1 + np.arange(1, 2000) * 2.0**-52
    assert ulps(arithmetic.log(near_one), np.log(near_one)).max() <= 2


def test_ends():
    given = [0, -0.0, np.inf, -np.inf, 710, -746]
    np.testing.assert_array_equal(arithmetic.exp(given), [1, 1, np.inf, 0, np.inf, 0])
    np.testing.assert_array_equal(arithmetic.log([0, 1, np.inf]), [-np.inf, 0, np.inf])
    assert np.isnan(arithmetic.exp(np.nan))
    assert np.isnan(arithmetic.log([-1, np.nan])).all()
    assert arithmetic.log2([0.5, 1, 8]).tolist() == [-1, 0, 3]


def test_the_bits_are_these():
    assert digest(arithmetic.exp(GRID)) == EXP
    assert digest(arithmetic.log(np.abs(GRID) + 1)) == LOG


@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_any_layout(order):
    x = np.array(GRID[:60].reshape(3, 4, 5), order=order)
    before = x.copy()
    np.testing.assert_allclose(arithmetic.exp(x), np.exp(x), rtol=1e-15)
    np.testing.assert_allclose(arithmetic.exp(x[:, ::2]), np.exp(x[:, ::2]), rtol=1e-15)
    assert (x == before).all()


def test_nothing_is_fused_or_reordered():
    """Compiled code gives the bits of the same lines run by Python, one operation at a time."""
    plain = [elementary.exp_of.py_func(x) for x in GRID[:500].tolist()]
    assert arithmetic.exp(GRID[:500]).tolist() == plain
    plain = [elementary.log_of.py_func(x) for x in np.abs(GRID[:500]).tolist()]
    assert arithmetic.log(np.abs(GRID[:500])).tolist() == plain


@pytest.mark.parametrize("options", [3, 5])
def test_no_sum_over_the_edges_is_fused_or_reordered(monkeypatch, options):
    rng = np.random.default_rng(0)
    t, p = rng.normal(size=(1, options**6)), rng.random((1, 6, options))
    compiled, plain = (
        (np.empty((1, 1)), np.empty((1, 1, 6, options))),
        (np.empty((1, 1)), np.empty((1, 1, 6, options))),
    )
    contraction.contract(t, p, *compiled)
    monkeypatch.setattr(contraction, "_sum_over", contraction._sum_over.py_func)
    contraction.contract.py_func(t, p, *plain)
    for one, other in zip(compiled, plain, strict=True):
        np.testing.assert_array_equal(one, other)


def test_softmax_and_product():
    x = np.random.default_rng(1).normal(size=(4, 5))
    p = arithmetic.softmax(x)
    np.testing.assert_allclose(p, np.exp(x) / np.exp(x).sum(axis=1, keepdims=True), rtol=1e-14)
    a, b = np.random.default_rng(2).normal(size=(2, 7, 3, 3))
    np.testing.assert_allclose(arithmetic.product(a, b), a @ b, rtol=1e-12)


def test_draws_have_their_distributions():
    rng = np.random.default_rng(0)
    z, e = arithmetic.normal(rng, (40_000,)), arithmetic.exponential(rng, (40_000,))
    assert arithmetic.normal(rng, (3, 5)).shape == (3, 5)
    moments = [z.mean(), z.var(), (z**3).mean(), (z**4).mean()]
    np.testing.assert_allclose(moments, [0, 1, 0, 3], atol=0.12)
    np.testing.assert_allclose([e.mean(), e.var(), (e < 1).mean()], [1, 1, 1 - 1 / np.e], atol=0.05)
    assert np.isfinite(e).all()
    assert (e > 0).all()


@given(st.integers(0, 99), st.sampled_from([3, 5]))
def test_the_contraction_is_the_plain_sum(seed, options):
    rng = np.random.default_rng(seed)
    t, p = rng.normal(size=(2, *(options,) * 6)), rng.random((3, 6, options))
    value, gradient = expectations(t, p)
    for n in range(2):
        for s in range(3):
            letters = "abcdef"
            whole = np.einsum("abcdef," + ",".join(letters) + "->", t[n], *p[s])
            assert value[n, s] == pytest.approx(whole, rel=1e-9)
            for e in range(6):
                others = ",".join(letters[:e] + letters[e + 1 :])
                rest = [p[s, k] for k in range(6) if k != e]
                slope = np.einsum(f"abcdef,{others}->{letters[e]}", t[n], *rest)
                np.testing.assert_allclose(gradient[n, s, e], slope, rtol=1e-8, atol=1e-9)
