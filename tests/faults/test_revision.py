"""Which code runs: no revision is claimed of files that are not that revision's."""

import base64
import hashlib
import json
import os
import shutil
import subprocess

import pytest

from benchsuite import provenance
from benchsuite.errors import UserError
from benchsuite.parallel.clusters import _check_versions
from benchsuite.revision import revision_of, sources_of

FILES = {
    "benchsuite/__init__.py": "",
    "benchsuite/version.py": "__version__ = 0",
    "proxies/__init__.py": "",
    "proxies/one.py": "1",
    "devices/__init__.py": "",
    "reports/__init__.py": "",
    ".gitignore": "ignored*\n__pycache__/\nout/\n",
    "README.md": "It.",
}


def git(root, *args):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    me = ["-c", "user.name=me", "-c", "user.email=me@example.org", "-c", "commit.gpgsign=false"]
    run = ["git", "-C", str(root), *me, *args]
    return subprocess.run(run, check=True, capture_output=True, text=True, env=clean).stdout.strip()


def written(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def committed(root, files=FILES):
    written(root, files)
    for package in ("proxies", "devices", "reports"):
        if (root / package).is_dir():
            (root / "benchsuite" / package).symlink_to(f"../{package}")
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "it")
    return git(root, "rev-parse", "--short=12", "HEAD")


def edited(root, head):
    return f"{head}+changes (sources {sources_of(root)[:12]})"


@pytest.fixture
def checkout(tmp_path):
    root = tmp_path / "checkout"
    return root, committed(root)


def test_a_clean_checkout_is_its_commit(checkout):
    root, head = checkout
    assert revision_of(root) == head
    written(root, {"out/x.csv": "", "proxies/__pycache__/one.cpython-311.pyc": ""})
    assert revision_of(root) == head


@pytest.mark.parametrize(
    "change",
    [
        {"proxies/one.py": "2"},
        {"proxies/new.py": ""},
        {"proxies/ignored.py": ""},
        {"reports/_common/deep.py": ""},
        {"benchsuite/data/new.parquet": ""},
        {"README.md": "Another."},
    ],
)
def test_a_changed_or_added_file_is_a_change(checkout, change):
    root, head = checkout
    written(root, change)
    assert revision_of(root) == edited(root, head)


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_what_git_was_told_to_overlook_is_a_change(checkout, flag):
    root, head = checkout
    git(root, "update-index", flag, "proxies/one.py")
    written(root, {"proxies/one.py": "2"})
    assert revision_of(root) == edited(root, head)


def test_a_deleted_file_is_a_change(checkout):
    root, head = checkout
    (root / "proxies/one.py").unlink()
    assert revision_of(root) == edited(root, head)
    git(root, "add", "-A")
    assert revision_of(root) == edited(root, head)


def test_two_edits_are_told_apart(checkout):
    root, _ = checkout
    found = set()
    for text in ("2", "3"):
        written(root, {"proxies/one.py": text})
        found.add(revision_of(root))
    assert len(found) == 2


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_a_checkout_of_another_user_is_told_as_ones_own(checkout, monkeypatch):
    root, head = checkout
    for path in (root, *root.rglob("*")):
        os.chown(path, 65534, 65534, follow_symlinks=False)
    monkeypatch.setenv("HOME", str(root.parent))  # No safe.directory of the user's.
    assert revision_of(root) == head
    written(root, {"proxies/one.py": "2"})
    assert revision_of(root) == edited(root, head)


def test_no_variable_of_git_leads_elsewhere(checkout, tmp_path, monkeypatch):
    root, head = checkout
    other = tmp_path / "other"
    committed(other, {**FILES, "README.md": "Other."})
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert revision_of(root) == head
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git/index"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other / ".git/objects"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.worktree")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(other))
    assert revision_of(root) == head
    written(root, {"proxies/one.py": "2"})
    assert revision_of(root) == edited(root, head)


@pytest.mark.parametrize("remains", ["nothing", "an empty folder", "a file that leads nowhere"])
def test_a_copy_inside_another_repository_is_not_that_repository(tmp_path, remains):
    head = committed(tmp_path)
    root = tmp_path / "out" / "copy"
    written(root, FILES)
    if remains == "an empty folder":
        (root / ".git").mkdir()
    elif remains == "a file that leads nowhere":
        (root / ".git").write_text("gitdir: /nowhere")
    found = revision_of(root)
    assert head not in found
    assert (
        found == f"unknown revision of {provenance.__version__} (sources {sources_of(root)[:12]})"
    )


def test_a_worktree_is_its_own_commit(checkout, tmp_path):
    root, head = checkout
    git(root, "worktree", "add", "-q", "-b", "it", str(tmp_path / "tree"))
    assert revision_of(tmp_path / "tree") == head
    written(tmp_path / "tree", {"proxies/new.py": ""})
    assert revision_of(root) == head
    assert revision_of(tmp_path / "tree") == edited(tmp_path / "tree", head)


def test_without_a_commit_or_without_git_no_revision_is_claimed(tmp_path, checkout, monkeypatch):
    written(tmp_path / "new", FILES)
    git(tmp_path / "new", "init", "-q")
    assert revision_of(tmp_path / "new").startswith("unknown revision of")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert revision_of(checkout[0]).startswith("unknown revision of")


def installed(place, about=None):
    """A wheel's files as pip unpacks them, in a folder within a repository."""
    names = {n.removeprefix("benchsuite/"): t for n, t in FILES.items() if "/" in n}
    written(place, {f"benchsuite/{name}": text for name, text in names.items()})
    info = place / "benchsuite-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: benchsuite\nVersion: 0.1.0\n")
    if about:
        (info / "direct_url.json").write_text(json.dumps(about))
    lines = ["benchsuite-0.1.0.dist-info/RECORD,,", "benchsuite/__pycache__/x.pyc,,"]
    for name, text in names.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
        lines.append(f"benchsuite/{name},sha256={digest.decode().rstrip('=')},{len(text)}")
    (info / "RECORD").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("about", "name"),
    [
        (None, "wheel 0.1.0"),
        ({"url": "x", "archive_info": {}}, "wheel 0.1.0"),
        ({"url": "x", "vcs_info": {"vcs": "git", "commit_id": "a" * 40}}, "a" * 12),
    ],
)
def test_a_wheel_is_held_against_its_record(tmp_path, about, name):
    head = committed(tmp_path)
    place = tmp_path / "out" / "site-packages"
    installed(place, about)

    def expected(what):
        return what if what.isalnum() else f"{what} (sources {sources_of(place)[:12]})"

    assert head not in revision_of(place)
    assert revision_of(place) == expected(name)
    written(place, {"benchsuite/proxies/one.py": "2"})
    assert revision_of(place) == expected(f"{name}+changes")
    written(place, {"benchsuite/proxies/one.py": "1"})
    assert revision_of(place) == expected(name)
    written(place, {"benchsuite/proxies/new.py": "1"})
    assert revision_of(place) == expected(f"{name}+changes")
    (place / "benchsuite-0.1.0.dist-info/RECORD").unlink()
    assert revision_of(place).startswith("unknown revision of")


def test_the_digest_of_the_sources_is_that_of_the_code_in_whatever_form(checkout, tmp_path):
    root, _ = checkout
    installed(tmp_path / "wheel")
    assert sources_of(root) == sources_of(tmp_path / "wheel")
    shutil.copytree(root, tmp_path / "windows", symlinks=True)
    for package in ("proxies", "devices", "reports"):
        link = tmp_path / "windows/benchsuite" / package
        link.unlink()
        link.write_text(f"../{package}")
    assert sources_of(root) == sources_of(tmp_path / "windows")
    written(root, {"devices/new.py": ""})
    assert sources_of(root) != sources_of(tmp_path / "wheel")


def test_workers_are_compared_by_what_results_depend_on(monkeypatch):
    here = provenance.identity()
    assert {"benchsuite", "python", "numpy", "torch", "sources"} <= set(here)
    monkeypatch.setattr(provenance, "revision", lambda: "another, as in another kind of install")
    monkeypatch.setattr(provenance, "machine", lambda: "another kind")
    _check_versions({"a": dict(here), "b": provenance.identity()}, "x")
    for what in ("python", "numpy", "torch", "sources"):
        with pytest.raises(UserError, match=f"worker b is of another version: {what} other there"):
            _check_versions({"a": here, "b": {**here, what: "other"}}, "x")
        less = {key: value for key, value in here.items() if key != what}
        with pytest.raises(UserError, match=f"{what} none there"):
            _check_versions({"b": less}, "x")
    optimised = {**here, "pymoo": "other"}
    with pytest.raises(UserError, match="worker b is of another version: pymoo other there"):
        _check_versions({"a": here, "b": optimised}, "x")
    del optimised["pymoo"]
    _check_versions({"a": here, "b": optimised}, "x")  # Only jobs that need it need it there.
    with pytest.raises(UserError, match="cannot say which version"):
        _check_versions({"b": AttributeError("no identity")}, "x")
    with pytest.raises(UserError, match="has no workers"):
        _check_versions({}, "x")
