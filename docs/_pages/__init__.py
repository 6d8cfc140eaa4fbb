"""What makes the pages of the site out of the project: parts of pages, commands, links."""

from sphinx.application import Sphinx

from _pages import links, made, shown


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directives `made` and `run`, and the links of pages that are read elsewhere too."""
    app.add_directive("made", made.Made)
    app.add_directive("run", shown.Run)
    app.connect("source-read", links.here)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
