"""What the int8 kernels must compute, written with numpy and no trick.

Tensors are [height, width, channels]. Definitions are those in `_kernels/kernels.h`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Int8 = NDArray[np.int8]
Int32 = NDArray[np.int32]


def requantise(acc: NDArray[Any], multiplier: Any, shift: Any) -> NDArray[np.int64]:
    """Return `(acc * multiplier + 2^(shift - 1)) >> shift` in 64 bits."""
    wide = acc.astype(np.int64) * np.asarray(multiplier, np.int64)
    half = np.int64(1) << (np.asarray(shift, np.int64) - 1)
    result: NDArray[np.int64] = np.right_shift(wide + half, np.asarray(shift, np.int64))
    return result


def clamp(values: NDArray[Any], low: int, high: int) -> Int8:
    """Return values limited to [low, high] as int8."""
    limited: Int8 = np.clip(values, low, high).astype(np.int8)
    return limited


def conv(
    image: Int8,
    weights: Int8,
    bias: Int32,
    multiplier: Int32,
    shift: Int32,
    *,
    stride: int,
    in_offset: int,
    out_offset: int,
    low: int,
    high: int,
) -> Int8:
    """Return the convolution of image [H, W, C] with weights [O, k, k, C], padding k // 2."""
    kernel = weights.shape[1]
    padding = ((kernel // 2,) * 2, (kernel // 2,) * 2, (0, 0))
    padded = np.pad(image.astype(np.int64) + in_offset, padding)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(0, 1))
    windows = windows[::stride, ::stride][: image.shape[0] // stride, : image.shape[1] // stride]
    acc = np.einsum("hwcyx,oyxc->hwo", windows, weights.astype(np.int64)) + bias
    return clamp(requantise(acc, multiplier, shift) + out_offset, low, high)


def avg_pool(image: Int8, kernel: int, stride: int, padding: int) -> Int8:
    """Return `floor(mean + 1/2)` over the part of every window inside the image [H, W, C]."""
    height, width, channels = image.shape
    out = np.empty((height // stride, width // stride, channels), np.int8)
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            top, left = y * stride - padding, x * stride - padding
            window = image[max(top, 0) : top + kernel, max(left, 0) : left + kernel]
            total, n = window.astype(np.int64).sum(axis=(0, 1)), window.shape[0] * window.shape[1]
            out[y, x] = (2 * total + n) // (2 * n)
    return out


def add(
    a: Int8, b: Int8, scales: tuple[int, int], offsets: tuple[int, int, int], shift: int, low: int
) -> Int8:
    """Return the rescaled sum of two tensors; offsets: of a, of b, of the result."""
    total = (a.astype(np.int64) + offsets[0]) * scales[0]
    total = total + (b.astype(np.int64) + offsets[1]) * scales[1]
    return clamp(requantise(total, 1, shift) + offsets[2], low, 127)


def affine(
    image: Int8, scale: Int32, bias: Int32, offsets: tuple[int, int], shift: int, low: int
) -> Int8:
    """Return image [H, W, C] times scale [C] plus bias [C]; offsets: of input and result."""
    total = (image.astype(np.int64) + offsets[0]) * scale + bias
    return clamp(requantise(total, 1, shift) + offsets[1], low, 127)


def linear(
    features: Int8,
    weights: Int8,
    bias: Int32,
    offsets: tuple[int, int],
    multiplier: int,
    shift: int,
) -> Int8:
    """Return weights [O, I] times features [I] plus bias [O], requantised."""
    acc = weights.astype(np.int64) @ (features.astype(np.int64) + offsets[0]) + bias
    return clamp(requantise(acc, multiplier, shift) + offsets[1], -128, 127)
