// Filters: a range of any column each, beside the part that cells fit and the rule they keep to.

const filters = [];

const limit = (input, otherwise) => (input.value.trim() === "" || Number.isNaN(Number(input.value)) ? otherwise : Number(input.value));

// A filter lets cells pass whose value is known and within both limits; without limits, all. Limits
// are rounded as the column is: in 32 bits 91.51 lies above the number that was typed.
function passes({ name, low, high }) {
  const values = valuesOf(name);
  const held = columnOf.get(name).type === "f4" ? Math.fround : Number;
  const [from, to] = [held(limit(low, -Infinity)), held(limit(high, Infinity))];
  return from === -Infinity && to === Infinity ? () => true : (cell) => values[cell] >= from && values[cell] <= to;
}

function addFilter(name, low, high, changed) {
  const column = columnOf.get(name);
  const known = valuesOf(name).filter(Number.isFinite);
  const ends = [known.reduce((a, b) => Math.min(a, b), Infinity), known.reduce((a, b) => Math.max(a, b), -Infinity)];
  const field = (word, value, at) => {
    const input = make("input", { type: "number", step: "any", inputmode: "decimal", value, "aria-label": `${axisText(column)} ${word}`, placeholder: shownNumber(ends[at]).replaceAll(",", ""), oninput: changed });
    return [make("label", { class: "field inline small" }, make("span", {}, word), input), input];
  };
  const [from, lowInput] = field("from", low, 0);
  const [to, highInput] = field("to", high, 1);
  const remove = () => {
    filters.splice(filters.indexOf(filter), 1);
    filter.row.remove();
    byId("ex-filter-column").focus();
    changed();
  };
  const row = make("li", { class: "filter" },
    make("span", { class: "filter-name", title: column.description }, ...breakable(axisText(column))), from, to,
    make("button", { type: "button", "aria-label": `Remove the filter on ${axisText(column)}`, onclick: remove }, "Remove"));
  const filter = { name, low: lowInput, high: highInput, row };
  filters.push(filter);
  byId("ex-filters").append(row);
  return filter;
}

function clearFilters() {
  filters.length = 0;
  byId("ex-filters").replaceChildren();
}

// What is asked most comes first: what the part and the network of the x axis cost, and accuracy.
function fillFilterColumns() {
  const axis = shortName(columnOf.get(controls.x.value));
  const [, device, runtime, dataset, skeleton] = axis.split(".").length === 5 ? axis.split(".") : "latency.stm32f746.tflm_cmsis_nn.cifar10.official".split(".");
  const network = `.${dataset}.${skeleton}`;
  const often = DATA.columns.map(({ name }) => name).filter((name) => {
    const short = shortName(columnOf.get(name));
    return /^(ram|flash)\./.test(short) ? short.endsWith(network) || short === `flash.weights.${dataset}` : ["latency", "energy"].some((cost) => short === `${cost}.${device}.${runtime}${network}`);
  }).concat(["cifar10.test.200ep.mean", "cifar10.test.int8_ptq"].map(resolve).filter(Boolean));
  const select = byId("ex-filter-column");
  const before = select.value;
  fillSelect(select, () => true);
  select.prepend(make("optgroup", { label: "Asked most" },
    ...often.map((name) => make("option", { value: name }, axisText(columnOf.get(name))))));
  select.value = before || often[0] || select.options[0].value;
}

function setUpFilters(changed) {
  fillFilterColumns();
  byId("ex-filter-add").addEventListener("click", () => {
    addFilter(byId("ex-filter-column").value, "", "", changed).high.focus();
    changed();
  });
  byId("ex-clear").addEventListener("click", () => {
    controls.fits.value = "";
    controls.rule.value = "all";
    clearFilters();
    changed();
  });
}
