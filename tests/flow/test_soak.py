# SPDX-License-Identifier: Apache-2.0
"""A short soak (tests/soak/run.py; `make soak` is the long one): what it counts and checks is right, with a kill every few
seconds."""
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "soak"))

from run import soak  # noqa: E402

MINUTES = 0.6


@pytest.mark.slow
@pytest.mark.alone
def test_kills_under_load_break_no_more_than_they_must(tmp_path):
    assert soak(tmp_path / "soak", MINUTES, tmp_path, gap_seconds=4, line_seconds=6) == []
