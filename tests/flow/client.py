# SPDX-License-Identifier: Apache-2.0
"""HTTP clients for the flow tests: whole answers, raw sockets, and many streams at once with readers of all kinds.

What must stay true: a client says exactly how an answer ended. `Stream.ending` is "end" only if the body was complete.
"""
import asyncio
import functools
import json
import re
import socket
import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPSConnection

HOST = "127.0.0.1"


# ------------------------------------------------------------------------------------------------------- whole answers

@dataclass
class Answer:
    status: int
    headers: dict  # names in lower case
    body: bytes

    @property
    def text(self):
        return self.body.decode(errors="replace")

    @functools.cached_property
    def json(self):
        return json.loads(self.body)

    @property
    def events(self):
        """The data of each server-sent event of the body."""
        parser = Events()
        parser.feed(self.body)
        return parser.data


class _AnyPath:
    def _validate_path(self, url):
        """Any path goes out as it is: paths are what some tests are about."""


class _Connection(_AnyPath, HTTPConnection):
    pass


class _TlsConnection(_AnyPath, HTTPSConnection):
    pass


def http(port, method, path, body=None, headers=None, seconds=30, tls=None, host=HOST):
    """One request on a connection of its own. `body` is bytes, or text; `tls` an ssl.SSLContext, or None."""
    connection = _TlsConnection(host, port, timeout=seconds, context=tls) if tls else _Connection(host, port, timeout=seconds)
    try:
        connection.request(method, path, body.encode() if isinstance(body, str) else body, headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


class _SocketConnection(HTTPConnection):
    """Over a Unix socket."""

    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


def http_socket(path, method, target, headers=None, seconds=30):
    """One request to who listens on a Unix socket."""
    connection = _SocketConnection(path, seconds)
    try:
        connection.request(method, target, None, headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


class Raw:
    """A socket to write any bytes to. Reads answers one by one, so that pipelining can be tested."""

    def __init__(self, port, seconds=30, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(seconds)
        self.socket.connect((HOST, port))
        self.left = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)
        return self

    def more(self):
        """Reads once; False at the end of the connection, however it came."""
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            return False
        self.left += data
        return bool(data)

    def until(self, mark):
        while mark not in self.left:
            if not self.more():
                raise EOFError(f"the connection ended; what came: {self.left[:500]!r}")
        found, self.left = self.left.split(mark, 1)
        return found

    def exactly(self, count):
        while len(self.left) < count:
            if not self.more():
                raise EOFError(f"the connection ended; what came: {self.left[:500]!r}")
        found, self.left = self.left[:count], self.left[count:]
        return found

    def rest(self):
        """All until the connection ends."""
        while self.more():
            pass
        found, self.left = self.left, b""
        return found

    def answer(self):
        """The next whole answer (those of status 100 are passed over)."""
        while True:
            first, *lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
            status = int(first.split(" ", 2)[1])
            if status >= 200:
                break
        headers = {name.strip().lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self.until(b"\r\n").split(b";")[0], 16):
                body += self.exactly(size)
                self.exactly(2)
            self.until(b"\r\n")
        elif "content-length" in headers:
            body = self.exactly(int(headers["content-length"]))
        else:
            body = self.rest()
        return Answer(status, headers, body)

    def is_closed(self):
        """Whether the other side closes without sending more."""
        return self.left == b"" and self.rest() == b""

    def close(self):
        self.socket.close()


# ---------------------------------------------------------------------------------------------------- server-sent events

class Events:
    """Splits server-sent events: `data` has those with data, `comments` counts the lines beginning with a colon."""

    BORDER = re.compile(rb"\r?\n\r?\n")

    def __init__(self):
        self.data = []
        self.comments = 0
        self.left = bytearray()
        self.looked = 0  # no border begins before it

    def feed(self, data):
        self.left += data
        begin = 0
        while border := self.BORDER.search(self.left, max(begin, self.looked)):
            self._take(bytes(self.left[begin:border.start()]))
            begin = border.end()
        del self.left[:begin]
        self.looked = max(0, len(self.left) - 3)

    def _take(self, block):
        lines = block.replace(b"\r\n", b"\n").split(b"\n")
        self.comments += sum(line.startswith(b":") for line in lines)
        texts = [line[5:].removeprefix(b" ") for line in lines if line.startswith(b"data:")]
        if texts:
            self.data.append(b"\n".join(texts).decode())


def parts_of(event):
    """(content, reasoning) of one event, be it an OpenAI chunk or Gemini's."""
    content = reasoning = ""
    for choice in event.get("choices", []):
        content += choice.get("delta", {}).get("content") or ""
        reasoning += choice.get("delta", {}).get("reasoning_content") or ""
    for candidate in event.get("candidates", []):
        for part in candidate.get("content", {}).get("parts", []):
            if part.get("thought"):
                reasoning += part.get("text", "")
            else:
                content += part.get("text", "")
    return content, reasoning


@dataclass
class Stream:
    """What one client saw of one stream. It grows while the stream runs."""
    number: int = 0
    status: int = 0
    headers: dict = field(default_factory=dict)
    gathered: bytearray = field(default_factory=bytearray, repr=False)  # the body of what is no stream, or what a stream ends in
    size: int = 0             # bytes of body read
    events: list = field(default_factory=list)  # texts behind data:, but for [DONE]
    comments: int = 0
    done: bool = False        # [DONE] was seen, and was the last
    ending: str = ""          # "end": complete; "cut", "hung up" by us, "failed: …"; "": still open
    began: float = 0.0
    first: float = 0.0        # when the first event came
    ended: float = 0.0

    @property
    def body(self):
        return bytes(self.gathered)

    @property
    def chunks(self):
        return [json.loads(event) for event in self.events]

    @property
    def errors(self):
        return [chunk["error"] for chunk in self.chunks if "error" in chunk]

    @property
    def error(self):
        return self.errors[0] if self.errors else None

    @property
    def text(self):
        return "".join(parts_of(chunk)[0] for chunk in self.chunks)

    @property
    def reasoning(self):
        return "".join(parts_of(chunk)[1] for chunk in self.chunks)

    @property
    def numbers(self):
        """Of a numbered script: the numbers of the chunks that came, in order."""
        return [int(number) for number in re.findall(r"\[(\d+)\]", self.text)]

    @property
    def finish(self):
        reasons = [choice["finish_reason"] for chunk in self.chunks for choice in chunk.get("choices", [])
                   if choice.get("finish_reason")]
        return reasons[-1] if reasons else None

    @property
    def usage(self):
        found = [chunk["usage"] for chunk in self.chunks if chunk.get("usage")]
        return found[-1] if found else None

    @property
    def is_whole(self):
        return self.status == 200 and self.ending == "end" and not self.errors

    def assert_numbered(self, count):
        """All numbered chunks are there, in order, and the stream ended cleanly."""
        assert self.status == 200, (self.status, self.body[:500])
        assert self.numbers == list(range(count)), f"stream {self.number}: {len(self.numbers)} of {count} chunks, " \
            f"the last {self.numbers[-3:]}, ending {self.ending!r}, errors {self.errors}"
        assert self.ending == "end" and not self.errors and self.done, f"stream {self.number}: {self.ending!r} {self.errors}"

    def assert_honest(self, count):
        """What came is a piece from the beginning without a gap; if not all, an explicit error says so."""
        assert self.numbers == list(range(len(self.numbers))), f"stream {self.number}: a gap in {self.numbers}"
        if len(self.numbers) < count:
            assert not self.done and self.finish is None, f"stream {self.number}: ended as if all were well"
            assert self.errors or self.status >= 400 or self.ending != "end", f"stream {self.number}: a clean stop"


# ----------------------------------------------------------------------------------------------------- many at the same time

@dataclass
class Reader:
    """How a client reads. The default reads as fast as it can."""
    hang_up_after: int = None   # events; 0: as soon as the request is sent
    stall_after: int = None     # bytes of body; then it reads nothing until Streams.release()
    bytes_per_second: int = None
    receive_buffer: int = None  # SO_RCVBUF; stalled and slow readers have 8 KiB if nothing is said

    @property
    def is_small(self):
        return self.receive_buffer or (8192 if self.stall_after is not None or self.bytes_per_second else None)


class Streams:
    """`count` requests at once, in a thread of their own. `ask(i)` gives (method, path, body bytes, headers), `reader(i)` a
    Reader. Counts may be looked at while they run."""

    def __init__(self, port, count, ask, reader=None, gap_ms=0):
        self.port = port
        self.ask = ask
        self.reader = reader or (lambda i: Reader())
        self.gap_ms = gap_ms
        self.all = [Stream(number=i) for i in range(count)]
        self.loop = asyncio.new_event_loop()
        self.stalled = None
        self.tasks = []
        self.is_running = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        self.is_running.wait()

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._all())
        self.loop.close()

    async def _all(self):
        self.stalled = asyncio.Event()
        self.tasks = [asyncio.create_task(self._one(stream)) for stream in self.all]
        self.is_running.set()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _one(self, stream):
        await asyncio.sleep(self.gap_ms * stream.number / 1000)
        writer = None
        stream.began = time.monotonic()
        try:
            reader, writer = await self._connect(self.reader(stream.number))
            stream.ending = await self._talk(stream, reader, writer, self.reader(stream.number))
        except asyncio.CancelledError:
            stream.ending = "hung up"
        except (OSError, EOFError, ValueError, asyncio.IncompleteReadError) as reason:
            stream.ending = "cut" if stream.status else f"failed: {reason!r}"
        finally:
            stream.ended = time.monotonic()
            if writer:
                writer.transport.abort() if stream.ending == "hung up" else writer.close()

    async def _connect(self, how):
        sock = socket.socket()
        sock.setblocking(False)
        if how.is_small:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, how.is_small)
        await self.loop.sock_connect(sock, (HOST, self.port))
        return await asyncio.open_connection(sock=sock, limit=8192 if how.is_small else 65536)

    async def _talk(self, stream, reader, writer, how):
        method, path, body, headers = self.ask(stream.number)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode() + body)
        await writer.drain()
        if how.hang_up_after == 0:
            return "hung up"
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        stream.headers = {name.strip().lower(): value.strip()
                          for name, value in (line.split(":", 1) for line in head[1:] if line)}
        stream.status = int(head[0].split(" ")[1])
        events = Events()
        is_stream = stream.headers.get("content-type", "").startswith("text/event-stream")
        async for data in self._body(stream, reader):
            stream.size += len(data)
            if is_stream:
                self._take(stream, events, data)
            else:
                stream.gathered += data
            if how.hang_up_after is not None and len(stream.events) >= how.hang_up_after:
                return "hung up"
            if how.stall_after is not None and stream.size >= how.stall_after:
                await self.stalled.wait()
            elif how.bytes_per_second:
                await asyncio.sleep(len(data) / how.bytes_per_second)
        stream.gathered += events.left.strip()
        return "end" if not events.left.strip() else "cut"

    @staticmethod
    def _take(stream, events, data):
        events.feed(data)
        for event in events.data:
            stream.first = stream.first or time.monotonic()
            stream.done = event == "[DONE]"
            if not stream.done:
                stream.events.append(event)
        events.data.clear()
        stream.comments = events.comments

    @staticmethod
    async def _body(stream, reader):
        """Pieces of the body; EOFError if it isn't complete."""
        if stream.headers.get("transfer-encoding") == "chunked":
            while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
                while size:
                    data = await reader.read(min(size, 65536))
                    if not data:
                        raise EOFError
                    size -= len(data)
                    yield data
                await reader.readexactly(2)
            await reader.readuntil(b"\r\n")
        elif "content-length" in stream.headers:
            left = int(stream.headers["content-length"])
            while left:
                data = await reader.read(min(left, 65536))
                if not data:
                    raise EOFError
                left -= len(data)
                yield data
        else:
            while data := await reader.read(65536):
                yield data

    # From the test's thread:

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _in_loop(self, function):
        if self.thread.is_alive():
            try:
                self.loop.call_soon_threadsafe(function)
            except RuntimeError:
                pass  # it has ended meanwhile

    def release(self):
        """Readers that stall read on."""
        self._in_loop(self.stalled.set)

    def hang_up(self, number):
        """Breaks one connection."""
        self._in_loop(self.tasks[number].cancel)

    def close(self):
        """Breaks what is still open."""
        for task in self.tasks:
            self._in_loop(task.cancel)
        self.thread.join(10)

    def open(self):
        return [stream for stream in self.all if not stream.ending]

    def wait(self, what, condition, seconds):
        """Until condition(stream) holds for each stream; an AssertionError names those for which it doesn't."""
        until = time.monotonic() + seconds
        while missing := [stream for stream in self.all if not condition(stream)]:
            if time.monotonic() > until:
                some = [(s.number, s.status, len(s.events), s.ending, s.body[:200]) for s in missing[:5]]
                raise AssertionError(f"{len(missing)} of {len(self.all)} streams not {what} after {seconds} s: {some}")
            time.sleep(0.01)

    def wait_events(self, count, seconds, which=None):
        """Until each stream (those numbered in `which`) has so many events, or has ended."""
        self.wait(f"at event {count}", lambda s: s.ending or len(s.events) >= count or
                  (which is not None and s.number not in which), seconds)

    def join(self, seconds):
        """Waits until all have ended and returns them; breaks those that have not and fails."""
        try:
            self.wait("ended", lambda s: s.ending, seconds)
        finally:
            self.close()
        return self.all
