# SPDX-License-Identifier: Apache-2.0
"""What the clients of the soak do. Short calls come from wrk, at a rate that is given; all others are begun by the clock,
however long the ones before take: streams, native calls, large bodies and answers, slow readers, clients that hang up,
and calls that the first keys fail.

What must stay true: a call that failed is a failure unless a kill of that moment explains it, and of every answer, whole
or not, the numbered chunks that came are a beginning without a gap.
"""
import collections
import json
import os
import subprocess
import threading
import time
from pathlib import Path

from recovery import FAULTY_MODEL, ask
from stage import MODEL, SLOW, TOKEN, Reader, Streams, scripted

HERE = Path(__file__).resolve().parent
CONNECTIONS = 48
CHUNKS = 20
BATCH_SECONDS = 2   # so often the other calls begin, spread over as long
PATIENCE_S = 60     # so long may a call take: waiting for a killed process included
NEAR_S = 1.5        # a kill so shortly before a call began may still break it
LARGE = 400_000
LOST = ("answer_lost", "interrupted inside the gateway")  # to OpenAI's clients, to Google's
NATIVE = f"/v1beta/models/{MODEL}"


def native(text, verb="generateContent", model=NATIVE):
    body = json.dumps({"contents": [{"role": "user", "parts": [{"text": text}]}]}).encode()
    return "POST", f"{model}:{verb}", body, {"Content-Type": "application/json", "x-goog-api-key": TOKEN}


def numbered(**script):
    return scripted("soak", numbered=True, **script)


# name: how many in a batch, the request, how it is read, how many numbered chunks are to come (None: a whole answer)
KINDS = {
    "stream": (10, ask(numbered(chunks=CHUNKS, pace_ms=25)), Reader(), CHUNKS),
    "native": (6, native("hello"), Reader(), None),
    "native stream": (6, native(numbered(chunks=CHUNKS, pace_ms=25), "streamGenerateContent?alt=sse"), Reader(), CHUNKS),
    "large body": (2, ask("x" * LARGE, stream=False), Reader(), None),
    "large answer": (1, ask(scripted("soak", reply_bytes=LARGE), stream=False), Reader(), None),
    "slow reader": (2, ask(numbered(chunks=CHUNKS, chunk_bytes=4000)), Reader(bytes_per_second=20_000), CHUNKS),
    "hang up": (3, ask(numbered(chunks=CHUNKS, pace_ms=50)), Reader(hang_up_after=2), CHUNKS),
    "hang up at once": (1, ask(numbered(chunks=CHUNKS, first_ms=300)), Reader(hang_up_after=0), CHUNKS),
    "failing keys": (3, ask("the key decides", False, FAULTY_MODEL), Reader(), None),
}
ORDER = [name for turn in range(10) for name, (count, *_) in KINDS.items() if turn < count]


class Kills:
    """When which process was killed; looked at from several threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.all = []  # (time, role)

    def add(self, role):
        with self.lock:
            self.all.append((time.monotonic(), role))

    def count(self, role, begin, end):
        with self.lock:
            return sum(killed == role and begin <= at <= end for at, killed in self.all)


class Tally:
    """Calls and failures, by kind."""

    def __init__(self):
        self.lock = threading.Lock()
        self.calls, self.explained = collections.Counter(), collections.Counter()
        self.unexplained = []

    def add(self, kind, count=1):
        with self.lock:
            self.calls[kind] += count

    def explain(self, why, count=1):
        with self.lock:
            self.explained[why] += count

    def blame(self, what):
        with self.lock:
            self.unexplained.append(what)

    def snapshot(self):
        with self.lock:
            return sum(self.calls.values()), dict(self.explained), len(self.unexplained)


def judge(stream, kind, kills, tally):
    """Counts one call; what is wrong with it and what explains that."""
    _, _, reader, count = KINDS[kind]
    tally.add(kind)
    span = stream.began - NEAR_S, stream.ended + NEAR_S
    text = stream.body.decode(errors="replace")
    try:
        is_whole = stream.is_whole or stream.ending == "hung up"
        if count is not None and stream.status == 200:
            if stream.is_whole and kind.startswith("native"):  # these have no [DONE]
                assert stream.numbers == list(range(count)), stream.numbers
            elif stream.is_whole:
                stream.assert_numbered(count)
            else:
                assert stream.numbers == list(range(len(stream.numbers))), f"a gap: {stream.numbers}"
    except AssertionError as reason:
        tally.blame(f"{kind}: {reason}")
        return
    if is_whole:
        return
    told = f"{kind}: status {stream.status}, {stream.ending}, {len(stream.events)} events, {stream.error} {text[:200]}"
    is_lost = any(mark in f"{stream.error} {text}" for mark in LOST)
    if is_lost and kills.count("upstream", *span):
        tally.explain("answer lost with its upstream")
    elif stream.ending != "end" and not stream.errors and kills.count("frontend", *span):
        tally.explain("connection broken with its frontend")
    else:
        tally.blame(told)


class Others:
    """Begins a batch every two seconds; none waits for another."""

    def __init__(self, stage, kills, tally):
        self.stage, self.kills, self.tally = stage, kills, tally
        self.is_stopped = threading.Event()
        self.batches = []
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        due = time.monotonic()
        while not self.is_stopped.wait(max(0, due - time.monotonic())):
            due += BATCH_SECONDS
            batch = threading.Thread(target=self._batch, daemon=True)
            batch.start()
            self.batches = [old for old in self.batches if old.is_alive()] + [batch]

    def _batch(self):
        streams = Streams(self.stage.port, len(ORDER), lambda i: KINDS[ORDER[i]][1], lambda i: KINDS[ORDER[i]][2],
                          gap_ms=BATCH_SECONDS * 1000 // len(ORDER))
        try:
            streams.join(PATIENCE_S * SLOW)
        except AssertionError as reason:
            self.tally.blame(f"a call without end: {reason}")
        for stream, kind in zip(streams.all, ORDER):
            if stream.ended:
                judge(stream, kind, self.kills, self.tally)

    def stop(self):
        self.is_stopped.set()
        self.thread.join()
        for batch in self.batches:
            batch.join(PATIENCE_S * SLOW + 10)


class Short:
    """wrk's short calls, a window at a time. `rate`: calls per second; 0: as many as go."""

    def __init__(self, stage, kills, tally, folder):
        self.stage, self.kills, self.tally = stage, kills, tally
        self.body = Path(folder) / "short.json"
        self.body.write_bytes(ask("A short question, as most are. " * 8, stream=False)[2])

    def window(self, seconds, rate=0):
        pause_ms = max(1, round(CONNECTIONS * 1000 / rate)) if rate else 0
        env = os.environ | {"SOAK_BODY": str(self.body), "SOAK_TOKEN": TOKEN, "SOAK_PAUSE_MS": str(pause_ms)}
        began = time.monotonic()
        done = subprocess.run(
            ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", f"{PATIENCE_S}s", "-s", str(HERE / "short.lua"),
             f"http://127.0.0.1:{self.stage.port}"], env=env, capture_output=True, text=True, timeout=seconds + 60, check=True)
        result = json.loads(done.stdout.strip().splitlines()[-1])
        result["rate"] = round(result["calls"] * 1e6 / max(result["us"], 1))
        self._judge(result, began - NEAR_S, time.monotonic())
        return result

    def _judge(self, result, begin, end):
        """Of a broken connection wrk doesn't say when: each killed frontend explains as many as it can have had."""
        self.tally.add("short", result["calls"])
        broken = result["connect"] + result["read"] + result["write"]
        allowed = 2 * CONNECTIONS * self.kills.count("frontend", begin, end)
        if broken > allowed or result["timeout"]:
            self.tally.blame(f"short: {result}, and {allowed} broken connections would be explained")
        else:
            self.tally.explain("connection broken with its frontend", broken) if broken else None
        for word in result["answers"].split():
            if word == "502/answer_lost" and self.kills.count("upstream", begin, end):
                self.tally.explain("answer lost with its upstream")
            else:
                self.tally.blame(f"short: {word}")

