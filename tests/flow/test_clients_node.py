# SPDX-License-Identifier: Apache-2.0
"""OpenAI's Node SDK, axios, and the fetch of Node."""
import json
import re

import pytest

from clients import MODEL, ask, node, stage, wait_cancelled  # noqa: F401
from stage import scripted

SDK = "openai_sdk.js"
HTTP = "http.js"
NUMBERED = re.compile(r"\[(\d+)\]")


def text_of(events):
    assert events[-1] == "[DONE]"
    return "".join(choice["delta"].get("content") or "" for event in events[:-1] for choice in json.loads(event)["choices"])


# ---------------------------------------------------------------------------------------------------------- OpenAI's SDK

@pytest.mark.parametrize("prefix", ["/v1", "/hf/v1"])
def test_the_sdk_chats_and_lists_models(stage, node, prefix):
    said, finish, tokens, models = ask(stage, node, SDK, "chat", PREFIX=prefix)
    assert said == "You said: Hello, world!" and finish == "stop" and tokens > 0 and MODEL in models


def test_the_sdk_streams_with_usage(stage, node):
    text, usage, finish = ask(stage, node, SDK, "stream", PROMPT=scripted(chunks=40, chunk_bytes=10, numbered=True))
    assert NUMBERED.findall(text) == [str(i) for i in range(40)] and finish == "stop"
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0


def test_the_sdk_raises_its_own_errors(stage, node):
    found = ask(stage, node, SDK, "errors")
    assert found == [["AuthenticationError", True, 401, "invalid_api_key"], ["NotFoundError", True, 404, "model_not_found"],
                     ["BadRequestError", True, 400, found[2][3]], ["BadRequestError", True, 400, found[3][3]],
                     ["NotFoundError", True, 404, "unknown_url"]]


def test_the_sdk_notices_a_stream_that_broke(stage, node):
    prompt = scripted(chunks=20, chunk_bytes=10, numbered=True, pace_ms=20, cut_after_events=5)
    count, error = ask(stage, node, SDK, "brokenStream", PROMPT=prompt)
    assert count == 5 and error and error[1], error


def test_a_stream_that_the_sdk_aborts_is_cancelled_upstream(stage, node):
    before = stage.sim.counts()["cancelled"]
    prompt = scripted(chunks=100_000, chunk_bytes=10, numbered=True, pace_ms=20)
    count, still_open = ask(stage, node, SDK, "abort", PROMPT=prompt)
    assert count >= 3 and still_open == 0, "open upstream, though the client has aborted"
    wait_cancelled(stage, before)


def test_the_sdk_retrieves_a_model(stage, node):
    assert ask(stage, node, SDK, "models") == ["gemini-2.5-flash", "model", ["NotFoundError", True, 404, "model_not_found"]]


def test_the_sdk_calls_tools_and_parses_answers(stage, node):
    kinds, said, shaped, streamed, ran, last = ask(stage, node, SDK, "tools", PROMPT=scripted(calls=2), MODEL="gemini-3.5-flash")
    assert kinds == streamed == ran == ["city"] * 2 and shaped == "city"
    assert "rain" in said and "sunshine" in last


# ------------------------------------------------------------------------------------------------------- axios and fetch

@pytest.mark.parametrize("task", ["axiosStream", "fetchStream"])
def test_a_stream(stage, node, task):
    status, content_type, events = ask(stage, node, HTTP, task, PROMPT=scripted(chunks=40, chunk_bytes=10, numbered=True))
    assert status == 200 and content_type.startswith("text/event-stream")
    assert NUMBERED.findall(text_of(events)) == [str(i) for i in range(40)]


def test_fetch_chats(stage, node):
    status, content_type, reply = ask(stage, node, HTTP, "fetchChat", PROMPT="Grüße, 世界")
    assert status == 200 and content_type.startswith("application/json")
    assert reply["choices"][0]["message"]["content"] == "You said: Grüße, 世界"


def test_axios_gets_the_error(stage, node):
    status, content_type, body = ask(stage, node, HTTP, "axiosError")
    assert status == 400 and content_type.startswith("application/json") and body["error"]["param"] == "n", body
