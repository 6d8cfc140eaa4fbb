"""`benchsuite sizes`, of a space that is made eight networks."""

import json

import numpy as np
import pandas as pd
import pytest
from command_line import call

from benchsuite.sizes import costs, scores
from benchsuite.space import sizes

SCORED = ["--sample", "4", "--proxy", "l2_norm,naswot", "--resolution", "8", "--batch-size", "4"]


@pytest.fixture
def few(monkeypatch):
    """The first eight networks, which differ in the last width."""
    for module, name, n in ((costs, "CHUNK", 4), (costs, "N_CHUNKS", 2), (sizes, "N_SIZES", 8)):
        monkeypatch.setattr(module, name, n)


def test_costs_scores_and_tables_are_written(capsys, tmp_path, few):
    out = tmp_path / "sizes"
    asked = ["sizes", "--device", "stm32l432", "--out", str(out), *SCORED]
    code, said, _ = call(capsys, *asked)
    assert code == 0
    assert max(map(len, said.splitlines())) <= 80 + len(str(out))
    assert "8 networks" in said
    assert len(pd.read_parquet(out / "costs")) == 8
    scored = pd.read_parquet(out / "scores.parquet")
    assert list(scored.columns) == ["index", "arch", "l2_norm", "naswot"]
    assert np.isfinite(scored["naswot"]).all()
    code, said, _ = call(capsys, *asked, "--json")
    printed = json.loads(said)
    assert printed["networks"] == 8
    for name in ("latency", "memory", "proxies", "pairs"):
        assert len(printed[name]) == len(pd.read_csv(out / f"{name}.csv"))
    assert {row["runtime"] for row in printed["latency"]} >= {"own", "tflm_cmsis_nn"}


def test_what_scores_no_such_network_is_left_out_and_said(capsys, tmp_path, few):
    """That is no fault, so the exit code is 0; whoever names it is told before all else."""
    out = tmp_path / "sizes"
    asked = ["sizes", "--device", "stm32l432", "--out", str(out), "--sample", "2", "--json"]
    small = ["--resolution", "8", "--batch-size", "4", "--images", "gaussian"]
    code, said, notes = call(capsys, *asked, *small)
    assert code == 0
    scored = pd.read_parquet(out / "scores.parquet")
    assert "ntk_cond" not in {name.partition(".")[0] for name in scored.columns}
    assert {"naswot", "synflow", "vkdnw"} < set(scored.columns)
    assert [why.partition(" ")[0] for why in json.loads(said)["left_out"]] == ["ntk_cond"]
    assert "Note: ntk_cond scores no network of the size space" in notes
    other = tmp_path / "other"
    code, _, error = call(
        capsys, *asked[:3], "--out", str(other), "--sample", "2", "--proxy", "ntk_cond"
    )
    assert code == 2
    assert "ntk_cond scores no network of the size space" in error
    assert not other.exists()


def test_a_plug_in_of_ones_own_that_scores_no_such_network_is_no_success(
    capsys, tmp_path, few, monkeypatch
):
    """Whoever gave the folder meant the proxy in it, so it is code 3; all else is done."""
    monkeypatch.setattr(scores, "scoring_proxies", lambda folders: ("l2_norm", "mine", "ntk_cond"))
    (tmp_path / "proxies").mkdir()
    (tmp_path / "proxies/mine.py").write_text(
        '"""Of cells with convolutions alone."""\n'
        "from benchsuite.api import Proxy\n"
        "from benchsuite.errors import UserError\n"
        "from benchsuite.space import sizes\n\n\n"
        "def score(passes):\n"
        "    if passes.cell == sizes.CELL:\n"
        '        raise ValueError("five widths")\n'
        "    return 1.0\n\n\n"
        'PROXY = Proxy(version=1, direction="max", formula="1", source="me", cost="forward",\n'
        "              score=score)\n"
    )
    out = tmp_path / "sizes"
    asked = ["sizes", "--device", "stm32l432", "--out", str(out), "--sample", "2", "--json"]
    small = ["--resolution", "8", "--batch-size", "4", "--images", "gaussian"]
    code, said, notes = call(capsys, *asked, *small, "--plugins", str(tmp_path))
    assert code == 3
    assert "mine scores no network of the size space" in notes
    assert "five widths" in notes
    assert [why.partition(" ")[0] for why in json.loads(said)["left_out"]] == ["mine", "ntk_cond"]
    assert set(pd.read_parquet(out / "scores.parquet").columns) >= {"l2_norm"}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--dataset", "mnist"], "There is no dataset 'mnist'"),
        (["--device", "stm32"], "stm32"),
        (["--proxy", "naswot"], "--proxy has no effect: proxies score a sample, and --sample 300"),
        (["--resolution", "16"], "--resolution has no effect"),
        (["--images", "gaussian"], "--images has no effect"),
        (["--batch-size", "4"], "--batch-size has no effect"),
        (["--seed", "1"], "--seed has no effect"),
        (["--sample", "4", "--seed", "-1"], "-1 is not in the range x>=0"),
        (["--sample", "1"], "2 to 8"),
        (["--sample", "9"], "2 to 8"),
        (["--jobs", "0"], "1 or more"),
        (["--out", "a.parquet"], "needs the name of a folder"),
    ],
)
def test_what_cannot_be_is_a_sentence(capsys, tmp_path, few, monkeypatch, args, said):
    monkeypatch.chdir(tmp_path)
    given = ["sizes", *([] if "--device" in args else ["--device", "stm32l432"]), *args]
    code, _, error = call(capsys, *given)
    assert code == 2
    assert said in error
    assert "Traceback" not in error
    assert not (tmp_path / "out").exists(), "nothing is left behind"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--batch-size", "1"], "at least two images"),
        (["--images", "nowhere"], "no images at nowhere"),
        (["--batch-size", "-4"], "sizes start at 1"),
    ],
)
def test_what_cannot_be_scored_is_said_before_the_costs(
    capsys, tmp_path, few, monkeypatch, args, said
):
    monkeypatch.chdir(tmp_path)
    given = ["sizes", "--device", "stm32l432", "--sample", "3", "--proxy", "naswot", *args]
    code, _, error = call(capsys, *given)
    assert code == 2
    assert said in error
    assert not (tmp_path / "out").exists(), "nothing is priced"


def test_a_resolution_of_none_is_no_default_and_all_devices_are_all(capsys, tmp_path, few):
    out = ["--out", str(tmp_path / "sizes")]
    code, _, err = call(capsys, "sizes", *out, *SCORED, "--resolution", "0")
    assert code == 2
    assert "resolution above 0" in err
    code, _, err = call(capsys, "sizes", *out, "--device", "all", "--sample", "1")
    assert code == 2
    assert "A sample is of 2 to 8 networks" in err
