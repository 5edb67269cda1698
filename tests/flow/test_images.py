# SPDX-License-Identifier: Apache-2.0
"""Pictures in chat/completions through the real processes, and the parameters that came with them. The simulator checks
each request as Google would, so what arrives here is also allowed there."""
import base64
import json
import struct
import zlib

import pytest

from stage import CHAT, MODEL, Stage, scripted

NEWER = "gemini-3-flash-preview"
FIXED = "gemini-3.6-flash"


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("images"), database=False, admin=False, env={"MEDIA_URLS": "passthrough"}) as stage:
        yield stage


def png(width, height, noise=b""):
    """A real picture; `noise` makes it as large as wanted."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes(3 * width) for _ in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + (chunk(b"teSt", noise) if noise else b"") + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


SMALL = png(2, 2)
TEXT = base64.b64encode(SMALL).decode()
URL = f"data:image/png;base64,{TEXT}"


def looks(url, text="What is it?", **image):
    return [{"role": "user", "content": [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": url} | image}]}]


def sent(stage):
    return json.loads(stage.sim.last()["body"])


def picture(stage):
    """The picture that arrived, as (type, bytes)."""
    [data] = [part["inlineData"] for part in sent(stage)["contents"][-1]["parts"] if "inlineData" in part]
    return data["mimeType"], base64.b64decode(data["data"], validate=True)


SPELLINGS = {
    "plain": URL,
    "no type": f"data:;base64,{TEXT}",
    "parameters": f"data:image/png;charset=utf-8;base64,{TEXT}",
    "wrong type": f"data:image/jpg;base64,{TEXT}",
    "lines": "data:image/png;base64," + "\r\n".join(TEXT[i:i + 20] for i in range(0, len(TEXT), 20)),
    "for URLs": "data:image/png;base64," + base64.urlsafe_b64encode(SMALL).decode().rstrip("="),
    "percent-encoded base64": "data:image/png;base64," + TEXT.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D"),
    "percent-encoded": "data:image/png," + "".join(f"%{byte:02x}" for byte in SMALL),
}


@pytest.mark.short
@pytest.mark.parametrize("url", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_a_picture_arrives_however_its_url_is_spelled(stage, url):
    answer = stage.chat(messages=looks(url))
    assert answer.status == 200, answer.text
    assert answer.json["choices"][0]["message"]["content"] == "You said: What is it?"
    assert picture(stage) == ("image/png", SMALL)


def test_a_picture_may_stand_in_a_string_or_be_an_input_image(stage):
    for part in ({"type": "image_url", "image_url": URL}, {"type": "input_image", "image_url": URL, "detail": "auto"}):
        stream = stage.chat_stream(messages=[{"role": "user", "content": [part, {"type": "text", "text": "And?"}]}])
        assert stream.is_whole and stream.text == "You said: And?"
        assert picture(stage) == ("image/png", SMALL)


def test_a_large_picture_arrives_whole(stage):
    large = png(1, 1, noise=bytes(range(256)) * 12000)  # four megabytes of base64, more than rides inside a letter
    data = base64.b64encode(large).decode()
    answer = stage.chat(messages=looks(f"data:image/png;base64,{data}", text="large"))
    assert answer.status == 200, answer.text
    body = json.dumps({"contents": [{"role": "user", "parts": [
        {"text": "large"}, {"inlineData": {"data": data, "mimeType": "image/png"}}]}]}, separators=(",", ":"))[:-1]
    request = stage.sim.last()
    assert request["body_bytes"] > len(data) and request["body"].startswith(body[:4000])


def test_detail_reaches_the_models_that_take_it(stage):
    stage.chat(messages=looks(URL, detail="low"), model=NEWER)
    assert sent(stage)["contents"][0]["parts"][1]["mediaResolution"] == {"level": "MEDIA_RESOLUTION_LOW"}
    stage.chat(messages=looks(URL, detail="low"), model=MODEL)
    assert "mediaResolution" not in sent(stage)["contents"][0]["parts"][1]


BAD = {
    "gs": ("gs://bucket/a.png", "unsupported_value"), "file": ("file:///etc/passwd", "unsupported_value"),
    "no base64": ("data:image/png;base64,@@@@", "invalid_value"), "cut": ("data:image/png;base64,QUJDQ", "invalid_value"),
    "empty": ("data:image/png;base64,", "invalid_value"), "quote": ('data:image/"png;base64,QUJD', "invalid_value"),
}


@pytest.mark.short
@pytest.mark.parametrize("url, code", BAD.values(), ids=BAD.keys())
def test_a_picture_that_is_none_is_refused_by_name(stage, url, code):
    before = stage.sim.total()
    answer = stage.chat(messages=looks(url))
    error = answer.json["error"]
    assert answer.status == 400 and (error["code"], error["param"]) == (code, "messages[0].content[1].image_url.url"), error
    assert error["type"] == "invalid_request_error" and stage.sim.total() == before


ADDRESSES = {
    "a picture": ("https://example.org/a.png", {"fileUri": "https://example.org/a.png", "mimeType": "image/png"}),
    "a file": ("files/abc", {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}),
    "a video": ("https://www.youtube.com/watch?v=x", {"fileUri": "https://www.youtube.com/watch?v=x"}),
}


@pytest.mark.parametrize("url, data", ADDRESSES.values(), ids=ADDRESSES.keys())
def test_what_is_at_an_address_is_left_to_the_provider(stage, url, data):
    stage.sim.file("key-ok-2", "files/abc")
    answer = stage.chat(messages=looks(url))
    assert answer.status == 200, answer.text
    assert sent(stage)["contents"][0]["parts"][1] == {"fileData": data}


@pytest.mark.short
def test_a_file_is_asked_of_the_key_that_has_it(stage):
    stage.sim.file("key-ok-3", "files/mine")
    for _ in range(4):
        assert stage.chat(messages=looks("files/mine")).status == 200
        assert stage.sim.last()["key"] == "key-ok-3"
    answer = stage.chat(messages=looks("files/nobodys"))
    assert answer.status == 404 and "files/nobodys" in answer.json["error"]["message"]


def test_an_older_model_gets_no_addresses(stage):
    error = stage.chat(messages=looks("https://example.org/a.png"), model="gemini-2.0-flash").json["error"]
    assert error["param"] == "messages[0].content[1].image_url.url" and "does not get" in error["message"]


MEDIA = {
    "sound": ({"type": "input_audio", "input_audio": {"data": "QUJD", "format": "mp3"}}, "audio/mp3"),
    "a PDF": ({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QUJD"}}, "application/pdf"),
    "a text": ({"type": "file", "file": {"filename": "a.md", "file_data": "QUJD"}}, "text/markdown"),
    "a video": ({"type": "video_url", "video_url": {"url": "data:video/mp4;base64,QUJD"}}, "video/mp4"),
}


@pytest.mark.short
@pytest.mark.parametrize("part, kind", MEDIA.values(), ids=MEDIA.keys())
def test_sound_files_and_videos_arrive(stage, part, kind):
    for model in (MODEL, NEWER):
        answer = stage.chat(messages=[{"role": "user", "content": [{"type": "text", "text": "See:"}, part]}], model=model)
        assert answer.status == 200, answer.text
        assert sent(stage)["contents"][0]["parts"][1] == {"inlineData": {"mimeType": kind, "data": "QUJD"}}


def test_a_result_of_a_tool_brings_a_file(stage):
    stage.sim.file("key-ok-2", "files/abc")
    call = {"id": "A", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    part = {"type": "file", "file": {"file_data": "data:application/pdf;base64,QUJD"}}
    messages = [{"role": "user", "content": "p"}, {"role": "assistant", "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "A", "content": [part, {"type": "image_url", "image_url": {"url": "files/abc"}}]}]
    tools = [{"type": "function", "function": {"name": "f"}}]
    stage.sim.file("key-ok-2", "files/abc")
    for model in (MODEL, NEWER):
        answer = stage.chat(messages=messages, model=model, tools=tools)
        assert answer.status == 200, answer.text
    parts = sent(stage)["contents"][2]["parts"]
    assert parts[0]["functionResponse"]["parts"] == [{"inlineData": {"mimeType": "application/pdf", "data": "QUJD"}}]
    assert "fileData" in parts[1]


def test_pictures_beyond_the_models_limit_are_refused(stage):
    data = base64.b64encode(bytes(17 << 20)).decode()
    before = stage.sim.total()
    answer = stage.chat(messages=looks(f"data:image/png;base64,{data}"), model="gemini-2.0-flash")
    assert answer.status == 413 and "20 MiB" in answer.json["error"]["message"]
    assert stage.sim.total() == before


def test_an_old_picture_of_the_assistant_is_mentioned_to_a_model_that_makes_none(stage):
    messages = [{"role": "user", "content": "Draw."},
                {"role": "assistant", "content": "Here:", "images": [{"type": "image_url", "image_url": {"url": URL}}]},
                {"role": "user", "content": "Thanks."}]
    assert stage.chat(messages=messages).status == 200
    assert sent(stage)["contents"][1] == {"role": "model", "parts": [{"text": "Here:"}, {"text": "[image]"}]}


def test_a_picture_that_a_program_kept_in_markdown_goes_back_to_a_model_that_makes_them(stage):
    said = f"Here: ![a cat]({URL})\n\nLike it?"
    messages = [{"role": "user", "content": "Draw."}, {"role": "assistant", "content": said}, {"role": "user", "content": "Thanks."}]
    assert stage.chat(messages=messages, model="gemini-2.5-flash-image").status == 200
    assert sent(stage)["contents"][1] == {"role": "model", "parts": [
        {"text": "Here: "}, {"inlineData": {"mimeType": "image/png", "data": TEXT}}, {"text": "\n\nLike it?"}]}
    assert stage.chat(messages=messages).status == 200
    assert sent(stage)["contents"][1] == {"role": "model", "parts": [{"text": said}]}


def test_a_newer_model_gets_its_pictures_back_signed(stage):
    messages = [{"role": "user", "content": "Draw."},
                {"role": "assistant", "content": None, "images": [{"type": "image_url", "image_url": {"url": URL}}]},
                {"role": "user", "content": "Larger."}]
    answer = stage.chat(messages=messages, model="gemini-3.1-flash-image")
    assert answer.status == 200, answer.text
    assert sent(stage)["contents"][1]["parts"][0]["thoughtSignature"] == "skip_thought_signature_validator"


# ------------------------------------------------------------------------------------------------------------ parameters

def test_probabilities_are_asked_for(stage):
    stage.chat("p", logprobs=True, top_logprobs=4)
    config = sent(stage)["generationConfig"]
    assert config["responseLogprobs"] is True and config["logprobs"] == 4


def test_googles_own_words_win(stage):
    stage.chat("p", temperature=1, max_tokens=50, extra_body={"google": {"generation_config": {
        "temperature": 0.25, "max_output_tokens": 60, "media_resolution": "MEDIA_RESOLUTION_LOW"}}})
    config = sent(stage)["generationConfig"]
    assert (config["temperature"], config["maxOutputTokens"]) == (0.25, 60)
    assert config["mediaResolution"] == "MEDIA_RESOLUTION_LOW"


def test_the_tier_is_translated_both_ways(stage):
    for ours, theirs in (("default", "standard"), ("flex", "flex"), ("priority", "priority")):
        usage = {"promptTokenCount": 4, "candidatesTokenCount": 2, "totalTokenCount": 6, "serviceTier": theirs}
        reply = stage.chat(scripted(text="x", usage=usage), service_tier=ours).json
        assert sent(stage)["serviceTier"] == theirs and reply["service_tier"] == ours
    assert "serviceTier" not in sent_of(stage, service_tier="auto")
    assert stage.chat("p", service_tier="best").json["error"]["param"] == "service_tier"


def sent_of(stage, **fields):
    assert stage.chat("p", **fields).status == 200
    return sent(stage)


def test_tokens_are_counted_by_what_they_are(stage):
    usage = {"promptTokenCount": 270, "candidatesTokenCount": 2, "totalTokenCount": 272, "promptTokensDetails": [
        {"modality": "TEXT", "tokenCount": 12}, {"modality": "IMAGE", "tokenCount": 258}]}
    details = stage.chat(scripted(text="x", usage=usage)).json["usage"]["prompt_tokens_details"]
    assert (details["text_tokens"], details["image_tokens"], details["audio_tokens"]) == (12, 258, 0)


def test_sampling_is_left_out_where_it_is_fixed_and_the_prefill_refused(stage):
    config = sent_of(stage, model=FIXED, temperature=0.1, top_p=0.5, top_k=3, seed=-2, max_tokens=99).get("generationConfig")
    assert config["seed"] == 2 ** 31 - 2 and not {"temperature", "topP", "topK"} & set(config)
    prefill = [{"role": "user", "content": "p"}, {"role": "assistant", "content": "Well,"}]
    assert stage.chat(messages=prefill, model=FIXED).json["error"]["param"] == "messages"
    assert stage.chat(messages=prefill, model=MODEL).status == 200


def test_the_most_that_penalties_may_be_is_within_googles_range(stage):
    config = sent_of(stage, presence_penalty=2, frequency_penalty=-2)["generationConfig"]
    assert config["presencePenalty"] == 1.99 and config["frequencyPenalty"] == -2


def test_a_part_of_nothing_but_nuls_is_left_out(stage):
    body = (b'{"model":"gemini-2.5-flash","messages":[{"role":"user","content":[{"type":"text","text":"\\u0000"},'
            b'{"type":"text","text":"Hi\\u0000"}]}]}')
    assert stage.request("POST", CHAT, body).status == 200
    assert sent(stage)["contents"] == [{"role": "user", "parts": [{"text": "Hi"}]}]
