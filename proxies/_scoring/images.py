"""Images to draw batches from: the user's CIFAR folder or .npz file, or noise where there is none.

| where                 | what is read                                                            |
|-----------------------|-------------------------------------------------------------------------|
| a folder              | CIFAR-10 (`data_batch_1` ... `5`) or CIFAR-100 (`train`), the official  |
|                       | python version; also the folder above, or one with a single .npz file   |
| a .npz file           | `train_images` uint8 [N, H, W, 3] and `train_labels` [N]                |
| `synthetic`           | noise with the 1/f spectrum of natural images (`_scoring.batch`)        |
| `gaussian`            | white noise N(0, 1)                                                     |

`BENCHSUITE_IMAGES` names one of these; without it, `synthetic` stands in and says so.

Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009, and the MD5 sums
published beside the files at https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from __future__ import annotations

import functools
import hashlib
import io
import os
import pickle
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.bounds import because
from benchsuite.digest import digest
from benchsuite.errors import UserError
from benchsuite.terminal import say

VARIABLE = "BENCHSUITE_IMAGES"
NOISE = ("synthetic", "gaussian")
MD5 = {
    "cifar10": {
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    },
    "cifar100": {"train": "16019d7e3df5f24257cddd939b257f8d"},
}
_FOLDERS = {"cifar10": "cifar-10-batches-py", "cifar100": "cifar-100-python"}
_LABELS = {"cifar10": "labels", "cifar100": "fine_labels"}
# What the official files ask for; numpy 1 and 2 spell the module differently.
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
}


@dataclass(frozen=True, eq=False)
class Images:
    """Images with labels, or the name of a kind of noise.

    pixels: uint8 [N, H, W, 3], labels: int64 [N], both None for noise; source: for provenance.
    Files that have not changed are the same object, so that it can stand in the key of a cache.
    """

    source: str
    pixels: NDArray[np.uint8] | None = None
    labels: NDArray[np.int64] | None = None

    @property
    def noise(self) -> bool:
        """Whether batches are drawn from noise."""
        return self.pixels is None


def open_images(where: str | os.PathLike[str] | None = None) -> Images:
    """Return the images that `where`, or else `BENCHSUITE_IMAGES`, names (table above).

    Raises UserError if it names nothing that is there, or files that are not what they should be.
    """
    if where is None:
        where = os.environ.get(VARIABLE) or NOISE[0]
    if str(where) in NOISE:
        return _noise(str(where))
    if where == "":  # It would be the working folder.
        raise UserError(f"The images '' name nothing; noise is one of {', '.join(NOISE)}.")
    path = Path(where).expanduser()
    try:
        stamp = _stamp(path)
    except OSError:
        raise UserError(
            f"There are no images at {path}: {VARIABLE} names a folder with the python version of "
            f"CIFAR-10 or CIFAR-100, an .npz file, or one of {', '.join(NOISE)}."
        ) from None
    return _read(path.resolve(), stamp)


def say_stand_in(where: str | os.PathLike[str] | None) -> None:
    """Say on stderr, once, that noise stands in for images where nobody named any."""
    if where is None and not os.environ.get(VARIABLE):
        _say_stand_in()


@functools.cache
def _say_stand_in() -> None:
    say(
        "Note: no images are named, so networks are measured on synthetic noise (`images` or "
        f"{VARIABLE} names CIFAR's, an .npz file, or a kind of noise)."
    )


def content(where: str | os.PathLike[str] | None = None) -> str:
    """Return a digest of what `open_images` returns: of the pixels, wherever they are from."""
    return _content(open_images(where))


@functools.lru_cache(maxsize=4)
def _content(images: Images) -> str:
    return digest(images.source if images.noise else "", images.pixels, images.labels)


@functools.cache
def _noise(name: str) -> Images:
    return Images(name)


def _stamp(path: Path) -> tuple[tuple[str, int, int], ...]:
    """Return name, size and time of every file that images may be read from."""
    folders = [path, *(path / name for name in _FOLDERS.values())]
    files = [path] if path.is_file() else [f for at in folders if at.is_dir() for f in at.iterdir()]
    path.stat()  # OSError for one that is not there
    stats = [(str(file), file.stat()) for file in sorted(files)]
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


@functools.lru_cache(maxsize=4)
def _read(path: Path, _stamp: object) -> Images:
    if path.is_file():
        return _npz(path)
    both = [path / folder for folder in _FOLDERS.values() if (path / folder).is_dir()]
    if len(both) > 1:
        raise UserError(f"{path} holds {' and '.join(p.name for p in both)}: name one of them.")
    for dataset, files in MD5.items():
        for folder in (path, path / _FOLDERS[dataset]):
            if all((folder / name).is_file() for name in files):
                return _cifar(folder, dataset)
            if any((folder / name).is_file() for name in files) and dataset == "cifar10":
                lost = [name for name in files if not (folder / name).is_file()]
                raise UserError(f"{folder} lacks {', '.join(lost)} of the five CIFAR-10 files.")
    archives = sorted(path.glob("*.npz"))
    if len(archives) == 1:
        return _npz(archives[0])
    found = f"{len(archives)} .npz files" if archives else "no images"
    raise UserError(
        f"{path} holds {found}. Looked for are the files {', '.join(MD5['cifar10'])} of CIFAR-10 "
        f"or `train` of CIFAR-100, there or in {' or '.join(_FOLDERS.values())} below it, or one "
        ".npz file."
    )


def _cifar(folder: Path, dataset: str) -> Images:
    pixels, labels = [], []
    for name, md5 in MD5[dataset].items():
        raw = (folder / name).read_bytes()
        if hashlib.md5(raw, usedforsecurity=False).hexdigest() != md5:
            raise UserError(
                f"{folder / name} is not the official {dataset} file (its MD5 sum differs): it is "
                "cut short or changed. Download it again from www.cs.toronto.edu/~kriz/cifar.html."
            )
        record = _unpickle(raw, folder / name)
        try:
            pixels.append(np.asarray(record["data"]).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
            labels.append(np.asarray(record[_LABELS[dataset]]).reshape(-1))
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{folder / name} holds no `data` and `{_LABELS[dataset]}`.") from error
    return _checked(np.concatenate(pixels), np.concatenate(labels), f"{dataset} training images")


def _unpickle(raw: bytes, path: Path) -> Any:
    try:
        return _DataOnly(io.BytesIO(raw), encoding="latin1").load()
    except UserError:
        raise
    except Exception as error:  # a damaged pickle raises almost anything
        raise UserError(f"{path} is not a pickle of CIFAR. Download it again.") from error


class _DataOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise UserError(f"A CIFAR file asks for {module}.{name}, which no image needs.")
        if name == "_reconstruct":
            return np.ndarray.__reduce__(np.empty(0))[0]
        return getattr(np, name)


def _npz(path: Path) -> Images:
    raw = path.read_bytes()
    if not raw.startswith(b"PK"):
        raise UserError(f"{path} is no readable .npz file. Write one with numpy.savez.")
    try:
        with np.load(io.BytesIO(raw), allow_pickle=False) as file:
            pixels, labels = file["train_images"], file["train_labels"]
    except KeyError as error:
        raise UserError(
            f"{path} lacks {error}: `train_images` [N, H, W, 3] and `train_labels` [N] are needed."
        ) from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(
            f"{path} is no readable .npz file, or holds objects in place of numbers"
            f"{because(error)}. Write it again with numpy.savez."
        ) from error
    sha256 = hashlib.sha256(raw).hexdigest()
    return _checked(pixels, labels, f"{path.name} (sha256 {sha256[:12]})")


def _checked(pixels: NDArray[Any], labels: NDArray[Any], source: str) -> Images:
    if pixels.ndim != 4 or pixels.shape[3] != 3 or pixels.shape[1] != pixels.shape[2]:
        raise UserError(
            f"The images of {source} have shape {pixels.shape}: [N, H, H, 3] is needed."
        )
    if labels.shape != (len(pixels),) or len(pixels) == 0:
        raise UserError(
            f"{source} has {len(pixels)} images and labels of shape {labels.shape}: "
            "one label per image, and at least one image, are needed."
        )
    if pixels.dtype != np.uint8:
        if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
            raise UserError(f"The images of {source} hold NaN or infinity.")
        raise UserError(f"The images of {source} are {pixels.dtype}: uint8, 0 to 255, is needed.")
    if labels.dtype.kind not in "iu" or labels.min() < 0:
        raise UserError(f"The labels of {source} are not whole numbers from 0 on.")
    return Images(source, np.ascontiguousarray(pixels), labels.astype(np.int64))
