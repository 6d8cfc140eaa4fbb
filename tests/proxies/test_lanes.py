"""The compiled loops, each against torch and its autograd, in double precision."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from benchsuite.proxies._engine import _convolutions, _loops

TIGHT = {"rtol": 1e-10, "atol": 1e-10}


def drawn(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def lanes(images):
    """[B, C, H, W] -> [C, H, W B]."""
    array = np.ascontiguousarray(images.detach().numpy().transpose(1, 2, 3, 0))
    return array.reshape(*array.shape[:2], -1)


sizes = st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 3), st.integers(1, 9))


def compared(x, y, forward, backward):
    """Values and gradients of torch's y = f(x) against loops; `backward` gets g and adds."""
    np.testing.assert_allclose(forward(lanes(x), np.full_like(lanes(y), np.nan)), lanes(y), **TIGHT)
    g = drawn(9, *y.shape)
    (expected,) = torch.autograd.grad(y, x, g, retain_graph=True)
    before = lanes(drawn(8, *x.shape))
    into = before.copy()
    backward(lanes(g), into)
    np.testing.assert_allclose(into - before, lanes(expected), **TIGHT)
    return g


@settings(max_examples=60, deadline=None)
@given(sizes, st.sampled_from([(1, 1), (3, 1), (3, 2)]))
def test_convolutions(size, form):
    (b, channels, outs, side), (k, stride) = size, form
    x = drawn(1, b, channels, side, side + 1).requires_grad_()
    w = drawn(2, outs, channels, k, k).requires_grad_()
    y = F.conv2d(x, w, stride=stride, padding=k // 2)
    weights = w.detach().numpy()

    def forward(x, y):
        _convolutions.conv(x, weights, y, stride, b)
        return y

    g = compared(
        x, y, forward, lambda g, into: _convolutions.conv_inputs(g, weights, into, stride, b)
    )
    (expected,) = torch.autograd.grad(y, w, g)
    into = np.full_like(weights, np.nan)
    _convolutions.conv_weights(lanes(g), lanes(x), into, stride, b)
    np.testing.assert_allclose(into, expected, **TIGHT)


@settings(max_examples=30, deadline=None)
@given(sizes)
def test_poolings(size):
    b, channels, _, side = size
    x = drawn(1, b, channels, side, side + 1).requires_grad_()
    y = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)

    def pool(x, y):
        _loops.pool(x, y, b)
        return y

    compared(x, y, pool, lambda g, into: _loops.pool_inputs(g, into, b))
    if side < 2:
        return

    def halve(x, y):
        _loops.halve(x, y, b)
        return y

    compared(x, F.avg_pool2d(x, 2), halve, lambda g, into: _loops.halve_inputs(g, into, b))


@settings(max_examples=30, deadline=None)
@given(sizes)
def test_batch_norms_and_relus(size):
    b, channels, _, side = size
    x = drawn(1, b, channels, side, side + 1).requires_grad_()
    scales = torch.ones(channels, dtype=torch.float64, requires_grad=True)
    y = F.batch_norm(x, None, None, scales, training=True, eps=1e-5)
    inverse, found = np.empty(channels), np.empty(channels)

    def forward(x, y):
        _convolutions.normalise(x, y, inverse, 1e-5)
        return y

    def backward(g, into):
        _convolutions.normalise_inputs(g, lanes(y), inverse, into, found)

    g = compared(x, y, forward, backward)
    (expected,) = torch.autograd.grad(y, scales, g)
    np.testing.assert_allclose(found, expected, **TIGHT)

    def rectify(x, y):
        _loops.rectify(x, y)
        return y

    relu = torch.relu(x)
    compared(x, relu, rectify, lambda g, into: _loops.rectify_inputs(g, lanes(relu), into))


@pytest.mark.parametrize("n", [1, 2, 3, 7, 64, 1000])
def test_sums_are_of_all_lanes(n):
    values = np.random.default_rng(n).normal(size=n)
    assert _convolutions.folded(values.copy()) == pytest.approx(values.sum(), abs=1e-12)
