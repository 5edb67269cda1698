# SPDX-License-Identifier: Apache-2.0
"""Routes of OpenAI's language under other names: Azure's, those with something in front, and what is not offered."""
import pytest

from clients import TOKEN, ask, python, stage  # noqa: F401
from stage import Stage

MODEL = "gemini-2.5-flash"


def test_azures_client_chats_and_embeds(stage, python):
    said, streamed, size, error = ask(stage, python, "openai_sdk.py", "azure", MODEL=MODEL)
    assert said == streamed == "You said: Hello, world!" and size == 3072
    assert error == ["NotFoundError", 404, "model_not_found"]


def test_the_path_of_azure_names_the_model(stage):
    body = {"messages": [{"role": "user", "content": "hello"}]}
    path = f"/openai/deployments/{MODEL}/chat/completions?api-version=2024-10-21"
    answer = stage.request("POST", path, body, headers={"api-key": TOKEN}, token=None)
    assert answer.status == 200 and answer.json["model"] == MODEL, answer.text
    assert stage.request("POST", path, body | {"model": "gpt-4o"}, headers={"api-key": TOKEN}, token=None).json["model"] == MODEL
    assert stage.request("POST", path, body, headers={"api-key": "wrong"}, token=None).status == 401


def test_moderations_are_said_to_be_absent(stage):
    stage.sim.reset()
    answer = stage.request("POST", "/v1/moderations", {"input": "a"}, token=TOKEN)
    assert answer.status == 404 and answer.json["error"]["code"] == "unknown_url" and "Moderations" in answer.json["error"]["message"]
    assert stage.sim.total() == 0


def test_what_stands_in_front_is_dropped_if_that_is_wished(stage, stage_of):
    path = "/my/prefix/v1/chat/completions"
    assert stage.chat("hello", path=path, token=TOKEN).status == 404
    wished = stage_of(database=False, tokens=[TOKEN], env={"URL_NORMALIZATION_ENABLED": "true"})
    assert wished.chat("hello", path=path, token=TOKEN).json["choices"][0]["message"]["content"] == "You said: hello"
    assert wished.request("GET", "/my/health", token=TOKEN).status == 404
