// Shows who is alive. Every text goes in by textContent, so nothing that a process says is read as HTML.
"use strict";

const PAUSE_MS = 2000, ODD_MS = 2500, BAD_MS = 5000;
const at = id => document.getElementById(id);
const set = (id, text) => { at(id).textContent = text; };

function bytes(count) {
  return count >= 1 << 30 ? (count / (1 << 30)).toFixed(1) + " GiB" : (count / (1 << 20)).toFixed(1) + " MiB";
}

function ago(ms) {
  return ms < 1500 ? "now" : ms < 120000 ? Math.round(ms / 1000) + " s ago" : Math.round(ms / 60000) + " min ago";
}

function row(process) {
  const line = document.createElement("tr");
  const cell = (text, name) => {
    const one = document.createElement("td");
    one.textContent = text;
    if (name) one.className = name;
    line.append(one);
    return one;
  };
  const dot = document.createElement("span");
  const state = !process.alive || process.silent_ms >= BAD_MS ? "bad" : process.silent_ms >= ODD_MS ? "odd" : "good";
  dot.className = "dot " + state;
  dot.title = state === "good" ? "alive" : "silent";
  cell("").append(dot);
  cell(process.role);
  cell(process.incarnation || "", "id");
  cell(process.calls === undefined ? "" : process.calls.toLocaleString(), "number");
  cell(process.memory ? bytes(process.memory) : "", "number");
  cell(process.lag_ms === undefined ? "" : process.lag_ms + " ms", "number");
  cell(process.alive ? ago(process.silent_ms || 0) : "away", "number");
  return line;
}

function processes(report) {
  const list = [{ role: "admin", alive: true, silent_ms: 0, ...report.admin }];
  for (const balancer of report.balancers) {
    const status = balancer.status || { peers: [] };
    list.push({ role: "balancer", ...status.balancer, alive: balancer.alive, silent_ms: balancer.age_ms });
    if (balancer.alive) for (const peer of status.peers) list.push({ ...peer, alive: true });
  }
  list.push({ role: "recorder", alive: report.recorder.alive, silent_ms: 0 });
  const seen = new Set();
  const order = ["frontend", "balancer", "upstream", "recorder", "admin"];
  return list.filter(one => one.role !== "admin" || !seen.has("admin") && seen.add("admin"))
    .sort((a, b) => order.indexOf(a.role) - order.indexOf(b.role));
}

function cooldown(one) {
  const line = document.createElement("tr");
  const who = one.key || (one.proxy ? "proxy " + one.proxy : "the straight way");
  const until = one.ms ? new Date(Date.now() + one.ms).toLocaleTimeString() : "asked again";
  for (const text of [who, one.state.replace("_", "-"), one.reason.replaceAll("_", " "), one.model || "all", until, one.words || ""]) {
    const cell = document.createElement("td");
    cell.textContent = text;
    line.append(cell);
  }
  return line;
}

// While the database is away, records wait in files; nothing is lost, but somebody should look.
function showRecords(records) {
  const wait = Boolean(records && !records.database && records.reason);
  at("records").hidden = !wait;
  if (wait) set("records", records.waiting.toLocaleString() + " records (" + bytes(records.bytes) +
    ") wait for the database since " + new Date(records.since_ms).toLocaleString() + ": " + records.reason);
}

function show(report) {
  const all = processes(report);
  const alive = report.balancers.filter(one => one.alive && one.status).map(one => one.status);
  const sum = (list, pick) => list.reduce((total, one) => total + (pick(one) || 0), 0);
  set("keys", alive.length ? sum(alive, one => one.keys.fit) + " of " + sum(alive, one => one.keys.total) : "–");
  const tried = sum(alive, one => one.keys.tried);
  set("tried", tried ? ", " + sum(alive, one => one.keys.answer) + " of " + tried + " answered at the start" : "");
  set("waiting", alive.length ? sum(alive, one => one.waiting).toLocaleString() : "–");
  // Frontends and upstreams are known from a balancer only: without one there is no sum, and 0 would be a lie.
  set("calls", alive.length ? sum(all.filter(one => one.role === "frontend"), one => one.calls).toLocaleString() : "–");
  set("memory", alive.length ? bytes(sum(all, one => one.memory)) : "–");
  showRecords(report.recorder.records);
  at("processes").replaceChildren(...all.map(row));
  const cooling = alive.flatMap(one => one.cooling || []);
  at("cooling").replaceChildren(...cooling.map(cooldown));
  at("cooldowns").hidden = !cooling.length;
  set("told", "as of " + new Date().toLocaleTimeString());
}

function health(name, text) {
  at("health").className = "state " + name;
  set("health-text", text);
}

async function look() {
  try {
    const [status, state] = await Promise.all([fetch("/api/status"), fetch("/health")]);
    const report = await state.json();
    if (status.ok) show(await status.json());
    if (state.ok) health("good", "ready");
    else health("bad", "not ready: no " + (report.missing || ["answer"]).join(", no ") +
                (report.keys && report.keys.text ? ": " + report.keys.text : ""));
  } catch (error) {
    health("bad", "no answer from the gateway");
  }
  setTimeout(look, PAUSE_MS);
}

look();
