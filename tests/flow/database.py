# SPDX-License-Identifier: Apache-2.0
"""A throwaway MariaDB on a Unix socket: one for the whole session, or one that a stage may stop, pause and start.

What must stay true: it listens on no port, and everything of it is in a folder that goes with it. Its first content is a
copy: making that takes longer than starting a server, and it is always the same (MARIADB_TEMPLATE, made by tests/run.py).
"""
import atexit
import functools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

INSTALL_SECONDS = 60
READY_SECONDS = 30
CLIENT_SECONDS = 20
LOG_FILE = "--innodb-log-file-size=16M"  # the template's too: a server that finds another size writes it anew
MISSING = ("ERROR 1049", "ERROR 1146")  # no such database, no such table: no rows yet


def _program(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin") or name


def _user():
    return ["--user=root"] if os.getuid() == 0 else []


def install(folder):
    """Makes what a server has before its first start."""
    (folder / "tmp").mkdir(parents=True)
    done = subprocess.run([_program("mariadb-install-db"), "--no-defaults", "--datadir=./db", *_user(), LOG_FILE,
                           "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"],
                          cwd=folder, env=dict(os.environ, TMPDIR=str(folder / "tmp")), timeout=INSTALL_SECONDS,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout


@functools.cache
def template():
    """The folder to copy from: what the whole run has, or else this session's own."""
    if "MARIADB_TEMPLATE" in os.environ:
        return Path(os.environ["MARIADB_TEMPLATE"])
    folder = Path(tempfile.mkdtemp(prefix="gwdb-", dir="/tmp"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    install(folder)
    return folder


class Database:
    def __init__(self, pool="64M", client_seconds=CLIENT_SECONDS):
        self.pool, self.client_seconds = pool, client_seconds
        self.folder = Path(tempfile.mkdtemp(prefix="gwdb-", dir="/tmp"))
        self.socket = self.folder / "s"
        self.process = None
        # Each server that starts deletes the temporary tables of all others that share its folder for such.
        (self.folder / "tmp").mkdir()
        self.env = dict(os.environ, TMPDIR=str(self.folder / "tmp"))
        shutil.copytree(template() / "db", self.folder / "db")
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["chrt", "--batch", "0", "nice", "-n", "10", _program("mariadbd"), "--no-defaults", *_user(),  # as launch/run.sh
             f"--datadir={self.folder}/db",
             f"--socket={self.socket}", f"--pid-file={self.folder}/pid", f"--log-error={self.folder}/log",
             "--skip-networking", "--skip-name-resolve", "--skip-log-bin", "--performance-schema=0",
             f"--innodb-buffer-pool-size={self.pool}", LOG_FILE, "--innodb-flush-log-at-trx-commit=2"],
            env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + READY_SECONDS
        while self._client("select 1").returncode != 0:
            if time.monotonic() > until or self.process.poll() is not None:
                raise AssertionError("mariadbd is not ready:\n" + self.log()[-2000:])
            time.sleep(0.02)

    def _client(self, sql, database=None, binary=False):
        return subprocess.run([_program("mariadb"), "--no-defaults", f"--socket={self.socket}", "-uroot", "--batch",
                               "--default-character-set=utf8mb4", "-e", sql, *([database] if database else [])],
                              stdin=subprocess.DEVNULL, capture_output=True, text=not binary, timeout=self.client_seconds)

    def log(self):
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def query(self, sql, database=None):
        """Rows as dicts of texts, numbers made int where they look like it. Nothing if the table isn't there yet."""
        result = self._client(sql, database)
        if result.returncode != 0:
            if any(missing in result.stderr for missing in MISSING):
                return []
            raise AssertionError(f"{sql}: {result.stderr}")
        lines = result.stdout.splitlines()
        names = lines[0].split("\t") if lines else []
        return [{name: int(value) if value.isdigit() else value for name, value in zip(names, line.split("\t"))}
                for line in lines[1:]]

    def kill(self, signal_number=signal.SIGKILL):
        self.process.send_signal(signal_number)
        self.process.wait(READY_SECONDS)

    def stop(self):
        """As an administrator does: SIGTERM, and it ends."""
        self.kill(signal.SIGTERM)

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def remove(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


_shared = None


def shared():
    """The session's server, started when first asked for."""
    global _shared
    if _shared is None:
        _shared = Database()
        atexit.register(_shared.remove)
    return _shared
