# SPDX-License-Identifier: Apache-2.0
"""What the recovery tests share: scenarios that run side by side, calls that are begun and looked at while processes die,
a load of many short calls, and the rules that hold after every recovery.

What must stay true: a rule is checked against what the simulator, the rows and the processes' dumps say, never against
what a test believes to have happened.
"""
import asyncio
import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

import database as databases
from client import HOST, Streams
from stage import CHAT, IS_SANITIZED, MODEL, SLOW, TOKEN, Stage, scripted

AT_ONCE = 3 if IS_SANITIZED else 4  # scenarios side by side: they mostly wait
HEADERS = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
LETTER = re.compile(r"^\w+")


# ----------------------------------------------------------------------------------------------------------- scenarios

class Scenarios:
    """Runs the scenarios of a module side by side, those that were chosen on the command line only. A scenario is a
    function of `make`, which makes stages as stage_of does. Each has a test of its own, which asks for its result:

        outcomes = pytest.fixture(scope="module")(Scenarios(SCENARIOS, "name"))
        @pytest.mark.parametrize("name", SCENARIOS)
        def test_it_survives(outcomes, name):
            outcomes(name)
    """

    def __init__(self, functions, parameter="name", at_once=AT_ONCE):
        self.functions = functions
        self.parameter = parameter
        self.at_once = at_once

    def fixture(self):
        def outcomes(request, tmp_path_factory):
            databases.shared()
            chosen = [item.callspec.params[self.parameter] for item in request.session.items
                      if item.module is request.module and self.parameter in getattr(item, "callspec", _None).params]
            with ThreadPoolExecutor(self.at_once) as pool:
                futures = {name: pool.submit(self._run, name, tmp_path_factory.mktemp("scenario")) for name in chosen}
                yield lambda name: futures[name].result()
        return pytest.fixture(scope="module")(outcomes)

    def _run(self, name, folder):
        made = []

        def make(**rest):
            made.append(Stage(folder / str(len(made)), **rest))
            made[-1].__enter__()
            if rest.get("start", True):
                wait_pairs(made[-1])
            return made[-1]
        try:
            result = self.functions[name](make)
        except BaseException as reason:
            reason.add_note("\n".join(stage.tails() for stage in made))
            for stage in reversed(made):
                stage.close(failed=True)
            raise
        for stage in reversed(made):
            stage.close()
        return result


class _None:
    params = {}


# --------------------------------------------------------------------------------------------------------------- calls

def ask(text, stream=True, model=MODEL, path=CHAT, **fields):
    """(method, path, body, headers) of one chat call."""
    body = {"model": model, "messages": [{"role": "user", "content": text}], **fields}
    if stream:
        body["stream"] = True
    return "POST", path, json.dumps(body).encode(), HEADERS


def begin(stage, asks, gap_ms=0):
    """Begins these calls at once; the running Streams, a context manager."""
    return Streams(stage.port, len(asks), lambda i: asks[i], gap_ms=gap_ms)


def begin_scripted(stage, count, stream=True, gap_ms=0, **script):
    """Begins so many calls that the simulator answers with numbered chunks."""
    return begin(stage, [ask(scripted(f"stream {i}", numbered=True, **script), stream) for i in range(count)], gap_ms)


def numbers_of(stream):
    """The numbers of the chunks that came, of a whole answer as well as of a stream."""
    if stream.events:
        return stream.numbers
    text = json.loads(stream.body)["choices"][0]["message"]["content"] if stream.status == 200 else ""
    return [int(number) for number in re.findall(r"\[(\d+)\]", text)]


def assert_complete(stream, chunks):
    """The client has its whole answer, each chunk once and in order, and a clean end."""
    if stream.headers.get("content-type", "").startswith("text/event-stream"):
        stream.assert_numbered(chunks)
        return
    assert stream.status == 200 and stream.ending == "end", (stream.status, stream.ending, stream.body[:500])
    assert numbers_of(stream) == list(range(chunks)), stream.body[:500]


@dataclass(frozen=True)
class Kind:
    """A call of four chunks, and how often the provider is asked for it."""
    name: str
    attempts: int
    stream: bool = True
    model: str = MODEL

    def ask(self, first_ms):
        if self.model == FAULTY_MODEL:
            return ask("the key decides", self.stream, self.model)
        return ask(scripted("kill", chunks=CHUNKS, numbered=True, first_ms=first_ms, pace_ms=20), self.stream)


CHUNKS = 4
FAULTY_MODEL = "gemini-2.5-pro"
KEYS = ["key-ok-1", "key-ok-2"]  # a balancer that has just started takes them in this order
LONG_MS = 300                    # until the provider's first byte: there is no HEAD yet when whoever was killed is back
STREAM = Kind("stream", 1)
WHOLE = Kind("whole", 1, stream=False)
REKEY = Kind("rekey", 2, model=FAULTY_MODEL)


def script_keys(stage):
    """The first of KEYS cannot serve the faulty model, the second can."""
    stage.sim.script(model=FAULTY_MODEL, key=KEYS[0], error_status=500)
    stage.sim.script(model=FAULTY_MODEL, key=KEYS[1], chunks=CHUNKS, numbered=True, first_ms=LONG_MS, pace_ms=20)


# ------------------------------------------------------------------------------------------------------------ rules

def wait_pairs(stage, seconds=10):
    """Until the balancer knows that each living frontend and upstream hear each other, and so uses them all."""
    alive = {role: {incarnation(stage, name) for name in stage.names(role) if stage.is_alive(name)}
             for role in ("frontend", "upstream")}

    def is_so():
        return {(line["frontend"], line["upstream"]) for line in stage.dump("balancer")["balancer"]
                if line["event"] == "dump.pair" and (line["frontend_sees"], line["upstream_sees"]) == ("1", "1")} >= {
                    (frontend, upstream) for frontend in alive["frontend"] for upstream in alive["upstream"]}
    stage.wait("all frontends and upstreams hear each other", is_so, seconds)


def incarnation(stage, name):
    return stage.wait_log(name, "process.started")["incarnation"]


def answering(stage, upstream):
    """How many calls of all frontends are being answered by the upstream of this incarnation."""
    found = stage.dump(*stage.names("frontend"))
    return sum(line["event"] == "dump.call" and line["state"] == "answering" and line["upstream"] == upstream
               for lines in found.values() for line in lines)


def steps_of(lines):
    """The trace points that a process passed, as KILL_AT takes them, from its log at LOG_LEVEL=TRACE: [(point, n)]. Beats
    are left out: they come by the clock."""
    steps, seen = [], {}
    for line in lines:
        if line.get("event") not in ("message.in", "message.out"):
            continue
        kind = LETTER.match(line["letter"])[0]
        for verb in ("recv",) if line["event"] == "message.in" else ("post", "sent"):
            point = f"{verb}.{kind}"
            seen[point] = seen.get(point, 0) + 1
            steps.append(f"{point}:{seen[point]}")
    return steps


def _places(dump):
    """Where the calls without HEAD are, by (frontend's counter): the places that hold them by their newest offer."""
    waiting = {line["call"]: (line["offer"], []) for name, lines in dump.items() if name.startswith("frontend")
               for line in lines if line["event"] == "dump.call" and line["state"] in ("held_back", "offered")}
    for name, lines in dump.items():
        role = name.split("-")[0]
        for line in lines:
            if line["event"] != "dump.call" or waiting.get(line["call"], (None,))[0] != line["offer"]:
                continue
            is_here = {"frontend": line["state"] == "held_back", "balancer": line["state"] == "waiting",
                       "upstream": line["state"] != "ended"}.get(role, False)
            if is_here:
                waiting[line["call"]][1].append(name)
    return waiting


def assert_one_place(stage, count=None, seconds=6):
    """Each open call without HEAD is in exactly one place: its frontend's list of those held back, the balancer's queue, or
    one upstream. (Letters may be on their way when the dumps are taken: it must come to be so.) Returns where."""
    last = {}

    def is_so():
        last["places"] = found = _places(stage.dump())
        return (count is None or len(found) == count) and all(len(places) == 1 for _, places in found.values())
    try:
        stage.wait("each call without HEAD is in one place", is_so, seconds)
    except AssertionError as reason:
        raise AssertionError(f"{reason}\n{last}") from None
    return {call: places[0] for call, (_, places) in last["places"].items()}


def is_over(stage):
    """No upstream holds a call or waits for a balancer's word."""
    lines = [line for found in stage.dump(*stage.names("upstream")).values() for line in found]
    return not any(line["event"] == "dump.call" or line.get("unsettled", "0") != "0" for line in lines)


def meets_its_step(stage, name, streams):
    """Waits until this process has met its KILL_AT, or all is over and it has not: how often some letters are said depends
    on who comes first and what goes together, so that it may pass fewer than in the run that listed the steps."""
    stage.wait(f"{name} is dead, or all is over",
               lambda: not stage.is_alive(name) or not streams.open() and is_over(stage))
    if not stage.is_alive(name):
        return True
    stage.restart(name)  # it might meet it later, at a time that would surprise us
    return False


def wait_forgotten(stage, seconds=10):
    """Until no process holds a call any more."""
    last = {}

    def is_so():
        last["calls"] = [(name, line["line"]) for name, lines in stage.dump().items() for line in lines
                         if line["event"] == "dump.call"]
        return not last["calls"]
    try:
        stage.wait("no call is held anywhere", is_so, seconds)
    except AssertionError as reason:
        raise AssertionError(f"{reason}\n{last['calls'][:10]}") from None


def renewed(stage):
    """A stage that several tests share, with nothing left of the one before: no call, no request, no row."""
    wait_forgotten(stage)
    stage.wait_rows(stage.sim.total())
    stage.sim.reset()
    stage.query("delete from attempts")
    return stage


def assert_exactly_once(stage, may_lose=False, seconds=20):
    """Each attempt that the simulator counted has one row. After an upstream's kill there may be rows `lost` beyond."""
    wait_forgotten(stage, seconds)
    counted = stage.sim.total()
    if may_lose:
        stage.wait(f"{counted} rows", lambda: stage.count_rows() >= counted, seconds)
        rows = stage.rows()
    else:
        rows = stage.wait_accounted(seconds)
    assert not stage.query("select * from senders where refused > 0 or gap > 0")  # a repeat that was seen only as such
    lost = [row for row in rows if row["fault"] == "lost"]
    assert len({(row["sender"], row["seq"]) for row in rows}) == len(rows)
    assert len(rows) - len(lost) <= counted <= len(rows), f"{len(rows)} rows, {len(lost)} lost, {counted} counted"
    return rows


# ---------------------------------------------------------------------------------------------------------------- load

@dataclass
class Answered:
    ok: int = 0
    other: int = 0
    slowest_s: float = 0.0
    complaint: str = ""


class Load:
    """Short calls on kept connections: `count` of them, or until stop()."""

    def __init__(self, stage, connections=16, count=None, text="hello"):
        self.port, self.left = stage.port, count
        self.answered = Answered()
        method, path, body, headers = ask(text, stream=False)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.request = f"{method} {path} HTTP/1.1\r\nHost: t\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode() + body
        self.is_stopped = False
        self.thread = threading.Thread(target=lambda: asyncio.run(self._all(connections)), daemon=True)
        self.thread.start()

    async def _all(self, connections):
        await asyncio.gather(*(self._one() for _ in range(connections)))

    async def _one(self):
        reader, writer = await asyncio.open_connection(HOST, self.port)
        try:
            while not self.is_stopped and self.left != 0:
                if self.left is not None:
                    self.left -= 1
                await self._call(reader, writer)
        except (OSError, asyncio.IncompleteReadError) as reason:
            self.answered.other += 1
            self.answered.complaint = repr(reason)
        finally:
            writer.close()

    async def _call(self, reader, writer):
        began = time.monotonic()
        writer.write(self.request)
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(re.search(rb"(?i)content-length: *(\d+)", head)[1])
        body = await reader.readexactly(size)
        answered = self.answered
        answered.slowest_s = max(answered.slowest_s, time.monotonic() - began)
        if head.startswith(b"HTTP/1.1 200"):
            answered.ok += 1
        else:
            answered.other += 1
            answered.complaint = (head[:50] + body[:300]).decode(errors="replace")

    def stop(self, seconds=30):
        self.is_stopped = True
        return self.join(seconds)

    def join(self, seconds=60):
        """Waits for the end; all calls must have been answered well."""
        self.thread.join(seconds * SLOW)
        assert not self.thread.is_alive(), f"calls have not ended after {seconds * SLOW:g} s: {self.answered}"
        assert not self.answered.other, f"{self.answered}"
        return self.answered
