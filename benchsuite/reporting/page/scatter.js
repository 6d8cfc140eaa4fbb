// A scatter of points: axes, points and marks on three canvases. The points are drawn by WebGL, and
// on a plain canvas where there is none.

const VERTEX = `
attribute vec2 place; attribute vec4 tint;
uniform vec4 view; uniform mediump float size; varying vec4 colour;
void main() {
  gl_Position = vec4((place - view.xy) / view.zw * 2.0 - 1.0, 0.0, 1.0);
  gl_PointSize = size; colour = tint;
}`;
const FRAGMENT = `
precision mediump float; varying vec4 colour; uniform mediump float size;
void main() {
  float far = length(gl_PointCoord - 0.5) * size;
  float cover = clamp(size * 0.5 - far, 0.0, 1.0) * colour.a;
  gl_FragColor = vec4(colour.rgb * cover, cover);
}`;

function webgl(canvas) {
  const gl = canvas.getContext("webgl", { premultipliedAlpha: true, antialias: false });
  if (!gl) return null;
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) return null;
  gl.useProgram(program);
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  const place = gl.getAttribLocation(program, "place");
  const tint = gl.getAttribLocation(program, "tint");
  const buffers = [gl.createBuffer(), gl.createBuffer()];
  const [view, size] = ["view", "size"].map((name) => gl.getUniformLocation(program, name));
  let points = 0;
  return {
    load(places, tints) {
      points = places.length / 2;
      gl.bindBuffer(gl.ARRAY_BUFFER, buffers[0]);
      gl.bufferData(gl.ARRAY_BUFFER, places, gl.STATIC_DRAW);
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, 2, gl.FLOAT, false, 0, 0);
      gl.bindBuffer(gl.ARRAY_BUFFER, buffers[1]);
      gl.bufferData(gl.ARRAY_BUFFER, tints, gl.STATIC_DRAW);
      gl.enableVertexAttribArray(tint);
      gl.vertexAttribPointer(tint, 4, gl.UNSIGNED_BYTE, true, 0, 0);
    },
    draw(box, at, pixels, ratio) {
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
      const bottom = canvas.height - (box.top + box.height) * ratio;
      gl.viewport(box.left * ratio, bottom, box.width * ratio, box.height * ratio);
      gl.enable(gl.SCISSOR_TEST);
      gl.scissor(box.left * ratio, bottom, box.width * ratio, box.height * ratio);
      gl.uniform4f(view, at.x0, at.y0, at.x1 - at.x0, at.y1 - at.y0);
      gl.uniform1f(size, pixels * ratio);
      gl.drawArrays(gl.POINTS, 0, points);
      gl.disable(gl.SCISSOR_TEST);
    },
  };
}

function plainCanvas(canvas) {
  const context = canvas.getContext("2d");
  let places = [];
  let tints = [];
  return {
    load(p, t) { places = p; tints = t; },
    draw(box, at, pixels, ratio) {
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, canvas.width, canvas.height);
      context.save();
      context.beginPath();
      context.rect(box.left, box.top, box.width, box.height);
      context.clip();
      for (let i = 0; i < places.length / 2; i++) {
        const x = box.left + ((places[2 * i] - at.x0) / (at.x1 - at.x0)) * box.width;
        const y = box.top + box.height - ((places[2 * i + 1] - at.y0) / (at.y1 - at.y0)) * box.height;
        context.fillStyle = `rgba(${tints[4 * i]},${tints[4 * i + 1]},${tints[4 * i + 2]},${tints[4 * i + 3] / 255})`;
        context.fillRect(x - pixels / 2, y - pixels / 2, pixels, pixels);
      }
      context.restore();
    },
  };
}

// Ticks of an axis from low to high in data units; on a log axis low and high are powers of ten.
function ticks(low, high, log, room) {
  if (log) {
    const found = [];
    const decades = high - low;
    const factors = decades < 1.2 ? [1, 2, 3, 5, 7] : decades < 3 ? [1, 2, 5] : [1];
    const every = Math.max(1, Math.ceil(decades / Math.max(2, room)));
    for (let power = Math.floor(low); power <= high; power += every) {
      for (const factor of factors) {
        const at = power + Math.log10(factor);
        if (at >= low && at <= high) found.push([at, tickText(10 ** power * factor, 10 ** power)]);
      }
    }
    if (found.length > 1) return found;
    return ticks(10 ** low, 10 ** high, false, room).map(([value, text]) => [Math.log10(value), text]);
  }
  const rough = (high - low) / Math.max(2, room);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= rough * 0.999) || 10 * power;
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9) + 0; k * step <= high + step * 1e-9; k++) found.push([k * step, tickText(k * step, step)]);
  return found;
}

class Scatter {
  // ground: canvas of the axes; points: of the points; above: of marks, and for the pointer.
  constructor(ground, points, above) {
    this.ground = ground;
    this.points = points;
    this.above = above;
    const renderer = webgl(points);
    this.plain = !renderer;
    if (!renderer && points.getContext("2d") === null) {
      this.points = points.cloneNode();
      points.replaceWith(this.points);
    }
    this.renderer = renderer || plainCanvas(this.points);
    this.marks = () => {};
    this.cells = [];
  }

  // x, y: values by cell; cells: those to draw; tints: 4 bytes per cell.
  load({ x, y, cells, logX, logY, tints }) {
    const place = (values, log) => (log ? (i) => Math.log10(values[i]) : (i) => values[i]);
    this.atX = place(x, logX);
    this.atY = place(y, logY);
    this.log = { x: logX, y: logY };
    this.cells = cells;
    this.full = { ...range(cells, this.atX, "x"), ...range(cells, this.atY, "y") };
    const { x0, x1, y0, y1 } = this.full;
    const places = new Float32Array(2 * cells.length);
    const colours = new Uint8Array(4 * cells.length);
    cells.forEach((cell, i) => {
      places[2 * i] = (this.atX(cell) - x0) / (x1 - x0);
      places[2 * i + 1] = (this.atY(cell) - y0) / (y1 - y0);
      colours.set(tints.subarray(4 * cell, 4 * cell + 4), 4 * i);
    });
    this.renderer.load(places, colours);
    this.view = this.view || this.full;
  }

  reset() { this.view = this.full; this.draw(); }

  zoom(view) { this.view = view; this.draw(); }

  zoomBy(factor) {
    const { x0, x1, y0, y1 } = this.view;
    const [cx, cy, w, h] = [(x0 + x1) / 2, (y0 + y1) / 2, ((x1 - x0) * factor) / 2, ((y1 - y0) * factor) / 2];
    this.zoom({ x0: cx - w, x1: cx + w, y0: cy - h, y1: cy + h });
  }

  pixel(cell) {
    const { x0, x1, y0, y1 } = this.view;
    const { left, top, width, height } = this.box;
    return [left + ((this.atX(cell) - x0) / (x1 - x0)) * width, top + height - ((this.atY(cell) - y0) / (y1 - y0)) * height];
  }

  dataAt(px, py) {
    const { x0, x1, y0, y1 } = this.view;
    const { left, top, width, height } = this.box;
    return [x0 + ((px - left) / width) * (x1 - x0), y0 + ((top + height - py) / height) * (y1 - y0)];
  }

  // The drawn cells under a pixel, nearest first; those at one place come by index.
  near(px, py, reach) {
    const found = [];
    for (const cell of this.cells) {
      const [x, y] = this.pixel(cell);
      const far = Math.hypot(x - px, y - py);
      if (far <= reach) found.push([far, cell]);
    }
    return found.sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(([, cell]) => cell);
  }

  // The nearest drawn cell in a direction of the screen, as an arrow key asks for.
  towards(cell, dx, dy) {
    const [px, py] = this.pixel(cell);
    let best = null;
    let least = Infinity;
    for (const other of this.cells) {
      const [x, y] = this.pixel(other);
      const along = (x - px) * dx + (y - py) * dy;
      if (along < 0.5) continue;
      const cost = along + 3 * Math.abs((x - px) * dy + (y - py) * dx);
      if (cost < least) { least = cost; best = other; }
    }
    return best;
  }

  draw() {
    const ratio = window.devicePixelRatio || 1;
    const { width, height } = this.above.getBoundingClientRect();
    if (!width || !height || !this.view) return;
    for (const canvas of [this.ground, this.points, this.above]) {
      const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
      if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
    }
    const narrow = width < 480;
    this.box = { left: narrow ? 52 : 68, top: 14, width: width - (narrow ? 64 : 84), height: height - 66 };
    const { x0: fx0, x1: fx1, y0: fy0, y1: fy1 } = this.full;
    const share = (v, a, b) => (v - a) / (b - a);
    const { x0, x1, y0, y1 } = this.view;
    const at = { x0: share(x0, fx0, fx1), x1: share(x1, fx0, fx1), y0: share(y0, fy0, fy1), y1: share(y1, fy0, fy1) };
    this.renderer.draw(this.box, at, narrow ? 4 : 5, ratio);
    const [axes, context] = [this.ground, this.above].map((canvas) => {
      const found = canvas.getContext("2d");
      found.setTransform(ratio, 0, 0, ratio, 0, 0);
      found.clearRect(0, 0, width, height);
      return found;
    });
    drawAxes(axes, this, narrow);
    context.save();
    context.beginPath();
    context.rect(this.box.left - 8, this.box.top - 8, this.box.width + 16, this.box.height + 16);
    context.clip();
    this.marks(context);
    context.restore();
  }
}

function range(cells, place, axis) {
  let low = Infinity;
  let high = -Infinity;
  for (const cell of cells) {
    const value = place(cell);
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (!(low <= high)) [low, high] = [0, 1];
  const pad = (high - low) * 0.03 || Math.abs(high) * 0.05 || 1;
  return { [`${axis}0`]: low - pad, [`${axis}1`]: high + pad };
}

function drawAxes(context, plot, narrow) {
  const { left, top, width, height } = plot.box;
  const { x0, x1, y0, y1 } = plot.view;
  const ink = token("--muted");
  context.font = `${narrow ? 11 : 12}px ${token("--sans")}`;
  context.lineWidth = 1;
  context.strokeStyle = token("--grid");
  context.fillStyle = ink;
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const [value, text] of ticks(x0, x1, plot.log.x, width / 90)) {
    const x = Math.round(left + ((value - x0) / (x1 - x0)) * width) + 0.5;
    line(context, x, top, x, top + height);
    context.fillText(text, x, top + height + 8);
  }
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const [value, text] of ticks(y0, y1, plot.log.y, height / 60)) {
    const y = Math.round(top + height - ((value - y0) / (y1 - y0)) * height) + 0.5;
    line(context, left, y, left + width, y);
    context.fillText(text, left - 8, y);
  }
  context.strokeStyle = token("--rule");
  line(context, left + 0.5, top, left + 0.5, top + height + 0.5);
  line(context, left, top + height + 0.5, left + width, top + height + 0.5);
  context.fillStyle = token("--ink");
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  context.fillText(plot.titleX || "", left + width / 2, top + height + 44, width);
  context.save();
  context.translate(13, top + height / 2);
  context.rotate(-Math.PI / 2);
  context.fillText(plot.titleY || "", 0, 0, height);
  context.restore();
}

function line(context, x0, y0, x1, y1) {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}
