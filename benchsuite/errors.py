"""Errors a user can cause: a sentence that says what was asked, what exists, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LINE = 2_000  # characters


class UserError(Exception):
    """Something the user asked for cannot be done; the command line prints it and exits with 2.

    A line that quotes what it was given at length is cut short.
    """

    def __init__(self, said: object = ""):
        lines = str(said).split("\n")
        super().__init__("\n".join(f"{x[:_LINE]} ..." if len(x) > _LINE else x for x in lines))


class PluginError(UserError):
    """The code of a plug-in failed; the sentence names its file and line."""


class PluginWarning(UserWarning):
    """A plug-in that nobody asked for by name was left out; everything else was done."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ' Did you mean x or y?' for the known names closest to `name`, or an empty string."""
    names = {one.lower(): one for one in known}
    close = difflib.get_close_matches(name.lower(), list(names), n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(names[one] for one in close)}?" if close else ""
