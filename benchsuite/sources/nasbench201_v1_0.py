"""All accuracies and training times of NAS-Bench-201 v1.0: the official file.

The file is on Google Drive only, so it is downloaded by hand and put into the drop folder.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchsuite.sources._source import Folder, Imported, PinnedFile, Source
from benchsuite.sources._whole_file import read_whole_file

ID = "nasbench201_v1_0"
_FILE = PinnedFile(
    path="NAS-Bench-201-v1_0-e61699.pth",
    md5_part="e61699",
    by_hand="https://drive.google.com/open?id=1SKW0Cu0u8-gb18zDpaAGi0f74UdXeGKs (2.2 GB)",
)


def read(folder: Folder) -> Iterator[Imported]:
    """Yield the columns of this source; the file is read as a stream."""
    yield from read_whole_file(folder / _FILE.path, "nb201-v1_0", ID)


SOURCE = Source(
    id=ID,
    citation="Dong & Yang, NAS-Bench-201, ICLR 2020",
    licence="MIT",
    files=(_FILE,),
    read=read,
)
