"""Quantised and pruned weights, and the script that trains networks with them."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchsuite.deployment.response import read as read_table
from benchsuite.errors import UserError

torch = pytest.importorskip("torch")
script = pytest.importorskip("benchsuite.proxies._compression.experiment")
from benchsuite.proxies._compression import number_format  # noqa: E402
from benchsuite.proxies._compression.quantise import Compression, quantise  # noqa: E402
from benchsuite.proxies._scoring.images import Images  # noqa: E402
from benchsuite.space.cell import Cell  # noqa: E402

TINY = script.Conditions(
    cells=script.CELLS[-1:],
    seeds=1,
    resolution=8,
    batch=4,
    dense_steps=1,
    steps=3,
    held_out=10,
    remask=1,
)


@given(st.integers(2, 8), st.floats(0.01, 10), st.integers(0, 99))
def test_quantised_weights_are_whole_steps_within_the_range(bits, reach, seed):
    weight = torch.randn(50, generator=torch.Generator().manual_seed(seed))
    found = quantise(weight, bits, reach)
    step = reach / (2 ** (bits - 1) - 1)
    assert len(found.unique()) <= 2**bits - 1
    torch.testing.assert_close(found / step, (found / step).round(), atol=1e-4, rtol=0)
    assert (found.abs() <= reach * 1.0001).all()
    inside = weight.abs() <= reach
    assert ((found - weight).abs()[inside] <= step / 2 * 1.001).all()
    assert set(quantise(weight, 1, reach).tolist()) == {-1.0, 1.0}


@given(st.sampled_from([1, 4, 8, 32]), st.floats(0.02, 1), st.integers(0, 99))
def test_a_mask_keeps_the_largest_and_gradients_pass_straight_through(bits, density, seed):
    weight = torch.randn(4, 5, 3, 3, generator=torch.Generator().manual_seed(seed))
    compression = Compression(weight, bits, 1.0)
    compression.update(weight, density)
    stored = compression.stored(weight)
    kept = round(density * weight.numel())
    assert int(compression.keeps.sum()) == kept
    if kept < weight.numel():
        assert weight.abs()[compression.keeps].min() >= weight.abs()[~compression.keeps].max()
    assert (stored[~compression.keeps] == 0).all()
    if bits == 32:
        torch.testing.assert_close(stored, weight * compression.keeps)
    leaf = weight.clone().requires_grad_()
    compression(leaf).sum().backward()
    torch.testing.assert_close(leaf.grad, torch.ones_like(weight))
    torch.testing.assert_close(compression(weight), stored)


def test_the_density_falls_from_one_to_the_target_and_stays():
    falling = [script.density_at(step, 100, 0.1) for step in range(100)]
    assert falling[:11] == [1.0] * 11
    assert np.all(np.diff(falling) <= 0)
    assert falling[60:] == [0.1] * 40


def test_bits_that_are_not_known_are_a_sentence():
    with pytest.raises(UserError, match="not 5"):
        Compression(torch.ones(1, 1), 5, 1.0)


def images(count=60):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return Images("made up", pixels, np.arange(count) % 10)


def test_a_run_that_was_stopped_goes_on_and_only_a_whole_one_ships(tmp_path, monkeypatch):
    out, target = tmp_path / "out", tmp_path / "compression.csv"
    monkeypatch.setattr(script, "WIDTHS", (1.0, 0.125))
    monkeypatch.setattr(script, "variants", lambda *_: (script.Variant(32, 1.0),))
    script.measure(out, images(), dataclasses.replace(TINY))
    rows = (out / "rows.csv").read_text()
    monkeypatch.undo()
    monkeypatch.setattr(script, "WIDTHS", (1.0, 0.125))
    with pytest.raises(UserError, match="of 19 networks"):
        script.ship(out, target, TINY)
    assert not target.exists()
    script.measure(out, images(), TINY)
    assert (out / "rows.csv").read_text().startswith(rows)
    script.ship(out, target, TINY)
    assert len(read_table(target)) == 19
    about = json.loads(target.with_suffix(".json").read_text())
    assert about["images"] == "made up"
    again = target.read_text()
    script.measure(out, images(), TINY)
    script.ship(out, target, TINY)
    assert target.read_text() == again


def test_the_same_key_trains_the_same_network():
    data = script.prepare(images(), TINY)
    one, two = (script.dense(TINY.cells[0], 0, 0.125, data, TINY) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert 0 <= script.accuracy(one, data) <= 100
    assert script.network(TINY.cells[0], 0.5, TINY).layers
    assert Cell.from_arch(TINY.cells[0]).index == 7424


@pytest.mark.parametrize(
    ("made", "hint"),
    [
        (lambda: script.prepare(Images("uniform"), TINY), "images with labels"),
        (lambda: script.prepare(images(15), TINY), "20 are needed"),
    ],
)
def test_images_that_do_not_do_are_a_sentence(made, hint):
    with pytest.raises(UserError, match=hint):
        made()


def test_rows_of_other_conditions_are_refused(tmp_path):
    (tmp_path / "conditions.json").write_text("{}")
    with pytest.raises(UserError, match="other conditions"):
        script.measure(tmp_path, images(), TINY)


def test_a_plain_format_loses_the_levels_within_the_threshold():
    """Q keeps what Q^ keeps, on its own levels: those next to zero are empty, Q^ has none there."""
    weight = torch.randn(16, 16, 3, 3, generator=torch.Generator().manual_seed(1))
    counts = {}
    for shifted in (False, True):
        compression = Compression(weight, 4, 1.0, shifted=shifted)
        compression.update(weight, 0.2)
        counts[shifted] = number_format.levels(weight, compression)
        assert counts[shifted].sum() == weight.numel()
        assert len(compression.stored(weight).abs().unique()) == (counts[shifted] > 0).sum()
    zeros = weight.numel() - round(0.2 * weight.numel())
    assert counts[True][0] == zeros
    assert (counts[True] > 0).all()
    assert counts[False][0] == zeros
    assert (counts[False][1:3] == 0).all()
    assert counts[False][-1] == 0, "Q has one magnitude less"


def test_the_number_format_goes_on_where_it_stopped_and_ships(tmp_path):
    pytest.importorskip("ethosu")
    few = dataclasses.replace(TINY, cells=script.CELLS[:1])
    target = tmp_path / "number_format.csv"
    number_format.measure(tmp_path, images(), few, 1, 0)
    rows = target.read_text()
    with pytest.raises(UserError, match="2 of 4 networks"):
        number_format.ship(tmp_path, tmp_path / "shipped.csv", few, 1, 1)
    number_format.measure(tmp_path, images(), few, 1, 1)
    assert target.read_text().startswith(rows)
    number_format.ship(tmp_path, tmp_path / "shipped.csv", few, 1, 1)
    assert (tmp_path / "shipped.csv").read_text() == target.read_text()
    about = json.loads((tmp_path / "shipped.json").read_text())
    assert about["histograms"].keys() == {"Q", "Q^"}
    for row in number_format.read(target):
        assert row.growth > 0
        assert len(row.levels.split()) == 9
        assert 0 < row.encoded < sum(map(int, row.levels.split()))
