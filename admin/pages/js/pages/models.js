// Models: what can each do now, how has it been?
import { el, fill } from "../dom.js";
import { say, visible } from "../speak.js";
import { change, filterOf, link, range } from "../place.js";
import { query } from "../api.js";
import { count, money, percent, short, took } from "../format.js";
import { glyph, ofLimit, quota, strip } from "../marks.js";
import { table } from "../list.js";
import { panel } from "../layers.js";
import { empty, facts, head, load, rangePicker, ratio, rowsOf } from "../parts.js";

const SIGN = { ok: "ok", overloaded: "warn", no_key: "bad", not_in_tier: "off" };

export function show(view) {
  const body = el("div.stack");
  fill(view.box, head("models", rangePicker()), body);
  load(body, "models" + query(range().asked), view, told => {
    const rows = rowsOf(told);
    if (!rows.length) return empty(say("no_models"), say("how_to_begin"));
    const wanted = rows.find(one => one.id === filterOf("open"));
    if (wanted) setTimeout(() => modelPanel(wanted));
    const ill = rows.filter(one => one.state && one.state !== "ok");
    return [el("section.card.verdict." + (ill.length ? "warn" : "ok"), null, glyph(ill.length ? "warn" : "ok"), el("p", null, el("b", null, ill.length ? say("models_ill", { n: ill.length, names: ill.slice(0, 3).map(one => visible(one.id, 40)).join(", ") }) : say("models_well")))),
      el("section.card", null, table(columns(), rows.map(line), say("nav_models")))];
  });
}
const columns = () => [{ label: say("model") }, { label: say("state") }, { label: say("availability"), class: "desk-only" }, { label: say("calls"), num: true }, { label: say("success"), num: true, class: "desk-only" }, { label: say("first_content"), num: true, class: "wide-only" }, { label: say("tokens"), num: true, class: "wide-only" }, { label: say("quota_left"), class: "desk-only" }, { label: say("cost"), num: true }];
function line(one) {
  const success = one.calls ? ratio(one.calls - one.lost, one.calls) : null;
  return [el("div", null, el("button.link", { type: "button", onclick: () => modelPanel(one) }, visible(one.id, 80)), one.alias_of ? el("div.faint.small", null, "→ " + visible(one.alias_of, 60)) : null), stateOf(one), strip(one.strip, say("availability")), short(one.calls), percent(success), took(one.first_ms?.p50), short(one.tokens), el("div", null, quota(one.quota), " ", ofLimit(one.quota)), money(one.cost_usd)];
}
const stateOf = one => el("span.state", null, glyph(SIGN[one.state] || "off"), el("span", null, one.state ? say("model_" + one.state) : "–", one.keys_of ? el("span.faint", null, " " + say("keys_fit", { fit: count(one.keys_fit), of: count(one.keys_of) })) : null));
function modelPanel(one) {
  change({ open: one.id }, true);
  panel(visible(one.id, 100), [stateOf(one), strip(one.strip, say("availability")), facts([[say("kind"), one.kind && say("kind_" + one.kind)], [say("calls"), count(one.calls)], [say("lost"), count(one.lost)], [say("unseen"), count(one.unseen)], [say("first_content"), one.first_ms ? `${took(one.first_ms.p50)} · p95 ${took(one.first_ms.p95)}` : null], [say("tokens"), count(one.tokens)], [say("quota_left"), one.quota ? ofLimit(one.quota) : null], [say("price"), one.price ? `${money(one.price.in)} · ${money(one.price.out)}` + (one.price.cached ? ` · ${money(one.price.cached)}` : "") : null], [say("cost"), money(one.cost_usd)], [say("filtered"), one.filtered ? say("yes") : null]]),
    el("div.row", null, el("a", { href: link("calls", { model: one.id }) }, say("its_calls")), el("a", { href: link("calls", { model: one.id, result: "lost" }) }, say("its_lost")), el("a", { href: link("keys", { model: one.id }) }, say("its_keys")))], () => change({ open: null }, true));
}
