"""Archives that others made: encrypted, damaged, crowded, deep: a sentence each."""

import json
import pickle
import zipfile

import pytest

from benchsuite.errors import UserError
from benchsuite.sources import naslib_zen
from benchsuite.sources._source import read_zipped_pickle
from benchsuite.sources._whole_file import opened

MEMBER = "zen/benchmark--nasbench201--cifar10--0.json"


def archive(path, content, name="a/data.pkl", packing=zipfile.ZIP_STORED, members=1):
    with zipfile.ZipFile(path, "w", packing) as file:
        for number in range(members):
            file.writestr(name if not number else f"{number}/x", content)
    return bytearray(path.read_bytes())


def encrypted(path):
    content = archive(path, pickle.dumps([1.0], 2))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)


def damaged(packing):
    def write(path):
        content = archive(path, pickle.dumps(list(range(9000)), 2), packing=packing)
        content[60:300] = b"\xff" * 240
        path.write_bytes(content)

    return write


def unknown(path):
    content = archive(path, pickle.dumps([1.0], 2))
    content[8] = content[content.index(b"PK\x01\x02") + 10] = 77
    path.write_bytes(content)


@pytest.mark.parametrize(
    "write",
    [
        encrypted,
        unknown,
        *map(damaged, (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)),
        damaged(zipfile.ZIP_LZMA),
        lambda path: archive(path, b"", members=5000),
        lambda path: archive(path, b"", name="nothing"),
        lambda path: path.write_bytes(b"PK\x05\x06" + bytes(18)),
        lambda path: path.mkdir(),
    ],
)
def test_an_archive_that_cannot_be_unpacked_is_a_sentence(write, tmp_path):
    path = tmp_path / "f.pt"
    write(path)
    for read in (read_zipped_pickle, lambda at: opened(at).__enter__().load()):
        with pytest.raises(UserError, match="was not read"):
            read(path)


class At:
    def __init__(self, path):
        self._path = path

    def __truediv__(self, _):
        return self._path


@pytest.mark.parametrize(
    "content",
    [
        "[" * 100_000,
        json.dumps([{"arch": [[1]], "zen": {"score": 1}}]),
        json.dumps({"arch": 1}),
        '[{"arch": "x", "zen": {"score": ' + "9" * 5000 + "}}]",
        " " * (1 << 26),
    ],
)
def test_scores_of_naslib_that_say_anything_are_a_sentence(content, tmp_path):
    path = tmp_path / "f.zip"
    archive(path, content, MEMBER, zipfile.ZIP_DEFLATED)
    with pytest.raises(UserError):
        list(naslib_zen.read(At(path)))
