# SPDX-License-Identifier: Apache-2.0
"""curl with the commands of the guide, as they stand there but for the port; the guide's routes that are not there yet."""
import json
import subprocess

import pytest

from clients import MODEL, TOKEN, guide, run, stage  # noqa: F401
from stage import SLOW


def commands(stage, title):
    """The guide's commands of this title, one by one."""
    found = []
    for line in guide(stage, title).splitlines():
        if line.startswith("curl "):
            found.append([])
        if found and not line.startswith("#"):
            found[-1].append(line)
    return ["\n".join(lines) for lines in found]


def shell(stage, command):
    """Runs a command of the guide; returns (status, content type, body)."""
    command = command.replace("curl ", f"curl -sS --max-time {30 * SLOW} -w '\\n%{{http_code}} %{{content_type}}' ", 1)
    body, last = run(stage, ["bash", "-c", command]).rsplit("\n", 1)
    status, content_type = last.split(" ", 1)
    return int(status), content_type, body


def said(stage, title):
    status, _, body = shell(stage, commands(stage, title)[0])
    reply = json.loads(body)
    assert status == 200 and reply["model"] == MODEL and reply["usage"]["total_tokens"] > 0, body
    assert reply["choices"][0]["finish_reason"] == "stop"
    return reply["choices"][0]["message"]["content"]


@pytest.mark.short
@pytest.mark.parametrize("title", ["curl: models", "curl: models, Hugging Face's prefix"])
def test_curl_lists_models(stage, title):
    status, _, body = shell(stage, commands(stage, title)[0])
    listed = json.loads(body)
    assert status == 200 and listed["object"] == "list"
    [model] = [model for model in listed["data"] if model["id"] == MODEL]
    assert model["object"] == "model" and model["owned_by"] == "google" and model["created"] > 1_500_000_000


def test_curl_lists_googles_own(stage):
    status, _, body = shell(stage, commands(stage, "curl: models, OpenAI's prefix")[0])
    assert status == 200 and f"models/{MODEL}" in [model["id"] for model in json.loads(body)["data"]]


@pytest.mark.short
def test_curl_chats(stage):
    assert said(stage, "curl: chat") == "You said: 你好，请介绍一下你自己"
    config = json.loads(stage.sim.last()["body"])["generationConfig"]
    assert (config["maxOutputTokens"], config["temperature"]) == (100, 0.7)


@pytest.mark.short
def test_curl_streams(stage):
    status, content_type, body = shell(stage, commands(stage, "curl: stream")[0])
    lines = [line for line in body.splitlines() if line]
    assert status == 200 and content_type.startswith("text/event-stream") and lines[-1] == "data: [DONE]"
    assert all(line.startswith("data: ") for line in lines)
    events = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    text = "".join(choice["delta"].get("content") or "" for event in events for choice in event["choices"])
    assert text == "You said: 简单介绍一下人工智能"


def test_curl_speaks_of_several_turns(stage):
    assert said(stage, "curl: several turns") == "You said: 能举个具体例子吗？"
    assert [turn["role"] for turn in json.loads(stage.sim.last()["body"])["contents"]] == ["user", "model", "user"]


def test_curl_uses_openais_prefix(stage):
    assert said(stage, "curl: chat, OpenAI's prefix") == "You said: Hello, how are you?"


def test_curl_asks_for_health(stage):
    status, _, body = shell(stage, commands(stage, "curl: health and stats")[0])
    assert status == 200 and json.loads(body)["status"] == "healthy"


def test_curl_asks_for_a_vector_of_a_model_that_is_gone(stage):
    status, _, body = shell(stage, commands(stage, "curl: embeddings")[0])
    reply = json.loads(body)
    assert status == 200 and reply["model"] == "text-embedding-004" and len(reply["data"][0]["embedding"]) == 768, body


def test_curl_asks_for_statistics(stage):
    """With the guide's token as the administrator's."""
    stage.wait("the ledger answers", lambda: shell(stage, commands(stage, "curl: health and stats")[1])[0] == 200)
    periods = json.loads(shell(stage, commands(stage, "curl: health and stats")[1])[2])["periods"]
    assert sorted(periods) == ["1h", "1m", "24h", "month"] and set(periods["1h"]) >= {"calls", "successes", "failures", "tokens"}


@pytest.mark.parametrize("title", ["curl: models", "curl: chat", "curl: stream"])
def test_curl_with_a_wrong_token_is_told_so(stage, title):
    status, _, body = shell(stage, commands(stage, title)[0].replace(TOKEN, "not-the-token"))
    assert status == 401 and json.loads(body)["error"]["code"] == "invalid_api_key", body


def test_curl_sends_a_large_body_without_waiting(stage):
    """curl asks with Expect: 100-continue above a megabyte, and waits a second if nobody says so: it is told to wait far
    longer here, so that waiting shows."""
    path = stage.state / "large.json"
    path.write_text(json.dumps(stage.chat_body("x" * 2_000_000)))
    done = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--expect100-timeout", "600", "--max-time",
                           str(60 * SLOW), "-H", "Expect: 100-continue", "-H", "Content-Type: application/json", "-H",
                           f"Authorization: Bearer {TOKEN}", "--data-binary", f"@{path}",
                           f"http://127.0.0.1:{stage.port}/v1/chat/completions"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "200"), done.stderr
