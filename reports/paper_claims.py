"""Claims of the papers that replays, stated costs or columns can settle, each with a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from benchsuite.api import Outcome, Report, Result
from benchsuite.reports import (
    edgenas_ablation,
    edgenas_cost,
    edgenas_platforms,
    mcunet_binaries,
    mcunet_evolution,
    mcunet_limits,
    mcunet_memory,
    mcunet_operators,
    monas_ntk,
    monas_ntk_batch,
    monas_search,
    munas_fronts,
    munas_macs_latency,
    munas_objectives,
    munas_pruning,
    munas_sparse,
    strategies,
    udc_ablation,
    udc_cifar100,
    udc_coding,
    udc_inflation,
    udc_number_format,
    udc_sizes,
    udc_variance,
)
from benchsuite.reports._common.searches import claims_table
from benchsuite.reports._common.tables import DEAD, about_accuracy
from benchsuite.reports._common.verdicts import (
    AFFORDABLE,
    DEAR,
    FAILS,
    HOLDS,
    KINDS,
    NOT_HERE,
    SHARE,
    UNDECIDED,
)
from benchsuite.stats.intervals import SEEDS
from benchsuite.table.table import Table

_OF_STUDIES = (
    monas_search,
    munas_fronts,
    munas_objectives,
    munas_pruning,
    edgenas_platforms,
    edgenas_ablation,
    mcunet_evolution,
    mcunet_limits,
    mcunet_memory,
    strategies,
    udc_ablation,
    udc_cifar100,
    udc_inflation,
    udc_sizes,
    udc_variance,
)
_OF_COLUMNS = (
    mcunet_binaries,
    mcunet_operators,
    monas_ntk,
    monas_ntk_batch,
    munas_macs_latency,
    munas_sparse,
)


def _make(table: Table, outcomes: Mapping[str, Outcome]) -> Result:
    claims = [claim for module in _OF_STUDIES for claim in module.claims(table, outcomes)]
    claims += [claim for module in _OF_COLUMNS for claim in module.claims(table)]
    claims += [*edgenas_cost.claims(), *udc_coding.claims(), *udc_number_format.claims()]
    rows = claims_table(sorted(claims, key=lambda claim: claim.paper))
    tested = rows[rows["printed alone"] == "no"]
    counts = Counter(claim.verdict.kind for claim in claims if not claim.printed_alone)
    held = Counter(tested["after Holm"])
    family = int(tested["p"].notna().sum())
    dear = tested["verdict"].str.contains(DEAR).sum()
    return Result(
        tables={"paper_claims": rows},
        notes=(
            about_accuracy(table),
            f"Verdicts on {len(tested)} claims: "
            + "; ".join(f"{name} {counts[name]}" for name in KINDS)
            + f". Printed alone, apart from these, are {len(rows) - len(tested)} statements that "
            "are held against other printed ones; nothing was run for them. A verdict is about "
            "this space, these costs and these accuracies, where the papers use others; n, seeds, "
            "bounds and budgets are in the notes of the report of each paper's figure or table.",
            f"{HOLDS}, {FAILS}: the 95 % interval over {SEEDS} seeds or more lies above, below "
            "the margin, for every part of the claim; of what a search does in most seeds the "
            f"margin is {SHARE:.0%} of them, which is ours. {UNDECIDED}: neither, or fewer seeds; "
            f"of these {dear} would be decided by seeds that take more than {AFFORDABLE / 60:g} "
            "minutes of a core, which are not run; how often the intervals cover is in "
            f"docs/intervals.md. {NOT_HERE}: not by these searches, whatever the seeds. Where "
            "every seed gives one answer n is 1. Identities are no claims, and a claim counts "
            f"once. {DEAD}.",
            f"after Holm: the same, corrected for the {family} claims that "
            f"were tested (p: two-sided, of the margin; exact ones stay); then {held[HOLDS]} hold, "
            f"{held[FAILS]} do not and {held[UNDECIDED]} are undecided.",
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
