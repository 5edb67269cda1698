# SPDX-License-Identifier: Apache-2.0
"""Logging in to the dashboard: cookies, CSRF, wrong tokens, and what a page of another site may not do."""
import json
import re
import time

import pytest

from stage import Stage, http_socket

ADMIN = "admin-token-1"
SESSION = "/api/admin/session"
SAME = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("session"), keys=["key-ok-1"], database=False, env={"AUTH_TOKEN": ADMIN}) as stage:
        stage.wait("admin is there", lambda: "balancers" in stage.status())
        yield stage


def ask(stage, method, path, headers=None, body=None):
    return stage.request(method, path, body, headers, token=None)


def login(stage, token=ADMIN, headers=SAME):
    return ask(stage, "POST", SESSION, headers, {"token": token})


def cookie_of(answer):
    return answer.headers["set-cookie"].split(";")[0]


@pytest.mark.short
def test_a_login_is_a_cookie_that_is_not_the_token(stage):
    answer = login(stage)
    assert answer.status == 200 and answer.json["until"] and answer.json["version"], answer.text
    assert re.fullmatch(r"gateway_session=[0-9a-f]{32}; Path=/; HttpOnly; SameSite=Strict", answer.headers["set-cookie"])
    assert re.fullmatch("[0-9a-f]{32}", answer.json["csrf"]) and answer.json["csrf"] not in answer.headers["set-cookie"]
    cookie = {"Cookie": f"other=1; {cookie_of(answer)}"}
    look = ask(stage, "GET", SESSION, cookie)
    assert look.json["csrf"] == answer.json["csrf"] and look.json["until"] >= answer.json["until"]
    assert ask(stage, "GET", "/api/status", cookie).status == 200
    assert stage.log("admin", "login.done")[-1]["from"] == "127.0.0.1"


@pytest.mark.short
def test_a_change_needs_the_csrf_and_our_own_page(stage):
    answer = login(stage)
    cookie, csrf = {"Cookie": cookie_of(answer)}, {"X-CSRF": answer.json["csrf"]}
    for more, code in ((SAME, "no_csrf"), (csrf, "other_site"), (csrf | {"Sec-Fetch-Site": "cross-site"}, "other_site"),
                       (csrf | {"Origin": "http://evil.example"}, "other_site"), (SAME | {"X-CSRF": "0" * 32}, "no_csrf")):
        refused = ask(stage, "DELETE", SESSION, cookie | more)
        assert (refused.status, refused.json["error"]["code"]) == (403, code), more
    assert ask(stage, "GET", SESSION, cookie).status == 200
    gone = ask(stage, "DELETE", SESSION, cookie | csrf | {"Origin": f"http://127.0.0.1:{stage.port}"})
    assert gone.status == 204 and "Max-Age=0" in gone.headers["set-cookie"]
    after = ask(stage, "GET", SESSION, cookie)
    assert (after.status, after.json["error"]["code"]) == (401, "no_session")


@pytest.mark.short
def test_a_session_cannot_be_chosen_for_somebody(stage):
    mine = "gateway_session=" + "a" * 32
    answer = login(stage, headers=SAME | {"Cookie": mine})
    assert answer.status == 200 and cookie_of(answer) != mine
    again = login(stage, headers=SAME | {"Cookie": cookie_of(answer)})
    assert cookie_of(again) != cookie_of(answer)
    assert ask(stage, "GET", SESSION, {"Cookie": cookie_of(answer)}).status == 401  # the old one is over
    foreign = login(stage, headers={"Origin": "http://evil.example"})
    assert (foreign.status, foreign.json["error"]["code"]) == (403, "other_site") and "set-cookie" not in foreign.headers


@pytest.mark.short
def test_under_tls_the_cookie_is_for_this_host_and_tls_only(stage):
    proxy = SAME | {"X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.4"}
    answer = login(stage, headers=proxy)
    assert re.fullmatch(r"__Host-gateway_session=\w{32}; Path=/; HttpOnly; SameSite=Strict; Secure", answer.headers["set-cookie"])
    assert ask(stage, "GET", SESSION, proxy | {"Cookie": cookie_of(answer)}).status == 200
    assert ask(stage, "GET", SESSION, {"Cookie": cookie_of(answer)}).status == 401
    assert stage.log("admin", "login.done")[-1]["from"] == "198.51.100.4"


@pytest.mark.short
def test_wrong_tokens_make_their_address_wait(stage):
    proxy = {"X-Forwarded-For": "198.51.100.9"}
    for _ in range(5):
        answer = login(stage, "wrong", proxy)
        assert (answer.status, answer.json["error"]["code"]) == (401, "wrong_token")
    held = login(stage, ADMIN, proxy)
    assert held.status == 429 and 29_000 < held.json["error"]["retry_ms"] <= 30_000 and held.headers["retry-after"] == "30"
    assert login(stage).status == 200  # others do not wait
    told = [line["why"] for line in stage.log("admin", "login.refused", **{"from": "198.51.100.9"})]
    assert told == ["wrong_token"] * 5 + ["too_many_tries"]
    assert not any("wrong" == value for line in stage.log("admin", "login.refused") for value in line.values())


@pytest.mark.short
@pytest.mark.parametrize("body, status", [("", 400), ("[]", 400), ('{"token": 7}', 400), ('{"token": ""}', 400), ("{" * 5000, 400),
                                          (b"\xff\xfe", 400)])
def test_a_login_without_a_token_says_what_is_missing(stage, body, status):
    answer = ask(stage, "POST", SESSION, SAME, body)
    assert answer.status == status and answer.json["error"]["field"] == "token"


@pytest.mark.short
def test_a_token_needs_neither_cookie_nor_csrf(stage):
    bearer = {"Authorization": f"Bearer {ADMIN}"}
    assert ask(stage, "GET", SESSION, bearer).json["until"] is None
    assert ask(stage, "DELETE", SESSION, bearer | {"Origin": "http://evil.example"}).status == 204
    assert ask(stage, "GET", "/api/status", {"Authorization": "Bearer q1q2q3q4"}).status == 401


@pytest.mark.short
@pytest.mark.parametrize("method, path, status", [("GET", "/", 200), ("GET", "/api/nothing", 404), ("GET", SESSION, 401), ("PUT", SESSION, 405),
                                                  ("POST", SESSION, 413)])
def test_every_reply_has_the_lines_that_bind_a_browser(stage, method, path, status):
    body = b"x" * (17 << 20) if status == 413 else None
    answer = ask(stage, method, path, SAME, body)
    assert answer.status == status, answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    assert answer.headers["x-content-type-options"] == "nosniff" and answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin" and "access-control-allow-origin" not in answer.headers
    if path != "/" and status != 413:
        assert answer.headers["cache-control"] == "no-store"
    if status == 405:
        assert answer.headers["allow"] == "POST, GET, HEAD, DELETE"


@pytest.mark.short
def test_no_other_site_may_ask_with_a_browser(stage):
    answer = ask(stage, "OPTIONS", SESSION, {"Origin": "http://evil.example", "Access-Control-Request-Method": "DELETE",
                                             "Access-Control-Request-Headers": "x-csrf"})
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.short
def test_the_socket_itself_needs_no_login_for_the_status_only(stage):
    assert "balancers" in stage.status()
    for path in ("/stats", SESSION):
        assert http_socket(stage.state / "run/admin", "GET", path).status == 401
    assert http_socket(stage.state / "run/admin", "GET", "/api/status", {"X-Forwarded-For": "203.0.113.9"}).status == 401


@pytest.mark.short
def test_a_token_that_everybody_knows_is_good_on_this_host_only(tmp_path):
    with Stage(tmp_path, keys=["key-ok-1"], database=False, env={"AUTH_TOKEN": "q1q2q3q4", "ADMIN_SESSION_EXPIRE": "1"}) as stage:
        stage.wait("admin is there", lambda: "balancers" in stage.status())
        far = {"X-Forwarded-For": "203.0.113.9"}
        assert login(stage, "q1q2q3q4", far).json["error"]["code"] == "sample_token"
        assert login(stage, "q1q2q3q4", {"Host": "evil.example"}).json["error"]["code"] == "sample_token"
        assert stage.request("GET", "/api/status", None, far, token="q1q2q3q4").status == 403
        answer = login(stage, "q1q2q3q4")
        cookie = {"Cookie": cookie_of(answer)}
        assert answer.status == 200 and json.loads(answer.body)["csrf"]
        stage.wait("a session that nobody uses ends", lambda: is_over(stage, cookie), 10)


def is_over(stage, cookie):
    time.sleep(1.2)  # not asked meanwhile: asking would be using it
    return ask(stage, "GET", SESSION, cookie).status == 401


@pytest.mark.short
def test_a_stranger_that_guesses_holds_no_script_and_no_login(tmp_path):
    known, stranger = {"X-Forwarded-For": "198.51.100.20"}, {"X-Forwarded-For": "198.51.100.21"}
    with Stage(tmp_path, keys=["key-ok-1"], database=False, env={"AUTH_TOKEN": ADMIN}) as stage:
        stage.wait("admin is there", lambda: "balancers" in stage.status())
        assert stage.request("GET", SESSION, None, known, token=ADMIN).status == 200
        told = [stage.request("GET", SESSION, None, stranger, token=f"guess-{i}").status for i in range(90)]
        assert told[:60] == [401] * 60 and told[-1] == 429  # all strangers together have sixty a minute
        assert stage.request("GET", SESSION, None, known, token=ADMIN).status == 200
        assert login(stage, ADMIN, {"X-Forwarded-For": "198.51.100.22"}).status == 200
