# SPDX-License-Identifier: Apache-2.0
"""A chat's stream that is asked of the provider as a whole answer: nothing but empty pieces until it is there, then all of it in chunks."""
import pytest

from stage import MODEL, Stage, scripted

KEYS = ["key-ok-1", "key-ok-2", "key-ok-3"]


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    env = {"FAKE_STREAM_ENABLED": "true", "FAKE_STREAM_EMPTY_DATA_INTERVAL_SECONDS": "50ms", "STREAM_PING": "0"}
    with Stage(tmp_path_factory.mktemp("fake"), keys=KEYS, database=False, admin=False, env=env) as stage:
        yield stage


@pytest.fixture(autouse=True)
def forget(stage):
    yield
    stage.sim.reset()


def deltas(stream):
    return [choice["delta"] for chunk in stream.chunks for choice in chunk["choices"]]


def asked(stage):
    return stage.sim.last()["path"]


@pytest.mark.short
def test_a_stream_is_asked_for_whole(stage):
    stream = stage.chat_stream("hello", stream_options={"include_usage": True})
    assert stream.is_whole and stream.done and stream.finish == "stop" and stream.text == "You said: hello"
    assert stream.usage["total_tokens"] > 0 and asked(stage).endswith(":generateContent")


def test_until_then_the_client_gets_empty_pieces(stage):
    stream = stage.chat_stream(scripted("slow", first_ms=600))
    empty = [delta for delta in deltas(stream) if delta.get("content") == ""]
    assert len(empty) >= 3 and all(delta["role"] == "assistant" for delta in empty)
    assert stream.is_whole and stream.done and stream.text == "You said: slow"


def test_calls_and_thoughts_come_in_chunks_of_their_own(stage):
    tools = [{"type": "function", "function": {"name": "f"}}]
    stream = stage.chat_stream(scripted("", calls=2, thoughts=1), tools=tools)
    calls = [call for delta in deltas(stream) for call in delta.get("tool_calls", [])]
    assert [call["index"] for call in calls] == [0, 1] and stream.finish == "tool_calls"
    assert any("reasoning_content" in delta for delta in deltas(stream))


def test_several_choices(stage):
    stream = stage.chat_stream("hello", n=2)
    finished = [choice["index"] for chunk in stream.chunks for choice in chunk["choices"] if choice["finish_reason"]]
    assert sorted(finished) == [0, 1] and stream.done


def test_an_error_before_any_piece_has_its_status_and_one_behind_is_an_event(stage):
    stage.sim.script(error_status=400, error_message="No.")
    assert stage.chat_stream("hello").status == 400
    stage.sim.script(error_status=400, error_message="No.", first_ms=400)
    stream = stage.chat_stream("hello")
    assert stream.status == 200 and not stream.done and stream.error["message"] == "No."


def test_an_empty_answer(stage):
    stage.sim.script(empty=True)
    stream = stage.chat_stream("hello")
    assert stream.is_whole and stream.done and stream.finish == "stop" and stream.text == "" and stage.sim.total() == 3


def test_googles_own_streams_are_as_ever(stage):
    body = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
    answer = stage.request("POST", f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse", body)
    assert answer.status == 200 and len(answer.events) > 1 and asked(stage).endswith(":streamGenerateContent")
