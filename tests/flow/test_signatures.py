# SPDX-License-Identifier: Apache-2.0
"""Thought signatures find back to their calls, whatever the client drops and whoever is killed meanwhile."""
import json

import pytest

from stage import CHAT, TOKEN, Stage, scripted

NEW, MID = "gemini-3.5-flash", "gemini-2.5-flash"
SKIP = "skip_thought_signature_validator"
OTHER_TOKEN = "test-token-2"
TOOLS = [{"type": "function", "function": {"name": "clock"}}]


def stage_with(folder, **env):
    return Stage(folder, frontends=2, tokens=[TOKEN, OTHER_TOKEN], database=False, admin=False, env=env)


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with stage_with(tmp_path_factory.mktemp("signatures")) as stage:
        yield stage


def ask(stage, messages, model=NEW, token=TOKEN, **more):
    answer = stage.request("POST", CHAT, {"model": model, "messages": messages, "tools": TOOLS} | more, token=token)
    assert answer.status == 200, answer.text
    return answer


def begin(stage, model=NEW, **more):
    """A call, its signature, and the history as a client has it that knows OpenAI's members only."""
    asked = {"role": "user", "content": scripted("", calls=1)}
    [call] = ask(stage, [asked], model, **more).json["choices"][0]["message"]["tool_calls"]
    signature = call["extra_content"]["google"]["thought_signature"]
    return signature, history(asked, call)


def history(asked, call):
    bare = {name: call[name] for name in ("id", "type", "function")}
    return [asked, {"role": "assistant", "content": None, "tool_calls": [bare]},
            {"role": "tool", "tool_call_id": bare["id"], "content": "12:00"}]


def returned(stage):
    """The signature that the provider was sent."""
    contents = json.loads(stage.sim.last()["body"])["contents"]
    return contents[-2]["parts"][0].get("thoughtSignature")


@pytest.mark.short
@pytest.mark.parametrize("model", [NEW, MID])
def test_a_signature_that_the_client_drops_comes_back(stage, model):
    signature, messages = begin(stage, model)
    for _ in range(4):  # by either frontend
        ask(stage, messages, model)
        assert returned(stage) == signature


def test_it_comes_back_from_a_stream_too(stage):
    asked = {"role": "user", "content": scripted("", calls=1)}
    answer = stage.request("POST", CHAT, {"model": NEW, "messages": [asked], "tools": TOOLS, "stream": True})
    [call] = [call for event in answer.events if event != "[DONE]" for choice in json.loads(event)["choices"]
              for call in choice["delta"].get("tool_calls", [])]
    ask(stage, history(asked, call))
    assert returned(stage) == call["extra_content"]["google"]["thought_signature"]


def test_it_is_the_clients_own(stage):
    _, messages = begin(stage)
    ask(stage, messages, token=OTHER_TOKEN)
    assert returned(stage) == SKIP


def test_another_family_of_models_does_not_get_it(stage):
    _, messages = begin(stage, MID)
    ask(stage, messages, NEW)
    assert returned(stage) == SKIP


def is_healthy(stage):
    try:
        return stage.request("GET", "/health").status == 200
    except OSError:
        return False  # its frontend is not there yet


def test_it_survives_kills_of_all_processes(stage):
    signature, messages = begin(stage)
    for name in ("frontend-0", "frontend-1", "balancer", "upstream-0"):
        stage.kill(name)
        stage.start(name)
    stage.wait("calls are served again", lambda: is_healthy(stage))
    ask(stage, messages)
    assert returned(stage) == signature


def test_without_a_cache_the_provider_is_told_to_go_on(tmp_path):
    with stage_with(tmp_path, SIGNATURE_CACHE="0") as stage:
        _, messages = begin(stage)
        ask(stage, messages)
        assert returned(stage) == SKIP


def test_it_may_travel_in_the_id(tmp_path):
    with stage_with(tmp_path, SIGNATURE_CACHE="0", SIGNATURE_IDS="true") as stage:
        signature, messages = begin(stage)
        assert messages[1]["tool_calls"][0]["id"].endswith("__thought__" + signature)
        ask(stage, messages)
        assert returned(stage) == signature
