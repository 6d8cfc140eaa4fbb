"""Scores of one network under several proxies, with a reason for each that is missing."""

from __future__ import annotations

import errno
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch

from benchsuite import api
from benchsuite.api import Missing, Proxy
from benchsuite.calling import failure, file_of, misuse, place
from benchsuite.errors import PluginError, UserError
from benchsuite.proxies._scoring.batch import draw
from benchsuite.proxies._scoring.device import exact
from benchsuite.proxies._scoring.images import Images
from benchsuite.proxies._scoring.passes import Passes
from benchsuite.space.cell import CONV1, CONV3, POOL, SKIP, Cell
from benchsuite.space.network import Skeleton
from benchsuite.surroundings import surroundings

NO_PATH = "no path from input to output"
FAILED = "failed: "
SMALL = (
    Cell((CONV3, CONV1, POOL, SKIP, CONV3, CONV1)),
    Skeleton(channels=2, cells_per_stage=1, resolution=8),
)
_TRIED = 16  # Images of the small network: as many as any proxy looks at.
_SHORT = ("could not create a primitive", "allocate memory", "out of memory", "enough memory")
_OUT_OF_DOMAIN = (
    ArithmeticError,
    torch.linalg.LinAlgError,  # type: ignore[attr-defined]  # documented, and not in its __all__
)


class ShortageError(UserError):
    """Memory ran out while a network was scored, which says nothing of the network."""


@dataclass(frozen=True)
class Scores:
    """values: by `proxy` or `proxy.suffix`, NaN where missing; reasons: why, by the same names.

    seconds: by pass (`forward`, `gradients_0`, ...) and by `score.proxy`, each without the others.
    """

    values: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def score_network(
    proxies: Mapping[str, Proxy], passes: Passes, *, keep_going: bool = False, draws: int = 0
) -> Scores:
    """Score one network with proxies that have a `score`, each as if it were the only one.

    Whichever others there are and whatever ran before, a proxy starts in the same surroundings
    (`benchsuite.surroundings`; global generators are seeded by seed, repeat, name and `draws`) and
    meets shared passes as they were computed.
    Raises PluginError where a proxy fails for another reason than numbers that leave its domain,
    or changes what it shares with others; keep_going: its scores are missing instead, with that
    reason, which begins with `FAILED`. Raises ShortageError, in any case, where memory runs out.
    """
    try:
        scores = _together(proxies, passes, keep_going, draws)
    except UserError:
        if not passes.changed():
            raise
    else:
        if not passes.changed():
            return scores
    alone = []
    for name, proxy in proxies.items():
        fresh = passes.fresh()
        one = _together({name: proxy}, fresh, keep_going, draws)
        if what := fresh.changed():
            error = misuse(
                f"The proxy {name} changed the {what} of the passes, which other proxies read too: "
                "work on a copy, as in `x = x.clone()`",
                _score_of(proxy),
            )
            if not keep_going:
                raise error
            one = _missing(name, proxy, f"{FAILED}{error}")
        alone.append(one)
    return Scores(
        {name: value for one in alone for name, value in one.values.items()},
        {name: reason for one in alone for name, reason in one.reasons.items()},
        {name: taken for one in alone for name, taken in one.seconds.items()},
    )


def small(skeleton: Skeleton) -> tuple[Cell, Skeleton]:
    """Return a network of few channels to try proxies on, for the images of another's skeleton."""
    cell, few = SMALL
    return cell, replace(few, resolution=skeleton.resolution, classes=skeleton.classes)


def passes_of(name: str, proxy: Proxy, network: tuple[Cell, Skeleton] = SMALL) -> tuple[str, ...]:
    """Return the names, as in `Scores.seconds`, of everything a proxy computes if it is alone.

    Found by scoring a small network: what a proxy needs does not depend on the size. Raises
    UserError where the proxy fails on it.
    """
    images, (cell, skeleton) = Images("gaussian"), network
    size, classes = skeleton.resolution, skeleton.classes
    batches = [draw(images, _TRIED, size, classes, seed=0, index=index) for index in range(2)]
    try:
        return tuple(score_network({name: proxy}, Passes(cell, skeleton, batches)).seconds)
    except PluginError as error:
        raise PluginError(
            f"On a small network that proxies are tried on first ({skeleton.channels} channels, "
            f"{skeleton.cells_per_stage} cell per stage, {size}x{size} pixels): {error}"
        ) from error


def _together(proxies: Mapping[str, Proxy], passes: Passes, keep_going: bool, draws: int) -> Scores:
    scores = Scores()
    for name, proxy in proxies.items():
        try:
            found, why = _score(name, proxy, passes, draws)
        except UserError as error:
            if not keep_going or isinstance(error, ShortageError):
                raise
            found, why = {}, dict.fromkeys(proxy.outputs, f"{FAILED}{error}")
        for suffix in proxy.outputs:
            full = f"{name}.{suffix}" if suffix else name
            value = found.get(suffix, math.nan)
            scores.values[full] = value if math.isfinite(value) else math.nan
            if not math.isfinite(value):
                scores.reasons[full] = why.get(suffix) or f"not finite ({value})"
    scores.seconds.update(passes.seconds)
    return scores


def _missing(name: str, proxy: Proxy, reason: str) -> Scores:
    full = [f"{name}.{suffix}" if suffix else name for suffix in proxy.outputs]
    return Scores(dict.fromkeys(full, math.nan), dict.fromkeys(full, reason))


def _score(
    name: str, proxy: Proxy, passes: Passes, draws: int
) -> tuple[Mapping[str, float], Mapping[str, str]]:
    """Return values and reasons by suffix; a reason may be that of a value that is not there."""
    if not passes.connected:
        return {}, dict.fromkeys(proxy.outputs, NO_PATH)
    what = f"The proxy {name} failed on cell {passes.cell.index} ({passes.cell.arch})"
    seed = (passes.seed, passes.repeat, name, draws)
    score = _score_of(proxy)
    try:
        with surroundings(*seed), exact(passes.device), passes.clock(f"score.{name}"):
            _seed_gpus(passes.device)
            given = score(passes)
            if not isinstance(given, Mapping):
                raise TypeError(f"{{suffix: value}} is needed, not a {type(given).__name__}")
            found = {key: _number(value) for key, value in given.items()}
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        if isinstance(error, _OUT_OF_DOMAIN):
            reason = f"{type(error).__name__}: {error} ({place(error, file_of(score))})"
            return {}, dict.fromkeys(proxy.outputs, reason)
        if _is_shortage(error):
            raise ShortageError(
                f"Memory ran out as the proxy {name} scored cell {passes.cell.index} "
                f"({type(error).__name__}: {error}): fewer processes at a time, or smaller "
                "batches, take less. A tabulation keeps what was finished before, and the same "
                "command goes on."
            ) from error
        raise failure(what, error, file_of(score)) from error
    if set(found) != set(proxy.outputs):
        raise misuse(
            f"The proxy {name} gave {sorted(map(str, found))}, but declares outputs "
            f"{sorted(proxy.outputs)}",
            score,
        )
    why = {key: value.reason for key, value in given.items() if isinstance(value, Missing)}
    return found, why


def _is_shortage(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    told = isinstance(error, RuntimeError) and any(text in str(error).lower() for text in _SHORT)
    return told or isinstance(error, MemoryError)


def _score_of(proxy: Proxy) -> Callable[[api.Passes], Mapping[str, float]]:
    assert proxy.score is not None
    return proxy.score


def _number(value: float | torch.Tensor) -> float:
    return float(value.detach() if isinstance(value, torch.Tensor) else value)


def _seed_gpus(device: torch.device) -> None:
    """Seed the global generators of GPUs as that of the processor is."""
    if device.type != "cpu":
        torch.manual_seed(torch.initial_seed())
