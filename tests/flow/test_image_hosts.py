# SPDX-License-Identifier: Apache-2.0
"""Pictures that models make are put at an image host. Each of the four is played by a web server that takes nothing but
what its API takes."""
import base64
import email.parser
import email.policy
import hashlib
import hmac
import json
import re

import pytest

from stage import SLOW, Stage
from web import Page, Web

MODEL = "gemini-2.5-flash-image"
PICTURE = b"\x89PNG\r\n\x1a\n"
NAME = re.compile(r"\d{4}/\d\d/\d\d/[0-9a-f]{8}\.png")


def answer(what, status=200):
    return Page(json.dumps(what).encode(), "application/json", status)


class Host:
    """What all of them look at: the picture that came, or why it is not taken."""

    def __init__(self):
        self.pictures, self.refusals, self.fails = [], [], False

    def __call__(self, method, path, headers, body):
        headers = {name.lower(): value for name, value in headers.items()}
        assert "x-ours" not in headers and "x-goog-api-key" not in headers, headers
        if self.fails:
            return answer({"message": "no"}, 500)
        fault = self.look(method, path, headers, body)
        if fault:
            self.refusals.append(fault)
            return answer({"success": False, "message": fault}, 403)
        return self.reply(path)

    def form(self, headers, body, field):
        """The one part of the form; its fault, if it is none."""
        head = f"Content-Type: {headers['content-type']}\r\n\r\n".encode()
        [part] = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body).iter_parts()
        disposition = part["content-disposition"]
        assert disposition.params["name"] == field, disposition
        assert NAME.fullmatch(disposition.params["filename"]) and part.get_content_type() == "image/png", part
        self.pictures.append(part.get_payload(decode=True))


class Smms(Host):
    settings = {"UPLOAD_PROVIDER": "smms", "SMMS_SECRET_TOKEN": "marked-smms", "SMMS_API_URL": "{}/upload"}
    path, url = "/upload", "https://i.example/s.png"

    def look(self, method, path, headers, body):
        if (method, path, headers.get("authorization")) != ("POST", "/upload", "Basic marked-smms"):
            return "unauthorized"
        return self.form(headers, body, "smfile")

    def reply(self, path):
        return answer({"success": True, "code": "success", "data": {"url": self.url, "delete": "https://i.example/delete"}})


class Picgo(Host):
    settings = {"UPLOAD_PROVIDER": "picgo", "PICGO_API_KEY": "marked-picgo", "PICGO_API_URL": "{}/upload"}
    path, url = "/upload", "https://i.example/p.png"

    def look(self, method, path, headers, body):
        if (method, path) != ("POST", "/upload?key=marked-picgo"):
            return "Invalid API v1 key."
        return self.form(headers, body, "source")

    def reply(self, path):
        return answer({"status_code": 200, "success": {"code": 200}, "image": {"url": self.url}})


class Cloudflare(Host):
    settings = {"UPLOAD_PROVIDER": "cloudflare_imgbed", "CLOUDFLARE_IMGBED_URL": "{}/upload",
                "CLOUDFLARE_IMGBED_AUTH_CODE": "marked-code", "CLOUDFLARE_IMGBED_UPLOAD_FOLDER": "a b"}
    path, url = "/upload", "{}/file/c.png"

    def look(self, method, path, headers, body):
        if (method, path) != ("POST", "/upload?authCode=marked-code&uploadFolder=a%20b&uploadNameType=origin"):
            return "unauthorized"
        return self.form(headers, body, "file")

    def reply(self, path):
        return answer([{"src": "/file/c.png"}])


class Aliyun(Host):
    settings = {"UPLOAD_PROVIDER": "aliyun_oss", "OSS_ENDPOINT": "{}", "OSS_ACCESS_KEY": "marked-id", "OSS_ACCESS_KEY_SECRET": "marked-secret",
                "OSS_BUCKET_NAME": "bucket", "OSS_ENDPOINT_INNER": "inner.example", "OSS_REGION": "cn-shanghai"}
    path, url = None, "{}/bucket/"

    def look(self, method, path, headers, body):
        text = "\n".join(["PUT", "", headers["content-type"], headers["date"], "x-oss-object-acl:" + headers["x-oss-object-acl"], path])
        signature = base64.b64encode(hmac.new(b"marked-secret", text.encode(), hashlib.sha1).digest()).decode()
        if method != "PUT" or headers["authorization"] != f"OSS marked-id:{signature}":
            return "SignatureDoesNotMatch"
        assert headers["content-type"] == "image/png" and headers["x-oss-object-acl"] == "public-read"
        assert NAME.fullmatch(path.removeprefix("/bucket/")), path
        self.pictures.append(body)
        return None

    def reply(self, path):
        return Page(b"", None)


@pytest.fixture(scope="module", params=[Smms, Picgo, Cloudflare, Aliyun])
def hosted(request, tmp_path_factory):
    host = request.param()
    with Web() as web:
        web.pages = type("Pages", (), {"get": lambda self, path: host})()
        env = {name: value.replace("{}", web.url) for name, value in host.settings.items()}
        env |= {"CUSTOM_HEADERS": '{"X-Ours": "secret"}', "LOG_LEVEL": "TRACE"}
        with Stage(tmp_path_factory.mktemp("hosts"), database=False, admin=False, env=env) as stage:
            stage.host, stage.host_url = host, host.url.replace("{}", web.url)
            yield stage


@pytest.fixture
def stage(hosted):
    hosted.host.pictures.clear()
    hosted.host.refusals.clear()
    hosted.host.fails = False
    yield hosted
    assert not hosted.host.refusals


def link(text):
    [url] = re.findall(r"!\[image\]\(([^)]*)\)", text)
    return url


@pytest.mark.short
def test_a_picture_of_a_chat_is_a_link(stage):
    message = stage.chat("draw", model=MODEL).json["choices"][0]["message"]
    assert link(message["content"]).startswith(stage.host_url) and "images" not in message
    [picture] = stage.host.pictures
    assert picture.startswith(PICTURE)


@pytest.mark.parametrize("stream", [False, True])
def test_a_chat_with_a_model_that_only_draws(stage, stream):
    if stream:
        text = stage.chat_stream("draw", model="imagen-4.0-generate-001-chat").text
    else:
        text = stage.chat("draw", model="imagen-4.0-generate-001-chat").json["choices"][0]["message"]["content"]
    assert link(text).startswith(stage.host_url) and len(stage.host.pictures) == 1


def test_in_a_stream_too(stage):
    stream = stage.chat_stream("draw", model=MODEL)
    assert stream.is_whole and stream.done and stream.finish == "stop", stream
    assert link(stream.text).startswith(stage.host_url)
    assert len(stage.host.pictures) == 1


def test_each_choice_has_its_own(stage):
    choices = stage.chat("draw", model=MODEL, n=2).json["choices"]
    assert [choice["index"] for choice in choices] == [0, 1]
    assert all(link(choice["message"]["content"]).startswith(stage.host_url) for choice in choices)


def images(stage, **fields):
    body = {"model": MODEL, "prompt": "a fox"} | fields
    return stage.request("POST", "/v1/images/generations", body).json["data"]


def test_pictures_that_were_asked_for_by_address_are_addresses(stage):
    for data in images(stage, response_format="url", n=2):
        assert data["url"].startswith(stage.host_url)
    assert stage.host.pictures


def test_pictures_that_were_asked_for_as_they_are_go_nowhere(stage):
    [data] = images(stage, response_format="b64_json")
    assert base64.b64decode(data["b64_json"]).startswith(PICTURE) and not stage.host.pictures


def test_a_host_that_fails_loses_nothing(stage):
    stage.host.fails = True
    told = len(stage.log("frontend", "upload.failed"))
    message = stage.chat("draw", model=MODEL).json["choices"][0]["message"]
    assert base64.b64decode(link(message["content"]).removeprefix("data:image/png;base64,")).startswith(PICTURE)
    stream = stage.chat_stream("draw", model=MODEL)
    assert stream.is_whole and link(stream.text).startswith("data:image/png;base64,")
    [data] = images(stage, response_format="url")
    assert data["url"].startswith("data:image/png;base64,")
    assert len(stage.log("frontend", "upload.failed")) == told + 3


@pytest.mark.release_only
def test_no_secret_is_told(stage):
    stage.chat("draw", model=MODEL)
    for name in stage.names():
        assert "marked-" not in "\n".join(line["line"] for line in stage.logs[name].read()), name
    for name in ("frontend", "balancer", "recorder"):
        assert b"marked-" not in memory_of(stage.pid(name)), name
    assert b"marked-" in memory_of(stage.pid("upstream"))


def memory_of(pid):
    """What a process can write to: there its settings would be."""
    found = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, rights, *_ = line.split()
            begin, end = (int(number, 16) for number in span.split("-"))
            if rights.startswith("rw") and "[v" not in line:
                try:
                    memory.seek(begin)
                    found.append(memory.read(end - begin))
                except OSError:
                    pass
    return b"".join(found)


def test_a_host_that_is_not_there_loses_nothing(tmp_path):
    env = {"UPLOAD_PROVIDER": "smms", "SMMS_SECRET_TOKEN": "x", "SMMS_API_URL": "http://127.0.0.1:1/"}
    with Stage(tmp_path, database=False, admin=False, env=env) as stage:
        message = stage.chat("draw", model=MODEL, seconds=60 * SLOW).json["choices"][0]["message"]
        assert link(message["content"]).startswith("data:image/png;base64,")


def test_without_its_secret_there_is_no_host(tmp_path):
    with Stage(tmp_path, database=False, admin=False, env={"UPLOAD_PROVIDER": "smms", "SMMS_SECRET_TOKEN": ""}) as stage:
        message = stage.chat("draw", model=MODEL).json["choices"][0]["message"]
        assert message["images"][0]["image_url"]["url"].startswith("data:image/png;base64,")
