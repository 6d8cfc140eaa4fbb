"""Killed at any moment: what was finished is intact, and the same command ends the same.

BENCHSUITE_KILLS=40 kills each command that many times at random moments (default 2).
"""

import contextlib
import hashlib
import http.server
import os
import random
import shutil
import threading
import time

import pandas as pd
import pytest
from victims import SCORE, STUDY, files, scores

from benchsuite.proxies._tabulation import rows as _rows
from benchsuite.regression import baseline
from benchsuite.table.table import Table

KILLS = int(os.environ.get("BENCHSUITE_KILLS", "2"))
CONTENT = bytes(range(256)) * 2000

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def kill_at_random(victims, args, cwd, check, seed):
    """Run once for the time it takes; kill KILLS runs; `check` what each left."""
    whole = cwd / "whole"
    whole.mkdir()
    start = time.monotonic()
    code, said = victims.run(args, whole)
    took = time.monotonic() - start
    assert code == 0, said
    rng, killed = random.Random(seed), 0
    for number in range(KILLS):
        folder = cwd / f"killed{number}"
        folder.mkdir()
        for _ in range(rng.choice([1, 1, 2])):
            killed += victims.kill(args, folder, rng.uniform(0, took))
        check(whole, folder)
        shutil.rmtree(folder)
    print(f"{killed} killed in {KILLS} rounds of {args[0]}")
    assert killed or KILLS < 5


def test_tabulate_killed_goes_on_and_ends_the_same(victims, tmp_path):
    args = ["tabulate", *SCORE, "--out", "out"]

    def check(whole, killed):
        if (killed / "out" / _rows.SETTINGS).exists():
            assert all(row in scores(whole / "out") for row in scores(killed / "out"))
        code, said = victims.run(args, killed)
        assert code == 0, said
        assert scores(killed / "out") == scores(whole / "out")
        tables = [Table.open(f / "out" / "proxies.parquet") for f in (whole, killed)]
        for name in tables[0].columns:
            if not name.startswith("seconds."):
                assert tables[0].values(name).tobytes() == tables[1].values(name).tobytes()

    kill_at_random(victims, args, tmp_path, check, 1)


def test_study_killed_goes_on_and_ends_the_same(victims, tmp_path):
    (tmp_path / "few.toml").write_text(STUDY)
    args = ["study", tmp_path / "few.toml", "--out", "out"]

    def same(content):
        return {k: v for k, v in content.items() if not k.endswith(".timing.parquet")}

    def check(whole, killed):
        left = same(files(killed))
        assert left.items() <= same(files(whole)).items()
        code, said = victims.run(args, killed)
        assert code == 0, said
        assert same(files(killed)) == same(files(whole))

    kill_at_random(victims, args, tmp_path, check, 2)


def test_run_killed_leaves_whole_files(victims, tmp_path):
    args = ["run", "--workers", "2", "--out", "out"]

    def check(whole, killed):
        assert files(killed).items() <= files(whole).items()

    kill_at_random(victims, args, tmp_path, check, 3)


def test_baseline_killed_leaves_the_old_one_or_the_new(victims, tmp_path):
    (tmp_path / "few.toml").write_text(STUDY)
    args = ["baseline", "save", "it/", "--study", tmp_path / "few.toml", "--replace"]

    def check(whole, killed):
        old = killed / "it"
        if old.exists():
            assert set(baseline.load(old).frames) == {"replays", "speeds"}
        code, said = victims.run(args, killed)
        assert code == 0, said
        rows = [baseline.load(f / "it").frames["replays"] for f in (whole, killed)]
        pd.testing.assert_frame_equal(*rows)

    kill_at_random(victims, args, tmp_path, check, 4)


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

    def check(whole, killed):
        path = killed / "cache/owner/name/data.bin"
        assert not path.exists() or path.read_bytes() == CONTENT
        code, said = victims.run(args, killed)
        assert code == 0, said
        assert path.read_bytes() == CONTENT

    kill_at_random(victims, args, tmp_path, check, 5)
