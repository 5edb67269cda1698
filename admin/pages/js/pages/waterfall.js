// One call's time: where it went, on one axis; nothing is narrower than can be seen, and what is not explained is said.
import { el } from "../dom.js";
import { say, sayCode, visible } from "../speak.js";
import { percent, took } from "../format.js";

const PARTS = ["gateway", "waiting", "connecting", "failed", "provider"];

function partOf(hop, call) {
  if (hop.attempt !== undefined && hop.attempt !== null) {
    const attempt = (call.attempts || []).find((one, i) => (one.n ?? i + 1) === hop.attempt);
    if (attempt?.fault && attempt.fault !== "none") return "failed";
  }
  if (/wait|queue/.test(hop.name)) return "waiting";
  if (/connect|tls|dns/.test(hop.name)) return "connecting";
  return hop.process === "provider" || hop.process === "upstream" && !/read|write|parse/.test(hop.name) || /provider|first|stream|answer/.test(hop.name) ? "provider" : "gateway";
}
export function waterfall(call) {
  const hops = (call.hops || []).filter(one => one.at_ms !== null && one.took_ms !== null);
  if (!hops.length) return null;
  const total = Math.max(call.total_ms || 0, ...hops.map(one => one.at_ms + one.took_ms), 1e-6), sums = Object.fromEntries(PARTS.map(name => [name, 0]));
  for (const hop of hops) sums[partOf(hop, call)] += hop.took_ms;
  const shown = PARTS.filter(name => sums[name] > 0), unexplained = call.unexplained_ms ?? Math.max(0, total - hops.reduce((sum, one) => sum + one.took_ms, 0)), share = unexplained / total;
  return el("section.stack", null, el("div.split", { role: "img", "aria-label": shown.map(name => `${say("part_" + name)} ${took(sums[name])}`).join(", ") }, shown.map(name => el("i.t-" + name, { style: { flex: String(Math.max(0.001, sums[name] / total)) } }))),
    el("div.legend", null, shown.map(name => el("span", null, el("i.t-" + name, { style: { width: "10px", height: "10px", "border-radius": "2px" } }), `${say("part_" + name)} ${took(sums[name])}`))),
    el("ul.hops", null, hops.map(hop => el("li.hop", null, el("span.break", null, sayCode("hop", hop.name), hop.attempt ? " #" + hop.attempt : "", el("span.faint", null, " " + visible(hop.process || "", 20))), el("span.lane", null, el("i.t-" + partOf(hop, call), { style: { left: `min(calc(100% - 3px), ${100 * hop.at_ms / total}%)`, width: `max(3px, ${100 * hop.took_ms / total}%)` } })), el("span.num", null, took(hop.took_ms))))),
    // Totals are whole milliseconds: of a call that took two, one is no finding.
    el("p.small." + (share > 0.01 && unexplained > 2 ? "bad-t" : "muted"), null, say("adds_up", { sum: took(total - unexplained), total: took(total), part: percent(share) })));
}
