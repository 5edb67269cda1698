// Clients: who uses it, how much, within which limits. A token is shown once, when it is made. What must stay true: a client
// with terms is listed before its first call, and one of ALLOWED_TOKENS, which has none, cannot be changed here.
import { el, fill } from "../dom.js";
import { say, sayCode, visible } from "../speak.js";
import { link, range } from "../place.js";
import { ask, get, query, serves } from "../api.js";
import { ago, count, date, money, percent, short, took } from "../format.js";
import { spark } from "../marks.js";
import { table } from "../list.js";
import { button, closePanel, confirm, copy, dialog, notice, panel, refused } from "../layers.js";
import { empty, facts, field, head, load, rangePicker, ratio, rowsOf, tail } from "../parts.js";

export function show(view) {
  const body = el("div.stack"), again = () => load(body, "clients" + query(range().asked), view, draw);
  const draw = async told => {
    const terms = serves("client-terms") ? rowsOf(await get("client-terms", view.signal)) : [], rows = joined(rowsOf(told), terms);
    return rows.length ? el("section.card", null, table(columns(), rows.map(one => line(one, again)), say("nav_clients"))) : el("section.card", null, empty(say("no_clients"), say("no_clients_how")));
  };
  fill(view.box, head("clients", rangePicker(), serves("clients", "POST") ? button(say("new_client"), () => edit(null, again), "primary", "plus") : null), body);
  again();
}
/** Use and terms, by id; the terms' 0 is no limit, or never. */
function joined(used, terms) {
  const byId = new Map(used.map(one => [one.id, one]));
  for (const { id, ...one } of terms) {
    const known = Object.fromEntries(Object.entries(one).map(([name, value]) => [name, Number(value) === 0 && !Array.isArray(value) && name !== "name" && name !== "tail" ? null : value]));
    byId.set(id, { calls: 0, tokens: 0, ...byId.get(id), ...known, id, hasTerms: true });
  }
  return [...byId.values()];
}
const columns = () => [{ label: say("client") }, { label: say("calls"), num: true }, { label: say("over_time"), class: "desk-only" }, { label: say("success"), num: true, class: "desk-only" }, { label: say("first_content"), num: true, class: "wide-only" }, { label: say("tokens"), num: true }, { label: say("limit"), class: "desk-only" }, { label: say("cost"), num: true }, { label: say("last_used"), num: true, class: "desk-only" }];
function limitsText(one) {
  const limits = [one.rpm ? count(one.rpm) + " RPM" : null, one.tokens_per_day ? short(one.tokens_per_day) + " " + say("tokens_short") + " " + say("a_day") : null, one.cost_per_day_usd ? money(one.cost_per_day_usd) + " " + say("a_day") : null].filter(Boolean);
  return limits.length ? limits.join(" · ") : el("span.faint", null, say("no_limit"));
}
const firstMs = one => one.first_ms?.p50 ?? one.first_ms;
function line(one, again) {
  const success = one.success ?? ratio(one.calls - (one.lost || 0), one.calls);
  return [el("div", null, el("button.link", { type: "button", onclick: () => clientPanel(one, again) }, visible(one.name || one.id, 60)), " ", one.revoked_at ? el("span.tag", null, say("revoked")) : null), count(one.calls), spark(one.line), percent(success), took(firstMs(one)), short(one.tokens), limitsText(one), money(one.cost_usd), ago(one.last_used_at)];
}
function clientPanel(one, again) {
  const can = name => one.hasTerms && serves("clients/{id}" + (name ? "/" + name : ""), name ? "POST" : "PATCH");
  panel(visible(one.name || one.id, 80), [facts([[say("calls"), count(one.calls)], [say("tokens"), count(one.tokens)], [say("cost"), money(one.cost_usd)], [say("first_content"), took(firstMs(one))], ["RPM", one.rpm ? count(one.rpm) : null], [say("tokens_day"), one.tokens_per_day ? count(one.tokens_per_day) : null], [say("cost_day"), one.cost_per_day_usd ? money(one.cost_per_day_usd) : null], [say("nav_models"), one.models?.length ? visible(one.models.join(", ")) : null], one.tail ? [say("token_once"), tail(one.tail)] : null, [say("expires"), one.expires_at ? date(one.expires_at) : null], [say("last_used"), ago(one.last_used_at)], [say("id"), el("span.mono", null, visible(one.id))]]),
    el("div.row", null, can("") ? button(say("edit"), () => edit(one, again)) : null, can("rotate") ? button(say("rotate"), () => rotate(one, again)) : null, can("revoke") && !one.revoked_at ? button(say("revoke"), () => revoke(one, again), "danger") : null, can("restore") && one.revoked_at ? button(say("restore"), () => restore(one, again)) : null), el("a", { href: link("calls", { client: one.id }) }, say("its_calls"))]);
}
const restore = (one, again) => ask("POST", `clients/${one.id}/restore`).then(() => { closePanel(); again(); }, refused);
async function revoke(one, again) {
  try {
    await ask("POST", `clients/${one.id}/revoke`);
    closePanel();
    notice(say("done_revoke", { name: visible(one.name, 40) }), serves("clients/{id}/restore", "POST") ? { undo: () => restore(one, again) } : {});
    again();
  } catch (fault) { refused(fault); }
}
const rotate = (one, again) => confirm({ title: say("rotate"), text: say("rotate_sure"), yes: say("rotate") }, async () => {
  try { const told = await ask("POST", `clients/${one.id}/rotate`, { body: { old_good_ms: 3600000 } }); closePanel(); tokenOnce(told); again(); } catch (fault) { refused(fault); }
});
export function tokenOnce(told) {
  dialog({ title: say("token_once"), body: [el("p", null, say("token_once_note")), el("code.says.secret", null, told.token)], actions: close => [button(say("copy"), () => copy(told.token)), button(say("close"), close, "primary")] });
}
function edit(one, again) {
  const input = (name, type = "text") => el("input.input", { type, min: type === "number" ? "0" : null, value: Array.isArray(one?.[name]) ? one[name].join(", ") : one?.[name] ?? "" });
  const inputs = { name: input("name"), rpm: input("rpm", "number"), tokens_per_day: input("tokens_per_day", "number"), cost_per_day_usd: input("cost_per_day_usd", "number"), models: input("models"), expires_at: el("input.input", { type: "date" }) }, wrong = el("p.wrong", { role: "alert" });
  inputs.cost_per_day_usd.step = "any";
  const ends = one?.expires_at ? new Date(one.expires_at).toISOString().slice(0, 10) : "";
  inputs.expires_at.value = ends;
  const number = name => inputs[name].value === "" ? null : Number(inputs[name].value);
  const send = async close => {
    const body = { name: inputs.name.value.trim(), rpm: number("rpm"), tokens_per_day: number("tokens_per_day"), cost_per_day_usd: inputs.cost_per_day_usd.value || null, models: inputs.models.value.split(",").map(text => text.trim()).filter(Boolean), expires_at: inputs.expires_at.value === ends ? one?.expires_at ?? null : inputs.expires_at.value ? Number(new Date(inputs.expires_at.value)) : null };
    try {
      const told = await ask(one ? "PATCH" : "POST", one ? "clients/" + one.id : "clients", { body });
      close();
      closePanel();
      if (told?.token) tokenOnce(told);
      again();
    } catch (fault) { wrong.textContent = sayCode("fault", fault.code) + " " + fault.message; inputs[fault.field]?.focus(); }
  };
  dialog({ title: say(one ? "edit" : "new_client"), body: [field("c-name", say("name"), inputs.name), el("div.two-fields", null, field("c-rpm", "RPM", inputs.rpm, say("empty_none")), field("c-tokens", say("tokens_day"), inputs.tokens_per_day, say("empty_none")), field("c-cost", say("cost_day"), inputs.cost_per_day_usd, say("empty_none")), field("c-expires", say("expires"), inputs.expires_at)), field("c-models", say("models_allowed"), inputs.models, say("models_hint")), wrong], actions: close => [button(say("cancel"), close), button(say(one ? "save" : "create"), () => send(close), "primary")] });
}
