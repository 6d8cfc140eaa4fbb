"""All accuracies and training times of NAS-Bench-201 v1.1: the official file.

The file is on Google Drive only, so it is downloaded by hand and put into the drop folder.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchsuite.sources._source import Folder, Imported, PinnedFile, Source
from benchsuite.sources._whole_file import read_whole_file

ID = "nasbench201_v1_1"
_FILE = PinnedFile(
    path="NAS-Bench-201-v1_1-096897.pth",
    md5_part="55e847143ce1f7c2d89b676f6b096897",
    by_hand="https://drive.google.com/open?id=16Y0UwGisiouVRxW-W5hEtbxmcHw_0hF_ (4.7 GB)",
)


def read(folder: Folder) -> Iterator[Imported]:
    """Yield the columns of this source; the file is read as a stream."""
    yield from read_whole_file(folder / _FILE.path, "nb201-v1_1", ID)


SOURCE = Source(
    id=ID,
    citation="Dong & Yang, NAS-Bench-201, ICLR 2020",
    licence="MIT",
    files=(_FILE,),
    read=read,
)
