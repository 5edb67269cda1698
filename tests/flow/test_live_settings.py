# SPDX-License-Identifier: Apache-2.0
"""Settings that change while the gateway runs: in every process within a second, all or none, written down; and what is
left of a change when a process is killed in the middle of it, or the database is away."""
import json
import os
import time

import pytest

from stage import SLOW, Stage

ADMIN = "admin-token-1"
SETTINGS = "/api/admin/settings"
AUDIT = "/api/admin/audit"


def ask(stage, method, path, body=None, headers=None):
    return stage.request(method, path, body, headers, token=ADMIN)


def rows(stage):
    return {row["name"]: row for row in ask(stage, "GET", SETTINGS).json["rows"]}


def change(stage, changes, etag=None):
    return ask(stage, "PUT", SETTINGS, {"changes": changes}, {"If-Match": etag} if etag else None)


def wait_changes(stage, what, seconds=15):
    """Until the keeper is there, and the database behind it."""
    return stage.wait("changes are taken", lambda: (answer := change(stage, what)).status == 200 and answer, seconds)


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("live"), keys=["key-ok-1"], keeper=True,
               env={"AUTH_TOKEN": ADMIN, "TIME_OUT": "77"}) as stage:
        wait_changes(stage, {"THINKING_ALLOWANCE": 5})
        yield stage


@pytest.mark.short
def test_a_change_is_in_every_process_and_written_down(stage):
    before = ask(stage, "GET", SETTINGS)
    assert before.headers["etag"] == f'"{before.json["etag"]}"'
    answer = change(stage, {"MAX_RETRIES": 7, "FILTERED_MODELS": ["one", "two"], "SHOW_THINKING_PROCESS": False,
                            "UPSTREAM_IDLE": 30, "LOG_LEVEL": "TRACE"}, before.headers["etag"])
    assert answer.status == 200, answer.text
    assert set(answer.json["applied_by"]) == {"admin", "frontend", "upstream", "balancer"}, answer.json
    assert max(answer.json["applied_by"].values()) < 1000 * SLOW and answer.json["refused_by"] == []
    assert answer.headers["etag"] == f'"{answer.json["etag"]}"' != before.headers["etag"]
    now = rows(stage)
    assert [now[name]["value"] for name in ("MAX_RETRIES", "FILTERED_MODELS", "SHOW_THINKING_PROCESS", "UPSTREAM_IDLE")] == \
        [7, ["one", "two"], False, 30]
    assert (now["MAX_RETRIES"]["source"], now["MAX_RETRIES"]["default"], now["MAX_RETRIES"]["changed_by"]) == \
        ("dashboard", 3, "token")
    assert abs(now["MAX_RETRIES"]["changed_at"] / 1000 - time.time()) < 60
    refused = stage.request("POST", "/v1/chat/completions", {"model": "one", "messages": [{"role": "user", "content": "hi"}]})
    assert refused.status in (400, 403, 404), refused.text
    for name in ("frontend", "upstream", "balancer", "admin"):  # they trace from here on
        stage.wait(f"{name} traces", lambda: any(line.get("level") == "trace" for line in stage.log(name)))
    for name in ("recorder", "store", "query"):  # whom no message tells
        stage.wait_log(name, "settings.taken", version=answer.json["etag"])
    written = {row["on"]: row for row in ask(stage, "GET", AUDIT + "?kind=setting").json["rows"][:5]}
    assert (written["MAX_RETRIES"]["before"], written["MAX_RETRIES"]["after"]) == ("3", "7")
    assert (written["MAX_RETRIES"]["who"], written["MAX_RETRIES"]["from"]) == ("token", "127.0.0.1")
    assert change(stage, {"LOG_LEVEL": None, "FILTERED_MODELS": None}).status == 200
    assert rows(stage)["LOG_LEVEL"] | {"changed_at": 0} == rows(stage)["LOG_LEVEL"] | {
        "changed_at": 0, "source": "default", "value": "INFO"}


@pytest.mark.short
def test_one_wrong_setting_changes_none(stage):
    before = rows(stage)
    answer = change(stage, {"QUEUE_LIMIT": 17, "TIME_OUT": 0, "TTS_SPEED": "quick", "PORT": 1, "API_KEYS": ["key-marked"],
                            "NO_SUCH": 1, "BODY_LIMIT": "many"})
    assert answer.status == 422, answer.text
    assert answer.json["errors"] == {"PORT": "fixed", "API_KEYS": "secret", "NO_SUCH": "unknown"}
    answer = change(stage, {"QUEUE_LIMIT": 17, "TIME_OUT": 0, "TTS_SPEED": "quick"})
    assert answer.json["errors"] == {"TIME_OUT": "wrong", "TTS_SPEED": "wrong"}, answer.text
    assert answer.json["messages"]["TTS_SPEED"] == "should be slow, normal or fast"
    assert change(stage, {"MODEL_FACTS": '{"x": {"no_such_fact": 1}}'}).json["errors"] == {"MODEL_FACTS": "wrong"}
    assert change(stage, {"BODY_LIMIT": "many", "QUEUE_LIMIT": 17}).json["errors"] == {"BODY_LIMIT": "wrong"}
    assert rows(stage) == before
    for body in (b"{", {"changes": {}}, {"changes": []}, {}):
        assert ask(stage, "PUT", SETTINGS, body).status == 400
    assert "key-marked" not in json.dumps(ask(stage, "GET", AUDIT).json)


@pytest.mark.short
def test_two_who_change_at_once_lose_nothing(stage):
    etag = ask(stage, "GET", SETTINGS).headers["etag"]
    assert change(stage, {"QUEUE_WAIT": 11}, etag).status == 200
    late = change(stage, {"QUEUE_WAIT": 12}, etag)
    assert late.status == 412 and late.json["error"]["code"] == "changed"
    assert late.json["changes"]["QUEUE_WAIT"]["value"] == "11" and list(late.json["changes"]) == ["QUEUE_WAIT"]
    assert rows(stage)["QUEUE_WAIT"]["value"] == 11


@pytest.mark.short
def test_the_environment_is_shadowed_until_the_next_start(stage):
    row = rows(stage)["TIME_OUT"]
    assert (row["source"], row["shadowed_by"], row["value"]) == ("environment", "environment", 77)
    assert change(stage, {"TIME_OUT": "1m"}).status == 200
    row = rows(stage)["TIME_OUT"]
    assert (row["source"], row["shadowed_by"], row["value"]) == ("dashboard", "environment", 60)
    stage.restart("admin", env={"GATEWAY_STARTED": str(int(time.time() * 1000) + 1000)})
    stage.wait("admin is back", lambda: "balancers" in stage.status())
    assert rows(stage)["TIME_OUT"]["value"] == 77


@pytest.mark.short
def test_the_audit_is_the_newest_first_beyond_nine_rows(stage):
    for wait in range(20, 32):
        assert change(stage, {"QUEUE_WAIT": wait}).status == 200
    ids = [int(row["id"]) for row in ask(stage, "GET", AUDIT).json["rows"]]
    assert len(ids) > 10 and ids == sorted(ids, reverse=True)


@pytest.mark.short
def test_a_disabled_key_stays_so_and_the_audit_says_by_whom(stage):
    def states():
        return [row["state"] for row in ask(stage, "GET", "/api/admin/keys").json["rows"]]

    def order(what):
        [key] = stage.wait("the key is known", lambda: ask(stage, "GET", "/api/admin/keys").json["rows"])
        answer = ask(stage, "POST", "/api/admin/keys/actions", {"do": what, "ids": [key["id"]]})
        assert (answer.status, answer.json["done"]) == (200, 1), answer.text
        return key

    assert stage.request("POST", "/api/admin/session", {"token": "a-guess-marked"}, token=None).status == 401
    assert stage.request("POST", "/api/admin/session", {"token": ADMIN}, token=None).status == 200
    key = order("disable")
    stage.kill("balancer")
    stage.start("balancer")
    stage.wait_log("balancer", "keys.disabled", keys="1")
    stage.wait("it is off still", lambda: states() == ["off"])
    assert stage.chat("hello").status in (429, 503)
    order("enable")
    stage.wait("it is on", lambda: states() != ["off"])
    stage.restart("balancer")
    stage.wait("it serves", lambda: stage.chat("hello").status == 200)
    assert not stage.log("balancer", "keys.disabled")
    audit = stage.wait("all is written", lambda: (a := ask(stage, "GET", AUDIT)).json["rows"][0]["what"] == "keys.enable" and a)
    named = "#" + key["id"]  # it is too short to show its last characters
    rows = [(row["what"], row["on"], row["after"], row["who"].split()[0]) for row in audit.json["rows"][:4]]
    assert rows == [("keys.enable", named, None, "token"), ("keys.disable", named, None, "token"),
                    ("login", "", None, "session"), ("login.refused", "", "wrong_token", "nobody")], rows
    assert not any(secret in audit.text for secret in ("a-guess-marked", ADMIN, "key-ok-1"))
    assert "key-ok-1" not in (stage.state / "disabled0").read_text()


def test_secrets_are_never_shown(stage):
    now = rows(stage)
    assert (now["API_KEYS"]["is_set"], now["API_KEYS"]["type"], now["PAID_KEY"]["is_set"]) == (True, "secret", False)
    assert not any("value" in row for row in now.values() if row["type"] == "secret")


def test_a_kill_in_the_middle_leaves_all_or_nothing(tmp_path):
    with Stage(tmp_path, keys=["key-ok-1"], keeper=True, env={"AUTH_TOKEN": ADMIN}) as stage:
        wait_changes(stage, {"THINKING_ALLOWANCE": 5})
        for point, value in (("keeper.written", 5), ("keeper.committed", 9)):
            stage.restart("keeper", kill_at=f"{point}:1")
            stage.wait_log("keeper", "keeper.ready")
            stage.wait("admin hears of it", lambda: stage.log("admin", "link.up", link="keeper"))
            ups = len(stage.log("admin", "link.up", link="keeper"))
            answer = stage.wait("it is killed", lambda: (a := change(stage, {"THINKING_ALLOWANCE": 9})).status and
                                not stage.is_alive("keeper") and a)
            assert answer.status == 503, answer.text
            stage.start("keeper")
            stage.wait_log("admin", "link.up", after=ups, link="keeper")
            stage.wait("the value is told", lambda: rows(stage)["THINKING_ALLOWANCE"]["value"] == value)
        [row] = stage.query("select count(*) as n from audit where object = 'THINKING_ALLOWANCE'")
        assert row["n"] == 2


def test_the_database_away_refuses_changes_and_a_start_knows_the_last(tmp_path):
    with Stage(tmp_path, keys=["key-ok-1"], keeper=True, database="own", env={"AUTH_TOKEN": ADMIN}) as stage:
        wait_changes(stage, {"THINKING_ALLOWANCE": 5})
        stage.database.stop()
        refused = change(stage, {"THINKING_ALLOWANCE": 6})
        assert (refused.status, refused.json["error"]["code"]) == (503, "database_away"), refused.text
        for name in ("keeper", "frontend", "admin"):
            stage.restart(name)
        stage.wait_ready()
        stage.wait("admin is back", lambda: "balancers" in stage.status())
        assert rows(stage)["THINKING_ALLOWANCE"]["value"] == 5
        for name in ("keeper", "frontend", "admin"):
            assert stage.log(name, "settings.taken")
        assert oct(os.stat(stage.state / "settings.json").st_mode)[-3:] == "600"
        stage.database.start()
        wait_changes(stage, {"THINKING_ALLOWANCE": 7})
        assert rows(stage)["THINKING_ALLOWANCE"]["value"] == 7
