"""The container, its compose file and the scripts that start a cluster: what they say, exists."""

import os
import re
import subprocess
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed (extra test)")

ROOT = Path(__file__).parents[2]
FILES = ROOT / "docs" / "examples" / "cluster"
SERVICES = yaml.safe_load((FILES / "compose.yaml").read_text())["services"]
CONTAINER = (FILES / "Containerfile").read_text()
HERE = (FILES / "here.sh").read_text().replace("\\\n", " ")
PIN = re.compile(r"^([a-z0-9._-]+)==([^\s\\;]+)", re.M)


def options_of(name):
    module = pytest.importorskip(f"distributed.cli.dask_{name}")
    return {option for it in module.main.params for option in (*it.opts, *it.secondary_opts)}


@pytest.mark.parametrize("name", ["scheduler", "worker"])
def test_dask_has_the_commands_and_their_options(name):
    command = SERVICES[name]["command"]
    assert command[:2] == ["dask", name]
    (here,) = re.findall(rf"^dask {name} (.*?)>>", HERE, re.M)
    said = {word for word in [*command, *here.split()] if word.startswith("--")}
    assert said
    assert said <= options_of(name)


def test_workers_are_of_one_thread_and_find_the_scheduler():
    worker = SERVICES["worker"]["command"]
    assert worker[worker.index("--nthreads") + 1] == "1"
    scheduler = SERVICES["scheduler"]["command"]
    assert f"tcp://scheduler:{scheduler[scheduler.index('--port') + 1]}" in worker
    assert not any("ports" in service for service in SERVICES.values())
    assert SERVICES["job"]["entrypoint"] == ["python", "-m", "benchsuite"]


def test_the_container_has_all_that_is_imported_and_copies_what_there_is():
    copied = re.findall(r"^COPY (\S+) \1$", CONTAINER, re.M)
    links = {path.name for path in (ROOT / "benchsuite").iterdir() if path.is_symlink()}
    assert {*links, "benchsuite", "locked"} == set(copied)
    assert all((ROOT / folder).is_dir() for folder in copied)
    assert "RUN sh locked/install.sh\n" in CONTAINER


def pins(text):
    return dict(PIN.findall(text))


INDEX = "https://example.org/cpu"


@pytest.mark.parametrize("index", ["", INDEX])
def test_what_is_installed_is_pinned_as_everywhere_and_has_cuda_as_asked(tmp_path, index):
    """The script as it is, with a `python` that notes what it is asked for."""
    (tmp_path / "python").write_text(
        '#!/bin/sh\necho "$@" >> said\nwhile [ $# -gt 1 ]; do shift; done\n'
        '[ -f "$1" ] && cp "$1" lock || true\n'
    )
    (tmp_path / "python").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "TORCH_INDEX": index}
    script = ["sh", str(ROOT / "locked" / "install.sh")]
    subprocess.run(script, cwd=tmp_path, env=environment, check=True)
    asked = (tmp_path / "said").read_text()
    whole = pins((ROOT / "locked" / "cluster.txt").read_text())
    assert (f"--index-url {INDEX} torch=={whole['torch']}+cpu" in asked) == bool(index)
    assert "--require-hashes" in asked
    assert asked.splitlines()[-1] == "-m pip check"
    few = (tmp_path / "lock").read_text()
    left = whole.keys() - pins(few).keys()
    assert ("torch" in left) == bool(index)
    assert all(re.match(r"torch$|triton$|nvidia-|cuda-", name) for name in left)
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", few)) >= len(pins(few))
    constraints = pins((ROOT / "constraints.txt").read_text())
    assert {n: v for n, v in whole.items() if constraints.get(n, v) != v} == {}
    assert whole.items() >= {n: constraints[n] for n in ("distributed", "submitit")}.items()
    assert pins((ROOT / "locked" / "run.txt").read_text()).items() <= whole.items()
