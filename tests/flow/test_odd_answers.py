# SPDX-License-Identifier: Apache-2.0
"""What relays and models send that Google's documentation knows nothing of: errors of other shapes, half an emoji."""
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from stage import MODEL, Stage

GENERATE = f"/v1beta/models/{MODEL}:generateContent"
PROMPT = {"contents": [{"role": "user", "parts": [{"text": "x"}]}]}


class Odd(BaseHTTPRequestHandler):
    """Answers every request with server.status and server.body."""
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = self.server.body.encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "text/event-stream" if body.startswith(b"data:") else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with Stage(tmp_path_factory.mktemp("odd"), database=False, admin=False,
               env={"BASE_URL": f"http://127.0.0.1:{server.server_port}/v1beta"}) as stage:
        stage.says = lambda status, body: (setattr(server, "status", status), setattr(server, "body", body))
        yield stage
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("status, body, words", [
    (400, {"error": "bad model name"}, "bad model name"),
    (400, {"message": "bad model name"}, "bad model name"),
    (422, {"detail": [{"loc": ["body"], "msg": "field required", "type": "missing"}]}, "field required"),
])
def test_the_words_of_a_relay_reach_the_client(odd, status, body, words):
    odd.says(status, json.dumps(body))
    answer = odd.chat("x")
    assert answer.status // 100 == 4 and answer.json["error"]["message"] == words, answer.text
    answer = odd.request("POST", GENERATE, PROMPT)
    assert answer.status // 100 == 4 and answer.json["error"]["message"] == words, answer.text


def candidate(text, finish=""):
    return f'{{"candidates":[{{"content":{{"parts":[{{"text":"{text}"}}],"role":"model"}}{finish},"index":0}}]}}'


def test_half_an_emoji_is_content(odd):
    body = candidate(r"ok \ud83d end", ',"finishReason":"STOP"')
    odd.says(200, body)
    answer = odd.chat("x")
    assert answer.status == 200 and answer.json["choices"][0]["message"]["content"] == "ok \ufffd end", answer.text
    assert odd.request("POST", GENERATE, PROMPT).body == body.encode()


def test_half_an_emoji_in_a_stream_is_content(odd):
    events = [candidate(r"\ud83d first"), candidate(r" then \ude00"), candidate(".", ',"finishReason":"STOP"')]
    odd.says(200, "".join(f"data: {event}\r\n\r\n" for event in events))
    stream = odd.chat_stream("x")
    assert stream.is_whole and stream.text == "\ufffd first then \ufffd."
    answer = odd.request("POST", GENERATE.replace("generate", "streamGenerate") + "?alt=sse", PROMPT)
    for event in events:
        assert event in answer.text
