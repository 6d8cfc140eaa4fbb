"""Every table and figure of the five papers, and what stands for it here or why nothing can."""

from __future__ import annotations

from benchsuite.api import Report, Result
from benchsuite.reports._common.tables import published
from benchsuite.table.table import Table


def _make(table: Table) -> Result:
    rows = published("artefacts").fillna("")
    made = int((rows["stands for it"] != "").sum())
    return Result(
        tables={"paper_artefacts": rows},
        notes=(
            f"{made} of the {len(rows)} printed tables and figures have a counterpart here, named "
            "by the table or figure of a report; where that differs from the paper's, the last "
            "column says how. EdgeNAS numbers none: its sections with results are listed. Titles "
            "are this project's words. No accuracy enters.",
        ),
    )


REPORT = Report(
    title="Tables and figures of the papers",
    answers="which printed tables and figures have a counterpart here, and why others have none",
    make=_make,
)
