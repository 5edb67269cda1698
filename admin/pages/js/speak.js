// The reader's language. Both stand side by side in words.js, so that a missing one is seen in its own line.
import { WORDS } from "./words.js";

export const isChinese = () => document.documentElement.lang.startsWith("zh");
export function chooseLanguage(name) {
  document.documentElement.lang = name === "zh" ? "zh-Hans" : "en";
  try { localStorage.setItem("language", name); } catch { /* a private window keeps nothing */ }
}
export const knows = key => Object.hasOwn(WORDS, key);

/** {name} is replaced; "one|many" chooses by values.n. A key without words is shown as it is. */
export function say(key, values = {}) {
  if (!knows(key)) return String(key);
  const text = WORDS[key][isChinese() ? 1 : 0], forms = text.split("|");
  const form = forms.length > 1 ? forms[Number(values.n) === 1 ? 0 : 1] : text;
  return form.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** A code that the server says, as words; one that we have no words for is shown readable. */
export function sayCode(family, code) {
  const key = family + "_" + String(code ?? "").toLowerCase();
  return !code ? "–" : knows(key) ? say(key) : visible(String(code).replaceAll("_", " "));
}

/** What a client or the provider has named: no character of it may turn the text around it, nor be longer than the screen. */
export function visible(text, most = 400) {
  const plain = String(text ?? "").replace(/[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\u0000-\u0008\u000b-\u001f\u007f]/g,
    sign => "⟨" + sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0") + "⟩");
  return plain.length > most ? plain.slice(0, most) + "…" : plain;
}
