# SPDX-License-Identifier: Apache-2.0
"""The image and the compose file as users start them: gemini-balance's .env beside them, and docker compose up -d.

One stage for all, in the order of the tests: each leaves it running for the next.
"""
import concurrent.futures
import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from engine import BASE, ROOT, Engine, Unavailable

TOKEN = "q1q2q3q4"
SECONDS = 120
SIZE_MOST = 60 << 20  # on top of Debian's slim image, which has 75 MB
STREAMS = 50
ENV = """API_KEYS=["key-ok-1","key-ok-2"]
ALLOWED_TOKENS=["q1q2q3q4"]
AUTH_TOKEN=an-admin
MYSQL_HOST=gemini-balance-mysql
MYSQL_PORT=3306
MYSQL_USER={user}
MYSQL_PASSWORD='Woaihujun123.'
MYSQL_DATABASE=default_db
BASE_URL=http://simulator:9000/v1beta
TIME_OUT=300
PORT={port}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Stage:
    """A clone with an .env, and what compose makes of it."""

    def __init__(self, engine, folder):
        self.engine, self.folder, self.port = engine, folder, free_port()
        self.env = {"SIMULATOR_PORT": str(free_port())}
        files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
        for name in filter(None, files):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
        self.user("root")

    def user(self, name):
        (self.folder / ".env").write_text(ENV.format(user=name, port=self.port))

    def compose(self, *words):
        done = self.engine.compose(self.folder, *words, env=self.env)
        assert done.returncode == 0, done.stdout[-3000:]
        return done.stdout

    def request(self, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode() if body else None,
                                         {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})
        return urllib.request.urlopen(request, timeout=SECONDS)

    def chat(self, prompt="你好", **members):
        body = {"model": "gemini-2.5-flash", "messages": [{"role": "user", "content": prompt}], **members}
        with self.request("/v1/chat/completions", body) as reply:
            return reply.read().decode()

    def wait(self, claim, what):
        until = time.monotonic() + SECONDS
        while not claim():
            assert time.monotonic() < until, f"not within {SECONDS} s: {what}\n{self.compose('logs', '--tail', '40')}"
            time.sleep(0.2)

    def is_healthy(self):
        try:
            return json.load(self.request("/health"))["status"] == "healthy"
        except (OSError, ValueError):
            return False

    def rows(self):
        done = self.engine.docker("exec", "mysql5.7", "mariadb", "-uroot", "-pWoaihujun123.", "-N", "default_db", "-e",
                                  "select count(*) from attempts where model <> ''")
        return int(done.stdout) if done.returncode == 0 else None



@pytest.fixture(scope="module")
def engine():
    folder = Path(os.environ["BUILD_DIR"]).resolve() / "container"
    try:
        engine = Engine(folder)
    except Unavailable as reason:
        pytest.skip(f"no engine: {reason}")
    try:
        engine.base_make()
        engine.build("mysql:5.7", ROOT / "tests/container/mysql")
        yield engine
    except Unavailable as reason:
        pytest.skip(f"no image: {reason}")
    finally:
        engine.stop()


@pytest.fixture(scope="module")
def stage(engine, tmp_path_factory):
    stage = Stage(engine, tmp_path_factory.mktemp("clone"))
    try:
        engine.build("gemini-gateway", stage.folder)
        yield stage
    except Unavailable as reason:
        pytest.skip(f"no image: {reason}")
    finally:
        engine.compose(stage.folder, "--profile", "split", "down", "-v", "--timeout", "5", env=stage.env)


def test_the_image_is_small_and_not_roots(engine, stage):
    assert engine.size("gemini-gateway") - engine.size(BASE) < SIZE_MOST
    told = json.loads(engine.docker("image", "inspect", "gemini-gateway").stdout)[0]["Config"]
    assert told["User"] == "gateway"
    assert told["Healthcheck"]["Test"][0] == "CMD-SHELL"
    found = engine.docker("run", "--rm", "gemini-gateway", "sh", "-c", "id -u; command -v gcc make; ls /opt/gateway")
    assert found.stdout.split() == ["10001", "LICENSE", "build", "launch"]


def test_without_keys_or_a_database_it_says_what_is_missing(engine, stage):
    alone = engine.docker("run", "--rm", "-e", "API_KEYS=key-ok-1", "gemini-gateway")
    assert alone.returncode == 1
    assert "set MYSQL_HOST or MYSQL_SOCKET" in alone.stdout
    keyless = engine.docker("run", "--rm", "-e", "ALLOWED_TOKENS=a", "gemini-gateway")
    assert keyless.returncode == 1
    assert "API_KEYS is not set" in keyless.stdout


def test_up_with_gemini_balances_env_serves_the_guides_calls(stage):
    stage.compose("up", "-d")
    stage.wait(stage.is_healthy, "healthy")
    assert "你好" in json.loads(stage.chat())["choices"][0]["message"]["content"]
    assert stage.chat(stream=True).endswith("data: [DONE]\n\n")
    for path in ("/v1/models", "/hf/v1/models"):
        with stage.request(path) as reply:
            assert "gemini-2.5-flash" in [model["id"] for model in json.load(reply)["data"]]


def test_the_guides_commands_work_as_written(engine, stage):
    assert re.search(r"gemini-balance.*[Uu]p", stage.compose("ps"))
    assert "ready: http://" in stage.compose("logs", "gemini-balance")
    assert "event=process.started" in stage.compose("logs", "gemini-balance")  # all logs, as they are
    assert engine.docker("logs", "mysql5.7").stdout
    stage.wait(lambda: engine.docker("inspect", "--format", "{{.State.Health.Status}}", "gemini-balance").stdout.strip() == "healthy",
               "the engine's own health check")


def test_a_restart_of_mysql_loses_no_call_and_no_row(engine, stage):
    stage.wait(lambda: stage.rows() is not None, "the table")
    before = stage.rows()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        restart = pool.submit(engine.docker, "restart", "--time", "10", "mysql5.7")
        answers = 0
        while not restart.done() or answers < 20:
            answers += "chat.completion" in stage.chat()
    stage.wait(lambda: stage.rows() is not None and stage.rows() >= before + answers, f"{answers} more rows than {before}")
    assert stage.rows() == before + answers


def test_the_gateway_is_rolled_under_open_streams_and_all_end_whole(stage):
    slow = '#sim {"chunks": 20, "pace_ms": 200, "numbered": true}'
    with concurrent.futures.ThreadPoolExecutor(STREAMS) as pool:
        streams = [pool.submit(stage.chat, slow, stream=True) for _ in range(STREAMS)]
        time.sleep(1)
        stage.compose("up", "-d", "--force-recreate", "--no-deps", "gemini-balance")
        ended = [stream.result() for stream in streams]
    assert [text.endswith("data: [DONE]\n\n") and "[19]" in text for text in ended] == [True] * STREAMS
    stage.wait(stage.is_healthy, "healthy again")
    before = stage.rows()
    stage.chat()
    stage.wait(lambda: stage.rows() == before + 1, "a row of the new one, in the volume of the old one")


def test_a_container_for_each_kind_of_process_and_three_upstreams(engine, stage):
    stage.compose("--profile", "split", "down", "-v", "--timeout", "20")
    stage.user("gemini")
    stage.compose("up", "-d", "simulator")
    stage.compose("--profile", "split", "up", "-d", "--scale", "upstream=3", "frontend")
    stage.wait(stage.is_healthy, "healthy")
    names = engine.docker("ps", "--format", "{{.Names}}").stdout
    assert len(re.findall("upstream", names)) == 3 and "gemini-balance" not in names.split()
    for _ in range(6):
        stage.chat()
    stage.wait(lambda: stage.rows() == 6, "six rows, by the user whom launch/mysql_user.sh has made")


def test_an_upstreams_container_is_killed_and_calls_go_on(engine, stage):
    victim = re.search(r"\S*upstream\S*", engine.docker("ps", "--format", "{{.Names}}").stdout)[0]
    engine.docker("kill", "--signal", "KILL", victim)
    assert ["chat.completion" in stage.chat() for _ in range(10)] == [True] * 10
