# SPDX-License-Identifier: Apache-2.0
"""A peer that speaks letters: for tests that stand in for one of the processes. Plain Python, since what it needs of
ZeroMQ's wire protocol (ZMTP 3.0, a DEALER without security on a Unix socket) and of msgpack is little.

What must stay true: kinds and fields come from proto/messages.def, never from a list here.
"""
import os
import re
import select
import socket
import struct
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _tables():
    """Names and fields of all letters, in the order that numbers them."""
    kinds, fields = [None], {}
    for line in (ROOT / "proto/messages.def").read_text().splitlines():
        if told := re.match(r"MESSAGE\((\w+), \w+,", line):
            kinds.append(told[1])
            fields[told[1]] = []
        elif told := re.match(r"FIELD\(\w+, (\w+), (\w+),", line):
            fields[kinds[-1]].append((told[2], told[1]))
    return kinds, fields


KINDS, FIELDS = _tables()
EMPTY = {"u64": 0, "boolean": False, "str": "", "secret": "", "bin": b""}


def _pack_value(value, is_bin=False):
    if value is True or value is False:
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        if value < 0x80:
            return struct.pack("B", value)
        return b"\xcf" + struct.pack(">Q", value)
    data = value.encode() if isinstance(value, str) else bytes(value)
    if is_bin:
        return b"\xc6" + struct.pack(">I", len(data)) + data
    return b"\xdb" + struct.pack(">I", len(data)) + data


def pack(kind, **values):
    """The bytes of a letter; fields that are not named are empty. A `str` may be given as bytes that are no UTF-8."""
    unknown = set(values) - {name for name, _ in FIELDS[kind]}
    assert not unknown, f"{kind} has no {unknown}"
    out = b"\xdc" + struct.pack(">H", len(FIELDS[kind]) + 1) + _pack_value(KINDS.index(kind))
    for name, form in FIELDS[kind]:
        out += _pack_value(values.get(name, EMPTY[form]), form == "bin")
    return out


def _take(data, at):
    """One msgpack value (or array) at `at`: the value and where it ends."""
    first = data[at]
    if first < 0x80:
        return first, at + 1
    if first in (0xc2, 0xc3):
        return first == 0xc3, at + 1
    for base, form in ((0xcc, ">B"), (0xcd, ">H"), (0xce, ">I"), (0xcf, ">Q")):
        if first == base:
            return struct.unpack_from(form, data, at + 1)[0], at + 1 + struct.calcsize(form)
    if 0xa0 <= first <= 0xbf:
        return data[at + 1:at + 1 + (first & 31)].decode(), at + 1 + (first & 31)
    for base, form, is_bin in ((0xd9, ">B", 0), (0xda, ">H", 0), (0xdb, ">I", 0),
                               (0xc4, ">B", 1), (0xc5, ">H", 1), (0xc6, ">I", 1)):
        if first == base:
            start = at + 1 + struct.calcsize(form)
            end = start + struct.unpack_from(form, data, at + 1)[0]
            return (data[start:end] if is_bin else data[start:end].decode()), end
    if 0x90 <= first <= 0x9f:
        count, at = first & 15, at + 1
    else:
        assert first == 0xdc, f"byte {first:#x} begins no value of a letter"
        count, at = struct.unpack_from(">H", data, at + 1)[0], at + 3
    values = []
    for _ in range(count):
        value, at = _take(data, at)
        values.append(value)
    return values, at


def unpack(frame):
    """The letters of a frame, as (kind, {field: value})."""
    letters, at = [], 0
    while at < len(frame):
        values, at = _take(frame, at)
        kind = KINDS[values[0]]
        letters.append((kind, dict(zip([name for name, _ in FIELDS[kind]], values[1:]))))
    return letters


def incarnation():
    return int.from_bytes(b"\x01" + os.urandom(7), "big")


class Peer:
    """One connection to a ROUTER, under a routing id of our choice (a number, or any bytes); kind="XSUB": to an XPUB.
    Raises OSError when it breaks."""

    def __init__(self, path, identity, kind="DEALER"):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(str(path))
        self.buffer = b""
        self.letters = []  # received and not yet taken
        self.socket.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32))
        self._need(64)
        self.buffer = self.buffer[64:]
        routing_id = identity.to_bytes(8, "big") if isinstance(identity, int) else identity
        ready = b"\x05READY" + b"".join(
            bytes([len(name)]) + name + struct.pack(">I", len(value)) + value
            for name, value in ((b"Socket-Type", kind.encode()), (b"Identity", routing_id)))
        self.socket.sendall(b"\x04" + bytes([len(ready)]) + ready)
        while self._frame(10) is not None:
            continue  # READY of the other side is a command, which _frame swallows as None

    def _need(self, count):
        while len(self.buffer) < count:
            self._more()

    def _more(self):
        data = self.socket.recv(1 << 20)
        if not data:
            raise ConnectionResetError("the other side has closed")
        self.buffer += data

    def _frame(self, seconds):
        """The next message frame, None for a command or if none comes in time."""
        while True:
            if len(self.buffer) >= 2:
                flags, wide = self.buffer[0], self.buffer[0] & 2
                head = 9 if wide else 2
                if len(self.buffer) >= head:
                    size = struct.unpack_from(">Q" if wide else "B", self.buffer, 1)[0]
                    if len(self.buffer) >= head + size:
                        body, self.buffer = self.buffer[head:head + size], self.buffer[head + size:]
                        return None if flags & 4 else body
            if not select.select([self.socket], [], [], seconds)[0]:
                return None
            self._more()

    def send_frame(self, *frames):
        """One message of these frames."""
        self.socket.sendall(b"".join((b"\x02" if i == len(frames) else b"\x03") + struct.pack(">Q", len(data)) + data
                                     for i, data in enumerate(frames, 1)))

    def send(self, kind, **values):
        self.send_frame(pack(kind, **values))

    def receive(self, seconds=0.0):
        """The letters that are there, after waiting `seconds` at most for the first."""
        letters, self.letters = self.letters, []
        while (frame := self._frame(0 if letters else seconds)) is not None:
            letters += unpack(frame)
        return letters

    def expect(self, kind, seconds=5.0):
        """Waits for a letter of this kind and returns its fields; others are passed over."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.letters = self.receive(left)
            while self.letters:
                name, fields = self.letters.pop(0)
                if name == kind:
                    return fields
        raise AssertionError(f"no {kind} within {seconds} s")

    def close(self):
        self.socket.close()
