# SPDX-License-Identifier: Apache-2.0
"""Google's SDKs for Python and Node, pointed at our native routes."""
import json
import re

import pytest

from clients import TOKEN, ask, node, python, stage  # noqa: F401
from stage import scripted

MODEL = "gemini-2.5-flash"
NUMBERED = re.compile(r"\[(\d+)\]")


@pytest.fixture(params=["python", "node"])
def sdk(request):
    """(command, program) of either SDK; their tasks have the same names."""
    return request.getfixturevalue(request.param), {"python": "genai_sdk.py", "node": "genai_sdk.js"}[request.param]


def test_it_generates_and_lists_models(stage, sdk):
    said, finish, tokens, names = ask(stage, *sdk, "generate")
    assert said == "You said: Hello, world!" and finish == "STOP" and tokens > 0 and f"models/{MODEL}" in names


def test_it_streams(stage, sdk):
    text, finish = ask(stage, *sdk, "stream", PROMPT=scripted(chunks=40, chunk_bytes=10, numbered=True))
    assert NUMBERED.findall(text) == [str(i) for i in range(40)] and finish == "STOP"


def test_python_keeps_a_conversation(stage, python):
    assert ask(stage, python, "genai_sdk.py", "turns") == ["You said: first", "You said: second"]
    body = json.loads(stage.sim.last()["body"])
    assert [turn["role"] for turn in body["contents"]] == ["user", "model", "user"]
    assert body["systemInstruction"]["parts"] == [{"text": "Be brief."}]


def test_python_raises_its_own_errors(stage, python):
    assert ask(stage, python, "genai_sdk.py", "errors") == [
        ["ClientError", 401, "UNAUTHENTICATED"], ["ClientError", 404, "NOT_FOUND"], ["ClientError", 400, "INVALID_ARGUMENT"]]


def test_node_raises_its_own_errors(stage, node):
    assert ask(stage, node, "genai_sdk.js", "errors") == [["ApiError", 401], ["ApiError", 404], ["ApiError", 400]]


@pytest.mark.parametrize("mode, name, code, status", [("minute60", "ClientError", 429, "RESOURCE_EXHAUSTED"),
                                                      ("overloaded", "ServerError", 503, "UNAVAILABLE")])
def test_a_provider_that_refuses_becomes_pythons_exception(stage_of, python, mode, name, code, status):
    stage = stage_of(keys=[f"key-{mode}-1"], tokens=[TOKEN], database=False, env={"TIME_OUT": "1", "MAX_RETRIES": 1})
    assert ask(stage, python, "genai_sdk.py", "fails") == [name, code, status]
