"""The dataset card: complete, of the file's bytes, and valid by the library of Croissant."""

import datetime
import hashlib
import json

import pytest
from command_line import call
from search_tables import table as made_up

from benchsuite.table import card
from benchsuite.table.table import Table


@pytest.fixture
def written(tmp_path):
    table, path, at = made_up(), tmp_path / "data" / "cells.parquet", tmp_path / "card.json"
    table.write(path)
    card.write(table, path, at)
    return table, path, at


def test_every_column_is_a_field_with_unit_and_source(written):
    table, path, at = written
    made = json.loads(at.read_text())
    fields = {field["name"]: field for field in made["recordSet"][0]["field"]}
    assert list(fields) == ["index", "arch", *table.columns]
    for name, column in table.columns.items():
        assert f"[{column.unit}]; source: {column.source}" in fields[name]["description"]
        assert fields[name]["source"]["extract"] == {"column": name}
    (file,) = made["distribution"]
    assert file["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert file["contentUrl"] == "data/cells.parquet"
    assert table.provenance_line in made["description"]
    written_on = datetime.date.fromtimestamp(path.stat().st_mtime)
    assert abs(datetime.date.fromisoformat(made["datePublished"]) - written_on).days <= 1


# The library's own: of rdflib, and of what it loads lazily.
@pytest.mark.filterwarnings("ignore")
def test_the_library_of_croissant_reads_the_table_by_its_card(written):
    croissant = pytest.importorskip("mlcroissant")
    table, _, at = written
    dataset = croissant.Dataset(jsonld=str(at))
    issues = dataset.metadata.ctx.issues
    assert not issues.errors
    assert not [text for text in issues.warnings if "url" not in text]  # It is published nowhere.
    first = next(iter(dataset.records("cells")))
    for name in ("flops@1", "cifar10.test.200ep.mean@nb201-v1_0"):
        assert first[f"cells/{name}"] == table.values(name)[0]


def test_the_command_writes_both(only_what_ships, capsys):
    code, _, _ = call(capsys, "table", "--out", "cells.parquet", "--card", "card.json")
    assert code == 0
    made = json.loads((only_what_ships / "card.json").read_text())
    names = [field["name"] for field in made["recordSet"][0]["field"]]
    assert names[2:] == list(Table.open(only_what_ships / "cells.parquet").columns)
