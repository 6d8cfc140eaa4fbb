"""Killed or stopped at any moment: nothing hangs or is left, and the same command ends the same.

BENCHSUITE_KILLS=80 does it to each command that many times (default 1): by turns to the caller and
to one of its workers, by SIGKILL and by SIGINT or SIGTERM, at moments drawn over the whole run,
every other one over its first second. A line of `BENCHSUITE_KILLS_LOG` tells what came of each.
"""

import contextlib
import hashlib
import http.server
import itertools
import json
import os
import random
import shutil
import signal
import threading
import time
from pathlib import Path

import pandas as pd
import pytest
from victims import SCORE, STUDY, files, scores

from benchsuite.proxies._tabulation import rows as _rows
from benchsuite.regression import baseline
from benchsuite.table.table import Table

KILLS = int(os.environ.get("BENCHSUITE_KILLS", "1"))
LOG = os.environ.get("BENCHSUITE_KILLS_LOG")
CONTENT = bytes(range(256)) * 2000
STOPPED_WITHIN, TOLD_WITHIN = 2, 5  # seconds
LATE = float(
    os.environ.get("BENCHSUITE_KILLS_LATE", "1")
)  # times that, on a machine with other work
KINDS = [
    ("caller", signal.SIGKILL),
    ("worker", signal.SIGKILL),
    ("caller", signal.SIGINT),
    ("worker", signal.SIGTERM),
    ("worker", signal.SIGKILL),
    ("caller", signal.SIGKILL),
    ("caller", signal.SIGTERM),
    ("worker", signal.SIGINT),
]
CALLER = [kind for kind in KINDS if kind[0] == "caller"]

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")


def stop_at_random(victims, args, cwd, check, kinds, seed, left=None):
    """Run once for the time it takes; then stop KILLS runs, and check what is left.

    left(whole, stopped) checks the folder of a run that was stopped, check(whole, same) that of the
    same command, run again to its end.
    """
    whole = cwd / "whole"
    whole.mkdir()
    start = time.monotonic()
    code, said = victims.run(args, whole, out=str(cwd / "whole.txt"))
    took = time.monotonic() - start
    assert code == 0, said
    rng = random.Random(seed)
    turns = itertools.islice(itertools.cycle(kinds), seed, seed + KILLS)
    for turn, (whom, number) in enumerate(turns):
        folder = cwd / f"stopped{turn}"
        folder.mkdir()
        after = rng.uniform(0, min(took, 1.0) if turn % 2 else took)
        mark = f"{os.getpid()}-{args[0]}-{turn}"
        found = victims.signal(args, folder, after, number, whom, mark)
        told = f"{args[0]}: {number.name} to the {whom} after {after:.3f} s: {found}"
        if LOG:
            line = {"command": args[0], "whom": whom, "signal": number.name, "after": after}
            with open(LOG, "a") as file:
                file.write(json.dumps({**line, **vars(found)}) + "\n")
        judge(whom, number, found, told)
        assert not list(victims.temporary.iterdir()), told
        if whom == "caller" and number != signal.SIGKILL:
            assert not half_written(folder), (told, half_written(folder))
        if left:
            left(whole, folder)
        code, said = victims.run(args, folder, out=str(cwd / "again.txt"))
        assert code == 0, (told, said)
        check(whole, folder)
        shutil.rmtree(folder)


def judge(whom, number, found, told):
    assert "Traceback" not in found.said, told
    assert found.alone < (STOPPED_WITHIN if whom == "caller" else TOLD_WITHIN) * LATE or (
        whom == "worker" and found.code == 0  # It was idle, and the others did the rest.
    ), told
    if whom == "worker":
        lost = number != signal.SIGINT and found.sent
        assert found.code == 0 or (lost and found.code == 2), told
        assert found.code == 0 or "A worker process was killed (" in found.said, told
    elif number == signal.SIGKILL:
        assert found.code in (0, -signal.SIGKILL), told
    else:  # at once where nothing is running yet
        assert found.code in (0, 128 + number, 130, -number), told


def half_written(folder):
    return [p for p in folder.rglob("*") if p.is_file() and p.name.startswith((".", "tmp"))]


def test_tabulate_killed_goes_on_and_ends_the_same(victims, tmp_path):
    args = ["tabulate", *SCORE, "--jobs", "2", "--out", "out"]

    def left(whole, stopped):
        if (stopped / "out" / _rows.SETTINGS).exists():
            assert all(row in scores(whole / "out") for row in scores(stopped / "out"))

    def check(whole, same):
        assert scores(same / "out") == scores(whole / "out")
        tables = [Table.open(f / "out" / "proxies.parquet") for f in (whole, same)]
        for name in tables[0].columns:
            if not name.startswith("seconds."):
                assert tables[0].values(name).tobytes() == tables[1].values(name).tobytes()

    stop_at_random(victims, args, tmp_path, check, KINDS, 1, left)


def test_study_killed_goes_on_and_ends_the_same(victims, tmp_path):
    (tmp_path / "few.toml").write_text(STUDY)
    args = ["study", tmp_path / "few.toml", "--workers", "2", "--out", "out"]

    def same(folder):
        return {k: v for k, v in files(folder).items() if not k.endswith(".timing.parquet")}

    def left(whole, stopped):
        assert same(stopped).items() <= same(whole).items()

    def check(whole, ended):
        assert same(ended) == same(whole)

    stop_at_random(victims, args, tmp_path, check, KINDS, 2, left)


def test_run_killed_leaves_whole_files_and_ends_the_same(victims, tmp_path):
    args = ["run", "--workers", "2", "--out", "out"]

    def left(whole, stopped):
        assert files(stopped).items() <= files(whole).items()

    def check(whole, same):
        assert files(same) == files(whole)

    stop_at_random(victims, args, tmp_path, check, KINDS, 3, left)


def test_replay_killed_says_the_same_again(victims, tmp_path):
    args = ["replay", "rea", "--seeds", "40", "--budget-queries", "60", "--workers", "2"]
    stop_at_random(victims, args, tmp_path, same_words, KINDS, 4)


def test_correlate_killed_says_the_same_again(victims, tmp_path):
    args = ["correlate", "--proxy", "flops,naswot", "--resamples", "3000"]
    stop_at_random(victims, args, tmp_path, same_words, CALLER, 1)


def same_words(whole, same):
    assert (same.parent / "again.txt").read_bytes() == (whole.parent / "whole.txt").read_bytes()
    assert (whole.parent / "whole.txt").stat().st_size > 100


def test_table_killed_leaves_a_whole_file(victims, tmp_path):
    args = ["table", "--out", "out/table.parquet"]

    def left(whole, stopped):
        assert files(stopped).items() <= files(whole).items()

    def check(whole, same):
        assert files(same) == files(whole)

    stop_at_random(victims, args, tmp_path, check, CALLER, 2, left)


def test_baseline_killed_leaves_the_old_one_or_the_new(victims, tmp_path):
    (tmp_path / "few.toml").write_text(STUDY)
    args = ["baseline", "save", "it/", "--study", tmp_path / "few.toml", "--replace"]

    def left(_, stopped):
        if (stopped / "it").exists():
            assert set(baseline.load(stopped / "it").frames) == {"replays", "speeds"}

    def check(whole, same):
        rows = [baseline.load(folder / "it").frames["replays"] for folder in (whole, same)]
        pd.testing.assert_frame_equal(*rows)

    stop_at_random(victims, args, tmp_path, check, CALLER, 3, left)


class Slowly(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        with contextlib.suppress(OSError):
            for at in range(0, len(CONTENT), 32_000):
                self.wfile.write(CONTENT[at : at + 32_000])
                self.wfile.flush()
                time.sleep(0.01)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slowly) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}/data.bin"
        running.shutdown()
        thread.join()


def test_fetch_killed_leaves_no_half_file(victims, tmp_path, server):
    args = ["_fetch", server, hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), "cache"]
    file = Path("cache/owner/name/data.bin")

    def left(_, stopped):
        assert not (stopped / file).exists() or (stopped / file).read_bytes() == CONTENT

    def check(_, same):
        assert (same / file).read_bytes() == CONTENT

    stop_at_random(victims, args, tmp_path, check, CALLER, 4, left)
