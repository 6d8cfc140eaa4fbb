// The explorer: two columns of all cells against each other, filtered, coloured, with the front.

const controls = {};
const shownState = { cell: null, here: [], path: null };
let plot;

function fillSelect(select, wanted, { none } = {}) {
  select.replaceChildren();
  if (none) select.append(make("option", { value: "" }, none));
  const groups = new Map();
  for (const column of DATA.columns.filter(wanted)) {
    if (!groups.has(column.group)) groups.set(column.group, make("optgroup", { label: column.group }));
    groups.get(column.group).append(make("option", { value: column.name }, axisText(column)));
  }
  select.append(...groups.values());
}

const firstOf = (...names) => names.map(resolve).find(Boolean) || DATA.columns[0].name;

function setUpControls() {
  for (const id of ["x", "y", "colour", "log-x", "log-y", "better-x", "better-y", "fits", "rule", "front"]) controls[id] = byId(`ex-${id}`);
  const plain = (column) => !column.name.startsWith("fits.") && !column.name.startsWith("class.") || column.name.endsWith(".size");
  fillSelect(controls.x, plain);
  fillSelect(controls.y, plain);
  fillSelect(controls.colour, () => true, { none: "one colour" });
  fillSelect(controls.fits, (column) => column.name.startsWith("fits."), { none: "any device" });
  controls.x.value = firstOf("latency.stm32f746.tflm_cmsis_nn.cifar10.official", "cifar10.flops");
  controls.y.value = firstOf("cifar10.test.200ep.mean");
  controls.colour.value = resolve("cifar10.flops") || "";
  controls.truth = byId("ex-truth");
  controls.truth.append(make("option", { value: "" }, "none"));
  for (const dataset of new Set(DATA.truths.map((truth) => truth.dataset))) {
    controls.truth.append(make("optgroup", { label: dataset },
      ...DATA.truths.filter((truth) => truth.dataset === dataset).map(({ text, column }) => make("option", { value: column }, text))));
  }
}

// Where a column names no direction, less is taken as better for what costs.
function supposed(axis) {
  const { direction, group } = columnOf.get(controls[axis].value);
  const costs = group === "Cost" || group.startsWith("Device");
  return direction === "none" ? (costs ? "min" : "none") : direction;
}

function suppose(axis) { controls[`better-${axis}`].value = supposed(axis); }

function chosenCells() {
  const [x, y] = [valuesOf(controls.x.value), valuesOf(controls.y.value)];
  const fits = controls.fits.value ? valuesOf(controls.fits.value) : null;
  const passed = filters.map(passes);
  const rule = controls.rule.value;
  const first = rule === "functional" ? firstOfClass("class.functional") : null;
  const others = everyCell.filter((cell) =>
    passed.every((pass) => pass(cell)) &&
    (rule === "all" || (first ? first.has(cell) : cellRules[rule][cell])));
  const kept = fits ? others.filter((cell) => fits[cell] === 1) : others;
  const unsure = fits ? others.filter((cell) => fits[cell] > 0 && fits[cell] < 1).length : 0;
  const [logX, logY] = [controls["log-x"].checked, controls["log-y"].checked];
  const drawn = kept.filter((cell) =>
    Number.isFinite(x[cell]) && Number.isFinite(y[cell]) && (!logX || x[cell] > 0) && (!logY || y[cell] > 0));
  return { x, y, kept, drawn, unsure, logX, logY };
}

function firstOfClass(name) {
  const seen = new Set();
  const first = new Set();
  const values = columnOf.has(name) ? valuesOf(name) : everyCell;
  for (const cell of everyCell) if (!seen.has(values[cell])) { seen.add(values[cell]); first.add(cell); }
  return first;
}

let shown = { drawn: [], front: [] };

function redraw({ keepView = false } = {}) {
  const { x, y, kept, drawn, unsure, logX, logY } = chosenCells();
  const [cx, cy] = [columnOf.get(controls.x.value), columnOf.get(controls.y.value)];
  const [bx, by] = [controls["better-x"].value, controls["better-y"].value];
  const directed = bx !== "none" && by !== "none";
  const front = controls.front.checked && directed ? paretoFront(drawn, x, y, bx === "max" ? 1 : -1, by === "max" ? 1 : -1) : [];
  const { tints, legend } = colouring(controls.colour.value, drawn);
  shown = { x, y, drawn, front, tau: kendall(drawn.map((c) => x[c]), drawn.map((c) => y[c])) };
  if (!keepView) plot.view = null;
  plot.titleX = axisText(cx);
  plot.titleY = axisText(cy);
  plot.load({ x, y, cells: drawn, logX, logY, tints });
  plot.draw();
  showLegend(byId("ex-legend"), controls.colour.value, legend);
  byId("ex-about").textContent = `x: ${cx.description}. y: ${cy.description}.`;
  say(kept, drawn, directed, unsure);
  listFront(cx, cy);
  listCells();
  controls.truth.value = DATA.truths.some(({ column }) => column === controls.y.value) ? controls.y.value : "";
  keepState();
}

function say(kept, drawn, directed, unsure) {
  const parts = [`${count(drawn.length)} of ${count(N)} cells drawn`];
  if (unsure) parts.push(`${count(unsure)} more may fit, for what this runtime needs is a range, and are not drawn`);
  const log = controls["log-x"].checked || controls["log-y"].checked;
  if (kept.length > drawn.length) parts.push(`${count(kept.length - drawn.length)} that pass the filters have no value on an axis${log ? ", or none above 0 on a log one" : ""}`);
  parts.push(Number.isFinite(shown.tau) ? `Kendall tau-b of x and y ${shown.tau.toFixed(3)}` : "no Kendall tau: an axis does not vary");
  byId("ex-count").textContent = parts.join("; ") + ".";
  byId("front-none").hidden = directed || !controls.front.checked;
}

function listFront(cx, cy) {
  const { front, x, y } = shown;
  // Cells that are equal on both axes share a row.
  const points = [];
  for (const cell of front) {
    const last = points[points.length - 1];
    if (last && x[last[0]] === x[cell] && y[last[0]] === y[cell]) last.push(cell);
    else points.push([cell]);
  }
  byId("front-count").textContent = `${count(points.length)} points, ${count(front.length)} cells`;
  byId("front-list").hidden = !front.length;
  const box = byId("front-rows");
  byId("front-x").textContent = axisText(cx);
  byId("front-y").textContent = axisText(cy);
  const rows = points.slice(0, 300).map(([cell, ...others]) => make("tr", {},
    make("td", {}, make("button", { type: "button", class: "chip", onclick: () => pick(cell) }, String(cell)),
      make("span", { class: "quiet" }, others.length ? ` and ${count(others.length)} equal` : "")),
    make("td", { class: "n" }, shownValue(cx, x[cell])), make("td", { class: "n" }, shownValue(cy, y[cell]))));
  if (points.length > 300) rows.push(make("tr", {}, make("td", { colspan: 3 }, `and ${count(points.length - 300)} more points`)));
  box.replaceChildren(...rows);
}

function drawMarks(context) {
  const { front, x, y } = shown;
  if (front.length) {
    context.strokeStyle = token("--mark");
    context.lineWidth = 1.5;
    context.beginPath();
    // Between two points of the front only their worse values are reached: a staircase.
    const rising = controls["better-x"].value === "max";
    front.forEach((cell, i) => {
      const [px, py] = plot.pixel(cell);
      if (i === 0) context.moveTo(px, py);
      else {
        const [qx, qy] = plot.pixel(front[i - 1]);
        context.lineTo(rising ? qx : px, rising ? py : qy);
      }
      context.lineTo(px, py);
    });
    context.stroke();
    context.fillStyle = token("--paper");
    for (const cell of front) { disc(context, ...plot.pixel(cell), 3.2); context.fill(); context.stroke(); }
  }
  if (shownState.path) drawPath(context, shownState.path);
  if (shownState.box) {
    const [x0, y0, x1, y1] = shownState.box;
    context.strokeStyle = token("--ink");
    context.setLineDash([4, 3]);
    context.strokeRect(x0, y0, x1 - x0, y1 - y0);
    context.setLineDash([]);
  }
  const at = shownState.cell;
  if (at !== null && Number.isFinite(x[at]) && Number.isFinite(y[at])) {
    const [px, py] = plot.pixel(at);
    for (const [radius, width, colour] of [[9, 5, "--paper"], [9, 2.5, "--select"]]) {
      context.lineWidth = width;
      context.strokeStyle = token(colour);
      disc(context, px, py, radius);
      context.stroke();
    }
  }
}

function disc(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
}

function pick(cell, { here = null, scroll = false } = {}) {
  if (!(Number.isInteger(cell) && cell >= 0 && cell < N)) return;
  shownState.cell = cell;
  const { x, y } = shown;
  shownState.here = here || (shown.drawn.includes(cell) ? shown.drawn.filter((c) => x[c] === x[cell] && y[c] === y[cell]) : []);
  const axes = [...new Set([controls.x.value, controls.y.value, controls.colour.value].filter(Boolean))];
  showCell(byId("cell"), cell, axes, pick);
  byId("ex-index").value = cell;
  const many = shownState.here.length;
  byId("here").hidden = many < 2;
  byId("here-text").textContent = many < 2 ? "" : `${shownState.here.indexOf(cell) + 1} of ${count(many)} cells at this point`;
  byId("ex-said").textContent = `Cell ${cell}: ${axes.map((name) => `${axisText(columnOf.get(name))} ${shownValue(columnOf.get(name), valuesOf(name)[cell])}`).join("; ")}`;
  plot.draw();
  keepState();
  if (scroll) byId("cell").scrollIntoView({ block: "nearest" });
}

// What names no cell, as nothing does, is taken back.
function pickTyped({ target }) {
  pick(target.valueAsNumber);
  target.value = shownState.cell;
}

function step(by) {
  const { here, cell } = shownState;
  if (here.length > 1) pick(here[(here.indexOf(cell) + by + here.length) % here.length], { here });
}

function bestShown() {
  const y = shown.y;
  const sign = controls["better-y"].value === "min" ? -1 : 1;
  return shown.drawn.reduce((best, cell) => (sign * y[cell] > sign * y[best] ? cell : best), shown.drawn[0] ?? 0);
}

function setUpExplorer() {
  setUpControls();
  setUpRules();
  plot = new Scatter(byId("ex-axes"), byId("ex-points"), byId("ex-marks"));
  plot.marks = drawMarks;
  byId("no-webgl").hidden = !plot.plain;
  const again = () => {
    redraw();
    if (shownState.cell !== null) pick(shownState.cell);
  };
  for (const axis of ["x", "y"]) controls[axis].addEventListener("change", () => { suppose(axis); fillFilterColumns(); again(); });
  for (const id of ["log-x", "log-y", "fits", "rule", "better-x", "better-y", "front"]) controls[id].addEventListener("change", again);
  controls.colour.addEventListener("change", () => { redraw({ keepView: true }); if (shownState.cell !== null) pick(shownState.cell); });
  controls.truth.addEventListener("change", () => {
    if (!controls.truth.value) return;
    controls.y.value = controls.truth.value;
    controls.y.dispatchEvent(new Event("change"));
  });
  byId("ex-swap").addEventListener("click", () => {
    for (const [a, b] of [["x", "y"], ["better-x", "better-y"]]) [controls[a].value, controls[b].value] = [controls[b].value, controls[a].value];
    [controls["log-x"].checked, controls["log-y"].checked] = [controls["log-y"].checked, controls["log-x"].checked];
    again();
  });
  byId("ex-reset").addEventListener("click", () => plot.reset());
  byId("ex-index").addEventListener("change", pickTyped);
  byId("here-next").addEventListener("click", () => step(1));
  byId("here-back").addEventListener("click", () => step(-1));
  byId("copy-link").addEventListener("click", (event) => copyText(`${location.href.split("#")[0]}#${stateText()}`, event.currentTarget));
  setUpFilters(again);
  setUpCellTable();
  setUpDetail(() => shownState.cell);
  setUpPointer(byId("ex-marks"));
  setUpSearches();
  setUpState(again, again);
  new ResizeObserver(() => plot.draw()).observe(byId("ex-marks"));
  whenThemeChanges(() => redraw({ keepView: true }));
}
