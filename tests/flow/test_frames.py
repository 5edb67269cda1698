# SPDX-License-Identifier: Apache-2.0
"""A stranger on every socket: random and forged frames, huge arrays, a million letters. All processes live on, nobody
else's stream is harmed, no key is handed out, and nothing runs that no client has asked for.

The stranger speaks ZeroMQ's wire protocol itself (letters.py), so that it can say what libzmq would not.
"""
import random

import pytest

from letters import FIELDS, Peer, incarnation, pack, unpack
from recovery import assert_exactly_once, begin_scripted, incarnation as incarnation_of
from stage import IS_SANITIZED, SLOW, Stage

KEYS = ["key-ok-marked-1", "key-ok-marked-2"]
CHUNKS = 40
MILLION = 100_000 if IS_SANITIZED else 1_000_000
GROWTH_MOST = 64 << 20
SOCKETS = ["balancer.front", "balancer.up", "answers", "recorder"]
SERVANTS = ["balancer", "upstream-0", "frontend-0", "recorder"]
HUGE = [
    b"\xdd\xff\xff\xff\xff", b"\xdc\xff\xff", b"\x9f", b"\xdf\xff\xff\xff\xff", b"\x91" * 100_000, b"\x92" * 100_000,
    b"\x92\x01\xc6\xff\xff\xff\xff", b"\x92\x01\xdb\xff\xff\xff\xff", b"\x92\x01\xdd\xff\xff\xff\xff",
    b"\x92\xcf" + b"\xff" * 8, b"\x91\xc1", b"\x91\xd3" + b"\xff" * 8, b"\x92\x01\xc9\xff\xff\xff\xff\x01",
    b"\xdc\xff\xff" + b"\x01" * 65_535, b"\x91\x00", b"\x91\x7f", b"\x00" * 9, b"\x01" * 9, b"\x00", b"\x01", b"", b"\xc0",
]


class Stranger:
    """A connection to one of the sockets. What it hears is kept: there must never be a key in it."""

    def __init__(self, stage, name, identity=None):
        run = stage.state / "run"
        paths = {"balancer.front": run / "balancer.front", "balancer.up": run / "balancer.up", "recorder": run / "recorder"}
        self.id = incarnation() if identity is None else identity
        self.peer = Peer(paths.get(name) or answers_path(stage), self.id, "XSUB" if name == "answers" else "DEALER")
        self.heard = b""
        if name == "answers":
            self.say(b"\x01" + self.id.to_bytes(8, "big"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listen()
        self.peer.close()
        assert b"key-ok" not in self.heard, "a stranger has got a key"

    def say(self, *frames):
        """False if the other side has ended the connection."""
        try:
            self.peer.send_frame(*frames)
            return True
        except OSError:
            return False

    def listen(self, seconds=0.05):
        """All bytes of letters that have come so far."""
        try:
            while (frame := self.peer._frame(seconds)) is not None:
                self.heard += frame
        except OSError:
            pass
        return self.heard


def answers_path(stage):
    """Where the upstream publishes: every frontend is told."""
    peer = Peer(stage.state / "run/balancer.front", id := incarnation())
    peer.send("HELLO", role="frontend", incarnation=id, version=1)
    address = peer.expect("PEER", 5 * SLOW)["address"]
    peer.close()
    return address.removeprefix("ipc://")


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("frames"), keys=KEYS, env={"LOG_LEVEL": "INFO"}) as stage:
        yield stage
        assert_exactly_once(stage)


@pytest.fixture
def unharmed(stage):
    """Streams run while the test does; after it they are whole, all processes live, no memory is lost, nothing else ran."""
    begun, memory = stage.sim.total(), {name: stage.memory(name) for name in SERVANTS}
    pids = {name: stage.pid(name) for name in SERVANTS}
    with begin_scripted(stage, 10, chunks=CHUNKS, pace_ms=25) as streams:
        streams.wait_events(1, 10 * SLOW)
        streams.others = 0  # calls that the test makes besides
        yield streams
        for stream in streams.join(30 * SLOW):
            stream.assert_numbered(CHUNKS)
    assert stage.chat("still here").status == 200
    assert pids == {name: stage.pid(name) for name in SERVANTS} and all(map(stage.is_alive, SERVANTS))
    assert stage.sim.total() == begun + 11 + streams.others
    for name in SERVANTS:
        assert IS_SANITIZED or stage.memory(name) < memory[name] + GROWTH_MOST, f"{name} has grown"


def random_values(chance, kind):
    """A letter of this kind with anything in its fields."""
    def value(form):
        if form == "u64":
            return chance.choice([0, 1, 2, 127, 2 ** 32, 2 ** 63, 2 ** 64 - 1, chance.getrandbits(64)])
        if form == "boolean":
            return chance.random() < 0.5
        text = chance.choice([b"", b"x", b"\0", b"frontend", b"../../etc/passwd", bytes(chance.randbytes(40)), b"%s%n" * 9])
        return text
    return pack(kind, **{name: value(form) for name, form in FIELDS[kind]})


@pytest.mark.parametrize("socket", SOCKETS)
def test_frames_that_are_no_letters_are_refused(stage, unharmed, socket):
    chance = random.Random(7)
    for _ in range(4):
        with Stranger(stage, socket) as stranger:
            for frame in HUGE:
                stranger.say(frame)
                stranger.say(b"\x91\x03", frame)
                stranger.say(frame, b"", frame)
            for size in [1, 2, 3, 9, 30, 300, 5000] * 30:
                stranger.say(chance.randbytes(size))
                stranger.say(*(chance.randbytes(chance.randrange(20)) for _ in range(chance.randrange(1, 6))))
            letter = pack(chance.choice(list(FIELDS)))
            for end in range(len(letter)):
                stranger.say(letter[:end])


@pytest.mark.parametrize("socket", ["balancer.front", "balancer.up", "recorder"])
def test_strange_routing_ids_are_refused(stage, unharmed, socket):
    for identity in (b"", b"\0", b"12345", b"\0" * 7 + b"\1", bytes(8), b"x" * 200):
        try:
            with Stranger(stage, socket, identity) as stranger:
                for kind in FIELDS:
                    stranger.say(pack(kind))
                stranger.say(pack("HELLO", role="frontend", incarnation=0, version=1))
                assert b"WELCOME" not in stranger.listen()
        except OSError:
            continue  # the connection was refused as such


@pytest.mark.parametrize("socket", SOCKETS)
def test_letters_of_any_kind_with_anything_in_them_do_no_harm(stage, unharmed, socket):
    """Before HELLO. A peer that has said HELLO in its own role is trusted with its own calls."""
    chance = random.Random(11)
    with Stranger(stage, socket) as stranger:
        for _ in range(30):
            for kind in FIELDS:
                if kind != "HELLO":
                    stranger.say(random_values(chance, kind))
        stranger.listen(0.2)


def hello(stranger, role):
    stranger.say(pack("HELLO", role=role, incarnation=stranger.id, version=1, address="ipc:///nowhere", slots=1000))
    return stranger.listen(0.2)


@pytest.mark.short
def test_nobody_becomes_an_upstream_on_the_frontends_socket(stage, unharmed):
    """Calls wait meanwhile for an upstream's slot; a stranger that were believed would get them, key and all."""
    for socket, role in (("balancer.front", "upstream"), ("balancer.front", "recorder"), ("balancer.front", "balancer"),
                         ("balancer.up", "frontend"), ("balancer.up", "admin"), ("balancer.up", "")):
        with Stranger(stage, socket) as stranger:
            frontend = int(incarnation_of(stage, "frontend-0"), 16)
            assert not kinds_in(hello(stranger, role)) & {"WELCOME"}, (socket, role)
            for kind in ("SEES", "READY", "BEAT"):
                stranger.say(pack(kind, **({"peer": frontend} if kind == "SEES" else {})))
            assert kinds_in(stranger.listen(0.2)) <= {"WHO"}, (socket, role)
            assert not stage.log("balancer", "peer.joined", peer=f"{stranger.id:x}"), (socket, role)


def kinds_in(frames):
    """The kinds of the letters in these bytes."""
    return {kind for kind, _ in unpack(frames)} if frames else set()


def calls_of(stage):
    return [(int(line["call"], 16), int(line["offer"])) for line in stage.dump("frontend")["frontend-0"]
            if line["event"] == "dump.call"]


@pytest.mark.short
def test_another_frontends_calls_cannot_be_cancelled(stage, unharmed):
    victim, upstream = int(incarnation_of(stage, "frontend-0"), 16), int(incarnation_of(stage, "upstream-0"), 16)
    calls = calls_of(stage)
    assert len(calls) == 10
    with Stranger(stage, "balancer.front") as stranger:
        assert "WELCOME" in kinds_in(hello(stranger, "frontend"))
        for call, offer in calls:
            for frontend in (victim, stranger.id, 0):
                stranger.say(pack("CANCEL", frontend=frontend, call=call, offer=offer) +
                             pack("CANCEL", frontend=frontend, call=call, offer=2 ** 64 - 1))
        stranger.say(pack("LOST", upstream=upstream) + pack("UNSEES", peer=upstream) + pack("LEAVE"))
        stranger.listen(0.2)


def test_over_the_answers_socket_comes_no_job_and_nobody_elses_letter(stage, unharmed):
    calls = calls_of(stage)
    with Stranger(stage, "answers") as stranger:
        for frontend in (stranger.id, incarnation(), 0):
            for call, offer in calls:
                for kind in ("CANCEL", "ACK", "RESUME", "BODY"):
                    extra = {"seq": 10 ** 6} if kind in ("ACK", "RESUME") else {}
                    stranger.say(pack(kind, frontend=frontend, call=call, offer=offer, **extra))
            job = {"frontend": frontend, "call": 1, "offer": 1, "attempt": 1, "pool": "gemini", "model": "gemini-2.5-flash",
                   "operation": "generateContent", "path": "/models/gemini-2.5-flash:generateContent", "left_ms": 60_000,
                   "body_len": 2, "body": b"{}", "key": "key-ok-1"}
            for balancer in (0, incarnation()):
                stranger.say(pack("JOB", balancer=balancer, **job))
            stranger.say(pack("REKEY", frontend=frontend, call=calls[0][0], offer=1, key="key-ok-1"))
            stranger.say(pack("STOP", frontend=frontend, call=calls[0][0], offer=1))
            stranger.say(pack("WELCOME", incarnation=frontend))
        stranger.listen(0.2)


@pytest.mark.parametrize("address", ["", "nonsense", "tcp://192.0.2.1:1", "tcp://127.0.0.1:99999", "ipc://" + "x" * 300,
                                     "inproc://monitor-0", "ipc:///nowhere/at/all", "tcp://127.0.0.1:1\0"])
def test_an_upstream_with_an_address_that_cannot_be_harms_no_frontend(stage, unharmed, address):
    with Stranger(stage, "balancer.up") as stranger:
        stranger.say(pack("HELLO", role="upstream", incarnation=stranger.id, version=1, address=address, slots=1))
        stranger.say(pack("READY"))
        stranger.listen(0.2)
        assert stage.chat("does it still answer?").status == 200
        unharmed.others += 1


@pytest.mark.release_only
@pytest.mark.parametrize("socket", SOCKETS)
def test_a_million_letters_do_no_harm(stage, unharmed, socket):
    """From somebody unknown, and where that may be, from somebody who has said HELLO."""
    for greets in (False, True):
        with Stranger(stage, socket) as stranger:
            if greets and socket != "answers":
                hello(stranger, "upstream" if socket == "recorder" else "frontend")
            for letter in (pack("BEAT"), pack("LEAVE"), pack("ACK", frontend=stranger.id)):
                for _ in range(MILLION // 10_000 // 6):
                    stranger.say(letter * 10_000)
            for _ in range(1000):
                stranger.say(pack("READY"))
        assert stage.chat("is it still quick?", seconds=10).status == 200
        unharmed.others += 1
