// Calls: every call, its attempts, its time. Newest first, older ones by a key, never by a number of rows to skip.
import { el, fill } from "../dom.js";
import { say, sayCode, visible } from "../speak.js";
import { change, filterOf, link, range } from "../place.js";
import { get, news, query } from "../api.js";
import { count, exact, money, seconds, short, took } from "../format.js";
import { longList, table } from "../list.js";
import { button, isPanelOpen, panel, refused } from "../layers.js";
import { empty, facts, failed, faultName, head, rangePicker, tail } from "../parts.js";
import { waterfall } from "./waterfall.js";

const LIMIT = 100, MOST = 5000, RESULTS = ["", "ok", "unseen", "client", "lost"], FILTERS = ["result", "model", "client", "key", "slower_than_ms", "q"];

const wrongOf = one => one.fault && one.fault !== "none" ? one.fault : null;
/** As the server says it; from the row itself for one that came by an event. */
export const resultOf = row => row.result || (wrongOf(row) ? (row.status >= 400 && row.status < 500 && row.status !== 429 ? "client" : "lost") : (row.attempts?.length || 1) > 1 ? "unseen" : "ok");
const INK = { ok: "ok-t", unseen: "ok-t", client: "warn-t", lost: "bad-t" };

export function show(view) {
  const filter = Object.fromEntries(FILTERS.map(name => [name, filterOf(name)])), asked = { ...range().asked, ...filter };
  const rows = [], body = el("div"), sums = el("p.muted.small", { role: "status" }), fresh = el("div");
  let next = null, isAsking = false, isDone = false, isFollowing = false, held = [], more = 0, list;
  const search = el("input.input", { type: "search", value: filter.q, placeholder: say("calls_search"), "aria-label": say("calls_search"), onchange: () => change({ q: search.value.trim() }) });
  const slower = el("select", { "aria-label": say("slower"), onchange: () => change({ slower_than_ms: slower.value }) }, [["", say("any_time")], ...[1000, 5000, 10000, 30000].map(one => [String(one), "> " + took(one)])].map(([value, text]) => el("option", { value, selected: value === filter.slower_than_ms }, text)));
  const follow = el("button.button", { type: "button", "aria-pressed": "false", onclick: () => { isFollowing = !isFollowing; follow.setAttribute("aria-pressed", isFollowing); follow.classList.toggle("primary", isFollowing); if (!isFollowing) { held = []; fill(fresh); } news.open(isFollowing ? query(filter).slice(1) : ""); } }, say("follow"));
  view.signal.addEventListener("abort", () => isFollowing && news.open(""));
  fill(view.box, head("calls", rangePicker(), follow, el("a.button.desk-only", { href: "/api/admin/calls.csv" + query(asked), download: "calls.csv" }, "CSV")),
    el("div.filters", null, search, slower, ["model", "client", "key"].filter(name => filter[name]).map(name => el("button.chip", { type: "button", "aria-pressed": "true", "aria-label": say("clear_filter"), onclick: () => change({ [name]: null }) }, say(name) + " " + visible(filter[name], 40) + " ✕"))),
    el("div.chips", { role: "group", "aria-label": say("result") }, RESULTS.map(name => el("button.chip", { type: "button", "aria-pressed": String(name === filter.result), onclick: () => change({ result: name }) }, say(name ? "result_" + name : "all")))), sums, fresh, body);

  const cells = row => {
    const result = resultOf(row), many = row.attempts?.length || 1;
    return [el("span", { title: exact(row.at) }, seconds(row.at)), el("span.two", null, visible(row.model || "–", 60), el("small.phone-only", null, visible(row.client?.name || "", 40))), visible(row.client?.name || "–", 40), el("span." + INK[result], null, say("result_" + result), row.status ? " " + row.status : "", wrongOf(row) ? " · " + faultName(row.fault) : ""), many > 1 ? "×" + many : "", row.attempts?.length ? tail(row.attempts.at(-1).tail, row.attempts.at(-1).key) : "–", took(row.first_ms), took(row.total_ms), short(row.tokens_in) + " / " + short(row.tokens_out), money(row.cost_usd)];
  };
  const columns = [["at", say("time"), "66px"], ["model", say("model"), "minmax(110px,1.4fr)"], ["client", say("client"), "minmax(70px,1fr)", "desk-only"], ["result", say("result"), "minmax(90px,1.3fr)"], ["n", say("attempts"), "58px", "num wide-only desk-only"], ["key", say("key"), "60px", "desk-only"], ["first", say("first_short"), "70px", "num wide-only desk-only"], ["total", say("total"), "70px", "num"], ["tokens", say("tokens"), "110px", "num desk-only"], ["cost", say("cost"), "86px", "num wide-only desk-only"]].map(([id, label, width, cls]) => ({ id, label, width, class: cls }));
  async function older() {
    if (isAsking || isDone || rows.length >= MOST) return;
    isAsking = true;
    try {
      const told = await get("calls" + query({ ...asked, before: next, limit: LIMIT }), view.signal);
      rows.push(...told.rows);
      next = told.next;
      isDone = !next || !told.rows.length;
      if (rows.length === told.rows.length) first(told);
      list?.paint();
    } catch (fault) {
      isDone = true;
      if (fault.name === "AbortError" || fault.status === 401) return;
      if (!rows.length) fill(body, failed(fault, () => { isDone = false; older(); }));
      else refused(fault);
    } finally { isAsking = false; }
  }
  function sumLine(of, isWhole) {
    return say(isWhole ? "sum_all" : "sum_shown", { calls: count(of.calls), tokens: short(of.tokens ?? (of.tokens_in || 0) + (of.tokens_out || 0) + (of.tokens_thoughts || 0)), cost: money(of.cost_usd) });
  }
  function first(told) {
    if (!rows.length) { fill(body, empty(say(FILTERS.some(name => filter[name]) ? "none_match" : "no_calls_yet"), null, FILTERS.some(name => filter[name]) ? button(say("clear_filter"), () => change(Object.fromEntries(FILTERS.map(name => [name, null])))) : null)); return; }
    const add = name => rows.reduce((sum, one) => sum + Number(one[name] || 0), 0);
    sums.textContent = told.sums ? sumLine(told.sums, true) : sumLine({ calls: rows.length, tokens_in: add("tokens_in"), tokens_out: add("tokens_out"), tokens_thoughts: add("tokens_thoughts"), cost_usd: add("cost_usd") }, false);
    list = longList({ label: say("nav_calls"), height: 36, phoneHeight: 68, phone: "62px minmax(0,1fr) minmax(0,.9fr) 62px", columns, total: () => rows.length, row: i => rows[i], cells, open: i => open(rows[i]), walked: i => isPanelOpen() && open(rows[i]), sight: (from, to) => { if (to > rows.length - 30) older(); }, scrolled: top => { if (top < 4) release(); } });
    fill(body, list.node);
    const wanted = filterOf("open");
    if (wanted) open(rows.find(one => one.id === wanted) || { id: wanted });
  }
  /** What came while somebody was reading waits above. */
  function release() {
    if (isPanelOpen() || !held.length && !more) return;
    rows.unshift(...held.reverse());
    rows.length = Math.min(rows.length, MOST);
    held = [];
    more = 0;
    fill(fresh);
    list.paint();
  }
  view.on("calls", told => {
    if (!isFollowing) return;
    held.push(...told.rows || []);
    if (told.more) more += told.more;
    if (!list && held.length) { rows.unshift(...held.splice(0).reverse()); first({}); return; }
    if (list && list.body.scrollTop < 4 && !isPanelOpen()) release();
    else fill(fresh, button(say("n_new", { n: held.length + more }), () => { list.top(); release(); }));
  });
  function open(row) {
    change({ open: row.id }, true);
    const box = el("div.stack", null, el("div.wait", { role: "status", "aria-label": say("loading") }));
    panel(say("call") + " " + visible(row.id, 12), box, () => change({ open: null }, true));
    get("calls/" + row.id, view.signal).then(call => fill(box, details({ ...row, ...call.row, ...call })), fault => { if (fault.name !== "AbortError") fill(box, failed(fault)); });
  }
  view.keys = event => list?.keys(event);
  fill(body, el("div.wait", { role: "status", "aria-label": say("loading") }));
  older();
}

function details(call) {
  const result = resultOf(call);
  return [el("p." + INK[result], null, el("b", null, say("result_" + result)), call.status ? " · " + call.status : "", wrongOf(call) ? " · " + faultName(call.fault) : ""), waterfall(call), attemptsOf(call), decision(call.decision),
    facts([[say("time"), exact(call.at)], [say("model"), visible(call.model)], [say("client"), call.client && el("a", { href: link("calls", { client: call.client.id }) }, visible(call.client.name, 80))], [say("route"), visible(call.route || "")], [say("stream"), call.stream ? say("yes") : say("no")], [say("first_content"), took(call.first_ms)], [say("total"), took(call.total_ms)], [say("tokens_in"), count(call.tokens_in)], [say("tokens_cached"), count(call.tokens_cached)], [say("tokens_out"), count(call.tokens_out)], [say("tokens_thoughts"), count(call.tokens_thoughts)], [say("cost"), money(call.cost_usd)], [say("agent"), call.agent && visible(call.agent)], [say("id"), el("span.mono", null, visible(call.id))]]),
    call.body ? el("section", null, el("h3", null, say("body_kept")), el("pre.says", null, visible(call.body, 8000))) : null];
}
function attemptsOf(call) {
  const rows = (call.attempts || []).map((one, i) => [one.n ?? i + 1, el("a", { href: link("keys", { open: one.key }) }, tail(one.tail, one.key)), wrongOf(one) ? el("span.bad-t", null, faultName(one.fault)) : el("span.ok-t", null, say("answered")), one.status || "–", took(one.connect_ms), took(one.took_ms)]);
  const says = (call.attempts || []).filter(one => one.says);
  return rows.length ? el("section", null, el("h3", null, say("attempts")), table([{ label: "#" }, { label: say("key") }, { label: say("result") }, { label: say("status"), num: true }, { label: say("connect"), num: true }, { label: say("took"), num: true }], rows, say("attempts")), says.map(one => el("p.says", null, `…${visible(one.tail, 8)}: ${visible(one.says, 2000)}`))) : null;
}
function decision(of) {
  if (!of) return null;
  const out = ["cooling", "spent", "dead", "off", "no_room"].filter(name => of[name]).map(name => `${say("out_" + name)} ${count(of[name])}`);
  return el("section", null, el("h3", null, say("why_this_key")), el("p", null, say("of_keys", { count: count(of.keys) }), out.length ? " " + out.join(" · ") + say("stop") : "", " ", of.chosen_by ? el("b", null, sayCode("chosen", of.chosen_by)) : null, of.cached_tokens ? " " + say("cached_note", { count: count(of.cached_tokens) }) : ""));
}
