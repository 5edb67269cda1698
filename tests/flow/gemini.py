# SPDX-License-Identifier: Apache-2.0
"""A Gemini simulator by itself, for the tests of the simulator: test_simulator*.py."""

import http.client
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import time
import zlib

import pytest

BINARY = pathlib.Path(os.environ.get("BUILD_DIR", "build")) / "bin" / "gemini-simulator"
MODEL = "gemini-2.5-flash"
PATTERN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ."
DEADLINE_S = 20
TICK_S = 0.002  # the simulator's clock has whole milliseconds


class Simulator:
    """A running simulator and the ways to talk to it."""

    def __init__(self, *options):
        self.process = subprocess.Popen([str(BINARY), "--port", "0", *options], stdout=subprocess.PIPE, text=True)
        self.line = self.process.stdout.readline()
        self.host, port = re.fullmatch(r"simulator: http://([\d.]+):(\d+)\n", self.line).groups()
        self.port = int(port)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        rest = self.process.stdout.read()
        return self.process.wait(DEADLINE_S), rest

    def request(self, method, path, body=None, headers=None):
        link = http.client.HTTPConnection(self.host, self.port, timeout=DEADLINE_S)
        try:
            link.request(method, path, body, headers or {})
            answer = link.getresponse()
            return answer, answer.read()
        finally:
            link.close()

    def admin(self, path, body=None):
        data = None if body is None else json.dumps(body)
        answer, text = self.request("GET" if body is None else "POST", "/admin/" + path, data)
        assert answer.status == 200, text
        return json.loads(text)

    def counts(self):
        return self.admin("counts")

    def last(self, count=1):
        return self.admin(f"requests?last={count}")["requests"]

    def post(self, body, method="generateContent", key="key-ok", model=MODEL, query="", version="v1beta"):
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        headers = {"Content-Type": "application/json"}
        if key is not None:
            headers["x-goog-api-key"] = key
        return self.request("POST", f"/{version}/models/{model}:{method}{query}", data, headers)

    def say(self, text="Hello", script=None, **where):
        return self.post(prompt(text, script), **where)

    def json(self, body, **where):
        """What a body is answered with, when all is well."""
        answer, text = self.post(body, **where)
        assert answer.status == 200, text
        return json.loads(text)

    def stream(self, text="Hello", script=None, **where):
        return self.say(text, script, method="streamGenerateContent", query="?alt=sse", **where)

    def open(self, script=None, method="streamGenerateContent", query="?alt=sse", key="key-ok"):
        """A socket with a request sent on it, for tests that look at the bytes."""
        body = json.dumps(prompt("Hello", script)).encode()
        link = socket.create_connection((self.host, self.port), timeout=DEADLINE_S)
        link.sendall(
            f"POST /v1beta/models/{MODEL}:{method}{query} HTTP/1.1\r\nHost: x\r\nx-goog-api-key: {key}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode() + body
        )
        return link


def prompt(text="Hello", script=None):
    if script is not None:
        text += "\n#sim " + json.dumps(script)
    return {"contents": [{"role": "user", "parts": [{"text": text}]}]}


def read_all(link):
    """All bytes until the end, and whether that was a reset."""
    data = b""
    try:
        while chunk := link.recv(65536):
            data += chunk
    except ConnectionResetError:
        return data, True
    return data, False


def head_and_chunks(data):
    """The header and the chunks of a chunked answer, the last one's framing not needed to be whole."""
    head, rest = data.split(b"\r\n\r\n", 1)
    chunks = []
    while rest:
        size, rest = rest.split(b"\r\n", 1)
        size = int(size, 16)
        if size == 0:
            break
        chunks.append(rest[:size])
        rest = rest[size + 2 :]
    return head.decode(), chunks


def events_of(body):
    """The events of an SSE body, which must be made as Google makes them."""
    parts = body.decode().split("\r\n\r\n")
    assert parts.pop() == ""
    assert all(p.startswith("data: {") and "\n" not in p for p in parts)
    return [json.loads(p[len("data: ") :]) for p in parts]


def text_of(*answers):
    parts = [p for a in answers for c in a["candidates"] for p in c["content"].get("parts", [])]
    return "".join(p["text"] for p in parts if not p.get("thought"))


def finish_of(answer):
    return answer["candidates"][0].get("finishReason")


def error_of(answer, body):
    error = json.loads(body)["error"]
    assert error["code"] == answer.status
    return error


def detail_of(error, kind):
    found = [d for d in error.get("details", []) if d["@type"] == "type.googleapis.com/google.rpc." + kind]
    return found[0] if found else None


def size_of_png(png):
    """Width and height of a picture whose every chunk and row is as it must be."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, pixels, size = 8, b"", None
    while at < len(png):
        length = int.from_bytes(png[at:at + 4], "big")
        kind, data = png[at + 4:at + 8], png[at + 8:at + 8 + length]
        assert zlib.crc32(kind + data) == int.from_bytes(png[at + 8 + length:at + 12 + length], "big")
        at += length + 12
        if kind == b"IHDR":
            size = struct.unpack(">II", data[:8])
        pixels += data if kind == b"IDAT" else b""
    assert kind == b"IEND" and len(zlib.decompress(pixels)) == size[1] * (1 + 3 * size[0])
    return size


def until(claim):
    """Waits until the claim holds."""
    end = time.monotonic() + DEADLINE_S
    while not claim():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.005)


@pytest.fixture(scope="module")
def running():
    simulator = Simulator()
    yield simulator
    assert simulator.stop() == (0, "")


@pytest.fixture
def sim(running):
    running.admin("reset", {})
    yield running
    until(lambda: running.counts()["open"] == 0)
