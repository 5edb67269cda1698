# SPDX-License-Identifier: Apache-2.0
"""A TCP relay on loopback that counts the bytes it passes and cuts connections at any of them, or refuses new ones. It
stands between frontends and an upstream in the tests of the tcp road.

What must stay true: a cut passes exactly so many bytes on in that direction, not one more.
"""
import asyncio
import threading

HOST = "127.0.0.1"
PIECE = 65536


class _Flow:
    """One connection and what passes it, "up" (to the target) and "down" (from it)."""

    def __init__(self, writers):
        self.writers = writers
        self.passed = {"down": 0, "up": 0}
        self.left = {}  # by direction: bytes that may still pass
        self.is_halved = False  # one side was closed, the other has not been told

    def end(self):
        for writer in self.writers:
            writer.close()


class Relay:
    """Passes what comes to `port` on to the port `target`."""

    def __init__(self, target):
        self.target = target
        self.flows, self.halved = [], []
        self.connections = self.cut = 0
        self.is_refusing = False
        self.armed = []  # (direction, bytes) for the connections to come
        self.record = None  # a bytearray: all that goes up from now on is kept in it
        self.loop = asyncio.new_event_loop()
        self.server = None
        self.port = 0
        self.thread = threading.Thread(target=self._run, daemon=True)
        is_ready = threading.Event()
        self.loop.call_soon(lambda: self.loop.create_task(self._listen(is_ready)))
        self.thread.start()
        assert is_ready.wait(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # In the relay's thread:

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        self.loop.close()

    async def _listen(self, is_ready):
        self.server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = self.server.sockets[0].getsockname()[1]
        is_ready.set()

    async def _serve(self, reader, writer):
        self.connections += 1
        if self.is_refusing:
            writer.close()
            return
        try:
            target_reader, target_writer = await asyncio.open_connection(HOST, self.target)
        except OSError:
            writer.close()
            return
        flow = _Flow((writer, target_writer))
        for each in flow.writers:
            each.transport.set_write_buffer_limits(0)  # drain() waits until all is with the kernel
        if self.armed:
            direction, count = self.armed.pop(0)
            flow.left[direction] = count
        self.flows.append(flow)
        await asyncio.gather(self._pass(flow, "up", reader, target_writer), self._pass(flow, "down", target_reader, writer))

    async def _pass(self, flow, direction, reader, writer):
        try:
            while data := await reader.read(PIECE):
                left = flow.left.get(direction)
                if left is not None:
                    data = data[:left]
                    flow.left[direction] = left - len(data)
                if flow.is_halved:
                    continue  # nobody is there any more
                writer.write(data)
                await writer.drain()
                flow.passed[direction] += len(data)
                if self.record is not None and direction == "up":
                    self.record += data
                if left is not None and not flow.left[direction]:
                    self.cut += 1
                    break
        except OSError:
            pass
        if not flow.is_halved:
            self._end(flow)

    def _end(self, flow):
        if flow in self.flows:
            self.flows.remove(flow)
            flow.end()

    def _cut_living(self, direction, count):
        for flow in list(self.flows):
            if count:
                flow.left[direction] = count
            else:
                self.cut += 1
                self._end(flow)

    def _halve_living(self, side):
        for flow in list(self.flows):
            flow.is_halved = True
            flow.writers[side].close()
            self.flows.remove(flow)
            self.halved.append(flow)

    def _end_halved(self):
        while self.halved:
            self.halved.pop().end()

    async def _end_all(self):
        self.server.close()
        self._cut_living("down", 0)
        self._end_halved()
        await asyncio.sleep(0)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    # From the test's thread:

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    async def _soon(self, function, *arguments):
        function(*arguments)

    def passed(self, direction):
        """Bytes that the living connections have passed that way."""
        return sum(flow.passed[direction] for flow in list(self.flows))

    def cut_after(self, direction, count):
        """The living connections are cut when so many more bytes have passed that way; 0: now."""
        self._call(self._soon(self._cut_living, direction, count))

    def cut_next_after(self, direction, count, times=1):
        """So are the next connections, counted from their first byte."""
        self.armed += [(direction, count)] * times

    def halve(self, side):
        """Closes one side of the living connections, "frontend" or "upstream"; the other learns of it at tell_halved()."""
        self._call(self._soon(self._halve_living, ("frontend", "upstream").index(side)))

    def tell_halved(self):
        self._call(self._soon(self._end_halved))

    def refuse(self):
        """Cuts all connections, and each new one at once."""
        self.is_refusing = True
        self.cut_after("down", 0)

    def accept(self):
        self.is_refusing = False

    def close(self):
        self._call(self._end_all())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
