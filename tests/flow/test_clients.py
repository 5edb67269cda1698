# SPDX-License-Identifier: Apache-2.0
"""Clients that people use: curl with the commands of the guide, and OpenAI's Python SDK."""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stage import BUILD, ROOT, SLOW, Stage, scripted

TOKEN = "q1q2q3q4"  # the guide's
MODEL = "gemini-1.5-flash"
VENV = ROOT / os.environ.get("VENV", BUILD / "venv")
INSTALL_SECONDS = 240


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("clients"), tokens=[TOKEN], database=False) as stage:
        yield stage


# ----------------------------------------------------------------------------------------------------------------- curl

def curl(stage, *arguments):
    """Runs curl as the guide has it, but for the port; returns (status, body)."""
    command = ["curl", "-sS", "-w", "\n%{http_code}", "--max-time", str(30 * SLOW),
               *(argument.replace("localhost:8000", f"127.0.0.1:{stage.port}") for argument in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60 * SLOW)
    assert done.returncode == 0, done.stderr
    body, status = done.stdout.rsplit("\n", 1)
    return int(status), body


def post(stage, url, body):
    return curl(stage, "-X", "POST", url, "-H", "Content-Type: application/json",
                "-H", f"Authorization: Bearer {TOKEN}", "-d", body)


@pytest.mark.short
@pytest.mark.parametrize("prefix", ["", "/openai", "/hf"])
def test_curl_lists_models(stage, prefix):
    status, body = curl(stage, "-H", f"Authorization: Bearer {TOKEN}", f"http://localhost:8000{prefix}/v1/models")
    assert status == 200 and MODEL in [model["id"] for model in json.loads(body)["data"]]


@pytest.mark.short
def test_curl_chats(stage):
    status, body = post(stage, "http://localhost:8000/v1/chat/completions", '''{
    "model": "gemini-1.5-flash",
    "messages": [
      {
        "role": "user",
        "content": "你好，请介绍一下你自己"
      }
    ],
    "max_tokens": 100,
    "temperature": 0.7
  }''')
    reply = json.loads(body)
    assert status == 200 and reply["model"] == MODEL
    assert reply["choices"][0]["message"]["content"] == "You said: 你好，请介绍一下你自己"


@pytest.mark.short
def test_curl_streams(stage):
    status, body = post(stage, "http://localhost:8000/v1/chat/completions", '''{
    "model": "gemini-1.5-flash",
    "messages": [
      {
        "role": "user",
        "content": "简单介绍一下人工智能"
      }
    ],
    "stream": true,
    "max_tokens": 150
  }''')
    events = [line.removeprefix("data: ") for line in body.splitlines() if line]
    assert status == 200 and events[-1] == "[DONE]" and all(line.startswith("data: ") for line in body.splitlines() if line)
    text = "".join(json.loads(event)["choices"][0]["delta"].get("content", "") for event in events[:-1])
    assert text == "You said: 简单介绍一下人工智能"


def test_curl_speaks_of_several_turns(stage):
    status, body = post(stage, "http://localhost:8000/v1/chat/completions", '''{
    "model": "gemini-1.5-flash",
    "messages": [
      {"role": "user", "content": "什么是机器学习？"},
      {"role": "assistant", "content": "机器学习是人工智能的一个分支..."},
      {"role": "user", "content": "能举个具体例子吗？"}
    ],
    "max_tokens": 200
  }''')
    assert status == 200 and json.loads(body)["choices"][0]["message"]["content"] == "You said: 能举个具体例子吗？"
    assert [turn["role"] for turn in json.loads(stage.sim.last()["body"])["contents"]] == ["user", "model", "user"]


def test_curl_uses_openais_prefix(stage):
    status, body = post(stage, "http://localhost:8000/openai/v1/chat/completions", '''{
    "model": "gemini-1.5-flash",
    "messages": [{"role": "user", "content": "Hello, how are you?"}],
    "max_tokens": 50
  }''')
    assert status == 200 and json.loads(body)["choices"][0]["message"]["content"] == "You said: Hello, how are you?"


def test_curl_asks_for_health(stage):
    status, body = curl(stage, "http://localhost:8000/health")
    assert status == 200 and json.loads(body)["status"] == "healthy"


def test_curl_sends_a_large_body_without_waiting(stage):
    """curl asks with Expect: 100-continue above a megabyte, and waits a second if nobody says so."""
    path = stage.state / "large.json"
    path.write_text(json.dumps(stage.chat_body("x" * 2_000_000)))
    status, time_total = curl(stage, "-o", "/dev/null", "-w", "%{time_total}\n%{http_code}", "-H", "Expect: 100-continue",
                              "-H", "Content-Type: application/json", "-H", f"Authorization: Bearer {TOKEN}",
                              "--data-binary", f"@{path}", "http://localhost:8000/v1/chat/completions")
    assert status == 200 and float(time_total) < 0.9 * SLOW


# ---------------------------------------------------------------------------------------------------------- OpenAI's SDK

@pytest.fixture(scope="module")
def python():
    """A Python that has the SDK: in a venv that is made here if make has not."""
    binary = Path(VENV) / "bin/python"

    def has_sdk():
        return binary.exists() and subprocess.run([binary, "-c", "import openai"], capture_output=True).returncode == 0
    if not has_sdk():
        subprocess.run([sys.executable, "-m", "venv", "--system-site-packages", VENV], check=True, timeout=INSTALL_SECONDS)
        done = subprocess.run([binary, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--retries", "1",
                               "--timeout", "20", "-r", Path(__file__).parent / "requirements.txt"],
                              capture_output=True, text=True, timeout=INSTALL_SECONDS)
        if not has_sdk():
            pytest.skip(f"OpenAI's SDK cannot be installed: {done.stderr.strip().splitlines()[-1:]}")
    return binary


def run_sdk(stage, python, code, base="/openai/v1"):
    """Runs the guide's program with `code` behind it, which prints JSON."""
    program = f'''
import json
from openai import OpenAI
import openai
client = OpenAI(api_key="{TOKEN}", base_url="http://127.0.0.1:{stage.port}{base}", max_retries=0, timeout={30 * SLOW})
{code}
'''
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, timeout=90 * SLOW, env=env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("base", ["/v1", "/openai/v1", "/hf/v1"])
def test_the_sdk_chats_and_lists_models(stage, python, base):
    said, models = run_sdk(stage, python, f'''
response = client.chat.completions.create(
    model="{MODEL}",
    messages=[
        {{"role": "user", "content": "Hello, world!"}}
    ]
)
print(json.dumps([response.choices[0].message.content, [model.id for model in client.models.list()]]))
''', base)
    assert said == "You said: Hello, world!" and MODEL in models


def test_the_sdk_streams_with_usage_and_reasoning(stage, python):
    prompt = scripted(chunks=20, chunk_bytes=10, numbered=True, thoughts=2)
    text, reasoning, usage, finish = run_sdk(stage, python, f'''
text = reasoning = ""
usage = finish = None
for chunk in client.chat.completions.create(model="gemini-2.5-flash", stream=True, stream_options={{"include_usage": True}},
                                            messages=[{{"role": "user", "content": {prompt!r}}}]):
    if chunk.usage:
        usage = chunk.usage.model_dump()
    for choice in chunk.choices:
        text += choice.delta.content or ""
        reasoning += getattr(choice.delta, "reasoning_content", None) or ""
        finish = choice.finish_reason or finish
print(json.dumps([text, reasoning, usage, finish]))
''')
    assert [text[i * 10:i * 10 + 3] for i in range(10)] == [f"[{i}]" for i in range(10)] and len(text) == 200
    assert reasoning.startswith("Thinking about it") and finish == "stop"
    assert usage["completion_tokens"] == 50 + 20 and usage["completion_tokens_details"]["reasoning_tokens"] == 20


def test_the_sdk_raises_its_own_errors(stage, python):
    stage.sim.reset()
    names = run_sdk(stage, python, f'''
def name_of(**rest):
    try:
        (rest.pop("client", None) or client).chat.completions.create(**({{"model": "{MODEL}", "messages":
            [{{"role": "user", "content": "hello"}}]}} | rest))
    except openai.OpenAIError as error:
        return type(error).__name__
stranger = OpenAI(api_key="stranger", base_url=client.base_url, max_retries=0)
print(json.dumps([name_of(client=stranger), name_of(model="no/such model"), name_of(messages=[]), name_of(n=0)]))
''')
    assert names == ["AuthenticationError", "NotFoundError", "BadRequestError", "BadRequestError"]
    assert stage.sim.total() == 0


def test_the_sdk_notices_a_stream_that_broke(stage, python):
    prompt = scripted(chunks=20, chunk_bytes=10, numbered=True, pace_ms=20, cut_after_events=5)
    count, name = run_sdk(stage, python, f'''
count, name = 0, None
try:
    for chunk in client.chat.completions.create(model="{MODEL}", stream=True,
                                                messages=[{{"role": "user", "content": {prompt!r}}}]):
        count += bool(chunk.choices and chunk.choices[0].delta.content)
except openai.APIError as error:
    name = type(error).__name__
print(json.dumps([count, name]))
''')
    assert (count, name) == (5, "APIError")
