"""Three complete records of NATS-Bench's topology space v1.0 (cells 0, 11 and 284), for checks.

The official repository holds them as examples of the "simple" format. A sample is no part of a
table: its columns would be empty on all other cells.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchsuite.sources._source import Folder, Imported, Source, github
from benchsuite.sources.nats_bench_simple import read_records

ID = "nats_bench_sample"
CELLS = (0, 11, 284)

_FILES = github(
    "D-X-Y/NATS-Bench",
    "1d4a304ad1906aa5866563438fcbf0d624b7eda2",
    {
        "fake_torch_dir/NATS-tss-v1_0-3ffb9-simple/000000.pickle.pbz2": (
            83848,
            "0103573dc07d29661807b7952fa0930a53203dc8aa6759ff0c5e0e1111300185",
        ),
        "fake_torch_dir/NATS-tss-v1_0-3ffb9-simple/000011.pickle.pbz2": (
            85220,
            "9e70770646c83f824f0a51422aaa7e89afca861a257ec285cdfada7264345276",
        ),
        "fake_torch_dir/NATS-tss-v1_0-3ffb9-simple/000284.pickle.pbz2": (
            83726,
            "a4f558e5e754d3987c6a6a4d3335e9027f88aeb59cba7da039406d909aa3a2d6",
        ),
        "fake_torch_dir/NATS-tss-v1_0-3ffb9-simple/meta.pickle.pbz2": (
            35330,
            "7ecc7932fabec6b80551e07b845346de99d83c673f67a1891d619576b3fa053c",
        ),
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
