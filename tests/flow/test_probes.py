# SPDX-License-Identifier: Apache-2.0
"""Each key is tried once at the balancer's start, by a request that costs no quota: what comes of it is said, counted, in
the ledger, and known to the pool before the first call."""
import pytest

from proxies import Tunnels
from stage import http

GOOD, INVALID, SUSPENDED = KEYS = ("key-ok-AIza-0000good", "key-invalid-AIza-1111iiii", "key-suspended-AIza-2222ssss")


@pytest.fixture
def tried(stage_of):
    def make(keys=KEYS, **rest):
        env = {"KEY_CHECK": "true"} | rest.pop("env", {})
        return stage_of(keys=keys, env=env, **rest)
    return make


def health(stage):
    return http(stage.port, "GET", "/health").json


def wait_tried(stage, of=3, seconds=10):
    return stage.wait_log("balancer", "keys.tried", seconds, of=of)


@pytest.mark.short
def test_each_key_is_tried_once_and_what_it_said_is_told(tried):
    stage = tried(env={"LOG_LEVEL": "TRACE"})
    line = wait_tried(stage)
    assert (line["answer"], line["of"], line["not_tried"]) == ("1", "3", "0")
    assert stage.sim.by_key() == dict.fromkeys(KEYS, 1)
    assert {(one["method"], one["path"]) for one in stage.sim.requests()} == {("GET", "/v1beta/models")}
    told = {line["tail"]: (line["fault"], line["words"]) for line in stage.log("balancer", "key.cooling_down", level="warn")}
    assert told.keys() == {"…iiii", "…ssss"}
    assert told["…iiii"][0] == "key_invalid" and "API key not valid" in told["…iiii"][1]
    assert "suspended" in told["…ssss"][1]
    for name in stage.names()[1:]:
        assert not any(key in line["line"] for key in KEYS for line in stage.log(name)), name
    keys = {"total": 3, "available": 1, "to_try": 3, "tried": 3, "answer": 1}
    stage.wait("/health counts them", lambda: health(stage).get("keys") == keys)
    status = stage.wait("the status does", lambda: stage.status()["balancers"][0].get("status"))
    assert status["keys"] == {"total": 3, "fit": 1, "to_try": 3, "tried": 3, "answer": 1}


def test_a_trial_is_a_row_and_no_call_meets_a_key_that_failed_it(tried):
    stage = tried()
    wait_tried(stage)
    for _ in range(3):
        assert stage.chat("hello").status == 200
    assert stage.sim.by_key() == {GOOD: 4, INVALID: 1, SUSPENDED: 1}
    rows = [row for row in stage.wait_accounted() if row["operation"] == "probe"]
    assert len(rows) == 3 and {row["fault"] for row in rows} >= {"none", "key_invalid"}
    assert all(row["frontend"] == 0 and row["attempt"] == 1 and not row["model"] for row in rows)


def test_a_key_is_tried_by_its_own_egress_proxy(tried):
    keys = [f"key-ok-{i}" for i in range(6)]
    proxies = Tunnels("http")
    try:
        urls = ",".join(proxies.url(user) for user in ("one", "two", "three"))
        stage = tried(keys, env={"PROXIES": urls}, admin=False)
        assert wait_tried(stage, of=6)["answer"] == "6"
        assert stage.sim.by_key() == dict.fromkeys(keys, 1)
        ways = {key: {user for user, head in proxies.heads if key in str(head)} for key in keys}
        assert all(len(users) == 1 for users in ways.values()) and len(set().union(*ways.values())) > 1, ways
        for _ in keys:
            assert stage.chat("hello").status == 200
        assert ways == {key: {user for user, head in proxies.heads if key in str(head)} for key in keys}
    finally:
        proxies.stop()


def test_where_nothing_answers_no_key_is_condemned(tried):
    stage = tried(env={"MAX_RETRIES": "1"}, start=False, database=False, admin=False)
    stage.start("simulator")
    stage.kill("simulator")
    for name in stage.names()[1:]:
        stage.start(name)
    assert wait_tried(stage)["answer"] == "0"
    assert len(stage.log("balancer", "key.no_answer", fault="connect")) == 3
    assert not stage.log("balancer", "key.cooling_down")
    keys = {"total": 3, "available": 3, "to_try": 3, "tried": 3, "answer": 0}
    stage.wait("/health counts them", lambda: health(stage).get("keys") == keys)


def test_the_next_balancer_tries_the_keys_itself(tried):
    stage = tried(admin=False)
    stage.wait("a key is tried", lambda: stage.sim.total())
    stage.restart("balancer")
    assert wait_tried(stage)["answer"] == "1"
    assert all(1 <= count <= 2 for count in stage.sim.by_key().values())
    stage.wait_accounted()


def test_what_a_killed_upstream_had_under_way_is_tried_once_more(tried):
    keys = [f"key-ok-{i}" for i in range(3)]
    stage = tried(keys, upstreams=1, admin=False, start=False)
    stage.start("simulator")
    for key in keys:
        stage.sim.key(key, "hanging", 1)
    for name in stage.names()[1:]:
        stage.start(name)
    stage.wait("all are under way", lambda: stage.sim.total() == 3)
    stage.restart("upstream")
    assert wait_tried(stage, seconds=20)["answer"] == "3"
    assert stage.sim.by_key() == dict.fromkeys(keys, 2)
    rows = stage.wait_accounted()
    assert sorted(row["fault"] for row in rows).count("lost") == 3
