# SPDX-License-Identifier: Apache-2.0
"""A second balancer, recorder or store for the same slot waits and says so; it takes over when the first is killed."""
import signal

import pytest

from recovery import assert_exactly_once, begin_scripted
from stage import SLOW

FEW = 3
ROLES = {"balancer": ("balancer0", "process.ready"), "recorder": ("recorder", "recorder.ready"),
         "store": ("recorder-store", "store.ready")}


@pytest.mark.short
@pytest.mark.parametrize("role", ROLES)
def test_a_second_one_waits_says_so_and_takes_over(stage_of, role):
    stage = stage_of()
    lock, is_ready = ROLES[role]
    second = f"{role}-b"
    stage.start(second)
    assert stage.wait_log(second, "lock.waiting")["lock"] == lock
    assert stage.chat("the first one is not disturbed").status == 200
    stage.start(f"{role}-c")
    stage.wait_log(f"{role}-c", "lock.waiting")
    assert not stage.log(second, "lock.taken") and not stage.log(second, is_ready)
    with begin_scripted(stage, 10, chunks=FEW, first_ms=500) as streams:
        stage.wait("the provider is asked for all", lambda: stage.sim.total() == 11)
        stage.kill(role)
        stage.wait("one of the two has taken over", lambda: any(
            stage.log(f"{role}-{x}", "lock.taken") and stage.log(f"{role}-{x}", is_ready) for x in "bc"))
        assert sum(bool(stage.log(f"{role}-{x}", "lock.taken")) for x in "bc") == 1
        for stream in streams.join(10 * SLOW):
            stream.assert_numbered(FEW)
    assert stage.chat("and on it goes").status == 200
    assert stage.sim.total() == 12
    assert_exactly_once(stage)


@pytest.mark.parametrize("role", ROLES)
def test_one_that_waits_ends_when_it_is_told_to(stage_of, role):
    stage = stage_of()
    stage.start(f"{role}-b")
    stage.wait_log(f"{role}-b", "lock.waiting")
    stage.kill(f"{role}-b", signal.SIGTERM)
    assert stage.proc(f"{role}-b").popen.returncode == 0
    assert stage.chat("hello").status == 200
