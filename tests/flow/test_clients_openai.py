# SPDX-License-Identifier: Apache-2.0
"""OpenAI's Python SDK: chat, streams, reasoning, its own exceptions, time-outs, retries, many streams at once."""
import json
import re

import pytest

from clients import MODEL, TOKEN, ask, python, stage, wait_cancelled  # noqa: F401
from stage import ROOT, scripted

PROGRAM = "openai_sdk.py"
NUMBERED = re.compile(r"\[(\d+)\]")
TAKES_PICTURES = any("inlineData" in path.read_text() for path in (ROOT / "frontend").rglob("*.c"))


@pytest.mark.parametrize("prefix", ["/v1", pytest.param("/hf/v1", marks=pytest.mark.release_only)])
def test_it_chats_and_lists_models(stage, python, prefix):
    said, finish, tokens, models = ask(stage, python, PROGRAM, "chat", PREFIX=prefix)
    assert said == "You said: Hello, world!" and finish == "stop" and tokens > 0 and MODEL in models


def test_it_streams_with_usage_and_reasoning(stage, python):
    prompt = scripted(chunks=20, chunk_bytes=10, numbered=True, thoughts=2)
    text, reasoning, usage, finish = ask(stage, python, PROGRAM, "stream", PROMPT=prompt, MODEL="gemini-2.5-flash")
    assert NUMBERED.findall(text) == [str(i) for i in range(20)] and len(text) == 200
    assert reasoning.startswith("Thinking about it") and finish == "stop"
    assert usage["completion_tokens"] == 50 + 20 and usage["completion_tokens_details"]["reasoning_tokens"] == 20


def test_it_completes_as_it_did_in_former_times(stage, python):
    whole, texts, finishes, usage, ids, tokens, suffix = ask(stage, python, PROGRAM, "completions", MODEL="gemini-2.0-flash")
    assert whole["object"] == "text_completion" and whole["id"].startswith("cmpl-") and whole["model"] == "gemini-2.0-flash"
    assert [choice["index"] for choice in whole["choices"]] == [0, 1]
    for choice in whole["choices"]:
        lists = choice["logprobs"]
        assert choice["text"] == "Hello, world!You said: Hello, world!" and choice["finish_reason"] == "stop"
        assert [choice["text"][at:at + len(token)] for at, token in zip(lists["text_offset"], lists["tokens"])] == lists["tokens"]
        assert len(lists["token_logprobs"]) == len(lists["tokens"]) and all(2 <= len(top) <= 3 for top in lists["top_logprobs"])
    assert whole["usage"]["total_tokens"] == whole["usage"]["prompt_tokens"] + whole["usage"]["completion_tokens"] > 0
    assert texts == ["You said: Hello, world!", "You said: Second"] and finishes == {"0": "stop", "1": "stop"}
    assert len(usage) == 1 and usage[0]["completion_tokens"] > 0 and len(ids) == 1 and ids[0][1] == "text_completion"
    assert [tokens[:2], suffix] == [["BadRequestError", 400], ["BadRequestError", 400, "unsupported_parameter"]]


def test_it_raises_its_own_errors(stage, python):
    stage.sim.reset()
    found = ask(stage, python, PROGRAM, "errors")
    assert [name for name, _, _ in found] == ["AuthenticationError", "AuthenticationError", "NotFoundError",
                                              "BadRequestError", "BadRequestError", "NotFoundError"]
    assert [status for _, status, _ in found] == [401, 401, 404, 400, 400, 404]
    assert found[0][2] == "invalid_api_key" and found[2][2] == "model_not_found" and found[5][2] == "unknown_url"
    assert stage.sim.total() == 0, "one of them reached the provider"


@pytest.mark.release_only
@pytest.mark.parametrize("mode, name, status", [("minute60", "RateLimitError", 429), ("invalid", "InternalServerError", 503),
                                                ("overloaded", "InternalServerError", 503)])
def test_a_provider_that_refuses_becomes_its_exception(stage_of, python, mode, name, status):
    stage = stage_of(keys=[f"key-{mode}-1"], tokens=[TOKEN], database=False, env={"TIME_OUT": "1", "MAX_RETRIES": 1})
    assert ask(stage, python, PROGRAM, "fails")[:2] == [name, status]


@pytest.mark.release_only
def test_it_notices_a_stream_that_broke(stage, python):
    prompt = scripted(chunks=20, chunk_bytes=10, numbered=True, pace_ms=20, cut_after_events=5)
    count, (name, _, _) = ask(stage, python, PROGRAM, "broken_stream", PROMPT=prompt)
    assert (count, name) == (5, "APIError")


def test_its_time_out_cancels_the_call(stage, python):
    before = stage.sim.counts()["cancelled"]
    assert ask(stage, python, PROGRAM, "times_out", PROMPT=scripted(first_ms=600_000))[0] == "APITimeoutError"
    wait_cancelled(stage, before)


@pytest.mark.release_only
def test_it_retries_when_we_say_that_it_may(stage_of, python):
    """The one key rests for four seconds, longer than a call waits here. Of its own the SDK would ask again within two,
    once, and be refused: only if it obeys our Retry-After its second try is a good one."""
    stage = stage_of(keys=["key-ok-1"], tokens=[TOKEN], database=False, env={"TIME_OUT": "1"})
    stage.sim.key("key-ok-1", "minute4", times=1)
    said, seconds = ask(stage, python, PROGRAM, "retries", MODEL="gemini-2.5-flash")
    assert said == "You said: Hello, world!" and seconds >= 3
    assert stage.sim.total() == 2


@pytest.mark.release_only
def test_fifty_streams_at_once(stage, python):
    prompt = scripted(chunks=30, chunk_bytes=12, numbered=True, pace_ms=5)
    texts = ask(stage, python, PROGRAM, "parallel", PROMPT=prompt, COUNT=50)
    assert len(texts) == 50
    for text in texts:
        assert NUMBERED.findall(text) == [str(i) for i in range(30)]


@pytest.mark.skipif(not TAKES_PICTURES, reason="the frontend does not translate pictures yet (no inlineData in its sources)")
def test_it_sends_a_picture(stage, python):
    said, data = ask(stage, python, PROGRAM, "picture")
    assert said.startswith("You said: What is this?")
    parts = json.loads(stage.sim.last()["body"])["contents"][0]["parts"]
    assert [part.get("inlineData") for part in parts if "inlineData" in part] == [{"mimeType": "image/png", "data": data}]


def test_it_calls_tools_and_parses_answers(stage, python):
    parsed, finish, answer, streamed, again = ask(stage, python, PROGRAM, "tools", PROMPT=scripted(calls=2), MODEL="gemini-3.5-flash")
    assert parsed == again == ["Weather"] * 2 and streamed == ["Weather"] * 2
    assert finish == "stop" and answer == "Weather"
