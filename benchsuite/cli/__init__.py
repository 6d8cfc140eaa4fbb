"""The command line: finds the commands by file name, prints results and errors."""

from __future__ import annotations

import ast
import importlib
import io
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

import click

from benchsuite.cli import output, signals
from benchsuite.errors import PluginWarning, UserError, did_you_mean
from benchsuite.notations import json_text
from benchsuite.terminal import say, wrapped
from benchsuite.version import __version__

if TYPE_CHECKING:
    from benchsuite.table.table import Table

_COMMANDS = Path(__file__).parent / "commands"
LEFT_OUT = 3
_KEPT = " Finished work is kept; the same command goes on."  # Of modules that say `RESUMES`.

P = ParamSpec("P")


def examples(*lines: str) -> str:
    """Return the examples that a command's help ends with: a line each, to be copied."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def module_name(command: str) -> str:
    """Return the name of a command's module: `export_api` of `export-api`."""
    return command.replace("-", "_")


def _what(given: click.Parameter) -> str:
    """Return what a person calls an option or an argument."""
    return given.opts[0] if isinstance(given, click.Option) else given.human_readable_name


class Names(click.Choice):  # type: ignore[type-arg]  # click 8.1 has none
    """One of some names; another is a sentence with the nearest."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a name as it is; UserError for one that is not there."""
        if param is not None and value not in self.choices:
            raise UserError(
                f"{_what(param)} is one of {', '.join(self.choices)}, not {value!r}."
                + did_you_mean(str(value), self.choices)
            )
        return super().convert(value, param, ctx)


class NamedPath(click.Path):
    """A path that is not empty, which would be the working folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path; UserError for none."""
        if value == "":
            raise UserError(f"{_what(param) if param else 'A path'} '' names nothing.")
        return super().convert(value, param, ctx)


class _Stopped(Exception):  # noqa: N818
    """Stopped by a person; what is kept, as a sentence with a space before it."""


class _Commands(click.Group):
    """The files of `benchsuite/commands`; only the one that is called is imported."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(path.stem.replace("_", "-") for path in _COMMANDS.glob("[!_]*.py"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(
            f"benchsuite.cli.commands.{module_name(cmd_name)}"
        ).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        if args[0] not in known and not args[0].startswith("-"):
            raise UserError(
                f"There is no command {args[0]!r}; there are {', '.join(known)}."
                + did_you_mean(args[0], known)
            )
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what the system refuses it is a sentence, and a stop says what is kept."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            module = sys.modules.get(
                f"{__name__}.commands.{module_name(ctx.invoked_subcommand or '')}"
            )
            raise _Stopped(_KEPT if getattr(module, "RESUMES", False) else "") from stop
        except MemoryError:
            raise UserError("There is not enough memory for this.") from None
        except UnicodeEncodeError as error:
            if "surrogate" not in error.reason:
                raise
            text = error.object[: error.end].split()[-1].encode("ascii", "backslashreplace")
            raise UserError(
                f"A name that is not UTF-8 cannot be written: {text.decode()}. Rename it."
            ) from error
        except OSError as error:
            where = "" if error.filename is None else f"{error.filename}: "
            raise UserError(f"{where}{error.strerror or error}.") from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = []
        for name in self.list_commands(ctx):
            text = (
                ast.get_docstring(
                    ast.parse((_COMMANDS / f"{module_name(name)}.py").read_text("utf-8"))
                )
                or ""
            )
            rows.append((name, text.partition("\n")[0]))
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.command(
    cls=_Commands,
    epilog=examples(
        "benchsuite best --device stm32l432 --latency 200ms --ram 48k",
        "benchsuite report monas_table2",
        "benchsuite cell 6111",
        "benchsuite correlate --proxy naswot,zico --dataset cifar10",
        "benchsuite run",
    ),
)
@click.version_option(__version__, prog_name="benchsuite")
def _root() -> None:
    """Evaluate zero-cost proxies, devices and search strategies on the cells of NAS-Bench-201."""


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line; a UserError becomes a sentence (`{error}` with --json) and exit 2.

    Exit code 3: all was done but what a plug-in failed at, which is said on stderr; 128 and a
    signal's number: stopped; 141: whoever read the output has gone.
    """
    process = args is None
    args = list(sys.argv[1:] if args is None else args)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # gbk, cp932 and ascii lack letters that we print
            stream.reconfigure(errors="backslashreplace")
    try:
        with output.checked(), signals.stoppable(process=process):
            code = _code(args)
    except output.LostError as error:
        code = error.say()
    if code:
        sys.exit(code)


def _code(args: list[str]) -> int | str | None:
    """Run the command line and return its exit code."""
    try:
        with _what_is_left_out() as left_out:
            _root.main(args, prog_name="benchsuite", standalone_mode=False)
        return LEFT_OUT if left_out else 0
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except SystemExit as exit_:
        return exit_.code
    except (UserError, click.ClickException) as error:
        message = error.format_message() if isinstance(error, click.ClickException) else str(error)
        if "--json" in args:
            print(json_text({"error": message}))
        else:
            say(f"Error: {message}")
        return 2
    except _Stopped as stopped:
        say(f"\nStopped.{stopped}")
        return signals.exit_code(stopped)
    except (click.Abort, KeyboardInterrupt) as error:
        say("\nStopped.")
        return signals.exit_code(error)


@contextmanager
def plugin_failures() -> Iterator[list[str]]:
    """Collect what is left out because a plug-in fails, instead of showing it at once."""
    found: list[str] = []
    show = warnings.showwarning

    def collect(message: Any, category: type[Warning], *rest: Any, **more: Any) -> None:
        if issubclass(category, PluginWarning):
            found.append(str(message))
        else:
            show(message, category, *rest, **more)

    with warnings.catch_warnings():
        warnings.simplefilter("always", PluginWarning)
        warnings.showwarning = collect
        yield found


@contextmanager
def _what_is_left_out() -> Iterator[list[str]]:
    """Say what commands leave out because a plug-in fails when they are done."""
    with plugin_failures() as found:
        try:
            yield found
        finally:
            for text in dict.fromkeys(found):
                say(f"Note: {text}")


def json_option(function: Callable[P, Any]) -> Callable[P, Any]:
    """Add `--json`: print the result as one JSON object and nothing else on stdout."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(function)


def plugins_option(function: Callable[P, Any]) -> Callable[P, Any]:
    """Add `--plugins DIR`, repeatable: folders with plug-ins of one's own."""
    return click.option(
        "--plugins",
        "plugin_folders",
        multiple=True,
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        metavar="DIR",
        help="A folder with your own plug-ins, as in DIR/proxies/mine.py; may be repeated.",
    )(function)


def table_option(function: Callable[P, Any]) -> Callable[P, Any]:
    """Add `--table FILE`: a table that was written, in place of everything that is known."""
    return click.option("--table", type=NamedPath(path_type=Path), help="A table written earlier.")(
        function
    )


def scores_option(function: Callable[P, Any]) -> Callable[P, Any]:
    """Add `--scores FILE|DIR|NAME|none`; the command gets an `own_scores.Scores` or None."""
    from benchsuite.assembly.own_scores import FILE, found

    return click.option(
        "--scores",
        metavar="FILE|DIR|NAME|none",
        callback=lambda _, __, value: found(value),
        help="Scores of your own: what 'benchsuite tabulate' made, or a CSV or Parquet file of a "
        "column index or of architecture strings, and scores NAME or NAME:min (less is better); or "
        "another setting that ships: px32 (32 pixels) or gaussian (noise for images). "
        f"[default: {FILE}, if it is there]",
    )(function)


def print_wrapped(text: str) -> None:
    """Print prose in lines of at most 80 columns."""
    print("\n".join(line for part in text.split("\n") for line in wrapped(part) or [""]))


def short(table: Table) -> dict[str, Any]:
    """Return where results come from, in short; `benchsuite table --json` prints all of it."""
    own = {k: v for k, v in table.provenance.items() if k == "own_scores"}
    return {"table": table.checksum, "line": table.provenance_line, **own}


def print_json(value: Any) -> None:
    """Print a result as JSON: numpy numbers as numbers, NaN and infinities as null."""
    wide = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "") == "utf8"
    print(json_text(value, indent=2, ensure_ascii=not wide))
