"""MONAS' searches in reports: the answers that ship, and what is made of them, recomputed."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from benchsuite.replays import study
from benchsuite.reports import (
    monas_cells,
    monas_rules,
    monas_search,
    monas_table2_replayed,
)
from benchsuite.reports._common import live_runs, monas_claims
from benchsuite.reports._common import monas_searches as searches
from benchsuite.reports._common.monas_searches import F746, L432, LAMBDA, MU
from benchsuite.reports._common.tables import accuracy, kind, milliseconds
from benchsuite.reports._common.verdicts import FAILS, HOLDS, NOT_HERE, UNDECIDED
from benchsuite.space.cell import N_CELLS, NONE, all_archs, all_ops, connected
from benchsuite.stats import pareto

WITHOUT_NONE = np.flatnonzero((all_ops() != NONE).all(axis=1))
SEEDS = 24


def test_every_answer_that_ships_is_of_a_search_that_is_planned_and_once():
    planned = {tuple(map(str, search)) for search in live_runs.searches()}
    rows = live_runs.read()
    keys = [tuple(row[name] for name in live_runs.COLUMNS[:5]) for row in rows]
    assert rows
    assert set(keys) <= planned
    assert len(set(keys)) == len(keys)


def test_an_answer_has_no_none_unless_it_was_searched_for():
    for row in live_runs.read():
        if not (row["setting"] and json.loads(row["setting"]).get("none")):
            assert int(row["cell"]) in WITHOUT_NONE
        assert float(row["seconds"]) >= 0


def test_answers_are_read_as_they_were_written(tmp_path):
    other = json.dumps({"resolution": 16, "order": 0})
    rows = [
        dict(zip(live_runs.COLUMNS, (setting, F746, MU, "0.5", "3", "17", "1.5"), strict=True))
        for setting in ("", other)
    ]
    live_runs._write(tmp_path / "answers.csv", rows)
    assert live_runs.read(tmp_path / "answers.csv") == rows


def test_what_is_planned_is_searched_once_and_tenas_has_no_weight():
    planned = list(live_runs.searches())
    assert len(set(planned)) == len(planned)
    tenas = [p for p in planned if p[0] == json.dumps(live_runs._TE_NAS)]
    assert {p[3] for p in tenas} == {0.0}
    assert {p[4] for p in tenas} == set(range(live_runs.SEEDS))


def made_up(seeds=SEEDS, small=3):
    """Answers of all planned searches: cells without `none`, drawn."""
    rng = np.random.default_rng(1)
    return [
        dict(
            zip(
                live_runs.COLUMNS,
                (*map(str, search), str(rng.choice(WITHOUT_NONE)), "36.0"),
                strict=True,
            )
        )
        for seed in range(seeds)
        for search in live_runs.searches()
        if search[4] == seed % live_runs.SEEDS
        for search in [(*search[:4], seed)]
        if not search[0] or seed < small
    ]


@pytest.fixture
def answers(monkeypatch):
    rows = made_up()
    monkeypatch.setattr(live_runs, "read", lambda path=live_runs.FILE: rows)
    return rows


def outcome(name):
    """The study with an answer of its own for each of its searches."""
    loaded, rng = study.load(study.find(name)), np.random.default_rng(2)
    runs = pd.DataFrame(
        {"search": entry.label, "seed": seed, "cell": rng.choice(WITHOUT_NONE)}
        for entry in loaded.searches
        for seed in range(entry.seeds)
    )
    return SimpleNamespace(study=loaded, runs=runs)


@pytest.fixture(scope="module")
def outcomes():
    return {
        name: outcome(name) for name in ("monas_mu", "monas_lambda", "monas_rules", "monas_rivals")
    }


def test_searches_of_a_weight_are_those_of_a_walk(answers):
    found = searches.main(searches.live())
    assert len(found) == sum(not row["setting"] for row in answers)
    for device, weighs in ((F746, MU), (F746, LAMBDA), (L432, MU)):
        for weight in searches.searched(found, device, weighs):
            cells = [
                int(row["cell"])
                for row in answers
                if not row["setting"]
                and float(row["weight"]) == weight
                and (weight == 0 or (row["device"], row["weighs"].rstrip("_")) == (device, weighs))
            ]
            assert searches.of(found, device, weighs, weight)["cell"].tolist() == cells
            assert len(cells) == SEEDS


def test_a_weight_of_nothing_is_one_search_of_every_part(answers, outcomes):
    for found in (searches.main(searches.live()), searches.tabular(outcomes)):
        same = [
            searches.of(found, *of, 0.0)["cell"].tolist()
            for of in ((F746, MU), (L432, MU), (F746, LAMBDA))
        ]
        assert same[0] == same[1] == same[2]
        assert same[0]


def test_cells_of_one_seed_stay_together(answers):
    found = searches.main(searches.live())
    found = found[~((found["seed"] == 4) & (found["weight"] == 0.7) & (found["device"] == L432))]
    pairs = [(F746, 0.0), (F746, 0.8), (L432, 0.7)]
    got = searches.seeds_of(found, MU, pairs)
    table = {
        (
            row["device"] if float(row["weight"]) else F746,
            float(row["weight"]),
            int(row["seed"]),
        ): int(row["cell"])
        for row in answers
        if not row["setting"] and row["weighs"] == MU
    }
    expected = [[table[(*pair, seed)] for pair in pairs] for seed in range(SEEDS) if seed != 4]
    assert got.tolist() == expected


def test_tabular_searches_are_told_by_their_weights(outcomes):
    found = searches.tabular(outcomes)
    loaded = [entry for name in searches.STUDIES for entry in outcomes[name].study.searches]
    assert len(found) == len(loaded)
    for row, entry in zip(found.to_dict("records"), loaded, strict=True):
        name = {MU: "mu", LAMBDA: "lambda_"}[row["weighs"]]
        assert entry.parameters == {name: row["weight"]}
        assert entry.setting.device == row["device"]


def test_printed_rows_have_one_line_a_weight():
    rows = [(one.row["method"], one.weighs, one.weight) for one in searches.printed()]
    assert ("MONAS baseline", MU, 0.0) in rows
    assert ("MONAS mu=0.5/0.6", MU, 0.6) in rows
    assert ("MONAS lambda=0.7", LAMBDA, 0.7) in rows
    assert all("MONAS" in method for method, *_ in rows)
    assert len(rows) == 11


def test_a_printed_figure_is_inside_where_a_seed_lies_on_each_side(table):
    rng = np.random.default_rng(3)
    row = next(one.row for one in searches.printed() if one.weight == 0.8)
    for _ in range(20):
        cells = rng.choice(WITHOUT_NONE, size=rng.integers(2, 40))
        lines = list(monas_table2_replayed._spread(table, row, F746, "it", cells))
        values = searches.quantities(table, F746)
        for line in lines:
            digits = 3 if line["figure"] == "Mparams" else 2
            seen = sorted(round(float(v), digits) for v in values[line["figure"]][cells])
            lies = "yes" if seen[0] <= line["printed"] <= seen[-1] else "no"
            assert line["inside"] == (lies if len(cells) >= 20 else "too few seeds")
            assert line["below"] == sum(v < line["printed"] for v in seen)
            assert line["mean"] == pytest.approx(values[line["figure"]][cells].mean())
            assert np.isnan(line["lo"]) == (len(cells) < 5)
            without = np.round(values[line["figure"]][WITHOUT_NONE], digits)
            near = [v for v in without if line["least"] <= v <= line["greatest"]]
            share = len(near) / len(WITHOUT_NONE) if len(cells) >= 20 else np.nan
            assert line["random inside"] == pytest.approx(share, nan_ok=True)
    assert not list(monas_table2_replayed._spread(table, row, F746, "it", cells[:1]))


def test_a_search_counts_once_and_those_for_the_l4_not(table, answers, outcomes, monkeypatch):
    """Three searches for the L4 answer as searches for the F746 or by FLOPs do."""
    same = [dict(row) for row in answers]
    drawn = {
        (row["weight"], row["seed"]): row["cell"]
        for row in same
        if not row["setting"] and row["weighs"].startswith(LAMBDA)
    }
    for row in same:
        if row["device"] == L432 and (row["weight"], row["seed"]) in drawn:
            row["cell"] = drawn[row["weight"], row["seed"]]
    monkeypatch.setattr(live_runs, "read", lambda path=None: same)
    made = monas_table2_replayed.REPORT.make(table, outcomes).tables
    inside = made["monas_table2_inside"]
    ours = inside[inside["row"].str.startswith("MONAS")]
    again = ours[ours["repeats"] != ""]
    assert again[["part", "search"]].to_numpy().tolist() == [
        [L432, "live, mu = 0"],
        [L432, "live, mu = 0.7"],
        [L432, "live, mu = 0.8"],
    ]
    assert again["repeats"].tolist() == [
        f"live, {of} ({F746})" for of in ("mu = 0", "lambda = 0.7", "lambda = 0.8")
    ]
    told = made["monas_table2_told"].set_index(["part", "figure"])
    spread = made["monas_table2_spread"]
    for (part, figure), row in told.iterrows():
        of = spread[spread["row"].str.startswith("MONAS")]
        of = of[(of["part"] == part) & (of["figure"] == figure)]
        assert row["searches"] == len(of) == {F746: 6, L432: 5}[part]
        assert row["repeats"] == {F746: 0, L432: 3}[part]
        assert row["inside"] == (of["inside"] == "yes").sum()
        assert row["inside at random"] == pytest.approx(of["random inside"].sum())
        for name in set(of["row"]):
            mine = of[of["row"] == name]
            above = (mine["printed"] > mine["greatest"]).any()
            assert above == (f"{name}, searched with" in row["above every seed"])
        named = row["above every seed"].split("; ")
        assert len({one.partition(" (")[0] for one in named}) == len(named)


def test_table2_has_printed_tabular_and_live_lines(table, answers, outcomes):
    made = monas_table2_replayed.REPORT.make(table, outcomes)
    lines = made.tables["monas_table2_replayed"]
    assert (lines["search"] == "printed").sum() == 17
    assert (lines["n"] == SEEDS).sum() == 11
    te_nas = lines[lines["search"].str.contains("batch 72")]
    assert te_nas["search"].tolist() == ["live, 32 px, batch 72"]
    at = lines.index[lines["row"] == "TE-NAS"][0]
    assert lines["search"].iloc[at + 1 : at + 3].tolist() == ["tabular", "live, 32 px, batch 72"]
    inside = made.tables["monas_table2_inside"]
    assert set(inside.iloc[:, 4:-1].to_numpy().ravel()) <= {"yes", "no", "too few seeds"}
    assert len(inside) == 2 + 1 + 11 + 3  # Rivals, TE-NAS (at 16 pixels by two rules too), MONAS.
    cost = made.tables["monas_search_cost"].set_index("row")
    assert cost.loc["MONAS baseline", "core hours here"] == pytest.approx(0.01)
    assert cost.loc["DARTS", "of"] == "-"


def test_fig5_and_6_have_means_over_seeds(table, answers, outcomes):
    made = monas_search.REPORT.make(table, outcomes)
    rows = made.tables["monas_search_accuracy"]
    live = rows[
        (rows["search"] == "live") & (rows["searched for"] == L432) & (rows["weight"] == 0.85)
    ]
    cells = [int(r["cell"]) for r in answers if r["device"] == L432 and r["weight"] == "0.85"]
    name = f"CIFAR-10 {kind(table)}"
    assert live[name].iloc[0] == pytest.approx(accuracy(table, "cifar10")[cells].mean())
    assert live["CIFAR-10 lo"].iloc[0] < live[name].iloc[0] < live["CIFAR-10 hi"].iloc[0]
    assert live["CIFAR-10 printed"].iloc[0] == 89.72
    costs = made.tables["monas_search"]
    one = costs[(costs["search"] == "tabular") & (costs["weighs"] == LAMBDA)]
    assert (one["arch"] == np.array(all_archs())[one["index"].astype(int)]).all()
    assert set(made.figures) == {"monas_fig5", "monas_fig6"}


def test_no_verdict_rests_on_few_seeds(table, outcomes, monkeypatch):
    kinds = {}
    for seeds in (19, SEEDS):
        rows = made_up(seeds)
        monkeypatch.setattr(live_runs, "read", lambda path=None, rows=rows: rows)
        found = monas_claims.claims(table, outcomes)
        kinds[seeds] = [claim.verdict.kind for claim in found[:-1]]
        assert all(claim.verdict.n == seeds for claim in found[:-1])
    assert set(kinds[19]) == {UNDECIDED}
    assert {HOLDS, FAILS} & set(kinds[SEEDS]), "random cells are decided in something"


def test_searches_for_the_l4_that_answer_as_those_by_flops_are_not_judged(table, outcomes):
    """The four rows that are printed of the L4 order operators as FLOPs do."""
    found = searches.main(searches.live())
    assert monas_claims.by_flops(found)
    (claim,) = (c for c in monas_claims.claims(table, outcomes) if c.where == "Fig. 6")
    assert claim.verdict.kind == NOT_HERE
    assert monas_claims.BY_FLOPS in claim.verdict.why
    other = found.copy()
    one = other.index[(other["device"] == L432) & (other["weight"] > 0)][0]
    other.loc[one, "cell"] = (other.loc[one, "cell"] + 1) % N_CELLS
    assert not monas_claims.by_flops(other)


def test_how_many_times_as_fast_is_a_mean_of_logarithms(table):
    """One cell that is fifty times as fast does not make a mean of ratios."""
    found = searches.main(searches.live())
    claim = monas_claims._speed(table, found)
    ms = milliseconds(table, F746, monas_claims.RUNTIME, "cifar10", "official")
    heavy = int(monas_claims._printed(F746, "cell")["TE-NAS"])
    for by, printed in ((0.5, 0), (0.8, 1)):
        ratios = ms[heavy] / ms[searches.of(found, F746, MU, by)["cell"]]
        said = claim.ours.split(" and ")[printed].split()[0]
        assert said == f"{np.exp(np.log(ratios).mean()):.2f}"


def test_the_volume_of_a_seed_is_that_of_its_own_cells(table):
    rng = np.random.default_rng(4)
    one, other = rng.choice(WITHOUT_NONE, size=(2, 5, 4))
    volumes = monas_claims.hypervolumes(table, one, other)
    ms = milliseconds(table, L432, "monas2024", "cifar10", "official")
    error = 100 - np.mean(
        [accuracy(table, d) for d in ("cifar10", "cifar100", "imagenet16-120")], axis=0
    )
    corner = pareto.reference(
        *(np.column_stack([ms[c.ravel()], error[c.ravel()]]) for c in (one, other))
    )
    for cells, found in zip((one, other), volumes, strict=True):
        for row, volume in zip(cells, found, strict=True):
            steps, best = 0.0, corner[1]
            for x, y in sorted((ms[c], error[c]) for c in row):
                if x < corner[0] and y < best:
                    steps, best = steps + (corner[0] - x) * (best - y), y
            assert volume == pytest.approx(steps)


def test_rules_are_shown_beside_each_other(table, answers, outcomes):
    made = monas_rules.REPORT.make(table, outcomes)
    rows = made.tables["monas_rules"]
    loaded = outcomes["monas_rules"].study.searches
    assert len(rows) == 8 + len(loaded)
    assert (rows["path"] == np.where(connected()[rows["index"]], "yes", "no")).all()
    live = made.tables["monas_rules_live"]
    assert set(live["rule"]) >= {
        "as the paper",
        "order = 0",
        "order = 0, batch = 128",
        "none = true",
    }
    assert (live["n"] == 3).all()
    assert len(live) == len(live_runs.OTHERS) * 5
    name = f"CIFAR-10 {kind(table)}"
    assert (live[f"{name} least"] <= live[name]).all()


def test_without_answers_of_other_settings_their_table_is_said_to_be_missing(
    table, outcomes, monkeypatch
):
    rows = [row for row in made_up(2) if not row["setting"]]
    monkeypatch.setattr(live_runs, "read", lambda path=None: rows)
    made = monas_rules.REPORT.make(table, outcomes)
    assert list(made.tables) == ["monas_rules"]
    assert any("no table monas_rules_live" in note for note in made.notes)


def test_found_cells_are_drawn_by_weight(table, answers, outcomes):
    made = monas_cells.REPORT.make(table, outcomes)
    drawn = made.tables["monas_found_cells"]
    assert len(drawn) == len(monas_cells.WEIGHTS) * (1 + monas_cells.SEEDS)
    assert drawn["index"].between(0, N_CELLS - 1).all()
