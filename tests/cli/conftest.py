"""Where lines of documents are run."""

import pytest
import threads as in_threads

from benchsuite.assembly import whole as kept
from benchsuite.parallel import pool

STUDY = """schema = 1
name = "few"
[[searches]]
strategy = "random"
seeds = 3
budget = { queries = 5 }
"""


@pytest.fixture
def tour(shipped_table, only_what_ships, monkeypatch):
    """A folder to run in, the table made once, threads in place of worker processes."""
    monkeypatch.setattr(kept, "whole_table", lambda *_, **__: shipped_table)
    monkeypatch.setattr(pool, "processes", in_threads.threads)
    (only_what_ships / "FILE.toml").write_text(STUDY)
    rows = ((1835, 150), (186, 114), (4317, 206), (3043, 124), (1462, 686), (6960, 205))
    lines = ["cell,milliseconds", *(f"{cell},{ms}" for cell, ms in rows)]
    (only_what_ships / "my.csv").write_text("\n".join(lines))
    scores = ["index,mine", *(f"{cell},{cell % 7}" for cell in range(0, 15_625, 100))]
    (only_what_ships / "mine.csv").write_text("\n".join(scores))
    return only_what_ships
