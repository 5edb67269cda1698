# SPDX-License-Identifier: Apache-2.0
"""What clients should not send, and what HTTP allows that few send. Each gets a clear answer, in the form of its route,
and nothing of it reaches the provider; the processes live on, which every test of this file looks at in the end."""
import gzip
import json
import re
import time
import zlib

import pytest

from stage import CHAT, IS_SANITIZED, MODEL, SLOW, TOKEN, Stage, scripted

GENERATE = f"/v1beta/models/{MODEL}:generateContent"
AUTH = f"Authorization: Bearer {TOKEN}\r\n"
BODY_LIMIT = 1 << 20
GOOD_PATH = re.compile(r"/v1beta(/(?!\.+(/|$))[\w.~:@!$&'()*+,;=-]+)+", re.ASCII)


@pytest.fixture(scope="module")
def bad_stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("bad"), database=False, admin=False,
               env={"BODY_LIMIT": BODY_LIMIT}) as stage:
        yield stage


@pytest.fixture
def stage(bad_stage):
    """The stage with nothing counted; afterwards all of its processes are the same, and serve."""
    bad_stage.sim.reset()
    pids = {name: proc.pid for name, proc in bad_stage.procs.items()}
    yield bad_stage
    assert all(GOOD_PATH.fullmatch(request["path"]) for request in bad_stage.sim.requests())
    assert bad_stage.chat("still there?").status == 200
    assert {name: proc.pid for name, proc in bad_stage.procs.items() if proc.is_alive} == pids


def openai_error(answer, status):
    assert answer.status == status, (answer.status, answer.text[:500])
    assert answer.headers["content-type"].startswith("application/json")
    error = answer.json["error"]
    assert error["message"] and error["type"] and {"param", "code"} <= set(error)
    return error


def google_error(answer, status):
    assert answer.status == status, (answer.status, answer.text[:500])
    error = answer.json["error"]
    assert error["code"] == status and error["message"] and error["status"]
    return error


# ----------------------------------------------------------------------------------------------------------------- JSON

BAD_JSON = {
    "nothing": b"", "half": b'{"model": "x", "messages": [', "array": b"[]", "text": b'"x"', "number": b"7", "null": b"null",
    "no value": b'{"model":}', "garbage behind": b'{"model":"x"} x', "single quotes": b"{'model':'x'}", "NUL": b"\0\0\0\0",
    "not text": bytes(range(256)), "trailing comma": b'{"model":"x",}', "UTF-16": '{"model":"x"}'.encode("utf-16"),
    "form": b"model=x&messages=y", "control character": b'{"model":"a\nb"}', "NaN": b'{"temperature":NaN}',
}


@pytest.mark.short
@pytest.mark.parametrize("body", BAD_JSON.values(), ids=BAD_JSON.keys())
def test_what_is_no_json_object_is_refused(stage, body):
    assert openai_error(stage.request("POST", CHAT, body), 400)["type"] == "invalid_request_error"
    assert google_error(stage.request("POST", GENERATE, body), 400)["status"] == "INVALID_ARGUMENT"
    assert stage.sim.total() == 0


DEEP = 100_000
DEEP_JSON = {
    "arrays": b"[" * DEEP + b"]" * DEEP,
    "open arrays": b"[" * DEEP,
    "objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "in messages": b'{"model":"gemini-2.5-flash","messages":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "in an ignored member": b'{"model":"gemini-2.5-flash","messages":[{"role":"user","content":"x"}],"metadata":'
                            + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}",
    "in contents": b'{"contents":' + b"[" * DEEP + b"]" * DEEP + b"}",
}


@pytest.mark.short
@pytest.mark.parametrize("body", DEEP_JSON.values(), ids=DEEP_JSON.keys())
def test_json_of_great_depth_is_refused(stage, body):
    openai_error(stage.request("POST", CHAT, body), 400)
    google_error(stage.request("POST", GENERATE, body), 400)
    assert stage.sim.total() == 0


USER = [{"role": "user", "content": "x"}]
WRONG_TYPES = [
    ("model", {"model": 5}), ("model", {"model": ""}), ("model", {"model": ["gemini"]}), ("messages", {"messages": "x"}),
    ("messages", {"messages": {}}), ("messages", {"messages": []}), ("messages[0]", {"messages": ["x"]}),
    ("messages[0].role", {"messages": [{"content": "x"}]}), ("messages[0].role", {"messages": [{"role": 7, "content": "x"}]}),
    ("messages[1].role", {"messages": USER + [{"role": "alien", "content": "x"}]}),
    ("messages[0].content", {"messages": [{"role": "user", "content": 5}]}),
    ("messages[0].content[0]", {"messages": [{"role": "user", "content": ["x"]}]}),
    ("messages[0].content[0].text", {"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]}),
    ("temperature", {"temperature": "hot"}), ("temperature", {"temperature": {}}), ("top_p", {"top_p": []}),
    ("max_tokens", {"max_tokens": "many"}), ("max_tokens", {"max_tokens": -1}), ("max_tokens", {"max_tokens": 1.5}),
    ("stream", {"stream": "yes"}), ("stop", {"stop": 5}), ("stop[1]", {"stop": ["a", 5]}), ("n", {"n": 0}),
    ("stream_options", {"stream_options": []}), ("reasoning_effort", {"reasoning_effort": "enormous"}),
    ("response_format", {"response_format": "json"}), ("seed", {"seed": "x"}),
]


@pytest.mark.short
@pytest.mark.parametrize("param, fields", WRONG_TYPES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_wrong_type_is_refused_by_name(stage, param, fields):
    answer = stage.request("POST", CHAT, {"model": MODEL, "messages": USER} | fields)
    error = openai_error(answer, 400)
    assert error["param"] == param and error["type"] == "invalid_request_error", error
    assert stage.sim.total() == 0


@pytest.mark.parametrize("missing", ["model", "messages"])
def test_what_is_missing_is_named(stage, missing):
    body = {"model": MODEL, "messages": USER}
    del body[missing]
    assert openai_error(stage.request("POST", CHAT, body), 400)["param"] == missing


INVALID_UTF8 = {"lone byte": b"\xff", "half": b"\xe4\xb8", "overlong": b"\xc0\xaf", "surrogate": b"\xed\xa0\x80",
                "too high": b"\xf4\x90\x80\x80", "continuation": b"\x80"}


@pytest.mark.parametrize("text", INVALID_UTF8.values(), ids=INVALID_UTF8.keys())
def test_invalid_utf8_is_refused(stage, text):
    body = b'{"model":"gemini-2.5-flash","messages":[{"role":"user","content":"a' + text + b'b"}]}'
    openai_error(stage.request("POST", CHAT, body), 400)
    google_error(stage.request("POST", GENERATE, b'{"contents":[{"parts":[{"text":"a' + text + b'b"}]}]}'), 400)
    assert stage.sim.total() == 0


def test_half_a_surrogate_pair_becomes_a_replacement_character(stage):
    body = b'{"model":"gemini-2.5-flash","messages":[{"role":"user","content":"a\\ud800b \\ud83d\\ude42"}]}'
    assert stage.request("POST", CHAT, body).json["choices"][0]["message"]["content"] == "You said: a\ufffdb \U0001f642"


def test_a_name_given_twice_and_odd_numbers_do_no_harm(stage):
    for extra in (b'"temperature":1e999', b'"temperature":-0', b'"max_tokens":99999999999999999999', b'"seed":1e3',
                  b'"model":"gemini-2.5-pro","model":"gemini-2.5-flash"', b'"\\u0000":1', b'"":null'):
        answer = stage.request("POST", CHAT, b'{"model":"gemini-2.5-flash","messages":[{"role":"user","content":"x"}],'
                               + extra + b"}")
        assert answer.status in (200, 400), (extra, answer.text)


# ----------------------------------------------------------------------------------------------------------------- size

def test_a_body_at_the_limit_is_taken_and_one_above_is_not(stage):
    frame = len(json.dumps(stage.chat_body("")))
    assert stage.chat("x" * (BODY_LIMIT - frame)).status == 200
    stage.sim.reset()
    openai_error(stage.chat("x" * (BODY_LIMIT - frame + 1)), 413)
    body = {"contents": [{"role": "user", "parts": [{"text": "x" * BODY_LIMIT}]}]}
    assert google_error(stage.request("POST", GENERATE, body), 413)["status"] == "INVALID_ARGUMENT"
    assert stage.sim.total() == 0


@pytest.mark.short
def test_a_length_above_the_limit_is_refused_before_the_body_comes(stage):
    for length in (BODY_LIMIT + 1, 10 ** 12, 2 ** 63 - 1):
        with stage.raw() as raw:
            raw.send(f"POST {CHAT} HTTP/1.1\r\nHost: x\r\n{AUTH}Content-Length: {length}\r\n\r\n{{")
            openai_error(raw.answer(), 413)
        with stage.raw() as raw:
            raw.send(f"POST {GENERATE} HTTP/1.1\r\nHost: x\r\n{AUTH}Content-Length: {length}\r\n\r\n{{")
            google_error(raw.answer(), 413)


def test_a_chunked_body_above_the_limit_is_refused(stage):
    with stage.raw() as raw:
        raw.send(f"POST {CHAT} HTTP/1.1\r\nHost: x\r\n{AUTH}Transfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(BODY_LIMIT // 65536 + 8):
                raw.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        except ConnectionError:
            pass  # it may close while we still send
        openai_error(raw.answer(), 413)
    assert stage.sim.total() == 0


def test_the_refusal_of_a_large_body_arrives_while_the_client_still_sends(stage):
    """Most clients read only when they have sent all; a reset would take the answer from them."""
    body = b"x" * (4 * BODY_LIMIT)
    with stage.raw() as raw:
        raw.send(f"POST {CHAT} HTTP/1.1\r\nHost: x\r\n{AUTH}Content-Length: {len(body)}\r\n\r\n".encode())
        raw.send(body)
        openai_error(raw.answer(), 413)


# --------------------------------------------------------------------------------------------------------------- routes

@pytest.mark.short
@pytest.mark.parametrize("path", ["/nothing", "/v1", "/v1/nothing", "/v1/chat", "/v1/chat/completions/x", "/V1/models", "/v2/models",
                                  "/v1/chat/completions.json", "/.env", "/v1/models;x", "/openai/v1beta/models"])
def test_an_unknown_route_is_told_in_openais_form(stage, path):
    for method, body in (("GET", None), ("POST", "{}")):
        assert openai_error(stage.request(method, path, body), 404)["code"] == "unknown_url"


@pytest.mark.short
@pytest.mark.parametrize("path", ["/v1beta", "/v1beta/chat/completions", "/v1beta/files/%2e%2e"])
def test_an_unknown_route_is_told_in_googles_form(stage, path):
    for method, body in (("GET", None), ("POST", "{}")):
        google_error(stage.request(method, path, body, headers={"x-goog-api-key": TOKEN}, token=None), 404)
        google_error(stage.request(method, path, body, token=None), 404)
        # Who shows a token as OpenAI's clients do reads OpenAI's errors.
        assert openai_error(stage.request(method, path, body), 404)["code"] == "unknown_url"
    assert stage.sim.total() == 0


@pytest.mark.short
@pytest.mark.parametrize("path", ["/v1beta/nothing", f"/v1beta/models/{MODEL}:countEverything", f"/v1beta/models/{MODEL}/generateContent"])
def test_an_unknown_method_is_the_providers_to_answer(stage, path):
    google_error(stage.request("POST", path, "{}", token=None), 401)
    answer = stage.request("POST", path, "{}", headers={"x-goog-api-key": TOKEN}, token=None)
    assert (answer.status, answer.headers["content-type"]) == (404, "text/html; charset=UTF-8")
    assert stage.sim.last()["path"] == path


@pytest.mark.short
def test_a_model_without_a_name_is_none(stage):
    google_error(stage.request("POST", "/v1beta/models/:generateContent", "{}", headers={"x-goog-api-key": TOKEN}, token=None), 404)
    assert stage.sim.total() == 0


@pytest.mark.short
def test_where_a_path_has_two_languages_the_credential_decides(stage):
    assert stage.request("GET", "/v1/models").json["object"] == "list"
    assert "models" in stage.request("GET", "/v1/models", headers={"x-goog-api-key": TOKEN}, token=None).json
    assert "models" in stage.request("GET", f"/v1/models?key={TOKEN}", token=None).json
    openai_error(stage.request("GET", "/v1beta/models", token="wrong"), 401)
    google_error(stage.request("GET", "/v1beta/models", headers={"x-goog-api-key": "wrong"}, token=None), 401)
    google_error(stage.request("POST", "/v1alpha/models/m:generateContent", "{", headers={"x-goog-api-key": TOKEN}, token=None), 400)


@pytest.mark.parametrize("header", ["api-key", "x-api-key"])
def test_a_token_is_found_where_clients_put_it(stage, header):
    answer = stage.request("POST", "/chat/completions", stage.chat_body("hello"), headers={header: TOKEN}, token=None)
    assert answer.status == 200


@pytest.mark.parametrize("path", ["/v1/v1/chat/completions", "/chat/completions", "/hf/v1/chat/completions"])
def test_paths_that_clients_really_make(stage, path):
    assert stage.chat("hello", path=path).status == 200


def test_the_admin_pages_prefix_is_no_route_for_chats(stage):
    openai_error(stage.request("POST", "/api/v1/chat/completions", stage.chat_body("hello")), 404)


@pytest.mark.parametrize("method, path, allowed", [("GET", CHAT, "POST"), ("PUT", CHAT, "POST"), ("DELETE", "/v1/models", "GET"),
                                                   ("POST", "/health", "GET"), ("BREW", CHAT, "POST")])
def test_a_wrong_method_is_told_which_is_right(stage, method, path, allowed):
    answer = stage.request(method, path, "{}" if method != "GET" else None)
    openai_error(answer, 405)
    assert allowed in answer.headers["allow"]
    google_error(stage.request("GET", GENERATE), 405)


TRICKS = [
    "/v1/../admin/keys", "/v1beta/models/../../admin/keys", "/v1beta/models/..:generateContent",
    "/v1beta/models/../models/x:generateContent", "/v1beta/models/%2e%2e/%2e%2e/admin:generateContent",
    "/v1beta/models/a%2fb:generateContent", "/v1beta/models/a%2Fadmin%2Fcounts:generateContent",
    "/v1beta/models/a%3fkey=x:generateContent", "/v1beta/models/a%23:generateContent", "/v1beta/models/a%00b:generateContent",
    "/v1beta/models/a%0d%0aX-Evil:1:generateContent", "/v1beta/models/a%20b:generateContent", "/v1beta/models/%:generateContent",
    "/v1beta/models/a%252e%252e%252f:generateContent", "/v1beta/models/a\\..\\b:generateContent",
    "/v1beta/models/.:generateContent", "/v1beta/models/" + "a" * 3000 + ":generateContent", "/v1beta/models/é:generateContent",
    "/gemini/v1beta/models/tunedModels/x:generateContent", "/v1beta/models//:generateContent", "/v1beta/models/a@b:generateContent",
]


@pytest.mark.short
@pytest.mark.parametrize("path", TRICKS, ids=range(len(TRICKS)))
def test_tricks_with_paths_go_nowhere(stage, path):
    with stage.raw() as raw:
        raw.send(f"POST {path} HTTP/1.1\r\nHost: x\r\n{AUTH}Content-Length: 2\r\n\r\n{{}}".encode())
        answer = raw.answer()
    assert answer.status in (400, 404), answer.text
    assert answer.json["error"]["message"]
    assert stage.sim.total() == 0


@pytest.mark.parametrize("model", ["../../admin", "a/b", "x?y=z", "x#y", "x%2fy", "x:generateContent", " ", "x\ny", "models/", ".",
                                   "..", "a" * 3000, "机器", "models/../x", "x\u0000y"])
def test_tricks_with_model_names_go_nowhere(stage, model):
    answer = stage.chat(model=model)
    assert openai_error(answer, 404)["code"] == "model_not_found"
    assert stage.sim.total() == 0


def test_all_parameters_but_credentials_are_passed_on(stage):
    body = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
    path = f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse&key={TOKEN}&quotaUser=y&%24.xgafv=2&access_token=z&prettyPrint=true"
    answer = stage.request("POST", path, body, token=None)
    assert answer.status == 200
    assert stage.sim.last()["query"] == "alt=sse&quotaUser=y&%24.xgafv=2&prettyPrint=true"
    assert "Cannot bind query" in google_error(stage.request("POST", f"{GENERATE}?x=y", body, headers={"x-goog-api-key": TOKEN}, token=None),
                                               400)["message"]
    answer = stage.request("POST", f"{GENERATE}?prettyPrint=a%0d%0aX:y%20&fields=a%26key%3dz", body)
    assert answer.status in (200, 400)
    assert "\r" not in stage.sim.last()["query"] and "&key=" not in stage.sim.last()["query"]


# ----------------------------------------------------------------------------------------------------------------- HTTP

def chat_request(stage, text="hello", extra="", **fields):
    body = json.dumps(stage.chat_body(text, **fields))
    return f"POST {CHAT} HTTP/1.1\r\nHost: x\r\n{AUTH}{extra}Content-Length: {len(body)}\r\n\r\n{body}"


@pytest.mark.short
def test_requests_sent_in_one_go_are_answered_in_their_order(stage):
    with stage.raw() as raw:
        raw.send(chat_request(stage, "one") + chat_request(stage, scripted(chunks=5, chunk_bytes=9, numbered=True), stream=True)
                 + f"GET /v1/models HTTP/1.1\r\nHost: x\r\n{AUTH}\r\n" + chat_request(stage, scripted("", first_ms=100, text="slow"))
                 + "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n" + chat_request(stage, "last"))
        assert raw.answer().json["choices"][0]["message"]["content"] == "You said: one"
        stream = raw.answer()
        assert stream.events[-1] == "[DONE]" and len(stream.events) >= 7
        assert raw.answer().json["object"] == "list"
        assert raw.answer().json["choices"][0]["message"]["content"] == "slow"
        assert raw.answer().status == 404
        assert raw.answer().json["choices"][0]["message"]["content"] == "You said: last"


def test_a_connection_serves_many_calls(stage):
    with stage.raw() as raw:
        for i in range(50):
            raw.send(chat_request(stage, f"call {i}"))
            assert raw.answer().json["choices"][0]["message"]["content"] == f"You said: call {i}"


@pytest.mark.short
def test_a_chunked_body_is_taken(stage):
    body = json.dumps(stage.chat_body("in pieces")).encode()
    with stage.raw() as raw:
        raw.send(f"POST {CHAT} HTTP/1.1\r\nHost: x\r\n{AUTH}Transfer-Encoding: chunked\r\n\r\n")
        for at in range(0, len(body), 7):
            piece = body[at:at + 7]
            raw.send(f"{len(piece):x};extension=1\r\n".encode() + piece + b"\r\n")
        raw.send("0\r\nTrailer: x\r\n\r\n")
        assert raw.answer().json["choices"][0]["message"]["content"] == "You said: in pieces"
        raw.send(chat_request(stage, "and on"))
        assert raw.answer().status == 200


@pytest.mark.parametrize("chunks", ["zz\r\n", "-1\r\n", "fffffffffffffffff\r\n", "5\r\nab\r\n0\r\n\r\n", "\r\n\r\n"])
def test_a_chunked_body_that_is_none_is_refused(stage, chunks):
    with stage.raw() as raw:
        raw.send(f"POST {CHAT} HTTP/1.1\r\nHost: x\r\n{AUTH}Transfer-Encoding: chunked\r\n\r\n{chunks}")
        raw.socket.shutdown(1)
        answer = raw.rest()
        assert answer == b"" or answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 413 ")), answer[:300]
    assert stage.sim.total() == 0


@pytest.mark.short
def test_a_client_that_waits_for_100_continue_gets_it(stage):
    body = json.dumps(stage.chat_body("after a while"))
    with stage.raw() as raw:
        raw.send(f"POST {CHAT} HTTP/1.1\r\nHost: x\r\n{AUTH}Expect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n")
        assert raw.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        raw.send(body)
        assert raw.answer().json["choices"][0]["message"]["content"] == "You said: after a while"


def test_headers_may_be_long_but_not_endless(stage):
    with stage.raw() as raw:
        raw.send(chat_request(stage, extra=f"X-Long: {'y' * 3000}\r\n"))
        assert raw.answer().status == 200
    for extra in (f"X-Long: {'y' * 1_000_000}\r\n", "".join(f"X-{i}: y\r\n" for i in range(5000))):
        with stage.raw() as raw:
            try:
                raw.send(chat_request(stage, extra=extra))
            except ConnectionError:
                pass
            answer = raw.rest()
            assert answer == b"" or re.match(rb"HTTP/1\.1 4\d\d ", answer), answer[:200]
    with stage.raw() as raw:
        raw.send(f"GET /health?{'q' * 100_000} HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = raw.rest()
        assert answer == b"" or re.match(rb"HTTP/1\.1 4\d\d ", answer), answer[:200]


NO_HTTP = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0" * 50,
    "binary": bytes(range(256)) * 20,
    "no version": b"GET /health\r\n\r\n",
    "wrong version": b"GET /health HTTP/9.9\r\n\r\n",
    "spaces": b"   \r\n\r\n",
    "NUL in a header": b"GET /health HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
    "no colon": b"GET /health HTTP/1.1\r\nHost x\r\n\r\n",
    "redis": b"*1\r\n$4\r\nPING\r\n",
}


@pytest.mark.parametrize("data", NO_HTTP.values(), ids=NO_HTTP.keys())
def test_what_is_no_http_is_refused(stage, data):
    with stage.raw() as raw:
        raw.send(data)
        raw.socket.shutdown(1)
        answer = raw.rest()
    assert answer == b"" or answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 ", b"HTTP/1.1 404 ")), answer[:200]


@pytest.mark.parametrize("headers", [
    "Content-Length: -1\r\n",
    "Content-Length: 0x10\r\n", "Content-Length: 18446744073709551621\r\n", "Content-Length: 5,5\r\n",
    "Transfer-Encoding: gzip\r\n", "Transfer-Encoding: chunked, chunked\r\n", "Transfer-Encoding: xchunked\r\n"])
def test_no_second_request_can_be_smuggled_in(stage, headers):
    """Whatever the lengths say, what is behind the body never becomes a call of its own that another reader would see."""
    inner = chat_request(stage, "smuggled")
    with stage.raw(seconds=5) as raw:
        raw.send(f"POST {CHAT} HTTP/1.1\r\nHost: x\r\n{AUTH}{headers}\r\n0\r\n\r\n{inner}")
        raw.socket.shutdown(1)
        answer = raw.rest()
    assert b"You said: smuggled" not in answer, answer
    assert answer == b"" or re.match(rb"HTTP/1\.1 (400|411|413|501) ", answer), answer[:300]


FRAMES = {
    "both lengths": "Host: x\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n",
    "both, the other way round": "Host: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n",
    "two codings": "Host: x\r\nTransfer-Encoding: chunked\r\ntransfer-encoding: chunked\r\n",
    "no Host": "Transfer-Encoding: chunked\r\n",
    "two Hosts": "Host: x\r\nHost: x\r\nTransfer-Encoding: chunked\r\n",
    "a folded line": "Host: x\r\nX-A: a\r\n b\r\nTransfer-Encoding: chunked\r\n",
}


@pytest.mark.short
@pytest.mark.parametrize("headers", FRAMES.values(), ids=FRAMES.keys())
def test_a_head_that_two_readers_could_read_in_two_ways_ends_the_connection(stage, headers):
    for path, error_of in ((CHAT, openai_error), (GENERATE, google_error)):
        with stage.raw() as raw:
            raw.send(f"POST {path} HTTP/1.1\r\n{AUTH}{headers}\r\n0\r\n\r\n{chat_request(stage, 'smuggled')}")
            answer = raw.answer()
            error_of(answer, 400)
            assert answer.headers["connection"] == "close" and answer.headers["x-request-id"]
            assert raw.rest() == b""
    assert stage.sim.total() == 0


@pytest.mark.parametrize("first, second", [(0, 9), (9, 0)])
def test_two_lengths_that_differ_are_refused_in_any_order(stage, first, second):
    body = json.dumps(stage.chat_body("hello"))
    lengths = f"Content-Length: {len(body) + first}\r\nContent-Length: {len(body) + second}\r\n"
    with stage.raw() as raw:
        raw.send(f"POST {CHAT} HTTP/1.1\r\nHost: x\r\n{AUTH}{lengths}\r\n{body}{'x' * 9}")
        openai_error(raw.answer(), 400)
        assert raw.rest() == b""
    assert stage.sim.total() == 0


def test_two_lengths_that_are_equal_do_no_harm(stage):
    body = json.dumps(stage.chat_body("hello"))
    with stage.raw() as raw:
        raw.send(f"POST {CHAT} HTTP/1.1\r\nHost: x\r\n{AUTH}" + f"Content-Length: {len(body)}\r\n" * 2 + f"\r\n{body}")
        assert raw.answer().status == 200


@pytest.mark.short
def test_http_1_0_needs_no_host(stage):
    with stage.raw() as raw:
        raw.send("GET /health HTTP/1.0\r\n\r\n")
        assert raw.rest().startswith(b"HTTP/1.1 200 ")


@pytest.mark.short
@pytest.mark.parametrize("origin", ["http://gateway:8000", "HTTPS://gateway"])
def test_a_target_with_scheme_and_host_is_that_behind_the_host(stage, origin):
    with stage.raw() as raw:
        raw.send(chat_request(stage).replace(CHAT, origin + CHAT))
        assert raw.answer().json["choices"][0]["message"]["content"] == "You said: hello"
        raw.send(f"GET {origin}/v1beta/models?key={TOKEN} HTTP/1.1\r\nHost: x\r\n\r\n")
        assert raw.answer().json["models"]
        raw.send(f"GET {origin}?key={TOKEN} HTTP/1.1\r\nHost: x\r\n\r\n")
        assert raw.answer().status == 502  # the pages of admin, which does not run here
        raw.send(f"POST {origin}{GENERATE} HTTP/1.1\r\nHost: x\r\n{AUTH}Content-Length: {BODY_LIMIT + 1}\r\n\r\n")
        google_error(raw.answer(), 413)


@pytest.mark.short
def test_what_cannot_be_read_is_refused_in_the_form_of_its_route(stage):
    for line, error_of in ((f"POST {CHAT} HTTP/1.1\r\nno colon\r\n\r\n", openai_error),
                           (f"POST {GENERATE}?key=x HTTP/1.1\r\nno colon\r\n\r\n", google_error),
                           (f"POST http://x{GENERATE} HTTP/1.1\r\nno colon\r\n\r\n", google_error),
                           ("\x16\x03\x01\x02", openai_error), (f"GET {GENERATE} HTTP/9.9\r\n\r\n", google_error)):
        with stage.raw() as raw:
            raw.send(line)
            answer = raw.answer()
            error_of(answer, 400)
            assert re.fullmatch("[0-9a-f]{16}", answer.headers["x-request-id"])
            assert raw.rest() == b""
        with stage.raw() as raw:  # and behind a good one
            raw.send(f"GET /v1/models HTTP/1.1\r\nHost: x\r\n{AUTH}\r\n")
            assert raw.answer().status == 200
            raw.send(line)
            error_of(raw.answer(), 400)


def test_a_head_without_end_is_refused_in_words(stage):
    with stage.raw() as raw:
        raw.send(f"POST {GENERATE} HTTP/1.1\r\nHost: x\r\nX-Long: {'y' * 450_000}")
        google_error(raw.answer(), 431)


# ------------------------------------------------------------------------------------------------------ compressed bodies

@pytest.mark.short
@pytest.mark.parametrize("coding, pack", [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)])
def test_a_compressed_body_is_as_good(stage, coding, pack):
    body = pack(json.dumps(stage.chat_body("in small")).encode())
    answer = stage.request("POST", CHAT, body, headers={"content-encoding": coding})
    assert answer.json["choices"][0]["message"]["content"] == "You said: in small"
    native = b'{"contents": [{"role":"user","parts":[{"text":"in small"}]}] }'
    answer = stage.request("POST", GENERATE, pack(native), headers={"content-encoding": coding})
    assert answer.json["candidates"][0]["content"]["parts"][0]["text"] == "You said: in small"
    assert stage.sim.last()["body"] in (native.decode(), json.loads(native))


@pytest.mark.short
def test_a_coding_that_is_not_taken_is_told_with_those_that_are(stage):
    for path, error_of in ((CHAT, openai_error), (GENERATE, google_error)):
        answer = stage.request("POST", path, b"{}", headers={"content-encoding": "compress"})
        error_of(answer, 415)
        assert answer.headers["accept-encoding"] == "gzip, deflate, br, zstd"
    assert stage.sim.total() == 0


def test_a_compressed_body_that_is_none_or_becomes_too_large_is_refused(stage):
    for path, error_of in ((CHAT, openai_error), (GENERATE, google_error)):
        error = error_of(stage.request("POST", path, b"{}", headers={"content-encoding": "gzip"}), 400)
        assert "Content-Encoding" in error["message"]
        bomb = gzip.compress(b'{"x":"' + b"x" * (100 * BODY_LIMIT) + b'"}')
        error_of(stage.request("POST", path, bomb, headers={"content-encoding": "gzip"}), 413)
    assert stage.sim.total() == 0


# -------------------------------------------------------------------------------------------------------------- and on

@pytest.mark.short
def test_pages_may_read_the_headers_of_retries(stage):
    for answer in (stage.chat(), stage.request("POST", CHAT, b"{}"), stage.request("GET", "/v1/models"),
                   stage.request("GET", "/nothing"), stage.request("OPTIONS", CHAT), stage.request("GET", "/health")):
        exposed = answer.headers["access-control-expose-headers"].split(", ")
        assert set(exposed) == {"x-request-id", "x-gateway-model", "retry-after", "retry-after-ms", "x-should-retry"}


def test_a_client_that_leaves_in_the_middle_of_its_body_costs_nothing(stage):
    for cut in (1, 30, 100):
        with stage.raw() as raw:
            raw.send(chat_request(stage, "never sent in full " + "x" * 200)[:-cut])
    time.sleep(0.2)
    assert stage.sim.total() == 0


@pytest.mark.short
def test_slow_headers_and_slow_bodies_hold_up_nobody(stage):
    request = chat_request(stage, "slowly").encode()
    slow = [stage.raw() for _ in range(30)]
    step = len(request) // 12
    for at in range(0, len(request), step):
        for raw in slow:
            raw.send(request[at:at + step])
        asked = time.monotonic()
        assert stage.chat("quickly").status == 200
        assert time.monotonic() - asked < 0.5 * SLOW
        time.sleep(0.02)
    for raw in slow:
        assert raw.answer().json["choices"][0]["message"]["content"] == "You said: slowly"
        raw.close()


def test_connections_that_say_nothing_hold_up_nobody(stage):
    silent = [stage.raw() for _ in range(300)]
    half = [stage.raw().send(f"POST {CHAT} HTTP/1.1\r\nHost:") for _ in range(300)]
    asked = time.monotonic()
    for _ in range(20):
        assert stage.chat("quickly").status == 200
    assert time.monotonic() - asked < 4 * SLOW
    for raw in silent + half:
        raw.close()


def test_old_and_rare_forms_of_requests_are_answered(stage):
    body = json.dumps(stage.chat_body("old"))
    with stage.raw() as raw:
        raw.send(f"POST {CHAT} HTTP/1.0\r\n{AUTH}Content-Length: {len(body)}\r\n\r\n{body}")
        whole = raw.rest()
        assert whole.startswith(b"HTTP/1.1 200 ") and b"You said: old" in whole and b"chunked" not in whole.lower()
    body = json.dumps(stage.chat_body("old", True))
    with stage.raw() as raw:
        raw.send(f"POST {CHAT} HTTP/1.0\r\n{AUTH}Content-Length: {len(body)}\r\n\r\n{body}")
        whole = raw.rest()
        assert b"transfer-encoding" not in whole.lower() and whole.endswith(b"data: [DONE]\n\n")
    with stage.raw() as raw:
        raw.send("HEAD /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        head = raw.rest()
        assert head.startswith(b"HTTP/1.1 200 ") and head.endswith(b"\r\n\r\n")
    with stage.raw() as raw:
        raw.send("\r\n" + chat_request(stage, "after an empty line"))
        assert raw.answer().status == 200


@pytest.mark.short
def test_a_browser_may_ask_from_another_site(stage):
    answer = stage.request("OPTIONS", CHAT, headers={"Origin": "http://a", "Access-Control-Request-Method": "POST",
                                                     "Access-Control-Request-Headers": "authorization,content-type"}, token=None)
    assert answer.status in (200, 204) and answer.headers["access-control-allow-origin"] == "*"
    assert "authorization" in answer.headers["access-control-allow-headers"]
    assert stage.chat("hello", headers={"Origin": "http://a"}).headers["access-control-allow-origin"] == "*"


# ------------------------------------------------------------------------------------------------------- settings at start

@pytest.mark.short
@pytest.mark.parametrize("name, value", [("PORT", "eighty"), ("PORT", "70000"), ("TIME_OUT", "-1"), ("MAX_RETRIES", "many"),
                                         ("BASE_URL", "ftp://x"), ("SAFETY_SETTINGS", "{"), ("LOG_LEVEL", "LOUD"),
                                         ("BALANCER_ENDPOINTS", "tcp://10.0.0.1:1"), ("BALANCER_ENDPOINTS", "x")])
def test_a_wrong_setting_stops_the_start_and_is_named(stage_of, name, value):
    stage = stage_of(start=False, database=False, admin=False)
    stage.start("simulator")
    for process in ("frontend-0", "upstream-0", "balancer"):
        stage.start(process, env={name: value}, may_fail=True)
    stage.wait("one of them has left", lambda: any(not stage.is_alive(process) for process in ("frontend", "upstream", "balancer")), 5)
    ended = [process for process in ("frontend", "upstream", "balancer") if not stage.is_alive(process)]
    text = "\n".join(line["line"] for process in ended for line in stage.log(process))
    assert name in text or value in text, text
    assert all(stage.proc(process).popen.returncode > 0 for process in ended)


# ------------------------------------------------------------------------------------------------------------ too slow

def test_who_takes_too_long_to_ask_is_cut_off_and_who_waits_for_an_answer_is_not(stage_of):
    stage = stage_of(database=False, admin=False, env={"REQUEST_WAIT": "1"})
    body = json.dumps(stage.chat_body(scripted("", first_ms=2500, text="it took long")))
    waiting = stage.raw().send(f"POST {CHAT} HTTP/1.1\r\nHost: x\r\n{AUTH}Content-Length: {len(body)}\r\n\r\n{body}")
    begun = time.monotonic()
    slow = {
        "nothing": b"", "half a line": b"POST /v1/cha", "half the headers": f"POST {CHAT} HTTP/1.1\r\nHost: x\r\n".encode(),
        "half the body": f"POST {CHAT} HTTP/1.1\r\nHost: x\r\n{AUTH}Content-Length: 100\r\n\r\n{{".encode(),
        "half a chunk": f"POST {CHAT} HTTP/1.1\r\nHost: x\r\n{AUTH}Transfer-Encoding: chunked\r\n\r\n9\r\nab".encode(),
    }
    sockets = {name: stage.raw().send(data) for name, data in slow.items()}
    dribbling = stage.raw().send(f"POST {CHAT} HTTP/1.1\r\n")
    for _ in range(8):
        time.sleep(0.2)
        try:
            dribbling.send("X: y\r\n")
        except ConnectionError:
            break
    assert dribbling.rest() == b"" and time.monotonic() - begun < 2.5 + 2 * SLOW, "each line won more time"
    for name, raw in sockets.items():
        answer = raw.rest()
        assert answer == b"" or answer.startswith(b"HTTP/1.1 408 "), (name, answer)
    assert 0.8 < time.monotonic() - begun < 2.5 + 2 * SLOW
    assert waiting.answer().json["choices"][0]["message"]["content"] == "it took long"
    assert stage.sim.total() == 1


@pytest.mark.alone
@pytest.mark.skipif(IS_SANITIZED, reason="the sanitizer's allocator keeps what is freed")
def test_what_half_heads_took_goes_back_when_they_have_left(tmp_path):
    with Stage(tmp_path, database=False, admin=False) as stage:
        frontend = stage.names("frontend")[0]
        before = stage.memory(frontend)
        open_raws = [stage.raw().send(f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nX-Half: {'y' * 2000}") for _ in range(700)]
        stage.wait("the heads to be read", lambda: stage.memory(frontend) > before + (4 << 20))
        most = stage.memory(frontend)
        for raw in open_raws:
            raw.close()
        stage.wait("the memory to come back", lambda: stage.memory(frontend) - before < (most - before) / 2)
