# SPDX-License-Identifier: Apache-2.0
"""The quota books, against a simulator that counts by project and model."""
import pytest

from stage import SLOW

KEYS = 3


@pytest.mark.short
def test_once_limits_are_known_nothing_is_refused_and_no_client_hears_of_them(stage_of):
    stage = stage_of(keys=[f"key-ok-{i}" for i in range(KEYS)], database=False, admin=False,
                     env={"QUOTA_MINUTE": "1", "QUOTA_SPREAD": "500ms", "QUEUE_WAIT": "60", "TIME_OUT": "60", "MAX_RETRIES": "3"})
    stage.sim.quota(rpm=5, minute_ms=1000)
    for stream in stage.streams(30, text="hello").join(60 * SLOW):
        assert stream.is_whole, (stream.status, stream.body)
    refused = stage.sim.refused()
    assert refused >= 1, "the simulator has counted nothing"
    for stream in stage.streams(60, text="hello").join(60 * SLOW):
        assert stream.is_whole, (stream.status, stream.body)
    assert stage.sim.refused() == refused


@pytest.mark.short
def test_limits_that_are_declared_are_never_passed(stage_of):
    keys = [f"key-projectA-{i}" for i in range(2)] + ["key-ok-3"]
    stage = stage_of(keys=keys, database=False, admin=False,
                     env={"QUOTA_MINUTE": "1", "QUOTA_SPREAD": "500ms", "QUEUE_WAIT": "60", "TIME_OUT": "60",
                          "KEY_PROJECTS": "a,a,-", "MODEL_LIMITS": "gemini-*=5/0/0"})
    stage.sim.quota(rpm=5, minute_ms=1000)
    for stream in stage.streams(30, text="hello").join(60 * SLOW):
        assert stream.is_whole, (stream.status, stream.body)
    assert stage.sim.refused() == 0


@pytest.mark.short
def test_after_a_kill_the_balancer_knows_what_it_has_spent(stage_of):
    stage = stage_of(keys=[f"key-ok-{i}" for i in range(KEYS)], database=False, admin=False,
                     env={"QUOTA_MINUTE": "60", "QUOTA_SPREAD": "1", "QUEUE_WAIT": "1", "MODEL_LIMITS": "gemini-*=0/0/4"})
    for _ in range(2 * KEYS):
        assert stage.chat("hello").status == 200
    stage.restart("balancer")
    answers = [stage.chat("hello").status for _ in range(4 * KEYS)]
    assert answers.count(200) == 2 * KEYS, answers
    assert stage.sim.total() == 4 * KEYS
