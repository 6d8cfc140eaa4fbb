"""Workers that were lost, and what that means for the work they had to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from benchsuite.errors import UserError


class LostError(UserError):
    """Workers were lost, and what they had to do with them."""


@contextmanager
def resumable() -> Iterator[None]:
    """Add to the sentence about lost workers that the same command goes on: where it does."""
    try:
        yield
    except LostError as error:
        raise LostError(f"{error} What was finished is kept; the same command goes on.") from error
