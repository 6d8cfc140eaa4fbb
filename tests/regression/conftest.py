"""Fixtures of the tests of the guard."""

import pytest
from made_up_baselines import replayed


@pytest.fixture(scope="session")
def searched():
    """Baselines of one search each on the made-up table, by strategy and queries."""
    return {name: replayed(*name) for name in (("rea", 60), ("rea", 12), ("random", 60))}
