"""Children of `_victim` that run the command line: started, limited, killed; and what they left."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from descendants import has_ended, marked, workers_of

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


HANGS = 60.0  # seconds


@dataclass(frozen=True)
class Stopped:
    """What came of a signal.

    sent: was there one to get it; code: the caller's exit code; seconds: till then; alone: till no
    process was left; said: on standard error.
    """

    sent: bool
    code: int
    seconds: float
    alone: float
    said: str


class Victims:
    """The process that forks the victims (see `_victim`)."""

    def __init__(self, folder: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        environment["XDG_CACHE_HOME"] = str(folder / "cache")
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        environment["TMPDIR"] = str(self.temporary)
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

    def signal(
        self, args: Sequence[object], cwd: Path, after: float, number: int, whom: str, mark: str
    ) -> Stopped:
        """Send a signal to the caller, or to one of its workers, some seconds after it appears."""
        child = self.start(args, cwd, mark=mark, out=str(cwd.parent / "said.txt"))
        if whom == "worker":
            while not workers_of(child) and not has_ended(child):
                time.sleep(0.005)
        time.sleep(after)
        to = [child] if whom == "caller" else workers_of(child)
        sent = False
        for process in to[:1]:
            with contextlib.suppress(ProcessLookupError):  # it has ended
                os.kill(process, number)
                sent = True
        at = time.monotonic()
        too_late = threading.Timer(HANGS, os.kill, (child, signal.SIGKILL))
        too_late.start()
        code = self.ended()
        took = time.monotonic() - at
        too_late.cancel()
        while marked(mark) and time.monotonic() - at < HANGS:
            time.sleep(0.01)
        alone = time.monotonic() - at
        return Stopped(sent, code, took, alone, self.errors.read_text())

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
