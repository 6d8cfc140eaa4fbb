// Tables that can be sorted by any column: once upwards, once downwards, then as they were.

function setUpTables() {
  for (const table of document.querySelectorAll("table.rows")) {
    const rows = [...table.tBodies[0].rows];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, at) => head.querySelector("button").addEventListener("click", () => sortRows(table, heads, rows, at)));
  }
}

function sortKey(cell) {
  const text = cell.dataset.v ?? cell.textContent.trim().replaceAll(",", "");
  if (text === "" || text === "-") return [2, 0, ""];
  const number = Number(text);
  return Number.isNaN(number) ? [1, 0, text] : [0, number, ""];
}

function sortRows(table, heads, rows, at) {
  const next = { none: "ascending", ascending: "descending", descending: "none" };
  const order = next[heads[at].getAttribute("aria-sort") || "none"];
  heads.forEach((head, i) => head.setAttribute("aria-sort", i === at ? order : "none"));
  let sorted = rows;
  if (order !== "none") {
    const sign = order === "ascending" ? 1 : -1;
    const keyed = rows.map((row) => [sortKey(row.cells[at]), row]);
    // What is missing stays last either way.
    keyed.sort(([a], [b]) =>
      (a[0] === 2 || b[0] === 2) ? a[0] - b[0] : sign * (a[0] - b[0] || a[1] - b[1] || a[2].localeCompare(b[2], "en", { numeric: true })));
    sorted = keyed.map(([, row]) => row);
  }
  table.tBodies[0].append(...sorted);
}
