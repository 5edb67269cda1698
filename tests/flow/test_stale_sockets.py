# SPDX-License-Identifier: Apache-2.0
"""An upstream that starts removes the answers' sockets of the dead, and leaves those of the living alone: also of one that
starts at the same moment and has made its socket's file, but does not listen yet."""
import os
import socket
import time

import pytest


@pytest.mark.short
def test_a_starting_upstream_removes_dead_sockets_only(stage_of):
    stage = stage_of(database=False, admin=False)
    folder = stage.state / "run"
    [living] = folder.glob("answers-*")
    made = {name: socket.socket(socket.AF_UNIX) for name in ("answers-1", "answers-2")}
    for name, each in made.items():
        each.bind(str(folder / name))  # and never listens
    for name in ("answers-1", living.name):
        os.utime(folder / name, (time.time() - 60,) * 2)
    stage.restart("upstream")
    stage.wait_log("upstream", "process.ready")
    assert not (folder / "answers-1").exists(), "a dead one is still there"
    assert not living.exists(), "that of the killed one is still there"
    assert (folder / "answers-2").exists(), "that of one which is about to listen was removed"
    assert stage.chat("hello").status == 200
    for each in made.values():
        each.close()
