"""All accuracies and training times of NATS-Bench's topology space v1.0: the "simple" folder.

The archive `NATS-tss-v1_0-3ffb9-simple.tar` is on Google Drive only; it is downloaded by hand and
unpacked in the drop folder. It holds one file per cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from benchsuite.sources._official import Records
from benchsuite.sources._source import Folder, Imported, PinnedFile, Source, expect, expect_archs
from benchsuite.sources._whole_file import opened
from benchsuite.space.cell import N_CELLS

ID = "nats_bench_simple"
_FOLDER = "NATS-tss-v1_0-3ffb9-simple"
_RECORDS = "[0-9]*.pickle.pbz2"
_META = PinnedFile(
    path=f"{_FOLDER}/meta.pickle.pbz2",
    sha256="7ecc7932fabec6b80551e07b845346de99d83c673f67a1891d619576b3fa053c",
    size=35330,
    by_hand="https://drive.google.com/drive/folders/1zjB6wMANiKwB2A1yil2hQ8H_qyeSe2yt "
    f"({_FOLDER}.tar, to be unpacked)",
    beside=(_RECORDS, 4),  # The sample has the same file, beside three records.
)


def read_records(folder: Path, cells: Iterable[int], source: str) -> Iterator[Imported]:
    """Yield the columns that the records of some cells give; all others are missing there."""
    meta = folder / "meta.pickle.pbz2"
    with opened(meta) as stream:
        listed = stream.load()
    expect(isinstance(listed, dict) and "meta_archs" in listed, meta, "no list of architectures")
    expect_archs(listed["meta_archs"], meta)
    records = Records("nats-tss-v1_0", source, str(folder))
    for cell in cells:
        path = folder / f"{cell:06d}.pickle.pbz2"
        with opened(path) as stream:
            index = stream.load(records.take)
        expect(index == cell, path, f"it does not hold the record of cell {cell}")
    yield from records.columns("there is no record of this cell in the folder")


def read(folder: Folder) -> Iterator[Imported]:
    """Yield the columns of this source; raises UserError unless every cell has its file."""
    records = (folder / _META.path).parent
    present = sum(1 for _ in records.glob(_RECORDS))
    expect(present == N_CELLS, records, f"it holds {present} of {N_CELLS} records")
    yield from read_records(records, range(N_CELLS), ID)


SOURCE = Source(
    id=ID,
    citation="Dong et al., NATS-Bench, TPAMI 2021",
    licence="MIT",
    files=(_META,),
    read=read,
)
