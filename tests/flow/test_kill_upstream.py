# SPDX-License-Identifier: Apache-2.0
"""An upstream is killed: answers that it had begun end in an explicit error, never as if all were well; calls that it had
not begun to answer get their whole answer from another one, or from the next when it was the only one."""
import pytest

from recovery import answering, assert_exactly_once, assert_one_place, begin_scripted, incarnation, wait_pairs
from stage import SLOW

CHUNKS = 30
FEW = 3


@pytest.mark.short
def test_the_killed_ones_answers_end_in_an_error_and_its_other_calls_move(stage_of):
    stage = stage_of(upstreams=2, frontends=2)
    wait_pairs(stage)
    with begin_scripted(stage, 25, chunks=CHUNKS, pace_ms=50) as begun, \
            begin_scripted(stage, 25, chunks=FEW, first_ms=1500) as quiet:
        begun.wait_events(3, 10 * SLOW)
        stage.wait("the provider is asked for all", lambda: stage.sim.total() == 50)
        doomed = answering(stage, incarnation(stage, "upstream-0"))
        assert 0 < doomed < 25  # both upstreams have some
        stage.kill("upstream-0")
        stage.start("upstream-0")
        for stream in quiet.join(20 * SLOW):
            stream.assert_numbered(FEW)
        ended = begun.join(20 * SLOW)
    broken = [stream for stream in ended if stream.errors]
    assert len(broken) == doomed
    for stream in ended:
        stream.assert_numbered(CHUNKS) if stream not in broken else stream.assert_honest(CHUNKS)
    assert {stream.error["code"] for stream in broken} == {"answer_lost"}
    assert 50 < stage.sim.total() <= 75
    assert_exactly_once(stage, may_lose=True)


def test_an_answer_that_is_no_stream_breaks_off_with_a_status(stage_of):
    """Its HEAD had come, but nothing of it had reached the client."""
    stage = stage_of()
    with begin_scripted(stage, 5, stream=False, reply_bytes=2_000_000, split=1000, split_ms=5) as calls:
        stage.wait("all are being answered", lambda: answering(stage, incarnation(stage, "upstream-0")) == 5)
        stage.kill("upstream-0")
        for call in calls.join(20 * SLOW):
            assert call.status == 502 and b'"answer_lost"' in call.body, (call.status, call.body[:300])
    stage.start("upstream-0")
    assert stage.chat("after that").status == 200


def test_later_calls_wait_for_the_only_upstream_to_come_back(stage_of):
    stage = stage_of(upstreams=1)
    with begin_scripted(stage, 10, chunks=CHUNKS, pace_ms=50) as begun, \
            begin_scripted(stage, 10, chunks=FEW, first_ms=2000) as quiet:
        begun.wait_events(3, 10 * SLOW)
        stage.wait("the provider is asked for all", lambda: stage.sim.total() == 20)
        stage.kill("upstream-0")
        for stream in begun.join(10 * SLOW):
            stream.assert_honest(CHUNKS)
            assert stream.error["code"] == "answer_lost"
        with begin_scripted(stage, 10, chunks=FEW) as later:
            assert_one_place(stage, 20)
            stage.start("upstream-0")
            for stream in quiet.join(20 * SLOW) + later.join(20 * SLOW):
                stream.assert_numbered(FEW)
    assert_exactly_once(stage, may_lose=True)


def test_it_is_killed_again_and_again(stage_of):
    """Five times, as soon as it has work again."""
    stage = stage_of(upstreams=1)
    with begin_scripted(stage, 20, chunks=FEW, first_ms=700) as calls:
        for i in range(5):
            stage.wait("it has asked the provider for all", lambda: stage.sim.total() == 20 * (i + 1))
            stage.kill("upstream-0")
            stage.start("upstream-0")
        for stream in calls.join(20 * SLOW):
            stream.assert_numbered(FEW)
    assert stage.sim.total() == 120
    rows = assert_exactly_once(stage, may_lose=True)
    assert sum(row["fault"] == "lost" for row in rows) == 100
    assert {row["attempt"] for row in rows} == set(range(1, 7))
