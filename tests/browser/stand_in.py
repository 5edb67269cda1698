#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stands in for the admin process: serves the pages and answers the dashboard's JSON with made-up data, always the same for one
scene. For scenes that the real processes do not easily come into.

    tests/browser/stand_in.py PORT [scene]        scenes: normal, fresh, quiet, storm, database, error, large, hostile

What must stay true: headers and shapes are those of the real one (docs/ADMIN_API.md); nothing here is part of the product.
"""
import json
import math
import mimetypes
import random
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "admin/pages"
VENDOR = ROOT / "build/vendor"
TOKEN = "sk-test"
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; "
          "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'")
STATES = ("ready", "partial", "cooling", "spent", "new", "off", "dead")
MODELS = ("gemini-2.5-flash", "gemini-2.5-pro", "gemini-3-flash-preview", "gemini-2.5-flash-lite", "gemini-embedding-001")
CLIENTS = ("open-webui", "dify", "notebook", "学习小组")
HOSTILE = ("<img src=x onerror=alert(1)>", "\u202egnp.exe", "=cmd()", "x" * 10000)
SAYS = "Resource has been exhausted. quotaId: GenerateRequestsPerMinutePerProjectPerModel-FreeTier"
ROUTES = """GET session; DELETE session; GET overview; GET keys; POST keys; POST keys/actions; GET keys/{id}; POST keys/{id}/reveal; GET jobs/{id};
GET models; GET calls; GET calls/{id}; GET calls.csv; GET errors; GET errors/{id}; DELETE errors; GET clients; GET client-terms; POST clients; PATCH clients/{id};
POST clients/{id}/revoke; POST clients/{id}/restore; POST clients/{id}/rotate; GET settings; PUT settings; GET audit; GET logs; GET processes; GET events"""


def now_ms():
    return int(time.time() * 1000)


class Scene:
    """The made-up gateway."""

    def __init__(self, name):
        self.name, self.random, self.began = name, random.Random(20261128), now_ms()
        count = {"fresh": 0, "large": 10000}.get(name, 438)
        self.keys = [self.make_key(i) for i in range(count)]
        self.by_id = {key["id"]: key for key in self.keys}
        self.views, self.settings, self.etag = {}, make_settings(), 7
        self.revoked, self.version, self.fails, self.listeners = set(), "v1", set(), []
        self.models = list(MODELS)
        self.clients = [{"id": f"c{i}", "name": one} for i, one in enumerate(CLIENTS)]
        self.made, self.said = [], []  # clients that are made here; what was asked for
        if name == "hostile":
            self.models = [*HOSTILE]
            self.clients = [{"id": f"c{i}", "name": one} for i, one in enumerate(HOSTILE)]

    def words(self, text):
        return self.random.choice(HOSTILE) if self.name == "hostile" else text

    def make_key(self, i):
        r = self.random
        state = r.choices(STATES, (70, 13, 40 if self.name == "storm" else 5, 7, 1, 1.6, 2.2))[0]
        limit, out = r.choice((250, 1000)), state in ("partial", "cooling", "spent")
        used = limit if state == "spent" else 0 if state == "new" else r.randrange(limit)
        code = {"cooling": "quota_minute", "partial": "quota_minute", "spent": "quota_day", "dead": "key_invalid"}.get(state)
        calls = r.randrange(200)
        return {"id": f"{i * 7919 + 1:016x}", "tail": "".join(r.choices("ABCDEFGHJKMNPQRSTUVWXYZabcdefghkmnpqrstuvwxyz23456789", k=4)), "state": state,
                "code": code, "says": self.words(SAYS) if code else None, "status": 429 if code else None, "since": self.began - 9000 if code else None,
                "until": self.began + (r.randrange(4000, 60000) if state != "spent" else 9 * 3600000) if out else None, "resting_models": 1 if out else 0,
                "tags": [self.words(r.choice(("lab", "team-a", "paid")))], "project": f"gen-lang-{1000 + i // 3}", "tier": "free", "proxy": None,
                "day": {"model": MODELS[0], "used": used, "reserved": r.randrange(3) if used < limit - 3 else 0, "limit": limit},
                "minute": {"used": r.randrange(10), "reserved": 0, "limit": 10}, "calls_24h": calls, "failed_24h": calls // 50,
                "line": [r.randrange(12) for _ in range(24)], "last_used_at": self.began - r.randrange(9000000), "verified_at": self.began - 600000,
                "added_at": self.began - 86400000 * r.randrange(1, 60)}

    def states(self):
        counts = dict.fromkeys(STATES, 0)
        for key in self.keys:
            counts[key["state"]] += 1
        return counts

    # -- routes

    def overview(self, q):
        steps, step = 144, 600000
        end = now_ms() // step * step
        wave = [math.sin((i - 40) / 23) for i in range(steps)]
        quiet = self.name in ("quiet", "fresh")
        known = steps - 12 if self.name == "database" else steps
        line = lambda base, swing: [None if i >= known else 0 if quiet else round(base + swing * wave[i] + self.random.random() * base / 6) for i in range(steps)]
        series = {"t0": end - steps * step, "step_ms": step, "answered": line(900, 250), "client_fault": line(9, 3), "lost": line(300 if self.name == "storm" else 3, 2),
                  "unseen": line(60, 20), "first_p50": line(480, 30), "first_p95": line(1700, 200), "tokens_in": line(3e6, 9e5), "tokens_cached": line(1.2e6, 3e5),
                  "tokens_out": line(8e5, 2e5), "tokens_thoughts": line(3e5, 9e4), "cost_usd": [one and one / 500 for one in line(900, 250)]}
        add = lambda name: sum(one or 0 for one in series[name])
        totals = {name: add(name) for name in ("answered", "client_fault", "lost", "unseen", "tokens_in", "tokens_cached", "tokens_out", "tokens_thoughts")}
        totals |= {"cost_usd": f"{add('cost_usd'):.4f}", "first_ms": {"p50": 496, "p95": 1710}, "total_ms": {"p50": 2100, "p95": 9400}}
        verdict = {"storm": ("warn", "shared_cause", {"code": "overloaded", "keys": 200}), "database": ("warn", "database_away", {"since": end, "waiting": 812}),
                   "quiet": ("ok", "no_calls", {})}.get(self.name, ("ok", "well", {}))
        letters = sorted((key["state"][0] if key["state"] != "dead" else "x" for key in self.keys), key="rpcsnox".index)
        per = max(1, math.ceil(len(letters) / 1400))
        top = lambda rows: [] if quiet else [{**one, "calls": 9000 // (i + 1), "success": 0.9966, "first_ms": 480 + i, "tokens": 10 ** 7, "cost_usd": "12.5", "line": [5 + i % 3] * 24} for i, one in enumerate(rows)]
        return {"now": now_ms(), "from": end - steps * step, "to": end, "step_ms": step, "complete_to": end - 12 * step if self.name == "database" else end,
                "verdict": dict(zip(("level", "code", "args"), verdict)), "totals": totals, "before": {**totals, "lost": totals["lost"] + 80}, "series": series,
                "pool": {"states": self.states(), "map": "".join(letters[::per]), "keys_per_cell": per},
                "quota": [{"model": one, "used": 53500 + 900 * i, "reserved": 120, "limit": 75000, "keys_fit": 370, "keys_of": 438, "per_hour": 4000, "out_at": end + 3600000 * i if i < 2 else None} for i, one in enumerate(self.models)],
                "quota_resets_at": end + 9 * 3600000, "models": top([{"id": one, "name": one} for one in self.models]), "clients": top(self.clients), "processes": self.processes(q)["rows"]}

    def processes(self, _):
        return {"rows": [{"role": role, "id": f"a1b2c{i}", "host": "one", "state": "trouble" if role == "store" and self.name == "database" else "up", "code": "database_away" if role == "store" and self.name == "database" else None,
                          "since": self.began - 7200000, "open": 3 * i, "waiting": 0, "cpu": 0.07, "rss_bytes": 4 * 10 ** 7, "lag_ms": 0.4} for i, role in enumerate(("frontend", "balancer", "upstream", "recorder", "store", "admin"))]}

    def list_keys(self, q):
        view = q.get("view")
        if view not in self.views:
            states, text = set(filter(None, q.get("state", "").split(","))), q.get("q", "").lower()
            rows = [key for key in self.keys if (not states or key["state"] in states) and (not text or text in key["tail"].lower() or text in key["id"])]
            sort = q.get("sort") or "state"
            rows.sort(key=lambda key: STATES.index(key["state"]) if sort == "state" else key.get(sort) or 0, reverse=q.get("dir") == "desc")
            view = str(len(self.views) + 1)
            self.views[view] = (rows, now_ms())
        rows, at = self.views[view]
        offset, limit = int(q.get("offset", 0)), int(q.get("limit", 200))
        return {"view": view, "sorted_at": at, "total": len(self.keys), "matching": len(rows), "states": self.states(), "rows": rows[offset:offset + limit]}

    def key(self, id):
        return {**self.by_id[id], "ledger": [{"model": one, "in_tier": True, "rpm": {"used": 3, "reserved": 1, "limit": 10}, "tpm": {"used": 9000, "reserved": 0, "limit": 250000}, "rpd": self.by_id[id]["day"], "rest": None} for one in self.models[:3]]}

    def act(self, body):
        ids = body.get("ids")
        if ids is None:
            keep = set(body.get("except", []))
            ids = [key["id"] for key in self.list_keys({"state": body["where"].get("state", ""), "q": body["where"].get("q", ""), "limit": 10 ** 6})["rows"] if key["id"] not in keep]
        refused, changed = [], []
        for id in ids:
            key = self.by_id[id]
            if body["do"] == "disable" and key["tail"].startswith("Q"):
                refused.append({"id": id, "code": "refused"})
                continue
            if body["do"] in ("enable", "end_rest"):
                key |= {"state": "ready", "code": None, "until": None}
            elif body["do"] == "disable":
                key |= {"state": "off", "code": "disabled", "until": None}
            elif body["do"] == "delete" and key in self.keys:
                self.keys.remove(key)
            elif body["do"] == "restore":
                self.keys.append(key)
            changed.append(key)
        self.tell("keys", {"rows": changed[:200]})
        return {"done": len(changed), "refused": refused, **({"job": "1"} if body["do"] == "verify" else {})}

    def row_models(self, _):
        return [{"id": one, "kind": "chat", "state": "overloaded" if i == 1 else "ok", "keys_fit": 370, "keys_of": 438, "strip": [self.random.choice((3, 3, 3, 2, 1, 0)) for _ in range(48)], "calls": 90000 // (i + 1), "lost": 12, "unseen": 300,
                 "first_ms": {"p50": 450, "p95": 1800}, "tokens": 10 ** 8, "cost_usd": "31.07", "quota": {"used": 53500, "reserved": 90, "limit": 75000}, "price": {"in": "0.3", "out": "2.5", "cached": "0.03"}, "filtered": False} for i, one in enumerate(self.models)]

    def call(self, n):
        r = random.Random(n)
        many = 2 if n % 5 == 0 else 1
        lost = n % 31 == 0
        total = 900.0 + n % 700
        attempts = [{"n": i + 1, "key": f"{7919 * (n % 9) + 1:016x}", "tail": "ab3Q", "fault": "quota_minute" if lost or i + 1 < many else None, "says": self.words(SAYS) if i + 1 < many else None,
                     "status": 429 if lost or i + 1 < many else 200, "at_ms": 2.0, "connect_ms": 12.5, "first_ms": 400.0, "took_ms": total / many} for i in range(many)]
        hops = [{"process": "frontend", "name": "read", "at_ms": 0.0, "took_ms": 1.0}, {"process": "balancer", "name": "wait", "at_ms": 1.0, "took_ms": 20.0}, {"process": "upstream", "name": "connect", "at_ms": 21.0, "took_ms": 12.0, "attempt": 1}]
        each = (total - 34.0) / many
        hops += [{"process": "provider", "name": "stream", "at_ms": 33.0 + i * each, "took_ms": each, "attempt": i + 1} for i in range(many)]
        hops += [{"process": "frontend", "name": "write", "at_ms": total - 1, "took_ms": 1.0}]
        return {"id": f"{n:016x}", "at": self.began - (100000 - n) * 1100, "route": "/v1/chat/completions", "model": self.models[n % len(self.models)], "client": self.clients[n % len(self.clients)], "stream": n % 2 == 0, "status": 429 if lost else 200,
                "fault": "quota_minute" if lost else None, "attempts": attempts, "first_ms": 430.0, "total_ms": total, "tokens_in": 1200 + r.randrange(900), "tokens_cached": 300, "tokens_out": 340, "tokens_thoughts": 80, "cost_usd": "0.00123",
                "hops": hops, "decision": {"keys": 438, "cooling": 24, "spent": 27, "dead": 11, "off": 4, "no_room": 2, "chosen_by": "most_left", "cached_tokens": 300}, "unexplained_ms": 0.0, "agent": self.words("openai-python/3.57")}

    def list_calls(self, q):
        if self.name in ("quiet", "fresh"):
            return {"rows": [], "next": None, "sums": None}
        before = int(q.get("before") or 100000)
        rows = [self.call(n) for n in range(before - 1, before - 1 - int(q.get("limit", 100)), -1)]
        if q.get("result") == "lost":
            rows = [one for one in rows if one["fault"]]
        return {"rows": rows, "next": str(before - int(q.get("limit", 100))), "sums": {"calls": 129600, "tokens_in": 5 * 10 ** 8, "tokens_out": 10 ** 8, "cost_usd": "293.4"}}

    def errors(self, _):
        if self.name in ("quiet", "fresh"):
            return {"unseen": 0, "reached": 0, "groups": []}
        groups = [("quota_minute", "key"), ("overloaded", "provider"), ("reset", "network"), ("bad_request", "client")]
        return {"unseen": 8435, "reached": 9, "groups": [{"fault": fault, "side": side, "attempts": 900 // (i + 1), "unseen": 800 // (i + 1), "reached": 3 * i, "keys": 12, "first_at": self.began - 9 * 10 ** 7, "last_at": self.began - 60000 * i,
                 "line": [self.random.randrange(9) for _ in range(32)], "top_models": [{"name": one, "attempts": 12} for one in self.models[:2]], "top_clients": [{"name": one["name"], "attempts": 9} for one in self.clients[:2]], "says": self.words(SAYS)} for i, (fault, side) in enumerate(groups)]}

    def list_clients(self, _):
        if self.name in ("quiet", "fresh"):
            return {"rows": []}
        return {"rows": [{**one, "calls": 9000 // (i + 1), "lost": 3, "success": 0.9966, "first_ms": 480, "tokens": 10 ** 7, "cost_usd": "12.5", "line": [i + 1] * 24, "last_used_at": self.began, "name": one["id"]} for i, one in enumerate(self.clients)]}

    def client_terms(self, _):
        terms = {"tail": "9f0a", "models": [], "rpm": 60, "tokens_per_day": 0, "cost_per_day_usd": "0", "expires_at": 0, "created_at": self.began, "old_until": 0}
        if self.name in ("quiet", "fresh"):
            return {"rows": []}
        return {"rows": [{**terms, **one, "revoked_at": self.began if one["id"] in self.revoked else 0} for one in self.clients + self.made]}

    def change_client(self, method, parts, body):
        self.said.append((method, "/".join(parts), body))
        if parts[-1] in ("revoke", "restore"):
            (self.revoked.add if parts[-1] == "revoke" else self.revoked.discard)(parts[1])
            return {"id": parts[1]}
        if method == "PATCH":
            next(one for one in self.clients + self.made if one["id"] == parts[1]).update({name: value if value is not None else 0 for name, value in body.items()})
            return {"id": parts[1]}
        if len(parts) == 1:
            self.made.append({"id": f"m{len(self.made)}"} | {name: value if value is not None else 0 for name, value in body.items()})
        return {"id": parts[1] if len(parts) > 1 else self.made[-1]["id"], "token": "sk-gw-made-up"}

    def put_settings(self, body, match):
        if match.strip('"') != str(self.etag):
            return 412, {"error": {"code": "changed"}, "changes": {"TIME_OUT": 7}}
        rows = {row["name"]: row for row in self.settings}
        wrong = {name: "too_large" for name, value in body["changes"].items() if "max" in rows[name] and value > rows[name]["max"]}
        if wrong:
            return 422, {"error": {"code": "invalid", "message": ""}, "errors": wrong}
        for name, value in body["changes"].items():
            rows[name] |= {"value": value, "source": "dashboard", "changed_at": now_ms(), "changed_by": "admin"}
        self.etag += 1
        return 200, {"etag": str(self.etag), "applied_by": {"frontend": 41, "balancer": 12}}

    def audit(self, _):
        rows = [{"id": i, "at": self.began - i * 600000, "who": self.words("admin"), "from": "127.0.0.1", "what": "setting", "on": "TIME_OUT", "before": "300", "after": self.words("60")} for i in range(30)]
        return {"rows": [] if self.name in ("quiet", "fresh") else rows}

    def logs(self, _):
        return {"rows": [{"at": self.began + i, "process": "frontend", "level": "info" if i % 9 else "warn", "text": self.words(f"event=call.done call={i:08x} status=200 total_ms=812")} for i in range(200, 0, -1)]}

    def tell(self, topic, value):
        for wake in list(self.listeners):
            wake.append((topic, value))


def make_settings():
    row = lambda name, group, type, value, **more: {"name": name, "group": group, "type": type, "value": value, "default": value, "source": "default", "live": True, "text": {"en": f"What {name} is for.", "zh": f"{name} 的用途。"}, **more}
    return [row("TIME_OUT", "times", "seconds", 300, min=1, max=3600), row("MAX_RETRIES", "answers", "number", 3, min=0, max=20), row("LOG_LEVEL", "records", "choice", "info", choices=["debug", "info", "warn", "error"]),
            row("FAKE_STREAM_ENABLED", "answers", "switch", False), row("ALLOWED_MODELS", "answers", "list", ["gemini-2.5-flash"], source="environment", shadowed_by="environment"), row("BASE_URL", "provider", "text", "https://generativelanguage.googleapis.com"),
            {"name": "AUTH_TOKEN", "group": "provider", "type": "secret", "is_set": True, "default": None, "source": "file", "live": False, "text": {"en": "The administrator's token."}}]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    scene = None

    def log_message(self, *_):
        pass

    def answer(self, status, body, type="application/json", headers=()):
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        self.send_response(status)
        for name, value in (("Content-Type", type), ("Content-Length", str(len(data))), ("Content-Security-Policy", POLICY), ("Cache-Control", "no-store"), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def file(self, path):
        name = "index.html" if path == "/" else path.lstrip("/")
        at = VENDOR / name.removeprefix("vendor/") if name.startswith("vendor/") else PAGES / name
        if ".." in name or not at.is_file():
            if name.startswith("vendor/"):
                return self.answer(200, b"", "text/css" if name.endswith("css") else "text/javascript")
            return self.answer(404, {"error": {"code": "http_404"}})
        return self.answer(200, at.read_bytes(), {".js": "text/javascript"}.get(at.suffix) or mimetypes.guess_type(at.name)[0])

    def is_in(self):
        return "session=yes" in self.headers.get("Cookie", "")

    def fail(self, status, code, **more):
        self.answer(status, {"error": {"code": code, "message": "", **more}})

    def session(self):
        routes = [(lambda method, path: f"{method} /api/admin/{path}")(*one.split()) for one in ROUTES.replace("\n", " ").split(";")]
        return {"until": now_ms() + 3600000, "csrf": "c1", "version": self.scene.version, "routes": routes}

    def events(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        queue = [("hello", {"version": self.scene.version}), ("tick", {"calls_per_s": 3.7, "open": 123, "waiting": 0})]
        self.scene.listeners.append(queue)
        number = 0
        try:
            for _ in range(3000):
                while queue:
                    topic, value = queue.pop(0)
                    number += 1
                    self.wfile.write(f"id: {number}\nevent: {topic}\ndata: {json.dumps(value)}\n\n".encode())
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:
            pass
        self.scene.listeners.remove(queue)
        self.close_connection = True

    def handle_any(self):
        url = urlsplit(self.path)
        if not url.path.startswith("/api/admin/"):
            return self.file(url.path)
        path, q = url.path.removeprefix("/api/admin/"), {name: values[-1] for name, values in parse_qs(url.query).items()}
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body, scene = json.loads(raw) if raw else {}, self.scene
        if path == "session" and self.command == "POST":
            if body.get("token") != TOKEN:
                return self.fail(401, "wrong_token") if body.get("token") != "lock" else self.fail(429, "too_many_tries", retry_ms=3000)
            return self.answer(200, self.session(), headers=[("Set-Cookie", "session=yes; Path=/; HttpOnly; SameSite=Strict")])
        if not self.is_in():
            return self.fail(401, "no_session")
        if self.command != "GET" and self.headers.get("X-CSRF") != "c1":
            return self.fail(403, "csrf")
        if path == "session":
            return self.answer(200, self.session()) if self.command == "GET" else self.answer(204, None, headers=[("Set-Cookie", "session=; Path=/; Max-Age=0")])
        if path == "events":
            return self.events()
        if scene.name == "error" and path != "processes":
            return self.fail(500, "http_500")
        return self.route(path, q, body)

    def route(self, path, q, body):
        scene = self.scene
        lists = {"overview": scene.overview, "processes": scene.processes, "keys": scene.list_keys, "models": scene.row_models, "calls": scene.list_calls, "errors": scene.errors, "clients": scene.list_clients, "client-terms": scene.client_terms, "audit": scene.audit, "logs": scene.logs,
                 "settings": lambda _: {"etag": str(scene.etag), "rows": scene.settings}}
        if self.command == "GET" and path in lists:
            return self.answer(200, lists[path](q))
        if self.command == "PUT" and path == "settings":
            return self.answer(*scene.put_settings(body, self.headers.get("If-Match", "")))
        if path == "keys/actions":
            return self.answer(200, scene.act(body))
        if path == "keys":
            found = re.findall(r"AIza[\w-]{35}", body["text"])
            return self.answer(200, {"added": len(set(found)), "known": 0, "twice": len(found) - len(set(found)), "not_keys": [], "job": "1"})
        if path.startswith("jobs/"):
            return self.answer(200, {"id": path[5:], "done": 3, "total": 3, "groups": {"answers": 2, "key_invalid": 1}, "state": "done"})
        if match := re.fullmatch(r"keys/(\w+)(/reveal)?", path):
            return self.answer(200, {"secret": "AIzaSyMadeUpForTheTest"} if match[2] else scene.key(match[1])) if match[1] in scene.by_id else self.fail(404, "unknown_key")
        if path.startswith("calls/"):
            return self.answer(200, scene.call(int(path[6:], 16)))
        if path.startswith("errors/"):
            return self.answer(200, {"rows": [{"at": scene.began, "model": scene.models[0], "tail": "ab3Q", "call": f"{9:016x}"}]})
        if path.startswith("clients") and self.command != "GET":
            return self.answer(200, scene.change_client(self.command, path.split("/"), body))
        return self.fail(404, "http_404")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any


class StandIn:
    def __init__(self, scene="normal", port=0):
        handler = type("Scened", (Handler,), {"scene": Scene(scene)})
        self.scene, self.server = handler.scene, ThreadingHTTPServer(("127.0.0.1", port), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


if __name__ == "__main__":
    stand_in = StandIn(*(sys.argv[2:] or ["normal"]), port=int(sys.argv[1]))
    print(stand_in.url, flush=True)
    threading.Event().wait()
