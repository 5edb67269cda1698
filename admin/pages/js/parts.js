// What several pages are made of: head, time range, loading and failing, figures' words.
import { el, fill, icon } from "./dom.js";
import { say, sayCode, visible } from "./speak.js";
import { RANGES, change, range, step } from "./place.js";
import { button, copy, dialog, faultText } from "./layers.js";
import { clock, date, moment, zoneText } from "./format.js";
import { get } from "./api.js";

const AGAIN_MS = 5000;

export const head = (name, ...tools) => el("header.head", null, el("div", null, el("h1", null, say("nav_" + name)), el("span.muted.small.desk-only", null, say("about_" + name))), el("div.tools", null, tools));

export function rangePicker() {
  const now = range();
  return el("div.range", { role: "group", "aria-label": say("time_range") },
    el("button", { type: "button", "aria-label": say("earlier"), title: say("earlier") + " [", onclick: () => step(-1) }, icon("left", 14)),
    Object.keys(RANGES).map((name, i) => el("button", { type: "button", "aria-pressed": String(now.name === name), title: String(i + 1), onclick: () => change({ range: name, from: null, to: null }) }, say("range_" + name))),
    el("button.custom", { type: "button", "aria-pressed": String(now.name === "custom"), onclick: askRange }, now.name === "custom" ? moment(now.from) + " – " + (date(now.from) === date(now.to) ? clock(now.to) : moment(now.to)) : say("custom")),
    el("button", { type: "button", "aria-label": say("later"), title: say("later") + " ]", disabled: now.name !== "custom", onclick: () => step(1) }, icon("right", 14)));
}
function askRange() {
  const now = range(), local = at => new Date(at - new Date(at).getTimezoneOffset() * 60000).toISOString().slice(0, 16);
  const from = el("input.input", { id: "range-from", type: "datetime-local", value: local(now.from) }), to = el("input.input", { id: "range-to", type: "datetime-local", value: local(now.to) }), wrong = el("p.wrong", { role: "alert" });
  dialog({ title: say("custom"), body: [el("div.two-fields", null, el("div.field", null, el("label", { for: "range-from" }, say("from")), from), el("div.field", null, el("label", { for: "range-to" }, say("to")), to)), wrong, el("p.muted.small", null, say("zone_is", { zone: zoneText() }))],
    actions: close => [button(say("cancel"), close), button(say("apply"), () => {
      const a = Number(new Date(from.value)), b = Number(new Date(to.value));
      if (!(a < b)) { wrong.textContent = say("range_wrong"); from.focus(); return; }
      close();
      change({ from: a, to: b });
    }, "primary")] });
}

export const empty = (title, text, ...more) => el("div.empty", null, el("h2", null, title), text ? el("p", null, text) : null, more);
export const waiting = () => el("div.wait", { role: "status", "aria-label": say("loading") });
/** What failed, to be copied; `again` asks anew. */
export function failed(fault, again) {
  return el("div.card.empty", { role: "alert" }, el("h2", null, say(fault.status === 404 || fault.status === 501 ? "not_served" : "failed")), el("p.break", null, faultText(fault)),
    el("div.row", null, again ? button(say("again"), again) : null, button(say("copy"), () => copy(`${new Date().toISOString()} ${location.hash} ${fault.status} ${fault.code} ${fault.message}`))));
}
/** Asks, and draws the answer into the box; a failure is shown there, and the question asked again by itself when the gateway was away. */
export async function load(box, path, view, drawn) {
  if (!box.firstChild) box.append(waiting());
  box.setAttribute("aria-busy", "true");
  try {
    const answer = await get(path, view.signal);
    if (view.signal.aborted) return;
    const found = await drawn(answer);
    if (view.signal.aborted) return;
    if (found) fill(box, found);
  } catch (fault) {
    if (view.signal.aborted || fault.name === "AbortError" || fault.status === 401) return;
    if (!fault.status && !fault.code) throw fault;
    const again = () => load(box, path, view, drawn);
    fill(box, failed(fault, again));
    if (!fault.status || fault.status >= 500 && fault.status !== 501) setTimeout(() => { if (!view.signal.aborted && box.isConnected) again(); }, AGAIN_MS);
  } finally { box.setAttribute("aria-busy", "false"); }
}
export const rowsOf = answer => Array.isArray(answer) ? answer : answer?.rows || [];
/** Facts beside their names; those that are not known are left out. */
export const facts = pairs => el("dl.facts", null, pairs.filter(one => one && one[1] !== null && one[1] !== undefined && one[1] !== "").map(([name, value]) => [el("dt", null, name), el("dd", null, value)]));
export const card = (title, aside, ...kids) => el("section.card", null, el("header", null, el("h2", null, title), aside), kids);
export const field = (id, label, input, hint) => { input.id = id; return el("div.field", null, el("label", { for: id }, label), input, hint ? el("p.muted.small", null, hint) : null); };
export const ratio = (good, all) => all ? good / all : null;
/** A key's last four; of one that is too short to show any, the beginning of its id. */
export const tail = (text, id) => text ? el("span.mono", null, "…" + visible(text, 8)) : el("span.mono.faint", null, id ? "#" + visible(id, 6).slice(0, 6) : "–");
export const faultName = code => sayCode("cause", code);
