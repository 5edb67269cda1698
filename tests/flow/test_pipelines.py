# SPDX-License-Identifier: Apache-2.0
"""Requests behind each other on one connection, cut anywhere: each gets its own answer, and no body is another's."""
import random
import re
import socket
import time

import pytest

from stage import SLOW, Stage, TOKEN

SECONDS = 20 * SLOW
GET = b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n"
COUNT = b'{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}'
SIZES = (1, 100, 32768, 32769, 40000, 70000)  # above 32 KiB bodies are not h2o's


def head(path, length, *lines):
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: h", f"x-goog-api-key: {TOKEN}", f"Content-Length: {length}", *lines, "\r\n"]).encode()


def upload_head(length):
    return head("/upload/v1beta/files", length, "X-Goog-Upload-Protocol: raw", "Content-Type: text/plain")


def count():
    return head("/v1beta/models/gemini-2.5-flash:countTokens", len(COUNT)) + COUNT


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("pipelines"), database=False) as stage:
        yield stage


@pytest.fixture
def link(stage):
    with socket.create_connection(("127.0.0.1", stage.port), timeout=SECONDS) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield link


def told(reply):
    """What a reply was for."""
    size = re.search(rb'"sizeBytes": ?"(\d+)"', reply)
    return int(size[1]) if size else "count" if b"totalTokens" in reply else "health" if b'"status":"healthy"' in reply else reply[:200]


def replies(link, wanted):
    """All replies that have come when there are so many, or the connection is over."""
    got = b""
    link.settimeout(SECONDS)
    while got.count(b"HTTP/1.1 ") < wanted or not got.rstrip().endswith(b"}"):
        piece = link.recv(65536)
        if not piece:
            break
        got += piece
    return [told(reply) for reply in got.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize("seed", range(12))
def test_each_request_gets_its_own_answer(link, seed):
    chance = random.Random(seed)
    requests, wanted = [], []
    for _ in range(chance.randint(2, 5)):
        kind = chance.choice(["health", "count", *SIZES])
        requests.append(GET if kind == "health" else count() if kind == "count" else upload_head(kind) + b"b" * kind)
        wanted.append(kind)
    data = b"".join(requests)
    borders = [sum(map(len, requests[:i])) for i in range(len(requests))]
    cuts = sorted({0, len(data), *(min(len(data), max(0, chance.choice(borders) + chance.randint(-5, 400))) for _ in range(5))})
    for begin, end in zip(cuts, cuts[1:]):
        link.sendall(data[begin:end])
        time.sleep(chance.choice([0, 0.002, 0.02]))
    assert replies(link, len(wanted)) == wanted


def test_a_body_that_nobody_sends_is_not_made_of_memory(stage, link):
    """The second head comes with the first request and so is h2o's; the third comes with the second body's end."""
    link.sendall(GET + upload_head(40000) + b"a" * 10)
    assert replies(link, 1) == ["health"]
    link.sendall(b"a" * 39990 + upload_head(30000))
    assert replies(link, 1) == [40000]
    time.sleep(0.3)
    link.sendall(b"c" * 30000)
    assert replies(link, 1) == [30000]
    assert stage.is_alive("frontend")
