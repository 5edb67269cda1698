# SPDX-License-Identifier: Apache-2.0
"""Bodies that are passed on as they come: Gemini's uploads, of any length, at any pace, and when something dies meanwhile."""
import hashlib
import json
import re
import socket
import threading

import pytest

from client import Raw
from stage import IS_SANITIZED, SLOW, TOKEN, Stage

START = "/upload/v1beta/files"
GRAIN = 256 * 1024
MIB = 1 << 20


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("uploads"), tokens=[TOKEN, "test-token-2"], database=False, admin=False) as stage:
        yield stage


def google(token=TOKEN, **headers):
    """Headers as Google's clients write them; content_length=3 is Content-Length."""
    named = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    return ({"x-goog-api-key": token} if token else {}) | named


def start(stage, size=None, mime="video/mp4", token=TOKEN, path=START, body=None, **more):
    """Begins a resumable upload; the target of its address."""
    headers = google(token, x_goog_upload_protocol="resumable", x_goog_upload_command="start",
                     x_goog_upload_header_content_type=mime, **more)
    if size is not None:
        headers["x-goog-upload-header-content-length"] = str(size)
    answer = stage.request("POST", path, body if body is not None else {"file": {"displayName": "a film"}}, headers, token=None)
    assert answer.status == 200, answer.text
    assert answer.headers["x-goog-upload-status"] == "active"
    address = answer.headers["x-goog-upload-url"]
    assert address.startswith(f"http://127.0.0.1:{stage.port}/upload/v1beta/")
    assert int(answer.headers["x-goog-upload-chunk-granularity"]) == GRAIN
    return "/" + address.split("/", 3)[3]


def go_on(stage, target, command, body=b"", offset=None, token=None, method="POST", seconds=60, **more):
    headers = google(token, x_goog_upload_command=command, **more)
    if offset is not None:
        headers["x-goog-upload-offset"] = str(offset)
    return stage.request(method, target, body, headers, token=None, seconds=seconds)


def received(stage, target):
    answer = go_on(stage, target, "query")
    assert answer.status == 200, answer.text
    return int(answer.headers["x-goog-upload-size-received"])


def data_of(size):
    block = bytes(range(251)) * 4177
    return (block * (size // len(block) + 1))[:size]


def hash_of(file):
    import base64
    return base64.b64decode(file["sha256Hash"]).decode()


def begin(raw, target, size, offset=0, command="upload, finalize", **more):
    lines = {"Host": "h", "Content-Length": size, "X-Goog-Upload-Command": command, "X-Goog-Upload-Offset": offset} | more
    raw.send(f"POST {target} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in lines.items() if v is not None) + "\r\n")


# -------------------------------------------------------------------------------------------------------- as it should be

@pytest.mark.short
@pytest.mark.parametrize("size", [0, 1, 1000, 32 * 1024, 32 * 1024 + 1, 300_000, 5 * MIB + 7])
def test_a_resumable_upload_in_one_piece(stage, size):
    data = data_of(size)
    target = start(stage, size)
    key = stage.sim.last()["key"]
    answer = go_on(stage, target, "upload, finalize", data, 0)
    assert answer.status == 200 and answer.headers["x-goog-upload-status"] == "final", answer.text
    file = answer.json["file"]
    assert int(file["sizeBytes"]) == size and hash_of(file) == hashlib.sha256(data).hexdigest()
    assert file["mimeType"] == "video/mp4" and file["displayName"] == "a film"
    last = stage.sim.last()
    assert last["key"] == key, "it belongs to the key that began it"
    assert dict(last["headers"])["x-goog-upload-command"] == "upload, finalize"


@pytest.mark.short
def test_in_several_pieces_whose_offsets_must_fit(stage):
    data = data_of(3 * GRAIN + 5)
    target = start(stage, len(data))
    assert received(stage, target) == 0
    answer = go_on(stage, target, "upload", data[:2 * GRAIN], 0)
    assert answer.status == 200 and answer.headers["x-goog-upload-status"] == "active"
    assert received(stage, target) == 2 * GRAIN
    for wrong, offset in (data[:GRAIN], 0), (data[:GRAIN + 1], 2 * GRAIN), (data, 2 * GRAIN):
        answer = go_on(stage, target, "upload", wrong, offset)
        assert answer.status == 400 and answer.json["error"]["status"] == "INVALID_ARGUMENT", answer.text
    assert received(stage, target) == 2 * GRAIN
    answer = go_on(stage, target, "upload, finalize", data[2 * GRAIN:], 2 * GRAIN, method="PUT")
    assert answer.status == 200 and hash_of(answer.json["file"]) == hashlib.sha256(data).hexdigest()
    assert go_on(stage, target, "upload, finalize", data[:5], len(data)).status == 400, "it is over"


@pytest.mark.short
def test_one_that_was_cancelled_takes_nothing_more(stage):
    target = start(stage, 10)
    assert go_on(stage, target, "cancel").headers["x-goog-upload-status"] == "cancelled"
    assert go_on(stage, target, "upload, finalize", b"x" * 10, 0).status == 400


@pytest.mark.short
@pytest.mark.parametrize("path", ["/gemini/upload/v1beta/files", "/v1beta/upload/v1beta/files", "/upload/v1alpha/files",
                                  "//upload/v1beta/files/"])
def test_other_spellings_of_the_path(stage, path):
    target = start(stage, 5, path=path)
    assert go_on(stage, target, "upload, finalize", b"hello", 0).json["file"]["sizeBytes"] == "5"


@pytest.mark.short
@pytest.mark.parametrize("size", [20, 400_000])
def test_multipart_and_raw(stage, size):
    data = data_of(size)
    body = (b'--b1\r\nContent-Type: application/json\r\n\r\n{"file":{"displayName":"two"}}\r\n--b1\r\n'
            b"Content-Type: image/png\r\n\r\n" + data + b"\r\n--b1--\r\n")
    answer = stage.request("POST", START, body, google(x_goog_upload_protocol="multipart",
                                                       content_type="multipart/related; boundary=b1"), token=None)
    assert answer.status == 200, answer.text
    assert answer.json["file"]["displayName"] == "two" and answer.json["file"]["mimeType"] == "image/png"
    assert hash_of(answer.json["file"]) == hashlib.sha256(data).hexdigest()
    answer = stage.request("POST", START, data, google(x_goog_upload_protocol="raw", content_type="image/gif"), token=None)
    assert answer.status == 200 and hash_of(answer.json["file"]) == hashlib.sha256(data).hexdigest()
    assert answer.json["file"]["mimeType"] == "image/gif"


@pytest.mark.short
def test_without_a_word_on_the_protocol_it_is_resumable(stage):
    answer = stage.request("POST", START, {"file": {"displayName": "x"}})
    assert answer.status == 200 and "upload_id=" in answer.headers["x-goog-upload-url"]


@pytest.mark.short
def test_a_store_takes_uploads_too(stage):
    store = stage.request("POST", "/v1beta/fileSearchStores", {"displayName": "s"}).json["name"]
    target = start(stage, 70_000, path=f"/upload/v1beta/{store}:uploadToFileSearchStore", body={"displayName": "d"})
    answer = go_on(stage, target, "upload, finalize", data_of(70_000), 0)
    assert answer.json["name"].startswith(f"{store}/upload/operations/")


@pytest.mark.short
def test_chunked_bodies_are_taken(stage):
    data = data_of(700_000)
    target = start(stage, len(data))
    with stage.raw() as raw:
        begin(raw, target, None, **{"Content-Length": None, "Transfer-Encoding": "chunked"})
        at = 0
        for size in [1, 2, 3, 100, 65536, 100_000, 1] + [50_000] * 11:
            piece = data[at:at + size]
            at += len(piece)
            if piece:
                raw.send(b"%x;ext=1\r\n" % len(piece) + piece + b"\r\n")
        assert at == len(data)
        raw.send("0\r\nTrailer: x\r\n\r\n")
        answer = raw.answer()
        assert answer.status == 200, answer.text
        assert hash_of(answer.json["file"]) == hashlib.sha256(data).hexdigest()
        assert raw.is_closed()


@pytest.mark.short
def test_a_connection_goes_on_behind_an_upload(stage):
    data = data_of(200_000)
    with stage.raw() as raw:
        for _ in range(3):
            target = start(stage, len(data))
            begin(raw, target, len(data))
            raw.send(data + b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n")  # together with the next request
            answer = raw.answer()
            assert answer.status == 200 and hash_of(answer.json["file"]) == hashlib.sha256(data).hexdigest()
            assert raw.answer().status == 200


@pytest.mark.short
def test_a_client_that_waits_for_the_word_gets_it(stage):
    data = data_of(100_000)
    target = start(stage, len(data))
    with stage.raw() as raw:
        begin(raw, target, len(data), Expect="100-continue")
        assert raw.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue"
        raw.send(data)
        assert raw.answer().status == 200


@pytest.mark.short
def test_the_address_is_the_one_that_the_client_knows(stage):
    for headers, base in (({"Host": "api.example:8443"}, "http://api.example:8443/"),
                          ({"Host": "inner", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "outer.example, p2"}, "https://outer.example/"),
                          ({"Host": "inner", "X-Forwarded-Proto": "https"}, "https://inner/"),
                          ({"Host": "inner", "X-Forwarded-Host": "a\"b"}, "http://inner/")):
        answer = stage.request("POST", START, {}, headers)
        assert answer.status == 200 and answer.headers["x-goog-upload-url"].startswith(base + "upload/v1beta/files?")


@pytest.mark.short
@pytest.mark.parametrize("env", [{"UPSTREAM_HTTP2": "true"}])
def test_by_libcurl_as_well(tmp_path, env):
    with Stage(tmp_path, database=False, recorder=False, admin=False, env=env) as stage:
        data = data_of(3 * MIB)
        target = start(stage, len(data))
        assert hash_of(go_on(stage, target, "upload, finalize", data, 0).json["file"]) == hashlib.sha256(data).hexdigest()


# ------------------------------------------------------------------------------------------------------------- who may

@pytest.mark.short
def test_nobody_goes_on_with_anothers_upload(stage):
    target = start(stage, 3)
    count = stage.sim.total()
    assert go_on(stage, target, "upload, finalize", b"abc", 0, token="test-token-2").status == 403
    assert go_on(stage, target, "upload, finalize", data_of(100_000), 0, token="test-token-2").status == 403
    for bad in (target[:-30] + "A" * 3 + target[-27:], target.replace("upload_id=", "upload_id=A"), START + "?upload_id=abc",
                START + "?upload_id=sim-upload-0000000000000001"):
        assert go_on(stage, bad, "upload, finalize", b"abc", 0).status == 401, "it shows nothing"
        assert go_on(stage, bad, "upload, finalize", b"abc", 0, token=TOKEN).status == 404
    assert stage.sim.total() == count, "none of it has reached the provider"
    assert go_on(stage, target, "upload, finalize", b"abc", 0, token=TOKEN).status == 200


@pytest.mark.short
def test_an_address_holds_no_secret_of_ours(stage):
    target = start(stage, 3)
    keys = {request["key"] for request in stage.sim.requests()}
    assert not any(secret in target for secret in keys | {TOKEN, "sim-upload", "generativelanguage"})


@pytest.mark.short
def test_after_a_restart_of_all_frontends_an_upload_goes_on(tmp_path):
    with Stage(tmp_path, frontends=2, database=False, recorder=False, admin=False) as stage:
        data = data_of(2 * GRAIN)
        target = start(stage, len(data))
        assert go_on(stage, target, "upload", data[:GRAIN], 0).status == 200
        for name in stage.names("frontend"):
            stage.restart(name)
        stage.wait_ready()
        assert go_on(stage, target, "upload, finalize", data[GRAIN:], GRAIN).status == 200


@pytest.mark.short
def test_refused_before_its_body_is_read_a_client_hears_why(stage):
    for path, headers, status in ((START, {}, 401), ("/upload/v1beta/files?upload_id=x", {}, 401),
                                  ("/upload/a b", {"x-goog-api-key": TOKEN}, 404),
                                  (START, {"x-goog-api-key": TOKEN, "content-encoding": "gzip"}, 415)):
        with stage.raw() as raw:
            lines = {"Host": "h", "Content-Length": 50 * MIB} | headers
            raw.send(f"POST {path.replace(' ', '%20')} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in lines.items()) + "\r\n")
            raw.send(data_of(100_000))
            answer = raw.answer()
            assert answer.status == status and answer.headers["connection"] == "close", answer.text
            assert answer.json["error"]["message"]


@pytest.mark.short
def test_other_routes_keep_their_limit(tmp_path):
    with Stage(tmp_path, database=False, recorder=False, admin=False, env={"BODY_LIMIT": "1MiB"}) as stage:
        assert stage.request("POST", "/v1/chat/completions", data_of(2 * MIB)).status == 413
        data = data_of(2 * MIB)
        target = start(stage, len(data))
        assert go_on(stage, target, "upload, finalize", data, 0).status == 200


# ----------------------------------------------------------------------------------------------------- what goes wrong

@pytest.mark.short
def test_a_client_that_breaks_off_goes_on_where_it_was(stage):
    data = data_of(4 * GRAIN)
    target = start(stage, len(data))
    assert go_on(stage, target, "upload", data[:GRAIN], 0).status == 200
    done = len(stage.log("frontend", "call.done", operation="upload", status=499))
    with stage.raw() as raw:
        begin(raw, target, 3 * GRAIN, GRAIN)
        raw.send(data[GRAIN:2 * GRAIN + 100])
    stage.wait_log("frontend", "call.done", after=done, operation="upload", status=499)
    stage.wait("the upstream has let go", lambda: not [line for line in stage.dump("upstream")["upstream-0"] if line["event"] == "dump.call"])
    at = received(stage, target)
    assert at == GRAIN
    answer = go_on(stage, target, "upload, finalize", data[at:], at)
    assert answer.status == 200 and hash_of(answer.json["file"]) == hashlib.sha256(data).hexdigest()


@pytest.mark.short
def test_a_client_that_stops_sending_is_told_so(tmp_path):
    with Stage(tmp_path, database=False, recorder=False, admin=False, env={"CLIENT_STALL": "500ms"}) as stage:
        target = start(stage, 100_000)
        with stage.raw() as raw:
            begin(raw, target, 100_000)
            raw.send(data_of(50_000))
            answer = raw.answer()
            assert answer.status == 408 and answer.json["error"]["status"] == "DEADLINE_EXCEEDED", answer.text
            assert raw.is_closed()
        assert received(stage, target) == 0


@pytest.mark.short
def test_broken_chunks_are_refused(stage):
    target = start(stage, 100_000)
    with stage.raw() as raw:
        begin(raw, target, None, **{"Content-Length": None, "Transfer-Encoding": "chunked"})
        raw.send(b"10\r\n0123456789abcdefXX\r\n")
        assert raw.answer().status == 400
        assert raw.is_closed()


def test_a_slow_client_takes_its_time(stage):
    data = data_of(500_000)
    target = start(stage, len(data))
    with stage.raw() as raw:
        begin(raw, target, len(data))
        for at in range(0, len(data), 10_000):
            raw.send(data[at:at + 10_000])
            assert stage.chat("hello").status == 200, "others are served meanwhile"
        answer = raw.answer()
        assert hash_of(answer.json["file"]) == hashlib.sha256(data).hexdigest()


class Tap:
    """A provider that takes the bytes of one connection as slowly as it is told, and answers at their end."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(30 * SLOW)
        self.taken, self.may_take = 0, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}/v1beta"

    def run(self):
        peer, _ = self.listener.accept()
        with peer:
            left = b""
            while b"\r\n\r\n" not in left:
                left += peer.recv(65536)
            head, left = left.split(b"\r\n\r\n", 1)
            size = int(re.search(rb"Content-Length: (\d+)", head)[1])
            self.taken = len(left)
            self.may_take.wait(60 * SLOW)
            while self.taken < size:
                self.taken += len(peer.recv(1 << 20))
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")


def send_slowly(raw, data, sent):
    """Sends until nothing more is taken for a while; how much was."""
    raw.socket.settimeout(1.0 * SLOW)
    try:
        while sent < len(data):
            sent += raw.socket.send(data[sent:sent + 65536])
    except TimeoutError:
        pass
    raw.socket.settimeout(60 * SLOW)
    return sent


@pytest.mark.alone
def test_a_provider_that_takes_nothing_stops_its_client_and_costs_a_window(tmp_path):
    tap = Tap()
    with Stage(tmp_path, database=False, recorder=False, admin=False, env={"PROBE": "false"}) as stage:
        for name in ("upstream-0",):
            stage.restart(name, env={"BASE_URL": tap.url})
        stage.wait_ready()
        data = data_of(64 * MIB)
        before = {name: stage.memory(name) for name in ("frontend-0", "upstream-0", "balancer")}
        headers = {"x-goog-api-key": TOKEN, "x-goog-upload-protocol": "raw", "content-type": "video/mp4"}
        with Raw(stage.port, 60 * SLOW) as raw:
            begin(raw, START, len(data), **headers, **{"X-Goog-Upload-Command": None, "X-Goog-Upload-Offset": None})
            sent = send_slowly(raw, data, 0)
            assert sent < 32 * MIB, "nobody asked for more"
            grown = {name: (stage.memory(name) - before[name]) / MIB for name in before}
            if not IS_SANITIZED:
                assert max(grown.values()) < 8, grown
            tap.may_take.set()
            raw.socket.sendall(data[sent:])
            assert raw.answer().status == 200
        assert tap.taken == len(data)


@pytest.mark.alone
def test_a_quarter_of_a_gigabyte_costs_no_memory(tmp_path):
    size = 256 * MIB
    with Stage(tmp_path, database=False, recorder=False, admin=False) as stage:
        names = ("frontend-0", "upstream-0", "balancer")
        small = data_of(MIB)
        assert go_on(stage, start(stage, MIB), "upload, finalize", small, 0).status == 200  # what is needed once is there
        before = {name: stage.memory(name) for name in names}
        target, digest, block = start(stage, size), hashlib.sha256(), data_of(MIB)
        with Raw(stage.port, 120 * SLOW) as raw:
            begin(raw, target, size)
            for _ in range(256):
                digest.update(block)
                raw.send(block)
            answer = raw.answer()
        assert answer.status == 200 and hash_of(answer.json["file"]) == digest.hexdigest(), answer.text
        grown = {name: (stage.memory(name) - before[name]) / MIB for name in names}
        peaks = {name: stage.memory_peak(name) / MIB for name in names}
        if not IS_SANITIZED:
            assert max(grown.values()) < 8 and max(peaks.values()) < 64, (grown, peaks)


def interrupted(stage, name, sent):
    """An upload in whose middle a process is killed: what its client reads, and the target."""
    data = data_of(8 * MIB)
    target = start(stage, len(data))
    assert go_on(stage, target, "upload", data[:GRAIN], 0).status == 200
    with stage.raw(60) as raw:
        begin(raw, target, len(data) - GRAIN, GRAIN)
        raw.send(data[GRAIN:GRAIN + sent])
        stage.wait("it is under way", lambda: [line for line in stage.dump("upstream")["upstream-0"]
                                               if line["event"] == "dump.call" and line["state"] == "running"])
        stage.kill(name)
        try:
            answer = raw.answer()
        except (EOFError, ConnectionError):
            answer = None
    return data, target, answer


def resume(stage, data, target):
    at = received(stage, target)
    assert at == GRAIN
    answer = go_on(stage, target, "upload, finalize", data[at:], at)
    assert answer.status == 200 and hash_of(answer.json["file"]) == hashlib.sha256(data).hexdigest()


def test_an_upstream_is_killed_in_the_middle(tmp_path):
    with Stage(tmp_path, upstreams=1, database=False, recorder=False, admin=False) as stage:
        data, target, answer = interrupted(stage, "upstream-0", 2 * MIB)
        assert answer.status == 502 and answer.json["error"]["status"] == "UNAVAILABLE", answer and answer.text
        assert "query" in answer.json["error"]["message"]
        stage.start("upstream-0")
        stage.wait_ready()
        resume(stage, data, target)


def test_a_frontend_is_killed_in_the_middle(tmp_path):
    with Stage(tmp_path, database=False, recorder=False, admin=False) as stage:
        data, target, answer = interrupted(stage, "frontend-0", 2 * MIB)
        assert answer is None
        stage.start("frontend-0")
        stage.wait_ready()
        resume(stage, data, target)


def test_a_balancer_is_killed_in_the_middle_and_nobody_notices(tmp_path):
    with Stage(tmp_path, database=False, recorder=False, admin=False) as stage:
        data = data_of(8 * MIB)
        target = start(stage, len(data))
        with stage.raw(60) as raw:
            begin(raw, target, len(data))
            raw.send(data[:2 * MIB])
            stage.restart("balancer")
            stage.wait_log("frontend", "link.up", link="balancer", after=1)
            raw.send(data[2 * MIB:])
            answer = raw.answer()
        assert answer.status == 200 and hash_of(answer.json["file"]) == hashlib.sha256(data).hexdigest()
