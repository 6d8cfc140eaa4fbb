"""Sentences on a terminal: at most 80 columns wide, commands in quotes."""

from __future__ import annotations

import re
import sys
import textwrap

WIDTH = 80  # columns of a terminal
_CODE = re.compile(r"`([^`\n]+)`")


def spoken(text: str) -> str:
    """Return prose as a terminal shows it: what stands in backticks stands in quotes.

    >>> spoken("`benchsuite fetch` brings more.")
    "'benchsuite fetch' brings more."
    """
    return _CODE.sub(lambda found: found[1] if "'" in found[1] else f"'{found[1]}'", text)


def wrapped(text: str, indent: str = "  ") -> list[str]:
    """Return prose as lines of at most 80 columns, all but the first indented."""
    return textwrap.wrap(
        spoken(text), WIDTH, subsequent_indent=indent, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def say(text: str) -> None:
    """Print prose to stderr: in lines of 80 columns on a terminal, as one line into a file."""
    lines = text.split("\n")
    if sys.stderr.isatty():
        lines = [part for line in lines for part in wrapped(line) or [""]]
    print(spoken("\n".join(lines)), file=sys.stderr, flush=True)
