"""Signatures and examples as the pages of the reference show them."""

from typing import Any

import click
from sphinx.application import Sphinx

from benchsuite import cli


def name_commands() -> None:
    """Give each command the name that it is called by, for each file calls its own `command`."""
    for name in cli._root.list_commands(click.Context(cli._root)):
        command = cli._root.get_command(click.Context(cli._root), name)
        assert command is not None
        command.name = name


def signature(
    app: Sphinx, kind: str, name: str, of: Any, options: Any, signature: str | None, *_: Any
) -> tuple[str, None] | None:
    """Leave out what is no Python: the default of a field that is made, a protocol's arguments."""
    if kind != "class" or signature is None:
        return None
    protocol = getattr(of, "_is_protocol", False)
    return ("" if protocol else signature.replace("<factory>", "..."), None)


def bars(app: Sphinx, kind: str, name: str, of: Any, options: Any, lines: list[str]) -> None:
    """Keep the bars of `|x|` outside code, which reStructuredText takes for a name."""
    for at, paragraph in enumerate(paragraphs := "\n".join(lines).split("\n\n")):
        if not paragraph.lstrip().startswith(">>>"):
            spans = paragraph.split("`")
            spans[::2] = [span.replace("|", r"\|") for span in spans[::2]]
            paragraphs[at] = "`".join(spans)
    lines[:] = "\n\n".join(paragraphs).split("\n")


def examples(app: Sphinx, context: click.Context, lines: list[str]) -> None:
    """Turn the examples that a command's help ends with into lines to be copied."""
    text = (context.command.epilog or "").replace("\b\n", "")
    head, _, rest = text.partition("Examples:")
    if head.strip() or not rest:
        return
    each = rest.split("\n")
    lines[:] = [".. code-block:: sh", "", *(f"   {line.strip()}" for line in each), ""]
