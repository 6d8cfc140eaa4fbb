"""A seal over what proxies share: it breaks when one of them changes it, by whatever way."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchsuite.space.network import Layer

_WIDTH = 512
_ROWS = 64  # shifted at a time, so that they stay in the cache
_SHIFTS = np.arange(_WIDTH, dtype=np.uint64) % 31 + 1


def seal(value: Any) -> int:
    """Return a checksum of the tensors in a value, however it is nested, and of its structure.

    It sees values, shapes, strides and whether gradients are recorded; by memory, not by version,
    as `x.data.mul_(2)` and writing to `x.numpy()` raise no version.
    """
    return _seal(value, 1, {})


def _seal(value: Any, start: int, seen: dict[int, int]) -> int:
    if isinstance(value, Tensor):
        graded = value.is_leaf and value.grad is not None
        about = (value.shape, value.stride(), value.requires_grad, graded)
        return zlib.crc32(f"{about}{_memory(value, seen)}".encode(), start)
    if isinstance(value, Mapping):
        for key, item in value.items():
            start = _seal(item, zlib.crc32(str(key).encode(), start), seen)
        return start
    if isinstance(value, tuple | list):
        for item in value:
            start = _seal(item, start, seen)
        return zlib.crc32(str(len(value)).encode(), start)
    if is_dataclass(value) and not isinstance(value, Layer):
        for one in fields(value):
            start = _seal(getattr(value, one.name), start, seen)
        return start
    return zlib.crc32(str(value).encode(), start) if isinstance(value, int | float | str) else start


def _memory(tensor: Tensor, seen: dict[int, int]) -> int:
    """Return a checksum of a tensor's whole storage: of the sums of its rows and columns.

    Several times as fast as one of every byte; whatever moves or changes a value changes it. Rows
    are summed twice, once shifted by place: the highest bits, which hold signs, leave a sum as it
    is where an even number of them turns.
    """
    if tensor.device.type != "cpu":
        return _afar(tensor)
    storage = tensor.untyped_storage()
    at = storage.data_ptr()
    if at not in seen:
        raw = torch.empty(0, dtype=torch.uint8, device="cpu").set_(storage).numpy()
        words = raw[: len(raw) // 8 * 8].view(np.int64)
        cut = len(words) // _WIDTH * _WIDTH
        block = words[:cut].reshape(-1, _WIDTH)
        found = zlib.crc32(raw[cut * 8 :].tobytes())
        for sums in (block.sum(axis=0), block.sum(axis=1), *_shifted(block.view(np.uint64))):
            found = zlib.crc32(sums.tobytes(), found)
        seen[at] = found
    return seen[at]


def _shifted(block: NDArray[np.uint64]) -> Iterator[NDArray[np.uint64]]:
    """Yield the sums of rows whose words are shifted by place, a few rows at a time."""
    for start in range(0, len(block), _ROWS):
        yield (block[start : start + _ROWS] >> _SHIFTS).sum(axis=1, dtype=np.uint64)


def _afar(tensor: Tensor) -> int:
    """Return a checksum of the elements of a tensor on a GPU, where they are added up."""
    whole = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    words = tensor.detach().reshape(-1).view(whole[tensor.element_size()])
    cut = len(words) // _WIDTH * _WIDTH
    block = words[:cut].view(-1, _WIDTH)
    shifted = block.long() >> torch.from_numpy(_SHIFTS.astype(np.int64)).to(block.device)
    sums = [*(block.sum(axis, dtype=torch.int64) for axis in (0, 1)), shifted.sum(1)]
    return zlib.crc32(torch.cat([*sums, words[cut:].long()]).cpu().numpy().tobytes())
