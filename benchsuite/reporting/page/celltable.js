// What the scatter shows, as a table that can be sorted and paged: for readers of screens too.

const ROWS = 50;
const listed = { by: "y", down: true, from: 0 };

function setUpCellTable() {
  byId("ex-table").addEventListener("toggle", listCells);
  byId("ex-table-back").addEventListener("click", () => turn(-ROWS));
  byId("ex-table-next").addEventListener("click", () => turn(ROWS));
}

function turn(by) {
  listed.from += by;
  listCells();
}

function listCells() {
  if (!byId("ex-table").open) return;
  const colour = controls.colour.value;
  const axes = [["x", controls.x.value], ["y", controls.y.value], ...(colour ? [["colour", colour]] : [])];
  if (listed.by !== "cell" && !axes.some(([axis]) => axis === listed.by)) listed.by = "y";
  const values = listed.by === "cell" ? everyCell : valuesOf(axes.find(([axis]) => axis === listed.by)[1]);
  const sign = listed.down ? -1 : 1;
  // What is missing stays last either way.
  const cells = [...shown.drawn].sort((a, b) =>
    Number.isNaN(values[a]) - Number.isNaN(values[b]) || sign * (values[a] - values[b]) || a - b);
  listed.from = Math.max(0, Math.min(listed.from, ROWS * Math.floor((cells.length - 1) / ROWS)));
  const page = cells.slice(listed.from, listed.from + ROWS);
  const head = (by, text, number) => make("th", { scope: "col", class: number && "n", "aria-sort": listed.by !== by ? "none" : listed.down ? "descending" : "ascending" },
    make("button", { type: "button", "data-by": by, onclick: () => sortBy(by) }, text));
  byId("ex-table-head").replaceChildren(head("cell", "cell"), ...axes.map(([axis, name]) => head(axis, axisText(columnOf.get(name)), true)), make("th", { scope: "col" }, "Pareto front"));
  const front = new Set(shown.front);
  byId("ex-table-rows").replaceChildren(...page.map((cell) => make("tr", {},
    make("th", { scope: "row" }, make("button", { type: "button", class: "chip", "aria-label": `Show cell ${cell}`, onclick: () => pick(cell) }, String(cell))),
    ...axes.map(([, name]) => make("td", { class: "n" }, shownValue(columnOf.get(name), valuesOf(name)[cell]))),
    make("td", {}, front.has(cell) ? "on it" : ""))));
  byId("ex-table-said").textContent = page.length ? `Cells ${count(listed.from + 1)} to ${count(listed.from + page.length)} of ${count(cells.length)}` : "No cell is drawn";
  byId("ex-table-back").disabled = listed.from === 0;
  byId("ex-table-next").disabled = listed.from + ROWS >= cells.length;
}

function sortBy(by) {
  listed.down = listed.by === by ? !listed.down : by !== "cell";
  listed.by = by;
  listed.from = 0;
  listCells();
  byId("ex-table-head").querySelector(`[data-by="${by}"]`).focus();
}
