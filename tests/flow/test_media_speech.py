# SPDX-License-Identifier: Apache-2.0
"""Speech by OpenAI's route, with its SDKs: every format, whole, streamed and as events."""
import http.client
import json
import socket

import pytest

from clients import ask, node, python, stage  # noqa: F401
from sounds import SECONDS, TYPES
from stage import SLOW, scripted

TTS = "gemini-2.5-flash-preview-tts"
ROUTE = "/v1/audio/speech"
TOKEN = "q1q2q3q4"
PROGRAM = "openai_media.py"


def post(stage, route=ROUTE, **fields):
    return stage.request("POST", route, json.dumps({"model": "tts-1", "input": "Hi", "voice": "alloy"} | fields), token=TOKEN)


def begin(stage, **fields):
    """A request whose reply is read bit by bit: the connection and the reply."""
    link = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=30 * SLOW)
    link.request("POST", ROUTE, json.dumps({"model": "tts-1", "voice": "alloy", "stream_format": "audio"} | fields),
                 {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})
    return link, link.getresponse()


@pytest.mark.short
@pytest.mark.parametrize("kind", SECONDS)
def test_every_format_is_as_long_as_what_was_said(stage, python, tmp_path, kind):
    prompt = scripted("Good morning", sound_ms=2500)
    for more in ({}, {"stream_format": "audio"}):
        kind_said, length = ask(stage, python, PROGRAM, "speech", MODEL="gpt-4o-mini-tts", PROMPT=prompt,
                                FILE=tmp_path / "sound", MORE=json.dumps({"response_format": kind} | more))
        data = (tmp_path / "sound").read_bytes()
        is_early = more and kind not in ("wav", "flac")  # their beginning tells the length
        assert kind_said == TYPES[kind] and length == (None if is_early else str(len(data)))
        assert SECONDS[kind](data) == pytest.approx(2.5, abs=0.15)
    request = stage.sim.last()
    assert request["path"] == f"/v1beta/models/{TTS}:streamGenerateContent"
    config = json.loads(request["body"])["generationConfig"]
    assert config == {"responseModalities": ["AUDIO"],
                      "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}}


def test_events_bring_the_same_sound(stage, python, tmp_path):
    prompt = scripted("Hi", sound_ms=3000)
    for kind in ("mp3", "wav", "pcm"):
        stated, are_deltas, count, done = ask(stage, python, PROGRAM, "speech_events", MODEL=TTS, PROMPT=prompt,
                                              FILE=tmp_path / "sound", MORE=json.dumps({"response_format": kind}))
        assert stated.startswith("text/event-stream") and are_deltas and (count > 4 or kind == "wav")
        assert done["type"] == "speech.audio.done" and done["usage"]["total_tokens"] >= done["usage"]["output_tokens"] > 0
        assert SECONDS[kind]((tmp_path / "sound").read_bytes()) == pytest.approx(3, abs=0.15)


def test_the_default_is_mp3(stage, node, tmp_path):
    assert ask(stage, node, "openai_media.js", "speech", MODEL=TTS, FILE=tmp_path / "sound") == "audio/mpeg"
    assert SECONDS["mp3"]((tmp_path / "sound").read_bytes()) == pytest.approx(0.2, abs=0.15)


def test_a_stream_begins_before_the_provider_has_ended(stage):
    before = stage.sim.counts()["cancelled"]
    link, reply = begin(stage, input=scripted("Hi", sound_ms=3000, hang_after_events=2), response_format="pcm")
    assert reply.status == 200 and len(reply.read(90_000)) == 90_000
    link.sock.shutdown(socket.SHUT_RDWR)
    stage.wait("the call is cancelled", lambda: stage.sim.counts()["cancelled"] > before, 30)


def test_a_stream_that_breaks_off_is_not_whole(stage):
    link, reply = begin(stage, input=scripted("Hi", sound_ms=3000, close_after_events=2, pace_ms=500), response_format="pcm")
    assert reply.status == 200 and reply.read(1000)
    with pytest.raises(http.client.IncompleteRead):
        reply.read()
    link.close()


@pytest.mark.parametrize("mode, status, code", [("blockSAFETY", 400, "content_policy_violation"),
                                                ("finishPROHIBITED_CONTENT", 400, "content_policy_violation"),
                                                ("finishOTHER", 502, "empty_answer"), ("empty", 502, "empty_answer")])
@pytest.mark.parametrize("more", [{}, {"stream_format": "audio"}, {"stream_format": "sse"}])
def test_silence_is_an_error(stage_of, mode, status, code, more):
    stage = stage_of(keys=[f"key-{mode}"], tokens=[TOKEN], database=False, recorder=False)
    answer = post(stage, **more)
    assert answer.status == status and answer.json["error"]["code"] == code, answer.text


@pytest.mark.parametrize("fields, param", [({"input": ""}, "input"), ({"speed": 9}, "speed"), ({"input": "x" * 4097}, "input"),
                                           ({"response_format": "ogg"}, "response_format"),
                                           ({"model": "gemini-2.5-flash"}, "model")])
def test_wrong_requests_never_reach_the_provider(stage, fields, param):
    before = stage.sim.total()
    answer = post(stage, **fields)
    assert answer.status in (400, 404) and answer.json["error"]["param"] == param
    assert stage.sim.total() == before


@pytest.mark.parametrize("prefix", ["", "/hf/v1", "/v1"])
def test_it_is_there_by_every_name(stage, prefix):
    assert post(stage, f"{prefix}/audio/speech").status == 200


def test_every_voice_is_one_that_google_has(stage):
    for voice in ("alloy", "ash", "ballad", "coral", "echo", "fable", "onyx", "nova", "sage", "shimmer", "verse", "marin",
                  "cedar", "zephyr", "Sulafat", "nobody"):
        answer = post(stage, voice=voice, response_format="wav")
        assert answer.status == 200, (voice, answer.text)


def test_others_are_served_while_a_long_speech_is_encoded(stage):
    """Minutes of Opus take seconds of the frontend's time; a chat meanwhile waits for a piece of it only."""
    link, reply = begin(stage, input=scripted("Hi", sound_ms=600_000), response_format="opus")
    assert reply.read(1000)[:4] == b"OggS"
    assert stage.chat("hello", token=TOKEN).status == 200
    assert len(reply.read()) > 1_000_000
    link.close()
