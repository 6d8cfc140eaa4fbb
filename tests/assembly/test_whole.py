"""The kept table is the one that assembling gives, and is never taken for another."""

import hashlib
import os
import pickle
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from gappy_table import small_table

from benchsuite import cli, remembered
from benchsuite.assembly import assemble, whole
from benchsuite.assembly.notes import say
from benchsuite.assembly.own_scores import Scores
from benchsuite.assembly.whole import whole_table
from benchsuite.errors import PluginWarning
from benchsuite.sources._source import PinnedFile, Source
from benchsuite.space.cell import N_CELLS
from benchsuite.table.stored import Stored

PROXY = '''"""Mine."""
{imports}
from benchsuite.api import Proxy


def cells(skeleton):
    return {{"": {value}}}


PROXY = Proxy(version=1, direction="max", formula="x", source="me", cost="analytic",
              all_cells=cells)
'''
ONES = "[1.0] * 15625"


@pytest.fixture(autouse=True, scope="module")
def imported():
    """What plug-ins import of this package is imported: here its code is said to lie elsewhere."""
    list(assemble.analytic_proxies(()))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of its own, in which tables are kept whose code changed a moment ago."""
    monkeypatch.delenv("BENCHSUITE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(remembered, "REST", -(10**18))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache/benchsuite/tables"


@pytest.fixture
def made(monkeypatch, tmp_path):
    """A small table of a small package is assembled; returns the times that it was."""
    times = []

    def small(plugin_folders, scores):
        times.append((plugin_folders, scores))
        say("made")
        if plugin_folders:
            list(assemble.analytic_proxies(plugin_folders))
        return small_table()

    package = tmp_path / "package"
    (package / "data").mkdir(parents=True)
    (package / "code.py").write_text("x = 1")
    (package / "data/shipped.parquet").write_bytes(b"1234")
    monkeypatch.setattr(assemble, "assemble", small)
    monkeypatch.setattr(whole, "PACKAGES", ("benchsuite",))
    monkeypatch.setattr(whole, "folders", lambda name: [package])
    monkeypatch.setattr(whole, "environment", lambda: None)
    return times


def same(one, other):
    assert one.columns == other.columns
    for name in other.columns:
        assert one.values(name).tobytes() == other.values(name).tobytes()
        assert one.present(name) == other.present(name)
        assert one.reasons(name) == other.reasons(name)
    assert one.checksum == other.checksum
    assert {**one.provenance, "made_by": None} == {**other.provenance, "made_by": None}
    assert one.data.equals(other.data)


def is_kept(table):
    return isinstance(table._data, Stored)


def is_the_one_assembled(tmp_path):
    fresh = whole_table()
    assert not is_kept(fresh)
    kept = whole_table()
    assert is_kept(kept)
    same(kept, fresh)
    assert list(kept.columns) == list(fresh.columns)
    assert kept.provenance == fresh.provenance
    assert kept.provenance_line == fresh.provenance_line
    assert kept.checksum == kept.without([]).checksum
    names = ["naswot", "ntk_cond.k2"]
    assert kept.frame(names).equals(fresh.frame(names))
    fresh.write(tmp_path / "fresh.parquet")
    kept.write(tmp_path / "kept.parquet")
    assert (tmp_path / "fresh.parquet").read_bytes() == (tmp_path / "kept.parquet").read_bytes()


def test_the_kept_table_is_the_one_assembled(tmp_path):
    is_the_one_assembled(tmp_path)


@pytest.mark.nb201
def test_so_it_is_with_public_files(raw, tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHSUITE_DATA", str(raw))
    is_the_one_assembled(tmp_path)


def test_another_process_finds_it(cache):
    asked = "from benchsuite.assembly import whole; print(whole._key(whole.places(), None, ())[0])"
    other = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == whole._key(whole.places(), None, ())[0]


def edited(path, text):
    """Change a file to something as long, with the times that it had."""
    before = path.stat()
    path.write_text(text)
    assert path.stat().st_size == before.st_size
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


PACKAGED = PinnedFile("numbers.pkl", sha256="0" * 64, size=1, package="a-package")
CHANGES = {
    "an installed file": lambda at: edited(at / "site/numbers.pkl", "2"),
    "an installed file is gone": lambda at: (at / "site/numbers.pkl").unlink(),
    "code": lambda at: edited(at / "package/code.py", "x = 2"),
    "a shipped table": lambda at: edited(at / "package/data/shipped.parquet", "1235"),
    "a new file of code": lambda at: (at / "package/more.py").write_text(""),
    "a name": lambda at: (at / "package/code.py").rename(at / "package/codes.py"),
    "a plug-in": lambda at: edited(
        at / "mine/proxies/mine.py", (at / "mine/proxies/mine.py").read_text().replace("1.0", "2.0")
    ),
    "a file beside a plug-in": lambda at: edited(at / "mine/proxies/_beside.py", "y = 2"),
    "data of a plug-in": lambda at: edited(at / "mine/proxies/data/x.csv", "2"),
    "data behind a link": lambda at: edited(at / "elsewhere/x.csv", "2"),
    "a new plug-in": lambda at: (at / "mine/proxies/more.py").write_text(
        PROXY.format(value=ONES, imports="")
    ),
    "scores": lambda at: edited(at / "scores.csv", "index,x\n0,2\n"),
    "a public file": lambda at: edited(at / "drop/owner/data.bin", "2"),
    "a new public file": lambda at: (at / "drop/more.bin").write_text("1"),
    "a fetched file": lambda at: edited(at / "cache/benchsuite/owner/data.bin", "2"),
}


@pytest.fixture
def everything(tmp_path, made, monkeypatch):
    """One of each kind of file that the table is a function of; returns what makes the table."""
    for name, text in {
        "mine/proxies/mine.py": PROXY.format(value=ONES, imports=""),
        "mine/proxies/_beside.py": "y = 1",
        "mine/proxies/data/x.csv": "1",
        "elsewhere/x.csv": "1",
        "scores.csv": "index,x\n0,1\n",
        "drop/owner/data.bin": "1",
        "cache/benchsuite/owner/data.bin": "1",
        "site/numbers.pkl": "1",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for name, to in (("linked", "elsewhere"), ("loop", "mine/proxies")):
        (tmp_path / "mine/proxies" / name).symlink_to(tmp_path / to)
    monkeypatch.setenv("BENCHSUITE_DATA", str(tmp_path / "drop"))
    packaged = Source("a", "nobody", "MIT", (PACKAGED,), lambda folder: iter(()))
    monkeypatch.setattr(whole, "all_sources", lambda: (packaged,))
    monkeypatch.setattr(whole, "installed_at", lambda file: tmp_path / "site" / file.path)
    return lambda: whole_table([tmp_path / "mine"], Scores(tmp_path / "scores.csv"))


@pytest.mark.parametrize("what", CHANGES)
def test_every_change_is_noticed(what, everything, made, tmp_path):
    everything()
    assert is_kept(everything())
    assert len(made) == 1
    CHANGES[what](tmp_path)
    assert not is_kept(everything())
    assert is_kept(everything())
    assert len(made) == 2


def test_beside_public_files_that_changed_a_moment_ago_nothing_is_kept(
    everything, tmp_path, monkeypatch
):
    monkeypatch.setattr(remembered, "REST", 10**11)
    monkeypatch.setattr(remembered, "BEGAN", remembered.BEGAN + 10**13)
    everything()
    assert not is_kept(everything())
    monkeypatch.delenv("BENCHSUITE_DATA")
    assert not is_kept(everything())
    shutil.rmtree(tmp_path / "cache/benchsuite/owner")
    assert not is_kept(everything())
    shutil.rmtree(tmp_path / "site")
    everything()
    assert is_kept(everything())


def test_beside_code_that_changed_since_the_process_began_nothing_is_kept(everything, monkeypatch):
    monkeypatch.setattr(remembered, "REST", 0)
    everything()
    assert not is_kept(everything())


def test_the_digest_of_a_file_that_changed_a_moment_ago_is_not_remembered(tmp_path, monkeypatch):
    file, known = tmp_path / "file", tmp_path / "known.json"
    file.write_text("a")
    for rest, kept in ((10**11, False), (-(10**18), True)):
        monkeypatch.setattr(remembered, "REST", rest)
        digests = remembered.Digests(known)
        assert digests.of(str(file)) == hashlib.sha256(b"a").hexdigest()
        digests.save()
        assert known.exists() == kept


def test_other_arguments_are_other_tables(everything, made, tmp_path, monkeypatch):
    everything()
    tables = [
        whole_table(),
        whole_table(scores=Scores(tmp_path / "scores.csv")),
        whole_table(scores=Scores(tmp_path / "scores.csv", named=False)),
        whole_table(plugin_folders=[tmp_path / "mine"]),
    ]
    monkeypatch.delenv("BENCHSUITE_DATA")
    assert not any(map(is_kept, [*tables, whole_table(), everything()]))
    assert is_kept(everything())


def test_a_damaged_file_is_never_believed(made, cache):
    fresh = whole_table()
    (path,) = cache.iterdir()
    good = path.read_bytes()
    places = np.linspace(0, len(good) - 1, 12).astype(int).tolist()
    torn = [good[:n] for n in (0, 3, 20, 200, len(good) // 2, len(good) - 1)]
    flipped = [good[:at] + bytes([good[at] ^ 4]) + good[at + 1 :] for at in places]
    for bad in [*torn, *flipped, b"\0" * len(good), good[::-1], good + b"more"]:
        path.write_bytes(bad)
        same(whole_table(), fresh)
        path.write_bytes(good)
        opened = whole_table()
        path.write_bytes(bad)
        same(opened, fresh)
        same(whole_table(), fresh)
        assert path.read_bytes() in (good, good + b"more")


def test_a_file_that_another_process_deletes_is_made_again(made, cache):
    fresh, kept = whole_table(), whole_table()
    (path,) = cache.iterdir()
    path.unlink()
    same(kept, fresh)
    assert path.exists()


def test_a_cache_that_cannot_be_written_is_no_error(made, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    for _ in range(2):
        same(whole_table(), small_table())
    assert len(made) == 2


def test_few_tables_are_kept_those_used_last(made, cache, tmp_path):
    first = whole_table
    for number in range(whole.KEPT + 3):
        (tmp_path / "package/code.py").write_text(f"x = {number}")
        whole_table()
        (tmp_path / "package/code.py").write_text("x = 0")
        assert is_kept(first())
    assert len(list(cache.iterdir())) == whole.KEPT


SCRIPT = """
import sys
sys.path[:0] = {folders!r}
from benchsuite import remembered
from benchsuite.assembly import assemble, whole
from gappy_table import small_table
from test_whole import same
remembered.REST = -(10**18)
assemble.assemble = lambda *_: small_table()
for _ in range(5):
    same(whole.whole_table(), small_table())
    for path in (whole.places().cache / "tables").iterdir():
        path.unlink(missing_ok=True)
    same(whole.whole_table(), small_table())
"""


def test_processes_may_fill_it_at_once(cache):
    here = Path(__file__).parent
    script = SCRIPT.format(folders=[str(here), str(here.parent / "helpers")])

    def run(_):
        return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    with ThreadPoolExecutor() as pool:
        for ended in pool.map(run, range(3)):
            assert not ended.returncode, ended.stderr


def mine(folder, value=ONES, imports=""):
    path = folder / "mine/proxies/mine.py"
    path.parent.mkdir(parents=True)
    path.write_text(PROXY.format(value=value, imports=imports))
    return [folder / "mine"]


def test_what_was_said_and_left_out_is_told_again(made, tmp_path, capsys):
    folders = mine(tmp_path, "1 / 0")
    for _ in range(3):
        with pytest.warns(PluginWarning, match=r"ZeroDivisionError.*mine\.py, line") as warned:
            whole_table(plugin_folders=folders)
        assert len(warned) == 1
        assert capsys.readouterr().err == "made\n"
    assert len(made) == 1


@pytest.mark.parametrize(
    "code",
    ["raise OSError", "raise MemoryError", "raise RuntimeError", "import nothing_of_the_sort"],
)
def test_a_failure_that_may_pass_is_not_kept(code, made, tmp_path, cache):
    folders = mine(tmp_path, imports=code)
    for _ in range(2):
        with pytest.warns(PluginWarning, match="left out"):
            whole_table(plugin_folders=folders)
    assert len(made) == 2
    assert not cache.exists()


def test_beside_code_from_elsewhere_nothing_is_kept(made, tmp_path, monkeypatch):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/elsewhere_of_mine.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path / "lib")
    folders = mine(tmp_path, imports="import elsewhere_of_mine")
    whole_table(plugin_folders=folders)
    assert not is_kept(whole_table(plugin_folders=folders))


def test_code_that_changes_while_the_table_is_made_is_not_kept(made, tmp_path, monkeypatch):
    small = assemble.assemble

    def edits(*given):
        edited(tmp_path / "package/code.py", "x = 2")
        return small(*given)

    monkeypatch.setattr(assemble, "assemble", edits)
    whole_table()
    edited(tmp_path / "package/code.py", "x = 1")
    assert not is_kept(whole_table())


def test_a_column_is_read_when_it_is_asked_for(made, monkeypatch):
    whole_table()
    read = []
    part = Stored._read
    monkeypatch.setattr(Stored, "_read", lambda self, p: read.append(p) or part(self, p))
    table = whole_table()
    assert table.present("gaps@1") < N_CELLS
    assert table.reasons("gaps")
    assert table.checksum
    assert not read
    table.values("gaps")
    assert len(read) == 1
    table.frame(["gaps", "few"])
    assert len(read) == 5


def test_a_table_travels_whole(made, cache):
    fresh = whole_table()
    sent = pickle.dumps(whole_table())
    (path,) = cache.iterdir()
    path.unlink()
    same(pickle.loads(sent), fresh)


def test_commands_say_the_same_of_a_kept_table(made, capsys):
    outputs = []
    for _ in range(2):
        cli.main(["ls", "columns", "--json"])
        outputs.append(capsys.readouterr())
    assert outputs[0] == outputs[1]
    assert len(made) == 1
