"""What every worker process of a run has imported before its first job; imported by name alone."""

import benchsuite.replays.outcome
import benchsuite.reporting.artefacts
import benchsuite.reporting.page
import benchsuite.stats.fenwick  # noqa: F401
