# SPDX-License-Identifier: Apache-2.0
"""The dispatch protocol, explored whole: a killed balancer never makes a call run twice and never leaves it stuck."""
import pytest

from dispatch import Rules, explore


@pytest.mark.parametrize("kills, at_least", [(1, 1000), (2, 90000)])
def test_a_call_runs_once_and_ends_whatever_is_lost(kills, at_least):
    result = explore(Rules(), kills)
    assert result.states > at_least  # it did explore
    assert result.run_twice is None
    assert result.stuck is None


@pytest.mark.parametrize("rules", [("known",), ("known", "barrier"), ("kept",), ("memorised",)])
def test_without_the_rules_something_breaks(rules):
    result = explore(Rules()._replace(**{rule: False for rule in rules}), 1)
    assert result.run_twice or result.stuck
