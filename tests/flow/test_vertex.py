# SPDX-License-Identifier: Apache-2.0
"""Vertex AI in express mode: a pool of its own at an address of its own. The simulator takes Vertex's keys (vertex-…) there and nowhere
else, so a call that went the wrong way would be refused."""
import json

import pytest

from stage import MODEL, TOKEN, Stage

VERTEX = "/vertex-express"
NATIVE = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
KEYS = {"vertex-ok-1", "vertex-ok-2"}


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("vertex"), database=False, admin=False, keys=("key-ok-1",),
               env={"VERTEX_API_KEYS": json.dumps(sorted(KEYS))}) as stage:
        yield stage


@pytest.fixture(autouse=True)
def fresh(stage):
    stage.sim.reset()


def google(stage, path, body=NATIVE):
    return stage.request("POST", path, json.dumps(body), {"x-goog-api-key": TOKEN}, token=None)


def last(stage):
    request = stage.sim.last()
    return request["path"], request["key"]


@pytest.mark.short
@pytest.mark.parametrize("prefix", ["v1beta", "v1beta1", "v1"])
@pytest.mark.parametrize("verb", ["generateContent", "streamGenerateContent", "countTokens"])
def test_googles_calls_go_to_vertex(stage, prefix, verb):
    answer = google(stage, f"{VERTEX}/{prefix}/models/{MODEL}:{verb}")
    assert answer.status == 200, answer.text
    path, key = last(stage)
    assert path == f"/v1beta1/publishers/google/models/{MODEL}:{verb}" and key in KEYS


@pytest.mark.parametrize("path", [f"{VERTEX}/v1/chat/completions", f"{VERTEX}/chat/completions"])
@pytest.mark.parametrize("stream", [False, True])
def test_chats_go_to_vertex(stage, path, stream):
    body = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}], "stream": stream}
    answer = stage.request("POST", path, json.dumps(body))
    assert answer.status == 200 and "You said: hi" in answer.text.replace('"}}]', "") or stream
    path, key = last(stage)
    assert path.startswith("/v1beta1/publishers/google/models/") and key in KEYS


def test_each_pool_has_its_own_keys_in_turn(stage):
    for _ in range(4):
        assert google(stage, f"{VERTEX}/v1beta/models/{MODEL}:generateContent").status == 200
        assert google(stage, f"/v1beta/models/{MODEL}:generateContent").status == 200
    assert stage.sim.by_key() == {"vertex-ok-1": 2, "vertex-ok-2": 2, "key-ok-1": 4}


def test_a_quota_of_one_pool_does_not_hold_up_the_other(stage):
    for key in KEYS:
        stage.sim.key(key, "minute90", times=1)
    refused = google(stage, f"{VERTEX}/v1beta/models/gemini-2.5-pro:generateContent")
    assert refused.status == 429 and refused.json["error"]["status"] == "RESOURCE_EXHAUSTED"
    assert google(stage, "/v1beta/models/gemini-2.5-pro:generateContent").status == 200
    assert set(stage.sim.by_key()) == KEYS | {"key-ok-1"}
    assert google(stage, f"{VERTEX}/v1beta/models/{MODEL}:generateContent").status == 200  # another model of theirs


def test_a_bad_key_is_replaced_by_another_of_the_same_pool(stage):
    stage.sim.key("vertex-ok-1", "overloaded", times=1)
    stage.sim.key("vertex-ok-2", "internal", times=1)
    assert google(stage, f"{VERTEX}/v1beta/models/{MODEL}:generateContent").status == 200
    assert "key-ok-1" not in stage.sim.by_key()


def test_models_are_listed_by_geminis_keys(stage):
    answer = stage.request("GET", f"{VERTEX}/v1beta/models", headers={"x-goog-api-key": TOKEN}, token=None)
    assert answer.status == 200 and answer.json["models"] and last(stage)[1] == "key-ok-1"
    assert stage.request("GET", f"{VERTEX}/v1/models").json["object"] == "list"


@pytest.mark.parametrize("path, status", [(f"{VERTEX}/v1beta/files", 404), (f"{VERTEX}/v1beta/models/{MODEL}:batchGenerateContent", 404),
                                          (f"{VERTEX}/v1beta/models/a..b/../c:generateContent", 404)])
def test_what_vertex_does_not_have_is_not_found(stage, path, status):
    answer = google(stage, path)
    assert answer.status == status and answer.json["error"]["status"] == "NOT_FOUND" and stage.sim.total() == 0


def test_files_of_gemini_are_not_at_vertex(stage):
    body = {"contents": [{"role": "user", "parts": [
        {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc", "mimeType": "image/png"}}]}]}
    answer = google(stage, f"{VERTEX}/v1beta/models/{MODEL}:generateContent", body)
    assert answer.status in (403, 404) and "files/abc" in answer.text and stage.sim.total() == 0


def test_wrong_tokens_are_refused_in_both_languages(stage):
    answer = stage.request("POST", f"{VERTEX}/v1beta/models/{MODEL}:generateContent", "{}", {"x-goog-api-key": "x"}, token=None)
    assert answer.status == 401 and answer.json["error"]["details"][0]["reason"] == "API_KEY_INVALID"
    answer = stage.request("POST", f"{VERTEX}/v1/chat/completions", "{}", token="x")
    assert answer.status == 401 and answer.json["error"]["code"] == "invalid_api_key"


def test_a_pool_of_vertex_alone_serves(tmp_path):
    with Stage(tmp_path, database=False, admin=False, keys=(), env={"VERTEX_API_KEYS": "vertex-ok-1"}) as stage:
        assert google(stage, f"{VERTEX}/v1/models/{MODEL}:generateContent").status == 200
        assert stage.chat("p").status == 503
        stage.kill("balancer")
        stage.start("balancer")
        stage.wait_ready()
        assert google(stage, f"{VERTEX}/v1/models/{MODEL}:generateContent").status == 200
