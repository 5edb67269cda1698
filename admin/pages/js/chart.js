// timeChart(): figures over time. uPlot draws where the build has it, else the small drawing here; legend, keyboard, table, gaps and zoom are
// the same for both. Both leave the same margins, so that what lies above (rule, tip) fits either.
import { draw, el, fill, icon, isPhone } from "./dom.js";
import { isChinese, say } from "./speak.js";
import { clock, date, moment } from "./format.js";
import { change } from "./place.js";

const LEFT = 56, RIGHT = 8, TOP = 8, BOTTOM = 22;
let library;
const getLibrary = () => library ??= import("../vendor/uplot.js").then(module => module.default || null, () => null);

/** What var(--name) is just now: a canvas needs the colour itself. */
function inkNow(name) {
  const probe = el("i", { style: { color: `var(--${name})` } });
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}
function roundUp(most) {
  const size = 10 ** Math.floor(Math.log10(most || 1));
  return [1, 2, 2.5, 5, 10].find(step => step * size >= most) * size;
}
/** Sums from below up, for bars on each other; a gap stays one. */
function pile(series) {
  const sums = [];
  return series.map(one => one.values.map((value, i) => value === null || value === undefined ? null : sums[i] = (sums[i] || 0) + value));
}
const timeText = (at, length) => length > 2 * 86400e3 ? date(at) : clock(at);

function axisTimes(from, to, width) {
  const steps = [60, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 432000, 864000].map(one => one * 1000);
  const step = steps.find(one => (to - from) / one <= width / 76) || steps.at(-1), shift = new Date(to).getTimezoneOffset() * 60000, out = [];
  for (let at = Math.ceil((from - shift) / step) * step + shift; at <= to; at += step) out.push(at);
  return out;
}

/** The own drawing: SVG. */
function drawPlain(box, plan) {
  const { width, height, most, heaps, series, from, to, isBars, stepMs } = plan, w = width - LEFT - RIGHT, h = height - TOP - BOTTOM;
  const x = at => LEFT + (at - from) / (to - from) * w, y = value => TOP + h - value / most * h;
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  for (let i = 0; i <= 4; i += 2) {
    const value = most * i / 4;
    svg.append(draw("path", { d: `M${LEFT} ${y(value)}H${width - RIGHT}`, stroke: "var(--grid)" }), draw("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, plan.unit(value)));
  }
  for (const at of axisTimes(from, to, w)) svg.append(draw("text", { x: x(at), y: height - 5, "text-anchor": "middle" }, timeText(at, to - from)));
  for (let k = series.length - 1; k >= 0; k--) {
    const values = heaps[k], ink = `var(--${series[k].ink})`;
    if (isBars) {
      const wide = Math.max(1, w / values.length - 1);
      svg.append(draw("path", { fill: ink, d: values.map((value, i) => value ? `M${(x(plan.times[i] + stepMs / 2) - wide / 2).toFixed(1)} ${y(0)}v${-(value / most * h).toFixed(1)}h${wide.toFixed(1)}V${y(0)}z` : "").join("") }));
    } else {
      let isOpen = false;
      const d = values.map((value, i) => { const isKnown = value !== null && value !== undefined, text = isKnown ? (isOpen ? "L" : "M") + x(plan.times[i] + stepMs / 2).toFixed(1) + " " + y(value).toFixed(1) : ""; isOpen = isKnown; return text; }).join("");
      if (plan.isSparse) values.forEach((value, i) => { if (value) svg.append(draw("circle", { cx: x(plan.times[i] + stepMs / 2), cy: y(value), r: 2.5, fill: ink })); });
      svg.append(draw("path", { d, fill: "none", stroke: ink, "stroke-width": 1.6, "stroke-dasharray": series[k].isDashed ? "5 4" : null }));
    }
  }
  fill(box, svg);
}

/** The same by uPlot. */
function drawByLibrary(uPlot, box, plan) {
  const faint = inkNow("faint"), grid = { stroke: inkNow("grid"), width: 1 }, font = "11px " + getComputedStyle(document.body).fontFamily;
  const bars = uPlot.paths.bars({ size: [0.86, 40], align: 0 }), order = plan.series.map((_, i) => i).reverse();
  const axis = { stroke: faint, font, ticks: { show: false } };
  fill(box);
  new uPlot({
    width: plan.width, height: plan.height, padding: [TOP, RIGHT, 0, 0], legend: { show: false }, cursor: { show: false }, ms: 1,
    scales: { x: { time: true, range: () => [plan.from, plan.to] }, y: { range: () => [0, plan.most] } },
    axes: [{ ...axis, size: BOTTOM, gap: 4, grid: { show: false }, splits: () => axisTimes(plan.from, plan.to, plan.width - LEFT), values: (_, all) => all.map(at => timeText(at, plan.to - plan.from)) },
      { ...axis, size: LEFT, gap: 6, grid, splits: () => [0, plan.most / 2, plan.most], values: (_, all) => all.map(plan.unit) }],
    series: [{}, ...order.map(i => {
      const ink = inkNow(plan.series[i].ink);
      return plan.isBars ? { stroke: ink, fill: ink, width: 0, paths: bars, points: { show: false } }
        : { stroke: ink, width: 1.6, dash: plan.series[i].isDashed ? [5, 4] : undefined, points: { show: plan.isSparse, size: 5, fill: ink }, spanGaps: false };
    })],
  }, [plan.times.map(at => at + plan.stepMs / 2), ...order.map(i => plan.heaps[i].map(value => value === undefined ? null : value))], box);
}

function legend(series, onTable) {
  return el("div.legend", null, series.map(one => el("span", null, draw("svg", { width: 16, height: 10, "aria-hidden": "true" },
    one.isLine ? draw("path", { d: "M0 5h16", stroke: `var(--${one.ink})`, "stroke-width": 2, "stroke-dasharray": one.isDashed ? "5 3" : null })
      : draw("rect", { x: 3, width: 10, height: 10, rx: 2, fill: `var(--${one.ink})` })), one.label)),
  el("button.button.plain", { type: "button", "aria-pressed": "false", "aria-label": say("as_table"), title: say("as_table"), onclick: onTable }, icon("table", 14)));
}
function asTable(plan, label) {
  return el("div.scroll-x", { tabindex: "0", role: "region", "aria-label": label, style: { "max-height": "220px", "overflow-y": "auto" } }, el("table", null, el("thead", null, el("tr", null, el("th", { scope: "col" }, say("time")), plan.series.map(one => el("th.num", { scope: "col" }, one.label)))),
    el("tbody", null, plan.times.map((at, i) => el("tr", null, el("td", null, moment(at)), plan.series.map(one => el("td.num", null, plan.unit(one.values[i]))))).reverse())));
}

/** {label, t0, step_ms, series: [{label, ink, values, isDashed?}], unit(value) → text, kind: bars|lines}. Drag zooms; with the arrow keys one
 * walks from point to point, Enter zooms round it. The node has .update(series) for the last point. */
export function timeChart(given) {
  const series = given.series.map(one => ({ ...one, isLine: given.kind === "lines" })), box = el("div.ink"), isBars = given.kind !== "lines";
  const times = (series[0]?.values || []).map((_, i) => given.t0 + i * given.step_ms);
  const hit = el("div.hit", { role: "slider", tabindex: "0", "aria-label": given.label, "aria-valuemin": 0, "aria-valuemax": Math.max(0, times.length - 1), "aria-valuenow": Math.max(0, times.length - 1), "aria-valuetext": say("chart_keys") });
  const plot = el("div.plot", null, box, hit), node = el("figure", { "aria-label": given.label });
  const plan = { series, times, isBars, stepMs: given.step_ms, unit: given.unit, from: given.t0, to: given.t0 + times.length * given.step_ms };
  let rule, tip, zoom, at = -1, begun = null, uPlot = null;
  // A line of few points would be nothing to see.
  plan.isSparse = series.every(one => one.values.filter(value => value !== null && value !== undefined).length < 12);
  const known = series.some(one => one.values.some(value => value !== null && value !== undefined));
  fill(node, legend(series, event => {
    const now = event.currentTarget.getAttribute("aria-pressed") !== "true";
    event.currentTarget.setAttribute("aria-pressed", now);
    fill(frame, now ? asTable(plan, given.label) : plot);
    if (!now) paint();
  }));
  const frame = el("div", null, known ? plot : el("div.empty", null, say("no_data")));
  node.append(frame);

  function paint() {
    plan.width = Math.round(plot.clientWidth);
    plan.height = Math.round(plot.clientHeight);
    if (!plan.width || !known) return;
    plan.heaps = isBars ? pile(series) : series.map(one => one.values);
    plan.most = roundUp(Math.max(1e-9, ...plan.heaps.flat().filter(value => value !== null && value !== undefined)));
    if (uPlot) drawByLibrary(uPlot, box, plan);
    else drawPlain(box, plan);
  }
  const xOf = i => LEFT + (i + 0.5) / times.length * (plan.width - LEFT - RIGHT);
  const indexOf = event => Math.max(0, Math.min(times.length - 1, Math.floor((event.clientX - plot.getBoundingClientRect().left - LEFT) / (plan.width - LEFT - RIGHT) * times.length)));
  function hide() { rule?.remove(); tip?.remove(); rule = tip = null; }
  function point(i) {
    hide();
    at = i;
    const lines = series.map(one => [one.label, given.unit(one.values[i])]);
    hit.setAttribute("aria-valuenow", i);
    hit.setAttribute("aria-valuetext", moment(times[i]) + (isChinese() ? "：" : ": ") + lines.map(line => line.join(" ")).join(", "));
    plot.append(rule = el("div.rule", { style: { left: xOf(i) + "px" } }), tip = el("div.tip", { "aria-hidden": "true" }, el("b", null, moment(times[i])), lines.map(([name, value]) => el("div", null, el("span.muted", null, name), value))));
    const left = xOf(i) + 12;
    tip.style.left = (left + tip.offsetWidth > plan.width ? Math.max(0, left - tip.offsetWidth - 24) : left) + "px";
  }
  const zoomTo = (a, b) => change({ from: times[Math.min(a, b)], to: times[Math.max(a, b)] + given.step_ms });
  hit.addEventListener("pointermove", event => {
    const i = indexOf(event);
    point(i);
    if (begun === null) return;
    zoom ??= plot.appendChild(el("div.zoom"));
    zoom.style.left = Math.min(xOf(begun), xOf(i)) + "px";
    zoom.style.width = Math.abs(xOf(i) - xOf(begun)) + "px";
  });
  hit.addEventListener("pointerleave", hide);
  hit.addEventListener("pointerdown", event => { if (event.button === 0 && !isPhone()) { begun = indexOf(event); hit.setPointerCapture(event.pointerId); } });
  hit.addEventListener("pointerup", event => {
    const end = indexOf(event), first = begun;
    begun = null;
    zoom?.remove();
    zoom = null;
    if (first !== null && Math.abs(end - first) > 1) zoomTo(first, end);
  });
  hit.addEventListener("blur", hide);
  hit.addEventListener("keydown", event => {
    const last = times.length - 1, to = { ArrowLeft: at < 0 ? last : Math.max(0, at - 1), ArrowRight: at < 0 ? 0 : Math.min(last, at + 1), Home: 0, End: last }[event.key];
    if (to !== undefined) { event.preventDefault(); point(to); }
    if (event.key === "Enter" && at >= 0) zoomTo(Math.max(0, at - 3), Math.min(last, at + 3));
  });
  new ResizeObserver(paint).observe(plot);
  getLibrary().then(found => { uPlot = found; paint(); });
  addEventListener("theme", paint);
  return node;
}
