# SPDX-License-Identifier: Apache-2.0
"""Files that Gemini has made, on their way to the client; and that what was uploaded is used with the key that has it."""
import pytest

from client import Raw
from stage import IS_SANITIZED, SLOW, TOKEN, Stage
from test_uploads import MIB, data_of, go_on, google, start

SIZE = 300_000
OTHER = "test-token-2"


def content(size, begin=0):
    return bytes((i * 7 + i // 256) & 255 for i in range(begin, size))


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("downloads"), tokens=[TOKEN, OTHER], database=False, admin=False) as stage:
        yield stage


def upload(stage, size, name="a text", token=TOKEN):
    target = start(stage, size, "text/plain", token=token, body={"file": {"displayName": name}})
    answer = go_on(stage, target, "upload, finalize", data_of(size), 0)
    assert answer.status == 200, answer.text
    return answer.json["file"], stage.sim.last()["key"]


@pytest.fixture(scope="module")
def made(stage):
    """A generated file: its path behind the version, and whose it is."""
    file, key = upload(stage, SIZE, "#generated film")
    return f"{file['name']}:download?alt=media", key


def get(stage, path, method="GET", token=TOKEN, **headers):
    return stage.request(method, path, headers=google(token, **headers), token=None)


@pytest.mark.short
@pytest.mark.parametrize("where", ["/v1beta/", "/download/v1beta/", "/gemini/v1beta/", "/gemini/download/v1beta/"])
def test_a_file_comes_whole_from_the_key_that_has_it(stage, made, where):
    for _ in range(4):  # keys are taken in turn
        answer = get(stage, where + made[0])
        assert answer.status == 200 and answer.body == content(SIZE)
        assert answer.headers["content-type"] == "video/mp4" and answer.headers["accept-ranges"] == "bytes"
        assert stage.sim.last()["key"] == made[1]


@pytest.mark.short
@pytest.mark.parametrize("wanted, begin, end", [("bytes=0-99", 0, 100), ("bytes=299990-", 299_990, SIZE), ("bytes=-10", 299_990, SIZE),
                                                ("bytes=5-999999", 5, SIZE)])
def test_a_part_of_it(stage, made, wanted, begin, end):
    answer = get(stage, "/v1beta/" + made[0], range=wanted)
    assert answer.status == 206 and answer.body == content(end, begin)
    assert answer.headers["content-range"] == f"bytes {begin}-{end - 1}/{SIZE}"
    assert int(answer.headers["content-length"]) == end - begin


@pytest.mark.short
def test_a_part_that_is_not_there(stage, made):
    assert get(stage, "/v1beta/" + made[0], range="bytes=300000-").status == 416


@pytest.mark.short
def test_head_moves_no_bytes(stage, made):
    answer = get(stage, "/v1beta/" + made[0], "HEAD")
    assert answer.status == 200 and int(answer.headers["content-length"]) == SIZE and answer.body == b""
    assert stage.sim.last()["method"] == "HEAD"


@pytest.mark.short
def test_what_cannot_be_downloaded(stage, made):
    file, _ = upload(stage, 10)
    assert get(stage, f"/v1beta/{file['name']}:download?alt=media").status == 400, "only what is generated"
    count = stage.sim.total()
    assert get(stage, "/v1beta/" + made[0], token=OTHER).status == 404, "another client's"
    assert stage.sim.total() == count
    assert get(stage, "/v1beta/" + made[0], token=None).status == 401


@pytest.mark.short
def test_an_uploaded_file_is_used_with_the_key_that_has_it(stage):
    for _ in range(3):
        file, key = upload(stage, 100_000)
        part = {"fileData": {"fileUri": file["uri"], "mimeType": "text/plain"}}
        body = {"contents": [{"role": "user", "parts": [part, {"text": "what is in it?"}]}]}
        for _ in range(3):
            answer = stage.request("POST", "/v1beta/models/gemini-2.5-flash:generateContent", body)
            assert answer.status == 200, answer.text
            assert stage.sim.last()["key"] == key
        answer = get(stage, "/v1beta/" + file["name"])
        assert answer.status == 200 and answer.json["state"] == "ACTIVE" and stage.sim.last()["key"] == key
        assert get(stage, "/v1beta/" + file["name"], token=OTHER).status == 404
        assert file["name"] in {one["name"] for one in get(stage, "/v1beta/files?pageSize=100").json["files"]}
        assert get(stage, "/v1beta/" + file["name"], "DELETE").status == 200


@pytest.mark.alone
def test_a_client_that_does_not_read_costs_a_window(tmp_path):
    size = 48 * MIB
    with Stage(tmp_path, database=False, recorder=False, admin=False) as stage:
        file, _ = upload(stage, size, "#generated")
        before = {name: stage.memory(name) for name in ("frontend-0", "upstream-0", "balancer")}
        with Raw(stage.port, 60 * SLOW, receive_buffer=65536) as raw:
            raw.send(f"GET /v1beta/{file['name']}:download?alt=media HTTP/1.1\r\nHost: h\r\nx-goog-api-key: {TOKEN}\r\n\r\n")
            stage.wait("the upstream waits for it", lambda: [line for line in stage.dump("upstream")["upstream-0"]
                                                             if line["event"] == "dump.call" and line["paused"] == "1"])
            grown = {name: (stage.memory(name) - before[name]) / MIB for name in before}
            if not IS_SANITIZED:
                assert max(grown.values()) < 8, grown
            answer = raw.answer()
        assert answer.status == 200 and len(answer.body) == size
        assert answer.body[-1000:] == content(size, size - 1000)
