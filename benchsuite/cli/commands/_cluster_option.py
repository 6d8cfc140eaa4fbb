"""The option --cluster of the commands whose jobs can run elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec

import click

from benchsuite.errors import UserError

P = ParamSpec("P")


def cluster_option(function: Callable[P, Any]) -> Callable[P, Any]:
    """Add `--cluster WHERE`: a Dask scheduler or Slurm, see `benchsuite.parallel.clusters`."""
    return click.option(
        "--cluster",
        metavar="WHERE",
        callback=_named,
        help="dask://HOST:PORT, slurm, slurm:PARTITION or slurm-local [default: processes here].",
    )(function)


def _named(_: click.Context, option: click.Parameter, where: str | None) -> str | None:
    if where == "":
        raise UserError(f"{option.opts[0]} '' names no cluster: leave it out for processes here.")
    if where:
        from benchsuite.parallel.clusters import check

        check(where)
    return where
