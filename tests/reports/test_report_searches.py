"""Reports of searches: curves, intervals and claims against naive recomputations."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchsuite import stats
from benchsuite.deployment.compressed import Compressed, n_bytes
from benchsuite.replays import outcome as outcomes
from benchsuite.replays import study
from benchsuite.reports import (
    monas_ntk_batch,
    munas_fronts,
    munas_pruning,
    udc_ablation,
    udc_coding,
    udc_sizes,
)
from benchsuite.reports._common import monas_searches
from benchsuite.reports._common import searches as _searches
from benchsuite.reports._common import udc as _udc
from benchsuite.reports._common.tables import kind
from benchsuite.space.cell import Cell
from benchsuite.space.network import Skeleton
from benchsuite.stats import pareto

STUDY = """
schema = 1
name = "curves"
traces = true
shard = 2
[defaults]
epochs = 12
seeds = 3
budget = { seconds = 3000 }
[[searches]]
strategy = "rea"
[[searches]]
strategy = "random"
[[searches]]
strategy = "proxy_top"
parameters = { proxy = "naswot", draws = 40 }
"""


@pytest.fixture(scope="module")
def outcome(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("curves")
    (folder / "study.toml").write_text(STUDY)
    return outcomes.run(study.load(folder / "study.toml"), table, folder)


@pytest.mark.parametrize("axis", ["clock", "queries"])
def test_picks_are_those_of_a_walk_along_the_trace(outcome, axis):
    ends = {"clock": 3000, "queries": 12}
    budgets = np.linspace(0, ends[axis], 23)
    for label in ("rea", "random", "proxy_top"):
        found = _searches.picks(outcome, label, budgets, axis)
        trace = outcome.trace(label)
        runs = outcome.runs[outcome.runs["search"] == label]
        assert found.shape == (3, 23)
        for row, run in zip(found, runs.to_dict("records"), strict=True):
            for cell, budget in zip(row, budgets, strict=True):
                assert cell == _naive(trace[trace["seed"] == run["seed"]], run, budget, axis)


def _naive(looks, run, budget, axis):
    """Walk look by look; the last epoch count is the only one, so the best is the highest value."""
    spent, queried, best, value = 0.0, 0, -1, -np.inf
    for look in looks.to_dict("records"):
        is_query = look["looked_at"].startswith("valid.")
        spent, queried = spent + look["seconds"], queried + is_query
        if (spent if axis == "clock" else queried) > budget:
            return best
        if is_query and look["value"] > value:
            best, value = look["cell"], look["value"]
    return run["cell"]


def test_a_search_without_queries_answers_at_its_end(outcome):
    end = outcome.runs.query("search == 'proxy_top'")["simulated_seconds"].to_numpy()
    before, after = _searches.picks(outcome, "proxy_top", [end.min() * 0.99, end.max()]).T
    assert (before == -1).all()
    assert (after >= 0).all()
    assert np.isnan(_searches.valued(before, np.arange(15_625.0))).all()


def test_a_curve_has_the_interval_of_each_of_its_points():
    values = np.random.default_rng(5).lognormal(size=(20, 3))
    curve = np.array(_searches.mean_interval(values))
    for at in range(3):
        np.testing.assert_allclose(curve[:, at], _searches.mean_interval(values[:, at]))
    holes = np.where(np.arange(20)[:, None] == 3, np.nan, values)
    assert np.isnan(_searches.mean_interval(holes)).all()


@pytest.mark.parametrize(
    ("method", "weights"),
    [
        ("MONAS mu=0.5/0.6", {"mu": [0.5, 0.6]}),
        ("MONAS mu=[0,0.7]", {"mu": [0.0, 0.7]}),
        ("MONAS lambda=0.7", {"lambda": [0.7]}),
        ("MONAS baseline", {"mu": [0.0], "lambda": [0.0]}),
        ("TE-NAS", {}),
    ],
)
def test_weights_of_printed_rows(method, weights):
    assert monas_searches.weights(method) == weights


@pytest.mark.parametrize("name", ["monas_mu", "monas_lambda"])
def test_monas_ends_within_the_budget_of_its_study(table, tmp_path, name):
    """Its stated half hour is a sum of parts, which a budget of exactly that may not hold."""
    chosen = study.load(study.find(name))
    found = outcomes.run(chosen, table, tmp_path)
    assert (found.runs["cell"] >= 0).all()
    assert found.runs["simulated_seconds"].to_numpy() == pytest.approx(1800)


@pytest.mark.parametrize(("n", "ones"), [(1, 1), (40, 7), (300, 150), (1000, 0)])
def test_bits_of_a_mask_are_those_of_bit_by_bit_predictions(n, ones):
    mask = np.random.default_rng(n).permutation(np.arange(n) < ones)
    seen, bits = [0.5, 0.5], 0.0
    for bit in mask.astype(int).tolist():
        bits -= np.log2(seen[bit] / sum(seen))
        seen[bit] += 1
    assert udc_coding.mask_bits(n, ones) == pytest.approx(bits)


@given(st.lists(st.integers(-130, 130).filter(bool), min_size=1, max_size=60))
def test_bits_of_a_golomb_rice_code_are_those_of_its_words(levels):
    def word(level, k):
        quotient, rest = divmod(abs(level) - 1, 1 << k)
        return "01"[level < 0] + "1" * quotient + "0" + (f"{rest:0{k}b}" if k else "")

    shortest = min(sum(len(word(level, k)) for level in levels) for k in range(8))
    assert udc_coding.rice_bits(np.array(levels, dtype=np.int16)) == shortest


@pytest.mark.parametrize("bits", [1, 2, 8])
@pytest.mark.parametrize("non_zero", [0.1, 0.5, 1.0])
def test_quantised_weights(bits, non_zero):
    weights = np.random.default_rng(bits).normal(size=2001)
    levels = udc_coding.quantised(weights, bits, non_zero)
    assert (levels != 0).mean() == pytest.approx(non_zero, abs=1e-3)
    assert len(np.unique(levels[levels != 0])) <= 2**bits
    assert (np.sign(levels)[levels != 0] == np.sign(weights)[levels != 0]).all()
    assert np.abs(weights[levels == 0]).max(initial=0) <= np.abs(weights[levels != 0]).min()


@given(arrays(float, (7, 2), elements=st.integers(0, 9).map(float)))
def test_the_lowest_error_by_size(points):
    sizes = np.arange(10.0)
    for size, found in zip(sizes, pareto.attained(points, sizes), strict=True):
        fitting = [error for needed, error in points if needed <= size]
        assert found == min(fitting) if fitting else np.isnan(found)


def test_the_volume_of_the_optimum_is_all_and_that_of_fewer_points_is_less():
    optimum = np.array([[1.0, 9.0], [2.0, 5.0], [4.0, 1.0]])
    of = munas_fronts.volumes({"all": [optimum], "some": [optimum[:1], optimum[1:]]}, optimum)
    assert of["all"] == pytest.approx([100])
    assert (of["some"] < 100).all()


@pytest.mark.parametrize(("given", "left"), [({}, 50), ({"population": 20}, 130)])
def test_what_evolution_draws_at_random_is_told_from_what_it_evolves(given, left):
    budget = SimpleNamespace(queries=150)
    drawn = SimpleNamespace(label="random", budget=budget, parameters={})
    evolved = SimpleNamespace(
        label=munas_fronts.EVOLUTION, budget=budget, parameters={"rounds": 150, **given}
    )
    outcome = SimpleNamespace(study=SimpleNamespace(searches=[drawn, evolved]))
    assert munas_fronts._at_random(outcome) == (150 - left, left)


def test_batch_claims_rest_on_tau_of_one_cell_per_class(table):
    cells, sampled = monas_ntk_batch._sampled(table)
    of = table.values("class.functional")[cells]
    assert len(set(of)) == len(of) == 200
    tau = stats.kendall(
        table.values("ntk_cond.k2.b32")[cells],
        table.values("cifar10.test.200ep.mean")[cells],
        direction="min",
    )
    assert sampled.value[monas_ntk_batch.BATCHES.index(32), 0] == pytest.approx(tau.value)


@pytest.fixture(scope="module", params=[udc_ablation, udc_sizes], ids=["ablation", "sizes"])
def udc(request, table, tmp_path_factory):
    """A report of UDC, its study with searches cut short and three seeds, and their outcome."""
    report = request.param.REPORT
    chosen = study.load(study.find(report.studies[0]))
    searches = tuple(
        dataclasses.replace(
            entry,
            seeds=3,
            parameters={
                **entry.parameters,
                **({"steps": 40} if entry.strategy == "udc" else {}),
            },
        )
        for entry in chosen.searches
    )
    short = dataclasses.replace(chosen, searches=searches)
    return request.param, outcomes.run(short, table, tmp_path_factory.mktemp(short.name))


def test_seeds_that_keep_the_size_are_those_whose_bytes_counted_anew_do(table, udc):
    module, outcome = udc
    result = module.REPORT.make(table, {module.STUDY: outcome})
    (rows,) = result.tables.values()
    runs = outcome.runs.to_dict("records")
    assert rows["search"].tolist() == [entry.label for entry in outcome.study.searches]
    some = 0
    for entry, row in zip(outcome.study.searches, rows.to_dict("records"), strict=True):
        limit = entry.setting.bounds["skeleton.bytes"]
        mine = [run for run in runs if run["search"] == entry.label]
        taken = [_bytes(run) for run in mine]
        kept = [run for run, size in zip(mine, taken, strict=True) if size <= limit]
        some += len(kept)
        assert row["seeds"] == len(mine) == 3
        assert row["keep the bound"] == len(kept)
        assert row["largest / bound"] == pytest.approx(max(taken) / limit)
        for name, column in (
            (_udc.COMPRESSED, "compressed.test.cifar10"),
            (f"uncompressed: {kind(table)}", "test.cifar10"),
        ):
            naive = sum(run[column] for run in kept) / len(kept) if kept else np.nan
            assert row[name] == pytest.approx(naive, nan_ok=True)
    assert 0 < some < len(runs), "both kinds of seeds are counted"


def _bytes(run):
    """Count the bytes of an answer from its cell and its compression."""
    form = {name: tuple(run[name]) for name in ("bits", "densities", "widths")}
    return n_bytes(Cell.from_index(run["cell"]), Skeleton(cells_per_stage=1), Compressed(**form))


@pytest.mark.parametrize(
    ("kept", "seeds", "misses", "meets"),
    [
        (0, 4, "undecided", "undecided"),
        (4, 4, "undecided", "undecided"),
        (0, 24, "holds", "does not hold"),
        (13, 24, "holds", "does not hold"),
        (22, 24, "undecided", "undecided"),
        (24, 24, "does not hold", "holds"),
    ],
)
def test_verdicts_are_those_of_the_seeds(udc, kept, seeds, misses, meets):
    """So many seeds of every search, of which some keep the bound."""
    module, outcome = udc
    first = outcome.runs.groupby("search").head(1)
    runs = pd.concat([first.assign(seed=seed, feasible=seed < kept) for seed in range(seeds)])
    changed = dataclasses.replace(outcome, runs=runs)
    for claim in module.claims(None, {module.STUDY: changed}):
        if claim.says.startswith("full UDC meets"):
            assert claim.verdict.kind == meets
        elif claim.says.endswith(("is not met", "meet its constraint")):
            assert claim.verdict.kind == misses
        elif claim.says.startswith("without any of its parts"):
            assert claim.verdict.kind == "undecided"
            assert claim.verdict.n <= 1, "seeds of one answer"
        else:
            assert claim.verdict.kind == "cannot be tested here"


def test_the_front_of_whole_cells_is_the_lowest_error_of_any_of_that_size(table):
    size, error = (
        table.values("flash.weights.cifar10.mcu") / 1024,
        table.values("cifar10.test.200ep.mean"),
    )
    whole = np.isfinite(table.values("depth"))
    for at, lowest in munas_pruning.whole_front(table):
        assert lowest == pytest.approx(100 - error[whole & (size <= at)].max())


def _seeds(label, kept, seeds):
    return pd.DataFrame(
        {
            "search": label,
            "feasible": [at < kept for at in range(seeds)],
            "bytes": 5e4,
            "cell": 1,
            "bits": "8",
            "densities": "1",
            "widths": "1",
        }
    )


def _of_both_aims(label, below, at, seeds=40):
    """An outcome of one search with e* below the bound and at it, of which so many seeds keep."""
    labels = label, label + udc_ablation.AIM
    kept = zip(labels, (below, at), strict=True)
    return SimpleNamespace(
        runs=pd.concat(_seeds(of, many, seeds) for of, many in kept),
        fronts=dict.fromkeys(labels, ()),
        study=study.load(study.find(udc_ablation.STUDY)),
    )


def test_a_claim_that_turns_on_where_udc_aims_is_not_judged():
    """As many seeds keep the bound with e* below it as break it with e* at it."""
    for apart, verdict in ((40, "holds"), (0, "cannot be tested here"), (33, "undecided")):
        outcome = _of_both_aims(udc_ablation.LOSS, 40, apart)
        claim = udc_ablation._judged(outcome, udc_ablation.LOSS, "full UDC keeps it", meets=True)
        assert claim.verdict.kind == verdict


@pytest.mark.parametrize(
    ("below", "at", "verdict"),
    [
        (21, 16, "holds"),  # fewer than 80 % keep it, though more than 20 % do
        (40, 16, "cannot be tested here"),
        (33, 16, "undecided"),
        (40, 40, "does not hold"),
    ],
)
def test_a_search_does_not_keep_its_bound_where_too_few_seeds_do(below, at, verdict):
    label = udc_ablation.VANILLA
    claim = udc_ablation._judged(_of_both_aims(label, below, at), label, "does not meet it")
    assert claim.verdict.kind == verdict
    assert claim.ours.startswith(f"{below} of 40 seeds (")
    assert claim.ours.endswith(f"with e* at the bound {at} of 40")


def test_vanilla_dnas_is_run_with_both_aims():
    labels = [entry.label for entry in study.load(study.find(udc_ablation.STUDY)).searches]
    assert {udc_ablation.VANILLA, udc_ablation.VANILLA + udc_ablation.AIM} <= set(labels)
