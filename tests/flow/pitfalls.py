# SPDX-License-Identifier: Apache-2.0
"""What the tests of pitfalls share: one stage, chats that are asked of it, and what came to the provider for them. The numbers of
these tests are those of the list of cases that have broken other gateways, and of the vectors of the translation."""
import json

import pytest

from stage import CHAT, TOKEN, Stage

NEW, OLD, OLDER = "gemini-3.5-flash", "gemini-2.5-flash", "gemini-2.0-flash"
SKIP = "skip_thought_signature_validator"
PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg=="
KEYS = ("key-ok-1", "key-ok-2", "key-ok-3")


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    env = {"SAFETY_SETTINGS": "[]", "SHOW_THINKING_PROCESS": "false", "SEARCH_MODELS": json.dumps([NEW])}
    with Stage(tmp_path_factory.mktemp("pitfalls"), keys=KEYS, database=False, env=env) as stage:
        yield stage


def user(content):
    return {"role": "user", "content": content}


def called(*calls, content=None):
    """A message of the assistant's with calls (id, name, arguments)."""
    return {"role": "assistant", "content": content, "tool_calls": [
        {"id": number, "type": "function", "function": {"name": name, "arguments": arguments}} for number, name, arguments in calls]}


def result(number, content):
    return {"role": "tool", "tool_call_id": number, "content": content}


def tool(name, **more):
    return {"type": "function", "function": {"name": name} | more}


def schema(**properties):
    return {"type": "object", "properties": properties}


def ask(stage, messages="hi", model=OLD, **fields):
    """The reply's JSON, and the body that the provider got last."""
    messages = [user(messages)] if isinstance(messages, str) else messages
    answer = stage.request("POST", CHAT, {"model": model, "messages": messages} | fields)
    assert answer.status == 200, answer.text
    return answer.json, json.loads(stage.sim.last()["body"])


def sent(stage, messages="hi", model=OLD, **fields):
    return ask(stage, messages, model, **fields)[1]


def said(stage, messages="hi", model=OLD, **fields):
    """The first choice."""
    return ask(stage, messages, model, **fields)[0]["choices"][0]


def refused(stage, messages="hi", model=OLD, status=400, **fields):
    """The error, and how many requests it cost."""
    messages = [user(messages)] if isinstance(messages, str) else messages
    before = stage.sim.total()
    answer = stage.request("POST", CHAT, {"model": model, "messages": messages} | fields)
    assert answer.status == status, answer.text
    return answer.json["error"], stage.sim.total() - before


def streamed(stage, text, model=OLD, **fields):
    """The chunks of a stream, and whether [DONE] ended it."""
    stream = stage.chat_stream(text, model=model, **fields)
    assert stream.status == 200, stream.body
    return stream.chunks, stream.done


def deltas(chunks):
    return [choice["delta"] for chunk in chunks for choice in chunk.get("choices", [])]


def finishes(chunks):
    return [choice["finish_reason"] for chunk in chunks for choice in chunk.get("choices", []) if choice["finish_reason"]]


def parts_of(body, role):
    """The parts of all contents of a role, one list for each content."""
    return [content["parts"] for content in body["contents"] if content["role"] == role]


def native(stage, path, body, headers=None, method="POST"):
    return stage.request(method, path, body, {"x-goog-api-key": TOKEN} | (headers or {}), token=None)
