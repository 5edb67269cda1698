# SPDX-License-Identifier: Apache-2.0
"""Starts the real processes in a temporary folder: simulator, recorder and its store, balancer, upstreams, admin,
frontends, and a database. A test reads like a script: start, send, expect, kill, expect.

    with Stage(tmp_path, upstreams=2) as stage:
        assert stage.chat("hello").json["choices"][0]["message"]["content"]
        stage.kill("upstream-0")

What must stay true: every wait has a deadline and says what it waited for; nothing is killed but what was started here;
a process that dies without having been told to, or a sanitizer's report, fails the test that it happened in.
"""
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import database as databases
from client import Raw, Reader, Stream, Streams, http, http_socket  # tests take them from here
from simulator import Simulator, scripted

__all__ = ["Stage", "Raw", "Reader", "Stream", "Streams", "scripted", "SLOW", "BUILD", "IS_SANITIZED", "TOKEN"]

ROOT = Path(__file__).resolve().parents[2]
BUILD = (ROOT / os.environ.get("BUILD_DIR", "build")).resolve()
IS_SANITIZED = "asan" in BUILD.name
SLOW = float(os.environ.get("FLOW_SLOW", 3 if IS_SANITIZED else 1))  # deadlines are this much longer
TOKEN = "test-token-1"
MODEL = "gemini-2.5-flash"
CHAT = "/v1/chat/completions"
TAIL_LINES = 25
PAIR = re.compile(r'([\w.]+)=("(?:[^"\\]|\\.)*"|\S*)')
REPORT = re.compile(r"AddressSanitizer|UndefinedBehaviorSanitizer|LeakSanitizer|runtime error:|Assertion `.*' failed")
SIGUSR1_BIT = 1 << (signal.SIGUSR1 - 1)


def parse(line):
    """A logfmt line as a dict. Numbers stay texts; the line itself is under "line"."""
    found = {"line": line}
    for name, value in PAIR.findall(line):
        found[name] = json.loads(value, strict=False) if value.startswith('"') else value
    return found


class Log:
    """A log file, read as far as it has been written."""

    def __init__(self, path):
        self.path = path
        self.at = 0
        self.rest = b""
        self.lines = []

    def read(self):
        if self.path.exists():
            with self.path.open("rb") as file:
                file.seek(self.at)
                new = file.read()
            self.at += len(new)
            *whole, self.rest = (self.rest + new).split(b"\n")
            self.lines += [parse(line.decode(errors="replace")) for line in whole]
        return self.lines

    def tail(self, count=TAIL_LINES):
        return "\n".join(line["line"][:400] for line in self.read()[-count:])


class Proc:
    """One started process."""

    def __init__(self, name, command, log, env, folder):
        self.name = name
        self.command = command
        self.log = log
        self.env = env
        self.log_begin = len(log.read())
        self.signals = set()   # that it may die of
        self.may_fail = False  # it may end with a status other than 0
        self.is_stopped = False
        with log.path.open("ab") as file:
            self.popen = subprocess.Popen(command, cwd=folder, env=env, stdin=subprocess.DEVNULL,
                                          stdout=subprocess.PIPE if name == "simulator" else file, stderr=file)
        self.pid = self.popen.pid

    @property
    def is_alive(self):
        return self.popen.poll() is None

    def send(self, number):
        if self.is_alive:
            self.popen.send_signal(number)

    def complaint(self):
        """What is wrong with how it ended, or None."""
        status = self.popen.poll()
        if status is None or status == 0 or (status > 0 and self.may_fail) or (status < 0 and -status in self.signals):
            return None
        how = f"died of {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        return f"{self.name} (pid {self.pid}) {how}, which nobody asked for"


class Stage:
    """`keys` are the provider's (their texts say how they behave), `env` is added to the settings of all processes.
    `database`: True for the session's server, "own" for one of its own (stage.database.stop(), .pause(), …), False for
    none and no store process. `keeper`: the process that settings are changed by. `simulator`: more arguments for it; `tls`: the ssl.SSLContext to ask it with, if it speaks
    TLS. Not started if start=False: then start_all(), or start(name) one by one."""

    live = []

    def __init__(self, folder=None, frontends=1, upstreams=1, keys=("key-ok-1", "key-ok-2", "key-ok-3"), tokens=(TOKEN,),
                 env=None, recorder=True, database=True, keeper=False, admin=True, start=True, ready=True, simulator=(), tls=None):
        self.state = Path(tempfile.mkdtemp(prefix="gw-", dir="/tmp"))
        self.logs_folder = Path(folder) / "logs" if folder else self.state / "logs"
        self.logs_folder.mkdir(parents=True, exist_ok=True)
        self.upstreams, self.frontends = upstreams, frontends
        self.has_recorder, self.has_admin, self.has_store = recorder, admin, recorder and database
        self.has_keeper = keeper
        self.starts, self.waits_ready = start, ready
        self.database = {"own": databases.Database, True: databases.shared}.get(database, lambda: None)()
        self.owns_database = database == "own"
        self.database_name = self.state.name.replace("-", "_")
        self.reserved = socket.socket()  # holds the port while no frontend listens; itself it never does
        self.reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.reserved.bind(("127.0.0.1", 0))
        self.port = self.reserved.getsockname()[1]
        self.sim, self.simulator_args, self.tls = None, list(simulator), tls
        self.logs, self.procs, self.every_proc = {}, {}, []
        self.has_failed = False
        self.settings = {
            "PORT": self.port, "HOST": "127.0.0.1", "STATE_DIR": self.state, "API_KEYS": json.dumps(list(keys)),
            "ALLOWED_TOKENS": json.dumps(list(tokens)), "FRONTENDS": max(frontends, 1), "UPSTREAMS": max(upstreams, 1),
            "DRAIN": "2" if recorder else "200ms",  # without one an upstream waits in vain for its records to be taken
            "KEY_CHECK": "false",  # tests count the provider's requests
            "MYSQL_USER": "root", "MYSQL_PASSWORD": "", "MYSQL_DATABASE": self.database_name,
            "MYSQL_SOCKET": self.database.socket if self.database else self.state / "none",
        } | (env or {})

    # ------------------------------------------------------------------------------------------------- start and end

    def __enter__(self):
        Stage.live.append(self)
        try:
            if self.starts:
                self.start_all()
        except BaseException:
            self.close(failed=True)
            raise
        return self

    def __exit__(self, kind, *_):
        self.close(failed=kind is not None)

    def names(self, role=None):
        """The processes of this stage, in the order of their start; of one role, if given."""
        names = ["simulator"] + ["recorder"] * self.has_recorder + ["store", "query"] * bool(self.has_store)
        names += ["keeper"] * self.has_keeper + ["balancer"]
        names += [f"upstream-{i}" for i in range(self.upstreams)] + ["admin"] * self.has_admin
        names += [f"frontend-{i}" for i in range(self.frontends)]
        return [name for name in names if role is None or name.split("-")[0] == role]

    def start_all(self):
        for name in self.names():
            if name not in self.procs:
                self.start(name)
        if self.waits_ready:
            self.wait_ready()

    def name(self, name):
        """"upstream" is short for "upstream-0"."""
        return name if name in self.procs or f"{name}-0" not in self.names() else f"{name}-0"

    def _command(self, name):
        role = name.split("-")[0]
        if role == "simulator":
            return [BUILD / "bin/gemini-simulator", f"--port={self.sim.port if self.sim else 0}", *self.simulator_args]
        return [BUILD / "bin/recorder", role] if role in ("store", "query", "keeper") else [BUILD / "bin" / role]

    def _env(self, extra, role=None):
        env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        env |= {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
        if IS_SANITIZED and "ASAN_OPTIONS" not in env:
            common = f"halt_on_error=1:log_path={self.state}/report:log_exe_name=1"
            env |= {"ASAN_OPTIONS": common + ":detect_stack_use_after_return=1", "UBSAN_OPTIONS": common,
                    "LSAN_OPTIONS": f"suppressions={ROOT}/tests/lsan.supp:print_suppressions=0"}
        if role in ("frontend", "upstream"):
            env["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1"  # as launch/run.sh does
        if self.sim:
            env["BASE_URL"] = f"{self.sim.url}/v1beta"
            env["VERTEX_EXPRESS_BASE_URL"] = f"{self.sim.url}/v1beta1/publishers/google"
        return env | {name: str(value) for name, value in (self.settings | extra).items()}

    def start(self, name, kill_at=None, env=None, args=(), prefix=(), may_fail=False):
        """Starts a process (again). The part of its name before a dash is its program: "balancer-b" is a balancer."""
        name = self.name(name)
        assert name not in self.procs or not self.procs[name].is_alive, f"{name} runs already"
        log = self.logs.setdefault(name, Log(self.logs_folder / f"{name}.log"))
        proc = Proc(name, [*prefix, *self._command(name), *args], log,
                    self._env((env or {}) | ({"KILL_AT": kill_at} if kill_at else {}), name.split("-")[0]), self.state)
        proc.may_fail = may_fail
        if kill_at:
            proc.signals.add(signal.SIGKILL)
        self.procs[name] = proc
        self.every_proc.append(proc)
        if name == "simulator":
            self._simulator_ready(proc)
        return proc

    def _simulator_ready(self, proc):
        ready, _, _ = select.select([proc.popen.stdout], [], [], 10 * SLOW)
        line = proc.popen.stdout.readline().decode() if ready else ""
        assert line.startswith("simulator: http"), f"the simulator said {line!r}\n{proc.log.tail()}"
        self.sim = Simulator(line.split()[1], self.tls)

    def proc(self, name):
        return self.procs[self.name(name)]

    def pid(self, name):
        return self.proc(name).pid

    def is_alive(self, name):
        return self.proc(name).is_alive

    def kill(self, name, sig=signal.SIGKILL, wait=True):
        """Sends a signal that ends the process, and waits until it has ended."""
        proc = self.proc(name)
        assert proc.is_alive, f"{name} is dead already"
        proc.signals.add(sig)
        proc.send(sig)
        if wait:
            self.wait_dead(name)

    def restart(self, name, kill_at=None, env=None):
        """Starts it again, after a kill if it lives."""
        if self.is_alive(name):
            self.kill(name)
        return self.start(name, kill_at, env)

    def stop(self, name):
        """SIGSTOP; returns when the kernel says that it is stopped."""
        proc = self.proc(name)
        proc.is_stopped = True
        proc.send(signal.SIGSTOP)
        self.wait(f"{name} is stopped", lambda: "T" in Path(f"/proc/{proc.pid}/stat").read_text().rsplit(")", 1)[1][:3], 5)

    def cont(self, name):
        proc = self.proc(name)
        proc.send(signal.SIGCONT)
        proc.is_stopped = False

    # ---------------------------------------------------------------------------------------------------------- waits

    def wait(self, what, condition, seconds=10):
        """Until the condition gives something true, which is returned. Ends early if a process dies unasked."""
        until = time.monotonic() + seconds * SLOW
        while not (result := condition()):
            dead = [complaint for proc in self.every_proc if (complaint := proc.complaint())]
            if dead or time.monotonic() > until:
                self.has_failed = True
                raise AssertionError(f"not so after {seconds * SLOW:g} s: {what}. {' '.join(dead)}")
            time.sleep(0.01)
        return result

    def wait_dead(self, name, seconds=10):
        """Until it has ended; returns its status (negative: the signal)."""
        proc = self.proc(name)
        self.wait(f"{name} has ended", lambda: not proc.is_alive, seconds)
        return proc.popen.returncode

    def wait_ready(self, seconds=15):
        """Until /health is 200."""
        def is_ready():
            try:
                return http(self.port, "GET", "/health", seconds=2 * SLOW).status == 200
            except OSError:
                return False
        self.wait("/health is 200", is_ready, seconds)

    def log(self, name, event=None, whole=False, **fields):
        """The log lines of a process as dicts, from its last start on; of one event with these fields, if given."""
        name = self.name(name)
        lines = self.logs[name].read()[0 if whole else self.procs[name].log_begin:]
        return [line for line in lines if (event is None or line.get("event") == event) and
                all(line.get(key) == str(value) for key, value in fields.items())]

    def wait_log(self, name, event, seconds=10, after=0, **fields):
        """Until the process has logged it (again: after=len(stage.log(name, event)) taken before); returns the line."""
        found = self.wait(f"{name} logged {event} {fields}", lambda: self.log(name, event, **fields)[after:], seconds)
        return found[0]

    def dump(self, *names):
        """What the processes hold (all, or those named): their event=dump.* lines by process name."""
        asked = {}
        for name in map(self.name, names or self.names()):
            proc = self.procs.get(name)
            if proc and proc.is_alive and not proc.is_stopped and self._takes_usr1(proc):
                asked[name] = (len(self.log(name)), len(self.log(name, "dump.end")))
                proc.send(signal.SIGUSR1)
        for name, (_, ends) in asked.items():
            self.wait(f"{name} has dumped, or is dead",
                      lambda: not self.is_alive(name) or self.log(name, "dump.end")[ends:], 5)
        return {name: [line for line in self.log(name)[begin:]
                       if line.get("event", "").startswith("dump.") and line["event"] != "dump.end"]
                for name, (begin, _) in asked.items()}

    @staticmethod
    def _takes_usr1(proc):
        """Only who blocks or catches SIGUSR1 survives it."""
        status = Path(f"/proc/{proc.pid}/status").read_text()
        return any(int(mask, 16) & SIGUSR1_BIT for mask in re.findall(r"^Sig(?:Blk|Cgt):\s*(\w+)", status, re.M))

    # --------------------------------------------------------------------------------------------------------- memory

    def memory(self, name):
        """Bytes that the process takes, shared pages by their share (PSS)."""
        folder = Path(f"/proc/{self.pid(name)}")
        try:
            return int(re.search(r"^Pss:\s*(\d+)", (folder / "smaps_rollup").read_text(), re.M)[1]) * 1024
        except PermissionError:  # not root, and the process forbids looking into it
            return int(re.search(r"^VmRSS:\s*(\d+)", (folder / "status").read_text(), re.M)[1]) * 1024

    def memory_peak(self, name):
        """The most that was resident since its start."""
        return int(re.search(r"^VmHWM:\s*(\d+)", Path(f"/proc/{self.pid(name)}/status").read_text(), re.M)[1]) * 1024

    # ----------------------------------------------------------------------------------------------------------- HTTP

    def request(self, method, path, body=None, headers=None, token=TOKEN, seconds=30):
        """One request. `body`: bytes, text, or anything else as JSON. token=None: without Authorization."""
        headers = dict(headers or {})
        if token is not None:
            headers.setdefault("Authorization", f"Bearer {token}")
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        return http(self.port, method, path, body, headers, seconds * SLOW)

    def status(self):
        """/api/status as whoever starts the gateway reads it; an empty report if admin is away."""
        try:
            return http_socket(self.state / "run/admin", "GET", "/api/status", seconds=30 * SLOW).json
        except OSError:
            return {}

    @staticmethod
    def chat_body(text, stream=False, model=MODEL, **fields):
        """A chat request: `text` is the user's turn, unless `messages` are among the fields."""
        body = {"model": model, "messages": [{"role": "user", "content": text}]} | fields
        return body | ({"stream": True} if stream else {})

    def chat(self, text="hello", stream=False, path=CHAT, token=TOKEN, headers=None, seconds=30, **fields):
        """A chat call; its Answer."""
        return self.request("POST", path, self.chat_body(text, stream, **fields), headers, token, seconds)

    def prove_keys(self, count=3):
        """A call for each key: one that has never been used lets few attempts through at first."""
        for _ in range(count):
            assert self.chat("hello").status == 200

    def chat_stream(self, text="hello", path=CHAT, token=TOKEN, seconds=30, **fields):
        """A streamed chat call, read to its end; its Stream."""
        body = json.dumps(self.chat_body(text, True, **fields)).encode()
        return self.post_stream(path, body, token, seconds)

    def post_stream(self, path, body, token=TOKEN, seconds=30):
        return Streams(self.port, 1, lambda i: ("POST", path, body, self.stream_headers(token))).join(seconds * SLOW)[0]

    @staticmethod
    def stream_headers(token):
        return {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}

    def streams(self, count, text=None, reader=None, gap_ms=0, path=CHAT, token=TOKEN, stream=True, **script):
        """Begins `count` streamed chat calls at once and returns the running Streams (a context manager). What the
        simulator answers is a script, or `text`, which may be a function of the stream's number."""
        def ask(i):
            prompt = text(i) if callable(text) else text or scripted(f"stream {i}", **script)
            return "POST", path, json.dumps(self.chat_body(prompt, stream)).encode(), self.stream_headers(token)
        how = reader if callable(reader) or reader is None else lambda i: reader
        return Streams(self.port, count, ask, how, gap_ms)

    def run_streams(self, count, text=None, reader=None, seconds=60, **rest):
        """The same, waited for: what each client saw."""
        return self.streams(count, text, reader, **rest).join(seconds * SLOW)

    def raw_opens(self):
        """Whether somebody listens on the port."""
        try:
            self.raw().close()
        except OSError:
            return False
        return True

    def raw(self, seconds=15, receive_buffer=None):
        return Raw(self.port, seconds * SLOW, receive_buffer)

    # ------------------------------------------------------------------------------------------------------- database

    def query(self, sql):
        return self.database.query(sql, self.database_name)

    def rows(self, where="1"):
        """The attempts in the database, by time."""
        return self.query(f"select * from attempts where {where} order by time, sender, seq")

    def count_rows(self):
        found = self.query("select count(*) as n from attempts")
        return found[0]["n"] if found else 0

    def wait_rows(self, count, seconds=15):
        """Until there are exactly so many attempts (a moment later still), which are returned."""
        self.wait(f"{count} rows in attempts (simulator: {self.sim.total()})",
                  lambda: self.count_rows() >= count, seconds)
        rows = self.rows()
        assert len(rows) == count, f"{len(rows)} rows, not {count}: {rows[:20]}"
        return rows

    def wait_accounted(self, seconds=15):
        """Until there is a row for each request that the simulator has counted, and none twice; returns the rows."""
        rows = self.wait_rows(self.sim.total(), seconds)
        assert len({(row["sender"], row["seq"]) for row in rows}) == len(rows)
        return rows

    # ------------------------------------------------------------------------------------------------------- teardown

    def tails(self, lines=TAIL_LINES):
        """The last log lines of all processes."""
        return "\n".join(f"--- {name}: {self._state(name)}\n{log.tail(lines)}" for name, log in self.logs.items())

    def _state(self, name):
        if name not in self.procs:
            return "not started"
        status = self.procs[name].popen.poll()
        return f"pid {self.pid(name)}, " + ("alive" if status is None else f"ended with {status}")

    def complaints(self):
        """What no test wants to see: deaths that nobody asked for, sanitizers' reports, failed assertions."""
        found = [complaint for proc in self.every_proc if (complaint := proc.complaint())]
        for name, log in self.logs.items():
            found += [f"{name}: {line['line']}" for line in log.read() if REPORT.search(line["line"])]
        found += [f"sanitizer's report:\n{path.read_text(errors='replace')[:6000]}" for path in self._reports()]
        return found

    def _reports(self):
        pattern = re.search(r"log_path=([^:]+)", self._env({}).get("ASAN_OPTIONS", ""))
        if not pattern:
            return []
        pids = {str(proc.pid) for proc in self.every_proc}
        path = Path(pattern[1])
        return [found for found in path.parent.glob(path.name + "*")
                if found.name.rsplit(".", 1)[-1] in pids and found.stat().st_size]

    def _end(self, procs, seconds):
        """SIGTERM, and as last resort SIGKILL, which is a complaint."""
        late = []
        for proc in procs:
            if not any(line.get("event") == "process.started" for line in proc.log.read()[proc.log_begin:]):
                proc.signals.add(signal.SIGTERM)  # it has not come so far as to know what to do about it
            proc.send(signal.SIGCONT)
            proc.send(signal.SIGTERM)
        until = time.monotonic() + seconds * SLOW
        for proc in procs:
            while proc.is_alive and time.monotonic() < until:
                time.sleep(0.005)
            if proc.is_alive:
                late.append(f"{proc.name} did not end within {seconds * SLOW:g} s of SIGTERM")
                proc.signals.add(signal.SIGKILL)
                proc.send(signal.SIGKILL)
            proc.popen.wait()
        return late

    def close(self, failed=False):
        """Ends all processes; fails if one of them did what none may. Logs are kept if anything has failed."""
        if self not in Stage.live:
            return
        Stage.live.remove(self)
        alive = [proc for proc in self.every_proc if proc.is_alive]
        serving = [proc for proc in alive if proc.name.split("-")[0] in ("frontend", "upstream")]
        complaints = self._end(serving, 6)
        complaints += self._end([proc for proc in alive if proc not in serving and proc.name != "simulator"], 8)
        complaints += self._end([proc for proc in alive if proc.name == "simulator"], 4)
        complaints += self.complaints()
        self.reserved.close()
        for proc in self.every_proc:
            if proc.popen.stdout:
                proc.popen.stdout.close()
        if self.owns_database:
            self.database.resume()
            self.database.remove()
        elif self.database:
            self.database.query(f"drop database if exists {self.database_name}")
        if failed or complaints or self.has_failed:
            print(f"logs are kept in {self.logs_folder}\n{self.tails()}")
        if not (failed or complaints or self.has_failed) or self.logs_folder.parent != self.state:
            shutil.rmtree(self.state, ignore_errors=True)
        assert failed or not complaints, "\n".join(complaints)
        if complaints:
            print("\n".join(complaints))
