# SPDX-License-Identifier: Apache-2.0
"""What else can stand before the simulator: nginx, HAProxy, Portkey's gateway. Each is a process with a port.

What must stay true: only what was started here is ended, and a peer that cannot run says why instead of being left out.
"""
import os
import resource
import shutil
import socket
import subprocess
import time
from pathlib import Path

from processes import with_children

HERE = Path(__file__).resolve().parent
PORTKEY = "@portkey-ai/gateway@1.15.2"
INSTALL_SECONDS = 180
START_SECONDS = 20


class Missing(Exception):
    """Why a peer is not there."""


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def program(name):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if not found:
        raise Missing(f"{name} is not installed here")
    return found


def filled(template, path, **values):
    """Writes the template with its @NAMES@ filled in."""
    text = (HERE / template).read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    path.write_text(text)
    return path


class Peer:
    """A started process that listens on `port`."""

    def __init__(self, command, port, folder, env=None):
        self.port = port
        self.log = Path(folder) / f"{Path(command[0]).name}.out"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=os.environ | (env or {}))
        try:
            self._wait_open()
        except Missing:
            self.stop()
            raise

    def _wait_open(self):
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > until:
                    said = " ".join(self.log.read_text(errors="replace").split())[-200:]
                    raise Missing(f"did not start here: {said}") from None
                time.sleep(0.05)

    def pids(self):
        return with_children(self.process.pid)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def nginx(folder, simulator_port):
    port = free_port()
    config = filled("nginx.conf", Path(folder) / "nginx.conf", FOLDER=folder, PORT=port, SIMULATOR=simulator_port,
                    CONNECTIONS=min(20000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 64))
    return Peer([program("nginx"), "-e", f"{folder}/nginx.log", "-c", config], port, folder)


def haproxy(folder, simulator_port):
    port = free_port()
    config = filled("haproxy.cfg", Path(folder) / "haproxy.cfg", PORT=port, SIMULATOR=simulator_port,
                    CONNECTIONS=min(9000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 2 - 200))
    return Peer([program("haproxy"), "-db", "-f", config], port, folder)


def portkey_install(where):
    """Once, with npm, into the build folder; the path of what is to be run."""
    main = where / "node_modules/@portkey-ai/gateway/build/start-server.js"
    program("node")
    if not main.exists():
        where.mkdir(parents=True, exist_ok=True)
        try:
            done = subprocess.run([program("npm"), "install", "--no-fund", "--no-audit", "--prefix", where, PORTKEY],
                                  cwd=where, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=INSTALL_SECONDS)
        except subprocess.TimeoutExpired:
            raise Missing(f"npm did not end within {INSTALL_SECONDS} s") from None
        if done.returncode != 0 or not main.exists():
            raise Missing("npm cannot fetch it: " + " ".join(done.stderr.split())[:120])
    return main


def portkey(folder, where):
    port = free_port()
    main = portkey_install(where)
    return Peer([program("node"), main, "--headless", f"--port={port}"], port, folder, env={"NODE_ENV": "production"})
