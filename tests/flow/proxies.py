# SPDX-License-Identifier: Apache-2.0
"""Real proxies for the flow tests: tinyproxy for HTTP, microsocks for SOCKS5; and one of the tests' own for what those do
not tell, namely who has a tunnel."""
import base64
import re
import select
import socket
import socketserver
import subprocess
import threading
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


class Tunnels(socketserver.ThreadingTCPServer):
    """A proxy, http or socks5, that asks for a user's name, takes every password, and knows whose each of its tunnels is and
    how many bytes have gone up it. A request that is no CONNECT is passed on without a tunnel, and its head kept."""
    daemon_threads, allow_reuse_address = True, True

    def __init__(self, kind):
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.kind, self.port = kind, self.server_address[1]
        self.opened = []  # [user, bytes up] of each tunnel
        self.heads = []  # (user, head) of each request that was passed on
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, user):
        return f"{self.kind}://{user}:word-{user}@127.0.0.1:{self.port}"

    def stop(self):
        self.shutdown()
        self.server_close()


class _Tunnel(socketserver.StreamRequestHandler):
    rbufsize = 0  # what follows the greeting belongs to the provider

    def handle(self):
        try:
            (self.socks if self.server.kind == "socks5" else self.http)()
        except OSError:
            pass

    def socks(self):
        count = self.rfile.read(2)[1]
        assert 2 in self.rfile.read(count), "the client knows no user names"
        self.wfile.write(b"\5\2")
        user = self.rfile.read(self.rfile.read(2)[1]).decode()
        self.rfile.read(self.rfile.read(1)[0])
        self.wfile.write(b"\1\0")
        kind = self.rfile.read(4)[3]
        host = self.rfile.read(self.rfile.read(1)[0]).decode() if kind == 3 else socket.inet_ntoa(self.rfile.read(4))
        port = int.from_bytes(self.rfile.read(2), "big")
        with socket.create_connection((host, port)) as target:
            self.wfile.write(b"\5\0\0\1" + bytes(6))
            self.join(target, user)

    def head(self):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = self.rfile.read(1)
            if not byte:
                return None, None
            head += byte
        word = re.search(rb"(?i)proxy-authorization: basic (\S+)", head)
        return base64.b64decode(word[1]).decode().split(":")[0] if word else None, head.decode()

    def http(self):
        user, head = self.head()
        method, address = head.split(" ")[:2]
        host, port = re.search(r"(?://|^)([^/:]+):(\d+)", address).groups()
        with socket.create_connection((host, int(port))) as target:
            if method == "CONNECT":
                self.wfile.write(b"HTTP/1.1 200 Tunnel\r\n\r\n")
                self.join(target, user)
            while head and method != "CONNECT":
                self.server.heads.append((user, head))
                length = re.search(r"(?i)content-length: (\d+)", head)  # a GET has none
                body = self.rfile.read(int(length[1])) if length else b""
                target.sendall(re.sub(r"http://[^/]+", "", head, count=1).encode() + body)
                self.answer(target)
                user, head = self.head()

    def answer(self, target):
        """One answer, which says how long it is."""
        with target.makefile("rb") as answer:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += answer.readline()
            self.wfile.write(head + answer.read(int(re.search(rb"(?i)content-length: (\d+)", head)[1])))

    def join(self, target, user):
        tunnel = [user, 0]
        self.server.opened.append(tunnel)
        ends = {self.connection: target, target: self.connection}
        while True:
            for end in select.select(list(ends), [], [])[0]:
                data = end.recv(65536)
                if not data:
                    return
                tunnel[1] += len(data) if end is self.connection else 0
                ends[end].sendall(data)
