"""Collect the tables and figures of a run into this folder.

    BENCHSUITE_DATA=FOLDER benchsuite run --json > run.json
    python docs/results/collect.py run.json

Only results are taken: figures as pixels, and tables of at most `ROWS` rows, no table of cells.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchsuite.reporting.page.sections import in_order

HERE = Path(__file__).parent
ROWS = 45
HEAD = """# Reference results

Made by `benchsuite run` with the public accuracies of NAS-Bench-201 and collected by `collect.py`.
Each section is a report, under the paper it stands beside. The page that the command writes holds
the same, with every table in full and an explorer of the cells. Proxies and devices are this
project's own: [what they are](../../benchsuite/data/README.md). Floats are written to six
significant digits (`benchsuite/stated.py`), and so are equal whoever makes them.
"""


def main(run: Path) -> None:
    """Write README.md and the figures beside it, in place of what was there."""
    results = json.loads(run.read_text(encoding="utf-8"))
    for old in HERE.glob("*.png"):
        old.unlink()
    moved = (HERE / "moved.md").read_text(encoding="utf-8")
    groups = in_order(report["group"] for report in results["reports"].values())
    lines = [HEAD, moved, *(f"- [{group}](#{group.lower()})" for group in groups), ""]
    for group in groups:
        lines.append(f"# {group}\n")
        of_group = [report for report in results["reports"].values() if report["group"] == group]
        for report in sorted(of_group, key=lambda report: report["title"]):
            lines += section(report)
    (HERE / "README.md").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def section(report: dict[str, Any]) -> Iterator[str]:
    """Yield a report's part of the document; its figures are copied."""
    yield f"## {report['title']}\n"
    yield f"{report['answers'][:1].upper()}{report['answers'][1:]}.\n"
    files = [Path(name) for name in report["files"]]
    for path in files:
        if path.suffix == ".png":
            shutil.copy(path, HERE / path.name)
            yield f"![{report['title']}]({path.name})\n"
    provenance = ""
    for path in files:
        if path.suffix == ".md":
            table, *rest = path.read_text(encoding="utf-8").rstrip().split("\n\n")
            rows, provenance = table.count("\n") - 1, rest[-1]
            yield f"{table}\n" if rows <= ROWS else f"`{path.stem}`: {rows:,} rows, on the page.\n"
    yield from (f"- {note}" for note in [*report["notes"], provenance] if note)
    yield ""


if __name__ == "__main__":
    main(Path(sys.argv[1]))
