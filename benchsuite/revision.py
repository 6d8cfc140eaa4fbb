"""Which code runs: a git revision, or the wheel that was installed, and whether it was edited.

What is said is checked against the files that run, so that it cannot be another code's: every file
of the project's packages is held against the commit, or against the wheel's record. Where that is
not possible no revision is claimed, and the digest of the files stands alone.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import subprocess
from base64 import urlsafe_b64encode
from importlib.metadata import Distribution, distributions
from pathlib import Path

from benchsuite.packages import own_files, sha256
from benchsuite.version import __version__

_HERE = Path(__file__).resolve().parents[1]
_PATIENCE = 30  # seconds
_CAREFUL = ("core.fsmonitor=false", "core.trustctime=true", "core.checkStat=default")


@functools.cache
def revision() -> str:
    """Return the revision of the running code; see `revision_of`."""
    return revision_of(_HERE)


@functools.cache
def sources() -> str:
    """Return a digest of every file of the running code, wherever and in whatever form it lies."""
    return sources_of(_HERE)


def sources_of(root: Path) -> str:
    """Return the digest [hexadecimal SHA-256] of this project's files below a folder."""
    found = hashlib.sha256()
    for name, path in own_files(root).items():
        found.update(f"{sha256(path)} {name}\n".encode("utf-8", "surrogateescape"))
    return found.hexdigest()


def revision_of(root: Path) -> str:
    """Return what the code below a folder, which holds `benchsuite`, is.

    `1a2b3c4d5e6f` is a commit, and no file of the code differs from it; `wheel 0.1.0` an installed
    one, with its files as they were; `+changes` follows where they are not, and anything but a
    commit is followed by the digest of the files.
    """
    found = _commit(root) or _installed(root) or f"unknown revision of {__version__}"
    return found if found.isalnum() else f"{found} (sources {sources_of(root)[:12]})"


def _commit(root: Path) -> str:
    """Return the commit of a checkout, empty if there is none that git can tell."""
    if not (root / ".git").exists():
        return ""
    try:
        head = _git(root, "rev-parse", "--short=12", "HEAD").strip()
        edited = _git(root, "status", "--porcelain", "--untracked-files=no") != ""
        return head + ("+changes" if edited or _differs(root) else "")
    except (OSError, subprocess.SubprocessError, UnicodeError):
        return ""


def _differs(root: Path) -> bool:
    """Tell whether there are files that git does not know, or was told to take as unchanged."""
    lines = _git(root, "ls-files", "-v", "-z").split("\0")
    watched = {line[2:] for line in lines if line[:2] == "H "}
    return any(
        path.relative_to(root).as_posix() not in watched for path in own_files(root).values()
    )


def _git(root: Path, *args: str) -> str:
    """Return what git prints of a checkout: this one, whatever the environment says.

    A repository that is named needs no owner's consent; those of folders above are never meant.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    place = ["--git-dir", str(root / ".git"), "--work-tree", str(root)]
    place += [word for setting in _CAREFUL for word in ("-c", setting)]
    return subprocess.run(
        ["git", *place, *args],
        cwd=root,
        env={**environment, "GIT_OPTIONAL_LOCKS": "0"},
        capture_output=True,
        encoding="utf-8",
        timeout=_PATIENCE,
        check=True,
    ).stdout


def _installed(root: Path) -> str:
    """Return the wheel that was installed into a folder, empty if none has a record of it."""
    for wheel in distributions(name="benchsuite", path=[str(root)]):
        recorded = _recorded(wheel)
        if "version.py" in recorded:
            there = {name: _digest(path) for name, path in own_files(root).items()}
            return _name(wheel) + ("" if there == recorded else "+changes")
    return ""


def _name(wheel: Distribution) -> str:
    """Return the commit that pip installed from, or the version."""
    try:
        vcs = json.loads(wheel.read_text("direct_url.json") or "{}").get("vcs_info", {})
    except ValueError:
        vcs = {}
    return str(vcs["commit_id"])[:12] if vcs.get("commit_id") else f"wheel {wheel.version}"


def _recorded(wheel: Distribution) -> dict[str, str]:
    """Return the digests that a wheel came with, by the file's name within `benchsuite`."""
    found = {}
    for file in wheel.files or ():
        head, _, name = file.as_posix().partition("/")
        if head == "benchsuite" and name and "__pycache__" not in name and file.hash is not None:
            found[name] = file.hash.value
    return found


def _digest(path: Path) -> str:
    """Return the SHA-256 of a file as a wheel's record has it."""
    return urlsafe_b64encode(bytes.fromhex(sha256(path))).decode().rstrip("=")
