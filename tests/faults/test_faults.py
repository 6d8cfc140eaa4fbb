"""Full, read-only, doubled and cut short: a sentence, and what was finished is intact."""

import contextlib
import hashlib
import json
import os
import subprocess
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from victims import SCORE, STUDY, files, scores

from benchsuite import cli
from benchsuite.errors import UserError
from benchsuite.proxies._tabulation import rows as _rows
from benchsuite.proxies._tabulation.spec import Spec
from benchsuite.space.network import Skeleton
from benchsuite.table.table import Table

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

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

    opened = os.open

    def refused(path, *given, **named):
        if str(tmp_path) in str(path):
            raise PermissionError(13, "Permission denied")
        return opened(path, *given, **named)

    monkeypatch.setattr("os.open", refused)
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
        assert "rows-1-of-1.jsonl is in use by" in said
        assert f"process {os.getpid()} on " in said
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
    from benchsuite.sources._public_files import Places, find
    from benchsuite.sources._source import PinnedFile

    where = Places(None, tmp_path)
    content = bytes(range(256)) * 2000
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    file = PinnedFile("a.bin", ("u",), hashlib.sha256(content).hexdigest(), len(content))
    assert find(file, where) == path
    before = path.stat()
    path.write_bytes(content[::-1])
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
    tests = Path(__file__).parents[1]
    text = (tests.parent / "docs" / "faults.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ") and "test_" in line]
    named = [part.strip("` ") for row in rows for part in row.split("|")[-2].split(",")]
    assert len(rows) > 15
    for name in named:
        module, _, test = name.partition("::")
        (path,) = tests.rglob(module)
        assert f"def {test}(" in path.read_text(), name
    for module in ("test_faults.py", "test_kills.py"):
        for line in (tests / "faults" / module).read_text().splitlines():
            if line.startswith("def test_") and "in_the_document" not in line:
                assert f"{module}::{line[4:].partition('(')[0]}`" in text, line
