// Adding keys: any text may be pasted; the page counts what looks like a key, only the server says what is new.
import { el, fill } from "../dom.js";
import { say, sayCode, visible } from "../speak.js";
import { ask, get, news } from "../api.js";
import { count } from "../format.js";
import { button, dialog, notice, refused } from "../layers.js";
import { field } from "../parts.js";
import { change } from "../place.js";

const LOOKS_LIKE = /AIza[\w-]{35}|AQ\.[\w-]{20,}/g;

export function pasteForm(added) {
  const text = el("textarea", { spellcheck: "false", autocomplete: "off", placeholder: "AIza…" }), tags = el("input.input", { type: "text", placeholder: "lab, team-a" }), verify = el("input", { type: "checkbox", checked: true }), said = el("p.muted", { role: "status" }), wrong = el("p.wrong", { role: "alert" });
  text.addEventListener("input", () => { const found = text.value.match(LOOKS_LIKE) || []; said.textContent = found.length ? say("looks_like", { n: found.length, count: count(found.length), twice: count(found.length - new Set(found).size) }) : ""; });
  const send = async () => {
    wrong.textContent = "";
    try {
      const told = await ask("POST", "keys", { body: { text: text.value, tags: tags.value.split(",").map(one => one.trim()).filter(Boolean), verify: verify.checked } });
      added(told);
    } catch (fault) { wrong.textContent = sayCode("fault", fault.code); text.focus(); }
  };
  return { text, send, node: [field("paste", say("paste_keys"), text, say("paste_hint")), said, field("paste-tags", say("tags"), tags), el("label.switch", null, verify, say("verify_them")), wrong] };
}
export const addedText = told => say("added_text", { added: count(told.added), known: count(told.known), twice: count(told.twice), not: count((told.not_keys || []).length) });
export function addKeys(view) {
  let close;
  const form = pasteForm(told => { close(); notice(addedText(told)); if (told.job) followJob(view, told.job); change({ sort: null, seen: Date.now() }); });
  dialog({ title: say("add_keys"), body: form.node, actions: end => { close = end; return [button(say("cancel"), end), button(say("add"), form.send, "primary")]; } });
}

/** A job's progress, from its events; it goes on whether or not this window is open. */
export function jobMeter(view, id, stopped) {
  const meter = el("i"), text = el("p", { role: "status" }, say("job_begins")), stop = button(say("stop"), () => ask("DELETE", "jobs/" + id).catch(refused));
  const node = el("div.stack", null, text, el("div.meter", { role: "presentation" }, meter), el("div.row", null, stop));
  const take = job => {
    if (String(job.id) !== String(id)) return;
    meter.style.width = 100 * job.done / Math.max(1, job.total) + "%";
    text.textContent = say("job_text", { done: count(job.done), total: count(job.total) }) + " " + Object.entries(job.groups || {}).map(([code, n]) => `${sayCode("cause", visible(code, 40))} ${count(n)}`).join(" · ");
    if (job.state && job.state !== "running") { fill(stop.parentNode || el("p")); stopped?.(job); }
  };
  news.on("job", take, view.signal);
  get("jobs/" + id, view.signal).then(take, () => {});
  return node;
}
export function followJob(view, job) {
  const id = job.id ?? job;
  dialog({ title: say("do_verify"), body: jobMeter(view, id), actions: close => [button(say("goes_on"), close)] });
}
