"""Tables of pages that say what the project holds: `made NAME`, NAME a function below."""

import re
from collections.abc import Callable, Iterable, Sequence
from importlib.resources import files

import pandas as pd
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

import benchsuite
from benchsuite import plugins
from benchsuite.assembly.whole import whole_table
from benchsuite.devices._footprint.fits import ram_of
from benchsuite.devices._latency.runtimes import RUNTIMES
from benchsuite.ranking.truths import about, truths_of
from benchsuite.reporting.results.record import ARTEFACTS
from benchsuite.space.network import SKELETONS
from benchsuite.table.columns import DATASETS, RELEASES, Column

# Names that differ in these alone stand in one row.
_FOLDED = (
    *((rf"\b{dataset}\b", "DATASET") for dataset in DATASETS),
    (r"\b(official|mcu)\b", "SKELETON"),
    (r"\.r\d\b", ".rN"),
    (r"^Repeat \d", "Repeat N"),
    (r"\bseed\d+\b", "seedN"),
    (r"\bseed \d+\b", "seed N"),
    (r"\bk\d+\b", "kN"),
    (r"\bK_\d+\b", "K_N"),
    (r"\b(analog_noisy|analog)_\d+s\b", r"\1_Ns"),
)
_KINDS = {
    "accuracy": "Accuracies",
    "cost": "Costs",
    "proxy": "Proxies",
    "device": "Devices",
    "reference": "What others published of devices",
    "class": "Classes of equal cells",
    "detail": "Details of proxies",
}


def columns() -> str:
    """Every column of the table that ships, by kind."""
    found = whole_table().columns.values()
    parts = []
    for kind, title in _KINDS.items():
        alike: dict[tuple[str, str], list[Column]] = {}
        for column in (one for one in found if one.kind == kind):
            alike.setdefault((_folded(column.name), _folded(column.description)), []).append(column)
        rows = []
        for (name, description), of in alike.items():
            if len(of) == 1:
                name, description = of[0].name, of[0].description
            what = (f"`{name}`", len(of), _code(description), of[0].unit, _BETTER[of[0].direction])
            rows.append(what)
        parts += [f"## {title}", _table(("name", "columns", "holds", "unit", "better"), rows)]
    return "\n\n".join(parts)


def api() -> str:
    """Everything that `import benchsuite` offers: verbs, what they take and return, errors."""
    offered = {name: getattr(benchsuite, name) for name in benchsuite.__all__}
    errors = [n for n, of in offered.items() if isinstance(of, type) and issubclass(of, Exception)]
    classes = [n for n, of in offered.items() if isinstance(of, type) and n not in errors]
    verbs = [name for name, of in offered.items() if callable(of) and not isinstance(of, type)]
    parts = []
    for title, names, directive in (
        ("Verbs", verbs, "autofunction"),
        ("What they take and return", classes, "autoclass"),
        ("Errors", errors, "autoexception"),
    ):
        parts.append(f"## {title}")
        for name in names:
            members = "" if directive == "autofunction" else "\n   :members:"
            said = f".. {directive}:: benchsuite.{name}{members}"
            parts.append(f"### {name}\n\n```{{eval-rst}}\n{said}\n```")
    return "\n\n".join(parts)


_BETTER = {"max": "more", "min": "less", "none": ""}


def releases() -> str:
    """What stands behind the `@` of a column of accuracies, best first."""
    return _table(("release", "is"), [(f"`{name}`", what) for name, what in RELEASES.items()])


def truths() -> str:
    """The truths that ship, with the column that each is on the first dataset with it."""
    table = whole_table()
    rows = []
    for name in truths_of(table):
        on = [dataset for dataset in DATASETS if name in truths_of(table, dataset)]
        rows.append((f"`{name}`", ", ".join(on), _code(about(table, name, on[:1]))))
    return _table(("truth", "of", "is, with what ships"), rows)


def runtimes() -> str:
    """The runtimes, how their cycles are known, and which parts have them."""
    devices = {name: plugins.load("devices", name) for name in plugins.find("devices")}
    rows = [
        (
            f"`{name}`",
            of.origin,
            _code(of.description),
            f"`{ram_of(name)}`",
            ", ".join(part for part, device in devices.items() if name in device.runtimes),
        )
        for name, of in RUNTIMES.items()
    ]
    return _table(("runtime", "cycles are", "what it is", "RAM by", "parts"), rows)


def skeletons() -> str:
    """The networks that device columns are of."""
    rows = [
        (f"`{name}`", dataset, of.cells_per_stage, of.channels, of.resolution, of.classes)
        for name, each in SKELETONS.items()
        for dataset, of in each.items()
    ]
    head = ("skeleton", "dataset", "cells per stage", "channels", "pixels", "classes")
    return _table(head, rows)


def artefacts() -> str:
    """How many tables and figures of each paper are made here."""
    listed = _artefacts()
    rows = [
        (paper, len(of), int(of["here"].sum()), int((~of["here"]).sum()))
        for paper, of in listed.groupby("paper", sort=False)
    ]
    return _table(("paper", "tables and figures", "made here", "not"), rows)


def missing() -> str:
    """What of the papers is not made here, and why."""
    gone = _artefacts().query("not here")
    return _table(
        ("paper", "printed", "shows", "why not"),
        gone[["paper", "printed", "shows", "why none or what differs"]].to_numpy().tolist(),
    )


def _artefacts() -> pd.DataFrame:
    with (files("benchsuite.reports") / ARTEFACTS).open(encoding="utf-8") as lines:
        listed = pd.read_csv(lines, keep_default_na=False)
    return listed.assign(here=listed["stands for it"] != "")


def _folded(text: str) -> str:
    for pattern, word in _FOLDED:
        text = re.sub(pattern, word, text)
    return text


def _code(text: str) -> str:
    """Return a sentence of ours as Markdown, in which backticks alone mean something."""
    spans = text.split("`")
    spans[::2] = [re.sub(r"[*_<>\[\]$~]", r"\\\g<0>", span) for span in spans[::2]]
    return "`".join(spans)


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines
    )


_MADE: dict[str, Callable[[], str]] = {
    of.__name__: of
    for of in (api, artefacts, columns, missing, releases, runtimes, skeletons, truths)
}


class Made(SphinxDirective):
    """A part of a page, made by one of the functions above."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the part; an error of the page for one that there is not."""
        name = self.arguments[0]
        if name not in _MADE:
            raise self.error(f"There is no part {name!r}; there are {', '.join(_MADE)}.")
        return self.parse_text_to_nodes(_MADE[name](), allow_section_headings=True)
