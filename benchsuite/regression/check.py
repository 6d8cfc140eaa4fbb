"""One comparison of a later result with a baseline, and its verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Part = Literal["columns", "scores", "sample", "tau", "replays", "speeds"]
Verdict = Literal["same", "within", "changed", "regression"]


@dataclass(frozen=True)
class Check:
    """What was compared and what came of it.

    verdict: `same` if equal, `within` a tolerance or no evidence, `changed` otherwise but not for
    the worse (an improvement, or a version that was raised), `regression`; message: a sentence with
    the numbers and the test; numbers: the same for machines.
    """

    part: Part
    name: str
    verdict: Verdict
    message: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
