"""Verdicts on claims: what decides them, what cannot, and the correction for their number."""

import re

import numpy as np
import pytest
import scipy.stats
from hypothesis import example, given
from hypothesis import strategies as st

from benchsuite.reports import edgenas_cost, monas_ntk_batch, udc_coding
from benchsuite.reports._common.searches import Claim, claims_table, spread
from benchsuite.reports._common.verdicts import (
    AFFORDABLE,
    DEAR,
    FAILS,
    HOLDS,
    NOT_HERE,
    UNDECIDED,
    Verdict,
    above,
    exact,
    holm,
    not_here,
    rarer,
    share,
)
from benchsuite.stats import intervals


def estimate(mean, n=30, seed=0):
    x = np.random.default_rng(seed).normal(size=n)
    return intervals.mean(x - x.mean() + mean)


@pytest.mark.parametrize(
    ("means", "margin", "kind"),
    [
        ([1.0], 0, HOLDS),
        ([-1.0], 0, FAILS),
        ([0.1], 0, UNDECIDED),
        ([1.0], 1.0, UNDECIDED),
        ([1.0], 2.0, FAILS),
        ([1.0, 2.0], 0, HOLDS),
        ([1.0, 0.1], 0, UNDECIDED),
        ([1.0, -1.0], 0, FAILS),
        ([1.0, -0.3], 0, UNDECIDED),  # -0.3 alone would not do: p counts twice
    ],
)
def test_a_difference_decides_with_its_interval(means, margin, kind):
    found = above(*map(estimate, means), margin=margin, unit="s")
    assert found.kind == kind
    assert (found.n, found.margin) == (30, f"{margin:g} s")
    assert "interval over seeds" in found.basis
    assert f"margin {margin:g} s" in found.basis


def test_more_seeds_do_not_decide_what_the_basis_leaves_open():
    seeds = estimate(0.2)
    sure, unsure = (
        intervals.together(seeds, intervals.jackknife(seeds.value, seeds.value + off * SIX))
        for off in (0.001, 0.05)
    )
    assert "about 77 seeds" in above(sure, over="seeds and cells").why
    assert "interval over seeds and cells" in above(sure, over="seeds and cells").basis
    found = above(unsure)
    assert found.kind == NOT_HERE
    assert "more seeds would not decide" in found.why


def test_a_part_below_the_margin_decides_as_soon_as_it_is_sure():
    """The other part, whose gap is next to nothing, would take millions of seeds."""

    def seeds(mean, n):
        x = np.random.default_rng(0).permutation(scipy.stats.norm.ppf((np.arange(n) + 0.5) / n))
        return intervals.mean(x / x.std(ddof=1) + mean)

    found = above(seeds(-0.25, 30), seeds(0.001, 30), each=1)
    (said,) = re.findall(r"about (\d+) seeds", found.why)
    for n, kind in ((round(1.05 * int(said)), FAILS), (round(0.75 * int(said)), UNDECIDED)):
        assert above(seeds(-0.25, n), seeds(0.001, n)).kind == kind


@pytest.mark.parametrize("means", [[0.6, -0.35], [0.6, 0.1], [-0.02, 0.3], [-0.1, -0.2]])
def test_what_is_undecided_has_no_p_that_would_decide(means):
    """The part below, at a p that counts twice, is what was tested; without one all parts are."""
    parts = [estimate(mean) for mean in means]
    found = above(*parts)
    assert found.kind == UNDECIDED
    below = [2 * float(part.p_value()) for part in parts if part.value < 0]
    expected = min([1.0, *below]) if below else max(float(part.p_value()) for part in parts)
    assert found.p == pytest.approx(expected)
    assert found.p >= 0.05


SIX = np.array([1, -1, 1, -1, 1, -1])


@pytest.mark.parametrize("n", [1, 2, 5, 19])
def test_fewer_than_twenty_seeds_decide_nothing(n):
    verdicts = (
        above(intervals.mean(100 + np.arange(n))),
        above(intervals.difference(100 + np.arange(n), np.arange(50.0))),
        share(n, n),
        share(0, n),
        rarer(0, n, 100, 100),
        rarer(0, 100, n, n),
    )
    for found in verdicts:
        assert found.kind == UNDECIDED
        assert str(found).startswith(f"undecided (n = {n}")
        assert np.isnan(found.p)


def test_seeds_of_one_answer_are_one():
    found = above(intervals.difference([92.0] * 40, np.arange(40.0)))
    assert str(found).startswith("undecided (n = 1: one seed, or one answer of all")


def test_undecided_says_how_many_seeds_would_decide():
    few = estimate(0.1)
    found = above(few)
    assert "seeds would decide it" in found.why
    need = int(found.why.split("about ")[1].split()[0].replace(",", ""))
    rng = np.random.default_rng(1)
    x = rng.normal(size=need)
    x *= float(few.error) * np.sqrt(30) / x.std(ddof=1)
    assert above(intervals.mean(x - x.mean() + 0.1)).kind == HOLDS
    assert above(intervals.mean((x - x.mean() + 0.1)[: need // 3])).kind == UNDECIDED
    assert "not even 10,000" in above(estimate(0.0)).why
    assert above(intervals.mean([np.nan] + [1.0, 2.0] * 20)).kind == UNDECIDED


@pytest.mark.parametrize("seconds", [0.0, 1e-3, 60.0])
def test_what_more_seeds_would_decide_is_open_whatever_they_cost(seconds):
    found = above(estimate(0.1), each=seconds)
    need = int(found.why.split("about ")[1].split()[0].replace(",", ""))
    assert found.kind == UNDECIDED
    assert (need * seconds > AFFORDABLE) == ("of a core, more than is spent" in found.why)
    assert found.p > 0.05, "the family that Holm's correction is of does not shrink"
    assert above(estimate(1.0), each=1e9).kind == HOLDS
    assert above(estimate(1.0, n=19), each=1e9).kind == UNDECIDED


def test_dear_seeds_are_told_in_minutes_or_hours():
    need = int(above(estimate(0.1)).why.split("about ")[1].split()[0].replace(",", ""))
    for seconds, said in ((10_800, "3 hours"), (300, "5 minutes")):
        found = above(estimate(0.1), each=seconds / need)
        assert found.why.endswith(f"seeds would decide it: {said} of a core, {DEAR}")
    assert above(estimate(0.0), each=1.0).why == "n = 30, not even 10,000 seeds would decide it"
    assert above(estimate(0.0), each=1.0).kind == UNDECIDED


def test_seeds_that_ship_are_not_paid_for_again():
    need = int(above(estimate(0.1)).why.split("about ")[1].split()[0].replace(",", ""))
    each = 300 / (need - 30)
    found = above(estimate(0.1), each=each, there=30)
    said = f"would decide it, {need - 30:,} more: 5 minutes of a core, {DEAR}"
    assert found.why.endswith(said)
    assert above(estimate(0.1), each=AFFORDABLE / need, there=30).kind == UNDECIDED


def test_what_the_most_seeds_leave_open_cannot_be_tested():
    assert above(estimate(1e-4, n=10_000)).kind == NOT_HERE
    assert above(estimate(1e-4, n=9_999)).kind == UNDECIDED
    assert share(8_000, 10_000).kind == NOT_HERE
    assert share(7_999, 9_999).kind == UNDECIDED


@pytest.mark.parametrize(
    ("count", "n", "kind"),
    [(20, 20, HOLDS), (19, 20, UNDECIDED), (16, 20, UNDECIDED), (11, 20, FAILS), (0, 20, FAILS)],
)
def test_one_failure_does_not_fail_all(count, n, kind):
    found = share(count, n)
    assert (found.kind, found.n, found.margin) == (kind, n, "80 % of seeds")


def test_seeds_that_would_decide_a_share_cost_what_they_take():
    said = share(158, 200, each=0.5).why
    need = int(said.split("about ")[1].split()[0].replace(",", ""))
    assert said.endswith(f"seeds would decide it: {need * 0.5 / 60:.0f} minutes of a core, {DEAR}")
    assert DEAR not in share(158, 200, each=AFFORDABLE / need).why
    assert DEAR not in share(158, 200).why


def test_shares_of_two_searches():
    assert rarer(5, 20, 20, 20).kind == HOLDS
    assert rarer(20, 20, 5, 20).kind == FAILS
    assert rarer(18, 20, 20, 20).kind == UNDECIDED


@example([1.0, 1.0, 1.0, 1.0, 0.01])
@given(st.lists(st.one_of(st.just(float("nan")), st.floats(0, 1)), max_size=12))
def test_holms_correction(p):
    kinds = holm([Verdict(HOLDS, 30, "0", "a rule", p=one) for one in p])
    tested = sorted(one for one in p if one == one)
    kept = 0
    while kept < len(tested) and tested[kept] * (len(tested) - kept) < 0.05:
        kept += 1
    exact_ones = len(p) - len(tested)
    assert kinds.count(HOLDS) == kept + exact_ones
    assert kinds.count(UNDECIDED) == len(tested) - kept
    if kept:
        assert all(
            kind == HOLDS for kind, one in zip(kinds, p, strict=True) if one < tested[kept - 1]
        )


def test_a_claim_says_its_verdict_and_what_it_rests_on():
    verdicts = [above(estimate(mean)) for mean in (1.0, -1.0, 0.1)]
    verdicts += [not_here("no reason"), exact(True, 2, "none", "two statements")]
    verdicts += [above(estimate(0.1), each=1e9)]
    claims = [Claim("P", "Fig. 1", "a", "b", verdict) for verdict in verdicts]
    rows = claims_table(claims)
    assert rows["verdict"].str.partition(" (")[0].tolist() == [
        HOLDS,
        FAILS,
        UNDECIDED,
        NOT_HERE,
        HOLDS,
        UNDECIDED,
    ]
    assert rows["after Holm"].tolist() == [HOLDS, FAILS, UNDECIDED, "", HOLDS, UNDECIDED]
    assert rows["n"].tolist() == ["30", "30", "30", "", "2", "30"]
    assert claims[1].sentence.startswith(
        "Fig. 1: a. Here: b. Verdict: does not hold [n = 30, margin 0 points, interval over seeds"
    )
    assert claims[3].sentence.endswith("cannot be tested here (no reason) [not judged].")


def test_estimates_as_text():
    assert spread(estimate(1.0)).startswith("1.00 [0.6")
    assert spread(intervals.mean([1.0])) == "1.00 (one seed, or one answer of all: no interval)"
    assert spread(intervals.mean([1.0, 2.0])) == "1.50 (2 seeds: no interval)"
    assert spread(intervals.mean([])) == "no value"


@pytest.mark.parametrize("scale", [1.0, 0.01, 1e-4, -1e-4])
def test_an_interval_is_printed_with_the_digits_that_show_on_which_side_of_zero_it_lies(scale):
    found = scale * (2 + np.random.default_rng(0).normal(size=30) / 4)
    ends = re.findall(r"-?\d\.\d+", spread(intervals.mean(found), 3))
    assert len(ends) == 3
    assert all(float(end) * scale > 0 for end in ends)
    assert len(ends[0].split(".")[1]) == (3 if abs(scale) > 1e-3 else 4)


def test_printed_statements_that_disagree_are_told_from_claims_that_are_tested():
    claims = [*edgenas_cost.claims(), *udc_coding.claims()]
    rows = claims_table(claims)
    alone = rows["printed alone"] == "yes"
    assert alone.tolist() == [True] * 2 + [False] * len(udc_coding.claims())
    assert (rows.loc[alone, "verdict"] == f"{FAILS} ({edgenas_cost.PRINTED})").all()


def test_identities_are_no_claims_and_artificial_weights_settle_none():
    assert not any("its parts" in claim.ours for claim in edgenas_cost.claims())
    assert {claim.verdict.kind for claim in udc_coding.claims()} == {NOT_HERE}


def test_one_draw_of_weights_decides_no_batch_size():
    assert monas_ntk_batch._ONE_DRAW.kind == UNDECIDED
    assert monas_ntk_batch._ONE_DRAW.n == 1


def test_exact_verdicts_stay_beside_corrected_ones():
    verdicts = [exact(False, 9, "0", "counted"), Verdict(HOLDS, 30, "0", "t", p=0.001)]
    open_ones = [above(estimate(1.0, n=19)), not_here("no column")]
    assert holm([*verdicts, *open_ones]) == [FAILS, HOLDS, UNDECIDED, ""]


def test_what_was_tried_and_left_open_corrects_others_and_what_was_not_tried_does_not():
    """Two claims, .02 and .04, hold together; with a third, of which only its result says that
    these cells cannot tell it, they do not."""
    two = [Verdict(HOLDS, 30, "0", "t", p=p) for p in (0.02, 0.04)]
    assert holm([*two, not_here("no column")]) == [HOLDS, HOLDS, ""]
    rests = intervals.together(estimate(0.2), intervals.jackknife(0.2, 0.2 + 0.05 * SIX))
    tried = above(rests)
    assert tried.kind == NOT_HERE
    assert holm([*two, tried]) == [UNDECIDED, UNDECIDED, ""]


def test_the_basis_is_blamed_for_the_part_that_rests_on_it_alone():
    sure = estimate(1.0)
    rests = intervals.together(sure, intervals.jackknife(sure.value, sure.value + 1e-6 * SIX))
    assert above(rests, estimate(0.0)).why == "n = 30, not even 10,000 seeds would decide it"
