"""Run the command line: python -m benchsuite."""

from benchsuite.cli import main

main()
