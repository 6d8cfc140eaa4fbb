"""The command line: what people type, what they get, and what happens when it is wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from command_line import call

from benchsuite import cli
from benchsuite.reporting import pipeline
from benchsuite.reports import correlations
from benchsuite.reports._common.tables import headline_proxies

COMMANDS = sorted(
    path.stem.replace("_", "-")
    for path in (Path(cli.__file__).parent / "commands").glob("[!_]*.py")
)


pytestmark = pytest.mark.usefixtures("only_what_ships")


@pytest.fixture
def benchsuite(capsys):
    return lambda *args: call(capsys, *args)


def test_help_lists_every_command(benchsuite):
    code, out, _ = benchsuite("--help")
    assert code == 0
    assert all(f"  {name} " in out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_with_examples(benchsuite, name):
    code, out, _ = benchsuite(name, "--help")
    assert code == 0
    assert f"Examples: benchsuite {name}" in " ".join(out.split())


def test_help_imports_nothing_heavy():
    code = (
        "import sys\n"
        "from benchsuite.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'matplotlib', 'pandas', 'scipy', 'numba', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_version(benchsuite):
    assert benchsuite("--version")[1].startswith("benchsuite, version 0")


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (("cel", "1"), "Did you mean cell"),
        (("cell", "15625"), "0 to 15624"),
        (("cell",), "Missing argument"),
        (("cell", "hbo:1"), "Did you mean hpo"),
        (("correlate", "--proxy", "flosp"), "Did you mean flops"),
        (("correlate", "--cells", "some"), "all, connected, pruned"),
        (("correlate", "--dataset", "cifar"), "Did you mean cifar10"),
        (("correlate", "--resamples", "1"), "200 or more are needed"),
        (("correlate", "--table", "none.parquet"), "There is no table"),
        (("ls", "proxy"), "proxies"),
        (("run", "--plugins", "."), "holds no plug-ins"),
        (("fetch", "robots"), "Did you mean robot"),
    ],
)
def test_mistakes_are_sentences_with_exit_code_2(benchsuite, args, hint):
    code, out, err = benchsuite(*args)
    assert (code, out) == (2, "")
    assert hint in err
    assert "Traceback" not in err
    if args[0] in COMMANDS:
        code, out, _ = benchsuite(*args, "--json")
        assert code == 2
        assert hint in json.loads(out)["error"]


def test_cell_in_json(benchsuite):
    code, out, _ = benchsuite("cell", "6111", "--json")
    facts = json.loads(out)
    assert code == 0
    assert facts["index"] == 6111
    assert facts["arch"].startswith("|nor_conv_3x3~0|+")
    assert facts["ops"] == [3, 3, 3, 1, 3, 2]
    assert (facts["params"], facts["flops"]) == (1_073_466, 153_272_970)
    assert facts["connected"] is True
    assert set(facts["classes"]) == {"connected", "pruned", "unique_string", "functional"}
    assert len(facts["neighbours"]) == 24
    assert facts["accuracy_source"].startswith("validation measured (nats-tss-v1_0); test EST")
    assert facts["accuracy"]["cifar10.valid.200ep.mean@nats-tss-v1_0"]["value"] > 90


def test_cell_for_people(benchsuite):
    code, out, _ = benchsuite("cell", "6111")
    assert code == 0
    assert "conv 3x3" in out
    assert "1.073 M" in out
    assert "computes a constant" in benchsuite("cell", "hpo:000000")[1]
    assert "dead" in benchsuite("cell", "hpo:330010")[1]


def test_correlate_in_json(benchsuite):
    code, out, _ = benchsuite(
        "correlate", "--proxy", "flops,depth", "--cells", "all", "--resamples", "200", "--json"
    )
    answer = json.loads(out)
    assert code == 0
    assert len(answer["rows"]) == 6
    for row in answer["rows"]:
        assert row["lo"] < row["tau"] < row["hi"]
        assert (
            row["n"] == 15_625 - row["missing"] == (15_284 if "depth" in row["proxy"] else 15_625)
        )
    assert {row["accuracy"].partition(".")[2] for row in answer["rows"]} == {
        "valid.200ep.mean@nats-tss-v1_0"
    }
    assert answer["provenance"]["truth"] == (
        "validation accuracy after 200 epochs, measured (nats-tss-v1_0)"
    )


FLOPS = ("correlate", "--proxy", "flops", "--resamples", "200")


@pytest.mark.parametrize(
    ("options", "datasets", "said"),
    [
        ((), 3, "validation accuracy after 200 epochs, measured (nats-tss-v1_0)."),
        (("--truth", "validation"), 3, "validation accuracy after 200 epochs, measured"),
        (("--truth", "test"), 3, "test accuracy after 200 epochs, ESTIMATED."),
        (("--split", "test"), 3, "test accuracy after 200 epochs, ESTIMATED."),
        (("--truth", "12ep"), 3, "validation accuracy after 12 epochs, ESTIMATED."),
        (("--truth", "int8.ptq"), 1, "in int8, quantised after training"),
        (("--truth", "float"), 1, "measured (analog-nasbench-0.1.3)."),
    ],
)
def test_correlate_says_which_accuracy_it_judges_by(benchsuite, options, datasets, said):
    code, out, err = benchsuite(*FLOPS, *options)
    assert code == 0, err
    line = " ".join(out[out.index("Judged by") : out.index("Accuracy: ")].split())
    assert said in line
    assert ("ESTIMATED" in line) == ("ESTIMATED" in said)
    code, out, _ = benchsuite(*FLOPS, *options, "--json")
    rows = json.loads(out)["rows"]
    assert len(rows) == datasets
    assert rows[0]["accuracy"].startswith("cifar10.")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--truth", "int8.pqt"), "int8.ptq"),
        (("--truth", "int8.ptq", "--dataset", "cifar100"), "only on cifar10"),
        (("--truth", "robust.fgsm.1"), "benchsuite fetch"),
        (("--truth", "test", "--split", "valid"), "--truth has no effect"),
    ],
)
def test_a_truth_that_is_not_measured_is_refused(benchsuite, options, said):
    code, _, err = benchsuite(*FLOPS, *options)
    assert code == 2
    assert said in err


def test_correlate_finds_the_best_pair(benchsuite):
    line = "correlate --proxy flops,depth,naswot --dataset cifar10 --resamples 200 --combine 2"
    code, out, err = benchsuite(*line.split(), "--json")
    assert code == 0
    assert "folds" in err
    pairs = json.loads(out)["combinations"]
    assert pairs
    assert all(pair["tau"] > 0.5 and pair["dataset"] == "cifar10" for pair in pairs)
    code, out, _ = benchsuite(*line.split())
    assert code == 0
    assert "Best by sum of ranks" in out


def test_the_package_runs_as_a_module():
    found = subprocess.run(
        [sys.executable, "-m", "benchsuite", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.startswith("benchsuite, version")


@pytest.mark.parametrize("what", ["columns", "proxies", "reports", "studies"])
def test_lists(benchsuite, what):
    code, out, _ = benchsuite("ls", what)
    assert code == 0
    rows = json.loads(benchsuite("ls", what, "--json")[1])["rows"]
    names = [line.split()[0] for line in out.splitlines() if line[:1] != " "]
    assert names == [row["name"] for row in rows]
    assert all(row["description"] for row in rows)


def test_table_and_run(benchsuite, monkeypatch):
    """The run makes reports of the whole table, in this process; each is tested by its contract.

    A table, a figure, and those of two short studies.
    """
    needs, short = pipeline.needs, {"monas_mu", "monas_lambda"}
    some = {"correlations", "device_fronts"}
    monkeypatch.setattr(
        pipeline,
        "needs",
        lambda folders: {
            name: of
            for name, of in needs(folders).items()
            if name in some or (of and set(of) <= short)
        },
    )
    monkeypatch.setattr(pipeline, "QUICK_STEPS", 0.02)
    monkeypatch.setattr(correlations, "headline_proxies", lambda of: headline_proxies(of)[:6])
    code, out, _ = benchsuite("table", "--out", "t.parquet")
    assert code == 0
    assert "15,625 cells" in out
    assert len(pd.read_parquet("t.parquet")) == 15_625
    stale = Path("result/reports/correlations.svg")
    stale.parent.mkdir(parents=True)
    stale.write_text("of an earlier run")
    code, out, err = benchsuite("run", "--quick", "--workers", "1", "--out", "result")
    assert code == 0
    lacking = [line for line in err.splitlines() if ": left out" in line]
    assert all("'benchsuite fetch' brings" in line for line in lacking), lacking
    assert "Kendall tau-b with validation accuracy after 200 epochs, measured" in out
    assert Path("result/table.parquet").is_file()
    for suffix in ("csv", "json", "md", "tex", "png"):
        assert Path(f"result/reports/correlations.{suffix}").stat().st_size
    assert not list(Path("result/reports").glob("*.svg")), "a quick run draws each figure once"
    assert "figures are PNG alone" in Path("result/index.html").read_text()
    judged = "Kendall tau-b with validation accuracy after 200 epochs, measured (nats-tss-v1_0)"
    assert judged in Path("result/reports/correlations.md").read_text()


def test_a_proxy_of_ones_own(benchsuite, tmp_path):
    (tmp_path / "mine" / "proxies").mkdir(parents=True)
    (tmp_path / "mine" / "proxies" / "minus_flops.py").write_text(
        '"""FLOPs, the smaller the better."""\n'
        "from benchsuite.api import Proxy\n"
        "from benchsuite.space.cost import all_flops\n"
        "PROXY = Proxy(version=1, direction='min', formula='flops', source='a test',\n"
        "    cost='analytic', all_cells=lambda skeleton: {'': all_flops(skeleton)})\n"
    )
    code, out, _ = benchsuite(
        "correlate",
        "--plugins",
        "mine",
        "--proxy",
        "minus_flops,flops",
        "--resamples",
        "200",
        "--json",
    )
    rows = json.loads(out)["rows"]
    assert code == 0
    assert rows[0]["tau"] == pytest.approx(-rows[3]["tau"])


def test_a_folder_that_cannot_be_written(benchsuite, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = benchsuite("table", "--out", "file/t.parquet")
    assert code == 2
    assert "cannot be written" in err
