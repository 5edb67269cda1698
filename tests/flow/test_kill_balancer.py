# SPDX-License-Identifier: Apache-2.0
"""The balancer is killed at every protocol step of a call, twice in a row, and together with an upstream. The provider is
asked as often as the call's script says and no oftener, and the client gets its whole answer.

The steps are not listed here: a first run at LOG_LEVEL=TRACE shows which trace points a call, and the recovery after a
kill, really pass. Each scenario has a stage of its own; they run side by side.
"""
import pytest

from recovery import CHUNKS, KEYS, LONG_MS, REKEY, STREAM, WHOLE, Scenarios, assert_complete, assert_exactly_once, \
    assert_one_place, begin, begin_scripted, meets_its_step, script_keys, steps_of, wait_pairs
from stage import SLOW

TRACE = {"LOG_LEVEL": "TRACE"}


def set_up(make, **rest):
    stage = make(keys=KEYS, admin=False, **rest)
    script_keys(stage)
    return stage


# ----------------------------------------------------------------------------------------------------------- the steps

def letters(stage, event):
    return [line["letter"] for line in stage.log("balancer", event)]


def is_recovered(stage):
    """Frontend and upstream have told their lists: nothing of the handshake follows."""
    come = [letter.split()[0] for letter in letters(stage, "message.in")]
    gone = [letter.split()[0] for letter in letters(stage, "message.out")]
    return come.count("READY") == 2 and come.count("SEES") >= 2 and "KNOWN_END" in gone  # of one upstream


def is_settled(stage, count):
    """So many outcomes came, and the last is acknowledged."""
    come = [letter.split()[1] for letter in letters(stage, "message.in") if letter.startswith("OUTCOME")]
    gone = [letter.split()[1] for letter in letters(stage, "message.out") if letter.startswith("SETTLED")]
    return len(come) >= count and gone and gone[-1] == come[-1]


def steps_of_call(stage, kind):
    """What a balancer passes from the call's first letter to its last."""
    stage.restart("balancer", env=TRACE)
    stage.wait("the balancer has its peers' lists", lambda: is_recovered(stage))
    before = len(steps_of(stage.log("balancer")))
    [stream] = begin(stage, [kind.ask(0)]).join(10 * SLOW)
    assert_complete(stream, CHUNKS)
    stage.wait("all is settled", lambda: is_settled(stage, kind.attempts))
    return steps_of(stage.log("balancer"))[before:]


def steps_of_recovery(stage, kind, first_kill):
    """What the second balancer passes from its start to the call's end."""
    stage.restart("balancer", kill_at=first_kill)
    with begin(stage, [kind.ask(LONG_MS)]) as streams:
        stage.wait_dead("balancer")
        stage.start("balancer", env=TRACE)
        [stream] = streams.join(15 * SLOW)
    assert_complete(stream, CHUNKS)
    stage.wait("all is settled", lambda: is_settled(stage, 1))
    return steps_of(stage.log("balancer"))


# ------------------------------------------------------------------------------------------------------------ the cases

def run(stage, kind, kills, first_ms=LONG_MS, upstream=None):
    """One call, during which balancers die at these steps, one after the other. `upstream`: it is killed as well, and is
    back "before" the balancer or "after" it. Returns whether the last step was met."""
    told = f"{kind.name} {kills} {first_ms} {upstream}"
    before, is_met = stage.sim.total(), True
    stage.restart("balancer", kill_at=kills[0])
    with begin(stage, [kind.ask(first_ms)]) as streams:
        stage.wait_dead("balancer")
        for kill_at in kills[1:]:
            stage.start("balancer", kill_at)
            if not meets_its_step(stage, "balancer", streams):
                is_met = False
                break
        else:
            revive(stage, upstream)
        [stream] = streams.join(15 * SLOW)
    count = stage.sim.total() - before
    try:
        if upstream and stream.events and stream.errors:
            stream.assert_honest(CHUNKS)  # it had begun, and its upstream is dead
        else:
            assert_complete(stream, CHUNKS)
        if upstream:
            assert kind.attempts <= count <= 2 * kind.attempts, f"the provider was asked {count} times"
        else:
            assert count == kind.attempts, f"the provider was asked {count} times"
    except AssertionError as reason:
        raise AssertionError(f"{told}: {reason}") from None
    return is_met


def revive(stage, upstream):
    if upstream:
        stage.kill("upstream")
    if upstream == "before":
        stage.start("upstream")
    stage.start("balancer")
    if upstream == "after":
        stage.start("upstream")


def once(kind, first_ms):
    """Killed at each step of the call."""
    def scenario(make):
        stage = set_up(make)
        steps = steps_of_call(stage, kind)
        assert {"recv.CALL:1", "post.JOB:1", "sent.JOB:1", "recv.OUTCOME:1", "sent.SETTLED:1"} <= set(steps), steps
        assert kind is not REKEY or "sent.REKEY:1" in steps, steps
        for step in steps:
            run(stage, kind, [step], first_ms)
        assert_exactly_once(stage)
    return scenario


def twice(kind, first_kill, must_pass, **rest):
    """Killed at this step, and its successor at each step of the recovery."""
    def scenario(make):
        stage = set_up(make, **rest)
        steps = steps_of_recovery(stage, kind, first_kill)
        assert {"recv.HELLO:2", "sent.WELCOME:2", "recv.READY:2", "post.KNOWN_END:1", *must_pass} <= set(steps), steps
        missed = [step for step in steps if not run(stage, kind, [first_kill, step])]
        assert len(missed) <= len(steps) // 4, missed
        assert_exactly_once(stage)
    return scenario


def with_upstream(kind, first_ms):
    """Killed at each step of the call, and the upstream at the same time."""
    def scenario(make):
        stage = set_up(make)
        for i, step in enumerate(steps_of_call(stage, kind)):
            run(stage, kind, [step], first_ms, ("before", "after")[i % 2])
        assert_exactly_once(stage, may_lose=True)
    return scenario


HELD = ["recv.HELD:1", "sent.KNOWN:1"]
SCENARIOS = {
    "once, a stream that is answered at once": once(STREAM, 0),
    "once, a stream that takes its time": once(STREAM, LONG_MS),
    "once, an answer that is no stream": once(WHOLE, LONG_MS),
    "once, a call with a faulty key": once(REKEY, 0),
    "twice, the call offered": twice(STREAM, "recv.CALL:1", ["sent.JOB:1"]),
    "twice, the call placed": twice(STREAM, "sent.JOB:1", HELD, upstreams=2),
    "twice, the call placed and not a stream": twice(WHOLE, "sent.JOB:1", HELD),
    "twice, a key asked for": twice(REKEY, "recv.OUTCOME:1", HELD + ["sent.REKEY:1"]),
    "twice, a key given": twice(REKEY, "sent.REKEY:1", HELD),
    "with the upstream, a stream": with_upstream(STREAM, LONG_MS),
    "with the upstream, a stream that has begun": with_upstream(STREAM, 0),
    "with the upstream, a call with a faulty key": with_upstream(REKEY, 0),
}

outcomes = Scenarios(SCENARIOS).fixture()


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.release_only) if name.startswith("twice") else name
    for name in SCENARIOS])
def test_a_killed_balancer_runs_no_call_twice_and_loses_none(outcomes, name):
    outcomes(name)


# ------------------------------------------------------------------------------------------------------ many at a time

@pytest.mark.short
def test_streams_go_on_without_a_balancer_and_waiting_calls_are_run_once(stage_of):
    stage = stage_of(upstreams=2)
    wait_pairs(stage)
    with begin_scripted(stage, 20, chunks=20, pace_ms=20) as running, \
            begin_scripted(stage, 20, chunks=3, first_ms=3000) as placed:
        running.wait_events(3, 10 * SLOW)
        stage.wait("the provider is asked for all", lambda: stage.sim.total() == 40)
        stage.kill("balancer")
        with begin_scripted(stage, 20, chunks=3, first_ms=500) as waiting:
            for stream in running.join(20 * SLOW):  # to their end, with no balancer there
                stream.assert_numbered(20)
            stage.wait("the waiting calls are held back", lambda: sum(
                line["state"] == "held_back" for line in stage.dump("frontend")["frontend-0"]
                if line["event"] == "dump.call") == 20)
            assert_one_place(stage, 40)
            stage.start("balancer")
            stage.wait("the provider is asked for the rest", lambda: stage.sim.total() >= 60)
            assert_one_place(stage)
            for stream in placed.join(20 * SLOW) + waiting.join(20 * SLOW):
                stream.assert_numbered(3)
    assert stage.sim.total() == 60
    assert_exactly_once(stage)


def test_a_call_that_ends_while_its_frontend_waits_for_the_list_is_in_it(stage_of):
    """The new balancer hears that the call is held, then that it is over; and its frontend, which has read nothing of the
    answer, must still find it in the list, or it would offer it again."""
    stage = stage_of(upstreams=2, start=False)
    for name in stage.names():
        if name != "upstream-1":
            stage.start(name)
    stage.wait_ready()
    with begin_scripted(stage, 10, chunks=3, first_ms=1500) as streams:
        stage.wait("the provider is asked for all", lambda: stage.sim.total() == 10)
        stage.start("upstream-1")
        wait_pairs(stage)
        stage.kill("balancer")
        stage.stop("upstream-1")  # its report is waited for, for two seconds
        stage.start("balancer", env=TRACE)
        stage.wait("the frontend has told its list", lambda: "READY" in [
            line["letter"] for line in stage.log("balancer", "message.in") if line["box"] == "front"])
        stage.stop("frontend")
        stage.wait("all calls have ended", lambda: sum(
            letter.startswith("OUTCOME") for letter in letters(stage, "message.in")) == 10)
        assert "KNOWN_END" not in letters(stage, "message.out")
        stage.wait("the list is told", lambda: "KNOWN_END" in letters(stage, "message.out"))
        assert sum(letter.startswith("KNOWN ") for letter in letters(stage, "message.out")) == 10
        stage.cont("frontend")
        stage.cont("upstream-1")
        for stream in streams.join(10 * SLOW):
            stream.assert_numbered(3)
    assert stage.sim.total() == 10
    assert_exactly_once(stage)
