// Colours of points: viridis for amounts, Okabe & Ito's for a few values, one blue for none.

const VIRIDIS = ["440154", "482878", "3e4a89", "31688e", "26828e", "1f9e89", "35b779", "6ece58", "b5de2b", "fde725"];
const OKABE_ITO = {
  light: ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#777777"],
  dark: ["#56B4E9", "#F08A4B", "#3FC79D", "#E29AC4", "#E6A93A", "#F0E442", "#BBBBBB"],
};
const palette = () => OKABE_ITO[isDark() ? "dark" : "light"];

const hex = (text) => [0, 2, 4].map((at) => parseInt(text.replace("#", "").slice(at, at + 2), 16));

// share 0..1 -> [r, g, b]; the end nearest to the paper's colour is left out.
function viridis(share) {
  const [low, high] = isDark() ? [0.18, 1] : [0, 0.92];
  const at = (low + (high - low) * Math.min(1, Math.max(0, share))) * (VIRIDIS.length - 1);
  const i = Math.min(VIRIDIS.length - 2, Math.floor(at));
  const [a, b] = [hex(VIRIDIS[i]), hex(VIRIDIS[i + 1])];
  return a.map((part, k) => Math.round(part + (b[k] - part) * (at - i)));
}

// Returns tints (4 bytes per cell) and a legend. Amounts run from the 1st to the 99th percentile of
// the cells shown.
function colouring(name, cells) {
  const tints = new Uint8Array(4 * N);
  const alpha = cells.length > 4000 ? 165 : 215;
  const paint = (cell, rgb, a = alpha) => tints.set([...rgb, a], 4 * cell);
  if (!name) {
    const blue = hex(palette()[0]);
    cells.forEach((cell) => paint(cell, blue));
    return { tints, legend: null };
  }
  const values = valuesOf(name);
  const present = cells.filter((cell) => Number.isFinite(values[cell]));
  const missing = cells.length - present.length;
  cells.forEach((cell) => { if (!Number.isFinite(values[cell])) paint(cell, hex("8a8a8a"), 110); });
  const distinct = new Set();
  for (const cell of present) { distinct.add(values[cell]); if (distinct.size > palette().length) break; }
  if (distinct.size <= palette().length) {
    const listed = [...distinct].sort((a, b) => a - b);
    const of = new Map(listed.map((value, i) => [value, hex(palette()[i])]));
    present.forEach((cell) => paint(cell, of.get(values[cell])));
    return { tints, legend: { listed: listed.map((value, i) => [shownNumber(value), palette()[i]]), missing } };
  }
  const sorted = Float64Array.from(present, (cell) => values[cell]).sort();
  const quantile = (q) => sorted[Math.round(q * (sorted.length - 1))];
  const [low, high] = [quantile(0.01), quantile(0.99)];
  const width = high - low || 1;
  present.forEach((cell) => paint(cell, viridis((values[cell] - low) / width)));
  const stops = Array.from({ length: 11 }, (_, i) => `rgb(${viridis(i / 10).join()})`);
  return { tints, legend: { low, high, stops, cut: sorted[0] < low || sorted[sorted.length - 1] > high, missing } };
}

function showLegend(box, name, legend) {
  box.replaceChildren();
  if (!legend) return;
  box.append(make("span", { class: "legend-name" }, axisText(columnOf.get(name))));
  if (legend.listed) {
    for (const [text, colour] of legend.listed) {
      const dot = make("span", { class: "dot" });
      dot.style.background = colour;
      box.append(make("span", { class: "legend-item" }, dot, text));
    }
  } else {
    const bar = make("span", { class: "ramp" });
    bar.style.background = `linear-gradient(90deg, ${legend.stops.join()})`;
    box.append((legend.cut ? "≤ " : "") + shownNumber(legend.low), bar, (legend.cut ? "≥ " : "") + shownNumber(legend.high));
  }
  if (legend.missing) box.append(make("span", { class: "legend-item" }, make("span", { class: "dot missing" }), `no value (${count(legend.missing)})`));
}
