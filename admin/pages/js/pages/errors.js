// Errors: what goes wrong, whose fault, did anyone notice?
import { el, fill } from "../dom.js";
import { knows, say, visible } from "../speak.js";
import { filterOf, change, link, range } from "../place.js";
import { ask, get, query, serves } from "../api.js";
import { ago, count, exact, short } from "../format.js";
import { glyph, spark } from "../marks.js";
import { table } from "../list.js";
import { button, notice, panel, refused } from "../layers.js";
import { card, empty, facts, failed, faultName, head, load, rangePicker, tail } from "../parts.js";

export function show(view) {
  const body = el("div.stack");
  fill(view.box, head("errors", rangePicker()), body);
  load(body, "errors" + query(range().asked), view, told => {
    const groups = told.groups || told.rows || [], ours = groups.filter(one => one.side !== "client"), theirs = groups.filter(one => one.side === "client");
    const wanted = groups.find(one => one.fault === filterOf("open"));
    if (wanted) setTimeout(() => errorPanel(view, wanted));
    const level = told.reached ? "warn" : "ok";
    return [el("section.card.verdict." + level, null, glyph(level), el("p", null, el("b", null, say(told.reached ? "errors_reached" : "errors_none", { n: told.reached || 0, count: count(told.reached || 0) })), say("errors_unseen", { n: told.unseen || 0, count: count(told.unseen || 0) }))),
      groups.length ? null : el("section.card", null, empty(say("no_errors"))), ours.length ? section(view, say("errors_ours"), ours) : null, theirs.length ? section(view, say("errors_theirs"), theirs) : null];
  });
}
const columns = () => [{ label: say("what") }, { label: say("whose"), class: "desk-only" }, { label: say("attempts"), num: true }, { label: say("unseen"), num: true, class: "desk-only" }, { label: say("reached"), num: true }, { label: say("keys_n"), num: true, class: "desk-only" }, { label: say("over_time"), class: "desk-only" }, { label: say("last"), num: true }];
const section = (view, title, groups) => card(title, null, table(columns(), groups.map(one => [el("div", null, el("button.link", { type: "button", onclick: () => errorPanel(view, one) }, faultName(one.fault)), el("div.faint.small.desk-only", null, remedy(one.fault))), say("side_" + one.side), short(one.attempts), short(one.unseen), el(one.reached ? "b.bad-t" : "span", null, short(one.reached)), count(one.keys), spark(one.line, { width: 96, ink: "c4" }), ago(one.last_at)]), title));
const remedy = fault => knows("remedy_" + String(fault).toLowerCase()) ? say("remedy_" + String(fault).toLowerCase()) : say("remedy_other");
function errorPanel(view, one) {
  change({ open: one.fault }, true);
  const examples = el("div"), named = list => (list || []).map(item => visible(typeof item === "string" ? item : `${item.name ?? item.id} (${count(item.attempts ?? item.count ?? item.calls)})`, 80)).join(", ");
  panel(faultName(one.fault), [el("p", null, remedy(one.fault)), one.says ? el("p.says", null, visible(one.says, 2000)) : null, facts([[say("whose"), say("side_" + one.side)], [say("attempts"), count(one.attempts)], [say("unseen"), count(one.unseen)], [say("reached"), count(one.reached)], [say("first"), one.first_at && exact(one.first_at)], [say("last"), one.last_at && exact(one.last_at)], [say("nav_models"), named(one.top_models)], [say("nav_clients"), named(one.top_clients)]]), examples,
    el("div.row", null, serves("errors", "DELETE") ? button(say("clear_errors"), () => clear(view, one.fault), "danger") : null)], () => change({ open: null }, true));
  if (!serves("errors/{id}") && !serves("errors/{fault}")) return;
  get(`errors/${encodeURIComponent(one.fault)}` + query(range().asked), view.signal).then(told => fill(examples, el("h3", null, say("examples")), table([{ label: say("time") }, { label: say("model") }, { label: say("key") }, { label: say("call") }], (told.rows || told.examples || []).map(row => [exact(row.at), visible(row.model, 60), row.tail ? tail(row.tail) : "–", row.call || row.call_id ? el("a.mono", { href: link("calls", { open: row.call || row.call_id }) }, visible(row.call || row.call_id, 12)) : "–"]), say("examples"))), fault => { if (fault.name !== "AbortError") fill(examples, failed(fault)); });
}
async function clear(view, fault) {
  try {
    const told = await ask("DELETE", "errors" + query({ fault, ...range().asked }));
    notice(say("cleared"), told?.undo ? { undo: () => ask("POST", "errors/restore", { body: { undo: told.undo } }).then(() => show(view), refused) } : {});
    show(view);
  } catch (wrong) { refused(wrong); }
}
