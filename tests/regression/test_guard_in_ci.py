"""The workflow and the document that guard a proxy and a search: what they say, runs."""

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest

from benchsuite import cli

DOCS = Path(__file__).parents[2] / "docs"
WORKFLOW = (DOCS / "examples" / "guard.yml").read_text()
TEXT = (DOCS / "guard_in_ci.md").read_text()
PROXY = '''"""Mean size of the logits."""

from benchsuite.api import Proxy

PROXY = Proxy(
    version=1, direction="max", formula="mean |logit|", source="a test", cost="forward",
    score=lambda passes: {"": float(SIGN * passes.tape.logits.abs().mean())},
)
'''
STRATEGY = '''"""The first cells in a random order."""

from dataclasses import dataclass

from benchsuite.api import Strategy


@dataclass(frozen=True)
class Parameters:
    """None."""


def run(search, rng, parameters):
    search.query(rng.permutation(15_625))


STRATEGY = Strategy(version=1, source="a test", run=run, parameters=Parameters)
'''


def steps():
    """Name -> script of every `run` of the workflow, read by indentation."""
    found = {}
    for block in re.split(r"^ {6}- ", WORKFLOW, flags=re.M)[1:]:
        name = re.search(r"name: (.*)", block)
        script = re.search(r"run: (?:\|\n((?: {10}.*\n)+)|(.*))", block)
        if name and script:
            lines = (script[1] or script[2]).splitlines()
            found[name[1]] = "\n".join(line.strip() for line in lines)
    return found


def test_the_workflow_is_yaml():
    yaml = pytest.importorskip("yaml")
    job = yaml.safe_load(WORKFLOW)["jobs"]["guard"]
    parsed = {step["name"]: step["run"] for step in job["steps"] if "run" in step}
    lines = {name: [line.strip() for line in run.splitlines()] for name, run in parsed.items()}
    assert lines == {name: run.splitlines() for name, run in steps().items()}


def run(script, environment):
    """Run a step, lines of `benchsuite` in this process; return the exit code."""
    for line in script.replace("\\\n", " ").splitlines():
        if line.startswith("benchsuite "):
            try:
                cli.main(shlex.split(line)[1:])
            except SystemExit as stop:
                if stop.code:
                    return stop.code
        else:
            subprocess.run(["bash", "-c", line], check=True, env=environment)
    return 0


def test_the_workflow_passes_and_fails_as_it_should(tmp_path, only_what_ships):
    for kind, text in (("proxies", PROXY.replace("SIGN", "1")), ("search", STRATEGY)):
        (tmp_path / "my_plugins" / kind).mkdir(parents=True)
        (tmp_path / "my_plugins" / kind / "mine.py").write_text(text)
    tomls = re.findall(r"`(guard/\w+\.toml)`.*?```toml\n(.*?)```", TEXT, flags=re.S)
    assert [name for name, _ in tomls] == ["guard/quick.toml", "guard/tolerances.toml"]
    for name, text in tomls:
        assert tomllib.loads(text)["schema"] == 1
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    found = steps()
    environment = {"PATH": "/usr/bin:/bin", "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    assert list(found) == ["Install", "Save", "Compare", "Summary"]
    assert run(found["Save"], environment) == 0
    assert run(found["Compare"], environment) == 0
    assert run(found["Summary"], environment) == 0
    assert "0 regressions" in (tmp_path / "summary.md").read_text()
    assert (tmp_path / "guard.xml").is_file()
    flipped = tmp_path / "flipped"
    (tmp_path / "my_plugins").rename(flipped)
    (flipped / "proxies" / "mine.py").write_text(PROXY.replace("SIGN", "-1"))
    assert run(found["Compare"].replace("my_plugins", "flipped"), environment) == 1
    assert "The sign is flipped" in (tmp_path / "guard.md").read_text()


def test_the_document_names_the_workflows_commands_and_real_messages():
    scripts = " ".join(" ".join(steps().values()).replace("\\\n", " ").split())
    for block in re.findall(r"```sh\n(benchsuite .*?)\n```", TEXT):
        words = set(shlex.split(block))
        assert words <= {*shlex.split(scripts)}, block
    code = "".join(
        path.read_text() for path in (DOCS.parent / "benchsuite" / "regression").glob("*.py")
    )
    code += (DOCS.parent / "proxies" / "_tabulation" / "sample.py").read_text()
    for said in re.findall(r"^\| `(.*?)` \|", TEXT, flags=re.M):
        for part in said.split(" ... "):
            assert part.strip(" .") in re.sub(r'"\n\s+f?"', "", code), said
    assert "(examples/guard.yml)" in TEXT


def test_what_is_installed_is_named_by_the_user_and_torch_is_for_cpus(tmp_path):
    said = tmp_path / "said"
    (tmp_path / "python").write_text(f'#!/bin/sh\necho "$@" >> {said}\n')
    (tmp_path / "python").chmod(0o755)
    script = ["bash", "-e", "-c", steps()["Install"]]
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "BENCHSUITE": ""}
    refused = subprocess.run(script, env=environment, capture_output=True, check=False)
    assert refused.returncode
    assert b"set the variable BENCHSUITE" in refused.stderr
    assert not said.exists()
    address = "git+https://example.org/somebody/benchsuite@main"
    subprocess.run(script, env={**environment, "BENCHSUITE": address}, check=True)
    assert said.read_text().splitlines() == [
        "-m pip install torch --index-url https://download.pytorch.org/whl/cpu",
        f"-m pip install {address}",
    ]
    assert "BENCHSUITE: ${{ vars.BENCHSUITE }}" in WORKFLOW
