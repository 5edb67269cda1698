# SPDX-License-Identifier: Apache-2.0
"""Google's SDKs for Python and Node, pointed at our native routes."""
import json
import re

import pytest

from clients import TOKEN, ask, node, python, stage  # noqa: F401
from stage import scripted

MODEL = "gemini-2.5-flash"
NUMBERED = re.compile(r"\[(\d+)\]")


@pytest.mark.parametrize("which, program, refusals", [
    ("python", "genai_sdk.py", [["ClientError", 401, "UNAUTHENTICATED"], ["ClientError", 404, "NOT_FOUND"],
                                ["ClientError", 400, "INVALID_ARGUMENT"]]),
    ("node", "genai_sdk.js", [["ApiError", 401], ["ApiError", 404], ["ApiError", 400]]),
])
def test_it_generates_streams_lists_models_calls_tools_draws_and_raises(stage, request, which, program, refusals):
    """One program for all of it: importing the SDK takes longer than all its calls."""
    prompt = scripted(chunks=40, chunk_bytes=10, numbered=True)
    generated, streamed, raised, turns, called, drawn = ask(stage, request.getfixturevalue(which), program,
                                                            "generate,stream,errors,turns,tools,images", PROMPT=prompt,
                                                            CALLS=scripted(calls=2))
    assert turns == ["You said: first", "You said: second"] and drawn == ["image/png", True]
    assert called == {"python": [2, True, "Place"], "node": [["weather", "weather"], True, ["place"]]}[which]
    text, finish, tokens, names = generated
    assert NUMBERED.findall(text) == [str(i) for i in range(40)] and finish == "STOP" and tokens > 0
    assert f"models/{MODEL}" in names
    text, finish = streamed
    assert NUMBERED.findall(text) == [str(i) for i in range(40)] and finish == "STOP"
    assert raised == refusals


@pytest.mark.parametrize("which, program, count", [("python", "genai_sdk.py", 9), ("node", "genai_sdk.js", 8)])
def test_it_makes_uses_lists_and_deletes(stage, request, which, program, count):
    stage.sim.file("key-ok-2", f"files/of-{which}")
    found, = ask(stage, request.getfixturevalue(which), program, "objects", FILE=f"files/of-{which}")
    assert found[-1] == 3072 and found[-3] == "JOB_STATE_SUCCEEDED" and len(found) == count
    assert all(found), found


def test_python_interacts(stage, python):
    (status, is_found, kinds, said), = ask(stage, python, "genai_sdk.py", "interactions")
    assert said[0] != "GenAiDefaultError" and said[1] in (404, None), said
    assert status == "completed" and is_found and kinds == ["interaction.created", "step.delta", "interaction.completed"]


@pytest.mark.release_only
def test_node_interacts(stage, node):
    (status, is_found, kinds), = ask(stage, node, "genai_sdk.js", "interactions")
    assert status == "completed" and is_found and kinds == ["interaction.created", "step.delta", "interaction.completed"]


@pytest.mark.release_only
def test_python_keeps_a_conversation(stage, python):
    assert ask(stage, python, "genai_sdk.py", "turns") == [["You said: first", "You said: second"]]
    body = json.loads(stage.sim.last()["body"])
    assert [turn["role"] for turn in body["contents"]] == ["user", "model", "user"]
    assert body["systemInstruction"]["parts"] == [{"text": "Be brief."}]


@pytest.mark.release_only
@pytest.mark.parametrize("mode, name, code, status", [("minute60", "ClientError", 429, "RESOURCE_EXHAUSTED"),
                                                      ("overloaded", "ServerError", 503, "UNAVAILABLE")])
def test_a_provider_that_refuses_becomes_pythons_exception(stage_of, python, mode, name, code, status):
    stage = stage_of(keys=[f"key-{mode}-1"], tokens=[TOKEN], database=False, env={"TIME_OUT": "1", "MAX_RETRIES": 1})
    assert ask(stage, python, "genai_sdk.py", "fails") == [[name, code, status]]


@pytest.mark.parametrize("which, program, count", [("python", "genai_sdk.py", 6), ("node", "genai_sdk.js", 4)])
def test_it_uploads_files_of_several_chunks(stage, request, which, program, count):
    (made,) = ask(stage, request.getfixturevalue(which), program, "upload")
    assert made == [[True, "d", "text/plain", "ACTIVE", True]] * count
