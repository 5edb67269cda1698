// What lies above a page: notices, dialogs, the panel, menus. Esc closes the topmost, and focus goes back whence it came.
import { append, el, fill, icon, speak } from "./dom.js";
import { say, sayCode } from "./speak.js";

const ground = document.getElementById("layers");
const open = [];

function lay(node, { modal, closed } = {}) {
  const before = document.activeElement;
  const layer = { node, modal, close() {
    const at = open.indexOf(layer);
    if (at < 0) return;
    open.splice(at, 1);
    node.remove();
    if (modal && !open.some(one => one.modal)) document.getElementById("app").inert = false;
    if (closed) closed();
    if (before?.isConnected) before.focus({ preventScroll: true });
  } };
  if (modal) document.getElementById("app").inert = true;
  ground.append(node);
  open.push(layer);
  return layer;
}
export const topmost = () => open.at(-1);
export function closeAll() { while (open.length) open.at(-1).close(); }
addEventListener("keydown", event => {
  if (event.key === "Escape" && open.length && !event.defaultPrevented) {
    event.preventDefault();
    open.at(-1).close();
  }
});

/** Tab goes round inside. */
function hold(event, box) {
  if (event.key !== "Tab") return;
  const all = [...box.querySelectorAll("a[href],button,input,select,textarea,[tabindex='0']")].filter(one => !one.disabled && one.offsetParent);
  const end = event.shiftKey ? all[0] : all.at(-1);
  if (document.activeElement !== end && box.contains(document.activeElement)) return;
  event.preventDefault();
  (event.shiftKey ? all.at(-1) : all[0])?.focus();
}
/** A question or a form. `actions(close)` gives the buttons; the first field, or the last button, has the focus. */
export function dialog({ title, body, actions, closed, wide }) {
  const box = el("div.dialog", { role: "dialog", "aria-modal": "true", "aria-label": title }, el("h2", null, title), body);
  if (wide) box.style.width = "min(760px, 100%)";
  const scrim = el("div.scrim", { onpointerdown: event => { if (event.target === scrim) layer.close(); }, onkeydown: event => hold(event, box) }, box);
  const layer = lay(scrim, { modal: true, closed });
  append(box, el("div.dialog-end", null, actions(() => layer.close())));
  (box.querySelector("input,textarea,select") || box.querySelector(".dialog-end button:last-child"))?.focus();
  return layer;
}
export const button = (text, onclick, kind = "", sign = null) => el("button.button" + (kind ? "." + kind : ""), { type: "button", onclick }, sign ? icon(sign, 14) : null, text);
export function confirm({ title, text, yes, kind = "primary" }, act) {
  dialog({ title, body: el("p", null, text), actions: close => [button(say("cancel"), close), button(yes, () => { close(); act(); }, kind)] });
}

let panelLayer = null;
/** The details of one thing beside its list. */
export function panel(title, body, closed) {
  const focus = panelLayer?.node.contains(document.activeElement);
  if (panelLayer) {
    fill(panelLayer.node, panelHead(title), body);
    panelLayer.node.setAttribute("aria-label", title);
    panelLayer.node.scrollTop = 0;
    if (focus) panelLayer.node.focus();
    return panelLayer;
  }
  const node = el("aside.panel", { "aria-label": title, tabindex: "-1" }, panelHead(title), body);
  panelLayer = lay(node, { closed() { panelLayer = null; closed?.(); } });
  return panelLayer;
}
const panelHead = title => el("div.panel-head", null, el("h2", null, title),
  el("button.button.plain.square", { type: "button", "aria-label": say("close"), onclick: () => panelLayer.close() }, icon("close")));
export const isPanelOpen = () => Boolean(panelLayer);
export const closePanel = () => panelLayer?.close();

export function menu(anchor, items, label) {
  const box = el("div.menu", { role: "menu", "aria-label": label || say("more") });
  const layer = lay(box, {});
  const leave = event => { if (!box.contains(event.target)) done(); };
  const done = () => { removeEventListener("pointerdown", leave, true); layer.close(); };
  for (const item of items.filter(Boolean))
    box.append(el("button" + (item.danger ? ".danger" : ""), { role: "menuitem", type: "button", onclick: () => { done(); item.act(); } }, item.text));
  const at = anchor.getBoundingClientRect(), size = box.getBoundingClientRect();
  box.style.left = Math.max(8, Math.min(at.left, innerWidth - size.width - 8)) + "px";
  box.style.top = (at.bottom + size.height + 8 < innerHeight ? at.bottom + 4 : Math.max(8, at.top - size.height - 4)) + "px";
  addEventListener("pointerdown", leave, true);
  box.addEventListener("keydown", event => {
    const all = [...box.children], now = all.indexOf(document.activeElement);
    const next = { ArrowDown: now + 1, ArrowUp: now - 1 + all.length, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === "Tab") done();
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    all[next % all.length].focus();
  });
  box.firstChild?.focus();
}

const NOTICES = 4, SECONDS = { plain: 5, bad: 10, undo: 8 };
/** Says what was done, with a way back where there is one. It stays while it is pointed at. */
export function notice(text, { undo, kind, label } = {}) {
  let box = ground.querySelector(".notices");
  if (!box) ground.append(box = el("div.notices", { role: "region", "aria-label": say("notices") }));
  const one = el("div.notice" + (kind ? "." + kind : ""), { role: kind === "bad" ? "alert" : "status" }, el("span", null, text));
  let timer;
  const leave = () => { clearTimeout(timer); one.remove(); if (!box.children.length) box.remove(); };
  const wait = () => { clearTimeout(timer); timer = setTimeout(leave, 1000 * SECONDS[undo ? "undo" : kind === "bad" ? "bad" : "plain"]); };
  if (undo) one.append(el("button", { type: "button", onclick: () => { leave(); undo(); } }, label || say("undo")));
  one.append(el("button", { type: "button", "aria-label": say("close"), onclick: leave }, "✕"));
  for (const name of ["pointerenter", "focusin"]) one.addEventListener(name, () => clearTimeout(timer));
  for (const name of ["pointerleave", "focusout"]) one.addEventListener(name, wait);
  box.append(one);
  while (box.children.length > NOTICES) box.firstChild.remove();
  wait();
}
/** What the server refused, in the reader's words. */
export const faultText = fault => sayCode("fault", fault.code) + (fault.message && !fault.code?.startsWith("unreach") ? " · " + fault.message : "");
export const refused = fault => { if (fault.name !== "AbortError") notice(faultText(fault), { kind: "bad" }); };
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    speak(say("copied"));
    notice(say("copied"));
  } catch { notice(say("copy_failed"), { kind: "bad" }); }
}
