# SPDX-License-Identifier: Apache-2.0
"""Routes of OpenAI's language under other names: Azure's, those with something in front, and what is not offered."""
import pytest

from clients import TOKEN, ask, python, stage  # noqa: F401
from stage import Stage

MODEL = "gemini-2.5-flash"
PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg=="


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


@pytest.mark.parametrize("model, path, body, served", [
    ("dall-e-3", "images/generations", {"prompt": "a cat"}, "gemini-3.1-flash-image"),
    ("imagen-4.0-generate-001", "images/generations", {"prompt": "a cat", "model": "dall-e-3"}, "imagen-4.0-generate-001"),
    ("gemini-2.5-flash-image", "images/edits", {"prompt": "a cat", "images": [{"image_url": PNG}]}, "gemini-2.5-flash-image"),
    ("tts-1", "audio/speech", {"input": "hello", "voice": "alloy"}, "gemini-2.5-flash-preview-tts"),
])
def test_azures_media_are_made_by_the_model_of_the_path(stage, model, path, body, served):
    path = f"/openai/deployments/{model}/{path}?api-version=2024-10-21"
    answer = stage.request("POST", path, body, headers={"api-key": TOKEN}, token=None)
    assert answer.status == 200 and answer.headers["x-gateway-model"] == served, answer.text[:500]


@pytest.mark.parametrize("what", ["transcriptions", "translations"])
@pytest.mark.parametrize("model, served", [("whisper", "gemini-flash-latest"), ("gemini-2.5-flash", "gemini-2.5-flash")])
def test_azures_recordings_are_written_down_by_the_model_of_the_path(stage, what, model, served):
    body = (b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
            b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\xc0\x5d\0\0\x80\xbb\0\0\2\0\x10\0data\0\0\0\0\r\n--xyz--\r\n")
    answer = stage.request("POST", f"/openai/deployments/{model}/audio/{what}?api-version=2024-10-21", body,
                           headers={"api-key": TOKEN, "Content-Type": "multipart/form-data; boundary=xyz"}, token=None)
    assert answer.status == 200 and answer.headers["x-gateway-model"] == served, answer.text


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
