# SPDX-License-Identifier: Apache-2.0
"""Embeddings in OpenAI's language: vectors as the provider gives them, long lists in several calls, mistakes told before the
provider is asked. OpenAI's own SDKs for Python and Node read them."""
import base64
import json
import math
import struct

import pytest

from clients import ask, node, python, stage  # noqa: F401
from clients import TOKEN
from stage import SLOW

MODEL = "gemini-embedding-001"
PATH = "/v1/embeddings"


def embed(stage, path=PATH, **fields):
    return stage.request("POST", path, {"model": MODEL} | fields, token=TOKEN)


def vectors(stage, texts, model=MODEL, **settings):
    """What the provider gives for them."""
    requests = [{"model": f"models/{model}", "content": {"parts": [{"text": text}]}} | settings for text in texts]
    answer = stage.sim.direct("POST", f"/v1beta/models/{model}:batchEmbedContents", json.dumps({"requests": requests}))
    return [item["values"] for item in answer.json["embeddings"]]


def unit(vector):
    length = math.sqrt(sum(number * number for number in vector))
    return [number / length for number in vector]


@pytest.mark.short
@pytest.mark.parametrize("path", [PATH, "/hf/v1/embeddings", "/embeddings"])
def test_a_text_becomes_a_vector_in_the_providers_spelling(stage, path):
    answer = embed(stage, path, input="hello")
    assert answer.status == 200, answer.text
    asked = json.dumps({"model": f"models/{MODEL}", "content": {"parts": [{"text": "hello"}]}})
    raw = stage.sim.direct("POST", f"/v1beta/models/{MODEL}:embedContent?prettyPrint=false", asked).text
    assert answer.text.split('"embedding":[')[1].split("]")[0] == raw.split('"values":[')[1].split("]")[0]
    reply = answer.json
    assert reply["object"] == "list" and reply["model"] == MODEL and reply["usage"] == {"prompt_tokens": 2, "total_tokens": 2}
    assert [(item["object"], item["index"]) for item in reply["data"]] == [("embedding", 0)]


def test_a_list_of_250_is_three_calls_and_one_list(stage):
    stage.sim.reset()
    texts = [f"text {i}" for i in range(250)]
    reply = embed(stage, input=texts).json
    assert [item["index"] for item in reply["data"]] == list(range(250))
    assert stage.sim.total() == 3 and all(request["path"].endswith(":batchEmbedContents") for request in stage.sim.requests())
    for i in (0, 99, 100, 249):
        assert [reply["data"][i]["embedding"]] == vectors(stage, [texts[i]])
    assert reply["usage"]["prompt_tokens"] == sum((len(text) + 3) // 4 for text in texts)


def test_base64_holds_the_same_floats(stage):
    numbers = embed(stage, input=["a", "b"]).json["data"]
    coded = embed(stage, input=["a", "b"], encoding_format="base64").json["data"]
    for plain, text in zip(numbers, coded):
        floats = struct.unpack("<3072f", base64.b64decode(text["embedding"], validate=True))
        assert list(floats) == pytest.approx(plain["embedding"], rel=1e-6)


@pytest.mark.parametrize("model", [MODEL, "gemini-embedding-2"])
@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_shortened_vectors_are_of_length_1(stage, model, encoding):
    found = embed(stage, input="hello", model=model, dimensions=768, encoding_format=encoding).json["data"][0]["embedding"]
    found = struct.unpack("<768f", base64.b64decode(found)) if encoding == "base64" else found
    [want] = vectors(stage, ["hello"], model, outputDimensionality=768)
    assert list(found) == pytest.approx(unit(want), rel=1e-5)
    assert math.sqrt(sum(number * number for number in found)) == pytest.approx(1, rel=1e-5)


def test_the_task_changes_the_vector(stage):
    plain = embed(stage, input="hello").json["data"][0]["embedding"]
    task = {"google": {"task_type": "RETRIEVAL_DOCUMENT", "title": "Greetings"}}
    for fields in ({"extra_body": task}, task, task["google"]):
        reply = embed(stage, input="hello", **fields)
        assert reply.status == 200, reply.text
        assert reply.json["data"][0]["embedding"] == vectors(stage, ["hello"], taskType="RETRIEVAL_DOCUMENT")[0] != plain


REFUSED = [({"input": ""}, "input", None), ({"input": []}, "input", None), ({"input": ["a", ""]}, "input", None),
           ({"input": [1, 2]}, "input", "unsupported_value"), ({"input": [[1]]}, "input", "unsupported_value"),
           ({}, "input", "missing_required_parameter"), ({"input": "a", "dimensions": 0}, "dimensions", None),
           ({"input": "a", "encoding_format": "hex"}, "encoding_format", "unsupported_value")]


@pytest.mark.parametrize("fields, param, code", REFUSED, ids=[json.dumps(fields) for fields, _, _ in REFUSED])
def test_a_mistake_is_told_before_the_provider_is_asked(stage, fields, param, code):
    stage.sim.reset()
    answer = embed(stage, **fields)
    assert answer.status == 400 and answer.json["error"]["param"] == param, answer.text
    assert code is None or answer.json["error"]["code"] == code
    assert stage.sim.total() == 0


def test_the_providers_refusal_is_the_clients(stage):
    answer = embed(stage, input="a", dimensions=100000)
    assert answer.status == 400 and "output_dimensionality" in answer.json["error"]["message"]
    assert embed(stage, input="a", model="gemini-embedding-9").status == 404
    assert embed(stage, input="a", model="gemini-2.5-flash").json["error"]["code"] == "model_not_found"


def test_if_one_of_its_calls_fails_so_does_the_request(stage):
    stage.sim.reset()
    stage.sim.script(model=MODEL, times=1, error_status=400, error_message="Nothing today.")
    answer = embed(stage, input=["a"] * 101)
    assert answer.status == 400 and answer.json["error"]["message"] == "Nothing today."
    stage.wait("no call is left open", lambda: stage.sim.counts()["open"] == 0, 10 * SLOW)


def test_openais_python_sdk_reads_them(stage, python):
    count, size, vector, usage, indices, many, error = ask(stage, python, "openai_sdk.py", "embeddings", PREFIX="/v1")
    assert (count, size, usage) == (1, 3072, {"prompt_tokens": 1, "total_tokens": 1})
    assert vector == pytest.approx(vectors(stage, ["x"])[0], rel=1e-6)
    assert indices == list(range(250)) and error == ["BadRequestError", 400, "unsupported_value"]
    want = vectors(stage, [str(i) for i in range(0, 250, 50)], "gemini-embedding-2", outputDimensionality=256)
    assert many == want


def test_openais_node_sdk_reads_them(stage, node):
    vector, tokens, indices, size = ask(stage, node, "openai_sdk.js", "embeddings", PREFIX="/v1")
    [want] = vectors(stage, ["x"], outputDimensionality=256)
    assert vector == pytest.approx(unit(want), rel=1e-5)
    assert tokens == 1 and indices == list(range(101)) and size == 3072
