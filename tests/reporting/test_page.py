"""The page as a file: what it holds, that data cannot break out of it, that it asks for nothing."""

import ast
import base64
import dataclasses
import hashlib
import re
import zlib
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import search_tables
from page_parts import Parts, array_at, entries, inflated, small_page, unpacked

from benchsuite.api import Result
from benchsuite.cli.commands import run
from benchsuite.replays import outcome as outcomes
from benchsuite.replays import study
from benchsuite.reporting import page
from benchsuite.reporting.page import MadeReport, columns, searches, sections
from benchsuite.reporting.page.snippets import SNIPPETS
from benchsuite.space.cell import EDGES, N_CELLS, OPS, Cell
from benchsuite.table.columns import Column, accuracy_column
from benchsuite.table.table import Table, Values

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&<!-- \u2028 {{ 7*7 }}"

ANSWERING = """
from dataclasses import dataclass
from benchsuite.api import Strategy

@dataclass(frozen=True)
class Parameters:
    pass

def run(search, rng, parameters):
    search.answer([15624 if rng.random() < 0.6 else 0])

STRATEGY = Strategy(version=1, source="these tests", run=run, parameters=Parameters)
"""
FEW = """
schema = 1
name = "few"
traces = true
[defaults]
seeds = 2
budget = { queries = 10 }
[[searches]]
strategy = "heavy"
bounds = { "cifar10.flops" = 2e7 }
[[searches]]
strategy = "munas_pruned"
parameters = { population = 5, sample = 2, rounds = 5 }
skeleton = { cells_per_stage = 1 }
bounds = { "skeleton.macs" = 1e7 }
"""


@pytest.fixture(scope="module")
def table(shipped_table):
    return shipped_table


@pytest.fixture(scope="module")
def made(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    path = small_page(folder, table)
    return SimpleNamespace(path=path, html=path.read_text("utf-8"), folder=folder)


@pytest.fixture(scope="module")
def parts(made):
    return Parts(made.html)


def test_two_pages_have_the_same_bytes(made, table, tmp_path):
    assert small_page(tmp_path, table).read_bytes() == made.path.read_bytes()


def test_it_is_small_and_asks_for_nothing(made, parts):
    assert made.path.stat().st_size < 5_200_000  # two reports; of 10 MB with all
    assert not [tag for tag, _ in parts.tags if tag in ("iframe", "object", "embed", "base")]
    assert [a for tag, a in parts.tags if tag == "link"] == [{"rel": "icon", "href": "data:,"}]
    assert all(address.startswith("data:") for address in parts.attributes("src"))
    style = parts.scripts["style"]
    assert "url(" not in style
    assert "@import" not in style
    policy = next(a["content"] for _, a in parts.tags if a.get("http-equiv"))
    assert "default-src 'none'" in policy
    digest = hashlib.sha256(parts.scripts["code"].encode()).digest()
    assert f"'sha256-{base64.b64encode(digest).decode()}'" in policy
    assert not re.search(r"fetch\(|XMLHttpRequest|import\(|innerHTML|eval\(", parts.scripts["code"])


def test_links_lead_to_files_and_anchors_that_exist(made, parts):
    ids = parts.attributes("id")
    assert len(ids) == len(set(ids))
    for address in parts.attributes("href"):
        if address.startswith("#") and "=" not in address:
            assert address[1:] in ids
        elif not address.startswith(("#", "data:")) and address != "table.parquet":
            assert (made.folder / address).is_file()
    for name in ("for", "aria-labelledby", "aria-describedby"):
        assert set(parts.attributes(name)) <= set(ids)


def test_every_control_has_a_name_and_every_figure_a_text(parts):
    labelled = set(parts.attributes("for"))
    for tag, attributes in parts.tags:
        if tag in ("select", "input") and attributes.get("type") != "checkbox":
            assert attributes["id"] in labelled
        if tag == "img":
            assert attributes["alt"] == "MONAS Table 10: what it answers"
            drawn = zlib.decompress(base64.b64decode(attributes["data-packed"]))
            assert b"<svg" in drawn or drawn.startswith(b"\x89PNG")


def test_the_best_of_a_part_is_linked_with_its_part_and_runtime(table, parts):
    links = [a for a in parts.attributes("href") if a.startswith("#x=latency.")]
    assert len(links) > 10
    for link in links:
        said = dict(pair.split("=") for pair in link[1:].split("&"))
        # The explorer draws cells that fit, or by a filter all from a value on.
        name, least, most = said["where"].split(",") if "where" in said else (said["fits"], 1, "")
        assert not most
        assert table.values(name)[int(said["cell"])] >= float(least)
        assert said["x"].removeprefix("latency.") == name.removeprefix("fits.")
        assert "monas2024" not in said["x"]  # a published table of latencies, no runtime


def test_the_best_of_a_part_is_rounded_as_in_tables(tmp_path, table):
    """A mean of 87.075 that float64 holds a little lower is 87.08 there."""
    summary = page.summary.summarise(table, [])
    (first, *_) = summary.fits
    lower = dataclasses.replace(first, best=(87.07499999999999, 6918))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            page.summary, "summarise", lambda *_: dataclasses.replace(summary, fits=[lower])
        )
        text = page.render(table, [])
    assert '<td class="n">87.08</td>' in text


def test_truths_are_told_in_words(table, parts):
    told = {truth["column"]: truth["text"] for truth in parts.data()["truths"]}
    assert "ESTIMATED" in told[table.resolve("cifar10.test.200ep.mean")]
    assert set(told) <= {column["name"] for column in parts.data()["columns"]}


def test_sections_come_by_paper_and_number_and_tell_what_is_missing(parts):
    anchors = [a["id"] for _, a in parts.tags if a.get("id", "").startswith(("group-", "report-"))]
    heads = [anchor for anchor in anchors if not anchor.endswith("-head")]
    assert heads == [
        "group-monas",
        "report-lost",
        "report-drawn",
        "group-ours",
        "report-taus",
    ]
    said = "".join(parts.texts)
    assert "Not made: There is no column." in said
    assert "A note." in said
    assert said.index("better") < said.index("worse")


def test_estimates_are_said_first(table, parts):
    said = "".join(parts.texts)
    assert said.index("Which accuracies are measured:") < said.index("x axis")
    assert table.provenance["accuracy"] in said
    assert said.count(table.provenance_line) >= 4


def test_measured_accuracies_carry_no_warning(tmp_path):
    column = accuracy_column("cifar10", "test", 200, "mean", "nb201-v1_1", "a test")
    measured = Table.empty().with_columns([Values(column, np.arange(N_CELLS) / N_CELLS)])
    said = page.render(measured, [])
    assert "Which accuracies are measured" not in said
    assert "accuracies are estimates" not in said


def test_columns_unpack_to_the_table(table, parts):
    data, packed = parts.data(), inflated(parts)
    by_name = {column["name"]: column for column in data["columns"]}
    assert not data["left_out"]
    scale = {"s": 1e3, "J": 1e3, "bytes": 1 / 1024, "FLOPs": 1e-6, "MACs": 1e-6, "parameters": 1e-3}
    checked = 0
    for name, column in table.columns.items():
        if column.kind in ("accuracy", "proxy", "device", "cost"):
            if column.epochs is not None and column.aggregation != "mean":
                assert name not in by_name  # one seed of several
                continue
            if "analog_" in name and column.epochs is None:
                assert name not in by_name  # noisy, or drifted
                continue
            plain = column.unit == "s" and column.kind != "device"
            wanted = table.values(name) * (1 if plain else scale.get(column.unit, 1))
            np.testing.assert_allclose(
                unpacked(by_name[name], data["codes"], packed), wanted, rtol=1e-6
            )
            checked += 1
    assert checked > 100
    digits = array_at(data["cells"], packed)
    places = [5**place for place in (5, 4, 3, 2, 1, 0)]
    assert Cell(tuple(int(digits[6111]) // place % 5 for place in places)).index == 6111
    assert (tuple(data["ops"]), tuple(map(tuple, data["edges"]))) == (OPS, EDGES)


@pytest.mark.nb201
def test_public_files_push_out_only_what_others_measured_and_parts_on_other_data_sets(
    raw, assembled
):
    table = assembled
    assert not table.estimated
    for column in (table.columns[name] for name in columns.pack(table)["left_out"]):
        other = column.kind == "device" and column.dataset != "cifar10"
        assert other or column.kind == "reference" or column.name.startswith("cifar10.robust.")


@pytest.mark.parametrize("distinct", [1, 2, 256, 257, 9000, N_CELLS])
def test_packing_keeps_every_value_and_what_is_missing(distinct):
    values = np.arange(N_CELLS) % distinct + 2.0**24
    values[7] = np.nan
    np.testing.assert_array_equal(through_a_stream(values), values)


def test_packing_makes_no_two_values_one():
    assert len(np.unique(through_a_stream(1 + np.arange(N_CELLS) % 3 * 1e-12))) == 3


@pytest.mark.parametrize("value", [1e40, -1e40, 1e-50, 1.2345678e-42])
def test_packing_keeps_what_32_bits_do_not_hold(value):
    values = np.tile([value, 0.5, np.nan], 100)
    assert through_a_stream(values) == pytest.approx(values, rel=1e-6, abs=0, nan_ok=True)


def through_a_stream(values):
    stream = columns.Stream()
    packed = columns._pack(values, stream)
    return unpacked(packed, stream.coded, zlib.decompress(base64.b64decode(stream.text())))


def test_columns_that_do_not_fit_are_named(table, monkeypatch):
    monkeypatch.setattr(columns, "BUDGET", 300_000)
    packed = columns.pack(table)
    assert packed["columns"]
    assert packed["left_out"]
    assert len(packed["packed"]) <= 300_000 + 8
    stream = zlib.decompress(base64.b64decode(packed["packed"]))
    for column in packed["columns"]:
        assert len(unpacked(column, packed["codes"], stream)) == N_CELLS


def hostile_column(kind, name=HOSTILE):
    return Column(name, HOSTILE, HOSTILE, "max", HOSTILE, HOSTILE, kind)


def test_hostile_names_stay_text(tmp_path):
    accuracy = accuracy_column("cifar10", "test", 200, "mean", "nb201-v1_1", HOSTILE)
    fits = hostile_column("device", f"fits.{HOSTILE.replace('.', '')}.r.cifar10.official")
    table = Table.empty({"accuracy": HOSTILE}).with_columns(
        [
            Values(accuracy, np.linspace(10, 94, N_CELLS)),
            Values(hostile_column("proxy"), np.arange(N_CELLS)),
            Values(fits, np.arange(N_CELLS) % 2),
        ]
    )
    result = Result({"t": pd.DataFrame({HOSTILE: [HOSTILE]})}, notes=(HOSTILE,))
    listed = [
        MadeReport(HOSTILE, HOSTILE, HOSTILE, "Ours", result),
        MadeReport("lost", HOSTILE, HOSTILE, "UDC", reason=HOSTILE),
    ]
    html = page.render(table, listed, notes=[HOSTILE])
    parts = Parts(html)
    assert set(parts.scripts) == {"style", "data", "packed", "searches-data", "code"}
    assert not parts.attributes("onerror")
    assert not [attrs for tag, attrs in parts.tags if tag == "img"]
    assert "49" not in re.findall(r"\{\{ (.*?) \}\}", html)
    assert any(column["name"] == HOSTILE for column in parts.data()["columns"])
    assert HOSTILE in parts.texts
    assert "<" not in parts.scripts["data"]


def test_long_tables_are_cut_and_say_so(table, tmp_path):
    result = Result({"t": pd.DataFrame({"n": np.arange(1000)})})
    said = "".join(Parts(page.render(table, [MadeReport("a", "A", "b", "Ours", result)])).texts)
    assert f"The first {sections.ROWS} of 1,000 rows" in said


def test_traces_hold_the_incumbents(made, parts):
    (studied,) = parts.data("searches-data")
    *queried, free = studied["searches"]
    assert [search["label"] for search in queried] == ["rea", "random"]
    assert not any(seed["cells"] for seed in free["seeds"])
    assert len(free["answers"]) == 3
    for search in queried:
        assert search["answers"] == []
        assert len(search["seeds"]) == 3
        for seed in search["seeds"]:
            assert seed["seconds"] == sorted(seed["seconds"])
            assert len(seed["seconds"]) == len(seed["looks"]) == len(seed["cells"])
            assert seed["end"][0] >= seed["seconds"][-1]
            assert all(0 <= cell < N_CELLS for cell in seed["cells"])
        for path, seed in zip(search["paths"], search["seeds"], strict=True):
            assert set(seed["cells"]) <= set(path["cells"])


def test_what_a_search_answers_on_the_page_is_what_counts_of_it(tmp_path):
    """Picks that break a bound are left out, and compressed ones are no cells of the table."""
    plugin = tmp_path / "search" / "heavy.py"
    plugin.parent.mkdir()
    plugin.write_text(ANSWERING)
    file = tmp_path / "few.toml"
    file.write_text(FEW)
    done = outcomes.run(
        study.load(file), search_tables.table(), tmp_path / "few", plugin_folders=[tmp_path]
    )
    heavy, pruned = searches.pack({"few": done})[0]["searches"]
    picks = [cells[0] for cells in done.fronts["heavy"]]
    assert picks == [0, 15624]
    assert [heavy["answers"], heavy["compressed"]] == [[0], False]
    assert pruned["compressed"]


def test_a_study_without_traces_has_no_curves():
    assert searches.pack({}) == []


@pytest.mark.parametrize("name", SNIPPETS)
def test_snippets_are_code(name, monkeypatch):
    cell = Cell.from_index(6111)
    text = SNIPPETS[name].replace("{index}", "6111").replace("{arch}", cell.arch)
    if name == "Shell":
        assert text.startswith("benchsuite cell 6111\n")
        return
    ast.parse(text)
    if name in ("Python", "PyTorch"):
        scope = {}
        exec(text, scope)
        assert name == "Python" or scope["logits"].shape == (2, 10)


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("nats_bench", {"query_index_by_arch", "get_more_info"}),
        ("nas_201_api", {"query_index_by_arch", "get_more_info", "get_net_config"}),
    ],
)
def test_snippets_call_what_the_authors_code_has(module, names):
    package = pytest.importorskip(module)
    api = package.NASBench201API if module == "nas_201_api" else package.api_topology.NATStopology
    assert names <= set(dir(api))
    text = SNIPPETS["nas_201_api" if module == "nas_201_api" else "NATS-Bench"]
    assert names == set(re.findall(r"api\.(\w+)\(", text))


@pytest.mark.parametrize(("tau", "marks"), [(0.5, 1), (np.nan, 0)])
def test_a_tau_that_is_missing_has_no_mark(tau, marks):
    """Without a place a mark would stand at the low end, as if it were the worst."""
    rows = {"proxy": "mine@1", "dataset": ["cifar10", "cifar100"], "tau": [tau, np.nan]}
    ranking = pd.DataFrame(rows).assign(lo=np.nan, hi=np.nan)
    report = MadeReport("taus", "Proxies", "asks", result=Result(ranking=ranking))
    html = page.render(search_tables.table(), [report])
    (strip,) = re.findall(r'<td class="strip">(<svg viewBox="0 0 200 24".*?)</td>', html)
    assert strip.count("transform") == marks
    assert "nan" not in strip


def test_no_report_with_a_ranking_no_ranking(table, tmp_path):
    others = [entry for entry in entries(tmp_path) if entry.name != "taus"]
    html = page.render(table, others, folder=tmp_path)
    assert "Which proxies rank" not in html
    assert "How many cells fit each part" in html


def test_the_terminal_says_of_the_ranking_what_the_page_does(table, made, tmp_path, capsys):
    run._print(table, entries(tmp_path))
    said = "; the cells with an input-output path that have a score; the "
    assert said in " ".join(capsys.readouterr().out.split())
    assert said in made.html


@pytest.mark.parametrize(
    ("value", "text", "key"),
    [
        (93.48, "93.48", ""),
        (93.481234, "93.48", "93.4812"),
        (1234.0, "1,234", ""),
        (float("nan"), "-", ""),
        (3, "3", ""),
        (0.5, "50 %", "0.5"),
    ],
)
def test_a_cell_says_the_number_it_is_sorted_by_where_its_text_does_not(value, text, key):
    assert sections._key(value, text) == key
