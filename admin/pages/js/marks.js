// Small drawings: states, lines, quota, the pool. A state never shows by colour alone: each has its own shape, and its word beside it.
import { draw, el } from "./dom.js";
import { say } from "./speak.js";
import { count, short } from "./format.js";

export const STATES = ["ready", "partial", "cooling", "spent", "new", "off", "dead"];
const INK = { ready: "ok", partial: "ok", cooling: "warn", spent: "rest", new: "off", off: "off", dead: "bad", warn: "warn", bad: "bad", ok: "ok" };
export const inkOf = state => INK[state] || "off";

function pie(share) {
  const turn = 2 * Math.PI * Math.min(0.999, Math.max(0.02, share)), x = 7 + 3.6 * Math.sin(turn), y = 7 - 3.6 * Math.cos(turn);
  return `M7 7V3.400A3.600 3.600 0 ${share > 0.5 ? 1 : 0} 1 ${x.toFixed(2)} ${y.toFixed(2)}z`;
}
function shape(state, left) {
  const ink = `var(--${inkOf(state)})`, line = { fill: "none", stroke: ink, "stroke-width": 1.6, "stroke-linecap": "round" };
  switch (state) {
  case "ready": case "ok": return [draw("circle", { cx: 7, cy: 7, r: 4.5, fill: ink })];
  case "partial": return [draw("circle", { cx: 7, cy: 7, r: 4.7, ...line }), draw("path", { d: "M7 7V2.300A4.700 4.700 0 1 1 2.300 7z", fill: ink })];
  case "cooling": return [draw("circle", { cx: 7, cy: 7, r: 5.5, ...line }), draw("path", { d: pie(left ?? 0.6), fill: ink })];
  case "spent": return [draw("path", { d: "M12 8.600A5.300 5.300 0 0 1 5.400 2a5.300 5.300 0 1 0 6.600 6.600z", fill: ink })];
  case "new": return [draw("circle", { cx: 7, cy: 7, r: 5, ...line, "stroke-dasharray": "1.500 2.400" })];
  case "off": return [draw("circle", { cx: 7, cy: 7, r: 5.200, ...line }), draw("path", { d: "M4.500 7h5", ...line })];
  case "warn": return [draw("path", { d: "M7 2l5.500 10h-11z", ...line }), draw("path", { d: "M7 6v2.500M7 10.200v.1", ...line })];
  default: return [draw("path", { d: "M3 3l8 8M11 3l-8 8", ...line, "stroke-width": 2 })];
  }
}
/** `left`: of a rest, what is still to come (0…1). */
export const glyph = (state, left) => draw("svg", { class: "glyph", viewBox: "0 0 14 14", "aria-hidden": "true" }, shape(state, left));

export function spark(values, { width = 60, height = 18, ink = "c1", area = false, label } = {}) {
  const known = (values || []).filter(one => one !== null && one !== undefined), most = Math.max(1e-9, ...known);
  const svg = draw("svg", { class: "spark", width, height, viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", ...label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" } });
  if (!known.length) return svg;
  const step = width / values.length, y = value => height - value / most * (height - 2);
  if (!area) {
    values.forEach((value, i) => { if (value) svg.append(draw("rect", { x: i * step, y: y(value), width: Math.max(1, step - 1), height: height - y(value), fill: `var(--${ink})` })); });
    return svg;
  }
  // A gap is a gap: each run of known values is a line of its own.
  for (let i = 0, run = []; i <= values.length; i++) {
    if (i < values.length && values[i] !== null) { run.push(`${(i * width / Math.max(1, values.length - 1)).toFixed(1)} ${y(values[i]).toFixed(1)}`); continue; }
    if (run.length > 1) {
      svg.append(draw("path", { d: `M${run.join("L")}L${run.at(-1).split(" ")[0]} ${height}L${run[0].split(" ")[0]} ${height}z`, fill: `var(--${ink})`, opacity: 0.14 }),
        draw("path", { d: "M" + run.join("L"), fill: "none", stroke: `var(--${ink})`, "stroke-width": 1.3, "vector-effect": "non-scaling-stroke" }));
    }
    run = [];
  }
  return svg;
}

let patterns = 0;
/** Used is full, reserved is hatched. `of`: {used, reserved, limit}. */
export function quota(of) {
  if (!of || !of.limit) return el("span.faint", null, "–");
  const used = Math.min(1, of.used / of.limit), held = Math.min(1 - used, (of.reserved || 0) / of.limit), id = "hatch" + patterns++;
  const ink = used + held >= 1 ? "var(--muted)" : used > 0.85 ? "var(--warn)" : "var(--c1)";
  return el("span.quota", { role: "img", "aria-label": say("used_of", { used: count(of.used), limit: count(of.limit), reserved: count(of.reserved || 0) }) },
    draw("svg", { viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" },
      draw("defs", null, draw("pattern", { id, width: 4, height: 6, patternUnits: "userSpaceOnUse" }, draw("path", { d: "M0 6L4 0", stroke: ink, "stroke-width": 1.4 }))),
      draw("rect", { width: 100 * used, height: 6, fill: ink }), held ? draw("rect", { x: 100 * used, width: 100 * held, height: 6, fill: `url(#${id})` }) : null));
}
export const ofLimit = of => !of ? "–" : el("span", null, short(of.used + (of.reserved || 0)), el("span.faint", null, " / " + (of.limit ? short(of.limit) : "∞")));

const LETTERS = { r: "ready", p: "partial", c: "cooling", s: "spent", n: "new", o: "off", d: "dead", x: "dead" };
/** A cell a letter; the words beside it say the same in numbers. */
export function poolMap(letters, label) {
  const cells = [...letters || ""], columns = Math.min(48, Math.max(12, Math.ceil(Math.sqrt(cells.length * 4)))), rows = Math.ceil(cells.length / columns);
  const svg = draw("svg", { class: "map", viewBox: `0 0 ${columns * 10} ${Math.max(1, rows) * 10}`, role: "img", "aria-label": label });
  cells.forEach((letter, i) => {
    const state = LETTERS[letter] || "off", x = i % columns * 10, y = Math.floor(i / columns) * 10, ink = `var(--${inkOf(state)})`;
    const isFull = state === "ready" || state === "cooling" || state === "spent";
    svg.append(draw("rect", { x: x + 1, y: y + 1, width: 8, height: 8, rx: 1.5, fill: isFull ? ink : "none", stroke: ink, "stroke-width": 1 }));
    if (state === "partial") svg.append(draw("path", { d: `M${x + 1} ${y + 9}L${x + 9} ${y + 1}V${y + 9}z`, fill: ink }));
    if (state === "dead") svg.append(draw("path", { d: `M${x + 3} ${y + 3}l4 4m0-4l-4 4`, stroke: ink, "stroke-width": 1.3 }));
  });
  return svg;
}
/** Availability in slots: 0 none, 1 bad, 2 some lost, 3 good; worse is lower as well. */
export function strip(values, label) {
  const width = 3 * (values || []).length || 3, svg = draw("svg", { class: "spark", width: 144, height: 18, viewBox: `0 0 ${width} 18`, preserveAspectRatio: "none", role: "img", "aria-label": label });
  (values || []).forEach((value, i) => {
    const height = [2, 7, 13, 18][value] || 2;
    svg.append(draw("rect", { x: 3 * i, y: 18 - height, width: 2.2, height, fill: `var(--${["line2", "bad", "warn", "ok"][value] || "line2"})` }));
  });
  return svg;
}
