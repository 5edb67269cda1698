# SPDX-License-Identifier: Apache-2.0
"""Every attempt becomes exactly one row: while MySQL is absent, stopped or hangs, the disk is full, recorder or store are
dead, and when upstream, recorder and store are killed at each step of a record's way. No call waits for any of it.

The provider's count is the truth; without a killed upstream rows = count, after one there may be rows `lost` beyond."""
import re
import subprocess
import time

import pytest

from recovery import Load, Scenarios, assert_exactly_once, begin_scripted
from stage import IS_SANITIZED, ROOT, SLOW

CALLS = 200 if IS_SANITIZED else 2000  # of each outage
SLOWEST_S = 3                         # a call waits for no record


def served(stage, count):
    answered = Load(stage, count=count).join(60)
    assert answered.ok == count and answered.slowest_s < SLOWEST_S * SLOW, answered


# ------------------------------------------------------------------------------------------------------------- outages

def outage(begin, end, is_behind=True, **rest):
    """Half of the calls before, half while it lasts: all are answered, and in the end all are rows."""
    def scenario(make):
        stage = make(database="own", **rest)
        served(stage, CALLS // 2)
        begin(stage)
        before = stage.sim.total()
        served(stage, CALLS - CALLS // 2)
        assert stage.sim.total() == CALLS
        end(stage)
        stage.wait_accounted(30)
        assert before == CALLS // 2
    return scenario


def absent(make):
    """MySQL is not there when everything starts, and comes later."""
    stage = make(database="own", start=False)
    stage.database.stop()
    stage.start_all()
    served(stage, CALLS)
    stage.wait_log("store", "database.away")
    stage.database.start()
    assert stage.sim.total() == CALLS
    stage.wait_accounted(30)


def hanging(make):
    """MySQL is stopped by SIGSTOP: connections stand, and nothing answers."""
    stage = make(database="own")
    served(stage, CALLS // 4)
    stage.database.pause()
    served(stage, CALLS // 4)
    stage.restart("recorder")
    stage.restart("store")  # may wait for the server for ever, and is killed so
    served(stage, CALLS // 2)
    stage.database.resume()
    assert stage.sim.total() == CALLS
    stage.wait_accounted(30)


def full_disk(make):
    """Nothing can be acknowledged; the records wait with the upstream."""
    stage = make(start=False, env={"SPOOL_SEGMENT": "32KiB"})
    spool = stage.state / "spool"
    spool.mkdir(mode=0o700)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k,mode=700", "none", spool], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        stage.start_all()
        served(stage, CALLS // 10)
        stage.wait_accounted()
        stage.kill("store")
        served(stage, 2000)  # some 150 bytes each
        stage.wait_log("recorder", "spool.blocked")
        stage.restart("recorder")  # finds a full disk
        stage.restart("upstream")  # and so do records whose writer has died
        served(stage, CALLS // 10)
        stage.start("store")
        stage.wait_log("recorder", "spool.unblocked", 20)
        stage.wait_accounted(30)
        stage.close()
    finally:
        subprocess.run(["umount", "-l", spool], check=True)


def dead_for_a_minute(make):
    """The recorder is away for a minute, in which ten thousand calls are served."""
    stage = make()
    stage.kill("recorder")
    until = time.monotonic() + 60
    for _ in range(20):
        served(stage, 500)
    stage.wait("the minute is over", lambda: time.monotonic() >= until, 90)
    assert stage.count_rows() == 0
    stage.start("recorder")
    assert stage.sim.total() == 10_000
    stage.wait_accounted(60)


SCENARIOS = {
    "recorder dead for a minute": dead_for_a_minute,
    "MySQL absent at the start": absent,
    "MySQL stopped": outage(lambda stage: stage.database.stop(), lambda stage: stage.database.start()),
    "MySQL killed": outage(lambda stage: stage.database.kill(), lambda stage: stage.database.start()),
    "MySQL hanging": hanging,
    "recorder dead": outage(lambda stage: stage.kill("recorder"), lambda stage: stage.start("recorder")),
    "store dead": outage(lambda stage: stage.kill("store"), lambda stage: stage.start("store")),
    "disk full": full_disk,
}

outcomes = Scenarios(SCENARIOS, at_once=2).fixture()


@pytest.mark.release_only
@pytest.mark.parametrize("name", SCENARIOS)
def test_no_call_waits_and_each_attempt_becomes_one_row(outcomes, name):
    outcomes(name)


# ------------------------------------------------------------------------------------------------------- kills at steps

def trace_points(folder, prefix):
    """The named trace points of a process, as its sources have them."""
    found = [point for path in sorted((ROOT / folder).rglob("*.c"))
             for point in re.findall(r'trace_point\("([\w.]+)"\)', path.read_text()) if point.startswith(prefix)]
    assert found, f"{folder} has no trace point {prefix}*"
    return list(dict.fromkeys(found))


FLIGHT = trace_points("upstream", "flight.")
SPOOL = trace_points("recorder", "spool.")
STORE = [point for point in trace_points("recorder", "store.") if point != "store.refused"]
ON_ADOPTION = {"flight.lost": (1, 3), "flight.removed": (1,)}  # passed only by who finds the file of a dead one


def calls_until_dead(stage, name, revive, most=400):
    """Calls, until the process meets its trace point; then it is revived. Whoever loses an answer that had begun is told."""
    for _ in range(most // 4):
        with begin_scripted(stage, 4, chunks=2) as streams:
            stage.wait("they are answered, or it is dead", lambda: not streams.open() or not stage.is_alive(name))
            if is_dead := not stage.is_alive(name):
                revive()
            for stream in streams.join(20 * SLOW):
                stream.assert_honest(2)
        if is_dead:
            return
    raise AssertionError(f"{name} has not met {stage.proc(name).env['KILL_AT']}")


def die_in_adoption(stage, kill_at, count):
    """The attempts under way of a killed upstream are there to be adopted."""
    begun = begin_scripted(stage, count, chunks=2, first_ms=60_000)
    stage.wait("they are under way", lambda: stage.sim.counts()["open"] >= count)
    stage.kill("upstream")
    begun.close()
    stage.start("upstream", kill_at=kill_at)
    stage.wait_dead("upstream")


@pytest.mark.parametrize("others", [[], ["balancer"]], ids=["alone", "with the balancer"])
def test_an_upstream_killed_at_each_step_of_its_flight_file_has_a_row_for_each_attempt(stage_of, others):
    stage = stage_of(upstreams=1)

    def revive():
        for other in others:
            stage.restart(other)
        stage.start("upstream")
    for point in FLIGHT:
        for nth in ON_ADOPTION.get(point, (1, 3)):
            if point in ON_ADOPTION:
                die_in_adoption(stage, f"{point}:{nth}", nth)
                revive()
            else:
                stage.restart("upstream", kill_at=f"{point}:{nth}")
                calls_until_dead(stage, "upstream", revive)
            assert stage.chat("the next one").status == 200
    rows = assert_exactly_once(stage, may_lose=True)
    assert any(row["fault"] == "lost" for row in rows)


@pytest.mark.parametrize("name, points", [("recorder", SPOOL), ("store", STORE)], ids=["recorder", "store"])
def test_a_recorder_killed_at_each_step_of_a_record_has_each_row_once(stage_of, name, points):
    stage = stage_of(env={"SPOOL_SEGMENT": "4KiB"})  # so that segments are passed on
    for point in points:
        for nth in (1, 2, 5):
            stage.restart(name, kill_at=f"{point}:{nth}")
            calls_until_dead(stage, name, lambda: stage.start(name))
    assert_exactly_once(stage)
