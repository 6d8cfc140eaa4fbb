"""What ships of the devices is what the code computes: a skeleton's columns, and the footer."""

import json

import numpy as np
import pytest

from benchsuite.assemble import assemble
from devices import _columns, _monas_deployment


@pytest.fixture(scope="module")
def table():
    return assemble()


def test_every_column_of_the_small_skeleton(table, monkeypatch):
    monkeypatch.setattr(_columns, "SKELETONS", {"mcu": _columns.SKELETONS["mcu"]})
    names = []
    for item in _columns.columns():
        name = item.column.name
        names.append(name)
        np.testing.assert_allclose(item.values, table.values(name), rtol=1e-12, err_msg=name)
        assert item.column == table.columns[name]
    of_devices = {n for n, c in table.columns.items() if c.kind == "device" and n.endswith(".mcu")}
    assert set(names) == of_devices


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
