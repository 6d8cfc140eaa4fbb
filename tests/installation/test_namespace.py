"""The plug-ins are found under one name however the project came; a user's never shadow them."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from benchsuite import plugins
from benchsuite.errors import UserError

ROOT = Path(__file__).parents[2]
PLUGINS = ("proxies", "devices", "reports")
UNNEEDED = shutil.ignore_patterns("__pycache__", "*.parquet", "variants", "sampled")


def run(where, *command, path=None):
    surroundings = {**os.environ, "PYTHONPATH": str(path or ""), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *command], cwd=where, env=surroundings, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def names(where, path=None):
    """Names of the plug-ins of each kind, in a process that starts in a folder."""
    code = (
        "import json\n"
        "from benchsuite import plugins\n"
        "from benchsuite.devices._latency import cycles\n"
        "assert (cycles.TABLES / 'fitted.csv').is_file()\n"
        "print(json.dumps({kind: list(plugins.find(kind)) for kind in plugins.KINDS}))"
    )
    done = run(where, "-c", code, path=path)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the checkout without links and without data."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(
        ROOT / "benchsuite", folder / "benchsuite",
        ignore=lambda place, names: {*UNNEEDED(place, names), *(
            PLUGINS if Path(place) == ROOT / "benchsuite" else ()
        )},
    )  # fmt: skip
    for name in PLUGINS:
        shutil.copytree(ROOT / name, folder / name, ignore=UNNEEDED)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(params=["links", "text files", "nothing"])
def unpacked(checkout, request):
    """The copy with links as some tool unpacks them."""
    for name in PLUGINS:
        place = checkout / "benchsuite" / name
        place.unlink(missing_ok=True)
        if request.param == "links":
            place.symlink_to(f"../{name}")
        elif request.param == "text files":
            place.write_text(f"../{name}")
    return checkout


def own():
    return {kind: list(plugins.find(kind)) for kind in plugins.KINDS}


def test_every_checkout_has_the_plugins_and_a_users_folders_shadow_none(unpacked, tmp_path):
    for name in PLUGINS:
        (tmp_path / name).mkdir()
        for file in ("__init__.py", "mine.py"):
            (tmp_path / name / file).write_text("raise SystemExit('shadowed')")
    assert names(tmp_path, unpacked) == own()


def test_the_command_line_in_a_folder_with_a_users_plugins(tmp_path):
    (tmp_path / "devices").mkdir()
    (tmp_path / "devices" / "__init__.py").write_text("raise SystemExit('shadowed')")
    done = run(tmp_path, "-m", "benchsuite", "ls", "devices", "--json", path=ROOT)
    assert [row["name"] for row in json.loads(done.stdout)["rows"]] == own()["devices"]


@pytest.mark.parametrize("kind", plugins.KINDS)
def test_an_installation_without_plugins_is_an_error(kind, monkeypatch, tmp_path):
    package = f"without_{kind}"
    (tmp_path / package).mkdir()
    (tmp_path / package / "_shared.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    own = plugins.KINDS[kind]
    for missing in (package, "benchsuite.not_there"):
        changed = plugins.Kind(own.folder, missing, own.constant, own.contract)
        monkeypatch.setitem(plugins.KINDS, kind, changed)
        with pytest.raises(UserError, match=f"None of this project's {kind} are installed"):
            plugins.find(kind)


def test_a_package_without_its_plugins_is_a_sentence(checkout, tmp_path):
    shutil.copytree(checkout / "benchsuite", tmp_path / "benchsuite", ignore=lambda *_: PLUGINS)
    for name in PLUGINS:  # A user's, beside: not a checkout of this project.
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
    done = run(tmp_path, "-m", "benchsuite", "ls", "devices")
    assert done.returncode == 2
    assert "None of this project's devices are installed" in done.stderr
    assert "Traceback" not in done.stderr


def build(where, what, out):
    done = run(where, "-c", f"from hatchling import build; build.build_{what}({str(out)!r})")
    assert done.returncode == 0, done.stderr
    (built,) = out.glob("*.tar.gz" if what == "sdist" else "*.whl")
    return built


def files_of(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if name.startswith("benchsuite/")}


def test_a_wheel_of_a_checkout_or_of_its_sdist_is_whole(checkout, tmp_path):
    for name in PLUGINS:
        (checkout / "benchsuite" / name).unlink(missing_ok=True)
        (checkout / "benchsuite" / name).symlink_to(f"../{name}")
    sdist = build(checkout, "sdist", tmp_path / "sdist")
    shutil.unpack_archive(sdist, tmp_path / "unpacked", filter="data")
    (source,) = (tmp_path / "unpacked").iterdir()
    wheel = build(checkout, "wheel", tmp_path / "wheel")
    again = build(source, "wheel", tmp_path / "again")
    files = {
        Path(place, file).relative_to(checkout).as_posix()
        for place, _, inside in os.walk(checkout / "benchsuite", followlinks=True)
        for file in inside
    }
    assert files_of(wheel) == files_of(again) == files
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    assert names(tmp_path, tmp_path / "site") == own()
