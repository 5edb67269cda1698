# SPDX-License-Identifier: Apache-2.0
"""The pool: whatever a key does before the first content, the client doesn't see it while another key can serve; and
nothing that a client does wrong costs a key. Each test counts the provider's requests for each key exactly."""
import datetime
import json
import time
import zoneinfo

import pytest

from stage import CHAT, MODEL, SLOW, TOKEN, Reader, scripted

GOOD = "key-ok-1"


@pytest.fixture
def pool(stage_of):
    """A stage without a database whose pool has these keys."""
    def make(*keys, **env):
        return stage_of(keys=keys, env=env, database=False, admin=False)
    return make


def is_good(answer):
    return answer.status == 200 and answer.json["choices"][0]["message"]["content"] == "You said: hello"


# ----------------------------------------------------------------------------------------------------- the next key, unseen

RESTING = ["invalid", "expired", "suspended", "leaked", "disabled", "forbidden", "blocked", "depleted", "minute60", "day", "limit0"]
PAUSING = ["location", "exhausted"]  # nobody says for how long: asked again after seconds
PASSING = ["overloaded", "internal", "deadline", "empty", "html", "resetting"]


@pytest.mark.parametrize("mode", RESTING)
def test_a_key_that_cannot_serve_is_passed_over_and_rests(pool, mode):
    bad = f"key-{mode}-0"
    stage = pool(bad, GOOD)
    for i in range(4):
        assert is_good(stage.chat("hello")), i
    assert stage.sim.by_key() == {bad: 1, GOOD: 4}
    stream = stage.chat_stream("hello")
    assert stream.is_whole and stream.text == "You said: hello"
    assert stage.sim.by_key() == {bad: 1, GOOD: 5}


@pytest.mark.parametrize("mode", PAUSING)
def test_a_key_that_cannot_serve_is_asked_again_after_seconds(pool, mode):
    bad = f"key-{mode}-0"
    stage = pool(bad, GOOD)
    for i in range(4):
        assert is_good(stage.chat("hello")), i
    counts = stage.sim.by_key()
    assert counts[GOOD] == 4 and counts[bad] <= 2, counts
    stage.sim.key(bad, "ok")
    stage.wait("the key serves again", lambda: is_good(stage.chat("hello")) and stage.sim.by_key()[bad] > counts[bad] + 1, 15)


@pytest.mark.parametrize("mode", PASSING)
def test_a_key_that_stumbles_is_passed_over_and_used_again(pool, mode):
    bad = f"key-{mode}-0"
    stage = pool(bad, GOOD)
    for i in range(3):
        assert is_good(stage.chat("hello")), i
        stream = stage.chat_stream("hello")
        assert stream.is_whole and stream.text == "You said: hello"
    counts = stage.sim.by_key()
    assert counts[GOOD] == 6 and counts[bad] >= 3, counts


@pytest.mark.short
def test_one_good_key_among_nine_bad_ones_serves(pool):
    bad = [f"key-{mode}-0" for mode in ("invalid", "suspended", "minute60", "day", "limit0", "leaked", "depleted")]
    stage = pool(*bad, GOOD, MAX_RETRIES="10")
    for i in range(3):
        assert is_good(stage.chat("hello")), i
    assert stage.sim.by_key() == {key: 1 for key in bad} | {GOOD: 3}


def test_keys_that_lack_a_model_are_passed_over_once_another_has_had_it(pool):
    stage = pool("key-unlisted-0", "key-unlisted-1", GOOD)
    first = [stage.chat("hello").status for _ in range(2)]
    assert first == [404, 200]  # until somebody has had an answer the name may be wrong: two keys are asked
    stage.wait("the answer is settled", lambda: stage.chat("hello").status == 200)
    for _ in range(4):
        assert is_good(stage.chat("hello"))
    counts = stage.sim.by_key()
    assert counts["key-unlisted-0"] <= 3 and counts["key-unlisted-1"] <= 3, counts
    assert {line["fault"] for line in stage.log("balancer", "key.cooling_down")} == {"no_model"}


def test_a_model_that_nobody_has_makes_no_key_rest(pool):
    stage = pool("key-unlisted-0", "key-unlisted-1")
    for calls in (2, 4):
        answer = stage.chat("hello")
        assert (answer.status, answer.json["error"]["code"]) == (404, "model_not_found"), answer.text
        assert stage.sim.total() == calls


def test_a_model_that_nobody_has_does_not_come_with_time(pool):
    """Two keys are asked and the third is free: that is no reason to come again."""
    stage = pool("key-unlisted-0", "key-unlisted-1", "key-unlisted-2")
    native = {"contents": [{"parts": [{"text": "x"}]}]}
    for answer in (stage.chat("hello"), stage.request("POST", f"/v1beta/models/{MODEL}:generateContent", native)):
        assert answer.status == 404 and answer.headers["x-should-retry"] == "false" and "retry-after" not in answer.headers, answer.headers


def test_an_overloaded_model_is_left_alone_for_a_moment(pool):
    """Three refusals one after the other, and it rests for all keys; the call that waits meanwhile is answered."""
    stage = pool(GOOD, "key-ok-2")
    stage.sim.script(MODEL, times=3, error_status=503)
    assert stage.chat("hello").status == 503
    stage.wait_log("balancer", "model.cooling_down", model=MODEL)
    assert is_good(stage.chat("hello"))
    assert stage.sim.total() == 4 and not stage.log("balancer", "key.cooling_down")


def test_a_client_that_is_quoted_costs_no_key_anything(pool):
    """The provider's message repeats what the client wrote; here that looks like a dead key."""
    stage = pool(GOOD, "key-ok-2")
    for words in ("API key expired", "has been suspended", "User location is not supported"):
        native = stage.request("POST", f"/v1beta/models/{MODEL}:generateContent",
                               {"contents": [{"parts": [{"text": "x"}]}], words: 1})
        assert native.status == 400 and words in native.json["error"]["message"], native.text
        chat = stage.request("POST", CHAT, {"model": MODEL, "messages": [{"role": "user", "content": "x"}],
                                            "safety_settings": [{"category": words, "threshold": "OFF"}]})
        assert chat.status == 400, chat.text
    assert is_good(stage.chat("hello"))
    assert not stage.log("balancer", "key.cooling_down")


def test_a_key_rests_for_one_model_or_for_all(pool):
    """A quota is of one model; a key that is invalid is so for all."""
    stage = pool("key-minute60-1", "key-invalid-1", GOOD)
    for model in (MODEL, "gemini-2.5-pro"):
        for _ in range(3):
            assert is_good(stage.chat("hello", model=model))
    assert stage.sim.by_key() == {"key-minute60-1": 2, "key-invalid-1": 1, GOOD: 6}


def test_a_key_comes_back_when_its_time_has_come(pool):
    stage = pool("key-minute1-1", GOOD)
    assert is_good(stage.chat("hello"))
    begun = time.monotonic()
    stage.sim.key("key-minute1-1", "ok")
    assert is_good(stage.chat("hello")) and stage.sim.by_key()["key-minute1-1"] == 1
    stage.wait("the key serves again", lambda: is_good(stage.chat("hello")) and
               stage.sim.by_key()["key-minute1-1"] > 1, 10)
    assert time.monotonic() - begun > 0.9


def test_each_attempt_has_its_own_row_with_its_fault(stage_of):
    stage = stage_of(keys=["key-internal-1", "key-minute60-2", "key-invalid-3", GOOD], env={"MAX_RETRIES": "4"})
    assert is_good(stage.chat("hello"))
    rows = sorted(stage.wait_rows(4), key=lambda row: row["attempt"])
    assert [(row["attempt"], row["status"], row["fault"]) for row in rows] == [
        (1, 500, "server"), (2, 429, "quota_minute"), (3, 400, "key_invalid"), (4, 200, "none")]
    assert len({(row["frontend"], row["call_id"]) for row in rows}) == 1 and len({row["key_id"] for row in rows}) == 4
    stage.sim.key(GOOD, "ok")
    broken = stage.chat_stream(scripted(chunks=9, chunk_bytes=9, pace_ms=20, cut_after_events=4), model="gemini-2.5-pro")
    assert broken.error
    assert [row["fault"] for row in stage.wait_accounted() if row["model"] == "gemini-2.5-pro"][-1] == "cut"


# ------------------------------------------------------------------------------------------------------------- MAX_RETRIES

@pytest.mark.parametrize("most, calls", [("3", 3), ("1", 1), ("0", 1), ("5", 5)])
def test_no_call_makes_more_than_max_retries_requests(pool, most, calls):
    stage = pool(*(f"key-internal-{i}" for i in range(8)), MAX_RETRIES=most)
    answer = stage.chat("hello")
    assert answer.status == 502 and answer.json["error"]["type"] == "server_error"
    assert stage.sim.total() == calls
    assert max(stage.sim.by_key().values()) == 1, "a key was tried twice while others had not been"


@pytest.mark.parametrize("mode, status, code", [
    ("internal", 502, None), ("html", 502, None), ("resetting", 502, None),
    ("overloaded", 503, "model_overloaded"), ("deadline", 504, "timeout"), ("invalid", 503, "no_available_key"),
    ("suspended", 503, "no_available_key"), ("location", 503, "unsupported_country_region_territory")])
def test_when_all_keys_fail_the_error_says_why(pool, mode, status, code):
    stage = pool(*(f"key-{mode}-{i}" for i in range(3)))
    answer = stage.chat("hello")
    assert (answer.status, answer.json["error"]["code"]) == (status, code), answer.text
    assert "key-" not in answer.text
    assert mode != "overloaded" or int(answer.headers["retry-after"]) >= 1
    native = stage.request("POST", f"/v1beta/models/{MODEL}:generateContent",
                           {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]})
    assert native.status == status and native.json["error"]["code"] == status, native.text
    assert native.json["error"]["status"] and native.json["error"]["message"] and "key-" not in native.text
    stream = stage.chat_stream("hello")
    assert stream.status == status and not stream.events


def test_a_key_that_is_refused_for_a_reason_is_told_with_it(pool):
    stage = pool("key-disabled-00001")
    for _ in range(2):  # by the attempt itself, and without one
        for answer in (stage.chat("hello"), stage.request("POST", f"/v1beta/models/{MODEL}:generateContent",
                                                          {"contents": [{"role": "user", "parts": [{"text": "x"}]}]})):
            message = answer.json["error"]["message"]
            assert answer.status == 503 and message.startswith("No key can be used: the provider refuses them. It says: "), message
            assert "has not been used in project" in message and "key-disabled" not in answer.text, message
            assert "details" not in answer.json["error"] and "retry-after" not in answer.headers
    assert stage.sim.total() == 1


def test_credit_that_is_used_up_is_not_called_a_quota_of_the_day(pool):
    stage = pool("key-depleted-1")
    for _ in range(2):
        answer = stage.chat("hello")
        assert (answer.status, answer.json["error"]["code"]) == (429, "insufficient_quota"), answer.text
        assert "quota of the day" not in answer.text and "retry-after" not in answer.headers
        assert "credit" in answer.json["error"]["message"].lower(), answer.text
    assert stage.sim.total() == 1


def test_when_all_keys_give_empty_answers_a_chat_gets_one(pool):
    """Google's dialect is told the truth: its clients would take an answer without parts for a broken one."""
    stage = pool(*(f"key-empty-{i}" for i in range(3)))
    answer = stage.chat("hello")
    [choice] = answer.json["choices"]
    assert answer.status == 200 and (choice["message"]["content"], choice["finish_reason"]) == ("", "stop")
    assert answer.json["usage"]["prompt_tokens"] > 0 and answer.json["usage"]["completion_tokens"] == 0
    assert stage.sim.total() == 3
    stream = stage.chat_stream("hello", stream_options={"include_usage": True})
    assert stream.is_whole and stream.done and stream.text == "" and stream.finish == "stop"
    assert stream.usage["prompt_tokens"] > 0 and stage.sim.total() == 6
    native = stage.request("POST", f"/v1beta/models/{MODEL}:generateContent",
                           {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]})
    assert native.status == 502 and native.json["error"]["status"] == "UNAVAILABLE"


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MALFORMED_RESPONSE"])
def test_when_all_answers_are_malformed_a_chat_gets_an_error(pool, reason):
    stage = pool("key-ok-1", "key-ok-2", "key-ok-3")
    stage.sim.script(finish=reason, text="")  # with a thought, which in a stream has gone out already
    assert_malformed(stage.chat("hello"))
    assert stage.sim.total() == 3
    stage.sim.reset()
    stage.sim.script(finish=reason, empty=True)
    assert_malformed(stage.chat("hello"))
    assert stage.sim.total() == 3
    stream = stage.chat_stream("hello")
    assert stream.status == 502 and not stream.events and stage.sim.total() == 6


def test_a_blocked_prompt_is_an_error_if_the_operator_wants(pool):
    stage = pool("key-ok-1", "key-ok-2", REFUSE_BLOCKED="true")
    stage.sim.script(blocked="SAFETY")
    for more in ({}, {"n": 2}):
        answer = stage.chat("hello", **more)
        assert answer.status == 400 and answer.json["error"]["code"] == "content_filter", answer.text
        assert answer.headers["x-should-retry"] == "false"
    stream = stage.chat_stream("hello")
    assert stream.status == 400 and not stream.events
    native = stage.request("POST", f"/v1beta/models/{MODEL}:generateContent", {"contents": [{"role": "user", "parts": [{"text": "x"}]}]})
    assert native.json["promptFeedback"]["blockReason"] == "SAFETY"


def assert_malformed(answer):
    assert answer.status == 502 and answer.json["error"]["code"] == "upstream_malformed_response", answer.text
    assert answer.headers["x-should-retry"] == "false", "it has been tried with other keys"


# ------------------------------------------------------------------------------------------------- the client's own mistakes

def test_a_clients_own_mistake_tries_one_key_and_costs_none(pool):
    keys = [f"key-ok-{i}" for i in range(3)]
    stage = pool(*keys)
    bad = {"contents": [{"role": "user", "parts": [{"text": "x"}]}], "generationConfig": {"temperature": 99}}
    for i in range(6):
        answer = stage.request("POST", f"/v1beta/models/{MODEL}:generateContent", bad)
        assert answer.status == 400 and answer.json["error"]["status"] == "INVALID_ARGUMENT", answer.text
        assert "temperature" in answer.json["error"]["message"]
    assert stage.sim.total() == 6
    stage.sim.reset()
    for i in range(6):
        assert is_good(stage.chat("hello"))
    assert stage.sim.by_key() == {key: 2 for key in keys}


def test_the_providers_words_about_a_bad_request_reach_the_client(pool):
    stage = pool("key-ok-1", "key-ok-2")
    prompt = scripted(error_status=400, error_message="Request contains an argument that is odd.")
    answer = stage.chat(prompt)
    assert answer.status == 400 and answer.json["error"]["type"] == "invalid_request_error"
    assert "an argument that is odd" in answer.json["error"]["message"]
    stream = stage.chat_stream(prompt)
    assert stream.status == 400 and b"an argument that is odd" in stream.body
    assert stage.sim.total() == 2


def test_a_model_that_is_not_there_is_tried_twice_at_most(pool):
    stage = pool(*(f"key-ok-{i}" for i in range(4)))
    answer = stage.chat("hello", model="gemini-9-unheard-of")
    assert answer.status == 404 and answer.json["error"]["code"] == "model_not_found", answer.text
    assert stage.sim.total() <= 2
    stage.sim.reset()
    for i in range(4):
        assert is_good(stage.chat("hello"))
    assert stage.sim.by_key() == {f"key-ok-{i}": 1 for i in range(4)}


# --------------------------------------------------------------------------------------------------- no key is free: waiting

def test_when_all_keys_rest_the_answer_says_exactly_how_long(pool):
    stage = pool("key-minute40-1", "key-minute25-2", "key-minute50-3", TIME_OUT="5")
    first = stage.chat("hello")
    begun = time.monotonic()
    assert first.status == 429, first.text
    assert 24 <= int(first.headers["retry-after"]) <= 27, "not the earliest of all keys"
    total = stage.sim.total()
    for path in (CHAT, f"/v1beta/models/{MODEL}:generateContent"):
        body = stage.chat_body("hello") if path == CHAT else {"contents": [{"role": "user", "parts": [{"text": "x"}]}]}
        asked = time.monotonic()
        answer = stage.request("POST", path, body)
        took, left = time.monotonic() - asked, 25 - (asked - begun)
        assert answer.status == 429 and took < 2 * SLOW, "it waited, though no key comes in time"
        assert left - 2 * SLOW <= int(answer.headers["retry-after"]) <= left + 2, (answer.headers, left)
        if path == CHAT:
            assert answer.json["error"]["code"] == "rate_limit_exceeded"
        else:
            error = answer.json["error"]
            assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
            [info] = [detail for detail in error["details"] if detail["@type"].endswith("RetryInfo")]
            assert abs(float(info["retryDelay"].rstrip("s")) - int(answer.headers["retry-after"])) <= 1
    assert stage.sim.total() == total, "a resting key was used"
    assert is_good(stage.chat("hello", model="gemini-2.5-pro")) is False  # another model: the keys are asked again
    assert stage.sim.total() > total


def seconds_to_midnight_in_california():
    try:
        zone = zoneinfo.ZoneInfo("America/Los_Angeles")
    except zoneinfo.ZoneInfoNotFoundError:
        pytest.skip("no time zone data here")
    now = datetime.datetime.now(zone)
    tomorrow = datetime.datetime.combine(now.date() + datetime.timedelta(days=1), datetime.time(), zone)
    return tomorrow.timestamp() - now.timestamp()


def test_when_the_day_is_used_up_the_client_may_come_at_midnight_in_california(pool):
    stage = pool("key-day-1", "key-day-2", TIME_OUT="2")
    for _ in range(2):
        left = seconds_to_midnight_in_california()
        answer = stage.chat("hello")
        if left < 10:
            pytest.skip("it is midnight there")
        assert (answer.status, answer.json["error"]["code"]) == (429, "insufficient_quota"), answer.text
        assert answer.headers["x-should-retry"] == "false"
        assert abs(int(answer.headers["retry-after"]) - left) < 3 * SLOW, left
    assert stage.sim.total() == 2


def test_nobody_is_told_when_to_come_again_for_a_model_that_is_in_no_tier(pool):
    stage = pool("key-limit0-1", "key-limit0-2")
    for _ in range(2):
        answer = stage.chat("hello")
        assert (answer.status, answer.json["error"]["code"]) == (429, "insufficient_quota"), answer.text
        assert answer.headers["x-should-retry"] == "false" and "retry-after" not in answer.headers
    assert stage.sim.total() == 2


def test_the_error_is_that_of_the_key_which_comes_back_first(pool):
    stage = pool("key-minute30-1", "key-day-2", "key-invalid-3", TIME_OUT="2")
    for _ in range(2):
        answer = stage.chat("hello")
        assert (answer.status, answer.json["error"]["code"]) == (429, "rate_limit_exceeded"), answer.text
        assert 25 <= int(answer.headers["retry-after"]) <= 32 and answer.headers["x-should-retry"] == "true"
    assert stage.sim.total() == 3


def test_a_call_waits_for_a_key_that_will_be_free_in_time(pool):
    stage = pool("key-ok-1", TIME_OUT="20")
    stage.sim.key("key-ok-1", "minute2", times=1)
    running = stage.streams(20, text="hello")
    for stream in running.join(20 * SLOW):
        assert stream.is_whole and stream.text == "You said: hello", (stream.status, stream.body)
    assert max(stream.ended - stream.began for stream in running.all) > 1, "none has waited"
    assert stage.sim.counts()["by_key"]["key-ok-1"]["refused"] == 1
    assert stage.sim.total() == 21


def test_the_queue_has_an_end(pool):
    stage = pool("key-minute3-1", TIME_OUT="20", QUEUE_LIMIT="5")
    running = stage.streams(30, text="hello", gap_ms=5)
    running.wait("answered or waiting", lambda s: s.began, 10)
    stage.wait("some are refused", lambda: sum(s.status == 429 for s in running.all) >= 10, 10)
    stage.sim.key("key-minute3-1", "ok")
    streams = running.join(30 * SLOW)
    refused = [stream for stream in streams if stream.status == 429]
    for stream in refused:
        assert json.loads(stream.body)["error"]["code"] == "rate_limit_exceeded"
        assert int(stream.headers["retry-after"]) >= 1
    assert all(stream.is_whole for stream in streams if stream not in refused)
    assert len(streams) - len(refused) >= 5


def test_a_dead_key_costs_one_request_however_many_calls_come_at_once(pool):
    stage = pool("key-invalid-1", GOOD, UPSTREAM_SLOTS="200")
    streams = stage.run_streams(60, text="hello")
    assert all(stream.is_whole for stream in streams)
    assert stage.sim.by_key() == {"key-invalid-1": 1, GOOD: 60}


def test_keys_that_cost_the_provider_nothing_do_not_use_up_the_attempts(pool):
    dead = [f"key-invalid-{i}" for i in range(4)]
    stage = pool(*dead, GOOD, MAX_RETRIES="1")
    assert is_good(stage.chat("hello"))
    assert stage.sim.by_key() == {key: 1 for key in dead} | {GOOD: 1}


def test_a_place_that_is_not_served_for_a_moment_costs_seconds(pool):
    """The way out is to blame, whatever the key: it is left alone, and one key asks again."""
    keys = ["key-location-1", "key-location-2", "key-location-3"]
    stage = pool(*keys)
    answer = stage.chat("hello")
    assert (answer.status, answer.json["error"]["code"]) == (503, "unsupported_country_region_territory"), answer.text
    assert "retry-after" not in answer.headers
    assert stage.sim.total() == 2 and stage.wait_log("balancer", "proxy.cooling_down", fault="location")
    assert stage.chat("hello").status == 503 and stage.sim.total() == 2
    for key in keys:
        stage.sim.key(key, "ok")
    stage.wait("it is served again", lambda: is_good(stage.chat("hello")), 15)


def test_a_call_does_not_wait_longer_for_a_key_than_is_set(pool):
    stage = pool("key-minute20-1", TIME_OUT="100", QUEUE_WAIT="3")
    begun = time.monotonic()
    answer = stage.chat("hello")
    assert answer.status == 429 and time.monotonic() - begun < 3 * SLOW
    assert 17 <= int(answer.headers["retry-after"]) <= 21


@pytest.mark.short
def test_health_and_the_page_say_why_calls_would_wait(stage_of):
    stage = stage_of(keys=["key-invalid-0001", "key-minute50-0002"], database=False)
    answer = stage.chat("hello")
    assert answer.status == 429 and 40 <= int(answer.headers["retry-after"]) <= 51, answer.text

    def health():
        return stage.request("GET", "/health", token=None)
    stage.wait("/health turns", lambda: health().status == 503, 10)
    report = health().json
    assert report["missing"] == ["key"] and 0 < report["keys"].pop("retry_after_ms") <= 51_000
    assert report["keys"] == {"total": 2, "available": 0, "reason": "NO_QUOTA",
                              "text": "Every key is out of quota for this model at the moment."}

    def cooling():
        return stage.status()["balancers"][0]["status"]["cooling"]
    stage.wait("the page knows", lambda: len(cooling()) == 2, 10)
    dead, waiting = cooling()
    assert (dead["key"], dead["state"], dead["reason"]) == ("\u20260001", "dead", "key_invalid")
    assert (waiting["key"], waiting["state"], waiting["reason"], waiting["model"]) == ("\u20260002", "cooling", "quota_minute", MODEL)
    assert 0 < waiting["ms"] <= 51_000
    [line] = stage.log("balancer", "key.cooling_down", fault="key_invalid")
    assert line["tail"] == "\u20260001"


# -------------------------------------------------------------------------------------------------------------- time limits

@pytest.mark.parametrize("keys", [["key-hanging-1"], ["key-hanging-1", "key-hanging-2"]])
def test_a_provider_that_hangs_is_given_up_within_the_time_out(pool, keys):
    stage = pool(*keys, TIME_OUT="2")
    begun = time.monotonic()
    answer = stage.chat("hello")
    took = time.monotonic() - begun
    assert answer.status == 504 and answer.json["error"]["code"] == "timeout", answer.text
    assert 1.8 < took < 2 + 2 * SLOW
    begun = time.monotonic()
    stream = stage.chat_stream("hello")
    assert stream.status == 504 and 1.8 < time.monotonic() - begun < 2 + 2 * SLOW
    stage.wait("nothing is left open at the provider", lambda: stage.sim.counts()["open"] == 0, 5)


def test_silence_inside_a_stream_is_limited_and_a_long_stream_is_not(pool):
    """A stream of ten minutes with a TIME_OUT of one, at a fortieth of the time: 15 s with 1.5 s."""
    stage = pool(GOOD, TIME_OUT="1500ms")
    running = stage.streams(5, chunks=60, chunk_bytes=20, numbered=True, pace_ms=250)
    begun = time.monotonic()
    hung = stage.chat_stream(scripted(chunks=20, chunk_bytes=20, numbered=True, hang_after_events=3))
    took = time.monotonic() - begun
    assert hung.numbers == [0, 1, 2] and not hung.done and hung.error["code"] == "timeout", (hung.events, hung.ending)
    assert 1.4 < took < 3 + 2 * SLOW
    for stream in running.join(40 * SLOW):
        stream.assert_numbered(60)
        assert stream.ended - stream.began > 14


def test_the_time_out_bounds_all_attempts_together(pool):
    stage = pool(*(f"key-slow900-{i}" for i in range(4)), MAX_RETRIES="4", TIME_OUT="2")
    stage.sim.script(error_status=500)
    begun = time.monotonic()
    answer = stage.chat("hello")
    assert answer.status in (502, 504) and time.monotonic() - begun < 2 + 2 * SLOW
    assert stage.sim.total() <= 3


# ------------------------------------------------------------------------------------------------------------- broken streams

def native_stream(stage, text):
    body = json.dumps({"contents": [{"role": "user", "parts": [{"text": text}]}]}).encode()
    return stage.post_stream(f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse", body)


CHUNKS = {"chunks": 20, "chunk_bytes": 30, "numbered": True, "pace_ms": 10}


@pytest.mark.parametrize("broken", [{"cut_at_byte": 3000}, {"cut_after_events": 7}, {"cut_after_events": 7, "cut_fin": True},
                                    {"close_after_events": 7}, {"error_after_events": 7},
                                    {"error_after_events": 7, "error_as_data": True}],
                         ids=lambda broken: "-".join(broken))
def test_a_stream_that_breaks_after_content_ends_in_an_error(pool, broken):
    stage = pool(GOOD, "key-ok-2")
    stream = stage.chat_stream(scripted(**CHUNKS, **broken))
    assert stream.status == 200 and len(stream.numbers) >= 5, stream
    stream.assert_honest(20)
    assert stream.error and stream.error["message"] and stream.error["type"] == "server_error"
    assert not stream.done and stream.finish is None
    assert "error" in stream.chunks[-1], "something followed the error"
    assert stage.sim.total() == 1, "content had gone out, and still another key was tried"

    native = native_stream(stage, scripted(**CHUNKS, **broken))
    assert native.numbers == list(range(len(native.numbers))) and len(native.numbers) >= 5
    assert native.chunks[-1]["error"]["code"] >= 500
    assert native.ending != "end" or "error_as_data" in broken, "a clean end is a whole answer for some clients"
    assert not any("STOP" in event for event in native.events)


def test_the_providers_own_error_event_reaches_a_native_client_untouched(stage_of):
    """As Google's own clients read it: the event's bytes, and then a clean end. The books have the fault."""
    stage = stage_of(keys=[GOOD], admin=False)
    text = scripted(**CHUNKS, error_after_events=7, error_as_data=True, error_message="Sorry \u00fc, not now.")
    path = f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse"
    body = {"contents": [{"role": "user", "parts": [{"text": text}]}]}
    google = stage.sim.direct("POST", path, json.dumps(body).encode()).body
    answer = stage.request("POST", path, body)  # fails unless the reply ends as it should
    assert answer.status == 200 and len(answer.events) == len(google.split(b"data: ")) - 1 >= 8
    assert json.loads(answer.events[-1])["error"]["code"] == 503
    assert answer.body.rpartition(b"data: ")[2] == google.rpartition(b"data: ")[2]
    [row] = stage.wait_rows(1)
    assert (row["status"], row["fault"]) == (200, "overloaded")


def test_a_stream_that_breaks_at_once_is_no_clean_stop_either(pool):
    """Content and break come in one read: nothing has gone out yet, so the status may still say it."""
    stage = pool(GOOD, "key-ok-2")
    for broken in ({"cut_after_events": 7}, {"close_after_events": 7}, {"error_after_events": 7}):
        for stream in stage.run_streams(5, chunks=20, chunk_bytes=30, numbered=True, **broken):
            stream.assert_honest(20)
            assert stream.error or json.loads(stream.body)["error"]["type"] == "server_error"


@pytest.mark.parametrize("broken", [{"cut_at_byte": 0}, {"cut_at_byte": 20}, {"cut_after_events": 0}, {"close_after_events": 0},
                                    {"error_after_events": 0}, {"error_after_events": 0, "error_as_data": True},
                                    {"empty": True}, {"head_early": True, "first_ms": 50, "error_after_events": 0}],
                         ids=lambda broken: "-".join(f"{name}{value}" for name, value in broken.items()))
def test_a_stream_that_breaks_before_content_is_tried_with_the_next_key_unseen(pool, broken):
    stage = pool("key-ok-1", "key-ok-2", "key-ok-3")
    for times, path in ((1, CHAT), (2, CHAT), (1, "native")):
        stage.sim.reset()
        stage.sim.script(times=times, **broken)
        if path == CHAT:
            stream = stage.chat_stream("hello")
            assert stream.is_whole and stream.done and stream.text == "You said: hello", (stream.status, stream.body, stream.events)
        else:
            answer = stage.request("POST", f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse",
                                   {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]})
            assert answer.status == 200 and "error" not in answer.text and "STOP" in answer.text
        assert stage.sim.total() == times + 1 and max(stage.sim.by_key().values()) == 1


@pytest.mark.parametrize("broken", [{"cut_at_byte": 40}, {"cut_at_byte": 0}, {"empty": True}, {"error_status": 500}],
                         ids=lambda broken: "-".join(broken))
def test_a_whole_answer_that_breaks_is_tried_with_the_next_key_unseen(pool, broken):
    stage = pool("key-ok-1", "key-ok-2", "key-ok-3")
    stage.sim.script(times=2, **broken)
    assert is_good(stage.chat("hello"))
    assert stage.sim.total() == 3 and max(stage.sim.by_key().values()) == 1


@pytest.mark.short
def test_numbered_chunks_arrive_in_order_however_they_are_split(pool):
    stage = pool(GOOD)
    streams = stage.run_streams(60, text=lambda i: scripted(
        chunks=40, chunk_bytes=10 + 97 * i, numbered=True, split=1 + 37 * i, line_end="\r\n" if i % 2 else "\n"))
    for stream in streams:
        stream.assert_numbered(40)


# ---------------------------------------------------------------------------------------------------------- a long first wait

def test_a_stream_that_thinks_long_is_kept_open_by_empty_pieces(pool):
    stage = pool("key-internal-1", GOOD, STREAM_PING="300ms", TIME_OUT="30")
    stage.sim.script(key=GOOD, first_ms=1500, text="at last")
    running = stage.streams(1, text="hello")
    running.wait("opened", lambda s: len(s.events) >= 2, 10)
    assert running.all[0].status == 200
    [stream] = running.join(20 * SLOW)
    assert stream.is_whole and stream.text == "at last" and stream.done and stream.comments == 0
    assert [choice["delta"] for chunk in stream.chunks[:2] for choice in chunk["choices"]][1] == {"role": "assistant", "content": ""}
    assert len({chunk["id"] for chunk in stream.chunks}) == 1
    assert stage.sim.total() == 2


def test_a_native_stream_hears_nothing_before_its_first_event(pool):
    """Google's own clients die of anything that is no event."""
    stage = pool("key-slow1200-1", STREAM_PING="200ms")
    native = native_stream(stage, "hello")
    assert native.is_whole and native.comments == 0 and all("candidates" in chunk for chunk in native.chunks)


def test_a_failure_after_empty_pieces_is_an_error_in_the_stream(pool):
    stage = pool("key-hanging-1", STREAM_PING="200ms", TIME_OUT="1500ms")
    stream = stage.chat_stream("hello")
    assert stream.status == 200 and len(stream.events) >= 4 and not stream.done and not stream.text
    assert stream.error["code"] == "timeout" and "error" in stream.chunks[-1]


def test_without_a_ping_a_stream_waits_for_its_first_content(pool):
    stage = pool("key-slow1200-1", STREAM_PING="0")
    stream = stage.chat_stream("hello")
    assert stream.comments == 0 and stream.is_whole


# ------------------------------------------------------------------------------------------------------------------ hang-ups

@pytest.mark.short
def test_a_client_that_hangs_up_cancels_the_provider_and_that_is_recorded(stage_of):
    stage = stage_of(keys=[GOOD])
    script = {"chunks": 200, "chunk_bytes": 20, "numbered": True, "pace_ms": 50}
    readers = [Reader(hang_up_after=5), Reader(hang_up_after=1), Reader()]
    with stage.streams(3, reader=lambda i: readers[i], **script) as running:
        running.wait("hung up", lambda s: s.ending or s.number == 2, 20)
        stage.wait("the provider sees two hang-ups", lambda: stage.sim.counts()["cancelled"] == 2, 3)
        running.wait_events(10, 10, which=[2])
        assert not running.all[2].ending, "another client's stream suffered"
    stage.wait("the provider sees the third", lambda: stage.sim.counts()["cancelled"] == 3, 3)
    rows = stage.wait_rows(3)
    assert [row["fault"] for row in rows] == ["client_gone"] * 3
    assert stage.sim.counts()["open"] == 0


def test_a_client_that_hangs_up_while_waiting_cancels_too(stage_of):
    stage = stage_of(keys=["key-hanging-1"], env={"TIME_OUT": "60"})
    with stage.streams(6, text="hello", stream=True) as running:
        stage.wait("all are at the provider", lambda: stage.sim.counts()["open"] == 6, 10)
        for i in range(6):
            running.hang_up(i)
        stage.wait("the provider sees the hang-ups", lambda: stage.sim.counts()["open"] == 0, 5)
    assert [row["fault"] for row in stage.wait_rows(6)] == ["client_gone"] * 6
    whole = stage.streams(1, text="hello", stream=False, reader=Reader())
    stage.wait("it is at the provider", lambda: stage.sim.counts()["open"] == 1, 10)
    whole.close()
    stage.wait("the provider sees the hang-up", lambda: stage.sim.counts()["open"] == 0, 5)


def test_a_client_that_hangs_up_when_it_has_long_stopped_reading_cancels_too(stage_of):
    stage = stage_of(keys=[GOOD])
    with stage.streams(3, reader=Reader(stall_after=20_000), chunks=3000, chunk_bytes=10_000) as running:
        running.wait("stalled", lambda s: s.size >= 20_000, 20 * SLOW)
        time.sleep(0.3)
        assert stage.sim.counts()["open"] == 3
    stage.wait("the provider sees the hang-ups", lambda: stage.sim.counts()["cancelled"] == 3, 3)
    assert [row["fault"] for row in stage.wait_rows(3)] == ["client_gone"] * 3


def test_a_hang_up_behind_a_request_that_came_early_is_seen(pool):
    stage = pool(GOOD)
    body = json.dumps(stage.chat_body(scripted(chunks=400, chunk_bytes=20, pace_ms=50), True))
    request = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    with stage.raw() as raw:
        raw.send(request + request)
        raw.until(b"data: ")
        assert stage.sim.counts()["open"] == 1
    stage.wait("the provider sees the hang-up", lambda: stage.sim.counts()["cancelled"] == 1, 4)
    assert stage.sim.total() == 1, "the second request was run for nobody"


def test_a_client_that_hangs_up_while_its_call_waits_for_a_key_costs_nothing(pool):
    stage = pool("key-minute3-1", TIME_OUT="30")
    with stage.streams(4, text="hello") as running:
        stage.wait("the key rests", lambda: stage.sim.total() >= 1, 10)
        stage.wait("the calls wait", lambda: len([line for line in stage.dump("balancer")["balancer"]
                                                  if line["event"] == "dump.call"]) == 4, 5)
        for i in range(4):
            running.hang_up(i)
        stage.wait("nothing waits", lambda: not [line for line in stage.dump("balancer")["balancer"]
                                                 if line["event"] == "dump.call"], 5)
    total = stage.sim.total()
    stage.sim.key("key-minute3-1", "ok")
    stage.wait("the key serves again", lambda: is_good(stage.chat("hello")), 10)
    assert stage.sim.total() == total + 1
