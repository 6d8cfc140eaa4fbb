"""How tests run the command line in their own process."""

import pytest

from benchsuite import cli

COLUMNS = 80  # of a terminal


def call(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int | str, str, str]:
    """Run the command line; return exit code, stdout and stderr, which people can read."""
    capsys.readouterr()
    given = list(map(str, args))
    try:
        cli.main(given)
        code: int | str = 0
    except SystemExit as stop:
        code = stop.code or 0
    out, err = capsys.readouterr()
    if "--json" not in given:
        readable(out)
        assert "`" not in err, err
    return code, out, err


def readable(text: str) -> None:
    """Assert that text fits a terminal, long paths apart, and has no marks of code in it."""
    for line in text.splitlines():
        longest = max(map(len, line.split()), default=0)
        assert len(line) <= COLUMNS or longest > COLUMNS // 2, line
    assert "`" not in text, text
