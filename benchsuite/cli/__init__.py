"""The command line: finds the commands by file name, prints results and errors."""

from __future__ import annotations

import ast
import functools
import importlib
import io
import json
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec

import click

from benchsuite.cli import signals
from benchsuite.errors import PluginWarning, UserError, did_you_mean
from benchsuite.version import __version__

_COMMANDS = Path(__file__).parent / "commands"
LEFT_OUT = 3

P = ParamSpec("P")


class _Commands(click.Group):
    """The files of `benchsuite/commands`; only the one that is called is imported."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(path.stem for path in _COMMANDS.glob("[!_]*.py"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(
            f"benchsuite.cli.commands.{cmd_name}"
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

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = []
        for name in self.list_commands(ctx):
            text = ast.get_docstring(ast.parse((_COMMANDS / f"{name}.py").read_text("utf-8"))) or ""
            rows.append((name, text.partition("\n")[0]))
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.command(
    cls=_Commands,
    epilog="Examples: benchsuite run | benchsuite cell 6111 | benchsuite correlate --proxy flops",
)
@click.version_option(__version__, prog_name="benchsuite")
def _root() -> None:
    """Evaluate zero-cost proxies, devices and search strategies on the cells of NAS-Bench-201."""


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line; a UserError becomes a sentence (`{error}` with --json) and exit 2.

    Exit code 3: all was done but what a plug-in failed at, which is said on stderr.
    """
    process = args is None
    args = list(sys.argv[1:] if args is None else args)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # gbk, cp932 and ascii lack letters that we print
            stream.reconfigure(errors="backslashreplace")
    try:
        with signals.stoppable(process=process), _what_is_left_out() as left_out:
            _root.main(args, prog_name="benchsuite", standalone_mode=False)
        if left_out:
            sys.exit(LEFT_OUT)
    except click.exceptions.Exit as exit_:
        sys.exit(exit_.exit_code)
    except (UserError, click.ClickException) as error:
        message = error.format_message() if isinstance(error, click.ClickException) else str(error)
        if "--json" in args:
            print(json.dumps({"error": message}))
        else:
            print(f"Error: {message}", file=sys.stderr)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt) as error:
        print("\nStopped. Finished work is kept; the same command goes on.", file=sys.stderr)
        sys.exit(signals.exit_code(error))
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)


@contextmanager
def _what_is_left_out() -> Iterator[list[str]]:
    """Collect what commands leave out because a plug-in fails; it is said when they are done."""
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
        try:
            yield found
        finally:
            for text in dict.fromkeys(found):
                print(f"Note: {text}", file=sys.stderr)


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


def scores_option(function: Callable[P, Any]) -> Callable[P, Any]:
    """Add `--scores FILE|DIR|none`; the command gets an `own_scores.Scores` or None."""
    from benchsuite.assembly.own_scores import FILE, found

    return click.option(
        "--scores",
        metavar="FILE|DIR|none",
        callback=lambda _, __, value: found(value),
        help="Scores of your own: what `benchsuite tabulate` made, or a CSV or Parquet file of a "
        "column `index` or of architecture strings, and scores NAME or NAME:min (less is better). "
        f"[default: {FILE}, if it is there]",
    )(function)


def print_json(value: Any) -> None:
    """Print a result as JSON: numpy numbers as numbers, NaN and infinities as null."""
    wide = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "") == "utf8"
    print(json.dumps(_plain(value), indent=2, ensure_ascii=not wide, allow_nan=False))


@functools.singledispatch
def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") and not hasattr(value, "__len__") else value


@_plain.register
def _(value: float) -> Any:
    return value if value - value == 0 else None


@_plain.register
def _(value: dict) -> Any:  # type: ignore[type-arg]
    return {str(key): _plain(item) for key, item in value.items()}


@_plain.register(list)
@_plain.register(tuple)
def _(value: Any) -> Any:
    return [_plain(item) for item in value]
