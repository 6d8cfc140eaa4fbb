"""Effects of settings and their causes: against SciPy, plain loops and made-up scores."""

import numpy as np
import pytest
import scipy.stats

from benchsuite.proxies._scoring.net import Net
from benchsuite.proxies._tabulation.settings import sampled
from benchsuite.reports import monas_ntk
from benchsuite.reports._common import causes, effects, ntk_draws
from benchsuite.reports._common.effects import RESAMPLES, Effect, Runs
from benchsuite.reports._common.tables import accuracy
from benchsuite.reports._common.verdicts import FAILS, HOLDS, NOT_HERE, UNDECIDED
from benchsuite.space.cell import Cell, all_ops, connected, prune
from benchsuite.space.equivalence import representatives
from benchsuite.space.network import Skeleton, build


def noisy(rng, truth, repeats, noise):
    return truth + noise * rng.standard_normal((repeats, len(truth)))


@pytest.mark.parametrize("metric", ["kendall", "spearman"])
def test_correlations_in_resamples_are_those_of_cells_written_out(metric):
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 12, 40).astype(float)  # with ties
    scores = np.round(noisy(rng, truth, 3, 4.0))
    values, samples = effects.correlated(scores, truth, metric)
    plain = {"kendall": scipy.stats.kendalltau, "spearman": scipy.stats.spearmanr}[metric]
    draws = np.random.default_rng(0)
    assert samples.shape == (3, RESAMPLES)
    for row, value in zip(scores, values, strict=True):
        assert value == pytest.approx(plain(row, truth)[0])
    for at in range(20):
        cells = draws.integers(0, 40, 40)
        for row, found in zip(scores, samples[:, at], strict=True):
            assert found == pytest.approx(plain(row[cells], truth[cells])[0])


def test_an_effect_is_a_plain_bootstrap_of_cells_and_repeats():
    rng = np.random.default_rng(5)
    truth = rng.standard_normal(60)
    here, there = noisy(rng, truth, 3, 1.0), noisy(rng, truth, 3, 2.0)
    here[1, 7] = np.nan  # then that cell counts in none
    found = effects.effect(here, there, truth)
    kept = np.arange(60) != 7

    def tau(scores, cells):
        return scipy.stats.kendalltau(scores[cells], truth[cells])[0]

    whole = np.mean([tau(b, kept) - tau(a, kept) for a, b in zip(here, there, strict=True)])
    assert found.value == pytest.approx(whole)
    assert (found.n, found.repeats) == (59, 3)
    plain = []
    for _ in range(800):
        cells = rng.choice(np.flatnonzero(kept), 59)
        drawn = rng.integers(0, 3, 2)
        plain.append(np.mean([tau(there[r], cells) - tau(here[r], cells) for r in drawn]))
    assert np.quantile(found.samples, [0.025, 0.975]) == pytest.approx(
        np.quantile(plain, [0.025, 0.975]), abs=0.03
    )
    assert (found.low, found.high) == pytest.approx(np.quantile(found.samples, [0.025, 0.975]))


def test_drawing_one_repeat_fewer_gives_the_mean_its_variance():
    values = np.array([0.1, 0.5, 0.3])
    drawn = effects.repeats(np.random.default_rng(0), 3, 40_000)
    assert values[drawn].mean(axis=1).var() == pytest.approx(values.var(ddof=1) / 3, rel=0.03)
    assert (effects.repeats(np.random.default_rng(0), 1) == 0).all()


@pytest.fixture
def runs(table, monkeypatch):
    """Made-up scores of GraSP: with 32 pixels nothing moves, with Kaiming weights noise."""
    truth = table.values("cifar10.test.200ep.mean")
    rng = np.random.default_rng(1)
    cells = rng.choice(np.flatnonzero(np.isfinite(truth)), 160, replace=False)
    base = noisy(rng, scipy.stats.zscore(truth[cells]), 3, 0.3)
    scores = {
        ("base", "grasp"): base,
        ("px32", "grasp"): base * 3,
        ("kaiming", "grasp"): base + 1.0 * rng.standard_normal(base.shape),
    }
    made = Runs(cells, scores, {})
    monkeypatch.setattr(effects, "runs", lambda _: made)
    return made


def test_a_cause_has_the_gaps_sign_and_an_interval_without_zero(table, runs):
    of = "cifar10", "all", "kendall", "test"
    one, *rest = causes.tried(table, "grasp", causes.PORT, "cifar10")
    assert [(one.setting, one.proxy), *((r.setting, r.proxy) for r in rest)] == [
        ("px32", "grasp"), ("kaiming", "grasp"),
    ]  # fmt: skip
    assert causes.measured(table, "grasp", one, *of).value == 0
    moved = causes.measured(table, "grasp", rest[0], *of).value
    assert moved < -0.05

    def said(gap, source=causes.PORT):
        found = causes.cause(table, "grasp", source, (gap, gap), 0.03, of)
        assert found.whole == (": all of it" in found.words)
        return found.words

    assert said(moved - 0.01).startswith("Kaiming weights")
    assert ": all of it" in said(moved - 0.01)
    assert "in part, leaves -0.20" in said(moved - 0.2)
    low = causes.measured(table, "grasp", rest[0], *of).low
    assert moved - low > 0.03  # more than counts as near
    assert ": all of it" in said(low + 0.001)
    assert "in part" in said(low - 0.001)
    high = causes.measured(table, "grasp", rest[0], *of).high
    assert high - moved > 0.03
    assert f"more than it, by {moved - high - 0.001:+.3f}" in said(high + 0.001)

    assert said(+0.2).startswith(causes.NOT_FOUND)  # the effect has the other sign
    assert said(moved, causes.FIRST).startswith(causes.NOT_FOUND)  # that source draws as we do
    assert causes.cause(table, "snip", causes.PORT, (0.1, 0.1), 0.03, of) == causes.Cause(
        f"{causes.NOT_FOUND}: nothing was tried"
    )


def test_a_wide_interval_alone_explains_nothing(table, runs, monkeypatch):
    """The gap lies in the effect's interval, and as much of it is left as there was."""
    wide = Effect(0.565, -0.153, np.linspace(-0.247, -0.071, 500), 156, 3)
    monkeypatch.setattr(causes, "measured", lambda *_: wide)
    one = causes.TRIED["grasp"][1]
    monkeypatch.setattr(causes, "tried", lambda *_: iter([one]))
    of = "cifar10", "all", "kendall", "test"
    assert not causes.cause(table, "grasp", causes.PORT, (-0.076, -0.076), 0.03, of).whole
    assert causes.cause(table, "grasp", causes.PORT, (-0.11, -0.11), 0.03, of).whole


def test_the_unpruned_network_is_held_against_the_same_repeats_of_the_table(shipped_table):
    """Of 1,000 of all cells; one that stands for its class has nothing dead and scores the same."""
    here, there, cells = causes.pair(shipped_table, "zen", "unpruned", "zen")
    assert here.shape == there.shape == (3, 974)
    assert connected()[cells].all()
    ops = all_ops()[cells]
    alike = np.isin(cells, representatives("functional")) & (prune(ops) == ops).all(axis=1)
    assert 100 < alike.sum() < 900
    np.testing.assert_allclose(here[:, alike], there[:, alike], rtol=1e-5)
    assert (np.abs(here[:, ~alike] / there[:, ~alike] - 1) > 1e-3).mean() > 0.5
    single, other, _ = causes.pair(shipped_table, "vkdnw_single", "unpruned", "vkdnw_single")
    values = [
        shipped_table.values(f"vkdnw.r{r}.unpruned") - shipped_table.values(f"vkdnw.r{r}")
        for r in range(3)
    ]
    np.testing.assert_allclose(other - single, np.array(values)[:, cells], atol=1e-3)
    assert (single > shipped_table.values("tensors")[cells]).all()


def test_weights_of_dead_operators_make_most_of_a_mean_of_signs(shipped_table):
    """The same sums of signs over all weights that the network is trained with, exact."""
    weights = causes.trained_weights()
    for index in (0, 10, 818, 15_624):
        net = Net(build(Cell.from_index(index), Skeleton()))
        assert weights[index] == sum(p.numel() for p in net.parameters() if p.dim() > 1)
    here, there, cells = causes.pair(shipped_table, "grad_sign.mean", causes.DEAD, "grad_sign")
    assert len(cells) == 974
    np.testing.assert_array_equal(here[0], shipped_table.values("grad_sign.mean.r0")[cells])
    assert (there <= here * (1 + 1e-6)).all()
    alike = (prune(all_ops()[cells]) == all_ops()[cells]).all(axis=1)
    alike &= np.isin(cells, representatives("functional"))
    np.testing.assert_allclose(here[:, alike], there[:, alike], rtol=1e-6)


def test_a_head_of_the_datasets_classes_is_held_against_ten_on_the_same_noise(shipped_table):
    """Scored for the datasets of as many classes alone, and with dead weights counted, exactly."""
    for dataset, settings in (
        ("cifar10", ["sign10_apart"]),
        ("cifar100", ["noise100", "sign100_apart"]),
        ("imagenet16-120", ["noise120", "sign120_apart"]),
    ):
        ways = causes.tried(shipped_table, "grad_sign.mean", causes.PORT, dataset)
        assert [one.setting for one in ways] == [causes.DEAD, *settings]
    runs = effects.runs("settings")
    for setting, heads in (("noise100", 100), ("noise120", 120)):
        here, there, cells = causes.pair(shipped_table, "grad_sign.mean", setting, "grad_sign")
        np.testing.assert_array_equal(here, runs.scores["noise", "grad_sign.mean"])
        np.testing.assert_array_equal(cells, sampled())
        assert runs.about["settings"][setting]["skeleton"]["classes"] == heads
        net = Net(build(Cell.from_index(int(cells[0])), Skeleton(classes=heads)))
        weights = sum(p.numel() for p in net.parameters() if p.dim() > 1)
        sums = runs.scores[setting, "grad_sign"]
        assert there[:, 0] == pytest.approx(sums[:, 0] / weights, rel=1e-6)
        mean = runs.scores[setting, "grad_sign.mean"]
        assert (there <= mean * (1 + 1e-6)).all()


@pytest.mark.parametrize(("setting", "heads"), [(f"sign{n}_apart", n) for n in (10, 100, 120)])
def test_a_mean_of_signs_apart_counts_dead_weights_and_cells_without_a_path(
    shipped_table, setting, heads
):
    here, there, cells = causes.pair(shipped_table, "grad_sign.mean", setting, "grad_sign")
    sums = effects.runs("apart").scores[setting, "grad_sign"]
    np.testing.assert_allclose(there, sums / causes.trained_weights(heads)[cells])
    np.testing.assert_array_equal(here[0], shipped_table.values("grad_sign.mean.r0")[cells])
    dead = ~connected()[cells]
    assert np.isnan(there[0]).tolist() == np.isnan(here[0]).tolist() == dead.tolist()
    (one,) = (t for t in causes.TRIED["grad_sign.mean"] if t.setting == setting)
    (dataset,) = causes.SETTINGS[setting].datasets
    found = causes.measured(shipped_table, "grad_sign.mean", one, dataset, "all", "kendall", "test")
    assert found.n == len(cells) == 1000
    truth = accuracy(shipped_table, dataset)[cells]
    last = (np.where(dead, row[~dead].min() - 1, row) for row in here)
    before = np.mean([scipy.stats.kendalltau(row, truth)[0] for row in last])
    after = scipy.stats.kendalltau(np.where(dead, 0, there[0]), truth)[0]
    assert (found.before, found.value) == pytest.approx((before, after - before))


def test_a_setting_that_scores_all_cells_is_held_against_all_of_them(shipped_table):
    """And another against the less of both gaps."""
    of = "cifar10", "all", "kendall", "test"
    _, apart = causes.tried(shipped_table, "te_nas", causes.PORT, "cifar10")
    effect = causes.measured(shipped_table, "te_nas", apart, *of).value
    here, _, cells = causes.pair(shipped_table, "te_nas", apart.setting, apart.proxy)
    assert here.shape == (3, len(cells)) == (3, 640)
    assert causes.cause(shipped_table, "te_nas", causes.PORT, (0.5, effect), 0.01, of).whole
    assert not causes.cause(shipped_table, "te_nas", causes.PORT, (effect, 0.5), 0.01, of).whole


def test_networks_trained_on_half_are_another_truth_of_the_same_scores(shipped_table):
    """On CIFAR-10 alone, the only dataset with such networks, and for the source that has them."""
    source = f"{causes.GRAD_SIGN}, ICLR 2022"
    for dataset, there in (("cifar10", 1), ("cifar100", 0)):
        assert len(list(causes.tried(shipped_table, "grad_sign", source, dataset))) == there
    assert not list(causes.tried(shipped_table, "grad_sign", causes.PORT, "cifar10"))
    (one,) = causes.tried(shipped_table, "grad_sign", source, "cifar10")
    of = "cifar10", "all", "abs_spearman", "test"
    found = causes.measured(shipped_table, "grad_sign", one, *of)
    here, there, cells = causes.pair(shipped_table, "grad_sign", causes.HALF, "grad_sign")
    np.testing.assert_array_equal(here, there)
    test, half = (
        np.mean([scipy.stats.spearmanr(row, truth[cells])[0] for row in here])
        for truth in (
            accuracy(shipped_table, "cifar10"),
            shipped_table.values("cifar10.valid.200ep.mean"),
        )
    )
    assert found.before == pytest.approx(test)
    assert found.value == pytest.approx(half - test)


def test_what_a_source_does_together_is_the_only_cause_of_it(table, runs):
    """Kaiming weights alone move the correlation, but all that the source does moves nothing."""
    of = "cifar10", "all", "kendall", "test"
    gap = causes.measured(table, "grasp", causes.TRIED["grasp"][1], *of).value
    assert causes.cause(table, "grasp", causes.PORT, (gap, gap), 0.03, of).whole
    runs.scores["grasp_published", "grasp"] = runs.scores["base", "grasp"] * 2
    found = causes.cause(table, "grasp", causes.PORT, (gap, gap), 0.03, of)
    assert found.words.startswith(causes.NOT_FOUND)
    assert not found.whole


def drawn(gap, between, draws=20, cells=60, settings=2):
    """Settings of which the first has taus apart by a gap, in draws that deviate by `between`."""
    rng = np.random.default_rng(2)
    value = 0.4 + between * rng.standard_normal((settings, draws, 3))
    value[0] += gap
    samples = value[..., None] + 0.01 * rng.standard_normal(ntk_draws.RESAMPLES)
    return ntk_draws.Drawn(value, samples, cells)


@pytest.mark.parametrize(
    ("gap", "between", "draws", "kind"),
    [
        (0.1, 0.02, 20, HOLDS),
        (-0.1, 0.02, 20, FAILS),
        (0.01, 0.05, 20, UNDECIDED),
        (0.1, 0.02, 19, UNDECIDED),
    ],
)
def test_the_highest_is_decided_by_draws(gap, between, draws, kind):
    said, verdict = ntk_draws.highest(drawn(gap, between, draws), 0, ["K_2", "K_0"])
    assert verdict.kind == kind
    assert verdict.n == draws
    assert "less K_0" in said
    if draws == 20 and kind == UNDECIDED:
        assert "not told apart from K_0; about" in verdict.why
        assert "times as many draws and cells would decide it" in verdict.why


@pytest.mark.parametrize(("gap", "kind"), [(0.1, HOLDS), (-0.1, FAILS)])
def test_every_verdict_on_the_highest_of_all_orders_can_be_reached(gap, kind):
    """The p of one difference counts 15 times, so that 500 resamples could refute nothing."""
    names = [f"K_{order}" for order in ntk_draws.ORDERS]
    verdict = ntk_draws.highest(drawn(gap, 0.02, settings=len(names)), 0, names)[1]
    assert verdict.kind == kind
    assert verdict.p < 0.05


def test_one_setting_that_is_higher_decides_as_soon_as_its_p_is_small_enough():
    """The one below counts for every difference, which takes more than its own interval does."""
    found = drawn(0.1, 0.02, settings=6)
    found.value[1] += 0.105
    found.samples[1] += 0.105
    verdict = ntk_draws.highest(found, 0, list("abcdef"))[1]
    assert verdict.kind == UNDECIDED
    assert verdict.p >= 0.05
    assert "not told apart from b; about" in verdict.why
    assert float(verdict.why.split("about ")[1].split()[0]) > 1


@pytest.mark.parametrize(("gap", "kind"), [(0.0, UNDECIDED), (0.1, FAILS), (-0.1, FAILS)])
def test_a_change_that_no_margin_is_named_for_can_only_be_refuted(gap, kind):
    """No interval shows that nothing changes; one that excludes zero shows that something does."""
    said, verdict = ntk_draws.unchanged(drawn(gap, 0.01), 0, 1)
    assert verdict.kind == kind
    assert "[" in said
    if kind == UNDECIDED:
        assert "times as many draws and cells would decide it, and only against it" in verdict.why
    still = ntk_draws.Drawn(np.full((2, 20, 3), 0.4), np.full((2, 20, 3, RESAMPLES), 0.4), 60)
    assert ntk_draws.unchanged(still, 0, 1)[1].kind == NOT_HERE
    if kind == FAILS:
        assert (verdict.n, verdict.margin) == (20, "0 of tau")
        assert verdict.p < 0.05
    assert ntk_draws.unchanged(drawn(gap, 0.01, 19), 0, 1)[1].kind == UNDECIDED


@pytest.mark.parametrize(
    ("reach", "gaps", "times"),
    [
        ([0.2, 0.1], [0.1, 0.1], "about 4.0"),  # all for it: the least sure decides
        ([0.2, 0.1], [0.1, -0.1], "about 1.0"),  # one against it does
        ([0.2], [0.05], "about 16"),
        ([0.2], [0.0], "not even 1,000"),
    ],
)
def test_how_much_larger_a_sample_would_decide(reach, gaps, times):
    said = ntk_draws._times(np.array(reach), np.array(gaps))
    assert said == f"{times} times as many draws and cells would decide it"


def test_points_of_one_figure_are_of_as_many_draws(shipped_table):
    """A mean of draws ranks cells better than a draw: they are no points of one line."""
    for family in ("ntk_cond", "ntk_frozen"):
        draws = monas_ntk._rows(shipped_table, family)["draws"]
        assert draws.nunique() == 1
        assert draws.iloc[0] > 1
