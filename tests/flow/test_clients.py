# SPDX-License-Identifier: Apache-2.0
"""Clients that have a token of their own: made, changed and revoked while the gateway runs; what each may, and how much."""
import time

import pytest

from stage import Stage

ADMIN = "admin-token-1"
CLIENTS = "/api/admin/clients"
MODEL = "gemini-2.5-flash"


def ask(stage, method, path, body=None):
    return stage.request(method, path, body, token=ADMIN)


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("clients"), keys=["key-ok-1"], keeper=True, env={"AUTH_TOKEN": ADMIN}) as stage:
        stage.wait("clients are made", lambda: ask(stage, "POST", CLIENTS, {"name": "first"}).status == 200, 15)
        yield stage


def make(stage, name, **terms):
    answer = ask(stage, "POST", CLIENTS, {"name": name} | terms)
    assert answer.status == 200 and answer.json["token"].startswith("sk-gw-"), answer.text
    return answer.json["id"], answer.json["token"]


def call(stage, token, model=MODEL):
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
    return stage.request("POST", "/v1/chat/completions", body, token=token)


def wait_status(stage, token, status, code=None, model=MODEL):
    answer = stage.wait(f"status {status}", lambda: (a := call(stage, token, model)).status == status and a, 5)
    assert code is None or answer.json["error"]["code"] == code, answer.text
    return answer


def terms(stage):
    return {row["id"]: row for row in ask(stage, "GET", "/api/admin/client-terms").json["rows"]}


@pytest.mark.short
def test_a_token_is_good_at_once_until_it_is_revoked(stage):
    client, token = make(stage, "lab")
    wait_status(stage, token, 200)
    row = stage.wait("the ledger has it", lambda: stage.query(f"select hex(client) as c from attempts where client = 0x{client}"))
    assert row[0]["c"].lower().zfill(16) == client
    shown = terms(stage)[client]
    assert (shown["name"], shown["tail"], shown["rpm"]) == ("lab", token[-4:], 0) and "hash" not in shown
    assert ask(stage, "POST", f"{CLIENTS}/{client}/revoke").status == 200
    refused = wait_status(stage, token, 401, "token_revoked")
    assert "revoked" in refused.json["error"]["message"]
    assert ask(stage, "POST", f"{CLIENTS}/{client}/restore").status == 200
    wait_status(stage, token, 200)
    trail = [row["what"] for row in ask(stage, "GET", "/api/admin/audit?q=lab").json["rows"]]
    assert trail == ["client.restore", "client.revoke", "client.add"]


@pytest.mark.short
def test_a_rotated_token_goes_on_for_a_while(stage):
    client, token = make(stage, "turning")
    wait_status(stage, token, 200)
    fresh = ask(stage, "POST", f"{CLIENTS}/{client}/rotate", {"old_good_ms": 3600000}).json
    assert fresh["id"] == client and fresh["token"] != token
    wait_status(stage, fresh["token"], 200)
    assert call(stage, token).status == 200
    last = ask(stage, "POST", f"{CLIENTS}/{client}/rotate").json
    wait_status(stage, last["token"], 200)
    wait_status(stage, token, 401, "invalid_api_key")
    wait_status(stage, fresh["token"], 401)


@pytest.mark.short
def test_models_and_expiry(stage):
    client, token = make(stage, "narrow", models=["gemini-2.5-*"])
    wait_status(stage, token, 200)
    refused = wait_status(stage, token, 403, "model_not_allowed", "gemini-2.0-flash")
    assert refused.json["error"]["param"] == "model"
    native = stage.request("POST", "/v1beta/models/gemini-2.0-flash:generateContent",
                           {"contents": [{"parts": [{"text": "hi"}]}]}, {"x-goog-api-key": token}, token=None)
    assert native.status == 403 and native.json["error"]["status"] == "PERMISSION_DENIED"
    assert stage.request("GET", "/v1/models", token=token).status == 200
    assert ask(stage, "PATCH", f"{CLIENTS}/{client}", {"expires_at": int(time.time() * 1000) - 1}).status == 200
    wait_status(stage, token, 401, "token_expired")
    assert ask(stage, "PATCH", f"{CLIENTS}/{client}", {"expires_at": None, "models": []}).status == 200
    wait_status(stage, token, 200, None, "gemini-2.0-flash")


@pytest.mark.short
def test_limits_refuse_with_the_time_to_come_again(stage):
    _, token = make(stage, "slow", rpm=2)
    wait_status(stage, token, 200)
    assert call(stage, token).status == 200
    refused = call(stage, token)
    assert refused.status == 429 and refused.json["error"]["code"] == "rate_limit_exceeded", refused.text
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    _, token = make(stage, "small", tokens_per_day=1)
    wait_status(stage, token, 200)
    refused = wait_status(stage, token, 429, "insufficient_quota")
    assert "midnight UTC" in refused.json["error"]["message"] and int(refused.headers["retry-after"]) >= 1
    _, token = make(stage, "poor", cost_per_day_usd="0.000001")
    wait_status(stage, token, 200)
    wait_status(stage, token, 429, "insufficient_quota")
    stage.wait("the sums are kept", lambda: (stage.state / "clients0").exists())
    stage.restart("balancer")
    stage.wait_ready()
    wait_status(stage, token, 429, "insufficient_quota")


@pytest.mark.short
def test_what_is_no_client_is_refused_by_its_field(stage):
    before = terms(stage)
    for body, field in (({}, "name"), ({"name": ""}, "name"), ({"name": "x" * 101}, "name"), ({"name": "a", "rpm": -1}, "rpm"),
                        ({"name": "a", "rpm": "5"}, "rpm"), ({"name": "a", "models": "m"}, "models"),
                        ({"name": "a", "cost_per_day_usd": "lots"}, "cost_per_day_usd"), ({"name": "a", "colour": 1}, "colour")):
        refused = ask(stage, "POST", CLIENTS, body)
        assert (refused.status, refused.json["error"]["field"]) == (422, field), refused.text
    assert ask(stage, "PATCH", f"{CLIENTS}/0000000000000001", {"rpm": 1}).status == 404
    assert ask(stage, "POST", CLIENTS, b"[]").status == 400
    assert stage.request("POST", CLIENTS, {"name": "x"}).status == 401  # a client's token is no administrator's
    assert terms(stage) == before


def test_tokens_are_nowhere_but_in_the_answer(stage):
    _, token = make(stage, "hidden")
    wait_status(stage, token, 200)
    dump = stage.query("select concat_ws(' ', name, hash, tail, models) as t from clients") + \
        stage.query("select concat_ws(' ', object, before_value, after_value) as t from audit")
    files = [path.read_text(errors="replace") for path in stage.state.glob("*.json")]
    logs = [line["line"] for name in stage.names() if name != "simulator" for line in stage.log(name)]
    assert not any(token in text for text in [row["t"] for row in dump] + files + logs)
