// Pointer and keyboard on the scatter, and the address that keeps what is shown.

function setUpPointer(canvas) {
  const tip = byId("ex-tip");
  let from = null;
  const at = (event) => {
    const { left, top } = canvas.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };
  canvas.addEventListener("pointerdown", (event) => { if (event.button === 0) from = [...at(event), event.pointerType]; });
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = at(event);
    if (from && from[2] === "mouse" && Math.hypot(x - from[0], y - from[1]) > 6) {
      shownState.box = [from[0], from[1], x, y];
      tip.hidden = true;
      plot.draw();
      return;
    }
    if (event.pointerType !== "mouse") return;
    const [cell, ...others] = plot.near(x, y, 8);
    tip.hidden = cell === undefined;
    canvas.style.cursor = cell === undefined ? "crosshair" : "pointer";
    if (cell === undefined) return;
    const here = 1 + others.filter((c) => shown.x[c] === shown.x[cell] && shown.y[c] === shown.y[cell]).length;
    tip.textContent = `cell ${cell}${here > 1 ? ` and ${here - 1} more` : ""}: ${shownNumber(shown.x[cell])}, ${shownNumber(shown.y[cell])}`;
    const wide = canvas.clientWidth;
    tip.style.left = `${Math.min(x + 14, wide - tip.offsetWidth - 4)}px`;
    tip.style.top = `${y > 60 ? y - 38 : y + 18}px`;
  });
  canvas.addEventListener("pointerleave", () => { tip.hidden = true; });
  window.addEventListener("pointerup", (event) => {
    if (!from) return;
    const [x, y] = at(event);
    const start = from;
    from = null;
    if (shownState.box) {
      shownState.box = null;
      const [x0, y0] = plot.dataAt(Math.min(start[0], x), Math.max(start[1], y));
      const [x1, y1] = plot.dataAt(Math.max(start[0], x), Math.min(start[1], y));
      if (x1 > x0 && y1 > y0) plot.zoom({ x0, x1, y0, y1 });
      return;
    }
    if (event.target !== canvas) return;
    const [cell] = plot.near(x, y, event.pointerType === "mouse" ? 10 : 24);
    if (cell !== undefined) pick(cell);
  });
  window.addEventListener("pointercancel", () => { from = null; shownState.box = null; });
  canvas.addEventListener("dblclick", () => plot.reset());
  canvas.addEventListener("keydown", (event) => {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const act = {
      "+": () => plot.zoomBy(0.7), "=": () => plot.zoomBy(0.7), "-": () => plot.zoomBy(1 / 0.7),
      "0": () => plot.reset(), n: () => step(1), p: () => step(-1),
    }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (act) act();
    else if (arrows[event.key] && shown.drawn.length) {
      const start = shownState.cell;
      const visible = start !== null && shown.drawn.includes(start);
      const next = visible ? plot.towards(start, ...arrows[event.key]) : shown.drawn[0];
      if (next !== null) pick(next);
    } else return;
    event.preventDefault();
  });
}

const KEPT = ["x", "y", "colour", "fits", "rule", "accuracy", "low", "high", "better-x", "better-y"];

// Only what departs from the start is kept, so that a page just opened has a plain address.
function stateText() {
  const kept = KEPT.map((id) => [id, controls[id].value]);
  for (const id of ["log-x", "log-y", "front"]) kept.push([id, controls[id].checked ? "1" : "0"]);
  if (shownState.cell !== null) kept.push(["cell", String(shownState.cell)]);
  return new URLSearchParams(kept).toString();
}

let plainState = null;
let waiting = 0;

function keepState() {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    const text = stateText();
    if (plainState === null || text === plainState) { plainState = text; return; }
    try { history.replaceState(null, "", `#${text}`); } catch { /* some browsers forbid it from disk */ }
  }, 300);
}

function restoreState() {
  const text = location.hash.slice(1);
  if (!text.includes("=")) return;
  const kept = new URLSearchParams(text);
  for (const [id, value] of kept) {
    const control = controls[id];
    if (!control || id === "cell") continue;
    if (control.type === "checkbox") control.checked = value === "1";
    else if (control.tagName !== "SELECT" || [...control.options].some((option) => option.value === value)) control.value = value;
  }
  const cell = Number.parseInt(kept.get("cell"), 10);
  if (Number.isInteger(cell) && cell >= 0 && cell < N) shownState.cell = cell;
  plainState = "";
  requestAnimationFrame(() => byId("explorer").scrollIntoView());
}

function setUpExplorer() {
  setUpControls();
  setUpRules();
  suppose("x");
  suppose("y");
  restoreState();
  plot = new Scatter(byId("ex-axes"), byId("ex-points"), byId("ex-marks"));
  plot.marks = drawMarks;
  byId("no-webgl").hidden = !plot.plain;
  const again = () => {
    redraw();
    if (shownState.cell !== null) pick(shownState.cell);
  };
  for (const axis of ["x", "y"]) controls[axis].addEventListener("change", () => { suppose(axis); again(); });
  for (const id of ["log-x", "log-y", "fits", "rule", "accuracy", "better-x", "better-y", "front"]) controls[id].addEventListener("change", again);
  controls.colour.addEventListener("change", () => { redraw({ keepView: true }); if (shownState.cell !== null) pick(shownState.cell); });
  for (const id of ["low", "high"]) controls[id].addEventListener("input", again);
  byId("ex-swap").addEventListener("click", () => {
    for (const [a, b] of [["x", "y"], ["better-x", "better-y"]]) [controls[a].value, controls[b].value] = [controls[b].value, controls[a].value];
    [controls["log-x"].checked, controls["log-y"].checked] = [controls["log-y"].checked, controls["log-x"].checked];
    again();
  });
  byId("ex-clear").addEventListener("click", () => {
    controls.fits.value = "";
    controls.rule.value = "all";
    controls.low.value = controls.high.value = "";
    again();
  });
  byId("ex-reset").addEventListener("click", () => plot.reset());
  byId("ex-index").addEventListener("change", (event) => pick(Number(event.target.value)));
  byId("here-next").addEventListener("click", () => step(1));
  byId("here-back").addEventListener("click", () => step(-1));
  setUpDetail(() => shownState.cell);
  setUpPointer(byId("ex-marks"));
  redraw();
  pick(shownState.cell ?? bestShown());
  plainState = plainState === "" ? "" : stateText();
  window.addEventListener("hashchange", () => { restoreState(); again(); });
  new ResizeObserver(() => plot.draw()).observe(byId("ex-marks"));
  whenThemeChanges(() => redraw({ keepView: true }));
}

function bestShown() {
  const y = shown.y;
  return shown.drawn.reduce((best, cell) => (y[cell] > y[best] ? cell : best), shown.drawn[0] ?? 0);
}
