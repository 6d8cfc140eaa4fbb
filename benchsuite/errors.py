"""Errors a user can cause: a sentence that says what was asked, what exists, and what to do."""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Iterable, Sequence

from benchsuite.terminal import spoken

_LINE = 2_000  # characters
_NEAR = 3  # names
_MANY = 12  # names


class UserError(Exception):
    """Something the user asked for cannot be done; the command line prints it and exits with 2.

    It is prose, without marks of code; a line that quotes at length what it was given is cut short.
    """

    def __init__(self, said: object = ""):
        lines = spoken(str(said)).split("\n")
        super().__init__("\n".join(f"{x[:_LINE]} ..." if len(x) > _LINE else x for x in lines))


class PluginError(UserError):
    """The code of a plug-in failed; the sentence names its file and line."""


class PluginWarning(UserWarning):
    """A plug-in that nobody asked for by name was left out; everything else was done."""

    def __init__(self, said: object = ""):
        super().__init__(spoken(str(said)))


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return ' Did you mean x, y or z?' for the known names nearest to `name`, or an empty string.

    Nearest are those that begin with it, then those that hold it, else those spelled alike; none
    is near to what is no text.
    """
    if not isinstance(name, str):
        return ""
    names = {one.lower(): one for one in known}
    given = name.strip().lower()
    near = [one for one in names if len(given) > 1 and one.startswith(given)]
    near += [one for one in names if len(given) > 2 and given in one and one not in near]
    near = near or difflib.get_close_matches(given, list(names), n=_NEAR, cutoff=0.5)
    return f" Did you mean {either([names[one] for one in near[:_NEAR]])}?" if near else ""


def shown(value: object) -> str:
    """Return what somebody gave as a sentence shows it: 60 characters of it at most."""
    try:
        return f"{value!s:.60}" if isinstance(value, numbers.Integral) else f"{value!r:.60}"
    except ValueError:  # Python writes no whole number of more than 4,300 digits.
        return f"<{type(value).__name__} of too many digits>"


def either(names: Sequence[str]) -> str:
    """Return at least one name as `x`, `x or y`, or `x, y or z`."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def some(names: Sequence[str]) -> str:
    """Return names by commas; of many, the first dozen, and how many more there are."""
    more = len(names) - _MANY
    return ", ".join(names) if more < 2 else f"{', '.join(names[:_MANY])} and {more} more"
