"""Commands and Python on a page, run when it is built, with what they print below them."""

import contextlib
import io
import os
import shlex
import tempfile
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from benchsuite import cli

_KEPT: dict[str, tuple[tempfile.TemporaryDirectory[str], dict[str, Any]]] = {}


class Run(SphinxDirective):
    """`run console`: lines that begin with `$ `, each with what it prints; `run python`: code.

    All of a page run one after the other in a folder of the page's own, without public files.
    """

    has_content = True
    required_arguments = 1
    option_spec = {"lines": int}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        """Return the code, and what it printed."""
        folder, names = _KEPT.setdefault(self.env.docname, (tempfile.TemporaryDirectory(), {}))
        language, text = self.arguments[0], "\n".join(self.content)
        with contextlib.chdir(folder.name), _without_public_files():
            if language == "python":
                printed = _printed(lambda: exec(text, names))
                shown = [(text, "python"), (printed, "text")]
            else:
                shown = [(self._command(line), "console") for line in text.splitlines()]
        return [nodes.literal_block(t, t, language=of) for t, of in shown if t]

    def _command(self, line: str) -> str:
        said = shlex.split(line.removeprefix("$ "))
        try:
            printed = _printed(lambda: cli.main(said[1:])).splitlines()
        except RuntimeError as failed:
            raise self.error(f"{line}: {failed}") from failed
        most = self.options.get("lines", len(printed))
        more = ["..."] if len(printed) > most else []
        return "\n".join([line, *printed[:most], *more])


def _printed(call: Any) -> str:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()) as errors:
        try:
            call()
        except SystemExit as stop:
            raise RuntimeError(f"exit code {stop.code}: {errors.getvalue()}") from stop
    return said.getvalue().rstrip()


@contextlib.contextmanager
def _without_public_files() -> Any:
    before = os.environ.pop("BENCHSUITE_DATA", None)
    try:
        yield
    finally:
        if before is not None:
            os.environ["BENCHSUITE_DATA"] = before
