"""Cells as other code writes them: all 15,625 go there and back, and what is none is a sentence."""

from collections import namedtuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchsuite.errors import UserError
from benchsuite.space.cell import EDGES, OPS, Cell, all_archs, all_ops
from benchsuite.space.spellings import cell_of, transnas

EVERY_CELL = [Cell(tuple(ops)) for ops in all_ops().tolist()]
Genotype = namedtuple("Genotype", "normal normal_concat reduce reduce_concat")


class Structure:
    """As `CellStructure` of AutoDL-Projects."""

    def __init__(self, arch):
        self.arch = arch

    def tostr(self):
        return self.arch


def matrix(cell):
    made = np.zeros((4, 4))
    for (source, target), op in zip(EDGES, cell.ops, strict=True):
        made[target, source] = op
    return made


def pairs(cell):
    return [(OPS[op], source) for (source, _), op in zip(EDGES, cell.ops, strict=True)]


def nodes(cell):
    flat = pairs(cell)
    return [tuple(flat[:1]), tuple(flat[1:3]), tuple(flat[3:])]


WRITTEN = {
    "naslib": lambda cell: cell.encode("naslib"),
    "naslib array": lambda cell: np.array(cell.encode("naslib")),
    "naslib text": lambda cell: str(cell.encode("naslib")),
    "digits": lambda cell: "".join(map(str, cell.ops)),
    "matrix": matrix,
    "matrix text": lambda cell: str(matrix(cell).astype(int).tolist()),
    "pairs": pairs,
    "nodes": nodes,
    "nodes text": lambda cell: str(nodes(cell)),
    "darts": lambda cell: Genotype(pairs(cell), range(4), [], []),
    "structure": lambda cell: Structure(cell.arch),
    "architecture": lambda cell: cell.arch,
    "index": lambda cell: np.int64(cell.index),
}


@pytest.mark.parametrize("write", WRITTEN.values(), ids=WRITTEN)
def test_every_cell_goes_there_and_back(write):
    step = 1 if write(EVERY_CELL[0]).__class__ is not str else 5
    for cell in EVERY_CELL[::step]:
        assert cell_of(write(cell)) == cell


def test_transnas_has_every_cell_without_pooling():
    found = 0
    for cell in EVERY_CELL:
        if OPS.index("avg_pool_3x3") in cell.ops:
            with pytest.raises(UserError, match="no pooling"):
                transnas(cell)
        else:
            found += 1
            assert cell_of(transnas(cell)) == cell_of(transnas(cell)[9:]) == cell
    assert found == 4**6
    example = (
        "|skip_connect~0|+|none~0|nor_conv_1x1~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"
    )
    assert cell_of("64-41414-1_02_333").arch == example


def test_the_authors_conversions_are_read():
    package = pytest.importorskip("nats_bench", reason="nats_bench is not installed")
    genotypes = pytest.importorskip("nats_bench.genotype_utils")
    for index in range(0, 15_625, 25):
        arch = all_archs()[index]
        assert cell_of(package.NATStopology.str2matrix(arch)).index == index
        assert cell_of(package.NATStopology.str2lists(arch)).index == index
        assert cell_of(genotypes.topology_str2structure(arch)).index == index


def test_an_edge_that_a_genotype_does_not_list_is_none():
    listed = [[("nor_conv_3x3", 0)], [("skip_connect", 1)], [("avg_pool_3x3", 0)]]
    assert cell_of(listed).ops == (3, 0, 1, 4, 0, 0)


GOOD = nodes(EVERY_CELL[0])
BAD = [
    ((2, 2, 0, 2, 2), "six codes 0 to 4"),
    ((2, 2, 0, 2, 2, 5), "six codes 0 to 4"),
    ((2, 2, 0, 2, 2, 1.5), "whole numbers"),
    ((2, 2, 0, 2, 2, True), "whole numbers"),
    ((2, 2, 0, 2, 2, None), "whole numbers"),
    ([], "six codes"),
    ("(2, 2, 0, 2, 2)", "six codes 0 to 4"),
    ("(2, 2, 0", "cannot be read"),
    ("[" * 900, "cannot be read"),
    ("[" * 5_000, "cell: give"),
    ("(open('x'),)", "cannot be read"),
    ("333135", "0 to 4"),
    ("64-41414-1_02_334", "whose operators are 0 none"),
    ("64-41414-1_02_33", "as in 64-41414-1_02_333"),
    ("64-1234-basic", "is no cell"),
    (np.eye(4), "below the diagonal"),
    (np.full((4, 4), np.nan), "whole numbers"),
    (np.tril(np.full((4, 4), 7), -1), "operators are 0 to 4"),
    (np.zeros((3, 3)), "three nodes|pair"),
    (np.zeros((4, 4, 4)), "no operator"),
    (GOOD[:2], "three nodes"),
    ([*GOOD, GOOD[0]], "three nodes"),
    ([GOOD[0], GOOD[0], GOOD[2] + GOOD[0]], "each of the nodes 0 to 2 once"),
    ([(("skip_connect", 1),), *GOOD[1:]], "each of the nodes 0 to 0 once"),
    ([(("skipconnect", 0),), *GOOD[1:]], "no operator 'skipconnect'.*skip_connect"),
    ([(("none", "0"),), *GOOD[1:]], "not a pair"),
    ([("none", 0)] * 6, "sources 0, 0, 1, 0, 1, 2"),
    ([("sep_conv_3x3", s) for s, _ in EDGES], "no operator 'sep_conv_3x3'"),
    (Genotype(pairs(EVERY_CELL[0]), [], pairs(EVERY_CELL[1]), []), "no 'reduce'"),
    (Genotype(None, [], [], []), "no list of pairs"),
    (Structure("none"), "three nodes"),
    ({"a": 1}, "is no cell"),
    (None, "is no cell"),
    (True, "is no cell"),
    (2.5, "is no cell"),
]


@pytest.mark.parametrize(("given", "said"), BAD)
def test_what_is_no_cell_is_a_sentence(given, said):
    with pytest.raises(UserError, match=said) as refused:
        cell_of(given)
    assert len(str(refused.value)) < 500


def test_torchs_tensors_are_arrays():
    torch = pytest.importorskip("torch")
    assert cell_of(torch.tensor(EVERY_CELL[7].encode("naslib"))) == EVERY_CELL[7]


leaves = st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.sampled_from([*OPS, "x"])
anything = st.recursive(leaves, lambda inner: st.lists(inner, max_size=6) | st.tuples(inner, inner))


@given(anything)
def test_whatever_is_given_is_a_cell_or_a_sentence(thing):
    for given_ in (thing, str(thing)):
        try:
            answer = cell_of(given_)
        except UserError as error:
            answer = str(error)
        assert isinstance(answer, Cell) or answer.endswith((".", "?"))


def test_a_text_of_thousands_of_characters_is_told_short():
    with pytest.raises(UserError, match=r"\(\(\(.*\.\.\. \(5,000 characters\)' is no cell"):
        cell_of("(" * 5000)
