// Where we are: #/page?filter=…, so that Back works and a view can be sent to someone.
export const RANGES = { "1h": 3600e3, "24h": 86400e3, "7d": 604800e3, "30d": 2592000e3 };
const KEPT = ["range", "from", "to"];

export function place() {
  const [page, text] = location.hash.replace(/^#\/?/, "").split("?");
  return { page: page || "overview", q: new URLSearchParams(text || "") };
}
function address(page, q) {
  const text = q.toString();
  return "#/" + page + (text ? "?" + text : "");
}
/** The link to a page; the time range goes along. */
export function link(page, values = {}) {
  const kept = KEPT.filter(name => place().q.has(name)).map(name => [name, place().q.get(name)]);
  return address(page, new URLSearchParams([...kept, ...Object.entries(values)]));
}
export const go = (page, values) => { location.hash = link(page, values); };
/** Changes parts of the query; null takes one out. `quiet`: the page stays as it is drawn. */
export function change(values, quiet) {
  const { page, q } = place();
  for (const [name, value] of Object.entries(values)) value === null || value === "" ? q.delete(name) : q.set(name, value);
  if (quiet) history.replaceState(null, "", address(page, q));
  else location.hash = address(page, q);
}
export function range() {
  const { q } = place(), from = Number(q.get("from")), to = Number(q.get("to"));
  if (from > 0 && to > from) return { name: "custom", from, to, length: to - from, asked: { from, to } };
  const name = Object.hasOwn(RANGES, q.get("range")) ? q.get("range") : "24h", now = Date.now();
  return { name, from: now - RANGES[name], to: now, length: RANGES[name], asked: { range: name } };
}
/** One range back (-1) or on (1); past the present it is the plain range again. */
export function step(by) {
  const now = range(), to = now.to + by * now.length;
  const isPresent = to >= Date.now() - 1000;
  if (by > 0 && isPresent) change({ from: null, to: null });
  else change({ from: Math.round(to - now.length), to: Math.round(to) });
}
export const filterOf = name => place().q.get(name) || "";
