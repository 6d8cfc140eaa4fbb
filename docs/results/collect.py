"""Make README.md and the pages beside it of one run.

    BENCHSUITE_DATA=FOLDER benchsuite run --json > run.json
    python docs/results/collect.py run.json

What they hold is declared in contents.toml. Without a run, as in CI:

    python docs/results/collect.py --check

fails, with a sentence each, where they were edited by hand, or made with other findings, reports or
versions of plug-ins than there are; what else has changed since is told, for only a run can judge.
"""

import argparse
import sys
from pathlib import Path

from benchsuite.errors import UserError
from benchsuite.reporting.results import record, writing

HERE = Path(__file__).parent


def main(arguments: list[str]) -> int:
    """Write or check the documents; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", nargs="?", type=Path, metavar="RUN.json")
    parser.add_argument("--below", type=Path, help="the folder that the run was made in")
    parser.add_argument("--into", type=Path, default=HERE, help="a folder with a contents.toml")
    parser.add_argument("--check", action="store_true", help="write nothing")
    said = parser.parse_args(arguments)
    if said.check == (said.run is not None):
        parser.error("name what `benchsuite run --json` printed, or say --check")
    try:
        return check(said.into) if said.check else collect(said.run, said.into, said.below)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2


def collect(run: Path, folder: Path, below: Path | None) -> int:
    """Write the documents."""
    written = writing.write(run, folder, below)
    print(f"{len(written)} files in {folder}. Open {folder / 'README.md'}.")
    return 0


def check(folder: Path) -> int:
    """Say whether the documents are current, as far as can be told without a run."""
    stale = record.stale(folder)
    for line in stale:
        print(line)
    for line in record.older(folder):
        print(f"Only a run can judge: {line}")
    print("Make them anew with a run." if stale else "Nothing shows that they are not current.")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
