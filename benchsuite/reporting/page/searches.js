// Searches: how good the best cell so far is as a search goes on, and its path over the scatter.

const SEARCHES = JSON.parse(byId("searches-data").textContent);
const DASH = [[], [7, 3], [2, 3]];
const COLOURS = 7;
const lineColour = (at) => palette()[at % COLOURS];
const lineDash = (at) => DASH[Math.floor(at / COLOURS) % DASH.length];

const chosenStudy = () => SEARCHES.find(({ study }) => study === byId("se-study").value);

// The value of the best cell so far of one seed at a position of its clock; NaN before the first.
function incumbentAt(seed, clock, position, values) {
  let low = 0;
  let high = seed[clock].length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (seed[clock][middle] <= position) low = middle + 1;
    else high = middle;
  }
  return low ? values[seed.cells[low - 1]] : NaN;
}

// Quartiles of sorted numbers, between two of them where they lie there.
function quartiles(sorted) {
  const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => {
    const at = share * (sorted.length - 1);
    const [below, above] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
    return below + (at % 1) * (above - below);
  });
  return { low, middle, high };
}

const endOf = (seed, clock) => seed.end[clock === "seconds" ? 0 : 1];

function curve(search, clock, values) {
  if (search.compressed) return [];
  const ends = search.seeds.map((seed) => endOf(seed, clock));
  const end = Math.max(...ends);
  const start = Math.min(...search.seeds.map((seed) => (seed[clock].length ? seed[clock][0] : Infinity)));
  if (!(end > 0) || !Number.isFinite(start)) return [];
  // What cost nothing yet has no place on a log axis, which begins with the first cost.
  const low = start || Math.min(...search.seeds.flatMap((seed) => seed[clock]).concat(ends).filter((at) => at > 0));
  return Array.from({ length: 90 }, (_, i) => {
    const position = i === 89 ? end : low * (end / low) ** (i / 89); // The last one rounds no end away.
    const at = search.seeds.map((seed) => incumbentAt(seed, clock, position, values)).filter(Number.isFinite).sort((a, b) => a - b);
    return at.length * 2 >= search.seeds.length ? { position, ...quartiles(at) } : null;
  }).filter(Boolean);
}

function drawCurves() {
  if (!SEARCHES.length) return;
  const canvas = byId("se-plot");
  const { width, height } = canvas.getBoundingClientRect();
  if (!width) return;
  const ratio = window.devicePixelRatio || 1;
  [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const clock = byId("se-clock").value;
  const column = columnOf.get(byId("se-y").value);
  const values = valuesOf(column.name);
  const ticked = chosenStudy().searches
    .map((search, at) => ({ search, at, points: curve(search, clock, values), level: levelOf(search, clock, values) }))
    .filter(({ at }) => byId(`se-on-${at}`).checked);
  const curves = ticked.filter(({ points }) => points.length);
  const levels = ticked.filter(({ points, level }) => !points.length && level);
  sayUndrawn(ticked.filter(({ points, level }) => !points.length && !level).map(({ search }) => search), levels);
  byId("se-said").textContent = [
    ...curves.map(({ search, points }) => `${search.label}: ends at ${shownNumber(points[points.length - 1].middle)}`),
    ...levels.map(({ search, level }) => `${search.label} ${level.why}: ${shownNumber(level.middle)} (median of ${count(level.seeds)} seeds)`),
  ].join("; ");
  if (!ticked.length || !(curves.length || levels.length)) return;
  const all = curves.flatMap(({ points }) => points);
  // The first looks would squeeze the rest: the axis starts at the worst value a third on.
  const band = byId("se-band").checked;
  const ends = levels.flatMap(({ level }) => (band ? [level.low, level.high] : [level.middle]));
  const tops = all.flatMap((p) => (band ? [p.low, p.high] : [p.middle])).concat(ends);
  const halves = curves.map(({ points }) => points[Math.floor(points.length / 3)][band ? "low" : "middle"]).concat(ends);
  const [y0, y1] = column.direction === "min" ? [Math.min(...tops), Math.max(...halves)] : [Math.min(...halves), Math.max(...tops)];
  // A level has no clock: it crosses the whole of the plot, or one decade where it stands alone.
  const positions = all.length ? all.map((p) => p.position) : [1, 10];
  const [p0, p1] = [Math.min(...positions), Math.max(...positions)].map(Math.log10);
  const pad = (y1 - y0) * 0.06 || 1;
  const view = { x0: p0 - 0.02, x1: p1 + 0.02, y0: y0 - pad, y1: y1 + pad };
  const narrow = width < 480;
  const box = { left: narrow ? 52 : 68, top: 14, width: width - (narrow ? 64 : 84), height: height - 66 };
  const xs = (p) => box.left + ((Math.log10(p.position) - view.x0) / (view.x1 - view.x0)) * box.width;
  const ys = (value) => box.top + box.height - ((value - view.y0) / (view.y1 - view.y0)) * box.height;
  drawAxes(context, { box, view, log: { x: true, y: false }, titleX: clock === "seconds" ? "simulated time [s]" : "looks at the data", titleY: `${axisText(column)} of the best so far` }, narrow);
  context.save();
  context.beginPath();
  context.rect(box.left, box.top, box.width, box.height);
  context.clip();
  for (const { at, level } of band ? levels : []) {
    context.globalAlpha = 0.16;
    context.fillStyle = lineColour(at);
    context.fillRect(box.left, ys(level.high), box.width, ys(level.low) - ys(level.high));
    context.globalAlpha = 1;
  }
  for (const { at, points } of band ? curves : []) {
    context.globalAlpha = 0.16;
    context.fillStyle = lineColour(at);
    context.beginPath();
    points.forEach((p, i) => context[i ? "lineTo" : "moveTo"](xs(p), ys(p.high)));
    [...points].reverse().forEach((p) => context.lineTo(xs(p), ys(p.low)));
    context.fill();
    context.globalAlpha = 1;
  }
  for (const { at, points } of curves) {
    context.strokeStyle = lineColour(at);
    context.lineWidth = 2;
    context.setLineDash(lineDash(at));
    context.beginPath();
    points.forEach((p, i) => context[i ? "lineTo" : "moveTo"](xs(p), ys(p.middle)));
    context.stroke();
  }
  context.setLineDash([]);
  context.restore();
  drawLevels(context, levels, box, ys);
}

// What a search finds that never queries, or pays nothing for it: quartiles over the seeds; null of others.
function levelOf({ answers, seeds, compressed }, clock, values) {
  if (compressed) return null;
  const free = seeds.every((seed) => endOf(seed, clock) === 0);
  const cells = answers.length || !free ? answers : seeds.flatMap((seed) => seed.cells.slice(-1));
  const found = cells.map((cell) => values[cell]).filter(Number.isFinite).sort((a, b) => a - b);
  const why = answers.length ? "answers without queries" : "pays nothing for its queries";
  return found.length ? { ...quartiles(found), seeds: found.length, why } : null;
}

function drawLevels(context, levels, box, ys) {
  context.lineWidth = 2;
  for (const { at, level } of levels) {
    const y = ys(level.middle);
    context.strokeStyle = lineColour(at);
    context.setLineDash(lineDash(at));
    line(context, box.left, y, box.left + box.width, y);
    context.setLineDash([]);
    context.fillStyle = lineColour(at);
    context.beginPath();
    [[0, -5], [5, 0], [0, 5], [-5, 0]].forEach(([dx, dy], i) => context[i ? "lineTo" : "moveTo"](box.left + box.width - 6 + dx, y + dy));
    context.fill();
  }
}

function sayUndrawn(searches, levels) {
  const texts = [];
  for (const reason of new Set(levels.map(({ level }) => level.why))) {
    const labels = levels.filter(({ level }) => level.why === reason).map(({ search }) => search.label);
    texts.push(`A level line with a diamond is a search that ${reason}, at no time: ${labels.join(", ")}.`);
  }
  const undrawn = [[true, "they answer compressed networks, which no column is of"], [false, "they found no cell in half of the seeds"]];
  for (const [compressed, reason] of undrawn) {
    const labels = searches.filter((search) => search.compressed === compressed).map(({ label }) => label);
    if (labels.length) texts.push(`Not drawn, for ${reason}: ${labels.join(", ")}.`);
  }
  byId("se-none").hidden = !texts.length;
  byId("se-none").textContent = texts.join(" ");
}

const usualJudge = () => firstOf(`${chosenStudy().searches[0].dataset}.test.200ep.mean`, "cifar10.test.200ep.mean");

function listStudy() {
  if (!SEARCHES.length) return;
  const { searches } = chosenStudy();
  // One column judges: searches that saw another data set are ticked by hand.
  listSearches(searches, (at) => at < 2 * COLOURS && searches[at].dataset === searches[0].dataset);
  byId("se-band").checked = searches.length <= 3;
  byId("se-search").replaceChildren(...searches.map((search, at) => make("option", { value: at }, search.label)));
  showSeeds();
  byId("se-y").value = usualJudge();
}

// Answers are of all seeds, curves of the first ones.
function seedsOf({ seeds, answers, seeds_in_all: all }) {
  const drawn = answers.length || seeds.length;
  return drawn < all ? `${count(drawn)} of ${count(all)}` : count(drawn);
}

function listSearches(searches, isOn) {
  byId("se-list").replaceChildren(...searches.map((search, at) => {
    const swatch = make("svg", { viewBox: "0 0 24 8", class: "swatch", "aria-hidden": "true" },
      make("line", { x1: 0, x2: 24, y1: 4, y2: 4, stroke: lineColour(at), "stroke-width": 3, "stroke-dasharray": lineDash(at).join(" ") }));
    const box = make("input", { type: "checkbox", id: `se-on-${at}`, checked: isOn(at), onchange: drawCurves });
    return make("label", { class: "check" }, box, swatch, search.label, make("span", { class: "quiet" }, ` ${seedsOf(search)} seeds`));
  }));
}

function showSeeds() {
  const { paths } = chosenStudy().searches[Number(byId("se-search").value)];
  byId("se-seed").replaceChildren(...paths.map(({ seed }, at) => make("option", { value: at }, String(seed))));
}

function choosePath() {
  const search = chosenStudy().searches[Number(byId("se-search").value)];
  const path = search.paths[Number(byId("se-seed").value)];
  const steps = byId("se-step");
  steps.max = path.cells.length;
  steps.value = path.cells.length;
  stepPath(search, path);
  byId("explorer").scrollIntoView();
}

function stepPath(search, path) {
  const upto = Number(byId("se-step").value);
  shownState.path = { cells: path.cells.slice(0, upto), search, path };
  byId("se-path").hidden = false;
  const cut = path.looks > path.cells.length ? ` (the first ${count(path.cells.length)} of ${count(path.looks)})` : "";
  byId("se-path-text").textContent = `${search.label}, seed ${path.seed}: ${count(upto)} of ${count(path.cells.length)} cells${cut}`;
  plot.draw();
}

function drawPath(context, { cells }) {
  const known = cells.filter((cell) => Number.isFinite(shown.x[cell]) && Number.isFinite(shown.y[cell]));
  context.strokeStyle = token("--path");
  context.lineWidth = 1;
  context.globalAlpha = known.length > 200 ? 0.25 : 0.5;
  context.beginPath();
  known.forEach((cell, i) => context[i ? "lineTo" : "moveTo"](...plot.pixel(cell)));
  context.stroke();
  context.globalAlpha = 1;
  context.fillStyle = token("--path");
  context.strokeStyle = token("--paper");
  known.forEach((cell) => { disc(context, ...plot.pixel(cell), 3.2); context.fill(); context.stroke(); });
}

function setUpSearches() {
  if (!SEARCHES.length) return;
  byId("se-study").replaceChildren(...SEARCHES.map(({ study }) => make("option", { value: study }, study)));
  fillSelect(byId("se-y"), (column) => column.group === "Accuracy" || column.group === "Cost" || column.name.startsWith("latency."));
  [controls.study, controls.judged, controls.clock] = ["se-study", "se-y", "se-clock"].map(byId);
  const again = () => { drawCurves(); keepState(); };
  controls.study.addEventListener("change", () => { listStudy(); again(); });
  for (const id of ["se-y", "se-clock"]) byId(id).addEventListener("change", again);
  byId("se-band").addEventListener("change", drawCurves);
  byId("se-search").addEventListener("change", showSeeds);
  byId("se-show").addEventListener("click", choosePath);
  byId("se-step").addEventListener("input", () => stepPath(shownState.path.search, shownState.path.path));
  byId("se-hide").addEventListener("click", () => {
    shownState.path = null;
    byId("se-path").hidden = true;
    plot.draw();
  });
  listStudy();
  new ResizeObserver(drawCurves).observe(byId("se-plot"));
  whenThemeChanges(() => {
    const on = chosenStudy().searches.map((_, at) => byId(`se-on-${at}`).checked);
    listSearches(chosenStudy().searches, (at) => on[at]);
    drawCurves();
  });
}
