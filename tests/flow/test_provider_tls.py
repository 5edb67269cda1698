# SPDX-License-Identifier: Apache-2.0
"""TLS to the provider, by real handshakes: a certificate that is right is taken, one that is not is said to be so, and no key
is blamed. And HTTP/2: many calls on a connection that do not get into each other's way."""
import socket
import ssl
import subprocess
import threading

import pytest
from h2.config import H2Configuration
from h2.connection import ConnectionState, H2Connection
from h2.errors import ErrorCodes
from h2.events import StreamEnded

from authority import Authority
from stage import MODEL, SLOW, Reader, scripted

KEYS = ("key-ok-1", "key-ok-2", "key-ok-3")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def tls_stage(stage_of, authority):
    def make(args=None, keys=KEYS, ca=None, ready=True, **env):
        settings = {"CA_BUNDLE": str(ca or authority.bundle)} | env
        return stage_of(keys=keys, admin=False, simulator=args or authority.server_args(), tls=authority.context, env=settings)
    return make


def connections_to(port):
    """How many connections to a port of this host are open."""
    found = 0
    with open("/proc/net/tcp") as file:
        for line in file.readlines()[1:]:
            _, _, remote, state = line.split()[:4]
            found += state == "01" and int(remote.split(":")[1], 16) == port
    return found


@pytest.mark.parametrize("http2", ("false", "true"))
def test_calls_go_over_tls_with_the_certificate_checked(tls_stage, http2):
    stage = tls_stage(UPSTREAM_HTTP2=http2)
    for i in range(3):
        assert stage.chat(f"hello {i}").json["choices"][0]["message"]["content"] == f"You said: hello {i}"
    stream = stage.chat_stream(scripted(chunks=200, numbered=True))
    assert stream.is_whole and stream.text == "".join(f"[{i}]" for i in range(200))
    large = stage.chat("x" * 3_000_000)
    assert large.status == 200
    assert stage.request("GET", "/v1/models").status == 200
    stage.wait_accounted()


# --------------------------------------------------------------------------------------------------- what is not accepted

@pytest.fixture
def certificates(authority, tmp_path):
    """Arguments of a simulator whose certificate is not to be accepted, and the bundle that its client has."""
    def make(kind):
        if kind == "expired":
            return authority.server_args("expired", days=0), authority.bundle
        if kind == "other-name":
            return authority.server_args("other", hosts="DNS:other.example"), authority.bundle
        if kind == "self-signed":
            lone = Authority(tmp_path / "lone")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                            "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", lone.folder / "self.key",
                            "-out", lone.folder / "self.pem"], check=True, capture_output=True)
            return ["--tls-cert", str(lone.folder / "self.pem"), "--tls-key", str(lone.folder / "self.key")], authority.bundle
        return Authority(tmp_path / "stranger", "stranger").server_args(), "" if kind == "system" else authority.bundle
    return make


def expect_failure(stage, answer, code, *words):
    """A clear error that names the host and nothing else of ours; no key rests."""
    error = answer.json["error"]
    assert answer.status == 502 and error["code"] == code, answer.text
    for word in words:
        assert word in error["message"], error
    for secret in (*KEYS, "v1beta", MODEL):
        assert secret not in error["message"], error
    assert not stage.log("balancer", "key.cooling_down")
    stage.wait_log("upstream", "attempt.failed", why=error["message"].rstrip("."))


@pytest.mark.parametrize("kind, words", (
    ("expired", "certificate has expired"), ("other-name", "does not match"), ("self-signed", "self-signed certificate"),
    ("unknown", "unable to get local issuer certificate"), ("system", "unable to get local issuer certificate")))
def test_a_certificate_that_is_wrong_is_refused_and_said_so(stage_of, authority, certificates, kind, words):
    args, bundle = certificates(kind)
    unchecked = ssl.create_default_context()
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    stage = stage_of(keys=KEYS, admin=False, simulator=args, tls=unchecked, env={"CA_BUNDLE": str(bundle)})
    answer = stage.chat("hello")
    place = f"127.0.0.1:{stage.sim.port}"
    message = answer.json["error"]["message"]
    assert (words in message) or (kind == "other-name" and "no alternative certificate subject name" in message), message
    expect_failure(stage, answer, "provider_certificate", f"The certificate of {place} is not accepted")
    assert stage.sim.total() == 0
    [row] = stage.wait_rows(1)
    assert row["fault"] == "certificate" and row["status"] == 0
    stream = stage.chat("hello", True)
    expect_failure(stage, stream, "provider_certificate", place)
    assert answer.headers["x-should-retry"] == "false"
    native = stage.request("POST", f"/v1beta/models/{MODEL}:generateContent", {"contents": [{"parts": [{"text": "x"}]}]})
    assert native.status == 502 and place in native.json["error"]["message"] and native.json["error"]["status"] == "UNAVAILABLE"


def test_a_port_without_tls_is_named_as_such_and_the_key_is_good_afterwards(stage_of, authority):
    stage = stage_of(keys=KEYS, admin=False, start=False)
    stage.start("simulator")
    stage.settings["BASE_URL"] = stage.sim.url.replace("http:", "https:") + "/v1beta"
    stage.start_all()
    answer = stage.chat("hello")
    expect_failure(stage, answer, "provider_unreachable", f"No TLS handshake with 127.0.0.1:{stage.sim.port}", "speaks no TLS")
    rows = stage.wait_rows(3)
    assert {row["fault"] for row in rows} == {"tls"}
    stage.settings["BASE_URL"] = f"{stage.sim.url}/v1beta"
    stage.kill("upstream")
    stage.restart("upstream")
    assert stage.wait("a call is served", lambda: stage.chat("hello").status == 200)


class Handshakes:
    """A listener that does one thing with each connection."""

    def __init__(self, act):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.act, self.open = act, []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(connection)
            try:
                self.act(connection)
            except OSError:
                pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.open:
            connection.close()


@pytest.mark.parametrize("kind, words", (("silent", "in time"), ("closing", ""), ("old", "TLS")))
def test_a_handshake_that_comes_to_nothing_is_a_fault_of_nobodys_key(stage_of, authority, kind, words):
    def old(connection):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.certificate("old"))
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.wrap_socket(connection, server_side=True)
    server = Handshakes({"silent": lambda c: None, "closing": lambda c: c.close(), "old": old}[kind])
    stage = stage_of(keys=KEYS, admin=False, env={"BASE_URL": f"https://127.0.0.1:{server.port}/v1beta", "CONNECT_TIME_OUT": "1",
                                                  "CA_BUNDLE": str(authority.bundle)})
    answer = stage.chat("hello")
    expect_failure(stage, answer, "provider_unreachable", f"127.0.0.1:{server.port}", words)
    rows = stage.wait_rows(3)
    assert {row["fault"] for row in rows} <= {"tls", "connect"}
    server.close()


def test_a_bundle_that_is_none_stops_the_start(stage_of, tmp_path):
    stage = stage_of(admin=False, start=False, ready=False)
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no certificate\n")
    for path, words in ((wrong, "should be a file of certificates"), (tmp_path / "none.pem", "cannot be read")):
        upstream = stage.start("upstream", env={"CA_BUNDLE": path}, may_fail=True)
        assert stage.wait_dead("upstream") == 2
        assert words in upstream.log.tail(), upstream.log.tail()


# ------------------------------------------------------------------------------------------------------------------ HTTP/2

@pytest.fixture
def h2_stage(tls_stage):
    return lambda **env: tls_stage(UPSTREAM_HTTP2="true", **env)


def numbers(count):
    return "".join(f"[{i}]" for i in range(count))


def test_many_streams_share_a_connection(h2_stage):
    stage = h2_stage()
    stage.prove_keys()
    with stage.streams(50, chunks=40, numbered=True, pace_ms=25) as running:
        stage.wait("all are under way", lambda: stage.sim.counts()["open"] == 50)
        # those of the other end are counted too when both are of this host: a connection has one remote end at this port
        assert connections_to(stage.sim.port) <= 3
        running.join(30 * SLOW)
    for stream in running.all:
        assert stream.is_whole and stream.text == numbers(40), (stream.ending, stream.text)
    stage.wait_accounted()


def test_a_limit_of_one_connection_is_none_of_streams_once_the_provider_is_known_to_have_them(h2_stage):
    stage = h2_stage(UPSTREAM_CONNECTIONS="1")
    stage.chat("the connection is there")
    with stage.streams(50, chunks=20, numbered=True, pace_ms=25) as running:
        stage.wait("all are under way", lambda: stage.sim.counts()["open"] == 50)
        assert connections_to(stage.sim.port) == 1
        running.join(30 * SLOW)
    for stream in running.all:
        assert stream.is_whole and stream.text == numbers(20), (stream.ending, stream.text)
    stage.wait_accounted()


def test_where_it_has_none_calls_wait_for_the_connection_beyond_the_time_of_making_one(stage_of):
    stage = stage_of(keys=KEYS, admin=False, env={"UPSTREAM_HTTP2": "true", "UPSTREAM_CONNECTIONS": "1", "CONNECT_TIME_OUT": "300ms"})
    with stage.streams(3, chunks=10, numbered=True, pace_ms=60) as running:
        running.join(30 * SLOW)
    for stream in running.all:
        assert stream.is_whole and stream.text == numbers(10), (stream.ending, stream.text)
    assert not stage.log("upstream", "attempt.failed")


def test_a_client_that_reads_nothing_stalls_no_other(h2_stage):
    stage = h2_stage()
    stage.chat("the connection is there")
    with stage.streams(2, chunk_bytes=20000, chunks=250, numbered=True, reader=Reader(stall_after=1)) as stalled:
        stalled.wait_events(1, 10 * SLOW)
        stage.wait("what they do not read is held up", lambda: any(
            line.get("paused") == "1" for line in stage.dump("upstream")["upstream-0"]))
        for stream in stage.run_streams(10, chunks=20, numbered=True):
            assert stream.is_whole and stream.text == numbers(20)
        assert stage.chat("hello").status == 200
        assert connections_to(stage.sim.port) == 1
        stalled.release()
        stalled.join(30 * SLOW)
    for stream in stalled.all:
        assert stream.is_whole and len(stream.text) == 250 * 20000


def test_a_slow_client_gets_all_of_a_large_answer(h2_stage):
    stage = h2_stage()
    [stream] = stage.run_streams(1, chunk_bytes=20000, chunks=150, numbered=True, reader=Reader(bytes_per_second=1_500_000), seconds=60)
    assert stream.is_whole and len(stream.text) == 150 * 20000
    stage.wait_accounted()


def test_one_that_is_cancelled_resets_its_own_stream_alone(h2_stage):
    stage = h2_stage()
    with stage.streams(10, chunks=60, numbered=True, pace_ms=30) as running:
        stage.wait("all are under way", lambda: stage.sim.counts()["open"] == 10)
        for number in (2, 5, 7):
            running.hang_up(number)
        stage.wait("the provider has seen it", lambda: stage.sim.counts()["cancelled"] == 3)
        running.join(30 * SLOW)
    for stream in running.all:
        assert stream.number in (2, 5, 7) or (stream.is_whole and stream.text == numbers(60)), stream.ending
    assert stage.sim.counts()["cancelled"] == 3


def test_a_stream_that_is_reset_before_content_goes_to_the_next_key(h2_stage):
    stage = h2_stage()
    stage.sim.script(times=1, cut_at_byte=0)
    for stream in stage.run_streams(3, text="hello"):
        assert stream.is_whole and stream.text == "You said: hello"
    rows = stage.wait_accounted()
    assert sorted(row["fault"] for row in rows) == ["none"] * 3 + ["reset"]
    assert not stage.log("balancer", "key.cooling_down")


def test_a_connection_that_is_reset_with_all_its_streams_is_made_again(h2_stage):
    stage = h2_stage()
    with stage.streams(5, first_ms=1500, chunks=5, numbered=True) as running:
        stage.wait("all wait for content", lambda: stage.sim.counts()["open"] == 5)
        stage.sim.key(KEYS[0], "resetting", 1)
        assert stage.chat("hello").status == 200
        running.join(30 * SLOW)
    assert all(stream.is_whole and stream.text == numbers(5) for stream in running.all)
    assert not stage.log("balancer", "key.cooling_down")


GOOD = b'{"candidates":[{"content":{"parts":[{"text":"from the second"}],"role":"model"},"finishReason":"STOP"}]}'


class Frames:
    """A provider over HTTP/2 that does with its n-th request what act(n, h2 connection, stream) says: True, answer it."""

    def __init__(self, authority, act):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*authority.certificate("frames"))
        self.context.set_alpn_protocols(["h2"])
        self.act, self.requests, self.connections = act, 0, 0
        self.listener = Handshakes(self.serve)
        self.port = self.listener.port

    def serve(self, connection):
        threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        self.connections += 1
        with self.context.wrap_socket(connection, server_side=True) as sock:
            h2 = H2Connection(H2Configuration(client_side=False))
            h2.initiate_connection()
            sock.sendall(h2.data_to_send())
            has_left = False
            while data := sock.recv(65536):
                for event in [] if has_left else h2.receive_data(data):
                    if isinstance(event, StreamEnded):
                        self.requests += 1
                        self.answer(h2, event.stream_id)
                sock.sendall(h2.data_to_send())
                has_left = has_left or h2.state_machine.state == ConnectionState.CLOSED
                if has_left and self.act is go_away_after:
                    return  # it has taken the request, and goes without an answer; others leave the connection open

    def answer(self, h2, stream):
        if not self.act(self.requests, h2, stream):
            return
        h2.send_headers(stream, [(":status", "200"), ("content-type", "application/json")])
        h2.send_data(stream, GOOD, end_stream=True)

    def close(self):
        self.listener.close()


def refuse_stream(number, h2, stream):
    if number == 1:
        h2.reset_stream(stream, ErrorCodes.REFUSED_STREAM)
    return number > 1


def go_away(number, h2, stream):
    if number == 1:
        h2.close_connection(ErrorCodes.NO_ERROR, last_stream_id=0)
    return number > 1


def go_away_after(number, h2, stream):
    if number == 1:
        h2.close_connection(ErrorCodes.ENHANCE_YOUR_CALM, last_stream_id=stream)
    return number > 1


@pytest.mark.parametrize("act", (refuse_stream, go_away, go_away_after))
def test_what_a_provider_turns_away_is_asked_again_once_with_the_next_key(stage_of, authority, act):
    provider = Frames(authority, act)
    stage = stage_of(keys=KEYS, admin=False, env={"BASE_URL": f"https://127.0.0.1:{provider.port}/v1beta", "UPSTREAM_HTTP2": "true",
                                                  "CA_BUNDLE": str(authority.bundle), "TIME_OUT": str(int(20 * SLOW))})
    assert stage.chat("hello").json["choices"][0]["message"]["content"] == "from the second"
    assert provider.requests == 2
    assert stage.chat("hello").status == 200
    rows = stage.wait_rows(3)
    assert sorted(row["fault"] for row in rows) == ["none", "none", "reset"]
    assert not stage.log("balancer", "key.cooling_down")
    provider.close()
