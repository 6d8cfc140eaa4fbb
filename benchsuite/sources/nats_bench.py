"""All accuracies and training times of NATS-Bench's topology space v1.0: the official full file.

The file is on Google Drive only, so it is downloaded by hand and put into the drop folder.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchsuite.sources._source import Folder, Imported, PinnedFile, Source
from benchsuite.sources._whole_file import read_whole_file

ID = "nats_bench"
_FILE = PinnedFile(
    path="NATS-tss-v1_0-3ffb9.pickle.pbz2",
    md5_part="3ffb9",
    by_hand="https://drive.google.com/drive/folders/1zjB6wMANiKwB2A1yil2hQ8H_qyeSe2yt (1.7 GB)",
)


def read(folder: Folder) -> Iterator[Imported]:
    """Yield the columns of this source; the file is read as a stream."""
    yield from read_whole_file(folder / _FILE.path, "nats-tss-v1_0", ID)


SOURCE = Source(
    id=ID,
    citation="Dong et al., NATS-Bench, TPAMI 2021",
    licence="MIT",
    files=(_FILE,),
    read=read,
)
