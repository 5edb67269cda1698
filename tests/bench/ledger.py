# SPDX-License-Identifier: Apache-2.0
"""How long the questions of the pages take with many attempts in the ledger. Rows and their sums are written by the database server
itself, a month of them; the store's own schema and the process `recorder query` are real.

    /usr/bin/python3 tests/bench/ledger.py 10000000     one run by itself: prints a line a question
"""
import json
import statistics
import sys
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "flow"))

import database as databases
from letters import Peer, incarnation
from test_recorder import Process, Stage, Upstream, wait_for

DAYS = 30
CHUNK = 200_000
KEYS, MODELS, CLIENTS = 400, 12, 40
ASKED = 15  # times each
POOL, POOL_FILLING = "64M", "2G"  # of the database server: as launch/run.sh starts it; while rows are written
SECONDS = 3600  # for one statement of the filling

# One in eight attempts fails, and is followed by another of its call.
ROW = """insert into attempts (day, sender, seq, time, frontend, call_id, attempt, client, key_id, model, operation, stream, status, fault,
    first_ms, total_ms, tokens_in, tokens_out, tokens_thoughts, tokens_cached, bytes_in, bytes_out, route, request, asked, read_us,
    translate_us, wait_us, pick_us, keys_seen, keys_cooling, chosen_by, words, earlier, reply_us, is_last, cost)
  select date(t), 1, n, t, 7, n div 8 * 8 + n % 8 - (n % 8 = 1), 1 + (n % 8 = 1), n * 7 % {clients}, n * 13 % {keys}, concat('gemini-', n * 11 % {models}),
    'generateContent', n % 2, if(n % 8 = 0, 429, 200), if(n % 8 = 0, elt(1 + n div 8 % 5, 'quota_minute', 'quota_day', 'overloaded', 'server', 'cut'), 'none'),
    if(n % 8 = 0, 0, 200 + n % 900), 900 + n % 9000, n % 4000, n % 900, n % 500, n % 100, n % 9000, n % 5000, '/v1/chat/completions', n,
    t - interval 30000 microsecond, 200, 300, 400, 5, {keys}, 3, '', if(n % 8 = 0, 'You exceeded your current quota.', ''),
    if(n % 8 = 1, 'quota_minute', ''), 9000000, n % 8 <> 0, n % 4000 / 1000000
  from (select seq as n, {begin} + interval (seq * {gap_us}) microsecond as t from seq_{first}_to_{last}) as numbers"""

NAMES = {0: "''", 1: "model", 2: "lpad(lower(hex(client)), 16, '0')", 3: "lpad(lower(hex(key_id)), 16, '0')"}
# of each step: how a time becomes its beginning, and how far back it goes
STEPS = {1: ("time - interval second(time) second - interval microsecond(time) microsecond", "48 hour"),
         4: ("time - interval minute(time) % 10 minute - interval second(time) second - interval microsecond(time) microsecond", "8 day"),
         2: ("time - interval minute(time) minute - interval second(time) second - interval microsecond(time) microsecond", "100 day"),
         }
DAYS_OF_SUMS = """insert into sums select part, 3, date(time), name, fault, sum(attempts), sum(calls), sum(rescued), sum(unseen), sum(tokens_in),
    sum(tokens_out), sum(tokens_thoughts), sum(tokens_cached), sum(cost), sum(unpriced), min(first), max(last) from sums where part = {part} and step = 2
    group by 3, 4, 5"""
DAYS_OF_TIMES = """insert into sum_times select part, 3, date(time), name, kind, bucket, sum(attempts) from sum_times where part = {part} and step = 2
    group by 3, 4, 5, 6"""
SUM = """insert into sums select {part}, {step}, {begin}, {name}, fault, count(*), sum(is_last), sum(attempt > 1), 0, sum(tokens_in), sum(tokens_out),
    sum(tokens_thoughts), sum(tokens_cached), sum(cost), 0, min(time), max(time) from attempts where time >= utc_timestamp() - interval {kept}
    group by 3, 4, 5"""
TIMES = """insert into sum_times select {part}, {step}, {begin}, {name}, {kind}, least(71, floor(4 * log2({column}))), count(*) from attempts
    where fault = 'none' and time >= utc_timestamp() - interval {kept} group by 3, 4, 6"""


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def fill(stage, rows):
    """A month of attempts up to now, and their sums."""
    begin = f"(utc_timestamp(3) - interval {DAYS} day)"
    [told] = stage.query(f"select cast({begin} as char) as t")
    # Keys of a table that is there already are made by sorting: that is several times as quick.
    keys = [row["name"] for row in stage.query("select distinct index_name as name from information_schema.statistics where table_schema = database() "
                                               "and table_name = 'attempts' and index_name <> 'PRIMARY'")]
    made = stage.query("show create table attempts")[0]["Create Table"].replace("\\n", "\n")
    lines = [line.strip().rstrip(",") for line in made.splitlines() if line.strip().startswith("KEY ")]
    assert len(lines) == len(keys), made
    stage.query("alter table attempts " + ", ".join(f"drop key {key}" for key in keys))
    gap_us = DAYS * 86_400_000_000 // rows
    for first in range(1, rows + 1, CHUNK):
        stage.query(ROW.format(first=first, last=min(rows, first + CHUNK - 1), begin=f"cast('{told['t']}' as datetime(6))", gap_us=gap_us, keys=KEYS,
                               models=MODELS, clients=CLIENTS))
        if first // CHUNK % 10 == 0:
            say(f"{first - 1:,} of {rows:,} attempts")
    stage.query("alter table attempts " + ", ".join(f"add {line}" for line in lines))
    say("keys")
    for part, name in NAMES.items():
        for step, (beginning, kept) in STEPS.items():
            if part < 3 or step == 2:
                stage.query(SUM.format(part=part, step=step, begin=beginning, name=name, kept=kept))
            for kind, column in (1, "first_ms"), (2, "total_ms"):
                if part < 3:
                    stage.query(TIMES.format(part=part, step=step, begin=beginning, name=name, kept=kept, kind=kind, column=column))
        stage.query(DAYS_OF_SUMS.format(part=part))
        stage.query(DAYS_OF_TIMES.format(part=part))
        say(f"sums by {name}")
    stage.query("analyze table attempts, sums, sum_times")


class Asker:
    def __init__(self, stage):
        Process(stage, "query").wait_event("query.ready")
        own, self.number = incarnation(), 0
        self.peer = Peer(stage.folder / "s/run/recorder.query", own)
        self.peer.send("HELLO", role="admin", incarnation=own, version=1)
        wait_for(lambda: any(kind == "WELCOME" for kind, _ in self.peer.receive(0.1)), "a WELCOME")

    def ask(self, question, **parameters):
        """The answer, and the milliseconds until it was there."""
        self.number += 1
        begin = time.perf_counter()
        self.peer.send("ASK", number=self.number, name=question, data=json.dumps(parameters).encode())
        while True:
            for kind, fields in self.peer.receive(1):
                if kind == "ANSWER" and fields["number"] == self.number:
                    return json.loads(fields["data"]), (time.perf_counter() - begin) * 1000


def questions(now_ms):
    """What the pages ask, by the name that the table has for it."""
    hours = {"1 h": 1, "24 h": 24, "7 days": 168, "30 days": 720}
    since = {name: {"from_ms": now_ms - count * 3_600_000, "to_ms": now_ms} for name, count in hours.items()}
    found = {f"overview, {name}": ("overview", span) for name, span in since.items()}
    found |= {f"{question}, {name}": (question, since[name]) for question in ("models", "clients", "errors") for name in ("24 h", "30 days")}
    found |= {"keys, all": ("keys", {}), "keys, 200 of them": ("keys", {"ids": ",".join(f"{key:016x}" for key in range(200))}),
              "one model over time": ("series", since["7 days"] | {"model": "gemini-3"}), "one key over time": ("key_series", since["7 days"] | {"key": f"{7:016x}"}),
              "calls": ("calls", since["24 h"]), "calls that were lost": ("calls", since["24 h"] | {"result": "lost"}),
              "calls of one model": ("calls", since["30 days"] | {"model": "gemini-3"}), "calls slower than a minute (none)": ("calls", since["30 days"] | {"slower_than_ms": 60_000}),
              "calls, a month back": ("calls", {"from_ms": now_ms - 720 * 3_600_000, "to_ms": now_ms - 700 * 3_600_000}),
              "examples of an error": ("error_examples", since["30 days"] | {"fault": "quota_day"}), "one call": ("call", {"id": f"{4096:016x}"})}
    return found


def measure(rows):
    """{question: [milliseconds]} with so many attempts; the first time of each, when nothing is in memory, is apart."""
    with ExitStack() as stack:
        server = databases.Database(pool=POOL_FILLING, client_seconds=SECONDS)
        stack.callback(server.remove)
        stage = Stage(server)
        stack.callback(stage.close)
        stage.recorder()
        store = stage.store()
        upstream = Upstream(stage)
        upstream.make(1)
        upstream.settle()
        wait_for(lambda: stage.count() == 1, "the schema")
        store.end()
        for table in "attempts", "sums", "sum_times":
            stage.query(f"truncate table {table}")
        say(f"writing {rows:,} attempts")
        begin = time.monotonic()
        fill(stage, rows)
        made_s = time.monotonic() - begin
        server.stop()
        server.pool = POOL
        server.start()
        asker, found = Asker(stage), {}
        for name, (question, parameters) in questions(int(time.time() * 1000)).items():
            told, first = asker.ask(question, **parameters)
            assert "error" not in told, (name, told)
            found[name] = {"first_ms": first, "ms": [asker.ask(question, **parameters)[1] for _ in range(ASKED)]}
        return {"rows": rows, "made_s": made_s, "questions": found}


if __name__ == "__main__":
    told = measure(int(sys.argv[1]))
    print(f"{told['rows']:,} attempts, written in {told['made_s']:.0f} s")
    for name, times in told["questions"].items():
        print(f"{name:40} {statistics.median(times['ms']):8.1f} ms   at most {max(times['ms']):8.1f}   first {times['first_ms']:8.1f}")
