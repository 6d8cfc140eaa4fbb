"""Lists of names in options, as in `--proxy a,b --proxy c`."""

from __future__ import annotations

from collections.abc import Sequence

from benchsuite.errors import UserError


def listed(option: str, given: Sequence[str]) -> tuple[str, ...]:
    """Return the names in texts like `a, b`, in order, each once; UserError for an empty one."""
    names = [name.strip() for text in given for name in text.split(",")]
    if not all(names):
        raise UserError(
            f"{option} {','.join(given)!r} has an empty name: names are separated by single commas."
        )
    return tuple(dict.fromkeys(names))


def listed_or_all(option: str, given: Sequence[str]) -> tuple[str, ...]:
    """Return the names that an option lists; none of them where all are meant."""
    names = listed(option, given) if given else ()
    return () if "all" in names else names


def proxy_names(given: Sequence[str]) -> tuple[str, ...]:
    """Return the names that --proxy lists; none of them where all are meant."""
    return listed_or_all("--proxy", given)
