"""What ships of the devices is what the code computes: a skeleton's columns, and the footer."""

import json

import numpy as np
import pytest

from benchsuite.assemble import assemble
from benchsuite.device_columns import parse
from devices import _columns, _monas_deployment


@pytest.fixture(scope="module")
def table():
    return assemble()


def test_every_column_of_a_network(table):
    network = ("imagenet16-120", "mcu")
    names = []
    for item in _columns.columns(networks=[network]):
        name = item.column.name
        names.append(name)
        np.testing.assert_allclose(item.values, table.values(name), rtol=1e-12, err_msg=name)
        assert item.column == table.columns[name]
    parsed = [parts for parts in map(parse, table.columns) if parts]
    assert set(names) == {p.name for p in parsed if (p.dataset, p.skeleton) == network}
    assert {(p.dataset, p.skeleton) for p in parsed} == set(_columns.NETWORKS)


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
