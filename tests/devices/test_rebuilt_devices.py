"""What ships of the devices is what the code computes: a skeleton's columns, and the footer."""

import json

import numpy as np
import pytest

from benchsuite.devices._footprint import columns as _columns
from benchsuite.devices._validation import monas_deployment
from benchsuite.devices._validation.boards import check
from benchsuite.numerics.ties import merged
from benchsuite.table.device_columns import find, parse


def test_every_column_of_a_network(table):
    network = ("imagenet16-120", "mcu")
    names = []
    for item in _columns.columns(networks=[network]):
        name = item.column.name
        names.append(name)
        stored = merged(np.asarray(item.values, dtype=np.float64))
        np.testing.assert_array_equal(stored, table.values(name), err_msg=name)
        assert item.column == table.columns[name]
    parsed = [parts for parts in map(parse, table.columns) if parts]
    assert set(names) == {p.name for p in parsed if (p.dataset, p.skeleton) == network}
    assert {(p.dataset, p.skeleton) for p in parsed} == set(_columns.NETWORKS)


def assert_same(ours, theirs):
    """Assert that two lists of records agree, floats to nine digits."""
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert one.keys() == other.keys()
        for key, value in other.items():
            same = pytest.approx(value, rel=1e-9) if isinstance(value, float) else value
            assert one[key] == same, key


def test_the_footer_says_what_is_extrapolated_and_what_fits(table):
    shipped = table.provenance["joined"]["devices"]
    again = json.loads(json.dumps(_columns.extrapolations(_columns.usable_devices(()))))
    for part in ("shares", "operators"):
        assert_same(again[part], shipped["extrapolation"][part])
    assert_same(json.loads(json.dumps(check().to_json()))["rows"], shipped["validation"]["rows"])
    assert len(shipped["fits"]) == len(list(find(table.columns, "fits")))
    for row in shipped["fits"]:
        name = ".".join(["fits", *(row[k] for k in ("device", "runtime", "dataset", "skeleton"))])
        assert (table.values(name) == 1).sum() == row["cells"]


def test_deployments_that_the_printed_latencies_allow(table):
    """The search over deployments, run again, finds what the table's footer says."""
    shipped = table.provenance["joined"]["devices"]["monas_deployment"]
    again = json.loads(json.dumps(monas_deployment.analysis()))
    assert again.keys() == shipped.keys()
    assert again["deployments"] == shipped["deployments"]
    assert again["tolerance"] == shipped["tolerance"]
    for part in ("nearest", "rows"):
        assert_same(again[part], shipped[part])
