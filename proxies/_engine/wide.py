"""Double precision: on the device of a tensor, or on the processor where the device has none."""

from __future__ import annotations

import torch
from torch import Tensor

WITHOUT = ("mps",)


def home(device: torch.device) -> torch.device:
    """Return where float64 numbers of a device's tensors are kept."""
    return torch.device("cpu") if device.type in WITHOUT else device


def wide(x: Tensor) -> Tensor:
    """Return a tensor in float64, at `home`; the same tensor if it is that already."""
    return x.to(home(x.device), torch.float64)


def total(x: Tensor) -> Tensor:
    """Return the sum of all numbers, added up in float64."""
    return wide(x).sum() if x.device.type in WITHOUT else x.sum(dtype=torch.float64)


def zeros(*shape: int, like: Tensor) -> Tensor:
    """Return zeros in float64, at `home` of another tensor's device."""
    return torch.zeros(shape, dtype=torch.float64, device=home(like.device))
