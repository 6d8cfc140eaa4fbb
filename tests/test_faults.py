"""Killed, full, read-only, doubled and cut short: a sentence, and what was finished is intact.

BENCHSUITE_KILLS=40 kills each command that many times at random moments (default 2).
"""

import contextlib
import hashlib
import http.server
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from benchsuite import baseline, cli
from benchsuite.errors import UserError
from benchsuite.network import Skeleton
from benchsuite.table import Table
from proxies import _rows
from proxies._tabulate import Spec

KILLS = int(os.environ.get("BENCHSUITE_KILLS", "2"))
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
CONTENT = bytes(range(256)) * 2000

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


class Victims:
    """The process that forks the victims (see `_victim`)."""

    def __init__(self, folder):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        environment["XDG_CACHE_HOME"] = str(folder / "cache")
        environment["OMP_NUM_THREADS"] = "1"
        environment.pop("BENCHSUITE_DATA", None)
        self.errors = folder / "errors.txt"
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("_victim.py"))],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._read() == "ready"

    def start(self, args, cwd, **more):
        order = {"args": [*map(str, args)], "cwd": str(cwd), "err": str(self.errors), **more}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._read())

    def ended(self):
        return os.waitstatus_to_exitcode(int(self._read()))

    def run(self, args, cwd, **more):
        """Run to the end; return exit code and what was said."""
        self.start(args, cwd, **more)
        return self.ended(), self.errors.read_text()

    def kill(self, args, cwd, after):
        """Kill after some seconds; tell whether it was still running."""
        child = self.start(args, cwd)
        time.sleep(after)
        with contextlib.suppress(ProcessLookupError):  # it has ended
            os.kill(child, signal.SIGKILL)
        return self.ended() == -signal.SIGKILL

    def _read(self):
        line = self._process.stdout.readline()
        assert line, "the process that forks has ended"
        return line.strip()

    def close(self):
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()


@pytest.fixture(scope="module")
def victims(tmp_path_factory):
    running = Victims(tmp_path_factory.mktemp("victims"))
    yield running
    running.close()


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


def files(folder):
    """Relative path -> content of every file that is not hidden."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in found
        if not path.name.startswith((".", "tmp"))
    }


def scores(folder):
    rows = ({k: v for k, v in row.items() if k != "seconds"} for row in _rows.read(folder))
    return sorted(rows, key=lambda row: (row["repeat"], row["cell"]))


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
    args = ["run", "--out", "out"]

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


LIMITS = [("tabulate", 600), ("study", 900), ("table", 50_000), ("baseline", 700)]


def command(name, tmp_path):
    (tmp_path / "few.toml").write_text(STUDY)
    return {
        "tabulate": ["tabulate", *SCORE, "--out", "out"],
        "study": ["study", tmp_path / "few.toml", "--out", "out"],
        "table": ["table", "--out", "out/table.parquet"],
        "baseline": ["baseline", "save", "out/it", "--replace", "--study", tmp_path / "few.toml"],
    }[name]


@pytest.mark.parametrize(("name", "limit"), LIMITS)
def test_a_full_disk_is_a_sentence_and_loses_nothing(victims, tmp_path, name, limit):
    args = command(name, tmp_path)
    code, said = victims.run(args, tmp_path, limit=limit)
    assert code == 2, said
    assert "Traceback" not in said
    assert "not written" in said
    left = files(tmp_path / "out") if (tmp_path / "out").exists() else {}
    code, said = victims.run(args, tmp_path)
    assert code == 0, said
    after = files(tmp_path / "out")
    for path, content in left.items():
        assert after[path].startswith(content.rpartition(b"\n")[0]), path


@contextlib.contextmanager
def mounted(folder, options):
    """A small file system of its own, where one may be mounted."""
    folder.mkdir(exist_ok=True)
    order = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(order, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_file_system_is_a_sentence_and_loses_nothing(victims, tmp_path):
    with mounted(tmp_path / "out", "size=32k"):
        for name in ("table", "study"):
            code, said = victims.run(command(name, tmp_path), tmp_path)
            assert (code, "No space left" in said) == (2, True), said
        assert not (tmp_path / "out" / "table.parquet").exists()


@pytest.mark.parametrize("name", ["tabulate", "study", "table", "baseline"])
def test_a_read_only_folder_is_a_sentence(victims, tmp_path, name):
    with mounted(tmp_path / "out", "ro"):
        code, said = victims.run(command(name, tmp_path), tmp_path)
    assert code == 2, said
    assert "Traceback" not in said
    assert "Read-only file system" in said


def test_a_folder_that_refuses_files_is_a_sentence(tmp_path, monkeypatch, capsys):
    """As a read-only folder, also where nothing can be mounted."""

    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refused)
    monkeypatch.delenv("BENCHSUITE_DATA", raising=False)
    with pytest.raises(SystemExit) as stop:
        cli.main(["table", "--out", str(tmp_path / "table.parquet")])
    assert stop.value.code == 2
    assert "cannot be written: Permission denied" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_two_tabulations_at_once_are_told_apart(victims, tmp_path):
    args = ["tabulate", *SCORE, "--out", "out"]
    with _rows_locked(tmp_path / "out"):
        code, said = victims.run(args, tmp_path)
        assert code == 2
        assert "Another process is writing" in said
    assert victims.run(args, tmp_path)[0] == 0


@contextlib.contextmanager
def _rows_locked(folder):
    folder.mkdir()
    with _rows.appending(folder, 1, 1):
        spec = Spec(("l2_norm", "naswot"), Skeleton(2, 1, 4), 4, 0, "gaussian")
        (folder / _rows.SETTINGS).write_text(json.dumps(spec.settings()))
        yield


def test_two_studies_at_once_agree(victims, tmp_path):
    (tmp_path / "few.toml").write_text(STUDY)
    args = ["study", tmp_path / "few.toml", "--out", "out"]
    one = victims.start(args, tmp_path, wait=False)
    code, said = victims.run(args, tmp_path)
    assert code == 0, said
    deadline = time.monotonic() + 60
    while Path(f"/proc/{one}/cwd").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    alone = tmp_path / "alone"
    alone.mkdir()
    assert victims.run(args, alone)[0] == 0
    both, single = files(tmp_path / "out"), files(alone / "out")
    assert both.keys() == single.keys()
    for path in single:
        if not path.endswith(".timing.parquet"):
            assert both[path] == single[path], path


def test_jumps_of_the_clock_change_nothing(victims, tmp_path):
    results = []
    for jumps in (False, True):
        folder = tmp_path / str(jumps)
        folder.mkdir()
        for name in ("tabulate", "study"):
            code, said = victims.run(command(name, tmp_path), folder, clock=jumps)
            assert code == 0, said
        results.append((scores(folder / "out"), files(folder / "out" / "few")["summary.json"]))
    assert results[0] == results[1]


def test_a_file_changed_behind_an_unchanged_clock_is_seen(tmp_path):
    """Same size and time of change, other content: what was verified does not count any more."""
    from benchsuite.fetch import Places, find
    from benchsuite.sources_api import PinnedFile

    where = Places(None, tmp_path)
    path = tmp_path / "a.bin"
    path.write_bytes(CONTENT)
    file = PinnedFile("a.bin", ("u",), hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
    assert find(file, where) == path
    before = path.stat()
    path.write_bytes(CONTENT[::-1])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(UserError, match="not the pinned file"):
        find(file, where)


@pytest.fixture(scope="module")
def parquet(tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "t.parquet"
    Table.empty({"accuracy": "none"}).write(path)
    return path


def test_a_parquet_file_cut_short_is_a_sentence(parquet, tmp_path):
    content = parquet.read_bytes()
    for end in [*range(0, len(content), len(content) // 40), len(content) - 1]:
        (tmp_path / "cut.parquet").write_bytes(content[:end])
        with pytest.raises(UserError, match="no readable Parquet file"):
            Table.open(tmp_path / "cut.parquet")


def test_a_table_of_another_schema_is_a_sentence(parquet, tmp_path):
    data = pq.read_table(parquet)
    footer = json.loads(data.schema.metadata[b"benchsuite"])
    newer = {b"benchsuite": json.dumps({**footer, "schema": 99}).encode()}
    pq.write_table(data.replace_schema_metadata(newer), tmp_path / "new.parquet")
    with pytest.raises(UserError, match="schema 99; this version reads 1"):
        Table.open(tmp_path / "new.parquet")


def test_every_fault_in_the_document_has_its_test():
    text = (Path(__file__).parents[1] / "docs" / "faults.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ") and "test_" in line]
    named = [part.strip("` ") for row in rows for part in row.split("|")[-2].split(",")]
    assert len(rows) > 15
    for name in named:
        module, _, test = name.partition("::")
        source = (Path(__file__).parent / module).read_text()
        assert f"def {test}(" in source, name
    own = Path(__file__).read_text()
    for line in own.splitlines():
        if line.startswith("def test_") and "in_the_document" not in line:
            assert line[4:].partition("(")[0] in text, line
