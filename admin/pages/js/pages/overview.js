// Is it well, what does it do, what will run out?
import { el, fill } from "../dom.js";
import { say, sayCode, visible } from "../speak.js";
import { link, range } from "../place.js";
import { get, news, query, serves } from "../api.js";
import { ago, bytes, clock, count, decimal, moment, money, percent, short, span, took } from "../format.js";
import { STATES, glyph, ofLimit, poolMap, quota, spark } from "../marks.js";
import { timeChart } from "../chart.js";
import { table } from "../list.js";
import { card, empty, faultName, head, load, rangePicker, ratio, rowsOf } from "../parts.js";

const LEVEL = { ok: "ok", warn: "warn", bad: "bad" };

export function show(view) {
  const body = el("div.stack");
  fill(view.box, head("overview", rangePicker()), body);
  if (serves("overview")) load(body, "overview" + query(range().asked), view, told => draw(view, told));
  else import("./brief.js").then(module => module.showBrief(view, body));
}

function verdictArgs(args = {}) {
  const out = {};
  for (const [name, value] of Object.entries(args)) out[name] = name === "code" ? faultName(value) : name === "role" ? sayCode("role", value) : /(_at|since|until)$/.test(name) ? moment(value) : typeof value === "number" ? count(value) : visible(value, 120);
  return { ...out, n: args.n ?? 2 };
}
export function verdictLine(verdict, states) {
  const total = states ? STATES.reduce((sum, one) => sum + (states[one] || 0), 0) : 0, fit = states ? (states.ready || 0) + (states.partial || 0) : 0;
  const out = [["cooling", (states?.cooling || 0)], ["spent", states?.spent || 0], ["dead", states?.dead || 0]].filter(one => one[1]);
  return el("section.card.verdict." + (LEVEL[verdict.level] || "warn"), { "aria-label": say("verdict") }, glyph(verdict.level === "ok" ? "ok" : verdict.level),
    el("p", null, el("b", null, say("verdict_" + verdict.code, verdictArgs(verdict.args))), states ? say("can_serve", { fit: count(fit), total: count(total) }) : null, " ",
      out.map(([state, n], i) => [i ? ", " : "", el("a", { href: link("keys", { state }) }, say("count_" + state, { n }))]), out.length ? say("stop") : null));
}
/** A figure with its line, and how it stood in the time before. */
function figure(label, value, unit, note, values, ink, to, change) {
  return el("a", { href: to }, el("span", null, label), el("b", null, value, unit ? el("small", null, " " + unit) : null), el("span", null, note, change ? el("span." + (change.good ? "ok-t" : "warn-t"), null, " " + change.text) : null), spark(values, { width: 200, height: 26, ink, area: true }));
}
function changed(now, before, lessIsGood) {
  if (!before || now === null || now === undefined || Math.abs(now / before - 1) < 0.01) return null;
  return { good: now < before === lessIsGood, text: (now < before ? "↓ " : "↑ ") + percent(Math.abs(now / before - 1), 0) };
}
function figures(told, live) {
  const { totals, before = {}, series } = told, all = totals.answered + totals.lost, line = name => series[name] || [];
  const tokens = totals.tokens_in + totals.tokens_out + (totals.tokens_thoughts || 0);
  return el("section.card.figures", { "aria-label": say("figures") }, live,
    figure(say("success"), percent(ratio(totals.answered, all)), null, say("n_lost", { n: totals.lost, count: short(totals.lost) }), line("lost"), "c4", link("calls", { result: "lost" }), changed(totals.lost, before.lost, true)),
    figure(say("unseen"), short(totals.unseen), null, say("unseen_note"), line("unseen"), "c2", link("errors")),
    figure(say("first_content"), took(totals.first_ms?.p50), null, "p95 " + took(totals.first_ms?.p95), line("first_p50"), "c1", link("calls"), changed(totals.first_ms?.p50, before.first_ms?.p50, true)),
    figure(say("tokens"), short(tokens), null, say("in_out", { in: short(totals.tokens_in), out: short(totals.tokens_out + (totals.tokens_thoughts || 0)) }), line("tokens_in"), "c5", link("models")),
    figure(say("cost"), money(totals.cost_usd), null, say("per_day", { cost: money(totals.cost_usd * 86400e3 / Math.max(1, told.to - told.from)) }), line("cost_usd").map(one => one === null ? null : Number(one)), "c5", link("clients")));
}
function liveFigure(view, told) {
  const rate = el("b", null, "–"), note = el("span", null, "\u00a0");
  const paint = tick => {
    fill(rate, decimal(tick.calls_per_s, tick.calls_per_s < 100 ? 1 : 0), el("small", null, " /s"));
    note.textContent = say("open_waiting", { open: count(tick.open), waiting: count(tick.waiting) });
  };
  view.on("tick", paint);
  if (news.latest.tick || told.tick) paint(news.latest.tick || told.tick);
  return el("a", { href: link("calls") }, el("span", null, say("calls_now")), rate, note, spark(told.series.answered, { width: 200, height: 26, ink: "c1", area: true }));
}
export function states(counts) {
  return el("div.row", null, STATES.filter(state => counts[state]).map(state => el("a.chip", { href: link("keys", { state }) }, glyph(state), say("state_" + state), el("b", null, count(counts[state])))));
}
function poolCard(view, pool) {
  const box = el("div.stack");
  const paint = now => fill(box, states(now.states), now.map ? poolMap(now.map, say("pool_map", { n: now.keys_per_cell || 1 })) : null, now.keys_per_cell > 1 ? el("p.faint.small", null, say("keys_a_cell", { n: now.keys_per_cell })) : null);
  paint(pool);
  view.on("pool", told => { if (told.states) paint({ ...pool, ...told }); });
  return card(say("pool"), el("a", { href: link("keys") }, say("all_keys")), box);
}
function quotaCard(told) {
  const rows = (told.quota || []).map(one => [el("a.link", { href: link("keys", { model: one.model }) }, visible(one.model, 60)), quota(one), ofLimit(one), one.out_at ? el("span.warn-t", null, say("out_at", { time: clock(one.out_at) })) : el("span.faint", null, say("lasts"))]);
  return card(say("quota_left"), told.quota_resets_at ? el("span.muted.small", null, say("resets_in", { time: span(told.quota_resets_at - Date.now()) })) : null,
    rows.length ? table([{ label: say("model") }, { label: say("used") }, { label: say("of_limit"), num: true }, { label: say("lasts_until"), num: true }], rows, say("quota_left")) : empty(say("no_data")));
}
function topCard(title, kind, rows) {
  const cells = (rows || []).map(one => [el("a.link", { href: link("calls", { [kind]: one.id }) }, visible(one.name || one.id, 60)), spark(one.line), count(one.calls), percent(one.success), took(one.first_ms?.p50 ?? one.first_ms), money(one.cost_usd)]);
  return card(title, serves(kind + "s") ? el("a", { href: link(kind + "s") }, say("all_of_them")) : null, cells.length ? table([{ label: say(kind) }, { label: say("calls"), class: "desk-only" }, { label: say("calls"), num: true }, { label: say("success"), num: true }, { label: say("first_content"), num: true, class: "desk-only" }, { label: say("cost"), num: true }], cells, title) : empty(say("no_calls_yet")));
}
export function processTable(processes) {
  return table([{ label: say("process") }, { label: say("state") }, { label: say("since"), num: true, class: "desk-only" }, { label: say("open_calls"), num: true }, { label: say("cpu"), num: true, class: "desk-only" }, { label: say("memory"), num: true }, { label: say("lag"), num: true, class: "desk-only" }],
    processes.map(one => [[sayCode("role", one.role), " ", el("span.mono.faint", null, visible(one.id, 12))], el("span.state", null, glyph(one.state === "up" ? "ok" : one.state === "away" ? "bad" : "warn"), say("process_" + one.state), one.code ? el("span.muted", null, sayCode("trouble", one.code)) : null), ago(one.since), count(one.open), one.cpu === null || one.cpu === undefined ? "–" : percent(one.cpu, 0), bytes(one.rss_bytes), took(one.lag_ms)]), say("processes"));
}
export function processCard(view, first) {
  const box = el("div", null, processTable(first));
  view.on("processes", told => fill(box, processTable(rowsOf(told.processes || told))));
  return card(say("processes"), null, box);
}
/** Calls, latency and tokens over time. */
export function charts(told) {
  const { series } = told, base = { t0: series.t0, step_ms: series.step_ms };
  return [card(say("calls_by_result"), serves("calls") ? el("a", { href: link("calls") }, say("all_calls")) : null, timeChart({ ...base, label: say("calls_by_result"), unit: short, series: [{ label: say("answered"), ink: "c1", values: series.answered }, { label: say("client_fault"), ink: "c3", values: series.client_fault || [] }, { label: say("lost"), ink: "c4", values: series.lost || [] }] })),
    el("div.pair", null, series.first_p50 ? card(say("first_content"), null, timeChart({ ...base, label: say("first_content"), kind: "lines", unit: took, series: [{ label: "p50", ink: "c1", values: series.first_p50 }, { label: "p95", ink: "c5", isDashed: true, values: series.first_p95 }] })) : null,
      card(say("tokens"), null, timeChart({ ...base, label: say("tokens"), unit: short, series: [{ label: say("tokens_in"), ink: "c1", values: (series.tokens_in || []).map((one, i) => one === null ? null : Math.max(0, one - (series.tokens_cached?.[i] || 0))) }, { label: say("tokens_cached"), ink: "c6", values: series.tokens_cached || [] }, { label: say("tokens_out"), ink: "c2", values: series.tokens_out || [] }, { label: say("tokens_thoughts"), ink: "c5", values: series.tokens_thoughts || [] }] })))];
}
export function beginning() {
  return el("section.card", null, empty(say("no_calls_yet"), say("how_to_begin"), el("pre.says", null, `curl ${location.origin}/v1/chat/completions \\\n  -H 'Authorization: Bearer TOKEN' -H 'Content-Type: application/json' \\\n  -d '{"model":"gemini-2.5-flash","messages":[{"role":"user","content":"Hello"}]}'`)));
}
function draw(view, told) {
  const total = Object.values(told.pool?.states || {}).reduce((sum, one) => sum + one, 0);
  if (!total) { import("./wizard.js").then(module => module.showWizard(view)); return null; }
  const hasCalls = told.totals.answered + told.totals.lost + told.totals.client_fault > 0;
  view.every(30000, () => get("overview" + query(range().asked), view.signal).then(fresh => { if (!document.querySelector(".hit:focus,.tip") && !document.hidden) fill(body, ...parts(view, fresh, hasCalls)); }, () => {}));
  const body = el("div.stack");
  fill(body, ...parts(view, told, hasCalls));
  return body;
}
function parts(view, told, hasCalls) {
  const isBehind = told.complete_to && told.complete_to < told.to - 2 * told.step_ms;
  return [verdictLine(told.verdict, told.pool.states), isBehind ? el("p.warn-t", null, say("complete_to", { time: moment(told.complete_to) })) : null,
    hasCalls ? [figures(told, liveFigure(view, told)), charts(told)] : beginning(),
    el("div.pair", null, poolCard(view, told.pool), quotaCard(told)), hasCalls ? el("div.pair", null, topCard(say("nav_models"), "model", told.models), topCard(say("nav_clients"), "client", told.clients)) : null, processCard(view, told.processes || [])];
}
