// Keys: who can serve, why not, until when, how much is left. Filter and order are the server's; the page holds windows of one frozen view.
import { el, fill, speak } from "../dom.js";
import { say, sayCode, visible } from "../speak.js";
import { change, filterOf, link } from "../place.js";
import { ask, get, query, serves } from "../api.js";
import { ago, count, countdown, exact, percent, seconds } from "../format.js";
import { STATES, glyph, ofLimit, quota, spark } from "../marks.js";
import { longList, table } from "../list.js";
import { button, closePanel, confirm, isPanelOpen, menu, notice, panel, refused } from "../layers.js";
import { empty, facts, failed, faultName, head, tail } from "../parts.js";
import { addKeys, followJob } from "./paste.js";

const WINDOW = 200, WINDOWS = 20, MANY = 10, STALE_MS = 180000, SECRET_MS = 30000;

export const act = (what, which) => ask("POST", "keys/actions", { body: { do: what, ...which } });

/** The rows of one view: asked for by windows, the oldest ones forgotten. */
class Rows {
  constructor(view, filter, painted) { Object.assign(this, { view, filter, painted, windows: new Map(), asked: new Set(), id: "", total: 0, matching: 0, states: {}, sortedAt: 0 }); }
  row(i) { return this.windows.get(Math.floor(i / WINDOW))?.[i % WINDOW]; }
  find(id) { for (const rows of this.windows.values()) { const one = rows.find(row => row.id === id); if (one) return one; } return null; }
  async ask(at) {
    if (this.asked.has(at)) return;
    this.asked.add(at);
    try {
      const told = await get("keys" + query({ ...this.filter, view: this.id, offset: at * WINDOW, limit: WINDOW }), this.view.signal);
      this.take(at, told);
    } finally { this.asked.delete(at); }
  }
  take(at, told) {
    Object.assign(this, { id: told.view, total: told.total, matching: told.matching, states: told.states });
    if (!at) this.sortedAt = told.sorted_at || Date.now();
    this.windows.delete(at);
    this.windows.set(at, told.rows);
    if (this.windows.size > WINDOWS) this.windows.delete(this.windows.keys().next().value);
    this.painted();
  }
  sight(from, to) { for (let at = Math.floor(from / WINDOW); at * WINDOW < to; at++) if (!this.windows.has(at)) this.ask(at).catch(refused); }
  /** News repaint rows; they never move them. */
  renew(rows) { for (const row of rows) { const old = this.find(row.id); if (old) Object.assign(old, row); } }
}

export const isOut = key => key.state === "cooling" || key.state === "partial" || key.state === "spent";
export function stateCell(key) {
  const left = key.until ? key.until - Date.now() : 0, whole = key.until && key.since ? key.until - key.since : 60000;
  return el("span.state", null, glyph(key.state, left / whole), el("span.two", null, el("span", null, say("state_" + key.state), left > 0 && key.state !== "spent" ? el("b.warn-t", { data: { until: key.until } }, " " + countdown(left)) : null),
    key.code && key.state !== "ready" ? el("small", null, faultName(key.code) + (key.resting_models > 1 ? say("n_models", { n: key.resting_models }) : "")) : null));
}
const tags = key => (key.tags || []).map(tag => [" ", el("span.tag", { title: visible(tag) }, visible(tag, 40))]);

export function show(view) {
  const q = { state: filterOf("state"), q: filterOf("q"), tag: filterOf("tag"), model: filterOf("model"), sort: filterOf("sort"), dir: filterOf("dir") };
  if (view.box.querySelector(".head") && view.box.search) { view.box.search(q, view); return; }
  build(view, q);
}

function build(view, q) {
  const chosen = { ids: new Set(), all: false, except: new Set(), last: -1 };
  const chips = el("div.chips", { role: "group", "aria-label": say("state") }), bar = el("div"), place = el("div"), stale = el("span");
  const search = el("input.input", { type: "search", value: q.q, placeholder: say("keys_search"), "aria-label": say("keys_search") });
  let rows, list, timer = 0;
  search.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => change({ q: search.value.trim(), open: null }), 120); });
  fill(view.box, head("keys", serves("keys/actions", "POST") ? button(say("verify_shown"), () => run("verify", whole(), rows.matching)) : null, serves("keys", "POST") ? button(say("add_keys"), () => addKeys(view), "primary", "plus") : null), el("div.filters", null, search, stale), chips, place, bar);
  const whole = () => ({ where: Object.fromEntries(Object.entries({ state: q.state, q: q.q, tag: q.tag, model: q.model }).filter(one => one[1])), except: [] });
  const isChosen = id => chosen.all ? !chosen.except.has(id) : chosen.ids.has(id);
  const chosenCount = () => chosen.all ? rows.matching - chosen.except.size : chosen.ids.size;

  function paintChips() {
    const total = STATES.reduce((sum, one) => sum + (rows.states[one] || 0), 0);
    fill(chips, [["", total], ...STATES.map(one => [one, rows.states[one] || 0])].filter(([state, n]) => !state || n || state === q.state).map(([state, n]) => el("button.chip", { type: "button", "aria-pressed": String(state === q.state), onclick: () => change({ state, open: null }) }, state ? glyph(state) : null, say(state ? "state_" + state : "all"), el("span", null, count(n)))));
    fill(stale, rows.sortedAt && Date.now() - rows.sortedAt > STALE_MS ? [el("span.muted.small", null, say("sorted_ago", { ago: ago(rows.sortedAt) }), " "), button(say("sort_again"), () => begin(view))] : null);
  }
  function paintBar() {
    const n = chosenCount();
    if (!n) { fill(bar); return; }
    const which = () => chosen.all ? { where: whole().where, except: [...chosen.except] } : { ids: [...chosen.ids] };
    fill(bar, el("div.bar", { role: "region", "aria-label": say("chosen") }, el("b", null, say("n_chosen", { n, count: count(n) })), !chosen.all && rows.matching > n ? button(say("choose_all", { count: count(rows.matching) }), () => { chosen.all = true; chosen.except.clear(); list.paint(); paintBar(); }, "plain") : null,
      ["verify", "end_rest", "enable", "disable"].map(what => button(say("do_" + what), () => run(what, which(), n))), serves("keys", "POST") ? button(say("do_delete"), () => run("delete", which(), n), "danger") : null, button(say("clear"), () => { chosen.ids.clear(); chosen.all = false; list.paint(); paintBar(); }, "plain")));
  }
  const guess = { disable: "off", enable: "ready", end_rest: "ready" }, back = { disable: "enable", enable: "disable", delete: "restore" };
  /** At once on the page, undone when the server refuses. */
  async function doIt(what, which, n) {
    const before = (which.ids || []).map(id => rows.find(id)).filter(Boolean).map(row => [row, { ...row }]);
    if (guess[what]) for (const [row] of before) if (row.state !== "dead") Object.assign(row, { state: guess[what], until: null, code: null });
    list.paint();
    try {
      const told = await act(what, which), bad = new Set((told.refused || []).map(one => one.id));
      for (const [row, old] of before) if (bad.has(row.id)) Object.assign(row, old);
      if (told.job) followJob(view, told.job);
      if (bad.size) notice(say("n_refused", { n: bad.size, why: sayCode("fault", told.refused[0].code) }), { kind: "bad" });
      const done = told.done ?? n - bad.size;
      if (done && !told.job) notice(say("done_" + what, { n: done, count: count(done) }), back[what] ? { undo: () => doIt(back[what], which, n) } : {});
      if (!which.ids || what === "delete" || what === "restore") begin(view);
    } catch (fault) {
      for (const [row, old] of before) Object.assign(row, old);
      refused(fault);
    }
    list.paint();
  }
  function run(what, which, n) {
    if (n < MANY || what === "end_rest") doIt(what, which, n);
    else confirm({ title: say("do_" + what), text: say("sure", { what: say("do_" + what), count: count(n) }), yes: say("do_" + what), kind: what === "delete" ? "danger" : "primary" }, () => doIt(what, which, n));
  }
  function pick(i, isRange) {
    const from = isRange && chosen.last >= 0 ? Math.min(i, chosen.last) : i, to = isRange && chosen.last >= 0 ? Math.max(i, chosen.last) : i, on = !isChosen(rows.row(i)?.id);
    for (let k = from; k <= to; k++) {
      const id = rows.row(k)?.id, set = chosen.all ? chosen.except : chosen.ids;
      if (id) set[on === chosen.all ? "delete" : "add"](id);
    }
    chosen.last = i;
    list.paint();
    paintBar();
  }
  const rowMenu = key => event => menu(event.currentTarget, [{ text: say("open"), act: () => open(key) }, ...["verify", isOut(key) ? "end_rest" : null, key.state === "off" ? "enable" : "disable"].filter(Boolean).map(what => ({ text: say("do_" + what), act: () => doIt(what, { ids: [key.id] }, 1) })), serves("keys", "POST") ? { text: say("do_delete"), danger: true, act: () => doIt("delete", { ids: [key.id] }, 1) } : null]);
  const cells = (key, i) => [el("input", { type: "checkbox", checked: isChosen(key.id), "aria-label": say("choose_key", { tail: key.tail }), onclick: event => { event.preventDefault(); setTimeout(() => pick(i, event.shiftKey)); } }), stateCell(key), [tail(key.tail, key.id), tags(key)], [quota(key.day), " "], ofLimit(key.day), [quota(key.minute), " "], ofLimit(key.minute), [spark(key.line, { width: 52 }), " ", count(key.calls_24h)], percent(key.calls_24h ? key.failed_24h / key.calls_24h : null, 1), ago(key.last_used_at), el("button.button.plain.square", { type: "button", "aria-label": say("actions_of", { tail: key.tail }), onclick: rowMenu(key) }, "⋯")];
  const sorts = { tail: 1, state: 1, calls_24h: 1, failed_24h: 1, last_used_at: 1 };
  const column = (id, label, width, cls) => ({ id, label, width, class: cls, sort: sorts[id] });

  function open(key, silent) {
    const i = [...Array(rows.matching).keys()].find(k => rows.row(k)?.id === key.id);
    if (i !== undefined) list.at = i;
    change({ open: key.id }, true);
    keyPanel(view, key, { run: what => doIt(what, { ids: [key.id] }, 1), closed: () => change({ open: null }, true) });
    list.paint();
    if (!silent) speak("…" + key.tail);
  }
  function begin(mine) {
    const fresh = new Rows(mine, { state: q.state, q: q.q, tag: q.tag, model: q.model, sort: q.sort, dir: q.dir }, () => { if (rows !== fresh) start(fresh); paintChips(); list.paint(); });
    fresh.ask(0).catch(fault => { if (fault.name !== "AbortError" && fault.status !== 401) fill(place, failed(fault, () => begin(mine))); });
    if (!rows) fill(place, el("div.wait", { role: "status", "aria-label": say("loading") }));
  }
  function start(fresh) {
    rows = fresh;
    const all = el("input", { type: "checkbox", "aria-label": say("choose_shown"), onclick: () => { const on = !chosen.all; chosen.all = on; chosen.ids.clear(); chosen.except.clear(); list.paint(); paintBar(); } });
    list = longList({ label: say("nav_keys"), height: 44, phoneHeight: 92, phone: "24px minmax(0,1fr) auto 34px", total: () => rows.matching, row: i => rows.row(i), cells, open: i => rows.row(i) && open(rows.row(i)), pick, walked: i => { if (isPanelOpen() && rows.row(i)) open(rows.row(i), true); },
      sight: (from, to) => rows.sight(from, to), sorted: { id: q.sort || "state", dir: q.dir }, sort: id => change({ sort: id, dir: (q.sort || "state") === id && q.dir !== "desc" ? "desc" : "asc" }),
      columns: [{ id: "box", node: all, width: "18px" }, column("state", say("state"), "minmax(150px,1.3fr)"), column("tail", say("key"), "minmax(90px,1fr)"), column("day", say("today"), "80px", "desk-only"), column("", "", "86px", "num desk-only"), column("minute", say("this_minute"), "64px", "wide-only desk-only"), column("", "", "74px", "num wide-only desk-only"), column("calls_24h", say("range_24h"), "104px", "num desk-only"), column("failed_24h", say("failed_part"), "54px", "num wide-only desk-only"), column("last_used_at", say("last_used"), "84px", "num desk-only"), { id: "menu", label: "", width: "30px" }] });
    fill(place, rows.matching ? list.node : rows.total ? empty(say("none_match"), null, button(say("clear_filter"), () => change({ state: null, q: null, tag: null, model: null }))) : empty(say("no_keys"), say("no_keys_how"), serves("keys", "POST") ? button(say("add_keys"), () => addKeys(view), "primary", "plus") : null));
    const wanted = filterOf("open");
    if (wanted) { const row = rows.find(wanted); if (row) open(row); else get("keys/" + wanted, view.signal).then(key => open(key), refused); }
  }
  view.box.search = (fresh, mine) => { q = fresh; view = mine; if (search !== document.activeElement) search.value = q.q; wire(); begin(mine); };
  function wire() {
    view.keys = event => list?.keys(event);
    view.on("keys", told => { if (!rows || !told.rows) return; rows.renew(told.rows); list.paint(); });
    view.on("pool", told => { if (rows && told.states) { rows.states = told.states; paintChips(); } });
    view.every(1000, () => { for (const one of view.box.querySelectorAll("[data-until]")) { const left = one.dataset.until - Date.now(); one.textContent = left > 0 ? " " + countdown(left) : ""; } });
    view.every(15000, () => rows && paintChips());
    if (filterOf("add")) { change({ add: null }, true); if (serves("keys", "POST")) addKeys(view); }
  }
  wire();
  begin(view);
}

// ---- one key

function keyPanel(view, key, { run, closed }) {
  const more = el("div.stack"), secret = el("div.row");
  const body = () => [el("section", null, el("div.row", null, stateCell(key), tags(key)), why(key)), el("div.row", null, ["verify", isOut(key) ? "end_rest" : null, key.state === "off" ? "enable" : "disable"].filter(Boolean).map(what => button(say("do_" + what), () => run(what))), serves("keys", "POST") ? button(say("do_delete"), () => { closePanel(); run("delete"); }, "danger") : null), more,
    facts([[say("added"), key.added_at ? exact(key.added_at) : null], [say("verified"), key.verified_at ? ago(key.verified_at) : null], [say("last_used"), ago(key.last_used_at)], [say("project"), key.project && visible(key.project)], [say("tier"), key.tier && visible(key.tier)], [say("proxy"), key.proxy && visible(key.proxy)], [say("id"), el("span.mono", null, key.id)]]), secret, serves("calls") ? el("a", { href: link("calls", { key: key.id }) }, say("its_calls")) : null];
  const told = { id: key.id };
  panel(say("key") + (key.tail ? " …" + visible(key.tail, 8) : " #" + key.id.slice(0, 6)), body(), closed);
  if (serves("keys/{id}/reveal", "POST")) fill(secret, button(say("reveal"), () => confirm({ title: say("reveal"), text: say("reveal_sure"), yes: say("reveal") }, () => reveal(key, secret))));
  get("keys/" + key.id, view.signal).then(one => { Object.assign(told, one); fill(more, ledger(one), attempts(one)); }, fault => { if (fault.name !== "AbortError") fill(more, failed(fault)); });
}
function why(key) {
  if (key.state === "ready") return el("p.muted", null, say("ready_note"));
  return el("div.stack", null, el("p", null, key.code ? el("b", null, faultName(key.code)) : null, key.since ? " · " + say("since_at", { time: seconds(key.since) }) : "", key.until ? " · " + say("until_at", { time: seconds(key.until) }) : ""), el("p.muted", null, say("ends_" + key.state)), key.says ? el("p.says", null, visible(key.says, 2000)) : null);
}
function ledger(one) {
  const rows = (one.ledger || []).map(line => [visible(line.model, 60), line.in_tier === false ? el("span.faint", null, say("not_in_tier")) : quota(line.rpd), ofLimit(line.rpd), ofLimit(line.rpm), ofLimit(line.tpm), line.rest ? el("span.warn-t", null, faultName(line.rest.code), " ", countdown(line.rest.until - Date.now())) : "–"]);
  const rests = (one.rests || []).map(rest => [visible(rest.model || say("all"), 60), faultName(rest.code), rest.until ? countdown(rest.until - Date.now()) : "–"]);
  if (rows.length) return el("section", null, el("h3", null, say("quota_by_model")), table([{ label: say("model") }, { label: say("today") }, { label: "RPD", num: true }, { label: "RPM", num: true }, { label: "TPM", num: true }, { label: say("resting") }], rows, say("quota_by_model")));
  return rests.length ? el("section", null, el("h3", null, say("resting")), table([{ label: say("model") }, { label: say("why") }, { label: say("left"), num: true }], rests, say("resting"))) : null;
}
function attempts(one) {
  const rows = (one.attempts || one.recent || []).map(row => [seconds(row.at), visible(row.model, 50), row.fault && row.fault !== "none" ? el("span.bad-t", null, faultName(row.fault)) : say("answered"), row.status || "–"]);
  return rows.length ? el("section", null, el("h3", null, say("recent_calls")), table([{ label: say("time") }, { label: say("model") }, { label: say("result") }, { label: say("status"), num: true }], rows, say("recent_calls"))) : null;
}
async function reveal(key, box) {
  try {
    const told = await ask("POST", `keys/${key.id}/reveal`);
    const text = el("code.mono.break.secret", null, told.secret), hide = () => { text.textContent = ""; fill(box, button(say("reveal"), () => reveal(key, box))); };
    fill(box, text, button(say("copy"), () => navigator.clipboard.writeText(told.secret)), button(say("hide"), hide));
    setTimeout(hide, SECRET_MS);
  } catch (fault) { refused(fault); }
}
