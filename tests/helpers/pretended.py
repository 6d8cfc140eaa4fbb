"""A GPU without hardware: tensors that say they lie on it, and are computed on the processor.

As on a real one, numpy cannot read them, an operation on tensors of both places fails, and what is
made without a device lies on the processor. Unlike there, an operation gives the processor's bits.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

NAME = "pretended"
_aten = torch.ops.aten
_crossings = (_aten._to_copy.default, _aten.copy_.default)
See = Callable[[Any, list[Tensor]], None]
_registered: list[torch.device] = []


def device() -> torch.device:
    """Return the device, which torch knows from the first call on."""
    if not _registered:
        from torch.utils import backend_registration

        # With a guard and hooks in Python, as a backend that is written in C++ brings its own.
        backend_registration._setup_privateuseone_for_python_backend(NAME)
        setattr(torch, NAME, getattr(torch, NAME, types.SimpleNamespace()))
        getattr(torch, NAME).synchronize = lambda: None
        _registered.append(torch.device(NAME, 0))
    return _registered[0]


class There(Tensor):
    """A tensor on the device."""

    held: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> There:
        """Wrap a tensor of the processor."""
        made: There = Tensor._make_wrapper_subclass(
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=device(),
        )
        made.held = inner
        return made

    def __repr__(self, **_: object) -> str:  # type: ignore[override]
        return f"There({self.held})"

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run an operation."""
        return _run(func, args, kwargs or {})


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, see: See) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._see = see

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        found = _run(func, args, kwargs or {})
        self._see(func, [x for x in tree_leaves(found) if isinstance(x, There)])
        return found


@contextmanager
def gpu(
    see: Callable[[Any, list[Tensor]], None] = lambda func, made: None,
) -> Iterator[torch.device]:
    """Yield the device, while torch knows it; see(operation, what it made there): each of them."""
    there = device()
    with _Watch(see):
        yield there


def _run(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
    there = [x for x in tensors if isinstance(x, There)]
    here = [x for x in tensors if not isinstance(x, There)]
    # torch lets single numbers of the processor through, and so does CUDA.
    if there and any(x.dim() for x in here) and func not in _crossings:
        raise RuntimeError(f"{func}: expected all tensors on one device")
    asked = kwargs.get("device")
    to = bool(there) if asked is None else torch.device(asked).type == NAME
    if func is _aten.copy_.default:
        to = isinstance(args[0], There)
    elif func is _aten._local_scalar_dense.default:
        to = False
    inner = tree_map(lambda x: x.held if isinstance(x, There) else x, (args, kwargs))
    if asked is not None and to:
        inner[1]["device"] = torch.device("cpu")
    found = func(*inner[0], **inner[1])
    name = func._schema.name
    if name.endswith("_") and not name.endswith("__"):
        return args[0]
    return tree_map(lambda x: There(x) if isinstance(x, Tensor) else x, found) if to else found
