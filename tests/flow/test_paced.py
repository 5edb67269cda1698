# SPDX-License-Identifier: Apache-2.0
"""A chat's text flows: small pieces with pauses, whatever the provider sends at once; and nothing is lost by it."""
import json

import pytest

from stage import TOKEN, Stage, scripted

TEXT = "Größe 👩‍👩‍👧: " + "ein längerer Satz, der auf einmal kommt. " * 3
TOOLS = [{"type": "function", "function": {"name": "f"}}]


@pytest.fixture(scope="module", params=["false", "true"], ids=["streamed", "gathered"])
def stage(tmp_path_factory, request):
    env = {"STREAM_OPTIMIZER_ENABLED": "true", "STREAM_MIN_DELAY": "0.002", "STREAM_MAX_DELAY": "0.004", "FAKE_STREAM_ENABLED": request.param}
    with Stage(tmp_path_factory.mktemp("paced"), keys=["key-ok-1"], database=False, admin=False, env=env) as stage:
        stage.is_gathered = request.param == "true"
        yield stage


@pytest.fixture(autouse=True)
def forget(stage):
    yield
    stage.sim.reset()


def pieces(stream):
    return [choice["delta"]["content"] for chunk in stream.chunks for choice in chunk["choices"] if choice["delta"].get("content")]


@pytest.mark.short
def test_a_long_text_goes_by_small_pieces(stage):
    stream = stage.chat_stream(scripted("x", text=TEXT, chunks=1), stream_options={"include_usage": True})
    assert stream.is_whole and stream.done and stream.finish == "stop" and stream.usage["total_tokens"] > 0
    assert stream.text == TEXT and 20 <= len(pieces(stream)) and all("👩" not in piece or "👩‍👩‍👧" in piece for piece in pieces(stream))


def test_a_short_text_goes_by_characters(stage):
    stream = stage.chat_stream(scripted("x", text="Hello", chunks=1))
    assert pieces(stream) == list("Hello") and stream.done


def test_calls_come_behind_the_text_and_whole(stage):
    stream = stage.chat_stream(scripted("", text="Look here.", calls=2), tools=TOOLS)
    deltas = [choice["delta"] for chunk in stream.chunks for choice in chunk["choices"]]
    first = next(i for i, delta in enumerate(deltas) if "tool_calls" in delta)
    assert "".join(delta.get("content") or "" for delta in deltas[:first]) == "Look here." and stream.finish == "tool_calls"


def test_very_much_text_at_once_is_not_held_back(stage):
    stream = stage.chat_stream(scripted("x", reply_bytes=200_000, chunks=2), seconds=30)
    assert stream.is_whole and stream.done and len(stream.text) == 200_000 and len(pieces(stream)) <= 600


def test_several_choices_flow_side_by_side(stage):
    stream = stage.chat_stream(scripted("x", text=TEXT), n=2)
    texts = ["", ""]
    for chunk in stream.chunks:
        for choice in chunk["choices"]:
            texts[choice["index"]] += choice["delta"].get("content") or ""
    assert texts == [TEXT, TEXT] and stream.done


def test_an_error_comes_behind_all_that_there_was(stage):
    stream = stage.chat_stream(scripted("x", text=TEXT, chunks=2, error_after_events=1), reasoning_effort="none")
    if stage.is_gathered:  # whose provider has no events
        assert stream.done and stream.text == TEXT
    else:
        assert not stream.done and stream.error and TEXT.startswith(stream.text) and len(stream.text) > 20


def test_many_streams_flow_at_once(stage):
    for stream in stage.run_streams(50, scripted("x", text=TEXT)):
        assert stream.is_whole and stream.done and stream.text == TEXT


def test_a_client_that_goes_leaves_nothing_behind(stage):
    for _ in range(5):
        with stage.raw() as raw:
            body = json.dumps(stage.chat_body(scripted("x", text=TEXT * 20, chunks=4, pace_ms=20), stream=True))
            raw.send(f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
                     f"Content-Length: {len(body)}\r\n\r\n{body}")
            raw.more()
    assert stage.chat_stream(scripted("x", text="Hi", chunks=1)).text == "Hi"
