"""Scores of one network under several proxies, with a reason for each that is missing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from benchsuite.api import Proxy
from benchsuite.cell import CONV1, CONV3, POOL, SKIP, Cell
from benchsuite.errors import UserError
from benchsuite.network import Skeleton
from proxies._batch import draw
from proxies._images import Images
from proxies._passes import Passes

NO_PATH = "no path from input to output"


@dataclass(frozen=True)
class Scores:
    """values: by `proxy` or `proxy.suffix`, NaN where missing; reasons: why, by the same names.

    seconds: by pass (`forward`, `gradients_0`, ...) and by `score.proxy`, each without the others.
    """

    values: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def score_network(proxies: Mapping[str, Proxy], passes: Passes) -> Scores:
    """Score one network with proxies that have a `score`.

    Raises UserError where a proxy fails for another reason than numbers that leave its domain.
    """
    values: dict[str, float] = {}
    reasons: dict[str, str] = {}
    for name, proxy in proxies.items():
        found, reason = _score(name, proxy, passes)
        for suffix in proxy.outputs:
            full = f"{name}.{suffix}" if suffix else name
            value = found.get(suffix, math.nan)
            values[full] = value if math.isfinite(value) else math.nan
            if not math.isfinite(value):
                reasons[full] = reason or f"not finite ({value})"
    return Scores(values, reasons, dict(passes.seconds))


def passes_of(name: str, proxy: Proxy) -> tuple[str, ...]:
    """Return the names, as in `Scores.seconds`, of everything a proxy computes if it is alone.

    Found by scoring a small network: what a proxy needs does not depend on the size.
    """
    images, skeleton = Images("gaussian"), Skeleton(channels=2, cells_per_stage=1, resolution=8)
    batches = [draw(images, 4, 8, skeleton.classes, seed=0, index=index) for index in range(2)]
    passes = Passes(Cell((CONV3, CONV1, POOL, SKIP, CONV3, CONV1)), skeleton, batches)
    return tuple(score_network({name: proxy}, passes).seconds)


def _score(name: str, proxy: Proxy, passes: Passes) -> tuple[Mapping[str, float], str]:
    assert proxy.score is not None
    if not passes.connected:
        return {}, NO_PATH
    try:
        with passes.clock(f"score.{name}"):
            found = {key: _number(value) for key, value in proxy.score(passes).items()}
    except UserError:
        raise
    except (torch.linalg.LinAlgError, ArithmeticError) as error:
        return {}, f"{type(error).__name__}: {error}"
    except Exception as error:
        raise UserError(
            f"The proxy {name} failed on cell {passes.cell.index} ({passes.cell.arch}): "
            f"{type(error).__name__}: {error}."
        ) from error
    if set(found) != set(proxy.outputs):
        raise UserError(
            f"The proxy {name} gave {sorted(found)}, but declares outputs {sorted(proxy.outputs)}."
        )
    return found, ""


def _number(value: object) -> float:
    return float(value.detach() if isinstance(value, torch.Tensor) else value)
