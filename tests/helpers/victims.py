"""Children of `_victim` that run the command line: started, limited, killed; and what they left."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchsuite.proxies._tabulation import rows as _rows

SCORE = ["--channels", "2", "--cells-per-stage", "1", "--resolution", "4", "--batch-size", "4"]
SCORE += ["--images", "gaussian", "--proxy", "l2_norm,naswot", "--cells", "15", "--repeats", "1"]
STUDY = """schema = 1
name = "few"
shard = 4
traces = true
[defaults]
seeds = 20
budget = { queries = 60 }
[[searches]]
strategy = "random"
[[searches]]
strategy = "rea"
"""


class Victims:
    """The process that forks the victims (see `_victim`)."""

    def __init__(self, folder: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        environment["XDG_CACHE_HOME"] = str(folder / "cache")
        environment["OMP_NUM_THREADS"] = "1"
        environment.pop("BENCHSUITE_DATA", None)
        self.errors = folder / "errors.txt"
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("victim.py"))],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin
        assert self._process.stdout
        self._orders, self._answers = self._process.stdin, self._process.stdout
        assert self._read() == "ready"

    def start(self, args: Sequence[object], cwd: Path, **more: object) -> int:
        order = {"args": [*map(str, args)], "cwd": str(cwd), "err": str(self.errors), **more}
        self._orders.write(json.dumps(order) + "\n")
        self._orders.flush()
        return int(self._read())

    def ended(self) -> int:
        return os.waitstatus_to_exitcode(int(self._read()))

    def run(self, args: Sequence[object], cwd: Path, **more: object) -> tuple[int, str]:
        """Run to the end; return exit code and what was said."""
        self.start(args, cwd, **more)
        return self.ended(), self.errors.read_text()

    def kill(self, args: Sequence[object], cwd: Path, after: float) -> bool:
        """Kill after some seconds; tell whether it was still running."""
        child = self.start(args, cwd)
        time.sleep(after)
        with contextlib.suppress(ProcessLookupError):  # it has ended
            os.kill(child, signal.SIGKILL)
        return self.ended() == -signal.SIGKILL

    def _read(self) -> str:
        line = self._answers.readline()
        assert line, "the process that forks has ended"
        return line.strip()

    def close(self) -> None:
        self._orders.close()
        self._process.wait(60)
        self._answers.close()


def files(folder: Path) -> dict[str, bytes]:
    """Relative path -> content of every file that is not hidden."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in found
        if not path.name.startswith((".", "tmp"))
    }


def scores(folder: Path) -> list[dict[str, Any]]:
    rows = ({k: v for k, v in row.items() if k != "seconds"} for row in _rows.read(folder))
    return sorted(rows, key=lambda row: (row["repeat"], row["cell"]))
