"""Measure what a baseline keeps: the table and its tau, sampled scores, replays, speeds."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchsuite import plugins, provenance
from benchsuite.api import Proxy
from benchsuite.assembly.assemble import assemble, of_cost, proxy_values
from benchsuite.assembly.own_scores import Scores
from benchsuite.digest import digest
from benchsuite.errors import UserError
from benchsuite.packages import files_below
from benchsuite.regression import timing
from benchsuite.regression.baseline import FRAMES, Baseline, Settings
from benchsuite.regression.replays import replays
from benchsuite.regression.tolerances import Tolerances
from benchsuite.replays.judgement import estimated
from benchsuite.revision import sources
from benchsuite.table.columns import DATASETS
from benchsuite.table.table import Table

if TYPE_CHECKING:
    import pandas as pd

Say = Callable[[str], None]

_KEPT = ("class", "cost", "device", "proxy")
_SWITCHES = (
    "ATEN_CPU_CAPABILITY",
    "GLIBC_TUNABLES",
    "MKL_CBWR",
    "NPY_DISABLE_CPU_FEATURES",
    "OPENBLAS_CORETYPE",
)


def measure(
    settings: Settings,
    studies: Mapping[str, str],
    *,
    plugin_folders: Sequence[Path] = (),
    scores: Scores | None = None,
    before: Baseline | None = None,
    allowed: Tolerances | None = None,
    say: Say = lambda text: None,
) -> Baseline:
    """Measure everything the settings name, and the studies' searches.

    before: an earlier baseline, and what may differ from it; where a speed looks slower by half of
    what is allowed, it is measured again (`timing.taken`). Raises UserError for a plug-in, study or
    table that cannot be used.
    """
    table = None
    if settings.table or studies:
        say("Assembling the table ...")
        table = assemble(plugin_folders, scores)
    frames: dict[str, pd.DataFrame] = {}
    speeds: list[dict[str, Any]] = []
    good = _good(before, allowed or Tolerances())
    if settings.table and table is not None:
        say(f"Tau-b of its proxies, {settings.resamples} resamples ...")
        frames["tau"] = _tau(table, settings)
    if settings.proxies:
        frames["scores"], times = _scores(settings, plugin_folders, good, say)
        speeds += times
    if studies and table is not None:
        frames["replays"], times = replays(studies, table, plugin_folders, good, say)
        speeds += times
    if speeds:
        frames["speeds"] = _frame("speeds", speeds)
    kept = _kept(table) if settings.table and table is not None else None
    exact = _exact(kept, plugin_folders) if kept is not None else ()
    made_by = {**machine(), **_key(settings, table, plugin_folders)}
    if "replays" in frames and table is not None:
        datasets = sorted(set(frames["replays"]["dataset"]))
        made_by["estimated"] = [d for d in datasets if "regret" in estimated(table, d)]
    return Baseline(settings, made_by, kept, exact, frames, dict(studies))


def _key(settings: Settings, table: Table | None, plugin_folders: Sequence[Path]) -> dict[str, str]:
    """Return digests of what the results are a function of besides the settings and studies.

    accuracy: where the accuracies are from, in words.
    """
    names = [kind.folder for kind in plugins.KINDS.values()]
    roots = plugins.roots(plugin_folders)
    own = [files_below(root / name, links=True) for root in roots for name in names]
    found = {"code": digest(sources(), own)[:12]}
    if settings.proxies:
        from benchsuite.proxies._scoring.images import content

        found["images"] = content(settings.images)[:12]
    if table is not None:
        inputs = {k: table.provenance.get(k) for k in ("accuracy", "inputs")}
        found["accuracies"] = digest(inputs)[:12]
        if inputs["accuracy"]:
            found["accuracy"] = str(inputs["accuracy"])
    return found


def machine() -> dict[str, Any]:
    """Return versions, code revision and the machine, so far as rounding and speed depend on it.

    extras: versions of libraries that need not be there; switches: the variables that choose the
    instructions that libraries compute with.
    """
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if "model name" in line]
    except OSError:
        names = []
    processor = names[0] if names else platform.processor() or "unknown"
    switches = {name: os.environ[name] for name in _SWITCHES if os.environ.get(name)}
    return {
        **provenance.environment(),
        "processor": processor,
        "processors": os.cpu_count() or 1,
        "extras": provenance.optional_versions(),
        "switches": switches,
    }


def _kept(table: Table) -> Table:
    """Return the part of a table that a baseline keeps: no details, accuracies after 200 epochs."""
    gone = [
        name
        for name, column in table.columns.items()
        if column.kind not in _KEPT
        and not (
            column.kind == "accuracy" and column.epochs == 200 and column.aggregation == "mean"
        )
    ]
    return table.without(gone)


def _exact(table: Table, plugin_folders: Sequence[Path]) -> tuple[str, ...]:
    """Return the columns that are a function of the cells' structure."""
    analytic = {plugin.name for plugin, _ in of_cost("analytic", plugin_folders)}
    return tuple(
        name
        for name, column in table.columns.items()
        if column.kind in ("class", "cost", "device", "accuracy")
        or (column.kind == "proxy" and column.family in analytic)
    )


def _tau(table: Table, settings: Settings) -> pd.DataFrame:
    from benchsuite.ranking.correlations import correlations

    rows = correlations(table, resamples=settings.resamples, seed=settings.seed, cells=["all"])
    return rows[list(FRAMES["tau"])]


def _scores(
    settings: Settings, plugin_folders: Sequence[Path], good: Mapping[str, float], say: Say
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Score the sample anew and time each proxy; the sample's accuracies stand beside."""
    from benchsuite.proxies._tabulation.tabulate import choose_cells

    proxies: dict[str, Proxy] = {
        name: plugins.load("proxies", name, plugin_folders) for name in settings.proxies
    }
    if combined := [name for name, proxy in proxies.items() if proxy.combine is not None]:
        raise UserError(
            f"The proxy {combined[0]} is computed of other columns and has no scores of its own "
            "on a sample; --table keeps it, with the whole table."
        )
    cells = choose_cells(str(settings.cells), settings.seed)
    rows: list[dict[str, Any]] = []
    for name, proxy in proxies.items():
        if proxy.all_cells is not None:
            columns = proxy.columns(name, proxy.formula)
            for suffix, values in proxy_values(name, proxy, settings.skeleton).items():
                column = columns[suffix]
                rows += [
                    _row(column.name, "analytic", column.direction, c, float(values[c]), "")
                    for c in cells
                ]
    scoring = {name: proxy for name, proxy in proxies.items() if proxy.score is not None}
    speeds: list[dict[str, Any]] = []
    if scoring:
        scored, speeds = _scored(settings, scoring, cells, plugin_folders, good, say)
        rows += scored
    return _frame("scores", rows + _truths(cells)), speeds


def _scored(
    settings: Settings,
    proxies: Mapping[str, Proxy],
    cells: Sequence[int],
    plugin_folders: Sequence[Path],
    good: Mapping[str, float],
    say: Say,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    from benchsuite.proxies._tabulation import sample
    from benchsuite.proxies._tabulation.spec import Spec

    spec = Spec(
        tuple(proxies),
        settings.skeleton,
        settings.batch_size,
        settings.seed,
        settings.images,
        tuple(plugin_folders),
    )
    say(f"Scoring {len(cells)} cells with {len(proxies)} proxies ...")
    found = sample.scores(spec, cells)
    rows: list[dict[str, Any]] = []
    for name, proxy in proxies.items():
        for suffix, column in proxy.columns(name, proxy.formula).items():
            values = found[f"{name}.{suffix}" if suffix else name]
            rows += [
                _row(column.name, "proxy", column.direction, cell, *value)
                for cell, value in zip(cells, values, strict=True)
            ]
    reference, speeds = sample.reference(), []
    for name in proxies:
        say(f"Timing {name} ...")
        taken = timing.taken(sample.timed(spec, name, cells), reference, good.get(f"proxy {name}"))
        speeds.append(taken.row(f"proxy {name}", "convolutions"))
    return rows, speeds


def _truths(cells: Sequence[int]) -> list[dict[str, Any]]:
    from benchsuite.assembly.accuracy import accuracies

    table = accuracies()
    rows = []
    for dataset in DATASETS:
        name = table.resolve(f"{dataset}.test.200ep.mean")
        values = table.values(name)
        rows += [_row(name, "accuracy", "max", c, float(values[c]), "") for c in cells]
    return rows


def _row(
    column: str, kind: str, direction: str, cell: int, value: float, reason: str
) -> dict[str, Any]:
    return {
        "column": column,
        "kind": kind,
        "direction": direction,
        "cell": cell,
        "value": value,
        "reason": reason,
    }


def _good(before: Baseline | None, allowed: Tolerances) -> dict[str, float]:
    """Return, for each speed of a baseline, up to which ratio it needs no second measurement."""
    if before is None or "speeds" not in before.frames:
        return {}
    rows = before.frames["speeds"]
    return {
        what: ratio * (1 + (allowed.of("speeds", what).slower - 1) / 2)
        for what, ratio in zip(rows["what"], rows["ratio"], strict=True)
    }


def _frame(name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=list(FRAMES[name]))


def checked(settings: Settings) -> Settings:
    """Return settings whose numbers can be measured; UserError for those that cannot."""
    for name in ("cells", "batch_size", "resamples"):
        if getattr(settings, name) < 1:
            raise UserError(f"{name} is {getattr(settings, name)}; 1 or more are needed.")
    from benchsuite.stats import enough_resamples

    enough_resamples(settings.resamples)
    return settings
