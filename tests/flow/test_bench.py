# SPDX-License-Identifier: Apache-2.0
"""The benchmark's client of streams (tests/bench/streams.c) tells a whole stream from one that is not. A server of this
test's own sends what no simulator would: events out of order, and answers in pieces of any size."""
import json
import socket
import subprocess
import threading
import time
from contextlib import contextmanager

import pytest

from stage import BUILD

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"
REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno"


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(number):
    return chunk(b'data: {"content":"","x":"content":"","content":"[%d]"}\n\n' % number)


def answer(*numbers, end=END):
    return HEAD + b"".join(map(event, numbers)) + end


@contextmanager
def server(pieces, seconds_between=0.0):
    """Answers every request with these pieces of bytes; None closes the connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection):
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                while connection.recv(65536):
                    for piece in pieces:
                        if piece is None:
                            return
                        connection.sendall(piece)
                        time.sleep(seconds_between)
            except OSError:
                pass  # the client has seen enough

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def client(tmp_path, pieces, events, connections=1, pace_ms=1000, seconds_between=0.0, **more):
    body = tmp_path / "body.json"
    body.write_text("{}")
    options = {"path": "/", "body": body, "mark": '"content":"[', "events": events, "pace-ms": pace_ms,
               "connections": connections} | more
    with server(pieces, seconds_between) as port:
        done = subprocess.run([BUILD / "bin/bench-streams", f"--port={port}",
                               *(f"--{name}={value}" for name, value in options.items())],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def in_pieces(data, size):
    return [data[i:i + size] for i in range(0, len(data), size)]


@pytest.mark.short
@pytest.mark.parametrize("size", [1, 7, 100000])
def test_a_stream_in_any_pieces_is_whole(tmp_path, size):
    found = client(tmp_path, in_pieces(answer(*range(12)), size), 12, connections=3)
    assert (found["whole"], found["streams"], found["events"]) == (3, 3, 36)
    assert (found["first_count"], found["gap_count"], found["late"]) == (3, 33, 0)


@pytest.mark.short
@pytest.mark.parametrize("what, pieces", [
    ("out_of_order", [answer(0, 2, 1, 3)]),
    ("out_of_order", [answer(0, 1, 1, 2, 3)]),
    ("out_of_order", [answer(0, 2, 3)]),
    ("out_of_order", [answer(0, 1, 2, 3, 4)]),
    ("too_short", [answer(0, 1, 2)]),
    ("too_short", [answer()]),
    ("cut", [answer(0, 1, 2, 3, end=b""), None]),
    ("cut", [b"", None]),
    ("refused", [REFUSAL]),
])
def test_a_stream_that_is_not_whole_is_counted_by_its_fault(tmp_path, what, pieces):
    found = client(tmp_path, pieces, 4)
    assert (found["streams"], found["whole"], found[what]) == (1, 0, 1), found


@pytest.mark.short
def test_a_gap_of_more_than_ten_paces_is_late(tmp_path):
    found = client(tmp_path, [HEAD, event(0), event(1), event(2) + END], 3, pace_ms=1, seconds_between=0.1)
    assert (found["whole"], found["late"], found["late_gaps"]) == (1, 1, 2)


@pytest.mark.short
def test_nobody_listens(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    (tmp_path / "body.json").write_text("{}")
    done = subprocess.run([BUILD / "bin/bench-streams", f"--port={port}", f"--body={tmp_path}/body.json", "--connections=2"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout.splitlines()[-1])["not_connected"] == 2


@pytest.mark.short
def test_a_connection_carries_one_stream_after_another(tmp_path):
    found = client(tmp_path, [answer(0, 1)], 2, connections=2, seconds=1)
    assert found["whole"] == found["streams"] > 2
    assert found["events"] == 2 * found["streams"]
