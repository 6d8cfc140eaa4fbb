"""Search traces for the page: the incumbents of every seed, and every look of the first seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from benchsuite.replays.outcome import Outcome

SEEDS = 30
PATHS = 3
LOOKS = 600


def pack(outcomes: Mapping[str, Outcome]) -> list[dict[str, Any]]:
    """Return, per study with traces, its searches as plain values.

    A search holds `seeds`, at most `SEEDS` of them: seconds of the simulated clock and number of
    looks at which the best cell so far changed, the cells that it changed to, and where the
    search ended; `paths`, the cells looked at in order, at most `LOOKS`, of `PATHS` seeds;
    `answers`, the feasible picks of a search that never queries, so that it has no best cell so
    far; and whether its picks are `compressed`, so that no column of the table is theirs.
    """
    studies = []
    for name, outcome in sorted(outcomes.items()):
        listed = [
            _search(entry.label, entry.strategy, outcome)
            for entry in outcome.study.searches
            if outcome.trace_files.get(entry.label)
        ]
        if listed:
            studies.append({"study": name, "searches": listed})
    return studies


def _search(label: str, strategy: str, outcome: Outcome) -> dict[str, Any]:
    trace = outcome.trace(label)
    entry = next(e for e in outcome.study.searches if e.label == label)
    by_seed = [(int(str(seed)), looks) for seed, looks in trace.groupby("seed")]
    seeds = [_incumbents(seed, looks) for seed, looks in by_seed[:SEEDS]]
    queried = any(seed["cells"] for seed in seeds)
    runs = outcome.runs[outcome.runs["search"] == label]
    picks = zip(outcome.fronts[label], runs["feasible"], strict=True)
    return {
        "label": label,
        "strategy": strategy,
        "dataset": entry.setting.dataset,
        "seeds_in_all": len(by_seed),
        "seeds": seeds,
        "answers": [] if queried else [cells[0] for cells, feasible in picks if feasible],
        "compressed": "kept" in runs and bool(runs["kept"].notna().any()),
        "paths": [_path(seed, looks) for seed, looks in by_seed[:PATHS]],
    }


def _incumbents(seed: int, looks: pd.DataFrame) -> dict[str, Any]:
    best = looks["best"].to_numpy()
    clock = looks["clock"].to_numpy()
    changed = [i for i in range(len(best)) if best[i] >= 0 and (i == 0 or best[i] != best[i - 1])]
    return {
        "seed": seed,
        "seconds": [round(float(clock[i]), 1) for i in changed],
        "looks": [i + 1 for i in changed],
        "cells": [int(best[i]) for i in changed],
        "end": [round(float(clock[-1]), 1) if len(clock) else 0.0, len(looks)],
    }


def _path(seed: int, looks: pd.DataFrame) -> dict[str, Any]:
    cells = looks["cell"].to_numpy()
    known = [int(cell) for cell in cells if cell >= 0]
    once = [cell for i, cell in enumerate(known) if i == 0 or cell != known[i - 1]]
    return {"seed": seed, "cells": once[:LOOKS], "looks": len(once)}
