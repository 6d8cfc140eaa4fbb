"""Errors a user can cause: a sentence that says what was asked, what exists, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Something the user asked for cannot be done; the command line prints it and exits with 2."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ' Did you mean x or y?' for the known names closest to `name`, or an empty string."""
    close = difflib.get_close_matches(name, list(known), n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(close)}?" if close else ""
