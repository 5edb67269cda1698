// Settings: live, checked as a whole, written down. What is changed here stays a draft until it is saved as one.
import { el, fill } from "../dom.js";
import { isChinese, knows, say, sayCode, visible } from "../speak.js";
import { ask } from "../api.js";
import { filterOf, change } from "../place.js";
import { ZONES, ago, chooseZone, took, zoneNow } from "../format.js";
import { button, confirm, dialog, notice, refused } from "../layers.js";
import { card, empty, field, head, load } from "../parts.js";

/** Drafts outlive the page, so that looking something up elsewhere loses nothing. */
const drafts = new Map();

export function show(view) {
  const body = el("div.stack"), bar = el("div"), search = el("input.input", { type: "search", value: filterOf("q"), placeholder: say("settings_search"), "aria-label": say("settings_search") });
  const state = { rows: [], etag: "", errors: {}, view, body, bar, search };
  search.addEventListener("input", () => { change({ q: search.value.trim() }, true); paint(state); });
  fill(view.box, head("settings"), browserCard(), el("div.filters", null, search), body, bar);
  read(state);
  view.on("settings", told => { if (!drafts.size && told.etag !== state.etag) read(state); });
}
const read = state => load(state.body, "settings", state.view, told => { Object.assign(state, { rows: told.rows, etag: told.etag }); paint(state); });

function browserCard() {
  const zone = el("select", { onchange: () => chooseZone(zone.value) }, ZONES.map(name => el("option", { value: name, selected: name === zoneNow() }, name === "browser" ? say("zone_browser") : name)));
  return el("section.card", { style: { "margin-bottom": "16px" } }, el("header", null, el("h2", null, say("this_browser"))), el("div.two-fields", null, field("zone", say("zone"), zone)));
}
const textOf = value => Array.isArray(value) ? value.join(", ") : value === null || value === undefined ? "" : String(value);
function matches(row, text) {
  return !text || [row.name, row.text?.en, row.text?.zh].some(one => one?.toLowerCase().includes(text.toLowerCase()));
}
function paint(state) {
  const text = state.search.value.trim(), groups = new Map();
  for (const row of state.rows) if (matches(row, text)) groups.set(row.group, [...groups.get(row.group) || [], row]);
  fill(state.body, groups.size ? [...groups].map(([name, rows]) => card(knows("group_" + name) ? say("group_" + name) : visible(name, 60), el("span.faint.small", null, String(rows.length)), rows.map(row => setting(state, row)))) : el("section.card", null, empty(say("none_match"))));
  paintBar(state);
}
function setting(state, row) {
  const id = "set-" + row.name, wrong = el("p.wrong.small", { id: id + "-wrong", role: "alert" }, state.errors[row.name] ? sayCode("invalid", state.errors[row.name]) : null);
  const node = el("div.setting" + (drafts.has(row.name) ? ".changed" : ""), null, el("div", null, el("label.mono.break", { for: id }, row.name), el("p.muted", null, visible(isChinese() && row.text?.zh || row.text?.en || "")), el("p.small.faint", null, source(row))), el("div", null, input(state, row, id), wrong));
  return node;
}
function source(row) {
  const parts = [say("source_" + row.source)];
  if (row.changed_at && row.source === "dashboard") parts.push(ago(row.changed_at) + (row.changed_by ? ", " + visible(row.changed_by, 40) : ""));
  if (row.shadowed_by) parts.push(say("shadowed"));
  if (row.fixed) parts.push(visible(row.fixed, 200));
  else if (row.live === false) parts.push(say("at_start"));
  return parts.join(" · ");
}
function input(state, row, id) {
  const now = drafts.has(row.name) ? drafts.get(row.name) : row.value, isFixed = Boolean(row.fixed) || row.live === false, common = { id, disabled: isFixed, "aria-describedby": id + "-wrong", "aria-invalid": state.errors[row.name] ? "true" : null };
  const draft = value => {
    if (JSON.stringify(value) === JSON.stringify(row.value)) drafts.delete(row.name);
    else drafts.set(row.name, value);
    delete state.errors[row.name];
    document.getElementById(id)?.closest(".setting").classList.toggle("changed", drafts.has(row.name));
    paintBar(state);
  };
  if (row.type === "switch") return el("label.switch", null, el("input", { ...common, type: "checkbox", role: "switch", checked: Boolean(now), onchange: event => draft(event.target.checked) }), say(now ? "switched_on" : "off"));
  if (row.choices) return el("select", { ...common, onchange: event => draft(event.target.value) }, row.choices.map(one => el("option", { value: one, selected: one === now }, one)));
  if (row.type === "secret") return el("input.input", { ...common, type: "password", autocomplete: "new-password", placeholder: row.is_set ? say("secret_set") : say("secret_unset"), onchange: event => event.target.value ? draft(event.target.value) : (drafts.delete(row.name), paintBar(state)) });
  const isNumber = ["number", "seconds", "size"].includes(row.type), limits = isNumber ? { type: "number", min: row.min ?? null, max: row.max ?? null, step: row.type === "seconds" ? "any" : "1" } : { type: "text" };
  return el("input.input", { ...common, ...limits, value: textOf(now), placeholder: textOf(row.default), onchange: event => draft(isNumber ? (event.target.value === "" ? row.default : Number(event.target.value)) : row.type === "list" ? event.target.value.split(",").map(one => one.trim()).filter(Boolean) : event.target.value) });
}
function paintBar(state) {
  const n = drafts.size, bad = Object.keys(state.errors).length;
  fill(state.bar, n ? el("div.bar", { role: "region", "aria-label": say("changes") }, el("b", null, say("n_changes", { n }), bad ? el("span.bad-t", null, " " + say("n_wrong", { n: bad })) : null), button(say("discard"), () => { drafts.clear(); state.errors = {}; paint(state); }, "plain"), button(say("review"), () => review(state)), button(say("save"), () => save(state), "primary")) : null);
}
function review(state) {
  const row = name => state.rows.find(one => one.name === name), isHidden = name => row(name)?.type === "secret";
  dialog({ title: say("review"), body: el("dl.facts", null, [...drafts].map(([name, value]) => [el("dt.mono", null, name), el("dd", null, isHidden(name) ? say("secret_replaced") : [el("s.muted", null, textOf(row(name)?.value) || say("nothing")), " → ", el("b", null, visible(textOf(value)) || say("nothing"))])])), actions: close => [button(say("cancel"), close), button(say("save"), () => { close(); save(state); }, "primary")] });
}
const put = (state, changes) => ask("PUT", "settings", { body: { changes }, headers: { "If-Match": `"${state.etag}"` } });
async function save(state) {
  const changes = Object.fromEntries(drafts), before = Object.fromEntries(state.rows.filter(row => drafts.has(row.name) && row.type !== "secret").map(row => [row.name, row.value]));
  try {
    const told = await put(state, changes), slowest = Math.max(0, ...Object.values(told.applied_by || {}));
    drafts.clear();
    state.errors = {};
    await read(state);
    notice(say("saved", { time: took(slowest) }), Object.keys(before).length ? { undo: () => put(state, before).then(() => read(state), refused) } : {});
  } catch (fault) {
    if (fault.status === 422 && fault.errors) {
      state.errors = fault.errors;
      paint(state);
      document.getElementById("set-" + Object.keys(fault.errors)[0])?.focus();
    } else if (fault.status === 412) others(state, fault);
    else refused(fault);
  }
}
/** Somebody else saved meanwhile: shown, and what was drafted here is kept. */
async function others(state, fault) {
  await read(state);
  const names = Array.isArray(fault.changes) ? fault.changes.map(one => one.name || one) : Object.keys(fault.changes || {});
  confirm({ title: say("others_saved"), text: say("others_note", { names: names.join(", ") || "–" }), yes: say("save_mine") }, () => save(state));
}
