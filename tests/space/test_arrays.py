"""Numbers from outside: labels and masks count, and what is no number is refused."""

import itertools
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchsuite import stats
from benchsuite.assembly.assemble import analytic_proxies
from benchsuite.errors import UserError
from benchsuite.space.arrays import in_one_order, numbers, of_cells
from benchsuite.space.cell import N_CELLS, all_archs
from benchsuite.table.columns import Column
from benchsuite.table.table import Table, Values

N = 12
DRAW = np.random.default_rng(7)
X, Y, Z = DRAW.normal(size=(3, N)).round(1)
ORDER = DRAW.permutation(N)
RNG = np.random.default_rng


def shuffled(values, order=ORDER, labels=None):
    return pd.Series(values, index=labels)[lambda s: s.index[order]]


STATISTICS = {
    "kendall": lambda x, y, _: stats.kendall(x, y),
    "weighted_kendall": lambda x, y, _: stats.weighted_kendall(x, y),
    "spearman": lambda x, y, _: stats.spearman(x, y),
    "top_k_kendall": lambda x, y, _: stats.top_k_kendall(x, y, 6),
    "partial_kendall": lambda x, y, z: stats.partial_kendall(x, y, z),
    "bootstrap": lambda x, y, _: stats.bootstrap(stats.kendall, x, y, RNG(0), resamples=9).samples,
    "kendall_bootstrap": lambda x, y, z: (
        stats.kendall_bootstrap([x, z], [y], RNG(0), resamples=9).samples
    ),
    "paired_kendall_test": lambda x, y, z: stats.paired_kendall_test(
        x, z, y, RNG(0), groups=y, resamples=200
    ),
}
each = pytest.mark.parametrize("statistic", STATISTICS.values(), ids=STATISTICS)


def same(one, other):
    if isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, other)
    else:
        assert str(one) == str(other)


def test_the_example():
    x, y = pd.Series([3, 1, 2], index=[2, 0, 1]), pd.Series([1, 2, 3], index=[0, 1, 2])
    assert stats.kendall(x, y).value == 1
    assert stats.kendall(x, np.array([1, 2, 3])).value == 1
    assert stats.kendall([1, 2, 3], x).value == 1


@each
def test_cells_in_another_order_are_the_same_cells(statistic):
    right = statistic(X, Y, Z)
    for shuffles in itertools.product([False, True], repeat=3):
        given_as = (shuffled(v) if s else v for v, s in zip((X, Y, Z), shuffles, strict=True))
        same(statistic(*given_as), right)


@each
def test_labels_of_ones_own_are_matched_if_all_have_them(statistic):
    labels = list("abcdefghijkl")
    x, y, z = (pd.Series(values, index=labels) for values in (X, Y, Z))
    same(statistic(x, y, z), statistic(X, Y, Z))
    same(statistic(x, y.sort_values(), z.sort_values()), statistic(X, Y, Z))


@each
def test_labels_that_do_not_match_are_refused(statistic):
    own = pd.Series(X, index=list("abcdefghijkl"))
    for x, y in (
        (own, Y),
        (own, pd.Series(Y)),
        (own, pd.Series(Y, index=list("abcdefghijkz"))),
        (pd.Series(X, index=[0] * N), pd.Series(Y, index=[1] * N)),
        (pd.Series(X, index=range(1, N + 1)), pd.Series(Y)),
        (pd.Series(X, index=np.arange(N) / 2), Y),
    ):
        with pytest.raises(UserError, match=r"labels of its own.*to_numpy"):
            statistic(x, y, Z)


def test_cells_chosen_from_one_table_stand_in_its_order():
    table = pd.DataFrame({"x": X, "y": Y})[lambda t: t.x > 0]
    right = stats.kendall(table.x.to_numpy(), table.y.to_numpy())
    assert stats.kendall(table.x, table.y) == right
    assert stats.kendall(table.x.sort_values(), table.y) == right
    doubled = pd.concat([table, table])
    assert stats.kendall(doubled.x, doubled.y).n == 2 * len(table)


AS_NUMBERS = {
    "list": list,
    "tuple": tuple,
    "object": lambda v: v.astype(object),
    "decimal": lambda v: [Decimal(str(x)) for x in v],
    "float32": lambda v: (10 * v).round().astype(np.float32),
    "int": lambda v: (10 * v).round().astype(int),
    "nullable": lambda v: pd.Series(v, dtype="Float64"),
    "nullable int": lambda v: pd.Series((10 * v).round().astype(int), dtype="Int64"),
    "arrow": lambda v: pd.Series(v, dtype="double[pyarrow]"),
    "unmasked": lambda v: np.ma.masked_invalid(v),
    "column of a frame": lambda v: pd.DataFrame({"a": v})["a"],
}


@pytest.mark.parametrize("kind", AS_NUMBERS)
def test_what_holds_numbers_is_read(kind):
    assert stats.kendall(AS_NUMBERS[kind](X), Y).value == stats.kendall(X, Y).value


def test_tensors_are_read_also_those_that_want_a_gradient():
    torch = pytest.importorskip("torch")
    for tensor in (torch.tensor(X), torch.tensor(X, requires_grad=True), torch.tensor(X[:, None])):
        wide = tensor.ndim == 2
        assert stats.kendall(tensor[:, 0] if wide else tensor, Y) == stats.kendall(X, Y)
    halves = torch.tensor([1.0, 2.0, 4.0], dtype=torch.bfloat16)
    assert stats.kendall(halves, [1, 2, 3]).value == 1
    both = stats.kendall_bootstrap([torch.tensor(X), Z], [Y], RNG(0), resamples=2)
    assert both.value[0, 0] == stats.kendall(X, Y).value
    with pytest.raises(UserError, match="complex"):
        stats.kendall(torch.tensor(X) * 1j, Y)


@pytest.mark.parametrize("big", [2**53 + 1, -(2**60), 2**70, 10**400])
@pytest.mark.parametrize("beside", [[], [None], [0.5, None]], ids=["alone", "missing", "float"])
def test_whole_numbers_that_float64_cannot_hold_are_refused_whatever_is_beside(big, beside):
    with pytest.raises(UserError, match=r"The score holds whole numbers above 2\^53"):
        numbers([big, *beside], "score")


@pytest.mark.parametrize("value", [Decimal("1e400"), Decimal("sNaN"), Fraction(10**400 + 1, 3)])
def test_other_numbers_that_float64_cannot_hold_are_refused(value):
    with pytest.raises(UserError, match="The score is not an array of numbers: it holds"):
        numbers([value, None], "score")
    assert np.isinf(
        numbers([Decimal("Infinity"), -np.inf, np.float32("inf"), None], "score")[:3]
    ).all()


MISSING = {
    "masked": lambda v, gone: np.ma.masked_array(v, gone),
    "masked int": lambda v, gone: np.ma.masked_array((v * 10).round().astype(int), gone),
    "None": lambda v, gone: [None if g else x for x, g in zip(v, gone, strict=True)],
    "NA": lambda v, gone: pd.Series(v, dtype="Float64").mask(gone),
    "masked in a list": lambda v, gone: [np.ma.masked_array(v, gone), v],
    "NA objects": lambda v, gone: [pd.NA if g else x for x, g in zip(v, gone, strict=True)],
}


@pytest.mark.parametrize("kind", MISSING)
def test_what_is_masked_is_missing(kind):
    gone = np.arange(N) % 3 == 0
    holed = MISSING[kind](X, gone)
    if kind == "masked in a list":
        found = stats.kendall_bootstrap(holed, [Y], RNG(0), resamples=2).value[0, 0]
    else:
        found = stats.kendall(holed, Y).value
        assert stats.kendall(holed, Y).n == (~gone).sum()
        assert not stats.top_k(holed, 12)[gone].any()
    assert found == stats.kendall(X[~gone], Y[~gone]).value


NO_NUMBERS = {
    "complex": X + 1j,
    "text": [str(x) for x in X],
    "text objects": np.array(["1"] * N, dtype=object),
    "mixed": [*X[:-1], "1"],
    "dates": np.array(["2020-01-01"] * N, dtype="datetime64[D]"),
    "times": np.arange(N).astype("timedelta64[s]"),
    "records": np.zeros(N, dtype=[("a", float)]),
    "bytes": b"123456789012",
    "a text": "123456789012",
    "a dict": dict(enumerate(X)),
    "a set": set(X),
    "a generator": (x for x in X),
    "None": None,
    "a number": 1.0,
    "lists": [[1.0], [1.0, 2.0]],
    "complex objects": np.array([1j] * N, dtype=object),
    "large": np.arange(N) + 2**60,
    "categories": pd.Series(list("ab") * 6, dtype="category"),
    "a frame": pd.DataFrame({"x": X}),
    "one column": X[:, None],
    "one row": X[None],
    "too long": [*X, 1.0],
}


@pytest.mark.parametrize("kind", NO_NUMBERS)
def test_what_is_no_row_of_numbers_is_refused(kind):
    with pytest.raises(UserError, match=r"\.$"):
        stats.kendall(NO_NUMBERS[kind], Y)
    with pytest.raises(UserError, match=r"\.$"):
        stats.kendall(Y, NO_NUMBERS[kind])


@pytest.mark.parametrize("kind", NO_NUMBERS)
def test_no_column_is_made_of_it(kind):
    given_values = NO_NUMBERS[kind]
    if isinstance(given_values, np.ndarray | list) and len(given_values) >= N:
        given_values = list(given_values) * 2000
    with pytest.raises(UserError, match=r"column 'x@1'"):
        of_cells(given_values, "column 'x@1'")


def test_frames_are_refused_by_functions_of_matrices():
    frame = pd.DataFrame({"a": X, "b": Y})
    with pytest.raises(UserError, match=r"DataFrame.*to_numpy"):
        stats.noise_ceiling(frame)
    with pytest.raises(UserError, match=r"DataFrame.*to_numpy"):
        stats.kendall_bootstrap(frame.T, [Y], RNG(0))
    masked = np.ma.masked_array(np.stack([X, Y], 1), mask=np.arange(2 * N).reshape(N, 2) < 4)
    assert stats.noise_ceiling(masked).headline.tau.n == N - 2


def test_groups_follow_their_labels():
    groups = np.arange(N) // 2
    right = stats.kendall_bootstrap([X], [Y], RNG(0), groups=groups, resamples=9).samples
    for rows in ([X], [shuffled(X)]):
        found = stats.kendall_bootstrap(
            rows, [Y], RNG(0), groups=shuffled(groups), resamples=9
        ).samples
        np.testing.assert_array_equal(found, right)


@given(st.permutations(range(20)))
def test_any_order_of_cells_is_undone(order):
    values = np.arange(20.0)
    (found,) = in_one_order({"x": shuffled(values, list(order))})
    np.testing.assert_array_equal(found, values)


CELLS = DRAW.permutation(N_CELLS)
COLUMN = Column("mine@1", "", "", "max", "me", "1", "proxy")


@pytest.mark.parametrize("labels", [None, all_archs()], ids=["indices", "architectures"])
def test_a_column_follows_its_labels(labels):
    values = np.arange(N_CELLS) * 1.0
    values[5] = np.nan
    reasons = shuffled(np.where(np.isnan(values), "none", ""), CELLS, labels)
    table = Table.empty().with_columns([Values(COLUMN, shuffled(values, CELLS, labels), reasons)])
    np.testing.assert_array_equal(table.values("mine"), values)
    assert table.reasons("mine") == {"none": 1}


def test_a_column_with_labels_that_are_no_cells_is_refused():
    values = np.arange(N_CELLS)
    for labels in (values + 1, values // 2, values * 1.0 + 0.5, [f"cell {i}" for i in values]):
        with pytest.raises(UserError, match="labels are not the cells"):
            of_cells(pd.Series(values, index=labels), "column")
    with pytest.raises(UserError, match="shape"):
        of_cells(pd.Series(values)[10:], "column")


@pytest.mark.parametrize("kind", [">f8", ">f4", ">i4", "<f4", "longdouble", "float16"])
def test_a_column_is_made_of_numbers_of_any_byte_order_and_width(kind):
    """As files of other machines hold them; pyarrow takes none of the first three."""
    about = Column("mine@1", "mine", "1", "max", "me", "1", "proxy")
    values = (np.arange(N_CELLS) % 1000).astype(kind)
    table = Table.empty().with_columns([Values(about, values)])
    np.testing.assert_array_equal(table["mine"], np.arange(N_CELLS) % 1000)


def test_masked_cells_of_a_column_are_missing():
    masked = np.ma.masked_less(np.arange(N_CELLS), 100)
    table = Table.empty().with_columns([Values(COLUMN, masked, "masked")])
    assert table.present("mine@1") == N_CELLS - 100
    assert of_cells(np.arange(N_CELLS, dtype=np.int32), "column").dtype == np.int32
    assert numbers([True, False], "x").dtype == bool


PLUGIN = '''"""FLOPs as somebody's notebook has them."""

import numpy as np
import pandas as pd

from benchsuite.api import Proxy
from benchsuite.space.cost import all_flops


def values(skeleton):
    flops = pd.Series(all_flops(skeleton)).sort_values()
    return {"": flops, "masked": np.ma.masked_less(all_flops(skeleton), 1e8)}


PROXY = Proxy(
    version=1, direction="max", formula="FLOPs", source="a test", cost="analytic",
    outputs={"": "FLOPs", "masked": "FLOPs"}, all_cells=values,
)
'''


def test_a_plug_ins_series_is_read_by_its_labels(tmp_path):
    from benchsuite.space.cost import all_flops
    from benchsuite.space.network import OFFICIAL

    (tmp_path / "proxies").mkdir()
    (tmp_path / "proxies" / "sorted_flops.py").write_text(PLUGIN)
    made = [v for v in analytic_proxies([tmp_path]) if v.column.name.startswith("sorted_flops")]
    table = Table.empty().with_columns(made)
    flops = all_flops(OFFICIAL["cifar10"])
    np.testing.assert_array_equal(table.values("sorted_flops"), flops)
    assert table.present("sorted_flops.masked@1") == (flops >= 1e8).sum()
