# SPDX-License-Identifier: Apache-2.0
"""Pictures by OpenAI's routes, with its SDKs, from Imagen and from Gemini's own models."""
import base64
import json

import pytest

from clients import ask, node, python, stage  # noqa: F401
from gemini import size_of_png

IMAGEN = "imagen-4.0-generate-001"
GEMINI = "gemini-3.1-flash-image"
ROUTE = "/v1/images/generations"
TOKEN = "q1q2q3q4"


def asked(stage, count=1):
    """What the provider was asked last."""
    return [(request["path"], json.loads(request["body"])) for request in stage.sim.requests(count)]


def post(stage, **fields):
    return stage.request("POST", ROUTE, json.dumps({"prompt": "a fox"} | fields), token=TOKEN)


def shape(picture):
    width, height = size_of_png(base64.b64decode(picture, validate=True))
    return width / height


@pytest.mark.short
def test_imagen_makes_several_pictures_of_a_shape(stage, python):
    more = {"n": 2, "size": "1024x1792", "response_format": "b64_json"}
    pictures, kind, usage, created = ask(stage, python, "openai_media.py", "images", MODEL=IMAGEN, MORE=json.dumps(more))
    assert [shape(picture) for picture in pictures] == [pytest.approx(9 / 16, abs=0.01)] * 2
    assert kind == "png" and usage is None and created > 1_700_000_000
    (path, body), = asked(stage)
    assert path == f"/v1beta/models/{IMAGEN}:predict" and body["parameters"]["sampleCount"] == 2


@pytest.mark.short
def test_gemini_makes_one_a_call(stage, python):
    pictures, kind, usage, _ = ask(stage, python, "openai_media.py", "images", MODEL=GEMINI,
                                   MORE=json.dumps({"n": 3, "size": "1536x1024"}))
    assert [shape(picture) for picture in pictures] == [pytest.approx(3 / 2, abs=0.05)] * 3
    assert kind == "png" and usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    for path, body in asked(stage, 3):
        assert path == f"/v1beta/models/{GEMINI}:generateContent"
        assert body["generationConfig"]["imageConfig"] == {"aspectRatio": "3:2", "imageSize": "2K"}


@pytest.mark.parametrize("prefix", ["/v1", "/hf/v1", ""])
def test_it_is_there_by_every_name(stage, prefix):
    answer = stage.request("POST", f"{prefix}/images/generations", json.dumps({"prompt": "x"}), token=TOKEN)
    assert answer.status == 200 and answer.json["data"][0]["b64_json"]


def test_a_url_is_the_picture_itself(stage, node):
    (url,), kind, _ = ask(stage, node, "openai_media.js", "images", MODEL=IMAGEN,
                          MORE=json.dumps({"response_format": "url"}))
    head, data = url.split(",")
    assert head == "data:image/png;base64" and shape(data) == 1 and kind == "png"


def test_hints_in_the_prompt_win(stage, python):
    pictures, *_ = ask(stage, python, "openai_media.py", "images", MODEL=IMAGEN, PROMPT="a fox {n:3} {ratio:16:9}",
                       MORE=json.dumps({"n": 1, "size": "1024x1024"}))
    assert [shape(picture) for picture in pictures] == [pytest.approx(16 / 9, abs=0.01)] * 3
    assert asked(stage)[0][1]["instances"] == [{"prompt": "a fox"}]


def test_a_stream_ends_with_the_picture(stage, python, node):
    (kind, magic, output, tokens), = ask(stage, python, "openai_media.py", "image_stream", MODEL=GEMINI)
    assert (kind, magic, output) == ("image_generation.completed", b"\x89PNG\r\n\x1a\n".hex(), "png") and tokens > 0
    assert ask(stage, node, "openai_media.js", "imageStream", MODEL=IMAGEN) == [["image_generation.completed", "png", True]]


@pytest.mark.parametrize("model, mode", [(IMAGEN, "blockSAFETY"), (GEMINI, "finishIMAGE_SAFETY"), (GEMINI, "blockOTHER"),
                                         (GEMINI, "finishNO_IMAGE")])
@pytest.mark.parametrize("stream", [False, True])
def test_what_is_filtered_is_an_error(stage_of, model, mode, stream):
    stage = stage_of(keys=[f"key-{mode}"], tokens=[TOKEN], database=False, recorder=False)
    answer = post(stage, model=model, stream=stream)
    error = answer.json["error"]
    assert answer.status == 400 and error["code"] == "content_policy_violation", answer.text
    assert error["type"] == "invalid_request_error" and "It says: " in error["message"]


@pytest.mark.parametrize("fields, param", [({"n": 11}, "n"), ({"size": "huge"}, "size"), ({"prompt": ""}, "prompt"),
                                           ({"background": "transparent"}, "background"),
                                           ({"model": "gemini-2.5-flash"}, "model")])
def test_wrong_requests_never_reach_the_provider(stage, fields, param):
    before = stage.sim.total()
    answer = post(stage, **fields)
    assert answer.status in (400, 404) and answer.json["error"]["param"] == param
    assert stage.sim.total() == before


def test_the_sdk_raises_its_errors(stage, python):
    name, status, code, param, _ = ask(stage, python, "openai_media.py", "image_error", MODEL=GEMINI,
                                       MORE=json.dumps({"n": 0}))
    assert (name, status, code, param) == ("BadRequestError", 400, "invalid_value", "n")


def test_every_size_of_openais_is_taken(stage):
    for size in ("auto", "256x256", "512x512", "1024x1024", "1536x1024", "1024x1536", "1792x1024", "1024x1792"):
        for model in (IMAGEN, GEMINI, "gemini-2.5-flash-image", "dall-e-3"):
            answer = post(stage, size=size, model=model, quality="high")
            assert answer.status == 200, (size, model, answer.text)


def drawn(url):
    head, data = url.split(",")
    assert head == "data:image/png;base64"
    return shape(data)


@pytest.mark.short
@pytest.mark.parametrize("model", [IMAGEN, GEMINI])
def test_a_chat_draws(stage, python, model):
    prompt = "a fox {n:2} {ratio:16:9}"
    name, _, urls, finish, tokens = ask(stage, python, "openai_media.py", "drawn", MODEL=f"{model}-chat", PROMPT=prompt)
    assert name == f"{model}-chat" and finish == "stop" and (tokens > 0) == (model == GEMINI)
    assert [drawn(url) for url in urls] == [pytest.approx(16 / 9, abs=0.05)] * 2
    path, body = asked(stage)[0]
    assert path == f"/v1beta/models/{model}:" + ("predict" if model == IMAGEN else "generateContent")
    assert "a fox" in json.dumps(body) and "{" not in json.dumps(body).split("a fox")[1].split('"')[0]
    _, urls, finishes, counted = ask(stage, python, "openai_media.py", "drawn_stream", MODEL=f"{model}-chat", PROMPT=prompt)
    assert [drawn(url) for url in urls] == [pytest.approx(16 / 9, abs=0.05)] * 2
    assert finishes == ["stop"] and counted


def test_models_that_draw_in_a_chat_are_listed(stage):
    ids = [model["id"] for model in stage.request("GET", "/v1/models", token=TOKEN).json["data"]]
    assert f"{IMAGEN}-chat" in ids and f"{GEMINI}-chat" in ids and "gemini-2.5-flash-image-chat" not in ids
    assert stage.request("GET", f"/v1/models/{IMAGEN}-chat", token=TOKEN).json["root"] == f"models/{IMAGEN}"


def test_a_chat_that_cannot_be_drawn_says_so(stage, python, stage_of):
    name, status, code, param, _ = ask(stage, python, "openai_media.py", "drawn_error", MODEL=f"{IMAGEN}-chat", PROMPT="{n:99} x")
    assert (name, status, code, param) == ("BadRequestError", 400, "invalid_value", "messages")
    stage = stage_of(keys=["key-blockSAFETY"], tokens=[TOKEN], database=False, recorder=False)
    name, status, code, _, text = ask(stage, python, "openai_media.py", "drawn_error", MODEL=f"{IMAGEN}-chat")
    assert (name, status, code) == ("BadRequestError", 400, "content_policy_violation") and "It says: " in text
    answer = stage.chat("a fox", model=f"{IMAGEN}-chat", token=TOKEN, stream=True)
    assert answer.status == 400 and answer.json["error"]["code"] == "content_policy_violation"


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    """Small, so that the simulator keeps it whole."""
    path = tmp_path_factory.mktemp("picture") / "a.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(64)))
    return path


@pytest.mark.short
def test_pictures_are_edited(stage, python, node, picture):
    more = json.dumps({"n": 2, "size": "1536x1024"})
    pictures = ask(stage, python, "openai_media.py", "edit", MODEL="gpt-image-1", FILES=picture, MORE=more)
    assert [shape(one) for one in pictures] == [pytest.approx(3 / 2, abs=0.05)] * 2
    (path, body), = asked(stage)
    parts = body["contents"][0]["parts"]
    assert path == f"/v1beta/models/{GEMINI}:generateContent"
    assert parts[0]["inlineData"] == {"mimeType": "image/png", "data": base64.b64encode(picture.read_bytes()).decode()}
    assert ask(stage, node, "openai_media.js", "edit", MODEL=GEMINI, FILES=f"{picture} {picture}") == 1
    assert len(asked(stage)[0][1]["contents"][0]["parts"]) == 3


def test_masks_and_variations_are_refused(stage, python):
    mask, variation = ask(stage, python, "openai_media.py", "edit_error", MODEL=GEMINI)
    assert mask[:4] == ["BadRequestError", 400, "unsupported_parameter", "mask"]
    assert variation[:2] == ["BadRequestError", 400] and "images/edits" in variation[4]


def test_the_paid_key_makes_images_and_nothing_else(stage_of):
    stage = stage_of(keys=["key-a", "key-b"], tokens=[TOKEN], database=False, recorder=False, env={"PAID_KEY": "key-paid"})
    for model in (IMAGEN, GEMINI):
        assert post(stage, model=model, n=2).status == 200
    assert stage.chat("a fox {n:2}", model=f"{GEMINI}-chat", token=TOKEN).status == 200
    assert stage.sim.by_key() == {"key-paid": 5}
    for _ in range(4):
        assert stage.chat("hello", token=TOKEN).status == 200
    counts = stage.sim.by_key()
    assert counts["key-paid"] == 5 and sum(counts.values()) == 5 + 4
    stage.sim.key("key-paid", "day")
    answer = post(stage)
    assert answer.status == 429 and answer.json["error"]["code"] == "insufficient_quota"
    assert stage.sim.by_key() == counts | {"key-paid": 6}
