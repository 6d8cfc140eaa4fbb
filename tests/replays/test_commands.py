"""The commands `replay` and `study`."""

import json
import textwrap

import pytest
from small_study import GOOD, write


def test_replay_in_json(benchsuite):
    args = ("replay", "rea", "--seeds", "6", "--budget-seconds", "3000", "--param", "sample=2")
    code, out, _ = benchsuite(*args, "--json", "--bound", "latency=40", "--device", "board",
                              "--runtime", "tflm")  # fmt: skip
    answer = json.loads(out)
    assert code == 0
    assert set(answer) == {"summary", "runs", "provenance"}
    stats = answer["summary"]["test.cifar10"]
    assert {"mean", "std", "iqm", "lo", "hi"} <= set(stats)
    assert stats["lo"] <= stats["mean"] <= stats["hi"]
    assert len(answer["runs"]) == 6
    assert all(run["latency.board.tflm.cifar10.official"] <= 40 for run in answer["runs"])
    assert answer["provenance"]["parameters"]["sample"] == 2
    assert answer["provenance"]["clock"].startswith("cifar10 training time of 12 epochs")


def test_replay_for_people(benchsuite):
    code, out, _ = benchsuite("replay", "oracle", "--seeds", "1")
    assert code == 0
    assert "a bound, not a search" in out
    assert "regret" in out


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (("replay", "raea"), "Did you mean rea"),
        (("replay", "rea", "--param", "sampel=1"), "Did you mean sample"),
        (("replay", "rea", "--param", "sample"), "NAME=VALUE"),
        (("replay", "rea", "--bound", "cifar10.flops=few"), "is a number"),
        (("replay", "rea", "--bound", "cifar10.flops=1"), "No cell keeps"),
        (("replay", "rea", "--dataset", "cifar"), "Did you mean cifar10"),
        (("replay", "rea", "--budget-seconds", "0"), "buys nothing"),
        (("replay", "rea", "--device", "bord"), "Did you mean board"),
        (("replay", "monas", "--param", "ntk=ntk"), "cannot look at"),
        (("study", "none.toml"), "cannot be read"),
        (("study", "baseline"), "Did you mean baselines"),
        (("study", "./baselines"), "cannot be read"),
        (("study", "baselines", "--seeds", "0"), "--seeds"),
    ],
)
def test_command_mistakes_are_sentences(benchsuite, args, hint, tmp_path):
    before = sorted(tmp_path.iterdir())
    code, out, err = benchsuite(*args)
    assert (code, out) == (2, "")
    assert hint in err
    assert "Traceback" not in err
    assert sorted(tmp_path.iterdir()) == before


def test_study_command_writes_and_resumes(benchsuite, tmp_path):
    write(tmp_path, textwrap.dedent(GOOD))
    code, out, err = benchsuite("study", "study.toml", "--json")
    assert code == 0
    assert "4 of 4 jobs done" in err
    answer = json.loads(out)
    assert set(answer["summary"]) == {"random", "small-rea"}
    folder = tmp_path / "out/studies/small"
    first = {name: (folder / name).read_bytes() for name in ("runs.csv", "summary.json")}
    code, out, err = benchsuite("study", "study.toml")
    assert code == 0
    assert err.strip() == "4 of 4 jobs done"
    assert {name: (folder / name).read_bytes() for name in first} == first


def test_study_command_takes_a_name_and_as_many_seeds_as_asked(benchsuite, tmp_path):
    folder = tmp_path / "plugins/studies"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text(textwrap.dedent(GOOD))
    (tmp_path / "plugins/search").mkdir()
    args = ("study", "mine", "--plugins", "plugins", "--seeds", "2", "--json")
    code, out, _ = benchsuite(*args)
    answer = json.loads(out)
    assert code == 0
    assert {s["regret"]["n"] for s in answer["summary"].values()} == {2}
    assert answer["provenance"]["seeds"] == 2
