# SPDX-License-Identifier: Apache-2.0
"""Transcripts and translations by OpenAI's routes, with its SDKs."""
import base64
import io
import json
import wave

import pytest

from clients import ask, node, python, stage  # noqa: F401
from stage import scripted

MODEL = "gemini-flash-latest"
ROUTE = "/v1/audio/transcriptions"
TOKEN = "q1q2q3q4"
PROGRAM = "openai_media.py"
HEARD = {"language": "german", "duration": 2.5, "words": [{"start": 0.1, "end": 0.6, "word": "Guten"}],
         "segments": [{"start": 0, "end": 1.25, "text": "Guten Tag."}, {"start": 1.25, "end": 2.5, "text": "Ende."}]}


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    path = tmp_path_factory.mktemp("sound") / "speech.wav"
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1), file.setsampwidth(2), file.setframerate(24000)
        file.writeframes(bytes(range(256)) * 200)
    path.write_bytes(data.getvalue())
    return path


def more(script=None, **fields):
    return json.dumps(fields | ({"prompt": scripted("It is about", **script)} if script else {}))


def form(parts, boundary="xyz"):
    body = b"".join(b'--%s\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n' %
                    (boundary.encode(), name.encode(), b'; filename="a.wav"' if name == "file" else b"", value)
                    for name, value in parts)
    return body + b"--%s--\r\n" % boundary.encode()


def post(stage, parts, route=ROUTE, kind="multipart/form-data; boundary=xyz"):
    return stage.request("POST", route, form(parts), {"Content-Type": kind}, token=TOKEN)


@pytest.mark.short
def test_a_file_is_heard(stage, python, sound):
    reply = ask(stage, python, PROGRAM, "transcription", MODEL="whisper-1", FILE=sound,
                MORE=more({"text": " Guten Tag. "}, language="de", temperature=0.5))
    assert reply["text"] == "Guten Tag." and reply["usage"]["type"] == "tokens"
    assert reply["usage"]["input_token_details"]["audio_tokens"] > 0
    request = stage.sim.last()
    assert request["path"] == f"/v1beta/models/{MODEL}:generateContent"
    body = request["body"]
    data = base64.b64encode(sound.read_bytes()).decode()
    assert body.startswith('{"contents":[{"role":"user","parts":[{"inlineData":{"mimeType":"audio/wav","data":"' + data[:100])


def test_subtitles_have_well_formed_times(stage, python, sound):
    script = {"text": json.dumps(HEARD)}
    assert ask(stage, python, PROGRAM, "transcription", MODEL=MODEL, FILE=sound, MORE=more(script, response_format="srt")) == \
        "1\n00:00:00,000 --> 00:00:01,250\nGuten Tag.\n\n2\n00:00:01,250 --> 00:00:02,500\nEnde.\n\n"
    assert ask(stage, python, PROGRAM, "transcription", MODEL=MODEL, FILE=sound, MORE=more(script, response_format="vtt")) == \
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.250\nGuten Tag.\n\n00:00:01.250 --> 00:00:02.500\nEnde.\n\n"
    assert ask(stage, python, PROGRAM, "transcription", MODEL=MODEL, FILE=sound,
               MORE=more({"text": "Guten Tag."}, response_format="text")) == "Guten Tag.\n"


@pytest.mark.parametrize("kinds, has_words, has_segments", [(None, False, True), (["word"], True, False),
                                                            (["word", "segment"], True, True)])
def test_the_long_form_has_segments_and_words(stage, python, sound, kinds, has_words, has_segments):
    fields = {"response_format": "verbose_json"} | ({"timestamp_granularities": kinds} if kinds else {})
    reply = ask(stage, python, PROGRAM, "transcription", MODEL="whisper-1", FILE=sound,
                MORE=more({"text": json.dumps(HEARD)}, **fields))
    assert reply["text"] == "Guten Tag. Ende." and reply["language"] == "german" and float(reply["duration"]) == 2.5
    assert [word["word"] for word in reply["words"] or []] == ["Guten"] * has_words
    assert [segment["end"] for segment in reply["segments"] or []] == [1.25, 2.5] * has_segments


def test_a_model_without_a_script_fills_the_schema(stage, node, sound):
    reply = ask(stage, node, "openai_media.js", "transcription", MODEL=MODEL, FILE=sound,
                MORE=json.dumps({"response_format": "verbose_json"}))
    assert reply["task"] == "transcribe" and isinstance(reply["segments"], list)


def test_a_translation_is_told_so(stage, python, sound):
    reply = ask(stage, python, PROGRAM, "translation", MODEL="whisper-1", FILE=sound,
                MORE=more({"text": json.dumps(HEARD)}, response_format="verbose_json"))
    assert reply["language"] == "english" and reply["text"] == "Guten Tag. Ende."


def test_a_stream_brings_the_text_as_it_comes(stage, python, sound):
    *deltas, done = ask(stage, python, PROGRAM, "transcription_stream", MODEL="gpt-4o-transcribe", FILE=sound,
                        MORE=more({"text": "Guten Tag, wie geht es?", "chunks": 4}))
    assert len(deltas) == 4 and {delta["type"] for delta in deltas} == {"transcript.text.delta"}
    assert "".join(delta["delta"] for delta in deltas) == done["text"] == "Guten Tag, wie geht es?"
    assert done["type"] == "transcript.text.done" and done["usage"]["total_tokens"] > 0


@pytest.mark.parametrize("parts, status, param", [
    ([("model", b"whisper-1")], 400, "file"),
    ([("file", b"RIFFxxxxWAVE"), ("response_format", b"xml")], 400, "response_format"),
    ([("file", b"RIFFxxxxWAVE"), ("model", b"gemini-2.5-flash-image")], 404, "model"),
    ([("file", b"RIFFxxxxWAVE"), ("temperature", b"7")], 400, "temperature"),
])
def test_wrong_requests_never_reach_the_provider(stage, parts, status, param):
    before = stage.sim.total()
    answer = post(stage, parts)
    assert (answer.status, answer.json["error"]["param"]) == (status, param)
    assert stage.sim.total() == before


@pytest.mark.parametrize("kind, text", [("multipart/form-data; boundary=other", "boundary is not to be found"),
                                        ("multipart/form-data", "names no boundary"),
                                        ("application/json", "parse the JSON body")])
def test_what_is_no_form_is_refused(stage, kind, text):
    answer = post(stage, [("file", b"RIFFxxxxWAVE")], kind=kind)
    assert answer.status == 400 and text in answer.json["error"]["message"]


@pytest.mark.parametrize("prefix", ["", "/hf/v1", "/v1"])
@pytest.mark.parametrize("task", ["transcriptions", "translations"])
def test_they_are_there_by_every_name(stage, prefix, task):
    assert post(stage, [("file", b"RIFFxxxxWAVE"), ("model", b"whisper-1")], f"{prefix}/audio/{task}").status == 200


def test_a_large_file_arrives_whole(stage):
    data = b"RIFFxxxxWAVE" + bytes(range(256)) * 40_000  # ten million bytes
    answer = post(stage, [("file", data), ("model", b"whisper-1")])
    assert answer.status == 200, answer.text
    assert stage.sim.last()["body_bytes"] > len(data) * 4 / 3
