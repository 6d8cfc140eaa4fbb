"""A comparison as text, Markdown and, for a continuous-integration server, JUnit XML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, get_args
from xml.etree import ElementTree

from benchsuite.regression.baseline import Baseline
from benchsuite.regression.check import Check, Verdict
from benchsuite.regression.since import since
from benchsuite.terminal import wrapped

_ORDER: tuple[Verdict, ...] = get_args(Verdict)
_ERRORS: tuple[Verdict, ...] = ("untold", "moved")


def counts(checks: Sequence[Check]) -> dict[Verdict, int]:
    """Return how many checks have each verdict, the worst first."""
    found = Counter(check.verdict for check in checks)
    return {verdict: found[verdict] for verdict in _ORDER}


def sentence(checks: Sequence[Check]) -> str:
    """Return the outcome as a sentence."""
    n = counts(checks)
    return (
        f"{len(checks)} comparisons: {n['regression']} regressions, {n['untold']} that cannot be "
        f"told, {n['moved']} moved with a library or processor, {n['changed']} other changes, "
        f"{n['within']} within tolerance, {n['same']} equal."
    )


def text(checks: Sequence[Check], about: Mapping[str, Any]) -> str:
    """Return everything that is not equal, worst first, in lines of 80 columns."""
    lines = wrapped(sentence(checks))
    lines += [line for key, value in about.items() for line in wrapped(f"{key}: {value}")]
    for check in _shown(checks):
        lines += ["", *wrapped(f"{check.verdict}: {check.part} {check.name}")]
        lines += wrapped(f"  {check.message}", indent="  ")
    return "\n".join(lines)


def markdown(checks: Sequence[Check], about: Mapping[str, Any]) -> str:
    """Return a table of everything that is not equal, worst first; about: what was compared."""
    lines = [f"# {sentence(checks)}", ""]
    lines += [f"- {key}: {value}" for key, value in about.items()]
    shown = _shown(checks)
    if shown:
        lines += ["", "| verdict | part | name | what |", "|---|---|---|---|"]
        lines += [
            f"| {c.verdict} | {c.part} | {_cell(c.name)} | {_cell(c.message)} |" for c in shown
        ]
    return "\n".join(lines) + "\n"


def sides(old: str, before: Baseline, new: str, after: Baseline) -> dict[str, str]:
    """Return what made two sets of results, which are named, and what else is different."""
    about = {
        f"{side} ({place})": f"{found.made_by['revision']}, {found.made_by['processor']}"
        for side, place, found in (("before", old, before), ("after", new, after))
    }
    found = since(before.made_by, after.made_by)
    code = {True: ["the code is another"], False: [], None: []}[found.code]
    if others := [*found.moved, *code]:
        about["different"] = ", ".join(others)
    return about


def junit(checks: Sequence[Check]) -> str:
    """Return JUnit XML, a test case per check: a failure is a regression, an error is not told."""
    suite = ElementTree.Element(
        "testsuite",
        name="benchsuite baseline",
        tests=str(len(checks)),
        failures=str(counts(checks)["regression"]),
        errors=str(sum(check.verdict in _ERRORS for check in checks)),
    )
    for check in checks:
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"baseline.{check.part}", name=_printable(check.name)
        )
        said = _printable(check.message)
        if check.verdict in ("regression", *_ERRORS):
            kind = "failure" if check.verdict == "regression" else "error"
            ElementTree.SubElement(case, kind, message=said, type=check.verdict).text = said
        else:
            ElementTree.SubElement(case, "system-out").text = f"{check.verdict}: {said}"
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _shown(checks: Sequence[Check]) -> list[Check]:
    return [check for verdict in _ORDER[:-1] for check in checks if check.verdict == verdict]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _printable(text: str) -> str:
    """Drop the control characters that XML 1.0 cannot hold."""
    return "".join(c for c in text if c.isprintable() or c in "\n\t")
