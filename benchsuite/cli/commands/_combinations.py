"""Options that would have no effect beside others: they are refused, not ignored."""

from __future__ import annotations

import click
from click.core import ParameterSource

from benchsuite.errors import UserError


def refuse(why: str, *names: str) -> None:
    """Raise UserError, for the reason given, if one of these arguments was typed."""
    context = click.get_current_context()
    for parameter in context.command.params:
        typed = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if parameter.name in names and typed:
            raise UserError(f"{parameter.opts[0]} has no effect: {why}. Leave one of them out.")


def all_but(*names: str) -> tuple[str, ...]:
    """Return the arguments of the command that runs, except some."""
    parameters = click.get_current_context().command.params
    return tuple(p.name for p in parameters if p.name and p.name not in names)
