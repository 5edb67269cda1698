// Logs: what all processes write, as it comes; held while somebody reads further up.
import { el, fill } from "../dom.js";
import { say, visible } from "../speak.js";
import { change, filterOf } from "../place.js";
import { query } from "../api.js";
import { seconds } from "../format.js";
import { head, load, rowsOf } from "../parts.js";

const MOST = 2000, LEVELS = ["", "debug", "info", "warn", "error"], INK = { warn: ".warn-t", error: ".bad-t", debug: ".faint" };

export function show(view) {
  const box = el("div.card.logs", { tabindex: "0", role: "log", "aria-label": say("nav_logs"), "aria-live": "off" }), filter = { q: filterOf("q"), level: filterOf("level"), process: filterOf("process") };
  const search = el("input.input", { type: "search", value: filter.q, placeholder: say("logs_search"), "aria-label": say("logs_search"), onchange: () => change({ q: search.value.trim() }) });
  const choice = (name, values, words) => el("select", { "aria-label": say(name), onchange: event => change({ [name]: event.target.value }) }, values.map(value => el("option", { value, selected: value === filter[name] }, value ? words(value) : say("all"))));
  fill(view.box, head("logs"), el("div.filters", null, search, choice("level", LEVELS, one => one), choice("process", ["", "frontend", "balancer", "upstream", "recorder", "admin"], one => say("role_" + one))), box);
  const line = row => el("div" + (INK[row.level] || ""), null, `${seconds(row.at)} ${visible(row.process || "", 14).padEnd(9)} ${visible(row.text || "", 4000)}`);
  const add = rows => {
    const isEnd = box.scrollTop + box.clientHeight > box.scrollHeight - 24;
    box.append(...rows.map(line));
    while (box.children.length > MOST) box.firstChild.remove();
    if (isEnd) box.scrollTop = box.scrollHeight;
  };
  load(box, "logs" + query({ ...filter, limit: 500 }), view, told => { fill(box); add(rowsOf(told).reverse()); });
  view.on("logs", told => add(rowsOf(told).filter(row => (!filter.process || row.process === filter.process) && (!filter.level || row.level === filter.level) && (!filter.q || (row.text || "").includes(filter.q)))));
}
