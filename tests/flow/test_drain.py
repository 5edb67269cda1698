# SPDX-License-Identifier: Apache-2.0
"""An ordinary stop: what is open may end; what cannot is told so in its own language, before the time is up."""
import json
import re
import signal

import pytest

from client import Streams
from stage import CHAT, MODEL, SLOW, TOKEN, Stage, scripted

ENDLESS = {"chunks": 2000, "chunk_bytes": 20, "numbered": True, "pace_ms": 20}
NATIVE = f"/v1beta/models/{MODEL}:streamGenerateContent"


@pytest.fixture
def stage(tmp_path):
    with Stage(tmp_path, keys=["key-ok-1"], env={"DRAIN": "2"}, admin=False) as stage:
        yield stage


def native_body(text):
    return json.dumps({"contents": [{"role": "user", "parts": [{"text": text}]}]}).encode()


def begin(stage, kind):
    """An endless stream of that kind."""
    text, headers = scripted(**ENDLESS), stage.stream_headers(TOKEN)
    ask = {"chat": ("POST", CHAT, json.dumps(stage.chat_body(text, True)).encode(), headers),
           "native": ("POST", f"{NATIVE}?alt=sse", native_body(text), headers)}[kind]
    return Streams(stage.port, 1, lambda i: ask)


def stop(stage, name="frontend-0"):
    stage.kill(name, signal.SIGTERM, wait=False)


@pytest.mark.parametrize("kind", ["chat", "native"])
def test_an_open_stream_hears_that_the_gateway_stops(stage, kind):
    with begin(stage, kind) as running:
        running.wait_events(5, 10)
        stop(stage)
        [stream] = running.join(20 * SLOW)
    assert stream.numbers == list(range(len(stream.numbers))) and len(stream.numbers) >= 5
    assert len(stream.errors) == 1 and "error" in stream.chunks[-1] and not stream.done
    if kind == "chat":
        assert stream.error["code"] == "gateway_stopping" and stream.ending == "end"
    else:
        assert stream.error["code"] == 503 and stream.ending != "end"
    stage.wait_dead("frontend-0", 10)
    [line] = stage.log("frontend-0", "call.done")
    assert line["error"] == "STOPPING"
    assert [row["fault"] for row in stage.wait_rows(1)] == ["client_gone"], "nobody waits for the rest"


def test_what_ends_in_time_ends_well(stage):
    with stage.streams(1, chunks=20, chunk_bytes=20, numbered=True, pace_ms=20) as running:
        running.wait_events(5, 10)
        stop(stage)
        [stream] = running.join(20 * SLOW)
    stream.assert_numbered(20)
    stage.wait_dead("frontend-0", 10)


def test_an_array_ends_with_the_error_as_its_last_element(stage):
    with stage.raw(seconds=20) as raw:
        body = native_body(scripted(**ENDLESS))
        raw.send(b"POST %s HTTP/1.1\r\nHost: x\r\nx-goog-api-key: %s\r\nContent-Length: %d\r\n\r\n" %
                 (NATIVE.encode(), TOKEN.encode(), len(body)) + body)
        raw.until(b"[5]")
        stop(stage)
        rest = raw.rest().decode()
    text = re.sub(r"\r\n[0-9a-f]+\r\n", "", rest)
    assert '"status": "UNAVAILABLE"' in text and text.rstrip("\r\n0").endswith("]")
