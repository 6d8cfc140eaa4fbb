"""Cells: every encoding of every cell goes there and back and agrees with the authors' code."""

import bz2
import dataclasses
import itertools
import pickle

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchsuite.errors import UserError
from benchsuite.space.cell import (
    EDGES,
    ENCODINGS,
    N_CELLS,
    NONE,
    Cell,
    all_archs,
    all_ops,
    index_of,
    live_edges,
    prune,
)
from benchsuite.space.spellings import cell_of

EVERY_CELL = [Cell(tuple(ops)) for ops in all_ops().tolist()]
cells = st.integers(0, N_CELLS - 1).map(Cell.from_index)


def test_every_index_is_a_different_cell():
    assert len(set(EVERY_CELL)) == N_CELLS == 15_625


@pytest.mark.parametrize("end", [(), (0, 0), (-1,), (5,), (6,)])
def test_operators_that_are_no_cell_are_refused(end):
    ops = (0,) * 5 + end
    with pytest.raises(UserError, match=r"six operator codes from 0 to 4.*0->1, 0->2, 1->2, 0->3"):
        Cell(ops)
    with pytest.raises(UserError, match=r"is not a cell in 'naslib': six codes"):
        Cell.decode(ops, "naslib")


def test_a_cell_is_a_value_that_is_ordered_and_cannot_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Cell.from_index(0).ops = (0,) * 6
    with pytest.raises(dataclasses.FrozenInstanceError):
        ENCODINGS["naslib"].ops = ()
    assert sorted(EVERY_CELL) == [Cell(ops) for ops in itertools.product(range(5), repeat=6)]


@pytest.mark.parametrize("index", [0, 6111, N_CELLS - 1])
def test_operators_of_any_sequence_are_the_same_cell(index):
    same = Cell.from_index(index)
    for ops in (all_ops()[index], all_ops()[index].tolist(), tuple(all_ops()[index])):
        assert Cell(ops) == same
        assert len({Cell(ops), same}) == 1
        assert repr(Cell(ops)) == repr(same)


def test_what_every_caller_shares_is_made_once_and_cannot_be_overwritten():
    assert all_ops() is all_ops()
    assert all_archs() is all_archs()
    assert all_ops().dtype == np.uint8
    with pytest.raises(ValueError, match="read-only"):
        all_ops()[0, 0] = 1


def test_known_indices():
    assert Cell.from_index(6111).arch == (
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|"
        "+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"
    )
    assert Cell.from_index(9930).arch == (
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|"
        "+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
    )


def test_index_and_operators_round_trip():
    np.testing.assert_array_equal(index_of(all_ops()), np.arange(N_CELLS))
    assert [EVERY_CELL[i].index for i in range(0, N_CELLS, 97)] == list(range(0, N_CELLS, 97))


def test_architecture_strings_round_trip():
    assert [Cell.from_arch(arch) for arch in all_archs()] == EVERY_CELL


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encodings_round_trip(encoding):
    codes = [cell.encode(encoding) for cell in EVERY_CELL]
    assert len(set(codes)) == N_CELLS
    assert [Cell.decode(code, encoding) for code in codes] == EVERY_CELL


def test_naslib_lists_edges_by_source():
    cell = Cell.from_index(3)
    assert cell.arch == "|avg_pool_3x3~0|+|skip_connect~0|none~1|+|none~0|none~1|skip_connect~2|"
    assert cell.encode("naslib") == (4, 0, 1, 1, 1, 0)
    assert cell.encode("hpo") == (4, 1, 0, 0, 0, 1)


def test_strings_are_those_of_the_authors_package():
    genotypes = pytest.importorskip("nats_bench.genotype_utils")
    for arch in all_archs():
        assert genotypes.TopologyStructure.str2structure(arch).tostr() == arch


@pytest.mark.nb201
def test_order_is_that_of_the_official_meta_file(raw):
    path = raw / "D-X-Y/NATS-Bench/fake_torch_dir/NATS-tss-v1_0-3ffb9-simple/meta.pickle.pbz2"
    assert tuple(pickle.loads(bz2.decompress(path.read_bytes()))["meta_archs"]) == all_archs()


def test_neighbours():
    for cell in EVERY_CELL[::25]:
        near = list(cell.neighbours())
        assert len(set(near)) == 24
        assert all(
            sum(a != b for a, b in zip(cell.ops, other.ops, strict=True)) == 1 for other in near
        )


@given(cells, cells)
def test_neighbourhood_is_symmetric(one, other):
    assert (other in set(one.neighbours())) == (one in set(other.neighbours()))


def paths(ops):
    """Every input-output path without `none`, found by walking the graph: the plain definition."""
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(4))
    for edge, (source, target) in enumerate(EDGES):
        if ops[edge] != NONE:
            graph.add_edge(source, target, edge)
    return [{edge for _, _, edge in path} for path in nx.all_simple_edge_paths(graph, 0, 3)]


def test_live_edges_are_the_union_of_paths():
    patterns = np.array(list(itertools.product((0, 1), repeat=6)))
    for ops, live in zip(patterns, live_edges(patterns), strict=True):
        assert set(np.flatnonzero(live)) == set().union(*paths(ops))


def test_pruning_is_idempotent_and_keeps_live_operators():
    once = prune(all_ops())
    np.testing.assert_array_equal(prune(once), once)
    live = live_edges(all_ops())
    np.testing.assert_array_equal(once[live], all_ops()[live])
    assert not once[~live].any()


def test_parse_takes_what_people_type():
    cell = Cell.from_index(6111)
    for text in ("6111", " 6111 ", cell.arch, "hpo:333132", "naslib:2,2,0,2,2,3"):
        assert cell_of(text) == cell


FOURTH_NODE = "+|none~0|none~1|none~2|none~3|"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("15625", "0 to 15624"),
        ("15626", "0 to 15624"),
        ("-1", "0 to 15624"),
        ("", "index"),
        ("best", "index"),
        ("naslb:0,0,0,0,0,0", "naslib"),
        ("naslib:0,0,0,0,0", "six"),
        ("naslib:0,0,0,0,0,5", "0 to 4"),
        ("|nor_conv_5x5~0|+|none~0|none~1|+|none~0|none~1|none~2|", "nor_conv_3x3"),
        ("|pool~0|+|none~0|none~1|+|none~0|none~1|none~2|", "'pool';.* Did you mean avg_pool"),
        ("|none~0|+|none~1|none~0|+|none~0|none~1|none~2|", "'none~1' in .* with source ~0"),
        ("|none~0|+|none~0|none~0|+|none~0|none~1|none~2|", "'none~0' in .* with source ~1"),
        ("|none~0|+|none~0|none|+|none~0|none~1|none~2|", "'none' in .* with source ~1"),
        ("|none~0|none~1|+|none~0|none~1|+|none~0|none~1|none~2|", "three nodes"),
        ("|none~0|+|none~0|+|none~0|none~1|none~2|", "three nodes"),
        ("|none~0|+|none~0|none~1|", "three nodes"),
        ("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|+|none~0|", "three nodes"),
        ("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|" + FOURTH_NODE, "three nodes"),
    ],
)
def test_what_is_no_cell_is_refused_with_a_hint(text, hint):
    with pytest.raises(UserError, match=hint.replace("|", r"\|")):
        cell_of(text)


@given(st.text(max_size=60))
def test_any_text_is_a_cell_or_a_sentence(text):
    try:
        answer = cell_of(text)
    except UserError as error:
        answer = str(error)
    assert answer in EVERY_CELL if isinstance(answer, Cell) else answer.endswith((".", "?"))


NAMED = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
MISREAD = [
    *("naslib:12,3,4,0,1", "naslib:-1,2,2,0,2,3", "naslib:1,2,3,4,0,1,2", "hpo:3331320", "hpo:"),
    *("hpo:33313", "hpo:333135", "hpo:3.3.3.1.3.2", "hpo:3,33132", "hpo:3e3132", "hpo:0x33132"),
    *("official:3,3,3,1,3,2,", "official:,3,3,3,1,3,2", "official:3,,3,3,1,3,2", "hpo:33_3132"),
    *("naslib:1.9,2,2,0,2,3", "naslib:+1,2,2,0,2,3", "naslib:01,2,2,0,2,3", "naslib:a1b2c2d0e2f3"),
    *("hpo:\uff13\uff13\uff13\uff11\uff13\uff12", "hpo:\u0663\u0663\u0663\u0661\u0663\u0662"),
    *("+5", "-0", "1_000", "0x10", "6111.0", "06111", "013215", "1e3", "\u0661", "\u00b2", "6 111"),
    *("9" * 5_000, "-" + "9" * 5_000, "hpo:" + "3" * 5_000, "|" * 5_000),
    *(f"|{NAMED}", f"{NAMED}|", f"{NAMED}+", f"+{NAMED}", NAMED[1:], NAMED[:-1], f"{NAMED}{NAMED}"),
    *(NAMED.replace("~0", "~00"), NAMED.replace("~0", "~\uff10"), NAMED.replace("~0", "~ 0")),
    *(NAMED.replace("none", "NONE"), NAMED.replace("none", " none"), NAMED.replace("+", "++")),
]


@pytest.mark.parametrize("text", MISREAD, ids=lambda text: ascii(text[:30]))
def test_what_only_looks_like_a_cell_is_refused(text):
    with pytest.raises(UserError) as refused:
        cell_of(text)
    assert len(str(refused.value)) < 500 or text.startswith("|")


def test_six_codes_are_read_with_the_separators_that_files_use():
    for codes in ("333132", "3,3,3,1,3,2", "3, 3, 3, 1, 3, 2", "3 3 3 1 3 2", "(3, 3, 3, 1, 3, 2)"):
        assert cell_of(f"hpo:{codes}").index == 6111


@pytest.mark.parametrize("values", [[1.0] * 6, ["1"] * 6, [True] * 6, [float("nan")] * 6])
def test_codes_are_whole_numbers(values):
    for make in (lambda: Cell(tuple(values)), lambda: Cell.decode(values, "official")):
        with pytest.raises(UserError, match="six"):
            make()


@pytest.mark.parametrize("given", [6111, None, 1.5, np.array(3), {"a": 1}, object(), b"|none~0|"])
def test_what_is_of_another_type_is_refused_with_a_sentence(given):
    for make in (Cell, Cell.from_arch, lambda ops: Cell.decode(ops, "hpo")):
        with pytest.raises(UserError, match="is not a"):
            make(given)
    with pytest.raises(UserError, match="There is no encoding"):
        Cell.from_index(0).encode(given)


@pytest.mark.parametrize("index", [1.9, 1.0, "1", True, None, float("nan")])
def test_an_index_is_a_whole_number(index):
    with pytest.raises(UserError, match="no cell"):
        Cell.from_index(index)
    assert Cell.from_index(np.int32(1)) == Cell.from_index(1)


@pytest.mark.parametrize(
    "ops", [[[0, 0, 0, 0, 0, -1]], [[0, 0, 0, 0, 0, 5]], [[0.5] * 6], [[0] * 5], [0] * 6]
)
def test_operator_codes_of_no_cell_have_no_index(ops):
    with pytest.raises(UserError, match=r"codes|whole numbers"):
        index_of(np.array(ops))
