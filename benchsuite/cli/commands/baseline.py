"""Keep results as a baseline, and compare later ones with it; exit code 1 on a regression."""

from __future__ import annotations

import itertools
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchsuite.assembly.own_scores import Scores
from benchsuite.cli import (
    NamedPath,
    examples,
    json_option,
    plugin_failures,
    plugins_option,
    print_json,
    scores_option,
)
from benchsuite.cli.commands._combinations import refuse
from benchsuite.cli.commands._lists import proxy_names
from benchsuite.cli.commands._out_option import out_file
from benchsuite.cli.output import LostError
from benchsuite.errors import UserError
from benchsuite.regression.baseline import FOLDER
from benchsuite.terminal import say

if TYPE_CHECKING:
    from benchsuite.regression.baseline import Baseline
    from benchsuite.regression.check import Check

_OF_A_SAMPLE = (
    "cells", "channels", "cells_per_stage", "resolution", "batch_size", "images",
)  # fmt: skip


@click.group(
    epilog=examples(
        "benchsuite baseline save before",
        "benchsuite baseline compare before",
        "benchsuite baseline save guard/ --proxy mine --plugins my_folder",
    )
)
def command() -> None:
    """Keep results as a baseline of plain files, and find what became worse since."""


@command.command(
    epilog=examples(
        "benchsuite baseline save before",
        "benchsuite baseline save guard/mine --proxy mine --plugins my_folder",
        "benchsuite baseline save guard/search --study quick.toml --study guard",
    )
)
@click.argument("where", metavar="NAME|DIR")
@click.option(
    "--proxy", "proxies", multiple=True, help="Scored anew on a sample: names, by commas, or all."
)
@click.option("--study", "studies", multiple=True, help="A file or a name; repeatable.")
@click.option("--table/--no-table", default=None, help="Of all cells [default: if nothing else].")
@click.option("--cells", default=60, show_default=True, help="Different cells in the sample.")
@click.option("--channels", default=8, show_default=True)
@click.option("--cells-per-stage", default=1, show_default=True)
@click.option("--resolution", default=16, show_default=True)
@click.option("--batch-size", default=16, show_default=True)
@click.option(
    "--images", default="synthetic", show_default=True, help="Whatever BENCHSUITE_IMAGES names."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--resamples", default=200, show_default=True, help="Of the table's intervals.")
@click.option("--replace", is_flag=True, help="Of a baseline that is there.")
@scores_option
@plugins_option
@json_option
def save(
    where: str,
    proxies: tuple[str, ...],
    studies: tuple[str, ...],
    table: bool | None,
    scores: Scores | None,
    plugin_folders: tuple[Path, ...],
    replace: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Measure and keep the results in NAME (below out/baselines) or DIR (with a slash).

    Without --proxy and --study: the table of all cells and the study guard.
    """
    from benchsuite.proxies._tabulation.spec import scoring_proxies
    from benchsuite.regression.baseline import Settings, check_target
    from benchsuite.regression.measure import checked, measure
    from benchsuite.regression.replays import read_studies

    folder = _folder(where)
    check_target(folder, replace)
    names = proxy_names(proxies)
    if proxies and not names:
        names = scoring_proxies(plugin_folders)
    alone = not (names or studies)
    if not names:
        refuse("no proxy is scored anew (--proxy)", *_OF_A_SAMPLE)
    if not (table or (alone and table is None)):
        refuse("no table is kept (--table)", "resamples")
        if studies == () and not alone:
            refuse("neither a table nor a study is kept", "scores")
    settings = checked(Settings(table=alone if table is None else table, proxies=names, **given))
    texts = read_studies(studies or (("guard",) if alone else ()), plugin_folders, say)
    made = measure(settings, texts, plugin_folders=plugin_folders, scores=scores, say=say)
    made.save(folder, replace=replace)
    files = sorted(str(path) for path in folder.rglob("*") if path.is_file())
    if as_json:
        print_json({"path": str(folder), "files": files, "made_by": made.made_by})
        return
    print(f"{folder}: {len(files)} files, {sum(Path(f).stat().st_size for f in files):,} bytes")
    more = [("--plugins", str(folder)) for folder in plugin_folders]
    if scores is not None and scores.named:
        more.append(("--scores", scores.called))
    line = ["benchsuite", "baseline", "compare", where, *itertools.chain(*more)]
    print(f"Compare with it: {shlex.join(line)}")


@command.command(
    epilog=examples(
        "benchsuite baseline compare before",
        "benchsuite baseline compare guard/mine --plugins my_folder --junit guard.xml",
        "benchsuite baseline compare before --against after --json",
    )
)
@click.argument("where", metavar="NAME|DIR")
@click.option("--against", metavar="NAME|DIR", help="A later baseline [default: measure now].")
@click.option("--tolerances", type=NamedPath(path_type=Path), help="A TOML file.")
@out_file(".md", option="--markdown", name="markdown_file")
@out_file(".xml", option="--junit", name="junit_file")
@scores_option
@plugins_option
@json_option
def compare(
    where: str,
    against: str | None,
    tolerances: Path | None,
    markdown_file: Path | None,
    junit_file: Path | None,
    scores: Scores | None,
    plugin_folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Compare with the baseline NAME or DIR what is measured now, or a later baseline.

    Exits with 0 if all was compared and nothing became worse, with 1 on a regression, with 4 if
    results moved beside another library or processor, and with 2 if it cannot be told: what could
    not be compared, any error.
    """
    from benchsuite.regression import output
    from benchsuite.regression.check import Check, exit_code, outcome

    def write(checks: list[Check], about: dict[str, str]) -> None:
        from benchsuite.files import write_text

        made = (markdown_file, output.markdown(checks, about)), (junit_file, output.junit(checks))
        for path, content in made:
            if path is not None:
                write_text(path, content)

    try:
        with plugin_failures() as left_out:
            before, after, checks, idle = _compared(
                where, against, tolerances, scores, plugin_folders
            )
    except UserError as error:
        write([Check("baseline", where, "untold", str(error))], {})
        raise
    checks += [Check("baseline", "plug-ins", "untold", text) for text in dict.fromkeys(left_out)]
    about = output.sides(where, before, against or "measured now", after)
    if idle:
        about["tolerances of nothing here"] = ", ".join(idle)
    write(checks, about)
    code = exit_code(checks)
    with _whoever_listens(code):
        if as_json:
            print_json(
                {
                    "verdict": outcome(checks),
                    "counts": output.counts(checks),
                    "checks": [vars(check) for check in checks],
                    "before": before.made_by,
                    "after": after.made_by,
                    "settings": vars(before.settings),
                    "idle_tolerances": idle,
                }
            )
        else:
            print(output.text(checks, about))
        sys.stdout.flush()
    if code:
        sys.exit(code)


def _compared(
    where: str,
    against: str | None,
    tolerances: Path | None,
    scores: Scores | None,
    plugin_folders: tuple[Path, ...],
) -> tuple[Baseline, Baseline, list[Check], list[str]]:
    """Return both sides, what came of comparing them, and the tolerances that nothing met.

    Whatever goes wrong is a UserError.
    """
    from benchsuite.calling import place
    from benchsuite.regression import tolerances as tolerance_files
    from benchsuite.regression.baseline import load
    from benchsuite.regression.compare import compare as compared
    from benchsuite.regression.measure import measure

    if against is not None:
        refuse("--against measures nothing", "scores", "plugin_folders")
    try:
        allowed, before = tolerance_files.load(tolerances), load(_folder(where))
        if against is not None:
            after = load(_folder(against))
        else:
            after = measure(
                before.settings,
                before.studies,
                plugin_folders=plugin_folders,
                scores=scores,
                before=before,
                allowed=allowed,
                say=say,
            )
        checks = compared(before, after, allowed, measured_now=against is None)
        return before, after, checks, allowed.idle(checks)
    except UserError:
        raise
    except (Exception, SystemExit) as error:  # An exit of a plug-in's would be the verdict.
        raise UserError(
            f"The comparison broke off, and nothing is told of a regression: "
            f"{type(error).__name__}: {error} ({place(error, __file__)})."
        ) from error


@contextmanager
def _whoever_listens(code: int) -> Iterator[None]:
    """Have the verdict be the exit code also where nobody reads what is printed to the end."""
    try:
        yield
    except LostError as error:
        if not error.is_gone:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(code)


def _folder(where: str) -> Path:
    if not where:
        raise UserError("A baseline has a name, or a folder with a slash; '' is none.")
    return Path(where) if "/" in where or Path(where).is_dir() else FOLDER / where
