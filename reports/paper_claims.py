"""Claims of the papers that replays, stated costs or columns can settle, each with a verdict."""

from __future__ import annotations

from collections.abc import Mapping

from benchsuite.api import Report, Result
from benchsuite.outcomes import Outcome
from benchsuite.table import Table
from reports import (
    edgenas_ablation,
    edgenas_cost,
    edgenas_platforms,
    mcunet_evolution,
    monas_ntk_batch,
    monas_search,
    munas_fronts,
    munas_objectives,
    munas_pruning,
    strategies,
    udc_ablation,
    udc_coding,
    udc_inflation,
    udc_sizes,
)
from reports._searches import LEVEL, claims_table
from reports._tables import DEAD, about_accuracy

VERDICTS = ("holds", "does not hold", "open")
_OF_STUDIES = (
    monas_search,
    munas_fronts,
    munas_objectives,
    munas_pruning,
    edgenas_platforms,
    edgenas_ablation,
    mcunet_evolution,
    strategies,
    udc_ablation,
    udc_inflation,
    udc_sizes,
)


def _make(table: Table, outcomes: Mapping[str, Outcome]) -> Result:
    found = [claim for module in _OF_STUDIES for claim in module.claims(table, outcomes)]
    found += [*monas_ntk_batch.claims(table), *edgenas_cost.claims(), *udc_coding.claims()]
    rows = claims_table(sorted(found, key=lambda claim: claim.paper))
    counts = rows["verdict"].value_counts()
    return Result(
        tables={"paper_claims": rows},
        notes=(
            about_accuracy(table),
            f"Verdicts on {len(rows)} claims: "
            + "; ".join(f"{name} {counts.get(name, 0)}" for name in VERDICTS)
            + ". A verdict is about this space, these costs and these accuracies, where the papers "
            "use others; n, seeds, bounds and budgets are in the notes of the report of each "
            "paper's figure or table.",
            f"open: the interval ({LEVEL}) of the difference includes none, or two parts of the "
            f"claim, or seeds where it names none, disagree. {DEAD}.",
        ),
    )


REPORT = Report(
    title="Claims: papers and ours",
    answers="what the papers say of searches and costs, each beside what the replays say",
    make=_make,
    studies=tuple(
        dict.fromkeys(study for module in _OF_STUDIES for study in module.REPORT.studies)
    ),
)
