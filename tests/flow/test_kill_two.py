# SPDX-License-Identifier: Apache-2.0
"""Two processes are killed 200 ms apart, the first one back by then: each pair, in both orders. A stream ends whole or in
an explicit error, later calls succeed, and the books are right."""
import itertools
import time

import pytest

from recovery import Scenarios, assert_exactly_once, assert_one_place, begin_scripted
from stage import SLOW

APART_S = 0.2
CHUNKS = 20
FEW = 3
NAMES = ["balancer", "upstream-0", "frontend-0", "recorder", "store"]
PAIRS = [*itertools.permutations(NAMES, 2), ("upstream-0", "upstream-1"), ("upstream-0", "upstream-0"),
         ("balancer", "balancer"), ("admin", "balancer")]


def pairs(of):
    """One stage for all pairs that begin with this one; each starts with what the one before has left."""
    def scenario(make):
        stage = make(upstreams=2, frontends=2)
        for first, second in of:
            with begin_scripted(stage, 16, chunks=CHUNKS, pace_ms=30) as running, \
                    begin_scripted(stage, 8, chunks=FEW, first_ms=500) as quiet:
                running.wait_events(2, 10 * SLOW)
                stage.kill(first)
                stage.start(first)
                time.sleep(APART_S)
                stage.kill(second)
                stage.start(second)
                with begin_scripted(stage, 8, chunks=FEW, first_ms=200) as later:
                    check(stage, {first, second}, running, quiet, later)
        assert_exactly_once(stage, may_lose=True)
    return scenario


def check(stage, killed, running, quiet, later):
    told = f"killed: {killed}"
    assert_one_place(stage)
    upstreams, frontend = {name for name in killed if name.startswith("upstream")}, "frontend-0" in killed
    for streams, count in ((running, CHUNKS), (quiet, FEW), (later, FEW)):
        for stream in streams.join(20 * SLOW):
            if frontend and streams is not later and stream.ending != "end":
                stream.assert_honest(count)  # it was the killed frontend's
            elif upstreams and stream.events and stream.errors:
                assert stream.error["code"] == "answer_lost", told
                stream.assert_honest(count)
            else:
                stream.assert_numbered(count)


SCENARIOS = {first: pairs([pair for pair in PAIRS if pair[0] == first]) for first in dict.fromkeys(p[0] for p in PAIRS)}

outcomes = Scenarios(SCENARIOS).fixture()


@pytest.mark.release_only
@pytest.mark.parametrize("name", SCENARIOS)
def test_two_are_killed_one_soon_after_the_other(outcomes, name):
    outcomes(name)
