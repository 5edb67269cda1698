// Overview of a gateway whose ledger is not served: who is alive, which keys can serve, what was asked lately.
import { el, fill } from "../dom.js";
import { say } from "../speak.js";
import { get, serves } from "../api.js";
import { count } from "../format.js";
import { table } from "../list.js";
import { card, failed, rowsOf } from "../parts.js";
import { link } from "../place.js";
import { processCard, states, verdictLine } from "./overview.js";

const plain = async path => { const answer = await fetch(path, { cache: "no-store" }); return answer.ok ? answer.json() : null; };

/** Processes as /api/status names them, for a server without a list of its own. */
function fromStatus(report) {
  const peers = report.balancers.flatMap(one => one.alive && one.status ? [{ role: "balancer", ...one.status.balancer }, ...one.status.peers] : [{ role: "balancer", state: "away" }]);
  return [...peers, { role: "recorder", state: report.recorder.alive ? "up" : "away" }, { role: "admin", ...report.admin }]
    .map(one => ({ state: "up", id: one.incarnation, open: one.calls, rss_bytes: one.memory, ...one }));
}
function keysOf(report) {
  const all = report.balancers.filter(one => one.alive && one.status).map(one => one.status.keys), total = all.reduce((sum, one) => sum + one.total, 0), fit = all.reduce((sum, one) => sum + one.fit, 0);
  return { ready: fit, cooling: total - fit };
}
async function gather() {
  const [report, stats] = await Promise.all([plain("/api/status"), plain("/stats").catch(() => null)]);
  const processes = serves("processes") ? rowsOf(await get("processes")) : report ? fromStatus(report) : [];
  const counts = serves("keys") ? (await get("keys?limit=1")).states : report ? keysOf(report) : null;
  return { report, stats, processes, counts };
}
function verdictOf({ processes, counts, report }) {
  const away = processes.find(one => one.state === "away"), records = report?.recorder?.records;
  if (away) return { level: "bad", code: "process_down", args: { role: away.role } };
  if (counts && !(counts.ready || counts.partial)) return { level: "bad", code: "no_key_fits" };
  if (records && !records.database && records.reason) return { level: "warn", code: "database_away", args: { waiting: records.waiting } };
  return { level: "ok", code: "well" };
}
function statsCards(stats) {
  const periods = stats.periods || stats;
  const windows = [["last_minute", "1m"], ["last_hour", "1h"], ["last_day", "24h"], ["month", "month"]].map(([name, key]) => [say(name), periods[key]]).filter(one => one[1]);
  return windows.length ? card(say("calls"), null, table([{ label: say("time") }, { label: say("calls"), num: true }, { label: say("answered"), num: true }, { label: say("lost"), num: true }], windows.map(([name, one]) => [name, count(one.calls), count(one.successes), count(one.failures)]), say("calls"))) : null;
}
export async function showBrief(view, body) {
  try {
    const told = await gather();
    if (view.signal.aborted) return;
    fill(body, verdictLine(verdictOf(told), told.counts), told.counts ? card(say("pool"), serves("keys") ? el("a", { href: link("keys") }, say("all_keys")) : null, states(told.counts)) : null, told.stats ? statsCards(told.stats) : null, processCard(view, told.processes));
    setTimeout(() => !view.signal.aborted && !document.hidden && showBrief(view, body), 5000);
  } catch (fault) {
    if (fault.name === "AbortError" || fault.status === 401) return;
    fill(body, failed(Object.assign(fault, { code: fault.code || "unreachable" }), () => showBrief(view, body)));
  }
}
