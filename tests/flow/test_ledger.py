# SPDX-License-Identifier: Apache-2.0
"""The questions that pages ask, answered from the real tables: each figure is that of the rows."""
import json
import time

import pytest

import database as databases
from letters import Peer, incarnation
from test_recorder import Process, Stage, Upstream, wait_for

HOUR = 3_600_000
NOW = int(time.time() * 1000)
CLIENT, OTHER = f"{8:016x}", f"{9:016x}"
KEY = f"{2**64 - 1:016x}"
PRO, FLASH = "gemini-2.5-pro", "gemini-2.5-flash"


class Asker:
    """Asks the process for questions, in whose place admin otherwise is."""

    def __init__(self, state):
        own = incarnation()
        self.peer, self.number = Peer(state / "run/recorder.query", own), 0
        self.peer.send("HELLO", role="admin", incarnation=own, version=1)
        wait_for(lambda: any(kind == "WELCOME" for kind, _ in self.peer.receive(0.1)), "a WELCOME")

    def ask(self, question, **parameters):
        self.number += 1
        self.peer.send("ASK", number=self.number, name=question, data=json.dumps(parameters).encode())
        found = []
        wait_for(lambda: found.extend(fields for kind, fields in self.peer.receive(0.1) if kind == "ANSWER" and fields["number"] == self.number) or found, question)
        return json.loads(found[0]["data"])


@pytest.fixture(scope="module")
def ledger():
    """Four calls of the last hour, one of yesterday: answered; answered behind two faults; refused; lost."""
    stage = Stage(databases.shared())
    try:
        stage.recorder()
        stage.store()
        upstream = Upstream(stage)
        base = {"last": True, "client": 8, "route": "/v1/chat/completions", "tokens_cached": 0}
        at = NOW - 600_000
        upstream.make(1, **base | {"time_ms": at, "asked_ms": at - 30, "call": 0xa1, "model": FLASH, "first_ms": 100, "total_ms": 1000, "read_us": 1000,
                                   "translate_us": 2000, "wait_us": 20_000, "pick_us": 10, "connect_us": 40_000, "reply_us": 1_100_000, "keys": 5,
                                   "cooling": 2, "dead": 1, "chosen_by": "only"})
        for attempt, fault, words in (1, "overloaded", "The model is overloaded."), (2, "quota_day", "You exceeded your quota."):
            upstream.make(1, **base | {"time_ms": at + attempt * 1000, "asked_ms": at, "call": 0xa2, "attempt": attempt, "fault": fault, "model": PRO,
                                       "status": 503 if attempt == 1 else 429, "words": words, "last": False, "first_ms": 0, "total_ms": 500,
                                       "tokens_in": 0, "tokens_out": 0, "tokens_thoughts": 0, "key_id": 70 + attempt,
                                       "body": b'{"contents":[]}' * (attempt - 1)})
        upstream.make(1, **base | {"time_ms": at + 3000, "asked_ms": at, "call": 0xa2, "attempt": 3, "model": PRO, "before": "overloaded quota_day",
                                   "client": 9})
        upstream.make(1, **base | {"time_ms": at + 4000, "call": 0xa3, "fault": "bad_request", "status": 400, "model": PRO, "tokens_in": 0, "tokens_out": 0,
                                   "tokens_thoughts": 0, "first_ms": 0})
        upstream.make(1, **base | {"time_ms": at + 5000, "call": 0xa4, "fault": "cut", "model": "nobody-knows", "words": "=cmd()"})
        upstream.make(1, **base | {"time_ms": NOW - 30 * HOUR, "call": 0xa5, "model": FLASH})
        upstream.settle()
        wait_for(lambda: stage.count() == 7, "seven rows")
        Process(stage, "query").wait_event("query.ready")
        yield Asker(stage.folder / "s")
    finally:
        stage.close()


def test_the_overview_has_totals_the_time_before_and_a_series(ledger):
    told = ledger.ask("overview")
    totals, series = told["totals"], told["series"]
    assert (totals["calls"], totals["answered"], totals["client_fault"], totals["lost"]) == (4, 2, 1, 1)
    assert (totals["attempts"], totals["unseen"], totals["rescued"], totals["success"]) == (6, 2, 1, 0.666667)
    assert (totals["tokens_in"], totals["tokens_out"], totals["tokens_thoughts"], totals["unpriced"]) == (33, 36, 39, 1)
    # 11 in, 12 out, 13 thoughts at 0.30 and 2.50 dollars a million, and at 1.25 and 10
    assert totals["cost_usd"] == "0.00032955" and totals["total_ms"]["p50"] > 0
    assert told["before"]["calls"] == 1
    assert told["step_ms"] == 600_000 and series["t0"] == told["from"] and len(series["answered"]) == (told["to"] - told["from"]) // told["step_ms"]
    for name in "answered", "client_fault", "lost", "unseen", "tokens_in":
        assert sum(series[name]) == totals[name], name
    assert [p for p in series["first_p50"] if p is not None]
    assert {row["id"]: row["calls"] for row in told["models"]} == {FLASH: 1, PRO: 2, "nobody-knows": 1}
    assert {row["id"]: row["calls"] for row in told["clients"]} == {CLIENT: 3, OTHER: 1}
    assert all(sum(row["line"]) == row["calls"] for row in told["models"])
    assert told["complete_to"] >= NOW and told["newest_at"] == NOW - 600_000 + 5000


@pytest.mark.parametrize("hours,step", [(1, 60_000), (24, 600_000), (24 * 7, HOUR), (24 * 30, 6 * HOUR), (24 * 400, 24 * HOUR * 3)])
def test_times_are_read_by_the_steps_that_fit(ledger, hours, step):
    told = ledger.ask("overview", from_ms=NOW - hours * HOUR, to_ms=NOW)
    assert told["step_ms"] == step and told["totals"]["calls"] == (5 if hours > 30 else 4)
    assert sum(told["series"]["answered"]) == told["totals"]["answered"]
    assert ledger.ask("models", from_ms=NOW - hours * HOUR, to_ms=NOW)["from"] == told["from"]


def test_pages_agree(ledger):
    span = {"from_ms": NOW - 40 * HOUR, "to_ms": NOW}
    totals = ledger.ask("overview", **span)["totals"]
    names = "attempts", "calls", "answered", "lost", "unseen", "tokens", "tokens_in", "unpriced"
    for question in "models", "clients":
        rows = ledger.ask(question, **span)["rows"]
        assert {name: sum(row[name] for row in rows) for name in names} == {name: totals[name] for name in names}, question
    assert {name: ledger.ask("calls", **span)["sums"][name] for name in names} == {name: totals[name] for name in names}
    assert {name: ledger.ask("series", **span)["totals"][name] for name in names} == {name: totals[name] for name in names}


def test_models_have_prices_strips_and_times(ledger):
    rows = {row["id"]: row for row in ledger.ask("models")["rows"]}
    assert rows[FLASH]["price"] == {"in": "0.3", "out": "2.5", "cached": "0.03", "thoughts": "2.5"} and rows["nobody-knows"]["price"] is None
    assert rows["nobody-knows"]["cost_usd"] is None and rows[PRO]["unseen"] == 2
    assert [level for level in rows[PRO]["strip"] if level] == [3] and [level for level in rows["nobody-knows"]["strip"] if level] == [1]
    assert len(rows[PRO]["strip"]) == 48 and 105 < rows[FLASH]["first_ms"]["p50"] < 160  # 130 ms since the client asked
    told = ledger.ask("series", model=PRO)
    assert {row["fault"]: (row["attempts"], row["unseen"]) for row in told["faults"]} == {"overloaded": (1, 1), "quota_day": (1, 1), "bad_request": (1, 0)}


def test_keys_have_their_last_day(ledger):
    rows = {row["id"]: row for row in ledger.ask("keys")["rows"]}
    assert rows[KEY]["calls_24h"] == 4 and rows[KEY]["failed_24h"] == 1 and sum(rows[KEY]["line"]) == 4 and len(rows[KEY]["line"]) == 24
    assert rows[KEY]["last_used_at"] == NOW - 600_000 + 5000
    [one] = ledger.ask("keys", ids=f"{71:016x},{99:016x}")["rows"]
    assert (one["id"], one["failed_24h"]) == (f"{71:016x}", 1)
    told = ledger.ask("key_series", key=f"{72:016x}")
    assert sum(told["series"]["failed"]) == 1 and told["faults"] == [{"fault": "quota_day", "attempts": 1, "unseen": 0}]


def test_errors_are_grouped_and_say_who_saw_them(ledger):
    told = ledger.ask("errors")
    rows = {row["fault"]: row for row in told["rows"]}
    assert (told["unseen"], told["reached"]) == (2, 1) and set(rows) == {"overloaded", "quota_day", "bad_request", "cut"}
    assert {fault: row["side"] for fault, row in rows.items()} == {"overloaded": "provider", "quota_day": "key", "bad_request": "client", "cut": "provider"}
    quota = rows["quota_day"]
    assert (quota["attempts"], quota["unseen"], quota["reached"], quota["keys"]) == (1, 1, 0, 1) and quota["says"] == "You exceeded your quota."
    assert quota["first_at"] == quota["last_at"] == NOW - 598_000 and sum(quota["line"]) == 1 and len(quota["line"]) == 32
    assert quota["top_models"] == [{"id": PRO, "attempts": 1}] and quota["top_clients"] == [{"id": CLIENT, "attempts": 1}]
    [example] = ledger.ask("error_examples", fault="quota_day")["rows"]
    assert (example["id"], example["status"], example["says"], example["is_last"]) == (f"{0xa2:016x}", 429, "You exceeded your quota.", 0)
    assert example["body"] == '{"contents":[]}' and ledger.ask("error_examples", fault="overloaded")["rows"][0]["body"] is None


FILTERS = [({}, [4, 3, 2, 1]), ({"result": "ok"}, [1]), ({"result": "unseen"}, [2]), ({"result": "client"}, [3]), ({"result": "lost"}, [4]),
           ({"model": PRO}, [3, 2]), ({"client": OTHER}, [2]), ({"key": KEY}, [4, 3, 2, 1]), ({"fault": "cut"}, [4]), ({"model": PRO, "client": OTHER}, [2]),
           ({"slower_than_ms": 1050}, [2, 1]), ({"q": "nobody"}, [4]), ({"q": "%"}, []), ({"q": f"{0xa3:016x}"}, [3]), ({"q": "=cmd"}, [4]),
           ({"result": "lost", "model": FLASH}, []), ({"before": "nonsense"}, [])]


@pytest.mark.parametrize("filters,calls", FILTERS)
def test_calls_are_filtered_and_the_newest_stands_first(ledger, filters, calls):
    told = ledger.ask("calls", **filters)
    assert [row["id"] for row in told["rows"]] == [f"{0xa0 + call:016x}" for call in calls] and told["next"] is None


def test_calls_come_in_pages(ledger):
    seen, before = [], ""
    while before is not None:
        told = ledger.ask("calls", limit=1, before=before, from_ms=NOW - 48 * HOUR, to_ms=NOW)
        seen, before = seen + told["rows"], told["next"]
    assert [row["id"][-1] for row in seen] == ["4", "3", "2", "1", "5"]
    assert [(one["fault"]) for one in seen[2]["attempts"]] == ["overloaded", "quota_day", "none"]
    assert seen[2]["result"] == "unseen" and seen[2]["total_ms"] == 3030 and seen[0]["cost_usd"] is None


def test_one_call_tells_where_its_time_went(ledger):
    told = ledger.ask("call", id=f"{0xa1:016x}")
    hops = [(hop["process"], hop["name"], hop["took_ms"]) for hop in told["hops"]]
    assert hops == [("frontend", "read", 1), ("frontend", "translate", 2), ("balancer", "wait", 20), ("balancer", "pick", 0.01), ("upstream", "connect", 40),
                    ("provider", "first", 60), ("provider", "rest", 900), ("frontend", "reply", 70)]
    assert told["total_ms"] == 1100 and abs(told["unexplained_ms"] - 6.99) < 0.01 and told["row"]["result"] == "ok"
    assert told["decision"] == {"keys": 5, "cooling": 2, "spent": 0, "dead": 1, "off": 0, "no_room": 0, "chosen_by": "only", "cached_tokens": 0}
    [attempt] = told["attempts"]
    assert (attempt["connect_ms"], attempt["first_ms"], attempt["took_ms"], attempt["key"]) == (40, 100, 1000, KEY)
    told = ledger.ask("call", id=f"{0xa2:016x}")
    assert [(one["n"], one["fault"], one["says"]) for one in told["attempts"]][1] == (2, "quota_day", "You exceeded your quota.")
    assert [hop["name"] for hop in told["hops"] if hop.get("attempt") == 1] == ["failed"]
    assert ledger.ask("call", id="0" * 16) == {"row": None}
