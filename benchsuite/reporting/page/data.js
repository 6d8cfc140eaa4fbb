// The table of cells: one stream, inflated at the start; columns are unpacked when first looked at.

if (!window.DecompressionStream) { byId("too-old").hidden = false; return; }

const DATA = JSON.parse(byId("data").textContent);

// A zlib stream in base64 -> its bytes.
async function inflated(text) {
  const raw = atob(text);
  const packed = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) packed[i] = raw.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const PACKED = await inflated(byId("packed").textContent);
byId("packed").remove();

const KINDS = { u1: Uint8Array, u2: Uint16Array, f4: Float32Array, f8: Float64Array };

// First the first bytes of all numbers, then the second ones.
function arrayAt({ type, length, at }) {
  const width = Number(type[1]);
  const bytes = new Uint8Array(length * width);
  for (let b = 0; b < width; b++) {
    for (let i = 0; i < length; i++) bytes[i * width + b] = PACKED[at + b * length + i];
  }
  return new KINDS[type](bytes.buffer);
}

const columnOf = new Map(DATA.columns.map((column) => [column.name, column]));
const codes = new Map();
const unpacked = new Map();

function codesAt(at) {
  if (!codes.has(at)) codes.set(at, arrayAt(DATA.codes[at]));
  return codes.get(at);
}

function valuesOf(name) {
  if (!unpacked.has(name)) {
    const column = columnOf.get(name);
    const listed = arrayAt(column);
    if (column.codes === undefined) unpacked.set(name, listed);
    else unpacked.set(name, Float64Array.from(codesAt(column.codes), (code) => listed[code]));
  }
  return unpacked.get(name);
}

// A short name, without `@...`, stands for the column that has it.
function resolve(name) {
  if (columnOf.has(name)) return name;
  const found = DATA.columns.find((column) => shortName(column) === name);
  return found ? found.name : null;
}

const cellNumbers = arrayAt(DATA.cells);
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
