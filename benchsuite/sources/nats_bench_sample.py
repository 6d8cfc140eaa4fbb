"""Three complete records of NATS-Bench's topology space v1.0 (cells 0, 11 and 284), for checks.

The official repository holds them as examples of the "simple" format. A sample is no part of a
table: its columns would be empty on all other cells.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchsuite.sources._source import Folder, Imported, Source, github
from benchsuite.sources.nats_bench_simple import FOLDER, KNOWN_RECORDS, META, read_records

ID = "nats_bench_sample"
CELLS = tuple(KNOWN_RECORDS)

_FILES = github(
    "D-X-Y/NATS-Bench",
    "1d4a304ad1906aa5866563438fcbf0d624b7eda2",
    {
        **{
            f"fake_torch_dir/{FOLDER}/{cell:06d}.pickle.pbz2": pin
            for cell, pin in KNOWN_RECORDS.items()
        },
        f"fake_torch_dir/{FOLDER}/meta.pickle.pbz2": (META.size, META.sha256),
    },
)


def read(folder: Folder) -> Iterator[Imported]:
    """Yield the columns of this source."""
    yield from read_records((folder / _FILES[0].path).parent, CELLS, ID)


SOURCE = Source(
    id=ID,
    citation="Dong et al., NATS-Bench, TPAMI 2021",
    licence="MIT",
    files=_FILES,
    read=read,
    sample=True,
)
