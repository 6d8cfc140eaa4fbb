"""The documents in Markdown: findings, and a page per paper with its claims, tables and figures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from benchsuite.errors import UserError
from benchsuite.notations import markdown_text
from benchsuite.reporting import layout
from benchsuite.reporting.results.contents import Contents, Finding, Page, answered

if TYPE_CHECKING:
    import pandas as pd

FRONT = "README.md"
OPEN = 16  # rows that are shown without a click
SHOWN = 45  # rows that are shown at all
LISTED = 900  # rows of a table that has a file beside the page
CELLS = {"index", "arch"}  # columns of tables of single cells, of which no long one is copied
NARROW = 4  # columns of a table that has room for the text of a cell
WIDEST = 24  # columns of a table that is shown
CLAIMS = ("where", "claim", "ours", "verdict")
ALONE = "contradicted in print"


@dataclass(frozen=True)
class Run:
    """What `benchsuite run --json` printed."""

    reports: Mapping[str, Mapping[str, Any]]
    provenance: Mapping[str, Any]
    left_out: Mapping[str, str]

    @property
    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """The rows of every table by its name."""
        return {
            name: rows for made in self.reports.values() for name, rows in made["tables"].items()
        }

    @property
    def kind(self) -> str:
        """Whether accuracies are measured."""
        return "ESTIMATED" if "ESTIMATED" in str(self.provenance["accuracy"]) else "measured"

    def figures(self, report: str) -> list[str]:
        """Return the paths of a report's figures as pixels."""
        return [str(name) for name in self.reports[report]["files"] if str(name).endswith(".png")]


def documents(run: Run, contents: Contents) -> dict[str, str]:
    """Return every document, Markdown and CSV, by the name of its file.

    Raises UserError, a sentence, if a finding lacks a number, a report a page or an artefact a
    place.
    """
    at = placed(run, contents)
    texts = {FRONT: _text(_front(run, contents, at))}
    for page in contents.pages:
        texts[page.file] = _text(_page(run, contents, page, at))
    for name, rows in run.tables.items():
        if rows and f"table {name}" in at and _copied(rows):
            texts[f"tables/{name}.csv"] = _csv(rows)
    return texts


def placed(run: Run, contents: Contents) -> dict[str, str]:
    """Return the address of every `table NAME` and `figure NAME` that was made."""
    at: dict[str, str] = {}
    for name, made in run.reports.items():
        if name == contents.claims:
            at[f"table {name}"] = "#claims"
        if name in (contents.claims, contents.artefacts):
            continue
        page = _page_of(name, made, contents)
        at |= {f"table {table}": f"{page}#table-{table}" for table in made["tables"]}
        for path in run.figures(name):
            at[f"figure {_stem(path)}"] = f"{page}#figure-{_stem(path)}"
    return at


def _page_of(name: str, made: Mapping[str, Any], contents: Contents) -> str:
    for page in contents.pages:
        if any(fnmatchcase(name, pattern) for pattern in page.reports):
            return page.file
    for page in contents.pages:
        if page.paper and page.paper == made["group"]:
            return page.file
    raise UserError(f"The report {name} has no page; name it in the contents.")


def _front(run: Run, contents: Contents, at: Mapping[str, str]) -> Iterator[str]:
    made_by = run.provenance["made_by"]
    yield "# Results"
    yield (
        f"{len(contents.findings)} questions, each with the number that answers it, the accuracy "
        "that is meant and a link to the table or figure. Everything here is made of the output of "
        f"one run of version {made_by['versions']['benchsuite']} by `collect.py`; nothing is typed "
        "by hand. An interval [a, b] is of 95 %: of a mean over seeds ([how often it holds "
        "it](../intervals.md)), or of resamples of cells; a finding says where it is something "
        "else. Devices are [simulated](../../benchsuite/data/README.md)."
    )
    yield "## Findings"
    for finding in contents.findings:
        yield _finding(run, contents, finding, at)
    yield "## Pages"
    yield "\n".join(f"- [{page.title}]({page.file}): {_count(page, at)}" for page in contents.pages)
    yield "## Claims"
    yield (
        "What the papers say of searches and costs, by verdict. Each paper's page has its claims. "
        "Undecided are those that more seeds or draws would decide; what cannot be tested here, no "
        "number of seeds would. The last column counts, apart from the others, statements that "
        "another printed statement contradicts: nothing was run for them."
    )
    yield _claims_by_paper(run.tables.get(contents.claims, []))
    yield "## What this was made of"
    yield f"Accuracies: {run.provenance['accuracy']}. Table {str(run.provenance['table'])[:12]}."
    yield (
        "Numbers that moved from run to run, and why: [moved.md](moved.md). Is this current? "
        "`python docs/results/collect.py --check` tells, without a run."
    )
    for name, why in run.left_out.items():
        yield f"Not made: {name}. {why}"


def _finding(run: Run, contents: Contents, finding: Finding, at: Mapping[str, str]) -> str:
    said = answered(finding, run.tables, contents)
    if finding.artefact not in at:
        raise UserError(
            f"The finding {finding.question!r} points at the {finding.artefact}, which this run "
            "has not made."
        )
    if finding.truth not in contents.truths:
        raise UserError(f"The finding {finding.question!r} is of an unknown truth.")
    truth = contents.truths[finding.truth].format(kind=run.kind)
    what = finding.artefact.split()[0].capitalize()
    return f"**{finding.question}**<br>{said} *Truth: {truth}.* [{what}]({at[finding.artefact]})"


def _count(page: Page, at: Mapping[str, str]) -> str:
    here = [name for name, address in at.items() if address.startswith(f"{page.file}#")]
    tables = sum(name.startswith("table") for name in here)
    figures = len(here) - tables
    return f"{tables} tables, {figures} {'figure' if figures == 1 else 'figures'}"


def _claims_by_paper(claims: Sequence[Mapping[str, Any]]) -> str:
    import pandas as pd

    verdicts = ("holds", "does not hold", "undecided", "cannot be tested here")
    counts: dict[str, dict[str, int]] = {}
    for row in claims:
        of = counts.setdefault(row["paper"], dict.fromkeys((*verdicts, ALONE), 0))
        kind = row["verdict"].split(" (")[0]
        if row["printed alone"] != "yes":
            of[kind] += 1
        elif kind != verdicts[0]:
            of[ALONE] += 1
    rows = [{"paper": paper, **of} for paper, of in sorted(counts.items())]
    return "\n".join(_table(pd.DataFrame(rows), None)) if rows else ""


def _page(run: Run, contents: Contents, page: Page, at: Mapping[str, str]) -> Iterator[str]:
    yield f"# {page.title}"
    yield f"[All findings]({FRONT})"
    if page.paper:
        yield from _about_paper(run, contents, page, at)
    reports = {
        name: made
        for name, made in run.reports.items()
        if name not in (contents.claims, contents.artefacts)
        and _page_of(name, made, contents) == page.file
    }
    for name in sorted(reports, key=lambda name: _natural(reports[name]["title"])):
        yield from _report(run, contents, name)


def _about_paper(run: Run, contents: Contents, page: Page, at: Mapping[str, str]) -> Iterator[str]:
    import pandas as pd

    rows = [row for row in run.tables.get(contents.artefacts, []) if row["paper"] == page.paper]
    if rows:
        yield "## What stands for what"
        listed = [
            {
                "printed": row["printed"],
                "shows": row["shows"],
                "here": _links(row["stands for it"], page, at),
                "why none, or what differs": row["why none or what differs"],
            }
            for row in rows
        ]
        yield "\n".join(_table(pd.DataFrame(listed), None))
    rows = [row for row in run.tables.get(contents.claims, []) if row["paper"] == page.paper]
    if rows:
        yield "## Claims"
        shown = pd.DataFrame(
            [{**{name: row[name] for name in CLAIMS}, "verdict": _corrected(row)} for row in rows]
        )
        yield "\n".join(_table(shown.map(contents.worded), None))
        yield f"With n, margins, rules and p-values: [CSV](tables/{contents.claims}.csv)."


def _corrected(claim: Mapping[str, Any]) -> str:
    """Return a verdict, with what Holm's correction leaves of it where that is another."""
    verdict, left = str(claim["verdict"]), str(claim["after Holm"])
    changed = left and not verdict.startswith(left)
    return f"{verdict}; {left} with Holm's correction" if changed else verdict


def _links(named: str, page: Page, at: Mapping[str, str]) -> str:
    links = []
    for name in filter(None, named.split("; ")):
        if name not in at:
            raise UserError(f"{page.paper}: the {name} stands for a printed one and is not made.")
        links.append(f"[{name.split()[0]}]({at[name].removeprefix(page.file)})")
    return ", ".join(links)


def _report(run: Run, contents: Contents, name: str) -> Iterator[str]:
    made = run.reports[name]
    yield f"## {made['title']}"
    answers = made["answers"]
    yield f"{_begun(answers).rstrip('.?')}{'?' if answers[-1] == '?' else '.'}"
    for path in run.figures(name):
        stem = _stem(path)
        yield f'<a id="figure-{stem}"></a>\n\n![{made["title"]}: {answers}]({stem}.png)'
    for table, rows in made["tables"].items():
        yield from _shown(table, rows, contents)
    if made["notes"]:
        notes = "\n".join(f"- {contents.worded(note)}" for note in made["notes"])
        yield _folded("Notes: what is shown, how many, which accuracies", notes)


def _begun(text: str) -> str:
    """Return a text as a sentence begins: a name like muNAS as it is written."""
    first = text.split(maxsplit=1)[0]
    return text if first[1:] != first[1:].lower() else text[:1].upper() + text[1:]


def _shown(name: str, rows: Sequence[Mapping[str, Any]], contents: Contents) -> Iterator[str]:
    """Yield a table: its first columns, and what is more, folded or as a file beside the page."""
    import pandas as pd

    yield f'<a id="table-{name}"></a>'
    told = f"**{name.replace('_', ' ')}**, {len(rows):,} {'row' if len(rows) == 1 else 'rows'}"
    if not rows:
        yield f"{told}."
        return
    file = f"[CSV](tables/{name}.csv)" if _copied(rows) else "its file is written by a run"
    if len(rows) > SHOWN or len(rows[0]) > WIDEST + layout.COLUMNS:
        yield f"{told}: {file}."
        return
    table = pd.DataFrame(rows)
    first = [column for column in contents.tables.get(name, ()) if column in table]
    missing = set(contents.tables.get(name, ())) - set(first)
    if missing:
        raise UserError(f"The table {name} has no column {sorted(missing)[0]!r} to show first.")
    ends = [column for column in table if column not in first]
    parts = list(_table(table[[*first, *ends]], contents))
    yield f"{told} ({file})"
    yield parts[0] if len(rows) <= OPEN else _folded("The rows", parts[0])
    if parts[1:]:
        yield _folded("More columns", "\n\n".join(parts[1:]))


def _table(rows: pd.DataFrame, contents: Contents | None) -> Iterator[str]:
    """Yield a table in parts of at most eight columns, none wider than a page of 900 pixels.

    Beside an index the text of a cell is left out of all but the narrowest tables.
    """
    import pandas as pd

    if "index" in rows and "arch" in rows and len(rows.columns) > NARROW:
        rows = rows.drop(columns="arch")
    worded = contents.worded if contents else str
    for part in layout.parts(layout.printed(rows)):
        shown = pd.DataFrame({at: column.texts for at, column in enumerate(part)}, dtype=object)
        shown = shown.map(lambda text: _BREAK.sub(r"\g<0> ", worded(text)))
        shown.columns = [worded(column.name).replace("_", " ") for column in part]
        yield _compact(markdown_text(shown, [column.number or column.interval for column in part]))


# Within the text of a cell, or a long name of a column: a line may end behind it.
_BREAK = re.compile(r"~\d\|(?=.)|(?<=\S{24})@")


def _compact(markdown: str) -> str:
    """Return a Markdown table without the blanks that align it."""
    lines = [re.sub(r" {2,}", " ", line) for line in markdown.split("\n")]
    lines[1] = re.sub(r"-{3,}", "--", lines[1])
    return "\n".join(lines)


def _copied(rows: Sequence[Mapping[str, Any]]) -> bool:
    return len(rows) <= OPEN or (len(rows) <= LISTED and not CELLS & set(rows[0]))


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    import pandas as pd

    from benchsuite.notations import csv_text
    from benchsuite.numerics.stated import stated_frame

    return csv_text(stated_frame(pd.DataFrame(rows)))


def _folded(summary: str, content: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{content}\n\n</details>"


def _stem(path: str) -> str:
    return re.split(r"[/\\]", path)[-1].removesuffix(".png")


def _natural(text: str) -> list[tuple[int, int | str]]:
    parts = re.findall(r"\d+|\D+", text.lower())
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts]


def _text(blocks: Iterator[str]) -> str:
    return "\n\n".join(filter(None, blocks)) + "\n"
