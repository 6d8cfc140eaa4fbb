"""Digests: different values have different encodings, and every file of the packages is in one."""

import dataclasses
import itertools
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchsuite import digest as module
from benchsuite.digest import code, digest, encoding
from benchsuite.packages import files_below
from benchsuite.space.network import Skeleton

ROOT = Path(__file__).parents[1]


@dataclasses.dataclass(frozen=True)
class Two:
    first: object = None
    second: object = None


@dataclasses.dataclass(frozen=True)
class Other:
    first: object = None
    second: object = None


DIFFERENT = [
    None, True, False, 1, 0, -1, 1.0, 0.0, -0.0, float("nan"), float("inf"), "", "1", "None", b"",
    b"1", (), [], {}, frozenset(), (1,), [1], (1, 2), (2, 1), ((1,), 2), (1, (2,)), ((), ()),
    ("a", "b"), ("ab", ""), ("a;s1;b",), {"a": 1}, {"a": 1.0}, {"b": 1}, {"a": 1, "b": 2},
    {"b": 2, "a": 1}, {"a": {"b": 2}}, {1, 2}, {1},
    Two(), Two(1), Two(None, 1), Two(1, 1), Other(1), Skeleton(),
    Skeleton(channels=8), np.float64(1), np.float32(1), np.int64(1), np.zeros(0), np.zeros(1),
    np.zeros(4), np.zeros((2, 2)), np.zeros((1, 4)), np.zeros(4, "f4"), np.zeros(4, "i8"),
    np.zeros(4, bool), np.zeros(8, "f4"), np.array([0.0, np.nan, 0, 0]), np.array(["a"]),
    np.array([1, None], dtype=object), np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    np.array([(1, 2.0)], dtype=[("c", "i4"), ("b", "f8")]),
]  # fmt: skip


def test_different_values_have_different_encodings():
    found = [b"".join(encoding(value)) for value in DIFFERENT]
    assert len(set(found)) == len(DIFFERENT)
    ends = sorted(found)
    for one, next_ in itertools.pairwise(ends):
        assert not next_.startswith(one), "none is the beginning of another, so none can be moved"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


def same(one, two):
    """Equality that tells types, signed zeros and the order of mappings apart; NaN equals NaN."""
    if type(one) is not type(two):
        return False
    if isinstance(one, dict):
        return same(list(one.items()), list(two.items()))
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, float):
        return repr(one) == repr(two)
    return one == two


@given(values, values)
@settings(max_examples=40, deadline=None)
def test_encodings_are_equal_exactly_where_values_are(one, two):
    assert (digest(one) == digest(two)) == same(one, two)
    assert digest(one) == digest(one)


def test_how_an_array_lies_in_memory_does_not_matter():
    values = np.arange(12.0).reshape(3, 4)
    assert digest(values.T) == digest(np.ascontiguousarray(values.T))
    assert digest(values[:, ::2]) == digest(values[:, ::2].copy())
    odd = np.array([0x7FF8000000000001, 0x7FF8000000000000], dtype="u8").view("f8")
    assert digest(odd) == digest(np.array([np.nan, np.nan]))


def test_what_has_no_digest_is_refused():
    for value in (object(), Two, lambda: 0, np.array([object()])):
        with pytest.raises(TypeError, match="no digest"):
            digest(value)


def test_folders_beside_a_plug_in_that_are_links_are_followed_once(tmp_path):
    for name in ("mine/search/one.py", "elsewhere/data.csv"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("1")
    (tmp_path / "mine/search/linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/loop").symlink_to(tmp_path / "mine")
    found = module.files_beside(tmp_path / "mine/search/one.py")
    assert set(found) == {"one.py", "linked/data.csv"}


@pytest.mark.parametrize("package", module.PACKAGES)
def test_every_file_of_a_package_is_in_the_digest_of_code(package):
    (folder,) = module.folders(package)
    found = files_below(folder)
    every = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert set(found) == every
    assert {Path(name).suffix for name in found} >= {".py"}
    whole = digest(found)
    assert len({whole} | {digest({**found, name: "another"}) for name in found}) == len(found) + 1


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The packages, copied; of the shipped data only what is no large table."""
    root = tmp_path_factory.mktemp("copy")
    ignored = shutil.ignore_patterns(
        "__pycache__", "*_*.parquet", "proxies.parquet", "variants", "sampled"
    )
    for package in ("benchsuite", "proxies", "devices", "reports"):
        shutil.copytree(ROOT / package, root / package, ignore=ignored, symlinks=True)
    return root


@pytest.mark.parametrize(
    "name",
    ["benchsuite/space/cost.py", "benchsuite/space/network.py", "benchsuite/space/deploy.py",
     "proxies/_engine/forward.py", "benchsuite/search/_adam.py", "benchsuite/studies/guard.toml",
     "benchsuite/deployment/ram.py",
     "devices/_kernels/conv.c", "devices/tables/measured.csv", "benchsuite/data/compression.json",
     "benchsuite/data/estimates.parquet", "benchsuite/data/compression.csv"],
)  # fmt: skip
def test_a_changed_file_changes_its_package(copy, name):
    path = copy / name
    folder = copy / name.partition("/")[0]
    before, content = digest(files_below(folder)), path.read_bytes()
    path.write_bytes(content + b"\n")
    changed = digest(files_below(folder))
    path.unlink()
    gone = digest(files_below(folder))
    path.write_bytes(content)
    assert len({before, changed, gone}) == 3
    assert digest(files_below(folder)) == before
    (folder / "added.py").write_text("")
    assert digest(files_below(folder)) not in (before, changed, gone)
    (folder / "added.py").unlink()


def test_what_python_compiles_changes_nothing(copy):
    before = files_below(copy / "proxies")
    (copy / "proxies/__pycache__").mkdir()
    (copy / "proxies/__pycache__/naswot.cpython-312.pyc").write_bytes(b"compiled")
    assert files_below(copy / "proxies") == before


@pytest.mark.parametrize("what", ["python", "numpy", "scipy", "numba", "torch"])
def test_versions_of_what_computes_are_in_the_digest_of_code(what, monkeypatch):
    module._code.cache_clear()
    before, versions = code(), module.versions()
    assert what in versions
    monkeypatch.setattr(module, "versions", lambda: {**versions, what: "0.0"})
    assert code() == before, "read once per process"
    module._code.cache_clear()
    assert code() != before
    monkeypatch.undo()
    module._code.cache_clear()
    assert code() == before


KEY = """
import sys
sys.path[:0] = [{root!r}, {tests!r}]
from benchsuite.replays import jobs, study
from benchsuite.simulation.problem import prepare
from benchsuite.simulation.setting import Setting
from benchsuite.space import cost
from search_tables import table
assert cost.__file__.startswith({root!r})
job = jobs.Job("munas_pruned", {{}}, "it", study.Budget(queries=5), 0, 2)
assert "torch" not in sys.modules
print(jobs.key(job))
assert "torch" not in sys.modules
"""


def test_a_changed_price_of_narrow_layers_is_another_job(copy):
    """Pruned networks are priced by `cost`, which a list of modules once left out."""
    script = KEY.format(root=str(copy), tests=str(ROOT / "tests" / "helpers"))

    def key():
        run = subprocess.run(
            [sys.executable, "-B", "-c", script],
            capture_output=True,
            text=True,
            check=True,
            cwd=copy,
        )
        return run.stdout

    before = key()
    path = copy / "benchsuite/space/cost.py"
    content = path.read_text()
    path.write_text(content + "\n\n_TRIPLED = 3\n")
    changed = key()
    path.write_text(content)
    assert before != changed
    assert key() == before
