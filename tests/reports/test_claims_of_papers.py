"""What the papers' claims are held against: the margins they name, and what was left out."""

import math

import numpy as np
import pytest

from benchsuite.replays import outcome as outcomes
from benchsuite.replays import study
from benchsuite.reports import munas_macs_latency, munas_objectives, udc_ablation, udc_number_format
from benchsuite.reports._common.searches import spread
from benchsuite.reports._common.verdicts import HOLDS, NOT_HERE
from benchsuite.space import cost
from benchsuite.space.cell import Cell
from benchsuite.space.deploy import deploy
from benchsuite.stats import intervals


def test_a_printed_fit_is_shown_beside_ours_without_a_limit_that_nobody_names(table):
    (claim,) = munas_macs_latency.claims(table)
    assert claim.verdict.kind == NOT_HERE
    assert "no R2 below which" in claim.verdict.why
    shown = munas_macs_latency.SHOWN[0]
    r2 = munas_macs_latency._r2(*munas_macs_latency._points(table, shown))
    assert f"{r2:.3f}" in claim.ours
    assert f"{munas_macs_latency._PRINTED - r2:.3f} less than printed" in claim.ours


def test_poolings_and_additions_are_counted_as_the_authors_code_counts_them(table):
    shown = munas_macs_latency.SHOWN[0]
    others = munas_macs_latency._others(shown.network)
    macs = cost.all_deployed_macs(shown.network)
    for cell in (0, 380, 6111, 10720):
        layers = deploy(Cell.from_index(cell), shown.network).layers
        by_layer = [
            math.prod(layer.shape) * (len(layer.inputs) - 1 if layer.kind == "add" else 9)
            for layer in layers
            if layer.kind in ("add", "avg_pool")
        ]
        assert others[cell] == sum(by_layer)
    latency = table.values(shown.name)
    known = np.isfinite(latency)
    r2 = np.corrcoef((macs + others)[known], latency[known])[0, 1] ** 2
    (claim,) = munas_macs_latency.claims(table)
    assert claim.ours.endswith(f"counted too, as muNAS' code does, {r2:.3f}")


def test_often_is_judged_by_what_codes_need_in_the_mean_over_cells():
    (claim,) = (c for c in udc_number_format.claims() if "Golomb" in c.says)
    networks, about = udc_number_format.read()
    deployed = networks[networks["format"] == udc_number_format.SHIFTED].set_index("cell")
    bits = deployed["levels"].map(udc_number_format.golomb_rice).groupby("cell").mean()
    fewer = intervals.mean(about["bits"] - bits.to_numpy())
    assert claim.verdict.kind == HOLDS
    assert claim.verdict.margin == "0 bits"
    assert claim.verdict.p == pytest.approx(float(fewer.p_value()))
    assert f"{(bits < about['bits']).sum()} of {len(bits)} cells" in claim.ours


def test_a_gain_whose_mechanism_is_not_at_work_says_so():
    claims = {claim.where: claim for claim in udc_number_format.claims()}
    grown = claims["Fig. 3"].verdict.why.split(" grow ")[1].split()[0]
    assert f"grow {grown} times" in claims["Fig. 5c"].ours
    assert "not at work" in claims["Fig. 5c"].ours


@pytest.fixture(scope="module")
def left_out(table, tmp_path_factory):
    chosen = study.load(study.find(munas_objectives.STUDY))
    return outcomes.run(chosen, table, tmp_path_factory.mktemp("objectives"), seeds=5)


def test_an_objective_left_out_with_its_bound_is_shown_beside_the_objective_alone(table, left_out):
    """The paper leaves out both; what the objective alone does is a search that keeps the bound."""
    found = munas_objectives.claims(table, {munas_objectives.STUDY: left_out})
    rows = [*munas_objectives._SAID]
    assert len(found) == len(rows) == 4
    for claim, (label, name, _) in zip(found, rows, strict=True):
        assert "objective and the bound" in claim.says
        whole, alone = (
            munas_objectives.means(table, left_out, of)[name]
            for of in (munas_objectives.ALL, f"{label}, judged by it")
        )
        by = spread(intervals.difference(alone, whole))
        assert claim.ours.endswith(f"with the bound kept, by {by}")


def test_a_share_of_seeds_has_its_interval_beside_the_verdict():
    low, high = intervals.proportion(32, 60)[1:]
    assert udc_ablation.kept(32, 60) == f"32 of 60 seeds ({100 * low:.0f} to {100 * high:.0f} %)"
    assert np.isclose(low, 0.4, atol=0.01)
