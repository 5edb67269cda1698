# SPDX-License-Identifier: Apache-2.0
"""/openai/v1 and /v1beta/openai: Google's own endpoint in OpenAI's language, byte for byte, with the pool's keys."""
import json

import pytest

from clients import TOKEN, ask, node, python, stage  # noqa: F401
from stage import Stage

MODEL = "gemini-2.5-flash"
PREFIXES = ["/openai/v1", "/v1beta/openai", "/gemini/v1beta/openai"]
BODY = '{ "model":"gemini-2.5-flash", "messages" : [{"role":"user","content":"hello"}], "temperature":1.00, "odd":null }'


def direct(stage, method, path, body=None):
    from stage import http
    return http(stage.sim.port, method, "/v1beta/openai" + path, body, {"Authorization": "Bearer key-direct"})


@pytest.mark.short
@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_chat_passes_both_ways(stage, prefix):
    answer = stage.request("POST", prefix + "/chat/completions", BODY.encode(), token=TOKEN)
    assert answer.status == 200 and answer.body == direct(stage, "POST", "/chat/completions", BODY).body
    assert answer.headers["x-gateway-model"] == MODEL
    seen = [one for one in stage.sim.requests(2) if one["key"] != "key-direct"][-1]
    assert seen["body"] == BODY and seen["path"] == "/v1beta/openai/chat/completions"
    headers = {name.lower(): value for name, value in seen["headers"].items()} if isinstance(seen["headers"], dict) else {}
    assert "x-goog-api-key" not in headers


@pytest.mark.parametrize("prefix", PREFIXES)
def test_so_does_a_stream(stage, prefix):
    body = BODY.replace("{ ", '{ "stream":true, ', 1)
    answer = stage.request("POST", prefix + "/chat/completions", body.encode(), token=TOKEN)
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/event-stream")
    assert answer.body == direct(stage, "POST", "/chat/completions", body).body
    assert answer.text.endswith("data: [DONE]\n\n")


def test_vectors_and_models_too(stage):
    body = json.dumps({"model": "gemini-embedding-001", "input": ["a", "b"]})
    answer = stage.request("POST", "/openai/v1/embeddings", body.encode(), token=TOKEN)
    assert answer.status == 200 and answer.body == direct(stage, "POST", "/embeddings", body).body
    for path in ("/models", f"/models/{MODEL}", f"/models/models/{MODEL}"):
        answer = stage.request("GET", "/openai/v1" + path, token=TOKEN)
        assert answer.status == 200 and answer.body == direct(stage, "GET", path).body, path


def test_errors_are_in_openais_form(stage):
    for path, body, status in (("/chat/completions", {"model": MODEL, "messages": []}, 400),
                               ("/chat/completions", {"model": "gemini-none", "messages": [{"role": "user", "content": "a"}]}, 404),
                               ("/nothing", {}, 404)):
        answer = stage.request("POST", "/openai/v1" + path, body, token=TOKEN)
        assert answer.status == status, answer.text
        assert set(answer.json["error"]) == {"message", "type", "param", "code"}
    answer = stage.request("POST", "/openai/v1/chat/completions", BODY.encode(), token="wrong")
    assert answer.status == 401 and answer.json["error"]["code"] == "invalid_api_key"


def test_a_key_that_is_out_of_quota_is_left_for_another(stage_of):
    stage = stage_of(keys=["key-ok-1", "key-ok-2"], database=False, tokens=[TOKEN])
    stage.sim.key("key-ok-1", "minute60")
    for _ in range(6):
        assert stage.request("POST", "/openai/v1/chat/completions", BODY.encode(), token=TOKEN).status == 200
    assert stage.sim.by_key() == {"key-ok-1": 1, "key-ok-2": 6}
    assert stage.chat("hello", model=MODEL, token=TOKEN).status == 200, "and the native way knows it"
    assert stage.sim.by_key() == {"key-ok-1": 1, "key-ok-2": 7}


def test_a_model_that_is_gone_is_replaced_and_nothing_else(stage):
    body = BODY.replace(MODEL, "gemini-1.0-pro")
    answer = stage.request("POST", "/openai/v1/chat/completions", body.encode(), token=TOKEN)
    assert answer.status == 200 and answer.headers["x-gateway-model"] == MODEL
    assert stage.sim.last()["body"] == BODY


@pytest.mark.parametrize("prefix", PREFIXES[:2])
def test_openais_sdks_read_it(stage, python, node, prefix):
    said, finish, tokens, models = ask(stage, python, "openai_sdk.py", "chat", PREFIX=prefix, MODEL=MODEL)
    assert said == "You said: Hello, world!" and finish == "stop" and tokens > 0 and f"models/{MODEL}" in models
    assert ask(stage, python, "openai_sdk.py", "stream", PREFIX=prefix, MODEL=MODEL)[0] == "You said: Hello, world!"
    assert ask(stage, node, "openai_sdk.js", "chat", PREFIX=prefix, MODEL=MODEL)[0] == "You said: Hello, world!"
