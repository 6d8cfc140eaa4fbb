"""The table that a command works on: everything that is known, or one that was written earlier."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchsuite.assembly.own_scores import Scores
    from benchsuite.table.table import Table


def the_table(written: Path | None, scores: Scores | None, plugin_folders: Sequence[Path]) -> Table:
    """Return the table of a file, or else everything that is known, with scores of one's own."""
    from benchsuite.face.tables import load

    return load(written, scores=scores, plugins=() if written else plugin_folders)
