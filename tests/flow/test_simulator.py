# SPDX-License-Identifier: Apache-2.0
"""The Gemini simulator by itself: its answers, its key modes, its scripts and its counts. Everything else in this folder
relies on them."""

import base64
import concurrent.futures
import http.client
import json
import os
import pathlib
import re
import socket
import struct
import subprocess
import time
import zlib

import pytest

from gemini import (BINARY, DEADLINE_S, MODEL, PATTERN, TICK_S, Simulator, detail_of, error_of, events_of, finish_of,
                    head_and_chunks, prompt, read_all, running, sim, size_of_png, text_of, until)  # noqa: F401 (fixtures)
from stage import SLOW


# -- Plain answers --------------------------------------------------------------------------------------------------


def test_a_prompt_is_echoed(sim):
    answer, body = sim.say("Hello wörld")
    said = json.loads(body)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    assert int(answer.headers["content-length"]) == len(body)
    assert body.decode() == json.dumps(said, indent=2, ensure_ascii=False) + "\n"
    assert text_of(said) == "You said: Hello wörld"
    assert finish_of(said) == "STOP"
    assert said["usageMetadata"] == {
        "promptTokenCount": 3, "candidatesTokenCount": 6, "totalTokenCount": 9, "serviceTier": "standard",
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 3}],
        "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 6}],
    }
    assert answer.headers["x-gemini-service-tier"] == "standard"
    assert said["modelVersion"] == MODEL
    assert said["responseId"]


def test_a_long_prompt_is_cut_at_a_character(sim):
    _, body = sim.say("ö" * 150)
    assert text_of(json.loads(body)) == "You said: " + "ö" * 100


def test_pretty_print_can_be_off(sim):
    _, body = sim.say(query="?prettyPrint=false")
    assert body.count(b"\n") == 1
    json.loads(body)


def test_a_stream_has_three_events_and_growing_usage(sim):
    answer, body = sim.stream("Hello wörld, how are you?")
    events = events_of(body)
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["transfer-encoding"] == "chunked"
    assert len(events) == 3
    assert text_of(*events) == "You said: Hello wörld, how are you?"
    assert [finish_of(e) for e in events] == [None, None, "STOP"]
    totals = [e["usageMetadata"]["totalTokenCount"] for e in events]
    assert totals == sorted(set(totals))
    assert len({e["responseId"] for e in events}) == 1
    assert all(e["modelVersion"] == MODEL for e in events)


def test_a_stream_without_sse_is_a_json_array(sim):
    answer, body = sim.say(method="streamGenerateContent")
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    assert body.startswith(b"[{\n") and body.count(b"\n,\r\n{") == 2 and body.endswith(b"\n]\n")
    assert text_of(*json.loads(body)) == "You said: Hello"


def test_each_event_is_flushed_alone(sim):
    link = sim.open({"chunks": 4, "connection_close": True})
    head, chunks = head_and_chunks(read_all(link)[0])
    assert head.startswith("HTTP/1.1 200 OK")
    assert [len(events_of(c)) for c in chunks] == [1, 1, 1, 1]


def test_max_output_tokens_cuts_the_text(sim):
    for method, query in (("generateContent", ""), ("streamGenerateContent", "?alt=sse")):
        body = {**prompt("a" * 100), "generationConfig": {"maxOutputTokens": 4}}
        _, text = sim.post(body, method=method, query=query)
        said = [json.loads(text)] if query == "" else events_of(text)
        assert text_of(*said) == "You said: aaaaaa"
        assert finish_of(said[-1]) == "MAX_TOKENS"


def test_a_stop_sequence_ends_the_text_before_it(sim):
    body = {**prompt("one two three"), "generation_config": {"stop_sequences": ["zzz", " three", " two"]}}
    said = json.loads(sim.post(body)[1])
    assert text_of(said) == "You said: one"
    assert finish_of(said) == "STOP"


def test_thoughts_come_when_asked_for(sim):
    body = {**prompt(), "generationConfig": {"thinkingConfig": {"includeThoughts": True}}}
    said = json.loads(sim.post(body)[1])
    parts = said["candidates"][0]["content"]["parts"]
    assert [p.get("thought", False) for p in parts] == [True, False]
    usage = said["usageMetadata"]
    assert usage["totalTokenCount"] == sum(
        usage[k + "TokenCount"] for k in ("prompt", "candidates", "thoughts")
    )


def test_version_v1_answers_too(sim):
    assert sim.say(version="v1")[0].status == 200


def test_a_key_in_the_query_will_do(sim):
    assert sim.say(key=None, query="?key=key-query")[0].status == 200
    assert sim.counts()["by_key"]["key-query"] == {"requests": 1, "ok": 1, "refused": 0}


def test_the_verb_may_be_percent_encoded(sim):
    answer, _ = sim.request(
        "POST", f"/v1beta/models/{MODEL}%3AgenerateContent", json.dumps(prompt()), {"x-goog-api-key": "key-ok"}
    )
    assert answer.status == 200


# -- Models ---------------------------------------------------------------------------------------------------------


def test_models_are_listed_in_pages(sim):
    names, token = [], ""
    while True:
        answer, body = sim.request("GET", f"/v1beta/models?pageSize=7&pageToken={token}&key=key-ok")
        page = json.loads(body)
        assert answer.status == 200 and 0 < len(page["models"]) <= 7
        names += [m["name"] for m in page["models"]]
        token = page.get("nextPageToken")
        if token is None:
            break
    whole = json.loads(sim.request("GET", "/v1beta/models?pageSize=5000&key=key-ok")[1])
    assert names == [m["name"] for m in whole["models"]]
    assert len(names) == len(set(names)) > 14
    assert f"models/{MODEL}" in names
    assert "nextPageToken" not in whole


def test_a_model_is_described(sim):
    answer, body = sim.request("GET", f"/v1beta/models/{MODEL}", headers={"x-goog-api-key": "key-ok"})
    model = json.loads(body)
    assert answer.status == 200
    assert model["name"] == "models/" + MODEL
    assert "generateContent" in model["supportedGenerationMethods"]
    assert (model["inputTokenLimit"], model["outputTokenLimit"]) == (1048576, 65536)


@pytest.mark.parametrize("path", ["models/none", "models/gemini-1.0-pro"])
def test_a_model_that_is_not_there_is_not_found(sim, path):
    answer, body = sim.request("GET", f"/v1beta/{path}?key=key-ok")
    assert error_of(answer, body)["status"] == "NOT_FOUND"


@pytest.mark.parametrize("query", ["pageSize=x", "pageSize=-1", "pageToken=page-x", "pageToken=page-"])
def test_a_page_that_is_none_is_refused(sim, query):
    answer, body = sim.request("GET", f"/v1beta/models?{query}&key=key-ok")
    assert error_of(answer, body)["status"] == "INVALID_ARGUMENT"


def test_models_say_which_methods_they_have(sim):
    models = {m["name"]: m for m in json.loads(sim.request("GET", "/v1beta/models?key=key-ok")[1])["models"]}
    assert models["models/gemini-embedding-001"]["supportedGenerationMethods"][0] == "embedContent"
    assert models["models/imagen-4.0-generate-001"]["supportedGenerationMethods"] == ["predict"]
    assert models["models/gemini-3.6-flash"]["thinking"] is True
    assert "thinking" not in models["models/gemini-2.0-flash"]


def test_a_page_token_that_is_none_is_refused(sim):
    answer, body = sim.request("GET", "/v1beta/models?pageToken=what&key=key-ok")
    assert error_of(answer, body)["status"] == "INVALID_ARGUMENT"


# -- Key modes ------------------------------------------------------------------------------------------------------

REFUSING = {
    # mode: HTTP status, status, words of the message, ErrorInfo reason
    "invalid": (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", "API_KEY_INVALID"),
    "expired": (400, "INVALID_ARGUMENT", "API key expired", "API_KEY_INVALID"),
    "location": (400, "FAILED_PRECONDITION", "User location is not supported", None),
    "depleted": (402, "RESOURCE_EXHAUSTED", "prepayment credits are depleted", None),
    "suspended": (403, "PERMISSION_DENIED", "Consumer 'api_key:key-suspended' has been suspended", "CONSUMER_SUSPENDED"),
    "leaked": (403, "PERMISSION_DENIED", "reported as leaked", None),
    "forbidden": (403, "PERMISSION_DENIED", "Your project has been denied access", None),
    "disabled": (403, "PERMISSION_DENIED", "it is disabled", "SERVICE_DISABLED"),
    "blocked": (403, "PERMISSION_DENIED", "are blocked", "API_KEY_SERVICE_BLOCKED"),
    "unlisted": (404, "NOT_FOUND", "is not found for API version v1beta", None),
    "minute": (429, "RESOURCE_EXHAUSTED", "Please retry in 34.074824224s.", None),
    "day": (429, "RESOURCE_EXHAUSTED", "exceeded your current quota", None),
    "limit0": (429, "RESOURCE_EXHAUSTED", "limit: 0", None),
    "exhausted": (429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).", None),
    "internal": (500, "INTERNAL", "An internal error has occurred", None),
    "overloaded": (503, "UNAVAILABLE", "The model is overloaded", None),
    "deadline": (504, "DEADLINE_EXCEEDED", "Deadline expired", None),
}


@pytest.mark.parametrize("mode", REFUSING)
@pytest.mark.parametrize("method, query", [("generateContent", ""), ("streamGenerateContent", "?alt=sse")])
def test_a_key_refuses_by_its_name(sim, mode, method, query):
    code, status, words, reason = REFUSING[mode]
    key = "key-" + mode
    answer, body = sim.say(key=key, method=method, query=query)
    error = error_of(answer, body)
    assert answer.status == code
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    assert body.startswith(b'{\n  "error": {\n    "code": ')
    assert error["status"] == status and words in error["message"]
    info = detail_of(error, "ErrorInfo")
    assert (info["reason"] if info else None) == reason
    assert sim.counts()["by_key"] == {key: {"requests": 1, "ok": 0, "refused": 1}}


def test_a_refusal_of_an_array_stream_is_an_array(sim):
    answer, body = sim.say(key="key-overloaded", method="streamGenerateContent")
    assert answer.status == 503
    assert [e["error"]["code"] for e in json.loads(body)] == [503]


@pytest.mark.parametrize(
    "mode, quota, value, delay",
    [
        ("minute", "GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "5", "34.074824224s"),
        ("minute2", "GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "5", "2.074824224s"),
        ("day", "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "20", "12.500824224s"),
        ("limit0", "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "0", "12.500824224s"),
    ],
)
def test_a_quota_names_its_window(sim, mode, quota, value, delay):
    error = error_of(*sim.say(key="key-" + mode))
    violation = detail_of(error, "QuotaFailure")["violations"][0]
    assert violation["quotaId"] == quota
    assert violation["quotaValue"] == value
    assert violation["quotaDimensions"]["model"] == MODEL
    assert detail_of(error, "RetryInfo")["retryDelay"] == delay
    assert f"Please retry in {delay}." in error["message"]


def test_an_html_key_answers_with_a_page(sim):
    answer, body = sim.say(key="key-html")
    assert answer.status == 502
    assert answer.headers["content-type"].startswith("text/html")
    assert body.startswith(b"<!DOCTYPE html>")


def test_an_empty_key_answers_without_parts(sim):
    said = json.loads(sim.say(key="key-empty")[1])
    assert said["candidates"][0] == {"content": {"role": "model"}, "finishReason": "STOP", "index": 0}
    assert "candidatesTokenCount" not in said["usageMetadata"]
    events = events_of(sim.stream(key="key-empty")[1])
    assert [e["candidates"][0] for e in events] == [said["candidates"][0]]


@pytest.mark.parametrize("key, reason, has_content", [("key-finishSAFETY", "SAFETY", False),
                                                      ("key-finishMAX_TOKENS-1", "MAX_TOKENS", True),
                                                      ("key-finishIMAGE_PROHIBITED_CONTENT", "IMAGE_PROHIBITED_CONTENT", False),
                                                      ("key-finishMALFORMED_FUNCTION_CALL", "MALFORMED_FUNCTION_CALL", False)])
def test_a_key_finishes_by_its_name(sim, key, reason, has_content):
    said = json.loads(sim.say(key=key)[1])["candidates"][0]
    events = events_of(sim.stream(key=key)[1])
    array = json.loads(sim.say(key=key, method="streamGenerateContent")[1])
    for candidate in (said, events[-1]["candidates"][0], array[-1]["candidates"][0]):
        assert candidate["finishReason"] == reason
        assert ("parts" in candidate["content"]) == has_content
        assert ("finishMessage" in candidate) == (reason != "MAX_TOKENS")
    assert all(finish_of(e) is None for e in (*events[:-1], *array[:-1]))


@pytest.mark.parametrize("reason", ["SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "JAILBREAK"])
def test_a_key_blocks_by_its_name(sim, reason):
    key = f"key-block{reason}-2"
    answers = [json.loads(sim.say(key=key)[1]), *events_of(sim.stream(key=key)[1]),
               *json.loads(sim.say(key=key, method="streamGenerateContent")[1])]
    assert len(answers) == 3
    for answer in answers:
        assert answer["promptFeedback"] == {"blockReason": reason} and "candidates" not in answer
        assert answer["usageMetadata"]["promptTokenCount"] == answer["usageMetadata"]["totalTokenCount"] == 2


def test_a_key_with_a_reason_that_is_none_is_as_any_other(sim):
    for key in ("key-finish", "key-finishWHAT", "key-blockSTOP"):
        assert finish_of(json.loads(sim.say(key=key)[1])) == "STOP"


@pytest.mark.parametrize("mode, least_s, most_s", [("slow", 1.0, 2.5), ("slow200", 0.2, 1.0)])
def test_a_slow_key_takes_its_time(sim, mode, least_s, most_s):
    begin = time.monotonic()
    answer, _ = sim.say(key="key-" + mode)
    assert answer.status == 200
    assert least_s - TICK_S <= time.monotonic() - begin < most_s * SLOW


def test_a_resetting_key_resets_before_any_byte(sim):
    assert read_all(sim.open(key="key-resetting")) == (b"", True)
    assert sim.counts()["by_key"] == {"key-resetting": {"requests": 1, "ok": 0, "refused": 1}}


def test_a_hanging_key_never_answers_and_notices_a_hang_up(sim):
    link = sim.open(key="key-hanging")
    until(lambda: sim.counts()["open"] == 1)
    link.settimeout(0.3)
    with pytest.raises(TimeoutError):
        link.recv(1)
    link.close()
    until(lambda: sim.counts()["open"] == 0)
    counts = sim.counts()
    assert counts["cancelled"] == 1
    assert counts["by_key"] == {"key-hanging": {"requests": 1, "ok": 0, "refused": 0}}


def test_key_modes_hold_for_models_as_well(sim):
    answer, body = sim.request("GET", "/v1beta/models?key=key-invalid")
    assert "API key not valid" in error_of(answer, body)["message"]


def test_a_mode_can_be_set_for_some_requests(sim):
    sim.admin("keys", {"key": "key-day", "mode": "overloaded", "times": 2})
    assert [sim.say(key="key-day")[0].status for _ in range(4)] == [503, 503, 200, 200]
    sim.admin("keys", {"key": "key-x", "mode": "minute7"})
    assert [sim.say(key="key-x")[0].status for _ in range(3)] == [429, 429, 429]
    sim.admin("reset", {})
    assert (sim.say(key="key-day")[0].status, sim.say(key="key-x")[0].status) == (429, 200)


@pytest.mark.parametrize(
    "body",
    ["", "[]", "{", '{"key":"k"}', '{"mode":"ok"}', '{"key":"k","mode":"what"}', '{"key":"k","mode":"ok","times":0}'],
)
def test_a_wrong_mode_is_refused(sim, body):
    answer, text = sim.request("POST", "/admin/keys", body)
    assert answer.status == 400 and json.loads(text)["error"]


# -- Scripts: what is said ------------------------------------------------------------------------------------------


def test_numbered_events(sim):
    events = events_of(sim.stream(script={"chunks": 12, "numbered": True})[1])
    assert [text_of(e) for e in events] == [f"[{i}]" for i in range(12)]
    said = json.loads(sim.say(script={"chunks": 12, "numbered": True})[1])
    assert text_of(said) == "".join(f"[{i}]" for i in range(12))


def test_chunk_bytes(sim):
    events = events_of(sim.stream(script={"chunks": 3, "chunk_bytes": 150})[1])
    assert [text_of(e) for e in events] == [(PATTERN * 3)[:150]] * 3
    events = events_of(sim.stream(script={"chunks": 11, "chunk_bytes": 9, "numbered": True})[1])
    assert [text_of(e) for e in events] == [(f"[{i}]" + PATTERN)[:9] for i in range(11)]
    usage = events[-1]["usageMetadata"]
    assert usage["candidatesTokenCount"] == -(-11 * 9 // 4)
    said = json.loads(sim.say(script={"chunks": 11, "chunk_bytes": 9, "numbered": True})[1])
    assert text_of(said) == text_of(*events)
    assert said["usageMetadata"] == usage


def test_one_giant_event(sim):
    events = events_of(sim.stream(script={"event_bytes": 5_000_000})[1])
    assert len(events) == 1
    assert text_of(*events) == (PATTERN * (5_000_000 // 64 + 1))[:5_000_000]


def test_a_giant_reply_has_a_content_length(sim):
    answer, body = sim.say(script={"reply_bytes": 3_000_001})
    assert int(answer.headers["content-length"]) == len(body)
    assert text_of(json.loads(body)) == (PATTERN * (3_000_001 // 64 + 1))[:3_000_001]


def test_a_reply_may_be_chunked(sim):
    answer, body = sim.say(script={"text": "Yes.", "chunked": True})
    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.headers["content-length"] is None
    assert text_of(json.loads(body)) == "Yes."


def test_a_scripted_text_is_escaped_and_split_at_characters(sim):
    text = 'äöü "quoted" \\ back\tslash\n\x01 🙂🙂🙂'
    assert text_of(json.loads(sim.say(script={"text": text})[1])) == text
    events = events_of(sim.stream(script={"text": text, "chunks": 20})[1])
    assert len(events) == 20 and text_of(*events) == text


def test_thought_events_come_first(sim):
    events = events_of(sim.stream(script={"thoughts": 2, "text": "Done."})[1])
    thoughts = [e["candidates"][0]["content"]["parts"][0].get("thought", False) for e in events]
    assert thoughts == [True, True, False, False, False]
    assert text_of(*events) == "Done."
    assert events[-1]["usageMetadata"]["thoughtsTokenCount"] > 0


def test_a_finish_reason(sim):
    events = events_of(sim.stream(script={"finish": "SAFETY"})[1])
    assert [finish_of(e) for e in events] == [None, None, "SAFETY"]
    assert finish_of(json.loads(sim.say(script={"finish": "RECITATION"})[1])) == "RECITATION"


@pytest.mark.parametrize("blocked, reason", [(True, "PROHIBITED_CONTENT"), ("SAFETY", "SAFETY")])
def test_a_blocked_prompt_has_no_candidates(sim, blocked, reason):
    said = json.loads(sim.say(script={"blocked": blocked})[1])
    events = events_of(sim.stream(script={"blocked": blocked})[1])
    for answer in (said, *events):
        assert answer["promptFeedback"] == {"blockReason": reason}
        assert "candidates" not in answer
    assert len(events) == 1


def test_an_empty_answer(sim):
    said = json.loads(sim.say(script={"empty": True})[1])
    events = events_of(sim.stream(script={"empty": True})[1])
    assert len(events) == 1
    for answer in (said, *events):
        assert answer["candidates"] == [{"content": {"role": "model"}, "finishReason": "STOP", "index": 0}]


def test_usage_can_be_replaced_left_out_or_last_only(sim):
    usage = {"promptTokenCount": 7, "thoughtsTokenCount": 9, "totalTokenCount": 16}
    assert json.loads(sim.say(script={"usage": usage})[1])["usageMetadata"] == usage
    events = events_of(sim.stream(script={"usage": usage})[1])
    assert events[-1]["usageMetadata"] == usage != events[0]["usageMetadata"]
    events = events_of(sim.stream(script={"usage": "last"})[1])
    assert ["usageMetadata" in e for e in events] == [False, False, True]
    events = events_of(sim.stream(script={"usage": "none"})[1])
    assert ["usageMetadata" in e for e in events] == [False, False, False]


@pytest.mark.parametrize("line_end", ["\n", "\r", "\r\n"])
def test_line_ends(sim, line_end):
    _, body = sim.stream(script={"line_end": line_end, "text": "Hi"})
    assert body.decode().count(line_end * 2) == 3
    assert body.decode().replace(line_end * 2, "").count("\n") == 0


@pytest.mark.parametrize("status, word", [(400, "INVALID_ARGUMENT"), (404, "NOT_FOUND"), (429, "RESOURCE_EXHAUSTED"),
                                          (500, "INTERNAL"), (503, "UNAVAILABLE"), (504, "DEADLINE_EXCEEDED")])
def test_an_error_status(sim, status, word):
    for answer, body in (sim.say(script={"error_status": status}), sim.stream(script={"error_status": status})):
        assert answer.status == status
        assert error_of(answer, body)["status"] == word


def test_an_error_message(sim):
    answer, body = sim.say(script={"error_status": 400, "error_message": "The input token count (9) exceeds"})
    assert error_of(answer, body)["message"] == "The input token count (9) exceeds"


# -- Scripts: how it goes -------------------------------------------------------------------------------------------


def test_events_keep_their_pace(sim):
    """None comes before its time, and they come apart. (Late ones may come close together: the reader was late.)"""
    pace_s, begun = 0.15, time.monotonic()
    link = sim.open({"chunks": 6, "numbered": True, "pace_ms": int(1000 * pace_s), "connection_close": True})
    times, data = [], b""
    while chunk := link.recv(65536):
        data += chunk
        times += [time.monotonic()] * chunk.count(b"data: ")
    assert len(times) == 6 and times[0] < times[-1]
    for number, at in enumerate(times):
        assert at - begun >= number * pace_s - TICK_S
    assert text_of(*events_of(b"".join(head_and_chunks(data)[1]))) == "[0][1][2][3][4][5]"


@pytest.mark.parametrize("method, query", [("generateContent", ""), ("streamGenerateContent", "?alt=sse")])
@pytest.mark.parametrize("early", [False, True])
def test_the_first_byte_can_be_late_and_the_header_early(sim, method, query, early):
    script = {"first_ms": 1000, "head_early": early, "text": "Late.", "connection_close": True}
    begin = time.monotonic()
    link = sim.open(script, method, query)
    first = link.recv(65536)
    first_s = time.monotonic() - begin
    data, was_reset = read_all(link)
    total_s = time.monotonic() - begin
    assert 1 - TICK_S <= total_s < 2 * SLOW and not was_reset
    assert (first_s < 1 - TICK_S) == early
    assert (first.endswith(b"\r\n\r\n") and b"Late" not in first) or not early
    assert b"STOP" in first + data


@pytest.mark.parametrize("cut", [0, 1, 100, 333])
@pytest.mark.parametrize("split", [{}, {"split": 7}])
def test_a_stream_is_cut_at_a_byte(sim, cut, split):
    data, was_reset = read_all(sim.open({"cut_at_byte": cut, "text": "x" * 300, **split}))
    head, chunks = head_and_chunks(data)
    assert was_reset
    assert "200 OK" in head
    assert len(b"".join(chunks)) == cut
    assert sim.counts()["cancelled"] == 0


@pytest.mark.parametrize("cut", [0, 1, 100, 70_000])
def test_a_reply_is_cut_at_a_byte(sim, cut):
    data, was_reset = read_all(sim.open({"cut_at_byte": cut, "reply_bytes": 100_000}, "generateContent", ""))
    head, body = data.split(b"\r\n\r\n", 1)
    assert was_reset
    assert int(re.search(rb"content-length: (\d+)", head, re.I)[1]) > 100_000
    assert len(body) == cut


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_stream_is_cut_after_events(sim, after):
    data, was_reset = read_all(sim.open({"cut_after_events": after, "chunks": 3}))
    events = events_of(b"".join(head_and_chunks(data)[1]))
    assert was_reset
    assert len(events) == after and not any(finish_of(e) for e in events)


def test_a_cut_may_be_an_end_of_file(sim):
    data, was_reset = read_all(sim.open({"cut_after_events": 2, "cut_fin": True}))
    assert not was_reset
    assert len(events_of(b"".join(head_and_chunks(data)[1]))) == 2
    assert not data.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("after", [0, 2, 3])
def test_a_stream_closes_cleanly_without_a_finish_reason(sim, after):
    answer, body = sim.stream(script={"close_after_events": after, "chunks": 3})
    events = events_of(body)
    assert answer.status == 200
    assert len(events) == after and not any(finish_of(e) for e in events)
    assert sim.counts()["by_key"]["key-ok"]["ok"] == 1


def test_an_array_that_is_closed_early_is_still_an_array(sim):
    _, body = sim.say(method="streamGenerateContent", script={"close_after_events": 2, "chunks": 5})
    assert len(json.loads(body)) == 2


@pytest.mark.parametrize("after", [0, 2, 3])
def test_an_error_in_a_stream_is_bare_json(sim, after):
    link = sim.open({"error_after_events": after, "chunks": 3, "connection_close": True})
    chunks = head_and_chunks(read_all(link)[0])[1]
    events = events_of(b"".join(chunks[:-1]))
    assert len(events) == after and not any(finish_of(e) for e in events)
    assert chunks[-1].startswith(b'{\n  "error": {\n')
    assert json.loads(chunks[-1])["error"]["status"] == "UNAVAILABLE"


def test_an_error_in_a_stream_may_be_an_event(sim):
    script = {"error_after_events": 1, "error_as_data": True, "error_status": 429, "error_message": "Enough."}
    events = events_of(sim.stream(script=script)[1])
    assert len(events) == 2
    assert events[1] == {"error": {"code": 429, "message": "Enough.", "status": "RESOURCE_EXHAUSTED"}}


def test_an_error_in_an_array_is_an_element(sim):
    _, body = sim.say(method="streamGenerateContent", script={"error_after_events": 2})
    elements = json.loads(body)
    assert len(elements) == 3 and elements[2]["error"]["code"] == 503


def test_a_stream_can_fall_silent(sim):
    link = sim.open({"chunks": 5, "hang_after_events": 2})
    data = b""
    while data.count(b"data: ") < 2:
        data += link.recv(65536)
    link.settimeout(0.3)
    with pytest.raises(TimeoutError):
        link.recv(1)
    link.close()
    until(lambda: sim.counts()["cancelled"] == 1)


@pytest.mark.parametrize("split", [1, 5, 64])
def test_a_stream_is_sent_in_pieces(sim, split):
    link = sim.open({"split": split, "text": "äöü", "connection_close": True})
    chunks = head_and_chunks(read_all(link)[0])[1]
    assert max(len(c) for c in chunks) <= split
    assert len(chunks) >= len(b"".join(chunks)) // split
    assert text_of(*events_of(b"".join(chunks))) == "äöü"


def test_pieces_can_be_paced(sim):
    begin = time.monotonic()
    _, body = sim.say(script={"split": 100, "split_ms": 20, "reply_bytes": 1000})
    assert time.monotonic() - begin >= 0.2 - 10 * TICK_S
    assert len(text_of(json.loads(body))) == 1000


def test_a_connection_is_kept_unless_the_script_closes_it(sim):
    link = http.client.HTTPConnection(sim.host, sim.port, timeout=DEADLINE_S)
    for script in ({}, {"chunks": 2}, {"first_ms": 20}, {"error_status": 500}):
        for method in ("generateContent", "streamGenerateContent?alt=sse"):
            body = json.dumps(prompt("Hello", script))
            link.request("POST", f"/v1beta/models/{MODEL}:{method}", body, {"x-goog-api-key": "key-ok"})
            first = link.sock
            link.getresponse().read()
            assert link.sock is first is not None
    link.close()
    for method in ("generateContent", "streamGenerateContent"):
        assert sim.say(method=method, script={"connection_close": True})[0].headers["connection"] == "close"


def test_pipelined_requests_are_answered_in_order(sim):
    link = sim.open({"first_ms": 100, "text": "One."}, "generateContent", "")
    body = json.dumps(prompt("x", {"text": "Two.", "connection_close": True})).encode()
    link.sendall(
        f"POST /v1beta/models/{MODEL}:generateContent?key=key-ok HTTP/1.1\r\nHost: x\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode() + body
    )
    data, _ = read_all(link)
    assert data.index(b"One.") < data.index(b"Two.")
    assert sim.counts()["cancelled"] == 0


def test_an_unknown_script_field_is_refused(sim):
    assert 'unknown field "chunk"' in error_of(*sim.say(script={"chunk": 3}))["message"]
    assert 'wrong value for "chunks"' in error_of(*sim.say(script={"chunks": "3"}))["message"]
    assert 'wrong value for "chunks"' in error_of(*sim.say(script={"chunks": -1}))["message"]
    assert "not JSON" in error_of(*sim.say("#sim {nothing"))["message"]


def test_only_the_last_turn_scripts(sim):
    body = prompt("Hello", {"error_status": 500})
    body["contents"] += [{"role": "model", "parts": [{"text": "Hm."}]}, {"role": "user", "parts": [{"text": "Again"}]}]
    answer, text = sim.post(body)
    assert answer.status == 200 and text_of(json.loads(text)) == "You said: Again"


def test_the_script_line_is_not_echoed(sim):
    assert text_of(json.loads(sim.say("Before", {"first_ms": 1})[1])) == "You said: Before"
    text = '#sim {"first_ms": 1}\nAfter'
    assert text_of(json.loads(sim.say(text)[1])) == "You said: After"


# -- Scripts: what else an answer has -------------------------------------------------------------------------------


def test_usage_has_cached_tool_and_hidden_tokens(sim):
    script = {"cached": 5, "tool_use": 7, "thought_tokens": 11, "text": "12345678"}
    usage = json.loads(sim.say("x" * 100, script)[1])["usageMetadata"]
    assert (usage["cachedContentTokenCount"], usage["toolUsePromptTokenCount"], usage["thoughtsTokenCount"]) == (5, 7, 11)
    assert usage["totalTokenCount"] == usage["promptTokenCount"] + 2 + 7 + 11
    assert usage["cacheTokensDetails"] == [{"modality": "TEXT", "tokenCount": 5}]
    assert usage["toolUsePromptTokensDetails"] == [{"modality": "TEXT", "tokenCount": 7}]
    assert events_of(sim.stream("x" * 100, script)[1])[-1]["usageMetadata"] == usage


def test_thoughts_use_up_the_limit(sim):
    body = {**prompt("x", {"thought_tokens": 50}), "generationConfig": {"maxOutputTokens": 50}}
    said = sim.json(body)
    assert said["candidates"][0] == {"content": {"role": "model"}, "finishReason": "MAX_TOKENS", "index": 0}
    body["generationConfig"]["maxOutputTokens"] = 51
    assert text_of(sim.json(body)) == "You "


def test_a_finish_has_its_message(sim):
    said = json.loads(sim.say(script={"finish": "SPII"})[1])["candidates"][0]
    assert said["finishMessage"]
    said = json.loads(sim.say(script={"finish": "NEWEST_REASON", "finish_message": "Because."})[1])["candidates"][0]
    assert (said["finishReason"], said["finishMessage"]) == ("NEWEST_REASON", "Because.")


def test_ratings_come_when_asked_for(sim):
    said = json.loads(sim.say(script={"ratings": True, "finish": "SAFETY", "empty": True})[1])["candidates"][0]
    assert [r["category"] for r in said["safetyRatings"] if r.get("blocked")] == ["HARM_CATEGORY_DANGEROUS_CONTENT"]
    said = json.loads(sim.say(script={"ratings": True, "blocked": "SAFETY"})[1])["promptFeedback"]
    assert len(said["safetyRatings"]) == 4


def test_a_candidate_gets_more_members(sim):
    extra = {"groundingMetadata": {"webSearchQueries": ["x"]}, "citationMetadata": {"citationSources": []}}
    answer, body = sim.say(script={"candidate": extra})
    said = json.loads(body)
    assert {k: said["candidates"][0][k] for k in extra} == extra
    assert body.decode() == json.dumps(said, indent=2, ensure_ascii=False) + "\n"
    events = events_of(sim.stream(script={"candidate": extra})[1])
    assert ["groundingMetadata" in e["candidates"][0] for e in events] == [False, False, True]


def test_several_candidates_take_turns(sim):
    body = {**prompt("Hello"), "generationConfig": {"candidateCount": 3}}
    said = sim.json(body)
    texts = ["You said: Hello", "(2) You said: Hello", "(3) You said: Hello"]
    assert [c["content"]["parts"][0]["text"] for c in said["candidates"]] == texts
    assert [(c["index"], c["finishReason"]) for c in said["candidates"]] == [(i, "STOP") for i in range(3)]
    events = events_of(sim.post(body, method="streamGenerateContent", query="?alt=sse")[1])
    candidates = [c for e in events for c in e["candidates"]]
    assert [c["index"] for c in candidates] == [0, 1, 2] * 3
    for i in range(3):
        assert "".join(c["content"]["parts"][0]["text"] for c in candidates if c["index"] == i) == texts[i]
        assert [c.get("finishReason") for c in candidates if c["index"] == i] == [None, None, "STOP"]
    assert events[-1]["usageMetadata"] == said["usageMetadata"]


@pytest.mark.parametrize("top", [0, 3])
def test_log_probabilities(sim, top):
    body = {**prompt("wörld"), "generationConfig": {"responseLogprobs": True, **({"logprobs": top} if top else {})}}
    said = sim.json(body)["candidates"][0]
    result = said["logprobsResult"]
    assert "".join(t["token"] for t in result["chosenCandidates"]) == "You said: wörld"
    total = sum(t["logProbability"] for t in result["chosenCandidates"])
    assert result["logProbabilitySum"] == pytest.approx(total, abs=1e-4)
    assert said["avgLogprobs"] == pytest.approx(total / len(result["chosenCandidates"]), abs=1e-4)
    assert ("topCandidates" in result) == (top != 0)
    for chosen, step in zip(result["chosenCandidates"], result.get("topCandidates", [])):
        assert step["candidates"][0] == chosen and len(step["candidates"]) == top
        values = [t["logProbability"] for t in step["candidates"]]
        assert values == sorted(values, reverse=True) and values[0] <= 0
    events = events_of(sim.post(body, method="streamGenerateContent", query="?alt=sse")[1])
    tokens = [t["token"] for e in events for t in e["candidates"][0]["logprobsResult"]["chosenCandidates"]]
    assert "".join(tokens) == "You said: wörld"


def test_a_json_answer_fits_its_schema(sim):
    config = {"responseMimeType": "application/json"}
    assert json.loads(text_of(sim.json({**prompt(), "generationConfig": config}))) == {"answer": "You said: Hello"}
    schema = {"type": "OBJECT", "properties": {
        "name": {"type": "STRING", "minLength": "6"}, "kind": {"type": "STRING", "enum": ["a", "b"]},
        "when": {"type": "STRING", "format": "date-time"}, "list": {"type": "ARRAY", "items": {"type": "INTEGER"}, "minItems": 2},
        "rate": {"type": "NUMBER", "minimum": 2.5}, "is": {"type": "BOOLEAN"}}}
    said = json.loads(text_of(sim.json({**prompt(), "generationConfig": {**config, "responseSchema": schema}})))
    assert said == {"name": "textxx", "kind": "a", "when": "2026-01-01T00:00:00Z", "list": [1, 1], "rate": 2.5, "is": True}
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/x"}, "b": {"anyOf": [{"const": 7}]},
                                               "c": {"type": ["null", "integer"]}}, "$defs": {"x": {"type": "string"}}}
    said = json.loads(text_of(sim.json({**prompt(), "generationConfig": {**config, "responseJsonSchema": schema}})))
    assert said == {"a": "text", "b": 7, "c": 1}


def test_a_schema_that_contains_itself_ends(sim):
    schema = {"$ref": "#/$defs/x", "$defs": {"x": {"type": "object", "properties": {
        "a": {"$ref": "#/$defs/x"}, "b": {"$ref": "#/$defs/x"}}}}}
    config = {"responseMimeType": "application/json", "responseJsonSchema": schema}
    json.loads(text_of(sim.json({**prompt(), "generationConfig": config})))


def test_an_enum_answer(sim):
    config = {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["yes", "no"]}}
    assert text_of(sim.json({**prompt(), "generationConfig": config})) == "yes"


def test_an_image_model_answers_with_a_picture(sim):
    body = {**prompt("a kite"), "generationConfig": {"imageConfig": {"aspectRatio": "16:9"}}}
    said = sim.json(body, model="gemini-2.5-flash-image")
    parts = said["candidates"][0]["content"]["parts"]
    assert parts[0]["text"] == "You said: a kite"
    assert parts[1]["inlineData"]["mimeType"] == "image/png"
    assert size_of_png(base64.b64decode(parts[1]["inlineData"]["data"])) == (64, 36)
    assert {"modality": "IMAGE", "tokenCount": 1290} in said["usageMetadata"]["candidatesTokensDetails"]
    events = events_of(sim.post(body, model="gemini-2.5-flash-image", method="streamGenerateContent", query="?alt=sse")[1])
    assert events[-1]["candidates"][0]["content"]["parts"] == [parts[1]]


def test_a_speech_model_answers_with_sound(sim):
    body = {**prompt("Say hello"), "generationConfig": {"responseModalities": ["AUDIO"], "speechConfig": {
        "voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "kore"}}}}}
    parts = sim.json(body, model="gemini-3.1-flash-tts-preview")["candidates"][0]["content"]["parts"]
    assert [p["inlineData"]["mimeType"] for p in parts] == ["audio/L16;codec=pcm;rate=24000"]
    samples = struct.unpack("<4800h", base64.b64decode(parts[0]["inlineData"]["data"]))
    assert max(samples) > 7000 and min(samples) < -7000


# -- Scripts by the admin route -------------------------------------------------------------------------------------


def test_an_admin_script_holds_for_all_that_follows(sim):
    sim.admin("script", {"text": "Scripted.", "finish": "OTHER", "usage": {"totalTokenCount": 5}})
    for _ in range(2):
        said = json.loads(sim.say()[1])
        assert (text_of(said), finish_of(said), said["usageMetadata"]) == ("Scripted.", "OTHER", {"totalTokenCount": 5})
    sim.admin("script", {"text": "Other."})
    assert text_of(json.loads(sim.say()[1])) == "Other."
    sim.admin("reset", {})
    assert text_of(json.loads(sim.say()[1])) == "You said: Hello"


def test_an_admin_script_can_be_for_some_requests_a_model_or_a_key(sim):
    def said(**where):
        return text_of(json.loads(sim.say(**where)[1]))

    sim.admin("script", {"text": "any", "times": 1})
    assert [said(), said()] == ["any", "You said: Hello"]
    sim.admin("script", {"text": "any"})
    sim.admin("script", {"text": "model", "model": MODEL})
    sim.admin("script", {"text": "key", "key": "key-a"})
    sim.admin("script", {"text": "both", "key": "key-a", "model": MODEL, "times": 2})
    assert said(model="gemini-2.5-pro") == "any"
    assert said() == "model"
    assert [said(key="key-a") for _ in range(3)] == ["both", "both", "key"]


def test_the_prompt_overrides_the_admin_script(sim):
    sim.admin("script", {"text": "admin"})
    assert text_of(json.loads(sim.say(script={"text": "prompt"})[1])) == "prompt"


@pytest.mark.parametrize("body", ["", "[]", '{"chunk":1}', '{"chunks":true}', '{"times":0}', '{"line_end":"x"}',
                                  '{"line_end":""}', '{"text":"' + "x" * 40000 + '"}'])
def test_a_wrong_admin_script_is_refused(sim, body):
    answer, text = sim.request("POST", "/admin/script", body)
    assert answer.status == 400 and json.loads(text)["error"]
    assert text_of(json.loads(sim.say()[1])) == "You said: Hello"


# -- Counting and remembering ---------------------------------------------------------------------------------------


def test_counts_are_exact(sim):
    def one(i):
        return sim.say(key=["key-ok-1", "key-ok-2", "key-minute"][i % 3], method=["generateContent",
                       "streamGenerateContent"][i % 2])[0].status

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(one, range(300)))
    sim.request("GET", "/v1beta/models?key=key-ok-1")
    counts = sim.counts()
    assert statuses.count(200) == 200
    assert counts["total"] == 301
    assert {name: count for name, count in counts["by_operation"].items() if count} == {
        "generateContent": 150, "streamGenerateContent": 150, "models": 1}
    assert counts["by_key"] == {
        "key-ok-1": {"requests": 101, "ok": 101, "refused": 0},
        "key-ok-2": {"requests": 100, "ok": 100, "refused": 0},
        "key-minute": {"requests": 100, "ok": 0, "refused": 100},
    }
    assert (counts["open"], counts["cancelled"]) == (0, 0)


def test_a_request_counts_when_its_body_is_there(sim):
    link = socket.create_connection((sim.host, sim.port), timeout=DEADLINE_S)
    body = json.dumps(prompt()).encode()
    link.sendall(f"POST /v1beta/models/{MODEL}:generateContent?key=key-ok HTTP/1.1\r\nHost: x\r\n"
                 f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:-1])
    time.sleep(0.1)
    assert sim.counts()["total"] == 0
    link.sendall(body[-1:])
    assert link.recv(100).startswith(b"HTTP/1.1 200")
    assert sim.counts()["total"] == 1
    link.close()


def test_a_request_cut_in_its_body_does_not_count(sim):
    link = socket.create_connection((sim.host, sim.port), timeout=DEADLINE_S)
    link.sendall(f"POST /v1beta/models/{MODEL}:generateContent?key=key-ok HTTP/1.1\r\nHost: x\r\n"
                 "Content-Length: 100\r\n\r\n{".encode())
    link.close()
    time.sleep(0.1)
    counts = sim.counts()
    assert (counts["total"], counts["cancelled"]) == (0, 0)


def test_reset_forgets(sim):
    sim.say()
    sim.admin("reset", {})
    counts = sim.counts()
    assert (counts["total"], counts["by_key"], counts["cancelled"]) == (0, {}, 0)
    assert sim.last(10) == []


@pytest.mark.parametrize(
    "script, key",
    [
        ({"chunks": 100, "pace_ms": 50}, "key-ok"),
        ({"first_ms": 60_000}, "key-ok"),
        ({"first_ms": 60_000, "head_early": True}, "key-ok"),
        ({"chunks": 2, "pace_ms": 60_000}, "key-ok"),
        ({"event_bytes": 50_000_000}, "key-ok"),
        ({}, "key-hanging"),
        ({}, "key-slow60000"),
    ],
)
@pytest.mark.parametrize("how", ["fin", "reset"])
def test_a_hang_up_is_noticed_at_once(sim, script, key, how):
    link = sim.open(script, key=key)
    until(lambda: sim.counts()["open"] == 1)
    if how == "reset":
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    begin = time.monotonic()
    link.close()
    until(lambda: sim.counts()["cancelled"] == 1)
    assert time.monotonic() - begin < SLOW
    assert sim.counts()["open"] == 0


def test_requests_are_remembered_byte_for_byte(sim):
    body = '{"contents" :\t[{"role":"user","parts":[{"text":"h\\u00e9 é"}]}]}\n'.encode()
    answer, _ = sim.request("POST", f"/v1/models/{MODEL}%3AgenerateContent?alt=json&key=key%2Dq", body,
                            {"X-Thing": "Value, here", "Content-Type": "application/json"})
    assert answer.status == 200
    kept = sim.last()[0]
    assert kept["method"] == "POST"
    assert kept["path"] == f"/v1/models/{MODEL}%3AgenerateContent"
    assert kept["query"] == "alt=json&key=key%2Dq"
    assert kept["key"] == "key-q"
    assert ["x-thing", "Value, here"] in kept["headers"]
    assert kept["body"].encode() == body
    assert (kept["body_bytes"], kept["body_crc32"]) == (len(body), zlib.crc32(body))


def test_a_long_body_is_remembered_by_its_beginning_and_checksum(sim):
    body = json.dumps(prompt("x" * 300_000)).encode()
    sim.post(body)
    kept = sim.last()[0]
    assert kept["body"].encode() == body[:4096]
    assert (kept["body_bytes"], kept["body_crc32"]) == (len(body), zlib.crc32(body))


def test_a_body_that_is_no_text_is_remembered_in_hex(sim):
    sim.post(b'{"\xff"')
    assert bytes.fromhex(sim.last()[0]["body_hex"]) == b'{"\xff"'


def test_the_last_requests_come_oldest_first(sim):
    for i in range(5):
        sim.say(f"number {i}")
    texts = [json.loads(r["body"])["contents"][0]["parts"][0]["text"] for r in sim.last(3)]
    assert texts == ["number 2", "number 3", "number 4"]
    assert len(sim.last(1000)) == 5


# -- Load -----------------------------------------------------------------------------------------------------------


def resident_kb(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


@pytest.mark.release_only
def test_a_slow_reader_costs_little_memory(sim):
    before = resident_kb(sim.process.pid)
    links = [sim.open({"reply_bytes": 30_000_000}, "generateContent", "") for _ in range(8)]
    links += [sim.open({"event_bytes": 30_000_000}) for _ in range(8)]
    until(lambda: sim.counts()["open"] == 16)
    time.sleep(0.3)
    assert sim.counts()["open"] == 16
    assert resident_kb(sim.process.pid) - before < 8 * 1024
    chunks = head_and_chunks(b"".join(iter_until_end(links[-1])))[1]
    assert text_of(*events_of(b"".join(chunks))) == (PATTERN * (30_000_000 // 64 + 1))[:30_000_000]
    for link in links:
        link.close()
    until(lambda: sim.counts()["cancelled"] == 15)


def iter_until_end(link):
    """The bytes of a chunked answer on a connection that stays open."""
    tail = b""
    while not tail.endswith(b"\r\n0\r\n\r\n"):
        chunk = link.recv(1 << 20)
        assert chunk
        tail = (tail + chunk)[-16:]
        yield chunk


def test_two_thousand_paced_streams_at_once(sim):
    count, chunks = 2100, 4
    links = []
    for _ in range(count):
        links.append(sim.open({"chunks": chunks, "numbered": True, "pace_ms": 400, "first_ms": 1500}))
    until(lambda: sim.counts()["open"] == count or sim.counts()["total"] == count)
    for link in links:
        data = b"".join(iter_until_end(link))
        assert text_of(*events_of(b"".join(head_and_chunks(data)[1]))) == "[0][1][2][3]"
        link.close()
    counts = sim.counts()
    assert counts["by_key"]["key-ok"]["ok"] == count and counts["cancelled"] == 0


def test_several_processes_count_together():
    simulator = Simulator("--processes", "3", "--host", "127.0.0.2")
    try:
        assert simulator.host == "127.0.0.2"
        simulator.admin("keys", {"key": "key-b", "mode": "overloaded"})
        simulator.admin("script", {"text": "All."})
        answers = [simulator.say(key=["key-a", "key-b"][i % 2]) for i in range(60)]
        assert [a.status for a, _ in answers] == [200, 503] * 30
        assert all(text_of(json.loads(body)) == "All." for a, body in answers if a.status == 200)
        counts = simulator.counts()
        assert counts["total"] == 60
        assert counts["by_key"]["key-b"] == {"requests": 30, "ok": 0, "refused": 30}
        assert len(simulator.last(100)) == 60
        children = pathlib.Path(f"/proc/{simulator.process.pid}/task/{simulator.process.pid}/children").read_text().split()
        assert len(children) == 2
    finally:
        assert simulator.stop() == (0, "")
    until(lambda: not any(os.path.exists(f"/proc/{c}") for c in children))


# -- The process ----------------------------------------------------------------------------------------------------


def test_it_ends_with_open_requests():
    simulator = Simulator()
    link = simulator.open(key="key-hanging")
    until(lambda: simulator.counts()["open"] == 1)
    assert simulator.stop() == (0, "")
    link.close()


@pytest.mark.parametrize("options", [["--port", "x"], ["--port", "70000"], ["--what"], ["--host", "nowhere"],
                                     ["--processes", "0"], ["--port"], ["--quota", "rpm"], ["--quota", "rpx=1"],
                                     ["--quota", "rpm=1;rpd=2"]])
def test_a_wrong_option_stops_the_start(options):
    run = subprocess.run([str(BINARY), *options], capture_output=True, text=True, timeout=DEADLINE_S)
    assert run.returncode == 1 and run.stdout == "" and options[0] in run.stderr + " --host"


def test_a_port_in_use_stops_the_start(sim):
    for more in ([], ["--processes", "2"]):
        run = subprocess.run([str(BINARY), "--port", str(sim.port), *more], capture_output=True, text=True,
                             timeout=DEADLINE_S)
        assert run.returncode == 1 and "cannot listen" in run.stderr


def test_help_names_the_options():
    run = subprocess.run([str(BINARY), "--help"], capture_output=True, text=True, timeout=DEADLINE_S)
    assert run.returncode == 0
    assert all(o in run.stdout for o in ("--port", "--host", "--processes", "--quota"))
