# SPDX-License-Identifier: Apache-2.0
"""The tcp road: the processes speak over tcp on loopback, and a relay between frontend and upstream cuts their connection
at every byte of a conversation. The client gets each chunk once and in order, nothing runs twice, and RESUME is what made
it so. What stays cut longer than RESUME_WAIT ends in an explicit error."""
import random
import socket

import pytest

from recovery import Scenarios, ask, assert_complete, assert_exactly_once, begin, begin_scripted, incarnation, \
    wait_forgotten
from relay import Relay
from stage import SLOW, scripted

CHUNKS = 3
FEW = 3
NATIVE = "/v1beta/models/gemini-2.5-flash:generateContent"
SHARES = 3       # scenarios that share the bytes of an answer
CUTS_MOST = 500  # of each; of a conversation with more bytes every second is taken, every third, …


def free_port(count=1):
    """The first of `count` ports in a row that are free. Not of those that the kernel gives to whoever asks for any: such a
    one might be taken by another test before it is used here."""
    while True:
        port = random.randrange(10000, 32000)
        held = [socket.socket() for _ in range(count)]
        try:
            for i in range(count):
                held[i].bind(("127.0.0.1", port + i))
            return port
        except OSError:
            continue
        finally:
            for each in held:
                each.close()


class Road:
    """A stage whose frontend reaches its upstream through a relay."""

    def __init__(self, make, resume="5", chunks=CHUNKS, **env):
        self.chunks = chunks
        answers = free_port()
        self.relay = Relay(answers)
        self.stage = make(admin=False, env={
            "BALANCER_ENDPOINTS": f"tcp://127.0.0.1:{free_port(2)}", "RECORDER_ENDPOINT": f"tcp://127.0.0.1:{free_port()}",
            "ANSWERS_BIND": f"tcp://127.0.0.1:{answers}", "ANSWERS_ADDRESS": f"tcp://127.0.0.1:{self.relay.port}",
            "RESUME_WAIT": resume, "LOG_LEVEL": "TRACE"} | env)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.relay.close()

    def letters(self, name, event, kind):
        return [line for line in self.stage.log(name, event) if line["letter"].split()[0] == kind]

    def resumes(self):
        """How many RESUME the frontend has sent and the upstream has taken."""
        return (len(self.letters("frontend", "message.out", "RESUME")), len(self.letters("upstream", "message.in", "RESUME")))

    def wait_attached(self, times):
        """Until the frontend has attached so often."""
        self.stage.wait(f"the frontend is attached for the {times}th time",
                        lambda: len(self.stage.log("frontend", "upstream.connected")) >= times)

    def call(self):
        with begin_scripted(self.stage, 1, chunks=self.chunks, pace_ms=10) as streams:
            [stream] = streams.join(15 * SLOW)
        assert_complete(stream, self.chunks)


def conversation(road):
    """Bytes that a call's conversation has, by direction, and those of a connection's beginning."""
    relay = road.relay
    begun = {way: relay.passed(way) for way in ("down", "up")}
    road.call()
    wait_forgotten(road.stage)
    return {way: relay.passed(way) - begun[way] for way in begun}


def cut_at(road, way, at):
    """One call, in which the connection is cut at that byte."""
    relay, cuts, attached = road.relay, road.relay.cut, len(road.stage.log("frontend", "upstream.connected"))
    relay.cut_after(way, at)
    try:
        road.call()
    except AssertionError as reason:
        raise AssertionError(f"cut at byte {at} {way}: {reason}") from None
    if relay.cut == cuts:  # fewer bytes than in the one that was measured: heartbeats, batches
        relay.cut_after(way, 0)
    road.wait_attached(attached + 1)


def bytes_of(way, share=0, shares=1):
    """Each byte of the conversation in that direction; `shares` scenarios take turns. What goes up are acknowledgements, ten a
    second: such calls take so long that some come while the call is open."""
    def scenario(make):
        with Road(make, chunks=25 if way == "up" else CHUNKS) as road:
            road.call()
            size = conversation(road)[way]
            step = shares * -(-size // (shares * CUTS_MOST))
            calls = road.stage.sim.total()
            for at in range(1 + share, size + 1, step):
                cut_at(road, way, at)
                calls += 1
            sent, taken = road.resumes()
            assert sent and taken, "no RESUME was needed"
            assert road.stage.sim.total() == calls
            assert_exactly_once(road.stage)
    return scenario


def beginnings(way):
    """The connection breaks in the middle of a stream, and the next ones while they begin: greeting, handshake,
    subscription, RESUME."""
    def scenario(make):
        with Road(make, resume="20") as road:
            calls = road.stage.sim.total()
            for at in range(1, 330, 7):
                relay, attached = road.relay, len(road.stage.log("frontend", "upstream.connected"))
                with begin_scripted(road.stage, 1, chunks=6, pace_ms=20) as streams:
                    streams.wait_events(1, 10 * SLOW)
                    relay.cut_next_after(way, at)
                    relay.cut_after(way, 0)
                    [stream] = streams.join(15 * SLOW)
                assert_complete(stream, 6)
                calls += 1
                relay.armed.clear()
                road.wait_attached(attached + 1)
                road.stage.wait("a connection stands", lambda: relay.flows and "up" not in relay.flows[0].left or
                                relay.cut_after(way, 0))
            assert road.stage.sim.total() == calls
            assert_exactly_once(road.stage)
    return scenario


def while_the_balancer_is_killed(make):
    """The answers are there, but cannot reach the frontend: the new balancer must hear that the calls are held, though they
    have ended and the old one has settled them."""
    with Road(make) as road:
        stage = road.stage
        with begin_scripted(stage, 10, chunks=FEW, first_ms=200) as streams:
            stage.wait("the provider is asked for all", lambda: stage.sim.total() == 10)
            road.relay.refuse()
            stage.wait("all are settled", lambda: len(road.letters("balancer", "message.in", "OUTCOME")) == 10 and
                       road.letters("upstream", "message.in", "SETTLED"))
            stage.restart("balancer")
            stage.wait("the frontend has the list", lambda: len(road.letters("frontend", "message.in", "KNOWN_END")) == 2)
            road.relay.accept()
            for stream in streams.join(15 * SLOW):
                stream.assert_numbered(FEW)
        assert stage.sim.total() == 10
        assert_exactly_once(stage)


def stopped_upstream(make):
    """A process that is stopped looks dead to a tcp connection's heartbeat; when it goes on, so do its streams."""
    with Road(make, resume="20") as road:
        stage = road.stage
        with begin_scripted(stage, 10, chunks=40, pace_ms=50) as begun:
            begun.wait_events(3, 10 * SLOW)
            attached = len(stage.log("frontend", "upstream.connected"))
            stage.stop("upstream")
            stage.wait_log("frontend", "upstream.broken", 12)
            stage.cont("upstream")
            road.wait_attached(attached + 1)
            for stream in begun.join(15 * SLOW):
                stream.assert_numbered(40)
        assert all(road.resumes())
        assert stage.sim.total() == 10
        assert_exactly_once(stage)


def large_answer(make):
    """Megabytes, windows and all, over a connection that breaks again and again."""
    with Road(make, resume="20") as road:
        road.relay.cut_after("down", 100_000)
        road.relay.cut_next_after("down", 300_001, 12)
        with begin_scripted(road.stage, 2, chunks=300, chunk_bytes=8000) as streams:
            for stream in streams.join(30 * SLOW):
                stream.assert_numbered(300)
        assert road.relay.cut > 8
        assert all(road.resumes())
        assert road.stage.sim.total() == 2
        road.relay.armed.clear()
        assert_exactly_once(road.stage)


def large_request(make):
    """The body goes up in pieces, over a connection that breaks again and again."""
    with Road(make, resume="20") as road:
        for i in range(10):
            road.relay.cut_after("up", 50_000 + i * 40_009)
            road.relay.cut_next_after("up", 400_001 + i, 2)
            text = "x" * 1_000_000 + "\n" + scripted("", chunks=CHUNKS, numbered=True)
            with begin(road.stage, [ask(text)]) as streams:
                [stream] = streams.join(20 * SLOW)
            assert_complete(stream, CHUNKS)
            road.relay.armed.clear()
        assert road.stage.sim.total() == 10
        assert_exactly_once(road.stage)


def frames_of(data):
    """(flags, body) of the ZMTP frames behind the greeting."""
    at = 64
    while at < len(data):
        wide = data[at] & 2
        size = int.from_bytes(data[at + 1:at + (9 if wide else 2)], "big")
        begin = at + (9 if wide else 2)
        yield data[at], data[begin:begin + size]
        at = begin + size


def nothing_subscribes(make):
    """Whatever a body holds: what goes up are one subscription, and messages of one frame that begins with a msgpack
    array. (libzmq takes any frame from an XSUB that begins with 00 or 01 for an (un)subscription, a second one as well.)"""
    with Road(make) as road:
        stage = road.stage
        road.relay.record = bytearray()
        road.relay.cut_after("up", 0)  # the next connection is recorded from its beginning
        road.wait_attached(2)
        topic = int(incarnation(stage, "frontend-0"), 16).to_bytes(8, "big")
        with begin_scripted(stage, 5, chunks=60, pace_ms=20) as streams:
            for size in (1, 100, 20_000, 70_000, 300_000, 2_000_000):
                for mark in (b"\0" + topic, b"\1" + topic, b"\0", b"\1", b"x"):
                    text = (mark * (1 + size // len(mark))).replace(b'"', b" ").replace(b"\\", b" ")
                    answer = stage.request("POST", NATIVE, b'{"contents":[{"parts":[{"text":"' + text + b'"}]}]}')
                    assert answer.status == 200 or mark != b"x" and answer.status == 400, (mark, answer.text)
            for stream in streams.join(20 * SLOW):
                stream.assert_numbered(60)
        frames = list(frames_of(bytes(road.relay.record)))
        subscriptions = [body for flags, body in frames if flags & 4 and body[1:].startswith((b"SUBSCRIBE", b"CANCEL"))]
        messages = [(flags, body) for flags, body in frames if not flags & 4]
        assert subscriptions == [b"\x09SUBSCRIBE" + topic]
        assert sum(len(body) for _, body in messages) > 2_300_000
        assert not any(flags & 1 for flags, _ in messages), "a message has several frames"
        assert all(body[0] in range(0x90, 0xa0) or body[0] in (0xdc, 0xdd) for _, body in messages)


def too_long(make):
    """Answers that had begun end in an error and are cancelled and recorded; the others run again."""
    with Road(make, resume="300ms") as road:
        stage = road.stage
        with begin_scripted(stage, 10, chunks=200, pace_ms=50) as begun, \
                begin_scripted(stage, 10, chunks=FEW, first_ms=1500) as quiet:
            begun.wait_events(3, 10 * SLOW)
            stage.wait("the provider is asked for all", lambda: stage.sim.total() == 20)
            road.relay.refuse()
            for stream in begun.join(10 * SLOW):
                stream.assert_honest(200)
                assert stream.error["code"] == "answer_lost"
            stage.wait("all are cancelled at the provider", lambda: stage.sim.counts()["cancelled"] == 20)
            road.relay.accept()
            for stream in quiet.join(20 * SLOW):
                stream.assert_numbered(FEW)
        assert stage.sim.total() == 30
        rows = assert_exactly_once(stage)
        assert [row["fault"] for row in rows].count("client_gone") == 20
        road.call()


def only_the_upstream_notices(make):
    """It gives the frontend up; the frontend finds the connection broken later, and reconnects at once."""
    with Road(make, resume="300ms") as road:
        stage = road.stage
        with begin_scripted(stage, 10, chunks=200, pace_ms=50) as begun, \
                begin_scripted(stage, 10, chunks=FEW, first_ms=1500) as quiet:
            begun.wait_events(3, 10 * SLOW)
            stage.wait("the provider is asked for all", lambda: stage.sim.total() == 20)
            road.relay.halve("upstream")
            stage.wait("all are cancelled at the provider", lambda: stage.sim.counts()["cancelled"] == 20)
            road.relay.tell_halved()
            for stream in begun.join(10 * SLOW):
                stream.assert_honest(200)
                assert stream.error["code"] == "answer_lost"
            for stream in quiet.join(10 * SLOW):
                stream.assert_numbered(FEW)
        assert stage.sim.total() == 30
        assert_exactly_once(stage)
        road.call()


def only_the_frontend_notices(make):
    """It reconnects at once; for the upstream the old connection stands, and it hears of no new subscription."""
    with Road(make) as road:
        stage = road.stage
        large = ask("x" * 3_000_000 + "\n" + scripted("", chunks=CHUNKS, numbered=True))
        for i in range(5):
            with begin_scripted(stage, 10, chunks=20, pace_ms=30) as begun, begin(stage, [large] * 2) as uploads, \
                    begin_scripted(stage, 10, chunks=FEW, first_ms=300) as quiet:
                begun.wait_events(2, 10 * SLOW)
                attached = len(stage.log("frontend", "upstream.connected"))
                road.relay.halve("frontend")
                road.wait_attached(attached + 1)
                for streams, count in ((begun, 20), (uploads, CHUNKS), (quiet, FEW)):
                    for stream in streams.join(10 * SLOW):
                        stream.assert_numbered(count)
            road.relay.tell_halved()
        assert stage.sim.total() == 5 * 22
        assert_exactly_once(stage)
        road.call()


SCENARIOS = {f"every byte of the answers, share {share}": bytes_of("down", share, SHARES) for share in range(SHARES)} | {
    "every byte of what the frontend says": bytes_of("up"),
    "every few bytes of a new connection, down": beginnings("down"),
    "every few bytes of a new connection, up": beginnings("up"),
    "a large answer": large_answer,
    "a large request": large_request,
    "while the balancer is killed": while_the_balancer_is_killed,
    "by the silence of a stopped upstream": stopped_upstream,
    "longer than RESUME_WAIT": too_long,
    "noticed by the upstream alone": only_the_upstream_notices,
    "noticed by the frontend alone": only_the_frontend_notices,
    "frames that might subscribe": nothing_subscribes,
}

outcomes = Scenarios(SCENARIOS).fixture()


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.release_only) if "every" in name else name for name in SCENARIOS])
def test_a_connection_is_cut(outcomes, name):
    outcomes(name)
