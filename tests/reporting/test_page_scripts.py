"""What the page's scripts compute, run by Node alone; skipped without it."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from benchsuite.reporting import page

NODE = shutil.which("node")
if not NODE:
    pytest.skip("no Node on this machine", allow_module_level=True)

SOURCES = ("text", "ranks", "scatter", "filters", "explorer", "searches")
# An element for every id, which keeps what is set on it.
AROUND = """
const made = {};
const getElementById = (id) => (made[id] ??= { textContent: "[]", value: "" });
const document = { getElementById, documentElement: {} };
const getComputedStyle = () => ({ getPropertyValue: () => "" });
const N = 15625;
const columnOf = new Map();
const resolve = (name) => name;
const palette = () => [""];
const valuesOf = (name) => columnOf.get(name).values;
const said = (value) => console.log(JSON.stringify(value));
"""


def run(code):
    """Return what `said` was told by code that runs behind the page's scripts."""
    here = Path(page.__file__).parent
    script = "\n".join([AROUND, *((here / f"{n}.js").read_text("utf-8") for n in SOURCES), code])
    done = subprocess.run([NODE, "-"], input=script, text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("x", ["max", "min"])
@pytest.mark.parametrize("y", ["max", "min"])
def test_between_two_points_of_a_front_their_worse_values_are_drawn(x, y):
    path = run(
        "const path = []; const at = (x, y) => path.push([x, y]);"
        "const pen = { beginPath() {}, stroke() {}, fill() {}, arc() {}, moveTo: at, lineTo: at };"
        f"controls['better-x'] = {{ value: '{x}' }}; controls['better-y'] = {{ value: '{y}' }};"
        f"shown = {{ front: [0, 1], x: [1, 2], y: '{x}' === '{y}' ? [2, 1] : [1, 2] }};"
        "plot = { pixel: (cell) => [shown.x[cell], shown.y[cell]] };"
        "drawMarks(pen); said(path);"
    )
    worse = [(min if better == "max" else max)(1, 2) for better in (x, y)]
    assert path[2] == worse


def test_a_limit_lets_pass_what_equals_it_in_32_bits():
    """A column holds 91.21 as 91.2099990... and 91.51 as 91.5100021..."""
    passed = run(
        "const values = Float32Array.of(91.21, 91.51);"
        "columnOf.set('a', { type: 'f4', values }).set('b', { type: 'f8', values: [0.1, 0.2] });"
        "const filter = (name, low, high) =>"
        " passes({ name, low: { value: low }, high: { value: high } });"
        "said([filter('a', '91.21', '91.51'), filter('a', '91.22', '91.5'), filter('b', '0.1', '')]"
        ".map((pass) => [pass(0), pass(1)]));"
    )
    assert passed == [[True, True], [False, False], [True, True]]


@pytest.mark.parametrize("seeds", [1, 2, 5, 30])
def test_quartiles_over_seeds_are_those_of_numpy(seeds):
    values = np.random.default_rng(seeds).normal(90, 1, seeds).tolist()
    code = (
        f"const values = {json.dumps(values)};"
        "const seeds = values.map((_, i) => ({ seconds: [1], cells: [i], end: [2, 1] }));"
        "const [first] = curve({ seeds }, 'seconds', values);"
        "const answers = values.map((_, i) => i);"
        "const level = levelOf({ answers, seeds }, 'seconds', values);"
        "said([first, level].map(({ low, middle, high }) => [low, middle, high]));"
    )
    wanted = pytest.approx(np.percentile(values, [25, 50, 75]).tolist())
    assert run(code) == [wanted, wanted]


def test_a_curve_ends_where_its_searches_do():
    """49 * (1000.1 / 49) is less than 1000.1 in double precision."""
    ends = run(
        "const curves = [];"
        "for (let start = 1; start < 200; start++) {"
        "const seeds = [{ seconds: [start, 1000.1], cells: [0, 1], end: [1000.1, 2] }];"
        "curves.push(curve({ seeds }, 'seconds', [80, 90]).at(-1).middle); }"
        "said([...new Set(curves)]);"
    )
    assert ends == [90]


def test_what_costs_nothing_at_first_begins_with_the_first_cost():
    positions = run(
        "const seeds = [{ seconds: [0, 50], cells: [0, 1], end: [800, 9] },"
        " { seconds: [0], cells: [0], end: [20, 9] }];"
        "said(curve({ seeds }, 'seconds', [80, 90]).map(({ position }) => position));"
    )
    assert positions[0] == 20
    assert positions[-1] == 800


def levels(search):
    """Return what is said of a search alone, and the middle of its level."""
    return run(
        f"const search = {{ label: 'it', ...{json.dumps(search)} }};"
        "const level = levelOf(search, 'seconds', [80, 90]);"
        "sayUndrawn(level ? [] : [search], level ? [{ search, level }] : []);"
        "said([made['se-none'].textContent, level && level.middle,"
        " curve(search, 'seconds', [80, 90]).length]);"
    )


def test_a_search_that_pays_nothing_has_a_level():
    seeds = [{"seconds": [0, 0], "cells": [0, 1], "end": [0, 15625]}] * 2
    text, middle, points = levels({"seeds": seeds, "answers": [], "compressed": False})
    assert text == (
        "A level line with a diamond is a search that pays nothing for its queries, at no time: it."
    )
    assert (middle, points) == (90, 0)


def test_a_search_that_answers_compressed_networks_is_not_drawn_as_whole_cells():
    seeds = [{"seconds": [1], "cells": [0], "end": [9, 9]}]
    text, middle, points = levels({"seeds": seeds, "answers": [], "compressed": True})
    assert text.startswith("Not drawn, for they answer compressed networks")
    assert (middle, points) == (None, 0)


def test_searches_of_one_data_set_are_shown_together_and_judged_by_it():
    ticked = run(
        "SEARCHES.push({ study: '', searches: ['a', 'b', 'a'].map((dataset) => ({ dataset })) });"
        "const on = [];"
        "listSearches = (searches, isOn) => on.push(...searches.map((_, at) => isOn(at)));"
        "showSeeds = () => {}; make = () => {};"
        "made['se-search'] = { replaceChildren() {} };"
        "listStudy(); said(on);"
    )
    assert ticked == [True, False, True]


@pytest.mark.parametrize(
    ("log", "more"), [("false", ""), ("true", ", or none above 0 on a log one")]
)
def test_what_a_log_axis_leaves_out_is_not_said_to_have_no_value(log, more):
    text = run(
        "shown = { tau: 0.5 }; controls.front = { checked: true };"
        f"for (const axis of ['x', 'y']) controls[`log-${{axis}}`] = {{ checked: {log} }};"
        "say([1, 2, 3], [1], true); said(document.getElementById('ex-count').textContent);"
    )
    assert f"2 that pass the filters have no value on an axis{more};" in text


def test_cells_that_may_fit_are_not_drawn_and_counted():
    drawn, text = run(
        "globalThis.everyCell = [0, 1, 2];"
        "columnOf.set('y', { values: [1, 2, 3] }).set('fits', { values: [0, 0.5, 1] });"
        "for (const id of ['x', 'y', 'colour']) controls[id] = { value: 'y' };"
        "for (const id of ['log-x', 'log-y']) controls[id] = { checked: false };"
        "Object.assign(controls, { fits: { value: 'fits' }, rule: { value: 'all' } });"
        "controls.front = { checked: true }; shown = { tau: NaN };"
        "const { kept, drawn, unsure } = chosenCells(); say(kept, drawn, true, unsure);"
        "said([drawn, made['ex-count'].textContent]);"
    )
    assert drawn == [2]
    assert text.startswith("1 of 15,625 cells drawn; 1 more may fit, for what this runtime needs")


PICKING = """
Object.assign(globalThis, { showCell() {}, keepState() {} });
columnOf.set("x", { name: "x", values: [1, 1, 1] });
Object.assign(controls, { x: { value: "x" }, y: { value: "x" }, colour: { value: "" } });
shown = { drawn: [0, 1], x: [1, 1, 1], y: [1, 1, 1] };
plot = { draw() {} };
"""


@pytest.mark.parametrize(("cell", "others"), [(0, [0, 1]), (1, [0, 1]), (2, [])])
def test_a_cell_that_is_not_drawn_is_none_of_those_at_its_point(cell, others):
    text = f"{cell + 1} of 2 cells at this point" if others else ""
    code = f"pick({cell}); said([shownState.here, made['here-text'].textContent]);"
    assert run(PICKING + code) == [others, text]


@pytest.mark.parametrize("typed", ["NaN", "1.5", "15625"])
def test_a_cell_that_is_none_is_not_taken_for_one(typed):
    code = f"pick(1); const target = {{ valueAsNumber: {typed} }}; pickTyped({{ target }});"
    assert run(PICKING + code + "said([target.value, shownState.cell]);") == [1, 1]


@pytest.mark.parametrize(("better", "best"), [("max", 1), ("none", 1), ("min", 2)])
def test_the_first_cell_is_the_best_by_what_is_better(better, best):
    control = f"controls['better-y'] = {{ value: '{better}' }};"
    assert run(control + "shown = { drawn: [0, 1, 2], y: [5, 9, 2] }; said(bestShown());") == best


def test_an_estimate_is_marked_wherever_its_column_is_named():
    texts = run(
        "const column = { name: 'cifar10.test.200ep.mean@estimate-2', unit: '%', estimated: true };"
        "said([axisText(column), axisText({ name: 'a@1', unit: '' }), markedName(column)]);"
    )
    named = "cifar10.test.200ep.mean ESTIMATED"
    assert texts == [f"{named} [%]", "a", named]


@pytest.mark.parametrize("step", [0.02, 0.025, 0.1, 0.25, 0.5, 2.5, 20, 25, 2500])
def test_ticks_say_where_they_are(step):
    found = run(f"said(ticks(0, 4 * {step}, false, 4));")
    assert [float(text.replace(",", "")) for _, text in found] == pytest.approx(
        [place for place, _ in found]
    )
    assert [place for place, _ in found] == pytest.approx([step * i for i in range(5)])


def test_ticks_of_a_log_axis_say_where_they_are():
    found = run("said([...ticks(-2.1, 0.2, true, 5), ...ticks(1.9, 2.8, true, 5)]);")
    said = [float(text.replace(",", "")) for _, text in found]
    assert said == pytest.approx([10**place for place, _ in found])


@pytest.mark.parametrize(("low", "high"), [(2.86, 2.98), (-1.4, -1.35), (2.4, 2.6)])
def test_a_log_axis_of_less_than_a_decade_has_ticks(low, high):
    found = run(f"said(ticks({low}, {high}, true, 5));")
    assert len(found) > 1
    assert all(low <= place <= high for place, _ in found)
    said = [float(text.replace(",", "")) for _, text in found]
    assert said == pytest.approx([10**place for place, _ in found])


def test_zero_has_no_sign():
    """An axis that begins a little below zero has its first tick there."""
    assert run("said(ticks(-0.3, 10, false, 4)[0][1]);") == "0"
    assert run("said(shownNumber(-0));") == "0"


@pytest.mark.parametrize(
    ("seeds", "answers", "said"),
    [(30, 0, " 30 of 1,000 seeds"), (20, 0, " 20 seeds"), (30, 100, " 100 seeds")],
)
def test_a_search_says_of_how_many_seeds_it_is_drawn(seeds, answers, said):
    code = (
        "made['se-list'] = { replaceChildren() {} }; const texts = [];"
        "make = (tag, attributes, ...children) => { if (tag === 'span') texts.push(...children); };"
        f"const all = {answers} || ({seeds} < 30 ? {seeds} : 1000);"
        f"const search = {{ seeds: Array({seeds}), answers: Array({answers}), seeds_in_all: all }};"
        "listSearches([search], () => true); said(texts);"
    )
    assert run(code) == [said]
