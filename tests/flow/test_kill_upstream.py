# SPDX-License-Identifier: Apache-2.0
"""An upstream is killed: answers that it had begun end in an explicit error, never as if all were well; calls that it had
not begun to answer get their whole answer from another one, or from the next when it was the only one."""
import pytest

from recovery import CHUNKS as STEPS, KEYS, REKEY, STREAM, WHOLE, Scenarios, answering, assert_complete, \
    assert_exactly_once, assert_one_place, begin, begin_scripted, incarnation, meets_its_step, script_keys, steps_of, wait_forgotten, \
    wait_pairs
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
    stage.prove_keys()
    before = stage.sim.total()
    with begin_scripted(stage, 20, chunks=FEW, first_ms=700) as calls:
        for i in range(5):
            stage.wait("it has asked the provider for all", lambda: stage.sim.total() == before + 20 * (i + 1))
            stage.kill("upstream-0")
            stage.start("upstream-0")
        for stream in calls.join(20 * SLOW):
            stream.assert_numbered(FEW)
    assert stage.sim.total() == before + 120
    rows = assert_exactly_once(stage, may_lose=True)
    assert sum(row["fault"] == "lost" for row in rows) == 100
    assert {row["attempt"] for row in rows} == set(range(1, 7))


# ------------------------------------------------------------------------------------------------------- at every step

def steps_of_call(stage, kind, name):
    """What this process passes from the call's first letter to its last."""
    stage.restart(name, env={"LOG_LEVEL": "TRACE"})
    stage.wait_ready()
    wait_pairs(stage)
    before = len(steps_of(stage.log(name)))
    [stream] = begin(stage, [kind.ask(0)]).join(10 * SLOW)
    assert_complete(stream, STEPS)
    wait_forgotten(stage)
    return steps_of(stage.log(name))[before:]


def at_each_step(kind, name, must_pass):
    """It is killed at each step of a call: the client has all of the answer, or an error that says that it broke off. In
    particular no call is left where nobody would ever move it."""
    def scenario(make):
        stage = make(keys=KEYS, admin=False, env={"MAX_RETRIES": 6})
        script_keys(stage)
        steps = steps_of_call(stage, kind, name)
        assert must_pass <= set(steps), steps
        missed = []
        for step in steps:
            stage.restart("balancer")  # takes the keys in their order again
            stage.restart(name, kill_at=step)
            if name == "frontend":
                stage.wait_log(name, "frontend.listening")
            with begin(stage, [kind.ask(0)]) as streams:
                if meets_its_step(stage, name, streams):
                    stage.start(name)
                else:
                    missed.append(step)
                [stream] = streams.join(10 * SLOW)
            try:
                check(stream, name)
            except AssertionError as reason:
                raise AssertionError(f"{name} killed at {step}: {reason}") from None
        assert len(missed) <= len(steps) // 4, missed
        assert_exactly_once(stage, may_lose=True)
    return scenario


def check(stream, name):
    if name == "frontend":
        assert stream.ending != "end" or stream.done or b"content" in stream.body
        stream.assert_honest(STEPS)
    elif stream.errors or stream.status != 200:
        assert b"answer_lost" in stream.body or stream.error["code"] == "answer_lost", (stream.status, stream.body)
        stream.assert_honest(STEPS)
    else:
        assert_complete(stream, STEPS)


ANSWERED = {"recv.JOB:1", "sent.HEAD:1", "post.CHUNK:1", "sent.END:1", "sent.OUTCOME:1", "recv.ACK:1", "sent.RECORD:1"}
SCENARIOS = {
    "upstream, a stream": at_each_step(STREAM, "upstream", ANSWERED),
    "upstream, an answer that is no stream": at_each_step(WHOLE, "upstream", ANSWERED),
    "upstream, a call with a faulty key": at_each_step(REKEY, "upstream", ANSWERED | {"recv.REKEY:1", "sent.OUTCOME:2"}),
    "frontend, a stream": at_each_step(STREAM, "frontend", {"sent.CALL:1", "recv.HEAD:1", "recv.END:1", "sent.ACK:1"}),
}

outcomes = Scenarios(SCENARIOS).fixture()


@pytest.mark.parametrize("name", SCENARIOS)
def test_it_is_killed_at_each_step_of_a_call(outcomes, name):
    outcomes(name)
