"""`--scores px32`: the scores of another setting that ships, named and not by a path."""

import json
import shutil

import numpy as np
import pytest

import benchsuite as bs
from benchsuite import cli
from benchsuite.assembly import own_scores, shipped, whole
from benchsuite.errors import UserError
from benchsuite.table.table import Table

FEW = ["--proxy", "naswot,grasp", "--dataset", "cifar10", "--resamples", "200"]


def correlate(capsys, *args):
    cli.main(["correlate", *FEW, *args])
    return capsys.readouterr()


@pytest.mark.parametrize("setting", shipped.variant_files())
def test_a_setting_stands_for_its_scores(only_what_ships, setting):
    its = Table.open(shipped.variant_files()[setting])
    table = bs.load(scores=setting)
    for name, column in its.columns.items():
        np.testing.assert_array_equal(table.values(name), its.values(name), name)
        assert table.columns[name] == column
    about = table.provenance["own_scores"]
    assert (about["path"], about["setting"]) == (setting, setting)
    assert not set(about["stay"]) & set(its.provenance["settings"]["proxies"])
    for proxy in about["stay"]:
        name = next(
            c for c in table.columns if c.startswith(f"{proxy}@") or c.startswith(f"{proxy}.")
        )
        np.testing.assert_array_equal(table.values(name), bs.load().values(name))


def test_it_is_said_which_they_are_what_differs_and_what_stays(only_what_ships, capsys):
    told = correlate(capsys, "--scores", "px32")
    assert "Shipped scores of px32: " in told.err
    assert "naswot" in told.out
    assert "resolution 16 where these have 32" in told.err
    assert "In the table's setting stay: " in told.err
    assert "grasp" in told.err.partition("stay: ")[2]
    assert " Shipped scores: px32 (" in " ".join(told.out.split())
    assert str(shipped.FOLDER) not in told.out + told.err


def test_what_is_said_of_some_proxies_names_them(only_what_ships, capsys):
    """Double precision was told as of all, and of what is made of both settings nothing."""
    said = " ".join(correlate(capsys, "--scores", "px32").err.split())
    assert "dtype float64 where these have float32 (epe_nas, zico)." in said
    assert "Of scores in both settings are made: wrcor_vote." in said
    table = bs.load(scores="gaussian")
    made = table.provenance["own_scores"]["mixed"]
    assert made == ["vkdnw_agg", "wrcor_vote"], "jacob_cov is of noise, vkdnw and wrcor are not"
    assert "mixed" not in bs.load().provenance.get("own_scores", {})


def test_results_name_the_setting_and_are_those_of_its_file(only_what_ships, capsys):
    named = json.loads(correlate(capsys, "--scores", "px32", "--json").out)
    path = shipped.variant_files()["px32"]
    by_path = json.loads(correlate(capsys, "--scores", str(path), "--json").out)
    assert named["rows"] == by_path["rows"]
    assert named["rows"] != json.loads(correlate(capsys, "--json").out)["rows"]
    assert named["provenance"]["own_scores"]["path"] == "px32"
    assert by_path["provenance"]["own_scores"]["path"] == str(path)
    assert "setting" not in by_path["provenance"]["own_scores"]


def test_a_file_of_that_name_is_the_file(only_what_ships, capsys):
    (only_what_ships / "px32").write_text("index,naswot\n1,2\n2,3\n3,1\n")
    assert "Own scores of px32: own.naswot@1: 3 cells" in correlate(capsys, "--scores", "px32").err
    shipped_ones = own_scores.found("gaussian")
    assert shipped_ones.setting == "gaussian"
    shutil.copy(shipped.variant_files()["gaussian"], only_what_ships / "gaussian")
    ones_own = own_scores.found("gaussian")
    assert (ones_own.setting, ones_own.called) == ("", "gaussian")
    assert whole._key(whole.places(), ones_own, ()) != whole._key(whole.places(), shipped_ones, ())
    assert "Own scores of gaussian: " in correlate(capsys, "--scores", "gaussian").err


def test_another_name_says_which_there_are(only_what_ships):
    with pytest.raises(UserError, match=r"ships \(gaussian, .*px32, .*\)"):
        bs.load(scores="px64")
