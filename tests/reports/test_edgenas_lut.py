"""EdgeNAS' validation beside ours: every error is of networks whose family the fit had not seen."""

import numpy as np
import pandas as pd
import pytest

from benchsuite.reports import edgenas_lut


def test_all_errors_are_of_families_that_were_left_out(shipped_table):
    rows = edgenas_lut.REPORT.make(shipped_table).tables["edgenas_lut"]
    about = shipped_table.provenance["joined"]["devices"]["validation"]
    points = pd.DataFrame(about["points"]).astype({"family_out": float})
    seen = 0
    for row in rows[rows["board"] != "-"].to_dict("records"):
        of = points[(points["board"] == row["board"]) & (points["runtime"] == row["runtime"])]
        off = (of["family_out"] - of["measured"]).abs().dropna()
        relative = 100 * (off / of["measured"]).dropna().mean()
        assert row["MAE [ms]"] == pytest.approx(1e3 * off.mean(), nan_ok=True)
        assert row["MAPE [%]"] == pytest.approx(relative, nan_ok=True)
        seen += bool(np.isfinite(row["MAE [ms]"]))
    assert seen > 5
