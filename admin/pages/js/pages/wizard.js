// The first run: keys, whether they answer, and how a client begins.
import { el, fill } from "../dom.js";
import { say } from "../speak.js";
import { serves } from "../api.js";
import { button } from "../layers.js";
import { card } from "../parts.js";
import { addedText, jobMeter, pasteForm } from "./paste.js";
import { beginning } from "./overview.js";

export function showWizard(view) {
  const result = el("div.stack"), last = el("div");
  const box = view.box.lastChild;
  if (!serves("keys", "POST")) { fill(box, card(say("welcome"), null, el("p", null, say("keys_by_file")), el("pre.says", null, 'API_KEYS=["AIza…","AIza…"]'))); return; }
  const form = pasteForm(told => {
    fill(result, el("p", { role: "status" }, addedText(told)), told.job ? jobMeter(view, told.job.id ?? told.job, () => fill(last, beginning())) : null);
    if (!told.job) fill(last, beginning());
  });
  fill(box, el("div.steps", null, card(say("welcome"), null, el("p.muted", null, say("welcome_note"))), card("1 · " + say("paste_keys"), null, el("div.stack", null, form.node, el("div.row", null, button(say("add"), form.send, "primary")))), card("2 · " + say("verify_them"), null, result.firstChild ? null : el("p.muted", null, say("wizard_verify")), result), card("3 · " + say("first_call"), null, last)));
}
