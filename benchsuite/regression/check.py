"""One comparison of a later result with a baseline, and its verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Part = Literal["baseline", "columns", "scores", "sample", "tau", "replays", "speeds"]
Verdict = Literal["regression", "untold", "moved", "changed", "within", "same"]
Outcome = Literal["pass", "regression", "untold", "moved"]


@dataclass(frozen=True)
class Check:
    """What was compared and what came of it.

    verdict: `same` if equal, `within` a tolerance, `changed` otherwise but not for the worse (an
    improvement, or a version that was raised), `regression`, `moved` if it differs but libraries or
    the processor did too, `untold` if nothing could be compared; message: a sentence with the
    values and the test; numbers: the same for machines.
    """

    part: Part
    name: str
    verdict: Verdict
    message: str
    numbers: Mapping[str, Any] = field(default_factory=dict)


def outcome(checks: Sequence[Check]) -> Outcome:
    """Return what a comparison comes to: `pass` only if everything was compared and held."""
    verdicts = {check.verdict for check in checks}
    if "regression" in verdicts:
        return "regression"
    if not checks or "untold" in verdicts:
        return "untold"
    return "moved" if "moved" in verdicts else "pass"


def exit_code(checks: Sequence[Check]) -> int:
    """Return 0 for `pass`, 1 for a regression, 4 for what moved with a library, 2 for the rest."""
    return {"pass": 0, "regression": 1, "moved": 4}.get(outcome(checks), 2)
