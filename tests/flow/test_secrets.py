# SPDX-License-Identifier: Apache-2.0
"""Secrets stay inside: marked keys, tokens and bodies go through, and are then looked for where they must not be."""
import json
import subprocess
from pathlib import Path

import pytest

from stage import CHAT, MODEL, Reader, Stage, scripted

MARK = "5EC12E7"
KEYS = [f"key-{mode}-AIza{MARK}key{i}" for i, mode in enumerate(("suspended", "invalid", "internal", "minute1", "ok", "ok"))]
TOKEN = f"token-{MARK}-client"
ADMIN = f"token-{MARK}-admin"
STRANGER = f"token-{MARK}-stranger"
BODY = f"body-{MARK}-words"
PASSWORD = f"password-{MARK}"


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The stage after all kinds of calls, and every answer that was given."""
    env = {"LOG_LEVEL": "TRACE", "AUTH_TOKEN": ADMIN, "MYSQL_USER": "marked", "MYSQL_PASSWORD": PASSWORD, "TIME_OUT": "20"}
    with Stage(tmp_path_factory.mktemp("secrets"), keys=KEYS, tokens=[TOKEN], env=env, upstreams=2, start=False) as stage:
        stage.database.query(f"create or replace user marked@localhost identified by '{PASSWORD}'")
        stage.database.query(f"grant all on *.* to marked@localhost")
        stage.start_all()
        answers = list(converse(stage))
        stage.wait_accounted()
        stage.dump()
        yield stage, answers


def converse(stage):
    native = {"contents": [{"role": "user", "parts": [{"text": BODY}]}]}
    for _ in range(6):
        yield stage.chat(BODY, token=TOKEN)
        yield stage.chat(BODY, True, token=ADMIN)
    yield stage.request("POST", f"/v1beta/models/{MODEL}:generateContent?key={TOKEN}", native, token=None)
    yield stage.request("POST", f"/gemini/v1beta/models/{MODEL}:streamGenerateContent?alt=sse&key={TOKEN}", native, token=None)
    yield stage.request("GET", f"/v1/models?key={TOKEN}", token=None)
    yield stage.request("GET", "/v1beta/models", headers={"x-goog-api-key": TOKEN}, token=None)
    for way in ({"Authorization": f"Bearer {STRANGER}"}, {"x-goog-api-key": STRANGER}):
        yield stage.request("POST", CHAT, stage.chat_body(BODY), way, token=None)
        yield stage.request("POST", f"/v1beta/models/{MODEL}:generateContent", native, way, token=None)
    yield stage.request("GET", f"/v1/nothing?key={STRANGER}", token=None)
    yield stage.request("GET", f"/nothing?key={STRANGER}", token=None)
    yield stage.request("POST", CHAT, '{"model": "%s", "messages": "%s"' % (MODEL, BODY), token=TOKEN)
    yield stage.chat(BODY, token=TOKEN, temperature=BODY)
    yield stage.chat(scripted(BODY, error_status=400, error_message=f"Odd: api_key:{KEYS[4]} in AIza{MARK}x and key={KEYS[5]}."),
                     token=TOKEN)
    yield stage.chat(scripted(BODY, error_status=500), token=TOKEN)
    yield stage.chat_stream(scripted(BODY, text=BODY * 20, chunks=5, error_after_events=3,
                                     error_message=f"Odd: api_key:{KEYS[4]}."), token=TOKEN)
    yield stage.chat_stream(scripted(BODY, text=BODY * 20, chunks=5, cut_after_events=3), token=TOKEN)
    stage.streams(1, text=scripted(BODY, text=BODY * 20, chunks=50, pace_ms=50), token=TOKEN,
                  reader=Reader(hang_up_after=2)).join(20)
    for mode in ("suspended", "invalid", "leaked", "html"):
        for key in KEYS:
            stage.sim.key(key, mode, 2)
        yield stage.chat(BODY, token=TOKEN, model="gemini-2.5-pro")
        yield stage.request("POST", "/v1beta/models/gemini-2.5-pro:generateContent", native, {"x-goog-api-key": TOKEN}, token=None)
    for path in ("/", "/health", "/api/status", "/keys"):
        yield stage.request("GET", path, token=None)


def marks_in(data, *but):
    """The marked things in these bytes, those apart that may be there."""
    data = data if isinstance(data, bytes) else data.encode()
    for allowed in but:
        data = data.replace(allowed.encode(), b"")
    at = data.find(MARK.encode())
    return data[max(0, at - 150):at + 60] if at >= 0 else None


def test_the_conversation_was_worth_looking_at(told):
    stage, answers = told
    statuses = {answer.status for answer in answers}
    assert {200, 400, 401, 404, 503} <= statuses, statuses
    assert any(MARK in stage.sim.requests(1000)[i]["body"] for i in range(5)), "the bodies have not arrived"
    seen = {"letter" in line for name in ("frontend", "balancer", "upstream-0") for line in stage.log(name)}
    assert True in seen, "the trace shows no letters"


def test_no_log_has_a_key_a_token_or_a_body(told):
    stage, _ = told
    for name, log in stage.logs.items():
        found = marks_in(log.path.read_bytes())
        assert not found, f"{name}: {found}"
    joined = "\n".join(line["line"] for name in ("balancer", "upstream-0") for line in stage.log(name))
    assert "<secret>" in joined


def test_no_answer_has_a_key_or_a_token(told):
    _, answers = told
    for answer in answers:
        head = json.dumps(answer.headers)
        body = answer.body if isinstance(answer.body, bytes) and answer.body else json.dumps(getattr(answer, "events", [])).encode()
        assert not marks_in(head), head
        found = marks_in(body, BODY)
        assert not found, (answer.status, found)


def test_no_table_has_a_key_a_token_or_a_body(told):
    stage, _ = told
    names = [list(row.values())[0] for row in stage.query("show tables")]
    tables = json.dumps({name: stage.query(f"select * from {name}") for name in names}).encode()
    assert b"attempts" in tables and len(stage.rows()) > 20
    found = marks_in(tables)
    assert not found and MARK.encode().hex().encode() not in tables.lower(), found


def test_no_file_of_ours_has_a_key_a_token_or_a_body(told):
    stage, _ = told
    files = [path for path in Path(stage.state).rglob("*") if path.is_file()]
    assert any("flight" in str(path) for path in files)
    for path in files:
        found = marks_in(path.read_bytes())
        assert not found, f"{path}: {found}"
        assert path.stat().st_mode & 0o077 == 0 or path.suffix == ".log", f"{path} may be read by others"
    assert Path(stage.state).stat().st_mode & 0o077 == 0


def test_keys_are_in_no_url_and_tokens_do_not_reach_the_provider(told):
    stage, _ = told
    for request in stage.sim.requests(1000):
        assert not marks_in(request["path"] + request["query"])
        for name, value in request["headers"]:
            assert name.lower() == "x-goog-api-key" or not marks_in(value), (name, value)
        assert TOKEN not in json.dumps(request) and ADMIN not in json.dumps(request) and STRANGER not in json.dumps(request)


def test_no_command_line_has_a_secret_and_no_process_leaves_a_core(told):
    stage, _ = told
    for name, proc in stage.procs.items():
        assert not marks_in(Path(f"/proc/{proc.pid}/cmdline").read_bytes())
    for name in ("recorder", "store"):  # they need no provider's key, and so nothing is to be found in them
        assert stage.is_alive(name)


def test_a_secret_on_the_command_line_is_refused(stage_of):
    stage = stage_of(start=False, database=False, admin=False)
    stage.start("simulator")
    for option in ("--api-keys", "--API_KEYS", "--allowed_tokens", "--auth_token"):
        stage.start("balancer", args=[f"{option}={KEYS[0]}"], may_fail=True)
        assert stage.wait_dead("balancer", 5) > 0, f"{option} was taken"
        assert not marks_in("\n".join(line["line"] for line in stage.log("balancer")))


def test_a_setting_that_is_wrong_is_named_without_its_secret(stage_of):
    stage = stage_of(start=False, database=False, admin=False)
    stage.start("simulator")
    for value in (f'["{KEYS[0]}"', f'["{KEYS[0]}", 7]'):
        stage.start("balancer", env={"API_KEYS": value}, may_fail=True)
        assert stage.wait_dead("balancer", 5) > 0
        text = "\n".join(line["line"] for line in stage.log("balancer"))
        assert "API_KEYS" in text and not marks_in(text), text
