// Elements and numbers. Text that came from data is only ever set as text, never as HTML.

const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

const SVG_TAGS = new Set(["svg", "g", "path", "circle", "text", "line", "rect", "defs", "marker"]);

function make(tag, attributes = {}, ...children) {
  const node = SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

const count = (n) => (n + 0).toLocaleString("en-GB"); // -0 + 0 is 0.

function shownNumber(value) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(3).replace("e+", "e");
  if (Number.isInteger(value)) return count(value);
  const digits = size >= 1000 ? 1 : size >= 100 ? 2 : size >= 1 ? 3 : 4;
  return value.toLocaleString("en-GB", { maximumFractionDigits: digits });
}

// Two decimals, so that percentages stand below each other; rounded as in tables: from six digits, half to even.
function percent(value) {
  const stated = Number(value.toPrecision(6));
  const isHalf = Number.isInteger(8 * stated) && !Number.isInteger(4 * stated);
  const below = Math.floor(100 * stated);
  return (isHalf ? (below + Math.abs(below % 2)) / 100 : stated).toFixed(2);
}

const shortName = (column) => column.name.replace(/@[^@]*$/, "");
const markedName = (column) => shortName(column) + (column.estimated ? " ESTIMATED" : "");
const axisText = (column) => (column.unit ? `${markedName(column)} [${column.unit}]` : markedName(column));

const shownValue = (column, value) =>
  column.unit === "%" && Number.isFinite(value) ? percent(value) : shownNumber(value);

function tickText(value, step) {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return Number(value.toPrecision(6)).toExponential().replace("e+", "e");
  const digits = Math.max(0, Math.min(6, 1 - Math.floor(Math.log10(step) + 1e-9))); // One more, for steps of 2.5.
  return value.toLocaleString("en-GB", { maximumFractionDigits: digits });
}

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const isDark = () =>
  (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

function whenThemeChanges(redraw) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  document.addEventListener("themechange", redraw);
}

function setUpTheme() {
  const button = byId("theme");
  const root = document.documentElement;
  let kept = null;
  try { kept = localStorage.getItem("benchsuite-theme"); } catch { /* a browser may forbid it */ }
  if (kept === "dark" || kept === "light") root.dataset.theme = kept;
  const say = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", isDark() ? "Change to light colours" : "Change to dark colours");
  };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("benchsuite-theme", root.dataset.theme); } catch { /* as above */ }
    document.dispatchEvent(new Event("themechange"));
  });
  whenThemeChanges(say);
  say();
}

async function copyText(text, button) {
  const area = make("textarea", { class: "visually-hidden" });
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  const before = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = before; }, 1200);
}
