# SPDX-License-Identifier: Apache-2.0
"""The list of models, which is kept and shared, and what serves in place of models that are gone."""
import json
import threading

import pytest

from clients import TOKEN, ask, python  # noqa: F401
from stage import SLOW, Stage
from test_embeddings import unit

LIST = "/v1/models"
GONE = "gemini-1.0-pro"  # of these the simulator says so
GONE_EMBEDDING = "text-embedding-004"
CREATED = 1702425600


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("models"), database=False, tokens=[TOKEN],
               env={"MODEL_ALIASES": "gpt-4o=gemini-2.5-flash, gpt-none=gemini-none"}) as stage:
        yield stage


@pytest.fixture
def stage(shared):
    """A frontend that knows no list yet."""
    shared.restart("frontend")
    shared.wait_ready()
    shared.sim.reset()
    return shared


def get(stage, path=LIST):
    return stage.request("GET", path, token=TOKEN)


def chat(stage, model, **rest):
    return stage.chat("hello", model=model, token=TOKEN, **rest)


def lists(stage):
    """How often the provider was asked for one."""
    return sum(request["path"] == "/v1beta/models" for request in stage.sim.requests())


def path_of_last(stage):
    return stage.sim.last()["path"].removeprefix("/v1beta/models/")


@pytest.mark.short
def test_the_list_is_that_of_the_keys(stage):
    answer = get(stage)
    assert answer.status == 200 and answer.json["object"] == "list"
    theirs = [model["name"].removeprefix("models/") for model in stage.sim.direct("GET", "/v1beta/models?pageSize=1000").json["models"]]
    ids = [model["id"] for model in answer.json["data"]]
    assert [name for name in ids if name in theirs or name == "gpt-4o"] == [*theirs, "gpt-4o"]
    assert "gemini-2.5-flash-search" in ids and get(stage, f"{LIST}/gemini-2.5-flash-search").status == 200
    assert {(model["object"], model["owned_by"], model["created"]) for model in answer.json["data"]} == {("model", "google", CREATED)}


def test_it_is_kept_and_shared(stage):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(get(stage))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60 * SLOW)
    assert [answer.status for answer in answers] == [200] * 20 and len({answer.body for answer in answers}) == 1
    assert lists(stage) == 3, "each of three keys is asked once"
    assert get(stage).status == 200 and lists(stage) == 3


def test_one_model_is_told(stage):
    for name in ("gemini-2.5-flash", "models/gemini-2.5-flash", "models%2Fgemini-2.5-flash", "gpt-4o"):
        model = get(stage, f"{LIST}/{name}")
        assert model.status == 200 and model.json["id"] == name.replace("%2F", "/"), model.text
        assert (model.json["object"], model.json["owned_by"], model.json["created"]) == ("model", "google", CREATED)
    for name in ("gemini-none", "gpt-none", "a/b", "gemini-pro-vision"):
        error = get(stage, f"{LIST}/{name}")
        assert error.status == 404 and error.json["error"]["code"] == "model_not_found", error.text
    assert get(stage, f"{LIST}/{GONE}").json["root"] == "models/gemini-2.5-flash"


def test_a_list_that_cannot_be_had_is_the_providers_error(stage_of):
    stage = stage_of(keys=["key-invalid-1"], database=False, tokens=[TOKEN])
    for path in (LIST, f"{LIST}/gemini-2.5-flash"):
        answer = get(stage, path)
        assert answer.status == 503 and answer.json["error"]["code"] == "no_available_key", answer.text
    stage.sim.key("key-invalid-1", "ok")


@pytest.mark.parametrize("is_stream", [False, True])
def test_a_model_that_is_gone_is_replaced(stage, is_stream):
    for _ in range(2):
        answer = chat(stage, f"models/{GONE}", stream=is_stream)
        assert answer.status == 200 and answer.headers["x-gateway-model"] == "gemini-2.5-flash"
        assert f'"model":"models/{GONE}"' in answer.text
        assert path_of_last(stage).startswith("gemini-2.5-flash:")
    assert lists(stage) == 3


def test_one_that_is_still_there_is_not(stage):
    answer = chat(stage, "gemini-1.5-flash")
    assert answer.status == 200 and answer.headers["x-gateway-model"] == "gemini-1.5-flash"
    assert path_of_last(stage) == "gemini-1.5-flash:generateContent"


def test_an_alias_needs_no_list(stage):
    answer = chat(stage, "gpt-4o")
    assert answer.status == 200 and answer.json["model"] == "gpt-4o"
    assert answer.headers["x-gateway-model"] == "gemini-2.5-flash" and lists(stage) == 0


def test_a_vector_keeps_the_size_that_it_had(stage):
    answer = stage.request("POST", "/v1/embeddings", {"model": GONE_EMBEDDING, "input": "hello"}, token=TOKEN)
    assert answer.status == 200 and answer.json["model"] == GONE_EMBEDDING
    assert answer.headers["x-gateway-model"] == "gemini-embedding-001"
    asked = {"content": {"parts": [{"text": "hello"}]}, "outputDimensionality": 768}
    want = stage.sim.direct("POST", "/v1beta/models/gemini-embedding-001:embedContent", json.dumps(asked)).json
    assert answer.json["data"][0]["embedding"] == pytest.approx(unit(want["embedding"]["values"]), rel=1e-5)


def test_googles_own_calls_too(stage):
    body = {"contents": [{"parts": [{"text": "hello"}]}]}
    answer = stage.request("POST", f"/v1beta/models/{GONE}:generateContent", body, token=TOKEN)
    assert answer.status == 200 and answer.headers["x-gateway-model"] == "gemini-2.5-flash"
    assert json.loads(stage.sim.last()["body"]) == body
    assert stage.request("GET", "/v1beta/models?pageSize=1", token=TOKEN).body == stage.sim.direct("GET", "/v1beta/models?pageSize=1").body


def test_a_list_that_does_not_come_does_not_hold_a_chat_up(stage_of):
    stage = stage_of(keys=["key-ok-1"], database=False, tokens=[TOKEN])
    stage.sim.key("key-ok-1", "hanging", times=1)  # the list
    assert chat(stage, GONE).headers["x-gateway-model"] == "gemini-2.5-flash"


def test_openais_python_sdk_reads_them(stage, python):
    ids, one, error = ask(stage, python, "openai_sdk.py", "models", PREFIX="/v1")
    assert "gemini-2.5-flash" in ids and one == "gemini-2.5-flash" and error == ["NotFoundError", 404, "model_not_found"]


@pytest.mark.parametrize("model", ["imagen-3.0-generate-002", "imagen-4.0-generate-preview-06-06"])
def test_pictures_too(stage, model):
    answer = stage.request("POST", "/v1/images/generations", {"model": model, "prompt": "a cat"}, token=TOKEN)
    assert answer.status == 200 and answer.headers["x-gateway-model"] == "gemini-3.1-flash-image", answer.text
