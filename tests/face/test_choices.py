"""The best cells within limits: against a plain search, the fits columns, and estimates."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import benchsuite as bs
from benchsuite.devices._footprint.needs import needs
from benchsuite.errors import UserError
from benchsuite.plugins import load
from benchsuite.ranking.truths import BEST, column_of
from benchsuite.table.columns import Column
from benchsuite.table.table import Values

PART = "stm32l432"


@pytest.fixture(scope="module")
def table():
    return bs.load()


def by_hand(table, runtime, skeleton, latency, ram):
    """Return the best cell in plain Python, from the columns and the estimate's definitions."""
    part = load("devices", PART)
    need = needs(table, PART, part, runtime, "cifar10", skeleton)
    accuracy = table.values(column_of(table, BEST, "cifar10"))
    found = {1.0: None, 0.5: None}
    for i in range(len(table)):
        if not (need.latency[i] <= latency and need.flash[i] <= part.flash):
            continue
        sure = 1.0 if need.ram_most[i] <= ram else 0.5 if need.ram_least[i] <= ram else None
        if sure is None:
            continue
        key = (-accuracy[i], need.latency[i], i)
        if found[sure] is None or key < found[sure]:
            found[sure] = key
    chosen = found[1.0] or found[0.5]
    return chosen and chosen[2]


@pytest.mark.parametrize("skeleton", ["official", "mcu"])
@pytest.mark.parametrize(("latency", "kib"), [(0.2, 48), (0.5, 64), (2, 40), (0.01, 8)])
def test_the_best_is_what_a_plain_search_finds(table, skeleton, latency, kib):
    found = bs.best(table, device=PART, skeleton=skeleton, latency=latency, ram=kib * 1024)
    assert found.runtimes == ("own", "tflm_cmsis_nn", "x_cube_ai")  # never a published table
    for runtime in found.runtimes:
        first = found.first(runtime)
        assert (first and first.index) == by_hand(table, runtime, skeleton, latency, kib * 1024)


@pytest.mark.parametrize("device", ["stm32l432", "stm32f746", "stm32u575", "stm32l4r5"])
def test_the_parts_memories_alone_give_the_column_of_what_fits(table, device):
    part = load("devices", device)
    for runtime in part.runtimes:
        within = needs(table, device, part, runtime, "cifar10", "mcu").within(
            np.inf, np.inf, part.sram, part.flash
        )
        fits = table[f"fits.{device}.{runtime}.cifar10.mcu"]
        path = np.isfinite(table[f"latency.{device}.{runtime}.cifar10.mcu"])
        assert (within[path] == fits[path]).all()


def test_numbers_are_those_of_an_estimate(table):
    for one in bs.best(table, device="stm32l4r5", skeleton="mcu", energy=0.05, top=2).answers:
        same = bs.estimate(one.index, device="stm32l4r5", runtime=one.runtime, skeleton="mcu")
        known = same.estimates[0]
        assert one.latency == pytest.approx(known.latency)
        assert one.energy == pytest.approx(known.energy)
        assert (one.ram, one.flash) == (known.ram, known.flash)
        assert (one.ram_least, one.ram_most) == (known.ram_least, known.ram_most)
        assert one.energy <= 0.05


def test_the_nearest_miss_is_better_and_fails_by_the_least(table):
    found = bs.best(table, device=PART, skeleton="mcu", latency=0.5, ram=48 * 1024)
    part, accuracy = load("devices", PART), table.values(column_of(table, BEST, "cifar10"))
    for miss in found.misses:
        first = found.first(miss.runtime)
        assert first is None or miss.accuracy > first.accuracy
        assert miss.excess > 0
        assert miss.need == pytest.approx(found.limits[miss.limit] * (1 + miss.excess))
        need = needs(table, PART, part, miss.runtime, "cifar10", "mcu")
        over = np.max(
            [need.latency / 0.5, need.ram_least / (48 * 1024), need.flash / part.flash], axis=0
        )
        better = (accuracy > (first.accuracy if first else 0)) & (over > 1)
        assert over[better].min() - 1 == pytest.approx(miss.excess)


def test_a_need_that_may_be_more_is_at_least_so_much(table):
    """Of a range the least is compared, under every runtime that has one or is not known whole."""
    found = bs.best(table, device="stm32f746", skeleton="mcu", ram=30 * 1024)
    sure = {miss.runtime: not miss.at_least for miss in found.misses if miss.limit == "ram"}
    assert sure == {
        "own": True, "tflm_cmsis_nn": False, "tflm_cmsis_nn_os": False, "x_cube_ai": False,
        "tinyengine": False,
    }  # fmt: skip
    said = " ".join(repr(found).split())
    assert said.count("needs at least") == 3 + 4  # Where runtimes disagree, and the misses.


def test_a_limit_beyond_the_parts_memory_is_the_parts(table):
    found = bs.best(table, device="stm32u575", ram=2**30, flash=1e5, top=1)
    assert found.given == ("flash",)
    assert "(the part's), flash 97.66 KiB;" in " ".join(repr(found).split())


def test_runtimes_that_disagree_are_told_with_what_breaks(table):
    found = bs.best(table, device=PART, skeleton="mcu", latency=0.5)
    assert {one.runtime for one in found.differ} == {"own", "tflm_cmsis_nn"}
    assert all(one.limit == "latency" and one.need > 0.5 for one in found.differ)
    own = found.first("own")
    assert f"own disagrees: cell {own.index}, " in repr(found)
    assert "nobody trained this one" in repr(found)
    alone = bs.best(table, device="stm32u575", skeleton="mcu")
    assert not alone.differ
    assert "disagree" not in repr(alone)


def test_the_accuracy_is_named_and_estimates_are_marked(table):
    assert "acc.%" in repr(bs.best(table, device=PART))
    estimated = repr(bs.best(table, device=PART, accuracy="test"))
    if table.columns[table.resolve("cifar10.test.200ep.mean")].estimated:
        assert "est.%" in estimated
        assert "ESTIMATED" in estimated
    assert "int8" in bs.best(table, device=PART, accuracy="int8").truth
    assert "measured (" in bs.best(table, device=PART, accuracy="measured").truth


def test_what_int8_makes_of_the_answers_is_said(table):
    """The most accurate cell in float may be among the worst once it is quantised."""
    limits = {"device": "stm32l432", "latency": 0.2, "ram": 48 * 1024}
    found = bs.best(table, **limits, accuracy="validation")
    quantised = table.values(column_of(table, "int8", "cifar10"))
    assert [one.int8 for one in found.answers] == [quantised[one.index] for one in found.answers]
    assert found[0].int8 < found[0].accuracy - 5
    said = " ".join(repr(found).split())
    assert f"cell {found[0].index} {found[0].int8:.2f} %; '--accuracy int8'" in said
    chosen = bs.best(table, **limits, accuracy="int8")
    assert chosen[0].int8 == chosen[0].accuracy > found[0].int8
    assert "In int8, quantised after another" not in repr(chosen)
    assert np.isnan(bs.best(table, device="stm32f746", dataset="cifar100")[0].int8)


def test_measured_is_never_an_estimate(table):
    column = Column(
        name="cifar10.valid.200ep.mean@estimate-1", description="x, ESTIMATED", unit="%",
        direction="max", source="x", version="1", kind="accuracy", dataset="cifar10",
        split="valid", epochs=200, aggregation="mean", release="estimate-1",
    )  # fmt: skip
    held = [n for n, c in table.columns.items() if c.kind == "accuracy"]
    only = table.without(held).with_columns([Values(column, np.arange(15_625.0))])
    assert only.columns[column.name].estimated
    with pytest.raises(UserError, match="only estimated"):
        bs.best(only, device=PART, accuracy="measured")
    assert bs.best(only, device=PART).estimated


@settings(max_examples=12)
@given(
    st.floats(1e-3, 1e4), st.one_of(st.none(), st.integers(1, 2**22)), st.sampled_from([1, 3, 12])
)
def test_every_text_fits_a_terminal_and_every_answer_its_limits(table, latency, ram, top):
    for device in ("stm32l432", "stm32f746", "cortexa53"):
        found = bs.best(table, device=device, latency=latency, ram=ram, top=top, skeleton="mcu")
        assert max(map(len, repr(found).splitlines())) <= 80
        for one in found.answers:
            assert one.latency <= latency
            assert one.ram_least <= found.limits.get("ram", np.inf)
        json.dumps(found.to_json(), allow_nan=False)
        assert next(iter(found.to_json())) == "answers"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"runtime": "monas2024"}, "'monas2024' is a published table and no runtime of stm32l432"),
        ({"runtime": "x_cub"}, "Did you mean x_cube_ai"),
        ({"device": "stm32l43"}, "Did you mean stm32l432"),
        ({"latency": 0.0}, "above 0 and finite"),
        ({"ram": float("nan")}, "above 0 and finite"),
        ({"ram": np.float64("nan")}, "above 0 and finite, not nan"),
        ({"latency": 10**400}, "beyond the numbers of a computer"),
        ({"latency": "200ms"}, "is a number or None"),
        ({"energy": 1e-3}, "nobody measured the mean power of this part"),
        ({"skeleton": "tiny"}, "official, mcu"),
        ({"dataset": "cifar"}, "Did you mean cifar10"),
        ({"accuracy": "int9"}, "Did you mean int8"),
        ({"top": 0}, "number of cells"),
    ],
)
def test_mistakes_are_sentences(table, asked, said):
    with pytest.raises(UserError, match=said):
        bs.best(table, **{"device": PART, **asked})


def test_progress_counts_the_cells_that_are_priced(table):
    told = []
    found = bs.best(
        table,
        device=PART,
        skeleton="mcu",
        top=3,
        runtime=("own", "x_cube_ai"),
        progress=lambda done, cells: told.append((done, cells)),
    )
    assert len(found.answers) == 6
    assert told == [(done, 6) for done in range(1, 7)]
