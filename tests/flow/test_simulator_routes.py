# SPDX-License-Identifier: Apache-2.0
"""The simulator's routes besides generateContent: countTokens, embedContent, batchEmbedContents, predict."""

import base64
import json
import math

import pytest

from gemini import MODEL, error_of, prompt, running, sim, size_of_png  # noqa: F401 (fixtures)

EMBEDDER = "gemini-embedding-001"
NEWER = "gemini-embedding-2"
PAINTER = "imagen-4.0-generate-001"
PICTURE = {"inlineData": {"mimeType": "image/png", "data": "aGk="}}


def refused(sim, body, method, model, code=400, status="INVALID_ARGUMENT"):
    answer, text = sim.post(body, method, model=model)
    error = error_of(answer, text)
    assert (answer.status, error["status"]) == (code, status)
    return error["message"]


# -- countTokens ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parts, total", [([{"text": "x" * 401}], 101), ([{"text": "wörld"}, PICTURE], 260)])
def test_tokens_are_counted_as_an_answer_counts_them(sim, parts, total):
    body = {"contents": [{"role": "user", "parts": parts}]}
    counted = sim.json(body, method="countTokens")
    assert counted["totalTokens"] == total
    usage = sim.json(body)["usageMetadata"]
    assert usage["promptTokenCount"] == total
    assert usage["promptTokensDetails"] == counted["promptTokensDetails"]
    assert sum(d["tokenCount"] for d in counted["promptTokensDetails"]) == total


def test_a_whole_request_is_counted_with_system_text_and_tools(sim):
    request = {"model": "models/" + MODEL, **prompt("x" * 40), "systemInstruction": {"parts": [{"text": "y" * 400}]},
               "tools": [{"functionDeclarations": [{"name": "f"}]}]}
    counted = sim.json({"generateContentRequest": request}, method="countTokens")["totalTokens"]
    assert counted > 110
    assert sim.json({k: v for k, v in request.items()})["usageMetadata"]["promptTokenCount"] == counted
    assert sim.json(prompt("x" * 40), method="countTokens")["totalTokens"] == 10


@pytest.mark.parametrize("body, words", [
    ({}, "contents is not specified"),
    ({"contents": [], "what": 1}, "Cannot find field"),
    ({**prompt(), "generationConfig": {}}, "Cannot find field"),
    ({**prompt(), "generateContentRequest": {**prompt(), "model": "models/" + MODEL}}, "only one of contents and"),
    ({"generateContentRequest": prompt()}, "model is required"),
    ({"generateContentRequest": {**prompt(), "model": "models/x"}}, "does not match"),
    ({"contents": [{"role": "what", "parts": [{"text": "x"}]}]}, "valid role"),
    ([], "CountTokensRequest"),
])
def test_wrong_counting_is_refused(sim, body, words):
    assert words in refused(sim, body, "countTokens", MODEL)


# -- Embeddings -----------------------------------------------------------------------------------------------------


def embed(sim, text="the quick brown fox", model=EMBEDDER, **more):
    body = {"model": "models/" + model, "content": {"parts": [{"text": text}]}, **more}
    return sim.json(body, method="embedContent", model=model)


def values(sim, *text, **more):
    return embed(sim, *text, **more)["embedding"]["values"]


def length(vector):
    return math.sqrt(sum(x * x for x in vector))


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b)) / length(a) / length(b)


def test_a_text_has_a_vector(sim):
    answer = embed(sim)
    vector = answer["embedding"]["values"]
    assert len(vector) == 3072 and length(vector) == pytest.approx(1, abs=1e-5)
    assert answer["usageMetadata"] == {"promptTokenCount": 5,
                                       "promptTokenDetails": [{"modality": "TEXT", "tokenCount": 5}]}
    assert values(sim) == vector


def test_texts_that_share_words_are_near(sim):
    fox, same, other = values(sim), values(sim, "The quick brown dog"), values(sim, "entirely different things")
    assert cosine(fox, same) > 0.6 > 0.2 > abs(cosine(fox, other))


@pytest.mark.parametrize("size", [128, 768, 1536])
def test_a_shorter_vector_of_the_older_model_is_not_of_length_one(sim, size):
    short, whole = values(sim, outputDimensionality=size), values(sim)
    assert short == whole[:size] and length(short) < 0.9
    newer = values(sim, model=NEWER, outputDimensionality=size)
    assert len(newer) == size and length(newer) == pytest.approx(1, abs=1e-5)
    assert values(sim, embedContentConfig={"outputDimensionality": size}) == short


def test_the_task_changes_the_older_models_vector(sim):
    assert values(sim, taskType="CLUSTERING") != values(sim) != values(sim, taskType="RETRIEVAL_DOCUMENT", title="T")
    assert values(sim, embedContentConfig={"taskType": "CLUSTERING"}) == values(sim, taskType="CLUSTERING")
    assert values(sim, model=NEWER, taskType="CLUSTERING") == values(sim, model=NEWER)


def test_a_batch_gives_the_vectors_in_order(sim):
    texts = ["one", "two words", "three words here"]
    items = [{"model": "models/" + EMBEDDER, "content": {"parts": [{"text": t}]}} for t in texts]
    answer = sim.json({"requests": items}, method="batchEmbedContents", model=EMBEDDER)
    assert [e["values"] for e in answer["embeddings"]] == [values(sim, t) for t in texts]
    assert answer["usageMetadata"]["promptTokenCount"] == 1 + 3 + 4
    whole = sim.json({"requests": [items[0]] * 100}, method="batchEmbedContents", model=EMBEDDER)
    assert len(whole["embeddings"]) == 100


def test_a_long_text_is_cut(sim):
    text = "x" * 8192
    assert values(sim, text) == values(sim, text + " more")
    assert embed(sim, text + " more")["usageMetadata"]["promptTokenCount"] == 2048
    body = {"content": {"parts": [{"text": text + " more"}]}, "embedContentConfig": {"autoTruncate": False}}
    assert "input token count (2050) exceeds" in refused(sim, body, "embedContent", EMBEDDER)


def test_a_picture_has_a_vector_of_the_newer_model(sim):
    body = {"content": {"parts": [{"text": "x"}, PICTURE]}}
    assert len(sim.json(body, method="embedContent", model=NEWER)["embedding"]["values"]) == 3072
    assert "only supports text content" in refused(sim, body, "embedContent", EMBEDDER)


CONTENT = {"content": {"parts": [{"text": "x"}]}}


@pytest.mark.parametrize("body, words", [
    ({}, "content.parts: contents.parts must not be empty"),
    ({"content": {"parts": [{"text": ""}]}}, "must have a text parameter"),
    ({**CONTENT, "outputDimensionality": 127}, "output_dimensionality: must be in the range"),
    ({**CONTENT, "outputDimensionality": 3073}, "output_dimensionality: must be in the range"),
    ({**CONTENT, "title": "T"}, "task_type is RETRIEVAL_DOCUMENT"),
    ({**CONTENT, "taskType": "SINGING"}, "TaskType"),
    ({**CONTENT, "model": "models/x"}, "does not match"),
    ({**CONTENT, "dimensions": 1}, "Cannot find field"),
])
def test_wrong_embedding_is_refused(sim, body, words):
    assert words in refused(sim, body, "embedContent", EMBEDDER)


ITEM = {**CONTENT, "model": "models/" + EMBEDDER}


@pytest.mark.parametrize("body, words", [
    ({}, "requests is not specified"),
    ({"requests": [ITEM] * 101}, "at most 100 requests can be in one batch"),
    ({"requests": [ITEM, CONTENT]}, "requests[1].model: model is required"),
    ({"requests": [ITEM, {**ITEM, "model": "models/" + NEWER}]}, "does not match"),
    ({"requests": [ITEM, {**ITEM, "content": {"parts": [{"text": ""}]}}]}, "requests[1].content.parts[0].text is empty"),
    ({"requests": [{**ITEM, "outputDimensionality": 5}]}, "requests[0].output_dimensionality"),
])
def test_a_wrong_batch_is_refused(sim, body, words):
    assert words in refused(sim, body, "batchEmbedContents", EMBEDDER)


# -- predict --------------------------------------------------------------------------------------------------------


def paint(sim, key="key-ok", **parameters):
    return sim.json({"instances": [{"prompt": "a fox"}], "parameters": parameters}, method="predict", model=PAINTER, key=key)


def test_pictures_are_real(sim):
    predictions = paint(sim, sampleCount=2, aspectRatio="3:4")["predictions"]
    pictures = [base64.b64decode(p["bytesBase64Encoded"]) for p in predictions]
    assert [p["mimeType"] for p in predictions] == ["image/png"] * 2
    assert [size_of_png(p) for p in pictures] == [(48, 64)] * 2
    assert pictures[0] != pictures[1]
    assert paint(sim, sampleCount=2, aspectRatio="3:4")["predictions"] == predictions
    assert len(sim.json({"instances": [{"prompt": "a fox"}]}, method="predict", model=PAINTER)["predictions"]) == 4


def test_pictures_can_be_filtered(sim):
    assert paint(sim, key="key-blockSAFETY") == {}
    assert list(paint(sim, key="key-blockSAFETY", includeRaiReason=True)["predictions"][0]) == ["raiFilteredReason"]


@pytest.mark.parametrize("body, words", [
    ({}, "exactly one instance"),
    ({"instances": [{"prompt": "x"}, {"prompt": "y"}]}, "exactly one instance"),
    ({"instances": [{}]}, "Prompt cannot be empty"),
    ({"instances": ["x"]}, "Prompt cannot be empty"),
    ({"instances": [{"prompt": "x"}], "parameters": []}, "must be an object"),
    ({"instances": [{"prompt": "x"}], "parameters": {"sampleCount": 5}}, "must be between 1 and 4"),
    ({"instances": [{"prompt": "x"}], "parameters": {"aspectRatio": "2:3"}}, "aspectRatio"),
    ({"instances": [{"prompt": "x"}], "parameters": {"personGeneration": "ALLOW"}}, "personGeneration"),
    ({"instances": [{"prompt": "x"}], "parameters": {"negativePrompt": "y"}}, "`negativePrompt` isn't supported"),
    ({"prompt": "x"}, "Cannot find field"),
])
def test_wrong_painting_is_refused(sim, body, words):
    assert words in refused(sim, body, "predict", PAINTER)


# -- All of them ----------------------------------------------------------------------------------------------------

ROUTES = [("countTokens", MODEL, prompt()), ("embedContent", EMBEDDER, CONTENT),
          ("batchEmbedContents", EMBEDDER, {"requests": [ITEM]}), ("predict", PAINTER, {"instances": [{"prompt": "x"}]})]


@pytest.mark.parametrize("method, model, body", ROUTES)
def test_every_route_counts_and_obeys_keys_models_and_scripts(sim, method, model, body):
    assert sim.post(body, method, model=model, version="v1")[0].status == 200
    assert sim.post(body, method, model=model, key="key-overloaded")[0].status == 503
    assert "API key not valid" in refused_by(sim, sim.post(body, method, model=model, key="key-invalid"))
    assert "Cannot bind query parameter" in refused_by(sim, sim.post(body, method, model=model, query="?x=1"))
    assert "Invalid JSON payload" in refused_by(sim, sim.post("{", method, model=model))
    answer, text = sim.post(body, method, model="gemini-3.9")
    assert answer.status == 404 and f"is not supported for {method}." in error_of(answer, text)["message"]
    wrong = EMBEDDER if model != EMBEDDER else MODEL
    assert sim.post(body, method, model=wrong)[0].status == 404
    sim.admin("script", {"error_status": 500, "error_message": "Oh.", "times": 1})
    answer, text = sim.post(body, method, model=model)
    assert (answer.status, error_of(answer, text)["message"]) == (500, "Oh.")
    assert sim.counts()["by_operation"][method] == 8
    answer, text = sim.post(body, method, model=model, query="?prettyPrint=false")
    assert answer.status == 200 and text.count(b"\n") == 1
    pretty = sim.post(body, method, model=model)[1]
    assert json.loads(pretty) == json.loads(text) and pretty.startswith(b"{\n  \"")


def refused_by(sim, answered):
    return error_of(*answered)["message"]
