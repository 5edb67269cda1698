# SPDX-License-Identifier: Apache-2.0
"""Cases of messages, media, parameters, replies, streams, usage and errors that have broken other gateways, by their numbers."""
import base64
import json
import struct

import pytest

from pitfalls import (KEYS, NEW, OLD, OLDER, PNG, ask, deltas, finishes, native, parts_of, refused, said, sent, stage,  # noqa: F401
                      streamed, tool, user)
from stage import TOKEN, scripted

NUMBERED = "".join(f"[{i}]" for i in range(3))


def text_of(chunks):
    return "".join(delta.get("content") or "" for delta in deltas(chunks))


def usage_of(stage, model=OLD, **script):
    return ask(stage, scripted(chunks=1, **script), model)[0]["usage"]


# -------------------------------------------------------------------------------------------------- messages, roles, parts

def test_p34_system_alone_becomes_the_users(stage):
    """v02 as well."""
    body = sent(stage, [{"role": "system", "content": "Be brief."}])
    assert body["contents"] == [{"role": "user", "parts": [{"text": "Be brief."}]}] and "systemInstruction" not in body


def test_p35_developers_and_late_systems_are_hoisted(stage):
    """v03 as well."""
    body = sent(stage, [{"role": "system", "content": "A"}, user("hi"), {"role": "developer", "content": [{"type": "text", "text": "B"}]}])
    assert body["systemInstruction"]["parts"] == [{"text": "A"}, {"text": "B"}] and len(body["contents"]) == 1


def test_p36_p39_native_bodies_pass_in_either_spelling_and_without_a_role(stage):
    body = '{ "system_instruction": {"parts": [{"text": "A"}]}, "contents": [{"parts": [{"text": "hi"}]}], "generation_config": {"top_k": 5} }'
    assert native(stage, f"/v1beta/models/{OLD}:generateContent", body).status == 200
    assert stage.sim.last()["body"] == body


def test_p37_turns_begin_with_the_user_and_alternate(stage):
    """v04 as well."""
    body = sent(stage, [{"role": "assistant", "content": "cut"}, user("a"), user("b")])
    assert [content["role"] for content in body["contents"]] == ["user", "model", "user"]
    assert parts_of(body, "user")[1] == [{"text": "a"}, {"text": "b"}]


def test_p38_nothing_empty_is_sent(stage):
    body = sent(stage, [user("a"), {"role": "assistant", "content": ""}, user([{"type": "text", "text": ""}]), user("b")])
    assert body["contents"] == [{"role": "user", "parts": [{"text": "a"}, {"text": "b"}]}]
    assert refused(stage, "")[0]["param"] == "messages"


def test_p40_thoughts_stay_out_of_requests_and_answers(stage):
    """v11 as well."""
    history = [user("a"), {"role": "assistant", "content": "b", "reasoning_content": "secret"}, user(scripted(text="c", thoughts=2))]
    reply, body = ask(stage, history, reasoning={"exclude": False})
    assert "secret" not in json.dumps(body) and reply["choices"][0]["message"]["reasoning_content"].startswith("Thinking")
    chunks, _ = streamed(stage, scripted(chunks=3, numbered=True, thoughts=2), reasoning={"exclude": False})
    assert text_of(chunks) == NUMBERED and any("reasoning_content" in delta for delta in deltas(chunks))


def test_p41_all_texts_of_a_candidate_count(stage):
    parts = [{"executableCode": {"language": "PYTHON", "code": "1"}}, {"text": "tail"}]
    content = said(stage, scripted(chunks=1, numbered=True, parts=parts))["message"]["content"]
    assert content.startswith("[0]") and content.endswith("tail") and "```python\n1\n```" in content


def test_p42_a_turn_of_calls_has_no_content(stage):
    message = said(stage, scripted(calls=1), NEW, tools=[tool("f")])["message"]
    assert message["content"] is None and len(message["tool_calls"]) == 1


# ------------------------------------------------------------------------------------------------------------------ media

@pytest.mark.parametrize("url", ["http://127.0.0.1/a.png", "http://169.254.169.254/latest", "http://[::ffff:10.0.0.1]/a.png", "http://localhost/a.png"])
def test_p43_no_address_inside_is_fetched(stage, url):
    error, count = refused(stage, [user([{"type": "image_url", "image_url": {"url": url}}])])
    assert error["code"] == "invalid_image_url" and error["param"] == "messages[0].content[0].image_url.url" and count == 0


@pytest.mark.parametrize("url, kind", [
    (PNG, "image/png"), ("data:image/jpg;base64,/9j/4AAQ", "image/jpeg"), ("data:;base64,iVBORw0KGgo=", "image/png"),
    ("data:image/png;charset=x;base64,iVBORw0KGgo=", "image/png"), ("data:text/plain,a%20b", "text/plain")])
def test_p44_types_are_put_right(stage, url, kind):
    """v25 as well."""
    body = sent(stage, [user([{"type": "image_url", "image_url": {"url": url}}])])
    assert body["contents"][0]["parts"][0]["inlineData"]["mimeType"] == kind


@pytest.mark.parametrize("form, kind", [("wav", "audio/wav"), ("mp3", "audio/mp3"), ("flac", "audio/flac"), ("pcm16", "audio/pcm")])
def test_p45_sound(stage, form, kind):
    body = sent(stage, [user([{"type": "input_audio", "input_audio": {"data": "UklGRiQA", "format": form}}])])
    assert body["contents"][0]["parts"] == [{"inlineData": {"data": "UklGRiQA", "mimeType": kind}}]


def test_p46_files_and_videos(stage):
    stage.sim.file(KEYS[0], "files/p46")
    parts = [{"type": "file", "file": {"file_data": "JVBERi0x", "filename": "a.pdf"}}, {"type": "file", "file": {"file_id": "files/p46"}},
             {"type": "video_url", "video_url": {"url": "https://youtu.be/abc"}, "video_metadata": {"fps": 2, "start_offset": "5s"}}]
    pdf, file, video = sent(stage, [user(parts)])["contents"][0]["parts"]
    assert pdf["inlineData"]["mimeType"] == "application/pdf" and file["fileData"]["fileUri"].endswith("/v1beta/files/p46")
    assert video["fileData"]["fileUri"] == "https://youtu.be/abc" and video["videoMetadata"] == {"fps": 2, "startOffset": "5s"}


def test_p47_detail_goes_to_models_that_take_it(stage):
    message = [user([{"type": "image_url", "image_url": {"url": PNG, "detail": "low"}}])]
    assert "mediaResolution" not in sent(stage, message)["contents"][0]["parts"][0]
    assert sent(stage, message, NEW)["contents"][0]["parts"][0]["mediaResolution"] == {"level": "MEDIA_RESOLUTION_LOW"}


def test_p48_an_event_may_be_long_and_a_picture_is_one(stage):
    chunks, done = streamed(stage, scripted(event_bytes=2_000_000))
    assert len(text_of(chunks)) == 2_000_000 and done
    data = base64.b64encode(bytes(range(200)) * 9).decode()
    parts = [{"inlineData": {"mimeType": "image/png", "data": data}}]
    chunks, _ = streamed(stage, scripted(text="See:", chunks=1, parts=parts), "gemini-2.5-flash-image")
    images = [image for delta in deltas(chunks) for image in delta.get("images", [])]
    assert images[-1]["image_url"]["url"] == f"data:image/png;base64,{data}"


# ------------------------------------------------------------------------------------------------------------- parameters

@pytest.mark.parametrize("model, effort, config", [
    (OLD, "none", {"thinkingBudget": 0}), (OLD, "high", {"thinkingBudget": 24576}), ("gemini-2.5-pro", "none", {"thinkingBudget": 128}),
    ("gemini-3.7-flash", "none", {"thinkingLevel": "LOW"}), (NEW, "minimal", {"thinkingLevel": "MINIMAL"}),
    ("gemini-3.1-pro-preview", "medium", {"thinkingLevel": "MEDIUM"}), (OLDER, "high", None)])
def test_p49_effort_by_model(stage, model, effort, config):
    assert sent(stage, model=model, reasoning_effort=effort).get("generationConfig", {}).get("thinkingConfig") == config


@pytest.mark.parametrize("asked, budget", [(10, 512), (100_000, 24576), (600, 600)])
def test_p49_budgets_are_brought_into_range(stage, asked, budget):
    config = sent(stage, model="gemini-2.5-flash-lite", thinking={"type": "enabled", "budget_tokens": asked})["generationConfig"]
    assert config == {"thinkingConfig": {"thinkingBudget": budget}}


def test_p50_p60_a_limit_eaten_by_thoughts_is_an_empty_choice(stage):
    """v13 as well."""
    choice = said(stage, scripted(empty=True, finish="MAX_TOKENS", thought_tokens=9), max_tokens=10)
    assert choice["message"]["content"] == "" and choice["finish_reason"] == "length"


def test_p51_one_limit_wins(stage):
    assert sent(stage, max_tokens=9, max_completion_tokens=5)["generationConfig"] == {"maxOutputTokens": 5}
    assert sent(stage, max_tokens=10**9)["generationConfig"] == {"maxOutputTokens": 65536}


@pytest.mark.parametrize("stop, stops", [("a", ["a"]), (["a", "", "a", "b"], ["a", "b"]), (list("abcde"), list("abcde"))])
def test_p52_stops(stage, stop, stops):
    """v22 as well."""
    assert sent(stage, stop=stop)["generationConfig"] == {"stopSequences": stops}
    assert refused(stage, stop=list("abcdef"))[0]["param"] == "stop"


@pytest.mark.parametrize("model", [OLD, NEW])
def test_p53_choices_are_calls(stage, model):
    """v21 as well."""
    before = stage.sim.total()
    reply, body = ask(stage, "hello", model, n=3)
    assert [choice["index"] for choice in reply["choices"]] == [0, 1, 2] and stage.sim.total() == before + 3
    assert "candidateCount" not in json.dumps(body) and reply["usage"]["prompt_tokens"] == said_once(stage, model)["prompt_tokens"]
    chunks, done = streamed(stage, "hello", model, n=2, stream_options={"include_usage": True})
    assert {choice["index"] for chunk in chunks for choice in chunk["choices"]} == {0, 1} and done
    assert len(finishes(chunks)) == 2 and [bool(chunk["choices"]) for chunk in chunks].count(False) == 1


def said_once(stage, model):
    return ask(stage, "hello", model)[0]["usage"]


def test_p54_probabilities(stage):
    tokens = said(stage, "hello", OLDER, logprobs=True, top_logprobs=2)["logprobs"]["content"]
    assert all(bytes(token["bytes"]).decode() == token["token"] and 1 <= len(token["top_logprobs"]) <= 3 for token in tokens)
    chunks, _ = streamed(stage, "hello", OLDER, logprobs=True, top_logprobs=2)
    found = [choice["logprobs"]["content"] for chunk in chunks for choice in chunk["choices"] if choice["logprobs"]]
    assert "".join(token["token"] for some in found for token in some) == "".join(token["token"] for token in tokens)


def test_p55_seeds_penalties_and_what_has_no_counterpart(stage):
    config = sent(stage, model=OLDER, seed=2**40 + 5, presence_penalty=2, frequency_penalty=0, top_k=7, logit_bias={"1": 2})["generationConfig"]
    assert config == {"topK": 7, "seed": 5, "presencePenalty": 1.99}


def test_p56_shapes_of_answers(stage):
    shape = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    form = {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": shape}}
    assert sent(stage, response_format=form)["generationConfig"] == {"responseMimeType": "application/json", "responseJsonSchema": shape}
    assert sent(stage, response_format={"type": "json_object"})["generationConfig"] == {"responseMimeType": "application/json"}


def test_p57_one_safety_setting_a_category(stage):
    settings = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": threshold} for threshold in ("BLOCK_NONE", "OFF")]
    assert sent(stage, safety_settings=settings)["safetySettings"] == settings[1:]


def test_p58_what_only_others_know_stays_here(stage):
    assert set(sent(stage, metadata={"a": "b"}, store=True, top_a=1, repetition_penalty=2, mirostat=1)) == {"contents"}
    assert refused(stage, extra_body={"google": {"odd": 1}})[0]["message"].endswith("'extra_body.google.odd'.")


@pytest.mark.parametrize("name", ["models/" + OLD, "google/" + OLD, OLD + "-non-thinking"])
def test_p59_names_of_models(stage, name):
    """v32 as well."""
    reply, _ = ask(stage, model=name)
    assert reply["model"] == name and stage.sim.last()["path"].endswith(f"/{OLD}:generateContent")


@pytest.mark.parametrize("name", ["gemini-live-2.5-flash-preview", "gemini-2.0-flash-live-001", "text-embedding-004", "gemini-embedding-001",
                                  "imagen-4.0-generate-001", "veo-3.0-generate-001"])
def test_p59_what_does_not_chat_is_no_chat(stage, name):
    """Not either where it is gone, and another one would serve in its place."""
    error, _ = refused(stage, model=name, status=404)
    assert (error["code"], error["param"]) == ("model_not_found", "model") and name in error["message"]


# -------------------------------------------------------------------------------------------- replies, streams, usage, errors

def test_p61_an_empty_answer_is_tried_with_other_keys(stage):
    before = stage.sim.total()
    choice = said(stage, scripted(empty=True))
    assert choice["message"]["content"] == "" and choice["finish_reason"] == "stop" and stage.sim.total() == before + 3


@pytest.mark.parametrize("script", [{"blocked": "PROHIBITED_CONTENT"}, {"empty": True, "finish": "RECITATION"}, {"text": "x", "finish": "SPII"},
                                    {"blocked": "MODEL_ARMOR"}, {"empty": True, "finish": "IMAGE_SAFETY"}])
def test_p62_what_is_blocked_is_filtered_and_no_keys_fault(stage, script):
    """v14 as well."""
    before = stage.sim.total()
    choice = said(stage, scripted(**script))
    assert choice["finish_reason"] == "content_filter" and stage.sim.total() == before + 1
    assert bool(choice["message"]["content"]) != bool(choice["message"]["refusal"])
    assert finishes(streamed(stage, scripted(**script))[0]) == ["content_filter"]


def test_p63_a_finish_comes_once_and_at_the_end(stage):
    chunks, _ = streamed(stage, scripted(chunks=3, numbered=True, signature_apart=True), NEW)
    assert finishes(chunks) == ["stop"] and deltas(chunks)[-1] == {}


@pytest.mark.parametrize("script", [{"cut_after_events": 2}, {"close_after_events": 2}, {"error_after_events": 2}, {"error_after_events": 2, "error_as_data": True}])
def test_p64_p70_a_cut_is_an_error_and_not_done(stage, script):
    """v16 and v31 as well."""
    chunks, done = streamed(stage, scripted(chunks=5, numbered=True, pace_ms=5, **script))
    assert text_of(chunks[:-1]) == "[0][1]" and chunks[-1]["error"]["type"] == "server_error" and not done and not finishes(chunks[:-1])


def test_p65_usage_is_the_last_and_comes_if_asked_for(stage):
    """v19 as well."""
    whole = ask(stage, scripted(chunks=9, numbered=True))[0]["usage"]
    chunks, _ = streamed(stage, scripted(chunks=9, numbered=True), stream_options={"include_usage": True})
    assert [chunk["usage"] for chunk in chunks if chunk["usage"]] == [whole] and chunks[-1]["choices"] == []
    assert all("usage" not in chunk for chunk in streamed(stage, scripted(chunks=9))[0])


def test_p66_zeros_are_no_usage(stage):
    assert usage_of(stage, usage="none") | {"prompt_tokens_details": 0, "completion_tokens_details": 0} == {
        "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "prompt_tokens_details": 0, "completion_tokens_details": 0}


def test_p67_thoughts_tools_and_caches_in_usage(stage):
    """v20 as well."""
    found = usage_of(stage, usage={"promptTokenCount": 10, "candidatesTokenCount": 5, "thoughtsTokenCount": 7, "toolUsePromptTokenCount": 3,
                                   "cachedContentTokenCount": 4, "totalTokenCount": 25})
    assert (found["prompt_tokens"], found["completion_tokens"], found["total_tokens"]) == (13, 12, 25)
    assert found["prompt_tokens_details"]["cached_tokens"] == 4 and found["completion_tokens_details"]["reasoning_tokens"] == 7


def test_p68_p69_an_array_in_place_of_events(stage):
    """v18 as well."""
    chunks, done = streamed(stage, scripted(chunks=3, numbered=True, as_array=True), stream_options={"include_usage": True})
    assert text_of(chunks) == NUMBERED and done and chunks[-1]["usage"]["total_tokens"] > 0
    body = json.dumps({"contents": [user_native(scripted(chunks=3, numbered=True))]})
    answer = native(stage, f"/v1beta/models/{OLD}:streamGenerateContent", body)
    assert answer.headers["content-type"].startswith("application/json") and len(answer.json) >= 3


def user_native(text):
    return {"role": "user", "parts": [{"text": text}]}


@pytest.mark.parametrize("status, message, code", [
    (400, "Because.", None), (400, "The input token count (5) exceeds the maximum number of tokens allowed (4).", "context_length_exceeded"),
    (404, "models/x is not found for API version v1beta", "model_not_found")])
def test_p71_words_of_errors(stage, status, message, code):
    error, _ = refused(stage, scripted(error_status=status, error_message=message), "gemini-2.5-pro", status=status)
    assert (error["type"], error["code"]) == ("invalid_request_error", code) and message in error["message"]


def test_p72_one_head_for_all_chunks(stage):
    chunks, _ = streamed(stage, scripted(chunks=3), model="models/" + OLD)
    heads = {(chunk["id"], chunk["created"], chunk["model"], chunk["object"]) for chunk in chunks}
    assert len(heads) == 1 and next(iter(heads))[2:] == ("models/" + OLD, "chat.completion.chunk")
    assert deltas(chunks)[0] == {"role": "assistant", "content": "", "refusal": None}


def test_p73_vectors(stage):
    """v27 as well: base64, 250 texts in three calls, of length 1 where they are cut."""
    def embed(status=200, **fields):
        answer = stage.request("POST", "/v1/embeddings", {"model": "gemini-embedding-001"} | fields)
        assert answer.status == status, answer.text
        return answer.json
    before = stage.sim.total()
    many = embed(input=[str(i) for i in range(250)], dimensions=256, encoding_format="base64")
    assert stage.sim.total() == before + 3 and [one["index"] for one in many["data"]] == list(range(250))
    vector = struct.unpack("<256f", base64.b64decode(many["data"][7]["embedding"]))
    assert sum(number * number for number in vector) == pytest.approx(1, abs=1e-5) and many["usage"]["prompt_tokens"] > 0
    plain = embed(input="7", dimensions=256)["data"][0]["embedding"]
    assert plain == pytest.approx(vector, abs=1e-6)
    assert embed(400, input=[[1, 2]])["error"]["param"] == "input" and embed(400, input="")["error"]["param"] == "input"


def test_p74_models_are_those_of_all_keys(stage):
    listed = stage.request("GET", "/v1/models").json["data"]
    assert OLD in [model["id"] for model in listed] and all(not model["id"].startswith("models/") for model in listed)
    assert len({model["created"] for model in listed}) == 1 and {model["owned_by"] for model in listed} == {"google"}


def test_p75_a_key_in_the_address_goes_no_further(stage):
    body = json.dumps({"contents": [user_native("hi")]})
    answer = stage.request("POST", f"/v1beta/models/{OLD}:generateContent?key={TOKEN}", body, token=None)
    request = stage.sim.last()
    assert answer.status == 200 and TOKEN not in json.dumps(request) and request["key"] in KEYS and request["query"] == ""
    assert not any(TOKEN in line["line"] for name in ("frontend", "upstream", "balancer") for line in stage.log(name))


def test_p76_other_methods_go_to_who_has_the_thing(stage):
    made = native(stage, "/v1beta/cachedContents", {"model": f"models/{OLD}", "contents": [user_native("long " * 2000)], "ttl": "60s"})
    owner = stage.sim.last()["key"]
    for _ in range(4):
        used = native(stage, f"/v1beta/models/{OLD}:generateContent", {"contents": [user_native("hi")], "cachedContent": made.json["name"]})
        assert used.status == 200 and stage.sim.last()["key"] == owner
    assert native(stage, f"/v1beta/models/{OLD}:countTokens", {"contents": [user_native("hi")]}).json["totalTokens"] > 0


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_p77_events_in_any_pieces(stage, size, line_end):
    """v17 and v26 as well."""
    chunks, done = streamed(stage, scripted("", text="Grüße, 世界 👋🏽", split=size, line_end=line_end))
    assert "Grüße, 世界 👋🏽" in text_of(chunks) and done
