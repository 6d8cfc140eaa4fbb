"""How far scores are apart by rounding: float32 from float64, or a GPU from the processor.

    python docs/gpu.py --classes 100 --csv docs/gpu_rounding.csv
    python docs/gpu.py --classes 12 --device cuda

Of every output that is judged the median and the largest relative difference over classes drawn by
seed 1; of scores of both signs, which pass through 0, relative to their median size where that is
more. Without --device, of single from double precision on the processor where both have a score,
and of the two ways to the NTK of `ntk_cond` (`loops`). With it, of the device from the processor
in single precision, held against the tolerance that the file of the first command states, at the
same resolution; exit code 1 where one is passed, or a score is there on one of them alone.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchsuite.notations import csv_text
from benchsuite.proxies._engine.forward import forward
from benchsuite.proxies._engine.gradients import parameter_jacobian
from benchsuite.proxies._scoring.score import score_network
from benchsuite.proxies._scoring.threads import one_thread
from benchsuite.proxies._tabulation.spec import Spec, scoring_proxies
from benchsuite.proxies.ntk_cond import kernel
from benchsuite.space.equivalence import representatives
from benchsuite.space.network import Skeleton

ROUNDING = Path(__file__).parent / "gpu_rounding.csv"


def main() -> int:
    """Measure, and print."""
    options = argparse.ArgumentParser()
    options.add_argument("--classes", type=int, default=12)
    options.add_argument("--resolution", type=int, default=16)
    options.add_argument("--device", default="cpu")
    options.add_argument("--proxy", default="")
    options.add_argument("--seconds", type=float, default=math.inf)
    options.add_argument("--csv", type=Path)
    given = options.parse_args()
    names = tuple(filter(None, given.proxy.split(","))) or scoring_proxies(device=given.device)
    one = Spec(names, Skeleton(resolution=given.resolution), images="synthetic")
    other = replace(one, device=given.device)
    if given.device == "cpu":
        one = replace(one, dtype="float64")
    drawn = np.random.default_rng(1).choice(representatives("functional"), given.classes, False)
    print(f"{given}\ntorch {torch.__version__}", flush=True)
    found = differences(one, other, [int(cell) for cell in drawn], given.seconds)
    if given.device != "cpu":
        found["tolerance"] = pd.read_csv(ROUNDING).set_index("output")["tolerance"]
        found["within"] = found["largest"].isna() | (found["largest"] <= found["tolerance"])
    print(found.to_string(float_format="{:.1e}".format))
    if given.csv:
        given.csv.write_text(csv_text(found.reset_index()), encoding="utf-8")
    return int(given.device != "cpu" and not found["within"].all())


@one_thread()
def differences(one: Spec, other: Spec, cells: list[int], seconds: float) -> pd.DataFrame:
    """Return median, largest and tolerance by output of |other - one| / |one| over cells.

    Of scores of both signs it is |other - one| / max(|one|, the median of |one|).
    seconds: none of the cells is begun after them.
    """
    rows: list[dict[str, float]] = []
    pairs: list[tuple[Mapping[str, float], Mapping[str, float]]] = []
    start = time.monotonic()
    for cell in cells:
        if time.monotonic() - start > seconds:
            break
        pairs.append((_scores(one, cell), _scores(other, cell)))
        rows.append({})
        if other.device == "cpu" and "ntk_cond" in one.proxies:
            rows[-1] = {f"ntk_cond.k0 (loops, {s.dtype})": _loops(s, cell) for s in (one, other)}
        print(".", end="", file=sys.stderr, flush=True)
    print(f"{len(rows)} classes")
    # Another precision may have a score where this one has none; another device may not.
    missing = math.nan if other.device == "cpu" else math.inf
    for name in pairs[0][0]:
        sizes = np.array([first[name] for first, _ in pairs])
        both = np.nanmin(sizes) < 0 < np.nanmax(sizes)
        least = float(np.nanmedian(np.abs(sizes))) if both else 0.0
        for row, (first, second) in zip(rows, pairs, strict=True):
            row[name] = _apart(first[name], second[name], missing, least)
    details = {f"{name}.{suffix}" for name, proxy in one.load().items() for suffix in proxy.details}
    frame = pd.DataFrame(rows).drop(columns=details)
    found = pd.DataFrame({"median": frame.median(), "largest": frame.max()})
    # Four times: both round, and the largest of a few is not the largest of all. To one digit.
    found["tolerance"] = [float(f"{max(4 * x, 1e-6):.0e}") for x in found["largest"]]
    return found.rename_axis("output")


def _scores(spec: Spec, cell: int) -> Mapping[str, float]:
    return score_network(spec.load(), spec.passes(cell, 0, spec.batches(0))).values


def _apart(one: float, other: float, missing: float, least: float = 0.0) -> float:
    """Return |other - one| / max(|one|, least); `missing` where one alone is a number."""
    if math.isfinite(one) != math.isfinite(other):
        return missing
    if not math.isfinite(one) or one == other:
        return 0.0 if one == other else math.nan
    size = max(abs(one), least)
    return abs(other - one) / size if size else math.inf


def _loops(spec: Spec, cell: int) -> float:
    """Return how far the condition number by the engine's passes is from that by the loops."""
    passes = spec.passes(cell, 0, spec.batches(0))
    if not passes.connected:
        return math.nan
    thin = replace(passes.skeleton, channels=3, cells_per_stage=1)
    network, weights = passes.drawn("kaiming_fan_out", thin)
    with torch.no_grad():
        gradients = parameter_jacobian(forward(network.layers, weights, passes.images)).double()
    kernels = kernel(network, weights, passes.images), (gradients @ gradients.t()).numpy()
    spectra = [np.linalg.eigvalsh(one) for one in kernels]
    one, other = (float(values[-1] / values[0]) for values in spectra)
    return _apart(one, other, math.nan)


if __name__ == "__main__":
    sys.exit(main())
