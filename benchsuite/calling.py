"""Calls into the code of a plug-in: what it raises becomes a sentence with its file and line."""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from benchsuite.errors import PluginError, UserError
from benchsuite.surroundings import surroundings

P = ParamSpec("P")
Result = TypeVar("Result")


def call(
    what: str,
    function: Callable[P, Result],
    /,
    *given: P.args,
    **named: P.kwargs,
) -> Result:
    """Return what a plug-in's function returns, called in the standard surroundings.

    what: the beginning of the sentence, as "The report mine failed". Raises PluginError for what
    the function raises, `SystemExit` included; a UserError of its own stays as it is.
    """
    return seeded(what, (), function, *given, **named)


def seeded(
    what: str,
    seed: tuple[object, ...],
    function: Callable[P, Result],
    /,
    *given: P.args,
    **named: P.kwargs,
) -> Result:
    """Do as `call`, with global generators that are seeded by the parts of `seed`."""
    try:
        with surroundings(*seed):
            return function(*given, **named)
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        raise failure(what, error, file_of(function)) from error


def failure(what: str, error: BaseException, file: str) -> PluginError:
    """Return the sentence about an error that the code of a plug-in's file raised."""
    said = str(error).strip().rstrip(".")
    kind = type(error).__name__
    where = place(error, file)
    return PluginError(f"{what}: {kind}{f': {said}' if said else ''} ({where}).")


def misuse(what: str, function: Callable[..., Any]) -> PluginError:
    """Return the sentence about what a plug-in's function gave back; `what` lacks its end."""
    return PluginError(f"{what} ({_line(file_of(function), _code(function))}).")


def place(error: BaseException, file: str) -> str:
    """Return file and line of an error: the deepest line in the folder of the plug-in's file."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}, line {error.lineno}"
    folder = Path(file).resolve().parent
    for name, line in reversed(_frames(error.__traceback__)):
        if Path(name).resolve().parent == folder:
            return f"{name}, line {line}"
    return file


def file_of(function: Callable[..., Any]) -> str:
    """Return the file in which a function is written, or a text that says it is unknown."""
    code = _code(function)
    return code.co_filename if code is not None else "no file is known"


def _code(function: Any) -> Any:
    while isinstance(function, functools.partial):
        function = function.func
    function = inspect.unwrap(function)
    if not hasattr(function, "__code__"):
        function = type(function).__call__
    return getattr(function, "__code__", None)


def _line(file: str, code: Any) -> str:
    return f"{file}, line {code.co_firstlineno}" if code is not None else file


def _frames(trace: TracebackType | None) -> list[tuple[str, int]]:
    return [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(trace)]
