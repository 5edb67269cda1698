# SPDX-License-Identifier: Apache-2.0
"""Google's own methods beside generateContent, known and unknown: what goes through, with which key, for whom.

What must stay true: bytes pass untouched both ways; what a client has made is reached by its key, by itself only."""
import hashlib
import json
import random
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from client import http
from proxies import Proxy
from stage import SLOW, Stage

ANNA, BERT, ADMIN = "token-anna-1", "token-bert-2", "token-admin-3"
MODEL = "gemini-2.5-flash"
KEYS = ("key-ok-1", "key-ok-2", "key-ok-3")
URI = "https://generativelanguage.googleapis.com/v1beta/"


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("methods"), keys=KEYS, tokens=(ANNA, BERT), env={"AUTH_TOKEN": ADMIN},
               database=False) as stage:
        yield stage


def ask(stage, method, path, body=None, token=ANNA, headers=None, seconds=30):
    return stage.request(method, path, body, headers={"x-goog-api-key": token, **(headers or {})}, token=None, seconds=seconds)


def status_of(answer, status, word):
    assert (answer.status, answer.json["error"]["code"], answer.json["error"]["status"]) == (status, status, word), answer.text
    return answer.json["error"]["message"]


def make_cache(stage, token=ANNA, **fields):
    body = {"model": f"models/{MODEL}", "contents": [{"role": "user", "parts": [{"text": "Long."}]}], **fields}
    answer = ask(stage, "POST", "/v1beta/cachedContents", body, token)
    assert answer.status == 200, answer.text
    return answer.json["name"]


def make_answer(stage):
    return ask(stage, "POST", "/v1beta/cachedContents", {"model": f"models/{MODEL}"})


def generate(stage, token=ANNA, model=MODEL, parts=(), **fields):
    body = {"contents": [{"role": "user", "parts": [{"text": "hello"}, *parts]}], **fields}
    return ask(stage, "POST", f"/v1beta/models/{model}:generateContent", body, token)


def key_of_last(stage):
    return stage.sim.last()["key"]


def file_part(name):
    return {"fileData": {"fileUri": URI + name, "mimeType": "image/png"}}


# ------------------------------------------------------------------------------------------------------------- bytes

def test_what_the_provider_gets_is_what_the_client_sent(stage):
    """A generated corpus of bodies, by hash, in every method; the simulator knows none of these routes."""
    chance = random.Random(7)
    for i in range(120):
        size = chance.choice([0, 1, 17, 1000, 40_000, 70_000])
        body = chance.randbytes(size)
        method = chance.choice(["POST", "PUT", "PATCH", "DELETE"])
        path = f"/v1beta/widgets/w{i}:turn?view=full&x={i}"
        answer = ask(stage, method, path, body, headers={"content-type": "application/x-odd; a=\"b\""})
        seen = stage.sim.last()
        assert answer.status == 404 and answer.text.startswith("<!DOCTYPE html>"), answer.text[:200]
        assert (seen["method"], seen["path"], seen["query"]) == (method, f"/v1beta/widgets/w{i}:turn", f"view=full&x={i}")
        assert seen["body_bytes"] == size
        if size:
            assert dict(seen["headers"])["content-type"] == "application/x-odd; a=\"b\""


class Echo(BaseHTTPRequestHandler):
    """A provider that notes what it gets, and answers whatever is next."""
    protocol_version = "HTTP/1.1"
    seen, answers = [], []

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        Echo.seen.append((self.command, self.path, self.headers.get("content-type"), hashlib.sha256(body).hexdigest()))
        status, kind, text = Echo.answers.pop(0)
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("way", ["straight", "through a proxy"])
def test_a_corpus_passes_by_its_hash_both_ways(tmp_path, way):
    chance = random.Random(11)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    proxy = Proxy(tmp_path, "socks5") if way != "straight" else None
    Echo.seen.clear()
    with Stage(tmp_path, keys=("key-a",), tokens=(ANNA,), database=False,
               env={"BASE_URL": f"http://127.0.0.1:{server.server_port}/v1beta", "PROXIES": proxy.url() if proxy else ""}) as stage:
        for i in range(150):
            method = chance.choice(["GET", "POST", "PUT", "PATCH", "DELETE"])
            there = chance.randbytes(chance.choice([0, 1, 100, 33_000, 300_000])) if method != "GET" else b""
            back = chance.randbytes(chance.choice([0, 1, 1000, 20_000, 400_000]))
            status = chance.choice([200, 201, 202, 200, 400, 404, 409, 412, 422])
            back = back[:10_000].replace(b"AIza", b"xxxx") if status >= 400 else back
            kind = chance.choice(["application/json", "application/octet-stream", "text/plain; charset=x"])
            Echo.answers[:] = [(status, kind, back)]
            answer = ask(stage, method, f"/v1beta/things/t{i}?q={i}", there or None, headers={"content-type": kind})
            assert (answer.status, answer.headers["content-type"]) == (status, kind), (i, answer.status)
            assert hashlib.sha256(answer.body).digest() == hashlib.sha256(back).digest(), (i, method, status, len(back), len(answer.body))
            assert Echo.seen[-1] == (method, f"/v1beta/things/t{i}?q={i}", kind if there else None, hashlib.sha256(there).hexdigest())
        assert len(Echo.seen) == 150
    server.shutdown()
    if proxy:
        proxy.stop()


def test_the_answer_is_the_providers_byte_for_byte(stage):
    for path in ("/widgets", "/widgets/a:b", "/models/nobody:countTokens", f"/models/{MODEL}:embedContent"):
        straight = stage.sim.direct("POST", f"/v1beta{path}", json.dumps({"content": 7}))
        answer = ask(stage, "POST", f"/v1beta{path}", {"content": 7})
        assert (answer.status, answer.headers["content-type"]) == (straight.status, straight.headers["content-type"])
        assert hashlib.sha256(answer.body).digest() == hashlib.sha256(straight.body).digest(), answer.text


@pytest.mark.parametrize("prefix", ["/v1beta", "/gemini/v1beta", "/v1", "/v1alpha", "/gemini/v1alpha", "/gemini/v1"])
def test_methods_are_found_below_every_version(stage, prefix):
    answer = ask(stage, "POST", f"{prefix}/models/{MODEL}:countTokens", {"contents": [{"parts": [{"text": "hi there"}]}]})
    assert answer.status == 200 and answer.json["totalTokens"] > 0, answer.text
    assert stage.sim.last()["path"].startswith("/v1alpha/" if "alpha" in prefix else "/v1beta/")


def test_the_query_passes_but_for_credentials(stage):
    path = f"/v1beta/models/{MODEL}:countTokens?key={ANNA}&access_token=a&k%65y={ANNA}&oauth_token=o&prettyPrint=false&alt=json"
    answer = stage.request("POST", path, {"contents": [{"parts": [{"text": "x"}]}]}, token=None)
    assert answer.status == 200 and "\n" not in answer.text.strip()
    assert stage.sim.last()["query"] == "prettyPrint=false&alt=json"
    assert ANNA not in json.dumps(stage.sim.last())


@pytest.mark.parametrize("path, status", [
    ("/v1beta/files/..", 404), ("/v1beta/files/%2e%2e/x", 404), ("/v1beta/files/a%00", 404), ("/v1beta/files/a%0d%0ab", 404),
    ("/v1beta/" + "x" * 600, 404), ("/v1beta/models/..:countTokens", 404), ("/v1beta/models/a%2fb:countTokens", 404)])
def test_paths_that_could_mean_two_things_go_nowhere(stage, path, status):
    before = stage.sim.total()
    assert ask(stage, "POST", path, {}).status == status
    assert stage.sim.total() == before


def test_a_known_method_wants_an_object(stage):
    assert "JSON" in status_of(ask(stage, "POST", f"/v1beta/models/{MODEL}:countTokens", b"[1"), 400, "INVALID_ARGUMENT")


# ------------------------------------------------------------------------------------------------------------- owners

def test_what_was_made_is_reached_by_its_key(stage):
    names = [make_cache(stage) for _ in range(6)]
    for name in names:
        answer = generate(stage, cachedContent=name)
        assert answer.status == 200, answer.text
        assert ask(stage, "GET", f"/v1beta/{name}").json["name"] == name
        patched = ask(stage, "PATCH", f"/v1beta/{name}?updateMask=ttl", {"ttl": "900s"})
        assert patched.status == 200 and patched.json["name"] == name
    for name in names:
        assert ask(stage, "DELETE", f"/v1beta/{name}").json == {}
        assert ask(stage, "GET", f"/v1beta/{name}").status in (403, 404)  # the provider's word, or ours


def test_another_clients_object_does_not_exist(stage):
    name = make_cache(stage)
    before = stage.sim.total()
    for method, path, body in (("GET", f"/v1beta/{name}", None), ("DELETE", f"/v1beta/{name}", None),
                               ("PATCH", f"/v1beta/{name}", {"ttl": "9s"})):
        assert name in status_of(ask(stage, method, path, body, BERT), 404, "NOT_FOUND")
    status_of(generate(stage, BERT, cachedContent=name), 404, "NOT_FOUND")
    status_of(generate(stage, BERT, cached_content=name), 404, "NOT_FOUND")
    raw = '{"contents":[{"parts":[{"text":"x"}]}],"cached\\u0043ontent":"cached\\u0043ontents/%s"}' % name.split("/")[1]
    status_of(ask(stage, "POST", f"/v1beta/models/{MODEL}:generateContent", raw.encode(), BERT), 404, "NOT_FOUND")
    assert stage.sim.total() == before
    assert ask(stage, "GET", f"/v1beta/{name}", token=ADMIN).status == 200
    assert ask(stage, "GET", f"/v1beta/{name}").status == 200


def test_what_different_keys_have_cannot_be_mixed(stage):
    for i, key in enumerate(KEYS[:2]):
        stage.sim.file(key, f"files/apart-{i}")
        assert ask(stage, "GET", f"/v1beta/files/apart-{i}").status == 200
    both = generate(stage, parts=[file_part("files/apart-0"), file_part("files/apart-1")])
    assert "different keys" in status_of(both, 400, "INVALID_ARGUMENT")
    for i, key in enumerate(KEYS[:2]):
        assert generate(stage, parts=[file_part(f"files/apart-{i}")]).status == 200
        assert key_of_last(stage) == key


def test_what_nobody_knows_is_asked_of_the_keys(stage):
    stage.sim.file(KEYS[2], "files/found-1")
    assert generate(stage, parts=[file_part("files/found-1")]).status == 200
    assert key_of_last(stage) == KEYS[2]
    status_of(ask(stage, "GET", "/v1beta/files/found-1", token=BERT), 404, "NOT_FOUND")  # it is Anna's now
    before = stage.sim.total()
    for _ in range(5):
        status_of(generate(stage, parts=[file_part("files/nowhere-1")]), 404, "NOT_FOUND")
    assert stage.sim.total() <= before + len(KEYS)  # asked once, then remembered


def test_an_uploaded_file_is_its_clients(stage):
    for _ in range(3):
        answer = ask(stage, "POST", "/upload/v1beta/files", b"text", headers={"x-goog-upload-protocol": "raw", "content-type": "text/plain"})
        assert answer.status == 200, answer.text
        file = answer.json["file"]
        part = {"fileData": {"fileUri": file["uri"], "mimeType": "text/plain"}}
        assert generate(stage, parts=[part]).status == 200
        status_of(generate(stage, BERT, parts=[part]), 404, "NOT_FOUND")
        status_of(ask(stage, "GET", f"/v1beta/{file['name']}", token=BERT), 404, "NOT_FOUND")
        listed = ask(stage, "GET", "/v1beta/files?pageSize=50").json["files"]
        assert listed[0]["name"] == file["name"]
        assert ask(stage, "DELETE", f"/v1beta/{file['name']}").json == {}


def test_chat_goes_to_the_key_too(stage):
    name = make_cache(stage)
    fields = {"extra_body": {"google": {"cached_content": name}}}
    for _ in range(4):
        answer = stage.chat("hello", token=ANNA, **fields)
        assert answer.status == 200, answer.text
    answer = stage.chat("hello", token=BERT, **fields)
    assert answer.status == 404 and answer.json["error"]["code"] == "not_found" and name in answer.json["error"]["message"]


def test_lists_show_the_clients_own_from_all_keys(stage):
    names = [make_cache(stage, BERT, displayName=f"c{i}") for i in range(5)]
    make_cache(stage, ANNA)
    seen, token = [], ""
    while True:
        page = ask(stage, "GET", f"/v1beta/cachedContents?pageSize=2&pageToken={token}", token=BERT)
        assert page.status == 200, page.text
        seen += [one["name"] for one in page.json.get("cachedContents", [])]
        token = page.json.get("nextPageToken")
        if not token:
            break
        status_of(ask(stage, "GET", f"/v1beta/cachedContents?pageToken={token}", token=ANNA), 400, "INVALID_ARGUMENT")
        status_of(ask(stage, "GET", f"/v1beta/files?pageToken={token}", token=BERT), 400, "INVALID_ARGUMENT")
    assert seen == names[::-1]
    assert ask(stage, "GET", "/v1beta/fileSearchStores", token=BERT).json == {}
    status_of(ask(stage, "GET", "/v1beta/files?pageSize=x", token=BERT), 400, "INVALID_ARGUMENT")
    everyones = [one["name"] for one in ask(stage, "GET", "/v1beta/cachedContents?pageSize=50", token=ADMIN).json["cachedContents"]]
    assert set(names) < set(everyones)


def test_what_is_gone_at_the_provider_is_not_listed(stage):
    names = [make_cache(stage, BERT) for _ in range(3)]
    for key in KEYS:
        http(stage.sim.port, "DELETE", f"/v1beta/{names[1]}", headers={"x-goog-api-key": key})
    listed = [one["name"] for one in ask(stage, "GET", "/v1beta/cachedContents?pageSize=50", token=BERT).json["cachedContents"]]
    assert names[0] in listed and names[2] in listed and names[1] not in listed


def test_batches_operations_and_stores(stage):
    batch = ask(stage, "POST", f"/v1beta/models/{MODEL}:batchGenerateContent", {"batch": {"displayName": "b"}}).json["name"]
    assert batch.startswith("batches/")
    assert ask(stage, "GET", f"/v1beta/{batch}").json["done"] is True
    assert batch in [one["name"] for one in ask(stage, "GET", "/v1beta/batches").json["operations"]]
    assert ask(stage, "POST", f"/v1beta/{batch}:cancel", {}).status == 200
    status_of(ask(stage, "GET", f"/v1beta/{batch}", token=BERT), 404, "NOT_FOUND")
    video = ask(stage, "POST", f"/v1beta/models/{MODEL}:predictLongRunning", {"instances": [{"prompt": "x"}]}).json["name"]
    polled = ask(stage, "GET", f"/v1beta/{video}")
    assert polled.status == 200 and polled.json["error"]["code"] == 3  # an operation that failed is a good answer
    status_of(ask(stage, "GET", f"/v1beta/{video}", token=BERT), 404, "NOT_FOUND")
    store = ask(stage, "POST", "/v1beta/fileSearchStores", {"displayName": "s"}).json["name"]
    assert ask(stage, "DELETE", f"/v1beta/{store}?force=true").status in (200, 400)


def test_interactions_follow_each_other_on_one_key(stage):
    first = ask(stage, "POST", "/v1beta/interactions", {"model": MODEL, "input": "hi"}).json["id"]
    key = key_of_last(stage)
    for i in range(5):
        answer = ask(stage, "POST", "/v1beta/interactions",
                     {"model": MODEL, "input": "more", "previous_interaction_id": first, "stream": i % 2 == 0})
        assert answer.status == 200 and key_of_last(stage) == key, answer.text
        if i % 2 == 0:
            assert answer.headers["content-type"].startswith("text/event-stream")
            first = json.loads(answer.text.split("data: ")[1].splitlines()[0])["interaction"]["id"]
        else:
            first = answer.json["id"]
    foreign = ask(stage, "POST", "/v1beta/interactions", {"model": MODEL, "input": "x", "previous_interaction_id": first}, BERT)
    assert (foreign.status, foreign.json["error"]["code"]) == (404, "not_found")  # as the SDK wants it
    assert ask(stage, "GET", f"/v1beta/interactions/{first}").json["id"] == first
    assert ask(stage, "DELETE", f"/v1beta/interactions/{first}").status == 200
    assert ask(stage, "GET", f"/v1beta/interactions/{first}").status == 404  # whoever says it


# ------------------------------------------------------------------------------------------------------------ accidents

@pytest.mark.parametrize("victim", ["balancer", "frontend", "upstream"])
def test_owners_outlive_a_kill(stage, victim):
    names = {token: make_cache(stage, token) for token in (ANNA, BERT)}
    stage.kill(victim)
    stage.restart(victim)
    stage.wait_ready()
    before = stage.sim.total()
    for token, name in names.items():
        assert ask(stage, "GET", f"/v1beta/{name}", token=token).status == 200
        other = BERT if token == ANNA else ANNA
        status_of(ask(stage, "GET", f"/v1beta/{name}", token=other), 404, "NOT_FOUND")
        assert generate(stage, token, cachedContent=name).status == 200
    if victim != "upstream":  # which may have died before it could say so
        assert stage.sim.total() == before + 4  # no key had to be asked


def test_a_lost_table_is_found_again(stage):
    name = make_cache(stage)
    stage.kill("balancer")
    for file in stage.state.glob("objects*"):
        file.unlink()
    stage.restart("balancer")
    stage.wait_ready()
    assert generate(stage, cachedContent=name).status == 200
    status_of(ask(stage, "GET", f"/v1beta/{name}", token=BERT), 404, "NOT_FOUND")


@pytest.mark.parametrize("mode, requests", [("internal", 1), ("deadline", 1), ("resetting", 1), ("minute", 3), ("invalid", 3)])
def test_what_makes_something_is_asked_again_only_if_nothing_was_made(tmp_path, mode, requests):
    keys = [f"key-{mode}-{i}" for i in range(3)]
    with Stage(tmp_path, keys=keys, tokens=(ANNA,), database=False, env={"MAX_RETRIES": "5"}) as stage:
        answer = ask(stage, "POST", "/v1beta/cachedContents", {"model": f"models/{MODEL}"})
        assert answer.status >= 429, answer.text
        counts = stage.sim.by_key()
        assert sum(counts.values()) == requests, counts


@pytest.mark.parametrize("modes, least, most", [(("minute60", "minute20"), 18, 22), (("minute20", "minute60"), 18, 22),
                                                (("day", "day"), 61, 25 * 3600), (("limit0", "limit0"), 0, 0)])
def test_what_names_no_model_is_told_when_the_first_key_is_back(tmp_path, modes, least, most):
    keys = [f"key-{mode}-{i}" for i, mode in enumerate(modes)]
    with Stage(tmp_path, keys=keys, tokens=(ANNA,), database=False) as stage:
        answer = ask(stage, "POST", "/v1beta/cachedContents", {"model": f"models/{MODEL}"})
        status_of(answer, 429, "RESOURCE_EXHAUSTED")
        assert least <= int(answer.headers.get("retry-after", 0)) <= most, answer.headers
        assert stage.sim.total() == 2


def test_what_an_upstream_died_over_is_not_made_again(tmp_path):
    with Stage(tmp_path, keys=("key-slow20000-1",), tokens=(ANNA,), database=False) as stage:
        answers = []
        asking = threading.Thread(target=lambda: answers.append(make_answer(stage)))
        asking.start()
        stage.wait("the provider has the request", lambda: stage.sim.counts()["open"] == 1)
        stage.kill("upstream")
        stage.restart("upstream")
        asking.join(30 * SLOW)
        assert answers[0].status == 502 and "UNAVAILABLE" in answers[0].text, answers
        assert stage.sim.total() == 1


def test_without_isolation_everybody_sees_all(tmp_path):
    with Stage(tmp_path, keys=KEYS[:2], tokens=(ANNA, BERT), database=False,
               env={"FILES_USER_ISOLATION_ENABLED": "false"}) as stage:
        name = make_cache(stage)
        assert ask(stage, "GET", f"/v1beta/{name}", token=BERT).status == 200
        assert [one["name"] for one in ask(stage, "GET", "/v1beta/cachedContents", token=BERT).json["cachedContents"]] == [name]


def test_the_clients_deadline_counts(tmp_path):
    with Stage(tmp_path, keys=("key-hanging-1",), tokens=(ANNA,), database=False) as stage:
        answer = ask(stage, "POST", f"/v1beta/models/{MODEL}:countTokens", {"contents": [{"parts": [{"text": "x"}]}]},
                     headers={"x-server-timeout": "1"})
        status_of(answer, 504, "DEADLINE_EXCEEDED")
        assert dict(stage.sim.last()["headers"])["x-server-timeout"] == "1"


def test_the_relay_names_no_other_clients_things(stage):
    name = make_cache(stage)
    body = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}], "extra_body": {"google": {"cached_content": name}}}
    before = stage.sim.total()
    answer = stage.request("POST", "/openai/v1/chat/completions", body, token=BERT)
    assert (answer.status, stage.sim.total()) == (404, before), answer.text
    for path in ("/openai/v1/files", "/openai/v1/batches"):
        assert stage.request("GET", path, token=BERT).status == 404, path
    assert stage.sim.total() == before


def test_files_that_were_registered_are_their_clients(stage):
    answer = ask(stage, "POST", "/v1beta/files:register", {"uris": ["gs://bucket/a.pdf", "gs://bucket/b.pdf"]})
    names = [file["name"] for file in answer.json["files"]]
    made_by = key_of_last(stage)
    assert len(names) == 2
    for name in names:
        assert ask(stage, "GET", f"/v1beta/{name}").status == 200 and key_of_last(stage) == made_by
        assert ask(stage, "GET", f"/v1beta/{name}", token=BERT).status == 404
    assert generate(stage, parts=[file_part(name) for name in names]).status == 200 and key_of_last(stage) == made_by


@pytest.mark.parametrize("method, path", [("POST", "/v1alpha/auth_tokens"), ("POST", "/v1beta/auth_tokens"), ("GET", "/v1beta/auth_tokens/x"),
                                          ("GET", "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent")])
def test_live_is_said_to_be_absent(stage, method, path):
    before = stage.sim.total()
    answer = ask(stage, method, path, {"uses": 1} if method == "POST" else None)
    assert "Live API" in status_of(answer, 501, "UNIMPLEMENTED") and answer.headers["x-should-retry"] == "false"
    assert stage.sim.total() == before


@pytest.mark.parametrize("verb, body", [
    ("countTokens", {"contents": [{"parts": [{"text": "a"}]}]}),
    ("countTokens", {"generateContentRequest": {"model": "models/gemini-3-pro-preview", "contents": [{"parts": [{"text": "a"}]}]}})])
def test_what_serves_in_the_place_of_a_model_that_is_gone_counts_too(stage, verb, body):
    answer = ask(stage, "POST", f"/v1beta/models/gemini-3-pro-preview:{verb}", body)
    assert answer.status == 200 and answer.json["totalTokens"] > 0, answer.text
    served = answer.headers["x-gateway-model"]
    assert served != "gemini-3-pro-preview" and stage.sim.last()["path"] == f"/v1beta/models/{served}:{verb}"


def test_vectors_of_a_model_that_is_gone_keep_their_size(stage):
    content = {"content": {"parts": [{"text": "a"}]}}
    answer = ask(stage, "POST", "/v1beta/models/text-embedding-004:embedContent", {"model": "models/text-embedding-004", **content})
    assert answer.status == 200 and len(answer.json["embedding"]["values"]) == 768, answer.text
    many = {"requests": [{"model": "models/text-embedding-004", **content}] * 2}
    answer = ask(stage, "POST", "/v1beta/models/text-embedding-004:batchEmbedContents", many)
    assert answer.status == 200 and [len(one["values"]) for one in answer.json["embeddings"]] == [768, 768], answer.text
