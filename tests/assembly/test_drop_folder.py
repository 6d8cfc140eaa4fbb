"""The folder that BENCHSUITE_DATA names: files count wherever they lie, and nothing is silent."""

import dataclasses
import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from benchsuite import cli
from benchsuite.assembly import accuracy, whole
from benchsuite.assembly.accuracy import accuracies
from benchsuite.errors import UserError
from benchsuite.sources import _read
from benchsuite.sources._public_files import Places, find, folder_of, places
from benchsuite.sources._source import Imported, PinnedFile, Source
from benchsuite.table.columns import accuracy_column

ROBOT = "hzf1174/RoBoT/data"
CONTENTS = {"accs.p": b"accuracies " * 1000, "times.p": b"seconds " * 1000}


def made(identifier, dataset, names=tuple(CONTENTS), sample=False):
    """A data set of files whose accuracies are those of the first: their first byte, in percent."""
    files = tuple(
        PinnedFile(
            f"{identifier}/data/{name}",
            ("http://127.0.0.1:9/none",),
            hashlib.sha256(CONTENTS[name] + identifier.encode()).hexdigest(),
            len(CONTENTS[name] + identifier.encode()),
        )
        for name in names
    )

    def read(folder):
        contents = [(folder / file.path).read_bytes() for file in files]
        column = accuracy_column(dataset, "test", 200, "mean", "nb201-v1_0", identifier)
        yield Imported(column, np.full(15_625, float(contents[0][0])))

    return Source(identifier, "nobody", "MIT", files, read, sample)


def content(file):
    return CONTENTS[file.name] + file.path.partition("/")[0].encode()


def put(path, file):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content(file))


@pytest.fixture
def sources(monkeypatch):
    both = (made("one", "cifar10"), made("two", "cifar100"))
    monkeypatch.setattr(_read, "all_sources", lambda: both)
    monkeypatch.setattr(accuracy, "all_sources", lambda: both)
    return both


@pytest.fixture
def where(tmp_path):
    (tmp_path / "drop").mkdir()
    return Places(tmp_path / "drop", tmp_path / "cache")


LAYOUTS = {
    "as pinned": lambda file: file.path,
    "flat": lambda file: file.name,
    "without the data set": lambda file: file.path.partition("/")[2],
    "one folder deeper": lambda file: f"downloads/{file.path}",
    "four folders deeper": lambda file: f"a/b/c/d/{file.name}",
    "each elsewhere": lambda file: f"{len(file.name)}/{file.name}",
    "renamed": lambda file: f"{file.name} (1)",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_files_count_wherever_they_lie(sources, where, layout):
    for file in sources[0].files:
        put(where.drop / LAYOUTS[layout](file), file)
    table = accuracies(where)
    assert not table.column("cifar10.test.200ep.mean").estimated
    assert (table.values("cifar10.test.200ep.mean") == ord("a")).all()
    assert set(table.provenance["inputs"]) == {file.path for file in sources[0].files}


def test_of_two_files_of_one_name_content_decides(sources, where):
    for source in sources:
        for file in source.files:
            put(where.drop / source.id[::-1] / file.name, file)
    (where.drop / "accs.p").write_bytes(b"of another project")
    for source in sources:
        for file in source.files:
            assert find(file, where).read_bytes() == content(file)
    assert not accuracies(where).column("cifar100.test.200ep.mean").estimated


def test_links_are_followed_and_loops_end(sources, where, tmp_path):
    for file in sources[0].files:
        put(tmp_path / "disk" / file.name, file)
    (where.drop / "linked").symlink_to(tmp_path / "disk")
    (where.drop / "loop").symlink_to(where.drop)
    (where.drop / "times.p").symlink_to(tmp_path / "nowhere")
    assert folder_of(sources[0], where) is not None


def test_a_folder_without_any_of_the_files_is_a_sentence(sources, where):
    (where.drop / "notes.txt").write_text("x")
    with pytest.raises(UserError, match=r"no public data set.*accs\.p \(one\), accs\.p \(two\)"):
        accuracies(where)
    (where.drop / "accs.p").write_bytes(b"of another project")
    with pytest.raises(UserError, match=r"drop/accs\.p has another content than accs\.p of one"):
        accuracies(dataclasses.replace(where))


@pytest.mark.nb201
def test_of_a_sample_alone_it_is_not_said_that_its_files_are_others(raw, tmp_path):
    """Its list of cells is that of the whole release, which has the company of all records."""
    shutil.copytree(raw / "D-X-Y", tmp_path / "drop")
    with pytest.raises(UserError, match="no public data set") as told:
        accuracies(Places(tmp_path / "drop", tmp_path / "cache"))
    assert "another content" not in str(told.value)


def test_the_cache_does_not_stand_in_for_a_folder_that_holds_nothing(sources, where):
    for file in sources[0].files:
        put(where.cache / file.path, file)
    with pytest.raises(UserError, match="no public data set"):
        accuracies(where)
    assert not accuracies(Places(None, where.cache)).column("cifar10.test.200ep.mean").estimated


def test_a_part_of_a_set_is_a_sentence_also_beside_a_whole_one(sources, where):
    put(where.drop / "accs.p", sources[0].files[0])
    for _ in range(2):
        with pytest.raises(UserError, match=r"not all 2 files of one: .*times\.p .*fetch one"):
            accuracies(where)
        for file in sources[1].files:
            put(where.drop / file.path, file)
        where = dataclasses.replace(where)
    for file in sources[0].files:
        put(where.cache / file.path, file)
    assert not accuracies(where).column("cifar10.test.200ep.mean").estimated, "the cache is whole"


def test_a_damaged_file_of_a_set_that_is_not_begun_is_said(sources, where, capsys):
    """Not at its pinned path, it may be a file of the same name of somebody else's."""
    one, two = sources
    for file in two.files:
        put(where.drop / file.path, file)
    accuracies(where)
    assert "Not used" not in capsys.readouterr().err, "these are the files of another set"
    (where.drop / "cut").mkdir()
    (where.drop / "cut/accs.p").write_bytes(content(one.files[0])[:-9])
    accuracies(dataclasses.replace(where))
    said = f"Not used: {where.drop}/cut/accs.p has another content than accs.p of one/data."
    assert capsys.readouterr().err.count(said) == 1
    put(where.cache / one.files[0].path, one.files[0])
    accuracies(dataclasses.replace(where))
    assert "Not used" not in capsys.readouterr().err, "the cache holds it"


def test_a_file_that_two_sets_share_begins_neither(monkeypatch, where):
    one = made("one", "cifar10")
    more = PinnedFile("more/data/more.p", (), "0" * 64, 5)
    shares = dataclasses.replace(made("two", "cifar100"), files=(*one.files, more))
    monkeypatch.setattr(accuracy, "all_sources", lambda: (one, shares))
    for file in one.files:
        put(where.drop / file.name, file)
    assert not accuracies(where).column("cifar10.test.200ep.mean").estimated


def test_what_stays_an_estimate_is_said(sources, where, capsys):
    for file in sources[1].files:
        put(where.drop / file.name, file)
    accuracies(where)
    said = capsys.readouterr().err
    assert "test accuracy on cifar10, imagenet16-120 after 200 epochs: estimates" in said
    accuracies(Places(None, where.cache))
    assert "estimates" not in capsys.readouterr().err


def test_an_unreadable_file_is_a_sentence(sources, where, monkeypatch):
    for file in sources[0].files:
        put(where.drop / file.name, file)

    def refuse(self, *_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UserError, match=r"p cannot be read: Permission denied"):
        accuracies(where)


@pytest.mark.parametrize(
    ("named", "said"), [("none", "is no folder"), ("file", "is a file and no folder")]
)
def test_a_variable_that_names_no_folder_ends_every_command_with_2(
    tmp_path, monkeypatch, capsys, named, said
):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("BENCHSUITE_DATA", str(tmp_path / named))
    for command in (["table", "--out", str(tmp_path / "t.parquet")], ["cell", "0"], ["fetch"]):
        with pytest.raises(SystemExit) as stop:
            cli.main(command)
        assert stop.value.code == 2
        assert said in capsys.readouterr().err


def test_a_home_folder_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("BENCHSUITE_DATA", "~")
    assert places().drop == tmp_path


def test_fetch_fills_the_cache_beside_an_empty_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BENCHSUITE_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("benchsuite.sources._fetch.fetch", lambda *_, **__: None)
    cli.main(["fetch", "robot"])
    told = capsys.readouterr()
    assert "no public data set" in told.err
    assert "columns of accuracies" in told.out


@pytest.mark.nb201
def test_the_four_files_of_robot_copied_flat(raw, tmp_path):
    for file in (raw / ROBOT).glob("*.p"):
        shutil.copy(file, tmp_path)
    table = accuracies(Places(tmp_path, tmp_path / "cache"))
    assert "; test measured (nb201-v1_0); " in table.provenance["accuracy"]
    (tmp_path / "nb2_cf100_test_accuracy.p").unlink()
    with pytest.raises(UserError, match=r"robot: nb2_cf100_test_accuracy\.p is missing"):
        accuracies(Places(tmp_path, tmp_path / "cache"))


def test_links_that_lead_nowhere_or_in_circles_are_no_hindrance(tmp_path):
    """Beside either no table was kept, so that every command assembled it."""
    put(tmp_path / "accs.p", made("one", "cifar10").files[0])
    before, _ = whole._stamps(tmp_path)
    (tmp_path / "gone").symlink_to("nowhere")
    for name in ("one", "two", "three"):
        (tmp_path / name).symlink_to(tmp_path)
    after, _ = whole._stamps(tmp_path)
    assert set(after.split("\n")) - set(before.split("\n")) == {str(tmp_path / "gone")}
    (tmp_path / "nowhere").write_text("here")
    assert whole._stamps(tmp_path)[0] != after
