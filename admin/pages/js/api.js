// The server: questions, changes and news. What must stay true: a session that ended never loses what was typed; nobody polls.
export class Fault extends Error {
  constructor(status, error, retryMs) {
    super(error.message || "");
    Object.assign(this, { status, code: error.code || (status ? "http_" + status : "unreachable"), field: error.field, retryMs, more: error });
  }
}
export const session = { csrf: null, until: 0, version: null, routes: null };
let onEnd = () => {};
export const whenSessionEnds = call => { onEnd = call; };
/** Whether the server has that route; an older one does not say, and then the answer is yes. */
export const serves = (path, method = "GET") => !session.routes || session.routes.includes(`${method} /api/admin/${path}`);

export async function ask(method, path, { body, signal, headers = {} } = {}) {
  const given = { method, signal, headers: { ...headers }, credentials: "same-origin", cache: "no-store" };
  if (body !== undefined) {
    given.body = JSON.stringify(body);
    given.headers["Content-Type"] = "application/json";
  }
  if (method !== "GET" && session.csrf) given.headers["X-CSRF"] = session.csrf;
  let answer, json = null;
  try {
    answer = await fetch("/api/admin/" + path, given);
    const text = await answer.text();
    json = text ? JSON.parse(text) : null;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    if (!answer || answer.ok) throw new Fault(answer ? answer.status : 0, { code: "unreachable", message: error.message });
  }
  if (answer.ok) return json;
  const told = json && json.error || json || {};
  const fault = new Fault(answer.status, typeof told === "object" ? told : {}, told.retry_ms || 1000 * answer.headers.get("Retry-After"));
  if (json && json.errors) fault.errors = json.errors;
  if (json && json.changes) fault.changes = json.changes;
  if (answer.status === 401 && path !== "session") onEnd();
  throw fault;
}
export const get = (path, signal) => ask("GET", path, { signal });
export const query = values => {
  const left = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return left.length ? "?" + new URLSearchParams(left) : "";
};
function keep(told) {
  Object.assign(session, told);
  return told;
}
export const login = async token => keep(await ask("POST", "session", { body: { token } }));
export const resume = async () => keep(await get("session"));
export async function logout() {
  await ask("DELETE", "session");
  session.csrf = null;
  news.close();
}

const TOPICS = ["tick", "pool", "keys", "calls", "processes", "job", "settings", "session", "reset", "hello", "logs"];

/** One stream of news a tab; closed while nobody sees the tab. The browser itself says Last-Event-ID after a break. */
export const news = {
  state: "off", heard: 0, source: null, filter: "", last: "", latest: {}, listeners: new Map(),
  on(topic, call, signal) {
    if (!this.listeners.has(topic)) this.listeners.set(topic, new Set());
    this.listeners.get(topic).add(call);
    signal?.addEventListener("abort", () => this.listeners.get(topic).delete(call));
  },
  tell(topic, value) { for (const call of [...this.listeners.get(topic) || []]) call(value); },
  turn(state) {
    this.state = state;
    this.tell("state", state);
  },
  open(filter = this.filter) {
    if (this.source && filter === this.filter) return;
    this.close();
    this.filter = filter;
    if (document.hidden || !serves("events")) return;
    const topics = TOPICS.slice(0, 8).join(","), last = this.last ? "&last_event_id=" + encodeURIComponent(this.last) : "";
    this.source = new EventSource("/api/admin/events?topics=" + topics + (filter ? "&" + filter : "") + last);
    this.source.onopen = () => this.turn("on");
    this.source.onerror = () => this.fail();
    for (const topic of TOPICS) this.source.addEventListener(topic, event => this.take(topic, event));
  },
  take(topic, event) {
    this.heard = Date.now();
    if (event.lastEventId) this.last = event.lastEventId;
    if (this.state !== "on") this.turn("on");
    let value = null;
    try { value = JSON.parse(event.data); } catch { return; }
    this.latest[topic] = value;
    this.tell(topic, value);
  },
  fail() {
    this.turn("late");
    if (this.source?.readyState !== 2) return;
    // The browser gives up on an answer that is no stream: ask again, not too often.
    this.close("late");
    setTimeout(() => session.csrf && this.open(), 5000);
  },
  close(state = "off") {
    this.source?.close();
    this.source = null;
    this.turn(state);
  },
};
document.addEventListener("visibilitychange", () => {
  if (document.hidden) news.close("paused");
  else if (session.csrf) news.open();
});
