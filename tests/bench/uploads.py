# SPDX-License-Identifier: Apache-2.0
"""What a long upload costs of memory: the most that each process held while it went through, beside what it held before."""
import http.client
import re
import time
from pathlib import Path

from scene import TOKEN

PIECE = 256 * 1024
PATH = "/upload/v1beta/files"


def resident_mib(pid, what):
    return int(re.search(rf"^{what}:\s*(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M)[1]) / 1024


def forget_peak(pid):
    """The most that was resident is counted from now on."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def pieces(size):
    for at in range(0, size, PIECE):
        yield bytes(min(PIECE, size - at))


def send(port, size):
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    link.request("POST", PATH, pieces(size), {"x-goog-api-key": TOKEN, "X-Goog-Upload-Protocol": "raw", "Content-Length": str(size),
                                              "Content-Type": "text/plain"})
    reply = link.getresponse()
    said = reply.read()
    link.close()
    assert reply.status == 200, f"{reply.status} {said[:500]}"


def measure(scene, size):
    pids = {name: pids[0] for name, pids in scene.gateway.pids.items() if name not in scene.gateway.beside}
    send(scene.stage.port, PIECE)  # what the first one needs for ever
    before = {name: resident_mib(pid, "VmRSS") for name, pid in pids.items()}
    for pid in pids.values():
        forget_peak(pid)
    begun = time.monotonic()
    send(scene.stage.port, size)
    seconds = time.monotonic() - begun
    return {"bytes": size, "seconds": seconds, "mib": {name: (before[name], resident_mib(pid, "VmHWM")) for name, pid in pids.items()}}
