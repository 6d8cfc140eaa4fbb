// The table of cells: columns are unpacked when they are first looked at.

const DATA = JSON.parse(byId("data").textContent);

function bytes(text) {
  const raw = atob(text);
  const out = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
  return out.buffer;
}

const columnOf = new Map(DATA.columns.map((column) => [column.name, column]));
const unpackedCodes = new Map();
const unpacked = new Map();

function codesAt(at) {
  if (!unpackedCodes.has(at)) {
    const { bits, data } = DATA.codes[at];
    unpackedCodes.set(at, bits === 8 ? new Uint8Array(bytes(data)) : new Uint16Array(bytes(data)));
  }
  return unpackedCodes.get(at);
}

function valuesOf(name) {
  if (!unpacked.has(name)) {
    const column = columnOf.get(name);
    const Kind = column.type === "f8" ? Float64Array : Float32Array;
    const listed = new Kind(bytes(column.values));
    if (column.codes === undefined) unpacked.set(name, listed);
    else unpacked.set(name, Float64Array.from(codesAt(column.codes), (code) => listed[code]));
  }
  return unpacked.get(name);
}

// A short name, without `@...`, stands for the column that has it.
function resolve(name) {
  if (columnOf.has(name)) return name;
  const found = DATA.columns.find((column) => column.name.replace(/@[^@]*$/, "") === name);
  return found ? found.name : null;
}

const shortName = (column) => column.name.replace(/@[^@]*$/, "");
const axisText = (column) => (column.unit ? `${shortName(column)} [${column.unit}]` : shortName(column));

const cellNumbers = new Uint16Array(bytes(DATA.cells));
const N = cellNumbers.length;
const everyCell = Array.from({ length: N }, (_, i) => i);

function opsOf(index) {
  let rest = cellNumbers[index];
  const ops = new Array(6);
  for (let edge = 5; edge >= 0; edge--) {
    ops[edge] = rest % 5;
    rest = (rest - ops[edge]) / 5;
  }
  return ops;
}

const indexByNumber = new Uint16Array(N);
cellNumbers.forEach((number, index) => { indexByNumber[number] = index; });
const indexOf = (ops) => indexByNumber[ops.reduce((sum, op) => sum * 5 + op, 0)];
