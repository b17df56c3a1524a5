// Traces on a canvas: a column of the table over time.

const MARGIN = { left: 80, right: 12, top: 12, bottom: 34 };

// A different hue for every cell; neighbouring numbers differ most.
export function hue(cell) {
  return (cell * 137.508) % 360;
}

const darkTheme = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => darkTheme.matches;

// Colours of the theme, by the names of its custom properties.
export function themeColors(canvas, ...names) {
  const style = getComputedStyle(canvas);
  return names.map((name) => style.getPropertyValue(name));
}

export class Plot {
  constructor(canvas, choose) {
    this.canvas = canvas;
    this.lines = [];
    canvas.addEventListener("click", (event) => {
      const point = this.nearest(event.offsetX, event.offsetY);
      if (point) choose(point.cell, point.frame);
    });
    new ResizeObserver(() => this.draw()).observe(canvas);
    darkTheme.addEventListener("change", () => this.draw());
  }

  // lines: [{cell, points: [[t, value, frame]], style: "plain" | "selected" | "bad" | "ghost" (before) | "after" | "fit"}]
  show(lines, { times, unit, title, frame, timeUnit }) {
    this.lines = lines;
    Object.assign(this, { times, unit, title, frame, timeUnit });
    this.canvas.setAttribute("aria-label", `Traces of ${title || "the cells"} over time (${timeUnit})`);
    this.draw();
  }

  at(frame) {
    this.frame = frame;
    this.draw();
  }

  scales() {
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    const values = this.lines.flatMap((line) => line.points.map((p) => p[1])).filter((v) => v !== null);
    let [low, high] = [Infinity, -Infinity];
    for (const v of values) { if (v < low) low = v; if (v > high) high = v; }
    if (!values.length) [low, high] = [0, 1];
    if (low === high) [low, high] = [low - 1, high + 1];
    const pad = (high - low) * 0.05;
    const [t0, t1] = [this.times?.[0] ?? 0, this.times?.at(-1) ?? 1];
    return {
      x: (t) => MARGIN.left + ((t - t0) / (t1 - t0 || 1)) * (width - MARGIN.left - MARGIN.right),
      y: (v) => height - MARGIN.bottom - ((v - low + pad) / (high - low + 2 * pad)) * (height - MARGIN.top - MARGIN.bottom),
      low: low - pad, high: high + pad, t0, t1, width, height,
    };
  }

  draw() {
    const scale = window.devicePixelRatio || 1;
    const { canvas } = this;
    canvas.width = Math.round(canvas.clientWidth * scale);
    canvas.height = Math.round(canvas.clientHeight * scale);
    const context = canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!this.times) return;
    const s = this.scales();
    const [soft, grid, focus, bad, selected, ink] = themeColors(canvas, "--soft", "--grid", "--focus", "--bad", "--selected", "--ink");
    Object.assign(this, { colors: { soft, grid, bad, selected, ink } });
    this.axes(context, s);
    for (const style of ["plain", "bad", "ghost", "after", "selected", "fit"]) {
      for (const line of this.lines) if (line.style === style) this.line(context, s, line);
    }
    const x = s.x(this.times[this.frame] ?? 0);
    context.strokeStyle = focus;
    context.lineWidth = 1;
    context.setLineDash([]);
    context.beginPath();
    context.moveTo(x, MARGIN.top);
    context.lineTo(x, s.height - MARGIN.bottom);
    context.stroke();
  }

  line(context, s, { cell, points, style }) {
    const { bad, soft, selected, ink } = this.colors;
    const colour = `hsl(${hue(cell)} 55% ${isDark() ? 65 : 42}%)`;
    const styles = {
      plain: [colour, 1, [], 0.6], bad: [bad, 1, [3, 3], 0.7], ghost: [soft, 1.5, [5, 4], 1],
      after: [colour, 2.5, [], 1], selected: [selected, 2.5, [], 1], fit: [ink, 1, [2, 2], 1],
    };
    const [stroke, width, dash, alpha] = styles[style];
    Object.assign(context, { strokeStyle: stroke, lineWidth: width, globalAlpha: alpha });
    context.setLineDash(dash);
    context.beginPath();
    let pen = false;
    let last = null;
    for (const [t, v, frame] of points) {
      if (v === null) { pen = false; continue; }
      if (pen && frame - last === 1) context.lineTo(s.x(t), s.y(v));
      else { context.moveTo(s.x(t), s.y(v)); context.lineTo(s.x(t) + 0.6, s.y(v)); }
      pen = true;
      last = frame;
    }
    context.stroke();
    context.globalAlpha = 1;
  }

  axes(context, s) {
    Object.assign(context, { fillStyle: this.colors.soft, strokeStyle: this.colors.grid, lineWidth: 1, font: "11px system-ui, sans-serif" });
    context.setLineDash([]);
    context.beginPath();
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const v of ticks(s.low, s.high, 5)) {
      context.moveTo(MARGIN.left, s.y(v));
      context.lineTo(s.width - MARGIN.right, s.y(v));
      context.fillText(number(v), MARGIN.left - 6, s.y(v));
    }
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const t of ticks(s.t0, s.t1, 6)) {
      context.moveTo(s.x(t), MARGIN.top);
      context.lineTo(s.x(t), s.height - MARGIN.bottom);
      context.fillText(number(t), s.x(t), s.height - MARGIN.bottom + 5);
    }
    context.stroke();
    context.fillText(`time (${this.timeUnit})`, (MARGIN.left + s.width) / 2, s.height - 15);
    context.save();
    context.translate(11, s.height / 2);
    context.rotate(-Math.PI / 2);
    context.textBaseline = "middle";
    context.fillText(this.unit ? `${this.title} (${this.unit})` : this.title, 0, 0);
    context.restore();
  }

  nearest(x, y) {
    if (!this.times) return null;
    const s = this.scales();
    let best = null;
    for (const { cell, points, style } of this.lines) {
      if (style === "fit") continue;
      for (const [t, v, frame] of points) {
        if (v === null) continue;
        const distance = Math.hypot(s.x(t) - x, s.y(v) - y) - (style === "selected" ? 2 : 0);
        if (distance < 25 && (!best || distance < best.distance)) best = { cell, frame, distance };
      }
    }
    return best;
  }
}

// Round numbers between two values, about n of them.
export function ticks(low, high, n) {
  const rough = (high - low) / n || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((k) => k >= rough);
  const values = [];
  for (let v = Math.ceil(low / step) * step; v <= high + step * 1e-9; v += step) values.push(Math.abs(v) < step * 1e-9 ? 0 : v);
  return values;
}

// A number with four digits.
export function number(v) {
  if (v === 0) return "0";
  const size = Math.abs(v);
  if (size >= 1e6 || size < 1e-4) return v.toExponential(1);
  return String(Number(v.toPrecision(4)));
}
