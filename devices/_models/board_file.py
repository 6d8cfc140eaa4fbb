"""The file of a calibrated device: a plug-in that `--plugins` takes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from benchsuite import plugins
from benchsuite.api import Calibration, Device
from benchsuite.bounds import SETTINGS, read_bytes
from benchsuite.devices._models.calibration import Calibrated
from benchsuite.errors import UserError
from benchsuite.files import write_text

_WRITTEN = "Written by `benchsuite devices calibrate`"


def check(out: Path) -> None:
    """Raise UserError if no plug-in can lie there, or another's file does."""
    if out.absolute().parent.name != "devices":
        raise UserError(
            f"{out}: a device is found in a folder named devices, as in mine/devices/{out.name}, "
            "which `--plugins mine` then takes."
        )
    if out.stem.startswith("_") or not out.stem.isidentifier():
        raise UserError(
            f"{out}: the name of a device is letters, digits and _, and does not begin with _."
        )
    if out.stem in plugins.find("devices"):
        raise UserError(f"There is a device {out.stem} already; choose another name.")
    if out.exists() and _WRITTEN.encode() not in read_bytes(out, SETTINGS):
        raise UserError(f"{out} is not a file that this command wrote; it is left as it is.")


def write(out: Path, device: Device, found: Calibrated) -> None:
    """Write the device with its calibration, of the one runtime. Raises UserError as `check`."""
    check(out)
    write_text(out, text(out, device, found))


def text(out: Path, device: Device, found: Calibrated) -> str:
    """Return what the file holds."""
    has_table = found.runtime in device.tables
    of = found.calibration
    error = "" if of.error is None else f", {of.error:.1%} off when left out"
    about = f"{found.device} under {found.runtime}, calibrated to {of.networks} networks{error}."
    table = ""
    if has_table:
        relative = os.path.relpath(device.tables[found.runtime], out.absolute().parent)
        table = f"Path(__file__).parent / {Path(relative).as_posix()!r}"
    fields = {
        "core": repr(device.core),
        "clock": repr(device.clock),
        "sram": repr(device.sram),
        "flash": repr(device.flash),
        "runtimes": repr((found.runtime,)),
        "source": repr(device.source),
        "memory_factor": repr(device.memory_factor),
        "memory_factor_source": repr(device.memory_factor_source),
        **({"tables": f"{{{found.runtime!r}: {table}}}"} if has_table else {}),
        "calibrations": f"{{{found.runtime!r}: {_calibration(of)}}}",
    }
    names = "Calibration, Device"
    path = "from pathlib import Path\n\n" if has_table else ""
    return (
        f'"""{about}\n\n{_WRITTEN}; power of the board is not known: add `power=Power(...)`.\n'
        f'"""\n\n{path}from benchsuite.api import {names}\n\nDEVICE = {_call("Device", fields)}\n'
    )


def _calibration(of: Calibration) -> str:
    kinds = ", ".join(f"{kind!r}: {value!r}" for kind, value in of.kinds.items())
    fields = {
        "factor": repr(of.factor),
        "kinds": f"{{{kinds}}}",
        "networks": repr(of.networks),
        "error": repr(of.error),
        "within": repr(of.within),
        "source": repr(of.source),
    }
    return _call("Calibration", fields).replace("\n", "\n    ")


def _call(name: str, fields: Mapping[str, str]) -> str:
    lines = "".join(f"    {key}={value},\n" for key, value in fields.items())
    return f"{name}(\n{lines})"
