"""What an importer of a public data set is: a `Source`, its pinned files, and what it yields.

Each file in `benchsuite/sources` is one data set. Its first docstring line is its description, and
its constant `SOURCE` is the contract. `read(folder)` yields one `Imported` per column: the column,
its values by official index, float64 [15625], and why some are missing ("" when none is).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from benchsuite.errors import UserError
from benchsuite.sources._archives import plain, torch_data
from benchsuite.sources._pickle_values import TORCH
from benchsuite.sources._pickles import PickleStream
from benchsuite.space.cell import EDGES, ENCODINGS, N_CELLS, OPS, all_archs, index_of
from benchsuite.table.columns import Column

Values = NDArray[np.float64]


class Folder(Protocol):
    """Where the files of a source are found by their pinned paths, as in a folder."""

    def __truediv__(self, pinned: str, /) -> Path: ...


class Imported(NamedTuple):
    """One column of a data set: values float64 [15625], and the reason for any NaN."""

    column: Column
    values: Values
    reason: str = ""


@dataclass(frozen=True)
class PinnedFile:
    """One public file, by content.

    path: below the drop folder or the cache. md5_part: the MD5 sum where no SHA-256 was published,
    or as many digits of it as an official file carries in its name. by_hand: for a file that has
    no plain address, where a person finds it. beside: of a file that stands for a whole folder, a
    pattern and how many files there match it at least. package: what installs it.
    """

    path: str
    urls: tuple[str, ...] = ()
    sha256: str = ""
    size: int = 0
    md5_part: str = ""
    by_hand: str = ""
    beside: tuple[str, int] = ("", 0)
    package: str = ""

    @property
    def name(self) -> str:
        """File name without its folders."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class Source:
    """One public data set and how it is read; `sample` marks one that covers only a few cells."""

    id: str
    citation: str
    licence: str
    files: tuple[PinnedFile, ...]
    read: Callable[[Folder], Iterator[Imported]]
    sample: bool = False

    @property
    def downloadable(self) -> bool:
        """Whether every file has a plain address, so that no step is left to a person."""
        return all(file.urls for file in self.files)

    @property
    def installed(self) -> bool:
        """Whether its files come with a package that is installed, not with `benchsuite fetch`."""
        return any(file.package for file in self.files)


def github(
    repository: str, commit: str, files: Mapping[str, tuple[int, str]]
) -> tuple[PinnedFile, ...]:
    """Return the pins of files in one commit of a GitHub repository: path -> (size, SHA-256)."""
    base = f"https://raw.githubusercontent.com/{repository}/{commit}"
    return tuple(
        PinnedFile(f"{repository}/{path}", (f"{base}/{path}",), sha256, size)
        for path, (size, sha256) in files.items()
    )


def read_pickle(path: Path, opaque: frozenset[tuple[str, str]] = TORCH) -> Any:
    """Return the data of a pickle file; see `benchsuite.sources._pickles`."""
    with plain(path) as file:
        return PickleStream(file, str(path), opaque).load()


def read_zipped_pickle(path: Path) -> Any:
    """Return the data of a `.pt` file without tensors: a zip archive with one `data.pkl`."""
    with torch_data(path) as file:
        return PickleStream(file, str(path)).load()


def expect(condition: object, path: Path, what: str) -> None:
    """Raise UserError unless a file holds what its importer relies on."""
    if not condition:
        raise UserError(
            f"{path} was not read: {what}. Check that it is the file its source names, and "
            "download it again."
        )


def one_per_cell(values: Any, path: Path) -> Values:
    """Return a list of one number per cell as float64 [15625]; raises UserError for others."""
    expect(isinstance(values, list) and len(values) == N_CELLS, path, f"{N_CELLS} values expected")
    plain = all(type(value) in (int, float) for value in values)
    expect(plain, path, "not every value is a number")
    return np.array(values, dtype=np.float64)


def accuracies(trained: Any, most: int, path: Path) -> list[float]:
    """Return a list of 1 to `most` accuracies in percent; raises UserError for anything else."""
    short = isinstance(trained, list) and 1 <= len(trained) <= most
    expect(short, path, f"a list of 1 to {most} runs per cell expected")
    plain = all(type(value) is float and 0 <= value <= 100 for value in trained)
    expect(plain, path, "an accuracy is not a number from 0 to 100")
    return list(trained)


def expect_archs(archs: Sequence[Any], path: Path) -> None:
    """Raise UserError unless architecture strings are all cells in official order."""
    known = all_archs()
    expect(len(archs) == len(known), path, f"{N_CELLS} architectures expected")
    wrong = next((i for i, (a, b) in enumerate(zip(archs, known, strict=True)) if a != b), None)
    expect(wrong is None, path, f"architecture {wrong} is not the official one")


def indices(codes: NDArray[np.integer], encoding: str, path: Path) -> NDArray[np.int64]:
    """Return the official index [N] of distinct cells written as codes [N, 6] in an encoding."""
    shaped = codes.ndim == 2 and codes.shape[1] == len(EDGES)
    expect(shaped and codes.min() >= 0 and codes.max() < len(OPS), path, "a cell has a wrong key")
    code = ENCODINGS[encoding]
    official = np.array([OPS.index(op) for op in code.ops])
    place = [code.edges.index(edge) for edge in EDGES]
    index = index_of(official[codes][:, place])
    expect(len(np.unique(index)) == len(index), path, "a cell occurs twice")
    return index
