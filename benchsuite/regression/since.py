"""What else is different since a baseline was saved: libraries, processor, code.

A score may move because a library or the processor rounds otherwise. Where one of them is another,
a difference is no evidence against the code, and is judged apart from regressions.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchsuite.regression.check import Check


@dataclass(frozen=True)
class Since:
    """libraries, machine: what became what, as sentences' parts; code: whether it is another.

    code is None where a side does not say.
    """

    libraries: tuple[str, ...]
    machine: tuple[str, ...]
    code: bool | None

    @property
    def moved(self) -> tuple[str, ...]:
        """What may move a result without any change of code."""
        return self.libraries + self.machine


def since(before: Mapping[str, Any], after: Mapping[str, Any]) -> Since:
    """Return what is different, of what made two results (`Baseline.made_by`)."""
    old, new = ({**made.get("versions", {})} for made in (before, after))
    for versions in (old, new):
        versions.pop("benchsuite", None)  # That is the code.
    # Of an extra only another version counts: one more package moves nothing.
    extras, now = before.get("extras", {}), after.get("extras", {})
    both = extras.keys() & now.keys()
    old |= {name: extras[name] for name in both}
    new |= {name: now[name] for name in both}
    machine = [
        f"{what} {before[what]} became {after[what]}"
        for what in ("machine", "processor")
        if what in before and what in after and before[what] != after[what]
    ]
    switches = _became(before.get("switches", {}), after.get("switches", {}))
    codes = before.get("code"), after.get("code")
    return Since(
        tuple(_became(old, new)),
        (*machine, *switches),
        None if None in codes else codes[0] != codes[1],
    )


def judged(checks: Iterable[Check], found: Since) -> Iterator[Check]:
    """Yield checks with what to do about regressions; those that may not be the code's are `moved`.

    What is gone, and so has no numbers, is gone by no library.
    """
    for check in checks:
        if check.verdict != "regression":
            yield check
        elif found.moved and check.numbers:
            yield dataclasses.replace(
                check, verdict="moved", message=f"{check.message} {_moved(found)}"
            )
        elif "version" in check.numbers:
            advice = (
                f"The version is still {check.numbers['version']}: undo the change, or raise the "
                "version and save a new baseline."
            )
            yield dataclasses.replace(check, message=f"{check.message} {advice}")
        else:
            yield check


def _moved(found: Since) -> str:
    what = "The library moved" if found.libraries else "The processor moved"
    code = {
        True: "the code changed as well, so this cannot be told apart",
        False: "the code is the same",
        None: "whether the code changed is not known",
    }[found.code]
    return (
        f"{what}: {', '.join(found.moved)}; {code}. Compare with what the baseline was made with, "
        "or save it again."
    )


def _became(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    names = sorted({*old, *new})
    return [
        f"{name} {old.get(name, 'none')} became {new.get(name, 'none')}"
        for name in names
        if old.get(name) != new.get(name)
    ]
