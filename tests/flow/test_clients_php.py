# SPDX-License-Identifier: Apache-2.0
"""PHP's own HTTP and its curl extension."""
import json
import re

import pytest

from clients import ask, php, stage  # noqa: F401
from stage import scripted

PROGRAM = "http.php"
STREAM = scripted(chunks=40, chunk_bytes=10, numbered=True, pace_ms=5)


@pytest.fixture
def curl(stage, php):
    if not ask(stage, php, PROGRAM, "has_curl"):
        pytest.skip("this PHP has no curl extension")
    return php


def numbers_of(lines):
    assert lines[-1] == "data: [DONE]"
    events = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    text = "".join(choice["delta"].get("content") or "" for event in events for choice in event["choices"])
    return [int(number) for number in re.findall(r"\[(\d+)\]", text)]


def test_curl_chats(stage, curl):
    status, reply = ask(stage, curl, PROGRAM, "curl_chat")
    assert status == 200 and reply["choices"][0]["message"]["content"] == "You said: Hello, world!"


def test_curl_streams_in_pieces(stage, curl):
    status, pieces, text = ask(stage, curl, PROGRAM, "curl_stream", PROMPT=STREAM)
    assert status == 200 and pieces > 1, "it came all at once"
    assert numbers_of([line for line in text.splitlines() if line]) == list(range(40))


def test_its_own_http_streams_by_lines(stage, php):
    """It asks with HTTP/1.1 and Connection: close, and reads to the end of the connection."""
    lines = [line for line in ask(stage, php, PROGRAM, "stream_lines", PROMPT=STREAM) if line.startswith("data: ")]
    assert numbers_of(lines) == list(range(40))


def test_its_own_http_gets_the_error(stage, php):
    line, body = ask(stage, php, PROGRAM, "error_body")
    assert re.fullmatch(r"HTTP/1\.[01] 400 .+", line) and body["error"]["param"] == "messages", (line, body)
