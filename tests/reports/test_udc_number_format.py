"""UDC's number format: the table that ships, and what the report says of it."""

import hashlib

import numpy as np
import pytest

from benchsuite.files import shipped
from benchsuite.reports import udc_number_format
from benchsuite.reports.udc_number_format import counted, golomb_rice

FILE = shipped("data/number_format.csv")


def test_the_shipped_table_is_whole_and_the_one_that_is_described():
    networks, about = udc_number_format.read()
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() == about["sha256"]
    assert networks["seed"].nunique() == about["seeds"]
    keys = networks[["cell", "seed", "format"]]
    several = networks.groupby("cell")["seed"].nunique() > 1
    assert (several.sum(), (~several).sum()) == (6, about["further"])
    planned = 2 * (6 * about["seeds"] + about["further"])
    assert len(networks) == len(keys.drop_duplicates()) == planned
    readme = FILE.with_name("README.md").read_text(encoding="utf-8")
    assert f"accuracies of {len(networks) // 2} networks" in readme
    pruned = [counted(levels) for levels in networks["levels"]]
    for name, counts in zip(networks["format"], pruned, strict=True):
        share = counts[1:].sum() / counts.sum()
        assert share == pytest.approx(0.2, abs=1e-3) or (name == "Q" and share < 0.2)


def test_the_shipped_networks_are_those_that_the_script_plans():
    script = pytest.importorskip("benchsuite.proxies._compression.number_format")
    networks, about = udc_number_format.read()
    plan = list(script.plan(script.Conditions()))
    assert len(plan) == len(networks)
    made = about["bits"], about["seeds"], about["further"]
    assert made == (script.BITS, script.SEEDS, script.FURTHER)


def test_rows_are_means_of_the_means_of_cells(table):
    networks, about = udc_number_format.read()
    (rows,) = udc_number_format.REPORT.make(table).tables.values()
    for row in rows.to_dict("records"):
        of = networks[networks["format"] == row["format"]].groupby("cell")
        assert row["accuracy"] == pytest.approx(of["accuracy"].mean().mean())
        by_cell = of["growth"].agg(lambda x: np.log(x).mean())
        assert row["growth"] == pytest.approx(np.exp(by_cell.mean()))
        assert row["Vela [kB]"] == pytest.approx(of["encoded"].mean().mean() / 1e3)
        bits = of["levels"].agg(lambda x: x.map(golomb_rice).mean()).mean()
        assert row["Golomb-Rice [bits]"] == pytest.approx(bits)
        assert (row["networks"], row["cells"]) == (42, of.ngroups)
    for part in about["histograms"].values():
        before, after = (counted(part[name]).sum() for name in ("before", "after"))
        assert before == after
        assert len(np.unique(part["stored"].split())) <= 2 ** about["bits"] + 1


def test_a_code_spends_as_many_bits_as_its_words():
    """k = 0: sign, unary, end: 2 bits of magnitude 1, 3 of magnitude 2."""
    assert golomb_rice("90 3 1 0 0 0 0 0 0") == (3 * 2 + 3) / 4


def test_claims_are_judged_by_cells():
    claims = {claim.where: claim.verdict for claim in udc_number_format.claims()}
    assert claims["Fig. 3"].kind == "cannot be tested here"
    cells = udc_number_format.read()[0]["cell"].nunique()
    for where in ("Fig. 5c", "section 6.2", "Table 4"):
        assert claims[where].n == cells
