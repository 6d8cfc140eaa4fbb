// Pointer and keyboard on the scatter.

function setUpPointer(canvas) {
  const tip = byId("ex-tip");
  let from = null;
  const at = (event) => {
    const { left, top } = canvas.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };
  canvas.addEventListener("pointerdown", (event) => { if (event.button === 0) from = [...at(event), event.pointerType]; });
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = at(event);
    if (from && from[2] === "mouse" && Math.hypot(x - from[0], y - from[1]) > 6) {
      shownState.box = [from[0], from[1], x, y];
      tip.hidden = true;
      plot.draw();
      return;
    }
    if (event.pointerType !== "mouse") return;
    const [cell, ...others] = plot.near(x, y, 8);
    tip.hidden = cell === undefined;
    canvas.style.cursor = cell === undefined ? "crosshair" : "pointer";
    if (cell === undefined) return;
    const here = 1 + others.filter((c) => shown.x[c] === shown.x[cell] && shown.y[c] === shown.y[cell]).length;
    tip.textContent = `cell ${cell}${here > 1 ? ` and ${here - 1} more` : ""}: ${shownNumber(shown.x[cell])}, ${shownNumber(shown.y[cell])}`;
    const wide = canvas.clientWidth;
    tip.style.left = `${Math.min(x + 14, wide - tip.offsetWidth - 4)}px`;
    tip.style.top = `${y > 60 ? y - 38 : y + 18}px`;
  });
  canvas.addEventListener("pointerleave", () => { tip.hidden = true; });
  window.addEventListener("pointerup", (event) => {
    if (!from) return;
    const [x, y] = at(event);
    const start = from;
    from = null;
    if (shownState.box) {
      shownState.box = null;
      const [x0, y0] = plot.dataAt(Math.min(start[0], x), Math.max(start[1], y));
      const [x1, y1] = plot.dataAt(Math.max(start[0], x), Math.min(start[1], y));
      if (x1 > x0 && y1 > y0) plot.zoom({ x0, x1, y0, y1 });
      return;
    }
    if (event.target !== canvas) return;
    const [cell] = plot.near(x, y, event.pointerType === "mouse" ? 10 : 24);
    if (cell !== undefined) pick(cell);
  });
  window.addEventListener("pointercancel", () => { from = null; shownState.box = null; });
  canvas.addEventListener("dblclick", () => plot.reset());
  canvas.addEventListener("keydown", (event) => {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const act = {
      "+": () => plot.zoomBy(0.7), "=": () => plot.zoomBy(0.7), "-": () => plot.zoomBy(1 / 0.7),
      "0": () => plot.reset(), n: () => step(1), p: () => step(-1),
    }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (act) act();
    else if (arrows[event.key] && shown.drawn.length) {
      const start = shownState.cell;
      const visible = start !== null && shown.drawn.includes(start);
      const next = visible ? plot.towards(start, ...arrows[event.key]) : shown.drawn[0];
      if (next !== null) pick(next);
    } else return;
    event.preventDefault();
  });
}
