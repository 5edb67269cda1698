# SPDX-License-Identifier: Apache-2.0
"""Each process is stopped (SIGSTOP) under 50 streams and continued. A stopped process may look dead to the others; what it
says when it wakes must harm nobody. Each scenario has a stage of its own; they run side by side."""
import time

import pytest

from recovery import Scenarios, ask, assert_exactly_once, assert_one_place, begin, begin_scripted, incarnation
from stage import SLOW

CHUNKS = 30
FEW = 3
BRIEFLY_S = 1.5  # nobody is given up
LONG_S = 6.5     # whoever is silent for five seconds is
HEAD_MS = 8500   # of calls that have no HEAD when that is over


def stopped(name, seconds):
    """While streams are under way and others have no HEAD yet: all may wait, and nobody loses anything."""
    def scenario(make):
        stage = make(upstreams=2, frontends=2)
        with begin_scripted(stage, 40, chunks=CHUNKS, pace_ms=40) as running, \
                begin_scripted(stage, 10, chunks=FEW, first_ms=int(BRIEFLY_S * 1000)) as quiet:
            running.wait_events(3, 10 * SLOW)
            stage.wait("the provider is asked for all", lambda: stage.sim.total() == 50)
            stage.stop(name)
            time.sleep(seconds)
            stage.cont(name)
            for stream in running.join(20 * SLOW):
                stream.assert_numbered(CHUNKS)
            for stream in quiet.join(20 * SLOW):
                stream.assert_numbered(FEW)
        with begin_scripted(stage, 10, chunks=FEW) as later:
            for stream in later.join(20 * SLOW):
                stream.assert_numbered(FEW)
        assert stage.sim.total() == 60
        assert_exactly_once(stage)
    return scenario


def balancer_for_long(make):
    """It wakes to find that nobody has spoken to it for longer than the living are silent; that is its own fault, and the
    calls that it has placed are still where they were."""
    stage = make(upstreams=2)
    with begin_scripted(stage, 20, chunks=FEW, first_ms=HEAD_MS) as placed:
        stage.wait("the provider is asked for all", lambda: stage.sim.total() == 20)
        stage.stop("balancer")
        with begin_scripted(stage, 20, chunks=FEW) as waiting:
            time.sleep(LONG_S)
            assert stage.sim.total() == 20
            stage.cont("balancer")
            for stream in waiting.join(20 * SLOW):
                stream.assert_numbered(FEW)
            assert_one_place(stage, 20)
        for stream in placed.join(20 * SLOW):
            stream.assert_numbered(FEW)
    assert stage.sim.total() == 40
    assert_exactly_once(stage)


def upstream_before_head(make):
    """Its calls move to the other one. When it wakes, the provider's answers to them are there already, while the clients
    still wait for those to the newer offers: the old ones must reach nobody."""
    stage = make(upstreams=2)
    stage.sim.script(text="an old answer", first_ms=2000, times=20)
    with begin(stage, [ask("which one?")] * 20) as streams:
        stage.wait("the provider is asked for all", lambda: stage.sim.total() == 20)
        mine = incarnation(stage, "upstream-0")
        moving = sum(line["event"] == "dump.call" and line["upstream"] == mine for line in stage.dump("balancer")["balancer"])
        assert 0 < moving < 20
        stage.sim.script(text="a new answer", first_ms=3000)
        stage.stop("upstream-0")
        stage.wait("its calls are run by the other", lambda: stage.sim.total() == 20 + moving, 10)
        assert len(streams.open()) == moving
        stage.cont("upstream-0")
        stage.wait("it is told to forget its calls", lambda: not any(
            line["event"] == "dump.call" for line in stage.dump("upstream-0")["upstream-0"]), 2.5)
        assert len(streams.open()) == moving
        assert_one_place(stage, moving)
        texts = [stream.text for stream in streams.join(20 * SLOW) if stream.is_whole]
    assert (texts.count("a new answer"), texts.count("an old answer")) == (moving, 20 - moving), texts
    assert stage.sim.total() == 20 + moving
    assert_exactly_once(stage)
    assert stage.chat("is it of use again?").status == 200


def upstream_in_the_middle(make):
    """Its streams have begun, so nobody else can go on with them: they wait for it."""
    stage = make(upstreams=2)
    with begin_scripted(stage, 50, chunks=CHUNKS, pace_ms=50) as streams:
        streams.wait_events(3, 10 * SLOW)
        stage.stop("upstream-0")
        time.sleep(LONG_S)
        assert 0 < len(streams.open()) < 50
        with begin_scripted(stage, 10, chunks=FEW) as later:  # go to the other one
            for stream in later.join(10 * SLOW):
                stream.assert_numbered(FEW)
        stage.cont("upstream-0")
        for stream in streams.join(20 * SLOW):
            stream.assert_numbered(CHUNKS)
    assert stage.sim.total() == 60
    assert_exactly_once(stage)


SCENARIOS = {
    "balancer, with calls placed and calls waiting": balancer_for_long,
    "upstream, before the HEAD": upstream_before_head,
    "upstream, in the middle of its answers": upstream_in_the_middle,
    "frontend, for long": stopped("frontend-0", LONG_S),
    "recorder, for long": stopped("recorder", LONG_S),
} | {f"{name}, briefly": stopped(name, BRIEFLY_S)
     for name in ("frontend-0", "balancer", "upstream-0", "recorder", "store", "admin")}

outcomes = Scenarios(SCENARIOS).fixture()


@pytest.mark.parametrize("name", [
    name if "briefly" in name or "before" in name else pytest.param(name, marks=pytest.mark.release_only)
    for name in SCENARIOS])
def test_a_process_is_stopped_and_continued(outcomes, name):
    outcomes(name)
