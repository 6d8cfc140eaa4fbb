"""A device in a folder of one's own has its columns in the table that every command takes."""

import numpy as np
import pytest

from benchsuite import plugins
from benchsuite.assembly import own_devices, whole
from benchsuite.devices._footprint import columns
from benchsuite.devices._latency.latency import all_latencies
from benchsuite.space.network import SKELETONS
from benchsuite.table.columns import Column
from benchsuite.table.table import Table, Values

MCU = SKELETONS["mcu"]["cifar10"]

TEXT = '''"""A part that nobody sells."""

from benchsuite.api import Device, Power

DEVICE = Device(
    core="{core}",
    clock=123e6,
    sram=None,
    flash=None,
    runtimes=("tflm_cmsis_nn",),
    source="a test",
    power=Power(0.05, 0.1, "a test"),
)
'''


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "devices").mkdir()
    (tmp_path / "devices" / "mine.py").write_text(TEXT.format(core="cortex-m7"))
    return tmp_path


def test_latency_and_energy_of_every_network_are_there(folder):
    joined = {"devices": {"extrapolation": {"shares": [1], "operators": [2]}, "fits": [3]}}
    before = Table.empty({"joined": joined})
    table = own_devices.join(before, [folder])
    networks = [(d, label) for label, of in SKELETONS.items() for d in of]
    assert set(table.columns) == {
        f"{what}.mine.tflm_cmsis_nn.{dataset}.{label}"
        for what in ("latency", "energy")
        for dataset, label in networks
    }
    device = plugins.load("devices", "mine", [folder])
    seconds = all_latencies(SKELETONS["mcu"]["cifar10"], device, "tflm_cmsis_nn")
    held = table.values("latency.mine.tflm_cmsis_nn.cifar10.mcu")
    np.testing.assert_allclose(held, np.where(seconds > 0, seconds, np.nan))
    energy = table.values("energy.mine.tflm_cmsis_nn.cifar10.mcu")
    np.testing.assert_allclose(energy, held * 0.05)
    about = table.provenance["joined"]["devices"]
    assert about["fits"] == [3], "nothing fits a part whose memories nobody knows"
    assert about["extrapolation"]["shares"][0] == 1
    assert {row["device"] for row in about["extrapolation"]["shares"][1:]} == {"mine"}
    assert table.provenance["own_devices"] == {"mine": "a test"}
    assert before.provenance["joined"] is joined, "the table before is as it was"


def test_what_fits_is_said_by_the_ram_of_the_table(folder, monkeypatch):
    """Made-up RAM, of which every second cell's is too much; nothing is computed anew."""
    text = (folder / "devices" / "mine.py").read_text()
    known = text.replace("sram=None", "sram=90_000").replace("flash=None", "flash=700_000")
    (folder / "devices" / "known.py").write_text(known)
    name = "ram.tflm.cifar10.mcu"
    column = Column(name, "made up", "bytes", "min", "a test", "2", "device", dataset="cifar10")
    size = np.where(np.arange(15_625) % 2, 100_000, 80_000)
    ram_by = own_devices._ram_in(Table.empty().with_columns([Values(column, size)]))
    monkeypatch.setattr(own_devices, "all_ram", lambda convention, skeleton: convention)
    assert ram_by("ram.best", MCU) == "ram.best"
    device = plugins.load("devices", "known", [folder])
    made = columns.of_runtime("known", device, "tflm_cmsis_nn", "cifar10", "mcu", ram_by)
    held = {one.column.name: one.values for one in made}["fits.known.tflm_cmsis_nn.cifar10.mcu"]
    assert not held[1::2].any()
    assert held[::2].all()


def test_a_folder_without_devices_changes_nothing(tmp_path):
    table = Table.empty()
    (tmp_path / "proxies").mkdir()
    assert own_devices.join(table, [tmp_path]) is table
    assert own_devices.join(table, []) is table


def test_a_device_that_cannot_be_used_is_left_out_and_said(folder):
    (folder / "devices" / "bad.py").write_text(TEXT.format(core="z80"))
    with pytest.warns(UserWarning, match="bad is left out of the devices"):
        table = own_devices.join(Table.empty(), [folder])
    assert not any(".bad." in name for name in table.columns)
    assert any(".mine." in name for name in table.columns)


def test_what_is_kept_of_a_table_knows_the_devices(folder):
    plugged = {path.name for path in whole._plugged([folder])}
    assert {"devices", "proxies"} <= plugged
