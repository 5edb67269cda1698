# SPDX-License-Identifier: Apache-2.0
"""A frontend is killed: only its own connections break, and what ran for them is cancelled. And processes that no stream
needs are killed under streams: recorder, store, admin, balancer. Every chunk arrives."""
import pytest

from recovery import assert_exactly_once, begin_scripted, wait_pairs
from stage import SLOW

CHUNKS = 30
FEW = 3


def open_calls(stage, name):
    return sum(line["event"] == "dump.call" for line in stage.dump(name)[name])


@pytest.mark.short
def test_only_the_killed_frontends_connections_break(stage_of):
    stage = stage_of(frontends=2, upstreams=2)
    wait_pairs(stage)
    with begin_scripted(stage, 40, chunks=CHUNKS, pace_ms=40) as running, \
            begin_scripted(stage, 10, chunks=FEW, first_ms=800) as quiet:
        running.wait_events(3, 10 * SLOW)
        stage.wait("the provider is asked for all", lambda: stage.sim.total() == 50)
        own = open_calls(stage, "frontend-0")
        assert 0 < own < 50
        stage.kill("frontend-0")
        stage.wait("what ran for it is cancelled at the provider", lambda: stage.sim.counts()["cancelled"] == own)
        stage.start("frontend-0")
        ended = running.join(20 * SLOW) + quiet.join(20 * SLOW)
    broken = [stream for stream in ended if stream.ending != "end"]
    assert len(broken) == own
    for stream in ended:
        count = CHUNKS if stream in running.all else FEW
        stream.assert_numbered(count) if stream not in broken else stream.assert_honest(count)
    assert stage.sim.total() == 50
    rows = assert_exactly_once(stage)
    assert sum(row["fault"] == "client_gone" for row in rows) == own
    stage.wait("the new one takes calls", lambda: stage.chat("hello").status == 200 and stage.log("frontend-0", "call.done"))


@pytest.mark.parametrize("name", ["recorder", "store", "admin", "balancer"])
def test_no_stream_notices_that_it_is_killed(stage_of, name):
    stage = stage_of(frontends=2, upstreams=2)
    wait_pairs(stage)
    with begin_scripted(stage, 40, chunks=CHUNKS, pace_ms=40) as running, \
            begin_scripted(stage, 10, chunks=FEW, first_ms=800) as quiet:
        running.wait_events(3, 10 * SLOW)
        stage.wait("the provider is asked for all", lambda: stage.sim.total() == 50)
        for _ in range(3):
            stage.kill(name)
            with begin_scripted(stage, 10, chunks=FEW) as later:
                if name != "balancer":  # whoever is killed, new calls need nobody but a balancer
                    later.join(10 * SLOW)
                stage.start(name)
                for stream in later.join(10 * SLOW):
                    stream.assert_numbered(FEW)
        for stream in running.join(20 * SLOW):
            stream.assert_numbered(CHUNKS)
        for stream in quiet.join(20 * SLOW):
            stream.assert_numbered(FEW)
    assert stage.sim.total() == 80
    assert_exactly_once(stage)
