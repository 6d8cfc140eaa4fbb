"""The page in a browser: every control does what it says, and nothing is asked of a network.

Needs Chromium with its driver, and selenium; skipped without. BENCHSUITE_SHOTS names a folder for
screenshots, in light and dark, 1360 and 390 pixels wide.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from page_parts import small_page
from scipy.stats import kendalltau

from benchsuite.reporting.quantities import percent
from benchsuite.space.cell import Cell
from benchsuite.stats import pareto

pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

import browser

if not (browser.CHROMIUM and browser.DRIVER):
    pytest.skip("no Chromium with its driver on this machine", allow_module_level=True)

from browser import choose, drawn, ready, start, text
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(table, tmp_path_factory):
    return small_page(tmp_path_factory.mktemp("page"), table).as_uri()


@pytest.fixture(scope="module")
def driver():
    found = start("--enable-unsafe-swiftshader", "--window-size=1360,1000")
    yield found
    found.quit()


@pytest.fixture
def at(driver, address):
    driver.get("about:blank")
    driver.get_log("browser")
    driver.get(address)
    ready(driver)
    yield driver
    assert not [e for e in driver.get_log("browser") if e["level"] == "SEVERE"]


def test_percentages_are_rounded_as_in_tables(at, table):
    values = [*table.values("cifar10.test.200ep.mean"), 87.07499999999999, -0.125, -0.375, 0.0]
    shown = at.execute_script("return arguments[0].map((value) => percent(value))", values)
    assert shown == [percent(value) for value in values]


def test_it_starts_with_points_and_a_cell(at):
    assert at.find_element(By.ID, "no-webgl").get_attribute("hidden") is not None
    assert drawn(at) == 15_284
    assert text(at, "cell-title").startswith("Cell ")
    colours = at.execute_script(
        "const c = document.createElement('canvas'), p = document.getElementById('ex-points');"
        "c.width = p.width; c.height = p.height; const x = c.getContext('2d');"
        "window.dispatchEvent(new Event('resize')); document.getElementById('ex-reset').click();"
        "x.drawImage(p, 0, 0);"
        "return x.getImageData(0, 0, c.width, c.height).data.reduce((n, v, i) => "
        "n + (i % 4 === 3 && v > 0), 0)"
    )
    assert colours > 5_000


def test_it_asks_for_nothing(at, address):
    log = [entry["message"] for entry in at.get_log("performance")]
    asked = [
        m for m in log if "Network.requestWillBeSent" in m and "http" in m.split("url")[1][:12]
    ]
    assert not asked


def test_links_lead_to_their_section(at, address):
    """Also past sections that were never on the screen, and from the address of a section."""
    ids = at.execute_script(
        "return [...document.querySelectorAll('article[id]')].map(a => a.id)"
        ".filter(id => document.querySelector(`a[href='#${id}']`))"
    )
    assert len(ids) > 1
    bottom = "return innerHeight + scrollY >= document.documentElement.scrollHeight - 2"
    top = "return document.getElementById(arguments[0]).getBoundingClientRect().top"
    for id_ in (ids[-1], *ids):
        at.execute_script("document.querySelector(`a[href='#${arguments[0]}']`).click()", id_)
        WebDriverWait(at, 5).until(
            lambda d, id_=id_: 0 <= d.execute_script(top, id_) < 150 or d.execute_script(bottom)
        )
        assert 0 <= at.execute_script(top, id_) < 1000
    at.get("about:blank")
    at.get(f"{address}#{ids[1]}")
    ready(at)
    assert 0 <= at.execute_script(top, ids[1]) < 1000


def test_tau_is_that_of_scipy(at, table):
    choose(at, "ex-x", "cifar10.flops")
    latency = "latency.stm32f746.tflm_cmsis_nn.cifar10.official"
    choose(at, "ex-y", latency)
    x, y = table.values("cifar10.flops"), table.values(latency)
    known = y == y
    assert f"{kendalltau(x[known], y[known]).statistic:.3f}" in text(at, "ex-count")


def test_filters(at, table):
    choose(at, "ex-x", "cifar10.flops")
    fits = "fits.stm32l432.own.cifar10.official"
    choose(at, "ex-fits", fits)
    keeps = table.values(fits) == 1
    assert drawn(at) == keeps.sum()
    accuracy = table.values("cifar10.test.200ep.mean")
    bound(at, "cifar10.test.200ep.mean", "90", "")
    assert drawn(at) == (keeps & (accuracy >= 90)).sum()
    latency = table.values("latency.stm32l432.own.cifar10.official")
    bound(at, "latency.stm32l432.own.cifar10.official", "", "900")
    assert drawn(at) == (keeps & (accuracy >= 90) & (latency <= 0.9)).sum()
    at.find_element(By.CSS_SELECTOR, "#ex-filters button[aria-label*='cifar10.test']").click()
    assert drawn(at) == (keeps & (latency <= 0.9)).sum()
    assert at.switch_to.active_element.get_attribute("id") == "ex-filter-column"
    at.find_element(By.ID, "ex-clear").click()
    assert drawn(at) == 15_625
    for rule, cells in (("connected", 15_284), ("pruned", 9_445), ("functional", 5_260)):
        choose(at, "ex-rule", rule)
        assert drawn(at) == cells
    bound(at, "cifar10.test.200ep.mean", "101", "")
    assert drawn(at) == 0
    assert "no Kendall tau" in text(at, "ex-count")


def bound(driver, name, low, high):
    """Add a filter by the keyboard alone."""
    driver.execute_script(
        "const s = document.getElementById('ex-filter-column');"
        "s.value = [...s.options].find((o) => o.value.split('@')[0] === arguments[0]).value",
        name,
    )
    driver.find_element(By.ID, "ex-filter-add").send_keys(Keys.ENTER)
    rows = driver.find_elements(By.CSS_SELECTOR, "#ex-filters li:last-child input")
    assert driver.switch_to.active_element == rows[1]
    for box, typed in zip(rows, (low, high), strict=True):
        box.send_keys(typed)


def test_the_table_shows_what_is_drawn(at, table):
    bound(at, "cifar10.test.200ep.mean", "90", "")
    at.find_element(By.CSS_SELECTOR, "#ex-table summary").send_keys(Keys.ENTER)
    wait = WebDriverWait(at, 5)
    wait.until(lambda d: d.find_elements(By.CSS_SELECTOR, "#ex-table-rows tr"))
    accuracy = table.values("cifar10.test.200ep.mean")
    assert text(at, "ex-table-said") == f"Cells 1 to 50 of {(accuracy >= 90).sum():,}"

    def first():
        return int(at.find_element(By.CSS_SELECTOR, "#ex-table-rows button").text)

    assert accuracy[first()] == accuracy.max()
    at.find_element(By.CSS_SELECTOR, "#ex-table-head button[data-by='cell']").send_keys(Keys.ENTER)
    assert first() == np.flatnonzero(accuracy >= 90)[0]
    at.find_element(By.ID, "ex-table-next").click()
    assert first() == np.flatnonzero(accuracy >= 90)[50]
    at.find_element(By.CSS_SELECTOR, "#ex-table-rows button").send_keys(Keys.ENTER)
    assert text(at, "cell-title") == f"Cell {first()}"


def test_a_truth_is_an_axis(at):
    names = at.execute_script(
        "return [...document.querySelectorAll('#ex-truth option')]"
        ".map((option) => [option.value, option.textContent])"
    )
    column, words = names[-1]
    assert ": " in words
    choose(at, "ex-truth", column)
    assert at.find_element(By.ID, "ex-y").get_property("value") == column


def test_the_front_is_that_of_the_suite(at, table):
    names = ("cifar10.flops", "cifar10.test.200ep.mean")
    choose(at, "ex-x", names[0])
    flops, accuracy = (table.values(name) for name in names)
    wanted = pareto.non_dominated(np.column_stack([flops, -accuracy]))
    assert f"{wanted.sum():,} cells" in text(at, "front-count")
    choose(at, "ex-better-x", "none")
    assert not at.find_element(By.ID, "front-none").get_attribute("hidden")


def test_a_cell_by_index_by_keys_and_by_neighbour(at, table):
    index = at.find_element(By.ID, "ex-index")
    index.send_keys(Keys.CONTROL + "a")
    index.send_keys("6111", Keys.ENTER)
    assert text(at, "cell-title") == "Cell 6111"
    assert text(at, "cell-arch") == Cell.from_index(6111).arch
    assert f"{table.values('cifar10.test.200ep.mean')[6111]:.2f}" in text(at, "cell-axes")
    near = [
        b.get_property("textContent")
        for b in at.find_elements(By.CSS_SELECTOR, "#cell-neighbours button")
    ]
    assert sorted(map(int, near)) == sorted(c.index for c in Cell.from_index(6111).neighbours())
    at.find_element(By.ID, "ex-marks").send_keys(Keys.ARROW_LEFT)
    assert text(at, "cell-title") != "Cell 6111"
    assert "Cell " in text(at, "ex-said")


def test_a_click_picks_and_a_drag_zooms(at):
    canvas = at.find_element(By.ID, "ex-marks")
    at.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", canvas)
    before = text(at, "cell-title")
    width, height = canvas.size["width"], canvas.size["height"]
    for right in (-0.25, -0.2, -0.15, -0.1):
        move = ActionChains(at, 50)
        move.move_to_element_with_offset(
            canvas, int(right * width), int(-0.38 * height)
        ).click().perform()
    assert text(at, "cell-title") != before
    before = at.execute_script("return document.getElementById('ex-axes').toDataURL()")
    drag = ActionChains(at, 50).move_to_element_with_offset(canvas, -150, -100)
    drag.click_and_hold().move_by_offset(80, 60).move_by_offset(80, 60).release().perform()
    assert at.execute_script("return document.getElementById('ex-axes').toDataURL()") != before
    at.find_element(By.ID, "ex-reset").click()
    assert at.execute_script("return document.getElementById('ex-axes').toDataURL()") == before


def test_columns_of_all_kinds_can_be_an_axis_and_a_colour(at):
    wrong = at.execute_script(
        "const bad = [];"
        "for (const id of ['ex-x', 'ex-colour']) { const s = document.getElementById(id);"
        "for (const o of [...s.options].filter((_, i) => i % 41 === 0)) {"
        "s.value = o.value; s.dispatchEvent(new Event('change'));"
        "const said = document.getElementById('ex-count').textContent;"
        "if (!/^[\\d,]+ of 15,625/.test(said)) bad.push(o.value); } }"
        "return bad"
    )
    assert not wrong


def test_searches(at):
    assert "rea: ends at" in text(at, "se-said")
    at.execute_script("document.getElementById('se-show').click()")
    assert text(at, "se-path-text").startswith("rea, seed 0")
    at.execute_script("document.getElementById('se-hide').click()")
    assert not at.find_element(By.ID, "se-path").is_displayed()
    choose(at, "se-clock", "looks")
    at.execute_script("document.getElementById('se-on-0').click()")
    assert "rea" not in text(at, "se-said")


def test_searches_that_answer_without_queries_are_drawn(at):
    at.execute_script("document.getElementById('se-plot').scrollIntoView()")
    for box in ("se-on-0", "se-on-1"):
        at.execute_script(f"document.getElementById('{box}').click()")
    assert "top by flops" in text(at, "se-none")
    assert text(at, "se-said").startswith("top by flops answers without queries: ")
    alone = "return document.getElementById('se-plot').toDataURL()"
    with_level = at.execute_script(alone)
    at.execute_script("document.getElementById('se-on-2').click()")
    assert text(at, "se-said") == ""
    assert at.execute_script(alone) != with_level


def test_figures_come_before_they_are_seen(at):
    at.execute_script("document.getElementById('report-drawn').scrollIntoView()")
    WebDriverWait(at, 5).until(
        lambda d: d.execute_script(
            "const i = document.querySelector('#report-drawn img');"
            "return i.src.startsWith('blob:') && i.complete && i.naturalWidth > 100"
        )
    )


def test_tables_sort_and_keep_what_is_missing_last(at):
    def column(number):
        rows = at.find_elements(By.CSS_SELECTOR, f"#report-drawn tbody td:nth-child({number})")
        return [cell.get_property("textContent") for cell in rows]

    heads = at.find_elements(By.CSS_SELECTOR, "#report-drawn th button")
    click = "arguments[0].click()"
    at.execute_script(click, heads[1])
    assert column(2) == ["2", "10", "3,000"]
    at.execute_script(click, heads[1])
    assert column(2) == ["3,000", "10", "2"]
    at.execute_script(click, heads[2])
    assert column(3) == ["-1.000", "2.500", "-"]
    at.execute_script(click, heads[2])
    assert column(3) == ["2.500", "-1.000", "-"]
    at.execute_script(click, heads[2])
    assert column(1) == ["b", "a", "c"]


def test_the_address_keeps_what_is_shown(at, address):
    """A pasted link shows the same; back and forward lead through what was shown."""
    wait = WebDriverWait(at, 10)
    whole = drawn(at)
    choose(at, "ex-rule", "pruned")
    wait.until(lambda d: "rule=pruned" in d.current_url)
    pruned, before = drawn(at), text(at, "cell-title")
    bound(at, "ram.tflm.cifar10.official", "", "100")
    choose(at, "ex-x", "cifar10.flops")
    wait.until(lambda d: "where=ram." in d.current_url and "x=cifar10.flops" in d.current_url)
    assert "&cell=" in at.current_url
    seen = [text(at, id_) for id_ in ("ex-count", "cell-title", "front-count")]
    assert 0 < drawn(at) < pruned
    kept = at.current_url
    while "where=" in at.current_url:  # one step or several, as fast as the limit was typed
        at.back()
    wait.until(lambda d: drawn(d) == pruned)
    assert text(at, "cell-title") == before
    at.back()
    wait.until(lambda d: drawn(d) == whole)
    at.forward()
    wait.until(lambda d: drawn(d) == pruned)
    at.get("about:blank")
    at.get(kept)
    ready(at)
    assert [text(at, id_) for id_ in ("ex-count", "cell-title", "front-count")] == seen
    at.execute_script("location.hash = '#x=cifar10.params&y=cifar10.flops&cell=7'")
    wait.until(lambda d: text(d, "cell-title") == "Cell 7")
    assert not at.find_elements(By.CSS_SELECTOR, "#ex-filters li")


@pytest.mark.parametrize(
    "more", ["x=no-such-column", "where=no,1,2", "where=,,", "better-x=%", "study=0"]
)
def test_an_address_that_is_wrong_shows_what_it_can(at, address, more):
    at.get("about:blank")
    at.get(f"{address}#cell=42&{more}")
    ready(at)
    assert text(at, "cell-title") == "Cell 42"
    assert drawn(at) == 15_284


def test_without_webgl_a_plain_canvas_draws(address):
    driver = start("--disable-gpu", "--disable-3d-apis", "--window-size=1000,900")
    try:
        driver.get(address)
        ready(driver)
        assert driver.find_element(By.ID, "no-webgl").get_attribute("hidden") is None
        assert drawn(driver) == 15_284
        painted = driver.execute_script(
            "const p = document.getElementById('ex-points');"
            "return p.getContext('2d').getImageData(0, 0, p.width, p.height).data.some((v) => v)"
        )
        assert painted
        wrong = [e for e in driver.get_log("browser") if e["level"] == "SEVERE"]
        assert not wrong
    finally:
        driver.quit()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1360, 390])
def test_it_fits_the_width_and_follows_the_theme(at, theme, width):
    at.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 800},
    )
    media = [{"name": "prefers-color-scheme", "value": theme}]
    at.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
    try:
        assert at.execute_script("return document.documentElement.scrollWidth") <= width
        ground = at.execute_script("return getComputedStyle(document.body).backgroundColor")
        brightness = sum(map(int, ground.strip("rgb()").split(",")))
        assert (brightness < 150) == (theme == "dark")
        at.execute_script("document.getElementById('theme').click()")
        assert at.execute_script("return getComputedStyle(document.body).backgroundColor") != ground
        at.execute_script("localStorage.clear(); delete document.documentElement.dataset.theme")
        if folder := os.environ.get("BENCHSUITE_SHOTS"):
            shoot(at, Path(folder), f"{theme}-{width}")
    finally:
        at.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        at.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def shoot(driver, folder, name):
    folder.mkdir(parents=True, exist_ok=True)
    driver.execute_script("document.dispatchEvent(new Event('themechange'))")
    for part in ("summary", "explorer", "cell", "searches", "report-drawn"):
        driver.execute_script(
            f"document.getElementById('{part}').scrollIntoView({{behavior: 'instant'}})"
        )
        driver.save_screenshot(str(folder / f"{name}-{part}.png"))
