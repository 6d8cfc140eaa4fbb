// Kendall's tau-b and the Pareto front of two columns.

// O(n log n), Knight (1966): pairs (x, y) without missing values; NaN for fewer than two.
function kendall(x, y) {
  const n = x.length;
  if (n < 2) return NaN;
  const order = Uint32Array.from(x, (_, i) => i).sort((a, b) => x[a] - x[b] || y[a] - y[b]);
  const pairs = (m) => (m * (m - 1)) / 2;
  const ties = (same) => {
    let found = 0;
    for (let i = 1, run = 1; i <= n; i++) {
      if (i < n && same(i)) run++;
      else { found += pairs(run); run = 1; }
    }
    return found;
  };
  const tiedX = ties((i) => x[order[i]] === x[order[i - 1]]);
  const tiedBoth = ties((i) => x[order[i]] === x[order[i - 1]] && y[order[i]] === y[order[i - 1]]);
  let from = Float64Array.from(order, (i) => y[i]);
  let to = new Float64Array(n);
  let swaps = 0;
  for (let width = 1; width < n; width *= 2) {
    for (let start = 0; start < n; start += 2 * width) {
      const middle = Math.min(start + width, n);
      const end = Math.min(start + 2 * width, n);
      let i = start;
      let j = middle;
      for (let k = start; k < end; k++) {
        if (i < middle && (j >= end || from[i] <= from[j])) to[k] = from[i++];
        else { to[k] = from[j++]; swaps += middle - i; }
      }
    }
    [from, to] = [to, from];
  }
  const tiedY = ties((i) => from[i] === from[i - 1]);
  const all = pairs(n);
  return (all - tiedX - tiedY + tiedBoth - 2 * swaps) / Math.sqrt(all - tiedX) / Math.sqrt(all - tiedY);
}

// The cells that no other is better than on both axes; signs are +1 where more is better, else -1.
// Equal cells are all on the front. Sorted by x.
function paretoFront(cells, x, y, signX, signY) {
  const order = [...cells].sort((a, b) => signX * (x[b] - x[a]) || signY * (y[b] - y[a]) || a - b);
  const front = [];
  let bestY = -Infinity;
  let atX = NaN;
  for (const cell of order) {
    const value = signY * y[cell];
    if (value > bestY) { bestY = value; atX = x[cell]; front.push(cell); }
    else if (value === bestY && x[cell] === atX) front.push(cell);
  }
  return front.sort((a, b) => x[a] - x[b] || y[a] - y[b] || a - b);
}
