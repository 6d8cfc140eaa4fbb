"""Run the command line: `benchsuite`, or python -m benchsuite."""

import sys


def main() -> None:
    """Import the command line and run it; Ctrl-C while it is imported ends quietly, as later."""
    try:
        from benchsuite.cli import main
    except KeyboardInterrupt:
        sys.exit(130)
    main()


if __name__ == "__main__":
    main()
