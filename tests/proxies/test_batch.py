"""Batches: CIFAR folders made up here with their own sums, .npz files, noise, bad input."""

import hashlib
import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchsuite.errors import UserError
from benchsuite.proxies._scoring import images as _images
from benchsuite.proxies._scoring.batch import DEVIATION, MEAN, draw
from benchsuite.proxies._scoring.images import Images, open_images

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (64, 32, 32, 3), dtype=np.uint8)
LABELS = RNG.integers(0, 10, 64)
SMALL = Images("made up", PIXELS, LABELS.astype(np.int64))


def write_cifar(folder, monkeypatch, dataset="cifar10", **change):
    """Write the files of a data set as the official ones are laid out, and pin their sums."""
    folder.mkdir(parents=True, exist_ok=True)
    sums = {}
    for number, name in enumerate(_images.MD5[dataset]):
        part = slice(number * 8, number * 8 + 8)
        record = {
            "data": PIXELS[part].transpose(0, 3, 1, 2).reshape(8, -1),
            _images._LABELS[dataset]: LABELS[part].tolist(),
        } | change
        (folder / name).write_bytes(pickle.dumps(record, protocol=4))
        sums[name] = hashlib.md5((folder / name).read_bytes()).hexdigest()
    monkeypatch.setitem(_images.MD5, dataset, sums)


def write_npz(path, images=PIXELS, labels=LABELS, **more):
    np.savez(path, train_images=images, train_labels=labels, **more)
    return path


@pytest.mark.parametrize(("dataset", "images"), [("cifar10", 40), ("cifar100", 8)])
@pytest.mark.parametrize("below", [True, False])
def test_reads_the_official_layout(tmp_path, monkeypatch, dataset, images, below):
    folder = tmp_path / _images._FOLDERS[dataset]
    write_cifar(folder, monkeypatch, dataset)
    read = open_images(tmp_path if below else folder)
    np.testing.assert_array_equal(read.pixels, PIXELS[:images])
    np.testing.assert_array_equal(read.labels, LABELS[:images])


def test_reads_pickles_of_python_2(tmp_path):
    """The official files: numpy 1 module names, and byte strings for text and data alike."""
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x01K\x03\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"
        b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x03\x00a\xfftb"
    )
    record = _images._unpickle(b"\x80\x02}U\x04data" + array + b"s.", tmp_path)
    assert record["data"].dtype == np.uint8
    assert record["data"].tolist() == [[0, 97, 255]]


def test_reads_npz_alone_or_as_the_only_one_in_a_folder(tmp_path):
    path = write_npz(tmp_path / "some.npz", test_images=PIXELS[:3])
    for where in (path, tmp_path, str(path)):
        np.testing.assert_array_equal(open_images(where).pixels, PIXELS)
    assert "some.npz (sha256 " in open_images(path).source


def test_the_variable_names_the_images_and_nothing_means_synthetic(tmp_path, monkeypatch):
    monkeypatch.delenv(_images.VARIABLE, raising=False)
    assert open_images().source == "synthetic"
    monkeypatch.setenv(_images.VARIABLE, "gaussian")
    assert open_images().source == "gaussian"
    monkeypatch.setenv(_images.VARIABLE, str(write_npz(tmp_path / "a.npz")))
    assert open_images().source.startswith("a.npz")


def test_a_changed_or_missing_cifar_file_is_refused(tmp_path, monkeypatch):
    write_cifar(tmp_path, monkeypatch)
    whole = (tmp_path / "data_batch_3").read_bytes()
    (tmp_path / "data_batch_3").write_bytes(whole[:-5])
    with pytest.raises(UserError, match="data_batch_3 is not the official cifar10 file"):
        open_images(tmp_path)
    (tmp_path / "data_batch_3").unlink()
    with pytest.raises(UserError, match="lacks data_batch_3 of the five"):
        open_images(tmp_path)


def test_a_cifar_file_that_asks_for_code_is_refused(tmp_path, monkeypatch):
    write_cifar(tmp_path, monkeypatch, labels=print)
    with pytest.raises(UserError, match=r"asks for .*print, which no image needs"):
        open_images(tmp_path)


@pytest.mark.parametrize("change", [{"data": None}, {"data": [1, 2]}, {"labels": None}])
def test_a_cifar_file_without_images_is_refused(tmp_path, monkeypatch, change):
    write_cifar(tmp_path, monkeypatch, **change)
    with pytest.raises(UserError):
        open_images(tmp_path)


def test_bytes_that_are_no_pickle_are_refused(tmp_path):
    with pytest.raises(UserError, match="not a pickle of CIFAR"):
        _images._unpickle(b"\x80\x02}q\x00(", tmp_path)


def test_wrong_places_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"no images at .*nowhere: BENCHSUITE_IMAGES names"):
        open_images(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"no images\. Looked for are the files"):
        open_images(tmp_path)
    write_npz(tmp_path / "a.npz")
    write_npz(tmp_path / "b.npz")
    with pytest.raises(UserError, match=r"holds 2 \.npz files"):
        open_images(tmp_path)


@settings(max_examples=30, deadline=None)
@given(kept=st.floats(0, 0.999))
def test_a_truncated_npz_is_refused(tmp_path_factory, kept):
    path = write_npz(tmp_path_factory.mktemp("cut") / "a.npz", PIXELS[:2], LABELS[:2])
    raw = path.read_bytes()
    path.write_bytes(raw[: int(kept * len(raw))])
    with pytest.raises(UserError, match=r"no readable \.npz file"):
        open_images(path)


@pytest.mark.parametrize(
    ("images", "labels", "sentence"),
    [
        (PIXELS[0], LABELS, r"shape \(32, 32, 3\)"),
        (PIXELS.transpose(0, 3, 1, 2), LABELS, r"\[N, H, H, 3\] is needed"),
        (PIXELS[:, :16], LABELS, r"\[N, H, H, 3\] is needed"),
        (PIXELS, LABELS[:-1], "one label per image"),
        (PIXELS[:0], LABELS[:0], "at least one image"),
        (PIXELS / 255, LABELS, "uint8, 0 to 255"),
        (np.where(PIXELS > 0, PIXELS, np.nan), LABELS, "NaN or infinity"),
        (PIXELS, LABELS - 5, "whole numbers from 0"),
        (PIXELS, LABELS + 0.5, "whole numbers from 0"),
    ],
)
def test_wrong_arrays_are_refused(tmp_path, images, labels, sentence):
    with pytest.raises(UserError, match=sentence):
        open_images(write_npz(tmp_path / "a.npz", images, labels))


def test_an_npz_of_something_else_or_of_objects_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=PIXELS)
    with pytest.raises(UserError, match=r"lacks .*train_images"):
        open_images(tmp_path / "a.npz")
    write_npz(tmp_path / "b.npz", np.array([print, None], dtype=object))
    with pytest.raises(UserError, match=r"no readable \.npz"):
        open_images(tmp_path / "b.npz")
    np.save(tmp_path / "c.npy", PIXELS)
    for text in (b"hello", b"", (tmp_path / "c.npy").read_bytes(), b"PK\x03\x04" + bytes(99)):
        (tmp_path / "c.npz").write_bytes(text)
        with pytest.raises(UserError, match=r"no readable \.npz"):
            open_images(tmp_path / "c.npz")


@pytest.mark.parametrize("images", [SMALL, Images("synthetic"), Images("gaussian")])
def test_batches_are_reproducible_and_differ_by_seed_repeat_and_index(images):
    first = draw(images, 8, 16, 10, seed=1)
    again = draw(images, 8, 16, 10, seed=1)
    assert first.sha256 == again.sha256
    assert torch.equal(first.images, again.images)
    assert torch.equal(first.labels, again.labels)
    assert first.images.shape == (8, 3, 16, 16)
    assert first.images.dtype == torch.float32
    assert first.labels.dtype == torch.int64
    assert 0 <= first.labels.min() <= first.labels.max() < 10
    others = [{"seed": 2}, {"seed": 1, "repeat": 1}, {"seed": 1, "index": 1}]
    assert len({first.sha256, *(draw(images, 8, 16, 10, **o).sha256 for o in others)}) == 4
    assert first.description == f"{images.source}, 8x3x16x16, seed 1, repeat 0, batch 0"


def test_the_batches_of_a_repeat_share_no_image():
    batches = [draw(SMALL, 16, 32, 10, seed=0, index=index) for index in range(4)]
    rows = torch.cat([batch.images for batch in batches]).flatten(1)
    assert len(torch.unique(rows, dim=0)) == 64


def test_images_are_normalised_and_labels_stay_with_them():
    batch = draw(SMALL, 64, 32, 10, seed=3)
    back = batch.images.numpy().transpose(0, 2, 3, 1) * DEVIATION + MEAN
    restored = np.rint(back * 255).astype(np.uint8)
    by_bytes = {image.tobytes(): label for image, label in zip(PIXELS, LABELS, strict=True)}
    assert [by_bytes[image.tobytes()] for image in restored] == batch.labels.tolist()


def test_scaling_is_the_area_average():
    large, small = (draw(SMALL, 4, size, 10, seed=3).images for size in (32, 16))
    average = large.reshape(4, 3, 16, 2, 16, 2).mean((3, 5))
    torch.testing.assert_close(small, average)


@pytest.mark.parametrize("size", [12, 20, 24, 28])
def test_scaling_to_a_size_that_does_not_divide_is_the_area_average_too(size):
    """Of what every pixel covers, by its share: each repeated so often that blocks are whole."""
    large, small = (draw(SMALL, 2, side, 10, seed=3).images.double() for side in (32, size))
    times = math.lcm(32, size) // 32
    fine = large.repeat_interleave(times, 2).repeat_interleave(times, 3)
    block = 32 * times // size
    average = fine.reshape(2, 3, size, block, size, block).mean((3, 5))
    torch.testing.assert_close(small, average, rtol=1e-5, atol=1e-6)


def test_synthetic_noise_falls_as_one_over_f_and_shares_its_colours():
    images = draw(Images("synthetic"), 200, 32, 10, seed=0).images
    assert images.mean().item() == pytest.approx(0, abs=1e-5)
    assert images.std().item() == pytest.approx(1, abs=1e-3)
    power = torch.fft.rfft2(images).abs().square().mean((0, 1))[0, 1:16]
    slope = np.polyfit(np.log(np.arange(1, 16)), np.log(power.numpy()), 1)[0]
    assert slope == pytest.approx(-2, abs=0.15)
    colours = np.corrcoef(images.permute(1, 0, 2, 3).flatten(1).numpy())
    assert colours[0, 1] == pytest.approx(0.9, abs=0.02)
    white = draw(Images("gaussian"), 200, 32, 10, seed=0).images
    assert abs(np.corrcoef(white.permute(1, 0, 2, 3).flatten(1).numpy())[0, 1]) < 0.02


@pytest.mark.parametrize(
    ("images", "asked", "sentence"),
    [
        (SMALL, {"size": 65}, "64 images: too few for batch 0 of 65"),
        (SMALL, {"size": 32, "index": 2}, "too few for batch 2"),
        (SMALL, {"resolution": 64}, "not enlarged to 64"),
        (SMALL, {"classes": 3, "size": 64}, "labels up to 9, but the network 3"),
        (Images("synthetic"), {"size": 0}, "sizes start at 1"),
        (Images("synthetic"), {"seed": -1}, "the rest at 0"),
    ],
)
def test_batches_that_cannot_be_drawn(images, asked, sentence):
    with pytest.raises(UserError, match=sentence):
        draw(images, **({"size": 8, "resolution": 32, "classes": 10, "seed": 0} | asked))


def test_a_folder_of_two_datasets_is_ambiguous(tmp_path):
    for name in ("cifar-10-batches-py", "cifar-100-python"):
        (tmp_path / name).mkdir()
    with pytest.raises(UserError, match="cifar-10-batches-py and cifar-100-python: name one"):
        open_images(tmp_path)
