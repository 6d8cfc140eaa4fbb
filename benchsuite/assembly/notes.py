"""What assembling says beside the table it makes: again each time the table is taken as kept."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from benchsuite import terminal
from benchsuite.errors import PluginWarning, UserError

# What the same file does anew in any process, unlike a full disk or memory or a missing library.
_OF_THE_FILE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NameError,
    SyntaxError,
    TypeError,
    UserError,
    ValueError,
)


@dataclass
class Notes:
    """Sentences for stderr, warnings about what was left out, and whether they would come again."""

    said: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    lasting: bool = True

    def again(self) -> None:
        """Say and warn what assembling said and warned."""
        for sentence in self.said:
            terminal.say(sentence)
        self.warn()

    def warn(self) -> None:
        """Warn what assembling warned."""
        for why in self.left_out:
            warnings.warn(why, PluginWarning, stacklevel=2)


_NOTES: ContextVar[Notes | None] = ContextVar("notes", default=None)


def say(sentence: str) -> None:
    """Print a sentence about the table to stderr."""
    terminal.say(sentence)
    notes = _NOTES.get()
    if notes is not None:
        notes.said.append(sentence)


@contextmanager
def noted() -> Iterator[Notes]:
    """Collect what is said inside, and what plug-ins are left out, of which nobody is warned."""
    notes = Notes()
    show = warnings.showwarning

    def collect(message: Any, category: type[Warning], *rest: Any, **more: Any) -> None:
        if not issubclass(category, PluginWarning):
            show(message, category, *rest, **more)
            return
        notes.left_out.append(str(message))
        cause = message.__cause__
        while cause is not None:
            notes.lasting &= isinstance(cause, _OF_THE_FILE)
            cause = cause.__cause__

    token = _NOTES.set(notes)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", PluginWarning)
            warnings.showwarning = collect
            yield notes
    finally:
        _NOTES.reset(token)
