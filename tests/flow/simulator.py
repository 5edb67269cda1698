# SPDX-License-Identifier: Apache-2.0
"""The handle on the running Gemini simulator: what it has seen, and how it is to behave (simulator/README.md)."""
import json

from client import http

SECONDS = 10
DIRECT_KEY = "key-direct"


def scripted(text="", /, **script):
    """A prompt that tells the simulator how to answer: scripted("hello", chunks=50, pace_ms=10, numbered=True)."""
    return f"{text}\n#sim {json.dumps(script)}" if text else f"#sim {json.dumps(script)}"


class Simulator:
    def __init__(self, url, tls=None):
        self.url = url  # scheme, host and port
        self.port = int(url.rsplit(":", 1)[1])
        self.host = url.split("//")[1].rsplit(":", 1)[0].strip("[]")
        self.tls = tls  # an ssl.SSLContext, if it speaks TLS

    def _ask(self, method, path, body=None):
        body = json.dumps(body) if body is not None else None
        answer = http(self.port, method, path, body, seconds=SECONDS, tls=self.tls, host=self.host)
        assert answer.status == 200, f"simulator: {method} {path} {body}: {answer.status} {answer.text}"
        return answer.json

    def counts(self):
        """{"total", "open", "cancelled", "by_operation": {…}, "by_key": {key: {"requests", "ok", "refused"}}}"""
        return self._ask("GET", "/admin/counts")

    def total(self):
        """How many requests came through the gateway."""
        return sum(self.by_key().values())

    def by_key(self):
        """How many of them came with each key."""
        return {key: count["requests"] for key, count in self.counts()["by_key"].items() if key != DIRECT_KEY}

    def direct(self, method, path, body=None):
        """Asks past the gateway, to compare; total() and by_key() leave it out."""
        return http(self.port, method, path, body, {"x-goog-api-key": DIRECT_KEY}, SECONDS, self.tls, self.host)

    def requests(self, last=1000):
        """The last requests as they came, oldest first: method, path, query, key, headers, body (or body_hex)."""
        return self._ask("GET", f"/admin/requests?last={last}")["requests"]

    def last(self):
        return self.requests(1)[0]

    def script(self, model=None, key=None, times=None, **script):
        """How the next `times` calls (all, if None) for this model and key are answered."""
        chosen = {"model": model, "key": key, "times": times}
        self._ask("POST", "/admin/script", script | {name: value for name, value in chosen.items() if value is not None})

    def key(self, key, mode, times=None):
        """How this key behaves for its next `times` requests (from now on, if None): ok, invalid, minute7, day, …"""
        self._ask("POST", "/admin/keys", {"key": key, "mode": mode} | ({"times": times} if times is not None else {}))

    def quota(self, **rule):
        """What projects may ask: project, model, rpm, tpm, rpd, minute_ms, tier."""
        self._ask("POST", "/admin/quota", rule)

    def refused(self):
        """How many requests it has refused, whichever key they came with."""
        return sum(count["refused"] for count in self.counts()["by_key"].values())

    def file(self, key, name):
        """The key's project has this file, as after an upload."""
        self._ask("POST", "/admin/files", {"key": key, "name": name})

    def reset(self):
        """Forgets counts, scripts, modes and requests."""
        self._ask("POST", "/admin/reset", {})
