// The address keeps what is shown: #x=...&y=...&where=NAME,from,to&cell=...; back and forward work.

const KEPT = ["x", "y", "colour", "fits", "rule", "study", "judged", "clock"];
const CHECKED = ["log-x", "log-y", "front"];
const initial = {};
let kept = null;
let waiting = 0;

// What a control shows where the address says nothing of it.
function usual(id) {
  if (id.startsWith("better-")) return supposed(id.slice(-1));
  return id === "judged" ? usualJudge() : initial[id];
}

const inAddress = (name) => (columnOf.has(name) && resolve(shortName(columnOf.get(name))) === name ? shortName(columnOf.get(name)) : name);

// The axes and the cell always, so that a link says what it shows; else only what is unusual.
function stateText() {
  const parts = [];
  for (const id of [...KEPT, "better-x", "better-y"]) {
    const value = controls[id]?.value;
    if (value !== undefined && (id === "x" || id === "y" || value !== usual(id))) parts.push([id, inAddress(value)]);
  }
  for (const id of CHECKED) if (controls[id].checked !== initial[id]) parts.push([id, controls[id].checked ? "1" : "0"]);
  for (const { name, low, high } of filters) if (low.value || high.value) parts.push(["where", [inAddress(name), low.value, high.value].join()]);
  if (shownState.cell !== null) parts.push(["cell", String(shownState.cell)]);
  return parts.map(([id, value]) => `${id}=${encodeURIComponent(value).replaceAll("%2C", ",")}`).join("&");
}

function keepState() {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    const text = stateText();
    if (kept === null || text === kept) return;
    kept = text;
    try { history.pushState(null, "", `#${text}`); } catch { /* some browsers forbid it from disk */ }
  }, 300);
}

function choose(id, value) {
  const select = controls[id];
  if (!select || value === null) return;
  const wanted = [value, resolve(value)].find((v) => v !== null && [...select.options].some((option) => option.value === v));
  if (wanted !== undefined) select.value = wanted;
}

// Show what an address says; what it does not name is as at the start. Returns whether it says anything.
function restoreState(text, changed) {
  if (text && !text.includes("=")) return false; // The anchor of a section.
  const said = new URLSearchParams(text);
  for (const id of KEPT) {
    if (controls[id]) controls[id].value = usual(id);
    choose(id, said.get(id));
    if (id === "study") listStudy();
  }
  for (const axis of ["x", "y"]) {
    suppose(axis);
    choose(`better-${axis}`, said.get(`better-${axis}`));
  }
  for (const id of CHECKED) controls[id].checked = said.has(id) ? said.get(id) === "1" : initial[id];
  clearFilters();
  for (const where of said.getAll("where")) {
    const parts = where.split(",");
    const [low, high] = parts.splice(-2);
    const name = resolve(parts.join());
    if (name) addFilter(name, low, high, changed);
  }
  const cell = Number.parseInt(said.get("cell"), 10);
  shownState.cell = Number.isInteger(cell) && cell >= 0 && cell < N ? cell : null;
  return Boolean(text);
}

function setUpState(again, changed) {
  for (const id of KEPT) if (controls[id]) initial[id] = controls[id].value;
  for (const id of CHECKED) initial[id] = controls[id].checked;
  const show = () => {
    const said = restoreState(location.hash.slice(1), changed);
    again();
    if (shownState.cell === null) pick(bestShown());
    drawCurves();
    clearTimeout(waiting);
    kept = stateText();
    return said;
  };
  window.addEventListener("popstate", () => { if (!location.hash || location.hash.includes("=")) show(); });
  if (show()) requestAnimationFrame(() => byId("explorer").scrollIntoView());
}
