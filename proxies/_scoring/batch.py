"""Mini-batches for proxies: images drawn by seed, normalised, resized, and hashed for the record.

Real images are neither cropped nor flipped, and scaled down by area average: where the size does
not divide theirs, a pixel counts by its share. Each channel has the mean and deviation that
NAS-Bench-201 trains with on CIFAR-10 taken out.

Synthetic images, for want of real ones, are Gaussian noise whose amplitude falls as 1/f in the
spatial frequency f, like that of natural images (Field, J. Opt. Soc. Am. A 4(12), 1987). The three
channels share nine tenths of their variance (in CIFAR-10 they correlate by 0.9 to 0.98); each image
has contrast, but no objects; labels are uniform. Mean 0 and deviation 1 over the batch.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from benchsuite.errors import UserError
from benchsuite.proxies._scoring.images import Images

# AutoDL-Projects, `get_datasets`: in units of 255.
MEAN = np.array([125.3, 123.0, 113.9], dtype=np.float32) / 255
DEVIATION = np.array([63.0, 62.1, 66.7], dtype=np.float32) / 255
_SHARED = 0.9


@dataclass(frozen=True)
class Batch:
    """images: float32 [B, 3, H, W]; labels: int64 [B]; sha256: of both; description: of what."""

    images: Tensor
    labels: Tensor
    sha256: str
    description: str


def draw(
    images: Images,
    size: int,
    resolution: int,
    classes: int,
    *,
    seed: int,
    repeat: int = 0,
    index: int = 0,
) -> Batch:
    """Return batch `index` of a repeat; the batches of one repeat share no image.

    size: images B; resolution: height and width H in pixels; classes: labels are below it.
    The same arguments give the same bytes. Raises UserError where the images do not suffice.
    """
    if min(size, resolution, classes) < 1 or min(seed, repeat, index) < 0:
        raise UserError(
            f"A batch of {size} images of {resolution} pixels in {classes} classes, seed {seed}, "
            f"repeat {repeat}, index {index}: sizes start at 1, the rest at 0."
        )
    if images.noise:
        pixels, labels = _noise(images.source, size, resolution, classes, (seed, repeat, index))
    else:
        pixels, labels = _pick(images, size, resolution, classes, (seed, repeat), index)
    what = f"{images.source}, {size}x3x{resolution}x{resolution}"
    where = f"seed {seed}, repeat {repeat}, batch {index}"
    return Batch(pixels, labels, _digest(pixels, labels), f"{what}, {where}")


def relabelled(batch: Batch, labels: Tensor) -> Batch:
    """Return a batch of the same images with other labels [B]."""
    digest = _digest(batch.images, labels)
    return Batch(batch.images, labels, digest, f"{batch.description}, other labels")


def _digest(pixels: Tensor, labels: Tensor) -> str:
    return hashlib.sha256(pixels.numpy().tobytes() + labels.numpy().tobytes()).hexdigest()


def _pick(
    images: Images,
    size: int,
    resolution: int,
    classes: int,
    stream: tuple[int, int],
    index: int,
) -> tuple[Tensor, Tensor]:
    pixels, labels = images.pixels, images.labels
    assert pixels is not None
    assert labels is not None
    if (index + 1) * size > len(pixels):
        raise UserError(
            f"{images.source} has {len(pixels)} images: too few for batch {index} of {size}."
        )
    if resolution > pixels.shape[1]:
        raise UserError(
            f"{images.source} is {pixels.shape[1]} pixels wide and is not enlarged to "
            f"{resolution}: ask for at most that, or for `synthetic` images."
        )
    order = np.random.default_rng(stream).permutation(len(pixels))
    chosen = order[index * size : (index + 1) * size]
    if labels.max() >= classes:  # of all images: whether a draw has them is chance
        raise UserError(
            f"{images.source} has labels up to {labels.max()}, but the network {classes} classes."
        )
    scaled = (pixels[chosen].astype(np.float32) / 255 - MEAN) / DEVIATION
    tensor = torch.from_numpy(np.ascontiguousarray(scaled.transpose(0, 3, 1, 2)))
    if pixels.shape[1] % resolution == 0:
        return adaptive_avg_pool2d(tensor, resolution), torch.from_numpy(labels[chosen])
    for _ in range(2):  # height, then width
        tensor = _shrunk(tensor, resolution).transpose(2, 3)
    return tensor.contiguous(), torch.from_numpy(labels[chosen])


def _shrunk(tensor: Tensor, to: int) -> Tensor:
    """Return the averages [B, 3, to, W] over equal parts of the height of images [B, 3, H, W].

    By sums in one order, no matrix product: the bytes, which are hashed, are the same everywhere.
    """
    height = tensor.shape[2]
    start = torch.arange(to) * height  # in units of 1 / `to` of a pixel
    found = torch.zeros(*tensor.shape[:2], to, tensor.shape[3])
    for further in range(math.ceil(height / to) + 1):
        at = (start // to + further).clamp(max=height - 1)
        end = torch.minimum((start // to + further + 1) * to, start + height)
        share = (end - torch.maximum((start // to + further) * to, start)).clamp(min=0) / height
        found += share[:, None] * tensor[:, :, at]
    return found


def _noise(
    kind: str, size: int, resolution: int, classes: int, stream: tuple[int, ...]
) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(stream)
    pixels = rng.standard_normal((size, 3, resolution, resolution), dtype=np.float32)
    if kind == "synthetic":
        common = rng.standard_normal((size, 1, resolution, resolution), dtype=np.float32)
        pixels = _pink(np.sqrt(1 - _SHARED) * pixels + np.sqrt(_SHARED) * common)
    labels = rng.integers(classes, size=size)
    return torch.from_numpy(np.ascontiguousarray(pixels)), torch.from_numpy(labels)


def _pink(white: NDArray[np.float32]) -> NDArray[np.float32]:
    """Divide the spectrum of images [B, 3, H, H] by the frequency; mean 0, deviation 1 overall."""
    width = white.shape[-1]
    frequency = np.hypot(np.fft.fftfreq(width)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = 1 / width  # a picture's own brightness varies as its slowest wave does
    pink = np.fft.irfft2(np.fft.rfft2(white) / frequency, s=white.shape[-2:])
    pink = pink - pink.mean()
    scaled: NDArray[np.float32] = (pink / (pink.std() or 1.0)).astype(np.float32)
    return scaled
