# SPDX-License-Identifier: Apache-2.0
"""The simulator's rate limits: requests and tokens a minute, requests a day, by project and model. Its clock is moved, so
that nothing here waits for a minute."""

import concurrent.futures
import json
import re

import pytest

from gemini import MODEL, Simulator, detail_of, error_of, prompt, running, sim, until  # noqa: F401 (fixtures)

METRIC = "generativelanguage.googleapis.com/generate_content_free_tier_requests"


@pytest.fixture
def quota(sim):
    """Sets a quota while the simulator's clock stands at noon in California."""
    sim.admin("clock", {"at": "2026-06-10T19:00:00Z", "stopped": True})

    def set_quota(**rule):
        sim.admin("quota", rule)
    return set_quota


def statuses(sim, count, key="key-a", **where):
    return [sim.say(key=key, **where)[0].status for _ in range(count)]


def failure(sim, key="key-a", **where):
    answer, body = sim.say(key=key, **where)
    assert answer.status == 429
    return error_of(answer, body)


def violations_of(error):
    return [(v["quotaId"], v["quotaValue"]) for v in detail_of(error, "QuotaFailure")["violations"]]


def delay_of(error):
    delay = float(re.fullmatch(r"(\d+\.\d+)s", detail_of(error, "RetryInfo")["retryDelay"])[1])
    assert f"Please retry in {detail_of(error, 'RetryInfo')['retryDelay']}." in error["message"]
    return delay


def test_without_a_quota_there_is_none(sim):
    assert statuses(sim, 50) == [200] * 50
    assert sim.admin("quota")["quotas"] == sim.admin("quota")["used"] == []


def test_requests_of_a_minute(sim, quota):
    quota(rpm=3)
    assert statuses(sim, 5) == [200, 200, 200, 429, 429]
    error = failure(sim)
    assert error["status"] == "RESOURCE_EXHAUSTED"
    assert violations_of(error) == [("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "3")]
    violation = detail_of(error, "QuotaFailure")["violations"][0]
    assert violation["quotaMetric"] == METRIC
    assert violation["quotaDimensions"] == {"location": "global", "model": MODEL}
    assert f"* Quota exceeded for metric: {METRIC}, limit: 3, model: {MODEL}" in error["message"]
    assert detail_of(error, "Help")["links"][0]["url"].startswith("https://ai.google.dev/")
    assert 60 <= delay_of(error) < 61.1
    assert sim.counts()["by_key"]["key-a"] == {"requests": 6, "ok": 3, "refused": 3}


def test_a_minute_slides(sim, quota):
    quota(rpm=2)
    assert statuses(sim, 1) == [200]
    sim.admin("clock", {"advance_ms": 30_000})
    assert statuses(sim, 2) == [200, 429]
    assert 30 <= delay_of(failure(sim)) < 31.1
    sim.admin("clock", {"advance_ms": 31_000})
    assert statuses(sim, 2) == [200, 429]
    assert 29 <= delay_of(failure(sim)) < 30.1


def test_the_delay_is_right(sim, quota):
    quota(rpm=4)
    for _ in range(4):
        statuses(sim, 1)
        sim.admin("clock", {"advance_ms": 7_123})
    delay = delay_of(failure(sim))
    sim.admin("clock", {"advance_ms": int(delay * 1000) - 1})
    assert statuses(sim, 1) == [429]
    sim.admin("clock", {"advance_ms": 1})
    assert statuses(sim, 2) == [200, 429]


def test_refused_requests_use_nothing(sim, quota):
    quota(rpm=2)
    assert sim.post({"contents": []}, key="key-a")[0].status == 400
    assert sim.say(key="key-a", model="none")[0].status == 404
    assert sim.say(script={"error_status": 503}, key="key-a")[0].status == 503
    assert statuses(sim, 3) == [200, 200, 429]
    assert sim.admin("quota")["used"] == [{"project": "key-a", "model": MODEL, "rpm": 2, "tpm": 4, "rpd": 2}]


def test_a_blocked_answer_uses_its_request(sim, quota):
    quota(rpm=1)
    assert sim.say(script={"blocked": True}, key="key-a")[0].status == 200
    assert statuses(sim, 1) == [429]


def test_tokens_of_a_minute(sim, quota):
    quota(tpm=100)
    assert statuses(sim, 2, text="x" * 200) == [200, 200]
    error = failure(sim, text="x")
    assert violations_of(error) == [("GenerateContentInputTokensPerModelPerMinute-FreeTier", "100")]
    sim.admin("clock", {"advance_ms": 61_000})
    assert statuses(sim, 1, text="x" * 404) == [429]
    assert statuses(sim, 1, text="x" * 400) == [200]


def test_requests_of_a_day(sim, quota):
    quota(rpd=2)
    assert statuses(sim, 3) == [200, 200, 429]
    error = failure(sim)
    assert violations_of(error) == [("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "2")]
    assert delay_of(error) < 60  # misleading, as Google's is
    sim.admin("clock", {"advance_ms": 10 * 3_600_000})
    assert statuses(sim, 1) == [429]
    sim.admin("clock", {"advance_ms": 2 * 3_600_000})
    assert statuses(sim, 3) == [200, 200, 429]


@pytest.mark.parametrize("before, after", [("2026-06-10T06:59:59Z", "2026-06-10T07:00:00Z"),
                                           ("2026-01-10T07:59:59Z", "2026-01-10T08:00:00Z"),
                                           ("2026-03-09T06:59:59Z", "2026-03-09T07:00:00Z"),
                                           ("2026-11-02T07:59:59Z", "2026-11-02T08:00:00Z")])
def test_a_day_begins_at_midnight_in_california(sim, quota, before, after):
    quota(rpd=1)
    sim.admin("clock", {"at": before})
    assert statuses(sim, 2) == [200, 429]
    sim.admin("clock", {"at": after})
    assert statuses(sim, 2) == [200, 429]


def test_all_limits_that_are_passed_are_named(sim, quota):
    quota(rpm=1, tpm=10, rpd=1)
    assert statuses(sim, 1) == [200]
    assert [i for i, _ in violations_of(failure(sim, text="x" * 400))] == [
        "GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "GenerateContentInputTokensPerModelPerMinute-FreeTier",
        "GenerateRequestsPerDayPerProjectPerModel-FreeTier"]


def test_a_paid_project_has_other_names_and_a_true_delay(sim, quota):
    quota(rpm=1, tpm=1000, rpd=1, tier="paid")
    assert statuses(sim, 1) == [200]
    error = failure(sim)
    assert violations_of(error) == [("GenerateRequestsPerMinutePerProjectPerModel", "1"),
                                    ("GenerateRequestsPerDayPerProjectPerModel", "1")]
    assert 12 * 3600 <= delay_of(error) < 12 * 3600 + 1
    assert detail_of(error, "QuotaFailure")["violations"][1]["quotaMetric"].endswith("_per_day")


def test_a_limit_of_zero(sim, quota):
    quota(rpd=0)
    error = failure(sim)
    assert violations_of(error) == [("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "0")]
    assert "limit: 0" in error["message"]


def test_keys_of_one_project_share_and_models_do_not(sim, quota):
    quota(rpm=2)
    assert statuses(sim, 1, "a-projectX-1") + statuses(sim, 2, "b-projectX") == [200, 200, 429]
    assert statuses(sim, 1, "a-projectY") == [200]
    assert statuses(sim, 3, "a-projectX-1", model="gemini-2.5-pro") == [200, 200, 429]
    sim.admin("keys", {"key": "key-p", "project": "X"})
    assert statuses(sim, 1, "key-p") == [429]
    sim.admin("reset", {})
    quota(rpm=1)
    assert statuses(sim, 2, "key-p") == [200, 429]


def test_an_alias_counts_as_its_model(sim, quota):
    quota(rpm=1)
    assert statuses(sim, 1, model="gemini-flash-latest") == [200]
    error = failure(sim, model="gemini-3.8-flash")
    assert detail_of(error, "QuotaFailure")["violations"][0]["quotaDimensions"]["model"] == "gemini-3.8-flash"
    assert detail_of(failure(sim, model="gemini-flash-latest"), "QuotaFailure")["violations"][0][
        "quotaDimensions"]["model"] == "gemini-3.8-flash"


def test_the_most_particular_quota_counts(sim, quota):
    quota(rpm=1)
    quota(model="gemini-2.5-pro", rpm=2)
    quota(project="P", rpm=3)
    quota(project="P", model="gemini-2.5-pro", rpm=4)
    assert statuses(sim, 2) == [200, 429]
    assert statuses(sim, 3, model="gemini-2.5-pro") == [200, 200, 429]
    assert statuses(sim, 4, "k-projectP") == [200] * 3 + [429]
    assert statuses(sim, 5, "k-projectP", model="gemini-2.5-pro") == [200] * 4 + [429]
    quota(project="P")
    assert statuses(sim, 10, "k-projectP") == [200] * 10
    assert len(sim.admin("quota")["quotas"]) == 4


def test_a_batch_of_embeddings_is_as_many_requests(sim, quota):
    quota(rpd=10)
    item = {"model": "models/gemini-embedding-001", "content": {"parts": [{"text": "x"}]}, "outputDimensionality": 128}

    def embed(count):
        return sim.post({"requests": [item] * count}, "batchEmbedContents", "key-a", "gemini-embedding-001")
    assert [embed(n)[0].status for n in (8, 3, 2, 1)] == [200, 429, 200, 429]
    error = error_of(*embed(1))
    assert violations_of(error) == [("EmbedContentRequestsPerDayPerUserPerProjectPerModel-FreeTier", "10")]


def test_counting_and_listing_use_nothing(sim, quota):
    quota(rpm=0)
    assert sim.post(prompt(), "countTokens", "key-a")[0].status == 200
    assert sim.request("GET", "/v1beta/models?key=key-a")[0].status == 200
    assert sim.post({"instances": [{"prompt": "x"}]}, "predict", "key-a", "imagen-4.0-generate-001")[0].status == 429


def test_an_array_stream_is_refused_in_an_array(sim, quota):
    quota(rpm=0)
    answer, body = sim.say(method="streamGenerateContent")
    assert answer.status == 429 and json.loads(body)[0]["error"]["status"] == "RESOURCE_EXHAUSTED"


def test_a_minute_can_be_short(sim):
    sim.admin("quota", {"rpm": 1, "minute_ms": 120})
    assert statuses(sim, 1) == [200]
    until(lambda: statuses(sim, 1) == [200])


def test_processes_count_together_and_exactly():
    simulator = Simulator("--processes", "3", "--quota", "rpm=100,rpd=70")
    try:
        assert simulator.admin("quota")["quotas"] == [
            {"project": "", "model": "", "rpm": 100, "rpd": 70, "minute_ms": 60000, "tier": "free"}]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            got = list(pool.map(lambda i: simulator.say(key=f"k{i % 3}-projectX")[0].status, range(200)))
        assert (got.count(200), got.count(429)) == (70, 130)
        assert [u["rpd"] for u in simulator.admin("quota")["used"]] == [70]
    finally:
        simulator.stop()


@pytest.mark.parametrize("path, body", [
    ("quota", "[]"), ("quota", '{"rpm":-1}'), ("quota", '{"rpm":"5"}'), ("quota", '{"rpx":5}'), ("quota", '{"tier":"rich"}'),
    ("quota", '{"minute_ms":5}'), ("quota", '{"project":"' + "x" * 300 + '","rpm":1}'), ("clock", '{"at":"noon"}'),
    ("clock", '{"advance_ms":-5}'), ("clock", '{"stopped":1}'), ("clock", "{"), ("keys", '{"key":"k"}'),
    ("keys", '{"key":"k","project":"' + "x" * 300 + '"}')])
def test_a_wrong_setting_is_refused_and_changes_nothing(sim, path, body):
    answer, text = sim.request("POST", "/admin/" + path, body)
    assert answer.status == 400 and json.loads(text)["error"]
    assert sim.admin("quota")["quotas"] == []


def test_reset_takes_quotas_away(sim, quota):
    quota(rpm=0)
    sim.admin("reset", {})
    assert statuses(sim, 2) == [200, 200]
    assert sim.admin("quota")["quotas"] == sim.admin("quota")["used"] == []
