"""The surroundings of a plug-in's code: the same at every call, and put back after it.

What a process has once belongs to no plug-in: torch's default dtype and device, its grad mode,
threads and switches, the global generators, environment variables, the working folder, warning
filters, numpy's error handling, matplotlib's settings, torch's hooks. A call starts with torch's
and numpy's as a new process has them, one thread, and generators seeded by the caller; all others
are as they are. What the call leaves changed is undone, so that no plug-in meets the traces of
another.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import random
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

_KEPT = object()
_NUMPY = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
_one_at_a_time = threading.RLock()


@dataclass(frozen=True)
class _Setting:
    """read() and write(value) of a setting; standard: what a call starts with, or `_KEPT`."""

    read: Callable[[], Any]
    write: Callable[[Any], object]
    standard: Any = _KEPT


@contextmanager
def surroundings(*seed: object) -> Iterator[None]:
    """Give what runs inside the standard surroundings, and take back what it changes of them.

    seed: of the global generators of Python, numpy and torch. What is printed goes to stderr:
    stdout belongs to the command. Threads of a process enter one after another.
    """
    kept = [*_of_python(seed), *_of_matplotlib(), *_of_torch(seed)]
    out = contextlib.redirect_stdout(sys.stderr)
    with _one_at_a_time, _kept(kept), _new_matplotlib(), numerics(), _gradients(), out:
        yield


@contextmanager
def numerics() -> Iterator[None]:
    """Have torch compute as it does in a new process, with one thread; put back what was set.

    Whether it records for gradients stays as it is.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        try:
            yield
        finally:
            _reset(sys.modules.get("torch"))
        return
    grad, mode = torch.is_grad_enabled(), torch.inference_mode(False)
    with (
        _one_at_a_time,
        _kept(_switches(torch)),
        mode,
        torch.set_grad_enabled(grad),
        _on_cpu(torch),
    ):
        yield


def _on_cpu(torch: Any) -> contextlib.AbstractContextManager[Any]:
    """Return a context of the processor's, where the caller is in one of another device."""
    elsewhere = torch.get_default_device().type != "cpu"
    return torch.device("cpu") if elsewhere else contextlib.nullcontext()


def _gradients() -> contextlib.AbstractContextManager[Any]:
    torch = sys.modules.get("torch")
    return contextlib.nullcontext() if torch is None else torch.enable_grad()


@contextmanager
def _kept(settings: list[_Setting]) -> Iterator[None]:
    before = []
    for setting in settings:
        value = setting.read()
        before.append(value)
        if setting.standard is not _KEPT and not _same(value, setting.standard):
            setting.write(setting.standard)
    try:
        yield
    finally:
        with contextlib.ExitStack() as stack:  # each, whatever another does
            for setting, value in reversed(list(zip(settings, before, strict=True))):
                stack.callback(_put_back, setting, value)


def _put_back(setting: _Setting, value: Any) -> None:
    if not _same(setting.read(), value):
        setting.write(value)


def _same(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except (ValueError, RuntimeError):  # arrays and tensors: not worth a comparison
        return False


def _reset(torch: Any) -> None:
    """Undo what a call did to torch, which it was the first to import; threads are as many."""
    if torch is not None:
        for setting in [*_switches(torch), *_hooks(torch)]:
            if setting.read is not torch.get_num_threads:
                setting.write(setting.standard)
        torch.set_grad_enabled(True)


@contextmanager
def _new_matplotlib() -> Iterator[None]:
    """Undo what a call sets of matplotlib, where it is the first to import it."""
    there = "matplotlib" in sys.modules
    try:
        yield
    finally:
        matplotlib = sys.modules.get("matplotlib")
        if not there and matplotlib is not None:
            dict.update(matplotlib.rcParams, matplotlib.rcParamsOrig)


def _of_python(seed: tuple[object, ...]) -> Iterator[_Setting]:
    number = _number(seed)
    yield _Setting(random.getstate, random.setstate, random.Random(number).getstate())
    module: Any = np.random
    draw = np.random.MT19937(number)
    yield _Setting(module.get_bit_generator, module.set_bit_generator, draw)
    yield _Setting(np.geterr, lambda how: np.seterr(**how), _NUMPY)
    yield _Setting(lambda: dict(os.environ), _set_environment)
    yield _Setting(_folder, _set_folder)
    yield _Setting(lambda: list(sys.path), lambda paths: sys.path.__setitem__(slice(None), paths))
    yield _Setting(sys.getrecursionlimit, sys.setrecursionlimit)
    yield _Setting(lambda: list(warnings.filters), _set_filters)
    yield _Setting(
        lambda: warnings.showwarning, lambda show: setattr(warnings, "showwarning", show)
    )


def _of_matplotlib() -> Iterator[_Setting]:
    matplotlib = sys.modules.get("matplotlib")
    if matplotlib is not None and hasattr(matplotlib, "rcParams"):
        settings = matplotlib.rcParams
        yield _Setting(lambda: dict.copy(settings), lambda them: dict.update(settings, them))


def _of_torch(seed: tuple[object, ...]) -> Iterator[_Setting]:
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "default_generator"):
        new = torch.Generator("cpu").manual_seed(_number(seed)).get_state()
        generator = torch.default_generator
        yield _Setting(generator.get_state, generator.set_state, new)
        yield from _hooks(torch)


def _hooks(torch: Any) -> Iterator[_Setting]:
    """Yield the hooks that torch calls for every module, and for every tensor that it saves."""
    module = torch.nn.modules.module
    for name, value in vars(module).items():
        if name.startswith("_global_") and isinstance(value, dict):
            yield _Setting(value.copy, functools.partial(_refill, value), {})
        elif name.startswith("_global_") and "hook" in name:
            write = functools.partial(setattr, module, name)
            yield _Setting(functools.partial(getattr, module, name), write, None)
    if hasattr(torch._C._autograd, "_top_saved_tensors_default_hooks"):  # torch 2.8 and later
        yield _Setting(
            functools.partial(_saving, torch._C._autograd),
            functools.partial(_set_saving, torch._C._autograd),
            (None, []),
        )


def _saving(autograd: Any) -> tuple[str | None, list[Any]]:
    """Return why tensors are saved without hooks, None where they may have some, and the hooks."""
    why = autograd._saved_tensors_hooks_get_disabled_error_message()
    hooks = []
    while why is None and (pair := autograd._top_saved_tensors_default_hooks(True)):
        hooks.append(pair)
        autograd._pop_saved_tensors_default_hooks()
    for pair in reversed(hooks):
        autograd._push_saved_tensors_default_hooks(*pair)
    return why, hooks


def _set_saving(autograd: Any, wanted: tuple[str | None, list[Any]]) -> None:
    """Set what `_saving` returns."""
    why, hooks = wanted
    autograd._saved_tensors_hooks_enable()
    while autograd._top_saved_tensors_default_hooks(True):
        autograd._pop_saved_tensors_default_hooks()
    for pair in reversed(hooks):
        autograd._push_saved_tensors_default_hooks(*pair)
    if why is not None:
        autograd._saved_tensors_hooks_disable(why)


def _switches(torch: Any) -> list[_Setting]:
    """Return what decides how torch computes, beside the grad mode."""
    return [
        _Setting(torch.get_default_dtype, torch.set_default_dtype, torch.float32),
        _Setting(
            lambda: torch.get_default_device().type,
            lambda kind: torch.set_default_device(None if kind == "cpu" else kind),
            "cpu",
        ),
        _Setting(torch.get_num_threads, torch.set_num_threads, 1),
        _Setting(
            lambda: (
                torch.are_deterministic_algorithms_enabled(),
                torch.is_deterministic_algorithms_warn_only_enabled(),
            ),
            lambda how: torch.use_deterministic_algorithms(how[0], warn_only=how[1]),
            (False, False),
        ),
        _Setting(
            torch.is_anomaly_enabled,
            lambda on: torch.autograd.set_detect_anomaly(on),
            False,
        ),
        _Setting(
            functools.partial(_precision, torch),
            functools.partial(_set_precision, torch),
            {"": "highest", **dict.fromkeys(_places(torch), "none")},
        ),
        _Setting(functools.partial(_flushes, torch), torch.set_flush_denormal, False),
        _Setting(
            lambda: torch.is_autocast_enabled("cpu"),
            lambda on: torch.set_autocast_enabled("cpu", on),
            False,
        ),
        _Setting(
            lambda: torch.backends.mkldnn.enabled,
            lambda on: torch.backends.mkldnn.set_flags(on),
            True,
        ),
    ]


def _precision(torch: Any) -> dict[str, str]:
    """Return how precisely products of float32 are taken, by the older switch and the newer ones.

    Where the newer ones were set, the older cannot be read any more.
    """
    found = {name: place.fp32_precision for name, place in _places(torch).items()}
    try:
        return {"": torch.get_float32_matmul_precision(), **found}
    except RuntimeError:
        return found


def _set_precision(torch: Any, wanted: Mapping[str, str]) -> None:
    """Set what `_precision` returns; a place that another stands for follows it where it did."""
    places = _places(torch)
    for place in places.values():
        place.fp32_precision = "none"
    if "" in wanted:
        torch.set_float32_matmul_precision(wanted[""])
    for name, place in places.items():
        if name in wanted and place.fp32_precision != wanted[name]:
            place.fp32_precision = wanted[name]


def _places(torch: Any) -> dict[str, Any]:
    """Return what has a precision of its own, those that stand for others first; older: none.

    Without cuDNN, which whoever computes on a GPU sees to.
    """
    if not hasattr(torch.backends, "fp32_precision"):
        return {}
    mkldnn = torch.backends.mkldnn
    return {
        "all": torch.backends,
        "mkldnn": mkldnn,
        "cuda.matmul": torch.backends.cuda.matmul,
        "mkldnn.matmul": mkldnn.matmul,
        "mkldnn.conv": mkldnn.conv,
        "mkldnn.rnn": mkldnn.rnn,
    }


def _flushes(torch: Any) -> bool:
    """Return whether numbers below the normal ones count as 0."""
    least = torch.full((1,), 1e-40, dtype=torch.float32, device="cpu")
    return bool((least * 1).eq(0).item())


def _number(seed: tuple[object, ...]) -> int:
    digest = hashlib.sha256("/".join(map(str, seed)).encode()).digest()
    return int.from_bytes(digest[:4], "big")


def _folder() -> str | None:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return None


def _set_folder(folder: str | None) -> None:
    if folder is not None:
        os.chdir(folder)


def _refill(hooks: dict[Any, Any], before: dict[Any, Any]) -> None:
    hooks.clear()
    hooks.update(before)


def _set_environment(variables: dict[str, str]) -> None:
    for name in set(os.environ) - set(variables):
        del os.environ[name]
    os.environ.update(variables)


def _set_filters(before: list[Any]) -> None:
    """Put warning filters back; what imported libraries ignore since then stays ignored."""
    ignored = [
        one
        for one in warnings.filters
        if one[0] == "ignore" and one not in before and not issubclass(UserWarning, one[2])
    ]
    warnings.filters[:] = ignored + before  # type: ignore[index]
    warnings._filters_mutated()  # type: ignore[attr-defined]
