// The shell: which page is shown, what stands around it, and the keys that work everywhere.
import { append, el, fill, icon, speak } from "./dom.js";
import { chooseLanguage, isChinese, say, visible } from "./speak.js";
import { get, logout, news, resume, serves, session, whenSessionEnds } from "./api.js";
import { RANGES, change, go, link, place, step } from "./place.js";
import { button, closeAll, closePanel, dialog, menu, notice, refused, topmost } from "./layers.js";
import { ago } from "./format.js";
import { glyph } from "./marks.js";
import { failed, waiting } from "./parts.js";
import { showLogin } from "./pages/login.js";

/** [name, the route that it lives from, its key after g]: a page whose route the server has not is not there. */
const PAGES = [["overview", "", "o"], ["keys", "keys", "k"], ["models", "models", "m"], ["calls", "calls", "c"], ["errors", "errors", "e"], ["clients", "clients", "l"],
  ["logs", "logs", "t"], ["settings", "settings", "s"], ["audit", "audit", "a"]];
const pagesNow = () => PAGES.filter(([, route]) => !route || serves(route));
const app = document.getElementById("app"), main = document.getElementById("main");
let view = null, shownAt = "", loginLayer = null, warned = false;

// ---- around the page

const badges = { keys: 0, errors: 0 };
function navigation() {
  const now = place().page;
  return pagesNow().map(([name, , key]) => [name === "settings" ? el("hr") : null,
    el("a", { href: link(name), "aria-current": name === now ? "page" : null, title: "g " + key }, icon(name), say("nav_" + name), badges[name] ? el("span.badge", null, badges[name]) : null)]);
}
function liveMark() {
  const late = news.heard ? say("last_word", { ago: ago(news.heard) }) : say("reconnecting");
  return { on: ["on", say("live")], late: ["late", late], paused: ["", say("paused")] }[news.state] || ["", ""];
}
const liveNode = el("span.live", null, el("i"), el("span"));
function showLive() {
  const [kind, text] = liveMark();
  liveNode.className = "live " + kind;
  liveNode.hidden = !text;
  liveNode.lastChild.textContent = text;
}
const healthNode = el("div.health");
function showHealth(processes) {
  const ill = processes.filter(one => one.state !== "up");
  fill(healthNode, glyph(ill.length ? "warn" : "ok"), ill.length ? say("processes_ill", { n: ill.length, names: ill.map(one => one.role).join(", ") }) : say("processes_well", { n: processes.length }));
}
const tool = (sign, label, act) => el("button.button.plain.square", { type: "button", "aria-label": label, title: label, onclick: act }, icon(sign));
function paintShell() {
  const here = place().page;
  fill(app.querySelector(".side"), el("div.brand", null, el("span", null, icon("mark")), say("product")),
    el("button.search", { type: "button", onclick: palette }, icon("search"), say("search"), el("b", null, "Ctrl K")),
    el("nav.nav", { "aria-label": say("pages") }, navigation()),
    el("div.side-end", null, healthNode, el("div.side-tools", null, tool("theme", say("theme"), turnTheme), tool("language", isChinese() ? "English" : "中文", turnLanguage), tool("help", say("keyboard"), showKeys), tool("out", say("log_out"), leave))));
  app.querySelector(".tabs")?.remove();
  app.querySelector(".skip")?.remove();
  const tabs = pagesNow().map(one => one[0]).filter(name => ["overview", "keys", "calls"].includes(name));
  app.append(el("nav.tabs", { "aria-label": say("pages") }, tabs.map(name => el("a", { href: link(name), "aria-current": here === name ? "page" : null }, icon(name, 20), say("nav_" + name))),
    el("button", { type: "button", onclick: palette }, icon("search", 20), say("search_short")), el("button", { type: "button", onclick: event => more(event.currentTarget) }, icon("more", 20), say("more"))));
  document.getElementById("layers").setAttribute("aria-label", say("above"));
  app.prepend(el("a.skip", { href: "#main", onclick: event => { event.preventDefault(); main.focus(); } }, say("skip")));
}
const more = anchor => menu(anchor, [...pagesNow().filter(([name]) => !["overview", "keys", "calls"].includes(name)).map(([name]) => ({ text: say("nav_" + name), act: () => go(name) })),
  { text: say("theme"), act: turnTheme }, { text: isChinese() ? "English" : "中文", act: turnLanguage }, { text: say("log_out"), act: leave }], say("more"));

function turnTheme() {
  const root = document.documentElement, isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* a private window keeps nothing */ }
  dispatchEvent(new Event("theme"));
}
function turnLanguage() {
  chooseLanguage(isChinese() ? "en" : "zh");
  redraw();
}
function redraw() {
  closeAll();
  paintShell();
  showLive();
  lookAround();
  shownAt = "";
  show();
}
function leave() {
  logout().catch(() => {}).finally(() => { location.hash = "#/login"; location.reload(); });
}
function showKeys() {
  const rows = [["Ctrl K", "key_palette"], ["g o · g k · g c …", "key_go"], ["/", "key_filter"], ["j k ↑ ↓ PgUp PgDn", "key_move"], ["Enter", "key_open"], ["x · Shift x", "key_pick"], ["Esc", "key_close"], ["1 2 3 4 · [ ]", "key_range"], ["t", "key_theme"], ["?", "key_help"]];
  dialog({ title: say("keyboard"), body: el("dl.facts", null, rows.map(([keys, text]) => [el("dt", null, el("span.mono", null, keys)), el("dd", null, say(text))])), actions: close => [button(say("close"), close)] });
}

// ---- the page

class View {
  /** What a page gets: its box, and a signal that ends all that it has begun. */
  constructor(box) { this.ending = new AbortController(); this.signal = this.ending.signal; this.box = box; }
  on(topic, call) { news.on(topic, call, this.signal); }
  every(ms, call) { const timer = setInterval(call, ms); this.signal.addEventListener("abort", () => clearInterval(timer)); }
  end() { this.ending.abort(); }
}
async function show() {
  const { page, q } = place();
  if (page === "login") { location.hash = "#/overview"; return; }
  const name = pagesNow().some(one => one[0] === page) ? page : "overview", key = name + "?" + new URLSearchParams([...q].filter(([one]) => one !== "open"));
  if (key === shownAt) return;
  const isOther = !shownAt.startsWith(name + "?");
  shownAt = key;
  view?.end();
  delete document.body.dataset.page;
  if (isOther) closeAll();
  const box = isOther ? el("div") : view.box;
  if (isOther) fill(box, waiting());
  view = new View(box);
  const mine = view;
  if (isOther) fill(main, box);
  document.title = say("nav_" + name) + " · " + say("product");
  paintShell();
  try {
    const module = await import(`./pages/${name}.js`);
    if (mine !== view) return;
    module.show(mine);
    document.body.dataset.page = name;
    const title = box.querySelector(".head > div");
    if (title) title.append(liveNode);
    if (isOther) { scrollTo(0, 0); speak(say("nav_" + name)); }
  } catch (error) {
    fill(box, failed(error, () => location.reload()));
    console.error(error);
  }
}

// ---- Ctrl-K

async function foundIn(text, signal) {
  const keys = serves("keys") ? get("keys?limit=5&q=" + encodeURIComponent(text), signal).then(answer => answer.rows, () => []) : [];
  return (await keys).map(one => ({ sign: "keys", text: "…" + visible(one.tail, 8), kind: say("state_" + one.state), act: () => go("keys", { open: one.id }) }));
}
function palette() {
  if (topmost()?.node.querySelector?.(".palette")) return;
  const fixed = [...pagesNow().map(([name]) => ({ sign: name, text: say("nav_" + name), kind: say("page"), act: () => go(name) })),
    serves("keys", "POST") ? { sign: "plus", text: say("add_keys"), kind: say("action"), act: () => go("keys", { add: 1 }) } : null,
    { sign: "theme", text: say("theme"), kind: say("action"), act: turnTheme }, { sign: "language", text: isChinese() ? "English" : "中文", kind: say("action"), act: turnLanguage },
    { sign: "help", text: say("keyboard"), kind: say("action"), act: showKeys }, { sign: "out", text: say("log_out"), kind: say("action"), act: leave }].filter(Boolean);
  const input = el("input", { type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "palette-list", "aria-autocomplete": "list", "aria-label": say("search"), placeholder: say("search_hint"), autocomplete: "off" });
  const list = el("ul", { id: "palette-list", role: "listbox", "aria-label": say("results") });
  let at = 0, found = fixed, asking = null, timer = 0;
  const run = one => { layer.close(); one?.act(); };
  const paint = () => {
    fill(list, found.length ? found.map((one, i) => el("li", { role: "option", id: "option-" + i, "aria-selected": String(i === at), onclick: () => run(one) }, icon(one.sign), el("span", null, one.text), el("span.faint.small", null, one.kind))) : el("li.muted", { role: "option", "aria-selected": "false" }, say("nothing_found")));
    input.setAttribute("aria-activedescendant", "option-" + at);
    list.children[at]?.scrollIntoView({ block: "nearest" });
  };
  input.addEventListener("input", () => {
    const text = input.value.trim().toLowerCase();
    at = 0;
    found = fixed.filter(one => one.text.toLowerCase().includes(text));
    paint();
    asking?.abort();
    clearTimeout(timer);
    if (text.length < 2) return;
    asking = new AbortController();
    const mine = asking;
    timer = setTimeout(() => foundIn(input.value.trim(), mine.signal).then(more => { if (!mine.signal.aborted) { found = [...found, ...more]; paint(); } }), 120);
  });
  input.addEventListener("keydown", event => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) { event.preventDefault(); at = (at + by + found.length) % Math.max(1, found.length); paint(); }
    if (event.key === "Enter") { event.preventDefault(); run(found[at]); }
    if (event.key === "Tab") event.preventDefault();
  });
  // The dialog holds the focus and gives it back; its own box is replaced by ours.
  const layer = dialog({ title: say("search"), body: null, actions: () => [] });
  const box = layer.node.firstChild;
  box.className = "palette";
  fill(box, input, list);
  paint();
  input.focus();
}

// ---- keys

let isGoing = false;
function pressed(event) {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); palette(); return; }
  const isTyping = event.target.closest?.("input:not([type=checkbox]),textarea,select,[role=combobox]");
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping || event.defaultPrevented || topmost()?.modal || loginLayer) return;
  if (isGoing) {
    isGoing = false;
    const page = pagesNow().find(([, , key]) => key === event.key);
    if (page) { event.preventDefault(); go(page[0]); return; }
  }
  const ranges = Object.keys(RANGES);
  if (event.key === "g") { isGoing = true; setTimeout(() => { isGoing = false; }, 1200); }
  else if (event.key === "/") { event.preventDefault(); main.querySelector("input[type=search]")?.focus(); }
  else if (event.key === "?") showKeys();
  else if (event.key === "t") turnTheme();
  else if (event.key === "[") step(-1);
  else if (event.key === "]") step(1);
  else if (ranges[event.key - 1]) change({ range: ranges[event.key - 1], from: null, to: null });
  else if (view?.keys && ["j", "k", "x", "X", "Enter", "ArrowDown", "ArrowUp"].includes(event.key) && (event.target === document.body || event.target === main || event.target.closest(".panel")) && !event.target.closest("button,a,[role=slider]") && view.keys(event)) event.preventDefault();
}

// ---- the session

function askLogin() {
  if (loginLayer) return;
  closePanel();
  news.close();
  const isFirst = !view;
  loginLayer = el("div.over");
  app.inert = true;
  document.body.append(loginLayer);
  showLogin(loginLayer, () => {
    loginLayer.remove();
    loginLayer = null;
    app.inert = false;
    news.open();
    warned = false;
    if (isFirst) start();
    else if (!document.querySelector(".dialog")) redraw();
  }, isFirst ? null : say("session_over"));
}
function watchSession() {
  const left = session.until - Date.now();
  if (session.until && left < 120000 && left > 0 && !warned) {
    warned = true;
    notice(say("session_ends", { time: new Date(session.until).toLocaleTimeString() }), { undo: () => resume().then(() => { warned = false; }, refused), label: say("stay") });
  }
  showLive();
}
/** The marks at the pages' names, and the health of processes, from wherever the server says them. */
function lookAround() {
  if (serves("processes")) get("processes").then(answer => showHealth(answer.rows || []), () => {});
  if (serves("keys")) get("keys?limit=1").then(answer => countDead(answer.states), () => {});
}
function countDead(states) {
  if (!states || badges.keys === (states.dead || 0)) return;
  badges.keys = states.dead || 0;
  app.querySelector(".nav") && fill(app.querySelector(".nav"), navigation());
}
function begin() {
  news.on("state", showLive);
  news.on("processes", told => showHealth(told.rows || told.processes || (Array.isArray(told) ? told : [])));
  news.on("pool", told => countDead(told.states));
  for (const topic of ["hello", "session"]) news.on(topic, told => {
    if (told.version && session.version && told.version !== session.version) notice(say("new_version"), { undo: () => location.reload(), label: say("reload") });
    if (told.until) session.until = told.until;
    if (told.ended) askLogin();
  });
  news.on("reset", () => { shownAt = ""; show(); });
  addEventListener("hashchange", () => { if (session.version) show(); });
  addEventListener("keydown", pressed);
  setInterval(watchSession, 1000);
  matchMedia("(max-width: 760px)").addEventListener("change", () => { if (session.version) redraw(); });
}
function start() {
  paintShell();
  lookAround();
  news.open();
  show();
}
begin();
main.tabIndex = -1;
whenSessionEnds(askLogin);
resume().then(start, fault => {
  if (fault.status === 401 || fault.status === 403) askLogin();
  else append(fill(main), failed(fault, () => location.reload()));
});
