# SPDX-License-Identifier: Apache-2.0
"""What chats get for answers that are no plain text: nothing at all, thoughts, pictures and sound in the forms that operators choose."""
import json

import pytest

from stage import CHAT, Stage, scripted

KEYS = ["key-ok-1", "key-ok-2", "key-ok-3"]


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("replies"), keys=KEYS, database=False, admin=False) as stage:
        yield stage


@pytest.fixture(scope="module")
def old_style(tmp_path_factory):
    """For programs that know nothing but content."""
    env = {"THINK_TAGS": "true", "IMAGE_LINKS": "true"}
    with Stage(tmp_path_factory.mktemp("old"), keys=KEYS, database=False, admin=False, env=env) as stage:
        yield stage


@pytest.fixture(autouse=True)
def forget(stage, old_style):
    yield
    stage.sim.reset()
    old_style.sim.reset()


@pytest.mark.parametrize("reason", ["OTHER", "NO_IMAGE", "IMAGE_OTHER", "SOMETHING_NEW"])
def test_an_answer_that_says_nothing_is_tried_with_other_keys_and_never_called_filtered(stage, reason):
    stage.sim.script(finish=reason, empty=True)
    [choice] = stage.chat("hello").json["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("", "stop") and choice["message"]["refusal"]
    assert stage.sim.total() == 3
    stream = stage.chat_stream("hello")
    assert stream.is_whole and stream.done and stream.finish == "stop" and stage.sim.total() == 6


def test_one_good_answer_behind_it_is_the_answer(stage):
    stage.sim.script(finish="OTHER", empty=True, times=1)
    [choice] = stage.chat("hello").json["choices"]
    assert choice["message"]["content"] and choice["message"]["refusal"] is None and stage.sim.total() == 2


def test_googles_own_dialect_has_such_an_answer_as_it_is(stage):
    stage.sim.script(finish="OTHER", empty=True)
    body = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
    answer = stage.request("POST", "/v1beta/models/gemini-2.5-flash:generateContent", body)
    assert answer.status == 200 and answer.json["candidates"][0]["finishReason"] == "OTHER" and stage.sim.total() == 1


@pytest.mark.parametrize("stream", [False, True])
def test_a_history_whose_signature_is_missed_is_mended_once(stage, stream):
    call = {"id": "A", "type": "function", "function": {"name": "f", "arguments": "{}"},
            "extra_content": {"google": {"thought_signature": "c2lnbmVkIGJ5IHNvbWVib2R5"}}}
    messages = [{"role": "user", "content": "go"}, {"role": "assistant", "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "A", "content": "1"}]
    stage.sim.script(finish="MISSING_THOUGHT_SIGNATURE", empty=True, times=1)
    answer = stage.request("POST", CHAT, {"model": "gemini-2.5-flash", "messages": messages, "stream": stream})
    assert answer.status == 200, answer.text
    assert stage.sim.total() == 2


def test_fields_of_a_whole_reply_and_of_chunks(stage):
    body = stage.chat("hello").json
    assert set(body) == {"id", "object", "created", "model", "service_tier", "system_fingerprint", "choices", "usage"}
    assert body["system_fingerprint"].startswith("fp_gemini-") and body["id"].startswith("chatcmpl-")
    stream = stage.chat_stream("hello", stream_options={"include_usage": True})
    assert {frozenset(chunk) for chunk in stream.chunks} == {frozenset(body)}
    assert [chunk["usage"] for chunk in stream.chunks[:-1]] == [None] * (len(stream.chunks) - 1)
    assert len({(chunk["id"], chunk["created"], chunk["system_fingerprint"]) for chunk in stream.chunks}) == 1


def test_a_stream_that_begins_with_a_call_has_no_text(stage):
    tools = [{"type": "function", "function": {"name": "f"}}]
    stream = stage.chat_stream(scripted("", calls=1), tools=tools, reasoning_effort="none")
    assert stream.chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": None, "refusal": None}
    assert stream.finish == "tool_calls"


@pytest.mark.short
def test_sound_is_audio_of_the_message(stage):
    body = {"model": "gemini-2.5-flash-preview-tts", "messages": [{"role": "user", "content": "Say: hello"}],
            "extra_body": {"google": {"generation_config": {"responseModalities": ["AUDIO"]}}}}
    answer = stage.request("POST", CHAT, body)
    assert answer.status == 200, answer.text
    [choice] = answer.json["choices"]
    assert choice["message"]["content"] is None and set(choice["message"]["audio"]) == {"id", "data", "expires_at", "transcript"}
    assert choice["message"]["audio"]["data"].startswith("UklGR")  # RIFF


CODE = [{"executableCode": {"language": "PYTHON", "code": "print(1)\n"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}}, {"text": "One."}]


def test_a_program_that_has_run_stands_in_the_text(stage):
    want = "So:\n```python\nprint(1)\n```\n\n```\n1\n```\nOne."
    assert stage.chat(scripted("", text="So:", parts=CODE)).json["choices"][0]["message"]["content"] == want
    stream = stage.chat_stream(scripted("", text="So:", parts=CODE))
    assert stream.text == want and stream.done


def test_pictures_are_images_of_the_message(stage):
    picture = {"inlineData": {"mimeType": "image/png", "data": "QUJD"}}
    message = stage.chat(scripted("", text="Look:", parts=[picture, picture])).json["choices"][0]["message"]
    assert message["content"] == "Look:" and [image["image_url"]["url"] for image in message["images"]] == ["data:image/png;base64,QUJD"] * 2
    stream = stage.chat_stream(scripted("", text="Look:", parts=[picture, picture]))
    deltas = [choice["delta"] for chunk in stream.chunks for choice in chunk["choices"]]
    [images] = [delta["images"] for delta in deltas if "images" in delta]
    assert [image["index"] for image in images] == [0, 1] and stream.text == "Look:"


def test_thoughts_in_the_content(old_style):
    think = {"extra_body": {"google": {"thinking_config": {"include_thoughts": True}}}}
    message = old_style.chat("hello", **think).json["choices"][0]["message"]
    assert message["content"].startswith("<think>\n") and "\n</think>\n\nYou said" in message["content"]
    assert "reasoning_content" not in message
    stream = old_style.chat_stream("hello", **think)
    assert stream.text == message["content"] and "reasoning_content" not in json.dumps(stream.chunks)


def test_pictures_in_the_content(old_style):
    body = {"model": "gemini-2.5-flash-image", "messages": [{"role": "user", "content": "a cat"}]}
    message = old_style.request("POST", CHAT, body).json["choices"][0]["message"]
    assert "![image](data:image/png;base64," in message["content"] and "images" not in message
