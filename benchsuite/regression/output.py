"""A comparison as Markdown for people and as JUnit XML for a continuous-integration server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from benchsuite.regression.check import Check, Verdict

_ORDER: tuple[Verdict, ...] = ("regression", "changed", "within", "same")


def counts(checks: Sequence[Check]) -> dict[Verdict, int]:
    """Return how many checks have each verdict, the worst first."""
    found = Counter(check.verdict for check in checks)
    return {verdict: found[verdict] for verdict in _ORDER}


def sentence(checks: Sequence[Check]) -> str:
    """Return the outcome as a sentence."""
    n = counts(checks)
    return (
        f"{len(checks)} comparisons: {n['regression']} regressions, {n['changed']} other changes, "
        f"{n['within']} within tolerance, {n['same']} equal."
    )


def markdown(checks: Sequence[Check], about: Mapping[str, Any]) -> str:
    """Return a table of everything that is not equal, worst first; about: what was compared."""
    lines = [f"# {sentence(checks)}", ""]
    lines += [f"- {key}: {value}" for key, value in about.items()]
    shown = [c for verdict in _ORDER[:3] for c in checks if c.verdict == verdict]
    if shown:
        lines += ["", "| verdict | part | name | what |", "|---|---|---|---|"]
        lines += [
            f"| {c.verdict} | {c.part} | {_cell(c.name)} | {_cell(c.message)} |" for c in shown
        ]
    return "\n".join(lines) + "\n"


def junit(checks: Sequence[Check]) -> str:
    """Return JUnit XML: a test case per check, failed where it is a regression."""
    suite = ElementTree.Element(
        "testsuite",
        name="benchsuite baseline",
        tests=str(len(checks)),
        failures=str(counts(checks)["regression"]),
        errors="0",
    )
    for check in checks:
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"baseline.{check.part}", name=_printable(check.name)
        )
        text = _printable(check.message)
        if check.verdict == "regression":
            ElementTree.SubElement(case, "failure", message=text, type="regression").text = text
        else:
            ElementTree.SubElement(case, "system-out").text = f"{check.verdict}: {text}"
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _printable(text: str) -> str:
    """Drop the control characters that XML 1.0 cannot hold."""
    return "".join(c for c in text if c.isprintable() or c in "\n\t")
