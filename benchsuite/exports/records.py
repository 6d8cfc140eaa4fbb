"""One cell as nats_bench and nas_201_api store it: `ArchResults.state_dict()`, of builtins."""

from __future__ import annotations

from typing import Any

from benchsuite.exports.trainings import EPOCHS, RUNS, Trainings
from benchsuite.space.cell import N_CELLS, all_archs
from benchsuite.space.network import OFFICIAL

_NAN = float("nan")
_SETS = tuple(dict.fromkeys(name for run in RUNS.values() for name, _ in run.sets))
# The reader raises without a last entry of the curve, and adds seconds of evaluation up.
_CURVE = {epochs: {epochs - 1: _NAN} for epochs in EPOCHS}
_LOSSES = {epochs: {f"{name}@{epochs - 1}": _NAN for name in _SETS} for epochs in EPOCHS}
_EVALUATION = {f"{name}@{epoch}": 0.0 for name in _SETS for epoch in range(max(EPOCHS))}


def record(cell: int, trainings: Trainings, lengths: dict[str, int]) -> dict[str, Any]:
    """Return a cell's states by what the format calls a training length, as {"12": 12}.

    What is equal is one object, so a pickle holds it once.
    """
    return {name: _state(cell, trainings, epochs) for name, epochs in lengths.items()}


def listing(notes: tuple[str, ...]) -> dict[str, Any]:
    """Return what the formats hold beside the records; no cell is in it yet."""
    return {"meta_archs": list(all_archs()), "total_archs": N_CELLS, "notes": list(notes)}


def _state(cell: int, trainings: Trainings, epochs: int) -> dict[str, Any]:
    trials = {name: trainings.trials(cell, name, epochs) for name in RUNS}
    results = {}
    times: dict[float, dict[int, float]] = {}
    for name, by_seed in trials.items():
        seconds = trainings.seconds(cell, name)
        shared = times.setdefault(seconds, dict.fromkeys(range(epochs), seconds))
        params, flops = trainings.costs(cell, name)
        config = _config(cell, name)
        for seed, accuracies in by_seed.items():
            results[name, seed] = {
                "name": name,
                "net_state_dict": None,
                "train_acc1es": _CURVE[epochs],
                "train_acc5es": None,
                "train_losses": _CURVE[epochs],
                "train_times": shared,
                "arch_config": config,
                "params": params,
                "flop": flops,
                "seed": seed,
                "epochs": epochs,
                "latency": None,
                "eval_names": list(accuracies),
                "eval_acc1es": {f"{s}@{epochs - 1}": value for s, value in accuracies.items()},
                "eval_times": _EVALUATION,
                "eval_losses": _LOSSES[epochs],
            }
    return {
        "arch_index": cell,
        "arch_str": all_archs()[cell],
        "all_results": results,
        "dataset_seed": {name: list(by_seed) for name, by_seed in trials.items()},
        "clear_net_done": True,
        "notes": trainings.notes,
    }


def _config(cell: int, name: str) -> dict[str, Any]:
    skeleton = OFFICIAL[RUNS[name].dataset]
    return {
        "channel": skeleton.channels,
        "num_cells": skeleton.cells_per_stage,
        "arch_str": all_archs()[cell],
        "class_num": skeleton.classes,
    }
