# SPDX-License-Identifier: Apache-2.0
"""A TCP relay on loopback that counts the bytes it passes and can cut a connection at any of them, refuse new ones, or
hold everything back without closing. It stands between frontends and an upstream in the tests of the tcp road.

What must stay true: a cut passes exactly so many bytes on, not one more, in the direction that was asked for.
"""
import asyncio
import socket
import struct
import threading

HOST = "127.0.0.1"
PIECE = 65536


class _Flow:
    """Both directions of one connection. `passed` counts bytes by direction."""

    def __init__(self, client):
        self.client, self.server = client, None
        self.passed = {"down": 0, "up": 0}
        self.cuts = {}  # direction: bytes that may still pass
        self.is_dead = False


class Relay:
    """Passes what comes to `port` on to `target`. "down" is from the target to whoever connected (an upstream's answers
    to a frontend), "up" the other way."""

    def __init__(self, target):
        self.target = target
        self.flows = []
        self.connections = 0
        self.cut = 0             # connections cut so far
        self.is_refusing = False
        self.armed = []          # [(direction, bytes)] for the connections to come
        self.loop = asyncio.new_event_loop()
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((HOST, 0))
        self.listener.listen(64)
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # In the relay's thread:

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.create_task(self._accept())
        self.loop.run_forever()

    async def _accept(self):
        while True:
            client, _ = await self.loop.sock_accept(self.listener)
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            if self.is_refusing:
                client.close()
                continue
            self.loop.create_task(self._serve(_Flow(client)))

    async def _serve(self, flow):
        flow.server = socket.socket()
        flow.server.setblocking(False)
        flow.server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.armed:
            direction, count = self.armed.pop(0)
            flow.cuts[direction] = count
        self.flows.append(flow)
        try:
            await self.loop.sock_connect(flow.server, (HOST, self.target))
        except OSError:
            self._end(flow)
            return
        self.loop.create_task(self._pass(flow, "up", flow.client, flow.server))
        self.loop.create_task(self._pass(flow, "down", flow.server, flow.client))

    async def _pass(self, flow, direction, source, drain):
        try:
            while data := await self.loop.sock_recv(source, PIECE):
                left = flow.cuts.get(direction)
                if left is not None:
                    data = data[:left]
                    flow.cuts[direction] = left - len(data)
                flow.passed[direction] += len(data)
                await self.loop.sock_sendall(drain, data)
                if left is not None and not flow.cuts[direction]:
                    self.cut += 1
                    break
        except OSError:
            pass
        self._end(flow)

    def _end(self, flow, is_reset=False):
        if flow.is_dead:
            return
        flow.is_dead = True
        self.flows.remove(flow)
        for end in (flow.client, flow.server):
            if is_reset:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def _arm_live(self, direction, count):
        for flow in list(self.flows):
            if count:
                flow.cuts[direction] = count
            else:
                self.cut += 1
                self._end(flow)

    def _call(self, function, *arguments):
        done = threading.Event()

        def run():
            function(*arguments)
            done.set()
        self.loop.call_soon_threadsafe(run)
        assert done.wait(10)

    # From the test's thread:

    def passed(self, direction):
        """Bytes that the living connections have passed that way."""
        return sum(flow.passed[direction] for flow in list(self.flows))

    def cut_after(self, direction, count):
        """The living connections are cut when so many more bytes have passed that way; 0: now."""
        self._call(self._arm_live, direction, count)

    def cut_next_after(self, direction, count, times):
        """So are the next `times` connections, counted from their first byte."""
        self.armed += [(direction, count)] * times

    def refuse(self):
        """Cuts all connections, and each new one at once."""
        self.is_refusing = True
        self.cut_after("down", 0)

    def accept(self):
        self.is_refusing = False

    def close(self):
        self._call(lambda: [self._end(flow) for flow in list(self.flows)])
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.listener.close()
