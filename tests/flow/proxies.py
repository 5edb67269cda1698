# SPDX-License-Identifier: Apache-2.0
"""Real proxies for the flow tests: tinyproxy for HTTP, microsocks for SOCKS5."""
import socket
import subprocess
import time
from urllib.parse import quote

USER = "user-5EC12E7"
PASSWORDS = {"http": "pass-word-5EC12E7", "socks5": "pass/word@5EC12E7"}  # tinyproxy takes no other characters


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Proxy:
    """`name` is what an HTTP proxy puts into Via. url() has the user and password, if there is to be one."""

    def __init__(self, folder, kind, name="proxy", password=False, port=None):
        self.folder, self.kind, self.name, self.password = folder, kind, name, password
        self.port = port or free_port()
        self.process = None
        self.start()

    def url(self, password=None, scheme=None):
        password = quote(password or PASSWORDS[self.kind], safe="")
        return f"{scheme or self.kind}://" + (f"{USER}:{password}@" if self.password else "") + f"127.0.0.1:{self.port}"

    def _command(self):
        if self.kind == "socks5":
            return ["microsocks", "-i", "127.0.0.1", "-p", str(self.port)] + (
                ["-u", USER, "-P", PASSWORDS["socks5"]] if self.password else [])
        config = self.folder / f"{self.name}-{self.port}.conf"
        config.write_text(f'Port {self.port}\nListen 127.0.0.1\nTimeout 60\nViaProxyName "{self.name}"\nMaxClients 200\n'
                          f'LogLevel Connect\nLogFile "{config}.log"\n'
                          + (f"BasicAuth {USER} {PASSWORDS[self.kind]}\n" if self.password else ""))
        return ["tinyproxy", "-d", "-c", str(config)]

    def start(self):
        self.process = subprocess.Popen(self._command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 5).close()
                return
            except OSError:
                assert time.monotonic() < until and self.process.poll() is None, f"{self.kind} proxy does not listen"
                time.sleep(0.02)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(20)
