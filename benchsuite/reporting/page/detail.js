// The panel of one cell: drawing, numbers, neighbours, and code that rebuilds it.

const cellRules = { connected: [], pruned: [] };

function setUpRules() {
  for (const index of everyCell) {
    const ops = opsOf(index);
    const live = liveEdges(ops);
    cellRules.connected.push(live.some(Boolean));
    cellRules.pruned.push(ops.every((op, e) => op === 0 || live[e]));
  }
}

function showCell(panel, index, axes, pick) {
  const ops = opsOf(index);
  const arch = archOf(ops);
  byId("cell-title").textContent = `Cell ${index}`;
  byId("cell-drawing").replaceChildren(drawingOf(index));
  byId("cell-arch").textContent = arch;
  const note = byId("cell-note");
  note.hidden = cellRules.connected[index];
  byId("cell-axes").replaceChildren(...axes.map((name) => numberRow(columnOf.get(name), index)));
  showGroups(index);
  byId("cell-neighbours").replaceChildren(
    ...neighboursOf(ops).map(({ edge, op, index: other }) =>
      make("button", { type: "button", class: "chip", title: `edge ${DATA.edges[edge].join(" to ")}: ${OP_TEXT[op]}`, onclick: () => pick(other) }, String(other))));
  showSnippet(index, arch);
  panel.hidden = false;
}

function numberRow(column, index) {
  const value = valuesOf(column.name)[index];
  return make("tr", {},
    make("th", { scope: "row", title: `${column.description}. ${column.source}` }, ...breakable(markedName(column))),
    make("td", {}, shownValue(column, value)),
    make("td", { class: "unit" }, column.unit || ""));
}

// A name that may be broken after its dots.
const breakable = (name) => name.split(/(?<=\.)/).flatMap((part) => [part, make("wbr")]);

function showGroups(index) {
  const box = byId("cell-groups");
  const open = new Set([...box.querySelectorAll("details[open]")].map((d) => d.dataset.group));
  if (!box.childElementCount) open.add("Accuracy");
  const groups = new Map();
  for (const column of DATA.columns) groups.set(column.group, [...(groups.get(column.group) || []), column]);
  box.replaceChildren(...[...groups].map(([group, columns]) => {
    const body = make("tbody");
    const fill = () => { if (!body.childElementCount) body.append(...columns.map((column) => numberRow(column, index))); };
    const details = make("details", { open: open.has(group), "data-group": group, ontoggle: fill },
      make("summary", {}, group, make("span", { class: "quiet" }, ` ${columns.length}`)), make("table", { class: "numbers" }, body));
    if (open.has(group)) fill();
    return details;
  }));
}

const SNIPPETS = new Map(DATA.snippets);
let shownSnippet = DATA.snippets[0][0];

function showSnippet(index, arch) {
  byId("snippet").textContent = SNIPPETS.get(shownSnippet).replaceAll("{index}", index).replaceAll("{arch}", arch).trimEnd();
  for (const button of byId("snippet-tabs").children) button.setAttribute("aria-pressed", button.dataset.name === shownSnippet);
}

function setUpDetail(current) {
  byId("snippet-tabs").replaceChildren(...[...SNIPPETS.keys()].map((name) =>
    make("button", { type: "button", "data-name": name, onclick: () => {
      shownSnippet = name;
      showSnippet(current(), archOf(opsOf(current())));
    } }, name)));
  byId("copy-snippet").addEventListener("click", (event) => copyText(byId("snippet").textContent, event.currentTarget));
  byId("copy-arch").addEventListener("click", (event) => copyText(byId("cell-arch").textContent, event.currentTarget));
}
