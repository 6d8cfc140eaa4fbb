"""Words that figures write for ids: proxies, parts, runtimes, networks, searches."""

from __future__ import annotations

import re
from collections.abc import Iterable

from benchsuite.ranking.truths import about_columns
from benchsuite.reports._common.style import NAMES
from benchsuite.table.columns import stem
from benchsuite.table.table import Table

_PROXIES = {
    "az_nas": "AZ-NAS",
    "az_nas_rank": "AZ-NAS",
    "convs": "live convolutions",
    "croze": "CRoZe",
    "dextr": "Dextr",
    "dextr.svd": "Dextr, singular values",
    "epe_nas": "EPE-NAS",
    "epsinas": "Epsilon",
    "fisher": "Fisher",
    "flops": "FLOPs",
    "grad_norm": "gradient norm",
    "grad_norm_global": "gradient norm, global",
    "grad_sign": "gradient signs",
    "grasp": "GraSP",
    "jacob_cov": "Jacobian covariance",
    "knas": "KNAS",
    "l2_norm": "weight norm",
    "l_swag": "L-SWAG",
    "linear_regions": "linear regions",
    "log_synflow": "logarithmic SynFlow",
    "meco": "MeCo",
    "naswot": "NASWOT",
    "near": "NEAR",
    "ntk_cond": "NTK",
    "ntk_frozen": "NTK, BN frozen",
    "params": "parameters",
    "plain": "plain gradient",
    "rbflex": "RBFleX",
    "snip": "SNIP",
    "swap": "SWAP",
    "synflow": "SynFlow",
    "te_nas": "TE-NAS",
    "tensors": "weight tensors",
    "vkdnw": "VKDNW entropy",
    "vkdnw_agg": "VKDNW aggregated",
    "vkdnw_single": "VKDNW with size",
    "wrcor": "WRCor",
    "wrcor_vote": "WRCor's vote",
    "zen": "Zen",
    "zico": "ZiCo",
}
_USUAL = {"linear_regions.n3000"}  # outputs that stand for their family
_PARTS = {"cortexa53": "Cortex-A53", "ethosu55": "Ethos-U55", "riscv320": "RISC-V 320 MHz"}
_RUNTIMES = {
    "microtvm_cmsis_nn": "microTVM, CMSIS-NN",
    "monas2024": "MONAS' table",
    "own": "own kernels",
    "tflm": "TFLM",
    "tflm_cmsis_nn": "TFLM, CMSIS-NN",
    "tinyengine": "TinyEngine",
    "x_cube_ai": "X-CUBE-AI",
}
_NETWORKS = {"official": "five cells a stage", "mcu": "one cell a stage"}
_SEARCHES = {
    "bohb": "BOHB",
    "forest": "random forest",
    "local_search": "local search",
    "munas": "muNAS evolution",
    "munas_bo": "muNAS Bayesian",
    "optuna_nsga2": "NSGA-II (Optuna)",
    "optuna_tpe": "TPE (Optuna)",
    "pymoo_nsga2": "NSGA-II (pymoo)",
    "pymoo_nsga3": "NSGA-III (pymoo)",
    "random": "random search",
    "rea": "aging evolution",
    "reinforce": "REINFORCE",
    "successive_halving": "successive halving",
}
TOP_OF = " by "  # "top of 1000 by naswot"


def proxy(name: str) -> str:
    """Return what a proxy's column is called in a figure.

    >>> proxy("naswot@1"), proxy("ntk_cond.k2@1"), proxy("az_nas.complexity")
    ('NASWOT', 'NTK $K_{2}$', 'AZ-NAS complexity')
    """
    short = stem(name)
    if short in _PROXIES:
        return _PROXIES[short]
    # A dollar in a name of one's own is no sign of mathematics.
    family, _, output = short.replace("$", r"\$").partition(".")
    word = _PROXIES.get(family, family.replace("_", " "))
    if not output or short in _USUAL:
        return word
    if output[0] == "k" and output[1:].isdigit():
        return f"{word} $K_{{{output[1:]}}}$"
    return f"{word} {output.replace('_', ' ')}"


def starred(proxies: Iterable[str], few: set[str]) -> list[str]:
    """Return the words for proxies, with a star behind those of a set."""
    return [proxy(name) + "*" * (name in few) for name in proxies]


def plain(name: str) -> str:
    r"""Return what a proxy is called in text, without signs of mathematics.

    >>> plain("ntk_cond.k2@1")
    'NTK K_2'
    """
    return re.sub(r"\$K_\{(\d+)\}\$", r"K_\1", proxy(name)).replace(r"\$", "$")


def part(device: str) -> str:
    """Return what a part is called: `STM32F746`."""
    return _PARTS.get(device, device.upper() if device.startswith("stm32") else device)


def runtime(name: str) -> str:
    """Return what a runtime is called: `TFLM, CMSIS-NN`."""
    return _RUNTIMES.get(name, name.replace("_", " "))


def network(skeleton: str) -> str:
    """Return how many cells a skeleton has: `five cells a stage`."""
    return _NETWORKS.get(skeleton, skeleton)


def search(label: str) -> str:
    """Return what a search of a study is called: `top of 1,000 by NASWOT`."""
    head, by, name = label.rpartition(TOP_OF)
    if by:
        return f"{head.replace('1000', '1,000')}{by}{proxy(name)}"
    return _SEARCHES.get(label, label.replace("_", " "))


def truth(table: Table, columns: Iterable[str]) -> str:
    """Return which accuracies columns hold, in few words: a data set each where they differ."""
    names = list(dict.fromkeys(columns))
    said = {name: re.sub(r" \([^)]*\)", "", about_columns(table, [name])) for name in names}
    if len(set(said.values())) == 1:
        return next(iter(said.values()))
    return "; ".join(f"{NAMES[str(table.columns[n].dataset)]}: {said[n]}" for n in names)
