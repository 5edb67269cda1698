// Audit: who changed what, and when; refused logins too.
import { el, fill } from "../dom.js";
import { knows, say, visible } from "../speak.js";
import { change, filterOf } from "../place.js";
import { get, query } from "../api.js";
import { exact, moment } from "../format.js";
import { table } from "../list.js";
import { button, refused } from "../layers.js";
import { empty, head, load, rowsOf } from "../parts.js";

const text = value => value === null || value === undefined || value === "" ? "–" : visible(typeof value === "object" ? JSON.stringify(value) : value, 200);

export function show(view) {
  const body = el("div.stack"), search = el("input.input", { type: "search", value: filterOf("q"), placeholder: say("audit_search"), "aria-label": say("audit_search"), onchange: () => change({ q: search.value.trim() }) }), asked = { q: filterOf("q"), kind: filterOf("kind"), limit: 100 };
  fill(view.box, head("audit"), el("div.filters", null, search), body);
  const rows = [];
  const draw = told => {
    rows.push(...rowsOf(told));
    if (!rows.length) return el("section.card", null, empty(say(asked.q ? "none_match" : "no_audit")));
    const next = told.next ?? (rowsOf(told).length >= asked.limit ? rows.at(-1).id : null);
    return [el("section.card", null, table([{ label: say("time") }, { label: say("who") }, { label: say("what") }, { label: say("on") }, { label: say("before"), class: "desk-only" }, { label: say("after"), class: "desk-only" }], rows.map(one => [el("span", { title: exact(one.at) }, moment(one.at)), el("span", null, text(one.who), el("span.faint", null, " " + visible(one.from || "", 60))), knows("audit_" + one.what) ? say("audit_" + one.what) : text(one.what), el("span.break", null, text(one.on)), el("span.break.muted", null, text(one.before)), el("span.break", null, text(one.after))]), say("nav_audit"))), next ? button(say("older"), () => get("audit" + query({ ...asked, before: next }), view.signal).then(more => fill(body, draw(more)), refused)) : null];
  };
  load(body, "audit" + query(asked), view, draw);
}
