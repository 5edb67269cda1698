# SPDX-License-Identifier: Apache-2.0
"""What a chat names by address is fetched and sent along; what must not be asked is not. The web servers are on loopback,
which is allowed by MEDIA_FETCH_HOSTS in one stage and not in the other."""
import base64
import itertools
import json
import threading

import pytest

from recovery import ask, begin
from stage import SLOW, TOKEN, Stage
from test_images import SMALL, png
from web import Page, Web

PARAM = "messages[0].content[1].image_url.url"
PDF = b"%PDF-1.4\nx"


@pytest.fixture(scope="module")
def web():
    endless = threading.Event()

    def forever():
        while not endless.wait(0.01):
            yield b"x" * 65536
    pages = {
        "/a.png": Page(SMALL), "/b.jpg": Page(b"\xff\xd8\xff\xe0more", "image/jpg"), "/c": Page(SMALL, "application/octet-stream"),
        "/d.pdf": Page(PDF, "application/pdf"), "/e.mp3": Page(b"ID3sound", "audio/mpeg"), "/f.mp4": Page(b"....ftypisom", "video/mp4"),
        "/none": Page(SMALL, None), "/big.png": Page(png(2, 2, bytes(200_000))), "/lies.png": Page(b"<!doctype html><p>gone", "image/png"),
        "/page": Page(b"<html>please log in</html>", "text/html"), "/text": Page(b"words", "text/plain"), "/empty": Page(b""),
        "/gone": Page(b"no", "image/png", 404), "/zip": Page(SMALL, headers={"Content-Encoding": "gzip"}),
        "/private.png": Page(SMALL, headers={"Cache-Control": "private"}),
        "/there": Page(status=302, headers={"Location": "/a.png"}), "/round": Page(status=302, headers={"Location": "/round"}),
        "/file": Page(status=302, headers={"Location": "file:///etc/passwd"}), "/endless": Page(pieces=forever),
        "/inside": Page(status=302, headers={"Location": "http://10.0.0.1/"}),
        "/meta": Page(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data/"}),
    }
    with Web(pages) as server:
        yield server
        endless.set()


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    env = {"MEDIA_FETCH_HOSTS": "127.0.0.1", "MEDIA_FETCH_LIMIT": "100000", "MEDIA_FETCH_TIME_OUT": f"{int(2000 * SLOW)}ms",
           "CUSTOM_HEADERS": '{"X-Ours": "secret"}'}
    with Stage(tmp_path_factory.mktemp("fetch"), database=False, admin=False, env=env) as stage:
        yield stage


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """Without an exception of any kind."""
    with Stage(tmp_path_factory.mktemp("strict"), database=False, admin=False) as stage:
        yield stage


def look(*parts):
    return [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, *parts]}]


def picture(url):
    return {"type": "image_url", "image_url": {"url": url}}


def sent(stage):
    return [part["inlineData"] for part in json.loads(stage.sim.last()["body"])["contents"][-1]["parts"] if "inlineData" in part]


def inline(data, type):
    return {"data": base64.b64encode(data).decode(), "mimeType": type}


GOOD = {
    "a picture": (picture("{}/a.png"), SMALL, "image/png"), "a type that has another name": (picture("{}/b.jpg"), b"\xff\xd8\xff\xe0more", "image/jpeg"),
    "a type that its bytes show": (picture("{}/c"), SMALL, "image/png"), "no type": (picture("{}/none"), SMALL, "image/png"),
    "a redirect": (picture("{}/there"), SMALL, "image/png"), "with a query": (picture("{}/a.png?size=1&x=%20#top"), SMALL, "image/png"),
    "a PDF": ({"type": "file", "file": {"file_url": "{}/d.pdf"}}, PDF, "application/pdf"),
    "text as a file": ({"type": "file", "file": {"file_url": "{}/text"}}, b"words", "text/plain"),
    "sound": ({"type": "input_audio", "input_audio": {"data": "{}/e.mp3", "format": "mp3"}}, b"ID3sound", "audio/mp3"),
    "a film": ({"type": "video_url", "video_url": {"url": "{}/f.mp4"}}, b"....ftypisom", "video/mp4"),
}


@pytest.mark.short
@pytest.mark.parametrize("part, data, type", GOOD.values(), ids=GOOD.keys())
def test_what_is_at_an_address_is_sent_along(stage, web, part, data, type):
    answer = stage.chat(messages=look(json.loads(json.dumps(part).replace("{}", web.url))))
    assert answer.status == 200, answer.text
    assert sent(stage) == [inline(data, type)]


@pytest.mark.short
def test_nothing_of_ours_goes_there(stage, web):
    web.seen.clear()
    assert stage.chat(messages=look(picture(f"{web.url}/a.png?x=1"))).status == 200
    [(method, path, headers, body)] = web.seen
    assert (method, path, body) == ("GET", "/a.png?x=1", b"")
    assert {name.lower() for name in headers} == {"host", "user-agent", "accept", "accept-encoding"}
    assert headers["Accept-Encoding"] == "identity"


def test_choices_share_what_was_fetched_and_its_order_stays(stage, web):
    web.seen.clear()
    parts = [picture(f"{web.url}/b.jpg?n"), {"type": "text", "text": "and"}, picture(f"{web.url}/a.png?n"), picture(f"{web.url}/b.jpg?n")]
    answer = stage.chat(messages=look(*parts), n=2)
    assert answer.status == 200 and len(answer.json["choices"]) == 2, answer.text
    assert sorted(web.paths()) == ["/a.png?n", "/b.jpg?n"]
    assert [data["mimeType"] for data in sent(stage)] == ["image/jpeg", "image/png", "image/jpeg"]


def test_what_was_fetched_a_moment_ago_is_sent_along_again(stage, web):
    web.seen.clear()
    for path in ("/a.png?again", "/private.png?again"):
        for _ in range(3):
            assert stage.chat(messages=look(picture(f"{web.url}{path}"))).status == 200
            assert sent(stage) == [inline(SMALL, "image/png")]
    assert web.paths() == ["/a.png?again"] + ["/private.png?again"] * 3, "a server may forbid to keep it"


def test_what_several_ask_for_at_once_is_fetched_once(stage, web):
    may_begin = threading.Event()

    def slowly():
        may_begin.wait(30 * SLOW)
        yield SMALL
    web.seen.clear()
    web.pages["/once.png"] = Page(b"", pieces=slowly)
    running = begin(stage, [ask("", True, messages=look(picture(f"{web.url}/once.png")))] * 6)
    stage.wait("one has asked", lambda: web.seen)
    may_begin.set()
    assert all(answer.status == 200 and not answer.errors for answer in running.join(20 * SLOW))
    assert web.paths() == ["/once.png"]


def test_a_stream_comes_after_it_was_fetched(stage, web):
    stream = stage.chat_stream(messages=look(picture(f"{web.url}/a.png")))
    assert stream.is_whole and stream.text and stream.finish == "stop", stream
    assert sent(stage) == [inline(SMALL, "image/png")]


def test_pictures_that_are_edited_may_be_named_by_address(stage, web):
    body = {"model": "gemini-2.5-flash-image", "prompt": "a hat", "images": [{"image_url": f"{web.url}/a.png?edit"}]}
    answer = stage.request("POST", "/v1/images/edits", body)
    assert answer.status == 200 and answer.json["data"][0]["b64_json"], answer.text
    assert [part["inlineData"] for part in json.loads(stage.sim.last()["body"])["contents"][0]["parts"] if "inlineData" in part] == [
        inline(SMALL, "image/png")]
    body["images"][0]["image_url"] = f"{web.url}/gone"
    answer = stage.request("POST", "/v1/images/edits", body)
    assert answer.status == 400 and answer.json["error"]["param"] == "images" and "404" in answer.json["error"]["message"]


BAD = {
    "not there": ("/gone", "the server answered with status 404"), "a page": ("/page", "a page (HTML) came"),
    "a page that says it is a picture": ("/lies.png", "a page (HTML) came"), "text": ("/text", "no picture, sound, video or PDF"),
    "nothing": ("/empty", "it is empty"), "too large": ("/big.png", "too large"), "without end": ("/endless", "too large"),
    "compressed": ("/zip", "compressed"), "in a circle": ("/round", "too many redirects"), "a file": ("/file", "redirects to what is no http"),
    "inside": ("/inside", "private address"), "metadata": ("/meta", "private address"),
}


@pytest.mark.parametrize("path, reason", BAD.values(), ids=BAD.keys())
def test_what_cannot_be_fetched_is_refused_by_name(stage, web, path, reason):
    before = stage.sim.total()
    for stream in False, True:
        answer = stage.chat(messages=look(picture(f"{web.url}{path}?signature=secret")), stream=stream)
        error = answer.json["error"]
        assert (answer.status, error["param"], error["type"], error["code"]) == (400, PARAM, "invalid_request_error", "invalid_image_url")
        assert f"could not fetch {web.url}{path}: " in error["message"] and reason in error["message"], error
        assert "secret" not in answer.text
        assert answer.headers["x-should-retry"] == "false"
    assert stage.sim.total() == before


def test_who_takes_too_long_is_left(stage, web):
    silent = threading.Event()

    def never():
        silent.wait(60 * SLOW)
        yield b""
    web.pages["/slow"] = Page(b"beginning", pieces=never)
    answer = stage.chat(messages=look(picture(f"{web.url}/slow")))
    silent.set()
    assert answer.status == 400 and "timeout" in answer.json["error"]["message"], answer.text


def test_no_key_is_needed_for_it_and_none_is_blamed(stage, web):
    """A key that failed as often would rest."""
    for _ in range(6):
        assert stage.chat(messages=look(picture(f"{web.url}/gone"))).status == 400
    assert stage.chat("still there").status == 200
    assert not stage.log("balancer", "key.cooling_down")


# Each spells an address of this host, or of its network, in another way.
PRIVATE = ["127.0.0.1:{}", "localhost:{}", "127.1:{}", "0x7f000001:{}", "2130706433:{}", "0177.0.0.1:{}", "0.0.0.0:{}", "[::1]:{}", "[::]:{}",
           "[::ffff:127.0.0.1]:{}", "[0:0:0:0:0:ffff:7f00:1]:{}", "127.0.0.1.:{}", "localhost.:{}", "LOCALHOST:{}", "[64:ff9b::7f00:1]:{}",
           "10.0.0.1", "192.168.0.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "[fe80::1]", "[fd00:ec2::254]", "[2002:7f00:1::]",
           "[2001:0:7f00:1::]", "224.0.0.1", "255.255.255.255", "0", "168.63.129.16"]


@pytest.mark.short
@pytest.mark.parametrize("host", PRIVATE)
def test_addresses_that_not_everybody_reaches_are_not_asked(strict, web, host):
    web.seen.clear()
    answer = strict.chat(messages=look(picture(f"http://{host.format(web.port)}/a.png")))
    error = answer.json["error"]
    assert answer.status == 400 and error["param"] == PARAM, answer.text
    assert any(reason in error["message"] for reason in ("private address", "its name has no address")), error
    assert not web.seen and strict.sim.total() == 0


@pytest.mark.parametrize("url", ["http://user:password@127.0.0.1/", "https://", "http://[::1/", "http://a b/", "http://host:0/", "http://höst/",
                                 "http://127.0.0.1\\@example.org/", "http:///etc/passwd"])
def test_addresses_that_are_none_are_refused_at_once(strict, url):
    answer = strict.chat(messages=look(picture(url)))
    error = answer.json["error"]
    assert answer.status == 400 and error["param"] == PARAM and "password" not in error["message"].replace("user or password", ""), answer.text


def test_too_many_addresses_are_refused(stage, web):
    answer = stage.chat(messages=look(*(picture(f"{web.url}/a.png?{i}") for i in range(17))))
    assert answer.status == 400 and answer.json["error"]["param"] == "messages[0].content[17].image_url.url", answer.text
    assert stage.chat(messages=look(*(picture(f"{web.url}/a.png?{i}") for i in range(16)))).status == 200


def test_an_upstream_that_dies_while_it_fetches_costs_nothing(stage, web):
    held, count = threading.Event(), itertools.count()

    def page(*_):
        if next(count) == 0:
            held.wait(30 * SLOW)
        return Page(SMALL)
    web.pages["/held"] = page
    answers = []
    thread = threading.Thread(target=lambda: answers.append(stage.chat(messages=look(picture(f"{web.url}/held")))))
    web.seen.clear()
    thread.start()
    stage.wait("it is being fetched", lambda: "/held" in web.paths())
    stage.restart("upstream")
    thread.join(30 * SLOW)
    held.set()
    assert answers and answers[0].status == 200, answers and answers[0].text
    assert sent(stage) == [inline(SMALL, "image/png")]


def test_an_upstream_that_dies_in_the_middle_of_a_picture_costs_nothing(stage, web):
    held, count = threading.Event(), itertools.count()

    def halves():
        held.wait(30 * SLOW)
        yield SMALL[20:]

    def page(*_):
        return Page(SMALL) if next(count) else Page(SMALL[:20], pieces=halves)
    web.pages["/half"] = page
    answers = []
    thread = threading.Thread(target=lambda: answers.append(stage.chat(messages=look(picture(f"{web.url}/half")))))
    web.seen.clear()
    thread.start()
    stage.wait("it is being fetched", lambda: "/half" in web.paths())
    stage.restart("upstream")
    thread.join(30 * SLOW)
    held.set()
    assert answers and answers[0].status == 200, answers and answers[0].text
    assert sent(stage) == [inline(SMALL, "image/png")]


def test_a_client_that_goes_stops_it(stage, web):
    gone = threading.Event()

    def forever():
        while not gone.is_set():
            gone.wait(0.05)
            yield b"x"
    web.pages["/drips"] = Page(pieces=forever)
    web.seen.clear()
    body = json.dumps(stage.chat_body("", messages=look(picture(f"{web.url}/drips")))).encode()
    with stage.raw() as client:
        client.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b"
                       % (TOKEN.encode(), len(body), body))
        stage.wait("it is being fetched", lambda: "/drips" in web.paths())
    stage.wait("the upstream has left it", lambda: [line for line in stage.log("frontend", "call.done") if line["status"] == "499"])
    gone.set()
