"""Convolutions and normalisation of feature maps [C, H, W * B], and gradients; see `_loops`."""

from __future__ import annotations

import numpy as np

from benchsuite.numerics.compiled import compiled
from benchsuite.proxies._engine._loops import Array


@compiled
def conv(x: Array, w: Array, y: Array, stride: int, b: int) -> None:
    """Write a convolution of x [C, H, W B] with w [K, C, k, k] to y [K, H / s, W / s B].

    Zeros are added around x so that each output stands over its kernel's centre.
    """
    y[:] = 0
    if stride == 1 and w.shape[2] == 3:
        _nine(x, w, y, b)
    elif w.shape[2] == 1:
        for out in range(w.shape[0]):
            for channel in range(w.shape[1]):
                _one(x[channel], w[out, channel, 0, 0], y[out])
    else:
        _strided(x, w, y, b)


@compiled
def conv_inputs(g: Array, w: Array, into: Array, stride: int, b: int) -> None:
    """Add to `into` [C, H, W B] the gradient by a convolution's input; g: by its output."""
    if stride == 1 and w.shape[2] == 3:
        _nine(g, np.ascontiguousarray(w.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1]), into, b)
    elif w.shape[2] == 1:
        for out in range(w.shape[0]):
            for channel in range(w.shape[1]):
                _one(g[out], w[out, channel, 0, 0], into[channel])
    else:
        _strided_inputs(g, w, into, b)


@compiled
def conv_weights(g: Array, x: Array, into: Array, stride: int, b: int) -> None:
    """Write to `into` [K, C, k, k] the gradient by a convolution's weights; g: by its output."""
    if into.shape[2] == 3 and stride == 1:
        _nine_weights(g, x, into, b)
    elif into.shape[2] == 1:
        lanes = np.empty(g.shape[2], dtype=g.dtype)
        for out in range(into.shape[0]):
            for channel in range(into.shape[1]):
                lanes[:] = 0
                for row in range(g.shape[1]):
                    slope, source = g[out, row], x[channel, row]
                    for lane in range(len(lanes)):
                        lanes[lane] += slope[lane] * source[lane]
                into[out, channel, 0, 0] = folded(lanes)
    else:
        _strided_weights(g, x, into, b)


@compiled
def _one(x: Array, weight: float, y: Array) -> None:
    one, other = x.ravel(), y.ravel()
    for lane in range(len(one)):
        other[lane] += weight * one[lane]


@compiled
def _nine(x: Array, w: Array, y: Array, b: int) -> None:
    """Add a convolution of 3x3, stride 1; nine terms at a time, so that y is seldom read."""
    nothing = np.zeros(x.shape[2], dtype=x.dtype)
    n = x.shape[2]
    for out in range(w.shape[0]):
        for channel in range(w.shape[1]):
            k = w[out, channel]
            k00, k01, k02 = k[0, 0], k[0, 1], k[0, 2]
            k10, k11, k12 = k[1, 0], k[1, 1], k[1, 2]
            k20, k21, k22 = k[2, 0], k[2, 1], k[2, 2]
            for row in range(y.shape[1]):
                top = x[channel, row - 1] if row > 0 else nothing
                mid = x[channel, row]
                end = x[channel, row + 1] if row + 1 < x.shape[1] else nothing
                target = y[out, row]
                for lane in range(n):
                    target[lane] += k01 * top[lane] + k11 * mid[lane] + k21 * end[lane]
                if n > b:
                    right = target[b:]
                    for lane in range(n - b):
                        right[lane] += k00 * top[lane] + k10 * mid[lane] + k20 * end[lane]
                    top, mid, end = top[b:], mid[b:], end[b:]
                    for lane in range(n - b):
                        target[lane] += k02 * top[lane] + k12 * mid[lane] + k22 * end[lane]


@compiled
def _nine_weights(g: Array, x: Array, into: Array, b: int) -> None:
    """Write the gradient by the weights of `_nine`; four rows at a time."""
    height, n = g.shape[1], g.shape[2]
    lanes = np.empty((3, n), dtype=g.dtype)
    nothing = np.zeros(n, dtype=g.dtype)
    for out in range(into.shape[0]):
        for channel in range(into.shape[1]):
            for i in range(3):
                lanes[:] = 0
                for row in range(max(0, 1 - i), min(height, height + 1 - i), 4):
                    last = min(height, height + 1 - i)
                    at = row + i - 1
                    g0, x0 = g[out, row], x[channel, at]
                    g1, x1 = (
                        (g[out, row + 1], x[channel, at + 1])
                        if row + 1 < last
                        else (nothing, nothing)
                    )
                    g2, x2 = (
                        (g[out, row + 2], x[channel, at + 2])
                        if row + 2 < last
                        else (nothing, nothing)
                    )
                    g3, x3 = (
                        (g[out, row + 3], x[channel, at + 3])
                        if row + 3 < last
                        else (nothing, nothing)
                    )
                    same = lanes[1]
                    for lane in range(n):
                        same[lane] += (g0[lane] * x0[lane] + g1[lane] * x1[lane]) + (
                            g2[lane] * x2[lane] + g3[lane] * x3[lane]
                        )
                    if n > b:
                        left, right = lanes[0], lanes[2]
                        h0, h1, h2, h3 = g0[b:], g1[b:], g2[b:], g3[b:]
                        for lane in range(n - b):
                            left[lane] += (h0[lane] * x0[lane] + h1[lane] * x1[lane]) + (
                                h2[lane] * x2[lane] + h3[lane] * x3[lane]
                            )
                        x0, x1, x2, x3 = x0[b:], x1[b:], x2[b:], x3[b:]
                        for lane in range(n - b):
                            right[lane] += (g0[lane] * x0[lane] + g1[lane] * x1[lane]) + (
                                g2[lane] * x2[lane] + g3[lane] * x3[lane]
                            )
                for j in range(3):
                    into[out, channel, i, j] = folded(lanes[j])


@compiled
def _parted(x: Array, b: int) -> Array:
    """Return the even and the odd columns [2, C, H, (W + 1) / 2 B]; a last one missing is zero."""
    width = x.shape[2] // b
    parts = np.zeros((2, x.shape[0], x.shape[1], (width + 1) // 2 * b), dtype=x.dtype)
    for channel in range(x.shape[0]):
        for row in range(x.shape[1]):
            for column in range(width):
                to, half = column // 2 * b, parts[column % 2, channel, row]
                half[to : to + b] = x[channel, row, column * b : column * b + b]
    return parts


@compiled
def _strided(x: Array, w: Array, y: Array, b: int) -> None:
    """Write a convolution of 3x3, stride 2: taps read odd, even, odd columns."""
    parts, n = _parted(x, b), y.shape[2]
    for out in range(w.shape[0]):
        for channel in range(w.shape[1]):
            for row in range(y.shape[1]):
                target = y[out, row]
                for i in range(max(0, 1 - 2 * row), min(3, x.shape[1] - 2 * row + 1)):
                    even, odd = (
                        parts[0, channel, 2 * row + i - 1],
                        parts[1, channel, 2 * row + i - 1],
                    )
                    left, here, right = (
                        w[out, channel, i, 0],
                        w[out, channel, i, 1],
                        w[out, channel, i, 2],
                    )
                    for lane in range(n):
                        target[lane] += here * even[lane] + right * odd[lane]
                    inner = target[b:]
                    for lane in range(n - b):
                        inner[lane] += left * odd[lane]


@compiled
def _strided_inputs(g: Array, w: Array, into: Array, b: int) -> None:
    n = g.shape[2]
    parts = np.zeros((2, into.shape[0], into.shape[1], n), dtype=g.dtype)
    for channel in range(w.shape[1]):
        for row in range(g.shape[1]):
            for i in range(max(0, 1 - 2 * row), min(3, into.shape[1] - 2 * row + 1)):
                even, odd = parts[0, channel, 2 * row + i - 1], parts[1, channel, 2 * row + i - 1]
                for out in range(w.shape[0]):
                    source = g[out, row]
                    left, here, right = (
                        w[out, channel, i, 0],
                        w[out, channel, i, 1],
                        w[out, channel, i, 2],
                    )
                    for lane in range(n):
                        even[lane] += here * source[lane]
                        odd[lane] += right * source[lane]
                    inner = source[b:]
                    for lane in range(n - b):
                        odd[lane] += left * inner[lane]
    for channel in range(into.shape[0]):
        for row in range(into.shape[1]):
            for column in range(into.shape[2] // b):
                target = into[channel, row, column * b : column * b + b]
                source = parts[column % 2, channel, row, column // 2 * b : column // 2 * b + b]
                for lane in range(b):
                    target[lane] += source[lane]


@compiled
def _strided_weights(g: Array, x: Array, into: Array, b: int) -> None:
    parts, n = _parted(x, b), g.shape[2]
    lanes = np.empty((3, n), dtype=g.dtype)
    for out in range(into.shape[0]):
        for channel in range(into.shape[1]):
            for i in range(3):
                lanes[:] = 0
                left, here, right = lanes[0], lanes[1], lanes[2]
                for row in range(g.shape[1]):
                    at = 2 * row + i - 1
                    if at < 0 or at >= x.shape[1]:
                        continue
                    even, odd, slope = parts[0, channel, at], parts[1, channel, at], g[out, row]
                    for lane in range(n):
                        here[lane] += slope[lane] * even[lane]
                        right[lane] += slope[lane] * odd[lane]
                    inner = slope[b:]
                    for lane in range(n - b):
                        left[lane] += inner[lane] * odd[lane]
                for j in range(3):
                    into[out, channel, i, j] = folded(lanes[j])


@compiled
def normalise(x: Array, y: Array, inverse: Array, eps: float) -> None:
    """Write x [C, H, W B] less its mean over its deviation, per channel; and 1 / deviation [C]."""
    lanes = np.empty(x.shape[2], dtype=x.dtype)
    count = x.shape[1] * x.shape[2]
    for channel in range(x.shape[0]):
        lanes[:] = 0
        for row in range(x.shape[1]):
            source = x[channel, row]
            for lane in range(len(lanes)):
                lanes[lane] += source[lane]
        mean = x.dtype.type(folded(lanes) / count)
        lanes[:] = 0
        for row in range(x.shape[1]):
            source = x[channel, row]
            for lane in range(len(lanes)):
                off = source[lane] - mean
                lanes[lane] += off * off
        scale = x.dtype.type(1 / np.sqrt(folded(lanes) / count + eps))
        inverse[channel] = scale
        for row in range(x.shape[1]):
            source, target = x[channel, row], y[channel, row]
            for lane in range(len(lanes)):
                target[lane] = (source[lane] - mean) * scale


@compiled
def normalise_inputs(g: Array, y: Array, inverse: Array, into: Array, scales: Array) -> None:
    """Add to `into` the gradient by the input of `normalise`, and write that by its scales [C].

    g: gradient by its output y; inverse: 1 / deviation [C].
    """
    sums = np.empty(g.shape[2], dtype=g.dtype)
    products = np.empty(g.shape[2], dtype=g.dtype)
    count = g.shape[1] * g.shape[2]
    for channel in range(g.shape[0]):
        sums[:] = 0
        products[:] = 0
        for row in range(g.shape[1]):
            slope, value = g[channel, row], y[channel, row]
            for lane in range(len(sums)):
                sums[lane] += slope[lane]
                products[lane] += slope[lane] * value[lane]
        total = folded(products)
        scales[channel] = total
        mean, product = g.dtype.type(folded(sums) / count), g.dtype.type(total / count)
        scale = inverse[channel]
        for row in range(g.shape[1]):
            slope, value, target = g[channel, row], y[channel, row], into[channel, row]
            for lane in range(len(sums)):
                target[lane] += scale * (slope[lane] - mean - value[lane] * product)


@compiled
def folded(lanes: Array) -> float:
    """Return the sum of lanes [N], which it overwrites, halves added to halves."""
    n = len(lanes)
    while n > 1:
        half = n // 2
        one, other = lanes[:half], lanes[n - half : n]
        for lane in range(half):
            one[lane] += other[lane]
        n -= half
    return lanes[0]  # type: ignore[no-any-return]  # numpy's scalars are Any
