"""Flash: closed forms, layer by layer, published facts, and a real arithmetic coder."""

import math

import numpy as np
import pytest
from arithmetic_coder import decode, encode
from hypothesis import given, settings
from hypothesis import strategies as st

from benchsuite.deployment.flash import (
    all_entropy,
    all_total,
    all_udc,
    all_weights,
    constants,
    mask_entropy,
)
from benchsuite.errors import UserError
from benchsuite.space.cell import CONV1, CONV3, Cell, all_ops, prune
from benchsuite.space.deploy import deploy
from benchsuite.space.equivalence import classes
from benchsuite.space.network import OFFICIAL, Skeleton

CIFAR = OFFICIAL["cifar10"]
TINY = Skeleton(channels=4, cells_per_stage=1, resolution=8)
CONNECTED = classes("connected").astype(bool)
MIB = 1 << 20


def test_weights_layer_by_layer():
    for skeleton in (CIFAR, Skeleton(3, 2, 8, 7)):
        for index in np.random.default_rng(0).integers(15_625, size=40).tolist():
            found = constants(deploy(Cell.from_index(index), skeleton))
            assert all_weights(skeleton)[index] == found.weights + 8 * found.channels


@given(st.integers(1, 40), st.integers(1, 6), st.integers(1, 200))
@settings(max_examples=25, deadline=None)
def test_weights_closed_form(channels, cells, classes_):
    """A stage has N (1 + 4 + 16) C^2 weights per 1x1 convolution of the cell, nine times per 3x3.

    Base: 27 C of the stem; 9 (2 + 4 + 8 + 16) C^2 and (2 + 8) C^2 of the residual blocks; 4 C of
    the affine layer; 4 C classes. Channels: C + 3 (2 + 4) C + 4 C + classes, and 7 N C per
    convolution; eight bytes each.
    """
    skeleton = Skeleton(channels, cells, 4, classes_)
    alive = prune(all_ops())
    ones, threes = (alive == CONV1).sum(axis=1), (alive == CONV3).sum(axis=1)
    square = channels**2
    weights = 27 * channels + (9 * 30 + 10) * square + 4 * channels * (1 + classes_)
    weights = weights + cells * 21 * square * (ones + 9 * threes)
    outputs = (1 + 18 + 4) * channels + classes_ + 7 * cells * channels * (ones + threes)
    expected = np.where(CONNECTED, weights + 8 * outputs, classes_)
    np.testing.assert_array_equal(all_weights(skeleton), expected)


def test_all_convolutions_3x3_do_not_fit_a_mebibyte():
    """1.54 MB with biases: more than the flash of the STM32F746 before any code."""
    heaviest = Cell((CONV3,) * 6)
    found = constants(deploy(heaviest, CIFAR))
    assert round((found.weights + 4 * found.channels) / 1e6, 2) == 1.54
    assert all_weights(CIFAR)[heaviest.index] == all_weights(CIFAR).max() > MIB
    assert all_total(CIFAR, 100_000)[heaviest.index] > MIB


def test_total_adds_the_code():
    np.testing.assert_array_equal(all_total(CIFAR, 0), all_weights(CIFAR))
    np.testing.assert_array_equal(all_total(CIFAR, 37_000) - all_weights(CIFAR), 37_000)


def test_a_constant_stores_its_logits():
    for size in (all_weights(TINY), all_udc(TINY, 4, 0.5), all_entropy(TINY, 4, 0.5)):
        assert (size[~CONNECTED] == TINY.classes).all()
        assert (size[CONNECTED] > TINY.classes).all()


def test_udc_is_the_papers_formula():
    for bits, sparsity in ((8, 0.1), (4, 0.5), (1, 0.99)):
        entropy = -sparsity * math.log2(sparsity) - (1 - sparsity) * math.log2(1 - sparsity)
        for index in np.flatnonzero(CONNECTED)[::3000].tolist():
            found = constants(deploy(Cell.from_index(index), CIFAR))
            bound = math.ceil((bits + entropy) * found.weights / 8) + 8 * found.channels
            assert all_udc(CIFAR, bits, sparsity)[index] == bound


@pytest.mark.parametrize("bound", [all_udc, all_entropy])
def test_uncompressed_is_no_compression(bound):
    np.testing.assert_array_equal(bound(CIFAR, 8, 0), all_weights(CIFAR))


@given(st.integers(1, 7), st.floats(0, 1))
def test_bounds_are_ordered(bits, sparsity):
    assert 0 <= mask_entropy(sparsity) <= 1
    assert math.isclose(mask_entropy(sparsity), mask_entropy(1 - sparsity), abs_tol=1e-9)
    assert (all_entropy(TINY, bits, sparsity) <= all_udc(TINY, bits, sparsity)).all()
    for bound in (all_udc, all_entropy):
        assert (bound(TINY, bits, sparsity) <= bound(TINY, bits + 1, sparsity)).all()


def test_smaller_skeletons_need_less():
    base = all_weights(Skeleton(8, 2, 16, 10))
    for more in (Skeleton(9, 2, 16, 10), Skeleton(8, 2, 16, 11)):
        assert (all_weights(more) >= base).all()
    assert (all_weights(Skeleton(8, 3, 16, 10)) >= base).all()
    np.testing.assert_array_equal(all_weights(Skeleton(8, 2, 32, 10)), base)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=200))
def test_the_coder_decodes(symbols):
    counts = np.bincount(symbols, minlength=5).tolist()
    assert decode(encode(symbols, counts), counts, len(symbols)) == symbols


def sparse_weights(count, bits, sparsity, seed=0):
    """Symbols 0 (a zero) and 1 ... 2^b, evenly spread, of weights with exactly that sparsity."""
    rng = np.random.default_rng(seed)
    values = rng.integers(1, 2**bits + 1, count)
    values[rng.permutation(count)[: round(sparsity * count)]] = 0
    return values.tolist()


@pytest.mark.parametrize(("bits", "sparsity"), [(1, 0.5), (2, 0.9), (4, 0.3), (4, 0.8), (8, 0.95)])
def test_an_arithmetic_coder_reaches_the_entropy(bits, sparsity):
    """All weights of a deployed cell: never below the entropy's bits, at most 1 % above."""
    cell = Cell((CONV3, 0, CONV1, 0, 0, CONV3))
    found = constants(deploy(cell, TINY))
    stored = 8 * found.channels
    symbols = sparse_weights(found.weights, bits, sparsity)
    counts = [symbols.count(s) for s in range(2**bits + 1)]
    mask = [int(s > 0) for s in symbols]
    coded = len(encode(mask, [counts[0], len(mask) - counts[0]])) + bits * sum(mask)
    bound = 8 * (int(all_entropy(TINY, bits, sparsity)[cell.index]) - stored)
    rounding = 16 + bits  # to whole bytes and to whole weights
    assert bound - rounding <= coded <= bound * 1.01
    whole = len(encode(symbols, counts))
    histogram = [c / len(symbols) for c in counts if c]
    assert whole >= -len(symbols) * sum(p * math.log2(p) for p in histogram) - 1
    assert whole <= 1.01 * bound
    assert whole <= 8 * (int(all_udc(TINY, bits, sparsity)[cell.index]) - stored)


def test_a_range_coder_of_others_reaches_the_entropy_too():
    constriction = pytest.importorskip("constriction")
    for bits, sparsity in ((2, 0.9), (4, 0.5), (7, 0.8)):
        symbols = np.array(sparse_weights(200_000, bits, sparsity), np.int32)
        frequencies = np.bincount(symbols, minlength=2**bits + 1) / len(symbols)
        model = constriction.stream.model.Categorical(frequencies.astype(np.float32), perfect=False)
        coder = constriction.stream.queue.RangeEncoder()
        coder.encode(symbols, model)
        bound = (mask_entropy(sparsity) + (1 - sparsity) * bits) * len(symbols)
        assert 0.995 * bound <= coder.num_bits() <= 1.005 * bound


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: all_udc(TINY, 0, 0.5), "1 to 8 bits, not 0"),
        (lambda: all_udc(TINY, 9, 0.5), "1 to 8 bits, not 9"),
        (lambda: all_udc(TINY, True, 0.5), "1 to 8 bits, not True"),
        (lambda: all_entropy(TINY, 4.0, 0.5), "1 to 8 bits, not 4.0"),
        (lambda: all_entropy(TINY, 4, 1.5), "Sparsity is the fraction"),
        (lambda: all_udc(TINY, 4, -0.1), "Sparsity is the fraction"),
        (lambda: all_udc(TINY, 4, math.nan), "Sparsity is the fraction"),
        (lambda: all_total(TINY, -1), "cannot have -1 bytes"),
    ],
)
def test_bad_input_is_a_sentence(call, message):
    with pytest.raises(UserError, match=message):
        call()
