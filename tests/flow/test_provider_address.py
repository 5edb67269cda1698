# SPDX-License-Identifier: Apache-2.0
"""The way to the provider without a proxy: BASE_URL in all its shapes, CUSTOM_HEADERS, how many connections there are, and what
is said when the provider cannot be reached."""
import json
import os
import socket
import subprocess
import threading
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from proxies import free_port
from stage import BUILD, MODEL, SLOW

KEYS = ("key-ok-1", "key-ok-2", "key-ok-3")


def content(answer):
    assert answer.status == 200, answer.text
    return answer.json["choices"][0]["message"]["content"]


# ---------------------------------------------------------------------------------------------------------------- BASE_URL

class Prefixed(BaseHTTPRequestHandler):
    """A reverse proxy in front of the simulator, which it shows under /some/prefix."""
    protocol_version = "HTTP/1.1"
    prefix = "/some/prefix"

    def do_GET(self):
        if not self.path.startswith(self.prefix + "/v1beta/"):
            self.send_error(404)
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        inner = HTTPConnection("127.0.0.1", self.server.simulator)
        inner.request(self.command, self.path.removeprefix(self.prefix), body, dict(self.headers))
        answer = inner.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.getheader("Content-Type"))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        inner.close()

    do_POST = do_GET

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("end", ("", "/", "//"))
def test_a_base_url_may_have_a_path_before_its_version(stage_of, end):
    stage = stage_of(keys=KEYS, admin=False, database=False, start=False)
    stage.start("simulator")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Prefixed)
    server.simulator = stage.sim.port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stage.settings["BASE_URL"] = f"http://127.0.0.1:{server.server_port}/some/prefix/v1beta{end}"
    stage.start_all()
    assert content(stage.chat("hello")) == "You said: hello"
    stream = stage.chat_stream("hello")
    assert stream.is_whole and stream.text == "You said: hello"
    assert stage.request("GET", "/v1/models").status == 200
    assert {request["path"] for request in stage.sim.requests()} == {
        f"/v1beta/models/{MODEL}:generateContent", f"/v1beta/models/{MODEL}:streamGenerateContent", "/v1beta/models"}
    server.shutdown()
    server.server_close()


def test_an_address_where_the_api_is_not_is_no_fault_of_the_model(stage_of):
    stage = stage_of(keys=KEYS, admin=False, database=False, start=False)
    stage.start("simulator")
    stage.settings["BASE_URL"] = stage.sim.url
    stage.start_all()
    for answer in (stage.chat("hello"), stage.request("GET", "/v1/models")):
        assert answer.status == 502 and answer.json["error"]["code"] == "provider_address", answer.text
        assert "BASE_URL" in answer.json["error"]["message"]


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this host has no IPv6")
def test_a_base_url_may_be_an_ipv6_address(stage_of):
    stage = stage_of(keys=KEYS, admin=False, database=False, simulator=["--host", "::1"])
    assert stage.sim.url.startswith("http://[::1]:")
    assert content(stage.chat("hello")) == "You said: hello"


@pytest.mark.parametrize("url, words", (
    ("generativelanguage.googleapis.com/v1beta", "should begin with https:// or http://"),
    ("ftp://host/v1beta", "should begin with https:// or http://"), ("https://", "should name a host"),
    ("https:///v1beta", "should name a host"), ("https://host:/v1beta", "should have a port"),
    ("https://host:0/v1beta", "should have a port"), ("https://host:65536/v1beta", "should have a port"),
    ("https://::1/v1beta", "brackets"), ("https://[::1/v1beta", "bracket"), ("https://[::g]/v1beta", "IPv6 address"),
    ("https://ho st/v1beta", "spaces"), ("https://host/v1beta?x=1", "without ? and #"), ("https://host/v1beta#x", "without ? and #"),
    ("https://user:pass-5EC12E7@host/v1beta", "CUSTOM_HEADERS"), ("https://höst/v1beta", "ASCII"), ("https://ho,st/", "letters")))
def test_a_wrong_base_url_stops_the_start(tmp_path, url, words):
    expect_refusal(tmp_path, "BASE_URL", url, words)


def expect_refusal(folder, name, value, words):
    env = {name: value, "STATE_DIR": str(folder)}
    for process in ("upstream", "balancer", "frontend"):
        done = subprocess.run([BUILD / "bin" / process], env=env, cwd=folder, capture_output=True, timeout=20 * SLOW)
        said = done.stderr.decode()
        assert done.returncode == 2 and name in said and words in said and "5EC12E7" not in said, said


# ---------------------------------------------------------------------------------------------------------------- API_KEYS

@pytest.mark.parametrize("key", ("AIza…", "AIza 5EC12E7", "AIza5EC12E7ü"))
def test_a_key_that_cannot_be_one_stops_the_start(tmp_path, key):
    expect_refusal(tmp_path, "API_KEYS", json.dumps(["good-5EC12E7", key], ensure_ascii=False), "has a character that no key has")


# ---------------------------------------------------------------------------------------------------------- CUSTOM_HEADERS

def test_custom_headers_go_with_each_request_also_with_the_next_key(stage_of):
    headers = {"X-Team": "blue", "x-trace-5EC12E7": "a, b; c=\"d\"", "User-Agent": "mine/1"}
    stage = stage_of(keys=("key-internal-1", "key-ok-2"), admin=False, database=False,
                     env={"CUSTOM_HEADERS": json.dumps(headers), "LOG_LEVEL": "TRACE"})
    for _ in range(2):
        assert content(stage.chat("hello")) == "You said: hello"
    assert stage.chat_stream("hello").is_whole
    assert stage.request("GET", "/v1/models").status == 200
    requests = stage.sim.requests()
    assert {request["key"] for request in requests} == {"key-internal-1", "key-ok-2"} and len(requests) > 4
    for request in requests:
        seen = {name.lower(): value for name, value in dict(request["headers"]).items()}
        for name, value in headers.items():
            assert seen[name.lower()] == value, request
    assert "5EC12E7" not in stage.tails(10**6)


@pytest.mark.parametrize("value, words", (
    ("X-Team: blue", "JSON object"), ("[]", "JSON object"), ('{"X-Team": 5EC12E7}', "JSON object"), ('{"X": 5}', "texts"),
    ('{"X": null}', "texts"), ('{"X": ""}', "not empty"), ('{"X": "5EC12E7\\r\\nHost: evil"}', "line ends"),
    ('{"X": "a\\u0000b"}', "control characters"), ('{"X y": "5EC12E7"}', "names of letters"), ('{"X:": "1"}', "names of letters"),
    ('{"": "1"}', "names of letters"), ('{"X\\r\\nY": "1"}', "names of letters"), ('{"X": "1", "x": "2"}', "once"),
    ('{"Host": "evil"}', "Host"), ('{"hOST": "evil"}', "Host"), ('{"Content-Length": "1"}', "Content-Length"),
    ('{"transfer-encoding": "chunked"}', "Transfer-Encoding"), ('{"X-Goog-Api-Key": "5EC12E7"}', "API_KEYS"),
    ('{"authorization": "Bearer 5EC12E7"}', "API_KEYS"), ('{"Proxy-Authorization": "5EC12E7"}', "PROXIES"),
    ('{"Connection": "close"}', "Connection"), ('{"Expect": "100-continue"}', "Expect"), ('{"TE": "trailers"}', "TE"),
    ('{"Accept-Encoding": "gzip"}', "Accept-Encoding")))
def test_headers_that_would_break_a_request_stop_the_start(tmp_path, value, words):
    expect_refusal(tmp_path, "CUSTOM_HEADERS", value, words)


# ------------------------------------------------------------------------------------------------------------- connections

def connections_to(port):
    with open("/proc/net/tcp") as file:
        lines = [line.split() for line in file.readlines()[1:]]
    return sum(state == "01" and int(remote.split(":")[1], 16) == port for _, _, remote, state, *_ in lines)


def test_calls_beyond_the_limit_of_connections_wait_and_are_served(stage_of):
    stage = stage_of(keys=KEYS, admin=False, env={"UPSTREAM_CONNECTIONS": "3"})
    most = 0
    with stage.streams(30, chunks=2, numbered=True, first_ms=100) as running:
        while running.open():
            most = max(most, stage.sim.counts()["open"])
    for stream in running.all:
        assert stream.is_whole and stream.text == "[0][1]", (stream.ending, stream.body)
    assert most == 3
    assert len(stage.wait_rows(30)) == 30


def test_calls_that_wait_for_a_connection_wait_within_their_deadline(stage_of):
    stage = stage_of(keys=KEYS, admin=False, env={"UPSTREAM_CONNECTIONS": "1", "TIME_OUT": f"{int(2 * SLOW)}"})
    with stage.streams(3, hang_after_events=1, chunks=3, numbered=True) as running:
        running.wait("ended", lambda s: s.ending, 30 * SLOW)
    assert sorted(stream.status for stream in running.all) in ([200, 504, 504], [200, 200, 504], [200, 200, 200])
    assert content(stage.chat("hello")) == "You said: hello"


def test_connections_that_idle_are_closed_and_the_next_call_makes_one(stage_of):
    stage = stage_of(keys=KEYS, admin=False, database=False, env={"UPSTREAM_IDLE": "1"})
    stage.prove_keys()
    with stage.streams(5, first_ms=200, chunks=2) as running:
        stage.wait("there are five", lambda: connections_to(stage.sim.port) >= 5)
        running.join(20 * SLOW)
    stage.wait("all are closed", lambda: connections_to(stage.sim.port) == 0)
    assert content(stage.chat("hello")) == "You said: hello"


def test_connections_that_died_while_idle_cost_no_call(stage_of):
    stage = stage_of(keys=KEYS, admin=False)
    for _ in range(3):
        with stage.streams(4, first_ms=100, chunks=2) as running:
            running.join(20 * SLOW)
        stage.kill("simulator")
        stage.start("simulator")
        assert content(stage.chat("hello")) == "You said: hello"
    stage.wait("all are written down", lambda: stage.count_rows() == 15)
    assert {row["fault"] for row in stage.rows()} == {"none"}


# ------------------------------------------------------------------------------------------------------------ out of reach

def expect_unreachable(stage, fault, words, attempts=3):
    answer = stage.chat("hello")
    error = answer.json["error"]
    assert answer.status == 502 and error["code"] == "provider_unreachable" and words in error["message"], answer.text
    for secret in (*KEYS, "v1beta", MODEL):
        assert secret not in error["message"], error
    assert {row["fault"] for row in stage.wait_rows(attempts)} == {fault}
    assert not stage.log("balancer", "key.cooling_down")


def test_a_refused_connection_is_said_to_be_so(stage_of):
    port = free_port()
    stage = stage_of(keys=KEYS, admin=False, env={"BASE_URL": f"http://127.0.0.1:{port}/v1beta"})
    expect_unreachable(stage, "connect", f"No connection to 127.0.0.1:{port}: Connection refused")


def test_a_name_without_an_address_is_said_to_be_so(stage_of):
    stage = stage_of(keys=KEYS, admin=False, env={"BASE_URL": "https://nobody..invalid/v1beta"})
    expect_unreachable(stage, "name", "The name nobody..invalid has no address")


def test_an_address_without_a_route_is_said_to_be_so(stage_of):
    if os.system("unshare --net true 2>/dev/null") != 0:
        pytest.skip("no network namespace of our own may be made here")
    stage = stage_of(keys=KEYS, admin=False, start=False, env={"BASE_URL": "http://192.0.2.1:81/v1beta"})
    for name in stage.names():
        stage.start(name, prefix=["unshare", "--net"] if name.startswith("upstream") else ())
    stage.wait_ready()
    expect_unreachable(stage, "connect", "No connection to 192.0.2.1:81: Network is unreachable")


def test_a_connection_that_does_not_come_is_given_up(stage_of):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    port = listener.getsockname()[1]
    fillers = [socket.socket() for _ in range(4)]  # a full queue takes no further connection, and says nothing
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.1", port))
    stage = stage_of(keys=KEYS, admin=False, env={"BASE_URL": f"http://127.0.0.1:{port}/v1beta", "CONNECT_TIME_OUT": "300ms"})
    expect_unreachable(stage, "connect", f"No connection to 127.0.0.1:{port} in time")
    for filler in (*fillers, listener):
        filler.close()


def test_a_name_server_that_is_silent_is_said_to_be_so(stage_of, tmp_path):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        server.bind(("127.0.0.54", 53))
    except OSError as reason:
        pytest.skip(f"port 53 cannot be had: {reason}")
    if os.system("unshare --mount true 2>/dev/null") != 0:
        pytest.skip("no mount namespace of our own may be made here")
    config = tmp_path / "resolv.conf"
    config.write_text("nameserver 127.0.0.54\noptions timeout:30 attempts:1\n")
    stage = stage_of(keys=KEYS, admin=False, start=False, env={"BASE_URL": "http://nobody.knows.test/v1beta", "CONNECT_TIME_OUT": "500ms"})
    mount = ["unshare", "--mount", "sh", "-c", f'mount --bind "{config}" /etc/resolv.conf && exec "$@"', "sh"]
    for name in stage.names():
        stage.start(name, prefix=mount if name.startswith("upstream") else ())
    stage.wait_ready()
    expect_unreachable(stage, "name", "The name nobody.knows.test was not looked up in time")
    server.close()
