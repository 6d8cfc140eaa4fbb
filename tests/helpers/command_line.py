"""How tests run the command line in their own process."""

from benchsuite import cli


def call(capsys, *args):
    """Run the command line; return exit code, stdout and stderr."""
    capsys.readouterr()
    try:
        cli.main(list(map(str, args)))
        code = 0
    except SystemExit as stop:
        code = stop.code or 0
    return code, *capsys.readouterr()
