"""A small table with every kind of column that can be kept."""

import numpy as np

from benchsuite.space.cell import N_CELLS
from benchsuite.table.columns import Column
from benchsuite.table.table import Table, Values


def small_table() -> Table:
    """Whole numbers, fractions, float32 and gaps, with reasons one and many."""

    def column(name: str) -> Column:
        return Column(name, "made up", "1", "max", "tests", "1", "proxy")

    rng = np.random.default_rng(0)
    gaps = np.where(rng.random(N_CELLS) < 0.1, np.nan, rng.random(N_CELLS))
    why = [["", "this", "that"][np.isnan(v) * (1 + i % 2)] for i, v in enumerate(gaps)]
    return Table.empty({"inputs": {"a": "b"}, "accuracy": "none"}).with_columns(
        [
            Values(column("counts@1"), np.arange(N_CELLS) * 10**9),
            Values(column("few@1"), np.arange(N_CELLS) % 7),
            Values(column("narrow@1"), rng.random(N_CELLS).astype(np.float32)),
            Values(column("gaps@1"), gaps, why),
            Values(column("empty@1"), np.full(N_CELLS, np.nan), "no reason"),
            Values(column("gappy_counts@1"), np.where(np.isnan(gaps), np.nan, 3.0), "no"),
        ]
    )
