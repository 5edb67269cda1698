# SPDX-License-Identifier: Apache-2.0
"""Questions to the ledger: `recorder query` answers them, admin passes them on to whoever has the administrator's token."""
import json
import time

import pytest

from letters import Peer, incarnation
from stage import SLOW, Stage, scripted

ADMIN = "admin-token-1"
SECONDS = 20 * SLOW


def ask(stage, path, token=ADMIN, method="GET"):
    return stage.request(method, path, token=token)


def wait_answer(stage, path, status=200):
    return stage.wait(f"{path} gives {status}", lambda: (got := ask(stage, path)).status == status and got, 15)


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("questions"), keys=["key-ok-that-ends-in-1234"], env={"AUTH_TOKEN": ADMIN}) as stage:
        assert stage.chat("hello").status == 200
        assert stage.chat(scripted("bad", error_status=400)).status == 400
        stage.wait_rows(2)
        wait_answer(stage, "/api/attempts")
        yield stage


@pytest.mark.short
def test_the_last_attempts_are_told_newest_first(stage):
    rows = ask(stage, "/api/attempts").json["rows"]
    assert [row["status"] for row in rows] == [400, 200] and rows[1]["fault"] == "none"
    assert rows[0]["time_ms"] >= rows[1]["time_ms"] > (time.time() - 600) * 1000
    [row] = ask(stage, "/api/attempts?limit=1").json["rows"]
    assert row == rows[0] and len(row["key_id"]) == 16 and len(row["frontend"]) == 6
    assert [row["status"] for row in ask(stage, "/api/attempts?fault=bad_request").json["rows"]] == [400]
    assert [row["status"] for row in ask(stage, "/api/attempts?status=200").json["rows"]] == [200]
    assert ask(stage, "/api/attempts?model=x%27%20OR%201%3D1").json == {"rows": []}


@pytest.mark.short
def test_models_are_summed_up(stage):
    [row] = ask(stage, "/api/attempts/summary?minutes=60").json["rows"]
    assert (row["model"], row["attempts"], row["failures"]) == ("gemini-2.5-flash", 2, 1) and row["tokens_out"] > 0


@pytest.mark.short
def test_sums_are_those_of_the_rows(stage):
    [row] = ask(stage, "/api/usage").json["rows"]
    rows = ask(stage, "/api/attempts").json["rows"]
    assert (row["attempts"], row["calls"], row["answered"], row["client_faults"], row["rescued"]) == (2, 2, 1, 1, 0)
    assert row["tokens_in"] == sum(each["tokens_in"] for each in rows) and row["tokens_out"] > 0
    assert [each["name"] for each in ask(stage, "/api/usage?by=key").json["rows"]] == [rows[0]["key_id"]]
    assert {each["name"] for each in ask(stage, "/api/usage?by=fault&minutes=100000").json["rows"]} == {"none", "bad_request"}


@pytest.mark.short
def test_statistics_name_periods_models_and_keys_by_their_ends(stage):
    stage.wait("the balancer has told its keys", lambda: ask(stage, "/stats").json["keys"][0]["key"] == "…1234")
    told = ask(stage, "/stats").json
    assert {name: (each["calls"], each["successes"], each["failures"]) for name, each in told["periods"].items()} == \
        {"1h": (2, 1, 0), "24h": (2, 1, 0), "month": (2, 1, 0), "1m": (told["periods"]["1m"]["calls"], told["periods"]["1m"]["successes"], 0)}
    assert [each["model"] for each in told["models"]] == ["gemini-2.5-flash"] and told["pool"] == {"total": 1, "available": 1}
    assert ask(stage, "/stats", None).status == 401


@pytest.mark.short
@pytest.mark.parametrize("path, token, method, status, code", [
    ("/api/attempts", None, "GET", 401, "no_session"),
    ("/api/attempts", "admin-token-2", "GET", 401, "wrong_token"),
    ("/api/nothing", ADMIN, "GET", 404, "no_route"),
    ("/api/attempts?limit=0", ADMIN, "GET", 400, "bad_parameter"),
    ("/api/attempts?limit=x", ADMIN, "GET", 400, "bad_parameter"),
    ("/api/attempts?order=up", ADMIN, "GET", 400, "bad_parameter"),
])
def test_what_is_not_right_gets_an_error(stage, path, token, method, status, code):
    answer = ask(stage, path, token, method)
    assert (answer.status, answer.json["error"]["code"]) == (status, code) and answer.json["error"]["message"]


def test_a_question_that_is_none_gets_an_answer_too(stage):
    me = incarnation()
    peer = Peer(stage.state / "run/recorder.query", me)
    peer.send("HELLO", role="admin", incarnation=me, version=1)
    peer.send("ASK", number=7, name="nothing")
    letters, until = {}, time.monotonic() + SECONDS
    while "ANSWER" not in letters and time.monotonic() < until:
        letters |= dict(peer.receive(0.1))
    peer.close()
    assert letters["ANSWER"]["number"] == 7
    assert json.loads(letters["ANSWER"]["data"])["error"]["code"] == "unknown_question"


def test_without_a_token_of_the_administrator_nothing_is_open(tmp_path):
    with Stage(tmp_path, keys=["key-ok-1"], tokens=(), database=False) as stage:
        stage.wait("admin is there", lambda: ask(stage, "/api/status", None).status == 403)
        assert ask(stage, "/api/attempts", "").status == 403


def test_the_first_client_is_the_administrator_where_nobody_is_named(tmp_path):
    with Stage(tmp_path, keys=["key-ok-1"], tokens=("client-1", "client-2"), database=False) as stage:
        stage.wait("admin is there", lambda: ask(stage, "/api/status", "client-1").status == 200)
        assert ask(stage, "/api/status", "client-2").status == 401


def test_the_database_away_is_said_and_comes_back(tmp_path):
    with Stage(tmp_path, keys=["key-ok-1"], database="own", env={"AUTH_TOKEN": ADMIN}) as stage:
        assert stage.chat("hello").status == 200
        stage.wait_rows(1)
        wait_answer(stage, "/api/attempts")
        stage.database.pause()
        assert ask(stage, "/api/attempts").status == 504
        assert ask(stage, "/api/status").status == 200
        stage.database.resume()
        wait_answer(stage, "/api/attempts")
        stage.database.stop()
        answer = ask(stage, "/api/attempts")
        assert (answer.status, answer.json["error"]["code"]) == (503, "database_away")
        assert stage.chat("hello").status == 200

        def records():
            return ask(stage, "/api/status").json["recorder"]["records"]
        waiting = stage.wait("a record waits", lambda: (told := records())["waiting"] == 1 and told.get("reason") and told)
        assert not waiting["database"] and waiting["bytes"] > 0 and "\n" not in waiting["reason"]
        assert abs(waiting["since_ms"] / 1000 - time.time()) < 60 * SLOW
        told = [line["code"] for line in stage.log("store", "database.away")]
        assert told and len(told) == len(set(told))
        stage.database.start()
        stage.wait("none waits", lambda: records()["database"] and not records()["waiting"], 20)
        assert len(wait_answer(stage, "/api/attempts").json["rows"]) == 2
        assert len(stage.log("query", "query.away")) == 1


def test_the_process_for_questions_away_is_said(tmp_path):
    with Stage(tmp_path, keys=["key-ok-1"], env={"AUTH_TOKEN": ADMIN}) as stage:
        wait_answer(stage, "/api/attempts/summary")
        stage.kill("query")
        assert wait_answer(stage, "/api/attempts", 503).json["error"]["code"] == "recorder_away"
        stage.start("query")
        wait_answer(stage, "/api/attempts")
