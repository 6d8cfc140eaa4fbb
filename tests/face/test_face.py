"""`import benchsuite as bs`: what it offers, that it is light, and that its examples are true."""

import doctest
import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import benchsuite as bs
from benchsuite.face.scoring import CellScores
from benchsuite.provenance import environment, optional_versions
from benchsuite.space.cell import N_CELLS, all_archs

VERBS = (
    "best", "cell", "correlate", "estimate", "kendall", "load", "problem", "replay", "report",
    "score", "study",
)  # fmt: skip
HEAVY = ("matplotlib", "numba", "pandas", "pyarrow", "scipy", "torch")
SCREEN = 40  # Lines.
PACKAGE = Path(bs.__file__).parent
SCORES = CellScores(6111, "", "", {"plain@1": 1.0}, {}, {}, {}, 0, "cpu")


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """An empty folder to work in, without public files or images."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BENCHSUITE_DATA", raising=False)
    monkeypatch.delenv("BENCHSUITE_IMAGES", raising=False)


@pytest.fixture(scope="module")
def table():
    return bs.load()


def test_everything_offered_is_there_and_nothing_else():
    assert set(VERBS) == {name for name in bs.__all__ if inspect.isfunction(getattr(bs, name))}
    assert list(bs.__all__) == sorted(bs.__all__)
    assert set(bs._HOMES) == set(bs.__all__) - {"__version__"}
    assert set(bs.__all__) <= set(dir(bs))
    for name in bs.__all__:
        assert getattr(bs, name) is getattr(importlib.import_module("benchsuite"), name)
    with pytest.raises(AttributeError, match="no attribute 'best_of_all'"):
        bs.best_of_all  # noqa: B018


def test_no_module_takes_the_place_of_a_verb():
    """Also after every module was imported, which sets it as an attribute of its package."""
    code = (
        "import importlib, json, pkgutil, benchsuite as bs\n"
        "for found in pkgutil.iter_modules(bs.__path__):\n"
        "    if found.name != '__main__': importlib.import_module(f'benchsuite.{found.name}')\n"
        f"print(json.dumps([callable(getattr(bs, name)) for name in {VERBS}]))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == [True] * len(VERBS)
    rooms = {found.name for found in pkgutil.iter_modules(bs.__path__)}
    assert not rooms & set(bs.__all__)


def test_importing_brings_nothing_heavy():
    code = f"import sys, benchsuite\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


@pytest.mark.parametrize("name", [name for name in bs.__all__ if name != "__version__"])
def test_every_name_has_a_docstring(name):
    assert getattr(bs, name).__doc__.partition("\n")[0].endswith((".", "`."))


@pytest.mark.parametrize("name", VERBS)
def test_the_examples_are_true(name, bare):
    verb = getattr(bs, name)
    module = importlib.import_module(verb.__module__)
    tests = doctest.DocTestFinder().find(verb, name, module=module, globs={})
    assert any(test.examples for test in tests), "an example that a test runs"
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for test in tests:
        runner.run(test)
    assert not runner.failures


WITH_EXAMPLES = [
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    for folder in (PACKAGE, *(PACKAGE / name for name in ("devices", "proxies", "reports")))
    for path in sorted(folder.rglob("*.py"))
    if path.parent.name not in ("face", "table") and ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", dict.fromkeys(WITH_EXAMPLES))
def test_the_examples_of_other_modules_are_true(name):
    flags = doctest.NORMALIZE_WHITESPACE
    failed, tried = doctest.testmod(importlib.import_module(name), optionflags=flags)
    assert tried
    assert not failed


@pytest.mark.parametrize("name", ["__getitem__", "pandas", "with_scores"])
def test_the_examples_of_tables_are_true(name, bare):
    tests = doctest.DocTestFinder().find(getattr(bs.Table, name), name, globs={})
    runner = doctest.DocTestRunner()
    for test in tests:
        assert test.examples
        runner.run(test)
    assert not runner.failures


def test_a_table_is_indexed_by_short_names(table):
    assert len(table) == N_CELLS
    assert table["cifar10.flops"][6111] == 153272970
    assert "naswot" in table
    assert "nawsot" not in table
    part = table[["naswot", "cifar10.test.200ep.mean"]]
    assert [name.rpartition("@")[0] for name in part] == ["cifar10.test.200ep.mean", "naswot"]
    assert np.array_equal(part["naswot"], table["naswot"], equal_nan=True)
    assert len(part) == N_CELLS
    with pytest.raises(bs.UserError, match="Did you mean naswot"):
        table["nawsot"]
    with pytest.raises(bs.UserError, match="named by a text"):
        table[3]


def test_a_frame_of_some_columns_and_cells(table):
    frame = table.pandas(["naswot", "cifar10.flops"], cells=[6111, 0])
    assert list(frame.columns) == ["arch", "naswot", "cifar10.flops"]
    assert list(frame.index) == [6111, 0]
    assert frame.loc[0, "arch"] == all_archs()[0]
    assert len(table.pandas()) == N_CELLS
    with pytest.raises(bs.UserError, match="no cell 15625"):
        table.pandas(["naswot"], cells=[N_CELLS])


def test_representations_fit_on_a_screen(table, bare):
    shown = [
        repr(table),
        repr(bs.cell(6111)),
        repr(bs.replay("random", table, queries=5, seeds=2)),
        repr(bs.study("baselines", table, seeds=1)),
        repr(bs.report("flops_latency", table)),
        repr(bs.score(6111, "plain", channels=4, cells_per_stage=1, resolution=8, batch_size=4)),
        repr(bs.Cell.from_index(6111)),
    ]
    for text in shown:
        lines = text.splitlines()
        assert len(lines) <= SCREEN
    assert "15,625 cells" in shown[0]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: bs.cell(None), "is no cell"),
        (lambda: bs.cell(15625), "no cell 15625"),
        (lambda: bs.cell("6111x"), "is no cell"),
        (lambda: bs.load(3), "The path of load is a text or a path or None, not 3"),
        (lambda: bs.load(plugins=3), "The plugins of load"),
        (lambda: bs.load(plugins=[3]), "The plugins of load"),
        (lambda: bs.correlate(proxies=3), "The proxies of correlate is a text or a list, not 3"),
        (lambda: bs.correlate(proxies=[3]), "The proxies of correlate"),
        (lambda: bs.correlate(proxies=np.array("flops")), "The proxies of correlate"),
        (lambda: bs.correlate(proxies=[]), "The proxies of correlate is an empty list"),
        (lambda: bs.correlate(dataset=[]), "The dataset of correlate is an empty list"),
        (lambda: bs.score(6111, np.array([])), "The proxies of score is an empty list"),
        (lambda: bs.best(device="stm32l432", runtime=[]), "The runtime of best is an empty list"),
        (lambda: bs.estimate("resnet8", device=[]), "The device of estimate is an empty list"),
        (lambda: bs.cell(6111, runtime=[]), "The runtime of cell is an empty list"),
        (lambda: bs.correlate(cells=3), "The cells of correlate"),
        (lambda: bs.correlate(truth=3), "The truth of correlate is a text or a list, not 3"),
        (lambda: bs.correlate(proxies="flops", resamples="a"), "The resamples of correlate"),
        (lambda: bs.correlate(proxies="flops", seed=-1), "seed"),
        (lambda: bs.correlate(proxies="flops", sead=1), "unexpected keyword argument 'sead'"),
        (lambda: bs.score(6111, 3), "The proxies of score"),
        (lambda: bs.score(6111, "plain", batch_size="a"), "The batch_size of score"),
        (lambda: bs.replay(3), "The strategy of replay is a text"),
        (lambda: bs.replay("rea", seeds=True), "The seeds of replay is a whole number"),
        (lambda: bs.replay("rea", parameters=3), "The parameters of replay is a dict"),
        (lambda: bs.replay("rea", parameters={3: 1}), "The parameters of replay is a dict"),
        (lambda: bs.replay("rea", bounds={3: 1.0}), r"is a dict \(a text: a number\) or None"),
        (lambda: bs.replay("rea", bounds={"flops": "1"}), "The bounds of replay is a dict"),
        (lambda: bs.replay("rea", dataset=3), "The dataset of replay"),
        (lambda: bs.study(3), "The named of study"),
        (lambda: bs.study("guard", out=3), "The out of study"),
        (lambda: bs.report(3), "The name of report"),
        (lambda: bs.load().pandas(3), "The names of pandas"),
        (lambda: bs.load().pandas([3]), "The names of pandas"),
        (lambda: bs.load().pandas(["flops"], cells=3), "The cells of pandas"),
        (lambda: bs.load().subset(3), "The names of subset"),
        (lambda: bs.load().subset({3}), "The names of subset"),
        (lambda: bs.load().pandas({3}), "The names of pandas"),
        (lambda: bs.load().pandas(name for name in [3]), "named by a text"),
        (lambda: bs.load().without(None), "The names of without"),
        (lambda: bs.load().frame(3), "The names of frame"),
        (lambda: bs.load().values(3), "named by a text"),
        (lambda: bs.load().column([]), "named by a text"),
        (lambda: bs.load().resolve(None), "named by a text"),
        (lambda: bs.load().write(3), "The path of write"),
        (lambda: bs.load().with_scores(3, {0: 1.0}), "named by a text"),
        (lambda: bs.load().with_scores("", {0: 1.0}), "named by a text"),
        (lambda: bs.cell(10**5000), "no cell <int of too many digits>"),
        (lambda: bs.cell((10**5000,) * 6), "of too many digits"),
        (lambda: bs.Table.empty().with_scores("mine", {10**5000: 1.0}), "of too many digits"),
        (lambda: bs.Table.empty()[10**5000], "of too many digits"),
        (lambda: bs.replay(10**5000), "of too many digits"),
        (lambda: bs.cell(6111, bs.Table.empty()), "no column 'cifar10.params'"),
        (lambda: bs.load("nowhere.parquet"), "no table nowhere"),
        (lambda: bs.load(scores="nowhere.csv"), "no scores nowhere"),
        (lambda: bs.load(plugins="nowhere"), "holds no plug-ins"),
        (lambda: bs.load(plugins="x" * 5000), "A folder of plug-ins|no plug-ins"),
        (lambda: bs.load(scores="cell,mine\n" * 5000), "A file of scores|no scores"),
        (lambda: bs.study("x" * 5000), "no study"),
        (lambda: bs.Table.empty().with_scores("mine", ""), "'' names nothing"),
        (lambda: bs.estimate(6111, device="stm32f746").layers(3), "The device of layers"),
        (lambda: bs.estimate(6111, device="stm32f746").layers_text(3), "The device of layers_text"),
        (lambda: bs.estimate(6111, device="stm32f746").memory(3), "The path of memory"),
        (lambda: SCORES[5], "There is no score 5"),
        (lambda: bs.correlate("table.parquet"), "The table of correlate is a Table or None"),
        (lambda: bs.correlate(proxies="nawsot"), "naswot"),
        (lambda: bs.correlate(dataset="mnist"), "no dataset 'mnist'"),
        (lambda: bs.correlate(cells="some"), "no rule 'some'"),
        (lambda: bs.replay("reea"), "Did you mean rea"),
        (lambda: bs.replay("rea", seeds=0), "number of seeds"),
        (lambda: bs.replay("rea", seconds=float("inf")), "buys nothing: give a finite number"),
        (lambda: bs.replay("rea", seeds=2, first_seed=2**63 - 1), "The last seed there is"),
        (lambda: bs.replay("rea", workers=0), "workers"),
        (lambda: bs.replay("rea", parameters={"populaton": 3}), "population"),
        (lambda: bs.study("baseline"), "Did you mean baselines"),
        (lambda: bs.report("monas"), "no 'monas' among reports"),
        (lambda: bs.score(6111, "nawsot"), "naswot"),
        (lambda: bs.kendall([1, 2], [1, 2, 3]), "."),
    ],
)
def test_mistakes_are_sentences(call, said, bare):
    with pytest.raises(bs.UserError, match=said):
        call()


def test_a_table_of_columns_alone_has_cells_to_tell_of(bare, table):
    """Nothing says then where its accuracies come from."""
    names = [name for name in table if table.columns[name].kind in ("accuracy", "cost")]
    alone = bs.Table.empty().joined(table[names])
    assert bs.cell(6111, alone).accuracy_source == "none"


def test_a_proxy_without_scores_says_what_finds_them_in_python(table):
    with pytest.raises(bs.UserError, match=r"in Python 'bs.load\(scores=\"out/proxies\"\)' does"):
        bs.correlate(table[["cifar10.test.200ep.mean"]], "naswot", dataset="cifar10")


def test_a_written_table_is_loaded_with_scores_beside_it(table, tmp_path):
    table[["cifar10.flops", "cifar10.test.200ep.mean"]].write(tmp_path / "t.parquet")
    (tmp_path / "mine.csv").write_text("index,mine\n6111,3.5\n")
    again = bs.load(tmp_path / "t.parquet", scores=tmp_path / "mine.csv")
    assert again["mine"][6111] == 3.5
    with pytest.raises(bs.UserError, match="leave out plugins"):
        bs.load(tmp_path / "t.parquet", plugins=tmp_path)


def test_results_on_a_table_of_other_code_say_which_code_computed_them(table):
    own, other = environment()["revision"], {"revision": "0123456789ab"}
    assert f", code {own}." in table.provenance_line
    older = table.with_provenance(made_by=other)
    said = f"Table {table.checksum[:12]} (code 0123456789ab), by code {own}."
    assert said in older.provenance_line
    found = bs.replay("random", older, queries=10, seeds=1)
    assert said in found.line
    assert found.about["made_by"] == {**environment(), "extras": optional_versions()}


def test_a_scored_cell_is_named_as_a_page_of_it_names_it(bare, table):
    """Lines of its architecture that are put together again, and numbers without an exponent."""
    for cell in (6111, 5):
        shown = repr(bs.score(cell, ["l2_norm", "synflow", "az_nas"], batch_size=4)).split("\n")
        page = repr(bs.cell(cell, table)).split("\n")
        assert shown[:3] == page[:3]
        assert "".join(shown[1:3]) == bs.cell(cell, table).arch
        assert max(map(len, shown)) <= 80
        assert not any("e+" in line for line in shown)


def test_a_score_says_its_setting_and_what_it_does_not_compare_with(bare):
    """Of GraSP single precision leaves noise in some cells; the suite's are of 16 pixels."""
    names, few = ["grasp", "naswot"], {"batch_size": 4, "cells_per_stage": 1}
    found = bs.score(6111, names, **few)
    said = " ".join(repr(found).split())
    assert "4 images (synthetic) of 32x32 pixels, float32, seed 0, repeat 0" in said
    assert "grasp: single precision rounds too far; ask for float64." in said
    assert "resolution: 16 where these have 32" in said
    assert "batch: 32 where these have 4" in said
    assert "dtype: float64 where these have float32 (grasp)" in said
    assert found.to_json()["notes"] == list(found.notes)
    double = bs.score(6111, "grasp", dtype="float64", resolution=16, **few)
    said = " ".join(repr(double).split())
    assert "of 16x16 pixels, float64" in said
    assert "single precision" not in said
    assert "resolution" not in said
    assert "dtype" not in said


@pytest.mark.parametrize(
    "call",
    [
        lambda: bs.load("nowhere.parquet"),
        lambda: bs.best(device="stm32"),
        lambda: bs.cell("resnet8"),
        lambda: bs.study("baseline"),
        lambda: bs.load(scores="nowhere.csv"),
    ],
)
def test_errors_are_prose_without_marks_of_code(call, bare):
    with pytest.raises(bs.UserError, match="'") as refused:
        call()
    assert "`" not in str(refused.value)


def test_names_that_stand_twice_count_once(table):
    rows = bs.correlate(
        table, "flops", dataset=["cifar10"] * 2, truth=["validation"] * 2, resamples=200
    )
    assert len(rows) == 1


def test_seeds_and_workers_are_whole_numbers_also_where_a_report_has_no_study(table):
    for given in ({"seeds": 0}, {"workers": 0}):
        with pytest.raises(bs.UserError, match="of 1 or more, not 0"):
            bs.report("flops_latency", table, **given)


def test_numbers_of_numpy_are_numbers(table, bare):
    small = {"cells_per_stage": np.int64(1), "resolution": np.int64(8), "batch_size": np.int64(4)}
    scored = bs.score(np.int64(6111), "plain", channels=np.int32(4), seed=np.int64(3), **small)
    assert scored.settings["skeleton"]["channels"] == 4
    assert repr(bs.Skeleton(np.int16(8))) == repr(bs.Skeleton(8))
    assert bs.replay("random", table, queries=np.int64(3), seeds=1, cells_per_stage=np.int8(1))


def test_what_is_json_is_of_plain_values(table, bare):
    few = {"queries": np.int64(3), "seeds": np.int64(1), "first_seed": np.int64(2)}
    small = {"cells_per_stage": 1, "resolution": 8, "batch_size": np.int64(4)}
    found = [
        bs.replay("random", table, bounds={"flops": np.float32(1e8)}, **few),
        bs.study("guard", table, seeds=np.int64(1)),
        bs.score(6111, "plain", channels=4, seed=np.int64(3), repeat=np.int64(0), **small),
        bs.best(table, device="stm32l432", ram=np.int64(60_000)),
        bs.cell(np.int64(6111), table),
        bs.estimate(np.int64(6111), device="stm32l432"),
    ]
    for one in found:
        json.dumps(one.to_json(), allow_nan=False)


def test_a_column_that_is_not_there_has_no_cells(table):
    with pytest.raises(bs.UserError, match="no column 'nosuch'"):
        table.present("nosuch")


def test_a_network_of_its_own_has_no_dataset_and_no_skeleton():
    for given in ({"dataset": "cifar100"}, {"skeleton": "mcu"}):
        with pytest.raises(bs.UserError, match="a cell's"):
            bs.estimate("resnet8", device="stm32f746", **given)


def test_an_estimate_that_is_not_there_is_named_whole():
    found = bs.estimate("resnet8", device="stm32f746", runtime="own")
    with pytest.raises(bs.UserError, match="no estimate of own on stm32l432"):
        found.chosen("stm32l432", "own")
