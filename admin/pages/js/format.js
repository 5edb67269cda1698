// Numbers and times as the reader's language writes them. Times come as UTC ms and are shown in a chosen zone; what is not known is "–".
import { isChinese, say } from "./speak.js";

const made = new Map();
function intl(kind, options) {
  const key = isChinese() + kind + JSON.stringify(options);
  if (!made.has(key)) made.set(key, new Intl[kind](isChinese() ? "zh-Hans-CN" : "en-US", options));
  return made.get(key);
}
const isKnown = value => value !== null && value !== undefined && value !== "" && !Number.isNaN(Number(value));
const NARROW = "\u202f";

export const ZONES = ["browser", "UTC", "America/Los_Angeles", "Asia/Shanghai", "Europe/Berlin"];
let zone;
try { zone = localStorage.getItem("zone") || "browser"; } catch { zone = "browser"; }
export const zoneNow = () => zone;
export function chooseZone(name) {
  zone = name;
  try { localStorage.setItem("zone", name); } catch { /* a private window keeps nothing */ }
}
const inZone = options => zone === "browser" ? options : { ...options, timeZone: zone };
export const zoneText = () => zone === "browser" ? Intl.DateTimeFormat().resolvedOptions().timeZone : zone;

export const count = value => isKnown(value) ? intl("NumberFormat", { maximumFractionDigits: 0 }).format(value) : "–";
export const short = value => !isKnown(value) ? "–" : Math.abs(value) < 10000 ? count(value)
  : intl("NumberFormat", { notation: "compact", maximumSignificantDigits: 3 }).format(value);
export const decimal = (value, digits) => isKnown(value) ? intl("NumberFormat", { maximumFractionDigits: digits, minimumFractionDigits: digits }).format(value) : "–";
export const percent = (value, digits = 2) => isKnown(value)
  ? intl("NumberFormat", { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value) : "–";
export const money = value => !isKnown(value) ? "–" : intl("NumberFormat", { style: "currency", currency: "USD", currencyDisplay: "narrowSymbol",
  ...Math.abs(value) > 0 && Math.abs(value) < 0.1 ? { maximumSignificantDigits: 2 } : Math.abs(value) >= 1000 ? { maximumFractionDigits: 0 } : {} }).format(value);
export function bytes(value) {
  if (!isKnown(value)) return "–";
  const step = value < 1024 ? 0 : Math.min(3, Math.floor(Math.log2(value) / 10));
  return decimal(value / 1024 ** step, step > 1 ? 1 : 0) + NARROW + ["B", "KiB", "MiB", "GiB"][step];
}
export function took(value) {
  if (!isKnown(value)) return "–";
  if (value < 1000) return decimal(value, value < 10 && value % 1 ? 1 : 0) + NARROW + "ms";
  return value < 60000 ? decimal(value / 1000, value < 10000 ? 2 : 1) + NARROW + "s" : span(value);
}
export function span(value) {
  const steps = [[86400, "unit_d"], [3600, "unit_h"], [60, "unit_min"], [1, "unit_s"]], seconds = Math.max(0, Math.round(value / 1000));
  const first = steps.findIndex(([size]) => seconds >= size), at = first < 0 ? 3 : first;
  const one = (left, [size, name]) => Math.floor(left / size) + NARROW + say(name);
  const rest = seconds % steps[at][0], next = steps[at + 1];
  return one(seconds, steps[at]) + (next && rest >= next[0] ? " " + one(rest, next) : "");
}
/** Counting down: m:ss, above an hour h:mm:ss. */
export function countdown(value) {
  const seconds = Math.max(0, Math.ceil(value / 1000)), two = n => String(n).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  return (minutes >= 60 ? Math.floor(minutes / 60) + ":" + two(minutes % 60) : String(minutes)) + ":" + two(seconds % 60);
}
export function ago(at) {
  if (!at) return "–";
  const past = (Date.now() - at) / 1000, [size, unit] = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]].find(one => past >= one[0]) || [];
  return past < 5 || !size ? say("just_now") : intl("RelativeTimeFormat", { style: "narrow" }).format(-Math.floor(past / size), unit);
}
const time = options => at => isKnown(at) ? intl("DateTimeFormat", inZone({ hourCycle: "h23", ...options })).format(Number(at)) : "–";
export const clock = time({ hour: "2-digit", minute: "2-digit" });
export const seconds = time({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
export const date = time({ month: "short", day: "numeric" });
export const moment = time({ month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
export const exact = time({ year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });
