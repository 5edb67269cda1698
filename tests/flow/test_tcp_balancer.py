# SPDX-License-Identifier: Apache-2.0
"""The tcp connection between an upstream or a frontend and its balancer is cut in the middle of a conversation, while both
live: what was on its way (CALL, REFUSED; JOB, REKEY, SETTLED) is lost with it. No call waits for its deadline because of
that, none fails and none runs twice."""
import time

from relay import Relay
from stage import SLOW
from test_tcp_road import free_port

FAULTY_MODEL = "gemini-2.5-pro"  # of which one of the two keys knows nothing: a call of it needs a REKEY
STEP = 37                        # every so many bytes


def test_a_cut_between_upstream_and_balancer_holds_up_no_call(stage_of):
    port = free_port(2)  # upstreams are at the second
    with Relay(port + 1) as relay:
        stage = stage_of(start=False, ready=False, database=False, admin=False, keys=["key-ok-1", "key-ok-2"],
                         env={"BALANCER_ENDPOINTS": f"tcp://127.0.0.1:{port}", "TIME_OUT": "20"})
        for name in ("simulator", "recorder", "balancer", "frontend-0"):
            stage.start(name)
        stage.sim.script(model=FAULTY_MODEL, key="key-ok-1", error_status=500)
        stage.start("upstream-0", env={"BALANCER_ENDPOINTS": f"tcp://127.0.0.1:{relay.port - 1}"})
        stage.wait_ready()
        for way in ("up", "down"):
            begun = relay.passed(way)
            assert [stage.chat("x", model=FAULTY_MODEL).status for _ in range(2)] == [200, 200]
            for at in range(5, relay.passed(way) - begun, STEP):
                cut_at(stage, relay, way, at)


def cut_at(stage, relay, way, at):
    told = f"cut after {at} bytes {way}"
    relay.cut_after(way, at)
    for _ in range(2):  # the keys take turns: one of two calls needs another key
        begun = time.monotonic()
        answer = stage.chat("hello", model=FAULTY_MODEL)
        took = time.monotonic() - begun
        assert answer.status == 200, f"{told}: {answer.status} {answer.text}"
        assert took < 3 * SLOW, f"{told}: a call took {took:.1f} s"
    relay.cut_after(way, 0)
    stage.wait("they are connected again", lambda: relay.flows)


def test_a_cut_between_frontend_and_balancer_loses_no_call_and_runs_none_twice(stage_of):
    port = free_port(2)
    with Relay(port) as relay:
        stage = stage_of(start=False, ready=False, database=False, admin=False,
                         env={"BALANCER_ENDPOINTS": f"tcp://127.0.0.1:{port}", "TIME_OUT": "20"})
        for name in ("simulator", "recorder", "balancer", "upstream-0"):
            stage.start(name)
        stage.start("frontend-0", env={"BALANCER_ENDPOINTS": f"tcp://127.0.0.1:{relay.port}"})
        stage.wait_ready()
        for way in ("up", "down"):
            begun = relay.passed(way)
            assert stage.chat("x").status == 200
            for at in range(5, max(relay.passed(way) - begun, 6 * STEP), STEP):
                calls = stage.sim.total()
                relay.cut_after(way, at)
                begun_s = time.monotonic()
                answer = stage.chat("hello")
                assert answer.status == 200, f"cut after {at} bytes {way}: {answer.status} {answer.text}"
                assert time.monotonic() - begun_s < 3 * SLOW, f"cut after {at} bytes {way}"
                assert stage.sim.total() == calls + 1, f"cut after {at} bytes {way}"
                relay.cut_after(way, 0)
                stage.wait("they are connected again", lambda: relay.flows)
