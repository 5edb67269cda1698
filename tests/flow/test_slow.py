# SPDX-License-Identifier: Apache-2.0
"""Slow and stalled readers, stopped processes, very large events, replies and bodies: each holds bounded memory and slows
nobody else. Memory is asserted only without sanitizers, whose shadow and quarantine would be measured instead."""
import json
import os
import socket
import subprocess
import sys
import threading
import time
import zlib

import pytest

from stage import CHAT, IS_SANITIZED, MODEL, SLOW, TOKEN, Reader, Stage, Streams, scripted

pytestmark = pytest.mark.alone
MIB = 1 << 20
PATTERN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ."
CALM_MS = 100   # what half of the small calls may take at most while something heavy goes on
WORST_MS = 1000  # and all of them: much, since others may want this machine's processors too


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("slow"), database=False, admin=False) as stage:
        assert stage.chat("warm").status == 200
        yield stage


class Memory:
    """How much processes have grown since `begin`."""

    def __init__(self, stage, *names):
        self.stage, self.names = stage, names
        self.begin = {name: stage.memory(name) for name in names}

    def assert_below(self, mib, *names):
        for name in names or self.names:
            grown = (self.stage.memory(name) - self.begin[name]) / MIB
            assert IS_SANITIZED or grown < mib, f"{name} has grown by {grown:.1f} MiB, more than {mib}"


SMALL_CALLS = """
import http.client, json, select, sys, time
port, path, headers, body = json.loads(sys.argv[1])
connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
times, wrong = [], []
print("begun", flush=True)
while not select.select([sys.stdin], [], [], 0.005)[0]:
    begun = time.monotonic()
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    text = answer.read()
    times.append(time.monotonic() - begun)
    if answer.status != 200:
        wrong.append([answer.status, text.decode()])
print(json.dumps([times, wrong]))
"""


class SmallCalls:
    """Small calls, one after the other, as long as the block lasts. In a process of its own: what the test itself does to
    large answers must not be measured with them."""

    def __init__(self, stage):
        order = [stage.port, CHAT, stage.stream_headers(TOKEN), json.dumps(stage.chat_body("small"))]
        self.process = subprocess.Popen([sys.executable, "-c", SMALL_CALLS, json.dumps(order)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.times, self.wrong = [], []
        assert self.process.stdout.readline() == "begun\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            output, _ = self.process.communicate("over\n", timeout=60)
            self.times, self.wrong = json.loads(output)
        finally:
            self.process.kill()

    def assert_calm(self, at_least=5):
        assert not self.wrong, self.wrong[:3]
        times_ms = sorted(1000 * seconds for seconds in self.times)
        assert len(times_ms) >= at_least
        assert times_ms[len(times_ms) // 2] < CALM_MS * SLOW and times_ms[-1] < WORST_MS * SLOW, times_ms


def filler(length):
    return (PATTERN * (length // len(PATTERN) + 1))[:length]


# ---------------------------------------------------------------------------------------------------------- slow readers

@pytest.mark.short
def test_one_stalled_reader_among_200_hinders_nobody_and_holds_little_memory(stage):
    script = {"chunks": 40, "chunk_bytes": 60, "numbered": True, "pace_ms": 25}
    took = max(stream.ended - stream.began for stream in stage.run_streams(199, **script))

    memory = Memory(stage, "frontend", "upstream")
    big = {"chunks": 3000, "chunk_bytes": 10000}  # 30 MB
    with stage.streams(1, reader=Reader(stall_after=50_000), **big) as stalled:
        stage.wait("it stalls", lambda: stalled.all[0].size >= 50_000, 10)
        streams = stage.run_streams(199, **script)
        for stream in streams:
            stream.assert_numbered(40)
        assert max(stream.ended - stream.began for stream in streams) < took * 1.5 + 0.3 * SLOW
        memory.assert_below(12)
        assert stage.sim.counts()["open"] == 1, "the whole reply was taken in although nobody reads it"
        stalled.release()
        stalled.wait("ended", lambda s: s.ending, 60 * SLOW)
        assert stalled.all[0].is_whole and stalled.all[0].done and stalled.all[0].text == filler(10000) * 3000


def test_fifty_stalled_readers_hold_a_window_each(stage):
    memory = Memory(stage, "frontend", "upstream")
    reader = Reader(stall_after=20_000)
    with stage.streams(50, reader=reader, chunks=100, chunk_bytes=10_000, numbered=True) as stalled:
        stalled.wait("stalled", lambda s: s.size >= 20_000, 20 * SLOW)
        with SmallCalls(stage) as small:
            time.sleep(1)
        small.assert_calm()
        memory.assert_below(30)
        stalled.release()
        stalled.wait("ended", lambda s: s.ending, 60 * SLOW)
        for stream in stalled.all:
            stream.assert_numbered(100)


def test_a_30_mb_reply_to_a_slow_reader_flows_at_its_pace(stage):
    memory = Memory(stage, "frontend", "upstream", "balancer")
    slow = Reader(bytes_per_second=12_000_000, receive_buffer=65536)
    with stage.streams(1, reader=slow, chunks=300, chunk_bytes=100_000) as running, SmallCalls(stage) as small:
        stage.wait("half is there", lambda: running.all[0].size > 15_000_000, 60)
        memory.assert_below(16)
        running.wait("ended", lambda s: s.ending, 90 * SLOW)
    small.assert_calm()
    [stream] = running.all
    assert stream.is_whole and stream.done and stream.text == filler(100_000) * 300


@pytest.mark.parametrize("stream", [False, True])
def test_a_30_mb_native_reply_is_relayed_without_gathering_it(stage, stream):
    memory = Memory(stage, "frontend", "upstream")
    script = {"reply_bytes": 30_000_000} | ({"chunks": 100} if stream else {})
    body = json.dumps({"contents": [{"role": "user", "parts": [{"text": scripted(**script)}]}]}).encode()
    operation = "streamGenerateContent?alt=sse" if stream else "generateContent"
    headers = stage.stream_headers(TOKEN)
    reader = Reader(stall_after=1_000_000)
    with Streams(stage.port, 1, lambda i: ("POST", f"/v1beta/models/{MODEL}:{operation}", body, headers),
                 lambda i: reader) as running:
        stage.wait("it stalls", lambda: running.all[0].size >= 1_000_000, 20)
        time.sleep(0.3)
        memory.assert_below(12)
        running.release()
        running.wait("ended", lambda s: s.ending, 60 * SLOW)
        [answer] = running.all
    assert answer.ending == "end" and answer.size > 30_000_000
    if not stream:
        assert json.loads(answer.body)["candidates"][0]["content"]["parts"][0]["text"] == filler(30_000_000)


# --------------------------------------------------------------------------------------------------------- large events

@pytest.mark.parametrize("size", [60_000, 65_536, 70_000, 5_000_000])
def test_an_event_of_any_size_arrives_translated(stage, size):
    with SmallCalls(stage) as small:
        stream = stage.chat_stream(scripted(event_bytes=size, chunks=2), seconds=60)
        whole = stage.chat(scripted(event_bytes=size, chunks=2), seconds=60)
    assert stream.is_whole and stream.done and stream.text == filler(size) * 2
    assert whole.json["choices"][0]["message"]["content"] == filler(2 * size) or \
        whole.json["choices"][0]["message"]["content"] == filler(size) * 2
    small.assert_calm(1)


def test_an_event_above_the_limit_is_an_error_and_not_a_clean_stop(stage_of):
    stage = stage_of(env={"REPLY_LIMIT": "1MiB"}, database=False, admin=False)
    stream = stage.chat_stream(scripted("", text="x", chunks=1))
    assert stream.is_whole
    stream = stage.chat_stream(scripted(event_bytes=3_000_000, chunks=1))
    assert not stream.done and (stream.status == 502 or stream.error), (stream.status, stream.events[:1])
    whole = stage.chat(scripted(reply_bytes=3_000_000))
    assert whole.status == 502 and whole.json["error"]["message"]
    assert stage.chat("and on").status == 200


# --------------------------------------------------------------------------------------------------------- large bodies

def test_a_50_mb_body_goes_while_small_calls_go_on(stage):
    memory = Memory(stage, "frontend", "upstream", "balancer")
    text = scripted(filler(50_000_000), input_limit=20_000_000)  # no model takes as much
    body = json.dumps(stage.chat_body(text)).encode()
    with SmallCalls(stage) as small:
        answer = stage.request("POST", CHAT, body, seconds=60)
    assert answer.status == 200, answer.text[:500]
    assert answer.json["usage"]["prompt_tokens"] == -(-len(text) // 4)
    [request] = [request for request in stage.sim.requests() if request["body_bytes"] > 50_000_000]
    assert request["path"].endswith(":generateContent")
    small.assert_calm()
    memory.assert_below(4, "balancer")
    stage.wait("the memory is given back", lambda: IS_SANITIZED or
               all(stage.memory(name) - memory.begin[name] < 24 * MIB for name in ("frontend", "upstream")), 5)


def test_native_bodies_of_many_megabytes_arrive_byte_for_byte(stage):
    texts = [scripted(f"{i} " + filler(8_000_000 + i), input_limit=3_000_000) for i in range(5)]
    bodies = [json.dumps({"contents": [{"role": "user", "parts": [{"text": text}]}]}).encode() for text in texts]
    memory = Memory(stage, "balancer")
    results = {}

    def send(i):
        results[i] = stage.request("POST", f"/v1beta/models/{MODEL}:generateContent", bodies[i], seconds=60)
    threads = [threading.Thread(target=send, args=(i,)) for i in range(5)]
    with SmallCalls(stage) as small:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [results[i].status for i in range(5)] == [200] * 5
    seen = {request["body_crc32"] for request in stage.sim.requests() if request["body_bytes"] > 8_000_000}
    assert {zlib.crc32(body) for body in bodies} <= seen
    small.assert_calm(3)
    memory.assert_below(4)


def test_a_large_body_goes_to_the_next_key_as_well(stage_of):
    stage = stage_of(keys=["key-internal-1", "key-minute60-2", "key-ok-3"], database=False, admin=False)
    body = json.dumps(stage.chat_body(filler(3_000_000))).encode()
    assert stage.request("POST", CHAT, body).status == 200
    requests = stage.sim.requests()
    assert len(requests) == 3 and len({request["body_crc32"] for request in requests}) == 1


# ---------------------------------------------------------------------------------------------------- stopped processes

@pytest.mark.release_only
def test_the_upstream_stays_small_while_a_frontend_is_stopped_under_500_streams(stage_of):
    stage = stage_of(database=False, admin=False)
    memory = Memory(stage, "upstream")
    with stage.streams(500, chunks=50, chunk_bytes=8000, numbered=True, pace_ms=40) as running:  # 200 MB in all
        running.wait_events(3, 30)
        stage.stop("frontend")
        time.sleep(3)
        memory.assert_below(110)
        stage.cont("frontend")
        streams = running.join(120)
    for stream in streams:
        stream.assert_numbered(50)


@pytest.mark.release_only
def test_the_budget_of_unacknowledged_bytes_shrinks_the_windows(stage_of):
    stage = stage_of(env={"ANSWER_BUDGET": "8MiB"}, database=False, admin=False)
    memory = Memory(stage, "upstream")
    with stage.streams(300, chunks=40, chunk_bytes=8000, numbered=True, pace_ms=30) as running:
        running.wait_events(2, 30)
        stage.stop("frontend")
        time.sleep(2.5)
        memory.assert_below(50)
        stage.cont("frontend")
        for stream in running.join(120):
            stream.assert_numbered(40)


# ---------------------------------------------------------------------------------------------------- names that hang

@pytest.fixture
def silent_name_server(tmp_path):
    """A program prefix that gives a process a name server which never answers. Needs a mount namespace of its own."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        server.bind(("127.0.0.53", 53))
    except OSError as reason:
        pytest.skip(f"port 53 cannot be had: {reason}")
    config = tmp_path / "resolv.conf"
    config.write_text("nameserver 127.0.0.53\noptions timeout:30 attempts:1\n")
    mount = f'mount --bind "{config}" /etc/resolv.conf && exec "$@"'
    prefix = ["unshare", "--mount", "sh", "-c", mount, "sh"]
    if os.system("unshare --mount true 2>/dev/null") != 0:
        pytest.skip("no mount namespace of our own may be made here")
    yield prefix
    server.close()


def test_a_name_server_that_never_answers_holds_up_only_those_who_need_it(stage_of, silent_name_server):
    stage = stage_of(upstreams=2, start=False, ready=False, env={"TIME_OUT": f"{int(3 * SLOW)}"})  # the resolver itself gives up after ten
    for name in ("simulator", "recorder", "store", "balancer", "frontend-0", "upstream-0"):
        stage.start(name)
    stage.wait_ready()
    stage.start("upstream-1", env={"BASE_URL": "http://nobody.knows.test/v1beta"}, prefix=silent_name_server)
    stage.wait_log("balancer", "peer.joined", role="upstream", after=1)
    with stage.streams(20, text="hello", stream=False) as running:
        ended = lambda: [s.ended for s in running.all if s.ending == "end"]
        stage.wait("half of them are served, and no more are", lambda: len(ended()) >= 8 and time.monotonic() - max(ended()) > 0.2 * SLOW, 2)
        hanging = [stream for stream in running.all if not stream.ending]
        assert hanging, "all were served: the second upstream took none"
        asked = time.monotonic()
        running.hang_up(hanging[0].number)
        stage.wait("its end is recorded", lambda: stage.rows("fault = 'client_gone'"), 2)
        assert time.monotonic() - asked < 2 * SLOW
        stage.wait("the others are given up", lambda: not running.open(), 9)
    for stream in hanging[1:]:
        assert stream.status == 504, (stream.status, stream.body)
    assert not stage.log("balancer", "peer.silent"), "an upstream's loop was blocked by a look-up"
