"""Fixtures that many tests share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def raw() -> Path:
    """The folder of public NAS-Bench-201 files that BENCHSUITE_DATA names."""
    folder = os.environ.get("BENCHSUITE_DATA")
    if not folder:
        pytest.skip("BENCHSUITE_DATA names no folder with the public NAS-Bench-201 files")
    return Path(folder)
