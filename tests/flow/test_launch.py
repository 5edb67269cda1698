# SPDX-License-Identifier: Apache-2.0
"""The launch contract: what launch/run.sh promises to people, containers and tests."""
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from stage import BUILD, ROOT, http, http_socket

pytestmark = pytest.mark.release_only  # what it tests is a script
SECONDS = 60


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Copy:
    """One run of launch/run.sh, with its output as far as it was read."""

    def __init__(self, state, port=None, **env):
        self.state, self.port = Path(state), port or free_port()
        base = {name: os.environ[name] for name in ("PATH", "HOME", "USER") if name in os.environ}
        self.folder = self.state.parent
        self.popen = subprocess.Popen(
            [ROOT / "launch/run.sh"], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
            # A shell cannot trap what was ignored before it began, as SIGINT is where tests run in the background.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            env=base | {"LAUNCH_AS_IS": "1", "BUILD": str(BUILD), "STATE_DIR": str(self.state),
                        "PORT": str(self.port), "HOST": "127.0.0.1"} | env)
        self.lines = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.popen.poll() is None:
            self.popen.kill()
        # The kernel tells runsvdir when its script has died; its services are then stopped.
        deadline = time.monotonic() + SECONDS
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.1)
        self.popen.stdout.close()
        assert not self.processes()

    def ready(self):
        """Reads up to the ready line; True if it came."""
        for line in self.popen.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith("ready: "):
                return True
        self.popen.wait(SECONDS)
        return False

    def end(self, *signals):
        """Sends the signals half a second apart, reads the rest, returns the exit status."""
        for number in signals:
            self.popen.send_signal(number)
            time.sleep(0.5)
        self.lines += self.popen.stdout.read().splitlines()
        return self.popen.wait(SECONDS)

    def processes(self):
        """Command lines of living processes that have this copy's folder in them or in their environment."""
        found = []
        mark = str(self.state).encode()
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                command = (entry / "cmdline").read_bytes()
                if command and int(entry.name) != os.getpid() and (
                        mark in command or mark in (entry / "environ").read_bytes()):
                    found.append(command.replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                pass
        return found

    def chat(self, token="q1q2q3q4", text="hello"):
        body = json.dumps({"model": "gemini-2.5-flash", "messages": [{"role": "user", "content": text}]})
        return http(self.port, "POST", "/v1/chat/completions", body=body.encode(), seconds=20,
                    headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"})


@pytest.fixture
def folder(tmp_path_factory):
    """Short, because Unix sockets live in it; with a space and an ampersand, which are allowed in a path."""
    import tempfile
    with tempfile.TemporaryDirectory(prefix="gw & ", dir="/tmp") as path:
        yield Path(path)


@pytest.mark.short
def test_a_newcomer_gets_an_answer_and_ctrl_c_leaves_nothing_running(folder):
    with Copy(folder / "var") as copy:
        assert copy.ready(), copy.lines
        assert [line for line in copy.lines if line.startswith("ready")] == [f"ready: http://127.0.0.1:{copy.port}"]
        assert any("simulator" in line for line in copy.lines) and any("q1q2q3q4" in line for line in copy.lines)
        answer = copy.chat()
        assert answer.status == 200, answer
        assert copy.chat(token="wrong").status == 401
        assert copy.end(signal.SIGINT) == 0
        assert copy.processes() == []
        assert oct((folder / "var/run").stat().st_mode & 0o777) == "0o700"
        logs = {path.parent.name for path in (folder / "var/log").glob("*/current")}
        assert {"frontend-0", "balancer-0", "upstream-0", "recorder", "recorder-store", "recorder-query", "recorder-keeper", "admin", "mariadb"} <= logs


def test_it_keeps_running_in_the_background_where_signals_are_ignored(folder):
    """As under `nohup make run &` in a script: make ignores SIGINT and SIGHUP there, which is no order to stop."""
    env = {name: os.environ[name] for name in ("PATH", "HOME", "USER") if name in os.environ} | {
        "LAUNCH_AS_IS": "1", "BUILD": str(BUILD), "STATE_DIR": str(folder / "var"), "PORT": str(free_port()), "HOST": "127.0.0.1"}
    with open(folder / "said", "wb") as said:
        make = subprocess.Popen(["bash", "-c", "trap \"\" INT QUIT HUP; exec make run"], cwd=ROOT, env=env, stdout=said,
                                stderr=subprocess.STDOUT, start_new_session=True)
    try:
        until = time.monotonic() + SECONDS
        while "ready: " not in (folder / "said").read_text() and make.poll() is None and time.monotonic() < until:
            time.sleep(0.1)
        time.sleep(2.5)  # two looks at what make does with signals
        assert make.poll() is None and "stopping" not in (folder / "said").read_text()
        assert http(int(env["PORT"]), "GET", "/health").status == 200
    finally:
        make.send_signal(signal.SIGTERM)
        make.wait(SECONDS)
    assert "stopping: " in (folder / "said").read_text()


def test_the_environment_beats_the_env_file_and_a_secret_is_in_no_file(folder):
    (folder / ".env").write_text(f"ALLOWED_TOKENS=['wrong']\nAPI_KEYS=env-file-secret-ok-1\nFRONTENDS=2\n")
    with Copy(folder / "var", ALLOWED_TOKENS="marked-token", API_KEYS="marked-key-ok-1",
              BASE_URL="http://127.0.0.1:9/v1beta", MAX_RETRIES="1") as copy:
        assert copy.ready(), copy.lines
        assert not any("simulator" in line for line in copy.lines)
        assert copy.chat(token="marked-token").status == 502
        assert copy.end(signal.SIGTERM) == 0
        assert (folder / "var/log/frontend-1/current").exists()
        for path in (folder / "var").rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                assert b"marked-" not in content and b"env-file-secret" not in content, path


def test_two_copies_run_side_by_side_and_do_not_take_each_others_place(folder):
    with Copy(folder / "a") as a:
        assert a.ready(), a.lines
        with Copy(folder / "b", port=a.port) as same_port:
            assert not same_port.ready() and same_port.popen.returncode == 1
            assert f"PORT={a.port} is in use" in same_port.lines[-1]
        with Copy(folder / "a") as same_folder:
            assert not same_folder.ready() and same_folder.popen.returncode == 1
            assert "in use by another copy" in same_folder.lines[-1]
            same_folder.processes = lambda: []  # its folder is a's
        with Copy(folder / "b") as b:
            assert b.ready(), b.lines
            assert a.chat().status == b.chat().status == 200
            assert b.end(signal.SIGTERM) == 0
        assert a.chat().status == 200
        assert a.end(signal.SIGTERM) == 0


def test_a_killed_script_leaves_nothing_running_and_the_next_start_works(folder):
    with Copy(folder / "var") as first:
        assert first.ready(), first.lines
        while b"ready for connections" not in (folder / "var/log/mariadb/current").read_bytes():
            time.sleep(0.01)  # told to stop before that, MariaDB hangs, and the next start waits until it may be killed
        first.popen.kill()
        with Copy(folder / "var", port=first.port) as second:
            assert second.ready(), second.lines
            assert second.chat().status == 200
            assert second.end(signal.SIGTERM, signal.SIGTERM) == 0
            assert second.processes() == []


@pytest.mark.parametrize("env, told", [
    ({"PORT": "many"}, "PORT=many"),
    ({"STATE_DIR": "/tmp/" + "x" * 90}, "choose a shorter path"),
    ({"STATE_DIR": "/proc/nothing"}, "STATE_DIR=/proc/nothing"),
    ({"TIME_OUT": "soon"}, "TIME_OUT=soon"),
    ({"ALLOWED_TOKENS": "clients-have-it"}, "put your keys into .env"),
    ({"AUTH_TOKEN": "mine"}, "put your keys into .env"),
    ({"BASE_URL": "http://127.0.0.1:9/v1beta"}, "put your keys into .env"),
])
def test_a_wrong_setting_stops_the_start_and_is_named(folder, env, told):
    with Copy(folder / "var", **env) as copy:
        assert not copy.ready()
        assert copy.popen.returncode == 1
        assert told in "\n".join(copy.lines)


def test_a_process_that_ends_before_ready_ends_the_start_with_its_reason(folder):
    """Its balancer cannot listen where it was told to."""
    (folder / "var/run").mkdir(parents=True)
    with Copy(folder / "var", BALANCER_ENDPOINTS="ipc:///nowhere/balancer") as copy:
        assert not copy.ready()
        assert copy.popen.returncode == 1
        told = [line for line in copy.lines if line.startswith("not ready: balancer-0 has ended: ")]
        assert len(told) == 1 and "/nowhere/balancer" in told[0], copy.lines


@pytest.mark.parametrize("name, told", [("x" * 80, "longer than the 73 bytes"), ("file/var", "is no folder")])
def test_a_state_dir_that_cannot_be_is_said_and_leaves_nothing(folder, name, told):
    (folder / "file").touch()
    with Copy(folder / "var", STATE_DIR=str(folder / name)) as copy:
        copy.popen.wait(SECONDS)
        assert not copy.ready() and copy.popen.returncode == 1
        assert len(copy.lines) == 1 and told in copy.lines[0], copy.lines
    assert [path.name for path in folder.iterdir()] == ["file"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")
def test_a_state_dir_of_another_user_is_said(folder):
    folder.chmod(0o755)
    (folder / "var").mkdir()
    run = subprocess.run(["setpriv", "--reuid=nobody", "--clear-groups", ROOT / "launch/run.sh"], cwd=folder, text=True,
                         capture_output=True, timeout=SECONDS,
                         env={"PATH": os.environ["PATH"], "LAUNCH_AS_IS": "1", "BUILD": str(BUILD), "STATE_DIR": str(folder / "var")})
    assert run.returncode == 1 and "belongs to root, and this is nobody" in run.stderr
    assert list((folder / "var").iterdir()) == []


def can_connect(address, port):
    with socket.socket() as s:
        return s.connect_ex((address, port)) == 0


@pytest.mark.parametrize("host, is_open", [("", False), ("0.0.0.0", True)])
def test_the_demo_listens_on_loopback_unless_host_is_set(folder, host, is_open):
    with Copy(folder / "var", HOST=host) as copy:
        assert copy.ready(), copy.lines
        assert can_connect("127.0.0.1", copy.port)
        assert can_connect("127.0.0.2", copy.port) == is_open  # another address, which 0.0.0.0 has as well
        copy.end(signal.SIGINT)


def frontend_calls(state):
    """By the last heartbeats; None before there are any."""
    status = http_socket(state / "run/admin", "GET", "/api/status").json["balancers"][0]["status"]
    calls = [peer["calls"] for peer in status["peers"] if peer["role"] == "frontend"] if status else []
    return sum(calls) if calls else None


@pytest.mark.parametrize("count, told", [(0, "no call is open"), (1, "1 call is still open; waiting up to 1 s"),
                                         (3, "3 calls are still open; waiting up to 1 s")])
def test_ctrl_c_says_what_it_waits_for(folder, count, told):
    with socket.create_server(("127.0.0.1", 0)) as provider:  # takes connections and never answers
        env = {"API_KEYS": "ka,kb,kc", "ALLOWED_TOKENS": "t", "DRAIN": "1",
               "BASE_URL": f"http://127.0.0.1:{provider.getsockname()[1]}/v1beta"}
        with Copy(folder / "var", **env) as copy:
            assert copy.ready(), copy.lines
            body = json.dumps({"model": "gemini-2.5-flash", "messages": [{"role": "user", "content": "x"}]})
            clients = [socket.create_connection(("127.0.0.1", copy.port)) for _ in range(count)]
            for client in clients:
                client.sendall(f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer t\r\n"
                               f"content-length: {len(body)}\r\n\r\n{body}".encode())
            until = time.monotonic() + SECONDS
            while frontend_calls(folder / "var") != count and time.monotonic() < until:
                time.sleep(0.1)
            copy.end(signal.SIGINT)
            for client in clients:
                client.close()
            assert any(line.startswith(f"stopping: {told}; Ctrl-C") for line in copy.lines), copy.lines


def test_settings_without_effect_are_said_in_groups_and_unknown_ones_with_the_nearest(folder):
    (folder / ".env").write_text("TIMEZONE=b\nMAX_FAILURES=3\nMAX_RETRY=2\n")
    with Copy(folder / "var", LAUNCH_PATIENCE="0") as copy:
        copy.ready()
        said = [line for line in copy.lines if line.startswith(("settings of", "warning: "))]
        assert len(said) == 3, copy.lines
        assert "MAX_RETRY: there is no such setting; the nearest is MAX_RETRIES (from .env, line 3)" in said[0]
        assert [line.rsplit(": ", 1)[1] for line in said[1:]] == ["TIMEZONE", "MAX_FAILURES"]


@pytest.mark.parametrize("line", ["API_KEY=k1", 'ALOWED_TOKENS=["a"]'])
def test_a_mistyped_key_does_not_end_in_the_simulator(folder, line):
    (folder / ".env").write_text(line + "\n")
    with Copy(folder / "var") as copy:
        assert not copy.ready()
        assert copy.popen.returncode == 1
        assert len(copy.lines) == 1 and "there is no such setting; the nearest is A" in copy.lines[0]


def test_a_damaged_private_database_is_said_in_one_line(folder):
    database = folder / "var/db"
    (database / "mysql").mkdir(parents=True)
    (database / "ibdata1").write_bytes(b"damaged" * 1000)
    with Copy(folder / "var") as copy:
        copy.ready()
        for line in copy.popen.stdout:
            copy.lines.append(line.rstrip("\n"))
            if "To go on:" in line:
                break
        told = [line for line in copy.lines if "are damaged" in line]
        assert len(told) == 1 and f"move {database} away" in told[0], copy.lines
        assert copy.chat().status == 200
        copy.end(signal.SIGINT, signal.SIGINT)


@pytest.fixture
def provider():
    """A simulator's address."""
    process = subprocess.Popen([BUILD / "bin/gemini-simulator", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    yield process.stdout.readline().split()[1] + "/v1beta"
    process.terminate()
    process.wait(SECONDS)
    process.stdout.close()


GOOD, INVALID = "key-ok-AIza-0000good", "key-invalid-AIza-1111iiii"


@pytest.mark.parametrize("keys, want", [
    ((GOOD,), ["keys: 1 of 1 answer"]),
    ((GOOD, INVALID), ["keys: 1 of 2 answer", "  …iiii: key_invalid (API key not valid."]),
    ((INVALID,), ["keys: none of 1 answers, so no call can be served: …iiii: key_invalid (API key not valid.",
                  "  …iiii: key_invalid (API key not valid."])])
def test_which_keys_answer_is_said_at_the_start(folder, provider, keys, want):
    with Copy(folder / "var", API_KEYS=",".join(keys), ALLOWED_TOKENS="t", BASE_URL=provider, LAUNCH_PATIENCE="8") as copy:
        for line in copy.popen.stdout:
            copy.lines.append(line.rstrip("\n"))
            if copy.lines[-1].startswith(want[-1]):
                break
        said = [line for line in copy.lines if line.startswith(("keys: ", "  …"))]
        assert len(said) == len(want) and all(line.startswith(start) for line, start in zip(said, want)), copy.lines
        assert copy.end(signal.SIGINT) == 0
