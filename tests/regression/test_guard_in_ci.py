"""The workflow and the document that guard a proxy and a search: what they say, runs."""

import os
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest

from benchsuite import cli, provenance

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed (extra test)")

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
WORKFLOW = (DOCS / "examples" / "guard.yml").read_text()
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
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


INPUTS = {name: settings["default"] for name, settings in ACTION["inputs"].items()}
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}


def run(name, tmp_path, path="", **inputs):
    """Run a step as GitHub does: its script by bash, its environment from the inputs."""
    said = {f"inputs.{key}": value for key, value in {**INPUTS, **inputs}.items()}
    said["github.action_path"] = str(ROOT)
    environment = {
        key: re.sub(r"\$\{\{ (\S+) \}\}", lambda found: said[found[1]], value)
        for key, value in STEPS[name].get("env", {}).items()
    }
    environment |= {
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "PATH": f"{path}{os.pathsep}{os.environ['PATH']}",
    }
    assert STEPS[name]["shell"] == "bash"
    script = tmp_path / "step.sh"
    script.write_text(STEPS[name]["run"])
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_workflow_gives_the_action_inputs_that_it_has():
    steps = yaml.safe_load(WORKFLOW)["jobs"]["guard"]["steps"]
    used = next(step for step in steps if step.get("uses") == "./.benchsuite")
    assert set(used["with"]) <= set(INPUTS)
    assert all(used["with"].get(name, value) for name, value in INPUTS.items() if value)
    checked_out = next(step for step in steps if step.get("with", {}).get("path") == ".benchsuite")
    assert checked_out["with"]["repository"] == "${{ vars.BENCHSUITE }}"
    scripts = " ".join(step["run"] for step in ACTION["runs"]["steps"])
    assert "${{" not in scripts, "what a user gives reaches a script by its environment alone"


def guard(tmp_path, **inputs):
    """Return exit code and verdict of the guarding step, `benchsuite` run in this process.

    The script is run twice: what it asks of `benchsuite` is done here, and its exit code is what
    the script is given the second time.
    """
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    asked = folder / "asked"
    for code in ("0", None):
        if code is None:
            code = exit_code(asked.read_text().splitlines())
        (folder / "benchsuite").write_text(
            f'#!/bin/sh\nprintf "%s\\n" "$@" > {asked}\nexit {code}\n'
        )
        (folder / "benchsuite").chmod(0o755)
        for written in ("output", "summary.md"):
            (tmp_path / written).unlink(missing_ok=True)
        done = run("Guard", tmp_path, str(folder), **inputs)
    assert not done.stderr
    return done.returncode, (tmp_path / "output").read_text().strip()


def exit_code(arguments):
    try:
        cli.main(arguments)
    except SystemExit as stop:
        return stop.code
    return 0


def test_the_action_passes_and_fails_as_it_should(tmp_path, only_what_ships, monkeypatch):
    for kind, text in (("proxies", PROXY.replace("SIGN", "1")), ("search", STRATEGY)):
        (tmp_path / "my_plugins" / kind).mkdir(parents=True)
        (tmp_path / "my_plugins" / kind / "mine.py").write_text(text)
    tomls = re.findall(r"`(guard/\w+\.toml)`.*?```toml\n(.*?)```", TEXT, flags=re.S)
    assert [name for name, _ in tomls] == ["guard/quick.toml", "guard/tolerances.toml"]
    for name, text in tomls:
        assert tomllib.loads(text)["schema"] == 1
        (tmp_path / name).parent.mkdir(exist_ok=True)
        # Other work on the machine slows a search of milliseconds: speeds are judged elsewhere.
        (tmp_path / name).write_text(re.sub(r"slower = .*", "slower = 1000", text))
    assert "slower = 1000" in (tmp_path / "guard/tolerances.toml").read_text()
    made = {"proxy": "mine", "study": "guard/quick.toml"}
    assert guard(tmp_path, save="true", **made) == (0, "verdict=pass")
    assert guard(tmp_path) == (0, "verdict=pass")
    assert "0 regressions" in (tmp_path / "summary.md").read_text()
    assert (tmp_path / "guard.xml").is_file()
    flipped = tmp_path / "flipped"
    (tmp_path / "my_plugins").rename(flipped)
    (flipped / "proxies" / "mine.py").write_text(PROXY.replace("SIGN", "-1"))
    assert guard(tmp_path, plugins="flipped") == (1, "verdict=regression")
    assert "The sign is flipped" in (tmp_path / "guard.md").read_text()
    assert "The sign is flipped" in (tmp_path / "summary.md").read_text()
    assert guard(tmp_path, plugins="flipped", baseline="nowhere") == (2, "verdict=error")
    monkeypatch.syspath_prepend(installed(tmp_path, "torch", "9.9"))
    monkeypatch.setattr(provenance, "versions", provenance.versions.__wrapped__)
    assert guard(tmp_path, plugins="flipped") == (4, "verdict=moved")
    said = (tmp_path / "summary.md").read_text()
    assert re.search(r"The sign is flipped.* The library moved: torch \S+ became 9\.9; ", said)


def installed(folder, name, version):
    """Return a folder of which Python says that this version is installed there."""
    record = folder / "elsewhere" / f"{name}-{version}.dist-info"
    record.mkdir(parents=True)
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return record.parent


def test_the_document_names_the_actions_commands_and_real_messages():
    script = STEPS["Guard"]["run"]
    for block in re.findall(r"```sh\n(benchsuite .*?)\n```", TEXT):
        options = [word for word in shlex.split(block) if word.startswith("--")]
        assert options
        assert all(option in script for option in options), block
    code = "".join(
        path.read_text() for path in (DOCS.parent / "benchsuite" / "regression").glob("*.py")
    )
    code += (DOCS.parent / "proxies" / "_tabulation" / "sample.py").read_text()
    for said in re.findall(r"^\| `(.*?)` \|", TEXT, flags=re.M):
        for part in said.split(" ... "):
            assert part.strip(" .") in re.sub(r'"\n\s+f?"', "", code), said
    assert "(examples/guard.yml)" in TEXT


@pytest.mark.parametrize("index", ["", "https://example.org/wheels for cpus"])
@pytest.mark.parametrize("given", ["", "git+https://example.org/somebody/benchsuite@main"])
def test_what_is_installed_is_the_action_or_what_is_named(tmp_path, given, index):
    said = tmp_path / "said"
    (tmp_path / "python").write_text(f'#!/bin/sh\necho "$@" >> {said}\n')
    (tmp_path / "python").chmod(0o755)
    done = run("Install", tmp_path, str(tmp_path), install=given, torch_index=index)
    assert done.returncode == 0
    assert said.read_text().splitlines() == [
        *[f"-m pip install torch --index-url {index}"] * bool(index),
        f"-m pip install {given or ROOT}",
    ]
