# SPDX-License-Identifier: Apache-2.0
"""LangChain's ChatOpenAI, of the newest LangChain and of the last one before 1.0."""
import json
import re

import pytest

from clients import ask, old_python, python, stage  # noqa: F401
from stage import scripted

PROGRAM = "langchain_openai_chat.py"


@pytest.fixture(params=["python", "old_python"])
def langchain(request):
    return request.getfixturevalue(request.param)


def test_it_invokes(stage, langchain):
    said, tokens, finish = ask(stage, langchain, PROGRAM, "invoke")
    assert said == "You said: Hello, world!" and tokens > 0 and finish == "stop"
    body = json.loads(stage.sim.last()["body"])
    assert [turn["role"] for turn in body["contents"]] == ["user", "model", "user"]
    assert body["systemInstruction"]["parts"] == [{"text": "Be brief."}]


def test_it_streams(stage, langchain):
    text, tokens = ask(stage, langchain, PROGRAM, "stream", PROMPT=scripted(chunks=40, chunk_bytes=10, numbered=True))
    assert re.findall(r"\[(\d+)\]", text) == [str(i) for i in range(40)] and len(tokens) == 1 and tokens[0] > 0


def test_it_asks_in_batches(stage, langchain):
    assert ask(stage, langchain, PROGRAM, "batch") == [f"You said: question {i}" for i in range(10)]


def test_it_raises_openais_error(stage, python):
    assert ask(stage, python, PROGRAM, "fails", TOKEN="stranger") == ["AuthenticationError", 401]
