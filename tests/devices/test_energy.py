"""Energy: latency times the power of a set-up, where one was measured, and refitted alike."""

import dataclasses
import math
import os
from pathlib import Path

import numpy as np
import pytest

from benchsuite import plugins
from benchsuite.api import Power
from benchsuite.devices._energy import setups
from benchsuite.devices._energy.energy import energy
from benchsuite.devices._footprint.columns import of_runtime
from benchsuite.errors import UserError
from benchsuite.space.cell import connected
from benchsuite.table.device_columns import DeviceColumn
from benchsuite.table.table import Table

DEVICES = {name: plugins.load("devices", name) for name in plugins.find("devices")}
KNOWN = {
    "stm32l4r5": ("v1.2", "NUCLEO_L4R5ZI"),
    "stm32h7a3": ("v1.2", "NUCLEO_H7A3ZI_Q"),
    "stm32u575": ("v1.3", "NUCLEO_U575ZI_Q"),
    "stm32u385": ("v1.3", "NUCLEO_U385RG_Q"),
}


def test_set_ups_of_stated_figures_are_those_that_ship():
    made = {(s.release, s.board): s for s in setups.fit(setups.stated())}
    assert len(made) == 3
    for setup in setups.shipped():
        if (setup.release, setup.board) in made:
            again = made[setup.release, setup.board]
            assert setups.dump([again]) == setups.dump([setup])


@pytest.mark.nb201
def test_all_set_ups_again_from_the_public_results():
    path = Path(os.environ.get("BENCHSUITE_DATA", "-")).parent / "stm32" / "mlperf_energy.csv"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    again = setups.fit([*setups.read(path), *setups.stated()])
    text = (setups.TABLES / "power.csv").read_text(encoding="utf-8")
    assert setups.dump(again) == text


def test_power_is_nearly_constant_over_the_models_of_a_set_up():
    """Leaving one model out: 3.7 % over 98 runs of 25 set-ups (MLPerf Tiny v0.7 to v1.3)."""
    there = setups.shipped()
    models = np.array([setup.models for setup in there])
    errors = np.array([setup.left_out for setup in there])
    assert len(there) == 25
    assert models.sum() == 98
    assert (models @ errors) / models.sum() == pytest.approx(0.0367, abs=1e-4)
    for setup in there:
        assert setup.least <= setup.watts <= setup.most
        assert setup.spread <= 0.18


def test_leaving_one_out_by_hand():
    runs = [setups.Run("v", "me", "b", m, w, 1.0) for m, w in (("ad", 1), ("ic", 2), ("kws", 3))]
    (setup,) = setups.fit(runs)
    assert setup.left_out == pytest.approx((1.5 / 1 + 0 + 1.5 / 3) / 3)
    assert (setup.watts, setup.least, setup.most) == (2, 1, 3)
    assert not setups.fit(runs[:2]), "of two models nothing can be left out"


@pytest.mark.parametrize("name", DEVICES)
def test_a_device_has_the_power_of_a_set_up_or_none(name):
    power = DEVICES[name].power
    if name not in KNOWN:
        assert power is None
        return
    (setup,) = [s for s in setups.shipped() if (s.release, s.board) == KNOWN[name]]
    assert (power.watts, power.error) == (setup.watts, setup.left_out)


@pytest.mark.parametrize("name", DEVICES)
def test_energy_is_latency_times_power(name):
    device, runtime = DEVICES[name], DEVICES[name].runtimes[-1]
    made = {v.column.name: v for v in of_runtime(name, device, runtime, "cifar10", "mcu")}
    latency, joules = (
        DeviceColumn(what, name, runtime, "cifar10", "mcu").name for what in ("latency", "energy")
    )
    found = energy(device, runtime, 0.2, 0.03)
    if device.power is None:
        assert joules not in made
        assert math.isnan(found.joules)
        assert "no mean power" in found.why_not
        return
    np.testing.assert_allclose(
        made[joules].values, np.array(made[latency].values) * device.power.watts, rtol=1e-12
    )
    np.testing.assert_array_equal(np.isfinite(made[joules].values), connected())
    assert made[joules].column.unit == "J"
    assert found.why_not == ""
    assert found.joules == pytest.approx(0.2 * device.power.watts)
    off = math.hypot(device.power.error, 0.03)
    assert found.most / found.joules - 1 == pytest.approx(off) == 1 - found.least / found.joules


def test_energy_of_a_part_that_nobody_measured_is_a_sentence():
    device = DEVICES["stm32f746"]
    table = Table.empty().with_columns(of_runtime("stm32f746", device, "own", "cifar10", "mcu"))
    with pytest.raises(UserError, match=r"no energy of stm32f746: nobody measured"):
        table.values("energy.stm32f746.own.cifar10.mcu")


@pytest.mark.parametrize(
    ("watts", "error", "source"),
    [(41.7e3, 0.1, "s"), (0, 0.1, "s"), (0.04, 5, "s"), (0.04, -1, "s"), (0.04, 0.1, ""),
     (math.nan, 0.1, "s"), ("1", 0.1, "s"), (True, 0.1, "s")],
)  # fmt: skip
def test_powers_that_cannot_be(watts, error, source):
    with pytest.raises(UserError, match=r"power"):
        Power(watts, error, source)
    with pytest.raises(UserError, match="power of a device is a Power"):
        dataclasses.replace(DEVICES["stm32f746"], power=0.04)
