#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what there is to know of the dashboard's API, out of admin/api/api.def.

    docs/admin_api.py page >docs/ADMIN_API.md
    docs/admin_api.py openapi >docs/admin-openapi.json

What must stay true: every route of the table is in both, and none that is not.
"""
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROUTE = re.compile(r'^API\((\w+), "([^"]+)", (\w+), (\w+), "((?:[^"\\]|\\.)*)"\)$', re.M)
WHO = {"NOTHING": "everybody", "SESSION": "a session, or `AUTH_TOKEN`", "HOST": "the same, or the socket in `STATE_DIR`"}
INTRO = """# The dashboard's API

JSON behind the dashboard's pages, for scripts as well; gemini-balance's routes for scripts, in its shapes; and what Prometheus reads.
[admin-openapi.json](admin-openapi.json) says the same for programs. The frontends pass all of it on to the admin process.

**Who may.** A script sends `Authorization: Bearer <AUTH_TOKEN>`, and needs nothing else. A browser logs in: `POST /api/admin/session` with
`{"token": "…"}` gives a cookie; whatever is not a `GET` then needs `X-CSRF` with the value of `csrf` that `GET /api/admin/session` tells, and
a browser that says by `Sec-Fetch-Site` or `Origin` that our own page asks. A session that nobody uses ends after `ADMIN_SESSION_EXPIRE`; it
ends with a logout, with another `AUTH_TOKEN`, and when the admin process starts anew. Five wrong tokens and an address waits half a minute,
then twice as long each time, up to a quarter of an hour: 429 with `retry-after` and `retry_ms`. A token that stands in guides is good on this
host only (`sample_token`). With no `AUTH_TOKEN` nobody may (`no_administrator`).

**Shapes.** Times (`…_at`, `t0`, `since`, `until`, `from`, `to`) are milliseconds since 1970 in UTC, durations `…_ms`, money `…_usd` text with a point,
ids text. What is not known is `null`, never 0. Lists are objects with `rows`; series are columns beside `t0` and `step_ms`. An error is
`{"error": {"code", "message", "field"?}}`: the code is for programs and stays, the text is for people, `field` names what of the request is
meant. Of a key there is no more than its last four characters (`tail`) and its id, a hash.

**Times of the ledger.** `range` is `1h`, `24h` (if absent), `7d` or `30d`; or `from` and `to`, at most 366 days. The ledger moves them to whole
steps, which the answer names. An answer is up to five seconds old.

**Lists of keys.** `GET /api/admin/keys` filters and orders in the process; `view` of its answer, given back, keeps that order for the
next window, while rows show what the keys are now. `states` counts all keys: `ready`; `partial` (rests for some models that were asked
for in the last ten minutes), `cooling` and `spent` (for all of them; the day's quota), `new` (never tried), `off` (by order), `dead` (the
provider refuses it). `code`, `says`, `since` and `until` say why, in the provider's own words, and until when; `rests` the same by model.

**Orders.** `verify` tries keys by a request that costs no quota, about twenty a second, as a job that goes on by itself; `end_rest`
ends cool-downs, so that the next call tries the key; `disable` takes keys out of use, over restarts too, and `enable` back.

**Events.** `GET /api/admin/events` is a stream of server-sent events: `tick` each second (`calls_per_s`, `open`, `waiting`), `pool` (states), `keys` (rows
that have changed, 200 at most, `more` counts those left out), `processes`, `job`, `session` (first of all: the `version` of the pages; `ended`
when the session is over), `settings`. A comment comes each 15 s. `Last-Event-ID` goes on where a reader was, or brings `reset`: then
everything is to be asked anew; so it does for one that is 256 KiB behind. A stream ends after 512 KiB, and browsers come again by themselves.
"""


def routes():
    """(method, path, needs, name, text) of each line of the table."""
    source = (ROOT / "admin/api/api.def").read_text()
    found = [(method, path, needs, name, re.sub(r"\\(.)", r"\1", text)) for method, path, needs, name, text in ROUTE.findall(source)]
    if len(found) != len(re.findall(r"^API\(", source, re.M)):
        sys.exit("admin/api/api.def has lines that docs/admin_api.py cannot read")
    return found


def page():
    print(INTRO)
    print("| route | who may | what it says |")
    print("|---|---|---|")
    for method, path, needs, _, text in routes():
        print(f"| `{method} {path}` | {WHO[needs]} | {text[:1].upper() + text[1:]} |")
    print("\nThis page is written by `make docs` from `admin/api/api.def` and `docs/admin_api.py`; edit those.")


def parameters(path, text):
    """{id} of the path, and what a text names as ?name= or &name=."""
    found = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in re.findall(r"\{(\w+)\}", path)]
    names = dict.fromkeys(re.findall(r"[?&](\w+)=", text))
    return found + [{"name": name, "in": "query", "schema": {"type": "string"}} for name in names]


def answers(method, path, needs):
    plain = {"/metrics": "text/plain", "/api/admin/events": "text/event-stream", "/api/admin/calls.csv": "text/csv"}.get(path, "application/json")
    good = {"200": {"description": "the answer", "content": {plain: {"schema": {"type": "string"} if plain != "application/json" else {}}}}}
    if (method, path) == ("DELETE", "/api/admin/session"):
        good = {"204": {"description": "logged out"}}
    wrong = {"description": "an error", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    return good | {code: wrong for code in ("400", "429")} | ({code: wrong for code in ("401", "403")} if needs != "NOTHING" or "session" in path else {})


def operation(method, path, needs, name, text):
    told = {"operationId": name, "summary": text, "responses": answers(method, path, needs)}
    if found := parameters(path, text):
        told["parameters"] = found
    if method in ("POST", "PUT", "PATCH"):
        told["requestBody"] = {"content": {"application/json": {"schema": {"type": "object"}}}}
    if needs != "NOTHING":
        told["security"] = [{"token": []}, {"session": [], "csrf": []} if method != "GET" else {"session": []}]
    return told


def openapi():
    paths = {}
    for method, path, needs, name, text in routes():
        paths.setdefault(path, {})[method.lower()] = operation(method, path, needs, name, text)
    error = {"type": "object", "required": ["error"], "properties": {"error": {
        "type": "object", "required": ["code", "message"],
        "properties": {"code": {"type": "string"}, "message": {"type": "string"}, "field": {"type": "string"}, "retry_ms": {"type": "integer"}}}}}
    schemes = {"token": {"type": "http", "scheme": "bearer", "description": "AUTH_TOKEN"},
               "session": {"type": "apiKey", "in": "cookie", "name": "gateway_session", "description": "under TLS __Host-gateway_session"},
               "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF"}}
    print(json.dumps({"openapi": "3.1.0", "info": {"title": "The dashboard's API", "version": "1", "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
                      "paths": paths, "components": {"schemas": {"Error": error}, "securitySchemes": schemes}}, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    {"page": page, "openapi": openapi}[sys.argv[1] if len(sys.argv) > 1 else "page"]()
