"""How tests run the command line in their own process."""

import pytest

from benchsuite import cli


def call(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int | str, str, str]:
    """Run the command line; return exit code, stdout and stderr."""
    capsys.readouterr()
    try:
        cli.main(list(map(str, args)))
        code: int | str = 0
    except SystemExit as stop:
        code = stop.code or 0
    return code, *capsys.readouterr()
