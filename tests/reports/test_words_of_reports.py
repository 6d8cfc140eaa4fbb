"""What reports say of their numbers: of how many models, of which trainings, in which units."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from benchsuite.reports import (
    device_fit,
    device_fronts_int8,
    device_validation,
    edgenas_platforms,
    flops_latency,
    mcunet_memory,
    munas_small_cells,
    munas_sparse,
    udc_cifar100,
    udc_coding,
    udc_runtimes,
)
from benchsuite.reports._common import words
from benchsuite.reports._common.tables import ALIKE, derived, kind, not_shared
from benchsuite.reports._common.verdicts import HOLDS
from benchsuite.space.cell import N_CELLS, Cell, connected


def test_the_mean_beside_a_best_cell_is_of_all_cells_of_its_function(table):
    """The highest of hundreds of trainings of one function is above their mean."""
    rows = munas_small_cells.REPORT.make(table).tables["munas_small_cells"]
    truth, of = table.values("cifar10.test.200ep.mean"), table.values("class.functional")
    for row in rows.to_dict("records"):
        same = [cell for cell in range(len(of)) if of[cell] == of[row["index"]]]
        naive = sum(truth[cell] for cell in same) / len(same)
        assert row[derived(table, ALIKE)] == pytest.approx(naive)
        assert row[derived(table, ALIKE)] <= row[f"CIFAR-10 {kind(table)}"] + 1e-9


def test_scores_that_cells_of_one_function_do_not_share_are_named(table):
    """Counts of dead operators tell cells apart that compute the same."""
    of, names = table.values("class.functional"), ["naswot@1", "flops@1", "tensors@1", "depth@1"]
    differ = []
    for name in names:
        values: dict[float, set[float]] = {}
        for cell in np.flatnonzero(connected()):
            values.setdefault(of[cell], set()).add(table.values(name)[cell])
        differ += [name.partition("@")[0]] * any(len(some) > 1 for some in values.values())
    assert differ == ["flops", "tensors"]
    assert not_shared(table, names) == " (but for `flops`, `tensors`)"
    assert not_shared(table, ["naswot@1"]) == ""
    rounded = table.with_scores("mine", table.values("naswot") * (1 + 1e-15 * np.arange(N_CELLS)))
    assert not_shared(rounded, ["mine@1"]) == ""


def test_what_rests_on_an_estimate_is_named_one(shipped_table):
    rows = munas_small_cells.REPORT.make(shipped_table).tables["munas_small_cells"]
    assert ALIKE not in rows
    assert f"{ALIKE}, ESTIMATED" in rows
    assert derived(shipped_table, "regret") == "regret, ESTIMATED"


def test_measurements_are_told_from_models(shipped_table):
    tables = device_validation.REPORT.make(shipped_table).tables
    points = tables["device_validation_points"].to_dict("records")
    for row in tables["device_validation_cores"].to_dict("records"):
        of = [p for p in points if (p["core"], p["runtime"]) == (row["core"], row["runtime"])]
        assert row["n"] == len(of)
        assert row["models"] == len({p["model"] for p in of}) <= row["n"]


@pytest.mark.parametrize(("first", "others"), [(7, 9), (7, 17), (3, 8), (4, 1)])
def test_keys_of_runtimes_have_a_column_of_their_own(first, others):
    runtimes = [Patch(label=f"r{at}") for at in range(first)]
    families = [Line2D([], [], label=f"f{at}") for at in range(others)]
    keys = device_validation._in_columns(runtimes, families)
    height = len(keys) // 3
    assert len(keys) == 3 * height
    named = [key.get_label() for key in keys]
    assert [n for n in named[:height] if n != " "] == [key.get_label() for key in runtimes]
    assert [n for n in named[height:] if n != " "] == [key.get_label() for key in families]


def test_ends_that_print_alike_are_printed_once():
    assert edgenas_platforms._range(pd.Series([0.041, 0.044])) == "0.04"
    assert edgenas_platforms._range(pd.Series([0.04, 0.06])) == "0.04 to 0.06"
    assert edgenas_platforms._answers(pd.Series([1, 1])) == "one answer"
    assert edgenas_platforms._answers(pd.Series([1, 3])) == "at most 3 answers"


@pytest.mark.parametrize("answers", [1, 2])
def test_a_verdict_on_settings_says_how_many_answers_their_seeds_give(answers, monkeypatch):
    row = {"KiB": 64, "seeds": 5, "answers": answers, "beat it": 0, "cells that fit": 9}
    row |= dict.fromkeys(("feasible", "within latency", "within memory"), 5)
    names = ("test accuracy", "by hand", "best", "reduction [%]", "over the bound", "relaxed")
    rows = pd.DataFrame([row | dict.fromkeys(names, 0.9)] * 2)
    monkeypatch.setattr(edgenas_platforms, "_rows", lambda table, outcome: rows)
    table, outcomes = SimpleNamespace(estimated=False), {edgenas_platforms.STUDY: None}
    verdict = edgenas_platforms.claims(table, outcomes)[1].verdict
    assert verdict.kind == HOLDS
    said = {1: "one answer each", 2: "at most 2 answers each"}[answers]
    assert verdict.rule == f"every setting, by all of its seeds, {said}"


def test_columns_of_udc_have_units_and_are_named_where_they_are_read():
    assert {"original [MB]", "bound [MB]"} <= set(udc_coding.REPORT.make(None).tables["udc_table4"])
    made = udc_runtimes.REPORT.make(None)
    (rows,) = made.tables.values()
    for column in ("GPU days at 460 images / s", "days implied"):
        assert column in rows
        assert f"`{column}`" in made.notes[0]


@pytest.mark.parametrize("cells", [[6111] * 20, [6111, 3731] * 10])
def test_imbalance_is_said_as_it_is_and_not_as_what_is_less(cells):
    runs = pd.DataFrame({"search": mcunet_memory.SEARCH, "cell": cells})
    found = [mcunet_memory.imbalance(Cell.from_index(cell)) for cell in cells]
    (claim,) = mcunet_memory.claims(None, {mcunet_memory.STUDY: SimpleNamespace(runs=runs)})
    assert f"and {np.mean(found):.2f} " in claim.ours
    assert ("in every one found" in claim.ours) == (len(set(found)) == 1)
    assert "one seed" not in claim.ours


def test_stages_are_numbered_alike_in_table_and_figure():
    rows = mcunet_memory._rows([6111, 3731])
    assert {"stage 1 [KiB]", "reduce 1 [KiB]", "stage 3 [KiB]"} <= set(rows)
    assert not np.isnan(rows["stage 1 [KiB]"]).any()


def test_cells_with_a_path_that_fit_are_told_from_constants_that_do(shipped_table):
    for row in device_fit.REPORT.make(shipped_table).tables["device_fit"].to_dict("records"):
        name = f"fits.{row['device']}.{row['runtime']}.{row['dataset']}.{row['skeleton']}"
        fits = shipped_table.values(shipped_table.resolve(name)) == 1
        assert row["cells"] == sum(fits)
        assert row["with a path"] == sum(fits & connected())


def test_names_of_proxies_in_notes_hold_no_signs_of_mathematics():
    names = ["dextr", "rbflex", "zen", "ntk_cond.k2", "ntk_frozen.k16", "linear_regions.n3000"]
    assert [words.plain(name) for name in names] == [
        "Dextr", "RBFleX", "Zen", "NTK K_2", "NTK, BN frozen K_16", "linear regions"
    ]  # fmt: skip


def test_constants_are_said_to_fit_where_they_do(shipped_table):
    """Under TinyEngine, whose variables nobody states, not even they fit for sure."""
    made = device_fit.REPORT.make(shipped_table)
    rows = made.tables["device_fit"]
    unsure = rows[rows["cells"] - rows["with a path"] != (~connected()).sum()]
    assert set(unsure["runtime"]) == {"tinyengine"}
    (note,) = (one for one in made.notes if "fit everywhere" in one)
    assert "fit everywhere but under TinyEngine" in note


def test_a_column_of_cells_is_told_from_one_of_amounts(table):
    """A column `index...` is printed without a thousands separator, and has no cell -1."""
    made = (munas_sparse, flops_latency, device_fronts_int8)
    tables = {name: rows for one in made for name, rows in one.REPORT.make(table).tables.items()}
    for name, columns in (
        ("munas_sparse", ["index, dense", "index, sparse"]),
        ("flops_latency_devices", ["index of the slowest", "index of the fastest"]),
        ("device_fronts_int8_choice", ["index that loses most"]),
    ):
        for column in columns:
            cells = tables[name][column]
            assert all(cell == "-" or 0 <= cell < N_CELLS for cell in cells), column
    sparse = tables["munas_sparse"]
    none = sparse[f"dense: {kind(table)}"].isna()
    assert ((sparse["index, dense"] == "-") == none).all()
    assert none.any()


def test_a_figure_that_leaves_cells_out_says_where_it_ends(table):
    size, missed = udc_cifar100._dense(table)[-1]
    assert f"to {100 - missed:.2f} % at {size:.0f} kB" in udc_cifar100._edge(table)
    assert f"at {udc_cifar100.MOST} kB" in udc_cifar100._edge(table)
