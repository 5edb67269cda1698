// Long lists: only the rows in sight are in the document, whatever their number. Rows are asked for as they come into sight.
import { el, fill, isPhone } from "./dom.js";
import { say } from "./speak.js";

const AROUND = 6;

/** {label, columns: [{id, label, width, sort?, class?}], height, phoneHeight, phone(cells) → css grid template, total, row(i) → data or undefined
 * (not here yet), cells(data, i) → nodes, open(i), pick?(i, isRange), sort?(id), sorted: {id, dir}} */
export function longList(given) {
  let at = -1, frame = 0;
  const shown = new Map(), template = given.columns.map(one => one.width).join(" ");
  const head = el("div.list-head", { role: "row", "aria-rowindex": 1, style: { "grid-template-columns": template } }, given.columns.map(column => {
    const isSorted = given.sorted && given.sorted.id === column.id;
    return el("div" + (column.class ? "." + column.class : ""), { role: "columnheader", "aria-sort": isSorted ? (given.sorted.dir === "desc" ? "descending" : "ascending") : null },
      column.node || (column.sort ? el("button", { type: "button", onclick: () => given.sort(column.id) }, column.label, isSorted ? (given.sorted.dir === "desc" ? " ↓" : " ↑") : "") : column.label || el("span.sr", null, say("actions"))));
  }));
  const space = el("div", { role: "rowgroup", style: { position: "relative" } });
  const top = el("div.list-top", { role: "rowgroup" }, head);
  const body = el("div.list-body", { role: "grid", tabindex: "0", "aria-label": given.label }, top, space);
  const node = el("div.list", null, body);
  const height = () => isPhone() ? given.phoneHeight : given.height;

  function make(i) {
    const data = given.row(i);
    const row = el("div.list-row" + (i === at ? ".at" : ""), { role: "row", "aria-rowindex": i + 2, id: "row-" + i, style: { top: i * height() + "px", height: height() + "px", "grid-template-columns": isPhone() ? given.phone : template } });
    if (!data) row.append(el("div.faint", { role: "gridcell" }, "…"));
    else given.cells(data, i).forEach((cell, k) => row.append(el("div" + (given.columns[k].class ? "." + given.columns[k].class.replaceAll(" ", ".") : ""), { role: "gridcell" }, cell)));
    row.addEventListener("click", event => {
      if (event.target.closest("button,a,input,label")) return;
      at = i;
      given.open(i);
      paint();
    });
    return row;
  }
  function paint(all = true) {
    frame = 0;
    const one = height(), total = given.total();
    space.style.height = Math.max(one, total * one) + "px";
    body.style.height = Math.min(total * one + top.offsetHeight + 2, 4000) + "px";
    body.setAttribute("aria-rowcount", total + 1);
    const from = Math.max(0, Math.floor(body.scrollTop / one) - AROUND), to = Math.min(total, Math.ceil((body.scrollTop + body.clientHeight) / one) + AROUND);
    given.sight?.(from, to);
    for (const [i, row] of shown) if (all || i < from || i >= to) { if (!row.contains(document.activeElement)) { row.remove(); shown.delete(i); } else if (i >= to || i < from) { row.remove(); shown.delete(i); body.focus(); } }
    for (let i = from; i < to; i++) {
      if (!shown.has(i)) { const row = make(i); shown.set(i, row); space.append(row); }
    }
    if (shown.has(at)) body.setAttribute("aria-activedescendant", "row-" + at);
    else body.removeAttribute("aria-activedescendant");
  }
  body.addEventListener("scroll", () => { given.scrolled?.(body.scrollTop); frame ||= requestAnimationFrame(() => paint(false)); }, { passive: true });
  function move(to) {
    at = Math.max(0, Math.min(given.total() - 1, to));
    const one = height(), above = at * one, room = body.clientHeight - top.offsetHeight;
    if (above < body.scrollTop) body.scrollTop = above;
    if (above + one > body.scrollTop + room) body.scrollTop = above + one - room;
    paint();
  }
  body.addEventListener("keydown", event => { if (event.target === body && keys(event)) event.preventDefault(); });
  function keys(event) {
    const page = Math.max(1, Math.floor(body.clientHeight / height()) - 1);
    const to = { ArrowDown: at + 1, j: at + 1, ArrowUp: at - 1, k: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: given.total() - 1 }[event.key];
    if (!given.total()) return false;
    if (to !== undefined) { move(to); given.walked?.(at); return true; }
    if (event.key === "Enter" && at >= 0) { given.open(at); return true; }
    if (event.key === "x" || event.key === "X") { if (given.pick && at >= 0) { given.pick(at, event.shiftKey); paint(); } return Boolean(given.pick); }
    return false;
  }
  new ResizeObserver(() => paint()).observe(body);
  return { node, body, paint: () => paint(true), keys, top: () => { body.scrollTop = 0; at = -1; }, get at() { return at; }, set at(i) { at = i; } };
}

/** A short table: [{label, num?, class?}], rows of cells; a row may be clicked when `open` is given. */
export function table(columns, rows, label) {
  return el("div.scroll-x", { tabindex: "0", role: "region", "aria-label": label }, el("table", null,
    el("thead", null, el("tr", null, columns.map(one => el("th" + (one.num ? ".num" : "") + (one.class ? "." + one.class : ""), { scope: "col" }, one.label)))),
    el("tbody", null, rows.map(cells => fill(el("tr"), cells.map((cell, i) => el("td" + (columns[i].num ? ".num" : "") + (columns[i].class ? "." + columns[i].class : ""), null, cell)))))));
}
