"""Statistics of what searches answer: intervals hold nothing that cannot be."""

import numpy as np
import pandas as pd
import pytest

from benchsuite.replays.judgement import describe, summarise


@pytest.mark.parametrize("regret", [(0.0, 0.0, 3.0), (0.5, 0.6, 4.0, 0.5, 0.4), (1.0, 1.1, 1.2)])
def test_no_interval_of_the_regret_begins_below_zero(regret):
    rows = pd.DataFrame({"feasible": True, "regret": regret, "test.cifar10": 94 - np.array(regret)})
    found = summarise(rows)
    plain = describe(regret)
    for end in ("lo", "iqm_lo"):
        np.testing.assert_equal(found["regret"][end], np.maximum(plain[end], 0.0))
    for name in ("mean", "std", "iqm", "hi", "iqm_hi"):
        np.testing.assert_equal(found["regret"][name], plain[name])


def test_a_skewed_regret_would_have_begun_below_zero():
    assert describe([0.5, 0.6, 4.0, 0.5, 0.4])["lo"] < 0


def test_too_few_seeds_have_no_interval_still():
    found = summarise(pd.DataFrame({"feasible": True, "regret": [1.0]}))
    assert np.isnan(found["regret"]["lo"])
