# SPDX-License-Identifier: Apache-2.0
"""The recorder: a record that was acknowledged becomes one row, whatever is killed, stopped, full or refused in between.

A fake upstream speaks RECORD as protocol.md has it: it keeps what is not acknowledged, and after each WELCOME sends it all
again from the first. Recorder, store and MariaDB are real.
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
import threading
import time
from pathlib import Path

import pytest

import database as databases
from letters import ROOT, Peer, incarnation, pack
from stage import BUILD, SLOW

BINARY = BUILD / "bin" / "recorder"
SECONDS = 20 * SLOW
SPOOL_HEADER = 24
BEGAN_MS = (int(time.time()) - 600) * 1000


def wait_for(claim, what, seconds=SECONDS):
    until = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < until, f"not within {seconds} s: {what}"
        time.sleep(0.01)


class Process:
    def __init__(self, stage, *arguments, **env):
        self.log_path = stage.folder / f"log-{len(stage.processes)}"
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([str(BINARY), *arguments], cwd=stage.folder, env={**stage.env, **env},
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        stage.processes.append(self)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def events(self, name):
        """The lines of this event, as {field: text}."""
        return [dict(re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', line)) for line in self.log().splitlines()
                if f" event={name} " in line + " "]

    def wait_event(self, name, count=1, seconds=SECONDS):
        wait_for(lambda: len(self.events(name)) >= count or self.process.poll() is not None, f"event {name}", seconds)
        assert len(self.events(name)) >= count, f"no {name}:\n{self.log()[-3000:]}"
        return self.events(name)

    def tell(self, number):
        self.process.send_signal(number)

    def end(self, number=signal.SIGTERM, seconds=SECONDS):
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(seconds)

    def cpu_s(self):
        total = 0
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def memory(self):
        """Resident KiB, from a file that whoever runs the tests may read; smaps_rollup of such a process is root's."""
        return int(re.search(r"^VmRSS:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text(), re.M)[1])


class Upstream:
    """Makes records and sends them until they are acknowledged."""

    def __init__(self, stage, sender=None, first=1):
        self.path = stage.folder / "s/run/recorder"
        self.id = incarnation()
        self.sender = sender or self.id
        self.next = first
        self.unacknowledged = {}
        self.peer = None
        self.is_welcome = False
        self.welcomes = 0
        self.fields = {}

    def make(self, count=1, **fields):
        """`count` more records, sent at once if the recorder has welcomed us."""
        for _ in range(count):
            seq, self.next = self.next, self.next + 1
            self.unacknowledged[seq] = pack("RECORD", **{
                "sender": self.sender, "seq": seq, "time_ms": BEGAN_MS + seq, "frontend": 7, "call": seq,
                "attempt": 1, "client": 8, "key_id": 2**64 - 1, "model": "gemini-2.5-flash",
                "operation": "generateContent", "stream": True, "status": 200, "fault": "none", "first_ms": 20,
                "total_ms": 30, "tokens_in": 11, "tokens_out": 12, "tokens_thoughts": 13, "tokens_cached": 14,
                "bytes_in": 15, "bytes_out": 2**40} | self.fields | fields)
        if self.is_welcome:
            self._send(range(self.next - count, self.next))

    def _send(self, seqs):
        seqs = list(seqs)
        try:
            for at in range(0, len(seqs), 50):
                self.peer.send_frame(b"".join(self.unacknowledged[seq] for seq in seqs[at:at + 50]))
        except OSError:
            self._lost()

    def _lost(self):
        if self.peer:
            self.peer.close()
        self.peer, self.is_welcome = None, False

    def _connect(self):
        try:
            self.peer = Peer(self.path, self.id)
            self.peer.send("HELLO", role="upstream", incarnation=self.id, version=1)
        except OSError:
            self._lost()
            time.sleep(0.02)

    def pump(self, seconds=0.02):
        """Takes the letters that come."""
        if not self.peer:
            self._connect()
        try:
            letters = self.peer.receive(seconds) if self.peer else []
        except OSError:
            return self._lost()
        for kind, fields in letters:
            if kind == "WHO":
                return self._lost()
            if kind == "WELCOME":
                self.is_welcome, self.welcomes = True, self.welcomes + 1
                self._send(sorted(self.unacknowledged))
            if kind == "RECORDED" and fields["sender"] == self.sender:
                assert fields["seq"] < self.next, "acknowledged what was never sent"
                for seq in [seq for seq in self.unacknowledged if seq <= fields["seq"]]:
                    del self.unacknowledged[seq]

    def settle(self, seconds=SECONDS):
        """Until all is acknowledged."""
        until = time.monotonic() + seconds
        while self.unacknowledged:
            assert time.monotonic() < until, f"{len(self.unacknowledged)} records are not acknowledged"
            self.pump()

    def close(self):
        self._lost()


class Stage:
    """A STATE_DIR of its own, a database of its own, and the processes that are started in it."""

    def __init__(self, server):
        self.folder = Path(tempfile.mkdtemp(prefix="gwrec-", dir="/tmp"))
        self.server = server
        self.database = f"rec_{os.urandom(6).hex()}"
        self.processes = []
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("MYSQL_")}
        self.env |= {"STATE_DIR": str(self.folder / "s"), "MYSQL_SOCKET": str(server.socket), "MYSQL_USER": "root",
                     "MYSQL_DATABASE": self.database}

    def recorder(self, **env):
        process = Process(self, **env)
        process.wait_event("recorder.ready")
        return process

    def store(self, **env):
        return Process(self, "store", **env)

    def query(self, sql):
        return self.server.query(sql, self.database)

    def rows(self):
        return self.query("select sender, seq from attempts order by sender, seq")

    def count(self):
        return len(self.rows())

    def check(self, *upstreams, missing=()):
        """Every record is one row: no more, no less."""
        wanted = sorted((upstream.sender, seq) for upstream in upstreams for seq in range(1, upstream.next)
                        if (upstream.sender, seq) not in missing)
        wait_for(lambda: self.count() >= len(wanted), f"{len(wanted)} rows; there are {self.count()}")
        assert [(row["sender"], row["seq"]) for row in self.rows()] == wanted
        self.check_sums()

    def check_sums(self):
        """The sums of each step are those of the rows, whatever was killed. (Those of old minutes and hours go by retention.)"""
        sums = ("count(*) as attempts, sum(attempt <= 1) as calls, sum(total_ms) as total_ms, sum(tokens_in) as tokens_in, "
                "sum(tokens_out) as tokens_out, sum(bytes_out) as bytes_out")
        for step, kept in (1, "time > utc_timestamp() - interval 1 day"), (2, "time > utc_timestamp() - interval 1 day"), (3, "true"):
            [rows] = self.query(f"select {sums} from attempts where {kept}")
            added = ", ".join(f"sum({name}) as {name}" for name in rows)
            assert self.query(f"select {added} from rollups where step = {step} and {kept} having attempts > 0") == [rows] * (rows["attempts"] > 0)
        self.check_sums_by_one_thing()

    def check_sums_by_one_thing(self):
        """The same of those by model, client and key; their calls are counted where they ended."""
        sums = "count(*) as attempts, sum(is_last) as calls, sum(tokens_in) as tokens_in, coalesce(sum(cost), 0) as cost, sum(cost is null) as unpriced"
        names = "''", "model", "lower(lpad(hex(client), 16, '0'))", "lower(lpad(hex(key_id), 16, '0'))"
        recent = "time > utc_timestamp() - interval 1 day"
        for part, name in enumerate(names):
            for step in (1, 4, 2, 3) if part < 3 else (2, 3):
                kept = "true" if step == 3 else recent
                rows = self.query(f"select {name} as name, fault, {sums} from attempts where {kept} group by 1, 2 order by 1, 2")
                added = self.query("select name, fault, sum(attempts) as attempts, sum(calls) as calls, sum(tokens_in) as tokens_in, sum(cost) as cost, "
                                   f"sum(unpriced) as unpriced from sums where part = {part} and step = {step} and {kept} group by 1, 2 "
                                   "having attempts > 0 order by 1, 2")
                assert added == rows, (part, step)
                [answers] = self.query(f"select coalesce(sum(first_ms > 0) + count(*), 0) as n from attempts where fault in ('none', 'blocked') and {kept}")
                assert part == 3 or self.query(f"select coalesce(sum(attempts), 0) as n from sum_times where part = {part} and step = {step} and {kept}") == [answers]

    def segments(self):
        return sorted(self.folder.glob("s/spool/*.spool"))

    def close(self):
        for process in self.processes:
            if process.process.poll() is None:
                process.process.send_signal(signal.SIGCONT)
                process.process.kill()
                process.process.wait()
        if self.server.process.poll() is None:
            self.server.query(f"drop database if exists {self.database}")
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture
def stage():
    at = Stage(databases.shared())
    yield at
    at.close()


@pytest.fixture
def own_stage():
    """With a server that may be stopped."""
    server = databases.Database()
    at = Stage(server)
    yield at
    server.resume()
    at.close()
    server.remove()


@pytest.fixture
def small_disk():
    """A spool folder on a disk of 256 KiB."""
    at = Stage(databases.shared())
    spool = at.folder / "s/spool"
    spool.mkdir(parents=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(spool)], capture_output=True).returncode:
        at.close()
        pytest.skip("may not mount a small tmpfs")
    at.spool = spool
    yield at
    at.close()
    subprocess.run(["umount", "-l", str(spool)], check=True)
    shutil.rmtree(at.folder, ignore_errors=True)


@pytest.mark.short
def test_a_record_becomes_a_row_with_all_its_columns(stage):
    stage.recorder()
    stage.store()
    upstream = Upstream(stage)
    upstream.make(1, time_ms=1_709_251_199_999, model="modèle-😀'\\\"\0", fault="quota_minute", gap=3, stream=False,
                  route="/v1/chat/completions", request=0xabc, asked_ms=1_709_251_199_000, read_us=1, translate_us=2, wait_us=3, pick_us=4, keys=20,
                  cooling=5, spent=6, dead=7, off=8, no_room=9, chosen_by="only", proxy="proxy:3128", connect_us=10, retry_ms=36_430,
                  quota_id="PerDay-FreeTier", quota_value=250, words="You're out of quota.", before="server empty", reply_us=999_000, last=True,
                  body=b'{"contents":"\xff caf\xc3\xa9"}' + b"x" * 20_000)
    upstream.make(1, model=b"bad\xff\xfeutf8", status=70_000, total_ms=2**63)
    upstream.make(1, model="x" * 100, time_ms=2**63)
    upstream.settle()
    stage.check(upstream)
    first, second, third = stage.query("select *, hex(model) as hex from attempts order by seq")
    assert first | {"hex": 0, "model": 0} == {
        "day": "2024-02-29", "sender": upstream.sender, "seq": 1, "time": "2024-02-29 23:59:59.999", "frontend": 7,
        "call_id": 1, "attempt": 1, "client": 8, "key_id": 2**64 - 1, "model": 0, "operation": "generateContent",
        "stream": 0, "status": 200, "fault": "quota_minute", "first_ms": 20, "total_ms": 30, "tokens_in": 11,
        "tokens_out": 12, "tokens_thoughts": 13, "tokens_cached": 14, "bytes_in": 15, "bytes_out": 2**40, "hex": 0,
        "route": "/v1/chat/completions", "request": 0xabc, "asked": "2024-02-29 23:59:59.000", "read_us": 1, "translate_us": 2, "wait_us": 3,
        "pick_us": 4, "keys_seen": 20, "keys_cooling": 5, "keys_spent": 6, "keys_dead": 7, "keys_off": 8, "keys_full": 9, "chosen_by": "only",
        "proxy": "proxy:3128", "connect_us": 10, "retry_ms": 36_430, "quota_id": "PerDay-FreeTier", "quota_value": 250,
        "words": "You're out of quota.", "earlier": "server empty", "reply_us": 999_000, "is_last": 1, "cost": "NULL"}
    [kept] = stage.query("select seq, time, length(body) as n, left(body, 20) as begin from error_bodies")
    assert (kept["seq"], kept["time"], kept["begin"]) == (1, "2024-02-29 23:59:59.999", '{"contents":"\ufffd café"') and 8000 < kept["n"] < 8200
    # what an upstream of before says ends earlier
    assert (second["route"], second["asked"], second["reply_us"], second["is_last"]) == ("", "NULL", 0, 0)
    assert bytes.fromhex(str(first["hex"])).decode() == "modèle-😀'\\\"\0"
    assert second["model"] == "bad\ufffd\ufffdutf8"
    assert (second["status"], second["total_ms"]) == (65535, 2**32 - 1)
    assert third["model"] == "x" * 64 and third["day"] == "9999-12-31"
    assert stage.query("select last_seq, gap, refused from senders") == [{"last_seq": 3, "gap": 3, "refused": 0}]


@pytest.mark.short
def test_ten_thousand_records_are_rows_in_a_moment(stage):
    intake, store = stage.recorder(), stage.store()
    store.wait_event("store.ready")
    upstreams = [Upstream(stage) for _ in range(4)]
    for upstream in upstreams:
        upstream.pump(1)
    cpu = intake.cpu_s(), store.cpu_s()
    began = time.monotonic()
    for _ in range(50):
        for upstream in upstreams:
            upstream.make(50)
            upstream.pump(0)
    for upstream in upstreams:
        upstream.settle()
    acknowledged = time.monotonic() - began
    stage.check(*upstreams)
    took = time.monotonic() - began
    cost = intake.cpu_s() - cpu[0], store.cpu_s() - cpu[1]
    print(f"\n10,000 records: acknowledged in {acknowledged:.2f} s, rows in {took:.2f} s; "
          f"CPU per record: intake {cost[0] * 100:.1f} us, store {cost[1] * 100:.1f} us; "
          f"memory: intake {intake.memory()} KiB, store {store.memory()} KiB")
    assert took < 10 * SLOW


@pytest.mark.parametrize("at", ["recv.RECORD:1", "recv.RECORD:130", "spool.written:1", "spool.written:2",
                                "post.RECORDED:1", "post.RECORDED:2", "sent.RECORDED:1", "recv.HELLO:1",
                                "post.WELCOME:1", "sent.WELCOME:1"])
def test_the_intake_is_killed_at(stage, at):
    stage.store()
    intake = stage.recorder(KILL_AT=at)
    upstreams = [Upstream(stage), Upstream(stage)]
    for turn in range(20):
        for upstream in upstreams:
            upstream.make(10)
            upstream.pump()
        if intake.process.poll() is not None:
            break
    assert intake.process.wait(SECONDS) == -signal.SIGKILL
    stage.recorder()
    for upstream in upstreams:
        upstream.make(10)
        upstream.settle()
    stage.check(*upstreams)


@pytest.mark.parametrize("at", ["store.committing:1", "store.committing:3", "store.committed:1", "store.committed:3",
                                "store.passing:1", "store.passing:2"])
def test_the_store_is_killed_at(stage, at):
    stage.recorder(SPOOL_SEGMENT="64KiB")
    upstreams = [Upstream(stage), Upstream(stage)]
    for upstream in upstreams * 8:
        upstream.make(250)
        upstream.settle()
    store = stage.store(KILL_AT=at)
    assert store.process.wait(SECONDS) == -signal.SIGKILL
    stage.store()
    upstreams[0].make(10)
    upstreams[0].settle()
    stage.check(*upstreams)


def test_both_are_killed_again_and_again(stage):
    intake, store = stage.recorder(SPOOL_SEGMENT="32KiB"), stage.store()
    upstreams = [Upstream(stage), Upstream(stage)]
    for turn in range(30):
        for upstream in upstreams:
            upstream.make(40)
            upstream.pump(0.01)
        if turn % 3 == 0:
            intake.end(signal.SIGKILL)
            intake = stage.recorder(SPOOL_SEGMENT="32KiB")
        if turn % 4 == 1:
            store.end(signal.SIGKILL)
            store = stage.store()
    for upstream in upstreams:
        upstream.settle()
    stage.check(*upstreams)


def test_stored_segments_are_deleted_and_the_senders_are_remembered(stage):
    intake = stage.recorder(SPOOL_SEGMENT="32KiB")
    stage.store()
    quiet, upstream = Upstream(stage), Upstream(stage)
    quiet.make(5)
    quiet.settle()
    for _ in range(20):
        upstream.make(100)
        upstream.settle()
    stage.check(quiet, upstream)
    wait_for(lambda: len(stage.segments()) == 1, "one segment left")
    intake.end(signal.SIGKILL)
    intake = stage.recorder(SPOOL_SEGMENT="32KiB")
    intake.tell(signal.SIGUSR1)
    assert {event["sender"]: event["written"] for event in intake.wait_event("dump.sender", 2)} == {
        f"{quiet.sender:x}": "5", f"{upstream.sender:x}": "2000"}
    for again in (quiet, upstream):
        again.make(5)
        again.settle()
    stage.check(quiet, upstream)
    assert not intake.events("sender.jumped")


def test_no_database_at_the_start(own_stage):
    own_stage.server.stop()
    intake, store = own_stage.recorder(), own_stage.store()
    upstream = Upstream(own_stage)
    upstream.make(500)
    upstream.settle()
    store.wait_event("database.away")
    time.sleep(0.5)
    assert len(store.events("database.away")) == 1, "the same trouble is told once"
    own_stage.server.start()
    own_stage.check(upstream)
    store.wait_event("database.back")
    assert intake.process.poll() is None


def test_the_database_is_stopped_and_killed_while_records_come(own_stage):
    own_stage.recorder()
    store = own_stage.store()
    upstream = Upstream(own_stage)
    for end in (own_stage.server.stop, own_stage.server.kill):
        upstream.make(300)
        upstream.settle()
        wait_for(lambda: own_stage.count() >= 100, "some rows")
        end()
        upstream.make(300)
        upstream.settle()
        own_stage.server.start()
        own_stage.check(upstream)
    assert store.process.poll() is None


@pytest.mark.slow
def test_the_database_hangs_and_the_intake_does_not_notice(own_stage):
    """It is stopped for longer than a statement may take, at a random moment of a flood: what it was told last happens
    when it goes on, and the store, which has given that statement up, must see it."""
    intake, store = own_stage.recorder(), own_stage.store()
    store.wait_event("store.ready")
    upstream = Upstream(own_stage)
    upstream.make(3000)
    upstream.pump(0.05)
    own_stage.server.pause()
    until = time.monotonic() + 14
    while time.monotonic() < until:
        began = time.monotonic()
        upstream.make(20)
        upstream.settle()
        assert time.monotonic() - began < SLOW, "the intake waited"
        time.sleep(0.1)
    assert store.events("database.away")
    own_stage.server.resume()
    own_stage.check(upstream)
    assert intake.process.poll() is None


class Cutter:
    """Stands between the store and the server, and breaks the connection at the n-th COMMIT: before the server has it, or
    after the server has obeyed but before the store knows."""

    def __init__(self, stage, count, is_obeyed):
        self.server, self.left, self.is_obeyed = stage.server.socket, count, is_obeyed
        self.path = stage.folder / "cutter"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen()
        self.has_cut = False
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                ours = self.listener.accept()[0]
            except OSError:
                return
            theirs = socket.socket(socket.AF_UNIX)
            theirs.connect(str(self.server))
            self._relay(ours, theirs)
            ours.close()
            theirs.close()

    def _relay(self, ours, theirs):
        while True:
            for ready in select.select([ours, theirs], [], [])[0]:
                data = ready.recv(1 << 16)
                if not data:
                    return
                self.left -= data.endswith(b"COMMIT")
                if self.left == 0 and not self.has_cut:
                    self.has_cut = True
                    if self.is_obeyed:
                        theirs.sendall(data)
                        theirs.recv(1 << 16)
                    return
                (theirs if ready is ours else ours).sendall(data)

    def close(self):
        self.listener.close()


@pytest.mark.parametrize("is_obeyed", [False, True])
def test_a_commit_of_unknown_fate_is_repeated_and_changes_nothing(stage, is_obeyed):
    cutter = Cutter(stage, 3, is_obeyed)
    stage.recorder()
    upstream = Upstream(stage)
    upstream.make(5000, gap=1)
    upstream.settle()
    store = stage.store(MYSQL_SOCKET=str(cutter.path))
    stage.check(upstream)
    assert cutter.has_cut and len(store.wait_event("database.away")) == 1
    assert stage.query("select last_seq, gap, refused from senders") == [{"last_seq": 5000, "gap": 5000, "refused": 0}]
    cutter.close()


@pytest.mark.parametrize("at", [None, "store.refused:1"])
def test_a_row_that_the_database_refuses_is_set_aside(stage, at):
    intake, store = stage.recorder(), stage.store()
    store.wait_event("store.ready")
    stage.query("alter table attempts add constraint picky check (model <> 'bad')")
    if at:
        store.end()
        store = stage.store(KILL_AT=at)
    upstream = Upstream(stage)
    bad = (3, 4, 77, 300)
    for seq in range(1, 301):
        upstream.make(1, **({"model": "bad", "gap": 2} if seq in bad else {}))
    upstream.settle()
    if at:
        assert store.process.wait(SECONDS) == -signal.SIGKILL
        store = stage.store()
    stage.check(upstream, missing=[(upstream.sender, seq) for seq in bad])
    wait_for(lambda: stage.query("select last_seq, refused, gap from senders") ==
             [{"last_seq": 300, "refused": 4, "gap": 8}], "the sender's numbers")
    lines = [json.loads(line) for line in (stage.folder / "s/spool/refused.jsonl").read_text().splitlines()]
    assert sorted({line["seq"] for line in lines}) == list(bad)
    assert len(lines) == len(bad) + bool(at)
    assert lines[0]["model"] == "bad" and "picky" in lines[0]["reason"] and lines[0]["code"] == 4025
    assert {event["seq"] for event in store.wait_event("record.refused")} <= {str(seq) for seq in bad}
    upstream.make(10)
    upstream.settle()
    stage.check(upstream, missing=[(upstream.sender, seq) for seq in bad])
    assert intake.process.poll() is None


def test_a_lock_in_the_database_is_waited_for(stage):
    stage.recorder()
    store = stage.store()
    store.wait_event("store.ready")
    stage.query("set global innodb_lock_wait_timeout = 1")
    store.end()
    store = stage.store()
    store.wait_event("store.ready")
    holder = subprocess.Popen(["mariadb", "--no-defaults", f"--socket={stage.server.socket}", "-uroot", stage.database],
                              stdin=subprocess.PIPE, text=True)
    holder.stdin.write("begin; select * from senders where sender >= 0 for update; select sleep(2.5); commit;\n")
    holder.stdin.flush()
    time.sleep(0.2)
    upstream = Upstream(stage)
    upstream.make(50)
    upstream.settle()
    stage.check(upstream)
    holder.stdin.close()
    assert holder.wait(SECONDS) == 0
    stage.query("set global innodb_lock_wait_timeout = 50")
    assert not store.events("database.away")


@pytest.mark.parametrize("segment", ["16KiB", "8MiB"])  # 8 MiB: one segment fills the disk
def test_a_full_disk_refuses_and_takes_again_when_there_is_room(small_disk, segment):
    intake = small_disk.recorder(SPOOL_SEGMENT=segment)
    upstreams = [Upstream(small_disk), Upstream(small_disk)]
    for _ in range(60):
        for upstream in upstreams:
            upstream.make(50)
            upstream.pump(0)
    event = intake.wait_event("spool.blocked")[0]
    assert event["reason"] == '"No space left on device"'
    until = time.monotonic() + 2.5
    while time.monotonic() < until:
        for upstream in upstreams:
            upstream.pump()
    assert all(upstream.unacknowledged for upstream in upstreams), "nothing is acknowledged that is not kept"
    assert len(intake.events("spool.blocked")) == 1, "told once in ten seconds"
    assert intake.process.poll() is None
    small_disk.store()
    for upstream in upstreams:
        upstream.settle()
    intake.wait_event("spool.unblocked")
    small_disk.check(*upstreams)
    assert not intake.events("sender.jumped")


def test_the_intake_starts_on_a_full_disk(small_disk):
    (small_disk.spool / "ballast").write_bytes(bytes(256 * 1024))
    intake = small_disk.recorder()
    small_disk.store()
    upstream = Upstream(small_disk)
    upstream.make(10)
    upstream.pump(0.5)
    intake.wait_event("spool.blocked")
    (small_disk.spool / "ballast").unlink()
    upstream.settle()
    small_disk.check(upstream)


@pytest.mark.short
def test_repeats_are_acknowledged_and_gaps_are_not(stage):
    intake = stage.recorder()
    stage.store()
    peer = Peer(stage.folder / "s/run/recorder", identity := incarnation())
    record = {"sender": identity, "time_ms": 1, "model": "m"}
    peer.send("RECORD", seq=1, **record)
    peer.expect("WHO")
    peer.send("HELLO", role="upstream", incarnation=identity, version=1)
    peer.expect("WELCOME")
    for seq in (1, 2, 3):
        peer.send("RECORD", seq=seq, **record)
    wait_for(lambda: peer.expect("RECORDED")["seq"] == 3, "3 acknowledged")
    peer.send("RECORD", seq=2, **record)
    assert peer.expect("RECORDED") == {"sender": identity, "seq": 3}
    peer.send("RECORD", seq=6, **record)
    peer.send("RECORD", seq=7, **record)
    peer.expect("WELCOME")  # begin again at your first, please
    assert "RECORDED" not in [kind for kind, _ in peer.receive(0.3)]
    for seq in (4, 5, 6, 7):
        peer.send("RECORD", seq=seq, **record)
    wait_for(lambda: peer.expect("RECORDED")["seq"] == 7, "7 acknowledged")
    wait_for(lambda: [row["seq"] for row in stage.rows()] == [1, 2, 3, 4, 5, 6, 7], "7 rows")
    intake.tell(signal.SIGUSR1)
    assert intake.wait_event("dump.spool")[0]["records"] == "7"


def test_a_sender_whose_past_is_forgotten_goes_on_where_it_is(stage):
    """The spool was lost, or the sender was silent for a day: it begins at a number that nobody expects."""
    intake = stage.recorder()
    stage.store()
    upstream = Upstream(stage, first=501)
    upstream.make(20)
    upstream.settle()
    assert upstream.welcomes == 2
    assert intake.wait_event("sender.jumped")[0]["to"] == "501"
    wait_for(lambda: [row["seq"] for row in stage.rows()] == list(range(501, 521)), "20 rows")


@pytest.mark.short
def test_a_torn_end_is_cut_off_and_a_damaged_record_costs_only_itself(stage):
    intake = stage.recorder()
    upstream = Upstream(stage)
    upstream.make(10)
    upstream.settle()
    intake.end(signal.SIGKILL)
    path, = stage.segments()
    data = path.read_bytes()
    size = (len(data) - SPOOL_HEADER) // 10
    path.write_bytes(data + data[-size:][:size - 3])  # a record's beginning, as a kill inside write leaves it
    intake = stage.recorder()
    assert intake.wait_event("spool.cut")[0]["bytes"] == str(size - 3)
    assert path.read_bytes() == data
    upstream.make(10)
    upstream.settle()
    assert len(stage.segments()) == 2
    damaged = bytearray(data)
    damaged[SPOOL_HEADER + 4 * size + size // 2] ^= 0x40
    path.write_bytes(damaged)
    store = stage.store()
    stage.check(upstream, missing=[(upstream.sender, 5)])
    assert store.wait_event("spool.damaged")[0]["bytes"] == str(size)
    assert (stage.folder / "s/spool/000000000001.bad").read_bytes() == damaged
    assert len(stage.segments()) == 1


@pytest.mark.short
def test_a_second_recorder_and_a_second_store_wait(stage):
    intake, store = stage.recorder(), stage.store()
    store.wait_event("store.ready")
    waiting = Process(stage), stage.store()
    for process in waiting:
        process.wait_event("lock.waiting")
    intake.end(signal.SIGKILL)
    store.end(signal.SIGKILL)
    for process in waiting:
        process.wait_event("lock.taken")
    upstream = Upstream(stage)
    upstream.make(10)
    upstream.settle()
    stage.check(upstream)


@pytest.mark.short
def test_sigterm_ends_both_with_all_that_came(stage):
    intake, store = stage.recorder(), stage.store()
    store.wait_event("store.ready")
    upstream = Upstream(stage)
    upstream.make(2500)
    upstream.settle()
    assert intake.end() == 0
    assert store.end() == 0
    stage.check(upstream)


def test_sigterm_ends_a_store_whose_database_hangs(own_stage):
    own_stage.recorder()
    store = own_stage.store()
    store.wait_event("store.ready")
    own_stage.server.pause()
    upstream = Upstream(own_stage)
    upstream.make(10)
    upstream.settle()
    time.sleep(0.5)
    assert store.end(seconds=6) == 0
    own_stage.server.resume()


FAILING_SYNC = """
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* While the file that $SYNC_FAILS names is there, the disk takes nothing. */
int fdatasync(int fd)
{
    (void)fd;
    if (access(getenv("SYNC_FAILS"), F_OK) != 0)
        return 0;
    errno = EIO;
    return -1;
}
"""


@pytest.mark.release_only
@pytest.mark.parametrize("sync", ["always", "second"])
def test_a_disk_that_fails_holds_acknowledgements_back_if_so_wished(stage, sync):
    library, flag = stage.folder / "sync.so", stage.folder / "fails"
    subprocess.run(["gcc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(library)], input=FAILING_SYNC.encode(), check=True)
    intake = stage.recorder(SPOOL_SYNC=sync, LD_PRELOAD=str(library), SYNC_FAILS=str(flag))
    stage.store()
    upstream = Upstream(stage)
    upstream.make(10)
    upstream.settle()
    flag.touch()
    upstream.make(10)
    if sync == "second":
        upstream.settle()
        intake.wait_event("spool.unsynced")
    else:
        upstream.pump(0.5)
        assert intake.wait_event("spool.blocked")[0]["reason"] == '"Input/output error"'
        for _ in range(20):
            upstream.pump(0.1)
        assert len(upstream.unacknowledged) == 10
    flag.unlink()
    upstream.settle()
    upstream.make(10)
    upstream.settle()
    stage.check(upstream)


def test_status_tells_what_is_not_stored_yet(own_stage):
    server = own_stage.server
    own_stage.recorder()
    store = own_stage.store()
    store.wait_event("store.ready")
    upstream = Upstream(own_stage)
    upstream.make(30)
    upstream.settle()
    own_stage.check(upstream)
    server.stop()
    upstream.make(20)
    upstream.settle()
    store.wait_event("database.away")
    peer = Peer(own_stage.folder / "s/run/recorder", identity := incarnation())
    peer.send("HELLO", role="admin", incarnation=identity, version=1)
    peer.expect("WELCOME")

    def status():
        peer.send("ASK", number=5, name="status")
        answer = peer.expect("ANSWER")
        assert answer["number"] == 5
        return json.loads(answer["data"])

    wait_for(lambda: (now := status()).get("unstored") == 20 and not now["store"]["is_open"],
             "20 records that are not stored, and a store that says so")
    told = status()
    assert told["spool"]["records"] == 50 and told["spool"]["bytes"] > 50 * 60 and not told["spool"]["is_blocked"]
    assert told["store"]["is_open"] is False and told["store"]["error"]
    server.start()
    wait_for(lambda: status() | {"memory": 0} and status()["unstored"] == 0 and status()["store"]["is_open"], "all stored")
    peer.send("ASK", number=6, name="weather")
    assert json.loads(peer.expect("ANSWER")["data"]) == {"error": "no such question"}


def test_a_database_that_is_there_but_may_not_be_made_is_told(own_stage):
    server = own_stage.server
    server.query("create user weak@localhost identified by 'p'")
    own_stage.env |= {"MYSQL_USER": "weak", "MYSQL_PASSWORD": "p"}
    own_stage.recorder()
    store = own_stage.store()
    assert "denied" in store.wait_event("database.away")[0]["reason"]
    server.query(f"create database {own_stage.database}")
    server.query(f"grant all on {own_stage.database}.* to weak@localhost")
    upstream = Upstream(own_stage)
    upstream.make(3)
    upstream.settle()
    own_stage.check(upstream)
    made = sorted(int(path.name[:4]) for path in (ROOT / "recorder/database/schema").glob("*.sql"))
    assert [row["number"] for row in own_stage.query("select number from migrations order by number")] == made


def test_strange_letters_do_no_harm(stage):
    intake = stage.recorder()
    upstream = Upstream(stage)
    upstream.make(1)
    upstream.settle()
    peer = Peer(stage.folder / "s/run/recorder", identity := incarnation())
    for frame in (b"", b"\x00", b"\xff" * 100, pack("JOB"), pack("RECORDED", sender=upstream.sender, seq=9),
                  pack("RECORD", sender=upstream.sender, seq=2)[:-1], pack("HELLO", incarnation=upstream.id)):
        peer.send_frame(frame)
    peer.send("RECORD", sender=upstream.sender, seq=2)
    peer.expect("WHO")
    upstream.make(1)
    upstream.settle()
    assert intake.process.poll() is None


@pytest.mark.parametrize("arguments", [["stores"], ["store", "query"], [""]])
def test_a_part_that_does_not_exist_is_refused_with_the_names_of_those_that_do(arguments, tmp_path):
    ended = subprocess.run([str(BINARY), *arguments], cwd=tmp_path, env={"STATE_DIR": str(tmp_path)}, timeout=SECONDS,
                           capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert ended.returncode == 2
    assert "usage: recorder [store|query|keeper]" in ended.stderr
