"""What MONAS' live searches answer, as it ships: by seed, weight and setting.

A live search measures hundreds of supernets, so the answers are computed once, by

    python -m benchsuite.reports._common.live_runs --images FOLDER --table TABLE

which goes on where it was stopped, and ship as `answers_monas_live.csv` beside the reports: a row
per search, with what differs from `monas_live.Parameters` in `setting`. Any row is repeated by
`benchsuite replay monas_live --first-seed SEED --seeds 1` with its parameters.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchsuite import plugins
from benchsuite.errors import UserError
from benchsuite.files import shipped, write_text
from benchsuite.notations import json_text
from benchsuite.replays.run import replay
from benchsuite.simulation.problem import prepare
from benchsuite.simulation.search import Budget
from benchsuite.simulation.setting import Setting
from benchsuite.table.table import Table

FILE = shipped("answers_monas_live.csv", "benchsuite.reports")
COLUMNS = ("setting", "device", "weighs", "weight", "seed", "cell", "seconds")
RUNTIME = "monas2024"  # The authors' latency table.
SEEDS, SEEDS_OF_OTHERS = 30, 3
MAIN = ""
_WEIGHTS = {
    ("stm32f746", "mu"): (0.0, 0.5, 0.6, 0.7, 0.8),
    ("stm32l432", "mu"): (0.5, 0.7, 0.8, 0.85, 0.88),
    ("stm32f746", "lambda_"): (0.5, 0.6, 0.7, 0.8),
}
_SMALL = {"resolution": 16}
_TE_NAS = {"order": 0, "batch": 72}  # Without costs: TE-NAS' search, but for ties and batches.
OTHERS: tuple[Mapping[str, Any], ...] = (
    {},
    {"order": 0},
    {"batch": 128},
    {"order": 0, "batch": 128},
    {"init": "kaiming"},
    {"ranks": "positional"},
    {"ties": "first"},
    {"order": 0, "ties": "first"},
    {"batches": "candidate"},
    {"none": True},
    {"cost": "mean"},
)


def searches() -> Iterator[tuple[str, str, str, float, int]]:
    """Yield what is searched for: setting, device, what is weighed, its weight, seed."""
    for seed in range(SEEDS):
        for (device, weighs), weights in _WEIGHTS.items():
            yield from ((MAIN, device, weighs, weight, seed) for weight in weights)
    for seed in range(SEEDS):
        yield json_text(_TE_NAS), "stm32f746", "mu", 0.0, seed
    for other in OTHERS:
        setting = json_text({**_SMALL, **other})
        for seed in range(SEEDS_OF_OTHERS):
            for weight in _WEIGHTS["stm32f746", "mu"]:
                yield setting, "stm32f746", "mu", weight, seed


def main(arguments: Sequence[str] | None = None) -> int:
    """Search for what is missing in the file, seed by seed; return the exit code."""
    parser = argparse.ArgumentParser(description="Search for MONAS' answers that are missing.")
    parser.add_argument("--images", required=True, help="folder of CIFAR-10")
    parser.add_argument("--table", type=Path, required=True, help="of `benchsuite table`")
    parser.add_argument("--seeds", type=int, nargs=2, default=(0, SEEDS), metavar=("FROM", "TO"))
    parser.add_argument("--out", type=Path, default=FILE, help=f"default: {FILE}")
    options = parser.parse_args(arguments)
    try:
        _fill(Table.open(options.table), options.images, range(*options.seeds), options.out)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _fill(table: Table, images: str, seeds: range, out: Path) -> None:
    rows = read(out) if out.exists() else []
    done = {tuple(row[name] for name in COLUMNS[:5]) for row in rows}
    problems = {
        device: prepare(table, Setting(device=device, runtime=RUNTIME))
        for device in {device for device, _ in _WEIGHTS}
    }
    strategy = plugins.load("strategies", "monas_live")
    for setting, device, weighs, weight, seed in searches():
        key = (setting, device, weighs, str(weight), str(seed))
        if key in done or seed not in seeds:
            continue
        given = {weighs: weight, **(json.loads(setting) if setting else {})}
        parameters = strategy.parameters(images=images, progress=False, **given)
        start = time.process_time()
        run = replay(strategy, problems[device], Budget(seconds=1e9), parameters, seed)
        seconds = time.process_time() - start
        rows.append(dict(zip(COLUMNS, (*key, str(run.answer[0]), f"{seconds:.1f}"), strict=True)))
        print(", ".join(rows[-1].values()), flush=True)
        _write(out, rows)


def read(path: Path = FILE) -> list[dict[str, str]]:
    """Return the rows of the file of answers."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    lines = [",".join(COLUMNS)]
    for row in rows:
        setting = row["setting"].replace('"', '""')
        lines.append(",".join([f'"{setting}"' * bool(setting), *list(row.values())[1:]]))
    write_text(path, "\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
