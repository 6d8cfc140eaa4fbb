"""The compression response and its shipped table; sizes of compressed networks."""

import csv
import dataclasses
import hashlib
import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchsuite.deployment import response as compression
from benchsuite.deployment.compressed import (
    BITS,
    DENSITIES,
    WIDTHS,
    Compressed,
    all_bytes,
    live_counts,
    live_expectations,
    n_bytes,
)
from benchsuite.deployment.flash import all_weights, constants
from benchsuite.deployment.response import FILE, apply, fit, points, read, response, without_each
from benchsuite.errors import UserError
from benchsuite.space.cell import Cell
from benchsuite.space.deploy import deploy
from benchsuite.space.multilinear import expectations, tensor
from benchsuite.space.network import Skeleton

CIFAR, MCU = Skeleton(), Skeleton(cells_per_stage=1)
FORMS = st.builds(
    Compressed,
    bits=st.tuples(*[st.sampled_from(BITS)] * 3),
    densities=st.tuples(*[st.sampled_from(DENSITIES)] * 3),
    widths=st.tuples(*[st.sampled_from(WIDTHS)] * 3),
)


def test_the_shipped_table_is_the_one_its_conditions_describe():
    about = json.loads(FILE.with_suffix(".json").read_text())
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() == about["sha256"]
    networks = read(FILE)
    assert len(networks) == len({dataclasses.astuple(n)[:6] for n in networks})
    assert {Cell.from_index(n.cell).arch for n in networks} == set(about["cells"])
    assert {n.seed for n in networks} == set(range(about["seeds"]))
    readme = FILE.with_name("README.md").read_text(encoding="utf-8")
    for fact in (
        "compression.csv",
        f"{len(networks)} networks",
        about["images"].split()[-1].strip(")"),
    ):
        assert fact in readme
    assert all(f"{about[name]:,}" in readme for name in ("dense_steps", "steps", "held_out"))


def test_the_shipped_conditions_are_those_that_the_script_trains_under():
    script = pytest.importorskip("benchsuite.proxies._compression.experiment")
    about = json.loads(FILE.with_suffix(".json").read_text())
    stated = {k: v for k, v in about.items() if k not in ("images", "torch", "sha256", "check")}
    assert stated == {**dataclasses.asdict(script.Conditions()), "cells": list(script.CELLS)}
    planned = [v for *_, variants in script.plan(script.Conditions()) for v in variants]
    assert len(planned) == len(read(FILE))


def test_the_readme_states_what_was_measured():
    readme = FILE.with_name("README.md").read_text(encoding="utf-8")
    numbers = r" \| ".join(
        [r"(\d+)", *[r"([\d.]+)"] * 2, r"(\d+)", *[r"([\d.]+)"] * 2, r"(\d+) \|"]
    )
    stated = re.findall(rf"^\| {numbers}$", readme, flags=re.MULTILINE)
    found = points(read(FILE))
    assert len(stated) == len(found)
    for p, row in zip(found, stated, strict=True):
        assert (p.bits, p.density, p.width, p.stages) == (
            int(row[0]), float(row[1]), float(row[2]), row[3],
        )  # fmt: skip
        assert (f"{p.kept:.2f}", f"{p.spread:.2f}", str(p.networks)) == row[4:]


def test_the_readme_states_how_far_dense_networks_come():
    readme = " ".join(FILE.with_name("README.md").read_text(encoding="utf-8").split())
    whole = (1.0, 32, 1.0, "012")
    dense = [n.accuracy for n in read(FILE) if dataclasses.astuple(n)[2:6] == whole]
    assert f"dense networks reach {min(dense):.1f} to {max(dense):.1f} %" in readme


def test_the_response_is_monotone_and_close_to_what_was_measured():
    r = response()
    assert (np.diff(r.kept, axis=0) >= 0).all()
    assert (np.diff(r.kept, axis=1) >= 0).all()
    assert (np.diff(r.width_kept) >= 0).all()
    assert r.shares.sum() == pytest.approx(1)
    for p in points(read(FILE)):
        if p.stages == "012" and (p.width == 1 or p.bits == 32):
            assert np.exp(r.log_kept(p.bits, p.density, p.width)) == pytest.approx(p.kept, abs=0.06)


@given(FORMS, st.data())
def test_less_compression_never_loses_more(form, data):
    name, options = data.draw(
        st.sampled_from([("bits", BITS), ("densities", DENSITIES), ("widths", WIDTHS)])
    )
    stage = data.draw(st.integers(0, 2))
    values = list(getattr(form, name))
    values[stage] = data.draw(st.sampled_from([o for o in options if o >= values[stage]]))
    more = dataclasses.replace(form, **{name: tuple(values)})
    assert 0 < response().fraction(form) <= response().fraction(more) + 1e-12 <= 1 + 1e-9
    assert response("lossless").fraction(form) == 1


def test_nothing_is_lost_by_no_compression_and_chance_stays():
    dense = Compressed((32,) * 3)
    assert response().fraction(dense) == pytest.approx(1)
    np.testing.assert_allclose(apply([90, 10, 5], 0.5, 10), [50, 10, 5])
    assert response().lost(1, 0.2, 1, 90) == pytest.approx(80 * (1 - response().kept[0, 2]))


def test_the_response_without_a_cell_is_that_of_the_other_networks():
    networks = read(FILE)
    cells = list(dict.fromkeys(n.cell for n in networks))
    for cell, found in zip(cells, without_each(), strict=True):
        others = fit(points([n for n in networks if n.cell != cell]))
        np.testing.assert_array_equal(found.kept, others.kept)
        np.testing.assert_array_equal(found.shares, others.shares)
        assert not np.array_equal(found.kept, response().kept)
    assert without_each("lossless") == ()


GOOD = FILE.read_text()
LINES = GOOD.splitlines()
FIRST = LINES[1].split(",")[6]  # the accuracy of the first network


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "is no table of compressed networks"),
        (GOOD.replace("accuracy", "acc", 1), "it needs"),
        (GOOD[:-25], f"is damaged in line {len(LINES)}"),
        (GOOD.replace(FIRST, "nan", 1), "is damaged in line 2"),
        (GOOD.replace(FIRST, f"1{FIRST}", 1), "is damaged in line 2"),
        (GOOD.replace(FIRST, "", 1), "is damaged in line 2"),
        (GOOD.replace(",012,", ",013,", 1), "is damaged in line 2"),
        (GOOD.replace("1.0,32,1.0", "1.0,31,1.0", 1), "is damaged in line 2"),
        ("\n".join([LINES[0], *LINES[2:]]), "no dense network of cell 6111, seed 0"),
        ("\n".join(x for x in LINES if ",8,1.0,012" not in x), "no dense network of 8 bits"),
        ("\n".join(x for x in LINES if ",012," in x or "cell" in x), "one stage is compressed"),
    ],
)
def test_a_damaged_table_is_a_sentence(tmp_path, text, hint):
    path = tmp_path / "compression.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=hint):
        fit(points(read(path)))


def test_a_table_that_is_cut_short_at_a_line_or_missing_is_a_sentence(tmp_path):
    path = tmp_path / "compression.csv"
    with pytest.raises(UserError, match=r"cannot be read.*Install benchsuite anew"):
        read(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot be read"):
        read(path)
    path.with_suffix(".json").write_text(FILE.with_suffix(".json").read_text())
    path.write_text("\n".join(LINES[:-30]) + "\n")
    with pytest.raises(UserError, match="is not the one"):
        read(path)
    path.write_text(GOOD)
    assert read(path) == read(FILE)
    path.with_suffix(".json").write_text("{")
    with pytest.raises(UserError, match="cannot be read"):
        read(path)


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda: response().log_kept(3, 1, 1), "knows .* bits"),
        (lambda: response().log_kept(8, 0, 1), "fractions above 0"),
        (lambda: response().log_kept(8, 1, np.nan), "fractions above 0"),
        (lambda: Compressed(bits=(8, 8)), "3 bits, one per stage"),
        (lambda: Compressed(bits=(8, 8, 64)), "from 1 to 32"),
        (lambda: Compressed(densities=(1, 1, 1.5)), "3 densities"),
        (lambda: Compressed(widths=(1, 0, 1)), "3 widths"),
    ],
)
def test_mistakes_are_sentences(call, hint):
    with pytest.raises(UserError, match=hint):
        call()


def test_uncompressed_networks_take_what_flash_takes():
    for skeleton in (CIFAR, MCU):
        np.testing.assert_allclose(all_bytes(skeleton), all_weights(skeleton))
        np.testing.assert_allclose(all_bytes(skeleton, rule="printed"), all_weights(skeleton))


def test_narrow_networks_take_what_their_own_skeleton_takes():
    for width in (0.5, 0.25):
        narrow = dataclasses.replace(MCU, channels=int(16 * width))
        np.testing.assert_allclose(
            all_bytes(MCU, Compressed(widths=(width,) * 3)), all_weights(narrow)
        )


@given(st.integers(0, 15_624), st.sampled_from(BITS), st.sampled_from(DENSITIES))
def test_a_compressed_size_is_the_sum_over_its_layers(index, bits, s):
    """Counted from the deployed network: the stages' convolutions are compressed, nothing else."""
    cell = Cell.from_index(index)
    network = deploy(cell, MCU)
    inside = sum(
        layer.kernel**2 * layer.in_channels * layer.shape[0]
        for layer in network.layers
        if layer.kind == "conv" and layer.name.startswith(("stage", "reduce"))
    )
    found = constants(network)
    mask = 0 if s == 1 else -s * np.log2(s) - (1 - s) * np.log2(1 - s)
    for rule, paid in (("entropy", s * bits), ("printed", bits)):
        form = Compressed((bits,) * 3, (s,) * 3)
        whole = (paid + mask) * inside / 8 + (found.weights - inside) + 8 * found.channels
        if len(network.layers) > 1:
            assert n_bytes(cell, MCU, form, rule) == pytest.approx(whole)


def test_the_table_is_read_as_plain_csv():
    with FILE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["accuracy"]) for row in rows] == [n.accuracy for n in read(FILE)]
    assert compression.ASSUMES.keys() == {"measured", "lossless"}


@given(st.integers(0, 99))
def test_expected_live_convolutions_are_those_of_all_cells(seed):
    """Three options an edge say what five do: the sum over 15,625 cells, and its slopes."""
    probs = np.random.default_rng(seed).random((2, 6, 5))
    value, slopes = live_expectations(probs)
    whole, by_probs = expectations(np.stack([tensor(count) for count in live_counts()[:3]]), probs)
    np.testing.assert_allclose(value[:3], whole, rtol=1e-12)
    np.testing.assert_allclose(slopes[:3], by_probs, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(value[3], 1 - value[0])
    np.testing.assert_array_equal(slopes[3], -slopes[0])
