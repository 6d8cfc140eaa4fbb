"""The torch device that scores are computed on: the processor, or a GPU that torch can reach."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import torch

from benchsuite.errors import UserError
from benchsuite.passes import RUNS_ON

_THERE: dict[str, Callable[[], bool]] = {
    "cpu": lambda: True,
    "cuda": torch.cuda.is_available,
    "mps": torch.backends.mps.is_available,
}
_NEEDS = {
    "cuda": "an NVIDIA GPU that CUDA_VISIBLE_DEVICES does not hide, its driver, and a torch built "
    "for CUDA",
    "mps": "an Apple GPU, macOS, and a torch built for it",
}


def torch_device(kind: str) -> torch.device:
    """Return torch's device of a kind; UserError where torch has none here."""
    if kind not in RUNS_ON:
        raise UserError(f"Scores are computed on {', '.join(RUNS_ON)}, not on {kind!r}.")
    if not _THERE[kind]():
        there = ", ".join(name for name in RUNS_ON if _THERE[name]())
        raise UserError(
            f"torch {torch.__version__} has no device {kind} here: it has {there}. {kind} takes "
            f"{_NEEDS[kind]}; `--device cpu` gives the scores without."
        )
    return torch.device(kind)


def name_of(device: torch.device) -> str:
    """Return what a device is called in records: `cpu`, `mps`, `cuda (NVIDIA H200)`."""
    if device.type != "cuda":
        return device.type
    return f"cuda ({torch.cuda.get_device_name(device)})"


def now(device: torch.device) -> float:
    """Return a clock [s]: processor time of this thread, or on a GPU time since it is idle again.

    A GPU works behind the processor's back, so it is waited for, and what others do counts.
    """
    if device.type == "cpu":
        return time.thread_time()
    getattr(torch, device.type).synchronize()
    return time.perf_counter()


def exact(device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Have a GPU multiply float32 as float32, and choose its algorithms alike every time.

    Left alone, cuDNN's convolutions round their factors to ten bits (TF32).
    """
    if device.type == "cpu":
        return contextlib.nullcontext()
    flags: contextlib.AbstractContextManager[object] = torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )
    return flags
