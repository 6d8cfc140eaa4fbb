"""Compiling the kernels for a core, with whichever cross-compiler is installed.

Zig (PyPI `ziglang`) comes first: it serves every core and is the same program on every machine, so
a table can be made again bit by bit. `arm-none-eabi-gcc` serves the Cortex-M cores.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchsuite.devices._emulation.cores import Core
from benchsuite.errors import UserError, did_you_mean
from benchsuite.files import shipped

KERNELS = shipped("_kernels", "benchsuite.devices")
COMPILERS = ("zig", "gcc")
_FLAGS = (
    "-O3",
    "-ffreestanding",
    "-fno-builtin",
    "-nostdlib",
    "-static",
    "-g0",
    "-Wall",
    "-Werror",
)
_INSTALL = (
    "Install the extra `mcu` (`pip install benchsuite[mcu]`, which brings ziglang) or the package "
    "gcc-arm-none-eabi of your distribution."
)


@dataclass(frozen=True)
class Build:
    """Compiled kernels and the conditions they were compiled under."""

    elf: bytes
    compiler: str
    flags: str
    kernels: str


def available() -> tuple[str, ...]:
    """Return which of `COMPILERS` are installed here."""
    found = {
        "zig": importlib.util.find_spec("ziglang") is not None,
        "gcc": shutil.which("arm-none-eabi-gcc") is not None,
    }
    return tuple(name for name in COMPILERS if found[name])


def kernel_hash() -> str:
    """Return the first 12 digits of the SHA-256 of the kernels' sources."""
    digest = hashlib.sha256()
    for path in sorted(KERNELS.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def version(compiler: str) -> str:
    """Return name and version of one of `COMPILERS`, as the tables record it."""
    command = [*_command(compiler), "version" if compiler == "zig" else "-dumpfullversion"]
    return f"{compiler} {_run(command).strip()}"


@functools.cache
def build(core: Core, compiler: str = "") -> Build:
    """Compile the kernels for a core.

    compiler: one of `COMPILERS`, or empty for the first that is installed and serves the core.
    Raises UserError if there is none.
    """
    name = _choose(core, compiler)
    target = core.zig if name == "zig" else core.gcc
    front = [*_command(name), *(["cc"] if name == "zig" else [])]
    sources = sorted(KERNELS.glob("*.c"))
    with tempfile.TemporaryDirectory() as folder:
        elf = Path(folder) / "kernels.elf"
        script = str(KERNELS / "kernels.ld")
        _run([*front, *target, *_FLAGS, "-T", script, *map(str, sources), "-o", str(elf)])
        binary = elf.read_bytes()
    return Build(binary, version(name), " ".join([*target, *_FLAGS]), kernel_hash())


def _choose(core: Core, compiler: str) -> str:
    if compiler and compiler not in COMPILERS:
        raise UserError(
            f"There is no compiler {compiler!r}; there are {', '.join(COMPILERS)}."
            + did_you_mean(compiler, COMPILERS)
        )
    serving = [name for name in COMPILERS if (core.zig if name == "zig" else core.gcc)]
    if compiler and compiler not in serving:
        raise UserError(f"{compiler} does not compile for {core.name}; {serving[0]} does.")
    usable = [name for name in available() if name in ([compiler] if compiler else serving)]
    if not usable:
        wanted = compiler or " or ".join(serving)
        raise UserError(f"There is no cross-compiler ({wanted}) for {core.name} here. {_INSTALL}")
    return usable[0]


def _command(compiler: str) -> list[str]:
    return [sys.executable, "-m", "ziglang"] if compiler == "zig" else ["arm-none-eabi-gcc"]


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"{command[0]} failed:\n{done.stderr.strip()}")
    return done.stdout
