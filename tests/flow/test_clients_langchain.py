# SPDX-License-Identifier: Apache-2.0
"""LangChain's ChatOpenAI, of the newest LangChain and of the last one before 1.0, and its ChatGoogleGenerativeAI."""
import json
import re

import pytest

from clients import ask, old_python, python, stage  # noqa: F401
from stage import scripted

PROGRAM = "langchain_openai_chat.py"


@pytest.mark.parametrize("which", ["python", pytest.param("old_python", marks=pytest.mark.release_only)])
def test_chat_openai_invokes_streams_batches_and_raises(stage, request, which):
    """One program for all of it: importing LangChain takes longer than all its calls."""
    python = request.getfixturevalue(which)
    prompt = scripted(chunks=40, chunk_bytes=10, numbered=True)
    invoked, streamed, batched, failed = ask(stage, python, PROGRAM, "invoke,stream,batch,fails", PROMPT=prompt)
    text, tokens, finish = invoked
    assert re.findall(r"\[(\d+)\]", text) == [str(i) for i in range(40)] and tokens > 0 and finish == "stop"
    text, tokens = streamed
    assert re.findall(r"\[(\d+)\]", text) == [str(i) for i in range(40)] and len(tokens) == 1 and tokens[0] > 0
    assert batched == [f"You said: question {i}" for i in range(10)]
    names, status = failed
    assert "NotFoundError" in names and status == 404


@pytest.mark.release_only
def test_chat_openai_sends_all_turns(stage, python):
    ask(stage, python, PROGRAM, "invoke")
    body = json.loads(stage.sim.last()["body"])
    assert [turn["role"] for turn in body["contents"]] == ["user", "model", "user"]
    assert body["systemInstruction"]["parts"] == [{"text": "Be brief."}]


@pytest.mark.release_only
def test_both_classes_call_tools_and_answer_in_shapes(stage, python):
    found = ask(stage, python, "langchain_google.py", "all", NUMBERED=scripted(chunks=5, numbered=True), CALLS=scripted(calls=2))
    said = {"said": ["You said: hello", True], "streamed": ["[0][1][2][3][4]", True], "called": [["Weather", "Weather"], True],
            "shaped": "Weather", "embedded": [3072, 3072]}
    assert found == {"google": said, "openai": said}
