"""Baselines of searches and tables: compared, saved and read, damaged, given tolerances."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from made_up_baselines import STUDY, replayed, whole
from search_tables import table as made_up_table

from benchsuite.errors import UserError
from benchsuite.regression import measure
from benchsuite.regression.baseline import Settings, load
from benchsuite.regression.check import exit_code
from benchsuite.regression.compare import compare, regressions
from benchsuite.regression.compare_replays import compare_replays
from benchsuite.regression.replays import read_studies, replays
from benchsuite.regression.tolerances import Tolerances
from benchsuite.table.table import Table, Values


def one(checks, part):
    return next(check for check in checks if check.part == part)


def test_an_unchanged_search_is_the_same(searched):
    checks = compare(searched["rea", 60], replayed("rea"), Tolerances())
    assert one(checks, "replays").verdict == "same"
    assert not regressions(checks)


def test_a_search_that_became_worse_fails_a_test_over_seeds(searched):
    before, after = searched["rea", 60], searched["rea", 12]
    found = one(compare(before, after, Tolerances()), "replays")
    assert found.verdict == "regression"
    assert found.message.startswith("The search got worse.")
    x, y = (b.frames["replays"]["regret"].to_numpy() for b in (before, after))
    assert found.numbers["difference"] == pytest.approx(y.mean() - x.mean())
    assert found.numbers["p"] == scipy.stats.mannwhitneyu(y, x, alternative="greater").pvalue
    assert found.numbers["low"] < found.numbers["difference"] < found.numbers["high"]
    back = one(compare(after, before, Tolerances()), "replays")
    assert back.verdict == "changed"


def test_other_answers_that_are_no_worse_pass_unless_they_have_to_be_exact(searched):
    before = searched["random", 60]
    rows = before.frames["replays"]
    shifted = rows.assign(cell=np.roll(rows["cell"], 1), regret=np.roll(rows["regret"], 1))
    after = dataclasses.replace(before, frames={"replays": shifted})
    assert one(compare(before, after, Tolerances()), "replays").verdict == "changed"
    exact = Tolerances(rules={"replays": {"quick/*": {"exact": True}}})
    assert one(compare(before, after, exact), "replays").verdict == "regression"
    lost = rows.assign(feasible=False, regret=np.nan, cell=-1)
    after = dataclasses.replace(before, frames={"replays": lost})
    found = one(compare(before, after, Tolerances()), "replays")
    assert found.verdict == "regression"
    assert "30 more runs found nothing feasible" in found.message


def test_equal_searches_of_other_seeds_alarm_at_the_level_of_the_test():
    """Under the null hypothesis no more than alpha of the comparisons are regressions."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"study": "s", "search": "r", "dataset": "d", "seed": range(20), "feasible": True}
    )
    alarms = 0
    for _ in range(100):
        x, y = (
            frame.assign(cell=rng.integers(9999, size=20), regret=rng.gamma(1, size=20))
            for _ in "xy"
        )
        (found,) = compare_replays(x, y, Tolerances(alpha=0.05))
        alarms += found.verdict == "regression"
    assert alarms <= 13  # P(Bin(100, 0.05) > 13) = 0.05 %
    assert alarms > 0


def test_what_is_new_comes_in_the_order_of_the_later_results(searched):
    names = [f"cifar10.made_up{at}" for at in range(12)]
    before, table = whole(), made_up_table()
    column = dataclasses.replace(table.column("cifar10.flops"), name="")
    new = [
        Values(dataclasses.replace(column, name=n), table.values("cifar10.flops")) for n in names
    ]
    after = dataclasses.replace(before, table=before.table.with_columns(new))
    checks = compare(before, after, Tolerances())
    assert [c.name for c in checks if c.message == "The column is new."] == names
    rows = searched["rea", 60].frames["replays"]
    more = pd.concat([rows, *(rows.assign(search=name) for name in names)])
    found = compare_replays(rows, more, Tolerances())
    assert [c.name for c in found if c.verdict == "changed"] == [f"quick/{name}" for name in names]


def test_analytic_columns_are_compared_exactly():
    assert {c.verdict for c in compare(whole(), whole(), Tolerances())} == {"same"}
    device = "latency.board.tflm.cifar10.official"

    def tenth_digit(values):
        return np.where(np.arange(len(values)) == 77, values * (1 + 5e-10), values)

    after = whole(**{device: tenth_digit})
    (found,) = regressions(compare(whole(), after, Tolerances()))
    assert found.name == device
    assert "1 of 15625 values differ" in found.message
    assert "cell 77" in found.message
    loose = Tolerances(rules={"columns": {"latency.*": {"relative": 1e-7}}})
    assert not regressions(compare(whole(), after, loose))


def test_tabulated_scores_are_compared_by_value_rank_and_tau():
    def shuffled(values):
        return np.random.default_rng(0).permutation(values)

    after = whole(**{"linear_regions.n1000@1": shuffled})
    found = regressions(compare(whole(), after, Tolerances()))
    assert {check.part for check in found} == {"scores", "tau"}
    for check in found:
        if check.part == "tau":
            assert check.numbers["high"] < 0 < check.numbers["before"]
            assert check.numbers["p"] < 0.01


def test_a_column_that_is_gone_is_named():
    after = whole()
    after = dataclasses.replace(after, table=after.table.without(["flops@1", "cifar10.flops"]))
    found = regressions(compare(whole(), after, Tolerances()))
    assert {(check.name, check.message) for check in found} == {
        ("flops@1", "The column is gone."),
        ("cifar10.flops", "The column is gone."),
    }


@pytest.mark.parametrize("exact", [False, True])
def test_a_raised_version_of_a_proxy_passes_whether_its_scores_moved_or_not(exact):
    def raised(change):
        column = before.table.columns["flops@1"]
        new = Values(dataclasses.replace(column, name="flops@2", version="2"), change, "gone")
        table = before.table.without("flops@1").with_columns([new])
        tau = before.frames["tau"].assign(proxy="flops@2")
        return dataclasses.replace(before, table=table, frames={"tau": tau})

    before = whole()
    before = dataclasses.replace(before, exact=(*before.exact, *["flops@1"] * exact))
    values = before.table.values("flops@1")
    assert {c.verdict for c in compare(before, raised(values), Tolerances())} == {"same"}
    checks = compare(before, raised(2 * values), Tolerances())
    assert exit_code(checks) == 0
    (found,) = (check for check in checks if check.name == "flops@1")
    assert "Version 1 became 2" in found.message
    worse = compare(before, raised(np.roll(values, 99)), Tolerances())
    assert {c.part for c in regressions(worse)} == {"tau"}
    moved = raised(values)
    tau = dataclasses.replace(moved, frames={"tau": moved.frames["tau"].assign(lo=0.41)})
    (found,) = regressions(compare(before, tau, Tolerances()))
    assert "the statistic did" in found.message


def test_a_tau_that_moves_alone_is_the_statistic():
    after = whole()
    moved = after.frames["tau"].assign(lo=0.41)
    after = dataclasses.replace(after, frames={"tau": moved})
    found = regressions(compare(whole(), after, Tolerances()))
    assert ["the statistic did" in check.message for check in found] == [True]


@pytest.mark.parametrize("what", ["images", "accuracies"])
def test_other_images_or_accuracies_are_another_thing_to_measure(searched, what):
    """Results that differ because of them are not blamed on the code."""

    def made(digest):
        found = searched["rea", 60]
        settings = dataclasses.replace(found.settings, proxies=("naswot",))
        made_by = {**found.made_by, what: digest} if digest else found.made_by
        return dataclasses.replace(found, settings=settings, made_by=made_by)

    with pytest.raises(UserError, match=f"not measure the same thing: other {what}"):
        compare(made("1"), made("2"), Tolerances())
    for before, after in (("1", "1"), (None, "2")):  # None: saved by an earlier version
        assert compare(made(before), made(after), Tolerances())


def test_other_accuracies_are_named_and_how_to_have_the_same(searched):
    """A new measurement was told to leave out an option that nobody gave."""
    found = searched["rea", 60]

    def made(accuracy, digest):
        said = {"accuracy": accuracy} if accuracy else {}
        return dataclasses.replace(found, made_by={**found.made_by, **said, "accuracies": digest})

    old, new = made("validation measured", "1"), made("test ESTIMATED", "2")
    both = r"other accuracies \('validation measured' and 'test ESTIMATED'\)"
    set_it = r"Set BENCHSUITE_DATA as when the baseline was saved, or save it again\.$"
    with pytest.raises(UserError, match=rf"{both}\. {set_it}"):
        compare(old, new, Tolerances(), measured_now=True)
    with pytest.raises(UserError, match=rf"{both}\. Save both .* leaving --against out"):
        compare(old, new, Tolerances())
    for earlier in (made("test ESTIMATED", "1"), made("", "1")):
        with pytest.raises(UserError, match=r"other accuracies \('1' and '2'\)"):
            compare(earlier, new, Tolerances())


def test_what_a_baseline_stands_on_is_digested(tmp_path, monkeypatch):
    rng = np.random.default_rng
    table = made_up_table()

    def key(images="synthetic", table=table, folders=()):
        settings = Settings(proxies=("naswot",), images=str(images))
        return measure._key(settings, table, folders)

    def other(seed):
        pixels = rng(seed).integers(0, 256, (9, 8, 8, 3), dtype=np.uint8)
        np.savez(tmp_path / "it.npz", train_images=pixels, train_labels=np.zeros(9, dtype=int))
        return key(tmp_path / "it.npz")["images"]

    assert len({other(0), other(1), key()["images"], key("gaussian")["images"]}) == 4
    changed = Table(table.data, table.columns, {**table.provenance, "inputs": {"a": "b"}})
    assert key()["accuracies"] != key(table=changed)["accuracies"]
    (tmp_path / "mine/search").mkdir(parents=True)
    codes = {key()["code"], key(folders=[tmp_path / "mine"])["code"]}
    (tmp_path / "mine/search/own.py").write_text("")
    codes.add(key(folders=[tmp_path / "mine"])["code"])
    monkeypatch.setattr(measure, "sources", lambda: "another")
    assert len({*codes, key()["code"]}) == 4


def test_what_was_saved_is_what_is_read(tmp_path, searched):
    before = searched["rea", 60]
    before.save(tmp_path / "a")
    whole().save(tmp_path / "b")
    read, table = load(tmp_path / "a"), load(tmp_path / "b")
    assert one(compare(before, read, Tolerances()), "replays").verdict == "same"
    for name, frame in before.frames.items():
        pd.testing.assert_frame_equal(read.frames[name], frame, check_dtype=False, check_exact=True)
    assert table.table.checksum == whole().table.checksum
    assert read.made_by == json.loads(json.dumps(before.made_by))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: (f / "baseline.json").unlink(), "holds no baseline"),
        (lambda f: (f / "baseline.json").write_text("{"), "is damaged"),
        (lambda f: (f / "baseline.json").write_text('{"schema": 2}'), "no settings"),
        (lambda f: edit(f, "schema", 1), "schema 1; this version reads 2"),
        (lambda f: edit(f, "files", {"../x.csv": "0"}), "no part of one"),
        (lambda f: edit(f, "files", {"studies/../../x.toml": "0"}), "no part of one"),
        (lambda f: edit(f, "files", {"/etc/passwd": "0"}), "no part of one"),
        (lambda f: edit(f, "settings", {"cells": "many"}), "a whole number"),
        (lambda f: (f / "replays.csv").unlink(), "lacks replays.csv"),
        (lambda f: (f / "replays.csv").write_text("study\n"), "is not what was saved"),
    ],
)
def test_damage_is_a_sentence(tmp_path, searched, change, said):
    searched["rea", 60].save(tmp_path / "it")
    change(tmp_path / "it")
    with pytest.raises(UserError, match=said):
        load(tmp_path / "it")


def edit(folder, key, value):
    path = folder / "baseline.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))


def test_what_could_not_be_compared_is_not_saved(tmp_path, searched):
    """It was saved, and only a comparison said that it cannot be compared with."""
    rows = searched["rea", 60].frames["replays"].assign(regret=np.nan)
    frames = {**searched["rea", 60].frames, "replays": rows}
    with pytest.raises(UserError, match=r"Nothing is saved, .* a feasible answer without a regret"):
        dataclasses.replace(searched["rea", 60], frames=frames).save(tmp_path / "it")
    assert not list(tmp_path.iterdir())


def test_compressed_picks_are_refused_before_anything_is_replayed():
    pruned = """
[[searches]]
strategy = "munas_pruned"
seeds = 2
budget = { queries = 20 }
bounds = { "skeleton.bytes" = 100000 }
skeleton = { cells_per_stage = 1 }
parameters = { population = 10, sample = 3, rounds = 20 }
"""
    said = []
    with pytest.raises(UserError, match="quick/munas_pruned answers with compressed networks"):
        replays(
            {"quick": STUDY.format(strategy="rea", queries=5) + pruned},
            made_up_table(), (), {}, said.append,
        )  # fmt: skip
    assert not said


def test_studies_are_found_in_folders_of_plugins_and_each_name_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine/studies").mkdir(parents=True)
    text = STUDY.format(strategy="rea", queries=5)
    for path, queries in (("mine/studies/own.toml", 5), ("again.toml", 5), ("other.toml", 6)):
        (tmp_path / path).write_text(text.replace("queries = 5", f"queries = {queries}"))
    folders = [tmp_path / "mine"]
    assert read_studies(["own", "again.toml"], folders) == {"quick": text}
    with pytest.raises(UserError, match="There is no study 'own'"):
        read_studies(["own"], ())
    with pytest.raises(UserError, match=r"own and other.toml are both called 'quick'"):
        read_studies(["own", "guard", "other.toml"], folders)


def test_saving_says_which_searches_have_too_few_seeds_to_be_compared(tmp_path):
    for seeds in (4, 5):
        text = STUDY.format(strategy="rea", queries=5).replace("seeds = 30", f"seeds = {seeds}")
        (tmp_path / f"{seeds}.toml").write_text(text)
    said = []
    read_studies([str(tmp_path / "5.toml"), "guard"], say=said.append)
    assert not said
    read_studies([str(tmp_path / "4.toml")], say=said.append)
    assert [text.partition(" to show ")[0] for text in said] == [
        "Note: The 4 seeds of quick/it are too few"
    ]


def test_other_files_and_other_baselines_are_not_overwritten(tmp_path, searched):
    searched["rea", 60].save(tmp_path / "it")
    with pytest.raises(UserError, match="holds a baseline already"):
        searched["rea", 12].save(tmp_path / "it")
    searched["rea", 12].save(tmp_path / "it", replace=True)
    assert load(tmp_path / "it").frames["replays"]["queries"].max() == 12
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(UserError, match="holds other files"):
        searched["rea", 60].save(tmp_path / "mine", replace=True)
    with pytest.raises(UserError, match="is a file"):
        searched["rea", 60].save(tmp_path / "mine" / "thesis.tex")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["it", "mine"]


def test_sets_of_other_settings_are_not_compared(searched):
    other = dataclasses.replace(searched["rea", 60], settings=Settings(cells=5))
    with pytest.raises(UserError, match="cells 60 and 5"):
        compare(searched["rea", 60], other, Tolerances())
