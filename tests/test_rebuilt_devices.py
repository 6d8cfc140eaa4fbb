"""What ships of the devices is what the code computes: a skeleton's columns, and the footer."""

import json

import numpy as np
import pytest

from benchsuite.assemble import assemble
from benchsuite.device_columns import find, parse
from devices import _columns, _monas_deployment
from devices._validate import check


@pytest.fixture(scope="module")
def table():
    return assemble()


def test_every_column_of_a_network(table):
    network = ("imagenet16-120", "mcu")
    names = []
    for item in _columns.columns(networks=[network]):
        name = item.column.name
        names.append(name)
        np.testing.assert_array_equal(item.values, table.values(name), err_msg=name)
        assert item.column == table.columns[name]
    parsed = [parts for parts in map(parse, table.columns) if parts]
    assert set(names) == {p.name for p in parsed if (p.dataset, p.skeleton) == network}
    assert {(p.dataset, p.skeleton) for p in parsed} == set(_columns.NETWORKS)


def test_the_footer_says_what_is_extrapolated_and_what_fits(table):
    shipped = table.provenance["joined"]["devices"]
    again = {"extrapolation": _columns.extrapolations(), "validation": check().to_json()}
    for key, found in json.loads(json.dumps(again)).items():
        for part, rows in found.items():
            assert len(rows) == len(shipped[key][part])
            for ours, theirs in zip(rows, shipped[key][part], strict=False):
                assert ours == (pytest.approx(theirs, rel=1e-6) if part == "rows" else theirs)
    fits = {parts.name: parts for parts in find(table.columns, "fits")}
    assert len(shipped["fits"]) == len(fits)
    for row in shipped["fits"]:
        name = ".".join(["fits", *(row[k] for k in ("device", "runtime", "dataset", "skeleton"))])
        assert (table.values(name) == 1).sum() == row["cells"]


def test_deployments_that_the_printed_latencies_allow(table):
    """The search over deployments, run again, finds what the table's footer says."""
    shipped = table.provenance["joined"]["devices"]["monas_deployment"]
    again = json.loads(json.dumps(_monas_deployment.analysis()))
    assert again.keys() == shipped.keys()
    assert again["deployments"] == shipped["deployments"]
    assert again["tolerance"] == shipped["tolerance"]
    for part in ("nearest", "rows"):
        assert len(again[part]) == len(shipped[part])
        for ours, theirs in zip(again[part], shipped[part], strict=True):
            assert ours.keys() == theirs.keys()
            for key, value in theirs.items():
                same = pytest.approx(value, rel=1e-9) if isinstance(value, float) else value
                assert ours[key] == same, key
