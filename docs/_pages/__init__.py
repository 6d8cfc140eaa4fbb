"""What makes the pages of the site out of the project: parts of pages, commands, links."""

from sphinx.application import Sphinx

from _pages import docstrings, links, made, shown


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directives `made` and `run`, and what else pages need that are read elsewhere too."""
    app.add_directive("made", made.Made)
    app.add_directive("run", shown.Run)
    app.connect("source-read", links.here)
    docstrings.name_commands()
    app.connect("autodoc-process-signature", docstrings.signature)
    app.connect("autodoc-process-docstring", docstrings.bars)
    app.connect("sphinx-click-process-epilog", docstrings.examples)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
