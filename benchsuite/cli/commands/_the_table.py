"""The table that a command works on: assembled now, or written earlier."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchsuite.assembly.own_scores import Scores
from benchsuite.table.table import Table


def the_table(written: Path | None, scores: Scores | None, plugin_folders: Sequence[Path]) -> Table:
    """Return the table of a file, or else everything that is known, with scores of one's own.

    A table that was written has its scores already: those of the working folder stay out of it, and
    those named may add columns but replace none.
    """
    from benchsuite.assembly import own_scores
    from benchsuite.assembly.assemble import assemble

    if written is None:
        return assemble(plugin_folders, scores)
    named = scores if scores and scores.named else None
    return own_scores.join(Table.open(written), named, replacing=False)
