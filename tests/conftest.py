"""Fixtures that many tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Speed is judged by tests/perf: the first example may have to wait for a compiler.
settings.register_profile("benchsuite", deadline=None)
settings.load_profile("benchsuite")


@pytest.fixture(scope="session")
def raw() -> Path:
    """The folder of public NAS-Bench-201 files that BENCHSUITE_DATA names."""
    folder = os.environ.get("BENCHSUITE_DATA")
    if not folder:
        pytest.skip("BENCHSUITE_DATA names no folder with the public NAS-Bench-201 files")
    return Path(folder)


@pytest.fixture(scope="session")
def assembled():
    """The assembled table, with the public files where BENCHSUITE_DATA names them."""
    from benchsuite.assembly.assemble import assemble

    return assemble()


@pytest.fixture(scope="session")
def table(assembled):
    """The table of most tests; a file may have its own."""
    return assembled


@pytest.fixture(scope="session")
def shipped_table(assembled):
    """The assembled table without public files: measured validation, estimated test accuracy."""
    from benchsuite.assembly.assemble import assemble

    if "BENCHSUITE_DATA" not in os.environ:
        return assembled
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("BENCHSUITE_DATA")
        return assemble()


@pytest.fixture(scope="module")
def victims(tmp_path_factory):
    """The process that forks what is to be killed, limited or misled (see `victims.py`)."""
    from victims import Victims

    running = Victims(tmp_path_factory.mktemp("victims"))
    yield running
    running.close()


@pytest.fixture(scope="session")
def cache_home(tmp_path_factory):
    """The cache of commands that look at no public file: what they keep there is made once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def only_what_ships(tmp_path, monkeypatch, cache_home):
    """An empty folder, in which commands run without public files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BENCHSUITE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_home))
    return tmp_path


@pytest.fixture
def write_plugin(only_what_ships):
    """Write plug-ins below the folder in which commands run; return the folder of plug-ins."""

    def write(name, text):
        path = only_what_ships / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return [only_what_ships / "mine"]

    return write


@pytest.fixture
def benchsuite(capsys, monkeypatch, tmp_path):
    """Call the command line on the made-up table, in an empty folder."""
    from command_line import call
    from search_tables import table

    table().write(tmp_path / "table.parquet")
    monkeypatch.chdir(tmp_path)

    return lambda *args: call(capsys, *args, "--table", "table.parquet")
