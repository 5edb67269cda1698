# SPDX-License-Identifier: Apache-2.0
"""A short soak (tests/soak/run.py; `make soak` is the long one): what it counts and checks is right, with a kill every few
seconds."""
import sys
import time
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "soak"))

from client import Stream  # noqa: E402
from figures import MIB, Figures, idle_complaints  # noqa: E402
from load import Kills, Tally, judge  # noqa: E402
from run import soak  # noqa: E402

MINUTES = 0.6
LOST = '{"error":{"code":"answer_lost","message":"…"}}'


def figures_of(path, memory, life=lambda second: 1):
    """Of twenty minutes, a line every ten seconds."""
    figures = Figures(path)
    figures.lines = [{"s": second, "processes": {"upstream-0": {"pid": life(second), "pss": memory(second) * MIB}}}
                     for second in range(0, 1200, 10)]
    return figures


@pytest.mark.parametrize("what, memory, life, count", [
    ("flat after it has warmed up", lambda s: 5 + min(s, 50) / 20, lambda s: 1, 0),
    ("grows in one life", lambda s: 5 + s / 80, lambda s: 1, 2),
    ("grows in one life of three", lambda s: 5 + s / 100 if s < 400 else 9 + (s - 400) / 1600, lambda s: s // 400, 1),
    ("is killed often, and each time starts larger", lambda s: 5 + s / 80, lambda s: s // 100, 1),
    ("is killed often", lambda s: 5 + s % 100 / 50, lambda s: s // 100, 0),
])
def test_memory_that_grows_is_complained_of(tmp_path, what, memory, life, count):
    assert len(figures_of(tmp_path / "f", memory, life).complaints()) == count, what


def test_what_is_left_of_the_load_is_complained_of():
    before = {"frontend-0": {"fds": 30, "threads": 3}, "simulator": {"fds": 9, "threads": 1}}
    after = {"frontend-0": {"fds": 45, "threads": 3}, "simulator": {"fds": 99, "threads": 1}}
    assert idle_complaints(before, before) == []
    assert len(idle_complaints(before, after)) == 1


def ended(kind_chunks=20, **rest):
    """A stream that has just ended."""
    now = time.monotonic()
    events = ['{"choices":[{"delta":{"content":"[%d]"}}]}' % number for number in range(kind_chunks)]
    return Stream(**{"status": 200, "events": events, "began": now - 1, "ended": now, "ending": "end", "done": True} | rest)


@pytest.mark.parametrize("stream, killed, explained, blamed", [
    (ended(), None, 0, 0),
    (ended(19), None, 0, 1),                                    # ended as if all were well
    (ended(5, ending="cut", done=False), "frontend", 1, 0),
    (ended(5, ending="cut", done=False), "upstream", 0, 1),     # of this an error event must tell
    (ended(5, ending="cut", done=False), None, 0, 1),
    (ended(5, status=0, ending="failed: …", done=False), "balancer", 0, 1),
    (ended(0, events=[LOST], done=False), "upstream", 1, 0),
    (ended(0, events=[LOST], done=False), "frontend", 0, 1),
    (ended(0, status=503, gathered=bytearray(b"{}"), done=False), "upstream", 0, 1),
    (ended(0, ending="hung up", done=False), None, 0, 0),
])
def test_only_what_a_kill_explains_is_allowed(stream, killed, explained, blamed):
    kills, tally = Kills(), Tally()
    if killed:
        kills.add(killed)
    judge(stream, "stream", kills, tally)
    assert (sum(tally.explained.values()), len(tally.unexplained)) == (explained, blamed), tally.unexplained


@pytest.mark.slow
@pytest.mark.alone
def test_kills_under_load_break_no_more_than_they_must(tmp_path):
    assert soak(tmp_path / "soak", MINUTES, tmp_path, gap_seconds=4, line_seconds=6) == []
