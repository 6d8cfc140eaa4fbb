"""All accuracies and training times of NATS-Bench's topology space v1.0: the "simple" folder.

The archive `NATS-tss-v1_0-3ffb9-simple.tar` is on Google Drive only; it is downloaded by hand and
unpacked in the drop folder. It holds one file per cell.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchsuite.bounds import read_bytes
from benchsuite.sources._official import Records
from benchsuite.sources._source import Folder, Imported, PinnedFile, Source, expect, expect_archs
from benchsuite.sources._whole_file import opened
from benchsuite.space.cell import N_CELLS

ID = "nats_bench_simple"
FOLDER = "NATS-tss-v1_0-3ffb9-simple"
_MOST_RECORD = 1 << 22  # bytes
_RECORDS = "[0-9]*.pickle.pbz2"
# Of three records size and SHA-256 are known: the official repository holds them as examples.
KNOWN_RECORDS = {
    0: (83848, "0103573dc07d29661807b7952fa0930a53203dc8aa6759ff0c5e0e1111300185"),
    11: (85220, "9e70770646c83f824f0a51422aaa7e89afca861a257ec285cdfada7264345276"),
    284: (83726, "a4f558e5e754d3987c6a6a4d3335e9027f88aeb59cba7da039406d909aa3a2d6"),
}
META = PinnedFile(
    path=f"{FOLDER}/meta.pickle.pbz2",
    sha256="7ecc7932fabec6b80551e07b845346de99d83c673f67a1891d619576b3fa053c",
    size=35330,
    by_hand="https://drive.google.com/drive/folders/1zjB6wMANiKwB2A1yil2hQ8H_qyeSe2yt "
    f"({FOLDER}.tar, to be unpacked)",
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
    records = (folder / META.path).parent
    present = sum(1 for _ in records.glob(_RECORDS))
    expect(present == N_CELLS, records, f"it holds {present} of {N_CELLS} records")
    for cell, (_, sha256) in KNOWN_RECORDS.items():
        path = records / f"{cell:06d}.pickle.pbz2"
        content = read_bytes(path, _MOST_RECORD)
        known = hashlib.sha256(content).hexdigest() == sha256
        expect(known, path, "it is not the official record of this cell")
    yield from read_records(records, range(N_CELLS), ID)


SOURCE = Source(
    id=ID,
    citation="Dong et al., NATS-Bench, TPAMI 2021",
    licence="MIT",
    files=(META,),
    read=read,
)
