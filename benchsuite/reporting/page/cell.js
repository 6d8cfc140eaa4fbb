// A cell: its string, its live edges, its drawing.

const OP_TEXT = ["none", "skip", "conv 1×1", "conv 3×3", "avg pool 3×3"];
const OP_CLASS = ["none", "skip", "conv1", "conv3", "pool"];

function archOf(ops) {
  let at = 0;
  return [1, 2, 3]
    .map((target) => "|" + Array.from({ length: target }, (_, i) => `${DATA.ops[ops[at++]]}~${i}`).join("|") + "|")
    .join("+");
}

function liveEdges(ops) {
  const reached = [true, false, false, false];
  const reaches = [false, false, false, true];
  DATA.edges.forEach(([from, to], e) => { reached[to] ||= ops[e] !== 0 && reached[from]; });
  for (let e = 5; e >= 0; e--) {
    const [from, to] = DATA.edges[e];
    reaches[from] ||= ops[e] !== 0 && reaches[to];
  }
  return DATA.edges.map(([from, to], e) => ops[e] !== 0 && reached[from] && reaches[to]);
}

function neighboursOf(ops) {
  return ops.flatMap((current, edge) =>
    [0, 1, 2, 3, 4]
      .filter((op) => op !== current)
      .map((op) => ({ edge, op, index: indexOf(ops.map((o, e) => (e === edge ? op : o))) })));
}

const PLACE = [[36, 128], [158, 128], [282, 128], [404, 128]];
const PATHS = {
  "0,1": ["M52 128 H138", 97, 118],
  "1,2": ["M174 128 H262", 220, 118],
  "2,3": ["M298 128 H384", 343, 118],
  "0,2": ["M44 114 C 90 50, 220 50, 270 112", 158, 62],
  "1,3": ["M170 142 C 220 206, 350 206, 396 145", 282, 198],
  "0,3": ["M38 111 C 60 -14, 380 -14, 402 108", 220, 14],
};

function drawingOf(index) {
  const ops = opsOf(index);
  const live = liveEdges(ops);
  const said = DATA.edges.map(([from, to], e) => `${from} to ${to}: ${OP_TEXT[ops[e]]}${ops[e] !== 0 && !live[e] ? " (dead)" : ""}`);
  const svg = make("svg", { viewBox: "0 0 440 216", class: "cell-drawing", role: "img", "aria-label": `Cell ${index}. ${said.join("; ")}.` });
  const head = (kind) => make("marker", { id: `head-${kind}`, class: `op-${kind}`, viewBox: "0 0 8 8", refX: 6, refY: 4, markerWidth: 6, markerHeight: 6, orient: "auto" },
    make("path", { d: "M0 0 L8 4 L0 8 Z" }));
  svg.append(make("defs", {}, ...OP_CLASS.map(head), head("dead")));
  DATA.edges.forEach((edge, e) => {
    const [d, x, y] = PATHS[edge.join()];
    const kind = ops[e] !== 0 && !live[e] ? "dead" : OP_CLASS[ops[e]];
    svg.append(
      make("path", { d, class: `edge op-${kind}`, "marker-end": `url(#head-${kind})` }),
      make("text", { x, y, class: `edge-text op-${kind}` }, OP_TEXT[ops[e]] + (kind === "dead" ? " (dead)" : "")),
    );
  });
  ["in", "1", "2", "out"].forEach((text, node) => {
    const [x, y] = PLACE[node];
    svg.append(make("circle", { cx: x, cy: y, r: 16, class: "node" }), make("text", { x, y: y + 4, class: "node-text" }, text));
  });
  return svg;
}
