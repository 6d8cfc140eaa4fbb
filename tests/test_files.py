"""Files appear whole or not at all, and the shipped ones are found."""

import os

import pytest

from benchsuite.errors import UserError
from benchsuite.files import shipped, write_atomically, write_text


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "t"
    path.write_text("old")

    def full(part):
        with open(part, "w") as file:
            file.write("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match="No space left"):
        write_atomically(path, full)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["t"]


def test_a_folder_that_is_a_file_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        write_atomically(tmp_path / "file" / "t", lambda part: None)


def test_a_text_is_written_as_it_is(tmp_path):
    write_text(tmp_path / "t", "a\r\nb é\n")
    assert (tmp_path / "t").read_bytes() == b"a\r\nb \xc3\xa9\n"


@pytest.mark.parametrize("name", ["data/proxies.parquet", "data/compression.csv", "studies"])
def test_what_is_shipped_is_there(name):
    assert shipped(name).exists()
